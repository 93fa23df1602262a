//! `printf`: what the library prints unlike Go is made text before it sees it.
use super::super::sprig::type_of;
use super::show;
use gotmpl::{Template, Value};
use std::collections::BTreeMap;

pub(super) fn printf(args: &[Value]) -> Result<Value, String> {
    let [Value::String(format), values @ ..] = args else {
        return Err("the first argument is no text".to_owned());
    };
    let (format, values) = prepared(format, values);
    let mut data = BTreeMap::from([("f".to_owned(), Value::from(format))]);
    let mut call = String::from("{{ printf .f");
    for (index, value) in values.into_iter().enumerate() {
        call.push_str(&format!(" .a{index}"));
        data.insert(format!("a{index}"), value);
    }
    call.push_str(" }}");
    let text = Template::new("printf")
        .parse(&call)
        .and_then(|template| template.execute_to_string(&data.into()));
    text.map(Value::from).map_err(|error| error.to_string())
}

/// The same with texts in the places of floats, lists and maps. Formats that count their arguments themselves stay.
fn prepared(format: &str, values: &[Value]) -> (String, Vec<Value>) {
    let mut values = values.to_vec();
    if format.contains('*') || format.contains("%[") {
        return (format.to_owned(), values);
    }
    let mut out = String::with_capacity(format.len());
    let mut rest = values.iter_mut();
    let mut in_verb = false;
    for c in format.chars() {
        if !in_verb || "+-# 0123456789.".contains(c) {
            in_verb = in_verb || c == '%';
            out.push(c);
            continue;
        }
        in_verb = false;
        if c == '%' {
            out.push(c);
            continue;
        }
        let instead = rest.next().and_then(|value| {
            let text = instead(c, value)?;
            *value = text.into();
            Some('s')
        });
        out.push(instead.unwrap_or(c));
    }
    (out, values)
}

/// The text that Go prints for a value, where the library has another.
fn instead(verb: char, value: &Value) -> Option<String> {
    match (verb, value) {
        ('T', value) => Some(type_of(value).to_owned()),
        ('v', Value::Float(_)) | ('v' | 's', Value::List(_) | Value::Map(_)) => {
            Some(show::text(value))
        }
        ('d' | 's' | 'q' | 'c' | 'o' | 't' | 'U', Value::Float(_)) => {
            Some(format!("%!{verb}(float64={})", show::text(value)))
        }
        _ => None,
    }
}
