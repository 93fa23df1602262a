//! The command line as a client of the admin API (config-cli.md §4.8, §4.11): accounts of a server that runs somewhere,
//! and whether it does.
//!
//! Results have the keys, columns and order of the reference. Errors go to stderr, those of single accounts behind the
//! results; the exit state is then 1.
pub(super) mod client;
pub(super) mod shape;

use super::output::{self, OutputArgs};
use super::{Explained, print};
use clap::{Args, Subcommand};
use client::{Admin, EndpointArgs, Trouble, explain, path};
use serde::Deserialize;
use serde_json::{Value, json};
use shape::Identity;
use url::Url;

/// What all of these commands take.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct RemoteArgs {
    #[command(flatten)]
    endpoint: EndpointArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl RemoteArgs {
    pub(super) fn output(&self) -> &OutputArgs {
        &self.output
    }

    pub(super) fn admin(&self) -> anyhow::Result<Admin> {
        Admin::new(&self.endpoint, !self.output.is_quiet())
    }
}

/// Show accounts of a server
#[derive(Args, Clone, Debug)]
pub struct GetArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(subcommand)]
    what: Option<GetWhat>,
}

#[derive(Subcommand, Clone, Debug)]
enum GetWhat {
    /// Show accounts by their ids
    #[command(alias = "identities")]
    Identity {
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        /// Include the tokens of providers; only `oidc` can be asked for
        #[arg(short, long, value_name = "TYPE")]
        include_credentials: Vec<String>,
        /// The ids are external ones
        #[arg(long)]
        external_id: bool,
    },
}

/// List accounts of a server
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(subcommand)]
    what: Option<ListWhat>,
}

#[derive(Subcommand, Clone, Debug)]
enum ListWhat {
    /// List accounts, a page at a time
    #[command(alias = "identity")]
    Identities {
        /// How fresh the list has to be: eventual or strong
        #[arg(long, default_value = "eventual")]
        consistency: String,
        /// So many at most
        #[arg(long, default_value_t = 100)]
        page_size: u32,
        /// Where to go on: the token that the page before told
        #[arg(long, value_name = "TOKEN")]
        page_token: Option<String>,
        /// Older scripts give a page and a size here; both are ignored
        #[arg(hide = true, num_args = 2)]
        ignored: Vec<String>,
    },
}

/// Delete accounts of a server
#[derive(Args, Clone, Debug)]
pub struct DeleteArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(subcommand)]
    what: Option<DeleteWhat>,
}

#[derive(Subcommand, Clone, Debug)]
enum DeleteWhat {
    /// Delete accounts by their ids
    #[command(alias = "identities")]
    Identity {
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
}

/// Ask a server how it is
#[derive(Args, Clone, Debug)]
#[command(name = "remote")]
pub struct AskArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(subcommand)]
    what: Option<Question>,
}

#[derive(Subcommand, Clone, Copy, Debug)]
enum Question {
    /// Whether it is alive, and ready
    Status,
    /// Which version it is of
    Version,
}

impl GetArgs {
    pub fn run(&self) -> anyhow::Result<()> {
        let Some(GetWhat::Identity {
            ids,
            include_credentials,
            external_id,
        }) = &self.what
        else {
            return super::help(&["get"]);
        };
        let format = self.remote.output.format()?;
        let admin = self.remote.admin()?;
        if let Some(other) = include_credentials.iter().find(|kind| *kind != "oidc") {
            anyhow::bail!("credentials of the type {other:?} are not shown, only those of oidc");
        }
        let query: Vec<(&str, &str)> = include_credentials
            .iter()
            .map(|kind| ("include_credential", kind.as_str()))
            .collect();
        let before = if *external_id {
            "/admin/identities/by/external/"
        } else {
            "/admin/identities/"
        };
        block_on(async {
            let mut found: Vec<Identity> = vec![];
            let mut failed = Failed::default();
            for id in ids {
                let one = async {
                    let path = path(before, id)?;
                    let answer = admin.get(&path, &query).await?;
                    Ok(admin.read(&path, &answer)?)
                };
                found.extend(failed.or_note(id, one.await));
            }
            if !found.is_empty() {
                shape::show_some(&format, found)?;
            }
            failed.end()
        })
    }
}

