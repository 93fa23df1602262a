//! What the traits of an account are good for: who it is, where it can be reached, how it is got back.
//!
//! Walks schema and traits together. All branches of a combination count, whether they fit or not, up to
//! the one that decides it; a value of the wrong type counts nowhere (as in the reference, which collects
//! while it validates).
use super::compile::IdentitySchema;
use super::extension::Extension;
use super::tree::{Id, Items, Node};
use super::violation::{Violation, format_message, quote, type_name};
use crate::base::terms::Via;
use crate::model::{email, identifier};
use crate::text::validation as say;
use serde_json::Value;

/// A normalised address and its channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub via: Via,
    pub value: String,
}

/// What was found, without repetitions, in the order of the schema.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Derived {
    /// Identifiers of the password credential.
    pub password: Vec<String>,
    pub webauthn: Vec<String>,
    /// Identifiers of the code credential, sorted.
    pub code: Vec<Address>,
    pub verifiable: Vec<Address>,
    pub recovery: Vec<Address>,
    /// What a passkey is called: the trait marked so, else the one that identifies by webauthn.
    pub passkey_name: Option<String>,
    pub totp_name: Option<String>,
    /// Traits that are not fit for what they are marked for.
    pub violations: Vec<Violation>,
}

impl IdentitySchema {
    /// Reads the traits (the object below `traits`).
    #[must_use]
    pub fn extract(&self, traits: &Value) -> Derived {
        let mut walk = Walk {
            schema: self,
            out: Derived::default(),
            webauthn_name: None,
            steps: 0,
        };
        let document = Value::Object(
            [("traits".to_owned(), traits.clone())]
                .into_iter()
                .collect(),
        );
        walk.visit(0, &document, &mut vec![]);
        let mut out = walk.out;
        out.code
            .sort_by(|a, b| (&a.value, a.via).cmp(&(&b.value, b.via)));
        out.passkey_name = out.passkey_name.or(walk.webauthn_name);
        out
    }

    /// Writes telephone numbers that messages go to in E.164, as far as they are valid.
    pub fn normalize_phones(&self, traits: &mut Value) {
        let mut places = vec![];
        let root = self
            .tree
            .root()
            .properties
            .iter()
            .find(|(name, _)| name == "traits");
        if let Some((_, id)) = root {
            self.phones(*id, traits, String::new(), 0, &mut places);
        }
        for place in places {
            if let Some(Value::String(text)) = traits.pointer_mut(&place)
                && let Ok(number) = identifier::normalize_address(text, Via::Sms)
            {
                *text = number;
            }
        }
    }

    fn phones(&self, id: Id, value: &Value, place: String, depth: usize, out: &mut Vec<String>) {
        if depth > MAX_DEPTH || out.len() > 1000 {
            return;
        }
        let node = self.tree.get(id);
        if node.extension.as_ref().is_some_and(Extension::is_phone) {
            return out.push(place);
        }
        for child in node.in_place() {
            self.phones(child, value, place.clone(), depth + 1, out);
        }
        for (name, child) in &node.properties {
            if let Some(part) = value.get(name) {
                let name = name.replace('~', "~0").replace('/', "~1");
                self.phones(*child, part, format!("{place}/{name}"), depth + 1, out);
            }
        }
        if let Value::Array(parts) = value {
            for (index, part) in parts.iter().enumerate() {
                if let Some(child) = item(node, index) {
                    self.phones(child, part, format!("{place}/{index}"), depth + 1, out);
                }
            }
        }
    }
}

/// How deep schema and value are walked together; values are not deeper than JSON may be.
const MAX_DEPTH: usize = 512;
const MAX_STEPS: usize = 200_000;

struct Walk<'a> {
    schema: &'a IdentitySchema,
    out: Derived,
    webauthn_name: Option<String>,
    steps: usize,
}

