//! Started without any configuration: everything a person needs to try the server, on this machine only.
//!
//! The outcome is an ordinary configuration that goes through the same loader as a file. Its data are two files in the
//! working directory: the database, and the secrets, which are drawn once and kept so that sessions outlive a restart.
use crate::base::random::{self, Random};
use crate::config::Config;
use crate::http::context::Snapshot;
use anyhow::{Context as _, bail};
use axum::Router;
use axum::extract::Request;
use axum::http::header::HOST;
use axum::middleware::map_request;
use data_encoding::BASE64;
use serde_json::{Map, Value, json};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The two listeners.
pub const PUBLIC_PORT: u16 = 4433;
pub const ADMIN_PORT: u16 = 4434;
/// Where the reference's own pages for people are usually started.
const UI_PORT: u16 = 4455;
/// Where the usual development servers of web applications are.
const APP_PORTS: [u16; 3] = [3000, 5173, 8080];
/// The names that this machine calls itself by. The first is the one in links.
pub const HOSTS: [&str; 2] = ["127.0.0.1", "localhost"];

const DATABASE: &str = "kratos.sqlite";
const SECRETS: &str = "kratos-secrets.json";

/// What was found or made.
#[derive(Debug)]
pub struct ZeroConfig {
    /// One configuration for each of [`HOSTS`], different only in the addresses.
    pub configs: [Value; 2],
    pub database: PathBuf,
    pub secrets: PathBuf,
}

/// Prepares the folder. `schema` is the text of the identity schema that people sign up by.
pub fn prepare(folder: &Path, schema: &str, dice: &dyn Random) -> anyhow::Result<ZeroConfig> {
    let (database, secrets) = (folder.join(DATABASE), folder.join(SECRETS));
    let kept = secrets_in(&secrets, dice)?;
    let configs = HOSTS.map(|host| config(host, &database, &kept, schema));
    Ok(ZeroConfig {
        configs,
        database,
        secrets,
    })
}

/// Requests that call this machine `localhost` are answered with addresses under that name, so that the cookies of a
/// browser come back to where it got them.
pub fn also_as_localhost(routes: Router, config: &Arc<Config>) -> Router {
    let snapshot = Snapshot(Arc::clone(config));
    routes.layer(map_request(move |mut request: Request| {
        let host = request
            .headers()
            .get(HOST)
            .and_then(|h| h.to_str().ok())
            .unwrap_or_default();
        if host.split(':').next() == Some(HOSTS[1]) {
            request.extensions_mut().insert(snapshot.clone());
        }
        std::future::ready(request)
    }))
}

/// Where the pages for people are looked for, from a browser that calls this machine so.
#[must_use]
pub fn ui(host: &str) -> String {
    format!("http://{host}:{UI_PORT}/")
}

fn config(host: &str, database: &Path, secrets: &Value, schema: &str) -> Value {
    let ui = |page: &str| ui(host) + page;
    let mut flows = Map::new();
    for page in [
        "login",
        "registration",
        "settings",
        "recovery",
        "verification",
        "error",
    ] {
        flows.insert(page.into(), json!({ "ui_url": ui(page) }));
    }
    // Whoever signs up is signed in, and shown where to type the code that proves the address.
    let hooks = json!([{ "hook": "session" }, { "hook": "show_verification_ui" }]);
    flows.insert(
        "registration".into(),
        json!({
            "ui_url": ui("registration"),
            "after": { "password": { "hooks": hooks } },
        }),
    );
    for flow in ["recovery", "verification"] {
        flows.insert(flow.into(), json!({ "ui_url": ui(flow), "enabled": true }));
    }
    let ours = |port: u16| HOSTS.map(|host| format!("http://{host}:{port}"));
    let apps: Vec<String> = [UI_PORT]
        .into_iter()
        .chain(APP_PORTS)
        .flat_map(ours)
        .collect();
    let returns: Vec<String> = apps.iter().cloned().chain(ours(PUBLIC_PORT)).collect();
    json!({
        "dsn": format!("sqlite://{}?_fk=true&mode=rwc", database.display()),
        "serve": {
            "public": {
                "host": HOSTS[0],
                "port": PUBLIC_PORT,
                "base_url": format!("http://{host}:{PUBLIC_PORT}/"),
                "cors": { "enabled": true, "allowed_origins": apps },
            },
            "admin": {
                "host": HOSTS[0],
                "port": ADMIN_PORT,
                "base_url": format!("http://{host}:{ADMIN_PORT}/"),
            },
        },
        // Apps that get an account back by a code get a session token, too.
        "feature_flags": { "use_continue_with_transitions": true },
        // A line or two for each request would bury what was printed at the start.
        "log": { "level": "warning" },
        "cookies": { "secure": "false" },
        "session": { "cookie": { "secure": "false" } },
        "secrets": secrets,
        "selfservice": {
            "default_browser_return_url": ui("welcome"),
            "allowed_return_urls": returns,
            "flows": flows,
            // Nobody is asked about passwords: the machine may be offline, and nothing here is to be relied on.
            "methods": {
                "password": { "enabled": true, "config": { "haveibeenpwned_enabled": false } },
            },
        },
        "identity": {
            "default_schema_id": "default",
            "schemas": [{
                "id": "default",
                "url": format!("base64://{}", BASE64.encode(schema.as_bytes())),
            }],
        },
    })
}

