//! Flows come back as they were put in.
use super::engines::{Engine, NOW, person};
use kratos::base::id::{FlowId, SessionId};
use kratos::base::terms::{Aal, Channel, Group, MethodId, State};
use kratos::model::flow::{
    Flow, Login, Recovery, Registration, Settings, Verification, VerificationRef,
};
use kratos::store::{Error, Store, Stored};
use kratos::ui::{Input, Node};
use serde_json::json;
use uuid::Uuid;

fn fresh<K: Stored>(engine: &Engine, own: K) -> Flow<K> {
    let mut flow = Flow::new(
        FlowId::random(engine.dice()),
        Channel::Browser,
        "https://example.org/x?return_to=https%3A%2F%2Fa.example%2F".into(),
        (NOW, NOW + time::Duration::hours(1)),
        "https://example.org/self-service".into(),
        own,
    );
    flow.form.push(Node::hidden("csrf_token", "abc"));
    flow.form.push(
        Node::input("identifier", Input::Text)
            .group(MethodId::Password)
            .required(),
    );
    flow
}

/// Inserts, reads, changes, reads.
async fn there_and_back<K: Stored + std::fmt::Debug>(store: &Store, mut flow: Flow<K>) -> Flow<K> {
    store.flows().insert(&flow).await.expect("insert");
    let read = store
        .flows()
        .find::<K>(flow.id)
        .await
        .expect("find")
        .expect("it is there");
    assert_eq!(format!("{read:?}"), format!("{flow:?}"));

    flow.state = State::PassedChallenge;
    flow.active = Some(Group::Of(MethodId::Code));
    flow.form.fill("csrf_token", "def");
    flow.memory = serde_json::from_value(json!({
        "continuity_container_id": Uuid::nil(),
        "registration_verification_flow_continue_with": VerificationRef {
            id: flow.id,
            verifiable_address: "a@example.org".into(),
            url: None,
        },
        "totp_url": "otpauth://x",
    }))
    .expect("a memory");
    store.flows().update(&flow).await.expect("update");
    let read = store
        .flows()
        .find::<K>(flow.id)
        .await
        .expect("find")
        .expect("it is there");
    assert_eq!(json!(read), json!(flow));
    assert_eq!(read.memory, flow.memory);
    read
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_comes_back_as_it_was_put_in() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let identity = person(&store, engine.dice(), "a@example.org");
        engine.put(&store, &identity).await;

        let mut login = fresh(
            &engine,
            Login {
                refresh: true,
                requested_aal: Aal::Two,
                oauth2_login_challenge: Some("challenge".into()),
                organization_id: Some(Uuid::from_u128(7)),
                identity_schema: Some("customer".into()),
                test_flow: false,
            },
        );
        login.csrf_token = "token".into();
        let login = there_and_back(&store, login).await;
        assert_eq!(login.csrf_token, "token");
        assert!(login.own.refresh && !login.own.test_flow);
        assert_eq!(login.own.requested_aal, Aal::Two);

        there_and_back(&store, fresh(&engine, Registration::default())).await;
        let settings = Settings {
            identity: identity.id,
            organization_id: None,
        };
        let settings = there_and_back(&store, fresh(&engine, settings)).await;
        assert_eq!(settings.own.identity, identity.id);
        let recovery = Recovery {
            recovered: Some(identity.id),
            skip_csrf_check: true,
        };
        let recovery = there_and_back(&store, fresh(&engine, recovery)).await;
        assert!(recovery.own.skip_csrf_check);
        let verification = Verification {
            session: Some(SessionId::random(engine.dice())),
            identity: Some(identity.id),
            authentication_methods: Some(json!([{ "method": "password" }])),
            oauth2_login_challenge: Some("c".into()),
        };
        let verification = there_and_back(&store, fresh(&engine, verification)).await;
        assert_eq!(
            verification.own.authentication_methods,
            Some(json!([{ "method": "password" }]))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_is_of_one_kind_only() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let flow = fresh(&engine, Registration::default());
        store.flows().insert(&flow).await.expect("insert");
        assert!(
            store
                .flows()
                .find::<Login>(flow.id)
                .await
                .expect("find")
                .is_none()
        );
        assert!(
            store
                .flows()
                .delete::<Registration>(flow.id)
                .await
                .expect("delete")
        );
        assert!(
            !store
                .flows()
                .delete::<Registration>(flow.id)
                .await
                .expect("delete")
        );
        let error = store.flows().update(&flow).await.expect_err("it is gone");
        assert!(matches!(error, Error::Missing("flow")), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_of_an_address_come_with_the_flow() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let flow = fresh(&engine, Recovery::default());
        store.flows().insert(&flow).await.expect("insert");
        let mut people = vec![];
        for address in ["a@example.org", "b@example.org"] {
            let person = person(&store, engine.dice(), address);
            store
                .identities()
                .insert(&person, engine.dice())
                .await
                .expect("insert");
            people.push(person.id);
        }
        for (spelt, count) in [
            (["a@example.org"; 2], 1),
            (["b@example.org", "a@example.org"], 2),
            (["c@example.org", "d@example.org"], 0),
        ] {
            let mut flows = store.flows();
            let found = flows.find_with_owners::<Recovery>(flow.id, spelt).await;
            let (read, mut owners) = found.expect("asked").expect("a flow");
            assert_eq!(format!("{read:?}"), format!("{flow:?}"));
            assert_eq!(owners.len(), count, "{spelt:?} on {}", engine.name);
            assert!(owners.iter().all(|owner| people.contains(&owner.id)));
            let mut addresses = store.addresses();
            let mut alone = addresses.owners::<Recovery>(spelt).await.expect("asked");
            owners.sort_by_key(|owner| owner.id);
            alone.sort_by_key(|owner| owner.id);
            assert_eq!(alone, owners);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn submissions_are_counted() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let flow = fresh(&engine, Recovery::default());
        store.flows().insert(&flow).await.expect("insert");
        for expected in 1..=3 {
            let count = store.count_submission::<Recovery>(flow.id).await;
            assert_eq!(count.expect("a count"), expected);
        }
        // Writing the flow does not set it back.
        store.flows().update(&flow).await.expect("update");
        let count = store.count_submission::<Recovery>(flow.id).await;
        assert_eq!(count.expect("a count"), 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_somebody_who_is_gone_are_refused() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let own = Settings {
            identity: kratos::base::id::IdentityId::random(engine.dice()),
            organization_id: None,
        };
        let error = store
            .flows()
            .insert(&fresh(&engine, own))
            .await
            .expect_err("nobody");
        assert!(matches!(error, Error::Dangling), "{}: {error}", engine.name);
    }
}
