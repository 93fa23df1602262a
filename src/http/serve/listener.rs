//! Opening a socket: an address of the network, or a file (config-cli.md §2.2).
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_rustls::TlsAcceptor;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// The host may be empty: all interfaces, IPv4 and IPv6. Port 0: any that is free.
    Tcp {
        host: String,
        port: u16,
    },
    Unix {
        path: PathBuf,
        rights: SocketRights,
    },
}

/// Who may connect to a unix socket. An empty owner or group stays what it is; names and numbers are understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketRights {
    pub owner: String,
    pub group: String,
    pub mode: u32,
}

impl Address {
    /// `unix:/path` is a socket file, everything else the name of a host.
    #[must_use]
    pub fn new(host: &str, port: u16, rights: SocketRights) -> Self {
        match host.strip_prefix("unix:") {
            Some(path) => Self::Unix {
                path: path.into(),
                rights,
            },
            None => Self::Tcp {
                host: host.to_owned(),
                port,
            },
        }
    }
}

/// An open socket.
pub struct Listener {
    socket: Socket,
    tls: Option<TlsAcceptor>,
}

enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

/// Somebody who has connected.
pub(super) struct Client {
    pub(super) stream: Stream,
    pub(super) address: String,
    pub(super) tls: Option<TlsAcceptor>,
}

impl Listener {
    /// Opens the socket. A socket file on which nobody listens any more is replaced.
    pub async fn bind(
        address: &Address,
        tls: Option<Arc<rustls::ServerConfig>>,
    ) -> io::Result<Self> {
        let socket = match address {
            Address::Tcp { host, port } => Socket::Tcp(bind_tcp(host, *port).await?),
            Address::Unix { path, rights } => {
                Socket::Unix(bind_unix(path, rights).await?, path.clone())
            }
        };
        Ok(Self {
            socket,
            tls: tls.map(TlsAcceptor::from),
        })
    }

    /// What it listens on, for the log: `127.0.0.1:4433` or `unix:/path`.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.socket {
            Socket::Tcp(listener) => listener
                .local_addr()
                .map_or_else(|e| e.to_string(), |a| a.to_string()),
            Socket::Unix(_, path) => format!("unix:{}", path.display()),
        }
    }

    /// The address of the network; `None` for a socket file.
    #[must_use]
    pub fn socket_address(&self) -> Option<SocketAddr> {
        match &self.socket {
            Socket::Tcp(listener) => listener.local_addr().ok(),
            Socket::Unix(..) => None,
        }
    }

    pub(super) async fn accept(&self) -> io::Result<Client> {
        let (stream, address) = match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // Answers are small and whole: nothing to collect.
                stream.set_nodelay(true)?;
                (Stream::Tcp(stream), canonical(address).to_string())
            }
            Socket::Unix(listener, _) => {
                let (stream, _) = listener.accept().await?;
                (Stream::Unix(stream), "@".to_owned())
            }
        };
        Ok(Client {
            stream,
            address,
            tls: self.tls.clone(),
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Socket::Unix(_, path) = &self.socket {
            // Gone already is fine.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// An IPv4 client of an IPv6 socket is written as IPv4.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

async fn bind_tcp(host: &str, port: u16) -> io::Result<TcpListener> {
    // A host in brackets is an IPv6 address as it stands in URLs.
    let host = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host);
    if host.is_empty() || host == "0.0.0.0" || host == "::" {
        // As in Go, "everywhere" means both families where the machine has both.
        let everywhere = TcpListener::bind(("::", port)).await;
        return match everywhere {
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                TcpListener::bind(("0.0.0.0", port)).await
            }
            bound => bound,
        };
    }
    TcpListener::bind((host, port)).await
}

async fn bind_unix(path: &Path, rights: &SocketRights) -> io::Result<UnixListener> {
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_abandoned(path).await => {
            std::fs::remove_file(path)?;
            UnixListener::bind(path)?
        }
        bound => bound?,
    };
    let owner = id_of(&rights.owner, "/etc/passwd")?;
    let group = id_of(&rights.group, "/etc/group")?;
    if owner.is_some() || group.is_some() {
        std::os::unix::fs::chown(path, owner, group)?;
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(rights.mode))?;
    Ok(listener)
}

/// A socket file whose server is gone.
async fn is_abandoned(path: &Path) -> bool {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_socket());
    let refused = matches!(
        UnixStream::connect(path).await,
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused
    );
    is_socket && refused
}

/// The number behind a name; both files have it in the third column.
fn id_of(name: &str, file: &str) -> io::Result<Option<u32>> {
    if name.is_empty() {
        return Ok(None);
    }
    if let Ok(number) = name.parse() {
        return Ok(Some(number));
    }
    let known = std::fs::read_to_string(file)?;
    let found = known.lines().find_map(|line| {
        let mut columns = line.split(':');
        (columns.next() == Some(name))
            .then(|| columns.nth(1))?
            .and_then(|id| id.parse().ok())
    });
    if found.is_none() {
        let text = format!("the name {name:?} of the socket's owner or group is not in {file}");
        return Err(io::Error::new(io::ErrorKind::NotFound, text));
    }
    Ok(found)
}

pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(s) => Pin::new(s).poll_read(cx, buffer),
            Self::Unix(s) => Pin::new(s).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(s) => Pin::new(s).poll_write(cx, bytes),
            Self::Unix(s) => Pin::new(s).poll_write(cx, bytes),
        }
    }
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(s) => Pin::new(s).poll_write_vectored(cx, slices),
            Self::Unix(s) => Pin::new(s).poll_write_vectored(cx, slices),
        }
    }
    fn is_write_vectored(&self) -> bool {
        true
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(s) => Pin::new(s).poll_flush(cx),
            Self::Unix(s) => Pin::new(s).poll_flush(cx),
        }
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(s) => Pin::new(s).poll_shutdown(cx),
            Self::Unix(s) => Pin::new(s).poll_shutdown(cx),
        }
    }
}
