//! Files by patterns, for shells that do not know them: `*`, `?` and `[a-z]` inside a name, `**` for folders at any depth.
use std::io;
use std::path::{Path, PathBuf};

/// The files that fit, in alphabetical order; none is no error. A name without a pattern is that file, if it is there.
pub(super) fn files(pattern: &str) -> io::Result<Vec<PathBuf>> {
    if Path::new(pattern).exists() {
        return Ok(vec![PathBuf::from(pattern)]);
    }
    let (start, rest) = match pattern.strip_prefix('/') {
        Some(rest) => (PathBuf::from("/"), rest),
        None => (PathBuf::new(), pattern),
    };
    let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
    let mut found = vec![];
    walk(&start, &parts, &mut found)?;
    found.sort();
    found.dedup();
    Ok(found)
}

fn walk(folder: &Path, parts: &[&str], found: &mut Vec<PathBuf>) -> io::Result<()> {
    let Some((first, rest)) = parts.split_first() else {
        if folder.is_file() {
            found.push(folder.to_owned());
        }
        return Ok(());
    };
    if *first == "**" {
        walk(folder, rest, found)?;
    } else if !first.contains(['*', '?', '[', '\\']) {
        return walk(&folder.join(first), rest, found);
    }
    let here = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let entries = match here.read_dir() {
        Ok(entries) => entries,
        // A file, or none.
        Err(_) if !here.is_dir() => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            continue;
        };
        let below = folder.join(name);
        if *first == "**" {
            // Links could lead in a circle.
            if entry.file_type()?.is_dir() {
                walk(&below, parts, found)?;
            }
        } else if fits(first, name) {
            walk(&below, rest, found)?;
        }
    }
    Ok(())
}

/// As the reference matches a name.
fn fits(pattern: &str, text: &str) -> bool {
    let mut rest = pattern.chars();
    let mut letters = text.chars();
    match rest.next() {
        None => text.is_empty(),
        Some('*') => {
            let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            let mut tails = starts.map(|at| &text[at..]);
            tails.any(|tail| fits(rest.as_str(), tail))
        }
        Some('[') => {
            let Some((class, rest)) = rest.as_str().split_once(']') else {
                return false;
            };
            letters.next().is_some_and(|letter| in_class(class, letter))
                && fits(rest, letters.as_str())
        }
        Some(c) => {
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

fn in_class(class: &str, letter: char) -> bool {
    let (class, wanted) = match class.strip_prefix('^') {
        Some(class) => (class, false),
        None => (class, true),
    };
    let letters: Vec<char> = class.chars().collect();
    let mut at = 0;
    while let Some(first) = letters.get(at) {
        let last = match letters.get(at + 1..at + 3) {
            Some(['-', last]) => {
                at += 2;
                last
            }
            _ => first,
        };
        if (*first..=*last).contains(&letter) {
            return wanted;
        }
        at += 1;
    }
    !wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_patterns() {
        for (pattern, text) in [
            ("*.jsonnet", "a.jsonnet"),
            ("a?c*", "abc"),
            ("[a-c]x", "bx"),
            ("[^a-c]x", "dx"),
            (r"\*", "*"),
            ("*", "ä"),
        ] {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("*.jsonnet", "a.json"),
            ("[a-c]", "d"),
            ("[^a]", "a"),
            ("[a", "a"),
            ("?", ""),
        ] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn files_are_found_at_any_depth() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("a/b")).unwrap();
        for file in ["x.jsonnet", "a/y.jsonnet", "a/b/z.jsonnet", "a/b/z.json"] {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        let count = |pattern: &str| {
            let pattern = format!("{}/{pattern}", folder.path().display());
            files(&pattern).unwrap().len()
        };
        assert_eq!(count("*.jsonnet"), 1);
        assert_eq!(count("*/*.jsonnet"), 1);
        assert_eq!(count("**/*.jsonnet"), 3);
        assert_eq!(count("a/b/z.json"), 1);
        assert_eq!(count("nothing.jsonnet"), 0);
        assert_eq!(count("x.jsonnet/*"), 0);
    }
}
