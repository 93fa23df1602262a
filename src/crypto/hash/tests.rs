//! One hash of every format, and what must be refused. Those of `IMPORTED` were made with other programs; the others are
//! of RFC 7914, the sha-crypt specification, the argon2 competition and crypt(3).
use super::*;
use crate::base::random::SeededRandom;

const PASSWORD: &[u8] = b"kAf3-vuQ9-lomT7";

const IMPORTED: &[&str] = &[
    // bcrypt 2a
    "$2a$04$xm6LDVxqDws4HVo6DgHC3.jQepxi.q.8re5gs2k2QN1rGWxcWzlFi",
    // bcrypt 2b
    "$2b$04$Y29uZm9ybWFuY2Utc2Fsd.bycVGrVHn4kxD3k4OUXMqqt6w.7jTc.",
    // bcrypt 2y
    "$2y$04$Y29uZm9ybWFuY2Utc2Fsd.bycVGrVHn4kxD3k4OUXMqqt6w.7jTc.",
    // argon2id
    "$argon2id$v=19$m=64,t=1,p=1$Y29uZm9ybWFuY2Utc2FsdA$iar2dS2OGvPzPpf50gVyu2vddq0yI2YfxJR5S+VHZtg",
    // argon2i
    "$argon2i$v=19$m=64,t=1,p=1$Y29uZm9ybWFuY2Utc2FsdA$uMzCdr3eweWi7KyjZIDzWja5SRJBWTLM+9Ra/nw/Uww",
    // pbkdf2 sha1
    "$pbkdf2-sha1$i=1000,l=32$Y29uZm9ybWFuY2Utc2FsdA$J70Wt93CZUWjnS9+HAqxBlHB0Vxua6JU6KILRWIQTtg",
    // pbkdf2 sha256
    "$pbkdf2-sha256$i=1000,l=32$Y29uZm9ybWFuY2Utc2FsdA$ySQGzXaczLowCoQfUwv/NYlFO//gQApKG63/tcvNy9E",
    // pbkdf2 sha512
    "$pbkdf2-sha512$i=1000,l=32$Y29uZm9ybWFuY2Utc2FsdA$IaDVXTRZ9RS+i+Ga+pSNwa3ieHafqY6F8OsbIFxujN0",
    // pbkdf2 sha224
    "$pbkdf2-sha224$i=1000,l=32$Y29uZm9ybWFuY2Utc2FsdA$BD++CwPeZo6Ksv/QAMQLElKGkaNlq+yl9jFREuT74pA",
    // scrypt
    "$scrypt$ln=1024,r=8,p=1$Y29uZm9ybWFuY2Utc2FsdA==$smXWQRuBCgxxTt8ANjLuuYR3UmXh2+CawpeNPKtQO0c=",
    // firebase scrypt
    "$firescrypt$ln=10,r=8,p=1$Y29uZm9ybWFuY2Utc2FsdA==$s8fJGMuYxvPVlfcn8XvjzzRWASlQPm6FdsPxNkHgRX0IU24hKpM5LK74w59BbjMAGty5SpdrgwUjXD62/GE2XA==$Bw==$J8gjVJJg8nQHAuuscLsWYgHK+LkjfPQrEkr+RmnoJMZbOYdmsUZQ2Pm0JJXxTtMub58TIff6rmRneiM1uMmcWA==",
    // SSHA
    "{SSHA}1UZ3VQ08XAwT+cQYfKJy6QtgexZjb25mb3JtYW5jZS1zYWx0",
    // SSHA256
    "{SSHA256}K90bUwyE0e+EFdfunr9K93Bv1k1fUJdwDs2awv7VVJtjb25mb3JtYW5jZS1zYWx0",
    // SSHA512
    "{SSHA512}WYeSbZjtaizxTFWEjZ0DEHW63nRowV0d4IV7HT6ALBZ0OPPD17hU22oicqezf5ztQ1px9kH+Kf/AaKVrxp6Ud2NvbmZvcm1hbmNlLXNhbHQ=",
    // salted sha1
    "$sha1$pf=e1NBTFR9OntQQVNTV09SRH0=$Y29uZm9ybWFuY2Utc2FsdA==$DiH+biaNml5EwvToXm39siqU9MI=",
    // salted sha256
    "$sha256$pf=e1NBTFR9OntQQVNTV09SRH0=$Y29uZm9ybWFuY2Utc2FsdA==$wQp6YlkXJ0o+CWYCa6VJoA/PuFrbqnlLsYhSWiZlDuk=",
    // salted sha512
    "$sha512$pf=e1NBTFR9OntQQVNTV09SRH0=$Y29uZm9ybWFuY2Utc2FsdA==$WiXMKarYkSgRP3iQXD+y8P7j7FgwqKTTo54ChS10ASNNl2aNaVpTEF1ivzss5VqhoEMfNcxibnphm4v/dEdnDg==",
    // md5
    "$md5$Y30eMsjoAptUFJzdU/aS6w==",
    // salted md5
    "$md5$pf=e1NBTFR9OntQQVNTV09SRH0=$Y29uZm9ybWFuY2Utc2FsdA==$TEGHW6PJC6zOWgQJDm0qgQ==",
    // md5-crypt
    "$md5-crypt$conform1$daUe5ssKfLAZUPUjaRO1w0",
    // sha256-crypt
    "$sha256-crypt$conform1$smxeL3n3Nw9Og/mJVsPixjlUA3VGtW.NhKg//VjEWlA",
    // sha512-crypt
    "$sha512-crypt$conform1$WhGANQiluKqY0QpDtJBvamo1q0eHR9YU2BBf1qfkm5Kj7XYFxXWw00ZYVqcCI4yah0k54yCVfWmHhc0FhIcEF/",
    // hmac md5
    "$hmac-md5$NWMzMzIyNWNiNzQwODc3YjBmODNkZDVhZmIxZjRiZjE=$Y29uZm9ybWFuY2UtaG1hYy1rZXk=",
    // hmac sha1
    "$hmac-sha1$OWEzODE1MDkxNTI5MGFjYWNjNDJmY2ZkYjU1ZjkxYzQzNTNmYjU3Yg==$Y29uZm9ybWFuY2UtaG1hYy1rZXk=",
    // hmac sha224
    "$hmac-sha224$NzVlMTAyNWY1NmNhYmE0OGNmOTQ1YzQzMTk5YTY2Y2Q0OTIwMzU4OTVlYzE3YzI2YTNhMGQ5N2M=$Y29uZm9ybWFuY2UtaG1hYy1rZXk=",
    // hmac sha256
    "$hmac-sha256$NWY2MmExMDM4MzU2MDA3Y2QzZmE0MGNlZWU4OTIzZDNmNTAzZjI3NmZmNDU0YTZiMDExNDAzMjVkZTRhNTZmZA==$Y29uZm9ybWFuY2UtaG1hYy1rZXk=",
    // hmac sha384
    "$hmac-sha384$MDVjMmFmMmJhNWY5MDU2ZmM1Yzg2ODM3YTUwOTg2NjYzNDMzOTBjNTM2MzJjYWFjOWJmYmEwZDM0ODE3MjY3MWE5MzNmN2RiZWRjNDIyZmQwYzRjMjI3ODQ1MGJkNzJl$Y29uZm9ybWFuY2UtaG1hYy1rZXk=",
    // hmac sha512
    "$hmac-sha512$NTRkMGNhNDhkNTFjZjdhZTE0YTkxOWQ1MGExZDlmZTlhODU5MzBlMmI0Mjg0OWYwMDk1ZDQwN2Y0OTZhZTMwOGZjMGFkN2IwYTM3ODY4MmI3NjljZTE5MDY1MDA0YzgzMjM2YmViMmUyYzU3YWJjNDcxZWFiNTM5MDY5NWY2MWU=$Y29uZm9ybWFuY2UtaG1hYy1rZXk=",
    // hmac md4
    "$hmac-md4$ZmQwYWRlZTA4NzRhNzllMzM3MDk0ZDI2MDQ5NzIwMmU=$Y29uZm9ybWFuY2UtaG1hYy1rZXk=",
];

