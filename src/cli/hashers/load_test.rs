//! `load-test`: people who log in at random moments, and how long each waited.
use super::Settings;
use super::hash::pool;
use super::text::{self, Row, duration, size};
use crate::base::random::{self, SystemRandom};
use crate::cli::output::Format;
use crate::cli::print::note;
use crate::crypto::hash::HasherParams;
use crate::crypto::hash::pool::PoolError;
use anyhow::bail;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const SAMPLE: Duration = Duration::from_secs(20);

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    total: Duration,
    /// Called the median in the reference's table.
    pub(super) mean: Duration,
    pub(super) deviation: Duration,
    least: Duration,
    pub(super) most: Duration,
    /// Bytes, at the worst moment.
    pub(super) memory: u64,
}

impl Row for Measured {
    fn cells(&self) -> Vec<(&'static str, String)> {
        vec![
            ("TOTAL SAMPLE TIME", duration(self.total)),
            ("MEDIAN REQUEST TIME", duration(self.mean)),
            ("STANDARD DEVIATION", duration(self.deviation)),
            ("MIN REQUEST TIME", duration(self.least)),
            ("MAX REQUEST TIME", duration(self.most)),
            ("MEMOry USED", size(self.memory)),
        ]
    }
    fn json(&self) -> Value {
        json!({
            "total_time": text::nanos(self.total),
            "median_request_time": text::nanos(self.mean),
            "std_deviation": text::nanos(self.deviation),
            "min_request_time": text::nanos(self.least),
            "max_request_time": text::nanos(self.most),
            "mem_used": self.memory,
        })
    }
}

impl Row for Settings {
    fn cells(&self) -> Vec<(&'static str, String)> {
        let params = self.params;
        vec![
            ("MEMORY", size(u64::from(params.memory_kib) * 1024)),
            ("ITERATIONS", params.iterations.to_string()),
            ("PARALLELISM", params.parallelism.to_string()),
            ("SALT LENGTH", params.salt_length.to_string()),
            ("KEY LENGTH", params.key_length.to_string()),
            ("EXPECTED DURATION", duration(self.min_duration)),
            ("EXPECTED DEVIATION", duration(self.deviation)),
            ("DEDICATED MEMORY", size(self.dedicated_memory)),
        ]
    }
    fn json(&self) -> Value {
        let params = self.params;
        json!({
            "memory": size(u64::from(params.memory_kib) * 1024),
            "iterations": params.iterations,
            "parallelism": params.parallelism,
            "salt_length": params.salt_length,
            "key_length": params.key_length,
            "expected_duration": text::nanos(self.min_duration),
            "expected_deviation": text::nanos(self.deviation),
            "dedicated_memory": size(self.dedicated_memory),
        })
    }
}

pub(super) async fn run(
    settings: Settings,
    per_minute: u32,
    (format, quiet): (&Format, bool),
) -> anyhow::Result<()> {
    if !quiet {
        note(format_args!("Hashing with these costs:"));
        text::print(&settings, format)?;
    }
    let measured = measure(settings, per_minute, quiet).await?;
    text::print(&measured, format)
}

/// Twenty seconds of logins.
pub(super) async fn measure(
    settings: Settings,
    per_minute: u32,
    quiet: bool,
) -> anyhow::Result<Measured> {
    if !quiet {
        note(format_args!(
            "This takes {} or a little more.",
            duration(SAMPLE)
        ));
    }
    sample(settings, per_minute / 3, SAMPLE, per_minute).await
}

/// So many logins at random moments of the time.
async fn sample(
    settings: Settings,
    logins: u32,
    time: Duration,
    per_minute: u32,
) -> anyhow::Result<Measured> {
    let pool = pool(&settings)?;
    let params = HasherParams::Argon2(settings.params);
    let start = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..logins.max(1) {
        let pool = pool.clone();
        let share = u32::from_le_bytes(random::bytes(&SystemRandom));
        let wait = time.mul_f64(f64::from(share) / f64::from(u32::MAX));
        running.spawn(async move {
            tokio::time::sleep(wait).await;
            let start = Instant::now();
            pool.hash(&params, b"password").await?;
            Ok::<_, PoolError>(start.elapsed())
        });
    }
    let allowed = (time + settings.min_duration + settings.deviation).mul_f64(1.1);
    let mut taken = Vec::new();
    let mut memory = 0;
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    loop {
        tokio::select! {
            done = running.join_next() => match done {
                Some(done) => taken.push(done??),
                None => break,
            },
            _ = tick.tick() => {
                memory = pool.memory().max(memory);
                if start.elapsed() > allowed {
                    bail!(
                        "{per_minute} logins a minute take this machine longer than a minute, at {} each. \
                         Lower memory or iterations, or give it more cores or dedicated memory.",
                        duration(settings.min_duration),
                    );
                }
            }
        }
    }
    let total = start.elapsed();
    Ok(statistics(&taken, total, memory))
}

fn statistics(taken: &[Duration], total: Duration, memory: u64) -> Measured {
    let count = u32::try_from(taken.len()).unwrap_or(u32::MAX).max(1);
    let mean = taken.iter().sum::<Duration>() / count;
    let squares: f64 = taken
        .iter()
        .map(|t| (t.as_secs_f64() - mean.as_secs_f64()).powi(2))
        .sum();
    Measured {
        total,
        mean,
        deviation: Duration::from_secs_f64((squares / f64::from(count)).sqrt()),
        least: taken.iter().min().copied().unwrap_or_default(),
        most: taken.iter().max().copied().unwrap_or_default(),
        memory,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hash::argon2::Params;

    fn settings(memory_kib: u32) -> Settings {
        Settings {
            params: Params {
                memory_kib,
                ..Params::default()
            },
            min_duration: Duration::from_secs(1),
            deviation: Duration::from_secs(1),
            dedicated_memory: 8 << 20,
            at_once: 2,
        }
    }

    #[test]
    fn mean_and_deviation_are_of_all() {
        let taken = [2, 4, 4, 4, 5, 5, 7, 9].map(Duration::from_secs);
        let measured = statistics(&taken, Duration::from_secs(9), 7);
        assert_eq!(measured.mean, Duration::from_secs(5));
        assert_eq!(measured.deviation, Duration::from_secs(2));
        assert_eq!(measured.least, Duration::from_secs(2));
        assert_eq!(measured.most, Duration::from_secs(9));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_load_that_fits_is_measured() -> anyhow::Result<()> {
        let time = Duration::from_millis(200);
        let measured = sample(settings(1024), 10, time, 30).await?;
        assert!(measured.least > Duration::ZERO && measured.least <= measured.most);
        assert!((1 << 20..=8 << 20).contains(&measured.memory));
        Ok(())
    }
}
