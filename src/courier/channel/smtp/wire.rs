//! The conversation with a mail server (RFC 5321), one connection at a time.
//!
//! Written here rather than taken from a library so that the socket is ours (its address was checked), that nothing is
//! read which was sent in clear before TLS began, that a refused recipient does not cost the connection, and that sender
//! and recipients go out together where the server permits (RFC 2920).
use crate::config::relay::{Login, Relay, Security};
use data_encoding::BASE64;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// For each answer, but for the last one.
const PATIENCE: Duration = Duration::from_secs(10);
/// The server may take its time to put a mail to disk, and what it does not say in time is sent twice.
const LONG_PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of an answer, all its lines together.
const LONGEST: u64 = 64 << 10;

pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// What went wrong with the conversation.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("the mail server answers {0}")]
    Reply(Reply),
    #[error("the connection to the mail server broke: {0}")]
    Io(#[from] io::Error),
    #[error("the mail server did not answer in time")]
    TimedOut,
    #[error("the mail server does not speak SMTP")]
    Nonsense,
    #[error("{0}")]
    Unfit(&'static str),
}

/// An answer: a number and what is said with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    pub(super) text: String,
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code, self.text.replace('\n', " "))
    }
}

impl Reply {
    fn ok(self, class: u16) -> Result<Self, Fault> {
        if self.code / 100 == class {
            Ok(self)
        } else {
            Err(Fault::Reply(self))
        }
    }
}

/// What the server offers: the lines of its answer to EHLO in upper case, each as words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Offers(Vec<Vec<String>>);

impl Offers {
    fn read(reply: &Reply) -> Self {
        let words = |line: &str| -> Vec<String> {
            // Old servers write AUTH=LOGIN.
            let line = line.to_ascii_uppercase().replace('=', " ");
            line.split_ascii_whitespace().map(str::to_owned).collect()
        };
        Self(reply.text.lines().skip(1).map(words).collect())
    }

    fn has(&self, name: &str) -> bool {
        self.lines(name).next().is_some()
    }

    fn signs_in_by(&self, mechanism: &str) -> bool {
        self.lines("AUTH")
            .any(|line| line.iter().any(|word| word == mechanism))
    }

    fn lines(&self, name: &str) -> impl Iterator<Item = &Vec<String>> {
        let is_it = move |line: &&Vec<String>| line.first().is_some_and(|word| word == name);
        self.0.iter().filter(is_it)
    }
}

/// Who sends, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) from: String,
    pub(super) to: Vec<String>,
}

pub(super) struct Wire {
    stream: BufReader<Box<dyn Stream>>,
    offers: Offers,
}

impl Wire {
    /// Says hello, begins TLS and signs in, as the relay's address has it.
    pub(super) async fn open(
        socket: TcpStream,
        relay: &Relay,
        tls: &Arc<ClientConfig>,
        name: &str,
    ) -> Result<Self, Fault> {
        let mut is_private = relay.security == Security::AtOnce;
        let stream: Box<dyn Stream> = if is_private {
            Box::new(encrypt(socket, relay, tls).await?)
        } else {
            Box::new(socket)
        };
        let mut wire = Self {
            stream: BufReader::new(stream),
            offers: Offers::default(),
        };
        wire.reply(PATIENCE).await?.ok(2)?;
        wire.hello(name).await?;
        if !is_private {
            if wire.offers.has("STARTTLS") {
                wire.ask("STARTTLS").await?.ok(2)?;
                if !wire.stream.buffer().is_empty() {
                    return Err(Fault::Unfit(
                        "the mail server goes on in clear behind its answer to STARTTLS",
                    ));
                }
                let stream = encrypt(wire.stream.into_inner(), relay, tls).await?;
                wire = Self {
                    stream: BufReader::new(Box::new(stream)),
                    offers: Offers::default(),
                };
                wire.hello(name).await?;
                is_private = true;
            } else if relay.security == Security::Required {
                return Err(Fault::Unfit(
                    "the mail server does not offer STARTTLS, which is required; \
                     disable_starttls=true in the connection_uri does without",
                ));
            }
        }
        if let Some(login) = &relay.login {
            wire.sign_in(login, is_private || is_local(&relay.host))
                .await?;
        }
        Ok(wire)
    }

