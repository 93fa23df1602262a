//! `migrate normalize-phone-numbers`: numbers that were stored before they were brought to E.164 (config-cli.md §4.6).
//!
//! Each row is a write of its own: it can be stopped at any time, and run again.
use super::source::{self, DsnArgs};
use super::sql::{connect_to, named, span};
use super::{output, print};
use crate::base::clock::{Clock as _, SystemClock};
use crate::base::id::RowId;
use crate::model::identifier;
use crate::store::{Db, PhoneTable, Phones, migrate};
use clap::Args;
use std::io::Write as _;
use std::time::Duration;
use uuid::Uuid;

/// Write telephone numbers that were stored as they were typed in E.164
///
/// Sign-up, sign-in and settings write numbers so by themselves; this is for what older releases have stored: identifiers,
/// and addresses for verification and recovery of the type sms. It can be stopped and run again. Where somebody else has
/// the number already, the row stays as it is and is told of. Make a backup before.
#[derive(Args, Clone, Debug)]
pub(super) struct PhoneArgs {
    #[command(flatten)]
    dsn: DsnArgs,
    /// Rows that are read at a time
    #[arg(short, long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    batch_size: u32,
    /// Pause behind each batch, so that a busy database can breathe; 0s for none
    #[arg(long, default_value = "1s", value_parser = span)]
    batch_delay: Duration,
    /// Only show what would be changed
    #[arg(long)]
    dry_run: bool,
    /// Where to go on in a table, as the progress tells it: ci=ID for identifiers, va=ID for addresses that are verified,
    /// ra=ID for those of recovery; may be repeated
    #[arg(long, value_name = "TABLE=ID", value_delimiter = ',', value_parser = place)]
    start_after: Vec<(PhoneTable, RowId)>,
}

/// What became of the rows of a table.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    scanned: u64,
    updated: u64,
    skipped: u64,
    errors: u64,
}

impl PhoneArgs {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let dsn = named(&self.dsn, &["migrate", "normalize-phone-numbers"])?;
        let how = self.dsn.migration();
        if let Some(path) = source::absent(&dsn) {
            return Err(source::no_file(path, &how));
        }
        let db = connect_to(&dsn).await?;
        let ready = migrate::required(&db).await;
        ready.map_err(|error| source::advised(error, &how))?;
        if self.dry_run {
            print::note(format_args!("This is a dry run: nothing is written."));
        }
        let mut counts = vec![];
        for table in PhoneTable::ALL {
            counts.push((name(table), self.table(&db, table).await?));
        }
        let mut total = Count::default();
        for (_, count) in &counts {
            total.add(*count);
        }
        counts.push(("TOTAL", total));
        print::out().write_all(summary(&counts).as_bytes())?;
        Ok(())
    }

    async fn table(&self, db: &Db, table: PhoneTable) -> anyhow::Result<Count> {
        let phones = Phones::new(db, table);
        let mut last = self.start(table);
        if !last.0.is_nil() {
            print::note(format_args!("{}: going on after {}", name(table), last.0));
        }
        let mut count = Count::default();
        loop {
            let rows = phones.after(last, self.batch_size).await?;
            if rows.is_empty() {
                return Ok(count);
            }
            let mut failed = None;
            for (id, old) in rows {
                if let Err(error) = self.row(&phones, table, id, &old, &mut count).await {
                    failed = Some(error);
                    break;
                }
                last = id;
            }
            let (name, key) = (name(table), key(table));
            print::note(format_args!(
                "{name}: {} rows so far (to go on here: --start-after {key}={})",
                count.scanned, last.0
            ));
            if let Some(error) = failed {
                return Err(error);
            }
            tokio::time::sleep(self.batch_delay).await;
        }
    }

    /// An error is one of the database itself, behind which nothing else would go better.
    async fn row(
        &self,
        phones: &Phones<'_>,
        table: PhoneTable,
        id: RowId,
        old: &str,
        count: &mut Count,
    ) -> anyhow::Result<()> {
        count.scanned += 1;
        let new = respelt(old);
        let Some(new) = new else {
            count.skipped += 1;
            return Ok(());
        };
        let name = name(table);
        if self.dry_run {
            print::note(format_args!("{name}: {} {old:?} -> {new:?}", id.0));
            count.updated += 1;
            return Ok(());
        }
        match phones.respell(id, old, &new, SystemClock.now()).await {
            Ok(true) => count.updated += 1,
            // Somebody has changed it meanwhile, and it was normalized then.
            Ok(false) => count.skipped += 1,
            Err(error) if error.is_passing() => return Err(error.into()),
            Err(error) => {
                print::note(format_args!("{name}: {} stays: {error}", id.0));
                count.errors += 1;
            }
        }
        Ok(())
    }

    /// The last one given for the table.
    fn start(&self, table: PhoneTable) -> RowId {
        let given = self.start_after.iter().rev();
        let mut places = given.filter(|(of, _)| *of == table);
        places.next().map_or(RowId(Uuid::nil()), |(_, id)| *id)
    }
}