/// Hash, password.
const PUBLISHED: &[(&str, &str)] = &[
    (
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "password",
    ),
    (
        "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
        "password",
    ),
    (
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "U*U",
    ),
    (
        "$2$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "U*U",
    ),
    (
        "$2z$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "U*U",
    ),
    (
        "$scrypt$ln=16384,r=8,p=1$U29kaXVtQ2hsb3JpZGU=$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw==",
        "pleaseletmein",
    ),
    (
        "$pbkdf2-sha1$i=4096,l=20$c2FsdA$SwB5AbdlSJq+rUnZJvch0GWkKcE",
        "password",
    ),
    (
        "$pbkdf2-sha384$i=10,l=48$c2FsdC1vZi0xNi1ieXRlcw$LFpO+NH2W/qcOPmdENOhiG9AbzbtgSS0sSXFlRJCaTj3zuvQk6iUh6GphTG7B3HG",
        "password",
    ),
    (
        "$sha256-crypt$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA",
        "Hello world!",
    ),
    (
        "$sha512-crypt$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.",
        "Hello world!",
    ),
    (
        "$sha512-crypt$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
        "Hello world!",
    ),
    ("$md5-crypt$abcdefgh$jUYc1Xi7pkozuzWQ0Dft71", "a"),
    ("$md5-crypt$ab$rn6aQS/o7141mj179E/zA.", ""),
    (
        "$md5-crypt$abcdefgh$c9EVfNPKigZFUk7xZl5oN.",
        "a long password of forty-three characters!!",
    ),
];

