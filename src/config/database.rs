//! Housekeeping of the database.
use super::duration;
use super::section::section;
use time::Duration;

section!(Database { cleanup: Cleanup });
section!(Cleanup {
    /// Rows for each table and run.
    batch_size: u32 = 100,
    sleep: CleanupSleep,
    /// Never read; the flag is `--keep-last`.
    #[serde(deserialize_with = "duration::required")]
    older_than: Duration,
});
section!(CleanupSleep {
    #[serde(deserialize_with = "duration::required")]
    tables: Duration = Duration::minutes(1),
});
