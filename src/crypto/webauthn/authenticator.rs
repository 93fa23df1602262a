//! Authenticator data: what the key itself says, in the bytes that it signs (WebAuthn Level 3 §6.1).
use super::cbor::{self, Map};
use super::key::PublicKey;
use super::record::Flags;

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;
const EXTENDED: u8 = 1 << 7;

/// Longest id of a key that the standard allows.
const LONGEST_ID: usize = 1023;

#[derive(Clone, Debug)]
pub(super) struct AuthenticatorData {
    pub(super) rp_id_hash: [u8; 32],
    pub(super) flags: Flags,
    pub(super) sign_count: u32,
    /// There when a key was made.
    pub(super) attested: Option<Attested>,
}

/// A new key.
#[derive(Clone, Debug)]
pub(super) struct Attested {
    pub(super) aaguid: [u8; 16],
    pub(super) id: Vec<u8>,
    /// COSE, as given.
    pub(super) cose: Vec<u8>,
    /// Nothing: a kind of key that was not offered.
    pub(super) key: Option<PublicKey>,
}

impl AuthenticatorData {
    /// Nothing: too short, too long, or not what the flags promise.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (rp_id_hash, rest) = bytes.split_first_chunk::<32>()?;
        let (&flags, rest) = rest.split_first()?;
        let (count, mut rest) = rest.split_first_chunk::<4>()?;
        let has = |flag| flags & flag != 0;
        let mut attested = None;
        if has(ATTESTED) {
            let (aaguid, after) = rest.split_first_chunk::<16>()?;
            let (length, after) = after.split_first_chunk::<2>()?;
            let length = usize::from(u16::from_be_bytes(*length));
            if length > LONGEST_ID {
                return None;
            }
            let (id, after) = after.split_at_checked(length)?;
            let (item, left) = cbor::first(after)?;
            let map: &Map<'_> = item.map()?;
            attested = Some(Attested {
                aaguid: *aaguid,
                id: id.to_vec(),
                cose: after.get(..after.len() - left.len())?.to_vec(),
                key: PublicKey::of(map),
            });
            rest = left;
        }
        if has(EXTENDED) {
            // Nothing was asked for, so nothing is looked at; but it has to be what it says it is.
            let (item, left) = cbor::first(rest)?;
            item.map()?;
            rest = left;
        }
        rest.is_empty().then_some(Self {
            rp_id_hash: *rp_id_hash,
            flags: Flags {
                user_present: has(USER_PRESENT),
                user_verified: has(USER_VERIFIED),
                backup_eligible: has(BACKUP_ELIGIBLE),
                backup_state: has(BACKED_UP),
            },
            sign_count: u32::from_be_bytes(*count),
            attested,
        })
    }
}
