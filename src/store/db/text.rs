//! One SQL text for three engines. Differences in spelling are settled here, once per statement:
//!
//! - `?` becomes `$1`, `$2`, … on PostgreSQL;
//! - `AND nid = ?` becomes `AND (nid = ?) IS TRUE` there: behind a key the network is compared and not looked up.
//!   Without statistics of a table PostgreSQL would as soon read all of a network by an index that begins with it.
//!   Where the index of a key begins with the network, so must the question: `nid = ? AND external_id = ?`;
//! - `(SELECT ROWS((a, b)) FROM …)` is the rows that a subquery finds, in no order: an array of records on PostgreSQL, of
//!   arrays in JSON elsewhere, but for MySQL, where it is an object of them. MariaDB makes a table on disk for each array
//!   that it puts together, even of no rows, and cuts it off at `group_concat_max_len`; of objects it does neither.
use super::Dialect;
use super::value::Text;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

/// Found again by the place of the text in the program.
type Known = HashMap<(Dialect, usize, usize), &'static str>;
static KNOWN: LazyLock<RwLock<Known>> = LazyLock::new(RwLock::default);

/// Found again by what they say.
type Built = HashMap<Dialect, HashMap<String, &'static str>>;
static BUILT: LazyLock<RwLock<Built>> = LazyLock::new(RwLock::default);
const MOST_BUILT: usize = 256;
/// Bytes of a text that is kept.
const LONGEST_BUILT: usize = 8 << 10;

const ROWS: &str = "(SELECT ROWS((";

impl Dialect {
    /// The text in this engine's spelling. Texts of the program are turned once and kept; there are as many as
    /// statements in the source.
    pub(super) fn spell(self, text: &Text) -> Cow<'static, str> {
        match text {
            Text::Built(text) => self.recalled(text),
            Text::Fixed(text) => Cow::Borrowed(self.remembered(text)),
        }
    }

    /// The same for texts that were put together: those of statements that run as one come again and again. Lists of
    /// many lengths do not, and there is an end to what is kept.
    fn recalled(self, text: &str) -> Cow<'static, str> {
        let known = BUILT.read().unwrap_or_else(PoisonError::into_inner);
        let of_dialect = known.get(&self);
        if let Some(spelt) = of_dialect.and_then(|texts| texts.get(text)) {
            return Cow::Borrowed(spelt);
        }
        let is_full = of_dialect.is_some_and(|texts| texts.len() >= MOST_BUILT);
        drop(known);
        let spelt = self.rewrite(text);
        if is_full || text.len() > LONGEST_BUILT {
            return Cow::Owned(spelt);
        }
        let mut known = BUILT.write().unwrap_or_else(PoisonError::into_inner);
        let spelt: &'static str = Box::leak(spelt.into_boxed_str());
        known
            .entry(self)
            .or_default()
            .insert(text.to_owned(), spelt);
        Cow::Borrowed(spelt)
    }

    fn remembered(self, text: &'static str) -> &'static str {
        let key = (self, text.as_ptr().addr(), text.len());
        if let Some(text) = KNOWN
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
        {
            return text;
        }
        let spelt: &'static str = Box::leak(self.rewrite(text).into_boxed_str());
        KNOWN
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(key)
            .or_insert(spelt)
    }

    fn rewrite(self, text: &str) -> String {
        let rows = |spelt| text.replace(ROWS, spelt);
        match self {
            Self::Sqlite => rows("(SELECT json_group_array(json_array("),
            Self::Postgres => numbered(&compared(&rows("ARRAY(SELECT (ROW("))),
            Self::Cockroach => numbered(&compared(&rows("(SELECT json_agg(json_build_array("))),
            Self::MySql => keyed(text),
        }
    }
}

/// How a list by network and time asks for its network.
pub(in crate::store) struct OfNetwork {
    pub condition: String,
    /// What `ORDER BY` begins with.
    pub order: String,
    /// How often the network is bound.
    pub times: usize,
}

impl Dialect {
    /// MySQL and MariaDB look a network up and then read all that lies before the page. Between two values they cannot look
    /// it up, and find the time by the same index.
    pub(in crate::store) fn of_network(self, nid: &str) -> OfNetwork {
        match self {
            Self::MySql => OfNetwork {
                condition: format!("{nid} >= ? AND {nid} <= ?"),
                order: format!("{nid}, "),
                times: 2,
            },
            _ => OfNetwork {
                condition: format!("{nid} = ?"),
                order: String::new(),
                times: 1,
            },
        }
    }
}

/// Each of the `ROWS` under its first column, which is to be another in each row. What is no id goes in hex: not every
/// MariaDB escapes keys.
fn keyed(text: &str) -> String {
    let mut parts = text.split(ROWS);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let key = part.split([',', ')']).next().unwrap_or_default();
        out += "(SELECT JSON_OBJECTAGG(";
        if matches!(key.split_once('.'), Some((_, "id"))) {
            out += key;
        } else {
            out.extend(["HEX(", key, ")"]);
        }
        out.extend([", JSON_ARRAY(", part]);
    }
    out
}

/// A network behind a key cannot be looked up.
fn compared(text: &str) -> String {
    let spellings = ["nid", "i.nid", "s.nid", "x.nid"];
    spellings.iter().fold(text.to_owned(), |text, nid| {
        text.replace(
            &format!("AND {nid} = ?"),
            &format!("AND ({nid} = ?) IS TRUE"),
        )
    })
}

/// `?` outside of quotes becomes `$1`, `$2`, …
fn numbered(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut number = 0;
    let mut in_quotes = false;
    for c in text.chars() {
        match c {
            '\'' => {
                in_quotes = !in_quotes;
                out.push(c);
            }
            '?' if !in_quotes => {
                number += 1;
                out.push('$');
                out.push_str(&number.to_string());
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn question_marks_are_numbered_outside_of_quotes() {
        assert_eq!(
            numbered("SELECT '?', a FROM t WHERE b = ? AND c IN (?, ?)"),
            "SELECT '?', a FROM t WHERE b = $1 AND c IN ($2, $3)"
        );
    }

    #[test]
    fn a_text_is_turned_once() {
        let text = Text::Fixed("SELECT (SELECT ROWS((a)) FROM t WHERE b = ?)");
        let (one, two) = (
            Dialect::Postgres.spell(&text),
            Dialect::Postgres.spell(&text),
        );
        assert_eq!(one, "SELECT ARRAY(SELECT (ROW(a)) FROM t WHERE b = $1)");
        assert!(std::ptr::eq(one.as_ptr(), two.as_ptr()));
        assert!(Dialect::MySql.spell(&text).contains("b = ?"));
    }

    #[test]
    fn rows_are_kept_under_their_first_column_on_mysql() {
        assert_eq!(
            keyed("SELECT a, (SELECT ROWS((c.id, (SELECT ROWS((x.b)) FROM x))) FROM c)"),
            "SELECT a, (SELECT JSON_OBJECTAGG(c.id, JSON_ARRAY(c.id, \
             (SELECT JSON_OBJECTAGG(HEX(x.b), JSON_ARRAY(x.b)) FROM x))) FROM c)"
        );
    }
}
