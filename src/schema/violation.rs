//! From the validator's errors to messages on the fields of a form (flows.md §1.9, points 4 and 5).
use crate::text::{Message, validation as say};
use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::paths::{Location, LocationSegment};
use serde_json::Value;
use std::collections::HashMap;

/// Something that a schema does not allow.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// The name of the field, like `traits.name.first`; empty for the document itself.
    pub field: String,
    pub message: Message,
}

impl Violation {
    pub(crate) fn new(field: impl Into<String>, message: Message) -> Self {
        Self {
            field: field.into(),
            message,
        }
    }

    /// The same field, the same words.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        self.field == other.field
            && (self.message.id, &self.message.text) == (other.message.id, &other.message.text)
    }
}

/// The most that is told at once.
const MOST: usize = 200;

/// One violation for each error, in the order in which the reference checks: a wrong type hides whatever
/// else is wrong with the value; then constants, choices, formats, combinations, lengths, patterns.
pub(crate) fn collect<'a>(
    instance: &Value,
    errors: impl Iterator<Item = ValidationError<'a>>,
) -> Vec<Violation> {
    let errors: Vec<ValidationError<'a>> = errors.take(MOST).collect();
    let refs: Vec<&ValidationError<'a>> = errors.iter().collect();
    let mut out = vec![];
    told(instance, &refs, &mut out);
    out.truncate(MOST);
    out
}

fn told(instance: &Value, errors: &[&ValidationError<'_>], out: &mut Vec<Violation>) {
    let mistyped: Vec<(&str, &str)> = errors
        .iter()
        .filter(|e| matches!(e.kind(), Kind::Type { .. }))
        .map(|e| (e.instance_path().as_str(), parent(e.evaluation_path())))
        .collect();
    let hidden = |e: &ValidationError<'_>| {
        !matches!(e.kind(), Kind::Type { .. })
            && mistyped.iter().any(|(at, schema)| {
                *at == e.instance_path().as_str()
                    && e.evaluation_path()
                        .as_str()
                        .strip_prefix(schema)
                        .is_some_and(|rest| rest.starts_with('/'))
            })
    };
    // Fields in the order of their first error, their errors by rank.
    let mut first = HashMap::new();
    let mut order: Vec<&ValidationError<'_>> =
        errors.iter().copied().filter(|e| !hidden(e)).collect();
    for (n, error) in order.iter().enumerate() {
        first.entry(error.instance_path().as_str()).or_insert(n);
    }
    order.sort_by_key(|e| (first[e.instance_path().as_str()], rank(e.kind().keyword())));
    for error in order {
        if out.len() < MOST {
            tell(instance, error, out);
        }
    }
}

fn parent(path: &Location) -> &str {
    path.as_str().rsplit_once('/').map_or("", |(head, _)| head)
}

fn rank(keyword: &str) -> usize {
    const ORDER: &[&str] = &[
        "type",
        "const",
        "enum",
        "format",
        "not",
        "allOf",
        "anyOf",
        "oneOf",
        "minProperties",
        "maxProperties",
        "required",
        "propertyNames",
        "additionalProperties",
        "minItems",
        "maxItems",
        "uniqueItems",
        "additionalItems",
        "contains",
        "minLength",
        "maxLength",
        "pattern",
        "contentEncoding",
        "contentMediaType",
        "minimum",
        "exclusiveMinimum",
        "maximum",
        "exclusiveMaximum",
        "multipleOf",
    ];
    ORDER
        .iter()
        .position(|k| *k == keyword)
        .unwrap_or(ORDER.len())
}

fn tell(instance: &Value, error: &ValidationError<'_>, out: &mut Vec<Violation>) {
    let field = dotted(error.instance_path());
    let value = error.instance().as_ref();
    let length = || value.as_str().map_or(0, |s| s.chars().count() as u64);
    let items = || value.as_array().map_or(0, |a| a.len() as u64);
    let message = match error.kind() {
        Kind::Required { property } => {
            let property = property.as_str().unwrap_or_default();
            // Said by the validator of what is there, where it is not known and unknowns are refused.
            if value.get(property).is_some() {
                return;
            }
            // A dependency is no plain "missing".
            if !error.evaluation_path().as_str().ends_with("/required") {
                return out.push(Violation::new(
                    field,
                    say::generic(&format!("Please fill in {property} as well.")),
                ));
            }
            let field = join(&field, &escape(property));
            return out.push(Violation::new(field, say::missing(property)));
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context }
            if context.iter().any(|branch| !branch.is_empty()) =>
        {
            for branch in context {
                let branch: Vec<&ValidationError<'_>> = branch.iter().collect();
                told(instance, &branch, out);
            }
            return;
        }
        Kind::PropertyNames { error: inner } => {
            let name = inner.instance().as_str().unwrap_or_default().to_owned();
            let field = join(&field, &escape(&name));
            let reason = format!("The name {name:?} is not allowed here.");
            return out.push(Violation::new(field, say::generic(&reason)));
        }
        Kind::UniqueItems => {
            for (a, b) in equal_pairs(value) {
                out.push(Violation::new(field.clone(), say::unique_items(a, b)));
            }
            return;
        }
        Kind::MinLength { limit } => say::min_length(*limit, length()),
        Kind::MaxLength { limit } => say::max_length(*limit, length()),
        Kind::Pattern { pattern } => say::pattern(pattern),
        Kind::Minimum { limit } => say::minimum(number(limit), number(value)),
        Kind::ExclusiveMinimum { limit } => say::exclusive_minimum(number(limit), number(value)),
        Kind::Maximum { limit } => say::maximum(number(limit), number(value)),
        Kind::ExclusiveMaximum { limit } => say::exclusive_maximum(number(limit), number(value)),
        Kind::MultipleOf { multiple_of } => {
            say::multiple_of(number(&Value::from(*multiple_of)), number(value))
        }
        Kind::MaxItems { limit } => say::max_items(*limit, items()),
        Kind::MinItems { limit } => say::min_items(*limit, items()),
        Kind::Type { kind } => say::wrong_type(&types(kind), type_name(value)),
        Kind::Constant { expected_value } => constant(expected_value),
        Kind::Format { format } => format_message(format, value.as_str().unwrap_or_default()),
        other => say::generic(&reason(other)),
    };
    out.push(Violation::new(field, message));
}

