//! Names from one convention to another: `FirstName`, `first_name`, `first-name`.
use super::text::{is_space, lower_char, upper_char};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    /// Begins with a capital.
    Upper,
    Letters,
    Connector,
    Mark,
    Other,
    End,
}

fn is_connector(c: char) -> bool {
    c == '-' || c == '_' || is_space(c)
}

/// Marks in the sense of Unicode's general category P.
fn is_mark(c: char) -> bool {
    (c.is_ascii_punctuation() && !"$+<=>^`|~".contains(c))
        || matches!(c, '¡' | '§' | '«' | '¶' | '·' | '»' | '¿' | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}'
            | '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}')
}

/// The first word of what is left, and the rest.
fn next_word(text: &[char]) -> (Kind, &[char], &[char]) {
    let Some(&first) = text.first() else {
        return (Kind::End, &[], &[]);
    };
    let run = |is: &dyn Fn(char) -> bool| text.iter().take_while(|c| is(**c)).count();
    let (kind, length) = if is_connector(first) {
        (Kind::Connector, run(&is_connector))
    } else if is_mark(first) {
        (Kind::Mark, run(&is_mark))
    } else if first.is_uppercase() {
        let capitals = run(&char::is_uppercase);
        if capitals > 1 {
            // The last capital belongs to the word that it begins: HTTP, Server.
            let follows = text.get(capitals).copied();
            let is_start = follows.is_some_and(is_letter);
            (Kind::Upper, if is_start { capitals - 1 } else { capitals })
        } else {
            let rest = text[1..]
                .iter()
                .take_while(|c| is_letter(**c) && !c.is_uppercase());
            (Kind::Upper, 1 + rest.count())
        }
    } else if is_letter(first) {
        let rest = text[1..]
            .iter()
            .take_while(|c| is_letter(**c) && !c.is_uppercase());
        (Kind::Letters, 1 + rest.count())
    } else if first.is_numeric() {
        (Kind::Number, run(&char::is_numeric))
    } else {
        let is_other = |c: char| !(is_connector(c) || is_letter(c) || c.is_numeric() || is_mark(c));
        (Kind::Other, run(&is_other).max(1))
    };
    let (word, rest) = text.split_at(length);
    (kind, word, rest)
}

fn is_letter(c: char) -> bool {
    c.is_alphabetic() && (c.is_uppercase() || c.is_lowercase())
}

/// Words in small letters with that between them. Digits go with what is before them, unless small letters follow.
pub(super) fn lower(text: &str, connector: char) -> String {
    let all: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len() + 8);
    let put = |out: &mut String, kind: Kind, word: &[char]| {
        if kind == Kind::Connector {
            out.extend(word.iter().map(|_| connector));
        } else {
            out.extend(word.iter().map(|c| lower_char(*c)));
        }
    };
    let joins = |kind: Kind| !matches!(kind, Kind::Connector | Kind::Mark);
    let (mut kind, mut word, mut rest) = next_word(&all);
    while !rest.is_empty() {
        if kind != Kind::Connector {
            put(&mut out, kind, word);
        }
        let (before, last) = (kind, word);
        (kind, word, rest) = next_word(rest);
        match before {
            Kind::Number => {
                while matches!(kind, Kind::Letters | Kind::Number) {
                    put(&mut out, kind, word);
                    (kind, word, rest) = next_word(rest);
                }
                if kind != Kind::End && joins(kind) {
                    out.push(connector);
                }
            }
            Kind::Connector => put(&mut out, before, last),
            Kind::Mark => {}
            _ if kind != Kind::Number => {
                if joins(kind) {
                    out.push(connector);
                }
            }
            _ if rest.is_empty() => {}
            _ => {
                let digits = word;
                (kind, word, rest) = next_word(rest);
                if kind == Kind::Letters {
                    out.push(connector);
                    put(&mut out, Kind::Number, digits);
                    while matches!(kind, Kind::Letters | Kind::Number) {
                        put(&mut out, kind, word);
                        (kind, word, rest) = next_word(rest);
                    }
                    if kind != Kind::End && joins(kind) {
                        out.push(connector);
                    }
                } else {
                    put(&mut out, Kind::Number, digits);
                    if joins(kind) {
                        out.push(connector);
                    }
                }
            }
        }
    }
    put(&mut out, kind, word);
    out
}

/// Words that begin with a capital, nothing between them.
pub(super) fn pascal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut all = text.chars();
    let mut last;
    let mut was_upper;
    loop {
        let Some(c) = all.next() else {
            // Nothing but connectors: all of them stay.
            return out;
        };
        if !is_connector(c) {
            was_upper = c.is_uppercase();
            last = upper_char(c);
            break;
        }
        out.push(c);
    }
    for c in all {
        let before = last;
        last = c;
        if is_connector(c) && is_connector(before) {
            out.push(before);
        } else if is_connector(before) {
            was_upper = c.is_uppercase();
            last = upper_char(c);
        } else {
            if was_upper {
                if c.is_uppercase() {
                    last = lower_char(c);
                } else {
                    was_upper = false;
                }
            }
            out.push(before);
        }
    }
    out.push(last);
    out
}
