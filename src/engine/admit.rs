//! Who may begin, read or answer a flow.
use crate::base::terms::Aal;
use crate::config::RequiredAal;
use crate::flow::{Cx, Fault, Refusal, return_to};
use crate::method::Owner;
use crate::model::factors;
use crate::model::identity::Identity;
use crate::model::session::Session;
use crate::session;
use crate::store::Load;

pub struct Visitor {
    pub session: Session,
    /// With its addresses, and credentials as asked for.
    pub identity: Identity,
}

impl<'a> Owner<'a> {
    /// Whoever asks, of themselves.
    #[must_use]
    pub fn of(visitor: &'a Visitor) -> Self {
        Self {
            identity: &visitor.identity,
            session: &visitor.session,
        }
    }
}

/// Who asks, if that is known: a live session of somebody who is active.
pub async fn visitor(cx: &Cx, load: Load) -> Result<Option<Visitor>, Fault> {
    let Some(token) = &cx.request.session_token else {
        return Ok(None);
    };
    let Some((session, identity)) = cx.store().sessions().by_token(token, load).await? else {
        return Ok(None);
    };
    let live = session.is_live(cx.now) && identity.is_active();
    Ok(live.then_some(Visitor { session, identity }))
}

/// What has to be known of somebody to say whether a session is good enough. The level that was stored last will do,
/// unless the configuration has a say in what counts as a second factor.
#[must_use]
pub fn enough_for_aal(cx: &Cx) -> Load {
    let methods = &cx.config.selfservice.methods;
    if methods.code.mfa_enabled {
        Load::Credentials
    } else {
        Load::CredentialsIfAalUnknown
    }
}

/// Is the session good enough, given what its owner has set up (flows.md §12.3)?
#[must_use]
pub fn satisfies(cx: &Cx, required: RequiredAal, session: &Session, identity: &Identity) -> bool {
    match (session.aal, required) {
        (Aal::Two, _) => true,
        (aal, RequiredAal::Aal1) => aal == Aal::One,
        (_, RequiredAal::HighestAvailable) => {
            identity.available_aal != Some(Aal::Two)
                && factors::available_aal(&identity.credentials, &session::policy(&cx.config))
                    < Aal::Two
        }
    }
}

/// Whoever is signed in has no need of it, and is sent home.
#[must_use]
pub fn already_signed_in(cx: &Cx) -> Refusal {
    let home = &cx.config.selfservice.default_browser_return_url;
    let then = return_to::own(cx).unwrap_or_else(|| home.clone());
    Refusal::already_signed_in().html_to(302, then)
}
