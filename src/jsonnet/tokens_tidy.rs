//! The words of a Jsonnet put in order before they are written: quotation marks, names, commas, and which brackets have
//! their contents on lines of their own.
use super::tokens::{Kind, Token};

/// What a bracket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    File,
    Object,
    Array,
    /// Arguments or parameters.
    Call,
    /// `a[1]`, and names that are computed.
    Index,
    Paren,
}

impl Shape {
    pub(super) fn is_list(self) -> bool {
        matches!(self, Self::Object | Self::Array)
    }
}

/// What is known of an opening bracket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    pub(super) shape: Shape,
    /// The contents stand on lines of their own.
    pub(super) is_apart: bool,
    /// Each element has its line.
    pub(super) is_parted: bool,
}

/// Whether the token can be the end of an operand: what follows a name or a closing bracket is called or indexed.
pub(super) fn is_operand(token: &Token) -> bool {
    match token.kind {
        Kind::Word => !is_keyword(&token.text) || is_value(&token.text),
        Kind::Number | Kind::String | Kind::TextBlock => true,
        Kind::Sign => [")", "]", "}", "$"].iter().any(|sign| token.is(sign)),
    }
}

fn is_value(word: &str) -> bool {
    ["null", "true", "false", "self", "super"].contains(&word)
}

fn is_keyword(word: &str) -> bool {
    is_value(word)
        || [
            "assert",
            "else",
            "error",
            "for",
            "function",
            "if",
            "import",
            "importstr",
            "importbin",
            "in",
            "local",
            "tailstrict",
            "then",
        ]
        .contains(&word)
}

/// The tokens, and for each opening bracket what it is.
pub(super) fn tidy(tokens: Vec<Token>) -> (Vec<Token>, Vec<Option<Group>>) {
    let mut tokens = names(tokens);
    for token in &mut tokens {
        if token.kind == Kind::String {
            token.text = quoted(&token.text);
        }
    }
    let groups = spread(&mut tokens);
    commas(tokens, groups)
}

/// Shapes by position: of opening brackets, and for all others the shape that they stand in.
fn shapes(tokens: &[Token]) -> Vec<Shape> {
    let mut open = vec![Shape::File];
    let mut out = vec![];
    for (at, token) in tokens.iter().enumerate() {
        let around = open.last().copied().unwrap_or(Shape::File);
        let previous = at.checked_sub(1).and_then(|at| tokens.get(at));
        let follows = |sign: &str| previous.is_some_and(|token| token.is(sign));
        let opens = if token.is("{") {
            Some(Shape::Object)
        } else if token.is("[") {
            let is_name = around == Shape::Object && (follows("{") || follows(","));
            let is_index = previous.is_some_and(is_operand);
            Some(if is_name || is_index {
                Shape::Index
            } else {
                Shape::Array
            })
        } else if token.is("(") {
            let is_call = previous.is_some_and(|token| is_operand(token) || token.is("function"));
            Some(if is_call { Shape::Call } else { Shape::Paren })
        } else {
            None
        };
        if let Some(shape) = opens {
            open.push(shape);
            out.push(shape);
        } else {
            if [")", "]", "}"].iter().any(|sign| token.is(sign)) && open.len() > 1 {
                open.pop();
            }
            out.push(around);
        }
    }
    out
}

/// `"a": 1`, `['a']: 1` and `b['a']` become `a: 1` and `b.a`, where `a` is a name.
fn names(tokens: Vec<Token>) -> Vec<Token> {
    let shapes = shapes(&tokens);
    let mut out: Vec<Token> = vec![];
    let mut rest = tokens.into_iter().zip(shapes).peekable();
    while let Some((mut token, shape)) = rest.next() {
        let is_first = |out: &[Token]| {
            let last = out.last();
            last.is_some_and(|last| last.is("{") || last.is(","))
        };
        if token.is("[") && shape == Shape::Index {
            // Only `[`, a string, `]`, with nothing between.
            let mut ahead = rest.clone();
            let (name, close) = (ahead.next(), ahead.next());
            if let (Some((name, _)), Some((close, _))) = (name, close)
                && let Some(word) = name_in(&name)
                && close.is("]")
                && name.comments.is_empty()
                && close.comments.is_empty()
            {
                let is_field = out.last().is_some_and(|last| !is_operand(last));
                if !is_field {
                    let dot = Token {
                        text: ".".to_owned(),
                        ..token.clone()
                    };
                    out.push(dot);
                    token.breaks = 0;
                    token.comments.clear();
                }
                token.kind = Kind::Word;
                word.clone_into(&mut token.text);
                out.push(token);
                rest = ahead;
                continue;
            }
        } else if shape == Shape::Object && is_first(&out) {
            let is_field = rest.peek().is_some_and(|(next, _)| {
                next.kind == Kind::Sign && next.text.ends_with(':') || next.is("(")
            });
            let word = name_in(&token).filter(|_| is_field).map(str::to_owned);
            if let Some(word) = word {
                token.text = word;
                token.kind = Kind::Word;
            }
        }
        out.push(token);
    }
    out
}

/// The name that a string could be written as.
fn name_in(token: &Token) -> Option<&str> {
    if token.kind != Kind::String || token.text.starts_with('@') {
        return None;
    }
    let inner = token.text.get(1..token.text.len().checked_sub(1)?)?;
    let is_name = inner.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && inner.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !is_keyword(inner);
    is_name.then_some(inner)
}

