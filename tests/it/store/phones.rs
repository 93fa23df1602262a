//! Numbers that were stored as they were typed.
use super::engines::{Engine, NOW, person};
use kratos::base::id::RowId;
use kratos::store::{Conflict, Error, Load, PhoneTable, Phones};
use std::time::Duration;
use uuid::Uuid;

const START: RowId = RowId(Uuid::nil());

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_found_by_id_and_respelt_one_by_one() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let typed = ["+1 650-253-0000", "+49 176 67111638", "+16502530000"];
        let mut ids = vec![];
        for (name, number) in ["a", "b", "c"].into_iter().zip(typed) {
            let one = person(&store, engine.dice(), name);
            engine.put(&store, &one).await;
            ids.push(one.id);
            let respell = format!(
                "UPDATE identity_credential_identifiers SET identifier = '{number}' WHERE identifier = '{name}'; \
                 UPDATE identity_verifiable_addresses SET value = '{number}', via = 'sms' WHERE value = '{name}'; \
                 UPDATE identity_recovery_addresses SET value = '{number}', via = 'sms' WHERE value = '{name}'"
            );
            for statement in respell.split("; ") {
                store.db().run(statement).await.expect("update");
            }
        }
        // Neither a name nor an address for mails.
        let mail = person(&store, engine.dice(), "+1 650-253-0001");
        engine.put(&store, &mail).await;
        let name = person(&store, engine.dice(), "ada");
        engine.put(&store, &name).await;

        for table in PhoneTable::ALL {
            let phones = Phones::new(store.db(), table);
            let all = phones.after(START, 10).await.expect("all");
            let expected = 3 + usize::from(table == PhoneTable::CredentialIdentifiers);
            assert_eq!(all.len(), expected, "{} {table:?}", engine.name);
            let first = phones.after(START, 1).await.expect("first");
            assert_eq!(first, all[..1], "{}", engine.name);
            let rest = phones.after(first[0].0, 10).await.expect("rest");
            assert_eq!(rest, all[1..], "{}", engine.name);

            let of = |number: &str| all.iter().find(|(_, v)| v == number).expect("there").0;
            let now = NOW + Duration::from_millis(1500);
            let new = "+4917667111638";
            let done = phones.respell(of(typed[1]), typed[1], new, now).await;
            assert!(done.expect("respelt"), "{}", engine.name);
            let again = phones.respell(of(typed[1]), typed[1], new, now).await;
            assert!(!again.expect("changed meanwhile"), "{}", engine.name);
            let error = phones.respell(of(typed[0]), typed[0], typed[2], now).await;
            let conflict = match table {
                PhoneTable::CredentialIdentifiers => Conflict::Identifier,
                PhoneTable::VerifiableAddresses => Conflict::VerifiableAddress,
                PhoneTable::RecoveryAddresses => Conflict::RecoveryAddress,
            };
            assert!(
                matches!(&error, Err(Error::Conflict(c)) if *c == conflict),
                "{}: {error:?}",
                engine.name
            );
        }
        let changed = engine.get(&store, ids[1], Load::Credentials).await;
        let address = &changed.verifiable_addresses[0];
        assert_eq!(address.value, "+4917667111638");
        assert_eq!(address.updated_at, NOW + Duration::from_secs(1));
        assert_eq!(changed.credentials[0].identifiers, ["+4917667111638"]);
    }
}
