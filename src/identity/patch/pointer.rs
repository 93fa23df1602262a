//! One operation of a JSON Patch, and what it does to a document.
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Add,
    Remove,
    /// Of what is there; of a name that is not there it adds.
    Replace,
}

#[derive(Debug)]
pub(super) struct Op {
    verb: Verb,
    pub(super) path: String,
    value: Option<Value>,
}

/// How many names a path may have.
const MAX_DEPTH: usize = 64;

impl Op {
    pub(super) fn read(op: &Value) -> Result<Self, String> {
        let verb = match op.get("op").and_then(Value::as_str) {
            Some("add") => Verb::Add,
            Some("remove") => Verb::Remove,
            Some("replace") => Verb::Replace,
            other => {
                return Err(format!(
                    "the operation {:?} is not supported",
                    other.unwrap_or_default()
                ));
            }
        };
        let path = op
            .get("path")
            .and_then(Value::as_str)
            .ok_or("an operation has no path")?
            .to_owned();
        // No operation here uses it, but it has to be what it ought to be.
        if let Some(from) = op.get("from").filter(|from| !from.is_null())
            && !from.is_string()
        {
            return Err(format!(
                "the operation on {path:?} has a `from` that is no text"
            ));
        }
        let value = op.get("value").cloned();
        if verb != Verb::Remove && value.is_none() {
            return Err(format!("the operation on {path:?} has no value"));
        }
        Ok(Self { verb, path, value })
    }

    /// The value, where only a text will do and it can only be set.
    pub(super) fn text(&self) -> Result<String, String> {
        match (&self.value, self.verb) {
            (Some(Value::String(text)), Verb::Add | Verb::Replace) => Ok(text.clone()),
            _ => Err(format!("{} takes a text, by add or replace", self.path)),
        }
    }

    pub(super) fn apply(self, document: &mut Value) -> Result<(), String> {
        // What stands before the first slash does not count.
        let names: Vec<String> = self
            .path
            .split('/')
            .skip(1)
            .map(|n| n.replace("~1", "/").replace("~0", "~"))
            .collect();
        let Some((last, parents)) = names.split_last() else {
            return Err(format!("the path {:?} leads nowhere", self.path));
        };
        if names.len() > MAX_DEPTH {
            return Err("a path is too long".to_owned());
        }
        let missing = || format!("there is nothing at {:?}", self.path);
        let mut at = document;
        for (index, name) in parents.iter().enumerate() {
            let next = names.get(index + 1).map_or("", String::as_str);
            at = step(at, name, next, self.verb != Verb::Remove).ok_or_else(missing)?;
        }
        let value = self.value.clone().unwrap_or_default();
        match at {
            Value::Object(map) => match self.verb {
                Verb::Remove => map.shift_remove(last).map(drop).ok_or_else(missing),
                // A number as a name: it must be there to be replaced.
                Verb::Replace if is_position(last) && !map.contains_key(last) => Err(missing()),
                Verb::Add | Verb::Replace => {
                    map.insert(last.clone(), value);
                    Ok(())
                }
            },
            Value::Array(items) => {
                let length = items.len();
                let place = match (self.verb, last.as_str()) {
                    (Verb::Add, "-") => Some(length),
                    (Verb::Add, last) => position(last, length + 1),
                    (_, last) => position(last, length),
                };
                let place = place.ok_or_else(missing)?;
                match self.verb {
                    Verb::Add => items.insert(place, value),
                    Verb::Remove => drop(items.remove(place)),
                    Verb::Replace => items[place] = value,
                }
                Ok(())
            }
            _ => Err(missing()),
        }
    }
}

fn is_position(name: &str) -> bool {
    name == "-" || (!name.is_empty() && name.bytes().all(|b| b.is_ascii_digit()))
}

/// A place among so many; negative ones count from the end, as in the reference.
fn position(name: &str, length: usize) -> Option<usize> {
    let place = match name.strip_prefix('-') {
        Some(back) => length.checked_sub(back.parse().ok().filter(|back| *back > 0)?)?,
        None => name.parse().ok()?,
    };
    (place < length).then_some(place)
}

/// One step down; makes what is missing if asked to.
fn step<'a>(at: &'a mut Value, name: &str, next: &str, make: bool) -> Option<&'a mut Value> {
    match at {
        Value::Object(map) => {
            if make && map.get(name).is_none_or(Value::is_null) {
                let new = if is_position(next) {
                    json!([])
                } else {
                    json!({})
                };
                map.insert(name.to_owned(), new);
            }
            map.get_mut(name)
        }
        Value::Array(items) => {
            let place = position(name, items.len())?;
            items.get_mut(place)
        }
        _ => None,
    }
}