    async fn hello(&mut self, name: &str) -> Result<(), Fault> {
        let reply = self.ask(&format!("EHLO {name}")).await?;
        if reply.code / 100 == 2 {
            self.offers = Offers::read(&reply);
            return Ok(());
        }
        self.ask(&format!("HELO {name}")).await?.ok(2)?;
        Ok(())
    }

    /// A server that offers no way to sign in takes mail without.
    async fn sign_in(&mut self, login: &Login, is_private: bool) -> Result<(), Fault> {
        if !self.offers.has("AUTH") {
            return Ok(());
        }
        if !is_private {
            return Err(Fault::Unfit(
                "the password is not sent in clear: the mail server offers no TLS",
            ));
        }
        let password = login.password.expose();
        if self.offers.signs_in_by("PLAIN") {
            let words = BASE64.encode(format!("\0{}\0{password}", login.user).as_bytes());
            self.ask(&format!("AUTH PLAIN {words}")).await?.ok(2)?;
        } else if self.offers.signs_in_by("LOGIN") {
            self.ask("AUTH LOGIN").await?.ok(3)?;
            self.ask(&BASE64.encode(login.user.as_bytes()))
                .await?
                .ok(3)?;
            self.ask(&BASE64.encode(password.as_bytes())).await?.ok(2)?;
        } else {
            return Err(Fault::Unfit(
                "the mail server offers neither PLAIN nor LOGIN to sign in",
            ));
        }
        Ok(())
    }

    /// Names sender and recipients, up to the point where the mail itself may follow. The number of an answer that
    /// concerns a recipient is told apart: it says something about the mail and not about the server.
    pub(super) async fn begin(&mut self, envelope: &Envelope) -> Result<(), Begun> {
        let is_ascii = envelope.from.is_ascii() && envelope.to.iter().all(|to| to.is_ascii());
        if !is_ascii && !self.offers.has("SMTPUTF8") {
            return Err(Begun::Recipient(Fault::Unfit(
                "the mail server takes no addresses beyond ASCII",
            )));
        }
        let utf8 = if is_ascii {
            ""
        } else {
            " SMTPUTF8 BODY=8BITMIME"
        };
        let mut commands = vec![format!("MAIL FROM:<{}>{utf8}\r\n", envelope.from)];
        commands.extend(envelope.to.iter().map(|to| format!("RCPT TO:<{to}>\r\n")));
        if self.offers.has("PIPELINING") {
            self.write(commands.concat().as_bytes()).await?;
        }
        // All answers have to be read, or the next one would be taken for another.
        let mut first = None;
        for (at, command) in commands.iter().enumerate() {
            if !self.offers.has("PIPELINING") {
                if first.is_some() {
                    break;
                }
                self.write(command.as_bytes()).await?;
            }
            if let Err(fault) = self.reply(PATIENCE).await?.ok(2) {
                first.get_or_insert(if at == 0 {
                    Begun::Server(fault)
                } else {
                    Begun::Recipient(fault)
                });
            }
        }
        if let Some(fault) = first {
            return Err(fault);
        }
        self.ask("DATA").await?.ok(3)?;
        Ok(())
    }

    /// The mail itself; once this returns it is the server's.
    pub(super) async fn content(&mut self, mail: &[u8]) -> Result<Reply, Fault> {
        self.write(&stuffed(mail)).await?;
        self.reply(LONG_PATIENCE).await?.ok(2)
    }

    /// Forgets a mail that was begun.
    pub(super) async fn reset(&mut self) -> Result<(), Fault> {
        self.ask("RSET").await?.ok(2).map(|_| ())
    }

    /// Says good-bye, and does not insist.
    pub(super) async fn quit(mut self) {
        let quit = async {
            let _ = self.write(b"QUIT\r\n").await;
            let _ = self.reply(PATIENCE).await;
        };
        let _ = tokio::time::timeout(Duration::from_secs(1), quit).await;
    }

