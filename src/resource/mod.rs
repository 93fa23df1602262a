//! What a URI in the configuration points to: load, cache, refresh.
