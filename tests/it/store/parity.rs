//! The tables have the shape of the reference's: its dumps and ours are loaded side by side and their catalogues compared.
//! The dumps are beside the project; where they are missing, so are these tests.
use super::engines::Engine;
use kratos::store::{Db, migrate};
use sqlx::{Connection, MySqlConnection, PgConnection, Row};
use std::collections::BTreeSet;
use std::path::Path;

fn dump(name: &str) -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = root
        .ancestors()
        .map(|a| a.join("shared/reference").join(name))
        .find_map(|path| std::fs::read_to_string(path).ok());
    if found.is_none() {
        println!("skipped: there is no {name}");
    }
    found
}

fn assert_same(ours: &BTreeSet<String>, theirs: &BTreeSet<String>) {
    let missing: Vec<_> = theirs.difference(ours).collect();
    let additional: Vec<_> = ours.difference(theirs).collect();
    assert!(
        missing.is_empty() && additional.is_empty(),
        "missing: {missing:#?}\nadditional: {additional:#?}"
    );
    assert!(theirs.len() > 300, "only {} facts", theirs.len());
}

fn sqlite_facts(db: &rusqlite::Connection) -> BTreeSet<String> {
    let mut facts = BTreeSet::new();
    let mut ask = |text: &str| {
        let mut statement = db.prepare(text).expect("a question");
        let columns = statement.column_count();
        let mut rows = statement.query([]).expect("an answer");
        while let Some(row) = rows.next().expect("a row") {
            let cells: Vec<String> = (0..columns)
                .map(|at| match row.get_ref(at).expect("a cell") {
                    rusqlite::types::ValueRef::Text(t) => String::from_utf8_lossy(t).to_string(),
                    other => format!("{other:?}"),
                })
                .collect();
            facts.insert(cells.join(" | ").to_lowercase());
        }
    };
    ask("SELECT 'column', t.name, c.name, replace(c.type, ' ', ''), c.\"notnull\", c.dflt_value, c.pk
           FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'");
    ask("SELECT 'index', t.name, CASE WHEN i.origin = 'c' THEN i.name END, i.\"unique\", i.origin, i.partial,
            (SELECT group_concat(x.name || ' ' || x.\"desc\") FROM pragma_index_xinfo(i.name) x WHERE x.key = 1)
           FROM sqlite_master t, pragma_index_list(t.name) i WHERE t.type = 'table'");
    ask(
        "SELECT 'key', t.name, f.\"from\", f.\"table\", f.\"to\", f.on_update, f.on_delete
           FROM sqlite_master t, pragma_foreign_key_list(t.name) f WHERE t.type = 'table'",
    );
    facts
}

#[test]
fn sqlite_tables_are_the_references() {
    let Some(dump) = dump("schema.sqlite.sql") else {
        return;
    };
    let theirs = rusqlite::Connection::open_in_memory().expect("memory");
    theirs.execute_batch(&dump).expect("the dump");
    let ours = rusqlite::Connection::open_in_memory().expect("memory");
    let baseline = include_str!("../../../migrations/sqlite/0001_baseline.sql");
    ours.execute_batch(baseline).expect("the baseline");
    assert_same(&sqlite_facts(&ours), &sqlite_facts(&theirs));
}

async fn postgres_facts(db: &mut PgConnection) -> BTreeSet<String> {
    let mut facts = BTreeSet::new();
    for question in [
        "SELECT concat_ws(' | ', 'column', table_name, column_name, data_type, character_maximum_length, is_nullable,
                column_default)
           FROM information_schema.columns WHERE table_schema = 'public'",
        "SELECT 'index | ' || indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "SELECT concat_ws(' | ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid))
           FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
        "SELECT 'extension | ' || extname FROM pg_extension",
    ] {
        for row in sqlx::query(question).fetch_all(&mut *db).await.expect("an answer") {
            // Names are shown with their schema if it is not on the path.
            facts.insert(row.get::<String, _>(0).replace("public.", ""));
        }
    }
    facts
}

/// An engine whose database is empty, and one that is migrated.
async fn pair(name: &str) -> Option<(Engine, Engine)> {
    let mut empty = Engine::all().await;
    let mut full = Engine::all().await;
    let empty = empty.remove(empty.iter().position(|e| e.name == name)?);
    let full = full.remove(full.iter().position(|e| e.name == name)?);
    migrate::up(&full.db().await).await.expect("up");
    Some((empty, full))
}

async fn load(db: &Db, dump: &str) {
    db.run(dump).await.expect("the dump");
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_tables_are_the_references() {
    let Some(dump) = dump("schema.postgres.sql") else {
        return;
    };
    let Some((theirs, ours)) = pair("postgres").await else {
        return;
    };
    load(&theirs.db().await, &dump).await;
    let mut facts = vec![];
    for engine in [ours, theirs] {
        let url = &engine.url;
        let mut connection = PgConnection::connect(url).await.expect("connect");
        facts.push(postgres_facts(&mut connection).await);
    }
    assert_same(&facts[0], &facts[1]);
}

async fn mysql_facts(db: &mut MySqlConnection) -> BTreeSet<String> {
    let mut facts = BTreeSet::new();
    for question in [
        "SELECT CONCAT_WS(' | ', 'column', table_name, column_name, column_type, is_nullable, column_default, extra,
                collation_name, generation_expression)
           FROM information_schema.columns WHERE table_schema = DATABASE()",
        "SELECT CONCAT_WS(' | ', 'index', table_name, index_name, non_unique, seq_in_index, column_name, collation)
           FROM information_schema.statistics WHERE table_schema = DATABASE()",
        "SELECT CONCAT_WS(' | ', 'key', k.table_name, k.constraint_name, k.column_name, k.referenced_table_name,
                k.referenced_column_name, r.update_rule, r.delete_rule)
           FROM information_schema.key_column_usage k
           JOIN information_schema.referential_constraints r
             ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name
            AND r.table_name = k.table_name
          WHERE k.table_schema = DATABASE() AND k.referenced_table_name IS NOT NULL",
        "SELECT CONCAT_WS(' | ', 'check', table_name, check_clause)
           FROM information_schema.check_constraints WHERE constraint_schema = DATABASE()",
    ] {
        for row in sqlx::query(question).fetch_all(&mut *db).await.expect("an answer") {
            facts.insert(row.get::<String, _>(0));
        }
    }
    facts
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_tables_are_the_references() {
    let Some(dump) = dump("schema.mysql.sql") else {
        return;
    };
    let Some((theirs, ours)) = pair("mysql").await else {
        return;
    };
    // The dump has no semicolons between its statements.
    let dump = dump.replace("\nCREATE TABLE", ";\nCREATE TABLE");
    load(
        &theirs.db().await,
        &format!("SET FOREIGN_KEY_CHECKS = 0; {dump}"),
    )
    .await;
    let mut facts = vec![];
    for engine in [ours, theirs] {
        let mut connection = MySqlConnection::connect(&engine.url)
            .await
            .expect("connect");
        facts.push(mysql_facts(&mut connection).await);
    }
    assert_same(&facts[0], &facts[1]);
}
