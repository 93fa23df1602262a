//! Cross-origin requests (http-api.md §1): who may ask, what browsers are told.
//!
//! Decided per request from the configuration of the moment, so that a reload takes effect at once.
use crate::base::domain;
use crate::config::Config;
use crate::config::serve::Cors as Section;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method};

/// The section `serve.public.cors`, prepared.
#[derive(Clone, Debug, Default)]
pub struct Cors {
    origins: Vec<Origin>,
    methods: Vec<String>,
    /// In lower case, sorted, unique.
    headers: Vec<String>,
    any_header: bool,
    exposed: Option<HeaderValue>,
    credentials: bool,
    max_age: Option<HeaderValue>,
    pub passthrough: bool,
}

#[derive(Clone, Debug)]
enum Origin {
    Any,
    Exactly(String),
    Between(String, String),
}

const TRUE: HeaderValue = HeaderValue::from_static("true");
const PREFLIGHT_VARY: HeaderValue = HeaderValue::from_static(
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
);

impl Cors {
    /// `None` while it is switched off: then nothing is said about origins at all.
    #[must_use]
    pub fn of(config: &Config) -> Option<Self> {
        let section = &config.serve.public.cors;
        let insecure = config.feature_flags.legacy_allow_insecure_origins;
        section.enabled.then(|| Self::new(section, insecure))
    }

    /// `insecure`: take wildcards that others could register a name under, too.
    #[must_use]
    pub fn new(section: &Section, insecure: bool) -> Self {
        let mut headers: Vec<_> = section
            .allowed_headers
            .iter()
            .map(|h| h.to_ascii_lowercase())
            .collect();
        headers.sort();
        headers.dedup();
        let exposed = section
            .exposed_headers
            .iter()
            .map(|h| canonical(h))
            .collect::<Vec<_>>();
        Self {
            origins: section
                .allowed_origins
                .iter()
                .filter_map(|o| Origin::parse(o, insecure))
                .collect(),
            methods: section
                .allowed_methods
                .iter()
                .map(|m| m.to_ascii_uppercase())
                .collect(),
            any_header: headers.iter().any(|h| h == "*"),
            headers,
            exposed: HeaderValue::from_str(&exposed.join(", "))
                .ok()
                .filter(|v| !v.is_empty()),
            credentials: section.allow_credentials,
            max_age: (section.max_age > 0).then(|| section.max_age.into()),
            passthrough: section.options_passthrough,
        }
    }

    fn allows_origin(&self, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        !origin.is_empty() && self.origins.iter().any(|o| o.covers(origin))
    }

    fn allows_method(&self, method: &str) -> bool {
        method == "OPTIONS" || self.methods.iter().any(|m| m == method)
    }

    /// Browsers send the names in lower case, sorted, each once; nothing else is believed.
    fn allows_headers(&self, asked: &[&HeaderValue]) -> bool {
        if self.any_header {
            return true;
        }
        let mut last = "";
        for value in asked {
            let Ok(value) = value.to_str() else {
                return false;
            };
            for name in value.split(',').map(|n| n.trim_matches([' ', '\t'])) {
                if name.is_empty() {
                    continue;
                }
                if name <= last || !self.headers.iter().any(|h| h == name) {
                    return false;
                }
                last = name;
            }
        }
        true
    }

    /// What the answer to a preflight says.
    pub fn preflight(&self, asked: &HeaderMap, answer: &mut HeaderMap) {
        answer.append(VARY, PREFLIGHT_VARY);
        let (Some(origin), Some(method)) =
            (asked.get(ORIGIN), asked.get(ACCESS_CONTROL_REQUEST_METHOD))
        else {
            return;
        };
        let headers: Vec<_> = asked
            .get_all(ACCESS_CONTROL_REQUEST_HEADERS)
            .iter()
            .collect();
        let granted = self.allows_origin(origin)
            && method.to_str().is_ok_and(|m| self.allows_method(m))
            && self.allows_headers(&headers);
        if !granted {
            return;
        }
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(ACCESS_CONTROL_ALLOW_METHODS, method.clone());
        if headers.first().is_some_and(|h| !h.is_empty()) {
            for value in headers {
                answer.append(ACCESS_CONTROL_ALLOW_HEADERS, value.clone());
            }
        }
        if self.credentials {
            answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
        }
        if let Some(age) = &self.max_age {
            answer.insert(ACCESS_CONTROL_MAX_AGE, age.clone());
        }
    }

    /// What is put to the answer of an ordinary request.
    pub fn actual(&self, asked: &HeaderMap, method: &Method, answer: &mut HeaderMap) {
        // Before what the answer varies by already.
        let others: Vec<_> = answer.get_all(VARY).iter().cloned().collect();
        answer.insert(VARY, HeaderValue::from_static("Origin"));
        for other in others {
            answer.append(VARY, other);
        }
        let Some(origin) = asked.get(ORIGIN) else {
            return;
        };
        if !self.allows_origin(origin) || !self.allows_method(method.as_str()) {
            return;
        }
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        if let Some(exposed) = &self.exposed {
            answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
        }
        if self.credentials {
            answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
        }
    }
}

