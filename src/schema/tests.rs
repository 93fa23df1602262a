#![expect(
    clippy::needless_pass_by_value,
    reason = "json!(…) reads best where it stands"
)]
use super::payload::{Decoded, Fields};
use super::*;
use crate::base::terms::Via;
use crate::base::url::Params;
use crate::config::{Config, IdentitySchema as Source};
use crate::outbound::Outbound;
use crate::resource::Resources;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;
use time::macros::datetime;

async fn compiled(schema: Value) -> Result<Arc<IdentitySchema>, SchemaError> {
    let url = format!(
        "base64://{}",
        data_encoding::BASE64.encode(schema.to_string().as_bytes())
    );
    let mut config = Config::default();
    config.identity.schemas = vec![source("default", url)];
    SchemaRegistry::new(Resources::new(Outbound::default()))
        .get(&config, "default", datetime!(2026-07-01 12:00 UTC))
        .await
}

fn source(id: &str, url: String) -> Source {
    Source {
        id: id.to_owned(),
        url,
        selfservice_selectable: false,
    }
}

fn with_traits(traits: Value, required: &[&str]) -> Value {
    json!({
        "$id": "https://schemas.example.org/person.json",
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {"traits": {
            "type": "object", "properties": traits, "required": required, "additionalProperties": false,
        }},
    })
}

fn email() -> Value {
    json!({
        "type": "string", "format": "email", "title": "E-mail", "minLength": 3,
        "ory.sh/kratos": {
            "credentials": {"password": {"identifier": true}, "totp": {"account_name": true}},
            "verification": {"via": "email"},
            "recovery": {"via": "email"},
        },
    })
}

fn person() -> Value {
    with_traits(
        json!({
            "email": email(),
            "name": {"type": "object", "properties": {
                "first": {"type": "string", "title": "First name"},
                "last": {"type": "string", "title": "Last name"},
            }},
            "website": {"type": "string", "format": "uri"},
            "age": {"type": "integer", "minimum": 13},
            "newsletter": {"type": "boolean"},
            "tags": {"type": "array", "items": {"type": "string"}},
        }),
        &["email"],
    )
}

fn shown(violations: &[Violation]) -> Vec<(String, u32, Value)> {
    violations
        .iter()
        .map(|v| (v.field.clone(), v.message.id, json!(v.message.context)))
        .collect()
}

