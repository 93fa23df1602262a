//! Texts. Lengths are bytes, as there; a cut inside a character leaves the mark for what is no text.
use super::super::template::show;
use super::Table;
use super::args::{Answer, bearable, count, exactly, int, string, texts};
use gotmpl::Value;
use std::collections::BTreeMap;

pub(super) const TABLE: Table = &[
    ("hello", |_, args| {
        exactly::<0>(args).map(|_| "Hello!".into())
    }),
    ("abbrev", |_, args| {
        let [width, text] = exactly(args)?;
        Ok(abbreviated(string(text)?, 0, int(width)?).into())
    }),
    ("abbrevboth", |_, args| {
        let [left, right, text] = exactly(args)?;
        let (left, right, text) = (int(left)?, int(right)?, string(text)?);
        if right < 4 || (left > 0 && right < 7) {
            return Ok(text.into());
        }
        Ok(abbreviated(text, left, right).into())
    }),
    ("trunc", |_, args| {
        let [length, text] = exactly(args)?;
        let (length, text) = (int(length)?, string(text)?);
        let size = signed(text.len());
        Ok(if length < 0 && size + length > 0 {
            cut(text, size + length, size)?
        } else if length >= 0 && size > length {
            cut(text, 0, length)?
        } else {
            text.to_owned()
        }
        .into())
    }),
    ("trim", |_, args| {
        one(args, |text| text.trim_matches(is_space).to_owned())
    }),
    ("upper", |_, args| one(args, upper)),
    ("lower", |_, args| one(args, lower)),
    ("title", |_, args| one(args, title)),
    ("untitle", |_, args| one(args, untitle)),
    ("substr", |_, args| {
        let [start, end, text] = exactly(args)?;
        let (start, end, text) = (int(start)?, int(end)?, string(text)?);
        let size = signed(text.len());
        Ok(if start < 0 {
            cut(text, 0, end)?
        } else if end < 0 || end > size {
            cut(text, start, size)?
        } else {
            cut(text, start, end)?
        }
        .into())
    }),
    ("repeat", |_, args| {
        let [times, text] = exactly(args)?;
        let (times, text) = (count(times)?, string(text)?);
        bearable(signed(times.saturating_mul(text.len())))?;
        Ok(text.repeat(times).into())
    }),
    ("trimall", |_, args| {
        two(args, |set, text| {
            text.trim_matches(|c| set.contains(c)).to_owned()
        })
    }),
    ("trimAll", |_, args| {
        two(args, |set, text| {
            text.trim_matches(|c| set.contains(c)).to_owned()
        })
    }),
    ("trimSuffix", |_, args| {
        two(args, |end, text| {
            text.strip_suffix(end).unwrap_or(text).to_owned()
        })
    }),
    ("trimPrefix", |_, args| {
        two(args, |start, text| {
            text.strip_prefix(start).unwrap_or(text).to_owned()
        })
    }),
    ("nospace", |_, args| one(args, nospace)),
    ("initials", |_, args| one(args, initials)),
    ("swapcase", |_, args| one(args, swapcase)),
    ("wrap", |_, args| {
        let [width, text] = exactly(args)?;
        wrapped(string(text)?, int(width)?, "", false).map(Value::from)
    }),
    ("wrapWith", |_, args| {
        let [width, line_break, text] = exactly(args)?;
        wrapped(string(text)?, int(width)?, string(line_break)?, true).map(Value::from)
    }),
    ("contains", |_, args| {
        test(args, |part, text| text.contains(part))
    }),
    ("hasPrefix", |_, args| {
        test(args, |part, text| text.starts_with(part))
    }),
    ("hasSuffix", |_, args| {
        test(args, |part, text| text.ends_with(part))
    }),
    ("quote", |_, args| {
        let quoted = args
            .iter()
            .filter(|arg| !is_nil(arg))
            .map(|arg| show::quoted(&show::text(arg)));
        Ok(quoted.collect::<Vec<_>>().join(" ").into())
    }),
    ("squote", |_, args| {
        let quoted = args
            .iter()
            .filter(|arg| !is_nil(arg))
            .map(|arg| format!("'{}'", show::text(arg)));
        Ok(quoted.collect::<Vec<_>>().join(" ").into())
    }),
    ("cat", |_, args| {
        let shown = args.iter().filter(|arg| !is_nil(arg)).map(show::text);
        Ok(shown.collect::<Vec<_>>().join(" ").into())
    }),
    ("indent", |_, args| indented(args).map(Value::from)),
    ("nindent", |_, args| {
        indented(args).map(|text| format!("\n{text}").into())
    }),
    ("replace", |_, args| {
        let [old, new, text] = exactly(args)?;
        let (old, new, text) = (string(old)?, string(new)?, string(text)?);
        let grown = new
            .len()
            .saturating_sub(old.len())
            .saturating_mul(text.len() + 1);
        // Only what could grow too much is counted exactly.
        if bearable(signed(grown)).is_err() {
            let grown = text.matches(old).count().saturating_mul(new.len());
            bearable(signed(grown))?;
        }
        Ok(text.replace(old, new).into())
    }),
    ("plural", |_, args| {
        let [singular, plural, count] = exactly(args)?;
        let chosen = if int(count)? == 1 { singular } else { plural };
        Ok(string(chosen)?.into())
    }),
    ("toString", |_, args| {
        let [value] = exactly(args)?;
        Ok(show::text(value).into())
    }),
    ("split", |_, args| {
        let [separator, text] = exactly(args)?;
        Ok(numbered(split(string(text)?, string(separator)?, None)))
    }),
    ("splitn", |_, args| {
        let [separator, most, text] = exactly(args)?;
        Ok(numbered(split(
            string(text)?,
            string(separator)?,
            Some(int(most)?),
        )))
    }),
    ("splitList", |_, args| {
        let [separator, text] = exactly(args)?;
        Ok(texts(split(string(text)?, string(separator)?, None)))
    }),
    ("toStrings", |_, args| {
        let [value] = exactly(args)?;
        Ok(texts(strings(value)))
    }),
    ("join", |_, args| {
        let [separator, value] = exactly(args)?;
        Ok(strings(value).join(string(separator)?).into())
    }),
    ("sortAlpha", |_, args| {
        let [value] = exactly(args)?;
        let mut sorted = strings(value);
        if matches!(value, Value::List(_)) {
            sorted.sort_unstable();
        } else if is_nil(value) {
            sorted = vec!["<nil>".to_owned()];
        }
        Ok(texts(sorted))
    }),
    ("snakecase", |_, args| {
        one(args, |text| super::cases::lower(text, '_'))
    }),
    ("kebabcase", |_, args| {
        one(args, |text| super::cases::lower(text, '-'))
    }),
    ("camelcase", |_, args| one(args, super::cases::pascal)),
];

