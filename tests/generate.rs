//! `linecard completions` and `linecard man`.

use std::time::Duration;

use linecard_suite::process::{self, Finished};

const LINECARD: &str = env!("CARGO_BIN_EXE_linecard");
const SUBCOMMANDS: [&str; 6] = ["demo", "serve", "call", "bench", "completions", "man"];

fn run(args: &[&str]) -> Finished {
    process::run(LINECARD, args, Duration::from_mins(1))
}

fn printed(args: &[&str]) -> String {
    let ended = run(args);
    assert_eq!(ended.status, Some(0), "{args:?}: {ended:?}");
    assert!(ended.stderr.is_empty(), "{args:?}: {ended:?}");
    String::from_utf8(ended.stdout).expect("UTF-8")
}

#[test]
fn completions_name_every_subcommand_and_its_options() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = printed(&["completions", shell]);
        for word in SUBCOMMANDS.into_iter().chain(["listen", "max-body", "payload", "connections"])
        {
            assert!(script.contains(word), "{shell}: no {word} in\n{script}");
        }
    }
}

#[test]
fn the_man_page_names_every_subcommand() {
    let page = printed(&["man"]);
    assert!(page.contains(".TH linecard 1"), "{page}");
    for name in SUBCOMMANDS {
        assert!(page.contains(&format!("linecard\\-{name}(1)")), "no {name} in\n{page}");
    }
}

#[test]
fn each_subcommand_has_a_man_page_with_its_options() {
    for (name, option) in [("serve", "max\\-body"), ("call", "payload"), ("bench", "depth")] {
        let page = printed(&["man", name]);
        assert!(page.contains(&format!(".TH linecard-{name} 1")), "{page}");
        assert!(page.contains(&format!("linecard {name}")), "the whole command:\n{page}");
        assert!(page.contains(option), "no {option} in\n{page}");
    }
    for name in SUBCOMMANDS {
        assert!(printed(&["man", name]).contains(".SH DESCRIPTION"), "{name}");
    }
}

#[test]
fn an_unknown_subcommand_or_shell_is_an_error() {
    let ended = run(&["man", "nonsense"]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert_eq!(ended.stderr, "linecard: there is no subcommand nonsense\n");
    assert!(ended.stdout.is_empty(), "{ended:?}");
    assert_eq!(run(&["completions", "nonsense"]).status, Some(2));
}
