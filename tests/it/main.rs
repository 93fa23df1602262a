//! The integration tests, one target: everything goes through the doors that users have.
#![expect(unreachable_pub, reason = "what tests share is not for others")]

mod admin;
mod assurance;
mod bodies;
mod browser;
mod ceremonies;
mod cli;
mod code;
mod config;
mod courier;
mod documents;
mod evenness;
mod fuzz;
mod http;
mod identities;
mod jsonnet;
mod layers;
mod login;
mod migrate_hook;
mod pages;
mod passkey;
mod phones;
mod recovery;
mod registration;
mod remote;
mod second_factor;
mod serve;
mod sessions;
mod settings;
mod store;
mod support;
mod terminal;
mod verification;
mod walk;
mod webauthn;
mod words;
