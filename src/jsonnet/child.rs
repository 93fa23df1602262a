//! The child: reads what is to be done, does it, answers, until nobody writes any more.
use super::frame::{self, Answer, Hello, Order};
use super::{run, sandbox};
use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// After so many answers a child gives way to a new one: whatever has gathered in its memory goes with it.
const SHARE: u32 = 10_000;
/// The same after so much work, well before the bound on processor time.
const WORK: Duration = Duration::from_secs(20);

/// Runs until the standard input ends.
///
/// # Errors
/// The pipes are no pipes of ours.
pub fn run() -> io::Result<()> {
    let sandbox = sandbox::shut_in();
    let (orders, inbox) = mpsc::sync_channel(1);
    // By itself, so that the end of the parent ends an endless loop, too.
    thread::Builder::new()
        .stack_size(256 << 10)
        .spawn(move || {
            let mut input = io::stdin().lock();
            while let Ok(order) = frame::read(&mut input) {
                if orders.send(order).is_err() {
                    break;
                }
            }
            std::process::exit(0);
        })?;
    sandbox::bound();
    let mut output = io::stdout().lock();
    frame::write(&mut output, &Hello { sandbox })?;
    let mut worked = Duration::ZERO;
    for done in 1.. {
        let Ok(order) = inbox.recv() else {
            break;
        };
        let begun = Instant::now();
        let order: Order<'_> = serde_json::from_slice(&order)?;
        let result = run::run(&order);
        worked += begun.elapsed();
        let is_last = done >= SHARE || worked >= WORK;
        frame::write(&mut output, &Answer { result, is_last })?;
        if is_last {
            break;
        }
    }
    Ok(())
}
