-- What the other engines have by their foreign keys: without these, to delete one identity, session or flow is to read
-- the whole of each table that points to it. The reference has none of them and does not mind them.
CREATE INDEX IF NOT EXISTS own_identifiers_identity_id_idx ON identity_credential_identifiers (identity_id);
CREATE INDEX IF NOT EXISTS own_session_devices_identity_id_idx ON session_devices (identity_id);
CREATE INDEX IF NOT EXISTS own_pending_changes_identity_id_idx ON identity_pending_traits_changes (identity_id);
CREATE INDEX IF NOT EXISTS own_pending_changes_session_id_idx ON identity_pending_traits_changes (session_id);
CREATE INDEX IF NOT EXISTS own_pending_changes_verification_flow_id_idx ON identity_pending_traits_changes (verification_flow_id);
CREATE INDEX IF NOT EXISTS own_pending_changes_settings_flow_id_idx ON identity_pending_traits_changes (origin_settings_flow_id);
