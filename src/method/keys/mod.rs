//! What security keys and passkeys have in common: the open question in the flow's memory, which is answered once, the
//! script of the page, and the list of keys (flows.md §9.8, §9.9).
use crate::base::id::IdentityId;
use crate::base::random;
use crate::base::terms::{CredentialsType, MethodId};
use crate::config::method::RelyingParty;
use crate::crypto::webauthn::{self, Asked, Assertion, Ceremony, Creation, Party, Record, Used};
use crate::flow::{Cx, Fault};
use crate::model::credentials::Credential;
use crate::model::factors;
use crate::model::flow::Flow;
use crate::model::identity::Identity;
use crate::session;
use crate::store::Stored;
use crate::text::{self, Message};
use crate::ui::node::ScriptAttributes;
use crate::ui::{Input, Node};
use data_encoding::{BASE64, HEXLOWER};
use serde_json::Value;
use sha2::{Digest, Sha512};
use std::sync::LazyLock;

/// What the page needs to talk to keys; served under [`SCRIPT_PATH`].
pub const SCRIPT: &str = include_str!("webauthn.js");
pub const SCRIPT_PATH: &str = "/.well-known/ory/webauthn.js";

/// Browsers run the script only if it is this one.
static INTEGRITY: LazyLock<String> = LazyLock::new(|| {
    let digest = Sha512::digest(SCRIPT.as_bytes());
    format!("sha512-{}", BASE64.encode(&digest))
});

/// The one or the other.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    pub(super) id: MethodId,
    pub(super) of: CredentialsType,
    /// Where the flow keeps the question, and the options that belong to it.
    pub(super) kept: &'static str,
    pub(super) options: &'static str,
}

/// Whose keys they are, by the configuration.
pub(super) struct Ours<'c> {
    pub(super) id: &'c str,
    pub(super) name: &'c str,
    origins: Vec<String>,
}

impl<'c> Ours<'c> {
    pub(super) fn of(cx: &'c Cx, party: &'c RelyingParty) -> Self {
        Self {
            id: &party.id,
            name: &party.display_name,
            origins: cx.config.origins(party),
        }
    }
    pub(super) fn party(&self) -> Party<'_> {
        Party {
            id: self.id,
            origins: &self.origins,
        }
    }
}

/// A question that is open.
pub(super) struct Open {
    pub(super) ceremony: Ceremony,
    kept: Value,
}

impl Kind {
    /// Remembers a question, in the place of the one before.
    pub(super) fn keep<K>(self, flow: &mut Flow<K>, asked: &Asked) {
        let memory = &mut flow.memory;
        memory.keep(self.kept, asked.kept.clone());
    }

    pub(super) fn open<K>(self, flow: &Flow<K>) -> Option<Open> {
        let kept = flow.memory.kept(self.kept)?.clone();
        let ceremony = Ceremony::read(&kept)?;
        Some(Open { ceremony, kept })
    }

    /// Closes the question that was answered well. False: of several answers another was faster. Whatever is written
    /// of this flow from now on does not bring it back.
    pub(super) async fn close<K: Stored>(
        self,
        cx: &Cx,
        flow: &mut Flow<K>,
        open: &Open,
    ) -> Result<bool, Fault> {
        flow.memory.forget(self.kept);
        flow.memory.forget(self.options);
        let store = cx.store();
        Ok(store.take_kept::<K>(flow.id, self.kept, &open.kept).await?)
    }

    /// Keys of this kind, and who they say that they belong to.
    pub(super) fn keys(self, identity: &Identity) -> Option<(&Credential, Vec<Record>, Vec<u8>)> {
        let credential = identity.credential(self.of)?;
        let keys = webauthn::keys(&credential.config);
        let mut handle = webauthn::user_handle(&credential.config);
        if handle.is_empty() {
            // So it was in old rows.
            handle = identity.id.0.as_bytes().to_vec();
        }
        Some((credential, keys, handle))
    }

    /// A button that does away with a key.
    pub(super) fn removal(self, name: &str, key: &Record, label: Message, last: bool) -> Node {
        Node::submit(name, &HEXLOWER.encode(&key.id))
            .group(self.id)
            .label(label)
            .with(|input| input.disabled = last)
    }

