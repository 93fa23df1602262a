//! Identity schemas: what an account consists of, and which of its parts identify, verify and recover.
//!
//! [`registry`] gives a schema by its id; [`load`] brings in what it refers to; [`tree`] is its shape with
//! all references resolved, from which [`paths`], [`fields`] and [`extract`] read. Whether a document is
//! valid says the `jsonschema` crate; [`violation`] turns its answers into messages for a form.
pub mod check;
pub mod compile;
pub mod error;
pub mod extension;
pub mod extract;
pub mod fields;
pub mod format;
pub mod load;
pub mod paths;
pub mod payload;
pub mod registry;
mod tree;
pub mod violation;

#[cfg(test)]
mod tests;

pub use compile::IdentitySchema;
pub use error::SchemaError;
pub use extract::{Address, Derived};
pub use payload::{Fields, Payload};
pub use registry::SchemaRegistry;
pub use violation::Violation;
