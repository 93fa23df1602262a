//! A migrated database for one test, copied from a template that is made once per process.
use kratos::base::random::SystemRandom;
use kratos::base::random::alphanumeric;
use kratos::config::dsn::Dsn;
use kratos::store::{Db, migrate};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::OnceCell;

pub struct Database {
    pub dsn: Dsn,
    /// The same as a configuration has it.
    pub address: String,
    _folder: Option<tempfile::TempDir>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests are told by the environment where servers are"
)]
fn told(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn dsn(text: &str) -> Dsn {
    Dsn::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// The address with another database in it.
fn named(url: &str, name: &str) -> String {
    let (before, query) = url.split_once('?').map_or((url, ""), |(b, q)| (b, q));
    let (before, _) = before.rsplit_once('/').expect("an address with a database");
    format!("{before}/{name}?{query}")
}

fn random_name() -> String {
    format!("t{}", alphanumeric(&SystemRandom, 16).to_lowercase())
}

async fn migrated(dsn: &Dsn) {
    let db = Db::connect(dsn, Duration::from_secs(5))
        .await
        .expect("a database");
    migrate::up(&db).await.expect("migrations");
}

async fn run(url: &str, statement: &str) {
    let db = Db::connect(&dsn(url), Duration::from_secs(5))
        .await
        .expect("a server");
    db.run(statement)
        .await
        .unwrap_or_else(|e| panic!("{statement}: {e}"));
}

/// Times in MySQL are cut to whole seconds.
pub fn keeps_fractions() -> bool {
    told("TEST_ENGINE").as_deref() != Some("mysql")
}

impl Database {
    pub async fn fresh() -> Self {
        match told("TEST_ENGINE").as_deref() {
            None | Some("sqlite") => Self::sqlite().await,
            Some("postgres") => {
                Self::postgres(&told("TEST_POSTGRES_URL").expect("TEST_POSTGRES_URL")).await
            }
            Some("mysql") => Self::mysql(&told("TEST_MYSQL_URL").expect("TEST_MYSQL_URL")).await,
            Some(other) => panic!("TEST_ENGINE={other}"),
        }
    }

    pub fn in_memory() -> Self {
        Self {
            dsn: dsn("memory"),
            address: "memory".into(),
            _folder: None,
        }
    }

    async fn sqlite() -> Self {
        static TEMPLATE: OnceCell<(tempfile::TempDir, PathBuf)> = OnceCell::const_new();
        let (_, template) = TEMPLATE
            .get_or_init(|| async {
                let folder = tempfile::tempdir().expect("a folder");
                let path = folder.path().join("template.sqlite");
                migrated(&dsn(&format!("sqlite://{}", path.display()))).await;
                (folder, path)
            })
            .await;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("test.sqlite");
        std::fs::copy(template, &path).expect("a copy");
        let address = format!("sqlite://{}", path.display());
        Self {
            dsn: dsn(&address),
            address,
            _folder: Some(folder),
        }
    }

    async fn postgres(url: &str) -> Self {
        static TEMPLATE: OnceCell<String> = OnceCell::const_new();
        let template = TEMPLATE
            .get_or_init(|| async {
                let name = random_name();
                run(url, &format!("CREATE DATABASE {name}")).await;
                migrated(&dsn(&named(url, &name))).await;
                name
            })
            .await;
        let name = random_name();
        run(url, &format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        let address = named(url, &name);
        Self {
            dsn: dsn(&address),
            address,
            _folder: None,
        }
    }

    async fn mysql(url: &str) -> Self {
        let name = random_name();
        run(url, &format!("CREATE DATABASE {name}")).await;
        let address = named(url, &name);
        let dsn = dsn(&address);
        migrated(&dsn).await;
        Self {
            dsn,
            address,
            _folder: None,
        }
    }
}
