//! What is wrong with a Jsonnet, in words, with line and column. Names and messages are repeated only where they stand in
//! the Jsonnet itself: made from what it was given, they may hold a code or somebody's address.
use rsjsonnet_lang::arena::Arena;
use rsjsonnet_lang::interner::StrInterner;
use rsjsonnet_lang::lexer::{LexError, Lexer};
use rsjsonnet_lang::parser::{ActualToken, ParseError};
use rsjsonnet_lang::program::{
    AnalyzeError, EvalError, EvalErrorKind as Kind, EvalErrorValueType as Type,
    EvalStackTraceItem as Trace, LoadError, Program,
};
use rsjsonnet_lang::span::{SpanContextId, SpanId, SpanManager};
use rsjsonnet_lang::token::{STokenKind, TokenKind};

const NO_IMPORT: &str = "nothing can be imported here";

pub(super) struct Complaint<'a> {
    pub(super) source: &'a str,
    pub(super) place: SpanContextId,
}

impl Complaint<'_> {
    /// It cannot be read.
    pub(super) fn load(&self, program: &Program<'_>, error: &LoadError) -> String {
        let (span, what) = match error {
            LoadError::Lex(error) => lex(error),
            LoadError::Parse(ParseError::Expected { span, instead, .. }) => {
                (*span, unexpected(instead))
            }
            LoadError::Analyze(error) => analyze(error),
        };
        self.told(program.span_manager(), Some(span), &what)
    }

    /// It imports, which nothing can be here.
    pub(super) fn import(&self, spans: &mut SpanManager) -> Option<String> {
        let (arena, ast, names) = (Arena::new(), Arena::new(), StrInterner::new());
        let source = self.source.as_bytes();
        let lexer = Lexer::new(&arena, &ast, &names, spans, self.place, source);
        let tokens = lexer.lex_to_eof(false).ok()?;
        let is_import = |kind: &TokenKind<'_, '_>| {
            use STokenKind::{Import, Importbin, Importstr};
            matches!(kind, TokenKind::Simple(Import | Importbin | Importstr))
        };
        let token = tokens.iter().find(|token| is_import(&token.kind))?;
        Some(self.told(spans, Some(token.span), NO_IMPORT))
    }

    /// It stopped.
    pub(super) fn run(&self, program: &Program<'_>, error: &EvalError) -> String {
        let own = span_of(&error.kind).filter(|span| self.is_here(program, *span));
        // The innermost place that is not in the library.
        let span = own.or_else(|| {
            let spans = error.stack_trace.iter().rev().filter_map(trace_span);
            spans.into_iter().find(|span| self.is_here(program, *span))
        });
        self.told(program.span_manager(), span, &self.what(&error.kind))
    }

    fn is_here(&self, program: &Program<'_>, span: SpanId) -> bool {
        program.span_manager().get_span(span).0 == self.place
    }

    pub(super) fn told(&self, spans: &SpanManager, span: Option<SpanId>, what: &str) -> String {
        let Some(span) = span else {
            return what.to_owned();
        };
        let (_, start, _) = spans.get_span(span);
        let before = self.source.get(..start).unwrap_or(self.source);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        format!("line {line}, column {column}: {what}")
    }

    /// The text in quotation marks, if it is the operator's own.
    fn own(&self, text: &str) -> String {
        if text.chars().count() <= 200 && self.source.contains(text) {
            format!(" `{text}`")
        } else {
            String::new()
        }
    }

    fn what(&self, kind: &Kind) -> String {
        match kind {
            Kind::StackOverflow => "calls are nested too deeply".to_owned(),
            Kind::InfiniteRecursion => "a value needs itself".to_owned(),
            Kind::ExplicitError { message, .. } => {
                format!(
                    "the Jsonnet stopped itself with an error{}",
                    self.own(message)
                )
            }
            Kind::AssertFailed { message, .. } => {
                let message = message
                    .as_deref()
                    .map_or(String::new(), |text| self.own(text));
                format!("an assertion does not hold{message}")
            }
            Kind::AssertEqualFailed { .. } => "two values are not equal".to_owned(),
            Kind::UnknownObjectField { field_name, .. } => {
                format!("there is no field{}", self.own(field_name))
            }
            Kind::RepeatedFieldName { name, .. } => {
                format!("the field{} stands twice", self.own(name))
            }
            Kind::UnknownExtVar { name } => {
                format!("there is no external variable{}", self.own(name))
            }
            Kind::UnknownCallParam { param_name, .. } => {
                format!("the function has no parameter `{param_name}`")
            }
            Kind::RepeatedCallParam { param_name, .. } => {
                format!("the parameter `{param_name}` is given twice")
            }
            Kind::CallParamNotBound { param_name, .. } => {
                format!("the parameter `{param_name}` is not given")
            }
            Kind::TooManyCallArgs { num_params, .. } => {
                format!("the function takes {num_params} arguments")
            }
            Kind::ImportFailed { .. } => NO_IMPORT.to_owned(),
            Kind::InvalidIndexedType { got_type, .. }
            | Kind::InvalidSlicedType { got_type, .. } => {
                format!("{} has no elements", a(*got_type))
            }
            Kind::FieldOfNonObject { .. } => "only objects have fields".to_owned(),
            Kind::ArrayIndexIsNotNumber { got_type, .. }
            | Kind::StringIndexIsNotNumber { got_type, .. }
            | Kind::SliceIndexOrStepIsNotNumber { got_type, .. } => {
                format!("an index is a number, not {}", a(*got_type))
            }
            Kind::ObjectIndexIsNotString { got_type, .. }
            | Kind::FieldNameIsNotString { got_type, .. } => {
                format!("the name of a field is a string, not {}", a(*got_type))
            }
            Kind::NumericIndexIsNotValid { .. } | Kind::NumericIndexOutOfRange { .. } => {
                "there is no element of that index".to_owned()
            }
            Kind::SuperWithoutSuperObject { .. } => "`super` has nothing to refer to".to_owned(),
            Kind::ForSpecValueIsNotArray { got_type, .. } => {
                format!("`for` goes through an array, not {}", a(*got_type))
            }
            Kind::CondIsNotBool { got_type, .. } => {
                format!("a condition is a boolean, not {}", a(*got_type))
            }
            Kind::CalleeIsNotFunction { got_type, .. } => {
                format!("{} cannot be called", a(*got_type))
            }
            Kind::InvalidUnaryOpType { rhs_type, .. } => {
                format!("this operator takes no {}", word(*rhs_type))
            }
            Kind::InvalidBinaryOpTypes {
                lhs_type, rhs_type, ..
            }
            | Kind::CompareDifferentTypesInequality { lhs_type, rhs_type } => {
                let (left, right) = (a(*lhs_type), a(*rhs_type));
                format!("this operator does not take {left} and {right}")
            }
            Kind::InvalidStdFuncArgType {
                func_name,
                arg_index,
                got_type,
                ..
            } => {
                let number = arg_index + 1;
                format!(
                    "argument {number} of std.{func_name} cannot be {}",
                    a(*got_type)
                )
            }
            Kind::NumberOverflow { .. } | Kind::NumberNan { .. } | Kind::DivByZero { .. } => {
                "the result is no number".to_owned()
            }
            Kind::NumberNotBitwiseSafe { .. } | Kind::ShiftByNegative { .. } => {
                "bits of this number cannot be had".to_owned()
            }
            Kind::ManifestFunction => "the result holds a function, which JSON has not".to_owned(),
            Kind::NativeCallFailed => "there are no native functions".to_owned(),
            Kind::CompareNullInequality
            | Kind::CompareBooleanInequality
            | Kind::CompareObjectInequality
            | Kind::CompareFunctions
            | Kind::PrimitiveEqualsNonPrimitive { .. } => {
                "values of this type cannot be compared".to_owned()
            }
            // These texts are the library's, and quote what they were given.
            Kind::Other { .. } => {
                "a function of the library was given what it cannot take".to_owned()
            }
        }
    }
}

