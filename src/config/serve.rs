//! The two listeners.
use super::section::section;
use crate::base::secret::Secret;

section!(Serve {
    public: PublicServe,
    admin: AdminServe
});
section!(
    /// The port that everybody reaches.
    PublicServe {
        /// `unix:/path` is a socket.
        host: String = "0.0.0.0".into(),
        port: u16 = 4433,
        socket: Socket,
        /// As browsers see it. [`super::Config::public_url`] knows what to do without.
        base_url: Option<String>,
        tls: Tls,
        request_log: RequestLog,
        cors: Cors,
    }
);
section!(
    /// The port that only the operator's own services reach.
    AdminServe {
        host: String = "0.0.0.0".into(),
        port: u16 = 4434,
        socket: Socket,
        base_url: Option<String>,
        tls: Tls,
        request_log: RequestLog,
    }
);
section!(
    /// Owner and rights of a unix socket.
    Socket { owner: String, group: String, mode: u32 = 0o755 }
);
section!(
    /// Certificate and key; both or neither.
    Tls { cert: TlsSource, key: TlsSource }
);
section!(
    /// PEM in a file or inline in base64.
    TlsSource { path: Option<String>, base64: Option<Secret<String>> }
);

impl Tls {
    /// Whether the listener speaks HTTPS.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.cert.is_set() && self.key.is_set()
    }
}

impl TlsSource {
    /// Whether there is a path or a text.
    #[must_use]
    pub fn is_set(&self) -> bool {
        let named = self.path.as_ref().is_some_and(|p| !p.is_empty());
        named || self.base64.as_ref().is_some_and(|t| !t.expose().is_empty())
    }
}

section!(RequestLog {
    disable_for_health: bool
});
section!(
    Cors {
        enabled: bool,
        allowed_origins: Vec<String> = vec!["*".into()],
        allowed_methods: Vec<String> = words("POST GET PUT PATCH DELETE"),
        allowed_headers: Vec<String> =
            words("Authorization Content-Type Max-Age X-Session-Token X-XSRF-TOKEN X-CSRF-TOKEN"),
        exposed_headers: Vec<String> = words("Content-Type"),
        allow_credentials: bool = true,
        options_passthrough: bool,
        /// Seconds.
        max_age: u64,
        debug: bool,
    }
);

pub(super) fn words(list: &str) -> Vec<String> {
    list.split_whitespace().map(str::to_owned).collect()
}
