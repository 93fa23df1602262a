//! What an engine, a method and a hook say to each other.
