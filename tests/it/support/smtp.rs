//! A mail server that does what a test tells it, and remembers everything.
use data_encoding::BASE64;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// User and password, and how they came.
pub type SignedIn = (String, String, &'static str);
/// How long to wait, for which recipients.
pub type Slow = (Duration, fn(&str) -> bool);

/// A mail that was accepted.
#[derive(Clone, Debug)]
pub struct Received {
    pub hello: String,
    pub tls: bool,
    pub login: Option<SignedIn>,
    pub from: String,
    pub to: Vec<String>,
    /// With the dots taken out.
    pub data: String,
}

impl Received {
    /// A header, unfolded.
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.data.split("\r\n\r\n").next()?.replace("\r\n ", " ");
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        let (_, value) = lines.find(|(n, _)| n.eq_ignore_ascii_case(name))?;
        Some(value.to_owned())
    }
}

/// At which point of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Mail,
    Recipient,
    Content,
}

/// What to answer instead of yes, if anything: by the point, the last recipient, and how often this was asked for it.
pub type Plan = Arc<dyn Fn(At, &str, usize) -> Option<&'static str> + Send + Sync>;

#[derive(Clone)]
pub struct Server {
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    mails: Mutex<Vec<Received>>,
    asked: Mutex<HashMap<(u8, String), usize>>,
    connections: AtomicUsize,
    /// Mails that are being taken: now, and the most at once.
    taking: AtomicUsize,
    most_taking: AtomicUsize,
}

#[derive(Clone, Default)]
pub struct Settings {
    /// TLS from the first byte on.
    pub implicit_tls: bool,
    pub starttls: bool,
    /// Words behind AUTH; none: it is not offered.
    pub auth: &'static str,
    pub pipelining: bool,
    pub plan: Option<Plan>,
    /// Before the answer to the content, for these recipients.
    pub slow: Option<Slow>,
}

fn acceptor() -> TlsAcceptor {
    kratos::outbound::tls::install_provider();
    let chain = CertificateDer::from_pem_slice(include_bytes!("../../fixtures/tls/cert.pem"));
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../../fixtures/tls/key.pem"));
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![chain.unwrap()], key.unwrap())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

impl Server {
    pub async fn start(settings: Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            shared: Arc::new(Shared {
                settings,
                mails: Mutex::default(),
                asked: Mutex::default(),
                connections: AtomicUsize::new(0),
                taking: AtomicUsize::new(0),
                most_taking: AtomicUsize::new(0),
            }),
        };
        let shared = server.shared.clone();
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                socket.set_nodelay(true).unwrap();
                let shared = shared.clone();
                tokio::spawn(async move {
                    // A client that hangs up is its own business.
                    let _ = shared.serve(socket).await;
                });
            }
        });
        server
    }

    /// In clear, with pipelining.
    pub async fn plain() -> Self {
        let settings = Settings {
            pipelining: true,
            ..Settings::default()
        };
        Self::start(settings).await
    }

    pub fn uri(&self) -> String {
        format!("smtp://127.0.0.1:{}/?disable_starttls=true", self.port)
    }

    pub fn mails(&self) -> Vec<Received> {
        self.shared.mails.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// How many mails were taken at the same time.
    pub fn most_taking(&self) -> usize {
        self.shared.most_taking.load(Ordering::Relaxed)
    }

    /// Waits for that many mails.
    pub async fn wait(&self, count: usize) -> Vec<Received> {
        for _ in 0..1000 {
            let have = self.shared.mails.lock().unwrap().len();
            if have >= count {
                return self.mails();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{} of {count} mails have come", self.mails().len());
    }
}

struct Talk<'s> {
    shared: &'s Shared,
    tls: bool,
    hello: String,
    login: Option<SignedIn>,
}

impl Shared {
    async fn serve(&self, socket: TcpStream) -> std::io::Result<()> {
        self.connections.fetch_add(1, Ordering::Relaxed);
        let mut talk = Talk {
            shared: self,
            tls: false,
            hello: String::new(),
            login: None,
        };
        if self.settings.implicit_tls {
            talk.tls = true;
            let stream = acceptor().accept(socket).await?;
            return talk.run(BufReader::new(stream), true).await.map(|_| ());
        }
        let rest = talk.run(BufReader::new(socket), true).await?;
        if let Some(socket) = rest {
            talk.tls = true;
            let stream = acceptor().accept(socket).await?;
            talk.run(BufReader::new(stream), false).await?;
        }
        Ok(())
    }

    fn refusal(&self, at: At, to: &str) -> Option<&'static str> {
        let count = {
            let mut asked = self.asked.lock().unwrap();
            let count = asked.entry((at as u8, to.to_owned())).or_default();
            *count += 1;
            *count
        };
        self.settings.plan.as_ref()?(at, to, count)
    }
}

