//! What the browser's script hands in: JSON whose binary parts are base64url, and in it the client data, which say for
//! which page and which question the key was used (WebAuthn Level 3 §5.1, §5.8.1). Unknown members are passed over.
use super::authenticator::AuthenticatorData;
use super::cbor::{self, Item};
use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Deserializer};
use std::sync::LazyLock;

/// No real answer is half as long.
const LONGEST: usize = 256 * 1024;

/// The answer cannot be read; why, for the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The answer of the security key cannot be read: {0}.")]
pub struct Unreadable(pub &'static str);

/// Base64url without padding. Spare bits at the end need not be zero: not every encoder takes care of them.
static BASE64: LazyLock<Encoding> = LazyLock::new(|| {
    let mut lenient = Specification::new();
    lenient
        .symbols
        .push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
    lenient.check_trailing_bits = false;
    // The alphabet is whole, so that this never falls back.
    lenient.encoding().unwrap_or(data_encoding::BASE64URL_NOPAD)
});

/// Empty, if it was not sent.
#[derive(Clone, Debug, Default)]
struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let text = Option::<String>::deserialize(input)?.unwrap_or_default();
        let text = text.trim_end_matches('=');
        let bytes = BASE64.decode(text.as_bytes());
        bytes
            .map(Self)
            .map_err(|_| D::Error::custom("no base64url"))
    }
}

#[derive(Deserialize)]
struct Envelope<R> {
    #[serde(default)]
    id: String,
    #[serde(default, rename = "rawId")]
    raw_id: Bytes,
    #[serde(default)]
    r#type: String,
    response: R,
}

impl<R: for<'de> Deserialize<'de>> Envelope<R> {
    fn read(json: &str) -> Result<Self, Unreadable> {
        if json.len() > LONGEST {
            return Err(Unreadable("it is too long"));
        }
        let read: Self =
            serde_json::from_str(json).map_err(|_| Unreadable("it is not the JSON of one"))?;
        if read.id.is_empty() || BASE64.decode(read.id.as_bytes()).is_err() {
            return Err(Unreadable("it has no id"));
        }
        if read.r#type != "public-key" {
            return Err(Unreadable("it is of another type"));
        }
        Ok(read)
    }
}

/// What the browser vouches for.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ClientData {
    #[serde(default, rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) challenge: String,
    #[serde(default)]
    pub(super) origin: String,
}

impl ClientData {
    fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        serde_json::from_slice(bytes).map_err(|_| Unreadable("its client data are no JSON"))
    }
}

/// A key was made.
#[derive(Clone, Debug)]
pub struct Creation {
    pub(super) client: ClientData,
    pub(super) client_json: Vec<u8>,
    pub(super) authenticator: AuthenticatorData,
    pub(super) authenticator_bytes: Vec<u8>,
    pub(super) format: String,
    /// The attestation object once more: what the statement says is looked at later.
    pub(super) object: Vec<u8>,
    pub(super) transports: Vec<String>,
}

#[derive(Deserialize)]
struct CreationResponse {
    #[serde(default, rename = "clientDataJSON")]
    client: Bytes,
    #[serde(default, rename = "attestationObject")]
    object: Bytes,
    #[serde(default)]
    transports: Option<Vec<String>>,
}

impl Creation {
    /// Reads the answer of `navigator.credentials.create`.
    pub fn read(json: &str) -> Result<Self, Unreadable> {
        let response = Envelope::<CreationResponse>::read(json)?.response;
        let client = ClientData::read(&response.client.0)?;
        let object = response.object.0;
        let broken = Unreadable("its attestation object is none");
        let item = cbor::whole(&object).ok_or(broken)?;
        let map = item.map().ok_or(broken)?;
        let format = map.named("fmt").and_then(Item::text).ok_or(broken)?;
        map.named("attStmt").and_then(Item::map).ok_or(broken)?;
        let bytes = map.named("authData").and_then(Item::bytes).ok_or(broken)?;
        let authenticator = AuthenticatorData::read(bytes)
            .ok_or(Unreadable("the data of the authenticator are malformed"))?;
        if authenticator.attested.is_none() {
            return Err(Unreadable("there is no key in it"));
        }
        Ok(Self {
            client,
            client_json: response.client.0,
            authenticator,
            authenticator_bytes: bytes.to_vec(),
            format: format.to_owned(),
            object,
            transports: short(response.transports.unwrap_or_default()),
        })
    }
}

/// Ways to reach the key, told by the page: kept, so that there must not be any number of them.
fn short(mut transports: Vec<String>) -> Vec<String> {
    transports.retain(|transport| transport.len() <= 32);
    transports.truncate(8);
    transports
}

/// A key was used.
#[derive(Clone, Debug)]
pub struct Assertion {
    pub(super) id: Vec<u8>,
    pub(super) client: ClientData,
    pub(super) client_json: Vec<u8>,
    pub(super) authenticator: AuthenticatorData,
    pub(super) authenticator_bytes: Vec<u8>,
    pub(super) signature: Vec<u8>,
    /// Whose key it is, if the authenticator knows; else empty.
    pub user_handle: Vec<u8>,
}

#[derive(Deserialize)]
struct AssertionResponse {
    #[serde(default, rename = "clientDataJSON")]
    client: Bytes,
    #[serde(default, rename = "authenticatorData")]
    authenticator: Bytes,
    #[serde(default)]
    signature: Bytes,
    #[serde(default, rename = "userHandle")]
    user_handle: Bytes,
}

impl Assertion {
    /// Reads the answer of `navigator.credentials.get`.
    pub fn read(json: &str) -> Result<Self, Unreadable> {
        let envelope = Envelope::<AssertionResponse>::read(json)?;
        let response = envelope.response;
        let authenticator = AuthenticatorData::read(&response.authenticator.0)
            .ok_or(Unreadable("the data of the authenticator are malformed"))?;
        Ok(Self {
            id: envelope.raw_id.0,
            client: ClientData::read(&response.client.0)?,
            client_json: response.client.0,
            authenticator,
            authenticator_bytes: response.authenticator.0,
            signature: response.signature.0,
            user_handle: response.user_handle.0,
        })
    }
}
