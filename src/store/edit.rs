//! Changes of an identity that depend on what it is at that moment: of several at once each sees the work of those
//! before, so that what is stored is always what one of them made of the whole.
use super::Store;
use super::db::Tries;
use super::error::{Error, Result};
use super::whole::Load;
use crate::base::id::IdentityId;
use crate::base::random::Random;
use crate::model::identity::Identity;

impl Store {
    /// Shows `change` the identity with its credentials and addresses, and writes what is different in what it gives
    /// back. What it refuses is not written. `None`: there is no such identity.
    ///
    /// `change` may be asked again if the database wants the whole to be repeated.
    ///
    /// # Errors
    /// Those of `change`, and [`Error::Conflict`] if somebody else has an identifier, an address or the external id.
    pub async fn edit_identity<E: From<Error> + Send>(
        &self,
        id: IdentityId,
        dice: &dyn Random,
        change: impl Fn(&Identity) -> Result<Identity, E> + Send + Sync,
    ) -> Result<Option<Identity>, E> {
        let mut tries = Tries::default();
        loop {
            match self.edit_once(id, dice, &change).await {
                Err(error) => tries.after(error).await?,
                Ok(outcome) => return outcome,
            }
        }
    }

    async fn edit_once<E: Send>(
        &self,
        id: IdentityId,
        dice: &dyn Random,
        change: &(impl Fn(&Identity) -> Result<Identity, E> + Send + Sync),
    ) -> Result<Result<Option<Identity>, E>> {
        let mut tx = self.begin().await?;
        let scope = tx.scope();
        let (mut conn, nid) = (scope.conn, scope.nid);
        // Locked before anything is read, so that what is read is what those before have left.
        let lock = conn.locking("SELECT id FROM identities WHERE id = ? AND nid = ?");
        let lock = lock.bind(id).bind(nid);
        if conn.fetch_optional(lock).await?.is_none() {
            return Ok(Ok(None));
        }
        let Some(old) = tx.identities().find(id, Load::Credentials).await? else {
            return Ok(Ok(None));
        };
        let new = match change(&old) {
            Ok(new) => new,
            Err(refused) => return Ok(Err(refused)),
        };
        let mut batch = tx.batch();
        batch.change_identity(&old, &new, dice);
        batch.commit().await?;
        tx.commit().await?;
        Ok(Ok(Some(new)))
    }
}