#[test]
fn every_format_is_compared() {
    for hash in IMPORTED {
        assert_eq!(verify(hash, PASSWORD), Ok(true), "{hash}");
        assert_eq!(verify(hash, b"kAf3-vuQ9-lomT8"), Ok(false), "{hash}");
        assert_eq!(verify(hash, b""), Ok(false), "{hash}");
        assert_eq!(check_import(hash), Ok(()), "{hash}");
    }
    for (hash, password) in PUBLISHED {
        assert_eq!(verify(hash, password.as_bytes()), Ok(true), "{hash}");
        let other = format!("{password}x");
        assert_eq!(verify(hash, other.as_bytes()), Ok(false), "{hash}");
    }
}

#[test]
fn absurd_costs_are_refused_before_any_work() {
    let salt = "Y29uZm9ybWFuY2Utc2FsdA";
    let key = "iar2dS2OGvPzPpf50gVyu2vddq0yI2YfxJR5S+VHZtg";
    for hash in [
        "$2a$16$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW".to_owned(),
        "$2a$99$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW".to_owned(),
        format!("$argon2id$v=19$m=1048577,t=1,p=1${salt}${key}"),
        format!("$argon2id$v=19$m=64,t=11,p=1${salt}${key}"),
        format!("$argon2id$v=19$m=64,t=0,p=1${salt}${key}"),
        format!("$argon2id$v=19$m=64,t=1,p=9${salt}${key}"),
        format!("$argon2id$v=19$m=99999,t=1,p=0${salt}${key}"),
        format!("$pbkdf2-sha256$i=10000001,l=32${salt}${key}"),
        format!("$scrypt$ln=262144,r=8,p=1${salt}==${key}="),
        format!("$scrypt$ln=1024,r=9,p=1${salt}==${key}="),
        format!("$scrypt$ln=1024,r=8,p=11${salt}==${key}="),
        format!("$firescrypt$ln=18,r=8,p=1${salt}==${key}=$Bw==${key}="),
        format!("$sha512-crypt$rounds=999999999$salt${key}"),
    ] {
        assert!(
            matches!(check_import(&hash), Err(HashError::OutOfBounds { .. })),
            "{hash}"
        );
        assert!(
            matches!(verify(&hash, PASSWORD), Err(HashError::OutOfBounds { .. })),
            "{hash}"
        );
    }
}

/// A server with many cores used to write more lanes than may be imported.
#[test]
fn many_lanes_may_be_stored_but_not_imported() {
    let hash = "$argon2id$v=19$m=1024,t=1,p=32$Y29uZm9ybWFuY2Utc2FsdA$iar2dS2OGvPzPpf50gVyu2vddq0yI2YfxJR5S+VHZtg";
    assert_eq!(verify(hash, PASSWORD), Ok(false));
    assert!(matches!(
        check_import(hash),
        Err(HashError::OutOfBounds { .. })
    ));
}

/// A hash without a key, or with a cut one, would fit any password or many.
#[test]
fn cut_hashes_fit_no_other_password() {
    let quick = |hash: &&&str| !hash.contains("-crypt");
    for hash in IMPORTED.iter().filter(quick) {
        for end in 0..hash.len() {
            if let Some(cut) = hash.get(..end) {
                assert_ne!(verify(cut, b"another"), Ok(true), "{cut}");
                assert_ne!(verify(cut, b""), Ok(true), "{cut}");
            }
        }
    }
}

