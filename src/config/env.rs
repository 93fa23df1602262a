//! Environment variables as configuration: every variable whose name a place in the schema answers to.
//!
//! Lower case, `_` for every dot and every underscore: `SELFSERVICE_FLOWS_LOGIN_UI_URL`. Items of lists are
//! reached by their number. How the text is read is up to the schema; what cannot be read becomes false, zero
//! or null as in the reference (config-cli.md §1.3), but not silently.
use super::finding::Warning;
use super::node::{Kind, Node, Origin, Step};
use super::schema::{Hint, PATHS, Path};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

/// The variables of this process; names or values that are no UTF-8 are left out.
#[must_use]
pub fn environment() -> BTreeMap<String, String> {
    let utf8 = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(utf8).collect()
}

/// The places by their name as it would stand in a variable.
static BY_NAME: LazyLock<HashMap<String, &'static Path>> = LazyLock::new(|| {
    let mut names = HashMap::new();
    for (name, path) in PATHS.iter() {
        names.entry(name.replace('_', ".")).or_insert(path);
    }
    names
});

/// Where that variable belongs, and how it is read.
pub(super) fn find(variable: &str) -> Option<(Vec<Step>, Hint)> {
    let name = variable.to_lowercase().replace('_', ".");
    let number = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    let parts: Vec<&str> = name.split('.').collect();
    let open: Vec<&str> = parts
        .iter()
        .map(|part| if number(part) { "#" } else { part })
        .collect();
    let path = BY_NAME
        .get(&name)
        .or_else(|| BY_NAME.get(&open.join(".")))?;
    let mut numbers = parts.iter().filter(|part| number(part));
    let step = |step: &String| {
        if step == "#" {
            // More items than this nobody numbers by hand, and each is allocated.
            let index = numbers.next()?.parse().ok().filter(|index| *index < 1000)?;
            Some(Step::Index(index))
        } else {
            Some(Step::Key(step.clone()))
        }
    };
    let steps = path.steps.iter().map(step).collect::<Option<Vec<_>>>()?;
    Some((steps, path.hint))
}

/// Lays all variables over the configuration. `true` if any was one.
pub(super) fn overlay(
    root: &mut Node,
    variables: &BTreeMap<String, String>,
    warnings: &mut Vec<Warning>,
) -> bool {
    let mut any = false;
    for (name, text) in variables {
        let Some((steps, hint)) = find(name) else {
            warnings.extend(misspelt(name));
            continue;
        };
        any = true;
        let origin = Origin::Env(name.as_str().into());
        let warn = |message: String, remedy: &str| Warning {
            origin: Some(origin.clone()),
            key: written(&steps),
            message,
            remedy: remedy.to_owned(),
        };
        let value = read(text, hint);
        if let Some((message, remedy)) = misread(text, hint) {
            warnings.push(warn(message.to_owned(), remedy));
        }
        let place = root.at_path(&steps, &origin);
        if let (Kind::List(old), Value::Array(new)) = (&place.kind, &value)
            && new.len() < old.len()
        {
            let rest = old.len() - new.len();
            let message = format!("the list is shorter than the one beneath: its last {rest} stay");
            warnings.push(warn(message, "give the whole list in one place"));
        }
        place.overlay(Node::of(value, &origin));
    }
    any
}

/// A variable that is no key, and almost one.
fn misspelt(variable: &str) -> Option<Warning> {
    let name = variable.to_lowercase();
    // Short names may well be somebody else's.
    let (section, _) = name.split_once('_').filter(|_| name.len() > 12)?;
    let near = PATHS.keys().filter(|key| key.starts_with(section));
    let near = near.map(|key| key.replace('.', "_"));
    let near: Vec<_> = near.filter(|key| key.contains('_')).collect();
    let meant = super::hint::nearest(&name, near.iter().map(String::as_str))?;
    (super::hint::distance(&name, meant) <= 3).then(|| Warning {
        origin: Some(Origin::Env(variable.into())),
        key: String::new(),
        message: "no key is called so, and the variable has no effect".to_owned(),
        remedy: format!("did you mean {}?", meant.to_uppercase()),
    })
}

fn written(steps: &[Step]) -> String {
    let name = |step: &Step| match step {
        Step::Key(key) => key.clone(),
        Step::Index(index) => index.to_string(),
    };
    steps.iter().map(name).collect::<Vec<_>>().join(".")
}

