//! `calibrate`: memory first, because it is what costs an attacker most; then passes; then a test under load that may
//! still change both.
use super::load_test::{self, Measured};
use super::text::{self, duration, size};
use super::{Settings, kib, size_flag};
use crate::base::random::SystemRandom;
use crate::cli::output::Format;
use crate::cli::print::note;
use crate::crypto::hash::argon2::{Arena, Params};
use crate::crypto::hash::{HasherParams, hash_in};
use clap::Args;
use std::time::{Duration, Instant};

/// More memory than this is not read by any comparison, and more passes neither.
const MOST_KIB: u32 = 1 << 20;
const MOST_ITERATIONS: u32 = 10;
const LEAST_KIB: u32 = 1024;
/// By how much memory changes after a load test.
const STEP_KIB: u32 = 64 * 1024;
const LOAD_TESTS: u32 = 5;

#[derive(Args, Clone, Debug)]
pub(super) struct Search {
    /// Memory to begin with
    #[arg(short = 'm', long, default_value = "128MB", value_parser = size_flag)]
    start_memory: u64,
    /// Not more memory than this; 0 is no limit
    #[arg(long, default_value = "0B", value_parser = size_flag)]
    max_memory: u64,
    /// Steps of memory
    #[arg(long, default_value = "512MB", value_parser = size_flag)]
    adjust_memory_by: u64,
    /// Passes to begin with
    #[arg(short = 'i', long, default_value_t = 1)]
    start_iterations: u32,
    /// Hashes at a time; more than there are processors do not help
    #[arg(long, default_value_t = 16)]
    max_concurrent: u8,
    /// Hashes for each measurement
    #[arg(short = 'r', long, default_value_t = 2)]
    probe_runs: u32,
}

/// What is changed next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Good,
    TooFast,
    TooSlow,
}

pub(super) async fn run(
    mut settings: Settings,
    search: &Search,
    per_minute: u32,
    (format, quiet): (&Format, bool),
) -> anyhow::Result<()> {
    let say = |text: String| {
        if !quiet {
            note(format_args!("{text}"));
        }
    };
    let most_kib = match search.max_memory {
        0 => MOST_KIB,
        bytes => kib(bytes).clamp(LEAST_KIB, MOST_KIB),
    };
    let mut probe = Probe {
        arena: Arena::default(),
        runs: search.probe_runs.max(1),
        say: &say,
    };
    settings.params.memory_kib = kib(search.start_memory).clamp(LEAST_KIB, most_kib);
    settings.at_once = settings.at_once.min(search.max_concurrent.max(1).into());
    settings.params.iterations = search.start_iterations.clamp(1, MOST_ITERATIONS);
    let mut time = |params: &Params| probe.time(params);
    let wanted = settings.min_duration;
    let step = kib(search.adjust_memory_by).max(LEAST_KIB);
    find_memory(&mut settings.params, (step, most_kib), wanted, &mut time)?;
    find_iterations(&mut settings.params, wanted, &mut time)?;
    say(format!(
        "Settled on {} of memory and {} iterations.",
        size(u64::from(settings.params.memory_kib) * 1024),
        settings.params.iterations
    ));

    for _ in 0..LOAD_TESTS {
        say(format!("Testing with {per_minute} logins a minute."));
        let measured = load_test::measure(settings, per_minute, quiet).await?;
        if !quiet {
            text::print(&measured, format)?;
        }
        let verdict = judge(&settings, &measured);
        if verdict == Verdict::Good || !adjust(&mut settings.params, verdict, most_kib) {
            say("These costs do well:".to_owned());
            return text::print(&settings, format);
        }
    }
    say("No costs did well in every test. The last ones tried, to go on from by hand:".to_owned());
    text::print(&settings, format)
}

struct Probe<'a> {
    arena: Arena,
    runs: u32,
    say: &'a dyn Fn(String),
}

impl Probe<'_> {
    /// How long a hash takes, the mean of the runs.
    fn time(&mut self, params: &Params) -> anyhow::Result<Duration> {
        let hasher = HasherParams::Argon2(*params);
        let start = Instant::now();
        for _ in 0..self.runs {
            hash_in(&hasher, b"password", &SystemRandom, &mut self.arena)?;
        }
        let taken = start.elapsed() / self.runs;
        (self.say)(format!(
            "  {} with {} of memory and {} iterations",
            duration(taken),
            size(u64::from(params.memory_kib) * 1024),
            params.iterations
        ));
        Ok(taken)
    }
}

type Stopwatch<'a> = &'a mut dyn FnMut(&Params) -> anyhow::Result<Duration>;

