//! The versions that the reference knows, by engine: facts, kept as a text beside the tables' shapes.
use super::super::db::Dialect;

/// A version of the reference's schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// 20 digits: a time stamp and a step.
    pub version: &'static str,
    pub name: &'static str,
    engines: &'static str,
}

/// Two versions move data by program; SQLite has nothing to do there and says so in the name.
const BY_PROGRAM: [&str; 2] = ["20251105000000000001", "20251105000000000002"];

impl Version {
    pub(super) fn shown_name(self, dialect: Dialect) -> String {
        if dialect == Dialect::Sqlite && BY_PROGRAM.contains(&self.version) {
            format!("{} (noop)", self.name)
        } else {
            self.name.to_owned()
        }
    }
}

/// The versions of that engine, oldest first.
pub(super) fn of(dialect: Dialect) -> impl Iterator<Item = Version> {
    let letter = match dialect {
        Dialect::Sqlite => 's',
        Dialect::Postgres => 'p',
        Dialect::MySql => 'm',
        Dialect::Cockroach => 'c',
    };
    include_str!("../../../migrations/versions.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut words = line.splitn(3, ' ');
            Some(Version {
                version: words.next()?,
                engines: words.next()?,
                name: words.next()?,
            })
        })
        .filter(move |v| v.engines.contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_engine_has_as_many_versions_as_the_reference_counts() {
        for (dialect, count) in [
            (Dialect::Sqlite, 696),
            (Dialect::Postgres, 348),
            (Dialect::MySql, 354),
            (Dialect::Cockroach, 497),
        ] {
            let all: Vec<_> = of(dialect).map(|v| v.version).collect();
            assert_eq!(all.len(), count, "{dialect:?}");
            assert!(all.is_sorted());
            assert_eq!(all.last(), Some(&super::super::NEWEST));
        }
    }
}
