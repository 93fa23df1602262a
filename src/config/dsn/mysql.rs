//! `mysql://USER:PASSWORD@tcp(HOST:PORT)/DATABASE?…`: the form of Go's driver, in which nothing is
//! percent-encoded. The ordinary URL with `@HOST:PORT` is read too.
use super::BadDsn;
use crate::base::secret::Secret;
use crate::base::url::Params;
use std::fmt;
use std::path::PathBuf;

#[derive(Clone, Debug)]
pub struct MySql {
    pub user: String,
    pub password: Secret<String>,
    pub place: Place,
    pub database: String,
    pub tls: MySqlTls,
    pub charset: Option<String>,
    pub collation: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Tcp { host: String, port: u16 },
    Socket(PathBuf),
}

/// The parameter `tls`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MySqlTls {
    Off,
    /// If the server has it; no certificate is checked.
    Preferred,
    /// Always; no certificate is checked.
    Unchecked,
    /// Always, with certificate and name.
    Checked,
}

impl MySql {
    pub(super) fn parse(rest: &str, params: &Params) -> Result<Self, BadDsn> {
        let without_query = rest.split_once('?').map_or(rest, |(before, _)| before);
        // Passwords may hold slashes and @: the last of each counts.
        let (before, database) = without_query
            .rsplit_once('/')
            .ok_or_else(|| BadDsn::new("the MySQL address needs `/DATABASE` at its end"))?;
        let (credentials, place) = before.rsplit_once('@').unwrap_or(("", before));
        let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
        if database.is_empty() {
            return Err(BadDsn::new("the MySQL address names no database"));
        }
        let tls = match params.get("tls") {
            None | Some("" | "false") => MySqlTls::Off,
            Some("preferred") => MySqlTls::Preferred,
            Some("skip-verify") => MySqlTls::Unchecked,
            Some("true") => MySqlTls::Checked,
            Some(_) => {
                return Err(BadDsn::new(
                    "`tls` of the MySQL address is one of true, false, skip-verify, preferred",
                ));
            }
        };
        Ok(Self {
            user: user.to_owned(),
            password: Secret::new(password.to_owned()),
            place: Place::parse(place)?,
            database: database.to_owned(),
            tls,
            // Several may be given; the first is taken, as the driver takes the first that the server knows.
            charset: params
                .text("charset")
                .and_then(|c| c.split(',').next())
                .map(str::to_owned),
            collation: params.text("collation").map(str::to_owned),
        })
    }
}

impl Place {
    fn parse(text: &str) -> Result<Self, BadDsn> {
        let inside = |kind: &str| {
            text.strip_prefix(kind)?
                .strip_prefix('(')?
                .strip_suffix(')')
        };
        if let Some(path) = inside("unix") {
            return Ok(Self::Socket(path.into()));
        }
        let place = match inside("tcp") {
            Some(place) => place,
            None if text == "tcp" => "",
            None => text,
        };
        // `[::1]:3306`, `[::1]`, `host:3306`, `host`
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (place, None),
        };
        let port = match port {
            None => 3306,
            Some(port) => port
                .parse()
                .map_err(|_| BadDsn::new("the port in the MySQL address is not a number"))?,
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let host = if host.is_empty() { "127.0.0.1" } else { host };
        Ok(Self::Tcp {
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for MySql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mysql://{}:xxxxx@", self.user)?;
        match &self.place {
            Place::Tcp { host, port } => write!(f, "tcp({host}:{port})")?,
            Place::Socket(path) => write!(f, "unix({})", path.display())?,
        }
        write!(f, "/{}", self.database)
    }
}
