//! Writes a Jsonnet as the usual formatter does: two spaces, single quotes, commas at the end of each line.
//!
//! Where lines break is up to the author, but for lists and objects: if one element has a line of its own, all have. It
//! works on words, not on meanings; what comes out is compared with what went in, word by word.
use super::tokens::{Kind, Token, read};
use super::tokens_tidy::{Group, Shape, is_operand, tidy};

/// Blank lines are kept up to two.
const MOST_BREAKS: usize = 3;

/// The Jsonnet, formatted, with a line break at its end.
///
/// # Errors
/// It cannot be read: where, and what is wrong.
pub fn format(source: &str) -> Result<String, String> {
    let tokens = read(source)?;
    let meaning = |tokens: &[Token]| -> Vec<String> {
        let (tokens, _) = tidy(tokens.to_vec());
        tokens.into_iter().map(|token| token.text).collect()
    };
    let before = meaning(&tokens);
    let (tokens, groups) = tidy(tokens);
    let mut writer = Writer::new();
    for (token, group) in tokens.iter().zip(&groups) {
        writer.put(token, *group);
    }
    let out = writer.end();
    let after = meaning(&read(&out)?);
    let plain =
        |texts: Vec<String>| -> Vec<String> { texts.iter().map(|t| unindented(t)).collect() };
    if plain(before) != plain(after) {
        return Err("this cannot be formatted without a change of its meaning".to_owned());
    }
    Ok(out)
}

/// A text block without the indentation of its lines: the first line's counts for all.
fn unindented(text: &str) -> String {
    match block(text) {
        None => text.to_owned(),
        Some((start, lines)) => format!("{start}\n{}", lines.join("\n")),
    }
}

/// The first line of a text block, and the others as they count.
fn block(text: &str) -> Option<(&str, Vec<&str>)> {
    let (start, rest) = text.split_once('\n').filter(|_| text.starts_with("|||"))?;
    let first = rest.lines().find(|line| !line.trim().is_empty())?;
    let indent = &first[..first.len() - first.trim_start_matches([' ', '\t']).len()];
    let mut lines: Vec<&str> = rest.lines().collect();
    // The last holds the closing bars.
    lines.pop();
    let lines = lines
        .into_iter()
        .map(|line| line.strip_prefix(indent).unwrap_or(""));
    Some((start.trim_end(), lines.collect()))
}

/// Where a bracket is open.
struct Frame {
    shape: Shape,
    /// Columns: of elements, of the closing bracket, of what is opened now.
    base: usize,
    close: usize,
    now: usize,
    /// Where the expression began that is being written, and the last `local` or `assert`.
    expression: usize,
    statement: usize,
    /// What `now` was there.
    resumes: usize,
    /// What `now` was at each `if` whose `else` may come.
    choices: Vec<usize>,
    /// The next colon parts the condition of an `assert` from its message.
    asserts: bool,
}

impl Frame {
    fn new(shape: Shape, base: usize, close: usize, now: usize) -> Self {
        Self {
            shape,
            base,
            close,
            now,
            expression: base,
            statement: base,
            resumes: now,
            choices: vec![],
            asserts: false,
        }
    }
}

struct Writer {
    out: String,
    frames: Vec<Frame>,
    previous: Option<Token>,
    /// The sign before was one of a single operand, as in `-x`.
    was_unary: bool,
}

impl Writer {
    fn new() -> Self {
        Self {
            out: String::new(),
            frames: vec![],
            previous: None,
            was_unary: false,
        }
    }

