//! How lists are printed (config-cli.md §4.2).
use clap::{Args, ValueEnum};
use serde_json::Value;
use std::io::Write as _;

/// In which form.
#[derive(Args, Clone, Debug)]
pub struct Format {
    /// table, json, json-pretty or yaml
    #[arg(long, default_value = "table")]
    format: Kind,
    /// Only the first column
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Table,
    Json,
    JsonPretty,
    Yaml,
}

/// Prints rows as a table, or what `json` makes of them.
pub fn list(
    format: &Format,
    headings: &[&str],
    rows: &[Vec<String>],
    json: impl FnOnce() -> Value,
) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if format.quiet {
        for row in rows {
            writeln!(out, "{}", row.first().map_or("", String::as_str))?;
        }
        return Ok(());
    }
    match format.format {
        Kind::Table => out.write_all(table(headings, rows).as_bytes())?,
        Kind::Json => writeln!(out, "{}", json())?,
        Kind::JsonPretty => writeln!(out, "{:#}", json())?,
        Kind::Yaml => write!(out, "{}", serde_saphyr::to_string(&json())?)?,
    }
    Ok(())
}

/// Every cell is followed by tabs up to the next column; stops are eight apart.
#[must_use]
pub fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let headings: Vec<_> = headings.iter().map(|h| (*h).to_owned()).collect();
    let lines = || std::iter::once(&headings).chain(rows);
    let width = |column: usize| {
        let longest = lines()
            .filter_map(|line| line.get(column))
            .map(|c| c.chars().count())
            .max();
        (longest.unwrap_or(0) / 8 + 1) * 8
    };
    let widths: Vec<_> = (0..headings.len()).map(width).collect();
    let mut out = String::new();
    for line in lines() {
        for (cell, width) in line.iter().zip(&widths) {
            out.push_str(cell);
            out.push_str(&"\t".repeat((width - cell.chars().count()).div_ceil(8)));
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_at_tab_stops() {
        let rows = [vec![
            "20150100000001000000".to_owned(),
            "networks".into(),
            "Pending".into(),
        ]];
        assert_eq!(
            table(&["Version", "Name", "Status"], &rows),
            "Version\t\t\tName\t\tStatus\t\n20150100000001000000\tnetworks\tPending\t\n"
        );
    }
}