fn is_nil(value: &Value) -> bool {
    matches!(value, Value::Nil)
}

fn one(args: &[Value], f: impl FnOnce(&str) -> String) -> Answer {
    let [text] = exactly(args)?;
    Ok(f(string(text)?).into())
}

fn two(args: &[Value], f: impl FnOnce(&str, &str) -> String) -> Answer {
    let [first, text] = exactly(args)?;
    Ok(f(string(first)?, string(text)?).into())
}

fn test(args: &[Value], f: impl FnOnce(&str, &str) -> bool) -> Answer {
    let [part, text] = exactly(args)?;
    Ok(Value::Bool(f(string(part)?, string(text)?)))
}

pub(super) fn signed(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Go's `unicode.IsSpace`.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace()
}

/// The bytes from here to there.
fn cut(text: &str, from: i64, to: i64) -> Result<String, String> {
    let range = (usize::try_from(from), usize::try_from(to));
    let bytes = match range {
        (Ok(from), Ok(to)) => text.as_bytes().get(from..to),
        _ => None,
    };
    let bytes = bytes.ok_or_else(|| format!("the text has no bytes {from} to {to}"))?;
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

fn abbreviated(text: &str, left: i64, width: i64) -> String {
    let size = signed(text.len());
    if width < 4 || size <= width {
        return text.to_owned();
    }
    let mut offset = left.min(size);
    if size - offset < width - 3 {
        offset = size - (width - 3);
    }
    let part = |from, to| cut(text, from, to).unwrap_or_default();
    if offset <= 4 {
        return part(0, width - 3) + "...";
    }
    if width < 7 {
        return String::new();
    }
    if offset + width - 3 < size {
        return format!("...{}", abbreviated(&part(offset, size), 0, width - 3));
    }
    format!("...{}", part(size - (width - 3), size))
}

/// One character for one, as Go maps them: `ß` stays.
pub(super) fn upper(text: &str) -> String {
    text.chars().map(upper_char).collect()
}

pub(super) fn lower(text: &str) -> String {
    text.chars().map(lower_char).collect()
}

pub(super) fn upper_char(c: char) -> char {
    single(c, c.to_uppercase())
}

pub(super) fn lower_char(c: char) -> char {
    // Go maps this one to a plain i.
    if c == 'İ' {
        'i'
    } else {
        single(c, c.to_lowercase())
    }
}

fn single(c: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(mapped), None) => mapped,
        _ => c,
    }
}