/// The secrets of the file; drawn first if there is none.
fn secrets_in(path: &Path, dice: &dyn Random) -> anyhow::Result<Value> {
    if !path.try_exists()? {
        make_secrets(path, dice)
            .with_context(|| format!("the secrets cannot be kept in {}", path.display()))?;
    }
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    match serde_json::from_str(&text) {
        Ok(Value::Object(secrets))
            if secrets.contains_key("cookie") && secrets.contains_key("cipher") =>
        {
            Ok(secrets.into())
        }
        // The text itself must not be shown.
        _ => bail!(
            "{} does not hold the secrets that were once written there",
            path.display()
        ),
    }
}

/// Writes them beside and moves them into place whole. If another process was faster, its file stays.
fn make_secrets(path: &Path, dice: &dyn Random) -> std::io::Result<()> {
    let secrets = json!({
        "default": [random::alphanumeric(dice, 32)],
        "cookie": [random::alphanumeric(dice, 32)],
        "cipher": [random::alphanumeric(dice, 32)],
        "pagination": [random::alphanumeric(dice, 32)],
    });
    let draft = path.with_extension(format!("{}.draft", random::letters(dice, 8)));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    let written = writeln!(file, "{secrets:#}").and_then(|()| file.sync_all());
    // A link, unlike a rename, does not replace.
    let placed = written.and_then(|()| std::fs::hard_link(&draft, path));
    std::fs::remove_file(&draft)?;
    match placed {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        placed => placed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::SystemRandom;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn secrets_are_drawn_once_and_are_for_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let first = prepare(folder.path(), "{}", &SystemRandom).unwrap();
        let mode = std::fs::metadata(&first.secrets)
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let second = prepare(folder.path(), "{}", &SystemRandom).unwrap();
        assert_eq!(first.configs[0]["secrets"], second.configs[0]["secrets"]);
        assert_eq!(
            first.configs[0]["secrets"]["cipher"][0]
                .as_str()
                .unwrap()
                .len(),
            32
        );
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "a draft was left behind"
        );
    }

    #[test]
    fn many_at_once_agree() {
        let folder = tempfile::tempdir().unwrap();
        let secrets: Vec<_> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..16)
                .map(|_| scope.spawn(|| prepare(folder.path(), "{}", &SystemRandom).unwrap()))
                .collect();
            all.into_iter()
                .map(|t| t.join().unwrap().configs[0]["secrets"].clone())
                .collect()
        });
        assert!(secrets.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn a_broken_file_of_secrets_is_not_replaced_and_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join(SECRETS),
            "{\"cookie\": [\"hush-hush-hush-1\"",
        )
        .unwrap();
        let error = prepare(folder.path(), "{}", &SystemRandom).unwrap_err();
        assert!(format!("{error:#}").contains(SECRETS) && !format!("{error:#}").contains("hush"));
    }
}
