//! Translates between HTTP and the engines.