/// With single quotation marks, unless there are some inside.
fn quoted(text: &str) -> String {
    let Some(inner) = text.get(1..text.len().saturating_sub(1)) else {
        return text.to_owned();
    };
    if text.starts_with('@') {
        return text.to_owned();
    }
    let (has_single, has_double) = (inner.contains('\''), inner.contains('"'));
    let mark = match (has_single, has_double) {
        (true, true) => return text.to_owned(),
        (true, false) => '"',
        _ => '\'',
    };
    // What needed a backslash before needs none between the other marks.
    let mut out = String::from(mark);
    let mut letters = inner.chars();
    while let Some(c) = letters.next() {
        if c == '\\' {
            match letters.next() {
                Some(c @ ('\'' | '"')) if c != mark => out.push(c),
                Some(c) => out.extend(['\\', c]),
                None => out.push('\\'),
            }
        } else {
            out.push(c);
        }
    }
    out.push(mark);
    out
}

/// Decides which brackets are spread over lines, and breaks lines accordingly.
fn spread(tokens: &mut [Token]) -> Vec<Option<Group>> {
    let shapes = shapes(tokens);
    let mut groups: Vec<Option<Group>> = vec![None; tokens.len()];
    // Of each open bracket: its place, and where its elements begin.
    let mut open: Vec<(usize, Vec<usize>)> = vec![];
    for at in 0..tokens.len() {
        let token = &tokens[at];
        let opens = ["(", "[", "{"].iter().any(|sign| token.is(sign));
        let closes = [")", "]", "}"].iter().any(|sign| token.is(sign));
        if opens {
            open.push((at, vec![at + 1]));
        } else if closes {
            let Some((start, firsts)) = open.pop() else {
                continue;
            };
            let shape = shapes[start];
            let parts = &firsts[1..];
            let ends = [start + 1, at].iter().any(|at| tokens[*at].begins_line());
            let inside = parts.iter().any(|at| tokens[*at].begins_line());
            let (is_apart, is_parted) = match shape {
                Shape::Object | Shape::Array => (ends || inside, ends || inside),
                Shape::Call => (ends, inside),
                Shape::Paren => (ends, false),
                Shape::Index | Shape::File => (false, false),
            };
            let is_empty = start + 1 == at && tokens[at].comments.is_empty();
            let is_apart = is_apart && !is_empty;
            groups[start] = Some(Group {
                shape,
                is_apart,
                is_parted,
            });
            if shape != Shape::Index {
                for end in [start + 1, at] {
                    tokens[end].breaks = broken(&tokens[end], is_apart);
                }
                for part in parts {
                    if *part != at {
                        tokens[*part].breaks = broken(&tokens[*part], is_parted);
                    }
                }
            }
        } else if let Some((start, firsts)) = open.last_mut() {
            let in_list = shapes[*start].is_list();
            if token.is(",") {
                firsts.push(at + 1);
            } else if in_list && (token.is("for") || token.is("if") && tokens_end(&tokens[at - 1]))
            {
                firsts.push(at);
            }
        }
    }
    groups
}

/// An `if` behind an operand belongs to a comprehension.
fn tokens_end(previous: &Token) -> bool {
    is_operand(previous)
}

fn broken(token: &Token, wanted: bool) -> usize {
    let before = token.comments.iter().any(|comment| comment.breaks > 0);
    match (wanted, token.comments.is_empty()) {
        (true, _) => token.breaks.max(usize::from(
            token.comments.is_empty() || !before || token.breaks > 0,
        )),
        (false, true) => 0,
        (false, false) => token.breaks,
    }
}

/// A comma behind the last element of a list that is spread, none behind that of another one.
fn commas(tokens: Vec<Token>, groups: Vec<Option<Group>>) -> (Vec<Token>, Vec<Option<Group>>) {
    let mut out: Vec<Token> = vec![];
    let mut kept: Vec<Option<Group>> = vec![];
    // For each open bracket: what it is, and whether it is a comprehension.
    let mut open: Vec<(Group, bool)> = vec![];
    for (mut token, group) in tokens.into_iter().zip(groups) {
        if let Some(group) = group {
            open.push((group, false));
        } else if token.is("for") {
            if let Some((_, is_comprehension)) = open.last_mut() {
                *is_comprehension = true;
                drop_comma(&mut out, &mut kept, &mut token);
            }
        } else if [")", "]", "}"].iter().any(|sign| token.is(sign))
            && let Some((group, is_comprehension)) = open.pop()
            && group.shape.is_list()
        {
            let wanted = group.is_apart && !is_comprehension;
            let last = out
                .last()
                .map(|last| (last.is(","), last.is("[") || last.is("{")));
            match last {
                Some((true, _)) if !wanted => drop_comma(&mut out, &mut kept, &mut token),
                Some((false, false)) if wanted => {
                    out.push(Token {
                        kind: Kind::Sign,
                        text: ",".to_owned(),
                        comments: vec![],
                        breaks: 0,
                    });
                    kept.push(None);
                }
                _ => {}
            }
        }
        if token.is(",") {
            token.breaks = 0;
        }
        out.push(token);
        kept.push(group);
    }
    (out, kept)
}

/// Takes a comma away; the comments before it go to the next token.
fn drop_comma(out: &mut Vec<Token>, kept: &mut Vec<Option<Group>>, next: &mut Token) {
    if out.last().is_some_and(|last| last.is(","))
        && let Some(comma) = out.pop()
    {
        kept.pop();
        let mut comments = comma.comments;
        comments.append(&mut next.comments);
        next.comments = comments;
    }
}
