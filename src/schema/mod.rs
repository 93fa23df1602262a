//! Identity schemas: load, compile, their fields as form nodes, what they find wrong with traits.
