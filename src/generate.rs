//! `linecard completions` and `linecard man`: what packages of this program install beside it.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::cli::Cli;
use crate::outcome::Outcome;

/// Prints the completions for a shell.
pub(crate) fn completions(shell: Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "linecard", &mut script);
    print(&script)
}

/// Prints the man page, or that of a subcommand.
pub(crate) fn man(subcommand: Option<&str>) -> Outcome {
    let mut cli = Cli::command().disable_help_subcommand(true);
    cli.build();
    let page = match subcommand {
        None => cli,
        Some(name) => {
            let found = cli.find_subcommand(name);
            found.ok_or_else(|| format!("there is no subcommand {name}"))?.clone()
        }
    };
    let mut text = Vec::new();
    Man::new(page).render(&mut text)?;
    print(&text)
}

fn print(text: &[u8]) -> Outcome {
    let mut stdout = io::stdout().lock();
    Ok(stdout.write_all(text).and_then(|()| stdout.flush())?)
}
