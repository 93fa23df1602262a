//! The order of nodes in a form (flows.md §1.11): first by group, then by name within comparable groups.
//!
//! The second comparison is not transitive, so what comes out depends on the algorithm: it has to be the
//! stable sort of Go's standard library, insertion sort in runs of 20 and in-place merging by rotation
//! (Kim and Kutzner, "Stable Minimum Storage Merging by Symmetric Comparisons", 2004).
use super::form::Form;
use super::node::{Attributes, Node};
use crate::base::terms::{Group, MethodId as M};
use serde_json::Value;

/// Puts a login form in order.
pub fn login(form: &mut Form) {
    const GROUPS: &[Group] = &[
        Group::Of(M::Oidc),
        Group::Default,
        Group::Of(M::WebAuthn),
        Group::Of(M::Passkey),
        Group::Of(M::Code),
        Group::Of(M::Password),
        Group::Of(M::Totp),
        Group::Of(M::LookupSecret),
    ];
    sort(
        &mut form.nodes,
        GROUPS,
        &["csrf_token", "identifier", "password"],
    );
}

/// Puts a registration form in order. `schema_keys`: the leaves of the identity schema in document order.
pub fn registration(form: &mut Form, schema_keys: &[String]) {
    const GROUPS: &[Group] = &[
        Group::Of(M::Oidc),
        Group::Of(M::Saml),
        Group::Default,
        Group::Of(M::WebAuthn),
        Group::Of(M::Passkey),
        Group::Of(M::Code),
        Group::Of(M::Password),
        Group::Captcha,
        Group::Of(M::Profile),
    ];
    let mut keys = vec!["csrf_token"];
    let mut schema_keys = schema_keys.iter().map(String::as_str);
    keys.extend(schema_keys.next());
    keys.push("password");
    keys.extend(schema_keys);
    keys.extend([
        "webauthn_remove",
        "webauthn_register_displayname",
        "webauthn_register",
    ]);
    sort(&mut form.nodes, GROUPS, &keys);
}

/// Puts a settings form in order. `schema_keys`: the leaves of the identity schema in document order.
pub fn settings(form: &mut Form, schema_keys: &[String]) {
    const GROUPS: &[Group] = &[
        Group::Default,
        Group::Of(M::Profile),
        Group::Of(M::Password),
        Group::Of(M::Oidc),
        Group::Of(M::LookupSecret),
        Group::Of(M::WebAuthn),
        Group::Of(M::Passkey),
        Group::Of(M::Totp),
    ];
    let mut keys: Vec<&str> = schema_keys.iter().map(String::as_str).collect();
    keys.extend([
        "lookup_secret_reveal",
        "lookup_secret_regenerate",
        "lookup_secret_codes",
        "lookup_secret_confirm",
        "webauthn_remove",
        "webauthn_register_displayname",
        "webauthn_register",
        "passkey_remove",
        "passkey_register",
        "totp_qr",
        "totp_secret_key",
        "totp_unlink",
        "totp_code",
    ]);
    sort(&mut form.nodes, GROUPS, &keys);
}

/// What a node is compared by in the second step, worked out once.
struct Ranked {
    group: Group,
    position: usize,
    value: String,
    node: Node,
}

fn sort(nodes: &mut Vec<Node>, groups: &[Group], keys: &[&str]) {
    // A group that is not in the list comes before all others.
    nodes.sort_by_key(|n| {
        groups
            .iter()
            .position(|g| *g == n.group)
            .map_or(0, |p| p + 1)
    });
    let behind_all = keys.len() + nodes.len() + 1;
    let mut ranked: Vec<Ranked> = nodes
        .drain(..)
        .map(|node| Ranked {
            group: node.group,
            position: if node.id() == "method" {
                behind_all
            } else {
                keys.iter()
                    .position(|key| node.id().starts_with(key))
                    .unwrap_or(keys.len())
            },
            value: shown(&node),
            node,
        })
        .collect();
    stable(&mut ranked, comes_before);
    nodes.extend(ranked.into_iter().map(|r| r.node));
}

fn comes_before(a: &Ranked, b: &Ranked) -> bool {
    let password = Group::Of(M::Password);
    let comparable = a.group == b.group
        || (a.group == Group::Default && b.group == password)
        || (a.group == password && b.group == Group::Default);
    comparable && (a.position, &a.value) < (b.position, &b.value)
}

/// The value of a node the way the reference compares it.
fn shown(node: &Node) -> String {
    match &node.attributes {
        Attributes::Input(a) => match &a.value {
            Value::Null => "<nil>".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        },
        Attributes::Image(a) => a.src.clone(),
        Attributes::Anchor(a) => a.href.clone(),
        Attributes::Script(a) => a.src.clone(),
        Attributes::Text(a) => format!("&{{{} {}", a.text.id, a.text.text),
        Attributes::Division(_) => "<nil>".to_owned(),
    }
}

const RUN: usize = 20;

