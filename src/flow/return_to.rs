//! Where to go in the end (flows.md §1.7).
use super::{Cx, Fault, Refusal};
use crate::base::terms::MethodId;
use crate::model::flow::{Flow, Kind};
use url::Url;

/// The return address of the flow if it is allowed, else the default for its kind and method.
pub fn of<K: Kind>(cx: &Cx, flow: &Flow<K>, method: Option<MethodId>) -> Result<String, Fault> {
    let default = cx.config.return_url(K::KIND, method);
    match flow.return_to() {
        None => Ok(default.to_owned()),
        Some(wanted) => checked(cx, &wanted, default),
    }
}

/// `wanted` as an absolute URL, if an entry of `selfservice.allowed_return_urls` covers it or it is one of our own.
pub fn checked(cx: &Cx, wanted: &str, default: &str) -> Result<String, Fault> {
    let base = Url::parse(default).ok();
    let url = parse(wanted, base.as_ref()).ok_or_else(|| {
        Fault::from(Refusal::bad(format!(
            "The return address {wanted:?} is no URL."
        )))
    })?;
    if url.has_user_info {
        return Err(Refusal::return_to_forbidden(wanted).into());
    }
    let allowed = cx.config.selfservice.allowed_return_urls.iter();
    if is_own(cx, &url)
        || allowed
            .filter_map(|entry| Pattern::parse(entry))
            .any(|p| p.covers(&url))
    {
        return Ok(url.text);
    }
    Err(Refusal::return_to_forbidden(wanted).into())
}

/// The request's own `return_to`, if it leads back into self-service.
#[must_use]
pub fn own(cx: &Cx) -> Option<String> {
    let wanted = cx.request.query.text("return_to")?;
    let url = parse(wanted, None)?;
    is_own(cx, &url).then_some(url.text)
}

/// A URL with the text that is sent on. Parsed strictly: what browsers and servers read differently is refused.
struct Target {
    scheme: String,
    host: String,
    path: String,
    text: String,
    /// A name in front of the host, which looks like a host itself.
    has_user_info: bool,
}

fn parse(wanted: &str, base: Option<&Url>) -> Option<Target> {
    // Control characters, blanks and backslashes are what tricks are made of.
    if wanted
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || c == '\\')
    {
        return None;
    }
    let url = match Url::parse(wanted) {
        Ok(url) => url,
        // `//host` names another host; only a path may be relative.
        Err(url::ParseError::RelativeUrlWithoutBase) if !wanted.starts_with("//") => {
            let base = base?;
            let mut root = base.clone();
            root.set_path("/");
            root.set_query(None);
            root.set_fragment(None);
            root.join(wanted).ok()?
        }
        Err(_) => return None,
    };
    let relative = Url::parse(wanted).is_err();
    let host = match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => String::new(),
    };
    let text = if relative {
        url.to_string()
    } else {
        wanted.to_owned()
    };
    Some(Target {
        has_user_info: !url.username().is_empty() || url.password().is_some(),
        scheme: url.scheme().to_owned(),
        host,
        path: url.path().to_owned(),
        text,
    })
}

fn is_own(cx: &Cx, url: &Target) -> bool {
    let Ok(public) = Url::parse(&cx.config.public_url()) else {
        return false;
    };
    let own = parse(public.as_str(), None);
    !url.has_user_info
        && own.is_some_and(|own| {
            let root = format!("{}/self-service", own.path.trim_end_matches('/'));
            url.scheme == own.scheme && url.host == own.host && url.path.starts_with(&root)
        })
}

/// An entry of the list: scheme and host equal (`*.` stands for any labels in front), path in front.
struct Pattern {
    scheme: String,
    host: Host,
    path: String,
}

enum Host {
    Exactly(String),
    /// What has to come behind at least one label, with its dot.
    Below(String),
}

impl Pattern {
    fn parse(entry: &str) -> Option<Self> {
        let (scheme, rest) = entry.split_once("://")?;
        let Some(below) = rest.strip_prefix('*') else {
            let target = parse(entry, None)?;
            return Some(Self {
                scheme: target.scheme,
                host: Host::Exactly(target.host),
                path: target.path,
            });
        };
        // A wildcard over everything, over a top-level domain or in the middle of a label allows too much.
        let domain = below.strip_prefix('.')?;
        let target = parse(&format!("{scheme}://{domain}"), None)?;
        if !target.host.contains('.') || target.host.contains('*') {
            return None;
        }
        Some(Self {
            scheme: target.scheme,
            host: Host::Below(format!(".{}", target.host)),
            path: target.path,
        })
    }

    fn covers(&self, url: &Target) -> bool {
        let host = match &self.host {
            Host::Exactly(host) => url.host == *host,
            Host::Below(domain) => {
                url.host.ends_with(domain.as_str()) && url.host.len() > domain.len()
            }
        };
        host && self.scheme == url.scheme && url.path.starts_with(&self.path)
    }
}