/// Each kind of constraint, one after the other and all together: ids and contexts as recorded.
#[tokio::test]
async fn each_constraint_has_its_message() {
    let schema = compiled(with_traits(
        json!({
            "short": {"type": "string", "minLength": 3},
            "long": {"type": "string", "maxLength": 5},
            "pattern": {"type": "string", "pattern": "^[a-f]+$"},
            "low": {"type": "integer", "minimum": 10},
            "above": {"type": "integer", "exclusiveMinimum": 10},
            "high": {"type": "integer", "maximum": 10},
            "below": {"type": "integer", "exclusiveMaximum": 10},
            "multiple": {"type": "integer", "multipleOf": 5},
            "few": {"type": "array", "items": {"type": "string"}, "minItems": 2},
            "many": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
            "unique": {"type": "array", "items": {"type": "string"}, "uniqueItems": true},
            "terms": {"type": "boolean", "const": true},
            "plan": {"type": "string", "const": "basic"},
            "bundle": {"type": "array", "const": ["one", 2]},
            "number": {"type": "number"},
            "tel": {"type": "string", "format": "tel"},
            "contact": {"type": "string", "format": "email", "minLength": 3},
            "gone": {},
            "hidden": {"type": "string", "minLength": 3, "enum": ["abc"], "const": "abc"},
        }),
        &["gone"],
    ))
    .await
    .unwrap();
    let cases = [
        (
            "short",
            json!("ab"),
            4_000_003,
            json!({"actual_length": 2, "min_length": 3}),
        ),
        (
            "long",
            json!("toolong"),
            4_000_017,
            json!({"actual_length": 7, "max_length": 5}),
        ),
        (
            "pattern",
            json!("xyz"),
            4_000_004,
            json!({"pattern": "^[a-f]+$"}),
        ),
        (
            "low",
            json!(9),
            4_000_018,
            json!({"actual": 9, "minimum": 10}),
        ),
        (
            "above",
            json!(10),
            4_000_019,
            json!({"actual": 10, "minimum": 10}),
        ),
        (
            "high",
            json!(11),
            4_000_020,
            json!({"actual": 11, "maximum": 10}),
        ),
        (
            "below",
            json!(10),
            4_000_021,
            json!({"actual": 10, "maximum": 10}),
        ),
        (
            "multiple",
            json!(7),
            4_000_022,
            json!({"actual": 7, "base": 5}),
        ),
        (
            "few",
            json!(["one"]),
            4_000_024,
            json!({"actual_items": 1, "min_items": 2}),
        ),
        (
            "many",
            json!(["a", "b", "c"]),
            4_000_023,
            json!({"actual_items": 3, "max_items": 2}),
        ),
        (
            "unique",
            json!(["same", "same"]),
            4_000_025,
            json!({"index_a": 0, "index_b": 1}),
        ),
        (
            "terms",
            json!(false),
            4_000_029,
            json!({"expected": "true"}),
        ),
        (
            "plan",
            json!("gold"),
            4_000_029,
            json!({"expected": "\"basic\""}),
        ),
        ("bundle", json!(["two"]), 4_000_030, json!({})),
        (
            "number",
            json!("many"),
            4_000_026,
            json!({"actual_type": "string", "allowed_types": ["number"]}),
        ),
        ("tel", json!("12"), 4_000_041, json!({"value": "12"})),
        (
            "contact",
            json!("no address"),
            4_000_040,
            json!({"value": "no address"}),
        ),
    ];
    let mut all = json!({"gone": null});
    for (name, value, id, context) in &cases {
        let mut traits = json!({"gone": null});
        traits[*name] = value.clone();
        let violations = schema.violations(&traits);
        assert_eq!(
            shown(&violations),
            [(format!("traits.{name}"), *id, context.clone())],
        );
        all[*name] = value.clone();
    }
    assert_eq!(schema.violations(&all).len(), cases.len());

    let missing = schema.violations(&json!({}));
    assert_eq!(
        shown(&missing),
        [(
            "traits.gone".to_owned(),
            4_000_002,
            json!({"property": "gone"})
        )]
    );
    let unknown = schema.violations(&json!({"gone": 1, "other": 1}));
    assert_eq!(unknown.len(), 1);
    assert_eq!(
        (unknown[0].field.as_str(), unknown[0].message.id),
        ("traits", 4_000_001)
    );
    // A wrong type hides the rest.
    let mistyped = schema.violations(&json!({"gone": 1, "hidden": 5}));
    assert_eq!(
        mistyped.iter().map(|v| v.message.id).collect::<Vec<_>>(),
        [4_000_026]
    );
    // An empty address: the format first, in general words, then the length.
    let empty = schema.violations(&json!({"gone": 1, "contact": ""}));
    assert_eq!(
        empty.iter().map(|v| v.message.id).collect::<Vec<_>>(),
        [4_000_001, 4_000_003]
    );
}

#[tokio::test]
async fn traits_become_inputs() {
    let schema = compiled(person()).await.unwrap();
    let fields: Vec<String> = schema
        .fields()
        .iter()
        .map(|n| {
            let input = n.as_input().unwrap();
            let label = n.label.as_ref().map_or("", |l| l.text.as_str());
            let hint = input.autocomplete.as_deref().unwrap_or("");
            format!(
                "{} {:?} {} {hint} {label}",
                input.name, input.input, input.required
            )
        })
        .collect();
    assert_eq!(
        fields,
        [
            "traits.age Number false  ",
            "traits.email Email true email E-mail",
            "traits.name.first Text false  First name",
            "traits.name.last Text false  Last name",
            "traits.newsletter Checkbox false  ",
            "traits.tags Text false  ",
            "traits.website Url false url ",
        ]
    );
    assert_eq!(
        schema.leaf_keys(),
        [
            "traits.email",
            "traits.name.first",
            "traits.name.last",
            "traits.website",
            "traits.age",
            "traits.newsletter",
            "traits.tags"
        ]
    );
    assert_eq!(schema.identifier_label().text, "E-mail");
}