fn decoded(text: &str) -> String {
    String::from_utf8(BASE64.decode(text.trim().as_bytes()).unwrap()).unwrap()
}

impl Talk<'_> {
    /// Gives the socket back where TLS is to begin.
    async fn run<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        mut stream: BufReader<S>,
        greets: bool,
    ) -> std::io::Result<Option<S>> {
        let settings = &self.shared.settings;
        if greets {
            stream.write_all(b"220-hello\r\n220 there\r\n").await?;
        }
        let (mut from, mut to) = (String::new(), Vec::<String>::new());
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(None);
            }
            assert!(line.ends_with("\r\n") && !line[..line.len() - 2].contains(['\r', '\n']));
            let line = line.trim_end();
            let verb = line.split([' ', ':']).next().unwrap().to_ascii_uppercase();
            let inside = || {
                let (_, rest) = line.split_once('<').unwrap();
                rest.split_once('>').unwrap().0.to_owned()
            };
            let answer: String = match verb.as_str() {
                "EHLO" => {
                    line[5..].clone_into(&mut self.hello);
                    let mut offers = vec!["250-here".to_owned()];
                    if settings.starttls && !self.tls {
                        offers.push("250-STARTTLS".into());
                    }
                    if !settings.auth.is_empty() {
                        offers.push(format!("250-AUTH {}", settings.auth));
                    }
                    if settings.pipelining {
                        offers.push("250-PIPELINING".into());
                    }
                    offers.push("250 SIZE 1000000".into());
                    offers.join("\r\n")
                }
                "STARTTLS" => {
                    stream.write_all(b"220 go\r\n").await?;
                    return Ok(Some(stream.into_inner()));
                }
                "AUTH" if line.starts_with("AUTH PLAIN ") => {
                    let words = decoded(&line[11..]);
                    let mut words = words.split('\0').skip(1).map(str::to_owned);
                    self.login = Some((words.next().unwrap(), words.next().unwrap(), "PLAIN"));
                    "235 yes".into()
                }
                "AUTH" if line == "AUTH LOGIN" => {
                    let mut words = vec![];
                    for question in ["334 VXNlcm5hbWU6\r\n", "334 UGFzc3dvcmQ6\r\n"] {
                        stream.write_all(question.as_bytes()).await?;
                        let mut line = String::new();
                        stream.read_line(&mut line).await?;
                        words.push(decoded(&line));
                    }
                    self.login = Some((words[0].clone(), words[1].clone(), "LOGIN"));
                    "235 yes".into()
                }
                "MAIL" => {
                    from = inside();
                    to.clear();
                    let refusal = self.shared.refusal(At::Mail, &from);
                    refusal.unwrap_or("250 ok").into()
                }
                "RCPT" => {
                    let refusal = self.shared.refusal(At::Recipient, &inside());
                    if refusal.is_none() {
                        to.push(inside());
                    }
                    refusal.unwrap_or("250 ok").into()
                }
                "DATA" if to.is_empty() => "503 nobody".into(),
                "DATA" => {
                    stream.write_all(b"354 go\r\n").await?;
                    let mut data = String::new();
                    loop {
                        let mut line = String::new();
                        if stream.read_line(&mut line).await? == 0 {
                            return Ok(None);
                        }
                        assert!(line.ends_with("\r\n") && line.len() <= 1000 && line.is_ascii());
                        if line == ".\r\n" {
                            break;
                        }
                        data.push_str(line.strip_prefix('.').unwrap_or(&line));
                    }
                    let taking = self.shared.taking.fetch_add(1, Ordering::Relaxed) + 1;
                    self.shared.most_taking.fetch_max(taking, Ordering::Relaxed);
                    if let Some((wait, who)) = settings.slow
                        && who(&to[0])
                    {
                        tokio::time::sleep(wait).await;
                    }
                    self.shared.taking.fetch_sub(1, Ordering::Relaxed);
                    let refusal = self.shared.refusal(At::Content, &to[0]);
                    if refusal.is_none() {
                        self.shared.mails.lock().unwrap().push(Received {
                            hello: self.hello.clone(),
                            tls: self.tls,
                            login: self.login.clone(),
                            from: from.clone(),
                            to: to.clone(),
                            data,
                        });
                    }
                    refusal.unwrap_or("250 taken").into()
                }
                "RSET" => {
                    to.clear();
                    "250 ok".into()
                }
                "QUIT" => {
                    stream.write_all(b"221 bye\r\n").await?;
                    return Ok(None);
                }
                _ => "502 what".into(),
            };
            stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
            stream.flush().await?;
        }
    }
}