/// The message for a text that does not have its format. Only email addresses and telephone numbers that
/// are not empty have one of their own.
pub(crate) fn format_message(format: &str, value: &str) -> Message {
    // The reference picks the value out of a sentence in quotes: behind the last quote in it.
    let quoted = quote(value);
    let inner = quoted
        .trim_end_matches('"')
        .rsplit('"')
        .next()
        .unwrap_or("");
    match format {
        "email" | "email_loose" if !inner.is_empty() => say::email(inner),
        "tel" if !inner.is_empty() => say::phone(inner),
        "email" | "email_loose" => say::generic("Please enter an email address."),
        "tel" => say::generic("Please enter a phone number."),
        "date" => say::generic("This is no date. Dates look like 2026-12-24."),
        "date-time" => {
            say::generic("This is no point in time. Those look like 2026-12-24T18:00:00Z.")
        }
        "time" => say::generic("This is no time of the day. Those look like 18:00:00Z."),
        "uri" | "iri" => say::generic("This is no web address. Those begin like https://."),
        other => say::generic(&format!("This does not have the form of: {other}.")),
    }
}

fn constant(expected: &Value) -> Message {
    match expected {
        Value::Array(_) | Value::Object(_) => say::constant_hidden(),
        Value::String(text) => say::constant(&quote(text)),
        Value::Bool(set) => say::constant(&set.to_string()),
        Value::Number(number) => say::constant(&quote(&number.to_string())),
        Value::Null => say::constant("<nil>"),
    }
}

fn reason(kind: &Kind) -> String {
    match kind {
        Kind::Enum { options } => {
            let options: Vec<String> = options
                .as_array()
                .map_or(&[][..], Vec::as_slice)
                .iter()
                .take(50)
                .map(|o| o.as_str().map_or_else(|| o.to_string(), str::to_owned))
                .collect();
            format!("Please choose one of: {}.", options.join(", "))
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let names: Vec<&str> = unexpected.iter().take(20).map(String::as_str).collect();
            format!("This is not known here: {}.", names.join(", "))
        }
        Kind::AdditionalItems { limit } => format!("There may be at most {limit} entries."),
        Kind::MinProperties { limit } => format!("At least {limit} of these have to be filled in."),
        Kind::MaxProperties { limit } => format!("At most {limit} of these may be filled in."),
        Kind::OneOfMultipleValid { .. } => "This fits more than one of the choices.".to_owned(),
        Kind::Contains => "A needed entry is missing.".to_owned(),
        Kind::ContentEncoding { content_encoding } => {
            format!("This is not encoded as {content_encoding}.")
        }
        _ => "This value is not allowed.".to_owned(),
    }
}

fn types(kind: &TypeKind) -> Vec<String> {
    match kind {
        TypeKind::Single(one) => vec![one.to_string()],
        TypeKind::Multiple(many) => many.iter().map(|t| t.to_string()).collect(),
    }
}

pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// `10.0` is written as `10`.
fn number(value: &Value) -> Value {
    value.as_f64().map_or_else(|| value.clone(), whole)
}

/// A JSON number without a fraction that is zero.
#[expect(
    clippy::cast_possible_truncation,
    reason = "only for whole numbers that fit"
)]
pub(crate) fn whole(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        Value::from(number as i64)
    } else {
        Value::from(number)
    }
}

/// Positions of equal items: the earlier and the later, by the later.
fn equal_pairs(value: &Value) -> Vec<(u64, u64)> {
    let Value::Array(items) = value else {
        return vec![];
    };
    let mut pairs = vec![];
    for (b, item) in items.iter().enumerate().take(500) {
        for (a, _) in items[..b].iter().enumerate().filter(|(_, i)| *i == item) {
            pairs.push((a as u64, b as u64));
            if pairs.len() >= 20 {
                return pairs;
            }
        }
    }
    if pairs.is_empty() {
        // Equal as numbers, not as texts.
        pairs.push((0, 1));
    }
    pairs
}

/// A place in a document as the name of a field; dots in names are escaped.
fn dotted(path: &Location) -> String {
    path.segments()
        .map(|segment| match segment {
            LocationSegment::Property(name) => escape(&name),
            LocationSegment::Index(index) => index.to_string(),
        })
        .collect::<Vec<_>>()
        .join(".")
}

fn escape(name: &str) -> String {
    name.replace('.', "\\.")
}

fn join(field: &str, name: &str) -> String {
    if field.is_empty() {
        name.to_owned()
    } else {
        format!("{field}.{name}")
    }
}

/// A text in quotes, control characters and quotes written with a backslash.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_ascii_control() => {
                out.push_str("\\x");
                out.extend(char::from_digit(u32::from(c) >> 4, 16));
                out.extend(char::from_digit(u32::from(c) & 15, 16));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
