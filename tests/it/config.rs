//! The configuration through its door: files, flags and variables go in, a configuration or findings come out.
use kratos::base::random::SeededRandom;
use kratos::config::{Loaded, Source};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A configuration to which nobody objects.
fn good() -> Value {
    json!({
        "version": "v26.2.0",
        "dsn": "memory",
        "identity": {"schemas": [{"id": "default", "url": "base64://e30="}]},
        "selfservice": {"default_browser_return_url": "https://www.example.org/"},
        "secrets": {"cookie": ["sixteen characters"]},
    })
}

fn source(files: &[&Path], variables: &[(&str, &str)]) -> Source {
    let files: Vec<String> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    let variables = variables
        .iter()
        .map(|(name, text)| ((*name).into(), (*text).into()));
    Source::new(&files, variables.collect(), &SeededRandom::new(1))
}

/// Loads that text from a file of that name; findings as lines, without the folder.
fn load_as(name: &str, text: &str, variables: &[(&str, &str)]) -> Result<Loaded, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, text).unwrap();
    let prefix = format!("{}/", folder.path().display());
    let lines = |findings: Vec<kratos::config::Finding>| {
        findings
            .iter()
            .map(|finding| finding.to_string().replace(&prefix, ""))
            .collect()
    };
    source(&[&file], variables).load().map_err(lines)
}

fn load(patch: impl FnOnce(&mut Value)) -> Result<Loaded, Vec<String>> {
    let mut values = good();
    patch(&mut values);
    load_as("kratos.json", &values.to_string(), &[])
}

/// Keys and messages of the findings, without places.
fn complaints(patch: impl FnOnce(&mut Value)) -> Vec<String> {
    let lines = load(patch).err().unwrap_or_default();
    let without = |line: &String| {
        line.split_once(": ")
            .map_or("", |(_, rest)| rest)
            .to_owned()
    };
    lines.iter().map(without).collect()
}

