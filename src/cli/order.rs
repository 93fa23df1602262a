//! Flags that stand before the command that they are for: `kratos -c kratos.yml migrate sql up -e`.
//!
//! The reference reads them wherever they stand, and its container examples are written so. Here they are moved behind
//! the command; what is wrong with them is then found there.
use clap::Command;
use std::ffi::OsString;

/// Those that several commands share, and whether a value follows.
const SHARED: [(&str, &str, bool); 3] = [
    ("-c", "--config", true),
    ("-e", "--read-from-env", false),
    ("--endpoint", "--endpoint", true),
];

/// The same words, with shared flags behind the last word that names a command.
pub(super) fn flags_last(root: &Command, arguments: Vec<OsString>) -> Vec<OsString> {
    let mut command = root;
    let mut names = Vec::new();
    let mut flags = Vec::new();
    let mut rest = arguments.into_iter().peekable();
    names.extend(rest.next());
    while let Some(word) = rest.peek() {
        let text = word.to_str().unwrap_or_default();
        if let Some(has_value) = shared(text) {
            // For the commands that call a server, -e is its URL.
            let is_endpoint = text == "-e";
            flags.extend(rest.next());
            let is_url = |word: &OsString| word.to_str().is_some_and(|w| w.starts_with("http"));
            if has_value || is_endpoint && rest.peek().is_some_and(is_url) {
                flags.extend(rest.next());
            }
        } else if let Some(next) = command.find_subcommand(text) {
            command = next;
            names.extend(rest.next());
        } else {
            break;
        }
    }
    names.into_iter().chain(flags).chain(rest).collect()
}

/// Whether it is such a flag; then, whether its value is the next word.
fn shared(text: &str) -> Option<bool> {
    SHARED.iter().find_map(|&(short, long, takes_value)| {
        if text == short || text == long {
            return Some(takes_value);
        }
        let glued = text.strip_prefix(long).is_some_and(|v| v.starts_with('='))
            || (text.starts_with(short) && !text.starts_with("--"));
        (takes_value && glued).then_some(false)
    })
}