/// A letter after anything that is neither letter, digit nor underscore is made a capital.
fn title(text: &str) -> String {
    let mut before = ' ';
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let is_start = if before.is_ascii() {
            !(before.is_ascii_alphanumeric() || before == '_')
        } else {
            is_space(before)
        };
        out.push(if is_start { upper_char(c) } else { c });
        before = c;
    }
    out
}

fn untitle(text: &str) -> String {
    let mut is_start = true;
    let each = |c: char| {
        if is_space(c) {
            is_start = true;
            c
        } else if std::mem::take(&mut is_start) {
            lower_char(c)
        } else {
            c
        }
    };
    text.chars().map(each).collect()
}

fn swapcase(text: &str) -> String {
    let each = |c: char| {
        if c.is_uppercase() {
            lower_char(c)
        } else if c.is_lowercase() {
            upper_char(c)
        } else {
            c
        }
    };
    text.chars().map(each).collect()
}

/// It looks at bytes, and takes each for a character.
fn nospace(text: &str) -> String {
    let kept: String = text
        .bytes()
        .map(char::from)
        .filter(|c| !is_space(*c))
        .collect();
    if kept.chars().count() == text.len() {
        text.to_owned()
    } else {
        kept
    }
}

fn initials(text: &str) -> String {
    let mut is_start = true;
    let mut out = String::new();
    for c in text.chars() {
        if is_space(c) {
            is_start = true;
        } else if std::mem::take(&mut is_start) {
            out.push(c);
        }
    }
    out
}

/// Lines of at most so many bytes, broken at blanks.
fn wrapped(text: &str, width: i64, line_break: &str, break_words: bool) -> Result<String, String> {
    let line_break = if line_break.is_empty() {
        "\n"
    } else {
        line_break
    };
    let width = usize::try_from(width.max(1)).unwrap_or(usize::MAX);
    let bytes = text.as_bytes();
    let mut out: Vec<u8> = vec![];
    let mut at = 0;
    while bytes.len() - at > width {
        if bytes[at] == b' ' {
            at += 1;
            continue;
        }
        let blank = bytes[at..=at + width].iter().rposition(|b| *b == b' ');
        let (end, next) = match blank {
            Some(blank) => (at + blank, at + blank + 1),
            None if break_words => (at + width, at + width),
            None => match bytes[at + width..].iter().position(|b| *b == b' ') {
                Some(blank) => (at + width + blank, at + width + blank + 1),
                None => break,
            },
        };
        out.extend_from_slice(&bytes[at..end]);
        out.extend_from_slice(line_break.as_bytes());
        bearable(signed(out.len()))?;
        at = next;
    }
    out.extend_from_slice(&bytes[at..]);
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn indented(args: &[Value]) -> Result<String, String> {
    let [blanks, text] = exactly(args)?;
    let (blanks, text) = (count(blanks)?, string(text)?);
    bearable(signed(
        (text.matches('\n').count() + 1).saturating_mul(blanks),
    ))?;
    let pad = " ".repeat(blanks);
    Ok(format!("{pad}{}", text.replace('\n', &format!("\n{pad}"))))
}

/// `strings.Split`: an empty separator gives the characters.
pub(super) fn split(text: &str, separator: &str, most: Option<i64>) -> Vec<String> {
    let most = match most {
        Some(0) => return vec![],
        Some(most) if most > 0 => usize::try_from(most).unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    if !separator.is_empty() {
        return text.splitn(most, separator).map(str::to_owned).collect();
    }
    let mut parts: Vec<String> = vec![];
    for (at, c) in text.char_indices() {
        if parts.len() + 1 == most {
            parts.push(text[at..].to_owned());
            break;
        }
        parts.push(c.to_string());
    }
    parts
}

fn numbered(parts: Vec<String>) -> Value {
    let parts = parts.into_iter().enumerate();
    let parts = parts.map(|(index, part)| (format!("_{index}"), Value::from(part)));
    parts.collect::<BTreeMap<_, _>>().into()
}

/// What is there, as texts.
pub(super) fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::Nil => vec![],
        Value::List(items) => {
            let items = items.iter().filter(|item| !is_nil(item));
            items.map(show::text).collect()
        }
        other => vec![show::text(other)],
    }
}
