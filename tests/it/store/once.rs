//! What works once: codes, link tokens, exchange codes, containers. And what is taken away when its time is over.
use super::engines::{Engine, NOW, person, session};
use kratos::base::id::{ContainerId, FlowId, RowId};
use kratos::base::terms::{Aal, Channel, Via};
use kratos::model::flow::{Flow, Login, Recovery, Registration, Settings, Verification};
use kratos::model::identity::Identity;
use kratos::store::{
    Container, Exchange, Expiring, Load, LoginCode, OneTime, RecoveryCode, RecoveryToken,
    RegistrationCode, Store, Stored, StoredOnce, VerificationCode, VerificationToken,
};
use serde_json::json;
use time::Duration;

async fn flow<K: Stored>(engine: &Engine, store: &Store, own: K) -> FlowId {
    let flow = Flow::new(
        FlowId::random(engine.dice()),
        Channel::Browser,
        String::new(),
        (NOW, NOW + Duration::hours(1)),
        String::new(),
        own,
    );
    store.flows().insert(&flow).await.expect("insert");
    flow.id
}

fn login() -> Login {
    Login {
        refresh: false,
        requested_aal: Aal::One,
        oauth2_login_challenge: None,
        organization_id: None,
        identity_schema: None,
        test_flow: false,
    }
}

async fn somebody(engine: &Engine, store: &Store) -> Identity {
    let identity = person(store, engine.dice(), "a@example.org");
    engine.put(store, &identity).await;
    identity
}

async fn code_works_once<K: StoredOnce + PartialEq + std::fmt::Debug>(
    engine: &Engine,
    store: &Store,
    flow: FlowId,
    own: K,
) {
    let mut code = OneTime {
        id: RowId::random(engine.dice()),
        hmac: "ab".repeat(32),
        issued_at: NOW,
        expires_at: NOW + Duration::minutes(15),
        used_at: None,
        own,
    };
    store.one_time().insert(&code).await.expect("insert");
    assert_eq!(
        store.one_time().of::<K>(flow).await.expect("list"),
        [code.clone()],
        "{}",
        engine.name
    );
    assert!(store.one_time().use_up(&code, NOW).await.expect("use"));
    assert!(
        !store.one_time().use_up(&code, NOW).await.expect("use"),
        "a second time"
    );
    code.used_at = Some(NOW);
    assert_eq!(
        store.one_time().of::<K>(flow).await.expect("list"),
        [code.clone()]
    );
    code.id = RowId::random(engine.dice());
    let mut batch = store.batch();
    batch.insert_once(&code);
    batch.commit().await.expect("commit");
    assert_eq!(
        store.one_time().delete_of::<K>(flow).await.expect("delete"),
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_work_once() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let who = somebody(&engine, &store).await;
        let id = flow(&engine, &store, login()).await;
        let own = LoginCode {
            flow: id,
            address: "a@example.org".into(),
            via: Via::Email,
            identity: who.id,
        };
        code_works_once(&engine, &store, id, own).await;
        let id = flow(&engine, &store, Registration::default()).await;
        let own = RegistrationCode {
            flow: id,
            address: "+4915112345678".into(),
            via: Via::Sms,
        };
        code_works_once(&engine, &store, id, own).await;
        let id = flow(&engine, &store, Recovery::default()).await;
        let own = RecoveryCode {
            flow: id,
            address: Some(who.recovery_addresses[0].id),
            identity: who.id,
            by_admin: false,
        };
        code_works_once(&engine, &store, id, own).await;
        let own = RecoveryCode {
            flow: id,
            address: None,
            identity: who.id,
            by_admin: true,
        };
        code_works_once(&engine, &store, id, own).await;
        let id = flow(&engine, &store, Verification::default()).await;
        let own = VerificationCode {
            flow: id,
            address: Some(who.verifiable_addresses[0].id),
        };
        code_works_once(&engine, &store, id, own).await;
    }
}

/// However many try at once.
#[tokio::test(flavor = "multi_thread")]
async fn only_one_of_many_uses_up_a_code() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let id = flow(&engine, &store, Verification::default()).await;
        let code = OneTime {
            id: RowId::random(engine.dice()),
            hmac: "x".into(),
            issued_at: NOW,
            expires_at: NOW,
            used_at: None,
            own: VerificationCode {
                flow: id,
                address: None,
            },
        };
        store.one_time().insert(&code).await.expect("insert");
        let mut all = vec![];
        for _ in 0..16 {
            let (store, code) = (store.clone(), code.clone());
            all.push(tokio::spawn(async move {
                store.one_time().use_up(&code, NOW).await
            }));
        }
        let mut winners = 0;
        for one in all {
            winners += u32::from(one.await.expect("no panic").expect("use"));
        }
        assert_eq!(winners, 1, "{}", engine.name);
    }
}

