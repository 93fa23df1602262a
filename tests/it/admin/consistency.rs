//! Thousands of steps of an administrator who throws dice: whatever is created, replaced, patched, imported or taken away, an
//! identity's identifiers and addresses are those that follow from its traits and its schema, and what is refused changes
//! nothing. Where the traits name nobody for a method any more, the names of before stay, as with the reference.
use super::{HASH, delete, get, patch, path, post, put};
use crate::support::dice::Dice;
use crate::support::{TestApp, inline};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

const STEPS: usize = 2000;
const PEOPLE: usize = 10;
const KINDS: [&str; 7] = [
    "password",
    "oidc",
    "saml",
    "totp",
    "lookup_secret",
    "webauthn",
    "passkey",
];

impl Dice {
    fn email(&self) -> String {
        let form = [
            "user{}@example.org",
            "User{}@Example.org",
            "USER{}@example.org",
        ];
        self.pick(&form).replace("{}", &self.below(14).to_string())
    }
    fn name(&self) -> String {
        self.pick(&["ann{}", "Ann{}"])
            .replace("{}", &self.below(12).to_string())
    }
    fn phone(&self) -> String {
        format!("+4915123456{:02}", self.below(14))
    }

    fn traits(&self) -> Value {
        let mut out = json!({ "email": self.email() });
        if !self.one_in(3) {
            out["name"] = self.name().into();
        }
        if !self.one_in(3) {
            out["phone"] = self.phone().into();
        }
        if self.one_in(4) {
            out["others"] = (0..self.below(3)).map(|_| self.email()).collect();
        }
        if self.one_in(6) {
            out.as_object_mut().unwrap().shift_remove("email");
        }
        if self.one_in(15) {
            out["email"] = self
                .pick(&[json!("no address"), json!(5), json!("\u{0}@example.org")])
                .clone();
        }
        out
    }

    fn key(&self) -> Value {
        json!({ "id": data_encoding::BASE64.encode(self.below(4).to_string().as_bytes()), "is_passwordless": self.one_in(2) })
    }

    fn credentials(&self) -> Value {
        let mut out = Map::new();
        for kind in KINDS {
            if !self.one_in(4) {
                continue;
            }
            let link = || json!({ "provider": *self.pick(&["alpha", "beta"]), "subject": self.below(9).to_string() });
            let links: Vec<_> = (0..self.below(3)).map(|_| link()).collect();
            let keys: Vec<_> = (0..self.below(3)).map(|_| self.key()).collect();
            let handle = data_encoding::BASE64.encode(self.below(20).to_string().as_bytes());
            let config = match kind {
                "password" if self.one_in(9) => json!({ "hashed_password": "nonsense" }),
                "password" => json!({ "hashed_password": HASH }),
                "oidc" | "saml" => json!({ "providers": links }),
                "totp" => json!({ "totp_url": "otpauth://totp/x:y?secret=JBSWY3DPEHPK3PXP" }),
                "lookup_secret" => json!({ "codes": [{ "code": "abcd1234" }] }),
                _ => json!({ "credentials": keys, "user_handle": handle }),
            };
            out.insert(kind.to_owned(), json!({ "config": config }));
        }
        out.into()
    }

    fn body(&self) -> Value {
        let mut out = json!({ "traits": self.traits() });
        if self.one_in(2) {
            out["credentials"] = self.credentials();
        }
        if self.one_in(3) {
            out["state"] = (*self.pick(&["active", "inactive"])).into();
        }
        if self.one_in(4) {
            out["external_id"] = self.below(12).to_string().into();
        }
        if self.one_in(2) {
            out["schema_id"] = self.schema().into();
        }
        out
    }

