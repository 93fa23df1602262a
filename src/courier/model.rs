//! What templates are given (courier.md §5): the fields of each kind under their names in templates and in JSON, in the
//! order in which the reference writes them. The JSON is kept with the message; the HTML is made from it later.
use super::gojson;
use super::kinds::has_headers;
use super::letter::Letter;
use super::template::value::{self, Record};
use crate::base::terms::{TemplateType, Via};
use crate::base::time::{rfc3339, seconds};
use gotmpl::Value as Data;
use serde_json::{Map, Value};
use std::fmt::Write;
use url::Url;

/// How a field travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    Whole,
    /// A map of whatever.
    Map,
    /// `{challenge, client}`, left out if there is none.
    OAuth2,
}

#[derive(Clone, Copy, Debug)]
struct Field {
    name: &'static str,
    key: &'static str,
    form: Form,
}

const fn text(name: &'static str, key: &'static str) -> Field {
    let form = Form::Text;
    Field { name, key, form }
}
const fn map(name: &'static str, key: &'static str) -> Field {
    let form = Form::Map;
    Field { name, key, form }
}

const TO: Field = text("To", "to");
const REQUEST_URL: Field = text("RequestURL", "request_url");
const DOMAIN: Field = text("RequestURLDomain", "request_url_domain");
const PAYLOAD: Field = map("TransientPayload", "transient_payload");
const IDENTITY: Field = map("Identity", "identity");
const TRAITS: Field = map("Traits", "traits");
const RECOVERY_URL: Field = text("RecoveryURL", "recovery_url");
const VERIFICATION_URL: Field = text("VerificationURL", "verification_url");
const RECOVERY_CODE: Field = text("RecoveryCode", "recovery_code");
const VERIFICATION_CODE: Field = text("VerificationCode", "verification_code");
const LOGIN_CODE: Field = text("LoginCode", "login_code");
const REGISTRATION_CODE: Field = text("RegistrationCode", "registration_code");
const CHANGED_AT: Field = text("ChangedAt", "changed_at");
const ADDED_AT: Field = text("AddedAt", "added_at");
const EXPIRES: Field = Field {
    name: "ExpiresInMinutes",
    key: "expires_in_minutes",
    form: Form::Whole,
};
const OAUTH2: Field = Field {
    name: "OAuth2LoginRequest",
    key: "oauth2_login_request",
    form: Form::OAuth2,
};
/// The visitor's headers, where templates see them.
const HEADERS: &str = "UserRequestHeaders";
/// The reference gives the code of a recovery by text message this key; gateways have learnt to read it.
const RECOVERY_CODE_BY_SMS: Field = text("RecoveryCode", "verification_code");

