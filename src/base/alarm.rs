//! Waking up at a moment, to some microseconds.
use tokio::time::Instant;

/// Returns at that moment. The runtime's own timer sleeps for whole milliseconds from when the last work was done, so that
/// who waits for its answer can tell when that was; the kernel's does not.
pub async fn at(moment: Instant) {
    #[cfg(target_os = "linux")]
    if by_the_kernel(moment).await.is_ok() {
        return;
    }
    tokio::time::sleep_until(moment).await;
}

/// # Errors
/// There are no more files to be had.
#[cfg(target_os = "linux")]
async fn by_the_kernel(moment: Instant) -> std::io::Result<()> {
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;
    let left = moment.saturating_duration_since(Instant::now());
    // Nothing at all would mean never.
    if left.is_zero() {
        return Ok(());
    }
    let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
    let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
    let once = Itimerspec {
        it_interval: Timespec::default(),
        it_value: Timespec::try_from(left).map_err(std::io::Error::other)?,
    };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &once)?;
    #[expect(
        deprecated,
        reason = "it is unsound for types that name another file at another time, which this one does not"
    )]
    let timer = AsyncFd::with_interest(timer, Interest::READABLE)?;
    timer.readable().await?.retain_ready();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn it_rings_at_its_moment_and_not_before() {
        for micros in [0, 1, 300, 1_500, 4_700] {
            let moment = Instant::now() + Duration::from_micros(micros);
            at(moment).await;
            assert!(Instant::now() >= moment);
        }
        at(Instant::now() - Duration::from_secs(1)).await;
    }
}
