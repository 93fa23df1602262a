//! Regular expressions. Go's RE2 and this library's agree but for rarities (classes in brackets within brackets).
use super::Table;
use super::args::{Answer, exactly, int, string, texts};
use super::text::signed;
use gotmpl::Value;
use regex::{NoExpand, Regex, RegexBuilder};

pub(super) const TABLE: Table = &[
    ("regexMatch", |_, args| {
        let [pattern, text] = exactly(args)?;
        let found = compiled(pattern).map(|regex| string(text).map(|text| regex.is_match(text)));
        Ok(Value::Bool(found.unwrap_or(Ok(false))?))
    }),
    ("mustRegexMatch", |_, args| {
        let [pattern, text] = exactly(args)?;
        Ok(Value::Bool(compiled(pattern)?.is_match(string(text)?)))
    }),
    ("regexFind", |_, args| find(args)),
    ("mustRegexFind", |_, args| find(args)),
    ("regexFindAll", |_, args| find_all(args)),
    ("mustRegexFindAll", |_, args| find_all(args)),
    ("regexReplaceAll", |_, args| replaced(args, false)),
    ("mustRegexReplaceAll", |_, args| replaced(args, false)),
    ("regexReplaceAllLiteral", |_, args| replaced(args, true)),
    ("mustRegexReplaceAllLiteral", |_, args| replaced(args, true)),
    ("regexSplit", |_, args| split(args)),
    ("mustRegexSplit", |_, args| split(args)),
    ("regexQuoteMeta", |_, args| {
        let [text] = exactly(args)?;
        let mut out = String::new();
        for c in string(text)?.chars() {
            if r"\.+*?()|[]{}^$".contains(c) {
                out.push('\\');
            }
            out.push(c);
        }
        Ok(out.into())
    }),
];

fn compiled(pattern: &Value) -> Result<Regex, String> {
    RegexBuilder::new(string(pattern)?)
        .size_limit(1 << 20)
        .build()
        .map_err(|_| "this is no regular expression".to_owned())
}

fn find(args: &[Value]) -> Answer {
    let [pattern, text] = exactly(args)?;
    let found = compiled(pattern)?;
    Ok(found
        .find(string(text)?)
        .map_or("", |found| found.as_str())
        .into())
}

/// How many of them; a negative number is all.
fn most(count: i64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn find_all(args: &[Value]) -> Answer {
    let [pattern, text, count] = exactly(args)?;
    let (regex, text) = (compiled(pattern)?, string(text)?);
    let found = regex.find_iter(text).take(most(int(count)?));
    Ok(texts(found.map(|found| found.as_str().to_owned())))
}

fn replaced(args: &[Value], is_literal: bool) -> Answer {
    let [pattern, text, with] = exactly(args)?;
    let (regex, text, with) = (compiled(pattern)?, string(text)?, string(with)?);
    let grown = (regex.find_iter(text).count()).saturating_mul(with.len());
    super::args::bearable(signed(grown))?;
    let out = if is_literal {
        regex.replace_all(text, NoExpand(with))
    } else {
        regex.replace_all(text, with)
    };
    Ok(out.into_owned().into())
}

fn split(args: &[Value]) -> Answer {
    let [pattern, text, count] = exactly(args)?;
    let (regex, text) = (compiled(pattern)?, string(text)?);
    let count = int(count)?;
    if count == 0 {
        return Ok(Vec::<Value>::new().into());
    }
    if !regex.as_str().is_empty() && text.is_empty() {
        return Ok(texts([""]));
    }
    let most = most(count);
    let mut parts: Vec<&str> = vec![];
    let mut start = 0;
    for found in regex.find_iter(text) {
        if parts.len() + 1 >= most {
            break;
        }
        // Nothing in front of the text is no separator.
        if found.end() == 0 {
            continue;
        }
        // Nor is nothing behind it.
        if found.start() == text.len() && found.is_empty() {
            break;
        }
        parts.push(&text[start..found.start()]);
        start = found.end();
    }
    if start < text.len() || !regex.as_str().is_empty() {
        parts.push(&text[start..]);
    }
    Ok(texts(parts))
}
