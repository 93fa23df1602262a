//! Rules that keep a schema harmless and useful: no endless references, no explosion, and the few things
//! that every identity schema has to have (`identity_meta` of the reference).
use super::error::SchemaError;
use super::tree::{Id, Tree, shown};
use serde_json::Value;

/// Refuses schemas that apply to a value without end, or in too many steps.
pub(crate) fn bounded(url: &str, tree: &Tree, most: u64) -> Result<(), SchemaError> {
    #[derive(Clone, Copy)]
    enum Mark {
        Unseen,
        Open,
        Done(u64),
    }
    let mut marks = vec![Mark::Unseen; tree.len()];
    for start in 0..tree.len() {
        // Depth first, without recursion: a chain may be as long as the schema has places.
        let mut stack: Vec<(Id, bool)> = vec![(start, false)];
        while let Some((id, leaving)) = stack.pop() {
            if leaving {
                let steps = tree.get(id).in_place().fold(1_u64, |sum, child| {
                    sum.saturating_add(match marks[child] {
                        Mark::Done(steps) => steps,
                        Mark::Unseen | Mark::Open => 1,
                    })
                });
                if steps > most {
                    return Err(SchemaError::invalid(
                        url,
                        format!(
                            "{} would take too long to check",
                            shown(&tree.get(id).address)
                        ),
                    ));
                }
                marks[id] = Mark::Done(steps);
                continue;
            }
            match marks[id] {
                Mark::Done(_) => {}
                Mark::Open => {
                    return Err(SchemaError::invalid(
                        url,
                        format!("{} refers to itself", shown(&tree.get(id).address)),
                    ));
                }
                Mark::Unseen => {
                    marks[id] = Mark::Open;
                    stack.push((id, true));
                    for child in tree.get(id).in_place() {
                        if !matches!(marks[child], Mark::Done(_)) {
                            stack.push((child, false));
                        }
                    }
                }
            }
        }
    }
    Ok(())
}

/// What has to hold for a document to be an identity schema at all; the text says what does not.
///
/// # Errors
/// The first rule that is broken, with the place.
pub fn identity_shape(schema: &Value) -> Result<(), String> {
    let properties = schema
        .get("properties")
        .and_then(Value::as_object)
        .ok_or("#/properties is missing")?;
    let traits = properties
        .get("traits")
        .ok_or("#/properties/traits is missing")?;
    if !traits.is_object() {
        return Err("#/properties/traits is no object".to_owned());
    }
    if traits.get("type").is_some_and(|t| t != "object") {
        return Err("#/properties/traits/type is not \"object\"".to_owned());
    }
    let fields = traits
        .get("properties")
        .and_then(Value::as_object)
        .ok_or("#/properties/traits/properties is missing")?;
    if fields.is_empty() {
        return Err("#/properties/traits/properties is empty".to_owned());
    }
    for (name, field) in fields {
        let place = format!("#/properties/traits/properties/{name}");
        if !field.is_object() {
            return Err(format!("{place} is no object"));
        }
        let verifies = field
            .get("ory.sh/kratos")
            .is_some_and(|e| e.get("verification").is_some());
        let fits = |format: &Value| {
            ["email", "tel", "date", "time", "date-time", "no-validate"]
                .iter()
                .any(|f| format == *f)
        };
        if verifies && field.get("format").is_some_and(|f| !fits(f)) {
            return Err(format!("{place}/format does not go with verification"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::load::{Reach, load};
    use super::*;
    use crate::config::Config;
    use crate::outbound::Outbound;
    use crate::resource::Resources;
    use serde_json::json;

    async fn loaded(url: &str, schema: &Value, only_local: bool) -> Result<Tree, SchemaError> {
        let resources = Resources::new(Outbound::default());
        let mut config = Config::default();
        config.security.disallow_ref_in_identity_schemas = only_local;
        let reach = Reach::new(&resources, &config);
        let loaded = load(url, schema.to_string().as_bytes(), &reach).await?;
        Tree::build(url, &loaded.documents, 0)
    }

    async fn tree(schema: Value) -> Result<Tree, SchemaError> {
        loaded("base64://", &schema, false).await
    }

    #[tokio::test]
    async fn references_to_themselves_are_refused_with_their_place() {
        for schema in [
            json!({"properties": {"a": {"$ref": "#/properties/a"}}}),
            json!({"properties": {"a": {"$ref": "#/properties/b"}, "b": {"$ref": "#/properties/a"}}}),
            json!({"properties": {"a": {"allOf": [{"$ref": "#/properties/a"}]}}}),
        ] {
            let error = tree(schema).await.unwrap_err().to_string();
            assert!(error.contains("#/properties/"), "{error}");
            assert!(error.ends_with("refers to itself"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_tree_of_people_is_no_endless_reference() {
        let schema = json!({"properties": {"children": {"type": "array", "items": {"$ref": "#"}}}});
        assert!(tree(schema).await.is_ok());
    }

    #[tokio::test]
    async fn doubling_is_refused() {
        let mut definitions = serde_json::Map::new();
        for n in 0..40 {
            let next = json!({"$ref": format!("#/definitions/d{}", n + 1)});
            definitions.insert(format!("d{n}"), json!({"allOf": [next, next]}));
        }
        definitions.insert("d40".to_owned(), json!({"type": "object"}));
        let schema = json!({"definitions": definitions, "$ref": "#/definitions/d0"});
        let error = tree(schema).await.unwrap_err().to_string();
        assert!(error.contains("too long"), "{error}");
    }

    #[tokio::test]
    async fn other_documents_are_fetched_relative_to_the_id() {
        let folder = tempfile::tempdir().unwrap();
        let address = json!({"definitions": {"mail": {"type": "string", "title": "Mail"}}, "$ref": "person.json#/x"});
        std::fs::write(folder.path().join("address.json"), address.to_string()).unwrap();
        let url = |name: &str| format!("file://{}/{name}", folder.path().display());
        let schema = json!({
            "$id": url("other-name.json"),
            "x": {},
            "properties": {"mail": {"$ref": "address.json#/definitions/mail"}},
        });
        let tree = loaded(&url("person.json"), &schema, false).await.unwrap();
        let mail = tree.get(tree.root().properties[0].1);
        assert_eq!(tree.get(mail.reference.unwrap()).title, "Mail");
    }

    #[tokio::test]
    async fn only_local_references_where_the_configuration_wants_so() {
        let schema = json!({"properties": {"mail": {"$ref": "file:///etc/passwd"}}});
        let error = loaded("base64://e30=", &schema, true).await.err();
        let error = error.map(|error| error.to_string());
        assert!(error.is_some_and(|e| e.contains("file:///etc/passwd")));
    }

    #[test]
    fn an_identity_schema_has_traits() {
        assert!(identity_shape(&json!({"properties": {}})).is_err());
        assert!(
            identity_shape(&json!({"properties": {"traits": {"properties": {"a": {}}}}})).is_ok()
        );
    }
}