async fn token_works_once<K: StoredOnce + PartialEq + std::fmt::Debug>(
    engine: &Engine,
    store: &Store,
    flow: FlowId,
    own: K,
) {
    let hmac = kratos::base::random::alphanumeric(engine.dice(), 64);
    let mut token = OneTime {
        id: RowId::random(engine.dice()),
        hmac: hmac.clone(),
        issued_at: NOW,
        expires_at: NOW + Duration::hours(1),
        used_at: None,
        own,
    };
    store.one_time().insert(&token).await.expect("insert");
    let ours = ["older".to_owned(), hmac.clone()];
    let found = store.one_time().by_hmac::<K>(&ours).await.expect("find");
    assert_eq!(found.as_ref(), Some(&token), "{}", engine.name);
    assert_eq!(
        store
            .one_time()
            .by_hmac::<K>(&ours[..1])
            .await
            .expect("find"),
        None
    );
    assert!(store.one_time().use_up(&token, NOW).await.expect("use"));
    assert!(
        !store.one_time().use_up(&token, NOW).await.expect("use"),
        "a second time"
    );
    token.used_at = Some(NOW);
    assert_eq!(
        store.one_time().by_hmac::<K>(&ours).await.expect("find"),
        Some(token)
    );
    assert_eq!(
        store.one_time().delete_of::<K>(flow).await.expect("delete"),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn link_tokens_work_once() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let who = somebody(&engine, &store).await;
        let id = flow(&engine, &store, Recovery::default()).await;
        let own = RecoveryToken {
            address: Some(who.recovery_addresses[0].id),
            flow: Some(id),
            identity: Some(who.id),
            by_admin: false,
        };
        token_works_once(&engine, &store, id, own).await;
        let id = flow(&engine, &store, Verification::default()).await;
        let own = VerificationToken {
            address: Some(who.verifiable_addresses[0].id),
            flow: id,
        };
        token_works_once(&engine, &store, id, own).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_wait_and_are_taken_once() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let who = somebody(&engine, &store).await;
        let mut container = Container {
            id: ContainerId::random(engine.dice()),
            name: "ory_kratos_settings_password".into(),
            identity: Some(who.id),
            payload: Some(json!({ "flow": 1 })),
            expires_at: NOW + Duration::minutes(15),
            created_at: NOW,
        };
        let mut all = store.continuity();
        all.insert(&container).await.expect("insert");
        assert_eq!(
            all.find(container.id).await.expect("find"),
            Some(container.clone())
        );
        container.expires_at = NOW + Duration::minutes(1);
        assert!(
            all.expire_at(container.id, container.expires_at)
                .await
                .expect("update")
        );
        assert_eq!(
            all.find(container.id).await.expect("find"),
            Some(container.clone())
        );
        assert!(all.delete(container.id).await.expect("delete"));
        assert!(!all.delete(container.id).await.expect("delete"));
        assert_eq!(all.find(container.id).await.expect("find"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_needs_both_codes_and_a_session() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let who = somebody(&engine, &store).await;
        let session = session(engine.dice(), &who);
        store.sessions().insert(&session).await.expect("insert");
        let id = flow(&engine, &store, login()).await;
        let mut exchange = Exchange {
            id: RowId::random(engine.dice()),
            flow: id,
            session: None,
            init_code: "Init".to_owned().into(),
            return_to_code: "Return".to_owned().into(),
            created_at: NOW,
        };
        let mut all = store.exchanges();
        all.insert(&exchange).await.expect("insert");
        assert_eq!(
            all.by_codes("Init", "Return").await.expect("find"),
            None,
            "no session yet"
        );
        let other = flow(&engine, &store, login()).await;
        assert!(all.move_to(id, other).await.expect("move"));
        assert!(!all.set_session(id, session.id).await.expect("set"));
        assert!(all.set_session(other, session.id).await.expect("set"));
        (exchange.flow, exchange.session) = (other, Some(session.id));
        assert_eq!(
            all.by_codes("Init", "Return").await.expect("find"),
            Some(exchange.clone())
        );
        assert_eq!(all.of_flow(other).await.expect("find"), Some(exchange));
        for (init, back) in [
            ("Init", "return"),
            ("init", "Return"),
            ("Init", ""),
            ("", ""),
            ("Return", "Init"),
        ] {
            assert_eq!(
                all.by_codes(init, back).await.expect("find"),
                None,
                "{}: {init} {back}",
                engine.name
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_has_expired_is_cleaned_and_a_batch_at_a_time() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let who = somebody(&engine, &store).await;
        for n in 0..3 {
            let mut session = session(engine.dice(), &who);
            session.expires_at = NOW - Duration::minutes(n);
            store.sessions().insert(&session).await.expect("insert");
        }
        let live = session(engine.dice(), &who);
        store.sessions().insert(&live).await.expect("insert");
        flow(&engine, &store, login()).await;
        flow(&engine, &store, Registration::default()).await;
        flow(&engine, &store, Recovery::default()).await;
        flow(&engine, &store, Verification::default()).await;
        let own = Settings {
            identity: who.id,
            organization_id: None,
        };
        flow(&engine, &store, own).await;
        for age in [59, 61] {
            let exchange = Exchange {
                id: RowId::random(engine.dice()),
                flow: FlowId::random(engine.dice()),
                session: None,
                init_code: format!("i{age}").into(),
                return_to_code: format!("r{age}").into(),
                created_at: NOW - Duration::minutes(age),
            };
            store.exchanges().insert(&exchange).await.expect("insert");
        }
        let clean = async |at, limit| {
            let mut counts = vec![];
            for what in Expiring::ALL {
                counts.push(
                    store
                        .cleanup()
                        .expired(what, at, limit)
                        .await
                        .expect("cleanup"),
                );
            }
            counts
        };
        assert_eq!(
            clean(NOW, 2).await,
            [2, 0, 0, 0, 0, 0, 0, 1],
            "{}",
            engine.name
        );
        assert_eq!(clean(NOW, 100).await, [1, 0, 0, 0, 0, 0, 0, 0]);
        let found = store
            .sessions()
            .by_token(&live.token, Load::Addresses)
            .await
            .expect("find");
        assert!(found.is_some(), "live ones stay");
        let later = NOW + Duration::hours(2);
        assert_eq!(clean(later, 100).await, [0, 0, 1, 1, 1, 1, 1, 1]);
    }
}
