//! An identity with all that hangs on it, in one row: its addresses and credentials come as columns that the database
//! makes of their rows, so that one round trip is enough on a server.
use super::db::times;
use super::db::{Row, Rows};
use super::error::Result;
use super::networks::Types;
use crate::base::id::{AddressId, CredentialId, DeviceId};
use crate::base::terms::{Aal, Via};
use crate::model::credentials::Credential;
use crate::model::identity::{
    AddressStatus, Identity, IdentityState, RecoveryAddress, VerifiableAddress,
};
use crate::model::session::Device;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::fmt;
use time::OffsetDateTime;
use uuid::Uuid;

/// What comes along with an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// The addresses.
    Addresses,
    /// The addresses and all credentials.
    Credentials,
    /// The addresses, and the credentials if `available_aal` is not known: what it takes to know it.
    CredentialsIfAalUnknown,
}

/// The columns of `identities i`, in the order of [`identity`]. What hangs on a row is of the same network.
macro_rules! identity_columns {
    () => {
        "i.id, i.nid, i.schema_id, i.traits, i.state, i.state_changed_at, i.external_id, i.metadata_public,
         i.metadata_admin, i.available_aal, i.organization_id, i.created_at, i.updated_at,
         (SELECT ROWS((v.id, v.value, v.via, v.verified, v.status, v.verified_at, v.created_at, v.updated_at))
            FROM identity_verifiable_addresses v WHERE v.identity_id = i.id),
         (SELECT ROWS((r.id, r.value, r.via, r.break_glass_for_organization, r.created_at, r.updated_at))
            FROM identity_recovery_addresses r WHERE r.identity_id = i.id)"
    };
}
/// The credentials of `identities i`.
macro_rules! credentials_column {
    () => {
        "(SELECT ROWS((c.id, c.identity_credential_type_id, c.version, c.created_at, c.updated_at, c.config,
            (SELECT ROWS((x.identifier)) FROM identity_credential_identifiers x
              WHERE x.identity_credential_id = c.id)))
            FROM identity_credentials c WHERE c.identity_id = i.id)"
    };
}
/// The devices of `sessions s`.
macro_rules! devices_column {
    () => {
        "(SELECT ROWS((d.id, d.ip_address, d.user_agent, d.location, d.created_at, d.updated_at))
            FROM session_devices d WHERE d.session_id = s.id)"
    };
}
/// What follows the columns, by [`Load`], between two texts.
macro_rules! loading {
    ($load:expr, $before:expr, $after:expr) => {
        match $load {
            Load::Addresses => concat!($before, identity_columns!(), ", NULL", $after),
            Load::Credentials => {
                concat!(
                    $before,
                    identity_columns!(),
                    ", ",
                    credentials_column!(),
                    $after
                )
            }
            Load::CredentialsIfAalUnknown => concat!(
                $before,
                identity_columns!(),
                ", CASE WHEN i.available_aal IS NULL THEN ",
                credentials_column!(),
                " END",
                $after
            ),
        }
    };
}
pub(super) use {credentials_column, devices_column, identity_columns, loading};

/// Two spellings of the same, once if they do not differ.
pub(super) fn distinct<'a>(spellings: &'a [&'a str; 2]) -> &'a [&'a str] {
    let [first, second] = spellings;
    if first == second {
        &spellings[..1]
    } else {
        spellings
    }
}

/// A time inside of an array: a text, or microseconds since 1970.
struct At(OffsetDateTime);

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(AtVisitor)
    }
}

struct AtVisitor;

impl Visitor<'_> for AtVisitor {
    type Value = At;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time")
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<At, E> {
        times::parse(text)
            .map(At)
            .ok_or_else(|| E::custom("not a time"))
    }
    fn visit_i64<E: de::Error>(self, micros: i64) -> Result<At, E> {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000)
            .map(At)
            .map_err(E::custom)
    }
}

/// A boolean inside of an array: `true`, `1` or a word.
struct Flag(bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Self(match Value::deserialize(d)? {
            Value::Bool(flag) => flag,
            Value::Number(number) => number.as_i64() != Some(0),
            Value::String(word) => matches!(word.as_str(), "true" | "1"),
            _ => false,
        }))
    }
}

/// A document inside of an array, or its text.
struct Inner(Value);

impl<'de> Deserialize<'de> for Inner {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        match Value::deserialize(d)? {
            Value::String(text) => serde_json::from_str(&text)
                .map(Self)
                .map_err(de::Error::custom),
            value => Ok(Self(value)),
        }
    }
}

