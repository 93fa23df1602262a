//! The words of a Jsonnet with what stands between them: line breaks and comments.
use super::complaint::{Complaint, lex, unexpected};
use rsjsonnet_lang::arena::Arena;
use rsjsonnet_lang::interner::StrInterner;
use rsjsonnet_lang::lexer::Lexer;
use rsjsonnet_lang::parser::{ParseError, Parser};
use rsjsonnet_lang::span::SpanManager;
use rsjsonnet_lang::token::TokenKind;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or a keyword.
    Word,
    Number,
    /// With its quotation marks.
    String,
    TextBlock,
    /// An operator or a bracket.
    Sign,
}

#[derive(Clone, Debug)]
pub(super) struct Comment {
    pub(super) text: String,
    /// Line breaks before it.
    pub(super) breaks: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) text: String,
    /// Comments before it.
    pub(super) comments: Vec<Comment>,
    /// Line breaks before it, behind the last comment.
    pub(super) breaks: usize,
}

impl Token {
    pub(super) fn is(&self, sign: &str) -> bool {
        matches!(self.kind, Kind::Sign | Kind::Word) && self.text == sign
    }

    /// Whether a line ends before it, or before a comment that belongs to it.
    pub(super) fn begins_line(&self) -> bool {
        self.breaks > 0 || self.comments.iter().any(|comment| comment.breaks > 0)
    }
}

/// All words of a Jsonnet, and at the end one without text that holds the last comments.
///
/// # Errors
/// It cannot be read: where, and what is wrong.
pub(super) fn read(source: &str) -> Result<Vec<Token>, String> {
    let (arena, ast) = (Arena::new(), Arena::new());
    let names = StrInterner::new();
    let mut spans = SpanManager::new();
    let (place, _) = spans.insert_source_context(source.len());
    let complaint = Complaint { source, place };
    let mut out = vec![];
    let mut comments: Vec<Comment> = vec![];
    let mut breaks = 0;
    let words =
        Lexer::new(&arena, &ast, &names, &mut spans, place, source.as_bytes()).lex_to_eof(true);
    let words = match words {
        Ok(words) => words,
        Err(error) => {
            let (span, what) = lex(&error);
            return Err(complaint.told(&spans, Some(span), &what));
        }
    };
    for word in &words {
        let (_, start, end) = spans.get_span(word.span);
        let text = source.get(start..end).unwrap_or_default();
        let kind = match word.kind {
            TokenKind::Whitespace => {
                breaks += text.matches('\n').count();
                continue;
            }
            TokenKind::Comment => {
                // A line's end belongs to what follows.
                let ended = text.trim_end_matches(['\r', '\n']);
                let text = match ended.strip_prefix('#') {
                    Some(rest) => format!("//{}", rest.trim_end()),
                    None => ended.trim_end().to_owned(),
                };
                comments.push(Comment { text, breaks });
                breaks = usize::from(ended.len() < end - start);
                continue;
            }
            TokenKind::Ident(_) => Kind::Word,
            TokenKind::Number(_) => Kind::Number,
            TokenKind::String(_) => Kind::String,
            TokenKind::TextBlock(_) => Kind::TextBlock,
            TokenKind::Simple(_) if text.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                Kind::Word
            }
            TokenKind::Simple(_) | TokenKind::OtherOp(_) | TokenKind::EndOfFile => Kind::Sign,
        };
        out.push(Token {
            kind,
            text: text.to_owned(),
            comments: std::mem::take(&mut comments),
            breaks: std::mem::take(&mut breaks),
        });
    }
    let words = words
        .into_iter()
        .filter(|word| !matches!(word.kind, TokenKind::Whitespace | TokenKind::Comment))
        .collect();
    let parsed = Parser::new(&arena, &ast, &names, &mut spans, words).parse_root_expr();
    if let Err(ParseError::Expected { span, instead, .. }) = parsed {
        return Err(complaint.told(&spans, Some(span), &unexpected(&instead)));
    }
    Ok(out)
}
