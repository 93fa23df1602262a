//! What is asked for by a key is found by an index, however many there are.
use super::engines::{Engine, NOW, person, session};
use super::queue::queued;
use kratos::base::id::{FlowId, IdentityId, MessageId};
use kratos::base::terms::CredentialsType;
use kratos::model::flow::{Login, Recovery, Verification};
use kratos::model::identity::Identity;
use kratos::model::message::MessageStatus;
use kratos::store::{
    Dialect, Error, Filter, Load, LoginCode, MessageCursor, RecoveryCode, RecoveryToken,
    SessionCursor, Slice, Store, VerificationCode, plans,
};
use time::Duration;
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
        // Nobody gathers any there.
        Dialect::Sqlite => return people,
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

/// What is written is found by a key, too.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_messages_and_secrets_are_found_by_an_index() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let people = crowd(&engine, &store).await;
        let mut created_at = NOW;
        for some in people.chunks(500) {
            let mut batch = store.batch();
            for person in some {
                created_at -= Duration::SECOND;
                let mut session = session(engine.dice(), person);
                session.created_at = created_at;
                batch.insert_session(&session);
            }
            batch.commit().await.expect("sessions");
        }
        queued(&engine, &store, 2000).await;
        let analyze = match store.db().dialect() {
            Dialect::MySql => "ANALYZE TABLE sessions, courier_messages",
            _ => "ANALYZE",
        };
        store.db().run(analyze).await.expect("statistics");
        // Who is read stays: the questions are asked once more to see how they are gone about.
        let someone = session(engine.dice(), &people[7]);
        store.sessions().insert(&someone).await.expect("a session");
        let gone = session(engine.dice(), &people[8]);
        store.sessions().insert(&gone).await.expect("a session");
        let work = async {
            let mut sessions = store.sessions();
            sessions.by_token(&someone.token, Load::Credentials).await?;
            sessions.find(someone.id, Load::Addresses).await?;
            sessions.of(someone.identity_id, None, None, (0, 1)).await?;
            let behind = Some(SessionCursor {
                created_at: NOW - Duration::HOUR / 2,
                id: gone.id,
            });
            for active in [None, Some((true, NOW)), Some((false, NOW))] {
                sessions.list(active, None, 50).await?;
                sessions.list(active, behind, 50).await?;
            }
            sessions.extend(gone.id, NOW).await?;
            sessions.revoke_of(gone.identity_id, gone.id).await?;
            sessions.revoke_by_token(&gone.token).await?;
            sessions.delete_of(gone.identity_id).await?;
            let mut messages = store.messages();
            let behind = Some(MessageCursor {
                created_at: NOW,
                id: MessageId(Uuid::nil()),
            });
            for after in [None, behind] {
                for status in [None, Some(MessageStatus::Queued)] {
                    for to in [None, Some("r1@example.org")] {
                        messages.list(status, to, after, 50).await?;
                    }
                }
            }
            messages.waiting().await?;
            let queue = store.queue();
            for mut held in queue.claim(NOW + Duration::HOUR, 5).await? {
                messages.find(held.message().id).await?;
                queue.renew(&mut held, NOW + Duration::HOUR).await?;
                queue.put_back(&[held]).await?;
            }
            queue.seen(50).await?;
            let flow = FlowId(Uuid::nil());
            let mut secrets = store.one_time();
            secrets.of::<RecoveryCode>(flow).await?;
            secrets.of::<VerificationCode>(flow).await?;
            secrets.of::<LoginCode>(flow).await?;
            secrets.by_hmac::<RecoveryToken>(&["x".to_owned()]).await?;
            secrets.delete_of::<RecoveryCode>(flow).await?;
            store.flows().find::<Login>(flow).await?;
            store.pending_changes().of(flow).await?;
            Ok::<_, Error>(())
        };
        let (done, plans) = plans(store.db(), work).await.expect("plans");
        done.expect("asked");
        assert!(plans.len() > 20, "{}", plans.len());
        for plan in plans {
            let whole = plan.whole_tables(store.db().dialect());
            assert!(whole.is_empty(), "{}: {plan:#?}", engine.name);
        }
    }
}
