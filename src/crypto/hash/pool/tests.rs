//! The pool under load: order, bounds, memory.
use super::super::argon2::Params;
use super::*;
use crate::base::random::SeededRandom;

const KIB: u64 = 1024;

fn pool(limits: PoolLimits) -> HashPool {
    let dice: Arc<dyn Random> = Arc::new(SeededRandom::new(7));
    HashPool::start(limits, &dice).expect("threads")
}

fn limits() -> PoolLimits {
    PoolLimits {
        threads: 2,
        memory: 4096 * KIB,
        largest: 16 * 1024 * KIB,
        queue: 100,
        idle: Duration::from_millis(50),
    }
}

fn argon2(memory_kib: u32) -> HasherParams {
    HasherParams::Argon2(Params {
        memory_kib,
        ..Params::default()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_hash_fits_its_password_only() {
    let pool = pool(limits());
    for params in [argon2(1024), HasherParams::Bcrypt { cost: 4 }] {
        let hash = pool.hash(&params, b"secret").await.expect("hash");
        assert_eq!(pool.verify(&hash, b"secret").await, Ok(true));
        assert_eq!(pool.verify(&hash, b"Secret").await, Ok(false));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_waiting_is_said_at_once() {
    let pool = pool(PoolLimits {
        threads: 1,
        queue: 2,
        ..limits()
    });
    let hash = pool.hash(&argon2(4096), b"secret").await.expect("hash");
    let asked: Vec<_> = (0..20)
        .map(|_| {
            let (pool, hash) = (pool.clone(), hash.clone());
            tokio::spawn(async move { pool.verify(&hash, b"secret").await })
        })
        .collect();
    let mut busy = 0;
    for answer in asked {
        match answer.await.expect("task") {
            Err(PoolError::Busy) => busy += 1,
            other => assert_eq!(other, Ok(true)),
        }
    }
    assert!(busy > 0, "nobody was sent away");
    assert_eq!(pool.waiting(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_stays_below_the_cap_and_is_given_back() {
    let pool = pool(PoolLimits {
        threads: 8,
        ..limits()
    });
    let asked: Vec<_> = (0..40)
        .map(|n: u32| {
            let pool = pool.clone();
            tokio::spawn(async move { pool.hash(&argon2(1024 << (n % 3)), b"x").await })
        })
        .collect();
    for answer in asked {
        answer.await.expect("task").expect("hash");
        assert!(pool.memory() <= 4096 * KIB, "{} bytes", pool.memory());
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(pool.memory(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_the_cap_waits_for_the_large_lane() {
    let pool = pool(limits());
    let asked: Vec<_> = (0..4)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { pool.hash(&argon2(8192), b"x").await })
        })
        .collect();
    for answer in asked {
        answer.await.expect("task").expect("hash");
    }
    assert_eq!(pool.memory(), 0, "the large lane keeps nothing");
    assert!(matches!(
        pool.hash(&argon2(32 * 1024), b"x").await,
        Err(PoolError::TooLarge { .. })
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn pretending_to_compare_a_password_that_no_bcrypt_reads_is_no_error() {
    let pool = pool(limits());
    let params = HasherParams::Bcrypt { cost: 4 };
    assert_eq!(pool.pretend(&params, &[b'x'; 73]).await, Ok(()));
    assert_eq!(pool.pretend(&params, b"x").await, Ok(()));
}