    fn schema(&self) -> &'static str {
        const SCHEMAS: [&str; 2] = ["default", "plain"];
        SCHEMAS[self.below(SCHEMAS.len())]
    }

    fn imported(&self) -> Value {
        let mut out = self.body();
        if self.one_in(3) {
            let email = out["traits"]["email"].clone();
            let email = if email.is_string() {
                email
            } else {
                self.email().into()
            };
            out["verifiable_addresses"] = json!([
                { "value": email, "via": "email", "verified": true },
                { "value": self.email(), "via": "email", "verified": true },
            ]);
            out["recovery_addresses"] = json!([{ "value": self.email(), "via": "email" }]);
        }
        out
    }

    fn op(&self) -> Value {
        let set = |path: &str, value: Value| json!({ "op": *self.pick(&["add", "replace"]), "path": path, "value": value });
        let drop = |path: &str| json!({ "op": "remove", "path": path });
        match self.below(26) {
            0 => set("/traits", self.traits()),
            1 => set("/traits/email", self.email().into()),
            2 => set("/traits/phone", self.phone().into()),
            3 => set("/traits/name", self.name().into()),
            4 => drop("/traits/phone"),
            5 => drop("/traits/name"),
            6 => json!({ "op": "add", "path": "/traits/others/-", "value": self.email() }),
            7 => set("/verifiable_addresses/0/verified", true.into()),
            8 => set("/verifiable_addresses/0/value", self.email().into()),
            9 => drop("/verifiable_addresses"),
            10 => set("/recovery_addresses/0/value", self.email().into()),
            11 => set("/recovery_addresses", json!([])),
            12 => set("/credentials/password/identifiers", json!([self.email()])),
            13 => drop("/credentials/password"),
            14 => drop("/credentials/code"),
            15 => set(
                "/credentials/code/config",
                json!({ "addresses": [{ "channel": "email", "address": self.email() }] }),
            ),
            16 => set(
                "/credentials/totp",
                json!({ "type": "totp", "identifiers": [self.email()], "config": { "totp_url": "otpauth://x" } }),
            ),
            17 => set(
                "/credentials/webauthn",
                json!({ "type": "webauthn", "config": { "credentials": [self.key()] } }),
            ),
            18 => set(
                "/state",
                (*self.pick(&["active", "inactive", "asleep"])).into(),
            ),
            19 => set("/external_id", self.below(12).to_string().into()),
            20 => drop("/credentials/lookup_secret"),
            21..24 => set("/schema_id", self.schema().into()),
            24 => drop("/traits/email"),
            // Two rows that want the same place.
            _ => json!({ "op": "add", "path": "/verifiable_addresses/-", "value": {
                "id": "3f2b7c1e-5d64-4a0b-9c8d-7e6f5a4b3c2d", "value": self.email(), "via": "email", "verified": true,
            } }),
        }
    }
}

fn schema() -> Value {
    let means = |credentials: Value, via: &str| json!({ "credentials": credentials, "verification": { "via": via }, "recovery": { "via": via } });
    let password = json!({ "identifier": true });
    json!({
        "$id": "https://example.org/all.schema.json", "type": "object",
        "properties": { "traits": {
            "type": "object", "required": ["email"], "additionalProperties": false,
            "properties": {
                "email": {
                    "type": "string", "format": "email",
                    "ory.sh/kratos": means(json!({
                        "password": password, "webauthn": password, "code": { "identifier": true, "via": "email" },
                    }), "email"),
                },
                "phone": {
                    "type": "string", "format": "tel",
                    "ory.sh/kratos": means(json!({ "code": { "identifier": true, "via": "sms" } }), "sms"),
                },
                "name": { "type": "string", "ory.sh/kratos": { "credentials": { "password": password } } },
                "others": {
                    "type": "array",
                    "items": {
                        "type": "string", "format": "email",
                        "ory.sh/kratos": { "verification": { "via": "email" } },
                    },
                },
            },
        } },
    })
}

/// The same traits, most of them meaning something else; none has to be there.
fn plain_schema() -> Value {
    let email = json!({ "type": "string", "format": "email" });
    let means = |mut trait_: Value, extension: Value| {
        trait_["ory.sh/kratos"] = extension;
        trait_
    };
    let by = |via: &str| json!({ "via": via });
    json!({
        "$id": "https://example.org/plain.schema.json", "type": "object",
        "properties": { "traits": {
            "type": "object", "additionalProperties": false,
            "properties": {
                "email": means(email.clone(), json!({
                    "credentials": {
                        "webauthn": { "identifier": true }, "totp": { "account_name": true },
                        "passkey": { "display_name": true },
                    },
                    "verification": by("email"),
                })),
                "phone": means(json!({ "type": "string", "format": "tel" }), json!({ "recovery": by("sms") })),
                "name": means(json!({ "type": "string" }), json!({ "credentials": {
                    "password": { "identifier": true },
                } })),
                "others": { "type": "array", "items": means(email, json!({ "recovery": by("email") })) },
            },
        } },
    })
}

type Names = BTreeSet<String>;

fn texts(list: &Value) -> Names {
    list.as_array()
        .into_iter()
        .flatten()
        .map(|v| v.as_str().unwrap().to_lowercase())
        .collect()
}

fn pairs(list: &Value, channel: &str, value: &str) -> Names {
    let all = list.as_array().into_iter().flatten();
    all.map(|a| {
        format!(
            "{}:{}",
            a[channel].as_str().unwrap(),
            a[value].as_str().unwrap()
        )
    })
    .collect()
}

