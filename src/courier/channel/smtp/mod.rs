//! Mail by SMTP (courier.md §2.1): what is written into it, and the connections that it leaves by.
mod mime;
pub(in crate::courier) mod tls;
mod wire;

use super::{Trouble, forms, hushed};
use crate::base::random::Random;
use crate::base::secret::Secret;
use crate::config::Config;
use crate::config::courier::Smtp;
use crate::config::relay::Relay;
use crate::model::email;
use crate::model::message::CourierMessage;
use crate::outbound::is_public;
use mime::{Mail, phrase, unstructured};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use wire::{Begun, Envelope, Fault, Wire};

/// Until a connection is there.
const CONNECT: Duration = Duration::from_secs(10);
/// So long a connection is kept without work: servers end them after some minutes, busy ones after ten seconds.
const IDLE: Duration = Duration::from_secs(8);
/// Servers that count mails for each connection let at least that many pass.
const MAILS: u32 = 100;
/// What administrators read of every failure.
const REASON: &str = "The mail server did not take the mail.";

/// Connections to the mail server. Cheap to clone.
#[derive(Clone, Default)]
pub struct Connections(Arc<Mutex<Vec<Idle>>>);

struct Idle {
    wire: Wire,
    to: Arc<Way>,
    since: Instant,
    mails: u32,
}

/// Everything that makes one connection as good as another.
struct Way {
    uri: Secret<String>,
    relay: Relay,
    local_name: String,
    certificate: (String, String),
    refuses_private: bool,
}

/// A connection on which a mail was begun: everything is said but the mail itself.
pub struct Begin {
    wire: Wire,
    to: Arc<Way>,
    mails: u32,
    content: Vec<u8>,
}

impl Way {
    fn of(config: &Config) -> Result<Self, Trouble> {
        let smtp = &config.courier.smtp;
        let uri = smtp.connection_uri.as_ref();
        let uri = uri.filter(|uri| !uri.expose().is_empty()).ok_or_else(|| {
            Trouble::passing("courier.smtp.connection_uri is not set: there is no mail server")
        })?;
        let relay = Relay::parse(uri.expose())
            .map_err(|bad| Trouble::passing(format!("courier.smtp.connection_uri {bad}")))?;
        Ok(Self {
            uri: uri.clone(),
            relay,
            local_name: smtp.local_name.clone(),
            certificate: (smtp.client_cert_path.clone(), smtp.client_key_path.clone()),
            refuses_private: config.clients.smtp.disallow_private_ip_ranges,
        })
    }

    fn is_of(&self, config: &Config) -> bool {
        let smtp = &config.courier.smtp;
        let (cert, key) = &self.certificate;
        smtp.connection_uri.as_ref() == Some(&self.uri)
            && smtp.local_name == self.local_name
            && (&smtp.client_cert_path, &smtp.client_key_path) == (cert, key)
            && config.clients.smtp.disallow_private_ip_ranges == self.refuses_private
    }
}

impl Connections {
    /// Names sender and recipients. Nothing is sent yet that could arrive.
    pub async fn begin(
        &self,
        config: &Config,
        message: &CourierMessage,
        html: Option<&str>,
        (now, dice): (OffsetDateTime, &dyn Random),
    ) -> Result<Begin, Trouble> {
        let smtp = &config.courier.smtp;
        let (envelope, headers) = letter(smtp, message, now)?;
        let mail = Mail {
            headers,
            text: &message.body,
            html,
        };
        let content = mail.bytes(dice);
        if let Some(idle) = self.take(config) {
            let mut wire = idle.wire;
            match wire.begin(&envelope).await {
                Ok(()) => return Ok(begun(wire, idle.to, idle.mails, content)),
                // It may have been closed while nobody looked.
                Err(Begun::Server(Fault::Io(_) | Fault::TimedOut)) => {}
                Err(Begun::Server(Fault::Reply(reply))) if reply.code == 421 => {}
                Err(begun) => return Err(self.refused(wire, idle.to, idle.mails, begun).await),
            }
        }
        let way = Arc::new(Way::of(config)?);
        let mut wire = open(&way, smtp).await?;
        match wire.begin(&envelope).await {
            Ok(()) => Ok(begun(wire, way, 0, content)),
            Err(begun) => Err(self.refused(wire, way, 0, begun).await),
        }
    }

    /// Sends the mail. After `Ok` it is the server's.
    pub async fn finish(&self, begin: Begin) -> Result<(), Trouble> {
        let Begin {
            mut wire,
            to,
            mails,
            content,
        } = begin;
        match wire.content(&content).await {
            Ok(_) => {
                self.put(wire, to, mails + 1).await;
                Ok(())
            }
            Err(fault) => {
                let is_final = matches!(&fault, Fault::Reply(reply) if is_final(reply.code));
                let trouble = trouble(&fault, is_final, &to.relay);
                if matches!(fault, Fault::Reply(ref reply) if reply.code != 421) {
                    self.put(wire, to, mails + 1).await;
                }
                Err(trouble)
            }
        }
    }

