//! The small things: stored errors, transactions, the network.
use super::engines::{Engine, NOW, person};
use kratos::base::id::ErrorId;
use kratos::base::random::SeededRandom;
use kratos::config::dsn::Dsn;
use kratos::store::{Load, Store, StoredError};
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn errors_can_be_read_again() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let stored = StoredError {
            id: ErrorId::random(engine.dice()),
            error: json!({ "code": 404, "message": "no" }),
            created_at: NOW,
            updated_at: NOW,
        };
        store.errors().insert(&stored, "").await.expect("insert");
        for _ in 0..2 {
            let read = store.errors().read(stored.id, NOW).await.expect("read");
            assert_eq!(read, Some(stored.clone()));
        }
        // The reference reads this column as bytes, and SQLite hands out what was put in.
        if engine.name == "sqlite" {
            let raw = rusqlite::Connection::open(&engine.url).expect("open");
            let question = "SELECT typeof(errors) FROM selfservice_errors";
            let form: String = raw
                .query_row(question, [], |row| row.get(0))
                .expect("a row");
            assert_eq!(form, "blob");
        }
        let nothing = ErrorId::random(engine.dice());
        assert_eq!(store.errors().read(nothing, NOW).await.expect("read"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_all_or_nothing() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let (a, b) = (
            person(&store, engine.dice(), "a"),
            person(&store, engine.dice(), "b"),
        );
        let mut tx = store.begin().await.expect("begin");
        tx.identities()
            .insert(&a, engine.dice())
            .await
            .expect("insert");
        let seen = tx
            .identities()
            .find(a.id, Load::Credentials)
            .await
            .expect("find");
        assert_eq!(seen.as_ref(), Some(&a), "it sees its own work");
        drop(tx);
        assert_eq!(
            store
                .identities()
                .find(a.id, Load::Addresses)
                .await
                .expect("find"),
            None
        );

        let mut tx = store.begin().await.expect("begin");
        tx.identities()
            .insert(&b, engine.dice())
            .await
            .expect("insert");
        let again = tx.identities().insert(&b, engine.dice()).await;
        assert!(again.is_err());
        drop(tx);
        assert_eq!(
            store.identities().count().await.expect("count"),
            0,
            "{}",
            engine.name
        );

        let mut tx = store.begin().await.expect("begin");
        tx.identities()
            .insert(&b, engine.dice())
            .await
            .expect("insert");
        tx.commit().await.expect("commit");
        assert_eq!(store.identities().count().await.expect("count"), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_one_network() {
    for engine in Engine::all().await {
        let first = engine.store().await;
        let second = Store::open(engine.db().await, NOW, engine.dice())
            .await
            .expect("open");
        assert_eq!(first.nid(), second.nid());
        assert!(second.is_ready().await.expect("ready"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_in_memory_is_there_at_once() {
    let dsn = Dsn::parse("memory").expect("an address");
    let dice = SeededRandom::new(1);
    let store = Store::connect(&dsn, Duration::ZERO, NOW, &dice)
        .await
        .expect("connect");
    let identity = person(&store, &dice, "a@example.org");
    store
        .identities()
        .insert(&identity, &dice)
        .await
        .expect("insert");
    let read = store
        .identities()
        .get(identity.id, Load::Credentials)
        .await
        .expect("get");
    assert_eq!(read, identity);
}

#[tokio::test]
async fn a_runtime_with_one_thread_will_do() {
    let dsn = Dsn::parse("memory").expect("an address");
    let dice = SeededRandom::new(1);
    let store = Store::connect(&dsn, Duration::ZERO, NOW, &dice)
        .await
        .expect("connect");
    assert_eq!(store.identities().count().await.expect("count"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_not_available() {
    for text in [
        "postgres://nobody@127.0.0.1:1/x?sslmode=disable",
        "mysql://nobody:x@tcp(127.0.0.1:1)/x",
        "sqlite:///nowhere/to/be/found.sqlite",
    ] {
        let dsn = Dsn::parse(text).expect("an address");
        let error = kratos::store::Db::connect(&dsn, Duration::ZERO)
            .await
            .err()
            .expect("an error");
        assert!(error.is_passing(), "{text}: {error}");
    }
}
