//! How many statements the busiest questions cost: on a server each is a trip there and back.
use super::engines::{Engine, NOW, person, session};
use kratos::base::id::FlowId;
use kratos::base::terms::{Aal, Channel, CredentialsType};
use kratos::model::flow::{Flow, Login, Registration};
use kratos::store::{Load, Store, counting};

fn login(engine: &Engine) -> Flow<Login> {
    Flow::new(
        FlowId::random(engine.dice()),
        Channel::Api,
        "https://example.org/".into(),
        (NOW, NOW + time::Duration::hours(1)),
        "https://example.org/".into(),
        Login {
            refresh: false,
            requested_aal: Aal::One,
            oauth2_login_challenge: None,
            organization_id: None,
            identity_schema: None,
            test_flow: false,
        },
    )
}

async fn signed_up(engine: &Engine, store: &Store) -> (String, u64) {
    let flow = Flow::new(
        FlowId::random(engine.dice()),
        Channel::Api,
        "https://example.org/".into(),
        (NOW, NOW + time::Duration::hours(1)),
        "https://example.org/".into(),
        Registration::default(),
    );
    store.flows().insert(&flow).await.expect("insert");
    let identity = person(store, engine.dice(), "a@example.org");
    let session = session(engine.dice(), &identity);
    let work = async {
        store.flows().find::<Registration>(flow.id).await?;
        store.identities().insert(&identity, engine.dice()).await?;
        store.sessions().insert(&session).await
    };
    let (done, count) = counting(work).await;
    done.expect("signed up");
    (session.token, count)
}

#[tokio::test(flavor = "multi_thread")]
async fn busy_questions_stay_within_their_budgets() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let (token, registration) = signed_up(&engine, &store).await;

        let flow = login(&engine);
        let (done, init) = counting(store.flows().insert(&flow)).await;
        done.expect("insert");
        let mut seen = None;
        let types = [CredentialsType::Password];
        let (done, sign_in) = counting(async {
            store.flows().find::<Login>(flow.id).await?;
            let found = store
                .credentials()
                .by_identifier(&types, "a@example.org", "a@example.org")
                .await?;
            let identity = found.expect("somebody").identity;
            let session = session(engine.dice(), &identity);
            let mut batch = store.batch();
            batch.update_flow(&flow);
            batch.insert_session(&session);
            batch.set_available_aal(identity.id, Aal::One, NOW);
            batch.commit().await?;
            seen = Some(session.token);
            Ok::<_, kratos::store::Error>(())
        })
        .await;
        done.expect("signed in");
        let (found, whoami) = counting(
            store
                .sessions()
                .by_token(&token, Load::CredentialsIfAalUnknown),
        )
        .await;
        assert!(found.expect("find").is_some());
        let found = store
            .sessions()
            .by_token(&seen.expect("a token"), Load::Addresses)
            .await;
        assert!(found.expect("find").is_some());

        let costs = (init, whoami, sign_in, registration);
        match engine.name {
            "postgres" => assert_eq!(costs, (1, 1, 3, 3)),
            "mysql" => assert_eq!(costs, (1, 1, 8, 12)),
            // BEGIN and COMMIT count, but there is no trip.
            _ => assert_eq!((whoami, init), (1, 3)),
        }
    }
}
