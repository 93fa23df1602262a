//! A whole server in this process, with our clock and our dice, on a database of its own.
//!
//! `TEST_ENGINE` says on which engine: `sqlite` (unless said otherwise), `postgres` or `mysql`, the latter two on the
//! servers that `TEST_POSTGRES_URL` and `TEST_MYSQL_URL` name. `TEST_ROUNDS` says how often races are run.
pub mod authenticator;
pub mod chromium;
pub mod client;
pub mod database;
pub mod dice;
pub mod mail;
pub mod page;
pub mod smtp;

use arc_swap::ArcSwap;
use client::{Answer, Client, Kind};
use kratos::base::clock::MockClock;
use kratos::base::random::SeededRandom;
use kratos::config::Config;
use kratos::courier::Composer;
use kratos::crypto::hash::pool::{HashPool, PoolLimits};
use kratos::http::serve::{Address, Limits, Listener, serve};
use kratos::http::{admin_router, public_router};
use kratos::jsonnet::JsonnetPool;
use kratos::outbound::Outbound;
use kratos::outbound::breach::BreachList;
use kratos::resource::Resources;
use kratos::schema::SchemaRegistry;
use kratos::services::Services;
use kratos::store::Store;
use kratos::telemetry::metrics::{Build, Metrics};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use time::macros::datetime;
use tokio_util::sync::CancellationToken;

/// When every test begins.
pub const START: OffsetDateTime = datetime!(2026-07-01 12:00:00.123456 UTC);

pub struct TestApp {
    pub public: String,
    pub admin: String,
    pub clock: Arc<MockClock>,
    pub services: Arc<Services>,
    /// For many plain calls: to make one takes longer than a call.
    pub http: reqwest::Client,
    config: Value,
    stop: CancellationToken,
    _database: database::Database,
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// How often a race is run: so often, or as `TEST_ROUNDS` says.
pub fn rounds(usual: usize) -> usize {
    let told = database::told("TEST_ROUNDS");
    told.map_or(usual, |told| told.parse().expect("TEST_ROUNDS is a number"))
}

/// A person has an address, a name and what else the forms show.
pub fn person_schema() -> Value {
    json!({
        "$id": "https://example.org/person.schema.json",
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": { "traits": {
            "type": "object",
            "properties": {
                "email": {
                    "type": "string", "format": "email", "title": "E-mail", "minLength": 3,
                    "ory.sh/kratos": {
                        "credentials": { "password": { "identifier": true } },
                        "verification": { "via": "email" },
                        "recovery": { "via": "email" },
                    },
                },
                "name": {
                    "type": "object",
                    "properties": { "first": { "type": "string", "title": "First name" } },
                },
                "age": { "type": "number", "title": "Age" },
            },
            "required": ["email"],
            "additionalProperties": false,
        }},
    })
}

/// A JSON value as a resource of the configuration.
pub fn inline(value: &Value) -> String {
    format!(
        "base64://{}",
        data_encoding::BASE64.encode(value.to_string().as_bytes())
    )
}

fn base_config(public: &str, admin: &str) -> Value {
    let ui = |page: &str| json!({ "ui_url": format!("http://ui.test/{page}") });
    json!({
        "serve": { "public": { "base_url": format!("{public}/") }, "admin": { "base_url": format!("{admin}/") } },
        "dev": true,
        "secrets": { "default": ["a-secret-for-tests-only"], "cookie": ["another-secret-for-tests"] },
        "hashers": { "algorithm": "bcrypt", "bcrypt": { "cost": 4 } },
        "identity": {
            "default_schema_id": "default",
            "schemas": [{ "id": "default", "url": inline(&person_schema()) }],
        },
        "selfservice": {
            "default_browser_return_url": "http://ui.test/welcome",
            "allowed_return_urls": ["http://ui.test/", "https://*.partner.example.com/"],
            "methods": { "password": { "config": { "haveibeenpwned_enabled": false } } },
            "flows": {
                "error": ui("error"), "settings": ui("settings"), "recovery": ui("recovery"),
                "verification": ui("verification"), "login": ui("login"),
                "registration": {
                    "ui_url": "http://ui.test/registration",
                    "style": "unified",
                    "after": { "password": { "hooks": [{ "hook": "session" }] } },
                },
                "logout": { "after": { "default_browser_return_url": "http://ui.test/goodbye" } },
            },
        },
    })
}