/// As much memory as stays under the wanted time: up by the step until over it, then down by ever smaller ones.
fn find_memory(
    params: &mut Params,
    (mut step, most_kib): (u32, u32),
    wanted: Duration,
    time: Stopwatch<'_>,
) -> anyhow::Result<()> {
    while time(params)? <= wanted {
        if params.memory_kib >= most_kib {
            return Ok(());
        }
        params.memory_kib = params.memory_kib.saturating_add(step).min(most_kib);
    }
    loop {
        while step >= params.memory_kib {
            step /= 2;
        }
        if params.memory_kib <= LEAST_KIB {
            return Ok(());
        }
        params.memory_kib = (params.memory_kib - step).max(LEAST_KIB);
        if time(params)? < wanted {
            return Ok(());
        }
    }
}

/// As many passes as stay under the wanted time.
fn find_iterations(
    params: &mut Params,
    wanted: Duration,
    time: Stopwatch<'_>,
) -> anyhow::Result<()> {
    while params.iterations < MOST_ITERATIONS && time(params)? < wanted {
        params.iterations += 1;
    }
    while params.iterations > 1 && time(params)? > wanted {
        params.iterations -= 1;
    }
    Ok(())
}

fn judge(settings: &Settings, measured: &Measured) -> Verdict {
    let Settings {
        min_duration,
        deviation,
        ..
    } = *settings;
    if measured.mean < min_duration {
        Verdict::TooFast
    } else if measured.memory > settings.dedicated_memory
        || measured.most > min_duration + deviation
        || measured.deviation > deviation
    {
        Verdict::TooSlow
    } else {
        Verdict::Good
    }
}

/// The next costs to try; false if there are none.
fn adjust(params: &mut Params, verdict: Verdict, most_kib: u32) -> bool {
    let before = *params;
    match verdict {
        Verdict::Good => {}
        Verdict::TooFast if params.memory_kib + STEP_KIB <= most_kib => {
            params.memory_kib += STEP_KIB;
        }
        Verdict::TooFast => params.iterations = (params.iterations + 1).min(MOST_ITERATIONS),
        Verdict::TooSlow if params.iterations > 1 => params.iterations -= 1,
        Verdict::TooSlow => {
            params.memory_kib = params.memory_kib.saturating_sub(STEP_KIB).max(LEAST_KIB);
        }
    }
    *params != before
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine that needs a millisecond for each MiB and pass.
    fn time(params: &Params) -> Duration {
        Duration::from_millis(u64::from(params.memory_kib / 1024 * params.iterations))
    }

    fn search(start_kib: u32, most_kib: u32, wanted: u64) -> anyhow::Result<(u32, u32)> {
        let mut params = Params {
            memory_kib: start_kib,
            ..Params::default()
        };
        let wanted = Duration::from_millis(wanted);
        let mut stopwatch = |params: &Params| Ok(time(params));
        find_memory(&mut params, (512 * 1024, most_kib), wanted, &mut stopwatch)?;
        find_iterations(&mut params, wanted, &mut stopwatch)?;
        assert!(time(&params) <= wanted, "{params:?}");
        Ok((params.memory_kib / 1024, params.iterations))
    }

    #[test]
    fn memory_goes_up_then_down_then_passes_go_up() -> anyhow::Result<()> {
        assert_eq!(search(128 * 1024, MOST_KIB, 500)?, (128, 3));
        assert_eq!(search(128 * 1024, 256 * 1024, 700)?, (256, 2));
        assert_eq!(search(128 * 1024, MOST_KIB, 5000)?, (1024, 4));
        Ok(())
    }

    #[test]
    fn a_slow_machine_gets_what_it_can_do() -> anyhow::Result<()> {
        let (memory, iterations) = search(128 * 1024, MOST_KIB, 10)?;
        assert!(
            (1..10).contains(&memory) && iterations >= 1,
            "{memory} {iterations}"
        );
        Ok(())
    }

    #[test]
    fn after_a_load_test_one_cost_changes() {
        let mut params = Params::default();
        assert!(adjust(&mut params, Verdict::TooFast, MOST_KIB));
        assert_eq!(params.memory_kib, (128 + 64) * 1024);
        let most_kib = params.memory_kib;
        assert!(adjust(&mut params, Verdict::TooFast, most_kib));
        assert_eq!(params.iterations, 2);
        assert!(adjust(&mut params, Verdict::TooSlow, MOST_KIB));
        assert!(adjust(&mut params, Verdict::TooSlow, MOST_KIB));
        assert_eq!((params.memory_kib, params.iterations), (128 * 1024, 1));
        params.memory_kib = LEAST_KIB;
        assert!(!adjust(&mut params, Verdict::TooSlow, MOST_KIB));
    }
}
