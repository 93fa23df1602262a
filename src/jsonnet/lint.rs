//! Mistakes in a Jsonnet that can be told without running it.
use super::complaint::Complaint;
use super::frame::{Order, Outcome, What};
use rsjsonnet_lang::arena::Arena;
use rsjsonnet_lang::ast::{
    Arg, Assert, Bind, CompSpecPart, Expr, ExprKind as E, Field, FieldName, Ident, Member,
    ObjInside, Param,
};
use rsjsonnet_lang::interner::StrInterner;
use rsjsonnet_lang::lexer::Lexer;
use rsjsonnet_lang::parser::Parser;
use rsjsonnet_lang::span::{SpanId, SpanManager};
use std::collections::HashSet;

/// What is wrong, each with its place. Of what cannot be read, the first mistake alone.
#[must_use]
pub fn lint(source: &str) -> Vec<String> {
    let snippet = source.into();
    let what = What::Check;
    if let Outcome::Failed(problem) = super::run::run(&Order { snippet, what }) {
        return vec![problem];
    }
    slips(source, true)
}

/// What is wrong with a Jsonnet that can be read: functions of `std` that there are not, and locals that nobody uses if
/// `unused`.
pub(super) fn slips(source: &str, unused: bool) -> Vec<String> {
    let (arena, ast) = (Arena::new(), Arena::new());
    let names = StrInterner::new();
    let mut spans = SpanManager::new();
    let (place, _) = spans.insert_source_context(source.len());
    let lexer = Lexer::new(&arena, &ast, &names, &mut spans, place, source.as_bytes());
    let Ok(tokens) = lexer.lex_to_eof(false) else {
        return vec![];
    };
    let Ok(root) = Parser::new(&arena, &ast, &names, &mut spans, tokens).parse_root_expr() else {
        return vec![];
    };
    let mut seen = Seen {
        library: library(),
        ..Seen::default()
    };
    seen.expression(&root);
    let complaint = Complaint { source, place };
    let mut out: Vec<(SpanId, String)> = vec![];
    for (span, name) in &seen.bound {
        if unused && !seen.used.contains(name) && !name.starts_with('_') {
            out.push((*span, format!("nobody uses the local {name}")));
        }
    }
    for (span, name) in &seen.missing {
        out.push((*span, format!("there is no std.{name}")));
    }
    out.sort_by_key(|(span, _)| spans.get_span(*span).1);
    out.iter()
        .map(|(span, what)| complaint.told(&spans, Some(*span), what))
        .collect()
}

/// The names of the standard library.
fn library() -> HashSet<String> {
    let order = Order {
        snippet: "std.objectFieldsAll(std)".into(),
        what: What::Run {
            arguments: vec![],
            external: vec![],
        },
    };
    match super::run::run(&order) {
        Outcome::Done(text) => serde_json::from_str(&text).unwrap_or_default(),
        _ => HashSet::new(),
    }
}

#[derive(Default)]
struct Seen {
    library: HashSet<String>,
    bound: Vec<(SpanId, String)>,
    used: HashSet<String>,
    /// Fields of `std` that are none.
    missing: Vec<(SpanId, String)>,
}

