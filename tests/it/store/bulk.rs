//! Many identities by one call: each as a whole or not at all.
use super::engines::{Engine, person};
use kratos::model::identity::Identity;
use kratos::store::{Conflict, Error, Filter, Load, Slice, Store, counting};
use serde_json::json;

fn crowd(engine: &Engine, store: &Store, from: usize, count: usize) -> Vec<Identity> {
    (from..from + count)
        .map(|n| person(store, engine.dice(), &format!("user{n}@example.org")))
        .collect()
}

async fn insert(engine: &Engine, store: &Store, people: &[Identity]) -> Vec<(usize, Conflict)> {
    let all: Vec<&Identity> = people.iter().collect();
    let failed = store.insert_identities(&all, engine.dice()).await;
    let mut failed: Vec<_> = failed
        .unwrap_or_else(|e| panic!("{}: {e}", engine.name))
        .into_iter()
        .map(|(at, error)| match error {
            Error::Conflict(conflict) => (at, conflict),
            other => panic!("{}: {at}: {other}", engine.name),
        })
        .collect();
    failed.sort_by_key(|(at, _)| *at);
    failed
}

/// Nobody stands there by half.
async fn all_are_whole(engine: &Engine, store: &Store, people: &[&Identity]) {
    for person in people {
        let stored = engine.get(store, person.id, Load::Credentials).await;
        assert_eq!(&stored, *person, "{}", engine.name);
    }
    let count = store.identities().count().await.expect("count");
    assert_eq!(count, people.len() as u64, "{}", engine.name);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_come_in_by_few_statements() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let people = crowd(&engine, &store, 0, 1000);
        let (failed, statements) = counting(insert(&engine, &store, &people)).await;
        assert_eq!(failed, []);
        assert!(statements < 60, "{}: {statements}", engine.name);
        all_are_whole(&engine, &store, &people.iter().collect::<Vec<_>>()).await;
        assert_eq!(insert(&engine, &store, &[]).await, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_in_the_way_stays_out_alone() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let mut there = crowd(&engine, &store, 0, 3);
        there[0].external_id = Some("taken".into());
        assert_eq!(insert(&engine, &store, &there).await, []);

        let mut people = crowd(&engine, &store, 100, 40);
        people[3].external_id = Some("taken".into());
        people[5].verifiable_addresses[0].value = "user1@example.org".into();
        people[7].recovery_addresses[0].value = "user2@example.org".into();
        people[9].credentials[0].identifiers = vec!["user0@example.org".into()];
        // Twins: the second stays out, but not for the sake of one that stays out itself.
        people[11].verifiable_addresses[0].value = "user112@example.org".into();
        people[12].credentials[0].identifiers = vec!["user103@example.org".into()];
        people[21].credentials[0].identifiers = vec!["twice".into(), "twice".into()];
        let failed = insert(&engine, &store, &people).await;
        assert_eq!(
            failed,
            [
                (3, Conflict::ExternalId),
                (5, Conflict::VerifiableAddress),
                (7, Conflict::RecoveryAddress),
                (9, Conflict::Identifier),
                (12, Conflict::VerifiableAddress),
                (21, Conflict::Identifier),
            ],
            "{}",
            engine.name
        );
        let out: Vec<usize> = failed.iter().map(|(at, _)| *at).collect();
        let inside = people
            .iter()
            .enumerate()
            .filter(|(at, _)| !out.contains(at));
        let all: Vec<_> = there.iter().chain(inside.map(|(_, p)| p)).collect();
        all_are_whole(&engine, &store, &all).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_database_does_not_take_fails_alone() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let mut people = crowd(&engine, &store, 0, 5);
        people[1].external_id = Some("x".repeat(100));
        people[3].traits = json!({ "email": "nul \u{0}" });
        let all: Vec<&Identity> = people.iter().collect();
        let failed = store.insert_identities(&all, engine.dice()).await;
        let failed = failed.unwrap_or_else(|e| panic!("{}: {e}", engine.name));
        let refused = failed.iter().all(|(_, e)| matches!(e, Error::Refused(_)));
        assert!(refused, "{}: {failed:?}", engine.name);
        let stored = store.identities().count().await.expect("count");
        assert_eq!(stored + failed.len() as u64, 5, "{}", engine.name);
        assert!(
            engine.name == "sqlite" || !failed.is_empty(),
            "{}",
            engine.name
        );
    }
}

/// Several servers import the same list at once.
#[tokio::test(flavor = "multi_thread")]
async fn of_several_at_once_each_gets_in_exactly_once() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let mut all = vec![];
        for n in 0..6 {
            let mut people = crowd(&engine, &store, 0, 120);
            if n % 2 == 1 {
                people.reverse();
            }
            let (store, dice) = (store.clone(), kratos::base::random::SystemRandom);
            all.push(tokio::spawn(async move {
                let list: Vec<&Identity> = people.iter().collect();
                let failed = store.insert_identities(&list, &dice).await?;
                Ok::<_, Error>(people.len() - failed.len())
            }));
        }
        let mut written = 0;
        for one in all {
            let count = one.await.expect("no panic");
            written += count.unwrap_or_else(|e| panic!("{}: {e}", engine.name));
        }
        assert_eq!(written, 120, "{}", engine.name);
        let slice = Slice::After(kratos::base::id::IdentityId(uuid::Uuid::nil()), 500);
        let mut identities = store.identities();
        let list = identities.list(&Filter::All, slice, Load::Credentials);
        for identity in list.await.expect("list") {
            let whole = (
                identity.credentials.len(),
                identity.verifiable_addresses.len(),
                identity.recovery_addresses.len(),
            );
            assert_eq!(whole, (1, 1, 1), "{}", engine.name);
            assert_eq!(identity.credentials[0].identifiers.len(), 1);
        }
    }
}
