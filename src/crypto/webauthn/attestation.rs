//! Statements about where a key comes from (WebAuthn Level 3 §8). `none`, `packed` and `fido-u2f` are checked: one that
//! is there has to be true. Nobody's word is a trust anchor, though, so that the other formats are only taken down.
use super::answer::Creation;
use super::authenticator::Attested;
use super::cbor::{self, Item, Map};
use super::check::Refused;
use super::der::Certificate;
use super::key;
use time::OffsetDateTime;

/// Registered formats whose statements are not looked into.
const UNCHECKED: [&str; 4] = ["tpm", "android-key", "android-safetynet", "apple"];

pub(super) enum Checked {
    Verified,
    /// Taken as it is.
    Unchecked,
}

pub(super) fn check(
    answer: &Creation,
    attested: &Attested,
    client_hash: &[u8],
    now: OffsetDateTime,
) -> Result<Checked, Refused> {
    let broken = Refused("its attestation is malformed");
    let item = cbor::whole(&answer.object).ok_or(broken)?;
    let object = item.map().ok_or(broken)?;
    let statement = object.named("attStmt").and_then(Item::map).ok_or(broken)?;
    match answer.format.as_str() {
        "none" if statement.is_empty() => Ok(Checked::Verified),
        "none" => Err(broken),
        "packed" => {
            let message = [&answer.authenticator_bytes, client_hash].concat();
            packed(statement, attested, &message, now).map(|()| Checked::Verified)
        }
        "fido-u2f" => {
            let rp = &answer.authenticator.rp_id_hash;
            u2f(statement, attested, rp, client_hash).map(|()| Checked::Verified)
        }
        other if UNCHECKED.contains(&other) => Ok(Checked::Unchecked),
        _ => Err(Refused("its attestation has a format that nobody knows")),
    }
}

fn signature<'a>(statement: &Map<'a>) -> Result<&'a [u8], Refused> {
    let signature = statement.named("sig").and_then(Item::bytes);
    signature.ok_or(Refused("its attestation has no signature"))
}

/// The certificates, the one of the authenticator first; empty, if there are none.
fn chain<'a>(statement: &Map<'a>) -> Result<Vec<&'a [u8]>, Refused> {
    let broken = Refused("the certificates of its attestation are malformed");
    let Some(x5c) = statement.named("x5c") else {
        return Ok(vec![]);
    };
    let items = x5c.array().filter(|a| !a.is_empty()).ok_or(broken)?;
    items.iter().map(|i| i.bytes().ok_or(broken)).collect()
}

/// §8.2
fn packed(
    statement: &Map<'_>,
    attested: &Attested,
    message: &[u8],
    now: OffsetDateTime,
) -> Result<(), Refused> {
    let algorithm = statement.named("alg").and_then(Item::int);
    let algorithm = algorithm.ok_or(Refused("its attestation names no algorithm"))?;
    let signature = signature(statement)?;
    let false_signature = Refused("the signature of its attestation is false");
    let chain = chain(statement)?;
    let Some(first) = chain.first() else {
        let own = attested.key.as_ref();
        let own = own.filter(|key| key.algorithm() == algorithm);
        let own = own.ok_or(Refused("its attestation is by another kind of key"))?;
        let is_signed = own.has_signed(message, signature);
        return is_signed.then_some(()).ok_or(false_signature);
    };
    let broken = Refused("the certificate of its attestation is not what the standard asks for");
    for certificate in &chain {
        let certificate = Certificate::read(certificate).ok_or(broken)?;
        if !certificate.is_valid_at(now) {
            return Err(Refused("a certificate of its attestation is out of date"));
        }
    }
    let certificate = Certificate::read(first).ok_or(broken)?;
    if !key::has_signed(algorithm, certificate.key, message, signature) {
        return Err(false_signature);
    }
    let names_it = certificate.aaguid.is_none_or(|id| id == attested.aaguid);
    let is_as_asked = certificate.version == 3
        && certificate.is_made_out
        && !certificate.is_ca
        && !certificate.aaguid_is_critical
        && names_it;
    is_as_asked.then_some(()).ok_or(broken)
}

/// §8.6
fn u2f(
    statement: &Map<'_>,
    attested: &Attested,
    rp_id_hash: &[u8],
    client_hash: &[u8],
) -> Result<(), Refused> {
    let broken = Refused("the certificate of its attestation is not what the standard asks for");
    let chain = chain(statement)?;
    let [certificate] = chain.as_slice() else {
        return Err(broken);
    };
    let certificate = Certificate::read(certificate).ok_or(broken)?;
    let point = attested.key.as_ref().and_then(|key| key.p256_point());
    let point = point.ok_or(Refused("its attestation is for another kind of key"))?;
    let message = [&[0], rp_id_hash, client_hash, &attested.id, point].concat();
    let is_signed = key::has_signed(-7, certificate.key, &message, signature(statement)?);
    is_signed
        .then_some(())
        .ok_or(Refused("the signature of its attestation is false"))
}
