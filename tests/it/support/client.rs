//! Three kinds of client that tell the same stories: a browser without scripts, a single-page app, a native app.
use reqwest::header::{HeaderMap, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub const PASSWORD: &str = "kAf3-vuQ9-lomT7";
pub const OTHER_PASSWORD: &str = "Zub8_hyR2_pelC5";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Browser,
    Spa,
    Native,
}

pub const ALL_KINDS: [Kind; 3] = [Kind::Browser, Kind::Spa, Kind::Native];

/// One answer, whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|e| panic!("{e}: {} {}", self.status, self.text))
    }
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|v| v.to_str().expect("headers are text"))
    }
    pub fn location(&self) -> &str {
        self.header("location")
            .unwrap_or_else(|| panic!("no redirect: {} {}", self.status, self.text))
    }
    /// `error.id` of the envelope.
    pub fn error_id(&self) -> Option<String> {
        self.json()["error"]["id"].as_str().map(str::to_owned)
    }
    /// Names of the cookies that are set.
    pub fn sets(&self) -> Vec<String> {
        self.headers
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(|v| Some(v.to_str().ok()?.split_once('=')?.0.to_owned()))
            .collect()
    }
    pub fn set_cookie(&self, name: &str) -> Option<String> {
        self.headers
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(|v| v.to_str().ok())
            .find(|line| line.starts_with(&format!("{name}=")))
            .map(str::to_owned)
    }
}

/// A client with its cookies (or its session token).
pub struct Client {
    pub kind: Kind,
    pub public: String,
    pub cookies: BTreeMap<String, String>,
    pub token: Option<String>,
    http: reqwest::Client,
}

/// A form that was begun: its id and what it asks.
#[derive(Clone, Debug)]
pub struct Form {
    pub id: String,
    pub flow: Value,
}

impl Form {
    /// Ids of the messages on the form as a whole and on its fields, as `id` or `field:id`.
    pub fn messages(&self) -> Vec<String> {
        messages(&self.flow)
    }
    pub fn node(&self, name: &str) -> Option<&Value> {
        let nodes = self.flow["ui"]["nodes"].as_array()?;
        nodes.iter().find(|n| n["attributes"]["name"] == name)
    }
    fn csrf(&self) -> Value {
        self.node("csrf_token")
            .map_or(Value::Null, |n| n["attributes"]["value"].clone())
    }
}

/// Ids of all messages of a flow, as `id` or `field:id`.
pub fn messages(flow: &Value) -> Vec<String> {
    let list = |v: &Value| v.as_array().cloned().unwrap_or_default();
    let mut out: Vec<_> = list(&flow["ui"]["messages"])
        .iter()
        .map(|m| m["id"].to_string())
        .collect();
    for node in list(&flow["ui"]["nodes"]) {
        let name = node["attributes"]["name"]
            .as_str()
            .unwrap_or("?")
            .to_owned();
        out.extend(
            list(&node["messages"])
                .iter()
                .map(|m| format!("{name}:{}", m["id"])),
        );
    }
    out
}

/// The plain client that everything is sent by. It trusts nobody: reading the certificates of the machine would take
/// longer than most requests do.
pub fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .tls_certs_only([])
        .build()
        .expect("a plain client")
}

impl Client {
    pub fn new(kind: Kind, public: &str) -> Self {
        Self {
            kind,
            public: public.to_owned(),
            cookies: BTreeMap::new(),
            token: None,
            http: http(),
        }
    }

    /// One request with what the client carries; `form` bodies are arrays of pairs.
    pub async fn send(&mut self, method: Method, url: &str, body: Option<&Value>) -> Answer {
        let url = if url.starts_with("http") {
            url.to_owned()
        } else {
            format!("{}{url}", self.public)
        };
        let accept = match self.kind {
            Kind::Browser => "text/html,application/xhtml+xml,*/*;q=0.8",
            Kind::Spa | Kind::Native => "application/json",
        };
        let mut request = self
            .http
            .request(method, &url)
            .header("Accept", accept)
            .header("User-Agent", "test/1");
        if !self.cookies.is_empty() {
            let line: Vec<_> = self
                .cookies
                .iter()
                .map(|(n, v)| format!("{n}={v}"))
                .collect();
            request = request.header("Cookie", line.join("; "));
        }
        if let Some(token) = &self.token {
            request = request.header("X-Session-Token", token);
        }
        request = match body {
            Some(Value::Array(pairs)) => {
                let pairs: Vec<(String, String)> =
                    serde_json::from_value(Value::Array(pairs.clone())).expect("pairs of text");
                let text = url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(pairs)
                    .finish();
                request
                    .header("Content-Type", "application/x-www-form-urlencoded")
                    .body(text)
            }
            Some(json) => request
                .header("Content-Type", "application/json")
                .body(json.to_string()),
            None => request,
        };
        let response = request.send().await.expect("the server answers");
        let (status, headers) = (response.status(), response.headers().clone());
        let answer = Answer {
            status,
            headers,
            text: response.text().await.expect("text"),
        };
        // Apps keep none: their flows are refused with one.
        if self.kind != Kind::Native {
            self.keep_cookies(&answer);
        }
        answer
    }

