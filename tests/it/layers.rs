//! The house: a module imports only from modules above it in `lib.rs`; SQL stays in the store.
use std::fs;
use std::path::{Path, PathBuf};

fn sources() -> Vec<PathBuf> {
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut files = vec![];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|e| e.unwrap().path()));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}

/// The top-level module a file belongs to.
fn module(path: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let inside = path
        .strip_prefix(root)
        .unwrap()
        .iter()
        .next()
        .unwrap()
        .to_str()
        .unwrap();
    inside.trim_end_matches(".rs").to_owned()
}

#[test]
fn nothing_imports_upwards() {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let order: Vec<_> = lib
        .lines()
        .filter_map(|l| l.strip_prefix("pub mod "))
        .map(|l| l.trim_end_matches(';').to_owned())
        .collect();
    let rank = |module: &str| {
        order
            .iter()
            .position(|m| m == module)
            .unwrap_or_else(|| panic!("{module} is not in lib.rs"))
    };
    let mut seen = 0;
    for path in sources() {
        let inside = module(&path);
        if inside == "lib" || inside == "main" {
            continue;
        }
        for part in fs::read_to_string(&path).unwrap().split("crate::").skip(1) {
            let used: String = part
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            assert!(
                rank(&used) <= rank(&inside),
                "{} uses {used}",
                path.display()
            );
            seen += 1;
        }
    }
    assert!(
        seen > 100,
        "only {seen} imports were found: does the test still look in the right place?"
    );
}

#[test]
fn sql_stays_in_the_store() {
    for path in sources() {
        if module(&path) == "store" {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for word in ["\"SELECT ", "\"INSERT INTO ", "\"UPDATE ", "\"DELETE FROM "] {
            assert!(!text.contains(word), "{} has SQL", path.display());
        }
    }
}
