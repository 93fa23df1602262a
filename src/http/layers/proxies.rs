//! Whose word about a client's address counts: `extensions.trusted_proxies`.
//!
//! Without the key everybody's does, as in the reference. With it, these headers are taken away from requests that
//! come from anywhere else. `X-Forwarded-Proto` stays: it only names the scheme of URLs (http-api.md §8.1).
use crate::config::extensions::network;
use crate::http::peer::Peer;
use axum::http::HeaderMap;
use ipnet::IpNet;
use std::net::SocketAddr;

const CLAIMS: [&str; 8] = [
    "true-client-ip",
    "cf-connecting-ip",
    "cf-ipcity",
    "cf-ipcountry",
    "x-real-ip",
    "x-forwarded-for",
    "x-forwarded-host",
    "forwarded",
];

/// The networks that proxies are in.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Vec<IpNet>);

impl Proxies {
    /// Reads networks (`10.0.0.0/8`) and addresses; what is neither trusts nobody and is logged.
    #[must_use]
    pub fn new(entries: &[String]) -> Option<Self> {
        let read = |entry: &String| {
            let net = network(entry);
            if net.is_none() {
                tracing::error!(
                    entry,
                    "extensions.trusted_proxies holds something that is no network"
                );
            }
            net
        };
        (!entries.is_empty()).then(|| Self(entries.iter().filter_map(read).collect()))
    }

    /// Takes away what a stranger claims. Whoever comes by a unix socket is no stranger.
    pub fn sift(&self, peer: Option<&Peer>, headers: &mut HeaderMap) {
        let trusted = peer.is_some_and(|peer| {
            peer.address == "@"
                || peer
                    .address
                    .parse::<SocketAddr>()
                    .is_ok_and(|at| self.0.iter().any(|net| net.contains(&at.ip())))
        });
        if !trusted {
            for claim in CLAIMS {
                headers.remove(claim);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survives(proxies: &[&str], peer: &str) -> bool {
        let entries: Vec<_> = proxies.iter().map(|p| (*p).to_owned()).collect();
        let peer = Peer {
            address: peer.into(),
            tls: false,
        };
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "203.0.113.9".parse().unwrap());
        headers.insert("x-forwarded-proto", "https".parse().unwrap());
        if let Some(proxies) = Proxies::new(&entries) {
            proxies.sift(Some(&peer), &mut headers);
        }
        assert!(headers.contains_key("x-forwarded-proto"));
        headers.contains_key("x-forwarded-for")
    }

    #[test]
    fn only_configured_proxies_are_believed() {
        assert!(survives(&[], "203.0.113.1:50000"));
        assert!(survives(&["10.0.0.0/8", "::1"], "10.1.2.3:50000"));
        assert!(survives(&["10.0.0.0/8", "::1"], "[::1]:50000"));
        assert!(survives(&["10.0.0.0/8"], "@"));
        for stranger in ["203.0.113.1:50000", "[::2]:1", "11.0.0.1:1", ""] {
            assert!(!survives(&["10.0.0.0/8", "::1"], stranger), "{stranger}");
        }
        assert!(!survives(&["nonsense"], "10.1.2.3:50000"));
    }
}
