//! Calls each operation on identities and sessions with the client that Ory publishes for Rust, so that every answer is
//! read into its types. `PUBLIC_URL` and `ADMIN_URL` say where the server is; `scripts/clients` starts one.
use ory_kratos_client::apis::configuration::Configuration;
use ory_kratos_client::apis::{
    Error, courier_api as courier, frontend_api as frontend, identity_api as identity,
    metadata_api as metadata,
};
use ory_kratos_client::models::{
    BatchPatchIdentitiesResponse, CreateIdentityBody, CreateRecoveryCodeForIdentityBody,
    CreateRecoveryLinkForIdentityBody, IdentityPatch, IdentityWithCredentials,
    IdentityWithCredentialsPassword, IdentityWithCredentialsPasswordConfig, JsonPatch,
    PatchIdentitiesBody, PerformNativeLogoutBody, SuccessfulNativeLogin, UpdateIdentityBody,
    update_identity_body,
};
use serde_json::{Value, json};
use std::process::ExitCode;

const PASSWORD: &str = "kAf3-vuQ9-lomT7";

/// Counts calls and those that failed.
#[derive(Default)]
struct Tally {
    calls: u32,
    failed: u32,
}

impl Tally {
    /// What was answered, if it could be read.
    fn read<T, E: std::fmt::Debug>(
        &mut self,
        name: &str,
        answer: Result<T, Error<E>>,
    ) -> Option<T> {
        self.calls += 1;
        answer
            .inspect_err(|error| {
                self.failed += 1;
                let kind = match error {
                    Error::Serde(_) => "the answer cannot be read",
                    Error::ResponseError(_) => "the server refuses",
                    _ => "there is no answer",
                };
                eprintln!("FAIL {name}: {kind}: {error:?}");
            })
            .ok()
    }

    /// A refusal has to be readable, too.
    fn refused<T, E: std::fmt::Debug>(&mut self, name: &str, answer: Result<T, Error<E>>) {
        self.calls += 1;
        let fine = match &answer {
            // Answers of an unknown shape end up as bare JSON.
            Err(Error::ResponseError(refusal)) => {
                let entity = format!("{:?}", refusal.entity);
                !entity.contains("UnknownValue") && entity != "None"
            }
            _ => false,
        };
        if !fine {
            self.failed += 1;
            let told = answer.err().map(|error| format!("{error:?}"));
            eprintln!("FAIL {name}: no refusal of the usual shape: {told:?}");
        }
    }
}

fn at(variable: &str) -> Configuration {
    let base_path = std::env::var(variable).expect(variable);
    Configuration {
        base_path: base_path.trim_end_matches('/').to_owned(),
        ..Configuration::default()
    }
}

fn person(email: &str) -> CreateIdentityBody {
    let mut config = IdentityWithCredentialsPasswordConfig::new();
    config.password = Some(PASSWORD.to_owned());
    let mut password = IdentityWithCredentialsPassword::new();
    password.config = Some(Box::new(config));
    let mut credentials = IdentityWithCredentials::new();
    credentials.password = Some(Box::new(password));
    let mut body = CreateIdentityBody::new("default".to_owned(), json!({ "email": email }));
    body.credentials = Some(Box::new(credentials));
    body.metadata_public = Some(Some(json!({ "plan": "a" })));
    body.metadata_admin = Some(Some(json!([1, "b"])));
    body
}

/// Signs in; the token of the session and its id. The flow is read by hand: the client's type of a node wants a field
/// twice, and reads no flow of any server.
async fn sign_in(public: &Configuration, tally: &mut Tally) -> Option<(String, String)> {
    let client = &public.client;
    let url = format!("{}/self-service/login/api", public.base_path);
    let flow: Value = client.get(url).send().await.ok()?.json().await.ok()?;
    let body =
        json!({ "method": "password", "identifier": "ada@example.org", "password": PASSWORD });
    let action = flow["ui"]["action"].as_str()?;
    let answer = client.post(action).json(&body).send().await.ok()?;
    let done = answer
        .json::<SuccessfulNativeLogin>()
        .await
        .map_err(Error::<()>::Reqwest);
    let done = tally.read("updateLoginFlow", done)?;
    let session = done.session;
    Some((done.session_token?, session.id))
}

/// Has a code mailed for recovery.
async fn ask_for_a_letter(public: &Configuration) -> Option<()> {
    let client = &public.client;
    let url = format!("{}/self-service/recovery/api", public.base_path);
    let flow: Value = client.get(url).send().await.ok()?.json().await.ok()?;
    let body = json!({ "method": "code", "email": "ada@example.org" });
    let action = flow["ui"]["action"].as_str()?;
    client
        .post(action)
        .json(&body)
        .send()
        .await
        .ok()
        .map(|_| ())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let (public, admin) = (at("PUBLIC_URL"), at("ADMIN_URL"));
    let mut tally = Tally::default();
    people(&public, &admin, &mut tally).await;
    let Tally { calls, failed } = tally;
    println!("{} passed, {failed} failed", calls - failed);
    ExitCode::from(u8::from(failed > 0))
}

