//! The functions of a template. A template is made ready once and run often; what belongs to a run alone, its budget, its
//! time and its dice, is found here by the thread that it runs on, which it never leaves.
use super::budget::Budget;
use super::{own, sprig};
use crate::courier::sprig::Env;
use gotmpl::{FuncMap, TemplateError, Value};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

struct Job {
    budget: Budget,
    env: Env,
}

thread_local! {
    static JOB: RefCell<Option<Rc<Job>>> = const { RefCell::new(None) };
}

/// Puts back what was there before, however the run ends.
struct Restored(Option<Rc<Job>>);

impl Drop for Restored {
    fn drop(&mut self) {
        JOB.set(self.0.take());
    }
}

/// Runs a template that was made with [`table`].
pub(super) fn within<T>(env: Env, run: impl FnOnce() -> T) -> T {
    let budget = Budget::default();
    let _restored = Restored(JOB.replace(Some(Rc::new(Job { budget, env }))));
    run()
}

/// What runs on this thread.
fn job() -> Result<Rc<Job>, String> {
    let job = JOB.with_borrow(Clone::clone);
    job.ok_or_else(|| "nothing is run here".to_owned())
}

/// Go's own functions and those of the set that are called, each with the budget at its door.
pub(super) fn table(set: sprig::Set, called: &BTreeSet<String>) -> FuncMap {
    let mut table = FuncMap::new();
    for &(name, function) in own::TABLE {
        let run = move |args: &[Value]| {
            let run = || {
                let job = job()?;
                job.budget.step(1)?;
                let value = function(args)?;
                // What is only looked up is there already.
                if name != own::FIELD {
                    job.budget.keep(&value)?;
                }
                Ok(value)
            };
            run().map_err(TemplateError::Exec)
        };
        table.insert(name.to_owned(), Arc::new(run));
    }
    for function in sprig::all(set).filter(|f| called.contains(f.name)) {
        let run = move |args: &[Value]| {
            let run = || {
                let job = job()?;
                job.budget.step(function.cost)?;
                job.budget.look(args)?;
                let value = (function.run)(&job.env, args)?;
                job.budget.keep(&value)?;
                Ok(value)
            };
            run().map_err(|what: String| TemplateError::Exec(format!("{}: {what}", function.name)))
        };
        table.insert(function.name.to_owned(), Arc::new(run));
    }
    table
}
