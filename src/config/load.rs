//! From files, flags and variables to one checked [`Config`].
//!
//! Order (config-cli.md §1.1): defaults, values of the program, files, flags, environment. Maps are merged,
//! lists replaced, but for the environment, which goes into lists. The merged whole is judged by the schema,
//! read into structs, and checked once more for what a schema cannot say. All findings come at once.
use super::env;
use super::explain;
use super::finding::{Finding, Warning};
use super::node::{Node, Origin, Origins, Step};
use super::{Config, check, parse, schema, traps};
use crate::base::random::{self, Random};
use crate::base::secret::Secret;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where a configuration comes from. Loading it again reads everything again but the environment.
#[derive(Clone, Debug)]
pub struct Source {
    /// Files and folders in the order given; of a folder, every configuration file by name.
    files: Vec<PathBuf>,
    flags: Vec<Flag>,
    variables: Variables,
    own: Secret<Value>,
    /// Stands in for `secrets.default` as long as this process lives.
    secret: Secret<String>,
}

/// A flag of the command line that is a key. One that was not given counts with its default, so it hides
/// what files say (config-cli.md §1.2).
#[derive(Clone, Debug)]
pub struct Flag {
    /// The key, with dots; also the name of the flag.
    pub name: &'static str,
    pub value: Value,
    pub given: bool,
}

/// Hidden from `Debug`: variables hold secrets.
#[derive(Clone, Default)]
struct Variables(BTreeMap<String, String>);

impl std::fmt::Debug for Variables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} variables", self.0.len())
    }
}

/// A configuration that may be used.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub config: Config,
    pub warnings: Vec<Warning>,
    origins: Origins,
}

impl Loaded {
    /// A finding about the value at that JSON pointer, for those who look at more than the text.
    #[must_use]
    pub fn finding(&self, pointer: &str, message: &str) -> Finding {
        Finding::new(self.origins.value(pointer).cloned(), pointer, message)
    }
}

impl Source {
    /// `files` as given to `-c`: each may name several with commas between. `variables` is the environment
    /// ([`env::environment`]), empty in tests.
    #[must_use]
    pub fn new(files: &[String], variables: BTreeMap<String, String>, dice: &dyn Random) -> Self {
        let names = files.iter().flat_map(|list| list.split(','));
        Self {
            files: names
                .filter(|name| !name.is_empty())
                .map(PathBuf::from)
                .collect(),
            flags: Vec::new(),
            variables: Variables(variables),
            own: Secret::new(Value::Object(Map::new())),
            secret: Secret::new(random::alphanumeric(dice, 32)),
        }
    }

    /// Adds a flag. `name` is the key with dots.
    #[must_use]
    pub fn flag(mut self, name: &'static str, value: impl Into<Value>, given: bool) -> Self {
        self.flags.push(Flag {
            name,
            value: value.into(),
            given,
        });
        self
    }

    /// Values of the program's own, below every file: an object.
    #[must_use]
    pub fn own_values(mut self, values: Value) -> Self {
        self.own = Secret::new(values);
        self
    }

