//! `courier.smtp.connection_uri`: which server takes our mail, and how it is spoken to (courier.md §2.1).
use crate::base::secret::Secret;
use percent_encoding::percent_decode_str;
use url::Url;

/// A mail server as an address names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    pub host: String,
    pub port: u16,
    pub security: Security,
    /// Certificates are looked at. (Not what `Security::IfOffered` does: it always looks.)
    pub verifies: bool,
    /// The name that the certificate is to have; the host unless said otherwise.
    pub server_name: Option<String>,
    pub login: Option<Login>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    pub user: String,
    pub password: Secret<String>,
}

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// With the connection: `smtps`.
    AtOnce,
    /// By STARTTLS, or there is no mail.
    Required,
    /// By STARTTLS if the server offers it: `disable_starttls`.
    IfOffered,
}

/// Why an address names no mail server. Never repeats it: there may be a password within.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRelay {
    #[error("is no address such as smtp://user:password@host:587/")]
    Address,
    #[error("begins neither with smtp:// nor with smtps://")]
    Scheme,
    #[error("names no host")]
    Host,
    #[error("has a user name or password that is no text once its %-escapes are undone")]
    Login,
}

impl Relay {
    pub fn parse(uri: &str) -> Result<Self, BadRelay> {
        let url = Url::parse(uri).map_err(|_| BadRelay::Address)?;
        let is_at_once = match url.scheme() {
            "smtp" => false,
            "smtps" => true,
            _ => return Err(BadRelay::Scheme),
        };
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or(BadRelay::Host)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let parameter = |name: &str| {
            let found = url.query_pairs().find(|(n, _)| n == name);
            found.map(|(_, value)| value.into_owned())
        };
        let is_on = |name| {
            matches!(
                parameter(name).as_deref(),
                Some("1" | "t" | "T" | "TRUE" | "true" | "True")
            )
        };
        let security = match (is_at_once, is_on("disable_starttls")) {
            (true, _) => Security::AtOnce,
            (false, true) => Security::IfOffered,
            (false, false) => Security::Required,
        };
        let decode = |text: &str| {
            let text = percent_decode_str(text).decode_utf8();
            text.map(std::borrow::Cow::into_owned)
                .map_err(|_| BadRelay::Login)
        };
        let login = match url.username() {
            "" => None,
            user => Some(Login {
                user: decode(user)?,
                password: decode(url.password().unwrap_or_default())?.into(),
            }),
        };
        Ok(Self {
            host: host.to_owned(),
            port: url.port().unwrap_or(if is_at_once { 465 } else { 587 }),
            security,
            verifies: !is_on("skip_ssl_verify"),
            server_name: parameter("server_name").filter(|name| !name.is_empty()),
            login,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_address_is_understood() {
        let relay = |uri| Relay::parse(uri).unwrap_or_else(|e| panic!("{uri}: {e}"));
        let full = relay(
            "smtp://us%40er:p%3Aw%2F@mail.example.org:2525/?server_name=other&skip_ssl_verify=true",
        );
        assert_eq!(
            full,
            Relay {
                host: "mail.example.org".into(),
                port: 2525,
                security: Security::Required,
                verifies: false,
                server_name: Some("other".into()),
                login: Some(Login {
                    user: "us@er".into(),
                    password: "p:w/".to_owned().into()
                }),
            }
        );
        assert!(!format!("{full:?}").contains("p:w"));
        let plain = relay("smtp://[::1]:25/?disable_starttls=true");
        assert_eq!((plain.host.as_str(), plain.port), ("::1", 25));
        assert_eq!(plain.security, Security::IfOffered);
        assert_eq!(plain.login, None);
        assert!(plain.verifies);
        let tls = relay("smtps://mail.example.org?disable_starttls=true");
        assert_eq!((tls.security, tls.port), (Security::AtOnce, 465));
        assert_eq!(relay("smtp://mail.example.org").port, 587);
    }

    #[test]
    fn what_names_no_mail_server_is_refused() {
        for (uri, why) in [
            ("", BadRelay::Address),
            ("mail.example.org:25", BadRelay::Scheme),
            ("http://mail.example.org", BadRelay::Scheme),
            ("smtp:///?x", BadRelay::Host),
            ("smtp://host:99999", BadRelay::Address),
            ("smtp://%ff:x@host:25", BadRelay::Login),
        ] {
            assert_eq!(Relay::parse(uri), Err(why), "{uri}");
        }
    }
}
