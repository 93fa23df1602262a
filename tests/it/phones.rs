//! `migrate normalize-phone-numbers`, as an operator runs it.
use crate::cli::{kratos_in, text};
use crate::support::START;
use kratos::base::random::SystemRandom;
use kratos::config::dsn::Dsn;
use kratos::store::{PhoneTable, Phones, Store, migrate};
use std::path::Path;
use std::time::Duration;
use uuid::Uuid;

const COMMAND: [&str; 4] = ["migrate", "normalize-phone-numbers", "--batch-delay", "0s"];

/// Ids in this order.
fn id(n: u8) -> Uuid {
    Uuid::from_u128(u128::from(n))
}

/// A database with numbers, as an older release has left it.
async fn old_database(dsn: &str) -> Store {
    let dsn = Dsn::parse(dsn).unwrap();
    let db = kratos::store::Db::connect(&dsn, Duration::ZERO)
        .await
        .unwrap();
    migrate::up(&db).await.unwrap();
    let store = Store::open(db, START, &SystemRandom).await.unwrap();
    let nid = store.nid().0;
    let time = "'2026-01-01 00:00:00'";
    let person = id(99);
    store
        .db()
        .run(&format!(
            "INSERT INTO identities (id, schema_id, traits, created_at, updated_at, nid)
                VALUES ('{person}', 'default', '{{}}', {time}, {time}, '{nid}');
             INSERT INTO identity_credentials (id, config, identity_credential_type_id, identity_id, created_at, updated_at, nid)
                SELECT '{person}', '{{}}', id, '{person}', {time}, {time}, '{nid}'
                FROM identity_credential_types WHERE name = 'code'"
        ))
        .await
        .unwrap();
    let values = [
        (1, "+1 650-253-0000"),
        (2, "+49 (176) 671 11 638"),
        (3, "+442079460958"),
        (4, "+google:7"),
        (5, "+4917667111638"),
    ];
    for (n, value) in values {
        let id = id(n);
        let rest = format!("'{person}', {time}, {time}, '{nid}'");
        for statement in [
            format!(
                "INSERT INTO identity_credential_identifiers
                    (id, identifier, identity_credential_id, created_at, updated_at, nid, identity_credential_type_id, identity_id)
                    SELECT '{id}', '{value}', {rest}, id, '{person}' FROM identity_credential_types WHERE name = 'code'"
            ),
            format!(
                "INSERT INTO identity_verifiable_addresses
                    (id, value, status, via, verified, identity_id, created_at, updated_at, nid)
                    VALUES ('{id}', '{value}', 'pending', 'sms', 0, {rest})"
            ),
            format!(
                "INSERT INTO identity_recovery_addresses (id, value, via, identity_id, created_at, updated_at, nid)
                    VALUES ('{id}', '{value}', 'sms', {rest})"
            ),
        ] {
            store.db().run(&statement).await.unwrap();
        }
    }
    store
}

fn run(folder: &Path, more: &[&str]) -> (Option<i32>, String, String) {
    let arguments = [&COMMAND[..], more].concat();
    let output = kratos_in(folder, &arguments);
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

async fn stored(store: &Store, table: PhoneTable) -> Vec<String> {
    let start = kratos::base::id::RowId(Uuid::nil());
    let rows = Phones::new(store.db(), table).after(start, 100).await;
    rows.unwrap().into_iter().map(|(_, value)| value).collect()
}

fn summary(of_each: [u32; 4]) -> String {
    let mut lines = String::from("\n                        SCANNED  UPDATED  SKIPPED  ERRORS\n");
    let total = of_each.map(|n| n * 3);
    for (name, counts) in [
        ("Credential identifiers", of_each),
        ("Verifiable addresses", of_each),
        ("Recovery addresses", of_each),
        ("TOTAL", total),
    ] {
        let [a, b, c, d] = counts;
        lines += &format!("{name:<24}{a:<9}{b:<9}{c:<9}{d}\n");
    }
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn old_numbers_become_e164_and_taken_ones_stay() {
    let folder = tempfile::tempdir().unwrap();
    let dsn = format!("sqlite://{}", folder.path().join("db.sqlite").display());
    let store = old_database(&dsn).await;
    let before = stored(&store, PhoneTable::CredentialIdentifiers).await;

    let (code, out, err) = run(folder.path(), &[&dsn, "--dry-run"]);
    assert_eq!((code, out), (Some(0), summary([5, 2, 3, 0])), "{err}");
    assert!(
        err.contains("\"+1 650-253-0000\" -> \"+16502530000\""),
        "{err}"
    );
    let after = stored(&store, PhoneTable::CredentialIdentifiers).await;
    assert_eq!(before, after, "a dry run writes");

    // What was done already is passed over; words for tables are those of either list.
    let places = format!("ci={},verifiable={}", id(2), id(5));
    let recovery = format!("ra={}", id(5));
    let (code, out, err) = run(
        folder.path(),
        &[
            &dsn,
            "--dry-run",
            "--start-after",
            &places,
            "--start-after",
            &recovery,
        ],
    );
    let total = out.lines().last().unwrap_or_default();
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(
        total.split_whitespace().collect::<Vec<_>>(),
        ["TOTAL", "3", "0", "3", "0"],
        "{out}"
    );

    // The second number is somebody's already.
    let (code, out, err) = run(folder.path(), &[&dsn, "-b", "2"]);
    assert_eq!((code, out), (Some(0), summary([5, 1, 3, 1])), "{err}");
    let taken = format!("Recovery addresses: {} stays", id(2));
    assert!(err.contains(&taken), "{err}");
    let hint = format!(
        "Credential identifiers: 5 rows so far (to go on here: --start-after ci={})",
        id(5)
    );
    assert!(err.contains(&hint), "{err}");
    assert!(!err.contains("671 11"), "a number in an error: {err}");
    for table in PhoneTable::ALL {
        let after = stored(&store, table).await;
        assert_eq!(
            after,
            [
                "+16502530000",
                "+49 (176) 671 11 638",
                "+442079460958",
                "+google:7",
                "+4917667111638"
            ]
        );
    }
    let (_, out, _) = run(folder.path(), &[&dsn]);
    assert_eq!(out, summary([5, 0, 4, 1]), "again");
}

#[test]
fn what_cannot_be_done_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, _) = run(folder.path(), &[]);
    assert_eq!(code, Some(1));
    assert!(
        out.contains("Usage: kratos migrate normalize-phone-numbers"),
        "{out}"
    );
    let dsn = format!("sqlite://{}", folder.path().join("none.sqlite").display());
    let (code, out, err) = run(folder.path(), &[&dsn]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("there is no database"), "{err}");
    let places = [
        "ci",
        "ci=nonsense",
        "xx=00000000-0000-0000-0000-000000000001",
    ];
    for place in places {
        let (code, _, err) = run(folder.path(), &[&dsn, "--start-after", place]);
        assert_eq!(code, Some(1), "{place}");
        assert!(err.contains("--start-after"), "{err}");
    }
    assert_eq!(run(folder.path(), &[&dsn, "-b", "0"]).0, Some(1));
}
