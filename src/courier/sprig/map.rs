//! Maps. What changes one gives the changed one; where it stands in a variable, that changes as well.
use super::super::template::show;
use super::Table;
use super::args::{Answer, Entries, exactly, first, map, map_or_none, string, texts};
use super::value::is_empty;
use gotmpl::Value;

pub(super) const TABLE: Table = &[
    ("dict", |_, args| {
        let pairs = args.chunks(2).map(|pair| match pair {
            [key, value] => (show::text(key), value.clone()),
            [key] => (show::text(key), "".into()),
            _ => (String::new(), Value::Nil),
        });
        Ok(pairs
            .map(|(key, value)| (key.into(), value))
            .collect::<Entries>()
            .into())
    }),
    ("get", |_, args| {
        let [entries, key] = exactly(args)?;
        let found = map_or_none(entries)?.get(string(key)?).cloned();
        Ok(found.unwrap_or_else(|| "".into()))
    }),
    ("set", |_, args| {
        let [entries, key, value] = exactly(args)?;
        let mut entries = map(entries)?.clone();
        entries.insert(string(key)?.into(), value.clone());
        Ok(entries.into())
    }),
    ("unset", |_, args| {
        let [entries, key] = exactly(args)?;
        let mut entries = map_or_none(entries)?;
        entries.remove(string(key)?);
        Ok(entries.into())
    }),
    ("hasKey", |_, args| {
        let [entries, key] = exactly(args)?;
        Ok(Value::Bool(
            map_or_none(entries)?.contains_key(string(key)?),
        ))
    }),
    ("pluck", |_, args| {
        let (key, maps) = first(args)?;
        let key = string(key)?;
        let mut found = vec![];
        for entries in maps {
            found.extend(map_or_none(entries)?.get(key).cloned());
        }
        Ok(found.into())
    }),
    ("keys", |_, args| {
        let mut all = vec![];
        for entries in args {
            all.extend(map_or_none(entries)?.into_keys());
        }
        Ok(texts(all))
    }),
    ("values", |_, args| {
        let [entries] = exactly(args)?;
        Ok(map_or_none(entries)?
            .into_values()
            .collect::<Vec<_>>()
            .into())
    }),
    ("pick", |_, args| chosen(args, true)),
    ("omit", |_, args| chosen(args, false)),
    ("merge", |_, args| merged(args, false)),
    ("mustMerge", |_, args| merged(args, false)),
    ("mergeOverwrite", |_, args| merged(args, true)),
    ("mustMergeOverwrite", |_, args| merged(args, true)),
    ("deepCopy", |_, args| {
        exactly(args).map(|[value]| value.clone())
    }),
    ("mustDeepCopy", |_, args| {
        exactly(args).map(|[value]| value.clone())
    }),
    ("dig", |_, args| dig(args)),
];

fn chosen(args: &[Value], is_wanted: bool) -> Answer {
    let (entries, keys) = first(args)?;
    let keys: Vec<&str> = keys.iter().map(string).collect::<Result<_, _>>()?;
    let mut entries = map_or_none(entries)?;
    entries.retain(|key, _| keys.contains(&key.as_ref()) == is_wanted);
    Ok(entries.into())
}

fn merged(args: &[Value], overwrite: bool) -> Answer {
    let (target, sources) = first(args)?;
    let mut target = map(target)?.clone();
    for source in sources {
        merge(&mut target, &map_or_none(source)?, overwrite, 0)?;
    }
    Ok(target.into())
}

/// Maps within maps are merged as well. Without `overwrite`, what is empty counts as not there; with it, `null` overwrites
/// nothing.
fn merge(
    target: &mut Entries,
    source: &Entries,
    overwrite: bool,
    depth: usize,
) -> Result<(), String> {
    if depth > 50 {
        return Err("maps within maps within maps".to_owned());
    }
    for (key, new) in source {
        match (target.get_mut(key), new) {
            (Some(Value::Map(old)), Value::Map(new)) => {
                let mut old_entries = old.as_ref().clone();
                merge(&mut old_entries, new, overwrite, depth + 1)?;
                *old = old_entries.into();
            }
            (Some(old), new) => {
                if (overwrite && !matches!(new, Value::Nil)) || (!overwrite && is_empty(old)) {
                    *old = new.clone();
                }
            }
            (None, new) => {
                target.insert(key.clone(), new.clone());
            }
        }
    }
    Ok(())
}

fn dig(args: &[Value]) -> Answer {
    let [keys @ .., fallback, entries] = args else {
        return Err("takes at least three arguments".to_owned());
    };
    if keys.is_empty() {
        return Err("takes at least three arguments".to_owned());
    }
    let mut at = entries.clone();
    for key in keys {
        match map(&at)?.get(string(key)?).cloned() {
            Some(next) => at = next,
            None => return Ok(fallback.clone()),
        }
    }
    Ok(at)
}
