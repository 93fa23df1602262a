use super::*;
use std::path::Path;

fn parse(text: &str) -> Dsn {
    Dsn::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn sqlite(text: &str) -> Sqlite {
    match parse(text).target {
        Target::Sqlite(sqlite) => sqlite,
        other => panic!("{text} is {other:?}"),
    }
}

fn mysql(text: &str) -> MySql {
    match parse(text).target {
        Target::MySql(mysql) => mysql,
        other => panic!("{text} is {other:?}"),
    }
}

#[test]
fn sqlite_addresses_are_paths() {
    for (text, path) in [
        ("sqlite:///var/lib/k.sqlite?_fk=true", "/var/lib/k.sqlite"),
        ("sqlite://./db.sqlite", "./db.sqlite"),
        (
            "sqlite://file:/a%20b/c+d.sqlite?mode=rwc",
            "/a b/c+d.sqlite",
        ),
    ] {
        assert_eq!(
            sqlite(text).path.as_deref(),
            Some(Path::new(path)),
            "{text}"
        );
    }
    for text in [
        "memory",
        "sqlite://:memory:",
        "sqlite://file::memory:?cache=shared",
        "sqlite://x?mode=memory",
    ] {
        assert!(parse(text).is_memory(), "{text}");
    }
}

#[test]
fn sqlite_pragmas_come_in_both_spellings() {
    let one = sqlite("sqlite:///x?_busy_timeout=1501&_journal_mode=DELETE");
    let other = sqlite("sqlite:///x?_pragma=busy_timeout(1501)&_pragma=journal_mode(delete)");
    assert_eq!(one, other);
    assert_eq!(one.busy_timeout, Duration::from_millis(1501));
    assert_eq!(one.journal.as_deref(), Some("delete"));
}

#[test]
fn pool_parameters_do_not_reach_the_driver() {
    let dsn = parse(
        "postgres://ann:s3cr%40t@db:5432/k?sslmode=disable&max_conns=20&max_idle_conns=4&max_conn_lifetime=1h30m&search_path=x",
    );
    assert_eq!(
        dsn.pool,
        Pool {
            max: 20,
            max_idle: 4,
            max_lifetime: Some(Duration::from_mins(90)),
            max_idle_time: None
        }
    );
    let Target::Postgres(postgres) = &dsn.target else {
        panic!("{dsn}")
    };
    assert_eq!(
        postgres.url.expose(),
        "postgres://ann:s3cr%40t@db:5432/k?sslmode=disable"
    );
    assert_eq!(
        postgres.runtime,
        [("search_path".to_owned(), "x".to_owned())]
    );
    assert_eq!(dsn.to_string(), "postgres://ann:xxxxx@db:5432/k");
    assert!(!format!("{dsn:?}").contains("s3cr"));
}

#[test]
fn mysql_passwords_are_taken_as_they_are() {
    let dsn = mysql("mysql://root:p@s/s:%40@tcp(db.internal:3307)/kratos?parseTime=true");
    assert_eq!(dsn.user, "root");
    assert_eq!(dsn.password.expose(), "p@s/s:%40");
    assert_eq!(
        dsn.place,
        Place::Tcp {
            host: "db.internal".into(),
            port: 3307
        }
    );
    assert_eq!(dsn.database, "kratos");
    assert_eq!(
        dsn.to_string(),
        "mysql://root:xxxxx@tcp(db.internal:3307)/kratos"
    );
    assert_eq!(
        mysql("mysql://u:p@unix(/run/m.sock)/k").place,
        Place::Socket("/run/m.sock".into())
    );
    assert_eq!(
        mysql("mysql://u:p@localhost/k").place,
        Place::Tcp {
            host: "localhost".into(),
            port: 3306
        }
    );
}

#[test]
fn what_is_no_address_is_refused_without_repeating_it() {
    for text in [
        "",
        "postgres",
        "oracle://u:hunter2@h/d",
        "mysql://u:hunter2@h",
        "mysql://u:hunter2@tcp(h:x)/d",
    ] {
        let error = Dsn::parse(text).expect_err(text).to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn cockroach_is_told_from_postgres() {
    for text in ["cockroach://root@h:26257/d", "crdb://root@h/d"] {
        match parse(text).target {
            Target::Postgres(p) => assert!(p.cockroach),
            other => panic!("{other:?}"),
        }
    }
}
