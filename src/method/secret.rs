//! Codes and the tokens of links: made, counted, used up (flows.md §9.4.1, §9.4.2).
use crate::base::id::{FlowId, RowId};
use crate::base::random;
use crate::crypto::mac::MacKeys;
use crate::flow::{Cx, Fault, Refusal};
use crate::store::{OneTime, Stored, StoredOnce};
use anyhow::Context;
use time::Duration;

/// Digits of a code.
pub(super) const CODE_LENGTH: u16 = 6;

/// Six decimal digits.
pub(super) fn code(cx: &Cx) -> String {
    random::digits(cx.dice(), usize::from(CODE_LENGTH))
}

/// What a link carries: 32 letters and digits.
pub(super) fn token(cx: &Cx) -> String {
    random::alphanumeric(cx.dice(), 32)
}

/// The row that remembers it.
pub(super) fn row<K>(cx: &Cx, text: &str, lifespan: Duration, own: K) -> Result<OneTime<K>, Fault> {
    let hmac = MacKeys::of(&cx.config)
        .sign(text)
        .context("there is no secret to sign codes with")?;
    Ok(OneTime {
        id: RowId::random(cx.dice()),
        hmac,
        issued_at: cx.now,
        expires_at: cx.now + lifespan,
        used_at: None,
        own,
    })
}

pub(super) enum Tried<K> {
    /// It was good, and is used up now.
    Right(OneTime<K>),
    /// There is no such code, or no longer.
    Wrong,
    /// It was used before, or there were too many tries.
    Spent(Refusal),
}

/// Tries a code of a flow. Every try counts, those that succeed too; of several at the same time one wins.
pub(super) async fn try_code<F: Stored, K: StoredOnce>(
    cx: &Cx,
    flow: FlowId,
    text: &str,
    is_meant: impl Fn(&K) -> bool,
) -> Result<Tried<K>, Fault> {
    let most = cx.config.selfservice.methods.code.config.max_submissions;
    let tries = cx.store().count_submission::<F>(flow).await?;
    if tries > i64::from(most) {
        return Ok(Tried::Spent(Refusal::bad(
            "Too many codes were tried here. Please ask for another one.",
        )));
    }
    let keys = MacKeys::of(&cx.config);
    let all = cx.store().one_time().of::<K>(flow).await?;
    let mut fitting: Vec<_> = all
        .into_iter()
        .filter(|code| keys.matches(text, &code.hmac) && is_meant(&code.own))
        .filter(|code| !code.is_expired(cx.now))
        .collect();
    fitting.sort_by_key(|code| code.used_at.is_some());
    let Some(code) = fitting.into_iter().next() else {
        return Ok(Tried::Wrong);
    };
    if code.used_at.is_none() && cx.store().one_time().use_up(&code, cx.now).await? {
        return Ok(Tried::Right(code));
    }
    Ok(Tried::Spent(Refusal::bad(
        "This code was used already. Please ask for another one.",
    )))
}

/// Uses up the token of a link; nothing: there is none, it was used, or it belongs to another flow.
pub(super) async fn use_token<K: StoredOnce>(
    cx: &Cx,
    text: &str,
    is_meant: impl Fn(&K) -> bool,
) -> Result<Option<OneTime<K>>, Fault> {
    let candidates = MacKeys::of(&cx.config).candidates(text);
    let found = cx.store().one_time().by_hmac::<K>(&candidates).await?;
    let Some(token) = found.filter(|token| token.used_at.is_none() && is_meant(&token.own)) else {
        return Ok(None);
    };
    let won = cx.store().one_time().use_up(&token, cx.now).await?;
    Ok(won.then_some(token))
}
