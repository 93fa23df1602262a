//! What an administrator wants done at certain points of a flow.
