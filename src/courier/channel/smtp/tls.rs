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
    let identity = identity(smtp);
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

fn identity(smtp: &Smtp) -> Option<Identity> {
    if smtp.client_cert_path.is_empty() || smtp.client_key_path.is_empty() {
        return None;
    }
    let chain = CertificateDer::pem_file_iter(&smtp.client_cert_path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let key = PrivateKeyDer::from_pem_file(&smtp.client_key_path);
    match (chain, key) {
        (Ok(chain), Ok(key)) if !chain.is_empty() => Some((chain, key)),
        (Ok(_), Ok(_)) => {
            warn("there is no certificate in the file");
            None
        }
        (Err(error), _) | (_, Err(error)) => {
            warn(&error.to_string());
            None
        }
    }
}

fn warn(error: &str) {
    tracing::warn!(
        error,
        "the client certificate for the mail server cannot be used: it is not shown"
    );
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
