//! Who is at the other end of the connection. The listener puts it into the extensions of every request.

/// The client's side of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// `ip:port` as the reference writes it, IPv6 in brackets; `@` for a unix socket.
    pub address: String,
    /// The connection came in by TLS.
    pub tls: bool,
}
