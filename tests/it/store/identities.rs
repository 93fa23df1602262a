//! Identities with all that hangs on them.
use super::engines::{Engine, NOW, person};
use kratos::base::id::{AddressId, CredentialId, IdentityId};
use kratos::base::terms::{Aal, CredentialsType, Via};
use kratos::model::credentials::Credential;
use kratos::model::identity::{AddressStatus, IdentityState};
use kratos::store::{Conflict, Error, Filter, Load, Slice};
use serde_json::json;
use time::Duration;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_comes_back_as_it_was_put_in() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let mut identity = person(&store, engine.dice(), "a@example.org");
        identity.state = IdentityState::Inactive;
        identity.external_id = Some("ext-1".into());
        identity.metadata_admin = Some(json!({ "deep": [1, 2.5, null, true] }));
        identity.available_aal = Some(Aal::One);
        identity.organization_id = Some(Uuid::from_u128(9));
        identity.recovery_addresses[0].break_glass_for_organization = Some(Uuid::from_u128(9));
        engine.put(&store, &identity).await;

        let read = engine.get(&store, identity.id, Load::Credentials).await;
        assert_eq!(read, identity, "{}", engine.name);
        let read = store
            .identities()
            .find(identity.id, Load::Addresses)
            .await
            .expect("find");
        let read = read.expect("it is there");
        assert!(read.credentials.is_empty());
        assert_eq!(read.verifiable_addresses, identity.verifiable_addresses);
        // The level is known: nobody needs the credentials.
        let read = store
            .identities()
            .get(identity.id, Load::CredentialsIfAalUnknown)
            .await;
        assert!(read.expect("get").credentials.is_empty());

        let read = store
            .identities()
            .by_external_id("ext-1", Load::Addresses)
            .await
            .expect("find");
        assert_eq!(read.map(|i| i.id), Some(identity.id));
        let read = store
            .identities()
            .by_external_id("EXT-1", Load::Addresses)
            .await
            .expect("find");
        assert_eq!(read, None);
        let nobody = IdentityId::random(engine.dice());
        assert_eq!(
            store
                .identities()
                .find(nobody, Load::Credentials)
                .await
                .expect("find"),
            None
        );
    }
}