type VerifiableRow = (Uuid, String, String, Flag, String, Option<At>, At, At);
type RecoveryRow = (Uuid, String, String, Option<Uuid>, At, At);
type CredentialRow = (Uuid, Uuid, i64, At, At, Inner, Inner);
type DeviceRow = (Uuid, Option<String>, Option<String>, Option<String>, At, At);

/// Reads the columns of [`identity_columns`] and one of credentials.
pub(super) fn identity(row: &mut Row, types: &Types) -> Result<Identity> {
    let mut identity = Identity {
        id: row.get()?,
        nid: row.get()?,
        schema_id: row.get()?,
        traits: row.json()?.unwrap_or_default(),
        state: row.word(IdentityState::from_word)?,
        state_changed_at: row.opt()?,
        external_id: row.opt()?,
        metadata_public: row.json()?,
        metadata_admin: row.json()?,
        available_aal: row.opt::<String>()?.and_then(|word| Aal::from_word(&word)),
        organization_id: row.opt()?,
        created_at: row.get()?,
        updated_at: row.get()?,
        verifiable_addresses: verifiable(row)?,
        recovery_addresses: recovery(row)?,
        credentials: vec![],
    };
    identity.credentials = credentials(row, types)?;
    Ok(identity)
}

fn verifiable(row: &mut Row) -> Result<Vec<VerifiableAddress>> {
    let rows = row.rows::<VerifiableRow>()?;
    let mut out = Vec::with_capacity(rows.len());
    for (id, value, via, verified, status, verified_at, created_at, updated_at) in rows {
        out.push(VerifiableAddress {
            id: AddressId(id),
            value,
            via: Via::from_word(&via).ok_or_else(|| row.unreadable("unknown kind of address"))?,
            verified: verified.0,
            status: AddressStatus::from_word(&status)
                .ok_or_else(|| row.unreadable("unknown status of an address"))?,
            verified_at: verified_at.map(|at| at.0),
            created_at: created_at.0,
            updated_at: updated_at.0,
        });
    }
    out.sort_by_key(|address| address.id);
    Ok(out)
}

fn recovery(row: &mut Row) -> Result<Vec<RecoveryAddress>> {
    let rows = row.rows::<RecoveryRow>()?;
    let mut out = Vec::with_capacity(rows.len());
    for (id, value, via, break_glass_for_organization, created_at, updated_at) in rows {
        out.push(RecoveryAddress {
            id: AddressId(id),
            value,
            via: Via::from_word(&via).ok_or_else(|| row.unreadable("unknown kind of address"))?,
            break_glass_for_organization,
            created_at: created_at.0,
            updated_at: updated_at.0,
        });
    }
    out.sort_by_key(|address| address.id);
    Ok(out)
}

fn credentials(row: &mut Row, types: &Types) -> Result<Vec<Credential>> {
    let rows = row.rows::<CredentialRow>()?;
    let mut out = Vec::with_capacity(rows.len());
    for (id, kind, version, created_at, updated_at, config, identifiers) in rows {
        // A type that only a newer release knows is none of our business.
        let Some(kind) = types.kind(kind) else {
            continue;
        };
        let identifiers: Option<Rows<(String,)>> =
            serde_json::from_value(identifiers.0).map_err(|e| row.unreadable(e.to_string()))?;
        out.push(Credential {
            id: CredentialId(id),
            kind,
            identifiers: identifiers
                .into_iter()
                .flat_map(|rows| rows.0)
                .map(|(i,)| i)
                .collect(),
            config: config.0,
            version,
            created_at: created_at.0,
            updated_at: updated_at.0,
        });
    }
    out.sort_by_key(|credential| credential.kind);
    Ok(out)
}

/// Reads the column of [`devices_column`]; newest first.
pub(super) fn devices(row: &mut Row) -> Result<Vec<Device>> {
    let rows = row.rows::<DeviceRow>()?;
    let mut out: Vec<_> = rows
        .into_iter()
        .map(
            |(id, ip_address, user_agent, location, created_at, updated_at)| Device {
                id: DeviceId(id),
                ip_address,
                user_agent,
                location,
                created_at: created_at.0,
                updated_at: updated_at.0,
            },
        )
        .collect();
    out.sort_by_key(|device| std::cmp::Reverse(device.created_at));
    Ok(out)
}
