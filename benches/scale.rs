//! How the store does with very many identities: fills a database, and says what single questions cost then.
//!
//! ```sh
//! cargo bench --bench scale -- 'sqlite:///tmp/scale.sqlite' 1000 10000 100000 1000000
//! cargo bench --bench scale -- 'postgres://…' 1000000
//! ```
//!
//! The database is migrated and then filled up to each of the numbers in turn, so that the next run goes on where this
//! one has ended; it is left behind. Every figure is the median of fifty, that of a batch of a thousand the median of
//! nine.
use kratos::base::clock::{Clock, SystemClock};
use kratos::base::id::{AddressId, CredentialId, IdentityId};
use kratos::base::random::{Random, SystemRandom, uuid};
use kratos::base::terms::{CredentialsType, Via};
use kratos::config::dsn::Dsn;
use kratos::model::credentials::Credential;
use kratos::model::identity::{AddressStatus, Identity, RecoveryAddress, VerifiableAddress};
use kratos::store::{Db, Filter, Load, Result, Slice, Store, migrate};
use serde_json::json;
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use uuid::Uuid;

const BATCH: u64 = 1000;
const BATCHES: usize = 9;
const RUNS: usize = 50;
const PAGE: u32 = 251;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments = arguments.iter().filter(|a| !a.starts_with("--"));
    let mut arguments = arguments.map(String::as_str);
    let Some(address) = arguments.next() else {
        println!("usage: cargo bench --bench scale -- DSN COUNT…");
        return;
    };
    let counts: Vec<u64> = arguments.filter_map(|count| count.parse().ok()).collect();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if let Err(error) = runtime.block_on(measure(address, &counts)) {
        println!("{error}");
        std::process::exit(1);
    }
}

async fn measure(address: &str, counts: &[u64]) -> Result<()> {
    let dsn = Dsn::parse(address).expect("an address of a database");
    let now = SystemClock.now();
    let db = Db::connect(&dsn, Duration::from_secs(5)).await?;
    migrate::up(&db).await?;
    let store = Store::open(db, now, &SystemRandom).await?;
    println!(
        "{:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}   (µs)",
        "count", "first", "middle", "get", "external", "find", "filter", "create", "batch"
    );
    for count in counts {
        fill(&store, *count, now).await?;
        let number = |n: usize| (n as u64).wrapping_mul(7_919) % count;
        let first = timed(async |_| {
            let slice = Slice::After(IdentityId(Uuid::nil()), PAGE);
            let list = store
                .identities()
                .list(&Filter::All, slice, Load::Addresses)
                .await?;
            Ok(!list.is_empty())
        });
        let middle = timed(async |_| {
            let from = Uuid::from_u128(1 << 127 | uuid(&SystemRandom).as_u128() >> 3);
            let slice = Slice::After(IdentityId(from), PAGE);
            let list = store
                .identities()
                .list(&Filter::All, slice, Load::Addresses)
                .await?;
            Ok(!list.is_empty())
        });
        let somebody = async |n: usize| {
            let id = format!("external-{}", number(n));
            store
                .identities()
                .by_external_id(&id, Load::Credentials)
                .await
        };
        let mut ids = vec![];
        for n in 0..RUNS {
            ids.extend(somebody(n).await?.map(|i| i.id));
        }
        let get = timed(async |n: usize| {
            Ok(store
                .identities()
                .find(ids[n % ids.len()], Load::Credentials)
                .await?
                .is_some())
        });
        let external = timed(async |n| Ok(somebody(n).await?.is_some()));
        let find = timed(async |n| {
            let email = email(number(n));
            let kinds = [CredentialsType::Password];
            Ok(store
                .credentials()
                .by_identifier(&kinds, &email, &email)
                .await?
                .is_some())
        });
        let filter = timed(async |n| {
            let email = email(number(n));
            let filter = Filter::Identifier {
                normalised: email.clone(),
                verbatim: email,
            };
            let slice = Slice::After(IdentityId(Uuid::nil()), PAGE);
            let list = store
                .identities()
                .list(&filter, slice, Load::Credentials)
                .await?;
            Ok(!list.is_empty())
        });
        let mut figures = vec![];
        figures.push(first.await?);
        figures.push(middle.await?);
        figures.push(get.await?);
        figures.push(external.await?);
        figures.push(find.await?);
        figures.push(filter.await?);
        let made = timed(async |_| {
            let identity = person(&store, &uuid(&SystemRandom).to_string(), now);
            store.identities().insert(&identity, &SystemRandom).await?;
            store.identities().delete(identity.id).await
        });
        figures.push(made.await?);
        figures.push(batch(&store, now).await?);
        let figures = figures.iter().map(|us| format!("{us:>9}"));
        println!("{count:>9} {}", figures.collect::<Vec<_>>().join(" "));
    }
    Ok(())
}

