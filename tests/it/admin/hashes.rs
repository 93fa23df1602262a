//! Passwords of other systems: every format that may be imported, by hashes that others have made (`tests/hashes`).
use super::{get, made, path, post};
use crate::support::TestApp;
use crate::support::client::messages;
use serde_json::{Value, json};

#[derive(serde::Deserialize)]
struct Row {
    name: String,
    made_by: String,
    password: String,
    hash: String,
}

fn rows() -> Vec<Row> {
    serde_json::from_str(include_str!("../../hashes/hashes.json")).expect("rows")
}

fn with(email: &str, hash: &str) -> Value {
    json!({
        "traits": { "email": email },
        "credentials": { "password": { "config": { "hashed_password": hash } } },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_of_other_systems_sign_in() {
    let app = TestApp::start().await;
    let rows = rows();
    assert!(rows.len() > 80, "only {}", rows.len());
    let mut client = app.native();
    for (n, row) in rows.iter().enumerate() {
        let told = format!("{} by {}: {}", row.name, row.made_by, row.hash);
        let email = format!("p{n}@example.org");
        let id = made(&app, &with(&email, &row.hash)).await;
        let mut nearly = row.password.clone();
        nearly.pop();
        let wrong = client.sign_in(&email, &nearly).await;
        assert_eq!(wrong.status, 400, "{told}");
        assert_eq!(messages(&wrong.json()), ["4000006"], "{told}");
        let right = client.sign_in(&email, &row.password).await;
        assert_eq!(right.status, 200, "{told}: {}", right.text);
        client.token = None;

        // From now on it is a hash of ours, and the same password.
        let stored = get(&app, &format!("{}?include_credential=password", path(&id))).await;
        let stored = stored.json()["credentials"]["password"]["config"].clone();
        let kept = stored["hashed_password"].as_str().unwrap();
        if row.hash.starts_with("$2") {
            assert_eq!(kept, row.hash);
        } else {
            assert!(kept.starts_with("$2a$04$"), "{told}: {kept}");
            let again = client.sign_in(&email, &row.password).await;
            assert_eq!(again.status, 200, "{told}: {}", again.text);
            client.token = None;
        }
    }
}

/// Every prefix that is taken has a row that somebody else has made.
#[test]
fn no_format_is_left_out() {
    let rows = rows();
    for prefix in [
        "$2$",
        "$2a$",
        "$2b$",
        "$2y$",
        "$2z$",
        "$argon2id$",
        "$argon2i$",
        "$scrypt$",
        "$firescrypt$",
        "$pbkdf2-sha1$",
        "$pbkdf2-sha224$",
        "$pbkdf2-sha256$",
        "$pbkdf2-sha384$",
        "$pbkdf2-sha512$",
        "{SSHA}",
        "{SSHA256}",
        "{SSHA512}",
        "$sha1$pf=",
        "$sha256$pf=",
        "$sha512$pf=",
        "$md5$",
        "$md5$pf=",
        "$md5-crypt$",
        "$sha256-crypt$",
        "$sha512-crypt$",
        "$sha512-crypt$rounds=",
        "$hmac-md4$",
        "$hmac-md5$",
        "$hmac-sha1$",
        "$hmac-sha224$",
        "$hmac-sha256$",
        "$hmac-sha384$",
        "$hmac-sha512$",
    ] {
        assert!(
            rows.iter().any(|row| row.hash.starts_with(prefix)),
            "{prefix}"
        );
    }
}

/// A hash that would keep the server busy is refused when it comes, with the number that is too high.
#[tokio::test(flavor = "multi_thread")]
async fn absurd_costs_are_refused_by_name() {
    let app = TestApp::start().await;
    let key = "iar2dS2OGvPzPpf50gVyu2vddq0yI2YfxJR5S+VHZtg";
    for (hash, what) in [
        (
            "$2b$31$ABCDEFGHIJKLMNOPQRSTUuCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC".to_owned(),
            "bcrypt cost = 31, allowed is 4 to 15",
        ),
        (
            format!("$argon2id$v=19$m=4194304,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg${key}"),
            "argon2 m = 4194304",
        ),
        (
            format!("$argon2i$v=19$m=64,t=1000,p=1$MDEyMzQ1Njc4OWFiY2RlZg${key}"),
            "argon2 t = 1000",
        ),
        (
            format!("$argon2id$v=19$m=4096,t=1,p=255$MDEyMzQ1Njc4OWFiY2RlZg${key}"),
            "argon2 p = 255",
        ),
        (
            format!("$scrypt$ln=1073741824,r=8,p=1$YQ==${key}="),
            "scrypt N = 1073741824",
        ),
        (
            format!("$scrypt$ln=1024,r=1024,p=1$YQ==${key}="),
            "scrypt r = 1024",
        ),
        (
            format!("$scrypt$ln=1024,r=8,p=1024$YQ==${key}="),
            "scrypt p = 1024",
        ),
        (
            format!("$firescrypt$ln=30,r=8,p=1$YQ==${key}=$Bw==${key}="),
            "firebase scrypt ln = 30",
        ),
        (
            format!("$firescrypt$ln=14,r=800,p=1$YQ==${key}=$Bw==${key}="),
            "scrypt r = 800",
        ),
        (
            format!("$pbkdf2-sha512$i=4294967295,l=32$YQ${key}"),
            "pbkdf2 i = 4294967295",
        ),
        (
            "$sha256-crypt$rounds=999999999$saltsalt$x".to_owned(),
            "sha-crypt rounds = 999999999",
        ),
    ] {
        let refused = post(&app, &with("ada@example.org", &hash)).await;
        assert_eq!(refused.status, 400, "{hash}");
        let reason = refused.json()["error"]["reason"].to_string();
        assert!(
            reason.contains("credentials.password.config.hashed_password"),
            "{reason}"
        );
        assert!(reason.contains(what), "{what}: {reason}");
    }
}
