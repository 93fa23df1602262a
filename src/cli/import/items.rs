//! Reads a file of accounts piece by piece, in memory that does not grow with it: JSON lines, arrays, single objects.
//!
//! Each piece is text that is JSON; more is not looked at here. A line or an element that is none is told and passed
//! over, as long as it is clear where the next one begins.
use serde_json::value::RawValue;
use std::io::{self, BufRead, Cursor, Read as _};

/// A server takes no larger body.
const MOST: usize = 4 << 20;
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One piece of the file.
#[derive(Debug)]
pub(in crate::cli) struct Item {
    /// Where it begins; the first line is 1.
    pub(in crate::cli) line: u64,
    /// The JSON, or why there is none.
    pub(in crate::cli) json: Result<Box<RawValue>, String>,
}

/// Why reading cannot go on.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum ReadError {
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("line {line}: {problem}")]
    Shape { line: u64, problem: &'static str },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Unknown,
    /// One on each line.
    Lines,
    /// One behind the other, each on as many lines as it likes.
    Values,
    /// Between brackets.
    Array,
    End,
}

/// The pieces of a file.
pub(in crate::cli) struct Items {
    reader: Box<dyn BufRead>,
    shape: Shape,
    line: u64,
    bytes: u64,
}

impl Items {
    pub(in crate::cli) fn new(reader: Box<dyn BufRead>) -> Self {
        Self {
            reader,
            shape: Shape::Unknown,
            line: 1,
            bytes: 0,
        }
    }

    /// How many have been read.
    pub(in crate::cli) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next piece, if there is one.
    pub(in crate::cli) fn next(&mut self) -> Result<Option<Item>, ReadError> {
        if self.shape == Shape::Unknown {
            self.begin()?;
        }
        match self.shape {
            Shape::Lines => self.next_line(),
            Shape::Values => self.next_value(),
            Shape::Array => self.next_element(),
            Shape::Unknown | Shape::End => Ok(None),
        }
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.reader.fill_buf()?.first().copied())
    }

    fn step(&mut self, byte: u8) {
        self.reader.consume(1);
        self.bytes += 1;
        self.line += u64::from(byte == b'\n');
    }

    fn skip_space(&mut self) -> io::Result<Option<u8>> {
        while let Some(byte) = self.peek()? {
            if !byte.is_ascii_whitespace() {
                return Ok(Some(byte));
            }
            self.step(byte);
        }
        Ok(None)
    }

    /// Tells by the beginning what kind of file it is.
    fn begin(&mut self) -> Result<(), ReadError> {
        let mut start = vec![];
        while start.len() < BOM.len() && BOM.starts_with(&start) {
            match self.peek()? {
                Some(byte) => start.push(byte),
                None => break,
            }
            self.reader.consume(1);
        }
        if start == BOM {
            self.bytes += 3;
        } else {
            self.put_back(start);
        }
        match self.skip_space()? {
            None => self.shape = Shape::End,
            Some(b'[') => {
                self.step(b'[');
                self.shape = Shape::Array;
            }
            Some(_) => {
                let mut first = vec![];
                (&mut self.reader)
                    .take(MOST as u64)
                    .read_until(b'\n', &mut first)?;
                let error = serde_json::from_slice::<&RawValue>(&first).err();
                self.shape = match error {
                    Some(error) if error.is_eof() => Shape::Values,
                    _ => Shape::Lines,
                };
                self.put_back(first);
            }
        }
        Ok(())
    }

    fn put_back(&mut self, bytes: Vec<u8>) {
        let empty: Box<dyn BufRead> = Box::new(io::empty());
        let rest = std::mem::replace(&mut self.reader, empty);
        self.reader = Box::new(Cursor::new(bytes).chain(rest));
    }

    fn next_line(&mut self) -> Result<Option<Item>, ReadError> {
        loop {
            let line = self.line;
            let mut text = vec![];
            let mut read = (&mut self.reader)
                .take(MOST as u64 + 1)
                .read_until(b'\n', &mut text)?;
            if read == 0 {
                return Ok(None);
            }
            let fits = read <= MOST;
            if !fits && text.last() != Some(&b'\n') {
                read += self.reader.skip_until(b'\n')?;
            }
            self.bytes += read as u64;
            self.line += 1;
            if fits && text.trim_ascii().is_empty() {
                continue;
            }
            let json = if fits { json(&text) } else { Err(too_large()) };
            return Ok(Some(Item { line, json }));
        }
    }

    fn next_value(&mut self) -> Result<Option<Item>, ReadError> {
        match self.skip_space()? {
            None => Ok(None),
            Some(_) => self.value().map(Some),
        }
    }

    fn next_element(&mut self) -> Result<Option<Item>, ReadError> {
        loop {
            match self.skip_space()? {
                None => return Err(self.wrong("the list is not closed")),
                Some(b',') => self.step(b','),
                Some(b']') => {
                    self.step(b']');
                    self.shape = Shape::End;
                    return match self.skip_space()? {
                        None => Ok(None),
                        Some(_) => Err(self.wrong("something stands behind the list")),
                    };
                }
                Some(_) => return self.value().map(Some),
            }
        }
    }

    fn wrong(&self, problem: &'static str) -> ReadError {
        ReadError::Shape {
            line: self.line,
            problem,
        }
    }

    /// Up to where its brackets are closed; what has none, up to where something else begins.
    fn value(&mut self) -> Result<Item, ReadError> {
        let line = self.line;
        let mut text = vec![];
        let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
        let mut fits = true;
        loop {
            let Some(byte) = self.peek()? else {
                if depth > 0 || quoted {
                    let problem = "what begins here has no end";
                    return Err(ReadError::Shape { line, problem });
                }
                break;
            };
            let separates = matches!(byte, b',' | b']' | b'}') || byte.is_ascii_whitespace();
            if depth == 0 && !quoted && separates && !text.is_empty() {
                break;
            }
            self.step(byte);
            if text.len() < MOST {
                text.push(byte);
            } else {
                fits = false;
            }
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ if quoted => {}
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 && !quoted && matches!(byte, b'}' | b']') {
                break;
            }
        }
        let json = if fits { json(&text) } else { Err(too_large()) };
        Ok(Item { line, json })
    }
}

