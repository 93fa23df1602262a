//! What is thrown dice for.
use super::args::{Answer, count, exactly, string};
use super::{Env, Table};
use data_encoding::BASE64;
use gotmpl::Value;
use rand::{Rng, RngExt};

pub(super) const TABLE: Table = &[
    ("randAlphaNum", |env, args| drawn(env, args, ALPHANUMERIC)),
    ("randAlpha", |env, args| {
        drawn(env, args, &ALPHANUMERIC[..52])
    }),
    ("randNumeric", |env, args| {
        drawn(env, args, &ALPHANUMERIC[52..])
    }),
    ("randAscii", |env, args| {
        let printable: Vec<u8> = (b' '..=b'~').collect();
        drawn(env, args, &printable)
    }),
    ("randBytes", |env, args| {
        let [length] = exactly(args)?;
        let mut bytes = vec![0; count(length)?];
        env.dice().fill_bytes(&mut bytes);
        Ok(BASE64.encode(&bytes).into())
    }),
    ("uuidv4", |env, args| {
        exactly::<0>(args)?;
        let mut bytes = [0; 16];
        env.dice().fill_bytes(&mut bytes);
        let id = uuid::Builder::from_random_bytes(bytes).into_uuid();
        Ok(id.to_string().into())
    }),
    ("shuffle", |env, args| {
        let [text] = exactly(args)?;
        let mut all: Vec<char> = string(text)?.chars().collect();
        let mut dice = env.dice();
        for last in (1..all.len()).rev() {
            let other = dice.random_range(0..=last);
            all.swap(last, other);
        }
        Ok(all.into_iter().collect::<String>().into())
    }),
    ("bcrypt", |env, args| {
        let [password] = exactly(args)?;
        hashed(env, string(password)?).map(Value::from)
    }),
    ("htpasswd", |env, args| {
        let [user, password] = exactly(args)?;
        let user = string(user)?;
        if user.contains(':') {
            return Ok(format!("invalid username: {user}").into());
        }
        let hash = hashed(env, string(password)?)?;
        Ok(format!("{user}:{hash}").into())
    }),
    ("genPrivateKey", |_, _| refused()),
    ("derivePassword", |_, _| refused()),
    ("buildCustomCert", |_, _| refused()),
    ("genCA", |_, _| refused()),
    ("genCAWithKey", |_, _| refused()),
    ("genSelfSignedCert", |_, _| refused()),
    ("genSelfSignedCertWithKey", |_, _| refused()),
    ("genSignedCert", |_, _| refused()),
    ("genSignedCertWithKey", |_, _| refused()),
    ("encryptAES", |_, _| refused()),
    ("decryptAES", |_, _| refused()),
];

const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

fn drawn(env: &Env, args: &[Value], from: &[u8]) -> Answer {
    let [length] = exactly(args)?;
    let mut dice = env.dice();
    let mut draw = || from.get(dice.random_range(0..from.len())).copied();
    let text: String = (0..count(length)?)
        .filter_map(|_| draw())
        .map(char::from)
        .collect();
    Ok(text.into())
}

/// The cost that Go has for its default.
const COST: u32 = 10;

fn hashed(env: &Env, password: &str) -> Result<String, String> {
    let mut salt = [0; 16];
    env.dice().fill_bytes(&mut salt);
    if password.len() > 72 {
        return Err("a password of more than 72 bytes".to_owned());
    }
    let hash = bcrypt::hash_with_salt(password, COST, salt);
    let hash = hash.map_err(|_| "this cannot be hashed".to_owned())?;
    Ok(hash.format_for_version(bcrypt::Version::TwoA))
}

fn refused() -> Answer {
    Err(
        "keys, certificates and ciphers are nothing for a mail: this function does nothing here"
            .to_owned(),
    )
}
