//! Ways to prove who one is. A method answers; it never starts a flow, runs a hook or writes a response.
