//! What is asked for by a key is found by an index, however many there are.
use super::engines::{Engine, person};
use kratos::base::id::{FlowId, IdentityId};
use kratos::base::terms::CredentialsType;
use kratos::model::flow::{Recovery, Verification};
use kratos::model::identity::Identity;
use kratos::store::{Dialect, Error, Filter, Load, Slice, Store, plans};
use uuid::Uuid;

/// Enough for the planners to think of an index.
const PEOPLE: usize = 3000;

async fn crowd(engine: &Engine, store: &Store) -> Vec<Identity> {
    let people: Vec<Identity> = (0..PEOPLE)
        .map(|n| {
            let mut person = person(store, engine.dice(), &format!("user{n}@example.org"));
            person.external_id = Some(format!("external-{n}"));
            person.organization_id = Some(Uuid::from_u128(n as u128 / 10));
            person
        })
        .collect();
    let all: Vec<&Identity> = people.iter().collect();
    let failed = store.insert_identities(&all, engine.dice()).await;
    assert!(failed.expect("inserted").is_empty());
    let analyze = match store.db().dialect() {
        Dialect::MySql => {
            "ANALYZE TABLE identities, identity_credentials, identity_credential_identifiers,
                identity_verifiable_addresses, identity_recovery_addresses"
        }
        _ => "ANALYZE",
    };
    store.db().run(analyze).await.expect("statistics");
    people
}

#[tokio::test(flavor = "multi_thread")]
async fn identities_are_found_and_listed_by_an_index() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let people = crowd(&engine, &store).await;
        let someone = &people[PEOPLE / 2];
        let by_identifier = |text: &str| Filter::Identifier {
            normalised: text.to_owned(),
            verbatim: text.to_owned(),
        };
        let filters = [
            Filter::All,
            Filter::Ids(people[..5].iter().map(|p| p.id).collect()),
            Filter::Organization(Uuid::from_u128(7)),
            by_identifier("user77@example.org"),
            Filter::IdentifierPrefix {
                normalised: "user77".to_owned(),
                verbatim: "user77".to_owned(),
            },
        ];
        let work = async {
            let mut found = vec![];
            for load in [Load::Addresses, Load::Credentials] {
                found.push(store.identities().find(someone.id, load).await?.is_some());
                let id = someone.external_id.as_deref().unwrap_or_default();
                let by_id = store.identities().by_external_id(id, load).await?;
                found.push(by_id.is_some());
                for (filter, count) in filters.iter().zip([251, 5, 10, 1, 11]) {
                    for from in [IdentityId(Uuid::nil()), IdentityId(Uuid::from_u128(1))] {
                        let slice = Slice::After(from, 251);
                        let list = store.identities().list(filter, slice, load).await?;
                        assert_eq!(list.len(), count, "{filter:?} on {}", engine.name);
                        assert!(list.is_sorted_by_key(|i| i.id), "{filter:?}");
                    }
                }
            }
            let types = [CredentialsType::Password, CredentialsType::Code];
            let address = "user5@example.org";
            for types in [&types[..1], &types[..]] {
                let mut credentials = store.credentials();
                let by = credentials.by_identifier(types, address, address).await?;
                found.push(by.is_some());
            }
            let mut addresses = store.addresses();
            let spelt = [address, "User5@example.org"];
            found.push(!addresses.owners::<Recovery>(spelt).await?.is_empty());
            found.push(!addresses.owners::<Verification>(spelt).await?.is_empty());
            let (mut flows, id) = (store.flows(), FlowId(Uuid::nil()));
            let recovery = flows.find_with_owners::<Recovery>(id, spelt).await?;
            let verification = flows.find_with_owners::<Verification>(id, [address; 2]);
            found.push(recovery.is_none() && verification.await?.is_none());
            Ok::<_, Error>(found)
        };
        let (found, plans) = plans(store.db(), work).await.expect("plans");
        assert!(found.expect("asked").iter().all(|found| *found));
        assert!(plans.len() > 20, "{}", plans.len());
        for plan in plans {
            let whole = plan.whole_tables(store.db().dialect());
            assert!(whole.is_empty(), "{}: {plan:#?}", engine.name);
        }
    }
}