#[test]
fn unknown_formats_are_told_from_broken_ones() {
    for hash in [
        "",
        "plain",
        "$",
        "$$",
        "$argon2d$v=19$m=64,t=1,p=1$a$b",
        "$2x$04$",
        "{SHA}x",
        "{",
        "$pbkdf2-sha$i=1,l=1$a$b",
        "$pbkdf2-md5$i=1,l=1$a$b",
        "$hmac-sha3$a$b",
        "$7$x",
        "é$",
    ] {
        assert_eq!(check_import(hash), Err(HashError::Unknown), "{hash}");
    }
    for hash in [
        "$2a$04$short",
        "$argon2id$v=16$m=64,t=1,p=1$YWFhYWFhYWE$YWFhYWFhYWE",
        "$argon2id$v=19$m=64,p=1,t=1$YWFhYWFhYWE$YWFhYWFhYWE",
        "$argon2id$v=19$m=64,t=1,p=1$YWFhYWFhYWE=$YWFhYWFhYWE",
        "$scrypt$ln=1000,r=8,p=1$YQ==$YWFhYWFhYWE=",
        "$2a$04$éééééééééééééééééééééééééé",
    ] {
        assert!(
            matches!(check_import(hash), Err(HashError::Malformed(_))),
            "{hash}"
        );
    }
    // The reference looks no further than the prefix of these.
    assert_eq!(check_import("$md5$never checked"), Ok(()));
    assert!(verify("$md5$never checked", b"").is_err());
}

#[test]
fn bcrypt_reads_72_bytes_and_refuses_more() {
    let dice = SeededRandom::new(1);
    let params = HasherParams::Bcrypt { cost: 4 };
    let text = hash(&params, &[b'x'; 72], &dice).unwrap_or_default();
    assert!(text.starts_with("$2a$04$") && text.len() == 60, "{text}");
    assert_eq!(verify(&text, &[b'x'; 72]), Ok(true));
    assert_eq!(verify(&text, &[b'x'; 71]), Ok(false));
    let too_long = HashError::PasswordTooLong {
        length: 73,
        most: 72,
    };
    assert_eq!(verify(&text, &[b'x'; 73]), Err(too_long.clone()));
    assert_eq!(hash(&params, &[b'x'; 73], &dice), Err(too_long));
}

#[test]
fn a_new_argon2_hash_says_its_costs() {
    let params = HasherParams::Argon2(argon2::Params {
        memory_kib: 100,
        iterations: 2,
        parallelism: 40,
        salt_length: 16,
        key_length: 32,
    });
    let text = hash(&params, b"secret", &SeededRandom::new(1)).unwrap_or_default();
    assert!(text.starts_with("$argon2id$v=19$m=128,t=2,p=16$"), "{text}");
    assert_eq!(verify(&text, b"secret"), Ok(true));
    assert_eq!(check_import(&text), Ok(()));
}

/// A comparison and what is left to do are together as much work as the configured costs.
#[test]
fn what_is_left_to_do_makes_up_for_a_cheaper_hash() {
    let bcrypt = |cost| HasherParams::Bcrypt { cost };
    let argon2 = |memory_kib, iterations| {
        HasherParams::Argon2(argon2::Params {
            memory_kib,
            iterations,
            parallelism: 1,
            ..argon2::Params::default()
        })
    };
    let stored = |params| hash(&params, b"secret", &SeededRandom::new(1)).unwrap_or_default();
    let cheap = stored(bcrypt(4));
    let left = [4, 5, 6].map(bcrypt);
    assert_eq!(left_to_do(&cheap, &bcrypt(7)), left);
    assert_eq!(left_to_do(&cheap, &bcrypt(4)), []);
    assert_eq!(left_to_do(&stored(bcrypt(6)), &bcrypt(5)), []);
    assert_eq!(left_to_do(&cheap, &argon2(64, 1)), [argon2(64, 1)]);
    let small = stored(argon2(64, 2));
    assert_eq!(left_to_do(&small, &argon2(128, 3)), [argon2(128, 2)]);
    assert_eq!(left_to_do(&small, &argon2(64, 2)), []);
    assert_eq!(left_to_do(&small, &argon2(32, 2)), []);
    assert_eq!(left_to_do("nonsense", &bcrypt(5)), [bcrypt(5)]);
}

#[test]
fn only_another_format_is_a_reason_to_hash_anew() {
    let bcrypt = HasherParams::Bcrypt { cost: 12 };
    let argon2 = HasherParams::Argon2(argon2::Params::default());
    assert!(!needs_upgrade("$2y$04$…", &bcrypt));
    assert!(needs_upgrade("$2y$04$…", &argon2));
    assert!(!needs_upgrade("$argon2id$v=19$…", &argon2));
    assert!(needs_upgrade("$argon2i$v=19$…", &argon2));
    assert!(needs_upgrade("{SSHA}…", &bcrypt));
}