fn fields(template: TemplateType, via: Via) -> &'static [Field] {
    use TemplateType as T;
    if via == Via::Sms {
        match template {
            T::RecoveryCodeValid => {
                return &[
                    TO,
                    RECOVERY_CODE_BY_SMS,
                    IDENTITY,
                    REQUEST_URL,
                    DOMAIN,
                    PAYLOAD,
                    EXPIRES,
                ];
            }
            T::VerificationCodeValid => {
                return &[
                    TO,
                    VERIFICATION_CODE,
                    IDENTITY,
                    REQUEST_URL,
                    DOMAIN,
                    PAYLOAD,
                    EXPIRES,
                    OAUTH2,
                ];
            }
            T::LoginCodeValid => {
                return &[
                    TO,
                    LOGIN_CODE,
                    IDENTITY,
                    REQUEST_URL,
                    DOMAIN,
                    PAYLOAD,
                    EXPIRES,
                    OAUTH2,
                ];
            }
            T::RegistrationCodeValid => {
                return &[
                    TO,
                    REGISTRATION_CODE,
                    IDENTITY,
                    REQUEST_URL,
                    DOMAIN,
                    PAYLOAD,
                    EXPIRES,
                    OAUTH2,
                ];
            }
            _ => {}
        }
    }
    match template {
        T::RecoveryInvalid
        | T::RecoveryCodeInvalid
        | T::VerificationInvalid
        | T::VerificationCodeInvalid => &[TO, REQUEST_URL, PAYLOAD],
        T::RecoveryValid => &[TO, RECOVERY_URL, IDENTITY, REQUEST_URL, PAYLOAD, EXPIRES],
        T::RecoveryCodeValid => &[TO, RECOVERY_CODE, IDENTITY, REQUEST_URL, PAYLOAD, EXPIRES],
        T::VerificationValid => &[
            TO,
            VERIFICATION_URL,
            IDENTITY,
            REQUEST_URL,
            PAYLOAD,
            EXPIRES,
            OAUTH2,
        ],
        T::VerificationCodeValid => &[
            TO,
            VERIFICATION_URL,
            VERIFICATION_CODE,
            IDENTITY,
            REQUEST_URL,
            PAYLOAD,
            EXPIRES,
            OAUTH2,
        ],
        T::LoginCodeValid => &[
            TO,
            LOGIN_CODE,
            IDENTITY,
            REQUEST_URL,
            PAYLOAD,
            EXPIRES,
            OAUTH2,
        ],
        T::RegistrationCodeValid => &[
            TO,
            TRAITS,
            REGISTRATION_CODE,
            REQUEST_URL,
            PAYLOAD,
            EXPIRES,
            OAUTH2,
        ],
        T::VerifiableAddressChanged => &[TO, IDENTITY, CHANGED_AT, PAYLOAD],
        T::AuthenticatorKeyAdded => &[TO, IDENTITY, ADDED_AT, PAYLOAD],
    }
}

/// Whether templates of that kind see a field of that name.
pub(super) fn has_field(template: TemplateType, via: Via, name: &str) -> bool {
    fields(template, via).iter().any(|field| field.name == name)
        || (name == HEADERS && has_headers(template, via))
}

/// The values of a letter's fields, in order.
pub(super) struct Model {
    template: TemplateType,
    via: Via,
    values: Vec<(Field, Value)>,
    headers: Option<Value>,
}

impl Model {
    pub(super) fn of(letter: &Letter<'_>) -> Self {
        let values = fields(letter.template, letter.via)
            .iter()
            .map(|field| (*field, letter.field(field.name)))
            .collect();
        Self {
            template: letter.template,
            via: letter.via,
            values,
            headers: letter.request_headers.clone(),
        }
    }

    /// Back from the JSON of a message. What is missing is empty, what nobody knows is passed over.
    pub(super) fn parse(template: TemplateType, via: Via, json: &[u8]) -> Option<Self> {
        let mut given: Map<String, Value> = serde_json::from_slice(json).ok()?;
        let mut values = vec![];
        for field in fields(template, via) {
            let value = given.remove(field.key).unwrap_or(Value::Null);
            let fits = match field.form {
                Form::Text => value.is_string(),
                Form::Whole => value.is_i64() || value.is_u64(),
                Form::Map | Form::OAuth2 => value.is_object(),
            };
            if !fits && !value.is_null() {
                return None;
            }
            values.push((*field, value));
        }
        Some(Self {
            template,
            via,
            values,
            headers: None,
        })
    }

    /// The bytes of `template_data`.
    pub(super) fn json(&self) -> String {
        let mut out = String::from("{");
        for (field, value) in &self.values {
            if field.form == Form::OAuth2 && value.is_null() {
                continue;
            }
            if out.len() > 1 {
                out.push(',');
            }
            let _ = write!(out, "\"{}\":", field.key);
            match (field.form, value) {
                (Form::Text, Value::String(text)) => gojson::push_string(&mut out, text, true),
                (Form::Text, _) => out.push_str("\"\""),
                (Form::Whole, value) => {
                    let _ = write!(out, "{}", value.as_i64().unwrap_or(0));
                }
                (Form::Map, value) => gojson::push(&mut out, value),
                (Form::OAuth2, value) => push_oauth2(&mut out, value),
            }
        }
        // The right key beside the wrong one.
        if self.via == Via::Sms && self.template == TemplateType::RecoveryCodeValid {
            out.push_str(",\"recovery_code\":");
            let code = self.values.iter().find(|(f, _)| f.name == "RecoveryCode");
            let code = code.and_then(|(_, value)| value.as_str()).unwrap_or("");
            gojson::push_string(&mut out, code, true);
        }
        out.push('}');
        out
    }

