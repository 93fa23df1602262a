//! The typed configuration: read, merged, checked whole, swapped whole on reload.
pub mod dsn;
