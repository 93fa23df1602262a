//! The tables have the shape of the reference's.
