//! Where to go in the end (flows.md §1.7).
//!
//! An address is read twice: by the letter, as the reference reads it, and as browsers do, who take `\` for `/`, `127.1`
//! for an address and `..` for a step back. Both readings have to be allowed.
mod address;

use super::{Cx, Fault, Refusal};
use crate::base::domain;
use crate::base::terms::MethodId;
use crate::config::Config;
use crate::model::flow::{Flow, Kind};
use address::Address;
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
    let forbidden = || Fault::from(Refusal::return_to_forbidden(wanted));
    let address = Address::read(wanted).ok_or_else(|| {
        Fault::from(Refusal::bad(format!(
            "The return address {wanted:?} is no URL."
        )))
    })?;
    let default = Address::read(default).ok_or_else(forbidden)?;
    let address = address.behind(&default);
    let seen = seen_by_browsers(wanted, &default).ok_or_else(forbidden)?;
    let is_allowed = own_pages(&cx.config)
        .into_iter()
        .chain(patterns(&cx.config))
        .any(|pattern| pattern.covers(&address) && pattern.covers(&seen));
    if is_allowed {
        Ok(address.text())
    } else {
        Err(forbidden())
    }
}

/// The request's own `return_to`, if it leads back into self-service.
#[must_use]
pub fn own(cx: &Cx) -> Option<String> {
    let wanted = cx.request.query.text("return_to")?;
    let address = Address::read(wanted)?;
    let pattern = own_pages(&cx.config)?;
    let seen = seen_by_browsers(wanted, &address)?;
    (pattern.covers(&address) && pattern.covers(&seen)).then(|| address.text())
}

/// What a browser makes of it. Nothing: it is no address to browsers, or names a user.
fn seen_by_browsers(wanted: &str, default: &Address) -> Option<Address> {
    let root = Url::parse(&format!("{}://{}/", default.scheme, default.host)).ok();
    let url = Url::options().base_url(root.as_ref()).parse(wanted).ok()?;
    let is_plain = url.username().is_empty() && url.password().is_none();
    is_plain.then(|| Address::read(url.as_str())).flatten()
}

/// Addresses that lie at or below one.
struct Pattern {
    address: Address,
    /// The host begins with a star, which stands for one label or more.
    below: bool,
}

/// Our own endpoints for browsers.
fn own_pages(config: &Config) -> Option<Pattern> {
    let mut address = Address::read(&config.public_url())?;
    address.path = format!("{}/self-service", address.path.trim_end_matches('/'));
    Some(Pattern {
        address,
        below: false,
    })
}

/// The entries of the list that mean something. A star without bounds allows nothing.
fn patterns(config: &Config) -> impl Iterator<Item = Pattern> {
    let legacy = config.feature_flags.legacy_allow_insecure_origins;
    let entries = config.selfservice.allowed_return_urls.iter();
    entries.filter_map(move |entry| {
        let mut address = Address::read(entry)?;
        if !legacy && !domain::is_bounded(&address.host) {
            return None;
        }
        let below = address.host.starts_with('*');
        if below {
            address.host.remove(0);
        }
        Some(Pattern { address, below })
    })
}

impl Pattern {
    fn covers(&self, other: &Address) -> bool {
        let host = if self.below {
            other.host.len() > self.address.host.len() && other.host.ends_with(&self.address.host)
        } else {
            other.host == self.address.host
        };
        host && self.address.scheme == other.scheme
            && other.rooted().starts_with(&*self.address.rooted())
    }
}