impl Count {
    fn add(&mut self, other: Self) {
        self.scanned += other.scanned;
        self.updated += other.updated;
        self.skipped += other.skipped;
        self.errors += other.errors;
    }
}

/// How it ought to be stored, if that is different. Names of providers may begin with a plus, too: only what has nothing
/// but digits and what people put between them is taken for a number.
fn respelt(stored: &str) -> Option<String> {
    let is_part = |c: char| {
        c.is_ascii_digit() || matches!(c, ' ' | '\t' | '\n' | '\x0c' | '\r' | '-' | '(' | ')' | '.')
    };
    let rest = stored.strip_prefix('+')?;
    if rest.is_empty() || !rest.chars().all(is_part) {
        return None;
    }
    Some(identifier::normalize(stored)).filter(|new| new != stored)
}

fn name(table: PhoneTable) -> &'static str {
    match table {
        PhoneTable::CredentialIdentifiers => "Credential identifiers",
        PhoneTable::VerifiableAddresses => "Verifiable addresses",
        PhoneTable::RecoveryAddresses => "Recovery addresses",
    }
}

fn key(table: PhoneTable) -> &'static str {
    match table {
        PhoneTable::CredentialIdentifiers => "ci",
        PhoneTable::VerifiableAddresses => "va",
        PhoneTable::RecoveryAddresses => "ra",
    }
}

/// The reference's help has longer words, which it then does not know. Here they work.
fn place(text: &str) -> Result<(PhoneTable, RowId), String> {
    let (word, id) = text.split_once('=').ok_or("not of the form ci=ID")?;
    let table = match word {
        "ci" | "credentials" => PhoneTable::CredentialIdentifiers,
        "va" | "verifiable" => PhoneTable::VerifiableAddresses,
        "ra" | "recovery" => PhoneTable::RecoveryAddresses,
        _ => return Err("the tables are ci, va and ra".to_owned()),
    };
    let id = Uuid::parse_str(id).map_err(|_| "what stands behind the = is no id")?;
    Ok((table, RowId(id)))
}

/// An empty line, headings, a line for each.
fn summary(counts: &[(&str, Count)]) -> String {
    let heading = ["", "SCANNED", "UPDATED", "SKIPPED", "ERRORS"].map(str::to_owned);
    let mut lines = vec![heading.to_vec()];
    lines.extend(counts.iter().map(|(name, count)| {
        let numbers = [count.scanned, count.updated, count.skipped, count.errors];
        let mut line = vec![(*name).to_owned()];
        line.extend(numbers.map(|number| number.to_string()));
        line
    }));
    format!("\n{}", output::spaced(&lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_are_respelt() {
        for (stored, respelling) in [
            ("+49 (176) 671-11 638", Some("+4917667111638")),
            ("+1.650.253.0000", Some("+16502530000")),
            ("+16502530000", None),
            ("+16502530000:google", None),
            ("+", None),
            ("+49a", None),
            ("0176 67111638", None),
            // No valid number: only what is around it goes.
            ("+12 ", Some("+12")),
        ] {
            assert_eq!(respelt(stored).as_deref(), respelling, "{stored:?}");
        }
    }

    #[test]
    fn places_are_read() {
        let id = "7b1d6a4e-2f0c-4e7d-9a56-0a4c4c7f3b11";
        let is_table = |text: &str, table| place(text).is_ok_and(|(of, _)| of == table);
        assert!(is_table(
            &format!("ci={id}"),
            PhoneTable::CredentialIdentifiers
        ));
        assert!(is_table(
            &format!("verifiable={id}"),
            PhoneTable::VerifiableAddresses
        ));
        for text in ["ci", "ci=", "xx=7b1d6a4e-2f0c-4e7d-9a56-0a4c4c7f3b11"] {
            assert!(place(text).is_err(), "{text}");
        }
    }
}