fn word(of: Type) -> &'static str {
    match of {
        Type::Null => "null",
        Type::Bool => "boolean",
        Type::Number => "number",
        Type::String => "string",
        Type::Array => "array",
        Type::Object => "object",
        Type::Function => "function",
    }
}

fn a(of: Type) -> String {
    match of {
        Type::Null => "null".to_owned(),
        Type::Array | Type::Object => format!("an {}", word(of)),
        _ => format!("a {}", word(of)),
    }
}

fn trace_span(item: &Trace) -> Option<SpanId> {
    match item {
        Trace::Expr { span } | Trace::Variable { span, .. } | Trace::Import { span } => Some(*span),
        Trace::Call { span, .. }
        | Trace::ArrayItem { span, .. }
        | Trace::ObjectField { span, .. } => *span,
        _ => None,
    }
}

fn span_of(kind: &Kind) -> Option<SpanId> {
    match kind {
        Kind::InvalidIndexedType { span, .. }
        | Kind::InvalidSlicedType { span, .. }
        | Kind::SliceIndexOrStepIsNotNumber { span, .. }
        | Kind::StringIndexIsNotNumber { span, .. }
        | Kind::ArrayIndexIsNotNumber { span, .. }
        | Kind::NumericIndexIsNotValid { span, .. }
        | Kind::NumericIndexOutOfRange { span, .. }
        | Kind::ObjectIndexIsNotString { span, .. }
        | Kind::RepeatedFieldName { span, .. }
        | Kind::FieldNameIsNotString { span, .. }
        | Kind::UnknownObjectField { span, .. }
        | Kind::FieldOfNonObject { span }
        | Kind::SuperWithoutSuperObject { span }
        | Kind::ForSpecValueIsNotArray { span, .. }
        | Kind::CondIsNotBool { span, .. }
        | Kind::InvalidUnaryOpType { span, .. }
        | Kind::AssertFailed { span, .. }
        | Kind::ExplicitError { span, .. }
        | Kind::ImportFailed { span, .. } => Some(*span),
        Kind::CalleeIsNotFunction { span, .. }
        | Kind::TooManyCallArgs { span, .. }
        | Kind::UnknownCallParam { span, .. }
        | Kind::RepeatedCallParam { span, .. }
        | Kind::CallParamNotBound { span, .. }
        | Kind::InvalidBinaryOpTypes { span, .. }
        | Kind::NumberNotBitwiseSafe { span }
        | Kind::NumberOverflow { span }
        | Kind::NumberNan { span }
        | Kind::DivByZero { span }
        | Kind::ShiftByNegative { span }
        | Kind::Other { span, .. } => *span,
        _ => None,
    }
}

