//! A security key in software, with the browser around it. What it is asked it answers rightly, unless told to lie.
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RsaEncoding, RsaKeyPair,
};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub const PRESENT: u8 = 1;
pub const VERIFIED: u8 = 1 << 2;
pub const BACKUP_ELIGIBLE: u8 = 1 << 3;
pub const BACKED_UP: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;

/// What it lies about.
#[derive(Clone, Default)]
pub struct Lie {
    pub kind: Option<&'static str>,
    pub challenge: Option<String>,
    pub origin: Option<&'static str>,
    pub rp_id: Option<&'static str>,
    /// The flags, whole.
    pub flags: Option<u8>,
    pub user_handle: Option<Vec<u8>>,
    pub broken_signature: bool,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
}

struct Key {
    id: Vec<u8>,
    handle: Vec<u8>,
    pair: Pair,
}

pub struct Authenticator {
    pub origin: String,
    /// The COSE number of keys that it makes.
    pub algorithm: i64,
    pub flags: u8,
    pub counter: u32,
    /// `none`, or `packed` by the key itself.
    pub attests: bool,
    keys: Vec<Key>,
}

impl Authenticator {
    pub fn new(origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            algorithm: -7,
            flags: PRESENT | VERIFIED,
            counter: 0,
            attests: false,
            keys: vec![],
        }
    }

    /// Does what `navigator.credentials.create` does, for options as the forms carry them; the JSON of the script.
    pub fn create(&mut self, options: &Value, lie: &Lie) -> Value {
        let options = &options["publicKey"];
        let id: Vec<u8> = (0..32).map(|_| random_byte()).collect();
        let handle = decode(&options["user"]["id"]);
        let (pair, cose) = make(self.algorithm);
        let rp_id = lie.rp_id.or(options["rp"]["id"].as_str()).unwrap();
        let flags = lie.flags.unwrap_or(self.flags) | ATTESTED;
        let mut data = self.data(rp_id, flags);
        data.extend([0; 16]);
        data.extend(u16::try_from(id.len()).unwrap().to_be_bytes());
        data.extend(&id);
        data.extend(&cose);
        let client = self.client(lie, "webauthn.create", options);
        let key = Key { id, handle, pair };
        let mut object = vec![0xa3];
        text(&mut object, "fmt");
        if self.attests {
            text(&mut object, "packed");
            text(&mut object, "attStmt");
            object.push(0xa2);
            text(&mut object, "alg");
            int(&mut object, self.algorithm);
            text(&mut object, "sig");
            let mut signature = sign(&key.pair, &data, &client);
            if lie.broken_signature {
                signature[0] ^= 1;
            }
            bytes(&mut object, &signature);
        } else {
            text(&mut object, "none");
            text(&mut object, "attStmt");
            object.push(0xa0);
        }
        text(&mut object, "authData");
        bytes(&mut object, &data);
        let answer = json!({
            "clientDataJSON": encode(&client),
            "attestationObject": encode(&object),
        });
        let answer = envelope(&key.id, &answer);
        self.keys.push(key);
        answer
    }

    /// A key that was made elsewhere, as an administrator brings it along.
    pub fn made_elsewhere(&mut self, handle: &[u8], passwordless: bool) -> Value {
        let id: Vec<u8> = (0..32).map(|_| random_byte()).collect();
        let (pair, cose) = make(self.algorithm);
        let made = json!({
            "id": BASE64.encode(&id), "public_key": BASE64.encode(&cose), "attestation_type": "none",
            "authenticator": { "aaguid": BASE64.encode(&[0; 16]), "sign_count": self.counter },
            "display_name": "made elsewhere", "added_at": "2020-01-02T03:04:05Z",
            "is_passwordless": passwordless,
        });
        let handle = handle.to_vec();
        self.keys.push(Key { id, handle, pair });
        made
    }

    /// Does what `navigator.credentials.get` does.
    pub fn get(&mut self, options: &Value, lie: &Lie) -> Value {
        let options = &options["publicKey"];
        let allowed = options["allowCredentials"].as_array();
        let allowed: Option<Vec<_>> = allowed.map(|l| l.iter().map(|k| decode(&k["id"])).collect());
        let is_allowed = |key: &&Key| allowed.as_ref().is_none_or(|list| list.contains(&key.id));
        let place = self.keys.iter().rposition(|key| is_allowed(&key)).unwrap();
        let rp_id = lie.rp_id.or(options["rpId"].as_str()).unwrap();
        let data = self.data(rp_id, lie.flags.unwrap_or(self.flags));
        let client = self.client(lie, "webauthn.get", options);
        let key = &self.keys[place];
        let mut signature = sign(&key.pair, &data, &client);
        if lie.broken_signature {
            let last = signature.len() - 1;
            signature[last] ^= 1;
        }
        let handle = lie.user_handle.as_ref().unwrap_or(&key.handle);
        let answer = json!({
            "clientDataJSON": encode(&client),
            "authenticatorData": encode(&data),
            "signature": encode(&signature),
            "userHandle": encode(handle),
        });
        envelope(&key.id, &answer)
    }

    fn data(&self, rp_id: &str, flags: u8) -> Vec<u8> {
        let mut data = Sha256::digest(rp_id.as_bytes()).to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    fn client(&self, lie: &Lie, kind: &str, options: &Value) -> Vec<u8> {
        let challenge = lie.challenge.as_deref();
        json!({
            "type": lie.kind.unwrap_or(kind),
            "challenge": challenge.or(options["challenge"].as_str()),
            "origin": lie.origin.unwrap_or(&self.origin),
            "crossOrigin": false,
        })
        .to_string()
        .into_bytes()
    }
}

