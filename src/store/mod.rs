//! Everything that outlives a request: one SQL store on SQLite, PostgreSQL or MySQL.
