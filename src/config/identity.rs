//! Which identity schemas there are.
use super::section::section;

section!(
    Identity { default_schema_id: String = "default".into(), schemas: Vec<IdentitySchema> }
);
section!(IdentitySchema {
    id: String,
    /// Resource address of the JSON schema.
    url: String,
    /// May be chosen with `?identity_schema=`.
    selfservice_selectable: bool,
});

impl Identity {
    /// The schema with that id.
    #[must_use]
    pub fn schema(&self, id: &str) -> Option<&IdentitySchema> {
        self.schemas.iter().find(|schema| schema.id == id)
    }
    /// The schema that self-service uses unless told otherwise.
    #[must_use]
    pub fn default_schema(&self) -> Option<&IdentitySchema> {
        self.schema(&self.default_schema_id)
    }
}
