//! The codec against itself, against cookies of gorilla's library, and against damage.
use super::*;
use crate::base::random::SeededRandom;
use time::macros::datetime;

const NAME: &str = "ory_kratos_session";
const NOW: OffsetDateTime = datetime!(2026-07-01 12:00 UTC);
const SECRET: &str = "PLEASE-CHANGE-ME-I-AM-VERY-INSECURE";

fn secrets(list: &[&str]) -> Vec<Secret<String>> {
    list.iter().map(|s| Secret::new((*s).to_owned())).collect()
}

fn codec(list: &[&str]) -> CookieCodec {
    CookieCodec::new(&secrets(list))
}

fn session() -> Entries {
    Entries::from([
        ("session_token", "ory_st_abcdefghijklmnopqrstuvwxyz012345"),
        ("expires_at", "2026-07-02T12:34:56.123456Z"),
        ("nonce", "abcdefgh"),
    ])
}

fn written(codec: &CookieCodec) -> String {
    let value = codec.encode(NAME, &session(), NOW, &SeededRandom::new(1));
    value.unwrap_or_default()
}

#[test]
fn every_secret_of_the_list_reads() {
    let value = written(&codec(&["old-secret-of-somebody"]));
    let both = codec(&[SECRET, "old-secret-of-somebody"]);
    assert_eq!(both.decode(NAME, &value, NOW, USUAL_AGE), Some(session()));
    assert_eq!(codec(&[SECRET]).decode(NAME, &value, NOW, USUAL_AGE), None);
    assert_eq!(both.decode("other", &value, NOW, USUAL_AGE), None);
}

#[test]
fn age_counts_from_when_it_was_written() {
    let codec = codec(&[SECRET]);
    let value = written(&codec);
    let day = Duration::days(1);
    assert!(codec.decode(NAME, &value, NOW + day, day).is_some());
    let late = NOW + day + Duration::SECOND;
    assert!(codec.decode(NAME, &value, late, day).is_none());
    assert!(codec.decode(NAME, &value, NOW - day, day).is_some());
}

#[test]
fn the_block_key_is_the_hash_of_the_secret() {
    use data_encoding::HEXLOWER;
    assert_eq!(
        HEXLOWER.encode(&Sha256::digest(SECRET)),
        "61ee0648548b323a84eeb27729da4ff7163a177b4cfc9c3fa8b141f297f8364d"
    );
}

#[test]
fn cookies_of_the_reference_are_read() {
    let codec = codec(&[SECRET]);
    let read = codec.decode(NAME, FOREIGN, NOW, Duration::days(36500));
    let read = read.unwrap_or_default();
    assert_eq!(
        read.get("session_token"),
        Some("ory_st_abcdefghijklmnopqrstuvwxyz012345")
    );
    assert_eq!(read.get("expires_at"), Some("2026-07-02T12:34:56.123456Z"));
    assert_eq!(read.get("nonce"), Some("abcdefgh"));
}

/// One secret: signed but not encrypted; two: the second encrypts.
#[test]
fn continuity_cookies_of_older_servers_are_read() {
    for (list, value) in [
        (&[SECRET] as &[&str], FOREIGN_SIGNED),
        (&[SECRET, "0123456789abcdef"], FOREIGN_PAIR),
    ] {
        let new = CookieCodec::new(&secrets(list));
        let age = Duration::days(36500);
        assert_eq!(new.decode("ory_kratos_continuity", value, NOW, age), None);
        let new = new.reading_old_pairs(&secrets(list));
        let read = new.decode("ory_kratos_continuity", value, NOW, age);
        let read = read.unwrap_or_default();
        assert_eq!(
            read.get("ory_kratos_oidc_auth_code_session"),
            Some("f9a8b1a0-0000-4000-8000-000000000000")
        );
    }
}

#[test]
fn too_much_for_a_cookie_is_not_written() {
    let mut entries = session();
    entries.set("more", &"x".repeat(4000));
    let value = codec(&[SECRET]).encode(NAME, &entries, NOW, &SeededRandom::new(1));
    assert_eq!(value, None);
    assert_eq!(
        codec(&[]).encode(NAME, &session(), NOW, &SeededRandom::new(1)),
        None
    );
}

#[test]
fn nothing_panics_or_opens_when_damaged() {
    let codec = codec(&[SECRET]);
    let value = written(&codec);
    for end in 0..value.len() {
        assert_eq!(codec.decode(NAME, &value[..end], NOW, USUAL_AGE), None);
    }
    let dice = SeededRandom::new(5);
    let mut draw = [0; 3];
    for _ in 0..20_000 {
        dice.fill(&mut draw);
        let mut damaged = value.clone().into_bytes();
        let at = (usize::from(draw[0]) << 8 | usize::from(draw[1])) % damaged.len();
        // The last character before the padding may differ in bits that mean nothing.
        if damaged[at] == draw[2] || at + 4 >= damaged.len() {
            continue;
        }
        damaged[at] = draw[2];
        let damaged = String::from_utf8_lossy(&damaged).into_owned();
        assert_eq!(
            codec.decode(NAME, &damaged, NOW, USUAL_AGE),
            None,
            "{damaged}"
        );
    }
}

/// Of gorilla's library, version 1.1.2.
const FOREIGN: &str = "MTc5NTY1NDkxNnxSRWNtVjR0SGh4cmlpVEpSTjBkMGJMWUotUFNmZWEyc0ZDaFlFVndRWnQ2SDZPbk9jblhlN0xFazZPR19obHoybWdTamlJeUMzTk4xNVdGN3czX3FJVXR5Vl82eFRnTDVCbWRHUGFZaUZHalZ6LU9KMjB0X1dpdHJJQXhJdEdZT0JNM2NEMVF3d1EycFR6QWgxYmY3ay1JeXVkZ2oyaXR1WmRnd1pkTEtwR3ozQnNzZkVqcVAtR2dSMXZWZk5NajNoNGFOcmExOVViZnVjZDZLY2dNbFpRVEU4SkZiQW9TQTZBV2IzY05hZlgtYW1PS1ZHTF9GOWltaFFUV1hKcHlIUklqMlk3WExWRWtTamNjVXxxEdide893rflwPLH8DRKxUwUEpTaYDCK6yvh7Mwgg8g==";
const FOREIGN_SIGNED: &str = "MTc5NTY1NDkxNnxEWDhFQVFMX2dBQUJFQUVRQUFCZl80QUFBUVp6ZEhKcGJtY01Jd0FoYjNKNVgydHlZWFJ2YzE5dmFXUmpYMkYxZEdoZlkyOWtaVjl6WlhOemFXOXVCbk4wY21sdVp3d21BQ1JtT1dFNFlqRmhNQzB3TURBd0xUUXdNREF0T0RBd01DMHdNREF3TURBd01EQXdNREE9fJ5AF06cf6Nn2lL4kxjKjVcdtHbyW1LSWu3E9eveKRik";
const FOREIGN_PAIR: &str = "MTc5NTY1NDkxNnxkZzB2S1FGRG5ZWHBZODY2a215MjlLOGJXZV8xcElhRER1SFdyVkFRMFd3SVAxaEV6cXpvZlJvdWU0Q25VeVd3Zml6NUw1ODRiT1lpSTMyOWd0a1FvdVRIdllDV0pKbzM2c2JqWFpmaG9KOFUzTGhOY1dORkJCMzg2UkZaQmlWN0VTVG5SazlLR3kzX1hjWWpVRlNia19sdnJJa2Q4WmhWWVU0a3lBUGV8bzRlqGKSFlFyWjS3MBXHpUQTECDqtzpuwdrjeSWyWjk=";