    fn keep_cookies(&mut self, answer: &Answer) {
        for line in answer.headers.get_all(SET_COOKIE) {
            let line = line.to_str().expect("cookies are text");
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = pair.split_once('=').expect("a cookie has a name");
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    pub async fn get(&mut self, url: &str) -> Answer {
        self.send(Method::GET, url, None).await
    }

    /// Begins a flow and reads its form, as the kind of client does.
    pub async fn start(&mut self, flow: &str, query: &str) -> Form {
        let channel = if self.kind == Kind::Native {
            "api"
        } else {
            "browser"
        };
        let mark = if query.is_empty() { "" } else { "?" };
        let answer = self
            .get(&format!("/self-service/{flow}/{channel}{mark}{query}"))
            .await;
        self.form(flow, &answer).await
    }

    /// The form that an answer holds or leads to.
    pub async fn form(&mut self, flow: &str, answer: &Answer) -> Form {
        let flow = match self.kind {
            Kind::Browser => {
                let id = query_of(answer.location(), "flow")
                    .unwrap_or_else(|| panic!("no form: {answer:?}"));
                let page = self
                    .get(&format!("/self-service/{flow}/flows?id={id}"))
                    .await;
                assert_eq!(page.status, 200, "{}", page.text);
                page.json()
            }
            Kind::Spa | Kind::Native => answer.json(),
        };
        Form {
            id: flow["id"]
                .as_str()
                .unwrap_or_else(|| panic!("no form: {answer:?}"))
                .to_owned(),
            flow,
        }
    }

    /// Sends a form with its token, in the encoding of the kind of client. Nested objects become dotted fields.
    pub async fn submit(&mut self, flow: &str, form: &Form, fields: Value) -> Answer {
        let Value::Object(mut fields) = fields else {
            panic!("fields are an object")
        };
        if self.kind != Kind::Native && !fields.contains_key("csrf_token") {
            fields.insert("csrf_token".into(), form.csrf());
        }
        let body = match self.kind {
            Kind::Browser => Value::Array(pairs("", &Value::Object(fields))),
            Kind::Spa | Kind::Native => Value::Object(fields),
        };
        self.send(
            Method::POST,
            &format!("/self-service/{flow}?flow={}", form.id),
            Some(&body),
        )
        .await
    }

    pub async fn sign_up(&mut self, email: &str) -> Answer {
        let form = self.start("registration", "").await;
        let fields =
            json!({ "method": "password", "password": PASSWORD, "traits": { "email": email } });
        let answer = self.submit("registration", &form, fields).await;
        self.remember(&answer);
        answer
    }

    pub async fn sign_in(&mut self, email: &str, password: &str) -> Answer {
        let form = self.start("login", "").await;
        let fields = json!({ "method": "password", "identifier": email, "password": password });
        let answer = self.submit("login", &form, fields).await;
        self.remember(&answer);
        answer
    }

    /// An app keeps its token.
    fn remember(&mut self, answer: &Answer) {
        if self.kind == Kind::Native && answer.status == 200 {
            self.token = answer.json()["session_token"].as_str().map(str::to_owned);
        }
    }

    /// Who am I? Always read as JSON.
    pub async fn whoami(&mut self) -> Answer {
        let kind = std::mem::replace(&mut self.kind, Kind::Spa);
        let answer = self.get("/sessions/whoami").await;
        self.kind = kind;
        answer
    }
}

fn pairs(prefix: &str, value: &Value) -> Vec<Value> {
    match value {
        Value::Object(map) => {
            let named = |k: &String| {
                if prefix.is_empty() {
                    k.clone()
                } else {
                    format!("{prefix}.{k}")
                }
            };
            map.iter().flat_map(|(k, v)| pairs(&named(k), v)).collect()
        }
        Value::String(text) => vec![json!([prefix, text])],
        Value::Null => vec![],
        other => vec![json!([prefix, other.to_string()])],
    }
}

/// A parameter of a URL's query.
pub fn query_of(url: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    url.query_pairs()
        .find(|(n, _)| n == name)
        .map(|(_, v)| v.into_owned())
}
