//! `commands!` and `serves!`: what they declare works, and what is wrong does not compile, with a
//! message that says which.
//!
//! Each file in rejected/ is compiled as a program of its own, and must fail with the words in its
//! first lines, after `//! says: `. Whole messages are the compiler's, and change with it.

#![allow(clippy::disallowed_methods, reason = "a test may panic: that is how it fails")]

mod accepted;
mod served;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/declare");

/// A package of all cases, each a program, in a workspace of its own.
fn package(cases: &[PathBuf]) -> PathBuf {
    let core = env!("CARGO_MANIFEST_DIR");
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("declare");
    let mut manifest = format!(
        "[workspace]\n\
         [package]\nname = \"cases\"\nedition = \"2024\"\n\
         [dependencies]\nlinecard-core = {{ path = {core:?}, features = [\"async\"] }}\n"
    );
    for case in cases {
        let (name, path) = (name(case), case.display().to_string());
        writeln!(manifest, "[[bin]]\nname = {name:?}\npath = {path:?}").expect("a string");
    }
    fs::create_dir_all(&dir).expect("a directory");
    fs::write(dir.join("Cargo.toml"), manifest).expect("a manifest");
    fs::copy(Path::new(core).join("../Cargo.lock"), dir.join("Cargo.lock")).expect("a lock file");
    dir
}

fn name(case: &Path) -> String {
    case.file_stem().expect("a name").to_string_lossy().into_owned()
}

/// Whether a case compiles, and what the compiler says of it.
fn compile(package: &Path, case: &str) -> (bool, String) {
    let output = Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
        .args(["check", "--quiet", "--offline", "--color=never", "--bin", case])
        .current_dir(package)
        .env("CARGO_TARGET_DIR", package.join("target"))
        .env_remove("RUSTFLAGS")
        .output()
        .expect("cargo");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn what_is_wrong_does_not_compile_and_the_message_says_which() {
    let cases: Vec<PathBuf> = fs::read_dir(Path::new(HERE).join("rejected"))
        .expect("cases")
        .map(|entry| entry.expect("a case").path())
        .collect();
    assert!(cases.len() >= 8, "{cases:?}");
    let accepted = Path::new(HERE).join("accepted.rs");
    let package = package(&[cases.as_slice(), &[accepted]].concat());
    let (compiles, message) = compile(&package, "accepted");
    assert!(compiles, "nothing can be said of the others: {message}");
    for case in cases {
        let source = fs::read_to_string(&case).expect("a case");
        let words: Vec<&str> =
            source.lines().filter_map(|line| line.strip_prefix("//! says: ")).collect();
        assert!(!words.is_empty(), "{case:?} says nothing");
        let (compiles, message) = compile(&package, &name(&case));
        assert!(!compiles, "{case:?} compiles");
        for words in words {
            assert!(message.contains(words), "{case:?}: not {words:?} but {message}");
        }
    }
}
