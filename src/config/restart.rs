//! Keys that are read once, when the server starts. A reload changes the snapshot, and says that these wait.
use super::Config;
use super::serve::{Socket, Tls, TlsSource};

impl Config {
    /// Keys that differ from those of `old` and count only after a restart.
    #[must_use]
    pub fn needs_restart(&self, old: &Self) -> Vec<&'static str> {
        let pairs = read_once(self).into_iter().zip(read_once(old));
        pairs
            .filter(|(new, old)| new.1 != old.1)
            .map(|(new, _)| new.0)
            .collect()
    }
}

/// The keys with what decides about them as text. The text holds secrets: it is compared and dropped.
fn read_once(config: &Config) -> [(&'static str, String); 10] {
    let (public, admin) = (&config.serve.public, &config.serve.admin);
    let authorization = config.tracing.providers.otlp.authorization_header.as_ref();
    let authorization = authorization.map(|header| header.expose().as_str());
    [
        ("dsn", config.dsn.expose().clone()),
        (
            "serve.public",
            listener(&public.host, public.port, &public.socket, &public.tls),
        ),
        (
            "serve.admin",
            listener(&admin.host, admin.port, &admin.socket, &admin.tls),
        ),
        ("log", format!("{:?}", config.log)),
        ("tracing", format!("{:?}{authorization:?}", config.tracing)),
        (
            "courier.worker.pull_wait",
            config.courier.worker.pull_wait.to_string(),
        ),
        ("watch-courier", config.watch_courier.to_string()),
        (
            "expose-metrics-port",
            config.expose_metrics_port.to_string(),
        ),
        (
            "extensions.courier",
            format!("{:?}", config.extensions.courier),
        ),
        (
            "extensions.hashing",
            format!("{:?}", config.extensions.hashing),
        ),
    ]
}

fn listener(host: &str, port: u16, socket: &Socket, tls: &Tls) -> String {
    let pem = |source: &TlsSource| {
        let inline = source.base64.as_ref().map(|text| text.expose().as_str());
        format!("{:?}{inline:?}", source.path)
    };
    format!("{host}:{port}{socket:?}{}{}", pem(&tls.cert), pem(&tls.key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_once_is_named() {
        let old = Config::default();
        let mut new = old.clone();
        assert_eq!(new.needs_restart(&old), Vec::<&str>::new());
        new.session.cookie.name = "another".into();
        assert_eq!(new.needs_restart(&old), Vec::<&str>::new());
        new.serve.admin.tls.key.base64 = Some("x".to_owned().into());
        new.dsn = "memory".to_owned().into();
        new.log.level = super::super::log::LogLevel::Debug;
        new.extensions.courier.parallel_deliveries = 2;
        assert_eq!(
            new.needs_restart(&old),
            ["dsn", "serve.admin", "log", "extensions.courier"]
        );
    }
}
