//! The integration tests, one target: everything goes through the doors that users have.
mod serve;
mod store;
