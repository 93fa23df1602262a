//! Answers of passkeys and security keys that were mutilated on their way: in the text, and inside, in what the browser
//! signed, in CBOR and in COSE. Whatever is sent, the answer is a form that says what is wrong, and nothing is written.
use crate::support::authenticator::{Authenticator, Lie};
use crate::support::client::{Answer, Client, Form, PASSWORD, messages};
use crate::support::dice::Dice;
use crate::support::{TestApp, inline, person_schema, rounds};
use data_encoding::BASE64URL_NOPAD;
use kratos::model::credentials::Credential;
use kratos::store::Load;
use serde_json::{Value, json};

const HOME: &str = "https://example.org";
const ADA: &str = "ada@example.org";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ceremony {
    PasskeySignsIn,
    PasskeySignsUp,
    PasskeyIsAdded,
    KeySignsIn,
    KeySignsUp,
    KeyIsAdded,
}

const ALL: [Ceremony; 6] = [
    Ceremony::PasskeySignsIn,
    Ceremony::PasskeySignsUp,
    Ceremony::PasskeyIsAdded,
    Ceremony::KeySignsIn,
    Ceremony::KeySignsUp,
    Ceremony::KeyIsAdded,
];

impl Ceremony {
    fn flow(self) -> &'static str {
        match self {
            Self::PasskeySignsIn | Self::KeySignsIn => "login",
            Self::PasskeySignsUp | Self::KeySignsUp => "registration",
            Self::PasskeyIsAdded | Self::KeyIsAdded => "settings",
        }
    }
    /// The field of the answer.
    fn field(self) -> &'static str {
        match self {
            Self::PasskeySignsIn => "passkey_login",
            Self::PasskeySignsUp => "passkey_register",
            Self::PasskeyIsAdded => "passkey_settings_register",
            Self::KeySignsIn => "webauthn_login",
            Self::KeySignsUp | Self::KeyIsAdded => "webauthn_register",
        }
    }
    /// What the form may say.
    fn errors(self) -> &'static [&'static str] {
        match self.flow() {
            "login" => &["4000001", "4000015", "4000043"],
            _ => &["4000001"],
        }
    }
}

fn config() -> Value {
    let mut schema = person_schema();
    let means = &mut schema["properties"]["traits"]["properties"]["email"]["ory.sh/kratos"];
    means["credentials"]["passkey"] = json!({ "display_name": true });
    means["credentials"]["webauthn"] = json!({ "identifier": true });
    let rp = json!({ "id": "example.org", "display_name": "Example", "origins": [HOME] });
    json!({
        "identity": { "schemas": [{ "id": "default", "url": inline(&schema) }] },
        "selfservice": { "methods": {
            "passkey": { "enabled": true, "config": { "rp": rp } },
            "webauthn": { "enabled": true, "config": { "passwordless": true, "rp": rp } },
        } },
    })
}

/// What stands in a field as text.
fn options(form: &Form, name: &str) -> Value {
    let node = form.node(name);
    let node = node.unwrap_or_else(|| panic!("{name}: {}", form.flow));
    let text = node["attributes"]["value"].as_str().expect("text");
    serde_json::from_str(text).expect("JSON")
}

/// A question of the server, with its right answer.
struct Question {
    of: Ceremony,
    client: Client,
    form: Form,
    good: Value,
    beside: Value,
}

impl Question {
    async fn send(&mut self, answer: &str) -> Answer {
        let mut fields = self.beside.clone();
        fields[self.of.field()] = answer.into();
        self.client.submit(self.of.flow(), &self.form, fields).await
    }
}

/// The credentials of Ada and of Bob, and how many people there are.
type Stored = (Vec<Credential>, Vec<Credential>, u64);

struct Bench {
    app: TestApp,
    dice: Dice,
    /// Ada has one of each; Bob gets more and more, and is somebody new before they are too many.
    ada: String,
    bob: Client,
    bob_id: String,
    bobs: usize,
    passkey: Authenticator,
    key: Authenticator,
    people: usize,
}

impl Bench {
    async fn new(seed: u64) -> Self {
        let app = TestApp::with(config()).await;
        let ada = app.seed(ADA, PASSWORD).await;
        let mut bench = Self {
            dice: Dice::new(seed),
            ada,
            bob: app.spa(),
            bob_id: String::new(),
            bobs: 0,
            passkey: Authenticator::new(HOME),
            key: Authenticator::new(HOME),
            people: 0,
            app,
        };
        let mut client = bench.app.spa();
        client.sign_in(ADA, PASSWORD).await;
        for of in [Ceremony::PasskeyIsAdded, Ceremony::KeyIsAdded] {
            let is_passkey = of == Ceremony::PasskeyIsAdded;
            let key = if is_passkey {
                &mut bench.passkey
            } else {
                &mut bench.key
            };
            let mut question = added(of, client, key).await;
            let good = question.good.to_string();
            let done = question.send(&good).await;
            assert_eq!(done.status, 200, "{}", done.text);
            client = question.client;
        }
        bench.meet_another_bob().await;
        bench
    }

