//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use linecard_std::Config;
use linecard_std::protocol::Limits;

use crate::bench;
use crate::seconds::seconds;

/// Typed commands over a byte stream: a line of text, or a value in the postcard encoding.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub(crate) struct Cli {
    /// Log more to standard error: -v what the program does, -vv each connection and error
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a server and a client that talk to each other, and print both sides (the default)
    Demo,
    /// Serve the demo commands, STRING and COMPLEX, until SIGINT or SIGTERM
    Serve(Serve),
    /// Call one command of a server, and print the reply
    Call(Call),
    /// Put a server under load, and measure throughput and latency
    Bench(bench::Options),
    /// Print the completions for a shell, to be installed where the shell looks for them
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the man page, or that of a subcommand, in roff
    Man {
        /// The subcommand
        #[arg(value_name = "COMMAND")]
        subcommand: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen; `:61000` is every interface, port 0 any free port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:61000")]
    pub(crate) listen: String,

    /// Longest body of a request, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 65_536)]
    max_body: u32,

    /// Longest body of a reply, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 65_536)]
    max_reply: u32,

    /// Longest body that is skipped to stay in sync, in bytes; a longer one closes the connection
    #[arg(long, value_name = "BYTES", default_value_t = 1_048_576)]
    skip_budget: u32,

    /// Longest time from a frame's first byte to its last
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10")]
    frame_deadline: Duration,

    /// Longest time of a connection without a request
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "300")]
    idle_timeout: Duration,

    /// Reset a connection whose client takes no bytes for this long
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "30")]
    write_timeout: Duration,

    /// Longest time from SIGINT or SIGTERM to the end of the process
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "5")]
    stop_timeout: Duration,

    /// Most connections at one time; one more is answered `busy`
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    pub(crate) max_connections: usize,

    /// Worker threads; 0 is one for each CPU that this process may use
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    workers: usize,
}

impl Serve {
    /// The server's configuration.
    pub(crate) fn config(&self) -> Config {
        Config {
            limits: Limits {
                max_body_len: self.max_body,
                max_reply_len: self.max_reply,
                skip_budget: self.skip_budget,
                frame_timeout: self.frame_deadline,
                idle_timeout: self.idle_timeout,
            },
            write_timeout: self.write_timeout,
            stop_timeout: self.stop_timeout,
            max_connections: self.max_connections,
            workers: self.workers,
            ..Config::default()
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Call {
    /// The server: `localhost:61000`, `[::1]:61000`, or a host without a port (port 61000)
    #[arg(value_name = "ADDR")]
    pub(crate) address: String,

    /// The command's name; COMPLEX without TEXT sends the demo's nested struct, and checks that the
    /// reply is the same
    pub(crate) name: String,

    /// The text to send; an empty line by default
    pub(crate) text: Option<String>,

    /// Send the bytes of this file, as a counted body
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    pub(crate) payload: Option<PathBuf>,

    /// Time for connecting, over all addresses of the host; and again for the call
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "5")]
    pub(crate) timeout: Duration,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_valid() {
        Cli::command().debug_assert();
    }
}
