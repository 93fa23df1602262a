//! Every question of the store, on every engine at hand: SQLite always, PostgreSQL and MySQL where `TEST_POSTGRES_URL` and
//! `TEST_MYSQL_URL` name a server on which databases may be made.
mod engines;
mod flows;
mod identities;
mod migrations;
mod parity;
mod budgets;
mod bulk;
mod load;
mod once;
mod phones;
mod plans;
mod queue;
mod sessions;
mod small;
mod takeover;
