//! The command line as a person or a script uses it.
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_kratos");

/// Runs the program with nothing in its environment, in a folder of its own.
fn kratos(arguments: &[&str]) -> Output {
    kratos_in(tempfile::tempdir().unwrap().path(), arguments)
}

pub(crate) fn kratos_in(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command
        .args(arguments)
        .env_clear()
        .current_dir(folder)
        .output()
        .unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn help_goes_to_stdout_and_is_a_success() {
    for arguments in [
        &[][..],
        &["help"],
        &["--help"],
        &["-h"],
        &["version", "--help"],
        &["help", "version"],
        &["serve", "--help"],
        &["migrate"],
        &["migrate", "sql", "status", "--help"],
        &["-c", "kratos.yml", "serve", "--help"],
        &["hashers", "argon2", "--help"],
    ] {
        let output = kratos(arguments);
        assert!(output.status.success(), "{arguments:?}");
        assert!(
            text(&output.stdout).contains("Usage: kratos"),
            "{arguments:?}"
        );
        assert_eq!(text(&output.stderr), "", "{arguments:?}");
    }
}

#[test]
fn mistakes_go_to_stderr_and_exit_with_1() {
    for arguments in [
        &["nonsense"][..],
        &["version", "--nonsense"],
        &["--nonsense"],
        &["serve", "--nonsense"],
        &["migrate", "sql", "down", "--steps", "many"],
        &["migrate", "sql", "up", "oracle://somewhere"],
    ] {
        let output = kratos(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn the_version_is_told_on_stdout() {
    for word in ["version", "--version", "-V"] {
        let output = kratos(&[word]);
        assert!(output.status.success(), "{word}");
        assert!(text(&output.stdout).starts_with("Version:\t\t\t"));
        assert!(output.stderr.is_empty());
    }
}

#[test]
fn a_database_is_migrated_once_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let dsn = format!("sqlite://{}", folder.path().join("db.sqlite").display());
    let run = |arguments: &[&str]| {
        let output = kratos_in(folder.path(), arguments);
        (output.status.code(), text(&output.stdout))
    };
    let (code, out) = run(&["migrate", "sql", "up", "--yes"]);
    assert!(
        code == Some(1) && out.contains("Usage: kratos migrate sql up"),
        "{out}"
    );
    let (code, out) = run(&["migrate", "sql", "up", &dsn]);
    assert!(code == Some(1) && out.contains("[y/n]"), "{out}");
    for _ in 0..2 {
        let (code, out) = run(&["migrate", "sql", "up", &dsn, "--yes"]);
        assert!(code == Some(0) && out.contains("SUCCESS"), "{out}");
    }
    let (code, out) = run(&["migrate", "sql", "status", &dsn]);
    assert!(code == Some(0) && !out.contains("Pending"), "{out}");
    assert_eq!(run(&["migrate", "sql", "down", &dsn, "--yes"]).0, Some(1));
    assert_eq!(
        run(&["migrate", "sql", "down", &dsn, "--yes", "--steps", "1"]).0,
        Some(0)
    );
    assert!(
        run(&["migrate", "sql", "status", &dsn])
            .1
            .contains("Pending")
    );
    let cleanup = [
        "cleanup",
        "sql",
        &dsn,
        "--database.cleanup.sleep.tables",
        "0s",
    ];
    assert_eq!(
        run(&cleanup).0,
        Some(1),
        "a database that lacks something was cleaned"
    );
    assert_eq!(run(&["migrate", "sql", &dsn, "--yes"]).0, Some(0));
    assert_eq!(run(&cleanup), (Some(0), String::new()));
}

/// Every finding at once, each with its place; nothing is started.
#[test]
fn a_configuration_that_cannot_be_used_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kratos.yml");
    std::fs::write(
        &file,
        "dsn: memory\nserve:\n  public:\n    port: many\nnonsense: 1\n",
    )
    .unwrap();
    let output = kratos_in(folder.path(), &["serve", "-c", "kratos.yml"]);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    for place in [
        "kratos.yml:4:",
        "serve.public.port",
        "nonsense",
        "selfservice",
    ] {
        assert!(errors.contains(place), "{place} is missing in {errors}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn identity_schemas_that_cannot_be_used_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let fields = |field: Value| {
        let traits = json!({ "type": "object", "properties": { "email": field } });
        json!({ "type": "object", "properties": { "traits": traits } }).to_string()
    };
    let refused = [
        ("", "there is no such file"),
        ("nonsense", "is no JSON"),
        ("{}", "#/properties is missing"),
        (&*fields(json!({ "type": "strng" })), "strng"),
        (&*fields(json!({ "type": "string", "pattern": "(" })), "("),
    ];
    for (content, reason) in refused {
        let schema = folder.path().join("person.json");
        let _ = std::fs::remove_file(&schema);
        if !content.is_empty() {
            std::fs::write(&schema, content).unwrap();
        }
        let mut values = configuration();
        values["identity"]["schemas"][0]["url"] = "file://person.json".into();
        let file = folder.path().join("kratos.json");
        std::fs::write(&file, serde_json::to_string_pretty(&values).unwrap()).unwrap();
        let output = kratos_in(folder.path(), &["serve", "-c", "kratos.json"]);
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{content}: {errors}");
        let finding = errors
            .lines()
            .find(|line| line.contains("identity.schemas.0.url: "));
        let finding = finding.unwrap_or_default();
        assert!(finding.starts_with("kratos.json:"), "{errors}");
        assert!(finding.contains(reason), "{content}: {finding}");
    }
}

#[test]
fn gateways_and_hooks_that_cannot_be_used_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("sms.jsonnet"),
        "function(ctx) {\n  to: ctx.recipient,\n  text: nobody,\n}",
    )
    .unwrap();
    let broken = data_encoding::BASE64.encode(b"function(ctx) {");
    let mut values = configuration();
    values["courier"] = json!({
        "delivery_strategy": "http",
        "http": { "request_config": {
            "url": "http://127.0.0.1:9/", "body": format!("base64://{broken}"), "method": "PO ST",
        } },
        "channels": [{ "id": "sms", "type": "http", "request_config": {
            "url": "http://127.0.0.1:9/", "method": "POST", "body": "file://sms.jsonnet",
            "headers": { "Content-Type": "text/xml" },
        } }],
    });
    values["selfservice"]["methods"]["password"]["config"]["migrate_hook"] = json!({
        "enabled": true,
        "config": { "url": "http://127.0.0.1:9/", "body": format!("base64://{broken}") },
    });
    let file = folder.path().join("kratos.json");
    std::fs::write(&file, serde_json::to_string_pretty(&values).unwrap()).unwrap();
    let output = kratos_in(folder.path(), &["serve", "-c", "kratos.json"]);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    for (key, reason) in [
        ("courier.http.request_config.method", "the method"),
        (
            "courier.http.request_config.body",
            "line 1, column 16: the Jsonnet ends",
        ),
        (
            "courier.channels.0.request_config.headers",
            "the content type",
        ),
        (
            "courier.channels.0.request_config.body",
            "line 3, column 9: there is no variable `nobody`",
        ),
        (
            "selfservice.methods.password.config.migrate_hook.config.body",
            "line 1, column 16: the Jsonnet ends",
        ),
    ] {
        let finding = errors
            .lines()
            .find(|line| line.contains(&format!("{key}: ")));
        let finding = finding.unwrap_or_default();
        assert!(finding.starts_with("kratos.json:"), "{key}: {errors}");
        assert!(finding.contains(reason), "{finding}");
    }
}

#[test]
fn templates_that_cannot_be_used_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own/recovery/valid");
    std::fs::create_dir_all(&own).unwrap();
    std::fs::write(own.join("email.body.gotmpl"), "<p>\n{{ env \"HOME\" }}").unwrap();
    std::fs::write(folder.path().join("subject"), "\n\n{{ if }}").unwrap();
    let mut values = configuration();
    values["courier"]["template_override_path"] = "own".into();
    let valid = json!({ "email": {
        "subject": "file://subject",
        "body": { "plaintext": "file://nowhere", "html": "http://127.0.0.1:9/away" },
    } });
    values["courier"]["templates"] = json!({ "login_code": { "valid": valid } });
    let file = folder.path().join("kratos.json");
    std::fs::write(&file, serde_json::to_string_pretty(&values).unwrap()).unwrap();
    let output = kratos_in(folder.path(), &["serve", "-c", "kratos.json"]);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    let about = |key: &str| {
        let mut lines = errors.lines();
        let line = lines.find(|line| line.starts_with("kratos.json:") && line.contains(key));
        line.unwrap_or_default().to_owned()
    };
    let of_folder = about("courier.template_override_path: ");
    let place = "own/recovery/valid/email.body.gotmpl:2: there is no function `env`";
    assert!(of_folder.ends_with(place), "{errors}");
    assert!(
        about("courier.templates.login_code.valid.email.subject: ").contains("line 3: "),
        "{errors}"
    );
    let plaintext = about("courier.templates.login_code.valid.email.body.plaintext: ");
    assert!(
        plaintext.ends_with("there is no such file or page"),
        "{errors}"
    );
    // What is only away may be back when it is needed.
    assert!(about("email.body.html: ").is_empty(), "{errors}");
}

