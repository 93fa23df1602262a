//! What one does with identities: derive, validate, import, create, delete.
