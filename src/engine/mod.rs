//! Decides: starts flows, asks the methods, runs the hooks, writes. One file per kind of flow.