    async fn meet_another_bob(&mut self) {
        self.bobs += 1;
        let email = format!("bob{}@example.org", self.bobs);
        self.bob_id = self.app.seed(&email, PASSWORD).await;
        self.bob = self.app.spa();
        self.bob.sign_in(&email, PASSWORD).await;
    }

    async fn ask(&mut self, of: Ceremony) -> Question {
        let mut client = self.app.spa();
        let (form, good, beside) = match of {
            Ceremony::PasskeySignsIn => {
                let form = client.start("login", "").await;
                let asked = options(&form, "passkey_challenge");
                let good = self.passkey.get(&asked, &Lie::default());
                (form, good, json!({}))
            }
            Ceremony::KeySignsIn => {
                let mut form = client.start("login", "").await;
                let fields = json!({ "method": "webauthn", "identifier": ADA });
                let first = client.submit("login", &form, fields).await;
                assert_eq!(first.status, 422, "{}", first.text);
                let path = format!("/self-service/login/flows?id={}", form.id);
                form.flow = client.get(&path).await.json();
                let asked = options(&form, "webauthn_login_trigger");
                let good = self.key.get(&asked, &Lie::default());
                (form, good, json!({ "identifier": ADA }))
            }
            Ceremony::PasskeySignsUp | Ceremony::KeySignsUp => {
                let form = client.start("registration", "").await;
                let asked = if of == Ceremony::PasskeySignsUp {
                    options(&form, "passkey_create_data")["credentialOptions"].clone()
                } else {
                    options(&form, "webauthn_register_trigger")
                };
                let good = Authenticator::new(HOME).create(&asked, &Lie::default());
                self.people += 1;
                let email = format!("person{}@example.org", self.people);
                (form, good, json!({ "traits": { "email": email } }))
            }
            Ceremony::PasskeyIsAdded | Ceremony::KeyIsAdded => {
                if self.dice.one_in(20) {
                    self.meet_another_bob().await;
                }
                client.cookies.clone_from(&self.bob.cookies);
                return added(of, client, &mut Authenticator::new(HOME)).await;
            }
        };
        Question {
            of,
            client,
            form,
            good,
            beside,
        }
    }

    /// All that an answer may change.
    async fn stored(&self) -> Stored {
        let mut identities = self.app.services.store.identities();
        let mut lists = vec![];
        for id in [&self.ada, &self.bob_id] {
            let id = serde_json::from_value(Value::from(id.as_str())).expect("an id");
            let identity = identities
                .get(id, Load::Credentials)
                .await
                .expect("somebody");
            lists.push(identity.credentials);
        }
        let bob = lists.pop().expect("two");
        let count = identities.count().await.expect("a number");
        (lists.pop().expect("one"), bob, count)
    }

    /// Something else than the right answer, and which part of it was changed inside.
    fn mutilated(&self, good: &Value) -> (String, Option<&'static str>) {
        const PARTS: [&str; 5] = [
            "clientDataJSON",
            "authenticatorData",
            "signature",
            "userHandle",
            "attestationObject",
        ];
        if self.dice.one_in(3) {
            return (self.mutilated_text(&good.to_string()), None);
        }
        let there: Vec<_> = PARTS
            .into_iter()
            .filter(|part| good["response"][part].is_string())
            .collect();
        let part = *self.dice.pick(&there);
        let mut out = good.clone();
        let inside = out["response"][part].as_str().expect("base64url");
        let inside = BASE64URL_NOPAD
            .decode(inside.as_bytes())
            .expect("base64url");
        let changed = self.mutilated_bytes(inside);
        out["response"][part] = BASE64URL_NOPAD.encode(&changed).into();
        (out.to_string(), Some(part))
    }

    fn mutilated_text(&self, good: &str) -> String {
        let signs: Vec<char> = "AZaz09-_=\"{}[]:,\\u0 \u{e9}\u{10ffff}".chars().collect();
        let mut text: Vec<char> = good.chars().collect();
        for _ in 0..=self.dice.below(3) {
            let at = self.dice.below(text.len());
            match self.dice.below(4) {
                0 => text.truncate(at.max(1)),
                1 => text.insert(at, *self.dice.pick(&signs)),
                2 if text.len() > 1 => {
                    text.remove(at);
                }
                _ => text[at] = *self.dice.pick(&signs),
            }
        }
        text.into_iter().collect()
    }

