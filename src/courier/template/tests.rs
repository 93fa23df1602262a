use super::value::{Record, of_json, of_map};
use super::*;
use serde::Deserialize;
use serde_json::Value as Json;
use std::path::{Path, PathBuf};
use time::macros::datetime;

const NOW: time::OffsetDateTime = datetime!(2026-07-01 12:00 UTC);
const VECTORS: &str = include_str!("../../../tests/fixtures/templates/vectors.jsonl");
const DATA: &str = include_str!("../../../tests/fixtures/templates/data.json");

#[derive(Deserialize)]
struct Case {
    mode: String,
    #[serde(default)]
    full: bool,
    template: String,
    #[serde(default)]
    files: BTreeMap<String, String>,
    output: Option<String>,
}

fn env() -> Env {
    Env::new(NOW, [7; 32])
}

/// The fields of all kinds of messages at once.
fn data() -> Value {
    data_of(DATA)
}

fn data_of(text: &str) -> Value {
    let json: Json = serde_json::from_str(text).unwrap();
    let mut record = Record::new("{}");
    for (name, key) in [
        ("To", "to"),
        ("RecoveryURL", "recovery_url"),
        ("VerificationURL", "verification_url"),
        ("RecoveryCode", "recovery_code"),
        ("VerificationCode", "verification_code"),
        ("LoginCode", "login_code"),
        ("RegistrationCode", "registration_code"),
        ("RequestURL", "request_url"),
        ("RequestURLDomain", "request_url_domain"),
        ("ChangedAt", "changed_at"),
    ] {
        record.put(name, of_json(&json[key]));
    }
    for (name, key) in [
        ("Identity", "identity"),
        ("Traits", "traits"),
        ("TransientPayload", "transient_payload"),
    ] {
        record.put(name, of_map(&json[key]));
    }
    record.put(
        "ExpiresInMinutes",
        Value::Int(json["expires_in_minutes"].as_i64().unwrap()),
    );
    let given = &json["oauth2_login_request"];
    record.put("OAuth2LoginRequest", super::super::model::oauth2(given));
    record.done()
}

fn run(case: &Case) -> Result<String, String> {
    run_with(case, &data())
}

fn run_with(case: &Case, data: &Value) -> Result<String, String> {
    let mode = if case.mode == "html" {
        Mode::Html
    } else {
        Mode::Text
    };
    let set = if case.full {
        sprig::Set::Full
    } else {
        sprig::Set::Hermetic
    };
    let source = |name: &str, text: &str| Source {
        name: name.to_owned(),
        text: text.into(),
    };
    let mut sources = vec![source("main", &case.template)];
    sources.extend(case.files.iter().map(|(name, text)| source(name, text)));
    let parsed = Parsed::parse("main", &sources, mode, set).map_err(|error| error.to_string())?;
    parsed.run(data, env())
}

