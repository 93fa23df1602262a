//! The test vectors of the standard (Web Authentication Level 3, §16), and what must not pass.
use super::*;
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;

const NOW: OffsetDateTime = datetime!(2026-07-01 12:00 UTC);
const VECTORS: &str = include_str!("vectors.json");

fn bytes(hex: &Value) -> Vec<u8> {
    HEXLOWER.decode(hex.as_str().unwrap().as_bytes()).unwrap()
}

fn url(hex: &Value) -> String {
    BASE64URL_NOPAD.encode(&bytes(hex))
}

fn vectors() -> Vec<Value> {
    serde_json::from_str(VECTORS).unwrap()
}

fn vector(name: &str) -> Value {
    let mut all = vectors().into_iter();
    all.find(|v| v["name"] == name).unwrap()
}

fn ceremony(challenge: &Value) -> Ceremony {
    let kept = json!({
        "challenge": url(challenge), "rpId": "example.org", "user_id": BASE64.encode(b"ada"),
        "expires": "0001-01-01T00:00:00Z", "userVerification": "preferred",
    });
    Ceremony::read(&kept).unwrap()
}

fn creation(create: &Value) -> Value {
    json!({
        "id": "AAAA", "rawId": "AAAA", "type": "public-key",
        "response": {
            "clientDataJSON": url(&create["client_data"]),
            "attestationObject": url(&create["object"]),
        },
    })
}

fn assertion(get: &Value, id: &[u8]) -> Value {
    json!({
        "id": BASE64URL_NOPAD.encode(id), "rawId": BASE64URL_NOPAD.encode(id), "type": "public-key",
        "response": {
            "clientDataJSON": url(&get["client_data"]),
            "authenticatorData": url(&get["authenticator_data"]),
            "signature": url(&get["signature"]),
            "userHandle": BASE64URL_NOPAD.encode(b"ada"),
        },
    })
}

