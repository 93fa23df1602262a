//! A mail as bytes (RFC 5322, 2045, 2047): ASCII only, lines of bounded length that end with CR LF. Whatever a value
//! holds stays within its header.
use crate::base::random::{Random, alphanumeric};
use data_encoding::BASE64;
use std::fmt::Write as _;

/// Headers in order, and what follows them.
pub(super) struct Mail<'a> {
    pub(super) headers: Vec<(String, String)>,
    pub(super) text: &'a str,
    pub(super) html: Option<&'a str>,
}

/// Octets of a line that nobody has to break (RFC 5322 §2.1.1).
const LINE: usize = 76;
/// A value of one unbroken word that is longer than this is encoded, as there is no other place to fold it.
const LONGEST_WORD: usize = 900;

impl Mail<'_> {
    pub(super) fn bytes(&self, dice: &dyn Random) -> Vec<u8> {
        let mut out = String::with_capacity(1024 + self.text.len() * 2);
        for (name, value) in &self.headers {
            let _ = write!(out, "{name}: {}\r\n", folded(name.len() + 2, value));
        }
        match self.html {
            None => part(&mut out, "text/plain", self.text),
            Some(html) => {
                let boundary = alphanumeric(dice, 32);
                let _ = write!(
                    out,
                    "Content-Type: multipart/alternative;\r\n boundary={boundary}\r\n\r\n"
                );
                for (kind, text) in [("text/plain", self.text), ("text/html", html)] {
                    let _ = write!(out, "--{boundary}\r\n");
                    part(&mut out, kind, text);
                    out.push_str("\r\n");
                }
                let _ = write!(out, "--{boundary}--\r\n");
            }
        }
        out.into_bytes()
    }
}

fn part(out: &mut String, kind: &str, text: &str) {
    let _ = write!(
        out,
        "Content-Type: {kind}; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    );
    quoted_printable(out, text);
    out.push_str("\r\n");
}

/// A value without structure, such as a subject: as it is, or in encoded words.
pub(super) fn unstructured(text: &str) -> String {
    let is_plain = |c: char| (' '..='~').contains(&c);
    let word = text.split(' ').map(str::len).max().unwrap_or(0);
    if text.chars().all(is_plain) && word < LONGEST_WORD && !text.contains("=?") {
        text.to_owned()
    } else {
        encoded_words(text)
    }
}

/// The name in front of an address, quoted as it needs to be.
pub(super) fn phrase(text: &str) -> String {
    if text.chars().all(|c| (' '..='~').contains(&c)) && text.len() < LONGEST_WORD {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        encoded_words(text)
    }
}

/// RFC 2047 §2: words of at most 75 characters, none of which cuts a character.
fn encoded_words(text: &str) -> String {
    const BYTES: usize = 45;
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (word, after) = rest.split_at(rest.floor_char_boundary(BYTES));
        words.push(format!("=?UTF-8?B?{}?=", BASE64.encode(word.as_bytes())));
        rest = after;
    }
    words.join(" ")
}

/// Broken before blanks where lines get long; control characters that have no business in a header are blanks.
fn folded(start: usize, value: &str) -> String {
    let value: String = value
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let mut out = String::with_capacity(value.len() + 8);
    let mut column = start;
    for (at, word) in value.trim().split(' ').enumerate() {
        if at > 0 {
            // A line of nothing but blanks would end the headers for some.
            if column + 1 + word.len() > LINE && !word.is_empty() && !out.ends_with(' ') {
                out.push_str("\r\n");
                column = 0;
            }
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += word.len();
    }
    out
}

/// RFC 2045 §6.7, with the line ends of the network.
fn quoted_printable(out: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let text = text.replace("\r\n", "\n");
    for (at, line) in text.split(['\n', '\r']).enumerate() {
        if at > 0 {
            out.push_str("\r\n");
        }
        let bytes = line.as_bytes();
        let mut column = 0;
        // What is plain is copied in one piece, as far as the line goes.
        let mut from = 0;
        for (at, &byte) in bytes.iter().enumerate() {
            let is_last = at + 1 == bytes.len();
            let is_plain = matches!(byte, b'!'..=b'<' | b'>'..=b'~')
                || (matches!(byte, b' ' | b'\t') && !is_last);
            let width = if is_plain { 1 } else { 3 };
            // Room for the mark of a line that goes on.
            if column + width > LINE - 1 {
                out.push_str(line.get(from..at).unwrap_or_default());
                out.push_str("=\r\n");
                (column, from) = (0, at);
            }
            column += width;
            if !is_plain {
                out.push_str(line.get(from..at).unwrap_or_default());
                out.push('=');
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
                from = at + 1;
            }
        }
        out.push_str(line.get(from..).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::SeededRandom;

    fn quoted(text: &str) -> String {
        let mut out = String::new();
        quoted_printable(&mut out, text);
        out
    }

    #[test]
    fn text_is_quoted_and_its_lines_are_short() {
        assert_eq!(
            quoted("a=b\nGrüße \n.x"),
            "a=3Db\r\nGr=C3=BC=C3=9Fe=20\r\n.x"
        );
        assert_eq!(quoted("a\r\nb\rc\n"), "a\r\nb\r\nc\r\n");
        let long = quoted(&"ü".repeat(100));
        assert!(long.lines().all(|line| line.len() <= 76), "{long}");
        assert_eq!(long.replace("=\r\n", ""), "=C3=BC".repeat(100));
    }

    #[test]
    fn no_value_leaves_its_header() {
        let evil = "x\r\nBcc: victim@example.org\r\n\r\nbody";
        assert_eq!(
            unstructured(evil),
            format!("=?UTF-8?B?{}?=", BASE64.encode(evil.as_bytes()))
        );
        let mail = Mail {
            headers: vec![
                ("Subject".into(), unstructured(evil)),
                ("From".into(), phrase(evil)),
                ("X-A".into(), evil.into()),
            ],
            text: "text",
            html: Some("<p>"),
        };
        let bytes = mail.bytes(&SeededRandom::new(1));
        let text = String::from_utf8_lossy(&bytes);
        let names: Vec<_> = text
            .split("\r\n\r\n")
            .next()
            .unwrap_or_default()
            .lines()
            .filter(|line| !line.starts_with(' '))
            .filter_map(|line| line.split_once(':'))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["Subject", "From", "X-A", "Content-Type"]);
    }

    #[test]
    fn words_are_encoded_without_cutting_characters() {
        let text = "Ünïcödé ".repeat(12);
        let words = unstructured(&text);
        let mut back = Vec::new();
        for word in words.split(' ') {
            assert!(word.len() <= 75, "{word}");
            let inner = word
                .strip_prefix("=?UTF-8?B?")
                .and_then(|w| w.strip_suffix("?="));
            let part = BASE64.decode(inner.unwrap_or_default().as_bytes());
            let part = part.unwrap_or_default();
            assert!(std::str::from_utf8(&part).is_ok());
            back.extend(part);
        }
        assert_eq!(back, text.into_bytes());
    }

    #[test]
    fn names_are_quoted() {
        assert_eq!(phrase(r#"A "B" \ C"#), r#""A \"B\" \\ C""#);
        assert_eq!(folded(9, "a  b\u{7}c"), "a  b c");
        let long = folded(9, &"word ".repeat(40));
        assert!(long.split("\r\n").all(|line| line.len() <= 76));
    }
}
