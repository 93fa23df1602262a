//! JSON as Go's `encoding/json` writes it. `template_data` and what `toJson` gives are compared and parsed by
//! programs that know that form: keys of maps sorted, `<`, `>` and `&` escaped, floats in Go's notation.
use serde_json::{Map, Value};
use std::fmt::Write;

/// What is known as a map there: keys sorted, all numbers floats.
pub(super) fn push(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(on) => out.push_str(if *on { "true" } else { "false" }),
        Value::Number(number) => push_float(out, number.as_f64().unwrap_or(0.0)),
        Value::String(text) => push_string(out, text, true),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                push(out, item);
            }
            out.push(']');
        }
        Value::Object(entries) => push_object(out, entries),
    }
}

fn push_object(out: &mut String, entries: &Map<String, Value>) {
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort_unstable_by(|a, b| a.0.cmp(b.0));
    out.push('{');
    for (index, (key, value)) in sorted.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_string(out, key, true);
        out.push(':');
        push(out, value);
    }
    out.push('}');
}

/// The shortest text that reads back the same, with an exponent only below 1e-6 and from 1e21 on.
pub(super) fn push_float(out: &mut String, number: f64) {
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{number:e}");
        // Rust writes `1e21`, Go `1e+21`.
        match text.split_once('e') {
            Some((digits, exponent)) if !exponent.starts_with('-') => {
                let _ = write!(out, "{digits}e+{exponent}");
            }
            _ => out.push_str(&text),
        }
    } else {
        let _ = write!(out, "{number}");
    }
}

/// A string in quotes.
pub(super) fn push_string(out: &mut String, text: &str, html: bool) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' if html => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            '\0'..='\u{1f}' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(value: &Value) -> String {
        let mut out = String::new();
        push(&mut out, value);
        out
    }

    #[test]
    fn texts_are_escaped_as_go_does() {
        let value = json!({ "b": "<a href=\"x\">&\u{2028}\u{1}\u{7f}\n", "a": [true, null, "é"] });
        let expected = "{\"a\":[true,null,\"é\"],\"b\":\"\\u003ca href=\\\"x\\\"\\u003e\\u0026\\u2028\\u0001\u{7f}\\n\"}";
        assert_eq!(text(&value), expected);
    }

    #[test]
    fn numbers_are_floats() {
        let value = json!([
            1,
            -0.5,
            1e20,
            1e21,
            1.5e-7,
            1e-6,
            12_345_678_901_234_567_890_u64
        ]);
        assert_eq!(
            text(&value),
            "[1,-0.5,100000000000000000000,1e+21,1.5e-7,0.000001,12345678901234567000]"
        );
    }
}
