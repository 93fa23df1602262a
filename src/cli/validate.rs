//! `kratos validate identity`: whether files hold what a server would take, without giving it to the server.
//!
//! Two things are looked at: the body, as the admin API reads it, and the traits by the schema, which the server is asked
//! for. Files are read piece by piece, as for an import.
use super::import::source::{self, Sources};
use super::remote::client::{Admin, path};
use super::remote::{RemoteArgs, block_on};
use super::{Explained, print};
use crate::base::clock::{Clock as _, SystemClock};
use crate::base::id::{IdentityId, NetworkId};
use crate::base::random::SystemRandom;
use crate::identity::import;
use crate::outbound::{Outbound, Policy};
use crate::resource::Resources;
use crate::schema::IdentitySchema;
use crate::schema::load::{Reach, load};
use clap::{Args, Subcommand};
use serde_json::Value;
use std::collections::HashMap;
use uuid::Uuid;

/// Check files before they are imported
#[derive(Args, Clone, Debug)]
pub struct ValidateArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Subcommand, Clone, Debug)]
enum What {
    /// Check accounts before they are imported
    ///
    /// The files are those of an import; without one standard input is read. Schemas are those of the server.
    #[command(alias = "identities")]
    Identity {
        #[arg(value_name = "FILE")]
        files: Vec<String>,
    },
}

impl ValidateArgs {
    pub fn run(&self) -> anyhow::Result<()> {
        let Some(What::Identity { files }) = &self.what else {
            return super::help(&["validate"]);
        };
        let admin = self.remote.admin()?;
        if source::is_typed(files) {
            print::note(format_args!("reading accounts from standard input…"));
        }
        block_on(validate(&admin, Sources::new(files)?))
    }
}

async fn validate(admin: &Admin, mut sources: Sources) -> anyhow::Result<()> {
    let mut schemas = Schemas::new(admin);
    let (mut total, mut bad) = (0_u64, 0_u64);
    while let Some((place, json)) = sources.next()? {
        total += 1;
        let problems = match json {
            Err(problem) => vec![problem],
            Ok(json) => problems(&serde_json::from_str(json.get())?, &mut schemas).await,
        };
        if problems.is_empty() {
            continue;
        }
        bad += 1;
        print::note(format_args!(
            "{}: not valid (line {})",
            place.label(),
            place.line
        ));
        for problem in problems {
            print::note(format_args!("  {problem}"));
        }
    }
    if bad > 0 {
        print::note(format_args!("{bad} of {total} are not valid."));
        return Err(Explained.into());
    }
    print::result(format_args!("All identity files are valid."))?;
    Ok(())
}

/// Everything that is wrong with an account.
async fn problems(body: &Value, schemas: &mut Schemas<'_>) -> Vec<String> {
    let dice = SystemRandom;
    let (id, nid) = (IdentityId(Uuid::nil()), NetworkId(Uuid::nil()));
    let mut problems = vec![];
    if let Err(error) = import::create(body, id, nid, "", &dice, SystemClock.now()) {
        problems.push(error.to_string());
    }
    let traits = body.get("traits");
    if body.is_object() && traits.is_none() {
        problems.push("traits: this is missing".to_owned());
    }
    match body.get("schema_id").and_then(Value::as_str) {
        None if body.is_object() => problems.push("schema_id: this has to be there".to_owned()),
        None => {}
        Some(id) => match schemas.get(id).await {
            Err(problem) => problems.push(format!("schema_id: {problem}")),
            Ok(schema) => {
                let mut traits = traits.cloned().unwrap_or_default();
                let violations = schema.check(&mut traits).err().unwrap_or_default();
                problems.extend(violations.into_iter().map(|violation| {
                    let field = if violation.field.is_empty() {
                        "traits"
                    } else {
                        &violation.field
                    };
                    format!("{field}: {}", violation.message.text)
                }));
            }
        },
    }
    problems
}

/// The schemas of the server, asked for once.
struct Schemas<'a> {
    admin: &'a Admin,
    resources: Resources,
    known: HashMap<String, Result<IdentitySchema, String>>,
}

impl<'a> Schemas<'a> {
    fn new(admin: &'a Admin) -> Self {
        Self {
            admin,
            resources: Resources::new(Outbound::default()),
            known: HashMap::new(),
        }
    }

    async fn get(&mut self, id: &str) -> Result<&IdentitySchema, String> {
        if !self.known.contains_key(id) {
            let schema = self.fetch(id).await.map_err(|error| format!("{error:#}"));
            self.known.insert(id.to_owned(), schema);
        }
        match self.known.get(id) {
            Some(Ok(schema)) => Ok(schema),
            Some(Err(problem)) => Err(problem.clone()),
            None => Err(String::new()),
        }
    }

    async fn fetch(&self, id: &str) -> anyhow::Result<IdentitySchema> {
        let path = path("/schemas/", id)?;
        let document = self.admin.get(&path, &[]).await?.body;
        let url = self.admin.url(&path, &[]);
        let reach = Reach {
            resources: &self.resources,
            policy: Policy::default(),
            only_local: false,
        };
        let loaded = load(&url, &document, &reach).await?;
        Ok(IdentitySchema::compile(id, &url, loaded)?)
    }
}
