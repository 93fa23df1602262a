//! Paths into JSON as GJSON writes them: `identities.#.traits.email`, `identities.#(state=="active")#.id`.
//!
//! Here are keys with `*` and `?`, positions, `#`, queries, `|`, groups in `{}` and `[]`, and the modifiers without an
//! argument. What is not here is an error rather than nothing.
use serde_json::{Map, Value};

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PathError {
    #[error("the modifier @{0} is not known here")]
    Modifier(String),
    #[error("a bracket or a quotation mark in the path is not closed")]
    Open,
}

/// What the path leads to.
pub(super) fn get(value: &Value, path: &str) -> Result<Option<Value>, PathError> {
    let (first, rest) = split(path)?;
    if let Some(query) = first.strip_prefix('#') {
        return each(value, query, rest);
    }
    let found = if let Some(name) = first.strip_prefix('@') {
        Some(modified(value, name)?)
    } else if let Some(group) = inside(first, '{', '}') {
        Some(object(value, group)?)
    } else if let Some(group) = inside(first, '[', ']') {
        Some(array(value, group)?)
    } else {
        child(value, first).cloned()
    };
    match (found, rest) {
        (Some(found), Some((_, rest))) => get(&found, rest),
        (found, _) => Ok(found),
    }
}

type Rest<'a> = Option<(char, &'a str)>;

/// The first part, and the rest behind its `.` or `|`.
fn split(path: &str) -> Result<(&str, Rest<'_>), PathError> {
    let end = outside(path, &['.', '|'])?;
    Ok(match end {
        None => (path, None),
        Some((at, separator)) => (&path[..at], Some((separator, &path[at + 1..]))),
    })
}

/// Where one of the characters stands outside of brackets and quotation marks, and which.
fn outside(text: &str, wanted: &[char]) -> Result<Option<(usize, char)>, PathError> {
    let mut depth = 0_usize;
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' if depth > 0 || quoted => quoted = !quoted,
            _ if quoted => {}
            c if depth == 0 && wanted.contains(&c) => return Ok(Some((at, c))),
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    if depth > 0 || quoted {
        return Err(PathError::Open);
    }
    Ok(None)
}

fn inside(text: &str, open: char, close: char) -> Option<&str> {
    text.strip_prefix(open)?.strip_suffix(close)
}

fn child<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(map) => map.iter().find(|(key, _)| fits(name, key)).map(|(_, v)| v),
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        _ => None,
    }
}

/// `*` stands for anything, `?` for one character, `\` takes their meaning away.
fn fits(pattern: &str, text: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => text.is_empty(),
        Some('*') => {
            let tail = rest.as_str();
            let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            let mut tails = starts.map(|at| &text[at..]);
            tails.any(|text| fits(tail, text))
        }
        Some(c) => {
            let mut letters = text.chars();
            let Some(letter) = letters.next() else {
                return false;
            };
            let same = match c {
                '?' => true,
                '\\' => rest.next() == Some(letter),
                c => c == letter,
            };
            same && fits(rest.as_str(), letters.as_str())
        }
    }
}

/// `#`, `#(…)` and `#(…)#`.
fn each(value: &Value, query: &str, rest: Rest<'_>) -> Result<Option<Value>, PathError> {
    let Value::Array(items) = value else {
        return Ok(None);
    };
    if query.is_empty() {
        return match rest {
            Some(('.', rest)) => collected(items.iter(), rest),
            Some((_, rest)) => get(&Value::from(items.len()), rest),
            None => Ok(Some(Value::from(items.len()))),
        };
    }
    let (condition, all) = match query.strip_suffix('#') {
        Some(query) => (query, true),
        None => (query, false),
    };
    let condition = inside(condition, '(', ')').ok_or(PathError::Open)?;
    let mut chosen = vec![];
    for item in items {
        if holds(item, condition)? {
            chosen.push(item);
            if !all {
                break;
            }
        }
    }
    let chosen = if all {
        if let Some(('.', rest)) = rest {
            return collected(chosen.into_iter(), rest);
        }
        Value::Array(chosen.into_iter().cloned().collect())
    } else {
        match chosen.first() {
            Some(item) => (*item).clone(),
            None => return Ok(None),
        }
    };
    match rest {
        Some((_, rest)) => get(&chosen, rest),
        None => Ok(Some(chosen)),
    }
}