    /// The credential with one key less; without keys, it goes.
    pub(super) fn remove(self, cx: &Cx, owner: &Identity, hex: &str) -> Result<Identity, Fault> {
        let (_, keys, _) = self
            .keys(owner)
            .ok_or_else(|| Fault::bad("There is no key that could be removed."))?;
        let key = keys.into_iter().find(|k| HEXLOWER.encode(&k.id) == hex);
        let key = key.ok_or_else(|| Fault::bad("There is no such key."))?;
        if key.is_passwordless && ways_in(cx, owner) < 2 {
            let reason = "This is the only way in: without it nobody could sign in any more.";
            // The reference shows this under the same name for both.
            let field = "webauthn_remove";
            return Err(Fault::field(field, text::validation::generic(reason)));
        }
        let mut identity = owner.clone();
        if let Some(credential) = identity.credential_mut(self.of)
            && webauthn::remove(&mut credential.config, &key.id) == 0
        {
            identity.remove_credential(self.of);
        }
        Ok(identity)
    }

    /// What a use of a key has shown of it goes to its row. The sign-in does not depend on that.
    pub(super) async fn note(self, cx: &Cx, identity: &Identity, used: Used) {
        let Some(credential) = identity.credential(self.of) else {
            return;
        };
        let key = BASE64.encode(&used.id);
        if used.went_back {
            tracing::warn!(
                identity_id = %identity.id,
                credential_id = key,
                "the counter of a security key went back: there may be a copy of it"
            );
        }
        let change = move |config: &mut Value| used.note(config);
        let edited = cx.store().edit_credential(credential.id, None, change);
        if let Err(error) = edited.await {
            tracing::warn!(
                identity_id = %identity.id,
                credential_id = key,
                %error,
                "what a security key has counted could not be written down"
            );
        }
    }
}

/// In how many ways somebody can sign in.
pub(super) fn ways_in(cx: &Cx, identity: &Identity) -> usize {
    factors::ways_in(&identity.credentials, &session::policy(&cx.config))
}

/// Reads a new key and checks it.
pub(super) fn accept(
    cx: &Cx,
    ours: &Ours<'_>,
    open: &Open,
    answer: &str,
    of: IdentityId,
) -> Result<Record, Fault> {
    let answer = Creation::read(answer).map_err(|error| Fault::bad(&error.to_string()))?;
    let party = ours.party();
    match party.register(&open.ceremony, &answer, cx.now) {
        Ok(new) => {
            if !new.is_attestation_checked {
                let format = &new.record.attestation_type;
                tracing::info!(identity_id = %of, format, "the attestation of a key was taken unchecked");
            }
            Ok(new.record)
        }
        Err(refused) => {
            tracing::info!(identity_id = %of, reason = %refused, "a new security key was refused");
            Err(Fault::bad(&refused.to_string()))
        }
    }
}

/// Reads the use of a key.
pub(super) fn read_use(answer: &str) -> Result<Assertion, Fault> {
    Assertion::read(answer).map_err(|error| Fault::bad(&error.to_string()))
}

/// Whatever is wrong with the use of a key: the form says only that it is.
pub(super) fn wrong() -> Fault {
    Fault::form(text::validation::webauthn_wrong())
}

pub(super) fn nobody() -> Fault {
    Fault::form(text::validation::no_webauthn_account())
}

/// Nothing that was asked can be answered by this.
pub(super) fn closed() -> Fault {
    Fault::bad("This was answered already. Please try once more.")
}

/// The script, under a name that both share.
pub(super) fn script(cx: &Cx) -> Node {
    let attributes = ScriptAttributes {
        src: cx.public(SCRIPT_PATH, &[]),
        is_async: true,
        referrerpolicy: "no-referrer".to_owned(),
        crossorigin: "anonymous".to_owned(),
        integrity: INTEGRITY.clone(),
        kind: "text/javascript".to_owned(),
        id: "webauthn_script".to_owned(),
        nonce: random::uuid(cx.dice()).to_string(),
    };
    Node::script(attributes).group(MethodId::WebAuthn)
}

/// A button of the page that calls a function of the script. Apps have no page, and no call that could be run.
pub(super) fn trigger(name: &str, function: &str, call: Option<String>) -> Node {
    Node::input(name, Input::Button).with(|input| {
        input.onclick = call;
        input.onclick_trigger = Some(function.to_owned());
    })
}