#[test]
fn all_findings_come_at_once_with_their_places() {
    let text = "\
dsn: memory
serve:
  public:
    port: many
    hots: 127.0.0.1
session:
  lifspan: 1h
  cookie: {secure: true, same_site: lax}
selfservice:
  flows:
    login:
      lifespan: soon
      after:
        hooks:
          - hook: session
        password:
          hooks:
            - hook: web_hook
              config: {url: https://x/, metod: POST}
secrets:
  cookie: [short]
whatever: 1
";
    let found = load_as("kratos.yml", text, &[]).unwrap_err();
    let expected = [
        "kratos.yml:1:1: identity.schemas: is missing: at least one schema with id and url says what an identity is",
        "kratos.yml:4:11: serve.public.port: `many` is text, wanted is a whole number",
        "kratos.yml:5:5: serve.public.hots: there is no such key; did you mean `host`?",
        "kratos.yml:7:3: session.lifspan: there is no such key; did you mean `lifespan`?",
        "kratos.yml:8:20: session.cookie.secure: `true` is true or false, wanted is text; put it in quotes",
        "kratos.yml:8:37: session.cookie.same_site: `lax` is none of Strict, Lax, None; did you mean `Lax`?",
        "kratos.yml:9:1: selfservice.default_browser_return_url: is missing: the address that browsers go to when \
         nothing else says",
        "kratos.yml:12:17: selfservice.flows.login.lifespan: `soon` does not fit: Whole numbers with ns, us, ms, s, \
         m or h, such as 1h30m.",
        "kratos.yml:15:19: selfservice.flows.login.after.hooks.0.hook: the hook `session` does not run here; \
         possible: b2b_sso, organization, require_verified_address, revoke_active_sessions, show_verification_ui, \
         verification, web_hook",
        "kratos.yml:19:15: selfservice.flows.login.after.password.hooks.0.config.method: is missing",
        "kratos.yml:19:41: selfservice.flows.login.after.password.hooks.0.config.metod: there is no such key; did \
         you mean `method`?",
        "kratos.yml:21:12: secrets.cookie.0: the value (not shown) has 5 characters, wanted are at least 16",
        "kratos.yml:22:1: whatever: there is no such key",
    ];
    assert_eq!(found, expected);
}

#[test]
fn rules_between_keys_explain_themselves() {
    let code = complaints(|c| {
        c["selfservice"]["methods"] =
            json!({"code": {"passwordless_enabled": true, "mfa_enabled": true}});
    });
    assert_eq!(code.len(), 1, "{code:?}");
    assert!(code[0].contains("cannot both be true"), "{code:?}");
    let provider = |more: Value| {
        let mut provider = json!({"id": "p", "provider": "apple", "client_id": "c", "mapper_url": "base64://e30="});
        for (key, value) in more.as_object().unwrap() {
            provider[key] = value.clone();
        }
        complaints(|c| {
            c["selfservice"]["methods"] = json!({"oidc": {"config": {"providers": [provider]}}});
        })
    };
    assert_eq!(provider(json!({})).len(), 3);
    let secret = provider(json!({
        "client_secret": "s", "apple_team_id": "t", "apple_private_key_id": "k", "apple_private_key": "p",
    }));
    assert!(
        secret[0].contains("private key instead of client_secret"),
        "{secret:?}"
    );
    assert!(
        provider(json!({"provider": "gogle", "client_secret": "s"}))[0]
            .contains("did you mean `google`?")
    );
    let cipher = complaints(|c| c["ciphers"] = json!({"algorithm": "aes"}));
    assert_eq!(
        cipher,
        ["secrets.cipher: is missing: ciphers.algorithm needs a secret of 32 characters"]
    );
}

#[test]
fn what_a_schema_cannot_say_is_checked_too() {
    let cases = [
        ("dsn", json!({"dsn": "oracle://x"}), "oracle"),
        (
            "selfservice.flows.login.ui_url",
            json!({"selfservice": {"flows": {"login": {"ui_url": "login"}}}}),
            "slash",
        ),
        (
            "serve.public.tls",
            json!({"serve": {"public": {"tls": {"cert": {"path": "x.pem"}}}}}),
            "key",
        ),
        (
            "extensions.trusted_proxies.0",
            json!({"extensions": {"trusted_proxies": ["proxy"]}}),
            "10.0.0.0/8",
        ),
        (
            "hashers.argon2.memory",
            json!({"hashers": {"argon2": {"memory": "99EB"}}}),
            "16EB",
        ),
        (
            "session.lifespan",
            json!({"session": {"lifespan": "99999999999h"}}),
            "292 years",
        ),
    ];
    for (key, patch, word) in cases {
        let found = complaints(|c| merge(c, patch));
        assert_eq!(found.len(), 1, "{key}: {found:?}");
        assert!(
            found[0].starts_with(key) && found[0].contains(word),
            "{key}: {found:?}"
        );
    }
}

fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over,
    }
}

/// The secret is in the file, in a variable, and in a place where it does not belong.
#[test]
fn secrets_are_never_shown() {
    let mut values = good();
    merge(
        &mut values,
        json!({
            "dsn": ["hunter2"],
            "courier": {"smtp": {"connection_uri": "hunter2"}},
            "oauth2_provider": {"headers": {"Authorization": 1}},
            "serve": {"public": {"tls": {"key": {"base64": {"hunter2": 1}}}}},
        }),
    );
    let variables = [("SECRETS_CIPHER", "hunter2"), ("SECRETS_COOKIE", "hunter2")];
    let found = load_as("kratos.json", &values.to_string(), &variables)
        .unwrap_err()
        .join("\n");
    assert!(!found.contains("hunter2"), "{found}");
    assert!(
        found.contains("environment variable SECRETS_CIPHER: secrets.cipher.0: "),
        "{found}"
    );
    let loaded = load_as(
        "kratos.json",
        &good().to_string(),
        &[("OAUTH2_PROVIDER_HEADERS", "{\"a\":\"hunter2\"}")],
    );
    let shown = format!(
        "{:?} {:?}",
        loaded.unwrap(),
        source(&[], &[("SECRETS_COOKIE", "hunter2")])
    );
    assert!(
        !shown.contains("hunter2") && !shown.contains("sixteen characters"),
        "{shown}"
    );
}