impl Walk<'_> {
    fn visit(&mut self, id: Id, value: &Value, path: &mut Vec<String>) {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return;
        }
        let schema = self.schema;
        let node = schema.tree.get(id);
        if node.always.is_some() || !has_type(node, value) {
            return;
        }
        if let Some(target) = node.reference {
            self.visit(target, value, path);
        }
        self.visit_combinations(node, value, path);
        match value {
            Value::Object(map) => {
                for (name, child) in &node.properties {
                    if let Some(part) = map.get(name) {
                        self.visit_part(*child, part, name.replace('.', "\\."), path);
                    }
                }
                for (name, part) in map {
                    let mut known = node.properties.iter().any(|(n, _)| n == name);
                    for (pattern, child) in &node.patterns {
                        if pattern.is_match(name) {
                            known = true;
                            self.visit_part(*child, part, name.replace('.', "\\."), path);
                        }
                    }
                    if let Some(child) = node.additional.filter(|_| !known) {
                        self.visit_part(child, part, name.replace('.', "\\."), path);
                    }
                }
            }
            Value::Array(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    if let Some(child) = item(node, index) {
                        self.visit_part(child, part, index.to_string(), path);
                    }
                }
            }
            _ => {}
        }
        if let Some(extension) = &node.extension {
            self.note(extension, value, &path.join("."));
        }
    }

    fn visit_part(&mut self, id: Id, value: &Value, name: String, path: &mut Vec<String>) {
        path.push(name);
        self.visit(id, value, path);
        path.pop();
    }

    fn visit_combinations(&mut self, node: &Node, value: &Value, path: &mut Vec<String>) {
        for child in node.not.into_iter().chain(node.all_of.iter().copied()) {
            self.visit(child, value, path);
        }
        for child in &node.any_of {
            self.visit(*child, value, path);
            if self.schema.fits(*child, value) {
                break;
            }
        }
        let mut fitting = 0;
        for child in &node.one_of {
            self.visit(*child, value, path);
            fitting += usize::from(self.schema.fits(*child, value));
            if fitting > 1 {
                break;
            }
        }
        if let Some(condition) = node.condition {
            self.visit(condition, value, path);
            let branch = if self.schema.fits(condition, value) {
                node.then
            } else {
                node.otherwise
            };
            if let Some(branch) = branch {
                self.visit(branch, value, path);
            }
        }
    }

    fn note(&mut self, extension: &Extension, value: &Value, field: &str) {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let identifies = extension.password_identifier
            || extension.webauthn_identifier
            || extension.code_identifier;
        let normal = identifies.then(|| identifier::normalize(&text));
        let normal = normal.unwrap_or_default();
        // Whoever types blanks would be signed in as that person.
        if identifies && normal.is_empty() {
            let property = field.rsplit('.').next().unwrap_or(field);
            let violation = Violation::new(field, say::missing(property));
            return push(&mut self.out.violations, violation);
        }
        if extension.password_identifier {
            push(&mut self.out.password, normal.clone());
        }
        if extension.webauthn_identifier {
            push(&mut self.out.webauthn, normal);
            if self.webauthn_name.as_deref().unwrap_or("").is_empty() {
                self.webauthn_name = Some(text.to_lowercase());
            }
        }
        let name = &mut self.out.passkey_name;
        if extension.passkey_display_name && name.as_deref().unwrap_or("").is_empty() {
            *name = Some(text.clone()).filter(|t| !t.is_empty());
        }
        if extension.totp_account_name {
            self.out.totp_name = Some(text.clone());
        }
        let trouble = [
            self.note_code(extension, &text),
            self.note_verification(extension, &text, value),
            self.note_recovery(extension, &text, value),
        ];
        for message in trouble.into_iter().filter_map(Result::err) {
            push(&mut self.out.violations, Violation::new(field, *message));
        }
    }

    fn note_code(&mut self, extension: &Extension, text: &str) -> Noted {
        if !extension.code_identifier {
            return Ok(());
        }
        let Some(via) = extension.code_via else {
            return Err(Box::new(say::generic(
                "The schema does not say how codes get here: credentials.code.via is missing.",
            )));
        };
        let is_free = via == Via::Email && !matches!(extension.format.as_str(), "" | "email");
        let value = if is_free {
            identifier::normalize(text)
        } else {
            identifier::normalize_address(text, via)
                .map_err(|e| Box::new(say::generic(&sentence(e))))?
        };
        push(&mut self.out.code, Address { via, value });
        Ok(())
    }

    fn note_verification(&mut self, extension: &Extension, text: &str, value: &Value) -> Noted {
        let Some(via) = extension.verification else {
            return Ok(());
        };
        let format = match (extension.format.as_str(), via) {
            ("", Via::Email) if value.is_string() && !email::is_strict(text) => {
                return Err(Box::new(format_message("email", text)));
            }
            ("", Via::Email) => "email",
            ("", Via::Sms) => {
                return Err(Box::new(say::generic(
                    "The schema gives this no format, which it needs to be verified.",
                )));
            }
            (format, _) => format,
        };
        let value = if matches!(format, "email" | "tel") {
            identifier::normalize_address(text, via)
                .map_err(|e| Box::new(say::generic(&sentence(e))))?
        } else {
            text.trim().to_owned()
        };
        push(&mut self.out.verifiable, Address { via, value });
        Ok(())
    }

    fn note_recovery(&mut self, extension: &Extension, text: &str, value: &Value) -> Noted {
        let value = match extension.recovery {
            None => return Ok(()),
            Some(Via::Email) => {
                let strict = matches!(extension.format.as_str(), "" | "email");
                if strict && value.is_string() && !email::is_strict(text) {
                    return Err(Box::new(format_message("email", text)));
                }
                identifier::normalize_email(text)
            }
            Some(Via::Sms) => identifier::normalize_address(text, Via::Sms)
                .map_err(|_| Box::new(format_message("tel", text)))?,
        };
        if let Some(via) = extension.recovery {
            push(&mut self.out.recovery, Address { via, value });
        }
        Ok(())
    }
}

type Noted = Result<(), Box<crate::text::Message>>;

fn sentence(reason: &str) -> String {
    let mut out = String::from("This cannot be used: ");
    out.push_str(reason);
    out.push('.');
    out
}

fn push<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

fn has_type(node: &Node, value: &Value) -> bool {
    node.types.is_empty()
        || node.types.iter().any(|t| {
            t == type_name(value)
                || (t == "integer"
                    && value
                        .as_f64()
                        .is_some_and(|n| value.is_i64() || value.is_u64() || n.fract() == 0.0))
        })
}

fn item(node: &Node, index: usize) -> Option<Id> {
    match node.items.as_ref()? {
        Items::Each(id) => Some(*id),
        Items::Tuple(ids, more) => ids.get(index).copied().or(*more),
    }
}

/// The violations as one line for a log or an error: fields and message ids, no values.
#[must_use]
pub fn summary(violations: &[Violation]) -> String {
    violations
        .iter()
        .map(|v| format!("{} ({})", quote(&v.field), v.message.id))
        .collect::<Vec<_>>()
        .join(", ")
}
