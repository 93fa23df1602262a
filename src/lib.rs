//! `kratos`: a headless identity server over one SQL store.
//!
//! Modules stand in import order: each may use those above it, never those below
//! (`tests/it/layers.rs` holds everybody to it). `docs/ARCHITECTURE.md` has the map.
#![deny(clippy::print_stdout, clippy::print_stderr)]
pub mod base;
pub mod text;
pub mod ui;
pub mod model;
pub mod config;
pub mod crypto;
pub mod jsonnet;
pub mod outbound;
pub mod telemetry;
pub mod resource;
pub mod store;
pub mod schema;
pub mod identity;
pub mod session;
pub mod courier;
pub mod services;
pub mod flow;
pub mod method;
pub mod hook;
pub mod engine;
pub mod http;
pub mod cli;