/// Whether the body or the operations say something about the credential.
fn touches(said: &Value, kind: &str) -> bool {
    let path = format!("/credentials/{kind}");
    let is_of = |op: &Value| op["path"].as_str().is_some_and(|p| p.starts_with(&path));
    !said["credentials"][kind].is_null() || said.as_array().is_some_and(|ops| ops.iter().any(is_of))
}

/// What the traits say, and what is stored: the same. `before` and what was `said` since then tell what may stand where
/// they say nothing. True: that was the case, and there are names.
fn assert_follows(identity: &Value, before: &Value, said: &Value) -> bool {
    let traits = &identity["traits"];
    let plain = identity["schema_id"] == "plain";
    let text = |name: &str| traits[name].as_str().map(str::to_lowercase);
    let named = |names: &[&str]| {
        names
            .iter()
            .filter_map(|name| text(name))
            .collect::<Names>()
    };
    let credentials = &identity["credentials"];
    let identifiers = |of: &Value, kind: &str| texts(&of["credentials"][kind]["identifiers"]);
    let both = |names: &[(&str, &str)]| {
        let there = names
            .iter()
            .filter_map(|(via, name)| Some((via, text(name)?)));
        there
            .map(|(via, value)| format!("{via}:{value}"))
            .collect::<Names>()
    };
    let (email, phone) = (("email", "email"), ("sms", "phone"));
    let others: Names = texts(&traits["others"])
        .into_iter()
        .map(|a| format!("email:{a}"))
        .collect();
    let (password, code): (&[_], &[_]) = if plain {
        (&["name"], &[])
    } else {
        (&["email", "name"], &["email", "phone"])
    };
    let mut kept = false;
    for (kind, names) in [
        ("password", password),
        ("webauthn", &["email"][..]),
        ("code", code),
    ] {
        let names = named(names);
        let stored = identifiers(identity, kind);
        if !names.is_empty() {
            assert_eq!(stored, names, "{kind}: {identity}");
        } else if touches(said, kind) {
            let known = |name: &String| said.to_string().to_lowercase().contains(name.as_str());
            let old = identifiers(before, kind);
            let mut all = stored.iter();
            assert!(
                all.all(|name| old.contains(name) || known(name)),
                "{kind}: {identity}"
            );
        } else {
            assert_eq!(stored, identifiers(before, kind), "{kind}: {identity}");
            let addresses = |of: &Value| of["credentials"][kind]["config"]["addresses"].clone();
            assert_eq!(addresses(identity), addresses(before), "{kind}: {identity}");
            kept |= !stored.is_empty();
        }
    }
    let addresses = pairs(
        &credentials["code"]["config"]["addresses"],
        "channel",
        "address",
    );
    let (verifiable, recovery) = if plain {
        (both(&[email]), &both(&[phone]) | &others)
    } else {
        let both = both(&[email, phone]);
        if !both.is_empty() {
            assert_eq!(addresses, both, "{identity}");
        }
        (&both | &others, both)
    };
    assert_eq!(
        pairs(&identity["recovery_addresses"], "via", "value"),
        recovery,
        "{identity}"
    );
    assert_eq!(
        pairs(&identity["verifiable_addresses"], "via", "value"),
        verifiable,
        "{identity}"
    );
    for kind in ["totp", "lookup_secret"] {
        if credentials.get(kind).is_some() {
            assert_eq!(
                credentials[kind]["identifiers"],
                json!([identity["id"]]),
                "{identity}"
            );
        }
    }
    for kind in ["oidc", "saml"] {
        let links = &credentials[kind]["config"]["providers"];
        let unnamed = links
            .as_array()
            .is_some_and(|l| l.iter().any(|l| l["provider"] == ""));
        if credentials.get(kind).is_some() && !unnamed {
            assert_eq!(
                texts(&credentials[kind]["identifiers"]),
                pairs(links, "provider", "subject"),
                "{identity}"
            );
        }
    }
    kept
}