#[test]
fn later_sources_win() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let first = write("1.json", &good().to_string());
    let second = write(
        "2.toml",
        "[selfservice]\nallowed_return_urls = [\"https://b/\"]\n[session]\nlifespan = \"2h\"\n[cookies]\npath = \"/b\"\n",
    );
    write("ignored.txt", "nonsense");
    let config = |files: &[&Path], variables: &[(&str, &str)]| {
        source(files, variables).load().unwrap().config
    };
    let both = config(&[&first, &second], &[("COOKIES_PATH", "/c")]);
    assert_eq!(both.session.lifespan, time::Duration::hours(2));
    assert_eq!(both.selfservice.allowed_return_urls, ["https://b/"]);
    assert_eq!(both.cookies.path, "/c");
    assert_eq!(
        both.selfservice.flows.login.lifespan,
        time::Duration::hours(1)
    );
    let whole_folder = config(&[folder.path()], &[]);
    assert_eq!(whole_folder.cookies.path, "/b");
    let by_comma = PathBuf::from(format!("{},{}", first.display(), second.display()));
    assert_eq!(config(&[&by_comma], &[]).cookies.path, "/b");
    assert_ne!(whole_folder.revision(), both.revision());
    assert_eq!(both.revision().len(), 64);
    let unknown = source(&[&folder.path().join("ignored.txt")], &[])
        .load()
        .unwrap_err();
    assert!(
        unknown[0]
            .to_string()
            .contains(".yaml, .yml, .json or .toml"),
        "{unknown:?}"
    );
}

/// A flag counts even if nobody typed it: so `dev: true` in a file does nothing, and that is said.
#[test]
fn flags_hide_files_and_variables_hide_flags() {
    let load = |given: bool, variables: &[(&str, &str)]| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("k.json");
        let mut values = good();
        values["dev"] = json!(true);
        std::fs::write(&file, values.to_string()).unwrap();
        source(&[&file], variables)
            .flag("dev", given, given)
            .load()
            .unwrap()
    };
    let silent = load(false, &[]);
    assert!(!silent.config.dev);
    let said: Vec<_> = silent.warnings.iter().map(ToString::to_string).collect();
    assert!(
        said[0].ends_with(
            "dev: has no effect in a file; use the flag --dev or the environment variable DEV"
        ),
        "{said:?}"
    );
    assert!(load(true, &[]).config.dev);
    assert!(load(false, &[("DEV", "true")]).config.dev);
}

#[test]
fn the_environment_alone_is_enough() {
    let variables = [
        ("DSN", "memory"),
        ("IDENTITY_SCHEMAS_0_ID", "default"),
        ("IDENTITY_SCHEMAS_0_URL", "base64://e30="),
        ("SELFSERVICE_DEFAULT_BROWSER_RETURN_URL", "/welcome"),
    ];
    let loaded = source(&[], &variables).load().unwrap();
    assert_eq!(
        loaded.config.identity.default_schema().unwrap().url,
        "base64://e30="
    );
    assert_eq!(
        loaded.config.secrets_cookie().len(),
        1,
        "a secret of this process stands in"
    );
    assert!(source(&[], &variables).is_configured());
    assert!(!source(&[], &[("HOME", "/root"), ("PATH", "/bin")]).is_configured());
    let wrong = source(&[], &[("SELFSERVICE_FLOWS_LOGIN_LIFESPAN", "soon")])
        .load()
        .unwrap_err();
    let wrong: Vec<_> = wrong.iter().map(ToString::to_string).collect();
    assert!(
        wrong[0].starts_with("environment variable SELFSERVICE_FLOWS_LOGIN_LIFESPAN: "),
        "{wrong:?}"
    );
}

#[test]
fn what_does_nothing_is_said() {
    let loaded = load(|c| {
        merge(
            c,
            json!({
                "selfservice": {
                    "allowed_return_urls": ["https://*.com/", "https://*.example.org/", "www.example.org"],
                    "flows": {"login": {"after": {
                        "hooks": [{"hook": "revoke_active_sessions"}],
                        "password": {"hooks": [
                            {"hook": "web_hook", "config": {"url": "https://x/", "method": "POST", "body": "x.jsonnet"}},
                        ]},
                    }}},
                    "methods": {
                        "code": {"enbled": false}, "link": {"config": {"base_url": "https://x/"}},
                        "password": {"config": {"migrate_hook": {"enabled": true}}},
                    },
                },
                "hashers": {"bcrypt": {"cost": 4}},
                "session": {"whoami": {"tokenizer": {"templates": {"t": {"jwks_url": "file://x"}}}}},
                "courier": {"channels": [{"id": "sms", "type": "http", "request_config": {"url": "https://x/"}}]},
            }),
        );
    });
    let warnings = loaded.unwrap().warnings;
    let keys: Vec<_> = warnings
        .iter()
        .map(|warning| warning.key.as_str())
        .collect();
    let expected = [
        "selfservice.methods.link.config.base_url",
        "selfservice.methods.code.enbled",
        "selfservice.flows.login.after.password.hooks.0",
        "selfservice.flows.login.after.password.hooks.0.config.body",
        "selfservice.flows.login.after.password.hooks",
        "hashers.bcrypt.cost",
        "selfservice.allowed_return_urls.0",
        "selfservice.allowed_return_urls.2",
        "session.whoami.tokenizer.templates.t",
        "selfservice.methods.password.config.migrate_hook.config",
        "courier.channels.0.request_config",
        "courier.channels.0.request_config",
        "session.whoami.tokenizer.templates",
    ];
    assert_eq!(keys, expected);
    assert!(load(|_| ()).unwrap().warnings.is_empty());
}

