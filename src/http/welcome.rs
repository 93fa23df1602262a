//! The first page of a server that was started without any configuration: that it runs, where things are, what to try.
use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
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
    /// The database's file.
    pub database: String,
    /// The file with the secrets.
    pub secrets: String,
}

/// Three lines for a shell, to be run one after the other: what they do, and the line.
#[must_use]
pub fn commands(public: &str) -> [(&'static str, String); 3] {
    const JSON: &str = "-H 'Content-Type: application/json'";
    const PASSWORD: &str = "mellow-otter-plays-chess-42";
    let public = public.trim_end_matches('/');
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
    ]
}

/// The page, for `GET /` on the public listener.
#[must_use]
pub fn page(places: &Places) -> Response {
    let mut response = Response::new(Body::from(html(places)));
    let style = BASE64.encode(&Sha256::digest(STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; img-src data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    );
    let headers = response.headers_mut();
    let fixed: [(HeaderName, &str); 5] = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
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
    for (name, value) in [
        ("Public API", &places.public),
        ("Admin API, for this machine only", &places.admin),
        ("Database", &places.database),
        ("Secrets", &places.secrets),
    ] {
        let _ = write!(facts, "<dt>{name}</dt><dd>{}</dd>", escaped(value));
    }
    let mut lines = String::new();
    for (title, line) in commands(&places.public) {
        let _ = write!(
            lines,
            "<h3>{title}</h3><pre tabindex=\"0\"><code>{}</code></pre>",
            escaped(&line)
        );
    }
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>It runs</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><meta name=\"robots\" content=\"noindex\">\
         <link rel=\"icon\" href=\"data:,\"><style>{STYLE}</style></head><body><main>\
         <h1>It runs</h1><p class=\"lead\">One identity server, on this machine, ready to try.</p>\
         <p class=\"warn\">It was started without a configuration: only this machine can reach it, cookies travel \
         without TLS. Start it with <code>-c kratos.yml</code> before others rely on it.</p>\
         <section><h2>What runs here</h2><dl>{facts}</dl></section>\
         <section><h2>Try it</h2>{lines}</section></main></body></html>\n"
    )
}

fn escaped(text: &str) -> String {
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
main{max-width:46rem;margin:0 auto;padding:3rem 1.25rem;display:grid;gap:1.25rem}\
h1,h2,h3,p,dl,dd,pre{margin:0;min-width:0}h1{font-size:1.5rem}h2{font-size:1.125rem}h3{font-size:1rem;margin-top:1rem}\
.lead,dt{color:var(--muted)}.warn{padding:.75rem 1rem;border-radius:10px;background:var(--warn-tint);color:var(--warn)}\
section{padding:1.25rem;border:1px solid var(--line);border-radius:10px;background:var(--surface)}\
dl{margin-top:.75rem;display:grid;gap:.25rem 1.5rem;grid-template-columns:max-content 1fr}\
@media(max-width:34rem){dl{grid-template-columns:1fr}}\
code,dd{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.875rem}\
pre{margin-top:.5rem;padding:.75rem 1rem;overflow:auto;border-radius:8px;background:var(--sunken)}\
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_escaped() {
        let places = Places {
            public: "http://127.0.0.1:4433/".into(),
            admin: "http://127.0.0.1:4434/".into(),
            database: "/tmp/<script>alert('x')</script>&/kratos.sqlite".into(),
            secrets: "/tmp/\"quoted\"".into(),
        };
        let html = html(&places);
        assert!(!html.contains("<script"), "{html}");
        assert!(html.contains("&lt;script&gt;alert(&#39;x&#39;)"));
        let policy = page(&places).headers()[CONTENT_SECURITY_POLICY]
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
        for (_, line) in commands("http://127.0.0.1:4433/") {
            assert!(!line.contains('\n') && !line.contains("4433//"), "{line}");
        }
    }
}