pub(super) fn lex(error: &LexError) -> (SpanId, String) {
    use LexError as E;
    let (span, what) = match error {
        E::InvalidChar { span, chr } => {
            return (
                *span,
                format!("`{}` means nothing here", chr.escape_default()),
            );
        }
        E::InvalidUtf8 { span, .. } => (span, "this is no UTF-8"),
        E::UnfinishedMultilineComment { span } => (span, "this comment does not end"),
        E::LeadingZeroInNumber { span }
        | E::MissingFracDigits { span }
        | E::MissingExpDigits { span }
        | E::MissingDigitAfterUnderscore { span }
        | E::ExpOverflow { span } => (span, "this is no number"),
        E::InvalidEscapeInString { span, .. }
        | E::IncompleteUnicodeEscape { span }
        | E::InvalidUtf16EscapeSequence { span, .. } => {
            (span, "this means nothing behind a backslash")
        }
        E::UnfinishedString { span } => (span, "this string does not end"),
        E::MissingLineBreakAfterTextBlockStart { span }
        | E::MissingWhitespaceTextBlockStart { span }
        | E::InvalidTextBlockTermination { span } => (span, "this block of text has not its form"),
    };
    (*span, what.to_owned())
}

pub(super) fn unexpected(instead: &ActualToken) -> String {
    match instead {
        ActualToken::EndOfFile => "the Jsonnet ends where it cannot end".to_owned(),
        ActualToken::Ident(name) => format!("`{name}` cannot stand here"),
        ActualToken::OtherOp(operator) => format!("`{operator}` cannot stand here"),
        ActualToken::Number => "a number cannot stand here".to_owned(),
        ActualToken::String | ActualToken::TextBlock => "a string cannot stand here".to_owned(),
        ActualToken::Simple(_) => "what begins here cannot stand here".to_owned(),
    }
}

fn analyze(error: &AnalyzeError) -> (SpanId, String) {
    use AnalyzeError as E;
    match error {
        E::UnknownVariable { span, name } => (*span, format!("there is no variable `{name}`")),
        E::SelfOutsideObject { self_span: span }
        | E::SuperOutsideObject { super_span: span }
        | E::DollarOutsideObject { dollar_span: span } => {
            (*span, "this has a meaning within an object only".to_owned())
        }
        E::RepeatedLocalName {
            repeated_span: span,
            name,
            ..
        }
        | E::RepeatedFieldName {
            repeated_span: span,
            name,
            ..
        }
        | E::RepeatedParamName {
            repeated_span: span,
            name,
            ..
        } => (*span, format!("`{name}` stands twice")),
        E::PositionalArgAfterNamed { arg_span } => (
            *arg_span,
            "behind an argument with a name each has one".to_owned(),
        ),
        E::TextBlockAsImportPath { span } | E::ComputedImportPath { span } => {
            (*span, "this cannot be imported".to_owned())
        }
    }
}