    fn frame(&mut self) -> &mut Frame {
        if self.frames.is_empty() {
            self.frames.push(Frame::new(Shape::File, 0, 0, 0));
        }
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    fn column(&self) -> usize {
        let line = self.out.rsplit('\n').next().unwrap_or_default();
        line.chars().count()
    }

    fn put(&mut self, token: &Token, group: Option<Group>) {
        let closes = token.is(")") || token.is("]") || token.is("}");
        let is_end = token.text.is_empty();
        let indent = self.indent(token, closes);
        let beside = if closes { self.frame().base } else { indent };
        let mut fresh = self.out.is_empty();
        for comment in &token.comments {
            if comment.breaks > 0 && !fresh {
                self.break_line(comment.breaks, beside);
            } else if comment.text.starts_with("//") && !fresh {
                self.out.push_str("  ");
            } else if !fresh {
                self.out.push(' ');
            }
            self.out.push_str(&comment.text);
            fresh = false;
        }
        let after_line = token
            .comments
            .last()
            .is_some_and(|comment| comment.text.starts_with("//"));
        let breaks = token.breaks.max(usize::from(after_line));
        if is_end {
            return;
        }
        let first_on_line = breaks > 0 && !fresh;
        if first_on_line {
            self.break_line(breaks, indent);
            let moves = self
                .previous
                .as_ref()
                .is_some_and(|p| begins_below(p, token));
            if moves {
                self.frame().now = indent;
            }
        } else if !fresh && self.is_apart(token) {
            self.out.push(' ');
        }
        self.write(token, group, closes);
    }

    fn write(&mut self, token: &Token, group: Option<Group>, closes: bool) {
        let column = self.column();
        let begins = self.previous.as_ref().is_none_or(begins_expression);
        self.was_unary = ["-", "+", "!", "~"].iter().any(|sign| token.is(sign))
            && !self.previous.as_ref().is_some_and(is_operand);
        let frame = self.frame();
        if begins {
            frame.expression = column;
        }
        if token.is("local") || token.is("assert") {
            frame.statement = if begins { column } else { frame.base };
            frame.asserts = token.is("assert");
            frame.resumes = frame.now;
        }
        if token.is("if") && begins {
            frame.choices.push(frame.now);
        } else if token.is("then") {
            frame.now = frame.choices.last().copied().unwrap_or(frame.now);
        } else if token.is("else") {
            frame.now = frame.choices.pop().unwrap_or(frame.now);
        } else if token.is(",") {
            frame.now = frame.base;
            frame.choices.clear();
        } else if token.is(";") {
            frame.now = frame.resumes;
        }
        if token.is(":") || token.is(",") || token.is(";") {
            frame.asserts = false;
        }
        let now = frame.now;
        if closes {
            self.frames.pop();
        }
        match (token.kind, block(&token.text)) {
            (Kind::TextBlock, Some((start, lines))) => self.block(start, &lines, now),
            _ => self.out.push_str(&token.text),
        }
        if let Some(group) = group {
            let after = self.column();
            let base = if group.is_apart {
                now + 2
            } else if group.is_parted {
                after
            } else {
                now
            };
            let inner = if group.is_apart { base } else { now };
            self.frames.push(Frame::new(group.shape, base, now, inner));
        }
        self.previous = Some(token.clone());
    }

    fn block(&mut self, start: &str, lines: &[&str], now: usize) {
        self.out.push_str(start);
        for line in lines {
            self.out.push('\n');
            if !line.is_empty() {
                self.out.extend(std::iter::repeat_n(' ', now + 2));
                self.out.push_str(line);
            }
        }
        self.break_line(1, now);
        self.out.push_str("|||");
    }

    fn break_line(&mut self, breaks: usize, indent: usize) {
        self.out
            .extend(std::iter::repeat_n('\n', breaks.clamp(1, MOST_BREAKS)));
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    /// Where the token stands if a line begins with it.
    fn indent(&mut self, token: &Token, closes: bool) -> usize {
        let previous = self.previous.clone();
        let frame = self.frame();
        let Some(previous) = previous else {
            return 0;
        };
        let is = |signs: &[&str]| signs.iter().any(|sign| previous.is(sign));
        if closes {
            frame.close
        } else if token.text.is_empty() {
            0
        } else if is(&["(", "[", "{", ","]) || token.is("for") {
            frame.base
        } else if is(&[";"]) {
            frame.statement
        } else if token.is("else") || token.is("then") {
            frame.choices.last().copied().unwrap_or(frame.now)
        } else if begins_below(&previous, token) {
            frame.now + 2
        } else if token.is("if") && frame.shape.is_list() {
            frame.base
        } else {
            frame.expression
        }
    }

    /// Whether there is a space before the token.
    fn is_apart(&mut self, token: &Token) -> bool {
        let was_unary = self.was_unary;
        let Some(previous) = self.previous.clone() else {
            return false;
        };
        let frame = self.frame();
        let (shape, asserts) = (frame.shape, frame.asserts);
        let is_colon = |token: &Token| token.kind == Kind::Sign && token.text.ends_with(':');
        let was = |sign: &str| previous.is(sign);
        if was("{") || token.is("}") {
            return !(was("{") && token.is("}"));
        }
        if was("(") || was("[") || was(".") || was_unary {
            return false;
        }
        if [")", "]", ",", ";", "."].iter().any(|sign| token.is(sign)) {
            return false;
        }
        if shape == Shape::Index && (is_colon(token) || is_colon(&previous)) {
            return false;
        }
        if is_colon(token) {
            return asserts && token.is(":");
        }
        if shape == Shape::Call && (token.is("=") || was("=")) {
            return false;
        }
        if token.is("(") || token.is("[") {
            return !(is_operand(&previous) || was("function"));
        }
        true
    }

    fn end(self) -> String {
        let mut out = self.out;
        out.truncate(out.trim_end().len());
        out.push('\n');
        out
    }
}

/// Whether a new line there is deeper than the one before.
fn begins_below(previous: &Token, token: &Token) -> bool {
    let words = ["=", "then", "else", "error"];
    words.iter().any(|word| previous.is(word))
        || previous.kind == Kind::Sign && previous.text.ends_with(':')
        || previous.is(")") && !joins(token)
}

/// Whether the token stands between two operands. What else follows the `)` of parameters is the function's body.
fn joins(token: &Token) -> bool {
    let is_bracket = ["(", "[", "{"].iter().any(|sign| token.is(sign));
    let words = ["in", "then", "else", "for", "if", "tailstrict"];
    words.iter().any(|word| token.is(word)) || token.kind == Kind::Sign && !is_bracket
}

/// Whether an expression begins behind it.
fn begins_expression(token: &Token) -> bool {
    let words = ["then", "else", "in", "if", "error", "assert", "for"];
    let signs = ["(", "[", "{", ",", ";", "="];
    token.text.ends_with(':') && token.kind == Kind::Sign
        || words.iter().chain(&signs).any(|sign| token.is(sign))
}
