//! `hash`: a stopwatch for single hashes.
use super::Settings;
use super::text::duration;
use crate::base::random::{Random, SystemRandom};
use crate::cli::print::result;
use crate::crypto::hash::HasherParams;
use crate::crypto::hash::pool::{HashPool, PoolLimits};
use std::sync::Arc;
use std::time::Instant;

/// The threads that hash: as many as a server would use, the memory that was set apart for it.
pub(super) fn pool(settings: &Settings) -> anyhow::Result<HashPool> {
    let dice: Arc<dyn Random> = Arc::new(SystemRandom);
    let limits = PoolLimits {
        queue: usize::MAX,
        threads: settings.at_once,
        ..PoolLimits::with_memory(settings.dedicated_memory)
    };
    Ok(HashPool::start(limits, &dice)?)
}

pub(super) async fn run(
    settings: Settings,
    passwords: &[String],
    parallel: bool,
) -> anyhow::Result<()> {
    let pool = pool(&settings)?;
    let params = HasherParams::Argon2(settings.params);
    let start = Instant::now();
    let mut running = Vec::new();
    for (number, password) in passwords.iter().cloned().enumerate() {
        let pool = pool.clone();
        let job = tokio::spawn(async move {
            let start = Instant::now();
            let done = pool.hash(&params, password.as_bytes()).await;
            let took = duration(start.elapsed());
            done?;
            result(format_args!("password {number}: {took}"))?;
            anyhow::Ok(())
        });
        if parallel {
            running.push(job);
        } else {
            job.await??;
        }
    }
    for job in running {
        job.await??;
    }
    result(format_args!("total: {}", duration(start.elapsed())))?;
    Ok(())
}
