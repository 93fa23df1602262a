//! Other forms of a text: encodings, hashes, paths, addresses.
use super::Table;
use super::args::{Answer, Entries, exactly, map, string};
use data_encoding::{BASE32, BASE64, Encoding, HEXLOWER};
use gotmpl::Value;
use percent_encoding::percent_decode_str;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use std::fmt::Write;

pub(super) const TABLE: Table = &[
    ("b64enc", |_, args| {
        one(args, |text| BASE64.encode(text.as_bytes()))
    }),
    ("b64dec", |_, args| {
        one(args, |text| decoded(text, &BASE64, "base64"))
    }),
    ("b32enc", |_, args| {
        one(args, |text| BASE32.encode(text.as_bytes()))
    }),
    ("b32dec", |_, args| {
        one(args, |text| decoded(text, &BASE32, "base32"))
    }),
    ("sha1sum", |_, args| {
        one(args, |text| HEXLOWER.encode(&Sha1::digest(text.as_bytes())))
    }),
    ("sha256sum", |_, args| {
        one(args, |text| {
            HEXLOWER.encode(&Sha256::digest(text.as_bytes()))
        })
    }),
    ("sha512sum", |_, args| {
        one(args, |text| {
            HEXLOWER.encode(&Sha512::digest(text.as_bytes()))
        })
    }),
    ("adler32sum", |_, args| {
        one(args, |text| adler32(text.as_bytes()).to_string())
    }),
    ("base", |_, args| one(args, base)),
    ("dir", |_, args| one(args, dir)),
    ("clean", |_, args| one(args, clean)),
    ("ext", |_, args| one(args, ext)),
    ("isAbs", |_, args| is_absolute(args)),
    ("osBase", |_, args| one(args, base)),
    ("osDir", |_, args| one(args, dir)),
    ("osClean", |_, args| one(args, clean)),
    ("osExt", |_, args| one(args, ext)),
    ("osIsAbs", |_, args| is_absolute(args)),
    ("urlParse", |_, args| {
        let [text] = exactly(args)?;
        parsed(string(text)?)
    }),
    ("urlJoin", |_, args| {
        let [parts] = exactly(args)?;
        joined(map(parts)?).map(Value::from)
    }),
];

fn one(args: &[Value], f: impl FnOnce(&str) -> String) -> Answer {
    let [text] = exactly(args)?;
    Ok(f(string(text)?).into())
}

/// What is no such text is answered with a sentence about it, as there.
fn decoded(text: &str, encoding: &Encoding, name: &str) -> String {
    let bytes: Vec<u8> = text
        .bytes()
        .filter(|b| !matches!(b, b'\r' | b'\n'))
        .collect();
    match encoding.decode(&bytes) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => format!("illegal {name} data at input byte {}", error.position),
    }
}

fn adler32(bytes: &[u8]) -> u32 {
    let (a, b) = bytes.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    b << 16 | a
}

fn base(path: &str) -> String {
    if path.is_empty() {
        return ".".to_owned();
    }
    let trimmed = path.trim_end_matches('/');
    match trimmed.rsplit('/').next() {
        None | Some("") => "/".to_owned(),
        Some(name) => name.to_owned(),
    }
}

fn dir(path: &str) -> String {
    let end = path.rfind('/').map_or(0, |at| at + 1);
    clean(&path[..end])
}

fn ext(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or("");
    name.rfind('.').map_or("", |at| &name[at..]).to_owned()
}

fn clean(path: &str) -> String {
    let is_rooted = path.starts_with('/');
    let mut parts: Vec<&str> = vec![];
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if is_rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (is_rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

fn is_absolute(args: &[Value]) -> Answer {
    let [path] = exactly(args)?;
    Ok(Value::Bool(string(path)?.starts_with('/')))
}

/// The parts of an address, as they are written.
fn parsed(text: &str) -> Answer {
    let bad = |what: &str| Err(format!("this is no address: {what}"));
    if text.bytes().any(|b| b < 0x20 || b == 0x7f) {
        return bad("it holds control characters");
    }
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let scheme_end = rest
        .find([':', '/', '?'])
        .filter(|at| rest.as_bytes()[*at] == b':');
    let (scheme, rest) = match scheme_end {
        Some(0) => return bad("it lacks a scheme"),
        Some(end) if is_scheme(&rest[..end]) => {
            (rest[..end].to_ascii_lowercase(), &rest[end + 1..])
        }
        Some(_) if !rest.contains('/') => return bad("the first part of its path holds a colon"),
        _ => (String::new(), rest),
    };
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (mut opaque, mut userinfo, mut host, mut path) = ("", "", "", "");
    if !scheme.is_empty() && !rest.starts_with('/') {
        opaque = rest;
    } else if let Some(rest) = rest.strip_prefix("//") {
        let end = rest.find('/').unwrap_or(rest.len());
        (host, path) = rest.split_at(end);
        if let Some((user, rest)) = host.rsplit_once('@') {
            (userinfo, host) = (user, rest);
        }
    } else {
        path = rest;
    }
    if host.contains(' ') {
        return bad("its host holds a blank");
    }
    let hostname = match (host.strip_prefix('['), host.rsplit_once(':')) {
        (Some(inner), _) => inner.split(']').next().unwrap_or(""),
        (None, Some((name, _))) => name,
        (None, None) => host,
    };
    let unescaped = |text: &str| {
        let is_whole = crate::base::url::escapes_are_whole(text);
        let text = percent_decode_str(text).decode_utf8_lossy().into_owned();
        is_whole
            .then_some(text)
            .ok_or_else(|| "this is no address: an escape is cut off".to_owned())
    };
    let (path, fragment) = (unescaped(path)?, unescaped(fragment)?);
    let parts = [
        ("scheme", scheme.as_str()),
        ("host", host),
        ("hostname", hostname),
        ("path", &path),
        ("query", query),
        ("opaque", opaque),
        ("fragment", &fragment),
        ("userinfo", userinfo),
    ];
    let parts = parts
        .into_iter()
        .map(|(key, part)| (key.into(), part.into()));
    Ok(parts.collect::<Entries>().into())
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

fn joined(parts: &Entries) -> Result<String, String> {
    let part = |key: &str| match parts.get(key) {
        None => Ok(""),
        Some(value) => string(value).map_err(|what| format!("{key} {what}")),
    };
    let (scheme, host, userinfo) = (part("scheme")?, part("host")?, part("userinfo")?);
    let (path, opaque) = (part("path")?, part("opaque")?);
    let mut out = String::new();
    if !scheme.is_empty() {
        out = format!("{scheme}:");
    }
    if opaque.is_empty() {
        if !scheme.is_empty() || !host.is_empty() || !userinfo.is_empty() {
            if !host.is_empty() || !path.is_empty() || !userinfo.is_empty() {
                out.push_str("//");
            }
            if !userinfo.is_empty() {
                out.push_str(userinfo);
                out.push('@');
            }
            out.push_str(host);
        }
        if !path.is_empty() && !path.starts_with('/') && !host.is_empty() {
            out.push('/');
        }
        escape(&mut out, path, b"$&+,/:;=@");
    } else {
        out.push_str(opaque);
    }
    if !part("query")?.is_empty() {
        out.push('?');
        out.push_str(part("query")?);
    }
    if !part("fragment")?.is_empty() {
        out.push('#');
        escape(&mut out, part("fragment")?, b"$&+,/:;=?@!()*");
    }
    Ok(out)
}

fn escape(out: &mut String, text: &str, also: &[u8]) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || also.contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}