/// What is no file, and what is no address.
#[test]
fn what_messages_need_is_looked_at_before() {
    let folder = tempfile::tempdir().unwrap();
    for pipe in ["pipe", "own/recovery/valid/email.subject.gotmpl"] {
        let path = folder.path().join(pipe);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let made = Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
    }
    std::fs::write(folder.path().join("open.html"), "<a href=\"{{ .To }}").unwrap();
    let import = data_encoding::BASE64.encode(b"function(ctx)\n { a: importstr '/etc/passwd' }");
    let mut values = configuration();
    values["courier"] = json!({
        "template_override_path": "own",
        "templates": { "login_code": { "valid": { "email": {
            "subject": "file://pipe", "body": { "html": "file://open.html" },
        } } } },
        "smtp": { "client_cert_path": "/nowhere.pem", "client_key_path": "/nowhere.pem" },
        "channels": [
            { "id": "sms", "type": "http", "request_config": {
                "url": "http://x y/", "method": "POST", "body": format!("base64://{import}"),
            } },
        ],
    });
    let file = folder.path().join("kratos.json");
    std::fs::write(&file, serde_json::to_string_pretty(&values).unwrap()).unwrap();
    let output = kratos_in(folder.path(), &["serve", "-c", "kratos.json"]);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    for (key, reason) in [
        (
            "courier.templates.login_code.valid.email.subject",
            "no regular file",
        ),
        (
            "courier.templates.login_code.valid.email.body.html",
            "the HTML ends within",
        ),
        ("courier.template_override_path", "no regular file"),
        ("courier.smtp.client_cert_path", "cannot be read"),
        ("courier.channels.0.request_config.url", "no address"),
        (
            "courier.channels.0.request_config.body",
            "line 2, column 7: nothing can be imported here",
        ),
    ] {
        let mut lines = errors.lines();
        let finding = lines.find(|line| line.contains(&format!("{key}: ")));
        let finding = finding.unwrap_or_default();
        assert!(finding.contains(reason), "{key}: {errors}");
        assert!(!finding.contains("line 0"), "{finding}");
    }
    // The schema's words for a value that is no address at all.
    values["courier"]["channels"][0]["request_config"]["url"] = "ht!tp://x y/".into();
    std::fs::write(&file, serde_json::to_string_pretty(&values).unwrap()).unwrap();
    let output = kratos_in(folder.path(), &["serve", "-c", "kratos.json"]);
    let errors = text(&output.stderr);
    assert!(
        errors.contains("begins with http:// or https://"),
        "{errors}"
    );
}

