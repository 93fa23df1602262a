//! Many at once, without an error.
use super::engines::{Engine, person, session};
use kratos::store::Load;

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_sign_ups_at_once_all_succeed() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let mut all = vec![];
        for n in 0..64 {
            let identity = person(&store, engine.dice(), &format!("user{n}@example.org"));
            let session = session(engine.dice(), &identity);
            let dice = kratos::base::random::SeededRandom::new(u64::MAX - n);
            let store = store.clone();
            all.push(tokio::spawn(async move {
                store.identities().insert(&identity, &dice).await?;
                store.sessions().insert(&session).await?;
                store
                    .sessions()
                    .by_token(&session.token, Load::Credentials)
                    .await
            }));
        }
        for one in all {
            let found = one
                .await
                .expect("no panic")
                .unwrap_or_else(|e| panic!("{}: {e}", engine.name));
            assert!(found.is_some());
        }
        assert_eq!(store.identities().count().await.expect("count"), 64);
    }
}

/// One that cannot be written fails alone, even if it was carried out together with others.
#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_does_not_disturb_its_neighbours() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let mut all = vec![];
        for n in 0..32 {
            // Each address twice.
            let identity = person(&store, engine.dice(), &format!("user{}@example.org", n / 2));
            let dice = kratos::base::random::SeededRandom::new(u64::MAX - n);
            let store = store.clone();
            all.push(tokio::spawn(async move {
                store.identities().insert(&identity, &dice).await
            }));
        }
        let (mut written, mut conflicts) = (0, 0);
        for one in all {
            match one.await.expect("no panic") {
                Ok(()) => written += 1,
                Err(e) if e.conflict().is_some() => conflicts += 1,
                Err(e) => panic!("{}: {e}", engine.name),
            }
        }
        assert_eq!((written, conflicts), (16, 16), "{}", engine.name);
        assert_eq!(store.identities().count().await.expect("count"), 16);
    }
}