impl ListArgs {
    pub fn run(&self) -> anyhow::Result<()> {
        let Some(ListWhat::Identities {
            consistency,
            page_size,
            page_token,
            ..
        }) = &self.what
        else {
            return super::help(&["list"]);
        };
        let format = self.remote.output.format()?;
        let admin = self.remote.admin()?;
        let page_size = page_size.to_string();
        let mut query = vec![
            ("consistency", consistency.as_str()),
            ("page_size", &page_size),
        ];
        if let Some(token) = page_token.as_deref().filter(|t| !t.is_empty()) {
            query.push(("page_token", token));
        }
        block_on(async {
            let path = "/admin/identities";
            let answer = admin.get(path, &query).await.map_err(explain)?;
            let identities = admin.read(path, &answer).map_err(explain)?;
            let next = answer
                .header("link")
                .and_then(next_token)
                .unwrap_or_default();
            shape::show_page(&format, identities, &next)
        })
    }
}

impl DeleteArgs {
    pub fn run(&self) -> anyhow::Result<()> {
        let Some(DeleteWhat::Identity { ids }) = &self.what else {
            return super::help(&["delete"]);
        };
        let format = self.remote.output.format()?;
        let admin = self.remote.admin()?;
        block_on(async {
            let mut deleted = vec![];
            let mut failed = Failed::default();
            for id in ids {
                let one = async {
                    admin.delete(&path("/admin/identities/", id)?).await?;
                    Ok(id.clone())
                };
                deleted.extend(failed.or_note(id, one.await));
            }
            match deleted.as_slice() {
                [] => {}
                [one] => output::row(&format, &["ID"], deleted.clone(), &json!(one))?,
                many => {
                    let rows = many.iter().map(|id| vec![id.clone()]).collect();
                    output::rows(&format, &["ID"], rows, many.len(), &json!(many))?;
                }
            }
            failed.end()
        })
    }
}

impl AskArgs {
    pub fn run(&self) -> anyhow::Result<()> {
        let Some(question) = self.what else {
            return super::help(&["remote"]);
        };
        let format = self.remote.output.format()?;
        let admin = self.remote.admin()?;
        block_on(async {
            match question {
                Question::Status => {
                    let (alive, ready, trouble) = health(&admin).await;
                    output::row(
                        &format,
                        &["ALIVE", "READY"],
                        vec![alive.to_string(), ready.to_string()],
                        &json!({ "alive": alive, "ready": ready }),
                    )?;
                    trouble.map_or(Ok(()), |trouble| Err(explain(trouble)))
                }
                Question::Version => {
                    #[derive(Deserialize)]
                    struct Version {
                        version: String,
                    }
                    let answer = admin.get("/version", &[]).await.map_err(explain)?;
                    let Version { version } = admin.read("/version", &answer).map_err(explain)?;
                    let json = json!({ "version": version });
                    output::row(&format, &["VERSION"], vec![version], &json)
                }
            }
        })
    }
}

/// Both states, and why they could not be asked for.
async fn health(admin: &Admin) -> (bool, bool, Option<Trouble>) {
    let ask = async |path| -> Result<bool, Trouble> {
        let answer = admin.get(path, &[]).await?;
        let said: Value = admin.read(path, &answer)?;
        Ok(said["status"] == "ok")
    };
    let alive = match ask("/health/alive").await {
        Ok(alive) => alive,
        Err(trouble) => return (false, false, Some(trouble)),
    };
    match ask("/health/ready").await {
        Ok(ready) => (alive, ready, None),
        Err(trouble) => (alive, false, Some(trouble)),
    }
}

/// What went wrong with single accounts.
#[derive(Default)]
pub(super) struct Failed(Vec<(String, anyhow::Error)>);

impl Failed {
    pub(super) fn or_note<T>(&mut self, what: &str, result: anyhow::Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.0.push((what.to_owned(), error));
                None
            }
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// Told behind the results.
    pub(super) fn end(self) -> anyhow::Result<()> {
        for (what, error) in &self.0 {
            print::note(format_args!("{what}: {error:#}"));
        }
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Explained.into())
        }
    }
}

/// The token of `rel="next"` in a `Link` header.
fn next_token(links: &str) -> Option<String> {
    let link = links
        .split(',')
        .find(|link| link.contains("rel=\"next\""))?;
    let target = link.trim().strip_prefix('<')?.split('>').next()?;
    let url = Url::parse("http://server/").ok()?.join(target).ok()?;
    let token = url.query_pairs().find(|(name, _)| name == "page_token")?.1;
    Some(token.into_owned())
}

pub(super) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

#[cfg(test)]
mod tests {
    use super::next_token;

    #[test]
    fn the_next_page_is_found() {
        let links = "</admin/identities?page_size=2&page_token=0>; rel=\"first\",\
                     </admin/identities?page_size=2&page_token=a%2Bb>; rel=\"next\"";
        assert_eq!(next_token(links).as_deref(), Some("a+b"));
        assert_eq!(next_token("</x?page_token=1>; rel=\"first\""), None);
    }
}
