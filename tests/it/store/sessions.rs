//! Sessions: by token, lists, revocation.
use super::engines::{Engine, NOW, person, session};
use kratos::base::id::{DeviceId, SessionId};
use kratos::base::terms::{Aal, MethodId};
use kratos::model::identity::Identity;
use kratos::model::session::{Authentication, Session};
use kratos::store::{End, Load, SessionCursor, Store, Which};
use time::Duration;

/// Somebody with sessions of different ages, newest first.
async fn somebody(
    engine: &Engine,
    store: &Store,
    email: &str,
    count: i64,
) -> (Identity, Vec<Session>) {
    let identity = person(store, engine.dice(), email);
    engine.put(store, &identity).await;
    let mut sessions = vec![];
    for n in 0..count {
        let mut session = session(engine.dice(), &identity);
        session.created_at = NOW - Duration::minutes(n);
        store.sessions().insert(&session).await.expect("insert");
        sessions.push(session);
    }
    (identity, sessions)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_brings_session_devices_and_identity() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let (identity, sessions) = somebody(&engine, &store, "a@example.org", 1).await;
        let token = &sessions[0].token;
        let found = store
            .sessions()
            .by_token(token, Load::Credentials)
            .await
            .expect("find");
        assert_eq!(
            found,
            Some((sessions[0].clone(), identity.clone())),
            "{}",
            engine.name
        );
        let (_, read) = store
            .sessions()
            .find(sessions[0].id, Load::Addresses)
            .await
            .expect("find")
            .expect("it");
        assert_eq!(read.verifiable_addresses, identity.verifiable_addresses);
        assert!(read.credentials.is_empty());
        for wrong in [
            token.to_uppercase(),
            String::new(),
            format!("{token} "),
            token[..38].to_owned(),
        ] {
            let found = store
                .sessions()
                .by_token(&wrong, Load::Addresses)
                .await
                .expect("find");
            assert_eq!(found, None, "{}: {wrong:?}", engine.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_raised_and_extended() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let (_, mut sessions) = somebody(&engine, &store, "a@example.org", 1).await;
        let mut session = sessions.remove(0);
        session.aal = Aal::Two;
        session
            .methods
            .push(Authentication::by(MethodId::Totp, Aal::Two, NOW));
        session.updated_at = NOW + Duration::minutes(1);
        store.sessions().update(&session).await.expect("update");
        session.expires_at = NOW + Duration::days(3);
        store
            .sessions()
            .extend(session.id, session.expires_at)
            .await
            .expect("extend");
        let (read, _) = store
            .sessions()
            .find(session.id, Load::Addresses)
            .await
            .expect("find")
            .expect("it");
        assert_eq!(read, session);
        let nobody = SessionId::random(engine.dice());
        assert!(store.sessions().extend(nobody, NOW).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_kept_once() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let (_, sessions) = somebody(&engine, &store, "a@example.org", 1).await;
        let mut device = sessions[0].devices[0].clone();
        device.user_agent = Some("x".repeat(600));
        for _ in 0..2 {
            device.id = DeviceId::random(engine.dice());
            let mut batch = store.batch();
            batch.insert_device(&sessions[0], &device);
            batch.commit().await.expect("commit");
        }
        let (read, _) = store
            .sessions()
            .find(sessions[0].id, Load::Addresses)
            .await
            .expect("find")
            .expect("it");
        assert_eq!(read.devices.len(), 2, "{}", engine.name);
        assert!(
            read.devices
                .iter()
                .any(|d| d.user_agent.as_ref().is_some_and(|u| u.len() == 512))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_revoked_one_by_one_and_together() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let (identity, sessions) = somebody(&engine, &store, "a@example.org", 4).await;
        let (other, others) = somebody(&engine, &store, "b@example.org", 1).await;
        let mut all = store.sessions();
        assert!(
            all.revoke_by_token(&sessions[0].token)
                .await
                .expect("revoke")
        );
        assert!(
            all.revoke_by_token(&sessions[0].token)
                .await
                .expect("revoke"),
            "known, if ended"
        );
        assert!(!all.revoke_by_token("ory_st_x").await.expect("revoke"));
        assert!(
            !all.revoke_of(identity.id, others[0].id)
                .await
                .expect("revoke"),
            "of somebody else"
        );
        assert!(all.revoke(sessions[1].id).await.expect("revoke"));
        let count = all
            .revoke_others(identity.id, Some(sessions[2].id))
            .await
            .expect("revoke");
        assert_eq!(count, 3);
        for which in [
            Which::These(vec![sessions[2].id]),
            Which::Of(vec![other.id]),
        ] {
            let ended = all.end(&which, End::Revoke).await.expect("end");
            assert_eq!(ended, 1);
            let ended = all.end(&which, End::Revoke).await.expect("end");
            assert_eq!(ended, 0, "they had ended before");
        }
        let (_, live) = all
            .of(identity.id, Some((true, NOW)), None, (0, 10))
            .await
            .expect("list");
        assert_eq!(live, 0);
        assert_eq!(all.delete_of(identity.id).await.expect("delete"), 4);
        assert_eq!(all.delete_of(identity.id).await.expect("delete"), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebodys_sessions_are_listed_newest_first() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let (identity, sessions) = somebody(&engine, &store, "a@example.org", 5).await;
        store
            .sessions()
            .revoke(sessions[4].id)
            .await
            .expect("revoke");
        let ids = |list: &[Session]| list.iter().map(|s| s.id).collect::<Vec<_>>();
        let mut all = store.sessions();

        let (page, total) = all.of(identity.id, None, None, (0, 2)).await.expect("list");
        assert_eq!(
            (ids(&page), total),
            (ids(&sessions[..2]), 5),
            "{}",
            engine.name
        );
        assert_eq!(page[0], sessions[0]);
        let (page, total) = all.of(identity.id, None, None, (4, 2)).await.expect("list");
        assert_eq!((ids(&page), total), (ids(&sessions[4..]), 5));
        let except = Some(sessions[1].id);
        let (page, total) = all
            .of(identity.id, Some((true, NOW)), except, (0, 10))
            .await
            .expect("list");
        assert_eq!(
            (ids(&page), total),
            (vec![sessions[0].id, sessions[2].id, sessions[3].id], 3)
        );
        let (page, total) = all
            .of(identity.id, Some((false, NOW)), None, (0, 10))
            .await
            .expect("list");
        assert_eq!((ids(&page), total), (vec![sessions[4].id], 1));
        let late = NOW + Duration::days(2);
        let (_, total) = all
            .of(identity.id, Some((false, late)), None, (0, 10))
            .await
            .expect("list");
        assert_eq!(total, 5, "expired ones are not live");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_sessions_are_walked_page_by_page() {
    for engine in Engine::all().await {
        let store = engine.store().await;
        let (_, mut sessions) = somebody(&engine, &store, "a@example.org", 3).await;
        // The same moment for two of them: the id decides.
        let (identity, more) = somebody(&engine, &store, "b@example.org", 2).await;
        sessions.extend(more);
        sessions.sort_by_key(|s| (std::cmp::Reverse(s.created_at), s.id.to_string()));
        let (mut after, mut seen) = (None, vec![]);
        loop {
            let page = store
                .sessions()
                .list(Some((true, NOW)), after, 2)
                .await
                .expect("list");
            let Some((last, _)) = page.last() else { break };
            after = Some(SessionCursor {
                created_at: last.created_at,
                id: last.id,
            });
            seen.extend(page);
        }
        let got: Vec<_> = seen.iter().map(|(s, _)| s.id).collect();
        assert_eq!(
            got,
            sessions.iter().map(|s| s.id).collect::<Vec<_>>(),
            "{}",
            engine.name
        );
        assert!(
            seen.iter()
                .any(|(s, i)| i.id == identity.id && s.identity_id == identity.id)
        );
        assert!(
            seen.iter()
                .all(|(s, i)| s.devices.len() == 1 && i.verifiable_addresses.len() == 1)
        );
    }
}
