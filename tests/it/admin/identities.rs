//! One identity: made, replaced, patched, read, deleted, and its credentials one by one.
use super::{HASH, NOBODY, ada, delete, get, made, patch, path, post, put, shown};
use crate::support::TestApp;
use crate::support::client::{OTHER_PASSWORD, PASSWORD};
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

const ADA: &str = "ada@example.org";
const EVE: &str = "eve@example.org";

fn of(email: &str) -> Value {
    json!({ "schema_id": "default", "traits": { "email": email } })
}

#[tokio::test(flavor = "multi_thread")]
async fn replacing_writes_the_whole() {
    let app = TestApp::start().await;
    let mut body = of(ADA);
    body["metadata_public"] = json!({ "a": 1 });
    body["metadata_admin"] = json!({ "b": 2 });
    body["external_id"] = "x-1".into();
    body["verifiable_addresses"] = json!([{ "value": "Ada@Example.org", "via": "email", "verified": true, "status": "completed" }]);
    let answer = post(&app, &body).await;
    assert_eq!(answer.status, 201);
    let verified = json!({ "verified": true, "status": "completed", "verified_at": "+0s" });
    let mut address = ada(ADA, &json!({}))["verifiable_addresses"][0].clone();
    crate::support::merge(&mut address, &verified);
    let first = json!({
        "external_id": "x-1", "metadata_public": { "a": 1 }, "metadata_admin": { "b": 2 },
        "verifiable_addresses": [address.clone()],
    });
    assert_eq!(shown(&answer), ada(ADA, &first));
    let id = path(answer.json()["id"].as_str().unwrap());

    app.clock.advance(Duration::seconds(10));
    // What is left out goes, but for state, schema and credentials; who is verified stays so.
    let answer = put(&app, &id, &json!({ "traits": { "email": ADA } })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let mut expected = ada(
        ADA,
        &json!({
            "credentials": { "password": { "version": 1 } }, "updated_at": "+10s",
            "verifiable_addresses": [address],
        }),
    );
    expected
        .as_object_mut()
        .unwrap()
        .shift_remove("metadata_admin");
    assert_eq!(shown(&answer), expected);
    expected["metadata_admin"] = Value::Null;
    let read = get(&app, &id).await;
    assert_eq!(shown(&read), expected);

    app.clock.advance(Duration::seconds(10));
    let mut body = of(EVE);
    body["state"] = "inactive".into();
    body["metadata_admin"] = json!([1]);
    body["external_id"] = "x-2".into();
    body["credentials"] = json!({ "password": { "config": { "password": OTHER_PASSWORD } } });
    body["id"] = "3f2b7c1e-5d64-4a0b-9c8d-7e6f5a4b3c2d".into();
    body["unknown"] = 1.into();
    let answer = put(&app, &id, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let moved = json!({
        "external_id": "x-2", "state": "inactive", "state_changed_at": "+20s", "metadata_admin": [1],
        "credentials": { "password": { "version": 1, "created_at": "+20s", "updated_at": "+20s" } },
        "updated_at": "+20s",
        "verifiable_addresses": [{
            "id": "#2", "value": EVE, "verified": false, "via": "email", "status": "pending",
            "created_at": "+20s", "updated_at": "+20s",
        }],
        "recovery_addresses": [{
            "id": "#3", "value": EVE, "via": "email", "created_at": "+20s", "updated_at": "+20s",
        }],
    });
    assert_eq!(shown(&answer), ada(EVE, &moved));
    assert_eq!(shown(&get(&app, &id).await), ada(EVE, &moved));
    let active = json!({ "schema_id": "default", "state": "active", "traits": { "email": EVE } });
    assert_eq!(put(&app, &id, &active).await.status, 200);
    let signed_in = app.native().sign_in(EVE, OTHER_PASSWORD).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_put_changes_nothing() {
    let app = TestApp::start().await;
    let id = path(&app.seed(ADA, PASSWORD).await);
    app.seed(EVE, PASSWORD).await;
    let before = get(&app, &id).await.json();
    let with = |more: Value| {
        let mut body = of(ADA);
        crate::support::merge(&mut body, &more);
        body
    };
    for (body, status) in [
        (of("no address"), 400),
        (of(EVE), 409),
        (with(json!({ "state": "asleep" })), 400),
        (with(json!({ "schema_id": "nonsense" })), 400),
        (with(json!({ "traits": 5 })), 400),
        (with(json!({ "external_id": "x".repeat(65) })), 400),
        (
            with(
                json!({ "credentials": { "password": { "config": { "hashed_password": "x" } } } }),
            ),
            400,
        ),
        (
            with(
                json!({ "credentials": { "password": { "config": { "password": "x".repeat(73) } } } }),
            ),
            400,
        ),
        (
            with(json!({ "credentials": { "passkey": { "config": {} } } })),
            400,
        ),
        (json!([]), 400),
        (json!(null), 400),
        (json!({}), 400),
    ] {
        let answer = put(&app, &id, &body).await;
        // SQLite keeps texts of any length.
        let fits =
            answer.status == status || (answer.status == 200 && body["external_id"].is_string());
        assert!(fits, "{body}: {} {}", answer.status, answer.text);
        if answer.status == 200 {
            put(&app, &id, &of(ADA)).await;
        }
    }
    let mut after = get(&app, &id).await.json();
    // The one that SQLite took has renewed it.
    after["updated_at"] = before["updated_at"].clone();
    after["credentials"] = before["credentials"].clone();
    assert_eq!(after, before);
    // No patch is nothing to do.
    assert_eq!(patch(&app, &id, &Value::Null).await.status, 200);
    for unknown in [NOBODY, "/admin/identities/nonsense"] {
        assert_eq!(put(&app, unknown, &of(ADA)).await.status, 404);
    }
    let url = format!("{}{id}", app.admin);
    for kind in ["text/plain", "application/x-www-form-urlencoded"] {
        let sent = crate::support::client::http()
            .put(&url)
            .header("content-type", kind);
        let answer = sent.body(of(ADA).to_string()).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn patches_reach_what_administrators_see() {
    let app = TestApp::start().await;
    let id = path(&app.seed(ADA, PASSWORD).await);
    app.clock.advance(Duration::seconds(10));
    let answer = patch(
        &app,
        &id,
        &json!([
            { "op": "replace", "path": "/traits/email", "value": EVE },
            { "op": "add", "path": "/traits/name", "value": { "first": "Eve" } },
            { "op": "replace", "path": "/metadata_admin", "value": { "a/b": { "c~d": 1 } } },
            { "op": "replace", "path": "/metadata_admin/a~1b/c~0d", "value": 2 },
            { "op": "replace", "path": "/state", "value": "inactive" },
            { "op": "add", "path": "/external_id", "value": "x-3" },
            { "op": "replace", "path": "/created_at", "value": "2026-07-01T12:00:05Z" },
            { "op": "replace", "path": "/credentials/password/config/hashed_password", "value": HASH },
            { "op": "add", "path": "/region", "value": "eu-central" },
        ]),
    )
    .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let mut expected = ada(
        EVE,
        &json!({
            "external_id": "x-3", "state": "inactive", "state_changed_at": "+10s",
            "traits": { "name": { "first": "Eve" } }, "metadata_admin": { "a/b": { "c~d": 2 } },
            "credentials": { "password": { "version": 1, "updated_at": "+10s" } },
            "created_at": "+5s", "updated_at": "+10s", "region": "eu-central",
            "verifiable_addresses": [{
                "id": "#2", "value": EVE, "verified": false, "via": "email", "status": "pending",
                "created_at": "+10s", "updated_at": "+10s",
            }],
            "recovery_addresses": [{
                "id": "#3", "value": EVE, "via": "email", "created_at": "+10s", "updated_at": "+10s",
            }],
        }),
    );
    assert_eq!(shown(&answer), expected);
    expected.as_object_mut().unwrap().shift_remove("region");
    assert_eq!(shown(&get(&app, &id).await), expected);
    let stored = get(&app, &format!("{id}?include_credential=password"))
        .await
        .json();
    assert_eq!(
        stored["credentials"]["password"]["config"],
        json!({ "hashed_password": HASH })
    );
    let remove = json!([{ "op": "remove", "path": "/metadata_admin" }]);
    let removed = patch(&app, &id, &remove).await.json();
    assert_eq!(removed.get("metadata_admin"), None);
    assert!(get(&app, &id).await.json()["metadata_admin"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn patches_that_do_not_fit_change_nothing() {
    let app = TestApp::start().await;
    let id = path(&app.seed(ADA, PASSWORD).await);
    app.seed(EVE, PASSWORD).await;
    let before = get(&app, &format!("{id}?include_credential=password"))
        .await
        .json();
    let op =
        |op: &str, path: &str, value: Value| json!([{ "op": op, "path": path, "value": value }]);
    for (body, status) in [
        (
            op(
                "replace",
                "/id",
                json!("3f2b7c1e-5d64-4a0b-9c8d-7e6f5a4b3c2d"),
            ),
            400,
        ),
        (op("replace", "/ID", json!("x")), 400),
        (
            op("replace", "/stateChangedAt", json!("2020-01-01T00:00:00Z")),
            400,
        ),
        (op("replace", "/credentials", json!({})), 400),
        (
            op("add", "/credentials/oidc", json!({ "type": "oidc" })),
            400,
        ),
        (op("add", "/credentials/saml/config", json!({})), 400),
        (
            op("replace", "/credentials/password", json!({ "config": {} })),
            400,
        ),
        (
            op(
                "replace",
                "/credentials/password",
                json!({ "type": "totp" }),
            ),
            400,
        ),
        (
            op(
                "add",
                "/credentials/nonsense",
                json!({ "type": "nonsense" }),
            ),
            400,
        ),
        (op("move", "/state", json!("inactive")), 400),
        (op("copy", "/state", json!("inactive")), 400),
        (op("test", "/state", json!("active")), 400),
        (op("remove", "/traits/nothing", Value::Null), 400),
        (
            op("replace", "/verifiable_addresses/7/verified", json!(true)),
            400,
        ),
        (op("replace", "/state", json!("asleep")), 400),
        (op("replace", "/state", json!(5)), 400),
        (op("replace", "/schema_id", json!("nonsense")), 400),
        (op("replace", "/traits/email", json!("no address")), 400),
        (op("remove", "/traits/email", Value::Null), 400),
        (op("replace", "/traits/email", json!(EVE)), 409),
        (op("add", "/external_id", json!({})), 400),
        (op("replace", "", json!({})), 400),
        (json!([{ "path": "/state" }]), 400),
        (
            json!([{ "op": "add", "path": "/metadata_admin", "value": 1 }, { "op": "remove", "path": "/id" }]),
            400,
        ),
        (
            json!([{ "op": "replace", "path": "/state", "value": "inactive", "from": {} }]),
            400,
        ),
        (json!({}), 400),
        (json!("x"), 400),
        (json!([5]), 400),
        (json!([["replace", "/state", "inactive"]]), 400),
        (op("add", "/region", json!("moon")), 400),
        (op("replace", "/schema_url", json!(5)), 400),
        (
            op("replace", "/credentials/password/created_at", json!("nope")),
            400,
        ),
        (
            op(
                "replace",
                "/credentials/password/config/hashed_password",
                json!(5),
            ),
            400,
        ),
        (
            op(
                "add",
                "/credentials/webauthn",
                json!({ "type": "webauthn", "config": { "credentials": [{ "id": "@@" }] } }),
            ),
            400,
        ),
        (
            op(
                "add",
                "/credentials/lookup_secret",
                json!({ "type": "lookup_secret", "config": { "recovery_codes": "x" } }),
            ),
            400,
        ),
        (op("remove", "/metadata_admin/list/-1", json!(null)), 400),
    ] {
        let answer = patch(&app, &id, &body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
        assert_eq!(answer.json()["error"]["code"], status);
    }
    let after = get(&app, &format!("{id}?include_credential=password"))
        .await
        .json();
    assert_eq!(after, before);
    for unknown in [NOBODY, "/admin/identities/nonsense"] {
        let answer = patch(&app, unknown, &json!("nonsense")).await;
        assert_eq!(answer.status, 404, "who is not there is said first");
    }
}

/// An administrator may bring the addresses themselves into another order.
#[tokio::test(flavor = "multi_thread")]
async fn addresses_may_be_patched_but_follow_the_traits() {
    let app = TestApp::start().await;
    let id = path(&app.seed(ADA, PASSWORD).await);
    let verify = json!([
        { "op": "replace", "path": "/verifiable_addresses/0/verified", "value": true },
        { "op": "replace", "path": "/verifiable_addresses/0/status", "value": "completed" },
    ]);
    let answer = patch(&app, &id, &verify).await;
    assert_eq!(answer.json()["verifiable_addresses"][0]["verified"], true);
    for foreign in [
        json!([{ "op": "add", "path": "/verifiable_addresses/-", "value": { "value": EVE, "via": "email", "verified": true } }]),
        json!([{ "op": "replace", "path": "/recovery_addresses/0/value", "value": EVE }]),
        json!([{ "op": "remove", "path": "/recovery_addresses" }]),
        json!([{ "op": "replace", "path": "/credentials/password/identifiers", "value": [EVE] }]),
        json!([{ "op": "remove", "path": "/credentials/password" }]),
    ] {
        let answer = patch(&app, &id, &foreign).await;
        assert_eq!(answer.status, 200, "{foreign}: {}", answer.text);
        let stored = get(&app, &id).await.json();
        for list in ["verifiable_addresses", "recovery_addresses"] {
            let values: Vec<_> = stored[list]
                .as_array()
                .unwrap()
                .iter()
                .map(|a| &a["value"])
                .collect();
            assert_eq!(values, [ADA], "{foreign}");
        }
        assert_eq!(
            stored["verifiable_addresses"][0]["verified"], true,
            "{foreign}"
        );
        assert_eq!(
            stored["credentials"]["password"]["identifiers"],
            json!([ADA]),
            "{foreign}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_systems_id_finds_its_identity() {
    let app = TestApp::start().await;
    let mut body = of(ADA);
    body["external_id"] = "customers/42 &?".into();
    body["credentials"] = json!({ "password": { "config": { "hashed_password": HASH } } });
    let id = made(&app, &body).await;
    let base = "/admin/identities/by/external";
    let found = get(
        &app,
        &format!("{base}/customers%2F42%20%26%3F?include_credential=password"),
    )
    .await;
    let expected = json!({
        "external_id": "customers/42 &?",
        "credentials": { "password": { "version": 1, "config": { "hashed_password": HASH } } },
    });
    assert_eq!(shown(&found), ada(ADA, &expected));
    assert_eq!(found.json()["id"], id.as_str());
    for (url, status) in [
        (format!("{base}/nobody"), 404),
        (format!("{base}/CUSTOMERS%2F42%20%26%3F"), 404),
        (format!("{base}/%00"), 404),
        (format!("{base}/%FF"), 404),
        // Who is not there is looked for first.
        (format!("{base}/x?include_credential=nonsense"), 404),
        (format!("{NOBODY}?include_credential=nonsense"), 404),
        (format!("{}?include_credential=nonsense", path(&id)), 400),
        (format!("{base}/"), 404),
    ] {
        let answer = get(&app, &url).await;
        let fits = answer.status == status
            || (url.contains("%00") && answer.status == 400)
            || (url.contains("%FF") && answer.status == 400);
        assert!(fits, "{url}: {} {}", answer.status, answer.text);
    }
    let mut twin = of(EVE);
    twin["external_id"] = "customers/42 &?".into();
    assert_eq!(post(&app, &twin).await.status, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_taken_away_one_by_one() {
    let app = TestApp::start().await;
    let key = |id: &str, alone: bool| {
        json!({
            "id": data_encoding::BASE64.encode(id.as_bytes()), "public_key": "AAECAw==", "attestation_type": "none",
            "authenticator": { "aaguid": "AAAAAAAAAAAAAAAAAAAAAA==", "sign_count": 3, "clone_warning": false },
            "display_name": id, "added_at": "2020-01-02T03:04:05Z", "is_passwordless": alone,
        })
    };
    let mut body = of(ADA);
    body["credentials"] = json!({
        "password": { "config": { "hashed_password": HASH } },
        "oidc": { "config": { "providers": [
            { "provider": "alpha", "subject": "one" }, { "provider": "beta", "subject": "two" },
        ] } },
        "totp": { "config": { "totp_url": "otpauth://totp/x:y?issuer=x&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP" } },
        "lookup_secret": { "config": { "codes": [{ "code": "abcd1234" }] } },
        "passkey": { "config": { "credentials": [key("p", true)], "user_handle": "aGFuZGxl" } },
        "webauthn": { "config": { "credentials": [key("a", false), key("b", true)], "user_handle": "eA==" } },
    });
    let id = path(&made(&app, &body).await);
    app.clock.advance(Duration::seconds(10));
    for (what, status) in [
        ("totp", 204),
        ("totp", 404),
        ("lookup_secret", 204),
        ("passkey", 400),
        ("code", 404),
        ("profile", 404),
        ("nonsense", 404),
        ("deviceauthn", 400),
        ("deviceauthn?identifier=x", 404),
        ("oidc", 400),
        ("oidc?identifier=alpha:nobody", 404),
        ("oidc?identifier=alpha:one", 204),
        ("saml?identifier=x:y", 404),
        ("webauthn", 204),
        ("password", 204),
        ("oidc?identifier=beta:two", 204),
    ] {
        let answer = delete(&app, &format!("{id}/credentials/{what}")).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text);
    }
    let all = "?include_credential=password&include_credential=oidc&include_credential=webauthn&include_credential=passkey";
    let left = super::plain(&get(&app, &format!("{id}{all}")).await.json()["credentials"]);
    let envelope = |kind: &str, version: u8, updated: &str, more: Value| {
        let mut out =
            json!({ "type": kind, "version": version, "created_at": "+0s", "updated_at": updated });
        crate::support::merge(&mut out, &more);
        out
    };
    let mut stays = key("b", true);
    stays["added_at"] = super::plain(&stays["added_at"]);
    let mut passkey = key("p", true);
    passkey["added_at"] = super::plain(&passkey["added_at"]);
    assert_eq!(
        left,
        json!({
            "oidc": envelope("oidc", 0, "+10s", json!({ "identifiers": [] })),
            "passkey": envelope("passkey", 0, "+0s", json!({
                "identifiers": ["handle"], "config": { "credentials": [passkey], "user_handle": "aGFuZGxl" },
            })),
            "password": envelope("password", 1, "+10s", json!({ "identifiers": [ADA], "config": {} })),
            "webauthn": envelope("webauthn", 1, "+10s", json!({
                "identifiers": [], "config": { "credentials": [stays], "user_handle": "eA==" },
            })),
        })
    );
    // The address of the provider is free again.
    let mut other = of(EVE);
    other["credentials"] = json!({ "oidc": { "config": { "providers": [{ "provider": "alpha", "subject": "one" }] } } });
    let other = path(&made(&app, &other).await);
    let last = delete(
        &app,
        &format!("{other}/credentials/oidc?identifier=alpha:one"),
    )
    .await;
    assert_eq!(last.status, 400, "the last way in stays");
    for nobody in [NOBODY, "/admin/identities/nonsense"] {
        assert_eq!(
            delete(&app, &format!("{nobody}/credentials/totp"))
                .await
                .status,
            404
        );
    }
}

/// Nobody goes on with what was begun before.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_switched_off_is_out_at_once_and_back_when_switched_on() {
    let app = TestApp::start().await;
    let id = path(&app.seed(ADA, PASSWORD).await);
    let mut client = app.native();
    client.sign_in(ADA, PASSWORD).await;
    assert_eq!(client.whoami().await.status, 200);
    for (state, status) in [("inactive", 401), ("active", 200)] {
        let op = json!([{ "op": "replace", "path": "/state", "value": state }]);
        assert_eq!(patch(&app, &id, &op).await.status, 200);
        assert_eq!(client.whoami().await.status, status, "{state}");
        let listed = get(&app, "/admin/sessions?expand=identity").await.json();
        assert_eq!(listed[0]["active"], state == "active");
        let again = app.native().sign_in(ADA, PASSWORD).await.status;
        assert_eq!(again, if state == "active" { 200 } else { 400 });
    }
    assert_eq!(delete(&app, &id).await.status, 204);
    assert_eq!(client.whoami().await.status, 401);
    assert_eq!(delete(&app, &id).await.status, 404);
    assert_eq!(
        app.admin(Method::GET, &format!("{id}/sessions"), None)
            .await
            .json(),
        json!([])
    );
}
