//! Go's templates: read, checked, run within bounds. The language and the escaping of HTML are the library's; what it
//! does otherwise than Go is put right here (courier.md §4.2).
pub(super) mod budget;
mod job;
mod own;
mod printf;
mod rewrite;
pub(super) mod show;
mod structure;
#[cfg(test)]
mod tests;
pub(super) mod value;

use super::sprig::{self, Env};
use budget::{MOST_ROUNDS, MOST_SOURCE, Output};
use gotmpl::parse::{DefineNode, ListNode, Parser, SmolStr};
use gotmpl::{EscapeErrorCode, FuncMap, TemplateError, Value};
use rewrite::{Fault, Rewriter};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Whether values are escaped for where they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Mode {
    Text,
    Html,
}

/// One file of a set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Source {
    /// What `{{ template "…" }}` calls it.
    pub(super) name: String,
    pub(super) text: Arc<str>,
}

/// Why a set cannot be used: the file, the line, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}{}: {what}", self.place(":"))]
pub(super) struct ParseError {
    pub(super) name: String,
    /// 0: it is about the whole file.
    pub(super) line: usize,
    pub(super) what: String,
}

impl ParseError {
    /// The line behind that text, if there is one.
    pub(super) fn place(&self, before: &str) -> String {
        match self.line {
            0 => String::new(),
            line => format!("{before}{line}"),
        }
    }
}

/// A set that can be run, again and again.
pub(super) struct Parsed {
    is_built_in: bool,
    ready: Ready,
    /// The fields that the template asks what it is given for, with their lines.
    fields: Fields,
    /// The templates that it calls and that are not there, with their lines.
    missing: Fields,
}

enum Ready {
    Text {
        entry: String,
        template: Box<gotmpl::Template>,
    },
    Html(Box<gotmpl::html::Template>),
}

impl Parsed {
    /// Reads the files of a set; the one called `entry` is what gets run.
    pub(super) fn parse(
        entry: &str,
        sources: &[Source],
        mode: Mode,
        functions: sprig::Set,
    ) -> Result<Self, ParseError> {
        let mut trees = BTreeMap::new();
        let mut called = BTreeSet::new();
        let mut fields = vec![];
        let mut missing = vec![];
        for source in sources {
            let failed = |fault: Fault| ParseError {
                name: source.name.clone(),
                line: fault.line,
                what: fault.what,
            };
            let read = read(source, functions, &mut called).map_err(failed)?;
            // The others may be given anything.
            if source.name == entry {
                (fields, missing) = (read.fields, read.calls);
            }
            for (name, tree) in read.trees {
                // What is empty takes nothing's place.
                if !trees.contains_key(&name) || !tree.is_empty_tree() {
                    trees.insert(name, tree);
                }
            }
        }
        missing.retain(|(_, name)| !trees.contains_key(name));
        let table = job::table(functions, &called);
        let ready = match mode {
            Mode::Text => {
                let template = gotmpl::Template::new(entry)
                    .max_range_iters(MOST_ROUNDS)
                    .funcs(table);
                let add = |template: gotmpl::Template, (name, tree): (String, ListNode)| {
                    template.add_parse_tree(&name, tree)
                };
                Ready::Text {
                    entry: entry.to_owned(),
                    template: Box::new(trees.into_iter().fold(template, add)),
                }
            }
            Mode::Html => Ready::Html(Box::new(html(entry, trees, table)?)),
        };
        Ok(Self {
            is_built_in: functions == sprig::Set::Full,
            ready,
            fields,
            missing,
        })
    }

    /// Fields of what it is given, each once, with the first line that asks for it.
    pub(super) fn fields(&self) -> Vec<(usize, &str)> {
        let mut fields: Vec<(usize, &str)> = vec![];
        for (line, name) in &self.fields {
            if fields.iter().all(|(_, known)| known != name) {
                fields.push((*line, name));
            }
        }
        fields
    }

    pub(super) fn missing(&self) -> &[(usize, String)] {
        &self.missing
    }

    /// Only those have all functions.
    pub(super) fn is_built_in(&self) -> bool {
        self.is_built_in
    }

