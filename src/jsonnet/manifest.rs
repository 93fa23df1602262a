//! A value as JSON text, spelt as the reference's interpreter does: fields sorted, three blanks for each level, whole
//! numbers in full, others with seventeen digits.
use rsjsonnet_lang::program::{Value, ValueKind};
use std::fmt::Write as _;

/// Levels of a result.
const MOST_LEVELS: usize = 500;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    Function,
    TooDeep,
    TooLarge,
}

/// With a line break at the end.
pub(super) fn json(value: &Value<'_>, most: usize) -> Result<String, Trouble> {
    let mut text = Text {
        out: String::new(),
        most,
    };
    text.push(value, 0)?;
    text.out.push('\n');
    Ok(text.out)
}

struct Text {
    out: String,
    most: usize,
}

impl Text {
    fn push(&mut self, value: &Value<'_>, level: usize) -> Result<(), Trouble> {
        if level > MOST_LEVELS {
            return Err(Trouble::TooDeep);
        }
        if self.out.len() > self.most {
            return Err(Trouble::TooLarge);
        }
        match value.kind() {
            ValueKind::Null => self.out.push_str("null"),
            ValueKind::Bool(is_so) => self.out.push_str(if is_so { "true" } else { "false" }),
            ValueKind::Number(number) => self.out.push_str(&spell(number)),
            ValueKind::String(text) => self.string(&text)?,
            ValueKind::Function => return Err(Trouble::Function),
            ValueKind::Array(items) if items.is_empty() => self.out.push_str("[ ]"),
            ValueKind::Array(items) => {
                self.out.push('[');
                for (index, item) in items.iter().enumerate() {
                    self.begin(index, level + 1);
                    self.push(item, level + 1)?;
                }
                self.line(level);
                self.out.push(']');
            }
            ValueKind::Object(fields) if fields.is_empty() => self.out.push_str("{ }"),
            ValueKind::Object(mut fields) => {
                fields.sort_by_key(|(name, _)| name.value());
                self.out.push('{');
                for (index, (name, field)) in fields.iter().enumerate() {
                    self.begin(index, level + 1);
                    self.string(name.value())?;
                    self.out.push_str(": ");
                    self.push(field, level + 1)?;
                }
                self.line(level);
                self.out.push('}');
            }
        }
        if self.out.len() > self.most {
            return Err(Trouble::TooLarge);
        }
        Ok(())
    }

    fn begin(&mut self, index: usize, level: usize) {
        if index > 0 {
            self.out.push(',');
        }
        self.line(level);
    }

    fn line(&mut self, level: usize) {
        self.out.push('\n');
        for _ in 0..level {
            self.out.push_str("   ");
        }
    }

    fn string(&mut self, text: &str) -> Result<(), Trouble> {
        if text.len() > self.most {
            return Err(Trouble::TooLarge);
        }
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                c if c.is_control() => {
                    let _ = write!(self.out, "\\u{:04x}", u32::from(c));
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
        Ok(())
    }
}

/// C's `%.0f` for whole numbers and `%.17g` for others.
fn spell(number: f64) -> String {
    if number.fract() == 0.0 {
        return format!("{number:.0}");
    }
    let scientific = format!("{number:.16e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let trim = |digits: &str| {
        digits
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned()
    };
    if exponent < -4 {
        return format!("{}e-{:02}", trim(mantissa), exponent.abs());
    }
    let places = usize::try_from(16 - exponent).unwrap_or_default();
    trim(&format!("{number:.places$}"))
}

#[cfg(test)]
mod tests {
    use super::spell;

    #[test]
    fn numbers_are_spelt_as_by_c() {
        for (number, text) in [
            (1.0, "1"),
            (-0.0, "-0"),
            (1e21, "1000000000000000000000"),
            (1e22, "10000000000000000000000"),
            (9_007_199_254_740_993.0, "9007199254740992"),
            (1.5, "1.5"),
            (0.1, "0.10000000000000001"),
            (-2.3, "-2.2999999999999998"),
            (0.0001, "0.0001"),
            (0.000_012_5, "1.2500000000000001e-05"),
            (1e-7, "9.9999999999999995e-08"),
            (1e-300, "1e-300"),
            (123_456.789, "123456.789"),
            (4_503_599_627_370_495.5, "4503599627370495.5"),
        ] {
            assert_eq!(spell(number), text);
        }
    }
}