#[test]
fn templates_say_what_they_say_in_go() {
    let mut wrong = vec![];
    let cases: Vec<Case> = VECTORS
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for case in &cases {
        let ours = run(case);
        if ours.as_ref().ok() != case.output.as_ref() {
            wrong.push(format!(
                "{} {}\n  Go:   {:?}\n  ours: {ours:?}",
                case.mode, case.template, case.output
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

fn text(template: &str) -> Result<String, String> {
    run(&Case {
        mode: "text".to_owned(),
        full: false,
        template: template.to_owned(),
        files: BTreeMap::new(),
        output: None,
    })
}

#[test]
fn no_template_runs_without_end() {
    for template in [
        "{{ range until 1000000000 }}x{{ end }}",
        "{{ range 1000000000 }}{{ end }}",
        "{{ range 90000 }}{{ repeat 90000 \"x\" }}{{ end }}",
        "{{ repeat 1000000000 \"x\" }}",
        "{{ $x := \"aa\" }}{{ range 100 }}{{ $x = printf \"%s%s\" $x $x }}{{ end }}",
        "{{ $x := \"\\\\\" }}{{ range 100 }}{{ $x = js $x }}{{ end }}",
        "{{ $x := \"&&\" }}{{ range 100 }}{{ $x = print $x $x }}{{ end }}",
        "{{ $x := list 1 }}{{ range 100 }}{{ $x = concat $x $x }}{{ end }}",
        "{{ $x := list 1 }}{{ range 100 }}{{ $x = list $x $x }}{{ end }}{{ $x }}",
        "{{ $x := list 1 }}{{ range 90000 }}{{ $x = list $x }}{{ end }}{{ $x }}",
        "{{ define \"a\" }}{{ template \"a\" . }}{{ end }}{{ template \"a\" . }}",
        "{{ range 1000 }}{{ bcrypt \"x\" }}{{ end }}",
        "{{ range 300 }}{{ range 300 }}{{ range 300 }}{{ end }}{{ end }}{{ end }}",
    ] {
        assert!(text(template).is_err(), "{template}");
    }
    let mut doubling = String::new();
    for n in 0..60 {
        let next = format!("{{{{ template \"t{}\" }}}}", n + 1);
        doubling += &format!("{{{{ define \"t{n}\" }}}}{next}{next}{{{{ end }}}}");
    }
    let all = format!("{doubling}{{{{ define \"t60\" }}}}{{{{ end }}}}{{{{ template \"t0\" }}}}");
    assert!(text(&all).is_err());
}

#[test]
fn mistakes_are_told_with_their_line() {
    let source = |text: &str| {
        vec![Source {
            name: "email.body.gotmpl".to_owned(),
            text: text.into(),
        }]
    };
    let told = |text: &str, mode| {
        Parsed::parse(
            "email.body.gotmpl",
            &source(text),
            mode,
            sprig::Set::Hermetic,
        )
        .err()
        .map(|error| error.to_string())
    };
    let at = |text: &str, mode| told(text, mode).unwrap_or_default();
    assert!(at("a\n{{ if }}", Mode::Text).starts_with("email.body.gotmpl:2: "));
    assert_eq!(
        at("a\n\n{{ env \"HOME\" }}", Mode::Text),
        "email.body.gotmpl:3: there is no function `env`"
    );
    assert_eq!(
        at("{{ $x }}", Mode::Text),
        "email.body.gotmpl:1: there is no variable `$x`"
    );
    assert!(at("<p>\n<a href=\"{{ .To }}", Mode::Html).contains("the HTML ends within"));
    assert_eq!(told("<p>{{ .To }}</p>", Mode::Html), None);
    let long = "x".repeat(MOST_SOURCE + 1);
    assert!(at(&long, Mode::Text).contains("longer than"));
    assert_eq!(
        text("a\n{{ .Nope }}").unwrap_err(),
        "line 2: there is no field Nope"
    );
}

/// What lies beside the project or further up, if it is there.
fn shared(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = root.ancestors().map(|a| a.join("shared").join(name));
    all.find(|path| path.is_dir())
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Templates that people really send: all can be read, and run with the fields of any kind of message.
#[test]
fn templates_of_real_installations_run() {
    let Some(folder) = shared("real-configs") else {
        return;
    };
    let mut files = vec![];
    files_below(&folder, &mut files);
    files.retain(|file| file.to_string_lossy().ends_with(".gotmpl"));
    assert!(files.len() >= 20, "only {}", files.len());
    for file in files {
        let template = std::fs::read_to_string(&file).unwrap();
        for mode in ["text", "html"] {
            let case = Case {
                mode: mode.to_owned(),
                full: false,
                template: template.clone(),
                files: BTreeMap::new(),
                output: None,
            };
            let given = run(&case);
            assert!(given.is_ok(), "{}: {given:?}", file.display());
        }
    }
}

fn parsed(mode: Mode, template: &str) -> Result<Parsed, ParseError> {
    let source = Source {
        name: "entry".to_owned(),
        text: template.into(),
    };
    Parsed::parse("entry", &[source], mode, sprig::Set::Hermetic)
}

/// Only where the dot is what the template is given.
#[test]
fn fields_are_found_with_their_lines() {
    let template = "{{ .A }}{{ if .B.x }}\n{{ .C | upper }}{{ else }}{{ printf \"%s\" .D }}{{ end }}
{{ range .E }}{{ .no }}{{ $.F }}{{ else }}{{ .G }}{{ end }}{{ with .H }}{{ .no }}{{ else }}{{ .I }}{{ end }}
{{ define \"x\" }}{{ .no }}{{ $.no }}{{ end }}{{ template \"x\" .J }}{{ .K.Get \"y\" }}{{ $v := .L }}{{ $v.no }}{{ (.M).no }}{{ .A }}";
    let parsed = parsed(Mode::Text, template).unwrap();
    let fields: Vec<_> = parsed.fields();
    let names: String = fields.iter().map(|(_, name)| *name).collect();
    assert_eq!(names, "ABCDEFGHIJKLM");
    let lines: Vec<_> = fields.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [1, 1, 2, 2, 3, 3, 3, 3, 3, 4, 4, 4, 4]);
}

#[test]
fn calls_of_templates_that_are_not_there_are_found() {
    let template = "{{ define \"x\" }}{{ template \"y\" . }}{{ end }}{{ template \"x\" . }}\n{{ template \"z\" . }}";
    let parsed = parsed(Mode::Text, template).unwrap();
    assert_eq!(parsed.missing(), [(2, "z".to_owned())]);
}

#[test]
fn what_is_wrong_with_html_is_told_in_words() {
    let told = |template: &str| parsed(Mode::Html, template).err().unwrap().to_string();
    let open = told("<a href=\"{{ .To }}");
    assert!(open.starts_with("entry: the HTML ends within"), "{open}");
    for template in [
        "<a href=\"{{ .To }}",
        "<script>{{ .To }}",
        "<a {{ if .To }}href=\"{{ end }}>",
        "{{ range .To }}<a {{ end }}",
    ] {
        let told = told(template);
        assert!(!told.contains("nil") && !told.contains("state"), "{told}");
        assert!(!told.contains(":0:"), "{told}");
    }
    let long = "x".repeat(MOST_SOURCE + 1);
    let told = parsed(Mode::Text, &long).err().unwrap().to_string();
    assert!(told.starts_with("entry: longer than"), "{told}");
}
