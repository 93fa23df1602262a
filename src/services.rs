//! Built once, at the start: what lives as long as the process.
