//! Whether the clock tells who is known. By hand, where nothing else runs:
//! `cargo test --release --test it the_clock -- --ignored --nocapture`
use crate::support::client::{Kind, PASSWORD};
use crate::support::{TestApp, rounds};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn config() -> Value {
    json!({ "selfservice": {
        "flows": { "recovery": { "enabled": true }, "verification": { "enabled": true } },
    } })
}

/// How likely two lists differ so much by chance, by the rank sum of Mann and Whitney with its normal approximation.
fn by_chance(one: &[Duration], other: &[Duration]) -> f64 {
    let mut all: Vec<(Duration, bool)> = one.iter().map(|time| (*time, true)).collect();
    all.extend(other.iter().map(|time| (*time, false)));
    all.sort();
    let ranks = all.iter().zip(1_u32..).filter(|((_, is_one), _)| *is_one);
    let sum: f64 = ranks.map(|(_, rank)| f64::from(rank)).sum();
    let count = |list: &[Duration]| f64::from(u32::try_from(list.len()).unwrap());
    let (here, there) = (count(one), count(other));
    let wins = sum - here * (here + 1.0) / 2.0;
    let deviation = (here * there * (here + there + 1.0) / 12.0).sqrt();
    let distance = (wins - here * there / 2.0).abs() / deviation / 2.0_f64.sqrt();
    // Both tails, by the approximation 7.1.26 of Abramowitz and Stegun.
    let step = 1.0 / (1.0 + 0.327_591_1 * distance);
    let series = [
        1.061_405_429,
        -1.453_152_027,
        1.421_413_741,
        -0.284_496_736,
        0.254_829_592,
    ];
    let tail = series.iter().fold(0.0, |sum, factor| (sum + factor) * step);
    tail * (-distance * distance).exp()
}

#[test]
fn lists_of_one_kind_differ_by_chance() {
    let list = |from: u64| -> Vec<_> { (from..from + 200).map(Duration::from_micros).collect() };
    assert!(by_chance(&list(0), &list(0)) > 0.9);
    assert!(by_chance(&list(0), &list(60)) < 0.001);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute of a machine that does nothing else"]
async fn the_clock_does_not_tell_who_is_known() {
    let app = TestApp::with(config()).await;
    let known: Vec<String> = (0..50).map(|n| format!("known{n}@example.org")).collect();
    for address in &known {
        app.seed(address, PASSWORD).await;
    }
    let samples = rounds(1000);
    for (flow, method, field) in [
        ("recovery", "code", "email"),
        ("verification", "code", "email"),
        ("login", "password", "identifier"),
    ] {
        let mut took = [vec![], vec![]];
        let mut client = app.client(Kind::Native);
        for n in 0..2 * samples + 40 {
            // In no order that something else could follow.
            let is_known = (n * 7 + n / 5) % 2 == 0;
            let address = if is_known {
                known[n % known.len()].clone()
            } else {
                format!("nobody{n}@example.org")
            };
            let form = client.start(flow, "").await;
            let fields = json!({ "method": method, field: address, "password": "a-wrong-one" });
            let began = Instant::now();
            let answer = client.submit(flow, &form, fields).await;
            let time = began.elapsed();
            assert!(answer.status.as_u16() < 500, "{}", answer.text);
            // The first ones fill caches.
            if n >= 40 {
                took[usize::from(is_known)].push(time);
            }
        }
        let chance = by_chance(&took[0], &took[1]);
        let median = |list: &mut Vec<Duration>| {
            list.sort();
            list[list.len() / 2]
        };
        let [mut unknown, mut known] = took;
        println!(
            "{flow} by {method}: unknown {:?}, known {:?}, p = {chance:.4}",
            median(&mut unknown),
            median(&mut known)
        );
        assert!(
            chance >= 0.01,
            "{flow} by {method} tells who is known: p = {chance}"
        );
    }
}