async fn people(public: &Configuration, admin: &Configuration, tally: &mut Tally) -> Option<()> {
    tally.read("getVersion", metadata::get_version(admin).await);
    tally.read("isAlive", metadata::is_alive(admin).await);
    tally.read("isReady", metadata::is_ready(admin).await);

    let mut ada = person("ada@example.org");
    ada.external_id = Some("ada-1".to_owned());
    let made = identity::create_identity(admin, Some(ada.clone())).await;
    let made = tally.read("createIdentity", made)?;
    let id = made.id.as_str();
    let again = identity::create_identity(admin, Some(ada)).await;
    tally.refused("createIdentity, a conflict", again);

    let mut batch = PatchIdentitiesBody::new();
    let entries = ["bob@example.org", "ada@example.org"].map(|email| {
        let mut entry = IdentityPatch::new();
        entry.create = Some(Box::new(person(email)));
        entry.patch_id = Some("1a2b3c4d-0000-4000-8000-000000000000".to_owned());
        entry
    });
    batch.identities = Some(entries.into());
    let answer = identity::batch_patch_identities(admin, Some(batch)).await;
    let BatchPatchIdentitiesResponse { identities } = tally.read("batchPatchIdentities", answer)?;
    let count = identities.map_or(0, |entries| entries.len());
    assert_eq!(count, 2, "a batch has an answer for each entry");

    let include = Some(vec!["password".to_owned()]);
    let found = identity::get_identity(admin, id, include.clone()).await;
    tally.read("getIdentity", found);
    let unknown = "00000000-0000-4000-8000-000000000000";
    let found = identity::get_identity(admin, unknown, None).await;
    tally.refused("getIdentity, an unknown one", found);
    let found = identity::get_identity_by_external_id(admin, "ada-1", None).await;
    tally.read("getIdentityByExternalID", found);
    let list = identity::list_identities(
        admin,
        None,
        None,
        Some(2),
        None,
        Some("strong"),
        None,
        None,
        None,
        include,
        None,
    );
    tally.read("listIdentities", list.await);
    let mut body = UpdateIdentityBody::new(
        "default".to_owned(),
        update_identity_body::StateEnum::Active,
        json!({ "email": "ada@example.org" }),
    );
    body.external_id = Some("ada-1".to_owned());
    let changed = identity::update_identity(admin, id, Some(body)).await;
    tally.read("updateIdentity", changed);
    let mut patch = JsonPatch::new("add".to_owned(), "/metadata_public".to_owned());
    patch.value = Some(Some(json!({ "plan": "b" })));
    let changed = identity::patch_identity(admin, id, Some(vec![patch])).await;
    tally.read("patchIdentity", changed);

    let schemas = identity::list_identity_schemas(admin, None, None, None, None).await;
    tally.read("listIdentitySchemas", schemas);
    let schema = identity::get_identity_schema(admin, "default").await;
    tally.read("getIdentitySchema", schema);
    let body = CreateRecoveryCodeForIdentityBody::new(id.to_owned());
    let code = identity::create_recovery_code_for_identity(admin, Some(body)).await;
    tally.read("createRecoveryCodeForIdentity", code);
    let body = CreateRecoveryLinkForIdentityBody::new(id.to_owned());
    let link = identity::create_recovery_link_for_identity(admin, None, Some(body)).await;
    tally.read("createRecoveryLinkForIdentity", link);
    ask_for_a_letter(public).await;
    let letters = courier::list_courier_messages(admin, None, None, None, None).await;
    let letters = tally.read("listCourierMessages", letters)?;
    let letter = letters.first().expect("a letter was asked for");
    let letter = courier::get_courier_message(admin, &letter.id).await;
    tally.read("getCourierMessage", letter);

    sessions(public, admin, id, tally).await;

    // It is the only one.
    let kept = identity::delete_identity_credentials(admin, id, "password", None).await;
    tally.refused("deleteIdentityCredentials", kept);
    let gone = identity::delete_identity(admin, id).await;
    tally.read("deleteIdentity", gone);
    let gone = identity::delete_identity(admin, id).await;
    tally.refused("deleteIdentity, twice", gone);
    Some(())
}

async fn sessions(
    public: &Configuration,
    admin: &Configuration,
    id: &str,
    tally: &mut Tally,
) -> Option<()> {
    let mut signed_in = vec![];
    for _ in 0..4 {
        signed_in.extend(sign_in(public, tally).await);
    }
    let [(own, session), (_, second), (_, third), (fourth, _)] = signed_in.as_slice() else {
        tally.failed += 1;
        eprintln!("FAIL sign-in");
        return None;
    };
    let token = Some(own.as_str());
    let mine = frontend::to_session(public, token, None, None).await;
    tally.read("toSession", mine);
    let mine = frontend::list_my_sessions(public, None, None, None, None, token, None).await;
    tally.read("listMySessions", mine);
    let nobody = frontend::to_session(public, Some("nonsense"), None, None).await;
    tally.refused("toSession, with a wrong token", nobody);
    let expand = Some(vec!["identity".to_owned(), "devices".to_owned()]);
    let found = identity::get_session(admin, session, expand.clone()).await;
    tally.read("getSession", found);
    let list = identity::list_sessions(admin, Some(10), None, Some(true), expand).await;
    tally.read("listSessions", list);
    let list =
        identity::list_identity_sessions(admin, id, None, None, None, None, Some(true)).await;
    tally.read("listIdentitySessions", list);
    let extended = identity::extend_session(admin, session).await;
    tally.read("extendSession", extended);
    let ended = identity::disable_session(admin, second).await;
    tally.read("disableSession", ended);
    let ended = frontend::disable_my_session(public, third, token, None).await;
    tally.read("disableMySession", ended);
    let out = PerformNativeLogoutBody::new(fourth.clone());
    let ended = frontend::perform_native_logout(public, out).await;
    tally.read("performNativeLogout", ended);
    let ended = frontend::disable_my_other_sessions(public, token, None).await;
    tally.read("disableMyOtherSessions", ended);
    let ended = identity::delete_identity_sessions(admin, id).await;
    tally.read("deleteIdentitySessions", ended);
    Some(())
}
