//! Certificate and key of a listener: TLS 1.2 and 1.3, HTTP/2 where the client asks for it.
use data_encoding::BASE64;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::PathBuf;
use std::sync::Arc;

/// Where a PEM text is: in a file, or in the configuration itself, base64-encoded.
#[derive(Clone, Debug)]
pub enum Pem {
    File(PathBuf),
    Base64(crate::base::secret::Secret<String>),
}

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("the file {0} cannot be read: {1}")]
    File(PathBuf, std::io::Error),
    #[error("the {0} in the configuration is not base64")]
    Base64(&'static str),
    #[error("the {0} is no PEM text of the kind: {1}")]
    Pem(&'static str, rustls::pki_types::pem::Error),
    #[error("the certificate text holds no certificate")]
    NoCertificate,
    #[error("certificate and key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

impl Pem {
    fn read(&self, what: &'static str) -> Result<Vec<u8>, TlsError> {
        match self {
            Self::File(path) => std::fs::read(path).map_err(|e| TlsError::File(path.clone(), e)),
            Self::Base64(text) => BASE64
                .decode(text.expose().trim().as_bytes())
                .map_err(|_| TlsError::Base64(what)),
        }
    }
}

/// What a listener needs to speak TLS. The certificate's text may hold a chain, its own certificate first.
pub fn tls_config(certificate: &Pem, key: &Pem) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = certificate.read("certificate")?;
    let chain = CertificateDer::pem_slice_iter(&chain)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| TlsError::Pem("certificate", e))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate);
    }
    let key =
        PrivateKeyDer::from_pem_slice(&key.read("key")?).map_err(|e| TlsError::Pem("key", e))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
