//! Whether everything that is opened in a template is closed. The library ends where an `end` is too many, and takes the
//! end of the text for one that is missing.
use super::rewrite::Fault;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Branch,
    /// After its `else`.
    Other,
    Loop,
    Define,
}

pub(super) fn check(text: &str) -> Result<(), Fault> {
    let mut open: Vec<(Open, usize)> = vec![];
    let mut rest = text;
    let mut line = 1;
    while let Some(start) = rest.find("{{") {
        line += lines(&rest[..start]);
        let action = &rest[start + 2..];
        let begun = line;
        let fault = |what: &str| Fault {
            line: begun,
            what: what.to_owned(),
        };
        let length = end_of(action).ok_or_else(|| fault("an action that does not end"))?;
        let (first, then) = first_word(&action[..length]);
        match first {
            "if" | "with" => open.push((Open::Branch, begun)),
            "range" => open.push((Open::Loop, begun)),
            "define" | "block" => open.push((Open::Define, begun)),
            "end" => {
                open.pop().ok_or_else(|| fault("an `end` too many"))?;
            }
            "else" => match open.last_mut() {
                Some((kind @ (Open::Branch | Open::Loop), _)) => {
                    if first_word(then).0.is_empty() {
                        *kind = Open::Other;
                    }
                }
                _ => return Err(fault("an `else` that belongs to nothing")),
            },
            _ => {}
        }
        line += lines(&action[..length]);
        rest = &action[length..];
    }
    match open.last() {
        None => Ok(()),
        Some((_, line)) => Err(Fault {
            line: *line,
            what: "this is not closed by an `end`".to_owned(),
        }),
    }
}

/// The word that an action begins with, and the rest: `if(eq 1 2)` begins with `if`.
fn first_word(text: &str) -> (&str, &str) {
    let text = text.strip_prefix('-').unwrap_or(text).trim_start();
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    text.split_at(end.unwrap_or(text.len()))
}

fn lines(text: &str) -> usize {
    text.matches('\n').count()
}

/// Where an action ends: at the braces that stand in no text and no comment.
fn end_of(action: &str) -> Option<usize> {
    let trimmed = action.strip_prefix("- ").unwrap_or(action).trim_start();
    if trimmed.starts_with("/*") {
        let start = action.len() - trimmed.len();
        let close = start + action[start..].find("*/")?;
        return Some(close + action[close..].find("}}")?);
    }
    let mut all = action.char_indices();
    while let Some((at, c)) = all.next() {
        match c {
            '}' if action[at..].starts_with("}}") => return Some(at),
            '"' | '\'' => loop {
                match all.next()?.1 {
                    '\\' => {
                        all.next()?;
                    }
                    end if end == c => break,
                    _ => {}
                }
            },
            '`' => while all.next()?.1 != '`' {},
            _ => {}
        }
    }
    None
}
