//! Runs every target over its seeds and over the inputs that once failed: `cargo test` in fuzz/.

use std::fs;
use std::path::{Path, PathBuf};

fn files(kind: &str, target: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(kind).join(target);
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

#[test]
fn no_stored_input_fails() {
    for (name, check) in linecard_fuzz::TARGETS {
        let seeds = files("seeds", name);
        assert!(!seeds.is_empty(), "no seeds for {name}");
        for path in seeds.into_iter().chain(files("regressions", name)) {
            eprintln!("{}", path.display());
            check(&fs::read(&path).expect("a file"));
        }
    }
}