    fn mutilated_bytes(&self, mut inside: Vec<u8>) -> Vec<u8> {
        // Heads of CBOR with long or open ends, numbers at their limits.
        const STRANGE: [u8; 14] = [
            0x00, 0x01, 0x17, 0x18, 0x1b, 0x3b, 0x5f, 0x7b, 0x7f, 0x80, 0x9f, 0xbb, 0xbf, 0xff,
        ];
        for _ in 0..=self.dice.below(3) {
            if inside.is_empty() {
                break;
            }
            let at = self.dice.below(inside.len());
            let run = (at + 1 + self.dice.below(8)).min(inside.len());
            match self.dice.below(7) {
                0 => inside[at] ^= 1 << self.dice.below(8),
                1 => inside[at] = *self.dice.pick(&STRANGE),
                2 => inside.insert(at, *self.dice.pick(&STRANGE)),
                3 => {
                    inside.drain(at..run);
                }
                4 => {
                    let twice = inside[at..run].to_vec();
                    inside.splice(at..at, twice);
                }
                5 => inside.truncate(at),
                _ => inside.swap(at, run - 1),
            }
        }
        inside
    }
}

async fn added(of: Ceremony, mut client: Client, key: &mut Authenticator) -> Question {
    let form = client.start("settings", "").await;
    let (name, beside) = if of == Ceremony::PasskeyIsAdded {
        ("passkey_create_data", json!({}))
    } else {
        let named = json!({ "webauthn_register_displayname": "blue" });
        ("webauthn_register_trigger", named)
    };
    let good = key.create(&options(&form, name), &Lie::default());
    Question {
        of,
        client,
        form,
        good,
        beside,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mutilated_answers_are_forms() {
    mutilate(rounds(600), 0).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes half an hour"]
async fn a_hundred_thousand_mutilated_answers_are_forms() {
    let benches = (1..=4).map(|seed| tokio::spawn(mutilate(25_000, seed)));
    for bench in benches.collect::<Vec<_>>() {
        bench.await.expect("a quarter of them");
    }
}

async fn mutilate(rounds: usize, seed: u64) {
    /// So many wrong answers to one question, and then the right one.
    const TRIES: usize = 20;
    let mut bench = Bench::new(seed).await;
    let mut done = 0;
    let mut accepted = 0;
    let mut right = 0;
    for of in ALL.into_iter().cycle() {
        if done >= rounds {
            break;
        }
        let mut question = bench.ask(of).await;
        let before = bench.stored().await;
        let good = question.good.to_string();
        let mut is_open = true;
        for _ in 0..TRIES {
            let (answer, part) = bench.mutilated(&question.good);
            if answer == good {
                continue;
            }
            done += 1;
            let said = question.send(&answer).await;
            let after = bench.stored().await;
            let about = format!("{of:?} {part:?}: {}\n{answer}", said.text);
            match said.status.as_u16() {
                400 => {
                    let messages = messages(&said.json());
                    assert!(
                        matches!(messages.as_slice(), [one] if of.errors().contains(&one.as_str())),
                        "{about}"
                    );
                    assert!(after == before, "it was written: {about}");
                }
                200 => {
                    accepted += 1;
                    assert_means_the_same(of, part, &before, &after, &about);
                    is_open = false;
                    break;
                }
                _ => panic!("{} {about}", said.status),
            }
        }
        if is_open {
            let said = question.send(&good).await;
            assert_eq!(said.status, 200, "{of:?}: {}", said.text);
            assert!(of.flow() == "login" || bench.stored().await != before);
            right += 1;
        }
    }
    assert!(right > rounds / 100 && accepted > 0, "{right} {accepted}");
}

/// An answer that was accepted though it was changed: nothing that is signed was, and it did what the right one does.
fn assert_means_the_same(
    of: Ceremony,
    part: Option<&str>,
    before: &Stored,
    after: &Stored,
    about: &str,
) {
    let public_keys = |list: &[Credential]| {
        let keys = list
            .iter()
            .filter_map(|c| c.config["credentials"].as_array());
        let keys = keys.flatten().map(|key| key["public_key"].clone());
        keys.collect::<Vec<_>>()
    };
    let (ada, bob) = (public_keys(&before.0), public_keys(&before.1));
    assert_eq!(public_keys(&after.0), ada, "{about}");
    match of.flow() {
        "login" => {
            // Who it is says the identifier; without a handle it is the same.
            let by_name = of == Ceremony::KeySignsIn && part == Some("userHandle");
            assert!(part.is_none() || by_name, "{about}");
            assert_eq!(public_keys(&after.1), bob, "{about}");
        }
        "settings" => {
            assert_eq!(public_keys(&after.1).len(), bob.len() + 1, "{about}");
            assert_eq!(after.2, before.2, "{about}");
        }
        _ => assert_eq!(after.2, before.2 + 1, "{about}"),
    }
}