    /// What it says. Takes as long as it takes, within bounds: not for a thread that others wait for.
    ///
    /// # Errors
    /// What went wrong, in words that may hold values of the data.
    pub(super) fn run(&self, data: &Value, env: Env) -> Result<String, String> {
        let mut output = Output::default();
        let done = job::within(env, || match &self.ready {
            Ready::Text { entry, template } => {
                template.execute_template_fmt(&mut output, entry, data)
            }
            Ready::Html(template) => template.execute_fmt(&mut output, data),
        });
        match done {
            Ok(()) => Ok(output.text),
            Err(TemplateError::Exec(text)) => Err(text),
            Err(TemplateError::Write) => Err("the text is longer than a mail may be".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Where HTML is malformed shows when it is escaped, which the library does at the first run, and then keeps.
fn html(
    entry: &str,
    trees: BTreeMap<String, ListNode>,
    table: FuncMap,
) -> Result<gotmpl::html::Template, ParseError> {
    let failed = |error: TemplateError| ParseError {
        name: entry.to_owned(),
        line: 0,
        what: error.to_string(),
    };
    let mut template = gotmpl::html::Template::new(entry)
        .max_range_iters(MOST_ROUNDS)
        .funcs(table)
        .parse("")
        .map_err(failed)?;
    for (name, tree) in trees {
        template = template.add_parse_tree(&name, tree).map_err(failed)?;
    }
    let mut output = Output::default();
    match template.execute_fmt(&mut output, &Value::Nil) {
        Err(TemplateError::Escape {
            name,
            line,
            description,
            code,
        }) => Err(ParseError {
            name: name.unwrap_or_else(|| entry.to_owned()),
            line,
            what: in_words(code, description),
        }),
        _ => Ok(template),
    }
}

/// What is wrong with HTML. The library tells of some by the state of its machine.
fn in_words(code: EscapeErrorCode, description: String) -> String {
    match code {
        EscapeErrorCode::EndContext => {
            "the HTML ends within a tag, a value, a comment, a script or a style that is not closed"
                .to_owned()
        }
        EscapeErrorCode::BranchEnd => {
            "the ways through an `if`, `with` or `range` do not leave the same tags and quotation marks open"
                .to_owned()
        }
        _ => description,
    }
}

/// Lines and names, of fields or of templates.
type Fields = Vec<(usize, String)>;

/// What a file holds: its own tree and those that it defines; and what its own asks for.
struct Read {
    trees: Vec<(String, ListNode)>,
    fields: Fields,
    calls: Fields,
}

/// Reads one file. The functions that it calls are added to `called`.
fn read(
    source: &Source,
    functions: sprig::Set,
    called: &mut BTreeSet<String>,
) -> Result<Read, Fault> {
    let fault = |line: usize, what: String| Fault { line, what };
    if source.text.len() > MOST_SOURCE {
        let what = format!("longer than {MOST_SOURCE} bytes");
        return Err(fault(0, what));
    }
    let failed = |error: TemplateError| match error {
        TemplateError::Parse { line, message, .. } | TemplateError::Lex { line, message, .. } => {
            fault(line, message)
        }
        other => fault(0, other.to_string()),
    };
    structure::check(&source.text)?;
    let parser = Parser::with_name(Some(&source.name), &source.text, "{{", "}}");
    let (top, defined) = parser.and_then(Parser::parse).map_err(failed)?;
    let mut trees: Vec<(String, ListNode)> = vec![(source.name.clone(), top)];
    for DefineNode { pos, name, body } in defined {
        match trees.iter_mut().find(|(known, _)| *known == name.as_str()) {
            None => trees.push((name.to_string(), body)),
            Some(_) if body.is_empty_tree() => {}
            Some((_, known)) if known.is_empty_tree() => *known = body,
            Some(_) => {
                let what = format!("template {name:?} is defined twice");
                return Err(fault(pos.line, what));
            }
        }
    }
    let seen = RefCell::new(called);
    let is_known = |name: &str| {
        let of_sprig = sprig::has(functions, name);
        if of_sprig {
            seen.borrow_mut().insert(name.to_owned());
        }
        of_sprig
            || own::OF_THE_LIBRARY.contains(&name)
            || matches!(name, "print" | "printf" | "println")
    };
    let owned = |(line, name): (usize, SmolStr)| (line, name.to_string());
    let (mut fields, mut calls) = (vec![], vec![]);
    for (at, (_, tree)) in trees.iter_mut().enumerate() {
        let mut rewriter = Rewriter::new(&is_known);
        rewriter.list(tree)?;
        if at == 0 {
            fields = rewriter.fields.into_iter().map(owned).collect();
            calls = rewriter.calls.into_iter().map(owned).collect();
        }
    }
    Ok(Read {
        trees,
        fields,
        calls,
    })
}
