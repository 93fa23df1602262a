//! Whom codes for signing in are sent to (flows.md §9.4.3, §9.4.4).
use crate::base::terms::{CredentialsType, Via};
use crate::flow::{Cx, Fault, Refusal};
use crate::model::credentials::Credential;
use crate::model::identifier::normalize;
use crate::model::identity::Identity;
use crate::text;
use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Address {
    pub(super) value: String,
    pub(super) via: Via,
}

/// The addresses of a code credential.
pub(super) fn of(credential: &Credential) -> Vec<Address> {
    let list = credential.config["addresses"].as_array();
    let read = |entry: &Value| {
        Some(Address {
            value: entry["address"].as_str()?.to_owned(),
            via: Via::from_word(entry["channel"].as_str()?.trim())?,
        })
    };
    list.into_iter().flatten().filter_map(read).collect()
}

/// Who can be sent a code, and where to.
pub(super) struct Recipients {
    pub(super) identity: Identity,
    pub(super) addresses: Vec<Address>,
}

/// The account that has this identifier for codes. With the fallback, any identifier will do, and for a second factor any
/// address of the person at hand that can be verified.
pub(super) async fn find(
    cx: &Cx,
    identifier: &str,
    second_factor_of: Option<&Identity>,
) -> Result<Recipients, Fault> {
    if identifier.is_empty() {
        let missing = text::validation::missing("identifier");
        return Err(Fault::field("identifier", missing));
    }
    let nobody = || Fault::form(text::validation::no_code_account());
    let fallback = falls_back(cx);
    if let Some(mut identity) = cx.find(&[CredentialsType::Code], identifier).await? {
        identity.upgrade_credentials();
        let credential = identity.credential(CredentialsType::Code);
        let addresses = credential.map(of).unwrap_or_default();
        return Ok(Recipients {
            identity,
            addresses,
        });
    }
    if let Some(identity) = cx.find(CredentialsType::ALL, identifier).await? {
        if !fallback {
            return Err(nobody());
        }
        let address = Address {
            value: identifier.to_owned(),
            via: Via::Email,
        };
        return Ok(Recipients {
            identity,
            addresses: vec![address],
        });
    }
    let Some(identity) = second_factor_of.filter(|_| fallback) else {
        return Err(nobody());
    };
    let wanted = normalize(identifier);
    let mut own = all_verifiable(identity).into_iter();
    let address = own.find(|address| address.value == wanted);
    let address = address.ok_or_else(|| Fault::form(text::login::address_unknown()))?;
    Ok(Recipients {
        identity: identity.clone(),
        addresses: vec![address],
    })
}

pub(super) fn falls_back(cx: &Cx) -> bool {
    let code = &cx.config.selfservice.methods.code.config;
    code.missing_credential_fallback_enabled
}

fn all_verifiable(identity: &Identity) -> Vec<Address> {
    let addresses = identity.verifiable_addresses.iter();
    let addresses = addresses.map(|address| Address {
        value: address.value.clone(),
        via: address.via,
    });
    addresses.collect()
}

/// The addresses that somebody may choose from as a second factor, in order. `via` names the trait whose address alone
/// is meant.
pub(super) fn choices(
    cx: &Cx,
    identity: &Identity,
    via: Option<&str>,
) -> Result<Vec<Address>, Fault> {
    let mut identity = identity.clone();
    identity.upgrade_credentials();
    let credential = identity.credential(CredentialsType::Code);
    let mut all = credential.map(of).unwrap_or_default();
    if all.is_empty() && falls_back(cx) {
        all = all_verifiable(&identity);
    }
    all.sort();
    let Some(path) = via else {
        return Ok(all);
    };
    let mut keys = path.split('.');
    let value = keys.try_fold(&identity.traits, |value, key| value.get(key));
    let value = match value {
        Some(Value::String(text)) if !text.is_empty() => normalize(text),
        _ => {
            let reason = format!("There is no trait {path:?} to send a code to.");
            return Err(Refusal::bad(reason).into());
        }
    };
    if all.is_empty() {
        return Ok(all);
    }
    all.retain(|address| address.value == value);
    all.truncate(1);
    if all.is_empty() {
        let reason = format!("The trait {path:?} is no address that codes are sent to.");
        return Err(Refusal::bad(reason).into());
    }
    Ok(all)
}
