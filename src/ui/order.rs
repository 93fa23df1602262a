//! The order of nodes in a form (flows.md §1.11).
