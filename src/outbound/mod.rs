//! Every call to the outside: one guarded HTTP client.
