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

/// Two servers on one file, as during an upgrade.
#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_a_sqlite_file() {
    let engine = Engine::sqlite();
    let stores = [engine.store().await, engine.store().await];
    let mut all = vec![];
    for n in 0..40_u64 {
        let store = stores[usize::from(n % 2 == 0)].clone();
        let identity = person(&store, engine.dice(), &format!("user{n}@example.org"));
        let dice = kratos::base::random::SeededRandom::new(u64::MAX - n);
        all.push(tokio::spawn(async move {
            if n % 5 == 0 {
                let mut tx = store.begin().await?;
                tx.identities().insert(&identity, &dice).await?;
                tx.identities().count().await?;
                return tx.commit().await;
            }
            store.identities().insert(&identity, &dice).await
        }));
    }
    for one in all {
        one.await.expect("no panic").expect("written");
    }
    assert_eq!(stores[0].identities().count().await.expect("count"), 40);
}

/// Requests that are given up in the middle of whatever they do.
#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_given_up_leave_a_working_store() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let mut all = vec![];
        for n in 0..60_u64 {
            let identity = person(&store, engine.dice(), &format!("user{n}@example.org"));
            let dice = kratos::base::random::SeededRandom::new(u64::MAX - n);
            let store = store.clone();
            all.push(tokio::spawn(async move {
                let mut tx = store.begin().await?;
                tx.identities().insert(&identity, &dice).await?;
                tx.identities().find(identity.id, Load::Credentials).await?;
                tx.commit().await?;
                store.identities().delete(identity.id).await
            }));
        }
        for (n, one) in all.iter().enumerate() {
            tokio::time::sleep(std::time::Duration::from_micros(400 * (n as u64 % 7))).await;
            one.abort();
        }
        for one in all {
            // Given up or done, both are fine.
            let _ = one.await;
        }
        let last = person(&store, engine.dice(), "last@example.org");
        engine.put(&store, &last).await;
        let read = engine.get(&store, last.id, Load::Credentials).await;
        assert_eq!(read, last, "{}", engine.name);
        // Each is there whole or not at all.
        let slice = kratos::store::Slice::Page {
            offset: 0,
            limit: 100,
        };
        let list = store
            .identities()
            .list(&kratos::store::Filter::All, slice, Load::Credentials)
            .await;
        for identity in list.expect("list") {
            assert_eq!(
                (
                    identity.credentials.len(),
                    identity.recovery_addresses.len()
                ),
                (1, 1)
            );
        }
    }
}

/// A database server that was restarted, or a firewall that forgot.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_died_while_idle_are_replaced() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let admin = engine.db().await;
        for n in 0..2 {
            // Several idle connections.
            let many = (0..8).map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.identities().count().await })
            });
            for one in many.collect::<Vec<_>>() {
                one.await.expect("no panic").expect("count");
            }
            if engine.name == "postgres" {
                let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                             WHERE datname = current_database() AND pid <> pg_backend_pid()";
                admin.run(kill).await.expect("kill");
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            if n == 0 {
                store
                    .identities()
                    .count()
                    .await
                    .unwrap_or_else(|e| panic!("{}: {e}", engine.name));
            } else {
                let one = person(&store, engine.dice(), "a@example.org");
                store
                    .identities()
                    .insert(&one, engine.dice())
                    .await
                    .unwrap_or_else(|e| panic!("{}: {e}", engine.name));
            }
        }
    }
}
