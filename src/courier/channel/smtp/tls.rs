//! TLS with a mail server: whose certificate is believed, and the one that we show.
use crate::config::courier::Smtp;
use crate::config::relay::{Relay, Security};
use crate::outbound::tls;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::sync::Arc;

/// What TLS with that server is begun with. A certificate of ours that cannot be read is left out, with a warning.
pub(super) fn config(relay: &Relay, smtp: &Smtp) -> Arc<ClientConfig> {
    // `disable_starttls` takes the offer of TLS with what is usual: nothing of ours counts (courier.md §2.1).
    if relay.security == Security::IfOffered {
        return tls::client_config();
    }
    let identity = identity(smtp).unwrap_or_else(|(_, error)| {
        warn(&error);
        None
    });
    if relay.verifies && identity.is_none() {
        return tls::client_config();
    }
    tls::install_provider();
    let builder = if relay.verifies {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(tls::roots().iter().cloned());
        ClientConfig::builder().with_root_certificates(roots)
    } else {
        let anyone = Anyone(aws_lc_rs::default_provider());
        ClientConfig::builder()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(anyone))
    };
    let shown = identity.and_then(|(chain, key)| {
        let config = builder.clone().with_client_auth_cert(chain, key);
        config.inspect_err(|error| warn(&error.to_string())).ok()
    });
    Arc::new(shown.unwrap_or_else(|| builder.with_no_client_auth()))
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Why a certificate of ours cannot be shown: the key of `courier.smtp`, and what is wrong.
pub(in crate::courier) type BadIdentity = (&'static str, String);

fn identity(smtp: &Smtp) -> Result<Option<Identity>, BadIdentity> {
    const CERT: &str = "client_cert_path";
    const KEY: &str = "client_key_path";
    if smtp.client_cert_path.is_empty() || smtp.client_key_path.is_empty() {
        return Ok(None);
    }
    for (key, path) in [(CERT, &smtp.client_cert_path), (KEY, &smtp.client_key_path)] {
        let data = std::fs::metadata(path);
        let data = data.map_err(|error| (key, format!("the file cannot be read: {error}")))?;
        // A pipe would keep us waiting.
        if !data.is_file() {
            return Err((key, "this is no regular file".to_owned()));
        }
    }
    let chain = CertificateDer::pem_file_iter(&smtp.client_cert_path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| (CERT, format!("the file cannot be read: {error}")))?;
    if chain.is_empty() {
        return Err((CERT, "there is no certificate in the file".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(&smtp.client_key_path)
        .map_err(|error| (KEY, format!("the file cannot be read: {error}")))?;
    Ok(Some((chain, key)))
}

/// Whether the certificate of ours can be shown.
pub(in crate::courier) fn check(smtp: &Smtp) -> Result<(), BadIdentity> {
    let Some((chain, key)) = identity(smtp)? else {
        return Ok(());
    };
    tls::install_provider();
    let builder = ClientConfig::builder().with_root_certificates(RootCertStore::empty());
    let shown = builder.with_client_auth_cert(chain, key);
    let text = |error| format!("the key does not go with the certificate: {error}");
    shown
        .map(|_| ())
        .map_err(|error| ("client_key_path", text(error)))
}

fn warn(error: &str) {
    tracing::warn!(
        error,
        "the client certificate for the mail server cannot be used: it is not shown"
    );
}

/// What a certificate that is not believed is told by, where the library's words are none.
pub(super) fn in_words(error: &rustls::Error) -> Option<&'static str> {
    use rustls::CertificateError as E;
    let rustls::Error::InvalidCertificate(error) = error else {
        return None;
    };
    Some(match error {
        E::UnknownIssuer => {
            "the certificate of the mail server is by nobody whom this machine trusts: add its authority to the \
             system's, or take any certificate with skip_ssl_verify=true"
        }
        E::Expired | E::ExpiredContext { .. } => "the certificate of the mail server has expired",
        E::NotValidForName | E::NotValidForNameContext { .. } => {
            "the certificate of the mail server is for another name: say which by server_name=… in the connection_uri"
        }
        // The library knows of no way to believe these.
        E::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "the certificate of the mail server is one of an authority (CA:TRUE), which no server can show: give it one \
             that is not, or take any certificate with skip_ssl_verify=true"
        }
        _ => return None,
    })
}

/// `skip_ssl_verify`: any certificate will do, though its owner has to have the key.
#[derive(Debug)]
struct Anyone(CryptoProvider);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, cert, signature, known)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, cert, signature, known)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{CertificateError, OtherError};

    #[derive(Debug, thiserror::Error)]
    #[error("not in words")]
    struct CaUsedAsEndEntity;

    #[test]
    fn certificates_that_are_not_believed_are_told_in_words() {
        let told = |error| in_words(&rustls::Error::InvalidCertificate(error)).unwrap_or("");
        let other = CertificateError::Other(OtherError(Arc::new(CaUsedAsEndEntity)));
        assert!(told(other).contains("CA:TRUE"));
        assert!(told(CertificateError::UnknownIssuer).contains("skip_ssl_verify"));
        assert!(told(CertificateError::NotValidForName).contains("server_name"));
        assert_eq!(told(CertificateError::BadSignature), "");
    }
}
