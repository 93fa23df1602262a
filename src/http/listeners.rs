//! The two listeners as the configuration describes them (config-cli.md §2.2).
use super::serve::{Address, Listener, Pem, SocketRights, TlsError, tls_config};
use crate::config::serve::{AdminServe, PublicServe, Socket, Tls, TlsSource};
use std::io;

/// Why a listener cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("{host} port {port}: {error}")]
    Bind {
        host: String,
        port: u16,
        error: io::Error,
    },
}

/// Opens the public listener.
pub async fn public(serve: &PublicServe) -> Result<Listener, OpenError> {
    open(&serve.host, serve.port, &serve.socket, &serve.tls).await
}

/// Opens the admin listener.
pub async fn admin(serve: &AdminServe) -> Result<Listener, OpenError> {
    open(&serve.host, serve.port, &serve.socket, &serve.tls).await
}

async fn open(host: &str, port: u16, socket: &Socket, tls: &Tls) -> Result<Listener, OpenError> {
    let tls = match (pem(&tls.cert), pem(&tls.key)) {
        (Some(certificate), Some(key)) => Some(tls_config(&certificate, &key)?),
        _ => None,
    };
    let rights = SocketRights {
        owner: socket.owner.clone(),
        group: socket.group.clone(),
        mode: socket.mode,
    };
    Listener::bind(&Address::new(host, port, rights), tls)
        .await
        .map_err(|error| OpenError::Bind {
            host: host.to_owned(),
            port,
            error,
        })
}

/// A text in the configuration goes before a file.
fn pem(source: &TlsSource) -> Option<Pem> {
    let text = source
        .base64
        .clone()
        .filter(|text| !text.expose().is_empty());
    let path = source.path.clone().filter(|path| !path.is_empty());
    text.map(Pem::Base64)
        .or_else(|| path.map(|path| Pem::File(path.into())))
}