/// Some databases cut off what they put together, if they are not told otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn credentials_of_more_than_a_megabyte_come_back_whole() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let mut identity = person(&store, engine.dice(), "a@example.org");
        identity.credentials[0].config = json!({ "keys": "k".repeat(3 << 19) });
        identity.credentials[0].identifiers = vec!["a\"b\\c@example.org".into(), "ä".into()];
        engine.put(&store, &identity).await;
        let mut read = engine.get(&store, identity.id, Load::Credentials).await;
        read.credentials[0].identifiers.sort();
        assert!(read == identity, "{}", engine.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_come_along_while_the_level_is_not_known() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let identity = person(&store, engine.dice(), "a@example.org");
        engine.put(&store, &identity).await;
        let read = store
            .identities()
            .get(identity.id, Load::CredentialsIfAalUnknown)
            .await;
        assert_eq!(read.expect("get").credentials, identity.credentials);
        store
            .identities()
            .set_available_aal(identity.id, Aal::One, NOW)
            .await
            .expect("set");
        let read = store
            .identities()
            .get(identity.id, Load::CredentialsIfAalUnknown)
            .await;
        let read = read.expect("get");
        assert_eq!(
            (read.available_aal, read.credentials.len()),
            (Some(Aal::One), 0)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_is_preferred_to_what_is_normal() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let now = person(&store, engine.dice(), "ann");
        let mut old = person(&store, engine.dice(), "Ann");
        old.verifiable_addresses.clear();
        old.recovery_addresses.clear();
        for identity in [&now, &old] {
            engine.put(&store, identity).await;
        }
        let types = [CredentialsType::Password];
        let mut who = vec![];
        for (normal, typed) in [
            ("ann", "Ann"),
            ("ann", "ann"),
            ("ann", "ANN"),
            ("bob", "Bob"),
        ] {
            let found = store
                .credentials()
                .by_identifier(&types, normal, typed)
                .await
                .expect("find");
            who.push(found.map(|f| f.identity.id));
        }
        assert_eq!(
            who,
            [Some(old.id), Some(now.id), Some(now.id), None],
            "{}",
            engine.name
        );
        let found = store
            .credentials()
            .by_identifier(&types, "ann", "ann")
            .await
            .expect("find");
        let found = found.expect("ann");
        assert_eq!(
            (found.identity, found.kind),
            (now, CredentialsType::Password)
        );
        let types = [CredentialsType::Code, CredentialsType::Passkey];
        let found = store
            .credentials()
            .by_identifier(&types, "ann", "ann")
            .await
            .expect("find");
        assert_eq!(found, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_of_several_types_wins() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let password = person(&store, engine.dice(), "a@example.org");
        let mut code = person(&store, engine.dice(), "a@example.org");
        code.verifiable_addresses.clear();
        code.recovery_addresses.clear();
        code.credentials[0].kind = CredentialsType::Code;
        for identity in [&password, &code] {
            engine.put(&store, identity).await;
        }
        for (types, who) in [
            ([CredentialsType::Code, CredentialsType::Password], code.id),
            (
                [CredentialsType::Password, CredentialsType::Code],
                password.id,
            ),
        ] {
            let found = store
                .credentials()
                .by_identifier(&types, "a@example.org", "a@example.org")
                .await
                .expect("find")
                .expect("somebody");
            assert_eq!((found.identity.id, found.kind), (who, types[0]));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_has_is_a_conflict_and_leaves_nothing_behind() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let mut first = person(&store, engine.dice(), "a@example.org");
        first.external_id = Some("one".into());
        engine.put(&store, &first).await;

        let mut same_identifier = person(&store, engine.dice(), "a@example.org");
        same_identifier.verifiable_addresses.clear();
        same_identifier.recovery_addresses.clear();
        let mut same_verifiable = person(&store, engine.dice(), "b@example.org");
        same_verifiable.verifiable_addresses[0].value = "a@example.org".into();
        let mut same_recovery = person(&store, engine.dice(), "c@example.org");
        same_recovery.recovery_addresses[0].value = "a@example.org".into();
        let mut same_external = person(&store, engine.dice(), "d@example.org");
        same_external.external_id = Some("one".into());
        let mut same_id = person(&store, engine.dice(), "e@example.org");
        same_id.id = first.id;
        for (identity, conflict) in [
            (same_identifier, Conflict::Identifier),
            (same_verifiable, Conflict::VerifiableAddress),
            (same_recovery, Conflict::RecoveryAddress),
            (same_external, Conflict::ExternalId),
            (same_id, Conflict::Id),
        ] {
            let error = store
                .identities()
                .insert(&identity, engine.dice())
                .await
                .expect_err("a conflict");
            assert_eq!(
                error.conflict(),
                Some(&conflict),
                "{}: {error}",
                engine.name
            );
            assert!(!error.to_string().contains("example.org"), "{error}");
        }
        assert_eq!(store.identities().count().await.expect("count"), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_write_what_is_different() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let before = person(&store, engine.dice(), "a@example.org");
        engine.put(&store, &before).await;

        let later = NOW + Duration::hours(1);
        let mut after = before.clone();
        after.traits = json!({ "email": "b@example.org" });
        after.updated_at = later;
        // The same address under a new id makes room for itself; a verified one is changed in place.
        after.verifiable_addresses[0].verified = true;
        after.verifiable_addresses[0].status = AddressStatus::Completed;
        after.verifiable_addresses[0].verified_at = Some(later);
        after.verifiable_addresses[0].updated_at = later;
        after.recovery_addresses[0].id = AddressId::random(engine.dice());
        after.credentials[0].config = json!({ "hashed_password": "$2a$04$y" });
        after.credentials[0].identifiers = vec!["b@example.org".into(), "a@example.org".into()];
        after.credentials[0].updated_at = later;
        let mut totp = Credential::new(
            CredentialId::random(engine.dice()),
            CredentialsType::Totp,
            json!({ "totp_url": "otpauth://x" }),
            later,
        );
        totp.identifiers = vec![after.id.to_string()];
        after.credentials.push(totp);
        store
            .identities()
            .update(&before, &after, engine.dice())
            .await
            .expect("update");
        let mut read = engine.get(&store, before.id, Load::Credentials).await;
        read.credentials[0].identifiers.sort();
        after.credentials[0].identifiers.sort();
        assert_eq!(read, after, "{}", engine.name);

        let mut less = after.clone();
        less.updated_at = later + Duration::SECOND;
        less.credentials.retain(|c| c.kind == CredentialsType::Totp);
        less.verifiable_addresses.clear();
        store
            .identities()
            .update(&after, &less, engine.dice())
            .await
            .expect("update");
        let read = engine.get(&store, before.id, Load::Credentials).await;
        assert_eq!(read, less);

        // Made of what it was before: nothing of it is written.
        let mut stale = after.clone();
        stale.updated_at = later + Duration::SECOND;
        stale.credentials.clear();
        stale.traits = json!({ "email": "c@example.org" });
        let refused = store
            .identities()
            .update(&after, &stale, engine.dice())
            .await;
        assert!(matches!(refused, Err(Error::Stale)), "{}", engine.name);
        let read = engine.get(&store, before.id, Load::Credentials).await;
        assert_eq!(read, less);
        let types = [CredentialsType::Password];
        let found = store
            .credentials()
            .by_identifier(&types, "b@example.org", "b@example.org")
            .await;
        assert_eq!(found.expect("find"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_go_by_id_and_can_be_narrowed() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let mut all = vec![];
        for n in 0..7 {
            let mut identity = person(&store, engine.dice(), &format!("user_{n}@example.org"));
            identity.organization_id = (n < 2).then_some(Uuid::from_u128(5));
            engine.put(&store, &identity).await;
            all.push(identity);
        }
        all.sort_by_key(|i| i.id.to_string());
        let ids = |list: &[kratos::model::identity::Identity]| {
            list.iter().map(|i| i.id).collect::<Vec<_>>()
        };
        let from_start = Slice::After(IdentityId(Uuid::nil()), 3);

        let first = store
            .identities()
            .list(&Filter::All, from_start, Load::Addresses)
            .await
            .expect("list");
        assert_eq!(ids(&first), ids(&all[..3]), "{}", engine.name);
        assert_eq!(first[0].verifiable_addresses, all[0].verifiable_addresses);
        let next = Slice::After(first[2].id, 10);
        let next = store
            .identities()
            .list(&Filter::All, next, Load::Credentials)
            .await
            .expect("list");
        assert_eq!(next, all[3..]);
        let page = Slice::Page {
            offset: 6,
            limit: 3,
        };
        let page = store
            .identities()
            .list(&Filter::All, page, Load::Addresses)
            .await
            .expect("list");
        assert_eq!(ids(&page), ids(&all[6..]));

        let filter = Filter::Ids(vec![
            all[4].id,
            all[1].id,
            IdentityId::random(engine.dice()),
        ]);
        let some = store
            .identities()
            .list(&filter, from_start, Load::Addresses)
            .await
            .expect("list");
        assert_eq!(ids(&some), [all[1].id, all[4].id]);
        let filter = Filter::Organization(Uuid::from_u128(5));
        let some = store
            .identities()
            .list(&filter, from_start, Load::Addresses)
            .await
            .expect("list");
        assert_eq!(some.len(), 2);
        let filter = Filter::Identifier {
            normalised: "user_3@example.org".into(),
            verbatim: "User_3@example.org".into(),
        };
        let some = store
            .identities()
            .list(&filter, from_start, Load::Addresses)
            .await
            .expect("list");
        assert_eq!(some.len(), 1);
        // An underscore is a letter like others.
        for (prefix, count) in [("user_", 7), ("user%", 0), ("u_er", 0), ("user_6", 1)] {
            let filter = Filter::IdentifierPrefix {
                normalised: prefix.into(),
                verbatim: prefix.into(),
            };
            let slice = Slice::After(IdentityId(Uuid::nil()), 100);
            let some = store
                .identities()
                .list(&filter, slice, Load::Addresses)
                .await
                .expect("list");
            assert_eq!(some.len(), count, "{}: {prefix}", engine.name);
        }
        assert_eq!(store.identities().count().await.expect("count"), 7);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_goes_with_an_identity() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let identity = person(&store, engine.dice(), "a@example.org");
        let session = super::engines::session(engine.dice(), &identity);
        let mut batch = store.batch();
        batch.insert_identity(&identity, engine.dice());
        batch.insert_session(&session);
        batch.commit().await.expect("commit");
        assert!(
            store
                .identities()
                .delete(identity.id)
                .await
                .expect("delete")
        );
        assert!(
            !store
                .identities()
                .delete(identity.id)
                .await
                .expect("delete")
        );
        let found = store
            .sessions()
            .by_token(&session.token, Load::Addresses)
            .await;
        assert!(found.expect("find").is_none());
        assert!(
            store
                .addresses()
                .verifiable(Via::Email, "a@example.org")
                .await
                .expect("find")
                .is_none()
        );
        // All is free again.
        let again = person(&store, engine.dice(), "a@example.org");
        engine.put(&store, &again).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_are_found_by_value_and_changed() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let identity = person(&store, engine.dice(), "a@example.org");
        engine.put(&store, &identity).await;
        let (owner, mut address) = store
            .addresses()
            .verifiable(Via::Email, "a@example.org")
            .await
            .expect("find")
            .expect("it");
        assert_eq!(
            (owner, &address),
            (identity.id, &identity.verifiable_addresses[0])
        );
        assert!(
            store
                .addresses()
                .verifiable(Via::Sms, "a@example.org")
                .await
                .expect("find")
                .is_none()
        );
        address.verified = true;
        address.verified_at = Some(NOW);
        address.status = AddressStatus::Completed;
        store.addresses().update(&address).await.expect("update");
        let found = store
            .addresses()
            .verifiable(Via::Email, "a@example.org")
            .await
            .expect("find");
        assert_eq!(found, Some((owner, address)));
        let found = store
            .addresses()
            .recovery(Via::Email, "a@example.org")
            .await
            .expect("find");
        assert_eq!(found, Some((owner, identity.recovery_addresses[0].clone())));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_characters_are_kept_or_refused_but_break_nothing() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let mut identity = person(
            &store,
            engine.dice(),
            "quote'\"\\ ? $1 %_ \u{1F600}@example.org",
        );
        identity.traits = json!({ "x": "\u{1F600} '; DROP TABLE identities; --" });
        engine.put(&store, &identity).await;
        let read = engine.get(&store, identity.id, Load::Credentials).await;
        assert_eq!(read, identity);

        let mut nul = person(&store, engine.dice(), "nul");
        nul.traits = json!({ "x": "a\u{0}b" });
        match store.identities().insert(&nul, engine.dice()).await {
            Ok(()) => {
                let read = engine.get(&store, nul.id, Load::Credentials).await;
                assert_eq!(read.traits, nul.traits);
            }
            Err(e) => assert!(
                matches!(e, kratos::store::Error::Refused(_)),
                "{}: {e}",
                engine.name
            ),
        }
        let types = [CredentialsType::Password];
        match store
            .credentials()
            .by_identifier(&types, "a\u{0}b", "a\u{0}b")
            .await
        {
            Ok(found) => assert_eq!(found, None),
            Err(e) => assert!(
                matches!(e, kratos::store::Error::Refused(_)),
                "{}: {e}",
                engine.name
            ),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_security_key_is_found_by_its_user_handle() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let mut identity = person(&store, engine.dice(), "a@example.org");
        let handle = "c29tZSBoYW5kbGU=";
        identity.credentials.push(Credential::new(
            CredentialId::random(engine.dice()),
            CredentialsType::WebAuthn,
            json!({ "credentials": [], "user_handle": handle }),
            NOW,
        ));
        engine.put(&store, &identity).await;
        let found = store
            .credentials()
            .by_user_handle(handle)
            .await
            .expect("find");
        assert_eq!(found.map(|i| i.id), Some(identity.id));
        assert_eq!(
            store
                .credentials()
                .by_user_handle("bm8=")
                .await
                .expect("find"),
            None
        );
    }
}