fn party<T>(act: impl FnOnce(&Party<'_>) -> T) -> T {
    act(&Party {
        id: "example.org",
        origins: &["https://example.org".to_owned()],
    })
}

fn register(vector: &Value, answer: &Value) -> Result<NewKey, String> {
    let create = &vector["create"];
    let answer = Creation::read(&answer.to_string()).map_err(|e| e.to_string())?;
    let ceremony = ceremony(&create["challenge"]);
    party(|p| p.register(&ceremony, &answer, NOW)).map_err(|e| e.to_string())
}

fn assert(vector: &Value, keys: &[Record], answer: &Value) -> Result<Used, String> {
    let answer = Assertion::read(&answer.to_string()).map_err(|e| e.to_string())?;
    let ceremony = ceremony(&vector["get"]["challenge"]);
    party(|p| p.assert(&ceremony, keys, b"ada", &answer, NOW)).map_err(|e| e.to_string())
}

#[test]
fn the_vectors_of_the_standard_are_right() {
    for vector in vectors() {
        let name = vector["name"].as_str().unwrap();
        let made = register(&vector, &creation(&vector["create"]));
        if name == "packed-ed448" {
            // Not among the ten that are offered.
            assert!(made.unwrap_err().contains("not offered"));
            continue;
        }
        let made = made.unwrap_or_else(|e| panic!("{name}: {e}"));
        let unchecked = name.starts_with("tpm") || name.starts_with('a');
        assert_eq!(made.is_attestation_checked, !unchecked, "{name}");
        let keys = [made.record];
        let answer = assertion(&vector["get"], &keys[0].id);
        let used = assert(&vector, &keys, &answer);
        let used = used.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(!used.went_back, "{name}");
    }
}

/// A key that went through the row of the reference verifies as before.
#[test]
fn keys_survive_being_stored() {
    let vector = vector("packed-es512");
    let made = register(&vector, &creation(&vector["create"])).unwrap();
    let mut config = json!({ "credentials": null, "other": 1 });
    add(&mut config, &made.record, b"ada");
    assert_eq!(config["other"], 1);
    assert_eq!(user_handle(&config), b"ada");
    let stored = keys(&config);
    assert_eq!(stored[0].json(), config["credentials"][0]);
    let answer = assertion(&vector["get"], &stored[0].id);
    let used = assert(&vector, &stored, &answer).unwrap();

    // As of an older release: no flags, no authenticator.
    let entry = &mut config["credentials"][0];
    entry["flags"] = Value::Null;
    entry.as_object_mut().unwrap().shift_remove("authenticator");
    let old = keys(&config);
    assert_eq!(old[0].flags, None);
    assert!(assert(&vector, &old, &answer).is_ok());
    let moved = Used {
        sign_count: 7,
        ..used
    };
    assert!(moved.note(&mut config));
    assert_eq!(config["credentials"][0]["authenticator"]["sign_count"], 7);
    assert_eq!(config["credentials"][0]["flags"], Value::Null);
    assert_eq!(remove(&mut config, &stored[0].id), 0);
}

#[test]
fn a_counter_never_falls_and_a_warning_stays() {
    let mut config = json!({ "credentials": [{
        "id": "AQ==", "public_key": "AQ==", "flags": { "backup_state": false },
        "authenticator": { "aaguid": "", "sign_count": 5, "clone_warning": false },
    }] });
    let used = |sign_count, went_back| Used {
        id: vec![1],
        sign_count,
        backup_state: true,
        went_back,
    };
    assert!(used(3, true).note(&mut config));
    assert!(used(9, false).note(&mut config));
    assert!(!used(9, false).note(&mut config));
    let key = &config["credentials"][0];
    let authenticator = json!({ "aaguid": "", "sign_count": 9, "clone_warning": true });
    assert_eq!(key["authenticator"], authenticator);
    assert_eq!(key["flags"]["backup_state"], true);
}

/// Each of these would be somebody else's sign-in.
#[test]
fn what_is_not_meant_for_us_is_refused() {
    let vector = vector("none-es256");
    let made = register(&vector, &creation(&vector["create"])).unwrap();
    let keys = [made.record];
    let good = assertion(&vector["get"], &keys[0].id);
    let read = Assertion::read(&good.to_string()).unwrap();
    let asked = ceremony(&vector["get"]["challenge"]);
    let origins = ["https://example.org".to_owned()];
    let try_with = |id: &str, origins: &[String], ceremony: &Ceremony, handle: &[u8]| {
        let party = Party { id, origins };
        party.assert(ceremony, &keys, handle, &read, NOW).is_ok()
    };
    assert!(try_with("example.org", &origins, &asked, b"ada"));
    assert!(!try_with("example.com", &origins, &asked, b"ada"));
    let others = ["https://example.org.evil.test".to_owned()];
    assert!(!try_with("example.org", &others, &asked, b"ada"));
    assert!(!try_with("example.org", &[], &asked, b"ada"));
    assert!(!try_with("example.org", &origins, &asked, b"eve"));
    let other = ceremony(&vector["create"]["challenge"]);
    assert!(!try_with("example.org", &origins, &other, b"ada"));
    let kept = json!({
        "challenge": url(&vector["get"]["challenge"]), "user_id": null,
        "allowed_credentials": ["AAAA"],
    });
    let for_another = Ceremony::read(&kept).unwrap();
    assert!(!try_with("example.org", &origins, &for_another, b"ada"));
    let kept = json!({
        "challenge": url(&vector["get"]["challenge"]), "user_id": null,
        "expires": "2026-07-01T11:59:59Z",
    });
    let too_late = Ceremony::read(&kept).unwrap();
    assert!(!try_with("example.org", &origins, &too_late, b"ada"));
    assert!(assert(&vector, &[], &good).is_err(), "no such key");
    // The answer to one kind of question is none to the other.
    let mut crossed = good.clone();
    crossed["response"]["clientDataJSON"] = url(&vector["create"]["client_data"]).into();
    assert!(assert(&vector, &keys, &crossed).is_err());
}

/// One bit anywhere in what is signed, and it is no answer any more.
#[test]
fn no_bit_can_be_changed() {
    for name in ["packed-self-es256", "packed-eddsa", "packed-rs256"] {
        let vector = vector(name);
        let good = creation(&vector["create"]);
        let made = register(&vector, &good).unwrap();
        let keys = [made.record];
        let good = assertion(&vector["get"], &keys[0].id);
        assert!(assert(&vector, &keys, &good).is_ok());
        for (field, hex) in [
            ("clientDataJSON", "client_data"),
            ("authenticatorData", "authenticator_data"),
            ("signature", "signature"),
        ] {
            let bytes = bytes(&vector["get"][hex]);
            for bit in 0..bytes.len() * 8 {
                let mut changed = bytes.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                let mut answer = good.clone();
                answer["response"][field] = BASE64URL_NOPAD.encode(&changed).into();
                assert!(
                    assert(&vector, &keys, &answer).is_err(),
                    "{name} {field} {bit}"
                );
            }
        }
    }
}

/// Whatever arrives is an answer or an error.
#[test]
fn mutilated_answers_never_panic() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut roll = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % (below.max(1) as u64)).unwrap()
    };
    let known = |vector: Value| {
        let made = register(&vector, &creation(&vector["create"]));
        (made.ok(), vector)
    };
    let all: Vec<_> = vectors().into_iter().map(known).collect();
    let mut accepted = 0;
    for round in 0..20_000 {
        let (made, vector) = &all[roll(all.len())];
        let (part, field) = if round % 2 == 0 {
            ("create", "object")
        } else {
            (
                "get",
                ["client_data", "authenticator_data", "signature"][roll(3)],
            )
        };
        let mut changed = bytes(&vector[part][field]);
        for _ in 0..=roll(3) {
            let at = roll(changed.len());
            match roll(4) {
                0 => changed.truncate(at),
                1 => changed.insert(at, u8::try_from(roll(256)).unwrap()),
                2 if !changed.is_empty() => {
                    changed.remove(at);
                }
                _ if !changed.is_empty() => changed[at] ^= 1 << roll(8),
                _ => {}
            }
        }
        let mut other = vector.clone();
        other[part][field] = HEXLOWER.encode(&changed).into();
        if other == *vector {
            continue;
        }
        if part == "create" {
            // Without attestation nobody vouches for the key and the extensions, so that some of these are keys.
            accepted += usize::from(register(&other, &creation(&other["create"])).is_ok());
        } else if let Some(made) = made {
            let keys = [made.record.clone()];
            let answer = assertion(&other["get"], &keys[0].id);
            assert!(assert(&other, &keys, &answer).is_err(), "{other}");
        }
    }
    assert!(
        accepted > 0,
        "the mutations are too coarse to find anything"
    );
}