/// Objects are merged, everything else is replaced.
pub fn merge(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, patch) => *into = patch.clone(),
    }
}

impl TestApp {
    pub async fn start() -> Self {
        Self::with(json!({})).await
    }

    /// With the usual configuration, changed by this patch.
    pub async fn with(patch: Value) -> Self {
        Self::on(database::Database::fresh().await, patch).await
    }

    /// On a database that lives in memory, whatever the engine of the run is.
    pub async fn in_memory() -> Self {
        Self::on(database::Database::in_memory(), json!({})).await
    }

    async fn on(database: database::Database, patch: Value) -> Self {
        kratos::outbound::tls::install_provider();
        let (public_socket, public) = listen().await;
        let (admin_socket, admin) = listen().await;
        let mut config = base_config(&public, &admin);
        merge(&mut config, &patch);

        let random: Arc<dyn kratos::base::random::Random> = Arc::new(SeededRandom::new(7));
        let clock = Arc::new(MockClock::at(START));
        let store = Store::connect(
            &database.dsn,
            Duration::from_secs(5),
            START,
            random.as_ref(),
        )
        .await
        .expect("the database opens");
        let services = Arc::new(Services {
            config: ArcSwap::from_pointee(read(&config)),
            store,
            schemas: SchemaRegistry::new(Resources::new(Outbound::default())),
            hasher: HashPool::start(PoolLimits::of_this_machine(), &random).expect("threads"),
            outbound: Outbound::default(),
            resources: Resources::new(Outbound::default()),
            jsonnet: JsonnetPool::new(env!("CARGO_BIN_EXE_kratos").into()),
            breaches: BreachList::default(),
            composer: Composer::new(Resources::new(Outbound::default())),
            metrics: Metrics::new(Build {
                version: "test",
                hash: "",
                time: "",
            })
            .expect("metrics"),
            clock: clock.clone(),
            random,
        });
        let stop = CancellationToken::new();
        let grace = Duration::from_secs(2);
        tokio::spawn(serve(
            public_socket,
            Limits::PUBLIC,
            public_router(services.clone()),
            stop.clone(),
            grace,
        ));
        tokio::spawn(serve(
            admin_socket,
            Limits::ADMIN,
            admin_router(services.clone()),
            stop.clone(),
            grace,
        ));
        Self {
            public,
            admin,
            clock,
            services,
            http: client::http(),
            config,
            stop,
            _database: database,
        }
    }

    /// Loads the configuration anew, changed by this patch.
    pub fn configure(&mut self, patch: &Value) {
        merge(&mut self.config, patch);
        self.services.config.store(Arc::new(read(&self.config)));
    }

    pub fn client(&self, kind: Kind) -> Client {
        Client::new(kind, &self.public)
    }
    pub fn browser(&self) -> Client {
        self.client(Kind::Browser)
    }
    pub fn spa(&self) -> Client {
        self.client(Kind::Spa)
    }
    pub fn native(&self) -> Client {
        self.client(Kind::Native)
    }

    /// A call to the admin API.
    pub async fn admin(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        Client::new(Kind::Native, &self.admin)
            .send(method, path, body)
            .await
    }

    /// Somebody with a password, made by the admin API; the id.
    pub async fn seed(&self, email: &str, password: &str) -> String {
        let body = json!({
            "schema_id": "default",
            "traits": { "email": email },
            "credentials": { "password": { "config": { "password": password } } },
        });
        let made = self
            .admin(Method::POST, "/admin/identities", Some(&body))
            .await;
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["id"].as_str().expect("an id").to_owned()
    }
}

fn read(config: &Value) -> Config {
    serde_json::from_value(config.clone()).expect("a configuration")
}

async fn listen() -> (Listener, String) {
    let address = Address::Tcp {
        host: "127.0.0.1".into(),
        port: 0,
    };
    let listener = Listener::bind(&address, None).await.expect("a port");
    let url = format!("http://{}", listener.socket_address().expect("an address"));
    (listener, url)
}
