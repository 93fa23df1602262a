//! The integration tests, one target: everything goes through the doors that users have.
mod cli;
mod serve;
mod store;
