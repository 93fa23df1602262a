//! A user interface in a few lines: every node of a form as plain HTML, on a site of its own as in a real installation.
use super::client::http;
use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use reqwest::Method;
use serde_json::Value;
use std::fmt::Write;
use tokio::net::TcpListener;

/// How the page runs what the nodes ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Code in attributes (`onclick`, `onload`), one form for everything.
    Attributes,
    /// Functions called by name (`onclickTrigger`, `onloadTrigger`) under a policy that knows the script by its nonce;
    /// in settings one form for each group.
    Triggers,
}

#[derive(Clone)]
struct Ui {
    server: String,
    style: Style,
}

/// Where the pages will be, before anybody serves them.
pub async fn site() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    (listener, format!("http://localhost:{port}"))
}

/// Serves the pages for the server at that address, until the test ends.
pub fn serve(listener: TcpListener, server: &str, style: Style) {
    let ui = Ui {
        server: server.to_owned(),
        style,
    };
    let router = Router::new().route("/{page}", get(page)).with_state(ui);
    tokio::spawn(async move { axum::serve(listener, router).await });
}

async fn page(
    State(ui): State<Ui>,
    Path(page): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    if !["login", "registration", "settings"].contains(&page.as_str()) {
        return html(
            "script-src 'nonce-none'",
            &format!("<h1>{page}</h1><pre>{}</pre>", escaped(&query)),
            "window.shown = true",
        );
    }
    let Some((_, id)) = url::form_urlencoded::parse(query.as_bytes()).find(|(n, _)| n == "flow")
    else {
        return Redirect::to(&format!(
            "{}/self-service/{page}/browser?{query}",
            ui.server
        ))
        .into_response();
    };
    let mut request = http()
        .request(
            Method::GET,
            format!("{}/self-service/{page}/flows?id={id}", ui.server),
        )
        .header("Accept", "application/json");
    if let Some(cookies) = headers.get(COOKIE) {
        request = request.header("Cookie", cookies);
    }
    let answer = request.send().await.expect("the server answers");
    let flow: Value = answer.json().await.expect("JSON");
    if let Some(elsewhere) = flow["redirect_browser_to"].as_str() {
        return Redirect::to(elsewhere).into_response();
    }
    let policy = match ui.style {
        Style::Attributes => format!("script-src 'unsafe-inline' {}", ui.server),
        Style::Triggers => format!("script-src 'nonce-{}'", nonce(&flow)),
    };
    html(&policy, &form(&flow, &page, ui.style), SCRIPT)
}

fn html(policy: &str, body: &str, script: &str) -> Response {
    let nonce = policy
        .split('\'')
        .find_map(|word| word.strip_prefix("nonce-"))
        .unwrap_or("none");
    let text = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><link rel=icon href=\"data:,\"><title>Test</title>\
         <script nonce=\"{nonce}\">{script}</script><body>{body}"
    );
    let policy = format!("default-src 'self'; img-src data:; connect-src *; {policy}");
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (CONTENT_SECURITY_POLICY, policy),
    ];
    (headers, text).into_response()
}

/// Runs in the head, before the script of the server, which comes when it comes.
const SCRIPT: &str = r#"
const call = (name) => {
  if (window[name]) return window[name]()
  window.addEventListener("oryWebAuthnInitialized", () => window[name](), { once: true })
}
window.addEventListener("DOMContentLoaded", () => {
  for (const element of document.querySelectorAll("[data-onload]")) call(element.dataset.onload)
  for (const element of document.querySelectorAll("[data-onclick]"))
    element.addEventListener("click", () => call(element.dataset.onclick))
})
window.addEventListener("load", () => {
  for (const element of document.querySelectorAll("[onload]")) element.onload()
  window.shown = true
})
"#;

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn nonce(flow: &Value) -> String {
    let mut nodes = list(&flow["ui"]["nodes"]);
    let script = nodes.find(|n| n["type"] == "script");
    let nonce = script.and_then(|n| n["attributes"]["nonce"].as_str());
    nonce.unwrap_or("none").to_owned()
}

