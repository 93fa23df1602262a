//! `courier.smtp.connection_uri`: which server takes our mail, and how it is spoken to (courier.md §2.1).
use super::hint::nearest;
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
    #[error("has a port that there is not: 1 to 65535")]
    Port,
    #[error("has a user name or password that is no text once its %-escapes are undone")]
    Login,
    #[error("has a % without two hexadecimal digits behind it; the sign itself is written %25")]
    Escape,
}

/// What an address says besides, and nobody hears. Never repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unheard {
    /// A parameter that there is not; one that may have been meant.
    Parameter(Option<&'static str>),
    /// A parameter that is neither true nor false.
    Truth(&'static str),
    /// TLS that is taken when it is offered looks at certificates all the same.
    SkipsNothing,
}

const SWITCHES: [&str; 2] = ["disable_starttls", "skip_ssl_verify"];
const PARAMETERS: [&str; 3] = ["disable_starttls", "skip_ssl_verify", "server_name"];
const TRUE: [&str; 6] = ["1", "t", "T", "TRUE", "true", "True"];
const FALSE: [&str; 6] = ["0", "f", "F", "FALSE", "false", "False"];

impl Relay {
    pub fn parse(uri: &str) -> Result<Self, BadRelay> {
        let url = Url::parse(uri).map_err(|error| match error {
            url::ParseError::InvalidPort => BadRelay::Port,
            _ => BadRelay::Address,
        })?;
        if !is_escaped(uri) {
            return Err(BadRelay::Escape);
        }
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
            let value = parameter(name);
            value.is_some_and(|value| TRUE.contains(&value.as_str()))
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

    /// Parameters of an address that do nothing.
    #[must_use]
    pub fn unheard(uri: &str) -> Vec<Unheard> {
        let Ok(url) = Url::parse(uri) else {
            return vec![];
        };
        let mut unheard = vec![];
        for (name, value) in url.query_pairs() {
            let switch = SWITCHES.into_iter().find(|switch| *switch == name);
            if !PARAMETERS.contains(&name.as_ref()) {
                let near = nearest(&name, PARAMETERS.into_iter());
                let near = near.and_then(|near| PARAMETERS.into_iter().find(|p| *p == near));
                unheard.push(Unheard::Parameter(near));
            }
            if let Some(switch) = switch
                && !TRUE.contains(&value.as_ref())
                && !FALSE.contains(&value.as_ref())
            {
                unheard.push(Unheard::Truth(switch));
            }
        }
        let skips = Self::parse(uri)
            .is_ok_and(|relay| relay.security == Security::IfOffered && !relay.verifies);
        if skips {
            unheard.push(Unheard::SkipsNothing);
        }
        unheard
    }
}

/// Each `%` has two hexadecimal digits behind it.
fn is_escaped(text: &str) -> bool {
    let mut parts = text.split('%');
    parts.next();
    parts.all(|part| {
        let digits = part.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
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
    fn what_nobody_hears_is_told() {
        use Unheard::{Parameter, SkipsNothing, Truth};
        let told = |query: &str| Relay::unheard(&format!("smtp://u:p@host:25/?{query}"));
        for fine in [
            "",
            "skip_ssl_verify=true&server_name=x",
            "disable_starttls=F&skip_ssl_verify=1",
        ] {
            assert_eq!(told(fine), []);
        }
        assert_eq!(
            told("skip_ssl_verfy=true"),
            [Parameter(Some("skip_ssl_verify"))]
        );
        assert_eq!(told("encryption=none"), [Parameter(None)]);
        assert_eq!(told("skip_ssl_verify=maybe"), [Truth("skip_ssl_verify")]);
        assert_eq!(told("disable_starttls"), [Truth("disable_starttls")]);
        assert_eq!(
            told("disable_starttls=true&skip_ssl_verify=true"),
            [SkipsNothing]
        );
    }

    #[test]
    fn what_names_no_mail_server_is_refused() {
        for (uri, why) in [
            ("", BadRelay::Address),
            ("mail.example.org:25", BadRelay::Scheme),
            ("http://mail.example.org", BadRelay::Scheme),
            ("smtp:///?x", BadRelay::Host),
            ("smtp://host:99999", BadRelay::Port),
            ("smtp://%ff:x@host:25", BadRelay::Login),
            ("smtp://user:Super%zzSecret@host:25", BadRelay::Escape),
            ("smtp://user:100%@host:25", BadRelay::Escape),
            ("smtp://host:25/?server_name=a%2", BadRelay::Escape),
        ] {
            assert_eq!(Relay::parse(uri), Err(why), "{uri}");
        }
    }
}