fn envelope(id: &[u8], response: &Value) -> Value {
    json!({ "id": encode(id), "rawId": encode(id), "type": "public-key", "response": response })
}

fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

fn decode(text: &Value) -> Vec<u8> {
    let text = text.as_str().expect("base64url");
    BASE64URL_NOPAD.decode(text.as_bytes()).expect("base64url")
}

fn random_byte() -> u8 {
    let mut byte = [0];
    aws_lc_rs::rand::fill(&mut byte).expect("dice");
    byte[0]
}

fn make(algorithm: i64) -> (Pair, Vec<u8>) {
    let mut cose = vec![];
    match algorithm {
        -7 | -35 | -36 => {
            let (kind, curve): (&'static EcdsaSigningAlgorithm, i64) = match algorithm {
                -7 => (&signature::ECDSA_P256_SHA256_ASN1_SIGNING, 1),
                -35 => (&signature::ECDSA_P384_SHA384_ASN1_SIGNING, 2),
                _ => (&signature::ECDSA_P521_SHA512_ASN1_SIGNING, 3),
            };
            let pair = EcdsaKeyPair::generate(kind).expect("a key");
            let (x, y) = {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                (x.to_vec(), y.to_vec())
            };
            header(&mut cose, 5, 2, algorithm);
            int(&mut cose, -1);
            int(&mut cose, curve);
            int(&mut cose, -2);
            bytes(&mut cose, &x);
            int(&mut cose, -3);
            bytes(&mut cose, &y);
            (Pair::Ecdsa(pair), cose)
        }
        -8 => {
            let pair = Ed25519KeyPair::generate().expect("a key");
            header(&mut cose, 4, 1, algorithm);
            int(&mut cose, -1);
            int(&mut cose, 6);
            int(&mut cose, -2);
            bytes(&mut cose, pair.public_key().as_ref());
            (Pair::Ed25519(pair), cose)
        }
        _ => {
            let encoding: &'static dyn RsaEncoding = match algorithm {
                -257 => &signature::RSA_PKCS1_SHA256,
                -258 => &signature::RSA_PKCS1_SHA384,
                -259 => &signature::RSA_PKCS1_SHA512,
                -37 => &signature::RSA_PSS_SHA256,
                -38 => &signature::RSA_PSS_SHA384,
                -39 => &signature::RSA_PSS_SHA512,
                other => panic!("no such algorithm: {other}"),
            };
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
            // RSAPublicKey: a sequence of the modulus, with a zero before it, and 65537.
            let der = pair.public_key().as_ref();
            let modulus = &der[9..9 + 256];
            header(&mut cose, 4, 3, algorithm);
            int(&mut cose, -1);
            bytes(&mut cose, modulus);
            int(&mut cose, -2);
            bytes(&mut cose, &[1, 0, 1]);
            (Pair::Rsa(pair, encoding), cose)
        }
    }
}

fn sign(pair: &Pair, data: &[u8], client: &[u8]) -> Vec<u8> {
    let message = [data, Sha256::digest(client).as_slice()].concat();
    let dice = SystemRandom::new();
    match pair {
        Pair::Ecdsa(pair) => {
            let signature = pair.sign(&dice, &message).expect("a signature");
            signature.as_ref().to_vec()
        }
        Pair::Ed25519(pair) => pair.sign(&message).as_ref().to_vec(),
        Pair::Rsa(pair, encoding) => {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(*encoding, &dice, &message, &mut signature)
                .expect("a signature");
            signature
        }
    }
}

/// The beginning of a COSE key: how many entries, its type, its algorithm.
fn header(out: &mut Vec<u8>, entries: u8, kind: i64, algorithm: i64) {
    out.push(0xa0 | entries);
    int(out, 1);
    int(out, kind);
    int(out, 3);
    int(out, algorithm);
}

fn head(out: &mut Vec<u8>, major: u8, argument: usize) {
    let major = major << 5;
    match u8::try_from(argument) {
        Ok(small) if small < 24 => out.push(major | small),
        Ok(small) => out.extend([major | 0x18, small]),
        Err(_) => {
            out.push(major | 0x19);
            out.extend(u16::try_from(argument).expect("short").to_be_bytes());
        }
    }
}

fn int(out: &mut Vec<u8>, number: i64) {
    if number >= 0 {
        head(out, 0, usize::try_from(number).unwrap());
    } else {
        head(out, 1, usize::try_from(-1 - number).unwrap());
    }
}

fn bytes(out: &mut Vec<u8>, value: &[u8]) {
    head(out, 2, value.len());
    out.extend(value);
}

fn text(out: &mut Vec<u8>, value: &str) {
    head(out, 3, value.len());
    out.extend(value.as_bytes());
}
