//! The catalogue: which messages there are, how they are meant, what they speak of and what they say.
use super::{
    Message, Tone, login, node, recovery, registration, settings, validation, verification,
};
use serde_json::json;
use std::collections::BTreeSet;
use std::fmt::Write;
use time::macros::datetime;

fn catalogue() -> Vec<Message> {
    let then = datetime!(2026-07-01 12:00:00.25 UTC);
    let now = datetime!(2026-07-01 12:03:00 UTC);
    let one = |word: &str| vec![word.to_owned()];
    let mut all = vec![
        login::submit(),
        login::with_provider("Example", "example"),
        login::confirm(),
        login::second_factor(),
        login::verify(),
        login::totp_label(),
        login::lookup_label(),
        login::webauthn_submit(),
        login::totp_submit(),
        login::lookup_submit(),
        login::webauthn_continue(),
        login::webauthn_prepare(),
        login::go_on(),
        login::code_sent(),
        login::code_submit(),
        login::link_explained(
            "ada@example.org",
            "Example",
            "https://id.example.org/login",
            &one("password"),
            &one("Other"),
        ),
        login::link_submit(),
        login::confirm_with_provider("Example"),
        login::code_request(),
        login::code_hint(),
        login::passkey_submit(),
        login::password_submit(),
        login::code_to_address("ad****@example.org", "email"),
        login::device_submit(),
        login::code_sent_to_known(),
        login::expired(then, now),
        login::nobody(),
        login::completed(),
        login::code_invalid(),
        login::link_mismatch(),
        login::address_unknown(),
        login::disabled_account(),
        registration::submit(),
        registration::with_provider("Example", "example"),
        registration::go_on(),
        registration::webauthn_submit(),
        registration::code_sent(),
        registration::code_submit(),
        registration::passkey_submit(),
        registration::back(),
        registration::choose_credential(),
        registration::nobody(),
        registration::expired(then, now),
        registration::completed(),
        registration::code_invalid(),
        settings::saved(),
        settings::link_provider("Example"),
        settings::unlink_provider("Example"),
        settings::totp_unlink(),
        settings::totp_qr(),
        settings::totp_secret("ABCDEF"),
        settings::lookup_reveal(),
        settings::lookup_regenerate(),
        settings::lookup_code("abc123"),
        settings::lookup_label(),
        settings::lookup_confirm(),
        settings::webauthn_register(),
        settings::webauthn_name(),
        settings::lookup_code_used(then),
        settings::lookup_codes(&[
            settings::lookup_code("abc123"),
            settings::lookup_code_used(then),
        ]),
        settings::lookup_disable(),
        settings::totp_secret_label(),
        settings::webauthn_remove("blue key", then),
        settings::passkey_register(),
        settings::passkey_remove("laptop", then),
        settings::device_remove(),
        settings::device_nonce(),
        settings::managed_by_organization(),
        settings::nobody(),
        settings::expired(then, now),
        settings::one_address_at_a_time(),
        recovery::recovered(now, then),
        recovery::link_sent(),
        recovery::code_sent(),
        recovery::code_sent_to("ad****@example.org"),
        recovery::ask_full_address(),
        recovery::choose_address(),
        recovery::back(),
        recovery::nobody(),
        recovery::completed(),
        recovery::failed(),
        recovery::token_missing(),
        recovery::token_invalid(),
        recovery::expired(then, now),
        recovery::code_invalid(),
        verification::link_sent(),
        verification::email_verified(),
        verification::code_sent(),
        verification::sms_code_sent(),
        verification::phone_verified(),
        verification::nobody(),
        verification::token_invalid(),
        verification::completed(),
        verification::failed(),
        verification::token_missing(),
        verification::expired(then, now),
        verification::code_invalid(),
        node::raw("ad****@example.org"),
        node::password(),
        node::trait_label("E-mail", "traits.email"),
        node::save(),
        node::identifier(),
        node::submit(),
        node::verify_totp(),
        node::email(),
        node::resend_code(),
        node::go_on(),
        node::recovery_code(),
        node::verification_code(),
        node::registration_code(),
        node::login_code(),
        node::login_and_link(),
        node::captcha(),
        node::recovery_address(),
        node::phone(),
        node::email_or_phone(),
        validation::generic("the reason"),
        validation::missing("email"),
        validation::min_length(3, 2),
        validation::pattern("^[a-f]+$"),
        validation::password_policy("the reason"),
        validation::credentials(),
        validation::duplicate(),
        validation::totp_wrong(),
        validation::no_identifier(),
        validation::address_unverified(),
        validation::no_totp(),
        validation::lookup_used(),
        validation::no_webauthn_key(),
        validation::no_lookup(),
        validation::no_webauthn_account(),
        validation::lookup_wrong(),
        validation::max_length(5, 7),
        validation::minimum(json!(10), json!(9.5)),
        validation::exclusive_minimum(json!(10), json!(10)),
        validation::maximum(json!(10), json!(11)),
        validation::exclusive_maximum(json!(10), json!(10)),
        validation::multiple_of(json!(5), json!(7)),
        validation::max_items(2, 3),
        validation::min_items(2, 1),
        validation::unique_items(0, 1),
        validation::wrong_type(&one("number"), "string"),
        validation::duplicate_on_link(),
        validation::duplicate_with_hints(&one("password"), &one("Example"), "ada@example.org"),
        validation::constant("true"),
        validation::constant_hidden(),
        validation::password_like_identifier(),
        validation::password_short(8, 5),
        validation::password_long(72, 80),
        validation::password_breached(7),
        validation::no_code_account(),
        validation::traits_changed(),
        validation::no_account(),
        validation::captcha(),
        validation::password_unchanged(),
        validation::email("no address"),
        validation::phone("12"),
        validation::no_device(),
        validation::webauthn_wrong(),
        validation::device_wrong(),
        validation::device_attestation_over(),
        validation::device_again(),
        validation::system("the reason"),
        validation::no_method(),
        validation::no_provider_of_organization(),
    ];
    all.sort_by_key(|m| m.id);
    all
}