/// Keys of the warnings about messages.
fn about_messages(patch: impl FnOnce(&mut Value)) -> Vec<String> {
    let loaded = load(patch).unwrap();
    let lines = loaded.warnings.iter().map(ToString::to_string);
    lines
        .map(|line| line.split_once(": ").unwrap().1.to_owned())
        .collect()
}

#[test]
fn messages_that_cannot_go_out_are_warned_of() {
    let request = json!({"method": "POST", "body": "file://x"});
    let told = about_messages(|c| {
        c["courier"] = json!({
            "delivery_strategy": "http", "http": {"request_config": {}}, "message_retries": -1,
            "worker": {"pull_count": 0},
            "channels": [
                {"id": "sms", "type": "http", "request_config": request},
                {"id": "sms", "type": "http", "request_config": {"url": "https://x/", "method": "POST", "body": "file://x"}},
            ],
        });
        c["selfservice"]["methods"] =
            json!({"link": {"enabled": false}, "code": {"enabled": false}});
        c["selfservice"]["flows"] = json!({
            "recovery": {"enabled": true, "use": "link"}, "verification": {"enabled": true, "use": "code"},
        });
    });
    let expected = [
        "courier.channels.0.request_config: has no url: every",
        "courier.channels.1.id: another channel has this id",
        "courier.http.request_config: has no url: every mail fails",
        "courier.worker.pull_count: 0 counts as 0: no message",
        "courier.message_retries: is negative",
        "selfservice.flows.recovery.use: is link, which is not enabled",
        "selfservice.flows.verification.use: is code, which is not enabled",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}");
    }
    // What is off needs no method.
    let told = about_messages(|c| {
        c["selfservice"]["methods"] = json!({"link": {"enabled": false}});
        c["selfservice"]["flows"] = json!({"recovery": {"enabled": false, "use": "link"}});
    });
    assert_eq!(told, Vec::<String>::new());
}

#[test]
fn slips_in_the_address_of_a_mail_server_are_told() {
    let with = |uri: &str| json!({"smtp": {"connection_uri": uri}});
    let told = about_messages(|c| {
        c["courier"] = with("smtp://u:secret@h:25/?skip_ssl_verfy=true&disable_starttls=maybe");
    });
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].ends_with("did you mean `skip_ssl_verify`?"),
        "{told:?}"
    );
    assert!(told[1].contains("disable_starttls is neither true nor false"));
    assert!(!told.concat().contains("secret"));
    let refused = complaints(|c| c["courier"] = with("smtp://u:sec%zzret@h:25/"));
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].contains("courier.smtp.connection_uri: has a %"));
    assert!(!refused[0].contains("sec%zzret"));
}

#[test]
fn half_of_a_client_certificate_is_refused() {
    for (key, missing) in [
        ("client_cert_path", "client_key_path"),
        ("client_key_path", "client_cert_path"),
    ] {
        let refused = complaints(|c| c["courier"] = json!({"smtp": {key: "x.pem"}}));
        let text = format!(
            "courier.smtp.{key}: a certificate and its key come together: {missing} is missing"
        );
        assert_eq!(refused, [text]);
    }
}

#[test]
fn more_than_one_delivery_at_a_time_is_within_bounds() {
    let with = |count: u32| json!({"courier": {"parallel_deliveries": count}});
    for count in [1, 64] {
        let loaded = load(|c| c["extensions"] = with(count)).unwrap();
        let read = loaded.config.extensions.courier.parallel_deliveries;
        assert_eq!(u32::from(read), count);
    }
    for count in [0, 65, 300] {
        assert_eq!(complaints(|c| c["extensions"] = with(count)).len(), 1);
    }
}

