//! Letters that tell somebody what has happened to their account.
use super::letters::{compose, person};
use crate::base::terms::TemplateType;
use crate::courier::Letter;
use crate::flow::{Cx, Fault};
use crate::model::flow::SettingsFlow;
use crate::model::identity::{Identity, VerifiableAddress};

/// The account has other addresses now; `to` are some of before.
pub async fn address_changed(
    cx: &Cx,
    flow: &SettingsFlow,
    identity: &Identity,
    to: &[&VerifiableAddress],
) -> Result<(), Fault> {
    let mut batch = cx.store().batch();
    let template = TemplateType::VerifiableAddressChanged;
    for address in to {
        let letter = Letter {
            identity: Some(person(cx, identity)),
            at: Some(cx.now),
            ..Letter::new(template, address.via, &address.value, &flow.request_url)
        };
        batch.insert_message(&compose(cx, &letter).await?);
    }
    Ok(batch.commit().await?)
}