    /// Ends connections that were not used for a while; all of them if `all`.
    pub async fn tidy(&self, all: bool) {
        let old: Vec<Idle> = {
            let mut idle = self.lock();
            let keeps = |idle: &Idle| !all && idle.since.elapsed() < IDLE;
            let (kept, old) = idle.drain(..).partition(keeps);
            *idle = kept;
            old
        };
        let mut leaving: JoinSet<()> = old.into_iter().map(|idle| idle.wire.quit()).collect();
        if all {
            while leaving.join_next().await.is_some() {}
        } else {
            leaving.detach_all();
        }
    }

    async fn refused(&self, mut wire: Wire, to: Arc<Way>, mails: u32, begun: Begun) -> Trouble {
        let (fault, is_recipient) = match begun {
            Begun::Server(fault) => (fault, false),
            Begun::Recipient(fault) => (fault, true),
        };
        let is_final = match &fault {
            Fault::Reply(reply) => is_recipient && is_final(reply.code),
            _ => is_recipient,
        };
        let goes_on = match &fault {
            Fault::Reply(reply) => reply.code != 421,
            Fault::Unfit(_) => true,
            _ => false,
        };
        let trouble = trouble(&fault, is_final, &to.relay);
        if goes_on && wire.reset().await.is_ok() {
            self.put(wire, to, mails).await;
        }
        trouble
    }

    fn take(&self, config: &Config) -> Option<Idle> {
        let mut idle = self.lock();
        let at = idle
            .iter()
            .rposition(|idle| idle.to.is_of(config) && idle.since.elapsed() < IDLE)?;
        Some(idle.swap_remove(at))
    }

