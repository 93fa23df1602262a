//! `cleanup sql`: one batch of each table, with a pause behind each so that a busy database can breathe
//! (config-cli.md §4.7). Silent but for the log.
use crate::base::clock::Clock;
use crate::store::{Error, Expiring, Store};
use std::time::Duration;

/// The flags of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Rows of each table.
    pub batch: u32,
    /// After each table, the last one included.
    pub pause: Duration,
    /// Rows that expired no longer ago than this stay.
    pub keep_last: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            batch: 100,
            pause: Duration::from_mins(1),
            keep_last: Duration::ZERO,
        }
    }
}

/// Takes away what has expired.
pub async fn run(store: &Store, clock: &dyn Clock, pace: Pace) -> Result<(), Error> {
    for what in Expiring::ALL {
        let at = clock.now() - pace.keep_last;
        let count = store.cleanup().expired(what, at, pace.batch).await?;
        tracing::debug!(table = what.table(), count, "deleted expired rows");
        tokio::time::sleep(pace.pause).await;
    }
    Ok(())
}