    /// Whether somebody configures anything: a file, or a variable that is a key.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        !self.files.is_empty() || !self.variables().is_empty()
    }

    /// The variables that are keys, by name.
    #[must_use]
    pub fn variables(&self) -> Vec<&str> {
        let names = self.variables.0.keys().map(String::as_str);
        names.filter(|name| env::find(name).is_some()).collect()
    }

    /// The files and folders that were named.
    #[must_use]
    pub fn paths(&self) -> &[PathBuf] {
        &self.files
    }

    /// Reads, merges, judges. On failure says everything that is wrong.
    pub fn load(&self) -> Result<Loaded, Vec<Finding>> {
        let mut warnings = Vec::new();
        let (given, origins) = self.merged(&mut warnings)?;
        let mut values = given.clone();
        without_odd_flags(&mut values);
        schema::fill_in(&mut values);
        let mut findings = explain::judge(&values, &origins);
        if !findings.is_empty() {
            // A variable that was misread shows as something that nobody wrote.
            for finding in &mut findings {
                let misread = |w: &&Warning| w.key == finding.key && w.origin == finding.origin;
                if let Some(warning) = warnings.iter().find(misread) {
                    finding.message = format!("{}; {}", warning.message, warning.remedy);
                }
            }
            return Err(findings);
        }
        let config = self.read(&values).map_err(|(pointer, text)| {
            vec![Finding::new(
                origins.value(&pointer).cloned(),
                &pointer,
                text,
            )]
        })?;
        let findings = check::check(&config, &origins);
        if !findings.is_empty() {
            return Err(findings);
        }
        warnings.extend(traps::warnings(&config, &given, &origins));
        Ok(Loaded {
            config,
            warnings,
            origins,
        })
    }

    /// For commands that need the database only (migrate, cleanup, hashers): no schema, no checks; sections
    /// that cannot be read are as if absent.
    pub fn load_unchecked(&self) -> Result<Config, Vec<Finding>> {
        let (mut values, _) = self.merged(&mut Vec::new())?;
        schema::fill_in(&mut values);
        while let Err((pointer, _)) = self.read(&values) {
            let section = pointer.split('/').nth(1).unwrap_or_default().to_owned();
            let removed = values.as_object_mut().and_then(|map| map.remove(&section));
            if removed.is_none() {
                return Ok(Config::default());
            }
        }
        self.read(&values)
            .map_err(|(pointer, text)| vec![Finding::new(None, &pointer, text)])
    }

    fn merged(&self, warnings: &mut Vec<Warning>) -> Result<(Value, Origins), Vec<Finding>> {
        let mut root = Node::of(self.own.expose().clone(), &Origin::Program);
        let mut findings = Vec::new();
        for path in self.expanded(&mut findings) {
            match parse::file(&path) {
                Ok(file) if file.is_schema() => {
                    let text = "this is a JSON schema and no configuration: keep it elsewhere";
                    findings.push(Finding::new(Some(file.origin), "", text));
                }
                Ok(file) => root.merge(file),
                Err(finding) => findings.push(finding),
            }
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        for flag in &self.flags {
            let origin = Origin::Flag(flag.name);
            let steps: Vec<_> = flag
                .name
                .split('.')
                .map(|s| Step::Key(s.to_owned()))
                .collect();
            let place = root.at_path(&steps, &origin);
            traps::hidden_by_flag(flag, place, warnings);
            *place = Node::of(flag.value.clone(), &origin);
        }
        env::overlay(&mut root, &self.variables.0, warnings);
        Ok(root.finish())
    }

    /// Folders replaced by the files in them, by name.
    fn expanded(&self, findings: &mut Vec<Finding>) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for path in &self.files {
            if !path.is_dir() {
                files.push(path.clone());
                continue;
            }
            match inside(path) {
                Ok(found) if found.is_empty() => {
                    let text = format!(
                        "the folder {} holds no file that ends in .yaml, .yml, .json or .toml",
                        path.display()
                    );
                    findings.push(Finding::new(None, "", text));
                }
                Ok(found) => files.extend(found),
                Err(error) => {
                    let text = format!("the folder {} cannot be read: {error}", path.display());
                    findings.push(Finding::new(None, "", text));
                }
            }
        }
        files
    }

    /// Into structs. On failure: where, and why.
    fn read(&self, values: &Value) -> Result<Config, (String, String)> {
        let mut config = Config::deserialize(values).map_err(|error| {
            narrow(values, &mut String::new()).unwrap_or((String::new(), error.to_string()))
        })?;
        if config.secrets.default.is_empty() && config.secrets.cookie.is_empty() {
            config.secrets.default.push(self.secret.clone());
        }
        let digest = Sha256::digest(values.to_string().as_bytes());
        config.fingerprint = data_encoding::HEXLOWER.encode(&digest);
        config.hostname = hostname();
        let variable = self.variables.0.get("DEV_DISABLE_API_FLOW_ENFORCEMENT");
        config.mixes_channels = config.dev && variable.is_some_and(|text| text == "true");
        Ok(config)
    }
}

/// `feature_flags` that is no map counts as empty, as in the reference; the warnings tell.
fn without_odd_flags(values: &mut Value) {
    if let Some(flags) = values.get_mut("feature_flags").filter(|f| !f.is_object()) {
        *flags = Value::Object(Map::new());
    }
}

/// Which value it is that the structs cannot hold: each key is tried alone.
fn narrow(values: &Value, pointer: &mut String) -> Option<(String, String)> {
    let alone = |pointer: &str, value: &Value| {
        let mut whole = value.clone();
        for step in pointer.rsplit('/').filter(|step| !step.is_empty()) {
            whole = Value::Object(Map::from_iter([(step.to_owned(), whole)]));
        }
        Config::deserialize(whole).err()
    };
    let length = pointer.len();
    for (key, value) in values.as_object()? {
        pointer.push('/');
        pointer.push_str(&super::node::escape(key));
        if let Some(error) = alone(pointer, value) {
            let deeper = narrow(value, pointer);
            return deeper.or_else(|| Some((pointer.clone(), error.to_string())));
        }
        pointer.truncate(length);
    }
    None
}

/// The configuration files of a folder, by name.
pub(super) fn inside(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let names = std::fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<_> = names.filter(|path| is_configuration(path)).collect();
    files.sort();
    Ok(files)
}

fn is_configuration(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str());
    matches!(extension, Some("yaml" | "yml" | "json" | "toml")) && path.is_file()
}

fn hostname() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}