#[test]
fn questions_are_remembered_as_the_reference_does() {
    let dice = crate::base::random::SeededRandom::new(1);
    let asker = Asker {
        id: "example.org",
        name: "Example",
        user_verification: "preferred",
        timeout: 300_000,
    };
    let vector = vector("none-es256");
    let known = [register(&vector, &creation(&vector["create"]))
        .unwrap()
        .record];
    let user = User {
        handle: b"handle",
        name: "ada@example.org",
    };
    let wishes = Wishes {
        attachment: None,
        resident_key: Some("required"),
        attestation: Some("none"),
    };
    let asked = asker.create(&dice, &user, &wishes, &known);
    let options = &asked.options["publicKey"];
    let challenge = options["challenge"].as_str().unwrap();
    assert_eq!(challenge.len(), 43);
    assert_eq!(options["user"]["id"], "aGFuZGxl");
    assert_eq!(
        options["pubKeyCredParams"][9],
        json!({ "type": "public-key", "alg": -8 })
    );
    assert_eq!(
        options["authenticatorSelection"],
        json!({ "requireResidentKey": true, "residentKey": "required", "userVerification": "preferred" })
    );
    assert_eq!(options["excludeCredentials"][0]["type"], "public-key");
    assert_eq!(
        asked.kept,
        json!({
            "challenge": challenge, "rpId": "example.org", "user_id": "aGFuZGxl",
            "expires": "0001-01-01T00:00:00Z", "userVerification": "preferred",
        })
    );
    assert!(Ceremony::read(&asked.kept).is_some());

    let asked = asker.get(&dice, None, &known);
    assert_eq!(asked.kept["user_id"], Value::Null);
    assert_eq!(
        asked.kept["allowed_credentials"][0],
        BASE64.encode(&known[0].id)
    );
    let read = Ceremony::read(&asked.kept).unwrap();
    assert_eq!(read.allowed, [known[0].id.clone()]);
    assert_eq!(
        Ceremony::read(&json!({ "challenge": "" })).map(|_| ()),
        None
    );
}
