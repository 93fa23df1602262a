//! A form is a list of nodes and some messages. Nodes are made by the builder in [`node`], never by hand.
pub mod form;
pub mod node;
pub mod order;

pub use form::Form;
pub use node::{Attributes, Input, InputAttributes, Node};
