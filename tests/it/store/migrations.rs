//! From nothing to complete, one step back and forth, and what is refused.
use super::engines::{Engine, NOW};
use kratos::cli::migrate as migrate_cli;
use kratos::cli::output::Format;
use kratos::store::migrate::{self, State};
use kratos::store::{Error, Store};

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_database_is_complete_after_one_step() {
    for engine in Engine::all().await {
        let db = engine.db().await;
        let before = migrate::status(&db).await.expect("status");
        assert!(before.iter().all(|s| s.state == State::Pending));
        assert!(Store::open(db.clone(), NOW, engine.dice()).await.is_err());

        let start = std::time::Instant::now();
        migrate::up(&db).await.expect("up");
        println!("{}: migrated in {:?}", engine.name, start.elapsed());
        migrate::up(&db).await.expect("nothing to do");
        assert!(migrate::is_complete(&db).await.expect("status"));
        let after = migrate::status(&db).await.expect("status");
        assert_eq!(after.len(), before.len());
        let first = &after[0];
        assert_eq!(
            (first.version, first.name.as_str()),
            ("20150100000001000000", "networks")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_migrate_at_once() {
    for engine in Engine::all().await {
        let mut all = vec![];
        for _ in 0..4 {
            let db = engine.db().await;
            all.push(tokio::spawn(async move { migrate::up(&db).await }));
        }
        for one in all {
            one.await
                .expect("no panic")
                .unwrap_or_else(|e| panic!("{}: {e}", engine.name));
        }
        assert!(
            migrate::is_complete(&engine.db().await)
                .await
                .expect("status")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_version_goes_down_and_up_again() {
    for engine in Engine::all().await {
        let db = engine.db().await;
        migrate::up(&db).await.expect("up");
        migrate::down(&db, 1).await.expect("down");
        let status = migrate::status(&db).await.expect("status");
        let pending: Vec<_> = status
            .iter()
            .filter(|s| s.state == State::Pending)
            .collect();
        assert_eq!(pending.len(), 1);
        assert_eq!(pending[0].version, "20260703000000000000");
        let plan = migrate::plan_down(status, 2);
        assert_eq!(
            plan.iter().filter(|s| s.state == State::Rollback).count(),
            2
        );
        let error = migrate::down(&db, 1).await.expect_err("only the newest");
        assert!(matches!(error, Error::Schema(_)), "{error}");
        migrate::up(&db).await.expect("up");
        assert!(migrate::is_complete(&db).await.expect("status"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_database_is_left_alone_with_advice() {
    for engine in Engine::all().await {
        let db = engine.db().await;
        migrate::up(&db).await.expect("up");
        db.run("DELETE FROM schema_migration WHERE version > '20260200000000000000'")
            .await
            .expect("delete");
        let error = migrate::up(&db).await.expect_err("too old");
        let text = error.to_string();
        assert!(
            text.contains("older release") && text.contains("migrate sql"),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_newer_or_very_old_release_are_understood() {
    for engine in Engine::all().await {
        let db = engine.db().await;
        migrate::up(&db).await.expect("up");
        db.run("INSERT INTO schema_migration (version, version_self) VALUES ('20270101000000000000', 0)")
            .await
            .expect("insert");
        db.run("UPDATE schema_migration SET version = '20200317160354' WHERE version = '20200317160354000000'")
            .await
            .expect("update");
        let complete = migrate::is_complete(&db).await.expect("status");
        assert!(complete, "{}", engine.name);
        migrate::up(&db).await.expect("up");
        Store::open(db, NOW, engine.dice()).await.expect("open");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn additional_columns_and_tables_disturb_nobody() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        store
            .db()
            .run("ALTER TABLE identities ADD COLUMN extra varchar(10)")
            .await
            .expect("alter");
        store
            .db()
            .run("CREATE TABLE of_a_plugin (id int)")
            .await
            .expect("create");
        let identity = super::engines::person(&store, engine.dice(), "a@example.org");
        engine.put(&store, &identity).await;
        let read = store
            .identities()
            .get(identity.id, kratos::store::Load::Credentials)
            .await
            .expect("get");
        assert_eq!(read, identity);
    }
}

async fn told(
    engine: &Engine,
    input: &str,
    yes: bool,
) -> (Result<(), migrate_cli::Failure>, String) {
    let (mut out, mut notes) = (vec![], vec![]);
    let mut console = migrate_cli::Console {
        input: &mut input.as_bytes(),
        out: &mut out,
        notes: &mut notes,
    };
    let result = migrate_cli::up(&engine.db().await, yes, &mut console).await;
    (result, String::from_utf8(out).expect("text"))
}

/// What the command shows and asks, and that "no" is no failure.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_asks_before_it_acts() {
    let engine = Engine::sqlite();
    let (result, out) = told(&engine, "", false).await;
    assert!(
        result.is_err_and(|e| e.to_string().contains("closed")),
        "{out}"
    );
    let (result, out) = told(&engine, "what?\nn\n", false).await;
    assert!(
        result.is_ok() && out.ends_with("Nothing was changed.\n"),
        "{out}"
    );
    assert!(
        !migrate::is_complete(&engine.db().await)
            .await
            .expect("status")
    );
    let (result, out) = told(&engine, "y\n", false).await;
    assert!(
        result.is_ok() && out.contains("CREATE TABLE identities"),
        "{out}"
    );
    let (result, out) = told(&engine, "", true).await;
    assert!(result.is_ok() && !out.contains("Pending"), "{out}");

    let (mut out, mut notes) = (vec![], vec![]);
    let mut console = migrate_cli::Console {
        input: &mut std::io::empty(),
        out: &mut out,
        notes: &mut notes,
    };
    let db = engine.db().await;
    let result = migrate_cli::down(&db, 0, true, &mut console).await;
    assert!(result.is_err(), "no steps");
    migrate_cli::down(&db, 1, true, &mut console)
        .await
        .expect("down");
    let format = Format::Json;
    let mut out = vec![];
    console.out = &mut out;
    migrate_cli::status(&db, &format, false, &mut console)
        .await
        .expect("status");
    let json: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
    assert_eq!(json.as_array().map(Vec::len), Some(696));
    assert_eq!(json[695]["state"], "Pending");
}

/// The reference's tables on SQLite have keys that nothing leads to: to delete an identity is to read all identifiers.
#[tokio::test(flavor = "multi_thread")]
async fn a_sqlite_database_made_elsewhere_gets_the_indexes_that_deleting_needs() {
    let engine = Engine::sqlite();
    let db = engine.db().await;
    migrate::up(&db).await.expect("up");
    let raw = rusqlite::Connection::open(&engine.url).expect("open");
    assert_eq!(unled_keys(&raw), Vec::<String>::new());

    let own = texts(
        &raw,
        "SELECT name FROM sqlite_master WHERE name GLOB 'own_*'",
    );
    for name in &own {
        raw.execute_batch(&format!("DROP INDEX {name}"))
            .expect("dropped");
    }
    assert_eq!(unled_keys(&raw).len(), own.len());
    Store::open(db, NOW, engine.dice()).await.expect("open");
    assert_eq!(unled_keys(&raw), Vec::<String>::new());
}

/// Columns that point to something that can be deleted, and that no index begins with.
fn unled_keys(db: &rusqlite::Connection) -> Vec<String> {
    texts(
        db,
        "SELECT t.name || '.' || f.\"from\" FROM sqlite_master t, pragma_foreign_key_list(t.name) f
          WHERE t.type = 'table' AND f.\"table\" NOT IN ('networks', 'identity_credential_types')
            AND NOT EXISTS (SELECT 1 FROM pragma_index_list(t.name) i, pragma_index_info(i.name) c
                             WHERE c.seqno = 0 AND c.name = f.\"from\" AND NOT i.partial)",
    )
}

fn texts(db: &rusqlite::Connection, question: &str) -> Vec<String> {
    let mut statement = db.prepare(question).expect("a question");
    let rows = statement
        .query_map([], |row| row.get(0))
        .expect("an answer");
    rows.map(|text| text.expect("a text")).collect()
}