#[test]
fn every_id_of_the_reference_has_one_message() {
    let ranges = [
        1010001..=1010025,
        1040001..=1040009,
        1050001..=1050023,
        1060001..=1060007,
        1070000..=1070018,
        1080001..=1080005,
        4000001..=4000046,
        4010001..=4010011,
        4040001..=4040003,
        4050001..=4050002,
        4060001..=4060006,
        4070001..=4070006,
        5000001..=5_000_003_u32,
    ];
    let expected: Vec<u32> = ranges.into_iter().flatten().collect();
    let actual: Vec<u32> = catalogue().iter().map(|m| m.id).collect();
    assert_eq!(actual, expected);
}

#[test]
fn ids_tell_errors_from_the_rest() {
    let successes: BTreeSet<u32> = [1050001, 1060001, 1080002, 1080005].into();
    for m in catalogue() {
        let tone = match m.id {
            4000000.. => Tone::Error,
            id if successes.contains(&id) => Tone::Success,
            _ => Tone::Info,
        };
        assert_eq!(m.tone, tone, "{}", m.id);
    }
}

#[test]
fn spans_are_said_in_their_largest_unit() {
    let said: Vec<String> = [0, 1, 59, 60, 61, 3600, 3601, 172_800]
        .map(super::span)
        .into();
    assert_eq!(
        said,
        [
            "0 seconds",
            "1 second",
            "59 seconds",
            "1 minute",
            "2 minutes",
            "1 hour",
            "2 hours",
            "2 days"
        ]
    );
}

#[test]
fn the_catalogue() {
    let mut lines = String::new();
    for m in catalogue() {
        let context = if m.context.is_empty() {
            String::new()
        } else {
            format!(" {}", json!(m.context))
        };
        writeln!(lines, "{} {}{context}", m.id, m.text).unwrap();
    }
    insta::assert_snapshot!(lines);
}
