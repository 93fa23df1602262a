//! A fault becomes words on the form, or leaves as it is (flows.md §1.9).
use crate::base::terms::FlowKind;
use crate::flow::{Answer, Cx, Fault};
use crate::model::flow::{Flow, Passing};
use crate::store::Stored;
use crate::ui::Form;

pub(super) async fn show<K: Stored>(
    cx: &Cx,
    flow: &mut Flow<K>,
    fault: Fault,
    sort: impl FnOnce(&mut Form),
) -> Answer {
    let errors = match fault {
        Fault::Form(errors) => errors,
        Fault::Refused(r) if r.status == 400 => vec![(None, r.said())],
        other => return other.into(),
    };
    if !matches!(K::KIND, FlowKind::Settings | FlowKind::Verification) {
        flow.form.forget_messages();
    }
    for (field, message) in errors {
        flow.form.fail(field.as_deref(), message);
    }
    // A complaint may have made a field.
    sort(&mut flow.form);
    flow.passing = Passing {
        identity: flow.passing.identity.take(),
        ..Passing::default()
    };
    if let Err(error) = cx.store().flows().update_failed(flow).await {
        return Fault::from(error).into();
    }
    Answer::Invalid(Box::new(flow.any()))
}
