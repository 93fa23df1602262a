//! One evaluation, in the child. Imports are refused; the depth of calls is bounded; the rest is the sandbox's business.
use super::complaint::Complaint;
use super::frame::{Given, MOST_OUT, Order, Outcome, What};
use super::manifest::{self, Trouble};
use rsjsonnet_lang::arena::Arena;
use rsjsonnet_lang::interner::InternedStr;
use rsjsonnet_lang::program::{
    Callbacks, EvalError, EvalErrorKind, EvalStackTraceItem, ImportError, NativeError, Program,
    Thunk, Value,
};
use rsjsonnet_lang::span::SpanId;
use serde_json::Value as Json;

/// Places that are noted at once. The reference counts calls only, up to 500; this interpreter notes variables and
/// fields, too, and needs several for one call.
const MOST_STACK: usize = 4000;

pub(super) fn run(order: &Order<'_>) -> Outcome {
    let arena = Arena::new();
    let mut program = Program::new(&arena);
    program.set_max_stack(MOST_STACK);
    let source = order.snippet.as_bytes();
    let (place, _) = program
        .span_manager_mut()
        .insert_source_context(source.len());
    let complaint = Complaint {
        source: &order.snippet,
        place,
    };
    let thunk = match program.load_source(place, source, true, "") {
        Ok(thunk) => thunk,
        Err(error) => return Outcome::Failed(complaint.load(&program, &error)),
    };
    let What::Run {
        arguments,
        external,
    } = &order.what
    else {
        // An import may stand where a run gets to rarely.
        return match complaint.import(program.span_manager_mut()) {
            Some(text) => Outcome::Failed(text),
            None => Outcome::Done(super::lint::slips(&order.snippet, false).join("\n")),
        };
    };
    for (index, (name, value)) in external.iter().enumerate() {
        // The interpreter takes it ill to be told twice.
        if external[..index].iter().any(|(known, _)| known == name) {
            continue;
        }
        match given(&mut program, name, value) {
            Ok(value) => program.add_ext_var(program.intern_str(name), &value),
            Err(complaint) => return Outcome::Failed(complaint),
        }
    }
    let failed = |program: &Program<'_>, error: &EvalError| match &error.kind {
        // So the reference has it: whatever begins with that word.
        EvalErrorKind::ExplicitError { message, .. } if message.starts_with("cancel") => {
            Outcome::Cancelled
        }
        _ => Outcome::Failed(complaint.run(program, error)),
    };
    let mut value = match program.eval_value(&thunk, &mut Nothing) {
        Ok(value) => value,
        Err(error) => return failed(&program, &error),
    };
    if value.is_function() {
        let mut named = vec![];
        for (name, value) in arguments {
            match given(&mut program, name, value) {
                Ok(value) => named.push((program.intern_str(name), value)),
                Err(complaint) => return Outcome::Failed(complaint),
            }
        }
        value = match program.eval_call(&thunk, &[], &named, &mut Nothing) {
            Ok(value) => value,
            Err(error) => return failed(&program, &error),
        };
    }
    match manifest::json(&value, MOST_OUT) {
        Ok(text) => Outcome::Done(text),
        Err(Trouble::TooLarge) => Outcome::TooLarge,
        Err(Trouble::TooDeep) => Outcome::Failed("the result is nested too deeply".to_owned()),
        Err(Trouble::Function) => {
            Outcome::Failed("the result holds a function, which JSON has not".to_owned())
        }
    }
}

/// Code is not run before it is asked for.
fn given<'p>(program: &mut Program<'p>, name: &str, given: &Given) -> Result<Thunk<'p>, String> {
    let code = match given {
        Given::Value(json) => {
            let value = value_of(program, json);
            return Ok(program.value_to_thunk(&value));
        }
        Given::Code(code) => code,
    };
    let source = code.as_bytes();
    let (place, _) = program
        .span_manager_mut()
        .insert_source_context(source.len());
    program
        .load_source(place, source, true, "")
        .map_err(|error| {
            let complaint = Complaint {
                source: code,
                place,
            };
            format!("{name}: {}", complaint.load(program, &error))
        })
}

fn value_of<'p>(program: &mut Program<'p>, json: &Json) -> Value<'p> {
    match json {
        Json::Null => Value::null(),
        Json::Bool(is_so) => Value::bool(*is_so),
        Json::Number(number) => Value::number(number.as_f64().unwrap_or_default()),
        Json::String(text) => Value::string(text),
        Json::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| value_of(program, item)).collect();
            program.make_array(&items)
        }
        Json::Object(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, field)| (program.intern_str(name), value_of(program, field)))
                .collect();
            program.make_object(&fields)
        }
    }
}

/// There is nothing to import, and nobody listens.
struct Nothing;

impl<'p> Callbacks<'p> for Nothing {
    fn import(
        &mut self,
        _: &mut Program<'p>,
        _: SpanId,
        _: &str,
    ) -> Result<Thunk<'p>, ImportError> {
        Err(ImportError)
    }
    fn import_str(
        &mut self,
        _: &mut Program<'p>,
        _: SpanId,
        _: &str,
    ) -> Result<String, ImportError> {
        Err(ImportError)
    }
    fn import_bin(
        &mut self,
        _: &mut Program<'p>,
        _: SpanId,
        _: &str,
    ) -> Result<Vec<u8>, ImportError> {
        Err(ImportError)
    }
    fn trace(&mut self, _: &mut Program<'p>, _: &str, _: &[EvalStackTraceItem]) {}
    fn native_call(
        &mut self,
        _: &mut Program<'p>,
        _: InternedStr<'p>,
        _: &[Value<'p>],
    ) -> Result<Value<'p>, NativeError> {
        Err(NativeError)
    }
}
