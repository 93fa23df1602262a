//! One person's walk through all flows, with a stranger at the same browser, by dice: no step does what the person has
//! not proven to be allowed to do, and from wherever they are, whoever has their factors and their mailbox gets in.
mod account;
mod steps;

use crate::support::client::{Answer, Client, Form, Kind, PASSWORD};
use crate::support::dice::Dice;
use crate::support::{TestApp, inline, person_schema};
use account::{Account, Seen};
use kratos::base::clock::Clock;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use steps::Step;
use time::Duration;

/// The steps, and how often each is taken.
const STEPS: [(usize, Step); 16] = [
    (4, Step::TimePasses),
    (5, Step::SignIn),
    (3, Step::SignInByCode),
    (5, Step::SecondFactor),
    (3, Step::Refresh),
    (1, Step::Forget),
    (2, Step::SignOut),
    (12, Step::Change),
    (2, Step::Stranger),
    (4, Step::AskToRecover),
    (4, Step::Recover),
    (1, Step::GoBack),
    (2, Step::AskToVerify),
    (3, Step::Verify),
    (3, Step::ComeBack),
    (6, Step::SendAgain),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_through_all_flows_breaks_no_rule_and_has_no_dead_end() {
    let done = walk_on(600, 2026).await;
    assert!(done.len() >= 8, "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes half an hour"]
async fn a_long_walk_does_neither() {
    let walks: Vec<_> = (0..4)
        .map(|seed| tokio::spawn(walk_on(25_000, seed)))
        .collect();
    let mut ended = vec![];
    for walk in walks {
        ended.push(walk.await);
    }
    for walk in ended {
        let done = walk.expect("a walk");
        println!("{done:?}");
        for what in EVENTS {
            assert!(done.contains_key(what), "{what}: {done:?}");
        }
    }
}

/// What a walk has to come by if it is long.
const EVENTS: [&str; 12] = [
    "signed in",
    "signed in by code",
    "stepped up",
    "changed",
    "refused",
    "came back",
    "recovered",
    "set anew",
    "set anew after the second factor",
    "verified",
    "stranger",
    "signed out",
];

/// How often what has happened.
async fn walk_on(steps: usize, seed: u64) -> BTreeMap<&'static str, usize> {
    let mut walk = Walk::begin(seed).await;
    let all: usize = STEPS.iter().map(|(weight, _)| weight).sum();
    for step in 0..steps {
        let mut rolled = walk.dice.below(all);
        let chosen = STEPS.iter().find(|(weight, _)| {
            let is_it = rolled < *weight;
            rolled = rolled.saturating_sub(*weight);
            is_it
        });
        let at = walk.dice.below(walk.visitors.len());
        walk.take(chosen.expect("a step").1, at).await;
        walk.hold(&May::default(), "what only reads").await;
        if step % 20 == 19 {
            let at = walk.dice.below(walk.visitors.len());
            walk.gets_in(at, step % 40 == 19).await;
        }
        // Somebody else, before all codes are used up: then nobody gets in, as the table says.
        if step % 100 == 99 || walk.seen.account.is_running_out() {
            walk.renew().await;
        }
    }
    walk.done
}

/// A browser or an app, and what its user remembers.
struct Visitor {
    client: Client,
    /// Forms that a code was mailed for.
    asked: Vec<Asked>,
    /// Where a change waits for a fresh sign-in.
    paused: Option<String>,
}

#[derive(Clone)]
struct Asked {
    flow: &'static str,
    form: Form,
    code: String,
}

/// A form as it was once sent.
#[derive(Clone)]
struct Sent {
    flow: &'static str,
    form: Form,
    fields: Value,
}

/// What a submission may bring about, by what it proves.
#[derive(Debug, Default)]
struct May {
    /// New entries of `authentication_methods`.
    prove: Vec<&'static str>,
    /// Credentials and addresses may change.
    change: bool,
    /// An address may become a verified one.
    verify: bool,
}

struct Walk {
    app: TestApp,
    dice: Dice,
    /// How many people have walked.
    walkers: usize,
    id: String,
    password: &'static str,
    /// Codes by mail are second factors of this person; else they are a way in.
    mfa: bool,
    visitors: Vec<Visitor>,
    sent: VecDeque<Sent>,
    /// Codes that were mailed and not yet used: with the form that each is for.
    mailed: BTreeMap<String, String>,
    seen: Seen,
    done: BTreeMap<&'static str, usize>,
}

impl Walk {
    async fn begin(seed: u64) -> Self {
        let mut schema = person_schema();
        schema["properties"]["traits"]["properties"]["email"]["ory.sh/kratos"]["credentials"]["code"] =
            json!({ "identifier": true, "via": "email" });
        let app = TestApp::with(json!({
            "identity": { "schemas": [{ "id": "default", "url": inline(&schema) }] },
            "selfservice": {
                "methods": { "totp": { "enabled": true }, "lookup_secret": { "enabled": true } },
                "flows": { "recovery": { "enabled": true }, "verification": { "enabled": true } },
            },
            "feature_flags": { "use_continue_with_transitions": true },
        }))
        .await;
        let mut walk = Self {
            app,
            dice: Dice::new(seed),
            walkers: 0,
            id: String::new(),
            password: PASSWORD,
            mfa: false,
            visitors: vec![],
            sent: VecDeque::new(),
            mailed: BTreeMap::new(),
            seen: Seen::default(),
            done: BTreeMap::new(),
        };
        walk.renew().await;
        walk
    }

    /// Somebody new, with new browsers, under the next of four configurations.
    async fn renew(&mut self) {
        let number = self.walkers;
        self.walkers += 1;
        self.mfa = number % 2 == 1;
        self.app.configure(&json!({
            "selfservice": { "methods": { "code": {
                "passwordless_enabled": !self.mfa, "mfa_enabled": self.mfa,
            } } },
            "feature_flags": { "choose_recovery_address": number / 2 % 2 == 1 },
        }));
        let address = format!("walker{number}@example.org");
        self.password = PASSWORD;
        self.id = self.app.seed(&address, PASSWORD).await;
        let clients = [self.app.browser(), self.app.spa(), self.app.native()];
        self.visitors = clients
            .map(|client| Visitor {
                client,
                asked: vec![],
                paused: None,
            })
            .into();
        self.sent.clear();
        self.mailed.clear();
        self.seen = account::look(&self.app, &self.id).await;
    }

    fn account(&self) -> &Account {
        &self.seen.account
    }
    fn address(&self) -> String {
        self.account().address.clone()
    }
    fn has_second(&self) -> bool {
        self.mfa || self.account().has_second()
    }
    fn did(&mut self, what: &'static str) {
        *self.done.entry(what).or_default() += 1;
    }
    fn client(&mut self, at: usize) -> &mut Client {
        &mut self.visitors[at].client
    }

    /// Begins a flow, if that is possible in this place.
    async fn begin_flow(&mut self, at: usize, flow: &'static str, query: &str) -> Option<Form> {
        let client = self.client(at);
        let channel = if client.kind == Kind::Native {
            "api"
        } else {
            "browser"
        };
        let path = format!("/self-service/{flow}/{channel}?{query}");
        let begun = client.get(&path).await;
        assert!(begun.status.as_u16() < 500, "{path}: {}", begun.text);
        let page = format!("http://ui.test/{flow}?flow=");
        let is_form = match client.kind {
            Kind::Browser => begun.location().starts_with(&page),
            _ => begun.status == 200,
        };
        if !is_form {
            return None;
        }
        Some(client.form(flow, &begun).await)
    }

    /// Sends a form, and holds what comes of it to the rules.
    async fn send(&mut self, at: usize, flow: &'static str, form: &Form, fields: Value) -> Answer {
        let may = self.may(at, flow, form, &fields).await;
        let client = self.client(at);
        let done = client.submit(flow, form, fields.clone()).await;
        let about = format!("{flow} {fields} {:?}: {}", client.kind, done.text);
        assert!(done.status.as_u16() < 500, "{about}");
        if client.kind == Kind::Native
            && done.status == 200
            && let Some(token) = token_in(&done.json())
        {
            client.token = Some(token);
        }
        let gained = self.hold(&may, &about).await;
        // A code that was taken is none any more.
        let taken = gained.iter().any(|proof| proof.starts_with("code"));
        if let Some(code) = fields["code"].as_str()
            && (taken || flow == "verification")
        {
            self.mailed.remove(code);
        }
        if self.sent.len() > 40 {
            self.sent.pop_front();
        }
        let form = form.clone();
        self.sent.push_back(Sent { flow, form, fields });
        done
    }

    /// What is proven by sending this now, from here.
    async fn may(&mut self, at: usize, flow: &str, form: &Form, fields: &Value) -> May {
        if flow == "settings" {
            return self.may_change(at).await;
        }
        let mut may = May::default();
        let text = |name: &str| fields[name].as_str().unwrap_or("");
        if self.mailed.get(text("code")) == Some(&form.id) {
            may.verify = true;
            match flow {
                "recovery" => may.prove.push("code_recovery"),
                "login" => may.prove.push("code"),
                _ => {}
            }
        }
        let account = self.account();
        if flow == "login" {
            if text("identifier") == account.address && text("password") == self.password {
                may.prove.push("password");
            }
            if account.takes(text("totp_code"), self.app.clock.now()) {
                may.prove.push("totp");
            }
            if account.unused.contains(&text("lookup_secret").to_owned()) {
                may.prove.push("lookup_secret");
            }
        }
        may
    }

    async fn may_change(&mut self, at: usize) -> May {
        let change = self.is_privileged(at).await;
        // To set up a factor is to use it.
        let prove = if change {
            vec!["totp", "lookup_secret"]
        } else {
            vec![]
        };
        May {
            prove,
            change,
            verify: false,
        }
    }

    /// Has this visitor proven, lately and as well as they can, that they are the walker?
    async fn is_privileged(&mut self, at: usize) -> bool {
        let me = self.client(at).whoami().await;
        if me.status != 200 {
            return false;
        }
        let session = me.json();
        session["identity"]["id"] == self.id && self.is_fresh(&session) && {
            let level = &session["authenticator_assurance_level"];
            !self.has_second() || level == "aal2"
        }
    }

    fn is_fresh(&self, session: &Value) -> bool {
        let since = session["authenticated_at"].as_str();
        let since = since.and_then(kratos::base::time::parse_rfc3339);
        self.app.clock.now() - since.expect("a time") <= Duration::hours(1)
    }

    /// Holds what has changed since the last look to what is allowed; the new proofs.
    async fn hold(&mut self, may: &May, about: &str) -> Vec<String> {
        let now = account::look(&self.app, &self.id).await;
        let before = std::mem::replace(&mut self.seen, now);
        let now = &self.seen;
        let changed = now.account.is_other_than(&before.account);
        assert!(may.change || !changed, "a change: {about}");
        let is_proven = now.account.verified && !before.account.verified;
        assert!(may.verify || !is_proven, "a proven address: {about}");
        if now.account.address != before.account.address {
            assert!(!now.account.verified, "proven unseen: {about}");
        }
        now.assert_sound(about);
        let gained = now.proofs_since(&before);
        assert!(gained.len() < 2, "{gained:?}: {about}");
        for proof in &gained {
            assert!(may.prove.iter().any(|p| p == proof), "{proof}: {about}");
        }
        if self.seen.account.hash != before.account.hash {
            self.password = self.seen.account.password();
        }
        if changed {
            self.did("changed");
        }
        gained
    }
}

/// The token in the answer that an app gets.
fn token_in(answer: &Value) -> Option<String> {
    let items = answer["continue_with"].as_array();
    let mut items = items.into_iter().flatten();
    let item = items.find_map(|item| item["ory_session_token"].as_str());
    let token = answer["session_token"].as_str().or(item);
    token.map(str::to_owned)
}
