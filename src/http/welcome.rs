//! The first page of a server that was started without any configuration: that it runs, where things are, what to try.
//!
//! The same as text is printed at the start, and shown to who does not ask for HTML.
use crate::base::url;
use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::response::Response;
use data_encoding::BASE64;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// Where things are.
#[derive(Clone, Debug)]
pub struct Places {
    /// Base URL of the public listener.
    pub public: String,
    /// Base URL of the admin listener.
    pub admin: String,
    /// Where the pages for people are looked for.
    pub ui: String,
    /// The database's file.
    pub database: String,
    /// The file with the secrets.
    pub secrets: String,
}

const LIMITS: &str = "Only this machine can reach it, cookies travel without TLS, nobody asks whether a password has \
                      leaked, and requests are not logged. Start it with -c kratos.yml before others rely on it.";
const PAGES: &str = "Browsers need pages for people (sign in, sign up), which are not part of this server. They are \
                     looked for at";
const WHICH: &str =
    "That may be an application of yours, or the example that Ory publishes, on Linux started by:";

impl Places {
    fn facts(&self) -> [(&'static str, String); 5] {
        [
            ("Public API", self.public.clone()),
            ("Admin API", self.admin.clone()),
            ("Mailbox", url::join(&self.admin, "/admin/mailbox")),
            ("Database", self.database.clone()),
            ("Secrets", self.secrets.clone()),
        ]
    }

    /// A line for a shell that starts pages for people: Ory's example in Node.
    fn pages(&self) -> String {
        let public = self.public.trim_end_matches('/');
        let port = self.ui.trim_end_matches('/').rsplit(':').next();
        let port = port.unwrap_or_default();
        format!(
            "docker run --rm --network host -e PORT={port} -e KRATOS_PUBLIC_URL={public} \
             -e KRATOS_BROWSER_URL={public} -e COOKIE_SECRET=change-me-1 -e CSRF_COOKIE_NAME=ui_csrf \
             -e CSRF_COOKIE_SECRET=change-me-2 -e DANGEROUSLY_DISABLE_SECURE_CSRF_COOKIES=true \
             oryd/kratos-selfservice-ui-node:v26.2.0"
        )
    }

    /// Lines for a shell, to be run one after the other: what they do, and the line.
    #[must_use]
    pub fn commands(&self) -> [(&'static str, String); 5] {
        const JSON: &str = "-H 'Content-Type: application/json'";
        const PASSWORD: &str = "mellow-otter-plays-chess-42";
        let public = self.public.trim_end_matches('/');
        let admin = self.admin.trim_end_matches('/');
        let begin = |flow: &str| {
            format!(
                r#""$(curl -s {public}/self-service/{flow}/api | sed -n 's/.*"action":"\([^"]*\)".*/\1/p')""#
            )
        };
        [
            (
                "Sign up",
                format!(
                    r#"curl -s {} {JSON} -d '{{"method":"password","password":"{PASSWORD}","traits":{{"email":"ada@example.org"}}}}'"#,
                    begin("registration")
                ),
            ),
            (
                "Sign in, and keep the token",
                format!(
                    r#"TOKEN=$(curl -s {} {JSON} -d '{{"method":"password","password":"{PASSWORD}","identifier":"ada@example.org"}}' | sed -n 's/.*"session_token":"\([^"]*\)".*/\1/p'); echo $TOKEN"#,
                    begin("login")
                ),
            ),
            (
                "Ask who is signed in",
                format!(r#"curl -s {public}/sessions/whoami -H "X-Session-Token: $TOKEN""#),
            ),
            (
                "See who has signed up, by the admin API",
                format!("curl -s {admin}/admin/identities"),
            ),
            (
                "Sign out: 204 says that it is done",
                format!(
                    r#"curl -s -X DELETE {public}/self-service/logout/api {JSON} -d "{{\"session_token\":\"$TOKEN\"}}" -w '%{{http_code}}\n'"#
                ),
            ),
        ]
    }

    /// All of it for a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::from("It runs, without a configuration.\n\n");
        for (name, value) in self.facts() {
            let _ = writeln!(out, "  {name:<11} {value}");
        }
        let _ = writeln!(out, "\n{LIMITS}\n\n{PAGES} {}. {WHICH}\n", self.ui);
        let _ = writeln!(out, "{}\n\nTo try it without pages:\n", self.pages());
        for (title, line) in self.commands() {
            let _ = writeln!(out, "# {title}\n{line}\n");
        }
        out
    }
}

/// `GET /` on the public listener: a page for who asks for one by name, as browsers do, and text for everybody else.
#[must_use]
pub fn page(places: &Places, asked: &HeaderMap) -> Response {
    let wants_html = asked
        .get_all(ACCEPT)
        .iter()
        .any(|value| value.to_str().is_ok_and(|text| text.contains("text/html")));
    let (body, kind) = if wants_html {
        (html(places), "text/html; charset=utf-8")
    } else {
        (places.text(), "text/plain; charset=utf-8")
    };
    let mut response = Response::new(Body::from(body));
    let style = BASE64.encode(&Sha256::digest(STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; img-src data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    );
    let headers = response.headers_mut();
    let fixed: [(HeaderName, &'static str); 6] = [
        (CONTENT_TYPE, kind),
        (VARY, "Accept"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (
            CACHE_CONTROL,
            "private, no-cache, no-store, must-revalidate",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn html(places: &Places) -> String {
    let mut facts = String::new();
    for (name, value) in places.facts() {
        let shown = escaped(&value);
        let _ = if value.starts_with("http") {
            write!(
                facts,
                "<dt>{name}</dt><dd><a href=\"{shown}\">{shown}</a></dd>"
            )
        } else {
            write!(facts, "<dt>{name}</dt><dd>{shown}</dd>")
        };
    }
    let block = |line: &str| format!("<pre tabindex=\"0\"><code>{}</code></pre>", escaped(line));
    let mut lines = String::new();
    for (title, line) in places.commands() {
        let _ = write!(lines, "<h3>{title}</h3>{}", block(&line));
    }
    let (ui, pages) = (escaped(&places.ui), block(&places.pages()));
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>It runs</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><meta name=\"robots\" content=\"noindex\">\
         <link rel=\"icon\" href=\"data:,\"><style>{STYLE}</style></head><body><main>\
         <h1>It runs</h1><p class=\"lead\">One identity server, on this machine, ready to try.</p>\
         <p class=\"warn\">It was started without a configuration. {LIMITS}</p>\
         <section><h2>What runs here</h2><dl>{facts}</dl></section>\
         <section><h2>Pages for people</h2><p>{PAGES} <a href=\"{ui}\">{ui}</a>. {WHICH}</p>{pages}</section>\
         <section><h2>Try it without pages</h2>{lines}</section></main></body></html>\n"
    )
}

pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

const STYLE: &str = "\
:root{--bg:#f6f5f2;--surface:#fff;--sunken:#f3f2ee;--line:#e3e1da;--ink:#1d1c1a;--muted:#5f5c56;--accent:#2b57c4;\
--warn:#7c5200;--warn-tint:#fbf3e2;color-scheme:light dark}\
@media(prefers-color-scheme:dark){:root{--bg:#131312;--surface:#1b1b19;--sunken:#242422;--line:#33322f;--ink:#eeece7;\
--muted:#aaa79f;--accent:#a9c0fb;--warn:#e6bd6b;--warn-tint:#2c2415}}\
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);overflow-wrap:break-word;\
font:1rem/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,sans-serif}\
main{max-width:46rem;margin:0 auto;padding:3rem 1.25rem;display:grid;gap:1.25rem;\
grid-template-columns:minmax(0,1fr)}a{color:var(--accent)}\
section,h1,h2,h3,p,dl,dd,pre{margin:0;min-width:0}dd{overflow-wrap:anywhere}section p{margin-top:.75rem}h1{font-size:1.5rem}h2{font-size:1.125rem}h3{font-size:1rem;margin-top:1rem}\
.lead,dt{color:var(--muted)}.warn{padding:.75rem 1rem;border-radius:10px;background:var(--warn-tint);color:var(--warn)}\
section{padding:1.25rem;border:1px solid var(--line);border-radius:10px;background:var(--surface)}\
dl{margin-top:.75rem;display:grid;gap:.25rem 1.5rem;grid-template-columns:max-content minmax(0,1fr)}\
@media(max-width:34rem){dl{grid-template-columns:minmax(0,1fr)}}\
code,dd{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.875rem}\
pre{margin-top:.5rem;padding:.75rem 1rem;overflow:auto;border-radius:8px;background:var(--sunken)}\
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}";

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        Places {
            public: "http://127.0.0.1:4433/".into(),
            admin: "http://127.0.0.1:4434/".into(),
            ui: "http://127.0.0.1:4455/".into(),
            database: "/tmp/<script>alert('x')</script>&/kratos.sqlite".into(),
            secrets: "/tmp/\"quoted\"".into(),
        }
    }

    #[test]
    fn names_of_files_are_escaped() {
        let html = html(&places());
        assert!(!html.contains("<script"), "{html}");
        assert!(html.contains("&lt;script&gt;alert(&#39;x&#39;)"));
        let policy = page(&places(), &HeaderMap::new()).headers()[CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
    }

    #[test]
    fn no_blank_line_hides_in_a_command() {
        let lines = places().commands().map(|(_, line)| line);
        for line in lines.iter().chain([&places().pages()]) {
            assert!(!line.contains('\n'), "{line}");
            assert!(
                !line.contains("4433//") && !line.contains("4434//"),
                "{line}"
            );
        }
        assert!(places().pages().contains("PORT=4455 "));
    }

    #[test]
    fn browsers_get_a_page_and_everybody_else_text() {
        let kind = |accept: Option<&'static str>| {
            let mut asked = HeaderMap::new();
            if let Some(accept) = accept {
                asked.insert(ACCEPT, HeaderValue::from_static(accept));
            }
            page(&places(), &asked).headers()[CONTENT_TYPE].clone()
        };
        assert_eq!(
            kind(Some("text/html,application/xhtml+xml,*/*;q=0.8")),
            "text/html; charset=utf-8"
        );
        for accept in [None, Some("*/*"), Some("text/plain")] {
            assert_eq!(kind(accept), "text/plain; charset=utf-8", "{accept:?}");
        }
    }
}