    async fn ask(&mut self, command: &str) -> Result<Reply, Fault> {
        self.write(format!("{command}\r\n").as_bytes()).await?;
        self.reply(PATIENCE).await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let stream = self.stream.get_mut();
        let write = async {
            stream.write_all(bytes).await?;
            stream.flush().await
        };
        let written = tokio::time::timeout(PATIENCE, write).await;
        Ok(written.map_err(|_| Fault::TimedOut)??)
    }

    /// All lines of the next answer: `250-first`, `250 last`.
    async fn reply(&mut self, patience: Duration) -> Result<Reply, Fault> {
        let read = async {
            let mut rest = LONGEST;
            let mut lines: Vec<String> = Vec::new();
            loop {
                let mut line = Vec::new();
                let read = (&mut self.stream)
                    .take(rest)
                    .read_until(b'\n', &mut line)
                    .await?;
                if line.last() != Some(&b'\n') {
                    return Err(if read as u64 == rest {
                        Fault::Nonsense
                    } else {
                        io::Error::from(io::ErrorKind::UnexpectedEof).into()
                    });
                }
                rest -= read as u64;
                let line = String::from_utf8_lossy(&line);
                let line = line.trim_end();
                let code = line.get(..3).and_then(|code| code.parse().ok());
                let code = code
                    .filter(|code| (200..600).contains(code))
                    .ok_or(Fault::Nonsense)?;
                lines.push(line.get(4..).unwrap_or_default().to_owned());
                if line.as_bytes().get(3) != Some(&b'-') {
                    let text = lines.join("\n");
                    return Ok(Reply { code, text });
                }
            }
        };
        let reply = tokio::time::timeout(patience, read).await;
        reply.map_err(|_| Fault::TimedOut)?
    }
}

/// Why a mail could not be begun.
#[derive(Debug)]
pub(super) enum Begun {
    Server(Fault),
    Recipient(Fault),
}

impl From<Fault> for Begun {
    fn from(fault: Fault) -> Self {
        Self::Server(fault)
    }
}

async fn encrypt<S: Stream>(
    stream: S,
    relay: &Relay,
    tls: &Arc<ClientConfig>,
) -> Result<tokio_rustls::client::TlsStream<S>, Fault> {
    let name = match (&relay.server_name, relay.security) {
        (Some(name), Security::AtOnce | Security::Required) => name,
        _ => &relay.host,
    };
    let name = ServerName::try_from(name.clone())
        .map_err(|_| Fault::Unfit("the name of the mail server cannot be on a certificate"))?;
    let connect = TlsConnector::from(Arc::clone(tls)).connect(name, stream);
    let connected = tokio::time::timeout(PATIENCE, connect).await;
    connected.map_err(|_| Fault::TimedOut)?.map_err(|error| {
        let told = error.get_ref().and_then(|error| error.downcast_ref());
        match told.and_then(super::tls::in_words) {
            Some(words) => Fault::Unfit(words),
            None => error.into(),
        }
    })
}

fn is_local(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "::1")
}

/// A dot in front of each line that begins with one, and the one that ends it all (RFC 5321 §4.5.2). Lines end with
/// CR LF already.
fn stuffed(mail: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(mail.len() + 16);
    for line in mail.split_inclusive(|byte| *byte == b'\n') {
        if line.first() == Some(&b'.') {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
    if !mail.is_empty() && !mail.ends_with(b"\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_at_the_start_of_a_line_are_doubled() {
        assert_eq!(stuffed(b".a\r\nb.\r\n..\r\n"), b"..a\r\nb.\r\n...\r\n.\r\n");
        assert_eq!(stuffed(b"a"), b"a\r\n.\r\n");
        assert_eq!(stuffed(b""), b".\r\n");
    }

    #[test]
    fn offers_are_read_in_any_spelling() {
        let text = "mail.example.org\nPipelining\nAUTH=LOGIN XOAUTH2\nstarttls\nSIZE 1000";
        let reply = Reply {
            code: 250,
            text: text.into(),
        };
        let offers = Offers::read(&reply);
        assert!(offers.has("PIPELINING") && offers.has("STARTTLS") && offers.signs_in_by("LOGIN"));
        assert!(!offers.signs_in_by("PLAIN") && !offers.has("SMTPUTF8"));
    }
}