/// What a text that cannot be read is taken for, and what to write.
fn misread(text: &str, hint: Hint) -> Option<(&'static str, &'static str)> {
    match hint {
        Hint::Truth if truth(text).is_none() => Some((
            "the text is neither true nor false and counts as false",
            "write true or false, or unset the variable",
        )),
        Hint::Whole if whole(text).is_none() => Some((
            "the text is no whole number and counts as 0",
            "write digits, or unset the variable",
        )),
        Hint::Number if text.parse::<f64>().is_err() => Some((
            "the text is no number and counts as 0",
            "write a number such as 0.5, or unset the variable",
        )),
        Hint::Words | Hint::Json if read(text, hint).is_null() => Some((
            "the text is no list and no object, as comma-separated values or JSON, and counts as nothing",
            "write it as JSON, or unset the variable",
        )),
        _ => None,
    }
}

fn read(text: &str, hint: Hint) -> Value {
    match hint {
        Hint::Text => text.into(),
        Hint::Truth => truth(text).unwrap_or(false).into(),
        Hint::Whole => whole(text).unwrap_or(0).into(),
        Hint::Number => super::node::float(text.parse().unwrap_or(0.0)),
        Hint::Words if serde_json::from_str::<Value>(text).is_err() => words(text),
        Hint::Words | Hint::Json => match serde_json::from_str(text) {
            Ok(value @ (Value::Array(_) | Value::Object(_))) => value,
            _ => Value::Null,
        },
    }
}

/// Go's words for true and false.
fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// Whole numbers with Go's prefixes: `0x`, `0o`, `0b`, and a bare zero for octal. `8.0` is whole too.
fn whole(text: &str) -> Option<i64> {
    let all_zero = |after: &str| !after.is_empty() && after.chars().all(|c| c == '0');
    let text = match text.split_once('.') {
        Some((before, after)) if all_zero(after) => before,
        _ => text,
    };
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    let plain = digits.chars().all(|c| c.is_ascii_hexdigit());
    plain.then(|| i64::from_str_radix(&format!("{sign}{digits}"), radix).ok())?
}

/// The first line of comma-separated values (RFC 4180); null if the quotes do not match.
fn words(text: &str) -> Value {
    let mut list = Vec::new();
    let mut rest = text;
    loop {
        let (word, after) = match rest.strip_prefix('"') {
            None => {
                let (word, after) = rest
                    .split_once(',')
                    .map_or((rest, None), |(w, a)| (w, Some(a)));
                if word.contains('"') {
                    return Value::Null;
                }
                (word.to_owned(), after)
            }
            Some(quoted) => match unquote(quoted) {
                Some((word, "")) => (word, None),
                Some((word, after)) if after.starts_with(',') => (word, Some(&after[1..])),
                _ => return Value::Null,
            },
        };
        list.push(Value::String(word));
        match after {
            Some(after) => rest = after,
            None => break,
        }
    }
    if text.is_empty() {
        Value::Null
    } else {
        Value::Array(list)
    }
}

fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut word = String::new();
    let mut rest = quoted;
    loop {
        let (before, after) = rest.split_once('"')?;
        word.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                word.push('"');
                rest = more;
            }
            None => return Some((word, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn lay(base: Value, variables: &[(&str, &str)]) -> (Value, Vec<String>) {
        let mut root = Node::of(base, &Origin::Program);
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        let mut warnings = Vec::new();
        overlay(
            &mut root,
            &variables.iter().map(owned).collect(),
            &mut warnings,
        );
        (
            root.finish().0,
            warnings.iter().map(ToString::to_string).collect(),
        )
    }

    #[test]
    fn names_follow_the_schema() {
        let (value, warnings) = lay(
            json!({}),
            &[
                (
                    "SELFSERVICE_METHODS_PASSWORD_CONFIG_MIN_PASSWORD_LENGTH",
                    "9",
                ),
                ("SELFSERVICE_FLOWS_LOGIN_UI_URL", "/in"),
                ("DEV", "true"),
                ("WATCH_COURIER", "true"),
                ("WATCH-COURIER", "true"),
                ("HOME", "/root"),
                ("HASHERS_ARGON2_MEMORY", "64MB"),
                ("TRACING_PROVIDERS_OTLP_SAMPLING_SAMPLING_RATIO", "0.5"),
            ],
        );
        assert_eq!(
            value,
            json!({
                "dev": true, "hashers": {"argon2": {"memory": "64MB"}},
                "selfservice": {
                    "flows": {"login": {"ui_url": "/in"}},
                    "methods": {"password": {"config": {"min_password_length": 9}}},
                },
                "tracing": {"providers": {"otlp": {"sampling": {"sampling_ratio": 0.5}}}},
                "watch-courier": true,
            })
        );
        assert_eq!(warnings, Vec::<String>::new());
    }

    #[test]
    fn items_of_lists_have_numbers() {
        let base =
            json!({"identity": {"schemas": [{"id": "a", "url": "x"}, {"id": "b", "url": "y"}]}});
        let (value, _) = lay(
            base,
            &[
                ("IDENTITY_SCHEMAS_1_ID", "renamed"),
                (
                    "SELFSERVICE_METHODS_OIDC_CONFIG_PROVIDERS_0_CLIENT_SECRET",
                    "s",
                ),
                (
                    "SELFSERVICE_FLOWS_LOGIN_AFTER_HOOKS_0_CONFIG_URL",
                    "https://x/",
                ),
                ("IDENTITY_SCHEMAS_4000000000_ID", "far"),
            ],
        );
        assert_eq!(
            value["identity"]["schemas"][1],
            json!({"id": "renamed", "url": "y"})
        );
        assert_eq!(value["identity"]["schemas"].as_array().unwrap().len(), 2);
        let flow = &value["selfservice"];
        assert_eq!(
            flow["methods"]["oidc"]["config"]["providers"],
            json!([{"client_secret": "s"}])
        );
        assert_eq!(
            flow["flows"]["login"]["after"]["hooks"],
            json!([{"config": {"url": "https://x/"}}])
        );
    }

    #[test]
    fn lists_are_json_or_commas() {
        let key = "SECRETS_COOKIE";
        let cookie = |text| lay(json!({}), &[(key, text)]).0["secrets"]["cookie"].clone();
        assert_eq!(cookie("[\"a\",\"b\"]"), json!(["a", "b"]));
        assert_eq!(cookie("a,\"b,\"\"c\",d"), json!(["a", "b,\"c", "d"]));
        assert_eq!(cookie("a"), json!(["a"]));
        // Valid JSON of the wrong kind: the trap that the schema then finds.
        assert_eq!(cookie("1234567890123456"), Value::Null);
        assert_eq!(cookie(""), Value::Null);
        assert_eq!(cookie("a\"b"), Value::Null);
    }

    #[test]
    fn lists_are_laid_item_by_item() {
        let base = json!({"selfservice": {"allowed_return_urls": ["a", "b", "c"]}});
        let (value, warnings) = lay(base, &[("SELFSERVICE_ALLOWED_RETURN_URLS", "x,y")]);
        assert_eq!(
            value["selfservice"]["allowed_return_urls"],
            json!(["x", "y", "c"])
        );
        assert!(warnings[0].contains("its last 1 stay"), "{warnings:?}");
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let (value, warnings) = lay(
            json!({}),
            &[
                ("DEV", "yes"),
                ("SERVE_PUBLIC_PORT", "many"),
                ("SERVE", "x"),
            ],
        );
        assert_eq!(value["dev"], json!(false));
        assert_eq!(value["serve"]["public"]["port"], json!(0));
        assert_eq!(warnings.len(), 3, "{warnings:?}");
        assert!(
            warnings[0].starts_with("environment variable DEV: dev: "),
            "{warnings:?}"
        );
    }

    #[test]
    fn whole_numbers_as_go_reads_them() {
        let cases = [
            ("8", 8),
            ("-8", -8),
            ("8.0", 8),
            ("0x1F", 31),
            ("0755", 493),
            ("0o17", 15),
            ("0", 0),
        ];
        for (text, number) in cases {
            assert_eq!(whole(text), Some(number), "{text}");
        }
        for text in [
            "",
            "a",
            "1.5",
            "1e3",
            "--1",
            "99999999999999999999",
            "0x",
            "1 ",
        ] {
            assert_eq!(whole(text), None, "{text}");
        }
    }
}
