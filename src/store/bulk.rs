//! Many new identities at once: one transaction and few statements while nobody is in anybody's way. Where somebody is,
//! it is found out who, and the others are written all the same.
use super::db::{Tries, built, marks};
use super::error::{Conflict, Error, Result};
use super::{Batch, Store};
use crate::base::random::Random;
use crate::base::terms::{CredentialsType, Via};
use crate::model::identity::Identity;
use std::collections::HashSet;

/// So often those who are in the way are looked for before each identity is tried alone.
const ROUNDS: usize = 3;
/// So many values are asked for by one question.
const ASKED: usize = 256;

/// Where a value may stand only once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Place {
    Identifier(CredentialsType),
    Verifiable(Via),
    Recovery(Via),
    ExternalId,
}

impl Place {
    fn conflict(self) -> Conflict {
        match self {
            Self::Identifier(_) => Conflict::Identifier,
            Self::Verifiable(_) => Conflict::VerifiableAddress,
            Self::Recovery(_) => Conflict::RecoveryAddress,
            Self::ExternalId => Conflict::ExternalId,
        }
    }
}

/// What nobody else may have.
fn claims(identity: &Identity) -> impl Iterator<Item = (Place, &str)> {
    let identifiers = identity.credentials.iter().flat_map(|c| {
        let place = Place::Identifier(c.kind);
        c.identifiers.iter().map(move |i| (place, i.as_str()))
    });
    let verifiable = identity.verifiable_addresses.iter();
    let recovery = identity.recovery_addresses.iter();
    let external = identity.external_id.as_deref().filter(|id| !id.is_empty());
    identifiers
        .chain(verifiable.map(|a| (Place::Verifiable(a.via), a.value.as_str())))
        .chain(recovery.map(|a| (Place::Recovery(a.via), a.value.as_str())))
        .chain(external.map(|id| (Place::ExternalId, id)))
}

/// One of the identities, by its place in the list, and why it was not written.
type Failed = (usize, Error);

impl Store {
    /// Writes each identity as a whole or not at all. Says which were not written, and why: somebody has a value
    /// already, or the database does not take one. Of two in the list that want the same the first gets it.
    ///
    /// # Errors
    /// The database failed; then none is written.
    pub async fn insert_identities(
        &self,
        identities: &[&Identity],
        dice: &dyn Random,
    ) -> Result<Vec<Failed>> {
        let mut failed = vec![];
        let mut left: Vec<(usize, &Identity)> = identities.iter().copied().enumerate().collect();
        for _ in 0..ROUNDS {
            let (first, twins) = apart(&left);
            let mut batch = self.batch();
            batch.insert_identities(&first, dice);
            match batch.commit().await {
                Ok(()) => {
                    failed.extend(twins);
                    return Ok(failed);
                }
                Err(Error::Conflict(_)) => {}
                Err(Error::Refused(_)) => break,
                Err(error) => return Err(error),
            }
            let taken = self.taken(&left).await?;
            let before = left.len();
            left.retain(|(at, identity)| {
                let mut claims = claims(identity).map(|(place, value)| (place, value.to_owned()));
                match claims.find(|claim| taken.contains(claim)) {
                    Some((place, _)) => {
                        failed.push((*at, Error::Conflict(place.conflict())));
                        false
                    }
                    None => true,
                }
            });
            if left.len() == before {
                break;
            }
        }
        let mut tries = Tries::default();
        loop {
            match self.one_by_one(&left, dice).await {
                Err(error) => tries.after(error).await?,
                Ok(more) => {
                    failed.extend(more);
                    return Ok(failed);
                }
            }
        }
    }

    /// Which of the values that these want somebody has already.
    async fn taken(&self, identities: &[(usize, &Identity)]) -> Result<HashSet<(Place, String)>> {
        let mut all: Vec<_> = identities.iter().flat_map(|(_, i)| claims(i)).collect();
        all.sort_unstable();
        let mut taken = HashSet::new();
        for group in all.chunk_by(|a, b| a.0 == b.0) {
            let Some((place, _)) = group.first() else {
                continue;
            };
            for part in group.chunks(ASKED) {
                self.look_up(*place, part, &mut taken).await?;
            }
        }
        Ok(taken)
    }

    async fn look_up(
        &self,
        place: Place,
        values: &[(Place, &str)],
        taken: &mut HashSet<(Place, String)>,
    ) -> Result<()> {
        let mut scope = self.scope();
        let (table, column, narrowed) = match place {
            Place::Identifier(_) => (
                "identity_credential_identifiers",
                "identifier",
                " AND identity_credential_type_id = ?",
            ),
            Place::Verifiable(_) => ("identity_verifiable_addresses", "value", " AND via = ?"),
            Place::Recovery(_) => ("identity_recovery_addresses", "value", " AND via = ?"),
            Place::ExternalId => ("identities", "external_id", ""),
        };
        let marks = marks(values.len());
        let question = built(format!(
            "SELECT {column} FROM {table} WHERE nid = ?{narrowed} AND {column} IN ({marks})"
        ))
        .bind(scope.nid);
        let question = match place {
            Place::Identifier(kind) => question.bind(scope.types.id(kind)?),
            Place::Verifiable(via) | Place::Recovery(via) => question.bind(via.word()),
            Place::ExternalId => question,
        };
        let question = question.bind_all(values.iter().map(|(_, value)| *value));
        for mut row in scope.conn.fetch_all(question).await? {
            taken.insert((place, row.get()?));
        }
        Ok(())
    }

    /// Each for itself, in one transaction.
    async fn one_by_one(
        &self,
        identities: &[(usize, &Identity)],
        dice: &dyn Random,
    ) -> Result<Vec<Failed>> {
        let mut failed = vec![];
        let mut tx = self.begin().await?;
        for (at, identity) in identities {
            tx.transaction.raw("SAVEPOINT item").await?;
            let mut batch: Batch<'_> = tx.batch();
            batch.insert_identities(&[identity], dice);
            match batch.commit().await {
                Ok(()) => {}
                Err(error @ (Error::Conflict(_) | Error::Refused(_))) => {
                    tx.transaction.raw("ROLLBACK TO SAVEPOINT item").await?;
                    failed.push((*at, error));
                }
                Err(error) => return Err(error),
            }
            tx.transaction.raw("RELEASE SAVEPOINT item").await?;
        }
        tx.commit().await?;
        Ok(failed)
    }
}

/// Those who want nothing that somebody before them in the list wants, and the others.
fn apart<'i>(identities: &[(usize, &'i Identity)]) -> (Vec<&'i Identity>, Vec<Failed>) {
    let mut seen: HashSet<(Place, &str)> = HashSet::new();
    let (mut first, mut twins) = (vec![], vec![]);
    for (at, identity) in identities {
        let clash = claims(identity).find(|claim| seen.contains(claim));
        match clash {
            Some((place, _)) => twins.push((*at, Error::Conflict(place.conflict()))),
            None => {
                seen.extend(claims(identity));
                first.push(*identity);
            }
        }
    }
    (first, twins)
}
