//! Values as Go prints them.
use super::value;
use gotmpl::Value;
use std::fmt::Write;

/// `%v`.
pub(in super::super) fn text(value: &Value) -> String {
    let mut out = String::new();
    push(&mut out, value);
    out
}

fn push(out: &mut String, value: &Value) {
    if let Some(shown) = value::shown(value) {
        return out.push_str(shown);
    }
    match value {
        Value::Float(number) => push_float(out, *number),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                push(out, item);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push_str("map[");
            for (index, (key, value)) in entries.iter().enumerate() {
                let blank = if index > 0 { " " } else { "" };
                let _ = write!(out, "{blank}{key}:");
                push(out, value);
            }
            out.push(']');
        }
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

/// `%v` of a float: the shortest digits, with an exponent below 1e-4 and from 1e6 on.
fn push_float(out: &mut String, number: f64) {
    if number.is_nan() {
        return out.push_str("NaN");
    }
    if number.is_infinite() {
        return out.push_str(if number > 0.0 { "+Inf" } else { "-Inf" });
    }
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return out.push_str(&scientific);
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if number != 0.0 && !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(out, "{digits}e{sign}{:02}", exponent.unsigned_abs());
    } else {
        let _ = write!(out, "{number}");
    }
}

/// `%q`: a text in double quotes with escapes.
pub(in super::super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\u{b}' => out.push_str("\\v"),
            c if c.is_ascii_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c if is_unprintable(c) => {
                let code = u32::from(c);
                let _ = if code > 0xffff {
                    write!(out, "\\U{code:08x}")
                } else {
                    write!(out, "\\u{code:04x}")
                };
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Blanks other than U+0020, controls, marks of direction, private use.
fn is_unprintable(c: char) -> bool {
    (c.is_whitespace() && c != ' ')
        || c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{10ffff}')
}

/// `fmt.Sprint`: a blank between two values of which neither is a text.
pub(super) fn print(args: &[Value]) -> String {
    let is_text = |value: &Value| matches!(value, Value::String(_) | Value::Safe { .. });
    let mut out = String::new();
    for (index, arg) in args.iter().enumerate() {
        if index > 0 && !is_text(arg) && !is_text(&args[index - 1]) {
            out.push(' ');
        }
        push(&mut out, arg);
    }
    out
}

/// `fmt.Sprintln`.
pub(super) fn println(args: &[Value]) -> String {
    let shown: Vec<_> = args.iter().map(text).collect();
    shown.join(" ") + "\n"
}
