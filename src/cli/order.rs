//! Flags that are written as Go's libraries permit, brought to the form that ours knows.
//!
//! They may stand before the command that they are for: `kratos -c kratos.yml migrate sql up -e`. The reference reads
//! them wherever they stand, and its container examples are written so. Here they are moved behind the command; what is
//! wrong with them is then found there. And switches may have a value: `--yes=true`.
use clap::{ArgAction, Command};
use std::ffi::OsString;

/// Those that several commands share, and whether a value follows.
const SHARED: [(&str, &str, bool); 4] = [
    ("-c", "--config", true),
    ("-e", "--read-from-env", false),
    ("--endpoint", "--endpoint", true),
    ("--format", "--format", true),
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

/// The same words, where switches have no value: those that are off are left out, those that are on stand alone.
pub(super) fn plain_switches(root: &Command, arguments: Vec<OsString>) -> Vec<OsString> {
    let mut path = vec![root];
    for word in arguments.iter().skip(1).filter_map(|word| word.to_str()) {
        let command = path.last().and_then(|at| at.find_subcommand(word));
        path.extend(command);
    }
    let mut is_over = false;
    arguments
        .into_iter()
        .filter_map(|word| {
            is_over |= word == "--";
            let switch = word.to_str().filter(|_| !is_over);
            match switch.and_then(|text| switch_and_value(&path, text)) {
                None => Some(word),
                Some((flag, true)) => Some(flag.into()),
                Some((_, false)) => None,
            }
        })
        .collect()
}

/// The flag without its value, if it is a switch of these commands, and whether it is on.
fn switch_and_value<'w>(path: &[&Command], word: &'w str) -> Option<(&'w str, bool)> {
    let (flag, value) = word.split_once('=')?;
    let is_on = match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
        "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
        _ => return None,
    };
    let long = flag.strip_prefix("--");
    let mut letters = flag.strip_prefix('-')?.chars();
    let short = letters.next().filter(|_| letters.next().is_none());
    let mut arguments = path.iter().flat_map(|command| command.get_arguments());
    let is_switch = arguments.any(|argument| {
        let is_named = long.is_some_and(|long| argument.get_long() == Some(long))
            || short.is_some_and(|short| argument.get_short() == Some(short));
        is_named && matches!(argument.get_action(), ArgAction::SetTrue)
    });
    is_switch.then_some((flag, is_on))
}