/// The median of what this takes, in microseconds. It has to find something.
async fn timed(work: impl AsyncFn(usize) -> Result<bool>) -> Result<u128> {
    let mut times = vec![];
    for n in 0..RUNS {
        let start = Instant::now();
        assert!(work(n).await?, "nothing was found");
        times.push(start.elapsed().as_micros());
    }
    times.sort_unstable();
    Ok(times[RUNS / 2])
}

/// The median of what a thousand people at once take, in microseconds. They are gone afterwards.
async fn batch(store: &Store, now: OffsetDateTime) -> Result<u128> {
    let mut times = vec![];
    for _ in 0..BATCHES {
        let people: Vec<Identity> = (0..BATCH)
            .map(|_| person(store, &uuid(&SystemRandom).to_string(), now))
            .collect();
        let all: Vec<&Identity> = people.iter().collect();
        let start = Instant::now();
        let failed = store.insert_identities(&all, &SystemRandom).await?;
        times.push(start.elapsed().as_micros());
        assert!(failed.is_empty(), "{failed:?}");
        for one in &people {
            assert!(store.identities().delete(one.id).await?);
        }
    }
    times.sort_unstable();
    Ok(times[BATCHES / 2])
}

/// Adds people until there are so many.
async fn fill(store: &Store, count: u64, now: OffsetDateTime) -> Result<()> {
    let start = Instant::now();
    let before = store.identities().count().await?;
    let mut at = before;
    while at < count {
        let until = (at + BATCH).min(count);
        let people: Vec<Identity> = (at..until)
            .map(|n| person(store, &n.to_string(), now))
            .collect();
        let all: Vec<&Identity> = people.iter().collect();
        let failed = store.insert_identities(&all, &SystemRandom).await?;
        assert!(failed.is_empty(), "{failed:?}");
        at = until;
    }
    if at > before {
        println!(
            "{} added in {:.1} s",
            at - before,
            start.elapsed().as_secs_f64()
        );
    }
    Ok(())
}

fn email(n: impl std::fmt::Display) -> String {
    format!("user{n}@example.org")
}

fn person(store: &Store, n: &str, now: OffsetDateTime) -> Identity {
    let dice: &dyn Random = &SystemRandom;
    let email = email(n);
    let traits = json!({ "email": email });
    let mut identity = Identity::new(
        IdentityId::random(dice),
        store.nid(),
        "default",
        traits,
        now,
    );
    identity.external_id = Some(format!("external-{n}"));
    let config = json!({ "hashed_password": "$2a$04$zHgDQZCxZLXxKSaCaNBYsuR1J6zLQKyYqUWFmxRbK4XFmPWEPGTNW" });
    let mut password = Credential::new(
        CredentialId::random(dice),
        CredentialsType::Password,
        config,
        now,
    );
    password.identifiers.push(email.clone());
    identity.credentials.push(password);
    identity.verifiable_addresses.push(VerifiableAddress {
        id: AddressId::random(dice),
        value: email.clone(),
        via: Via::Email,
        verified: false,
        status: AddressStatus::Pending,
        verified_at: None,
        created_at: now,
        updated_at: now,
    });
    identity.recovery_addresses.push(RecoveryAddress {
        id: AddressId::random(dice),
        value: email,
        via: Via::Email,
        break_glass_for_organization: None,
        created_at: now,
        updated_at: now,
    });
    identity
}