/// A server that runs until it is dropped.
struct Server {
    process: Child,
    folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    /// On sockets in its folder: no test takes a port from another.
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("kratos.json"),
            configuration().to_string(),
        )
        .unwrap();
        let mut command = Command::new(PROGRAM);
        command
            .args(["serve", "-c", "kratos.json"])
            .env_clear()
            .current_dir(folder.path());
        Self::spawn(command, folder)
    }

    fn spawn(mut command: Command, folder: tempfile::TempDir) -> Self {
        // Not a pipe that nobody empties: the log would fill it, and the server wait.
        let log = std::fs::File::create(folder.path().join("server.log")).unwrap();
        let process = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let mut server = Self { process, folder };
        let began = Instant::now();
        while !server.public().exists() || !server.admin().exists() {
            if let Some(status) = server.process.try_wait().unwrap() {
                let log = server.folder.path().join("server.log");
                let errors = std::fs::read_to_string(log).unwrap();
                panic!("{status}: {errors}");
            }
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "it does not come up"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    fn public(&self) -> PathBuf {
        self.folder.path().join("public.sock")
    }
    fn admin(&self) -> PathBuf {
        self.folder.path().join("admin.sock")
    }

    fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        assert!(
            Command::new("kill")
                .args([&format!("-{name}"), &id])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits for the end.
    fn end(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "it still runs");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn configuration() -> Value {
    let schema = json!({ "type": "object", "properties": { "traits": {
        "type": "object", "properties": { "email": { "type": "string" } },
    } } });
    let schema = data_encoding::BASE64.encode(schema.to_string().as_bytes());
    json!({
        "dsn": "memory",
        "serve": {
            "public": { "host": "unix:public.sock", "base_url": "http://public.example/", "socket": { "mode": 0o600 } },
            "admin": { "host": "unix:admin.sock", "base_url": "http://admin.example/" },
        },
        "identity": { "schemas": [{ "id": "default", "url": format!("base64://{schema}") }] },
        "selfservice": { "default_browser_return_url": "http://ui.example/" },
    })
}

/// One request over a socket file.
fn ask(socket: &Path, path: &str) -> String {
    use std::io::Write;
    let mut stream = std::os::unix::net::UnixStream::connect(socket).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn both_signals_end_the_server_gently() {
    for signal in ["TERM", "INT"] {
        let mut server = Server::start();
        assert!(ask(&server.public(), "/health/ready").ends_with("{\"status\":\"ok\"}\n"));
        assert!(ask(&server.admin(), "/version").contains("\"version\""));
        let mode = std::fs::metadata(server.public())
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        server.signal(signal);
        assert_eq!(server.end().code(), Some(0), "{signal}");
        assert!(!server.public().exists());
    }
}

/// A changed file counts at once; one that cannot be used changes nothing.
#[test]
fn a_changed_configuration_is_taken_while_running() {
    let server = Server::start();
    let file = server.folder.path().join("kratos.json");
    let write = |text: String| {
        let draft = file.with_extension("draft");
        std::fs::write(&draft, text).unwrap();
        std::fs::rename(&draft, &file).unwrap();
    };
    let becomes = |revision: &str| {
        let began = Instant::now();
        while !ask(&server.admin(), "/health/config").ends_with(revision) {
            assert!(
                began.elapsed() < Duration::from_secs(10),
                "{revision} is not taken"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let revised = |revision: &str| {
        let mut configuration = configuration();
        configuration["revision"] = revision.into();
        configuration.to_string()
    };
    write(revised("second"));
    becomes("second");
    let mut without_schema = configuration();
    without_schema["revision"] = "refused".into();
    without_schema["identity"]["schemas"][0]["url"] = "file://missing.json".into();
    for useless in ["{ nonsense".to_owned(), without_schema.to_string()] {
        write(useless);
        std::thread::sleep(Duration::from_millis(700));
        becomes("second");
    }
    write(revised("third"));
    becomes("third");
}

/// The lines work as they are printed, in one shell, one after the other.
#[test]
fn without_a_configuration_the_printed_lines_work() {
    if [4433, 4434]
        .iter()
        .any(|port| std::net::TcpStream::connect(("127.0.0.1", *port)).is_ok())
    {
        println!("skipped: the usual ports are taken");
        return;
    }
    if Command::new("curl").arg("--version").output().is_err() {
        println!("skipped: there is no curl");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut process = Command::new(PROGRAM)
        .arg("serve")
        .env_clear()
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let mut printed = vec![];
    for line in BufReader::new(process.stdout.take().unwrap()).lines() {
        printed.push(line.unwrap());
        if printed.last().is_some_and(|l| l.contains("/logout/api")) {
            break;
        }
    }
    let is_command = |line: &&String| line.starts_with("curl") || line.starts_with("TOKEN=");
    let lines: Vec<_> = printed.iter().filter(is_command).cloned().collect();
    let wait = Command::new("curl")
        .args([
            "-s",
            "--retry",
            "30",
            "--retry-connrefused",
            "--retry-delay",
            "1",
            "http://127.0.0.1:4433/health/ready",
        ])
        .output()
        .unwrap();
    assert!(wait.status.success());
    let shell = Command::new("bash")
        .args(["-c", &lines.join("\n")])
        .output()
        .unwrap();
    let get = |more: &[&str]| {
        let mut curl = Command::new("curl");
        curl.args(["-si", "http://localhost:4433/"]).args(more);
        text(&curl.output().unwrap().stdout)
    };
    let (page, plain) = (get(&["-H", "Accept: text/html"]), get(&[]));
    let form = Command::new("curl")
        .args([
            "-s",
            "-H",
            "Accept: application/json",
            "http://localhost:4433/self-service/login/browser",
        ])
        .output()
        .unwrap();
    process.kill().unwrap();
    process.wait().unwrap();

    assert_eq!(lines.len(), 5, "{lines:#?}");
    let shown = text(&shell.stdout);
    let answers: Vec<_> = shown.lines().rev().take(3).collect();
    let [signed_out, people, who] = answers[..] else {
        panic!("{shown}")
    };
    let json = |text: &str| -> Value {
        serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {shown}"))
    };
    assert_eq!(json(who)["identity"]["traits"]["email"], "ada@example.org");
    assert_eq!(json(people)[0]["traits"]["email"], "ada@example.org");
    assert_eq!(signed_out, "204");
    assert!(page.contains("content-security-policy: default-src 'none'"));
    assert!(page.contains("<h1>It runs</h1>") && !plain.contains("<h1>"));
    assert!(plain.contains("content-type: text/plain"), "{plain}");
    // Pages for people are somebody else's: that is said, with a line that starts some.
    for said in [&printed.join("\n"), &plain, &page] {
        assert!(said.contains("docker run") && said.contains("http://127.0.0.1:4455/"));
    }
    assert_eq!(text(&std::fs::read(log).unwrap()), "", "the log is noisy");
    // Who comes by another name of this machine stays under it.
    let form: Value = serde_json::from_slice(&form.stdout).unwrap();
    assert!(
        form["ui"]["action"]
            .as_str()
            .unwrap()
            .starts_with("http://localhost:4433/"),
        "{form}"
    );
    let secrets = std::fs::metadata(folder.path().join("kratos-secrets.json")).unwrap();
    assert_eq!(secrets.permissions().mode() & 0o777, 0o600);
    for file in ["kratos.sqlite", "kratos.sqlite-wal", "kratos.sqlite-shm"] {
        let rights = std::fs::metadata(folder.path().join(file)).unwrap();
        assert_eq!(rights.permissions().mode() & 0o777, 0o600, "{file}");
    }
}

/// As soon as there is any configuration, nothing is made up.
#[test]
fn one_variable_is_a_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(PROGRAM)
        .arg("serve")
        .env_clear()
        .env("DSN", "memory")
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.starts_with("identity.schemas: is missing"), "{said}");
    assert!(
        said.contains("these variables of the environment are configuration: DSN."),
        "{said}"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// The binary, and what `ldd` names, are all it needs: no shell, no files of the system, no rights.
#[test]
fn the_binary_runs_in_an_empty_root() {
    let is_root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|o| o.stdout == b"0\n");
    if !is_root || Command::new("chroot").arg("--version").output().is_err() {
        println!("skipped: only root can change the root");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::set_permissions(root, std::fs::Permissions::from_mode(0o777)).unwrap();
    let mut needed = vec![PathBuf::from(PROGRAM)];
    let libraries = Command::new("ldd").arg(PROGRAM).output().unwrap();
    let named = text(&libraries.stdout);
    needed.extend(
        named
            .split_whitespace()
            .filter(|word| word.starts_with('/'))
            .map(PathBuf::from),
    );
    for file in &needed {
        let place = if file == Path::new(PROGRAM) {
            root.join("kratos")
        } else {
            root.join(file.strip_prefix("/").unwrap())
        };
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::copy(file, &place).unwrap();
    }
    std::fs::write(root.join("kratos.json"), configuration().to_string()).unwrap();
    let mut command = Command::new("chroot");
    command.arg("--userspec=65534:65534").arg(root).args([
        "/kratos",
        "serve",
        "-c",
        "/kratos.json",
    ]);
    command
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let mut server = Server::spawn(command, folder);
    assert!(ask(&server.public(), "/health/ready").ends_with("{\"status\":\"ok\"}\n"));
    assert!(ask(&server.admin(), "/metrics/prometheus").contains("http_requests_total"));
    server.signal("TERM");
    assert_eq!(server.end().code(), Some(0));
}