    /// The dot of a template.
    pub(super) fn data(&self, json: &str) -> Data {
        let mut record = Record::new(json);
        for (field, value) in &self.values {
            let data = match field.form {
                Form::Text => Data::from(value.as_str().unwrap_or("")),
                Form::Whole => Data::Int(value.as_i64().unwrap_or(0)),
                Form::Map => value::of_map(value),
                Form::OAuth2 => oauth2(value),
            };
            record.put(field.name, data);
        }
        if has_headers(self.template, self.via) {
            let headers = self.headers.as_ref().unwrap_or(&Value::Null);
            record.put(HEADERS, value::of_map(headers));
        }
        record.done()
    }
}

impl Letter<'_> {
    fn field(&self, name: &str) -> Value {
        let text = |text: Option<&str>| Value::from(text.unwrap_or(""));
        let at = || Value::from(self.at.map(seconds).map(rfc3339).unwrap_or_default());
        match name {
            "To" => self.to.into(),
            "RequestURL" => self.request_url.into(),
            "RequestURLDomain" => domain(self.request_url).into(),
            "TransientPayload" => self.transient_payload.clone(),
            // The traits of somebody who is about to become an identity stand where the identity would.
            "Identity" => {
                let who = self.identity.as_ref().or(self.traits.as_ref());
                who.cloned().unwrap_or(Value::Null)
            }
            "Traits" => self.traits.clone().unwrap_or(Value::Null),
            "RecoveryURL" | "VerificationURL" => text(self.url),
            "RecoveryCode" | "VerificationCode" | "LoginCode" | "RegistrationCode" => {
                text(self.code)
            }
            "ChangedAt" | "AddedAt" => at(),
            "ExpiresInMinutes" => self.expires_in_minutes.into(),
            "OAuth2LoginRequest" => self.oauth2_login_request.clone().unwrap_or(Value::Null),
            _ => Value::Null,
        }
    }
}

/// The host of an address without its port; nothing if it is no address.
fn domain(url: &str) -> String {
    let url = Url::parse(url).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or("");
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned()
}

const CLIENT: [(&str, &str); 4] = [
    ("ClientID", "client_id"),
    ("ClientName", "client_name"),
    ("ClientURI", "client_uri"),
    ("LogoURI", "logo_uri"),
];

fn push_oauth2(out: &mut String, value: &Value) {
    out.push_str("{\"challenge\":");
    gojson::push_string(out, value["challenge"].as_str().unwrap_or(""), true);
    out.push_str(",\"client\":{");
    let client = &value["client"];
    for (index, (_, key)) in CLIENT.iter().enumerate() {
        let text = client[*key].as_str().unwrap_or("");
        if index > 0 && text.is_empty() {
            continue;
        }
        if index > 0 {
            out.push(',');
        }
        let _ = write!(out, "\"{key}\":");
        gojson::push_string(out, text, true);
    }
    if !client["metadata"].is_null() {
        out.push_str(",\"metadata\":");
        gojson::push(out, &client["metadata"]);
    }
    out.push_str("}}");
}

pub(super) fn oauth2(value: &Value) -> Data {
    if value.is_null() {
        return Data::Nil;
    }
    let mut json = String::new();
    push_oauth2(&mut json, value);
    let mut client = Record::new("{}");
    for (name, key) in CLIENT {
        client.put(name, value["client"][key].as_str().unwrap_or("").into());
    }
    client.put("Metadata", value::of_json(&value["client"]["metadata"]));
    let mut whole = Record::new(&json);
    whole.put(
        "Challenge",
        value["challenge"].as_str().unwrap_or("").into(),
    );
    whole.put("Client", client.done());
    whole.done()
}
