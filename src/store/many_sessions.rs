//! Many sessions at once, ended or deleted.
use super::db::{built, marks};
use super::error::Result;
use super::sessions::Sessions;
use crate::base::id::{IdentityId, SessionId};

/// Which sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    These(Vec<SessionId>),
    Of(Vec<IdentityId>),
    /// Any, but not more than so many.
    All(u32),
}

/// What becomes of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The rows stay.
    Revoke,
    Delete,
}

impl Sessions<'_> {
    /// Says how many there were. Those that had been revoked before are not revoked once more.
    pub async fn end(&mut self, which: &Which, end: End) -> Result<u64> {
        let (verb, live) = match end {
            End::Revoke => ("UPDATE sessions SET active = ?", " AND active = ?"),
            End::Delete => ("DELETE FROM sessions", ""),
        };
        let ids = |column: &str, count: usize| format!("{column} IN ({})", marks(count));
        let condition = match which {
            Which::These(list) if list.is_empty() => return Ok(0),
            Which::Of(list) if list.is_empty() => return Ok(0),
            Which::These(list) => ids("id", list.len()),
            Which::Of(list) => ids("identity_id", list.len()),
            // In a table of its own, as MySQL does not read from what it changes.
            Which::All(_) => format!(
                "id IN (SELECT id FROM (SELECT id FROM sessions WHERE nid = ?{live} LIMIT ?) s)"
            ),
        };
        let mut text = built(format!("{verb} WHERE nid = ?{live} AND {condition}"));
        if end == End::Revoke {
            text = text.bind(false);
        }
        text = text.bind(self.0.nid);
        if end == End::Revoke {
            text = text.bind(true);
        }
        text = match which {
            Which::These(list) => text.bind_all(list.iter().copied()),
            Which::Of(list) => text.bind_all(list.iter().copied()),
            Which::All(most) => {
                text = text.bind(self.0.nid);
                if end == End::Revoke {
                    text = text.bind(true);
                }
                text.bind(*most)
            }
        };
        self.0.conn.execute(text).await
    }
}
