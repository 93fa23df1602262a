//! Databases that the reference left behind are read whole. The images are beside the project; where they are missing,
//! so is this test.
use super::engines::{Engine, NOW};
use kratos::base::id::FlowId;
use kratos::model::flow::{Login, Recovery, Registration, Settings, Verification};
use kratos::store::{Filter, Load, Slice, Store, Stored};
use sqlx::{Connection, MySqlConnection, PgConnection, Row};
use std::path::{Path, PathBuf};
use std::time::Duration;

fn image(name: &str) -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|a| a.join("shared/takeover/images").join(name))
        .find(|path| path.exists());
    if found.is_none() {
        println!("skipped: there is no image {name}");
    }
    found
}

/// Ids of flows by kind, as the database shows them.
type Ids = Vec<(&'static str, Vec<String>)>;

const TABLES: [&str; 5] = [
    "selfservice_login_flows",
    "selfservice_registration_flows",
    "selfservice_settings_flows",
    "selfservice_recovery_flows",
    "selfservice_verification_flows",
];

async fn read_all(store: &Store, ids: Ids) {
    let all = Slice::Page {
        offset: 0,
        limit: 1000,
    };
    let identities = store
        .identities()
        .list(&Filter::All, all, Load::Credentials)
        .await
        .expect("identities");
    assert!(identities.len() > 20, "{} identities", identities.len());
    assert!(identities.iter().any(|i| i.credentials.len() > 2));
    for identity in &identities {
        let one = store
            .identities()
            .get(identity.id, Load::Credentials)
            .await
            .expect("an identity");
        assert_eq!(&one, identity);
        for credential in &identity.credentials {
            for identifier in &credential.identifiers {
                let found = store
                    .credentials()
                    .by_identifier(&[credential.kind], identifier, identifier)
                    .await
                    .expect("find");
                assert_eq!(
                    found.map(|f| f.identity.id),
                    Some(identity.id),
                    "{:?}",
                    credential.kind
                );
            }
        }
    }
    let sessions = store
        .sessions()
        .list(None, None, 1000)
        .await
        .expect("sessions");
    assert!(sessions.len() > 20, "{} sessions", sessions.len());
    for (session, _) in &sessions {
        let found = store
            .sessions()
            .by_token(&session.token, Load::Addresses)
            .await
            .expect("find");
        assert_eq!(found.map(|(s, _)| s).as_ref(), Some(session));
    }
    let mut flows = 0;
    for (table, ids) in ids {
        for id in ids {
            let id = FlowId::parse(&id).expect("an id");
            flows += 1;
            match table {
                "selfservice_login_flows" => there_and_back::<Login>(store, id).await,
                "selfservice_registration_flows" => there_and_back::<Registration>(store, id).await,
                "selfservice_settings_flows" => there_and_back::<Settings>(store, id).await,
                "selfservice_recovery_flows" => there_and_back::<Recovery>(store, id).await,
                _ => there_and_back::<Verification>(store, id).await,
            }
        }
    }
    assert!(flows > 20, "{flows} flows");
}

/// Nothing is lost when a flow of the reference is written again.
async fn there_and_back<K: Stored>(store: &Store, id: FlowId) {
    let flow = store
        .flows()
        .find::<K>(id)
        .await
        .expect("find")
        .expect("a flow");
    store.flows().update(&flow).await.expect("update");
    let again = store
        .flows()
        .find::<K>(id)
        .await
        .expect("find")
        .expect("a flow");
    assert_eq!(serde_json::json!(again), serde_json::json!(flow));
    assert_eq!(
        (again.memory, again.csrf_token),
        (flow.memory, flow.csrf_token)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sqlite_database_of_the_reference_is_read_whole() {
    let Some(image) = image("sqlite/image.sqlite") else {
        return;
    };
    let engine = Engine::sqlite();
    std::fs::copy(image, &engine.url).expect("a copy");
    let mut permissions = std::fs::metadata(&engine.url)
        .expect("the copy")
        .permissions();
    #[expect(
        clippy::permissions_set_readonly_false,
        reason = "a copy in a folder of this test"
    )]
    permissions.set_readonly(false);
    std::fs::set_permissions(&engine.url, permissions).expect("a writable copy");
    let ids = {
        let raw = rusqlite::Connection::open(&engine.url).expect("open");
        TABLES
            .map(|table| {
                let mut statement = raw
                    .prepare(&format!("SELECT id FROM {table}"))
                    .expect("a question");
                let ids = statement
                    .query_map([], |row| row.get(0))
                    .expect("an answer");
                (table, ids.collect::<Result<Vec<String>, _>>().expect("ids"))
            })
            .to_vec()
    };
    let store = Store::connect(&engine.dsn, Duration::ZERO, NOW, engine.dice())
        .await
        .expect("connect");
    read_all(&store, ids).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mysql_database_of_the_reference_is_read_whole() {
    let Some(image) = image("mysql/image.sql") else {
        return;
    };
    let Some(engine) = Engine::all().await.into_iter().find(|e| e.name == "mysql") else {
        return;
    };
    let text = std::fs::read_to_string(image).expect("the image");
    engine
        .db()
        .await
        .run(&format!(
            "SET FOREIGN_KEY_CHECKS = 0; {text} SET FOREIGN_KEY_CHECKS = 1"
        ))
        .await
        .expect("the image");
    let mut raw = MySqlConnection::connect(&engine.url)
        .await
        .expect("connect");
    let mut ids = vec![];
    for table in TABLES {
        let text = sqlx::AssertSqlSafe(format!("SELECT id FROM {table}"));
        let rows = sqlx::query(text).fetch_all(&mut raw).await.expect("ids");
        ids.push((table, rows.iter().map(|row| row.get(0)).collect()));
    }
    let store = Store::connect(&engine.dsn, Duration::ZERO, NOW, engine.dice())
        .await
        .expect("connect");
    read_all(&store, ids).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_database_of_the_reference_is_read_whole() {
    let Some(image) = image("postgres/image.sql") else {
        return;
    };
    let Some(engine) = Engine::all()
        .await
        .into_iter()
        .find(|e| e.name == "postgres")
    else {
        return;
    };
    // The image copies rows from its own text, which only the client program can do.
    let load = std::process::Command::new("psql")
        .args(["-q", "-o", "/dev/null", "-v", "ON_ERROR_STOP=1", "-f"])
        .args([image.as_os_str(), engine.url.as_ref()])
        .status();
    match load {
        Ok(status) => assert!(status.success(), "the image"),
        Err(e) => return println!("skipped: no psql ({e})"),
    }
    let mut raw = PgConnection::connect(&engine.url).await.expect("connect");
    let mut ids = vec![];
    for table in TABLES {
        let text = sqlx::AssertSqlSafe(format!("SELECT id::text FROM public.{table}"));
        let rows = sqlx::query(text).fetch_all(&mut raw).await.expect("ids");
        ids.push((table, rows.iter().map(|row| row.get(0)).collect()));
    }
    let store = Store::connect(&engine.dsn, Duration::ZERO, NOW, engine.dice())
        .await
        .expect("connect");
    read_all(&store, ids).await;
}