fn form(flow: &Value, page: &str, style: Style) -> String {
    let ui = &flow["ui"];
    let mut out = messages(&ui["messages"], "");
    if !ui["nodes"].is_array() {
        // Something else than a flow: show it, so that a failing test tells.
        return escaped(&flow.to_string());
    }
    let mut groups = vec![""];
    if page == "settings" && style == Style::Triggers {
        groups = list(&ui["nodes"])
            .filter_map(|n| n["group"].as_str())
            .filter(|g| *g != "default")
            .collect();
        groups.dedup();
    }
    for group in groups {
        let _ = write!(
            out,
            "<form novalidate action=\"{}\" method=\"{}\">",
            escaped(ui["action"].as_str().unwrap_or_default()),
            escaped(ui["method"].as_str().unwrap_or_default()),
        );
        for n in list(&ui["nodes"]) {
            if group.is_empty() || n["group"] == group || n["group"] == "default" {
                out.push_str(&node(n, style));
            }
        }
        out.push_str("</form>");
    }
    out
}

fn messages(messages: &Value, field: &str) -> String {
    list(messages).fold(String::new(), |mut out, message| {
        let mark = if field.is_empty() { "" } else { ":" };
        let _ = write!(
            out,
            "<p class=message id=\"{field}{mark}{}\">{}</p>",
            message["id"],
            escaped(message["text"].as_str().unwrap_or_default()),
        );
        out
    })
}

fn node(node: &Value, style: Style) -> String {
    let attributes = &node["attributes"];
    let label = escaped(node["meta"]["label"]["text"].as_str().unwrap_or_default());
    let mut out = match node["type"].as_str() {
        Some("input") => input(attributes, &label, style),
        Some("script") => format!(
            "<script{}></script>",
            written(
                attributes,
                &[
                    "id",
                    "type",
                    "src",
                    "async",
                    "crossorigin",
                    "integrity",
                    "referrerpolicy",
                    "nonce",
                ]
            )
        ),
        Some("img") => format!(
            "<img{}>",
            written(attributes, &["id", "src", "width", "height"])
        ),
        Some("a") => format!("<a{}>{label}</a>", written(attributes, &["id", "href"])),
        Some("text") => {
            let text = attributes["text"]["text"].as_str().unwrap_or_default();
            format!("<p{}>{}</p>", written(attributes, &["id"]), escaped(text))
        }
        _ => escaped(&node.to_string()),
    };
    let name = attributes["name"].as_str().unwrap_or_default();
    out.push_str(&messages(&node["messages"], name));
    out
}

fn input(attributes: &Value, label: &str, style: Style) -> String {
    let mut all = written(
        attributes,
        &[
            "name",
            "type",
            "value",
            "required",
            "disabled",
            "pattern",
            "autocomplete",
            "maxlength",
        ],
    );
    match style {
        Style::Attributes => all.push_str(&written(attributes, &["onclick", "onload"])),
        Style::Triggers => {
            for (name, key) in [
                ("data-onclick", "onclickTrigger"),
                ("data-onload", "onloadTrigger"),
            ] {
                if let Some(function) = attributes[key].as_str() {
                    let _ = write!(all, " {name}=\"{}\"", escaped(function));
                }
            }
        }
    }
    match attributes["type"].as_str() {
        Some("submit" | "button") => format!("<button{all}>{label}</button>"),
        Some("hidden") => format!("<input{all}>"),
        _ => format!("<label>{label} <input{all}></label>"),
    }
}

/// These attributes as HTML: what is true is there, what is false or missing is not.
fn written(attributes: &Value, names: &[&str]) -> String {
    names.iter().fold(String::new(), |mut out, name| {
        match &attributes[*name] {
            Value::Bool(true) => {
                let _ = write!(out, " {name}");
            }
            Value::String(text) => {
                let _ = write!(out, " {name}=\"{}\"", escaped(text));
            }
            Value::Number(number) => {
                let _ = write!(out, " {name}=\"{number}\"");
            }
            _ => {}
        }
        out
    })
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
