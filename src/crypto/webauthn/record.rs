//! Keys as they are stored: the JSON of database.md §6.2. Rows of older releases lack some of it. What is changed is
//! changed in place, so that members that nobody here knows stay.
use super::ceremony::seconds;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A key of somebody's.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub id: Vec<u8>,
    /// COSE.
    pub public_key: Vec<u8>,
    /// The format of the attestation.
    pub attestation_type: String,
    pub aaguid: Vec<u8>,
    pub sign_count: u32,
    pub clone_warning: bool,
    pub display_name: String,
    pub added_at: OffsetDateTime,
    /// Good for signing in alone; else a second factor.
    pub is_passwordless: bool,
    /// Old rows have none.
    pub flags: Option<Flags>,
    pub transport: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Flags {
    pub user_present: bool,
    pub user_verified: bool,
    pub backup_eligible: bool,
    pub backup_state: bool,
}

impl Record {
    /// Nothing: an entry without id or key, which nothing can be done with.
    fn read(entry: &Value) -> Option<Self> {
        let bytes = |value: &Value| BASE64.decode(value.as_str()?.as_bytes()).ok();
        let flag = |value: &Value| value.as_bool().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (authenticator, flags) = (&entry["authenticator"], &entry["flags"]);
        let added_at = entry["added_at"].as_str();
        let added_at = added_at.and_then(|at| OffsetDateTime::parse(at, &Rfc3339).ok());
        let sign_count = authenticator["sign_count"].as_u64().unwrap_or_default();
        let transport = entry["transport"].as_array().map(Vec::as_slice);
        Some(Self {
            id: bytes(&entry["id"])?,
            public_key: bytes(&entry["public_key"])?,
            attestation_type: text(&entry["attestation_type"]),
            aaguid: bytes(&authenticator["aaguid"]).unwrap_or_default(),
            sign_count: u32::try_from(sign_count).unwrap_or(u32::MAX),
            clone_warning: flag(&authenticator["clone_warning"]),
            display_name: text(&entry["display_name"]),
            added_at: added_at.unwrap_or(OffsetDateTime::UNIX_EPOCH),
            is_passwordless: flag(&entry["is_passwordless"]),
            flags: flags.is_object().then(|| Flags {
                user_present: flag(&flags["user_present"]),
                user_verified: flag(&flags["user_verified"]),
                backup_eligible: flag(&flags["backup_eligible"]),
                backup_state: flag(&flags["backup_state"]),
            }),
            transport: transport.unwrap_or_default().iter().map(text).collect(),
        })
    }

    /// For storing.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut entry = json!({
            "id": BASE64.encode(&self.id),
            "public_key": BASE64.encode(&self.public_key),
            "attestation_type": self.attestation_type,
            "authenticator": {
                "aaguid": BASE64.encode(&self.aaguid),
                "sign_count": self.sign_count,
                "clone_warning": self.clone_warning,
            },
            "display_name": self.display_name,
            "added_at": seconds(self.added_at),
            "is_passwordless": self.is_passwordless,
        });
        if let Some(flags) = self.flags {
            entry["flags"] = json!({
                "user_present": flags.user_present,
                "user_verified": flags.user_verified,
                "backup_eligible": flags.backup_eligible,
                "backup_state": flags.backup_state,
            });
        }
        if !self.transport.is_empty() {
            entry["transport"] = self.transport.clone().into();
        }
        entry
    }

    /// As browsers are told of it.
    pub(super) fn descriptor(&self) -> Value {
        let mut out = json!({ "type": "public-key", "id": BASE64URL_NOPAD.encode(&self.id) });
        if !self.transport.is_empty() {
            out["transports"] = self.transport.clone().into();
        }
        out
    }

    /// What a key is called that nobody has given a name.
    #[must_use]
    pub fn shown_name(&self) -> &str {
        match self.display_name.as_str() {
            "" => "unnamed",
            name => name,
        }
    }
}

/// All keys of a credential.
#[must_use]
pub fn keys(config: &Value) -> Vec<Record> {
    let list = config["credentials"].as_array();
    let list = list.map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Record::read).collect()
}

/// Whose keys they are: what authenticators call the person. Empty, if the row does not say.
#[must_use]
pub fn user_handle(config: &Value) -> Vec<u8> {
    let handle = config["user_handle"].as_str().unwrap_or_default();
    BASE64.decode(handle.as_bytes()).unwrap_or_default()
}

/// One key more; the handle is the one of the newest.
pub fn add(config: &mut Value, key: &Record, handle: &[u8]) {
    if !config.is_object() {
        *config = json!({});
    }
    let Some(config) = config.as_object_mut() else {
        return;
    };
    let list = config.entry("credentials").or_insert_with(|| json!([]));
    if !list.is_array() {
        *list = json!([]);
    }
    if let Some(list) = list.as_array_mut() {
        list.push(key.json());
    }
    config.insert("user_handle".to_owned(), BASE64.encode(handle).into());
}

/// One key less; how many are left.
pub fn remove(config: &mut Value, id: &[u8]) -> usize {
    let Some(list) = config["credentials"].as_array_mut() else {
        return 0;
    };
    let id = BASE64.encode(id);
    list.retain(|entry| entry["id"].as_str() != Some(&id));
    list.len()
}

/// What a login has shown of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    pub id: Vec<u8>,
    pub sign_count: u32,
    pub backup_state: bool,
    /// The counter is not ahead of the stored one: there may be a copy of the key.
    pub went_back: bool,
}

impl Used {
    /// Writes it to the row (flows.md §9.8): the counter never falls, the warning stays. False: all was so before.
    pub fn note(&self, config: &mut Value) -> bool {
        let id = BASE64.encode(&self.id);
        let list = config["credentials"].as_array_mut();
        let entry = list.and_then(|l| l.iter_mut().find(|e| e["id"].as_str() == Some(&id)));
        let Some(entry) = entry.and_then(Value::as_object_mut) else {
            return false;
        };
        let mut changed = false;
        let authenticator = entry
            .entry("authenticator")
            .or_insert(json!({ "aaguid": "", "sign_count": 0, "clone_warning": false }));
        let mut set = |at: &mut Map<String, Value>, name: &str, value: Value| {
            if at.get(name) != Some(&value) {
                at.insert(name.to_owned(), value);
                changed = true;
            }
        };
        if let Some(authenticator) = authenticator.as_object_mut() {
            let stored = authenticator.get("sign_count").and_then(Value::as_u64);
            if stored.unwrap_or_default() < u64::from(self.sign_count) {
                set(authenticator, "sign_count", self.sign_count.into());
            }
            if self.went_back {
                set(authenticator, "clone_warning", true.into());
            }
        }
        if let Some(flags) = entry.get_mut("flags").and_then(Value::as_object_mut) {
            set(flags, "backup_state", self.backup_state.into());
        }
        changed
    }
}