#[tokio::test]
async fn two_names_have_a_general_label() {
    let name = json!({"type": "string", "title": "Name", "ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}});
    let schema = compiled(with_traits(json!({"email": email(), "name": name}), &[]))
        .await
        .unwrap();
    assert_eq!(schema.identifier_label().id, 1_070_004);
}

#[tokio::test]
async fn marks_are_collected_and_normalised() {
    let phone = json!({"type": "string", "format": "tel", "ory.sh/kratos": {
        "credentials": {"code": {"identifier": true, "via": "sms"}, "webauthn": {"identifier": true}},
        "verification": {"via": "sms"}, "recovery": {"via": "sms"},
    }});
    let schema = compiled(with_traits(
        json!({"email": email(), "phones": {"type": "array", "items": phone}}),
        &[],
    ))
    .await
    .unwrap();
    let mut traits = json!({
        "email": "Ada@Example.org",
        "phones": ["+49 176 67111638", "+1 650 253 0000", "+4917667111638"],
    });
    let derived = schema.check(&mut traits).unwrap();
    assert_eq!(
        traits["phones"],
        json!(["+4917667111638", "+16502530000", "+4917667111638"])
    );
    let address = |via, value: &str| Address {
        via,
        value: value.to_owned(),
    };
    let phones = [
        address(Via::Sms, "+4917667111638"),
        address(Via::Sms, "+16502530000"),
    ];
    assert_eq!(derived.password, ["ada@example.org"]);
    assert_eq!(derived.webauthn, ["+4917667111638", "+16502530000"]);
    assert_eq!(derived.totp_name.as_deref(), Some("Ada@Example.org"));
    assert_eq!(derived.code, [phones[1].clone(), phones[0].clone()]);
    assert_eq!(derived.recovery[0], address(Via::Email, "ada@example.org"));
    assert_eq!(derived.recovery[1..], phones);
    assert_eq!(derived.verifiable.len(), 3);
}

#[tokio::test]
async fn alternatives_are_collected_as_far_as_they_are_tried() {
    let mark = json!({"ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}});
    let schema = compiled(json!({"type": "object", "properties": {"traits": {
        "type": "object", "properties": {"kind": {"type": "string"}},
        "if": {"properties": {"kind": {"const": "staff"}}, "required": ["kind"]},
        "then": {"properties": {"badge": mark}},
        "else": {"properties": {"nick": mark}},
    }}}))
    .await
    .unwrap();
    let staff = json!({"kind": "staff", "badge": "B1", "nick": "ada"});
    assert_eq!(schema.extract(&staff).password, ["b1"]);
    let guest = json!({"kind": "guest", "badge": "B1", "nick": "ada"});
    assert_eq!(schema.extract(&guest).password, ["ada"]);
}

#[tokio::test]
async fn an_address_without_a_format_is_checked_all_the_same() {
    let schema = compiled(with_traits(
        json!({"email": {"type": "string", "ory.sh/kratos": {"verification": {"via": "email"}}}}),
        &[],
    ))
    .await
    .unwrap();
    let violations = schema
        .check(&mut json!({"email": "no address"}))
        .unwrap_err();
    assert_eq!(
        shown(&violations),
        [(
            "traits.email".to_owned(),
            4_000_040,
            json!({"value": "no address"})
        )]
    );
}

/// Each mark and the format refuse the same value in the same words: that is one mistake.
#[tokio::test]
async fn what_several_marks_refuse_alike_is_told_once() {
    for format in [None, Some("email")] {
        let mut email = json!({"type": "string", "ory.sh/kratos": {
            "verification": {"via": "email"}, "recovery": {"via": "email"},
            "credentials": {"code": {"identifier": true, "via": "email"}},
        }});
        if let Some(format) = format {
            email["format"] = json!(format);
        }
        let schema = compiled(with_traits(json!({"email": email}), &[]))
            .await
            .unwrap();
        let violations = schema
            .check(&mut json!({"email": "no address"}))
            .unwrap_err();
        let mut told = violations
            .iter()
            .map(|v| (&v.field, v.message.id, &v.message.text))
            .collect::<Vec<_>>();
        told.sort_unstable();
        told.dedup();
        assert_eq!(told.len(), violations.len(), "{violations:?}");
        assert!(told.iter().any(|(_, id, _)| *id == 4_000_040));
    }
}

async fn decoded(fields: &Fields) -> Decoded {
    let schema = compiled(person()).await.unwrap();
    let shape = json!({
        "type": "object",
        "properties": {
            "csrf_token": {"type": "string"}, "method": {"type": "string"},
            "password": {"type": "string", "minLength": 1},
            "transient_payload": {"type": "object"},
        },
        "if": {"properties": {"method": {"const": "password"}}, "required": ["method"]},
        "then": {"required": ["password"]},
    });
    let payload = schema.payload("test", &shape).unwrap();
    payload.decode(fields).unwrap()
}

fn of_json(body: Value) -> Fields {
    Fields::json(body.as_object().unwrap())
}

#[tokio::test]
async fn forms_and_json_are_read_alike() {
    let expected = json!({
        "method": "password", "password": "123", "transient_payload": {},
        "traits": {
            "email": "ada@example.org", "age": 36, "newsletter": true, "name": {"first": "Ada"},
            "tags": ["a", "b"],
        },
    });
    let form = Fields::form(&Params::parse(
        "method=password&password=123&traits.email=ada@example.org&traits.age=36&traits.newsletter=false\
         &traits.newsletter=true&traits.name.first=Ada&traits.name.last=&traits.tags=a&traits.tags=b&other=1",
    ));
    let form = decoded(&form).await;
    assert_eq!(form.value, expected);
    assert_eq!(form.violations, []);
    let nested = of_json(json!({
        "method": "password", "password": 123, "other": 1,
        "traits": {
            "email": "ada@example.org", "age": 36, "newsletter": true, "name": {"first": "Ada"},
            "tags": ["a", "b"],
        },
    }));
    assert_eq!(decoded(&nested).await.value, expected);
    let flat = of_json(json!({
        "method": "password", "password": "123", "traits.email": "ada@example.org", "traits.age": "36",
        "traits.newsletter": "on", "traits.name.first": "Ada",
    }));
    let flat = decoded(&flat).await;
    assert_eq!(
        flat.value["traits"],
        json!({"age": 36, "email": "ada@example.org", "name": {"first": "Ada"}, "newsletter": "on"})
    );
    assert_eq!(
        shown(&flat.violations),
        [(
            "traits.newsletter".to_owned(),
            4_000_026,
            json!({"actual_type": "string", "allowed_types": ["boolean"]})
        )]
    );
}

#[tokio::test]
async fn what_is_missing_is_told_for_body_and_traits() {
    let nothing = decoded(&of_json(json!({"method": "password"}))).await;
    let mut fields = shown(&nothing.violations);
    fields.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(
        fields,
        [
            (
                "password".to_owned(),
                4_000_002,
                json!({"property": "password"})
            ),
            (
                "traits.email".to_owned(),
                4_000_002,
                json!({"property": "email"})
            ),
        ]
    );
    let other = decoded(&of_json(json!({"method": "code", "traits.email": ""}))).await;
    assert_eq!(other.violations.len(), 1);
    let nested = decoded(&of_json(json!({"password": "", "traits": {"email": ""}}))).await;
    assert_eq!(
        nested
            .violations
            .iter()
            .map(|v| v.message.id)
            .collect::<Vec<_>>(),
        [4_000_001, 4_000_003]
    );
}

#[tokio::test]
async fn an_object_in_a_form_is_json() {
    let fields = Fields::form(&Params::parse("transient_payload=%7B%22a%22%3A1%7D"));
    assert_eq!(
        decoded(&fields).await.value["transient_payload"],
        json!({"a": 1})
    );
    let schema = compiled(person()).await.unwrap();
    let payload = schema.payload("test", &json!({"properties": {}})).unwrap();
    let broken = Fields::form(&Params::parse("traits=nonsense"));
    assert!(payload.decode(&broken).is_err());
}

#[tokio::test]
async fn the_query_goes_behind_a_form_and_before_json() {
    let query = Params::parse("method=code");
    let form = Fields::form(&Params::parse("method=password")).with_query(&query);
    assert_eq!(decoded(&form).await.value["method"], "password");
    let body = of_json(json!({"method": "password"})).with_query(&query);
    assert_eq!(decoded(&body).await.value["method"], "code");
}

#[tokio::test]
async fn schemas_are_found_by_id_and_by_its_encoding() {
    let sources = [source("default", "file:///x".to_owned())];
    assert!(registry::find(&sources, "default").is_some());
    assert!(registry::find(&sources, "ZGVmYXVsdA").is_some());
    assert!(registry::find(&sources, "nonsense").is_none());
    assert_eq!(
        registry::public_url("http://localhost:4433/", "default"),
        "http://localhost:4433/schemas/ZGVmYXVsdA"
    );
}

/// Definitions that use each other twice: small as text, vast when written out.
#[tokio::test]
async fn a_schema_bomb_is_refused_quickly() {
    let mut definitions = serde_json::Map::new();
    for n in 0..40 {
        let next = json!({"$ref": format!("#/definitions/d{}", n + 1)});
        definitions.insert(
            format!("d{n}"),
            json!({"type": "object", "properties": {"a": next, "b": next}}),
        );
    }
    definitions.insert("d40".to_owned(), json!({"type": "string"}));
    let mut schema = with_traits(json!({"bomb": {"$ref": "#/definitions/d0"}}), &[]);
    schema["definitions"] = definitions.into();
    let start = Instant::now();
    assert!(compiled(schema).await.is_err());
    assert!(start.elapsed().as_secs() < 5);
}

#[tokio::test]
async fn nonsense_is_refused_with_a_reason() {
    for (schema, word) in [
        (json!({"type": 5}), "type"),
        (json!({"$schema": "https://example.org/own"}), "draft"),
        (
            with_traits(json!({"a": {"type": "string", "pattern": "("}}), &[]),
            "pattern",
        ),
        (
            with_traits(json!({"a": {"ory.sh/kratos": {"credential": {}}}}), &[]),
            "credential",
        ),
        (
            with_traits(json!({"a": {"$ref": "#/nowhere"}}), &[]),
            "#/nowhere",
        ),
        (
            with_traits(json!({"a": {"$ref": "other.json"}}), &[]),
            "other.json",
        ),
    ] {
        let error = compiled(schema).await.unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}
