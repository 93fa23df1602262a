//! A migrated database for one test, copied from a template that is made once per process.
use kratos::base::random::SystemRandom;
use kratos::base::random::alphanumeric;
use kratos::config::dsn::Dsn;
use kratos::store::{Db, migrate};
use std::path::PathBuf;
use std::sync::{OnceLock, mpsc};
use std::time::Duration;
use tokio::sync::OnceCell;

pub struct Database {
    pub dsn: Dsn,
    /// The same as a configuration has it.
    pub address: String,
    _place: Option<Place>,
}

/// What goes when the test is over.
#[expect(dead_code, reason = "held for what its drop does")]
pub enum Place {
    Folder(tempfile::TempDir),
    Server(OnServer),
}

/// A database on a server, which is dropped with this: hundreds of them fill a disk.
pub struct OnServer {
    url: String,
    name: String,
}

impl OnServer {
    /// `url` is where the server's own database is.
    pub async fn create(url: &str, name: String, template: &str) -> Self {
        run(url, &format!("CREATE DATABASE {name}{template}")).await;
        let url = url.to_owned();
        Self { url, name }
    }

    pub fn address(&self) -> String {
        named(&self.url, &self.name)
    }
}

impl Drop for OnServer {
    /// Leaves it to a thread that no test waits for: connections of the test may still be open.
    fn drop(&mut self) {
        static BIN: OnceLock<mpsc::Sender<(String, String)>> = OnceLock::new();
        let bin = BIN.get_or_init(|| {
            let (bin, full) = mpsc::channel::<(String, String)>();
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .expect("a runtime");
                for (url, name) in full {
                    let force = if url.starts_with("postgres") {
                        " WITH (FORCE)"
                    } else {
                        ""
                    };
                    runtime.block_on(run(&url, &format!("DROP DATABASE {name}{force}")));
                }
            });
            bin
        });
        let _ = bin.send((self.url.clone(), self.name.clone()));
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests are told by the environment where servers are"
)]
pub(crate) fn told(name: &str) -> Option<String> {
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
            _place: None,
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
            _place: Some(Place::Folder(folder)),
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
        let template = format!(" TEMPLATE {template}");
        Self::on(OnServer::create(url, random_name(), &template).await)
    }

    async fn mysql(url: &str) -> Self {
        let database = Self::on(OnServer::create(url, random_name(), "").await);
        migrated(&database.dsn).await;
        database
    }

    fn on(server: OnServer) -> Self {
        let address = server.address();
        Self {
            dsn: dsn(&address),
            address,
            _place: Some(Place::Server(server)),
        }
    }
}