fn stable<T>(items: &mut [T], less: fn(&T, &T) -> bool) {
    for run in items.chunks_mut(RUN) {
        insert_each(run, less);
    }
    let mut width = RUN;
    while width < items.len() {
        for pair in items.chunks_mut(2 * width) {
            if pair.len() > width {
                merge(pair, width, less);
            }
        }
        width *= 2;
    }
}

fn insert_each<T>(items: &mut [T], less: fn(&T, &T) -> bool) {
    for next in 1..items.len() {
        let mut at = next;
        while at > 0 && less(&items[at], &items[at - 1]) {
            items.swap(at, at - 1);
            at -= 1;
        }
    }
}

/// Merges the two sorted halves that meet at `middle`.
fn merge<T>(items: &mut [T], middle: usize, less: fn(&T, &T) -> bool) {
    let length = items.len();
    if middle == 0 || middle == length {
        return;
    }
    if middle == 1 {
        // One item on the left: it goes before the first on the right that is not less.
        let to = first(1, length, |i| !less(&items[i], &items[0]));
        items[..to].rotate_left(1);
        return;
    }
    if length - middle == 1 {
        // One item on the right: it goes before the first on the left that is greater.
        let to = first(0, middle, |i| less(&items[middle], &items[i]));
        items[to..].rotate_right(1);
        return;
    }
    // Around the centre, pairs that mirror each other change sides: find where that begins.
    let centre = length / 2;
    let mirror = centre + middle;
    let (from, to) = if middle > centre {
        (mirror - length, centre)
    } else {
        (0, middle)
    };
    let start = first(from, to, |i| less(&items[mirror - 1 - i], &items[i]));
    let end = mirror - start;
    if start < middle && middle < end {
        items[start..end].rotate_left(middle - start);
    }
    let (left, right) = items.split_at_mut(centre);
    merge(left, start, less);
    merge(right, end - centre, less);
}

/// The first index in the range for which it holds, by halving; the end if there is none.
fn first(mut from: usize, mut to: usize, holds: impl Fn(usize) -> bool) -> usize {
    while from < to {
        let half = usize::midpoint(from, to);
        if holds(half) {
            to = half;
        } else {
            from = half + 1;
        }
    }
    from
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::Input;

    fn names(form: &Form) -> Vec<&str> {
        form.nodes.iter().map(Node::id).collect()
    }

    #[test]
    fn equal_items_keep_their_order() {
        let mut items: Vec<(usize, usize)> = (0..500).map(|i| (i * 7919 % 13, i)).collect();
        let mut expected = items.clone();
        expected.sort_by_key(|(key, _)| *key);
        stable(&mut items, |a, b| a.0 < b.0);
        assert_eq!(items, expected);
    }

    #[test]
    fn merging_works_for_every_length_and_split() {
        for length in 0..40_usize {
            for split in 0..=length {
                let mut items: Vec<(usize, usize)> = (0..length).map(|i| (i * 31 % 7, i)).collect();
                items[..split].sort_unstable();
                items[split..].sort_unstable();
                let mut expected = items.clone();
                expected.sort_by_key(|(key, _)| *key);
                merge(&mut items, split, |a, b| a.0 < b.0);
                assert_eq!(items, expected, "{length} at {split}");
            }
        }
    }

    #[test]
    fn the_password_stands_between_traits() {
        let mut form = Form::posted_to(String::new());
        form.push(Node::submit("method", "password").group(M::Password));
        form.push(Node::input("traits.name", Input::Text));
        form.push(Node::input("password", Input::Password).group(M::Password));
        form.push(Node::input("traits.email", Input::Email));
        form.push(Node::hidden("csrf_token", "x"));
        registration(
            &mut form,
            &["traits.email".to_owned(), "traits.name".to_owned()],
        );
        assert_eq!(
            names(&form),
            [
                "csrf_token",
                "traits.email",
                "password",
                "traits.name",
                "method"
            ]
        );
    }

    #[test]
    fn another_group_keeps_the_password_behind_it() {
        let mut form = Form::posted_to(String::new());
        form.push(Node::input("password", Input::Password).group(M::Password));
        form.push(Node::submit("method", "code").group(M::Code));
        form.push(Node::input("traits.email", Input::Email));
        form.push(Node::input("traits.name", Input::Text));
        form.push(Node::hidden("csrf_token", "x"));
        registration(
            &mut form,
            &["traits.email".to_owned(), "traits.name".to_owned()],
        );
        assert_eq!(
            names(&form),
            [
                "csrf_token",
                "traits.email",
                "traits.name",
                "method",
                "password"
            ]
        );
    }

    #[test]
    fn unlisted_groups_come_first() {
        let mut form = Form::posted_to(String::new());
        form.push(Node::hidden("csrf_token", "x"));
        form.push(Node::input("identifier", Input::Text).group(M::IdentifierFirst));
        form.push(Node::submit("provider", "b").group(M::Oidc));
        form.push(Node::submit("provider", "a").group(M::Oidc));
        login(&mut form);
        assert_eq!(
            names(&form),
            ["identifier", "provider", "provider", "csrf_token"]
        );
        assert_eq!(form.nodes[1].current(), "a");
    }
}