/// The rest of the path on each, up to a `|`, which goes on with all of them.
fn collected<'a>(
    items: impl Iterator<Item = &'a Value>,
    rest: &str,
) -> Result<Option<Value>, PathError> {
    let (each, then) = match outside(rest, &['|'])? {
        Some((at, _)) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let mut found = vec![];
    for item in items {
        found.extend(get(item, each)?);
    }
    let found = Value::Array(found);
    match then {
        Some(rest) => get(&found, rest),
        None => Ok(Some(found)),
    }
}

const OPERATORS: [&str; 9] = ["==", "!=", "<=", ">=", "!%", "=", "<", ">", "%"];

fn holds(item: &Value, condition: &str) -> Result<bool, PathError> {
    let Some((at, _)) = outside(condition, &['=', '!', '<', '>', '%'])? else {
        return Ok(get(item, condition.trim())?.is_some());
    };
    let (path, rest) = condition.split_at(at);
    let Some(operator) = OPERATORS.iter().find(|o| rest.starts_with(**o)) else {
        return Ok(false);
    };
    let left = match path.trim() {
        "" => Some(item.clone()),
        path => get(item, path)?,
    };
    let right = rest[operator.len()..].trim();
    let right = serde_json::from_str(right).unwrap_or_else(|_| Value::from(right));
    let Some(left) = left else {
        return Ok(false);
    };
    if let ("%" | "!%", Value::String(text), Value::String(pattern)) = (*operator, &left, &right) {
        return Ok(fits(pattern, text) == (*operator == "%"));
    }
    let order = match (&left, &right) {
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Number(a), Value::Number(b)) => a
            .as_f64()
            .zip(b.as_f64())
            .and_then(|(a, b)| a.partial_cmp(&b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Null, Value::Null) => Some(std::cmp::Ordering::Equal),
        _ => None,
    };
    Ok(match *operator {
        "=" | "==" => order.is_some_and(std::cmp::Ordering::is_eq),
        "!=" => order.is_none_or(std::cmp::Ordering::is_ne),
        "<" => order.is_some_and(std::cmp::Ordering::is_lt),
        "<=" => order.is_some_and(std::cmp::Ordering::is_le),
        ">" => order.is_some_and(std::cmp::Ordering::is_gt),
        ">=" => order.is_some_and(std::cmp::Ordering::is_ge),
        _ => false,
    })
}

fn modified(value: &Value, name: &str) -> Result<Value, PathError> {
    Ok(match (name, value) {
        ("reverse", Value::Array(items)) => items.iter().rev().cloned().collect(),
        ("reverse", Value::Object(map)) => {
            let turned: Map<_, _> = map
                .iter()
                .rev()
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect();
            Value::Object(turned)
        }
        ("keys", Value::Object(map)) => map.keys().cloned().collect(),
        ("values", Value::Object(map)) => map.values().cloned().collect(),
        ("flatten", Value::Array(items)) => {
            let flat = items.iter().flat_map(|item| match item {
                Value::Array(inner) => inner.clone(),
                other => vec![other.clone()],
            });
            flat.collect()
        }
        // What has no keys or no order stays as it is.
        (
            "this" | "ugly" | "pretty" | "valid" | "reverse" | "keys" | "values" | "flatten",
            value,
        ) => value.clone(),
        (other, _) => return Err(PathError::Modifier(other.to_owned())),
    })
}

fn parts(mut group: &str) -> Result<Vec<&str>, PathError> {
    let mut parts = vec![];
    while let Some((at, _)) = outside(group, &[','])? {
        parts.push(group[..at].trim());
        group = &group[at + 1..];
    }
    parts.push(group.trim());
    Ok(parts)
}

/// `{id,"mail":traits.email}`.
fn object(value: &Value, group: &str) -> Result<Value, PathError> {
    let mut map = Map::new();
    for part in parts(group)? {
        let named = part
            .strip_prefix('"')
            .and_then(|part| part.split_once("\":"));
        let (name, path) = match named {
            Some((name, path)) => (name, path),
            None => (part.rsplit(['.', '|']).next().unwrap_or(part), part),
        };
        if let Some(found) = get(value, path)? {
            map.insert(name.to_owned(), found);
        }
    }
    Ok(Value::Object(map))
}

fn array(value: &Value, group: &str) -> Result<Value, PathError> {
    let mut found = vec![];
    for part in parts(group)? {
        found.extend(get(value, part)?);
    }
    Ok(Value::Array(found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_lead_where_gjson_leads() {
        let value = json!({
            "name": { "first": "Tom", "last": "Anderson" }, "age": 37, "fav.movie": "Deer Hunter",
            "children": ["Sara", "Alex", "Jack"],
            "friends": [
                { "first": "Dale", "last": "Murphy", "age": 44, "nets": ["ig", "fb", "tw"] },
                { "first": "Roger", "last": "Craig", "age": 68, "nets": ["fb", "tw"] },
                { "first": "Jane", "last": "Murphy", "age": 47, "nets": ["ig", "tw"] },
            ],
        });
        for (path, expected) in [
            ("name.last", json!("Anderson")),
            ("age", json!(37)),
            ("children.#", json!(3)),
            ("children.1", json!("Alex")),
            ("child*.2", json!("Jack")),
            ("c?ildren.0", json!("Sara")),
            (r"fav\.movie", json!("Deer Hunter")),
            ("friends.#.first", json!(["Dale", "Roger", "Jane"])),
            ("friends.1.last", json!("Craig")),
            (r#"friends.#(last=="Murphy").first"#, json!("Dale")),
            (
                r#"friends.#(last=="Murphy")#.first"#,
                json!(["Dale", "Jane"]),
            ),
            ("friends.#(age>45)#.last", json!(["Craig", "Murphy"])),
            (r#"friends.#(first%"D*").last"#, json!("Murphy")),
            (r#"friends.#(first!%"D*").last"#, json!("Craig")),
            (
                r#"friends.#(nets.#(=="fb"))#.first"#,
                json!(["Dale", "Roger"]),
            ),
            ("children|@reverse", json!(["Jack", "Alex", "Sara"])),
            ("friends.#.nets|@flatten|#", json!(7)),
            ("friends.#.first|0", json!("Dale")),
            ("name.@keys", json!(["first", "last"])),
            (
                r#"friends.0.{first,"years":age}"#,
                json!({ "first": "Dale", "years": 44 }),
            ),
            ("friends.1.[first,age]", json!(["Roger", 68])),
        ] {
            assert_eq!(get(&value, path), Ok(Some(expected)), "{path}");
        }
        for path in [
            "nobody",
            "children.9",
            "age.x",
            "children.first",
            "name.#",
            r#"friends.#(last=="X")"#,
        ] {
            assert_eq!(get(&value, path), Ok(None), "{path}");
        }
        assert_eq!(get(&value, "friends.#(last"), Err(PathError::Open));
        let unknown = PathError::Modifier("fancy".to_owned());
        assert_eq!(get(&value, "@fancy"), Err(unknown));
    }
}
