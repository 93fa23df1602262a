//! `DELETE /admin/identities/{id}/credentials/{type}` (http-api.md §11.9).
use super::answer;
use super::write::{change, known};
use crate::base::terms::CredentialsType as Kind;
use crate::base::time::micros;
use crate::flow::{Cx, Fault, Refusal};
use crate::http::context::Call;
use crate::http::respond;
use crate::identity::import::provider_identifier;
use crate::model::credentials::Credential;
use crate::model::factors;
use crate::model::identity::Identity;
use crate::session;
use axum::response::Response;
use serde_json::{Value, json};

pub async fn delete_credential(call: Call) -> Response {
    let result = remove(&call).await;
    answer(&call, result)
}

async fn remove(call: &Call) -> Result<Response, Fault> {
    let cx = &call.cx;
    let (word, identifier) = (call.param("type"), cx.request.query.text("identifier"));
    let kind = Kind::from_word(word);
    if kind == Some(Kind::DeviceAuthn) && identifier.is_none() {
        return Err(nameless().into());
    }
    let known = known(call).await?;
    let Some(kind) = kind else {
        return Err(absent(word).into());
    };
    change(cx, known, |old| {
        let mut new = old.clone();
        new.upgrade_credentials();
        without(cx, &mut new, kind, identifier)?;
        new.updated_at = micros(cx.now);
        Ok(new)
    })
    .await?;
    Ok(respond::empty(204))
}

fn absent(word: &str) -> Refusal {
    Refusal::not_found(format!("This identity has no credential {word:?}."))
}

fn nameless() -> Refusal {
    Refusal::bad("Which of them is said by the parameter identifier.")
}

/// Takes the credential, or one of those that it holds, away.
fn without(
    cx: &Cx,
    identity: &mut Identity,
    kind: Kind,
    identifier: Option<&str>,
) -> Result<(), Fault> {
    let ways_in = factors::ways_in(&identity.credentials, &session::policy(&cx.config));
    let Some(credential) = identity.credential_mut(kind) else {
        return Err(absent(kind.word()).into());
    };
    let before = credential.clone();
    match kind {
        Kind::Totp | Kind::LookupSecret => {
            identity.remove_credential(kind);
            return Ok(());
        }
        Kind::WebAuthn => {
            keep(credential, "credentials", |key| {
                key.get("is_passwordless") == Some(&Value::Bool(true))
            });
            if list(credential, "credentials").is_empty() {
                identity.remove_credential(kind);
                return Ok(());
            }
        }
        Kind::Password | Kind::Oidc | Kind::Saml if ways_in < 2 => {
            let reason = "Without it there would be no way left to sign in.";
            return Err(Refusal::bad(reason).into());
        }
        Kind::Password => credential.config = json!({}),
        Kind::Oidc | Kind::Saml => {
            let wanted = identifier.ok_or_else(nameless)?;
            take_out(credential, "providers", wanted, |link| {
                let text = |name: &str| link.get(name).and_then(Value::as_str).unwrap_or_default();
                provider_identifier(text("provider"), text("subject"))
            })?;
        }
        Kind::DeviceAuthn => {
            let wanted = identifier.ok_or_else(nameless)?;
            take_out(credential, "credentials", wanted, |key| {
                let id = key.get("client_key_id").and_then(Value::as_str);
                id.unwrap_or_default().to_owned()
            })?;
        }
        Kind::Passkey | Kind::Code => {
            let word = kind.word();
            let reason = format!("Credentials of the kind {word} cannot be taken away.");
            return Err(Refusal::bad(reason).into());
        }
    }
    if *credential != before {
        credential.updated_at = micros(cx.now);
    }
    Ok(())
}

fn list<'c>(credential: &'c Credential, name: &str) -> &'c [Value] {
    let list = credential.config.get(name).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

fn keep(credential: &mut Credential, name: &str, good: impl Fn(&Value) -> bool) {
    if let Some(Value::Array(items)) = credential.config.get_mut(name) {
        items.retain(good);
    }
}

/// Takes the one of that name out of the list, and names the credential by those that stay.
fn take_out(
    credential: &mut Credential,
    name: &str,
    wanted: &str,
    name_of: impl Fn(&Value) -> String,
) -> Result<(), Fault> {
    let before = list(credential, name).len();
    keep(credential, name, |item| name_of(item) != wanted);
    let left = list(credential, name);
    if left.len() == before {
        let reason = format!("There is none with the identifier {wanted:?}.");
        return Err(Refusal::not_found(reason).into());
    }
    credential.identifiers = left.iter().map(name_of).collect();
    Ok(())
}