/// A browser asks what it may ask.
#[must_use]
pub fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS
        && headers
            .get(ACCESS_CONTROL_REQUEST_METHOD)
            .is_some_and(|m| !m.is_empty())
}

impl Origin {
    fn parse(entry: &str, insecure: bool) -> Option<Self> {
        let entry = entry.to_ascii_lowercase();
        if entry == "*" {
            return Some(Self::Any);
        }
        let Some((before, behind)) = entry.split_once('*') else {
            return Some(Self::Exactly(entry));
        };
        (insecure || domain::is_bounded(&entry))
            .then(|| Self::Between(before.to_owned(), behind.to_owned()))
    }

    /// The star stands for whatever is between, also for several labels.
    fn covers(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(entry) => origin == entry,
            Self::Between(before, behind) => origin
                .strip_prefix(before.as_str())
                .is_some_and(|rest| rest.ends_with(behind.as_str())),
        }
    }
}

/// `set-cookie` as `Set-Cookie`.
fn canonical(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut begins = true;
    for c in name.chars() {
        out.push(if begins {
            c.to_ascii_uppercase()
        } else {
            c.to_ascii_lowercase()
        });
        begins = c == '-';
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cors(origins: &[&str]) -> Cors {
        let owned = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        let section = Section {
            allowed_origins: owned(origins),
            allowed_methods: owned(&["GET", "POST"]),
            allowed_headers: owned(&["Content-Type", "X-Session-Token", "Authorization"]),
            exposed_headers: owned(&["content-type", "Set-Cookie"]),
            max_age: 60,
            ..Section::default()
        };
        Cors::new(&section, false)
    }

    fn granted(cors: &Cors, origin: &str, method: &str, headers: Option<&str>) -> bool {
        let mut asked = HeaderMap::new();
        asked.insert(ORIGIN, origin.parse().unwrap());
        asked.insert(ACCESS_CONTROL_REQUEST_METHOD, method.parse().unwrap());
        if let Some(headers) = headers {
            asked.insert(ACCESS_CONTROL_REQUEST_HEADERS, headers.parse().unwrap());
        }
        let mut answer = HeaderMap::new();
        cors.preflight(&asked, &mut answer);
        assert!(answer.contains_key(VARY));
        answer
            .get(ACCESS_CONTROL_ALLOW_ORIGIN)
            .is_some_and(|o| o == origin)
    }

    #[test]
    fn a_star_stands_for_labels_of_a_registrable_name() {
        let cors = cors(&[
            "https://*.example.org",
            "http://localhost:4455",
            "https://*.com",
            "https://*evil.net",
        ]);
        for origin in [
            "https://a.example.org",
            "https://a.b.example.org",
            "http://localhost:4455",
        ] {
            assert!(granted(&cors, origin, "POST", None), "{origin}");
        }
        for origin in [
            "https://example.org",
            "http://a.example.org",
            "https://evilexample.org",
            "https://a.com",
            "https://reallyevil.net",
            "https://a.example.org.evil.net",
            "null",
        ] {
            assert!(!granted(&cors, origin, "POST", None), "{origin}");
        }
    }

    #[test]
    fn anybody_is_echoed_and_never_a_star() {
        let cors = cors(&["*"]);
        assert!(granted(
            &cors,
            "https://evil.example.net",
            "GET",
            Some("content-type")
        ));
        let mut answer = HeaderMap::new();
        answer.insert(VARY, "Cookie".parse().unwrap());
        let asked = HeaderMap::from_iter([(ORIGIN, "https://x.org".parse().unwrap())]);
        cors.actual(&asked, &Method::GET, &mut answer);
        assert_eq!(
            answer.get_all(VARY).iter().collect::<Vec<_>>(),
            ["Origin", "Cookie"]
        );
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_ORIGIN], "https://x.org");
        assert_eq!(
            answer[ACCESS_CONTROL_EXPOSE_HEADERS],
            "Content-Type, Set-Cookie"
        );
    }

    #[test]
    fn headers_have_to_be_asked_for_as_browsers_do() {
        let cors = cors(&["*"]);
        let good = [
            "content-type",
            "authorization,content-type",
            "authorization, x-session-token",
            "",
            ",",
        ];
        for headers in good {
            assert!(
                granted(&cors, "https://x.org", "POST", Some(headers)),
                "{headers}"
            );
        }
        for headers in [
            "x-unknown",
            "Content-Type",
            "content-type,authorization",
            "content-type,content-type",
        ] {
            assert!(
                !granted(&cors, "https://x.org", "POST", Some(headers)),
                "{headers}"
            );
        }
    }

    #[test]
    fn methods_are_those_of_the_list_and_options() {
        let cors = cors(&["*"]);
        assert!(granted(&cors, "https://x.org", "OPTIONS", None));
        for method in ["HEAD", "TRACE", "post"] {
            assert!(!granted(&cors, "https://x.org", method, None), "{method}");
        }
    }
}
