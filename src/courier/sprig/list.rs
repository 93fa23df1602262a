//! Lists.
use super::Table;
use super::args::{Answer, bearable, exactly, first, int, list};
use super::number::whole;
use super::text::signed;
use super::value::is_empty;
use gotmpl::Value;

pub(super) const TABLE: Table = &[
    ("tuple", |_, args| Ok(args.to_vec().into())),
    ("list", |_, args| Ok(args.to_vec().into())),
    ("append", |_, args| push(args)),
    ("push", |_, args| push(args)),
    ("mustAppend", |_, args| push(args)),
    ("mustPush", |_, args| push(args)),
    ("prepend", |_, args| prepend(args)),
    ("mustPrepend", |_, args| prepend(args)),
    ("first", |_, args| {
        Ok(one(args)?.first().cloned().unwrap_or(Value::Nil))
    }),
    ("mustFirst", |_, args| {
        Ok(one(args)?.first().cloned().unwrap_or(Value::Nil))
    }),
    ("last", |_, args| {
        Ok(one(args)?.last().cloned().unwrap_or(Value::Nil))
    }),
    ("mustLast", |_, args| {
        Ok(one(args)?.last().cloned().unwrap_or(Value::Nil))
    }),
    ("rest", |_, args| {
        Ok(one(args)?.get(1..).unwrap_or_default().to_vec().into())
    }),
    ("mustRest", |_, args| {
        Ok(one(args)?.get(1..).unwrap_or_default().to_vec().into())
    }),
    ("initial", |_, args| initial(args)),
    ("mustInitial", |_, args| initial(args)),
    ("reverse", |_, args| reverse(args)),
    ("mustReverse", |_, args| reverse(args)),
    ("uniq", |_, args| uniq(args)),
    ("mustUniq", |_, args| uniq(args)),
    ("without", |_, args| without(args)),
    ("mustWithout", |_, args| without(args)),
    ("has", |_, args| has(args)),
    ("mustHas", |_, args| has(args)),
    ("slice", |_, args| slice(args)),
    ("mustSlice", |_, args| slice(args)),
    ("concat", |_, args| {
        let mut all = vec![];
        for arg in args {
            all.extend_from_slice(list(arg)?);
            bearable(signed(all.len()))?;
        }
        Ok(all.into())
    }),
    ("chunk", |_, args| chunk(args)),
    ("mustChunk", |_, args| chunk(args)),
    ("compact", |_, args| compact(args)),
    ("mustCompact", |_, args| compact(args)),
];

fn one(args: &[Value]) -> Result<&[Value], String> {
    let [value] = exactly(args)?;
    list(value)
}

fn push(args: &[Value]) -> Answer {
    let [items, value] = exactly(args)?;
    let mut all = list(items)?.to_vec();
    all.push(value.clone());
    Ok(all.into())
}

fn prepend(args: &[Value]) -> Answer {
    let [items, value] = exactly(args)?;
    let mut all = vec![value.clone()];
    all.extend_from_slice(list(items)?);
    Ok(all.into())
}

fn initial(args: &[Value]) -> Answer {
    let items = one(args)?;
    Ok(items[..items.len().saturating_sub(1)].to_vec().into())
}

fn reverse(args: &[Value]) -> Answer {
    Ok(one(args)?.iter().rev().cloned().collect::<Vec<_>>().into())
}

fn compact(args: &[Value]) -> Answer {
    let kept = one(args)?.iter().filter(|item| !is_empty(item));
    Ok(kept.cloned().collect::<Vec<_>>().into())
}

fn uniq(args: &[Value]) -> Answer {
    let mut kept: Vec<Value> = vec![];
    for item in one(args)? {
        // Each is compared with all before it.
        if kept.len() > 2_000 {
            return Err("more than 2000 different members".to_owned());
        }
        if !kept.contains(item) {
            kept.push(item.clone());
        }
    }
    Ok(kept.into())
}

fn without(args: &[Value]) -> Answer {
    let (items, omitted) = first(args)?;
    let kept = list(items)?.iter().filter(|item| !omitted.contains(item));
    Ok(kept.cloned().collect::<Vec<_>>().into())
}

fn has(args: &[Value]) -> Answer {
    let [needle, items] = exactly(args)?;
    Ok(Value::Bool(match items {
        Value::Nil => false,
        items => list(items)?.contains(needle),
    }))
}

fn slice(args: &[Value]) -> Answer {
    let (items, places) = first(args)?;
    let items = list(items)?;
    if items.is_empty() {
        return Ok(Value::Nil);
    }
    let start = places.first().map_or(0, whole);
    let end = places.get(1).map_or(signed(items.len()), whole);
    let range = match (usize::try_from(start), usize::try_from(end)) {
        (Ok(start), Ok(end)) => items.get(start..end),
        _ => None,
    };
    let part = range.ok_or_else(|| format!("the list has no members {start} to {end}"))?;
    Ok(part.to_vec().into())
}

fn chunk(args: &[Value]) -> Answer {
    let [size, items] = exactly(args)?;
    let size = usize::try_from(int(size)?).unwrap_or(0);
    if size == 0 {
        return Err("chunks of nothing".to_owned());
    }
    let items = list(items)?;
    if items.is_empty() {
        return Ok(Vec::<Value>::new().into());
    }
    let chunks = items.chunks(size).map(|chunk| Value::from(chunk.to_vec()));
    Ok(chunks.collect::<Vec<_>>().into())
}
