//! The OAuth2 server (Hydra) that asks us who somebody is.
use super::request::Headers;
use super::section::section;

section!(
    Oauth2Provider {
        /// Its admin API; without, `login_challenge` is not understood.
        url: Option<String>,
        headers: Headers,
        override_return_to: bool,
    }
);