/// Who had an address and has it still is as verified as before, unless somebody has patched that.
fn assert_kept(before: &Value, after: &Value) {
    for list in ["verifiable_addresses", "recovery_addresses"] {
        for address in after[list].as_array().into_iter().flatten() {
            let same =
                |old: &&Value| old["value"] == address["value"] && old["via"] == address["via"];
            let old = before[list].as_array().into_iter().flatten().find(same);
            if let Some(old) = old {
                assert_eq!(old, address, "{after}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_done_an_identity_follows_from_its_traits() {
    let methods = json!({ "code": { "passwordless_enabled": true, "mfa_enabled": false } });
    let app = TestApp::with(json!({
        "identity": { "schemas": [
            { "id": "default", "url": inline(&schema()) }, { "id": "plain", "url": inline(&plain_schema()) },
        ] },
        "selfservice": { "methods": { "code": methods["code"] } },
    }))
    .await;
    let dice = Dice::new(42);
    let include = KINDS.iter().chain(&["code"]);
    let include = include.fold(String::new(), |query, kind| {
        query + "&include_credential=" + kind
    });
    let read = async |id: &str| get(&app, &format!("{}?{include}", path(id))).await;
    let mut people: Vec<String> = vec![];
    let mut done = BTreeMap::<String, usize>::new();
    for step in 0..STEPS {
        if people.len() < PEOPLE / 2 || (people.len() < PEOPLE && dice.one_in(6)) {
            let entries: Vec<Value> = (0..=dice.below(3))
                .map(|_| json!({ "create": dice.imported() }))
                .collect();
            let answer = if entries.len() == 1 {
                post(&app, &entries[0]["create"]).await
            } else {
                patch(&app, "/admin/identities", &json!({ "identities": entries })).await
            };
            assert!(answer.status.as_u16() < 500, "{step}: {}", answer.text);
            let made = answer.json();
            let listed = made["identities"].as_array().into_iter().flatten();
            let ids = listed.map(|one| &one["identity"]).chain([&made["id"]]);
            for id in ids.filter_map(Value::as_str) {
                // Whoever is new has no names of before.
                assert_follows(&read(id).await.json(), &Value::Null, &Value::Null);
                people.push(id.to_owned());
            }
            continue;
        }
        let at = dice.below(people.len());
        let id = people[at].clone();
        let before = read(&id).await.json();
        let (what, said, answer) = match dice.below(20) {
            0..7 => {
                let body = dice.body();
                let answer = put(&app, &path(&id), &body).await;
                ("put", body, answer)
            }
            7..17 => {
                let ops: Value = (0..=dice.below(3)).map(|_| dice.op()).collect();
                let answer = patch(&app, &path(&id), &ops).await;
                ("patch", ops, answer)
            }
            17 | 18 => {
                let which = dice.pick(&["?identifier=alpha:1", "?identifier=beta:2", ""]);
                let kind = dice.pick(&KINDS);
                let url = format!("{}/credentials/{kind}{which}", path(&id));
                let answer = delete(&app, &url).await;
                (
                    "take away",
                    json!({ "credentials": { *kind: "gone" } }),
                    answer,
                )
            }
            _ => {
                people.remove(at);
                let answer = delete(&app, &path(&id)).await;
                ("delete", Value::Null, answer)
            }
        };
        let status = answer.status.as_u16();
        assert!(status < 500, "{step} {what}: {}", answer.text);
        *done.entry(format!("{what} {status}")).or_insert(0) += 1;
        if what == "delete" {
            assert_eq!(read(&id).await.status, 404);
            continue;
        }
        let after = read(&id).await.json();
        if status >= 400 {
            assert_eq!(after, before, "{step} {what}: {}", answer.text);
        } else {
            let kept = assert_follows(&after, &before, &said);
            let schema = after["schema_id"].as_str().unwrap();
            let moved = before["schema_id"] != schema;
            if moved {
                *done.entry(format!("moved to {schema}")).or_insert(0) += 1;
            }
            if kept {
                let how = if moved { "moved" } else { "same schema" };
                *done.entry(format!("kept its names, {how}")).or_insert(0) += 1;
            }
            if what == "put" {
                assert_kept(&before, &after);
            }
        }
    }
    // Every kind of step was taken, and not all were refused.
    for kind in [
        "put 200",
        "put 400",
        "put 409",
        "patch 200",
        "patch 400",
        "patch 409",
        "take away 204",
        "delete 204",
        "moved to default",
        "moved to plain",
        "kept its names, moved",
        "kept its names, same schema",
    ] {
        assert!(done.contains_key(kind), "{kind}: {done:?}");
    }
    let mut all = 0;
    for identity in get(
        &app,
        "/admin/identities?include_credential=code&include_credential=oidc&include_credential=saml",
    )
    .await
    .json()
    .as_array()
    .unwrap()
    {
        let id = identity["id"].as_str().unwrap();
        let whole = read(id).await.json();
        assert_eq!(identity["traits"], whole["traits"]);
        assert_follows(&whole, &whole, &Value::Null);
        all += 1;
    }
    assert_eq!(all, people.len());
}
