//! What one does with sessions: issue, extend, revoke.
