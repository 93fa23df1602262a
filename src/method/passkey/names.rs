//! What people call the authenticators that they have passkeys on, by the id that makers have chosen. Only a name to
//! tell keys apart by in a list; nothing depends on it, and who is not here is shown as unnamed.
use uuid::{Uuid, uuid};

const NAMES: &[(Uuid, &str)] = &[
    (
        uuid!("ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4"),
        "Google Password Manager",
    ),
    (
        uuid!("adce0002-35bc-c60a-648b-0b25f1f05503"),
        "Chrome on Mac",
    ),
    (
        uuid!("08987058-cadc-4b81-b6e1-30de50dcbe96"),
        "Windows Hello",
    ),
    (
        uuid!("9ddd1817-af5a-4672-a2b9-3e3dd95000a9"),
        "Windows Hello",
    ),
    (
        uuid!("6028b017-b1d4-4c02-b4b3-afcdafc96bb2"),
        "Windows Hello",
    ),
    (
        uuid!("dd4ec289-e01d-41c9-bb89-70fa845d4bf2"),
        "iCloud Keychain (Managed)",
    ),
    (uuid!("531126d6-e717-415c-9320-3d9aa6981239"), "Dashlane"),
    (uuid!("bada5566-a7aa-401f-bd96-45619a55120d"), "1Password"),
    (uuid!("b84e4048-15dc-4dd0-8640-f4f60813c8af"), "NordPass"),
    (uuid!("0ea242b4-43c4-4a1b-8b17-dd6d0b6baec6"), "Keeper"),
    (uuid!("f3809540-7f14-49c1-a8b3-8f813b225541"), "Enpass"),
    (
        uuid!("b5397666-4885-aa6b-cebf-e52262a439a2"),
        "Chromium Browser",
    ),
    (uuid!("771b48fd-d3d4-4f74-9232-fc157ab0507a"), "Edge on Mac"),
    (uuid!("6e8248d5-b479-40db-a3d8-11116f7e8349"), "Bitwarden"),
    (
        uuid!("fcb1bcb4-f370-078c-6993-bc24d0ae3fbe"),
        "Ledger Nano X",
    ),
    (
        uuid!("c5ef55ff-ad9a-4b9f-b580-adebafe026d0"),
        "YubiKey 5 Series with Lightning",
    ),
    (
        uuid!("fa2b99dc-9e39-4257-8f92-4a30d23c4118"),
        "YubiKey 5 Series with NFC",
    ),
    (
        uuid!("a4e9fc6d-4cbe-4758-b8ba-37598bb5bbaa"),
        "Security Key NFC by Yubico",
    ),
    (
        uuid!("ee041bce-25e5-4cdb-8f86-897fd6418464"),
        "Feitian ePass FIDO2-NFC Authenticator",
    ),
    (
        uuid!("73bb0cd4-e502-49b8-9c6f-b59445bf720b"),
        "YubiKey 5 FIPS Series",
    ),
    (
        uuid!("149a2021-8ef6-4133-96b8-81f8d5b7f1f5"),
        "Security Key by Yubico with NFC",
    ),
    (
        uuid!("f8a011f3-8c0a-4d15-8006-17111f9edc7d"),
        "Security Key by Yubico",
    ),
    (uuid!("8976631b-d4a0-427f-5773-0ec71c9e0279"), "Solo Tap"),
    (
        uuid!("2c0df832-92de-4be1-8412-88a8f074df4a"),
        "Feitian FIDO Smart Card",
    ),
    (
        uuid!("b6ede29c-3772-412c-8a78-539c1f4c62d2"),
        "Feitian BioPass FIDO2 Plus Authenticator",
    ),
    (
        uuid!("85203421-48f9-4355-9bc8-8a53846e5083"),
        "YubiKey 5 FIPS Series with Lightning",
    ),
    (
        uuid!("b93fd961-f2e6-462f-b122-82002247de78"),
        "Android Authenticator with SafetyNet Attestation",
    ),
    (
        uuid!("2fc0579f-8113-47ea-b116-bb5a8db9202a"),
        "YubiKey 5 Series with NFC",
    ),
    (
        uuid!("d8522d9f-575b-4866-88a9-ba99fa02f35b"),
        "YubiKey Bio Series",
    ),
    (
        uuid!("42b4fb4a-2866-43b2-9bf7-6c6669c2e5d3"),
        "Google Titan Security Key v2",
    ),
    (
        uuid!("3e22415d-7fdf-4ea4-8a0c-dd60c4249b9d"),
        "Feitian iePass FIDO Authenticator",
    ),
    (
        uuid!("12ded745-4bed-47d4-abaa-e713f51d6393"),
        "Feitian AllinOne",
    ),
    (
        uuid!("83c47309-aabb-4108-8470-8be838b573cb"),
        "YubiKey Bio Series (Enterprise Profile)",
    ),
    (
        uuid!("58b44d0b-0a7c-f33a-fd48-f7153c871352"),
        "Ledger Nano S Plus",
    ),
    (
        uuid!("b92c3f9a-c014-4056-887f-140a2501163b"),
        "Security Key by Yubico",
    ),
    (
        uuid!("6d44ba9b-f6ec-2e49-b930-0c8fe920cb73"),
        "Security Key by Yubico with NFC",
    ),
    (
        uuid!("0bb43545-fd2c-4185-87dd-feb0b2916ace"),
        "Security Key NFC by Yubico - Enterprise Edition",
    ),
    (
        uuid!("c1f9a0bc-1dd2-404a-b27f-8e29047a43fd"),
        "YubiKey 5 FIPS Series with NFC",
    ),
    (
        uuid!("cb69481e-8ff7-4039-93ec-0a2729a154a8"),
        "YubiKey 5 Series",
    ),
    (
        uuid!("ee882879-721c-4913-9775-3dfcce97072a"),
        "YubiKey 5 Series",
    ),
    (uuid!("8876631b-d4a0-427f-5773-0ec71c9e0279"), "Solo"),
    (
        uuid!("77010bd7-212a-4fc9-b236-d2ca5e9d4084"),
        "Feitian BioPass",
    ),
    (
        uuid!("833b721a-ff5f-4d00-bb2e-bdda3ec01e29"),
        "Feitian ePass",
    ),
    (uuid!("d548826e-79b4-db40-a3d8-11116f7e8349"), "Bitwarden"),
    (
        uuid!("fbfc3007-154e-4ecc-8c0b-6e020557d7bd"),
        "iCloud Keychain",
    ),
    (
        uuid!("53414d53-554e-4700-0000-000000000000"),
        "Samsung Pass",
    ),
];

/// Empty, if it is not known.
pub(super) fn of(aaguid: &[u8]) -> &'static str {
    let Ok(id) = Uuid::from_slice(aaguid) else {
        return "";
    };
    let found = NAMES.iter().find(|(known, _)| *known == id);
    found.map_or("", |(_, name)| name)
}
