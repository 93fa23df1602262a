//! Identities as the client commands show them: the keys and columns of the reference, so that scripts go on.
use crate::cli::output::{self, Format, NONE};
use serde_json::{Map, Value, json};

pub(in crate::cli) const HEADER: [&str; 6] = [
    "ID",
    "EXTERNAL ID",
    "VERIFIED ADDRESSES",
    "RECOVERY ADDRESSES",
    "SCHEMA ID",
    "SCHEMA URL",
];

/// What the reference's client knows of an identity. Other keys it gathers.
const KNOWN: [&str; 15] = [
    "created_at",
    "credentials",
    "external_id",
    "id",
    "metadata_admin",
    "metadata_public",
    "organization_id",
    "recovery_addresses",
    "region",
    "schema_id",
    "schema_url",
    "state",
    "state_changed_at",
    "updated_at",
    "verifiable_addresses",
];

/// An answer of the server.
pub(in crate::cli) type Identity = Map<String, Value>;

/// One: an object, or its values below each other. None: an empty list. More: a list.
pub(in crate::cli) fn show_some(format: &Format, identities: Vec<Identity>) -> anyhow::Result<()> {
    if let [one] = identities.as_slice() {
        return output::row(format, &HEADER, columns(one), &alone(one));
    }
    let rows: Vec<_> = identities.iter().map(columns).collect();
    let json = identities.into_iter().map(in_list).collect();
    output::rows(format, &HEADER, rows, count(&json), &json)
}

/// A page of the list.
pub(in crate::cli) fn show_page(
    format: &Format,
    identities: Vec<Identity>,
    next: &str,
) -> anyhow::Result<()> {
    let mut rows: Vec<_> = identities.iter().map(columns).collect();
    rows.push(vec![String::new()]);
    rows.push(vec!["NEXT PAGE TOKEN".to_owned(), next.to_owned()]);
    let json: Value = identities.into_iter().map(in_list).collect();
    let number = count(&json);
    let json = json!({ "identities": json, "next_page_token": next });
    output::rows(format, &HEADER, rows, number, &json)
}

fn count(json: &Value) -> usize {
    json.as_array().map_or(0, Vec::len)
}

fn columns(identity: &Identity) -> Vec<String> {
    let text = |key: &str| {
        let value = identity.get(key).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let addresses = |key: &str| {
        let list = identity.get(key).and_then(Value::as_array);
        let values = list.into_iter().flatten();
        let texts: Vec<&str> = values
            .filter_map(|address| address.get("value")?.as_str())
            .filter(|text| !text.is_empty())
            .collect();
        texts.join(", ")
    };
    let external = Some(text("external_id")).filter(|id| !id.is_empty());
    vec![
        text("id"),
        external.unwrap_or_else(|| NONE.to_owned()),
        addresses("verifiable_addresses"),
        addresses("recovery_addresses"),
        text("schema_id"),
        text("schema_url"),
    ]
}

/// Keys in alphabetical order, as a map in Go; without nulls, but for the organization.
fn in_list(identity: Identity) -> Value {
    let kept = identity
        .into_iter()
        .filter(|(key, value)| key == "organization_id" || key == "traits" || !value.is_null())
        .collect();
    sorted(Value::Object(kept))
}

/// An identity that is shown alone has one key more, for what the client does not know. No script should need it, but
/// it is there in the reference.
fn alone(identity: &Identity) -> Value {
    let (known, other): (Identity, Identity) = identity
        .clone()
        .into_iter()
        .partition(|(key, _)| key == "traits" || KNOWN.contains(&key.as_str()));
    let mut value = in_list(known);
    if let Value::Object(map) = &mut value {
        map.entry("organization_id").or_insert(Value::Null);
        map.sort_keys();
        let other = sorted(Value::Object(other));
        map.insert("AdditionalProperties".to_owned(), other);
    }
    value
}

fn sorted(mut value: Value) -> Value {
    value.sort_all_objects();
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(value: Value) -> Identity {
        match value {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    #[test]
    fn columns_hold_all_addresses() {
        let ada = identity(json!({
            "id": "1", "schema_id": "default", "schema_url": "http://x/schemas/y",
            "verifiable_addresses": [{ "value": "a@x.org" }, { "value": "" }, { "value": "b@x.org" }],
        }));
        let expected = [
            "1",
            "<none>",
            "a@x.org, b@x.org",
            "",
            "default",
            "http://x/schemas/y",
        ];
        assert_eq!(columns(&ada), expected);
    }

    #[test]
    fn keys_are_sorted_and_nulls_left_out() {
        let ada = json!({
            "traits": { "b": 1, "a": null }, "id": "1", "metadata_public": null, "organization_id": null, "new": true,
        });
        assert_eq!(
            in_list(identity(ada.clone())).to_string(),
            r#"{"id":"1","new":true,"organization_id":null,"traits":{"a":null,"b":1}}"#
        );
        assert_eq!(
            alone(&identity(ada)).to_string(),
            r#"{"id":"1","organization_id":null,"traits":{"a":null,"b":1},"AdditionalProperties":{"new":true}}"#
        );
    }
}