    async fn put(&self, wire: Wire, to: Arc<Way>, mails: u32) {
        if mails >= MAILS {
            return wire.quit().await;
        }
        self.lock().push(Idle {
            wire,
            to,
            since: Instant::now(),
            mails,
        });
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn begun(wire: Wire, to: Arc<Way>, mails: u32, content: Vec<u8>) -> Begin {
    Begin {
        wire,
        to,
        mails,
        content,
    }
}

fn is_final(code: u16) -> bool {
    code / 100 == 5
}

/// In words for the log and for administrators: servers repeat what they do not understand.
fn told(fault: &Fault, relay: &Relay) -> String {
    let login = relay.login.as_ref();
    let secrets = login.map(|login| forms(&login.user, login.password.expose()));
    hushed(&fault.to_string(), &secrets.unwrap_or_default())
}

fn trouble(fault: &Fault, is_final: bool, relay: &Relay) -> Trouble {
    Trouble {
        message: told(fault, relay),
        reason: Some(REASON),
        is_final,
    }
}

async fn open(way: &Way, smtp: &Smtp) -> Result<Wire, Trouble> {
    let failed = |text: String| Trouble {
        message: text,
        reason: Some(REASON),
        is_final: false,
    };
    let (host, port) = (way.relay.host.as_str(), way.relay.port);
    let connect = async {
        let found = tokio::net::lookup_host((host, port)).await?;
        let may = |address: &SocketAddr| !way.refuses_private || is_public(address.ip());
        let addresses: Vec<_> = found.filter(may).collect();
        if addresses.is_empty() {
            return Ok(None);
        }
        // By address: a second look at the name could find another one.
        TcpStream::connect(addresses.as_slice()).await.map(Some)
    };
    let socket = match tokio::time::timeout(CONNECT, connect).await {
        Ok(Ok(Some(socket))) => socket,
        Ok(Ok(None)) => {
            return Err(failed(format!(
                "{host}:{port} is not called: clients.smtp.disallow_private_ip_ranges is set, and none of its addresses \
                 is public"
            )));
        }
        Ok(Err(error)) => {
            return Err(failed(format!("{host}:{port} cannot be reached: {error}")));
        }
        Err(_) => return Err(failed(format!("{host}:{port} does not answer"))),
    };
    // Commands are short and each is waited for.
    let _ = socket.set_nodelay(true);
    let config = tls::config(&way.relay, smtp);
    Wire::open(socket, &way.relay, &config, hello(&way.local_name))
        .await
        .map_err(|fault| failed(format!("{host}:{port}: {}", told(&fault, &way.relay))))
}

/// The name in EHLO is one word.
fn hello(name: &str) -> &str {
    if name.is_empty() || name.contains(|c: char| c.is_control() || c.is_whitespace()) {
        "localhost"
    } else {
        name
    }
}

type Headers = Vec<(String, String)>;

/// Who gets it, and its headers; those of the configuration win over ours.
fn letter(
    smtp: &Smtp,
    message: &CourierMessage,
    now: OffsetDateTime,
) -> Result<(Envelope, Headers), Trouble> {
    let nobody = |text: String| Trouble {
        message: text,
        reason: Some("The address cannot be written to."),
        is_final: true,
    };
    let to = mailbox(&message.recipient)
        .ok_or_else(|| nobody("the recipient is no email address".to_owned()))?;
    let from = mailbox(&smtp.from_address).ok_or_else(|| {
        Trouble::passing("courier.smtp.from_address is no email address".to_owned())
    })?;
    let sender = match smtp.from_name.as_str() {
        "" => from.clone(),
        name => format!("{} <{from}>", phrase(name)),
    };
    let date = now.format(&Rfc2822).unwrap_or_default();
    let domain = from
        .rsplit_once('@')
        .map_or("localhost", |(_, domain)| domain);
    let mut headers: Headers = vec![
        ("From".into(), sender),
        ("To".into(), to.clone()),
        ("Subject".into(), unstructured(&message.subject)),
        ("Date".into(), date),
        // The same at each attempt, so that a mail that arrives twice can be told.
        ("Message-ID".into(), format!("<{}@{domain}>", message.id)),
        ("MIME-Version".into(), "1.0".into()),
    ];
    let (mut first, mut more) = (vec![to], vec![]);
    for (name, value) in smtp.headers.iter() {
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_graphic() && c != ':');
        // The form of the mail is not the configuration's to say.
        if !is_name || name.to_ascii_lowercase().starts_with("content-") {
            tracing::debug!(name, "a header of courier.smtp.headers is left out");
            continue;
        }
        let named = |other: &str| name.eq_ignore_ascii_case(other);
        if named("to") || named("cc") || named("bcc") {
            let mut listed = vec![];
            for address in addresses(value) {
                let address = mailbox(address).ok_or_else(|| {
                    Trouble::passing(format!(
                        "courier.smtp.headers: {name} is no list of addresses"
                    ))
                })?;
                listed.push(address);
            }
            if named("to") {
                first = listed;
            } else {
                more.append(&mut listed);
            }
        }
        headers.retain(|(other, _)| !named(other));
        if !named("bcc") {
            headers.push((name.to_owned(), unstructured(value)));
        }
    }
    first.append(&mut more);
    let envelope = Envelope { from, to: first };
    Ok((envelope, headers))
}

/// The entries of a list of addresses; commas in quotes do not part them.
fn addresses(list: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    let parts = list.split(move |c| {
        is_quoted ^= c == '"';
        c == ',' && !is_quoted
    });
    parts.map(str::trim).filter(|address| !address.is_empty())
}

/// An address as commands and headers have it: nothing in it can end either, the domain is ASCII.
fn mailbox(text: &str) -> Option<String> {
    let address =
        email::address(text).or_else(|| email::is_loose(text).then(|| text.to_owned()))?;
    let (local, domain) = address.rsplit_once('@')?;
    if local.contains(char::is_control) {
        return None;
    }
    let domain = match url::Host::parse(domain).ok()? {
        url::Host::Domain(domain) => domain,
        url::Host::Ipv4(_) | url::Host::Ipv6(_) => domain.to_owned(),
    };
    let is_atom = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    if local.chars().all(is_atom) {
        return Some(format!("{local}@{domain}"));
    }
    let quoted = local.replace('\\', "\\\\").replace('"', "\\\"");
    Some(format!("\"{quoted}\"@{domain}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_parted_at_commas_outside_of_quotes() {
        let list = r#" "B, A" <a@example.org>, ,b@example.org "#;
        let parts: Vec<_> = addresses(list).collect();
        assert_eq!(parts, [r#""B, A" <a@example.org>"#, "b@example.org"]);
    }

    #[test]
    fn no_address_leaves_its_command() {
        for (text, address) in [
            ("a@example.org", Some("a@example.org")),
            ("A B <a@example.org>", Some("a@example.org")),
            ("a..b@docomo.example", Some("a..b@docomo.example")),
            (r#""a b"@example.org"#, Some(r#""a b"@example.org"#)),
            ("ü@bücher.example", Some("ü@xn--bcher-kva.example")),
            ("a@example.org>\r\nRCPT TO:<b@example.org", None),
            ("a@example.org\r\nDATA", None),
            ("a", None),
            ("", None),
        ] {
            assert_eq!(mailbox(text).as_deref(), address, "{text:?}");
        }
    }
}
