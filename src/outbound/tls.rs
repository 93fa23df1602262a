//! Whom we trust: the system's roots, or those compiled in where the system has none (a bare image). One list for
//! HTTP, mail and databases.
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use std::sync::{Arc, LazyLock};

static ROOTS: LazyLock<Vec<CertificateDer<'static>>> = LazyLock::new(|| {
    // `SSL_CERT_FILE` and `SSL_CERT_DIR` are looked at here, too.
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a root certificate of the system cannot be read");
    }
    if found.certs.is_empty() {
        webpki_root_certs::TLS_SERVER_ROOT_CERTS.to_vec()
    } else {
        found.certs
    }
});

/// Makes AWS-LC the cryptography of TLS in this process. Call it first thing; later calls change nothing.
pub fn install_provider() {
    // An error means that a provider is there already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// The certificates of trusted authorities.
#[must_use]
pub fn roots() -> &'static [CertificateDer<'static>] {
    &ROOTS
}

/// For TLS connections that we open without the HTTP client.
#[must_use]
pub fn client_config() -> Arc<ClientConfig> {
    static CONFIG: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
        install_provider();
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(ROOTS.iter().cloned());
        let config = ClientConfig::builder().with_root_certificates(store);
        Arc::new(config.with_no_client_auth())
    });
    CONFIG.clone()
}