/// What migrate, cleanup and hashers need is read even from what serve refuses.
#[test]
fn commands_for_the_database_need_no_more_than_it() {
    let config = source(&[], &[("DSN", "memory")]).load_unchecked().unwrap();
    assert_eq!(config.dsn.expose(), "memory");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("k.yml");
    std::fs::write(
        &file,
        "dsn: memory\nserve: nonsense\nhashers: {argon2: {memory: 64MB}}\n",
    )
    .unwrap();
    let config = source(&[&file], &[]).load_unchecked().unwrap();
    assert_eq!(config.hashers.argon2.memory, 64 << 20);
    assert_eq!(config.serve.public.port, 4433);
}

#[test]
fn the_quickstart_loads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/quickstart");
    let (file, more) = (folder.join("kratos.yml"), folder.join("extensions.yml"));
    let environment = [
        ("DSN", "memory"),
        ("SECRETS_COOKIE", r#"["a-secret-for-cookies"]"#),
        ("SECRETS_CIPHER", r#"["a-secret-of-thirty-two-character"]"#),
    ];
    let with = |dev: bool| {
        source(&[&file, &more], &environment)
            .flag("dev", dev, dev)
            .load()
    };
    let loaded = with(true).unwrap();
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.config.extensions.hashing.memory, Some(512 << 20));
    // Its address begins with http: in earnest, browsers would lose their cookies. And mails need somebody to take them.
    let warnings = with(false).unwrap().warnings;
    let keys: Vec<_> = warnings
        .iter()
        .map(|warning| warning.key.as_str())
        .collect();
    assert_eq!(
        keys,
        ["serve.public.base_url", "courier.smtp.connection_uri"]
    );
}

/// What another release means by its keys is not known.
#[test]
fn the_release_of_a_file_is_looked_at() {
    let warned = |version: Option<&str>| {
        let loaded = load(|c| match version {
            Some(version) => c["version"] = json!(version),
            None => drop(c.as_object_mut().unwrap().remove("version")),
        });
        let warnings = loaded.unwrap().warnings;
        warnings.iter().any(|warning| warning.key == "version")
    };
    assert!(!warned(Some("v26.2.0")) && !warned(Some("26.2.0")));
    assert!(warned(Some("v1.3.1")) && warned(None));
}

/// What lies beside the project or further up, if it is there.
fn shared(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = root
        .ancestors()
        .map(|a| a.join("shared").join(name))
        .find(|p| p.is_dir());
    if found.is_none() {
        println!("skipped: shared/{name} is not there");
    }
    found
}