fn json(text: &[u8]) -> Result<Box<RawValue>, String> {
    serde_json::from_slice(text.trim_ascii()).map_err(|error| format!("this is no JSON: {error}"))
}

fn too_large() -> String {
    format!("this is larger than {} MiB", MOST >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces and their lines; `!` for what is no JSON. At the end what stopped the reading.
    fn read(text: &str) -> Vec<String> {
        // A small buffer, so that pieces lie across its ends.
        let reader = io::BufReader::with_capacity(3, Cursor::new(text.as_bytes().to_vec()));
        let mut items = Items::new(Box::new(reader));
        let mut out = vec![];
        loop {
            match items.next() {
                Ok(Some(Item { line, json })) => {
                    let json = json.map_or("!".to_owned(), |json| json.get().to_owned());
                    out.push(format!("{line}:{json}"));
                }
                Ok(None) => {
                    assert_eq!(items.bytes(), text.len() as u64, "{text}");
                    return out;
                }
                Err(error) => {
                    out.push(error.to_string());
                    return out;
                }
            }
        }
    }

    #[test]
    fn lines_arrays_and_objects_are_told_apart() {
        for (text, expected) in [
            ("", &[][..]),
            (" \n\n", &[]),
            (
                "{\"a\":1}\n\n {\"a\":2} \r\n{\"a\":3}",
                &["1:{\"a\":1}", "3:{\"a\":2}", "4:{\"a\":3}"],
            ),
            ("\u{FEFF}{}\n", &["1:{}"]),
            (
                "{\n \"a\": \"}\\\"{\"\n}\n{\n}\n",
                &["1:{\n \"a\": \"}\\\"{\"\n}", "4:{\n}"],
            ),
            ("[]", &[]),
            (
                "[\n{\"a\":[1,\"]\"]},\n{}\n, 3, \"x\"]\n",
                &["2:{\"a\":[1,\"]\"]}", "3:{}", "4:3", "4:\"x\""],
            ),
            ("[{}]", &["1:{}"]),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_broken_is_passed_over() {
        assert_eq!(
            read("{}\n{\"a\": }\nnonsense\n{}\n"),
            ["1:{}", "2:!", "3:!", "4:{}"]
        );
        assert_eq!(read("[{\"a\": }, {}]"), ["1:!", "1:{}"]);
        assert_eq!(read("[{}\n"), ["1:{}", "line 2: the list is not closed"]);
        assert_eq!(
            read("[{}] x"),
            ["1:{}", "line 1: something stands behind the list"]
        );
        assert_eq!(
            read("\n{\"a\":\n 1"),
            ["line 2: what begins here has no end"]
        );
    }

    #[test]
    fn no_piece_fills_the_memory() {
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(MOST));
        assert_eq!(
            read(&format!("{{}}\n{long}\n{{}}")),
            ["1:{}", "2:!", "3:{}"]
        );
        assert_eq!(read(&format!("[{long},{{}}]")), ["1:!", "1:{}"]);
    }
}
