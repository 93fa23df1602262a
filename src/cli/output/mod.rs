//! How the client commands show results (config-cli.md §4.2): as a table, as JSON, as YAML, a part of the JSON, or the
//! first column alone.
mod path;
mod table;

pub(super) use table::{aligned, spaced};

use super::print;
use clap::Args;
use serde_json::Value;
use std::io::Write;

/// Shown where there is no value.
pub(super) const NONE: &str = "<none>";

#[derive(Args, Clone, Debug, Default)]
pub(super) struct OutputArgs {
    /// How to show results: table, json, json-pretty, yaml, jsonpath=PATH (as GJSON writes paths) or jsonpointer=POINTER
    #[arg(long, global = true, default_value = "table", value_name = "FORMAT")]
    format: String,
    /// Only the first column, a line each
    #[arg(short, long, global = true)]
    quiet: bool,
}

/// How results are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// The first column alone, a line each.
    Quiet,
    Table,
    /// One line.
    Json,
    JsonPretty,
    JsonPath(String),
    JsonPointer(String),
    Yaml,
}

impl OutputArgs {
    /// What was asked for. Unknown words mean the table, as in the reference.
    ///
    /// # Errors
    /// A path or a pointer is missing or cannot be read.
    pub(super) fn format(&self) -> anyhow::Result<Format> {
        if self.quiet {
            return Ok(Format::Quiet);
        }
        let (word, part) = match self.format.split_once('=') {
            Some((word, part)) => (word, Some(part.to_owned())),
            None => (self.format.as_str(), None),
        };
        Ok(match (word, part) {
            ("quiet", None) => Format::Quiet,
            ("json", None) => Format::Json,
            ("json-pretty", None) => Format::JsonPretty,
            ("yaml", None) => Format::Yaml,
            ("jsonpath", Some(path)) => Format::JsonPath(path),
            ("jsonpath", None) => anyhow::bail!(
                "the path is missing: --format jsonpath=PATH, written as GJSON writes paths"
            ),
            ("jsonpointer", Some(pointer)) => {
                if !pointer.is_empty() && !pointer.starts_with('/') {
                    anyhow::bail!("a JSON pointer begins with a slash (RFC 6901): {pointer}");
                }
                Format::JsonPointer(pointer)
            }
            ("jsonpointer", None) => anyhow::bail!(
                "the pointer is missing: --format jsonpointer=POINTER, as RFC 6901 has it"
            ),
            ("table", None) => Format::Table,
            _ => {
                print::note(format_args!(
                    "--format {} is not known: this is the table",
                    self.format
                ));
                Format::Table
            }
        })
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }
}

/// One result: a heading and its value on each line of the table.
pub(super) fn row(
    format: &Format,
    header: &[&str],
    columns: Vec<String>,
    json: &Value,
) -> anyhow::Result<()> {
    let mut out = print::out();
    match format {
        Format::Quiet => {
            let first = columns.first().map(String::as_str).unwrap_or_default();
            writeln!(out, "{}", print::tame(first))?;
        }
        Format::Table => {
            let lines: Vec<Vec<String>> = header
                .iter()
                .zip(columns)
                .map(|(name, value)| vec![(*name).to_owned(), value])
                .collect();
            out.write_all(print::tame(&aligned(&lines)).as_bytes())?;
        }
        _ => out.write_all(document(format, json)?.as_bytes())?,
    }
    Ok(())
}

/// Several results: a line of headings, a line for each. `count` says how many of the rows are results.
pub(super) fn rows(
    format: &Format,
    header: &[&str],
    rows: Vec<Vec<String>>,
    count: usize,
    json: &Value,
) -> anyhow::Result<()> {
    rows_to(&mut print::out(), format, header, rows, count, json)
}

/// The same, somewhere else.
pub(super) fn rows_to(
    out: &mut dyn Write,
    format: &Format,
    header: &[&str],
    rows: Vec<Vec<String>>,
    count: usize,
    json: &Value,
) -> anyhow::Result<()> {
    match format {
        Format::Quiet => {
            if count == 0 {
                writeln!(out)?;
            }
            for row in rows {
                let first = row.first().map(String::as_str).unwrap_or_default();
                writeln!(out, "{}", print::tame(first))?;
            }
        }
        Format::Table => {
            let mut lines = vec![header.iter().map(|h| (*h).to_owned()).collect()];
            lines.extend(rows);
            out.write_all(print::tame(&aligned(&lines)).as_bytes())?;
        }
        _ => out.write_all(document(format, json)?.as_bytes())?,
    }
    Ok(())
}

/// The formats that show JSON in some way.
fn document(format: &Format, json: &Value) -> anyhow::Result<String> {
    Ok(match format {
        Format::Yaml => serde_saphyr::to_string(json)?,
        Format::JsonPath(path) if !path.is_empty() => {
            let found = path::get(json, path)?.unwrap_or(Value::Null);
            escaped(&serde_json::to_string_pretty(&found)?)
        }
        Format::JsonPointer(pointer) => {
            let Some(found) = json.pointer(pointer) else {
                anyhow::bail!("there is nothing at {pointer}");
            };
            escaped(&serde_json::to_string_pretty(found)?)
        }
        Format::JsonPath(_) | Format::JsonPretty => escaped(&serde_json::to_string_pretty(json)?),
        Format::Json | Format::Table | Format::Quiet => escaped(&serde_json::to_string(json)?),
    })
}

/// With a newline, and with characters escaped that mean something in HTML: the bytes that Go's encoder writes.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c => out.push(c),
        }
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn format(text: &str) -> anyhow::Result<Format> {
        OutputArgs {
            format: text.to_owned(),
            quiet: false,
        }
        .format()
    }

    #[test]
    fn unknown_formats_are_tables_and_parts_have_to_be_named() {
        for word in ["table", "nonsense", "", "json=x"] {
            assert_eq!(format(word).unwrap(), Format::Table, "{word}");
        }
        for word in ["jsonpath", "jsonpointer", "jsonpointer=id"] {
            assert!(format(word).is_err(), "{word}");
        }
        let path = Format::JsonPath("a=b".to_owned());
        assert_eq!(format("jsonpath=a=b").unwrap(), path);
    }

    #[test]
    fn json_is_written_as_go_does() {
        let value = json!({ "a": "<b> & \u{2028}", "n": [1] });
        assert_eq!(
            document(&Format::Json, &value).unwrap(),
            "{\"a\":\"\\u003cb\\u003e \\u0026 \\u2028\",\"n\":[1]}\n"
        );
        let part = |format| document(&format, &value).unwrap();
        assert_eq!(part(Format::JsonPath("n.0".to_owned())), "1\n");
        assert_eq!(part(Format::JsonPath("m".to_owned())), "null\n");
        assert_eq!(part(Format::JsonPointer("/n/0".to_owned())), "1\n");
        assert!(document(&Format::JsonPointer("/m".to_owned()), &value).is_err());
        let plain = json!({ "a": "b", "list": [1] });
        let yaml = document(&Format::Yaml, &plain).unwrap();
        assert_eq!(yaml, "a: b\nlist:\n- 1\n");
    }
}