/// Configurations that people really run: each gets the verdict that the reference gave it, for the same keys.
#[test]
fn real_configurations_get_the_verdict_of_the_reference() {
    let Some(folder) = shared("real-configs") else {
        return;
    };
    let index = std::fs::read_to_string(folder.join("index.json")).unwrap();
    let index: Value = serde_json::from_str(&index).unwrap();
    let mut seen = 0;
    let mut wrong = Vec::new();
    for repository in index["third_party"].as_array().unwrap() {
        let within = folder.join(repository["dir"].as_str().unwrap());
        for (name, verdict) in repository["verdicts"].as_object().into_iter().flatten() {
            seen += 1;
            // A verdict is about all keys but this one: whether the database can be opened comes later.
            let given = source(&[&within.join(name)], &[("DSN", "memory")]).load();
            let place = format!("{}/{name}", within.display());
            match (verdict[0].as_str().unwrap(), given) {
                ("accepted", Ok(_)) => {}
                ("accepted", Err(findings)) => {
                    let lines: Vec<_> = findings.iter().map(ToString::to_string).collect();
                    wrong.push(format!("{place} should load:\n  {}", lines.join("\n  ")));
                }
                (_, Ok(_)) => wrong.push(format!("{place} should be refused")),
                ("rejected", Err(findings)) => {
                    let keys: Vec<_> = findings
                        .iter()
                        .map(|finding| finding.key.as_str())
                        .collect();
                    for reason in verdict[1].as_array().unwrap() {
                        let key = key_at_fault(reason.as_str().unwrap());
                        if let Some(key) = key
                            && !keys.iter().any(|found| found.starts_with(&key))
                        {
                            wrong.push(format!("{place}: {key} is not among {keys:?}"));
                        }
                    }
                }
                (_, Err(_)) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 40, "only {seen} verdicts");
}

/// Of `a/b: Additional properties are not allowed ('c' was unexpected)` the key `a.b.c`. `None` where the other
/// validator is stricter about addresses than the reference is.
fn key_at_fault(reason: &str) -> Option<String> {
    let (path, words) = reason.split_once(": ").unwrap_or((reason, ""));
    if words.contains("is not a 'uri-reference'") {
        return None;
    }
    let mut key = path.replace('/', ".");
    let names_a_key = words.contains("was unexpected") || words.contains("is a required property");
    if let Some(name) = words.split('\'').nth(1).filter(|_| names_a_key) {
        if !key.is_empty() {
            key.push('.');
        }
        key.push_str(name);
    }
    Some(key)
}

#[test]
fn the_default_schema_has_to_be_one_of_the_schemas() {
    let found = complaints(|c| c["identity"]["default_schema_id"] = "defualt".into());
    assert_eq!(
        found,
        ["identity.default_schema_id: `defualt` is none of default; did you mean `default`?"]
    );
}

#[test]
fn cookies_hold_only_what_a_cookie_can() {
    let found = complaints(|c| {
        c["session"] = json!({"cookie": {"name": "a b;c", "path": "/;x", "domain": "ok.example"}});
        c["cookies"] = json!({"domain": "a;b"});
    });
    let keys: Vec<_> = found
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(key, _)| key)
        .collect();
    assert_eq!(
        keys,
        [
            "session.cookie.name",
            "cookies.domain",
            "session.cookie.path"
        ]
    );
}

#[test]
fn flags_that_are_no_map_count_as_none() {
    for odd in [json!("foo"), json!(["x"]), json!([true]), json!(1)] {
        let loaded = load(|c| c["feature_flags"] = odd.clone());
        assert!(
            !loaded.unwrap().config.feature_flags.cacheable_sessions,
            "{odd}"
        );
    }
}

#[test]
fn variables_that_are_misread_or_misspelt_are_told_as_they_were_written() {
    let text = good().to_string();
    let refused =
        |name: &str, value: &str| load_as("kratos.json", &text, &[(name, value)]).unwrap_err();
    for (name, value, words) in [
        ("SERVE_PUBLIC_PORT", "abc", "no whole number"),
        ("SECRETS_COOKIE", "1234567890123456", "no list"),
        (
            "SELFSERVICE_ALLOWED_RETURN_URLS",
            "[\"http://c/\",",
            "no list",
        ),
        (
            "SELFSERVICE_METHODS_PASSWORD",
            "{\"enabled\": false",
            "no object",
        ),
    ] {
        let found = refused(name, value);
        assert!(
            found.iter().any(|line| line.contains(words)),
            "{name}: {found:?}"
        );
    }
    let loaded = load_as(
        "kratos.json",
        &text,
        &[
            ("SELFSERVICE_FLOWS_LOGIN_UI_ULR", "/in"),
            ("SESSION_MANAGER", "x"),
        ],
    );
    let warnings: Vec<_> = loaded
        .unwrap()
        .warnings
        .iter()
        .map(ToString::to_string)
        .collect();
    let about: Vec<_> = warnings.iter().filter(|w| w.contains("variable")).collect();
    assert_eq!(
        about,
        [
            "environment variable SELFSERVICE_FLOWS_LOGIN_UI_ULR: no key is called so, and the variable has no effect; did you \
          mean SELFSERVICE_FLOWS_LOGIN_UI_URL?"
        ]
    );
}

#[test]
fn folders_are_looked_through_with_care() {
    let folder = tempfile::tempdir().unwrap();
    let found = |folder: &Path| {
        let lines = source(&[folder], &[]).load().unwrap_err();
        lines
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert!(
        found(folder.path()).contains("holds no file"),
        "{}",
        found(folder.path())
    );
    std::fs::write(folder.path().join("kratos.json"), good().to_string()).unwrap();
    let schema = json!({"$id": "x", "type": "object", "properties": {}});
    std::fs::write(folder.path().join("person.json"), schema.to_string()).unwrap();
    assert!(
        found(folder.path()).contains("person.json:1:1: this is a JSON schema"),
        "{}",
        found(folder.path())
    );
}