impl Seen {
    fn expression(&mut self, expression: &Expr<'_, '_>) {
        match &expression.kind {
            E::Null
            | E::Bool(_)
            | E::SelfObj
            | E::Dollar
            | E::String(_)
            | E::TextBlock(_)
            | E::Number(_)
            | E::SuperField(..) => {}
            E::Paren(a)
            | E::SuperIndex(_, a)
            | E::Unary(_, a)
            | E::Import(a)
            | E::ImportStr(a)
            | E::ImportBin(a)
            | E::Error(a)
            | E::InSuper(a, _) => self.expression(a),
            E::Object(inside) => self.object(inside),
            E::ObjExt(a, inside, _) => {
                self.expression(a);
                self.object(inside);
            }
            E::Array(items) => items.iter().for_each(|item| self.expression(item)),
            E::ArrayComp(a, parts) => {
                self.expression(a);
                self.parts(parts);
            }
            E::Field(a, field) => {
                self.expression(a);
                let name = field.value.value();
                let of_std = matches!(&a.kind, E::Ident(ident) if ident.value.value() == "std");
                if of_std && !self.library.is_empty() && !self.library.contains(name) {
                    self.missing.push((field.span, name.to_owned()));
                }
            }
            E::Index(a, b) | E::Binary(a, _, b) => {
                self.expression(a);
                self.expression(b);
            }
            E::Slice(a, from, to, step) => {
                self.expression(a);
                [from, to, step]
                    .into_iter()
                    .flatten()
                    .for_each(|part| self.expression(part));
            }
            E::Call(a, arguments, _) => {
                self.expression(a);
                for argument in *arguments {
                    match argument {
                        Arg::Positional(value) | Arg::Named(_, value) => self.expression(value),
                    }
                }
            }
            E::Ident(ident) => {
                self.used.insert(ident.value.value().to_owned());
            }
            E::Local(binds, a) => {
                binds.iter().for_each(|bind| self.bind(bind));
                self.expression(a);
            }
            E::If(condition, a, b) => {
                self.expression(condition);
                self.expression(a);
                if let Some(b) = b {
                    self.expression(b);
                }
            }
            E::Func(parameters, a) => {
                self.parameters(parameters);
                self.expression(a);
            }
            E::Assert(assert, a) => {
                self.assert(assert);
                self.expression(a);
            }
        }
    }

    fn bind(&mut self, bind: &Bind<'_, '_>) {
        let Ident { value, span } = bind.name;
        self.bound.push((span, value.value().to_owned()));
        if let Some((parameters, _)) = bind.params {
            self.parameters(parameters);
        }
        self.expression(&bind.value);
    }

    fn parameters(&mut self, parameters: &[Param<'_, '_>]) {
        for parameter in parameters {
            parameter
                .default_value
                .iter()
                .for_each(|value| self.expression(value));
        }
    }

    fn assert(&mut self, assert: &Assert<'_, '_>) {
        self.expression(&assert.cond);
        assert.msg.iter().for_each(|text| self.expression(text));
    }

    fn parts(&mut self, parts: &[CompSpecPart<'_, '_>]) {
        for part in parts {
            match part {
                CompSpecPart::For(part) => self.expression(&part.inner),
                CompSpecPart::If(part) => self.expression(&part.cond),
            }
        }
    }

    fn object(&mut self, inside: &ObjInside<'_, '_>) {
        match inside {
            ObjInside::Members(members) => {
                for member in *members {
                    match member {
                        Member::Local(local) => self.bind(&local.bind),
                        Member::Assert(assert) => self.assert(assert),
                        Member::Field(field) => self.field(field),
                    }
                }
            }
            ObjInside::Comp {
                locals1,
                name,
                body,
                locals2,
                comp_spec,
                ..
            } => {
                let locals = locals1.iter().chain(*locals2);
                locals.for_each(|local| self.bind(&local.bind));
                self.expression(name);
                self.expression(body);
                self.parts(comp_spec);
            }
        }
    }

    fn field(&mut self, field: &Field<'_, '_>) {
        if let FieldName::Expr(name, _) = field.name() {
            self.expression(name);
        }
        match field {
            Field::Value(_, _, _, value) => self.expression(value),
            Field::Func(_, parameters, _, _, value) => {
                self.parameters(parameters);
                self.expression(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::lint;

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (source, place, what) in [
            ("{ a: 1", "line 1", ""),
            ("{\n a: b }", "line 2", "b"),
            (
                "local a = 1;\nlocal b(x) = 2;\n{ local c = 1, d: a }",
                "line 2",
                "b",
            ),
            ("{ local c = 1, d: 1 }", "line 1", "c"),
            ("std.nothing(1)", "line 1", "std.nothing"),
            ("import 'x'", "line 1", "import"),
        ] {
            let told = lint(source).first().cloned().unwrap_or_default();
            assert!(
                told.contains(place) && told.contains(what),
                "{source}: {told}"
            );
        }
        for source in [
            "local claims = std.extVar('claims'); { a: claims.b, [if true then 'x']: 1 }",
            "function(ctx) { id: 1 }",
            "local f(x) = x; [f(a) for a in [1, 2] if a > 1]",
        ] {
            assert_eq!(lint(source), [""; 0], "{source}");
        }
    }
}
