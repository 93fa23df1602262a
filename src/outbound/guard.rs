//! Which addresses may be called when private ones are refused.
//!
//! The check stands where a name becomes addresses, in the client's own resolver: a name that changes its address
//! between check and call gains nothing. Addresses written into the URL never meet a resolver and are checked apart.
use crate::config::security::HttpClients;
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, SocketAddr};
use std::sync::LazyLock;
use url::{Host, Url};

/// `clients.http.*`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    pub refuse_private: bool,
    /// URLs that may be called all the same: compared without query and fragment. `*` stands for anything without
    /// `.` and `/`, `**` for anything, `?` for one character.
    pub exceptions: Vec<String>,
}

impl From<&HttpClients> for Policy {
    fn from(clients: &HttpClients) -> Self {
        Self {
            refuse_private: clients.disallow_private_ip_ranges,
            exceptions: clients.private_ip_exception_urls.clone(),
        }
    }
}

impl Policy {
    /// Whether only public addresses may be called for this URL.
    pub(super) fn guards(&self, url: &Url) -> bool {
        if !self.refuse_private {
            return false;
        }
        let mut url = url.clone();
        url.set_query(None);
        url.set_fragment(None);
        let url = url.as_str();
        let bare = url.trim_end_matches('/');
        let listed = |pattern: &String| {
            matches(pattern.as_bytes(), url.as_bytes())
                // A host alone is written with and without its slash, a port even where it is the usual one.
                || matches(pattern.as_bytes(), bare.as_bytes())
                || Url::parse(pattern).is_ok_and(|exception| exception.as_str() == url)
        };
        !self.exceptions.iter().any(listed)
    }
}

fn matches(pattern: &[u8], text: &[u8]) -> bool {
    const SEPARATORS: &[u8] = b"./";
    // Where to go on when the text no longer fits: behind the last star, with one more character under it.
    let (mut p, mut t) = (0, 0);
    let mut retry: Vec<(usize, usize, bool)> = Vec::new();
    loop {
        let star = pattern.get(p) == Some(&b'*');
        if star {
            let double = pattern.get(p + 1) == Some(&b'*');
            p += if double { 2 } else { 1 };
            retry.push((p, t, double));
            continue;
        }
        match (pattern.get(p), text.get(t)) {
            (None, None) => return true,
            (Some(b'?'), Some(c)) if !SEPARATORS.contains(c) => {}
            (Some(a), Some(b)) if a == b => {}
            _ => {
                let Some((after, from, double)) = retry.pop() else {
                    return false;
                };
                if text
                    .get(from)
                    .is_some_and(|c| double || !SEPARATORS.contains(c))
                {
                    (p, t) = (after, from + 1);
                    retry.push((p, t, double));
                }
                continue;
            }
        }
        p += 1;
        t += 1;
    }
}

/// Blocks of the public space that are not: the special-purpose registries of IANA.
static NOT_PUBLIC: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
    [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "2620:4f:8000::/48",
        "3fff::/20",
    ]
    .iter()
    .filter_map(|block| block.parse().ok())
    .collect()
});

/// Whether the address is one of the public internet.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    let address = address.to_canonical();
    // All public addresses of version 6 are in 2000::/3 so far.
    let in_use = match address {
        IpAddr::V4(_) => true,
        IpAddr::V6(v6) => v6.octets()[0] >> 5 == 1,
    };
    in_use && !NOT_PUBLIC.iter().any(|block| block.contains(&address))
}

/// Whether the URL names an address that is not public.
pub(super) fn names_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(v4)) => !is_public(v4.into()),
        Some(Host::Ipv6(v6)) => !is_public(v6.into()),
        Some(Host::Domain(_)) | None => false,
    }
}

/// All addresses of a name are private.
#[derive(Debug, thiserror::Error)]
#[error("the name has no public address")]
pub(super) struct NoPublicAddress;

/// Gives the public addresses of a name.
pub(super) struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|a| is_public(a.ip())).collect();
            if public.is_empty() {
                return Err(Box::from(NoPublicAddress));
            }
            let addresses: Addrs = Box::new(public.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_in_every_spelling_are_told() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fc00::1",
            "fe80::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2001:db8::1",
        ] {
            assert!(private.parse().is_ok_and(|ip| !is_public(ip)), "{private}");
        }
        for public in [
            "1.1.1.1",
            "93.184.216.34",
            "2606:4700::1111",
            "::ffff:1.1.1.1",
        ] {
            assert!(public.parse().is_ok_and(is_public), "{public}");
        }
    }

    #[test]
    fn urls_hide_private_addresses_in_vain() {
        for url in [
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://[::ffff:127.0.0.1]/",
            "http://user@127.0.0.1:80/",
            "http://①②⑦.0.0.1/",
        ] {
            assert!(
                Url::parse(url).is_ok_and(|url| names_private(&url)),
                "{url}"
            );
        }
        assert!(Url::parse("http://localhost/").is_ok_and(|url| !names_private(&url)));
    }

    #[test]
    fn exceptions_are_urls_with_stars() {
        let guarded = |exception: &str, url: &str| {
            let policy = Policy {
                refuse_private: true,
                exceptions: vec![exception.to_owned()],
            };
            Url::parse(url).is_ok_and(|url| policy.guards(&url))
        };
        assert!(!guarded(
            "http://localhost:80/hook",
            "http://localhost/hook"
        ));
        assert!(!guarded(
            "http://localhost:4000/hook",
            "http://localhost:4000/hook?a=b#c"
        ));
        assert!(!guarded("http://localhost:4000", "http://localhost:4000/"));
        assert!(guarded(
            "http://localhost:4000/hook",
            "http://localhost:4000/hook/more"
        ));
        assert!(!guarded("http://*.internal/*", "http://a.internal/hook"));
        assert!(guarded("http://*.internal/*", "http://a.b.internal/hook"));
        assert!(guarded(
            "http://*.internal/*",
            "http://a.internal/hook/more"
        ));
        assert!(!guarded(
            "http://*.internal/**",
            "http://a.internal/hook/more"
        ));
        assert!(!guarded(
            "http://host-?.internal/",
            "http://host-1.internal/"
        ));
        assert!(guarded("", "http://host/"));
    }
}
