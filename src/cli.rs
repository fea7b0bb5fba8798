//! What the command line takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use linecard_std::Config;
use linecard_std::protocol::Limits;

/// Typed commands over a byte stream: a line and a postcard.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub(crate) struct Cli {
    /// Say more on standard error: -v what happens, -vv each connection and refusal
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show a server and a client talking (also without any arguments)
    Demo,
    /// Serve the demo commands, STRING and COMPLEX, until SIGINT or SIGTERM
    Serve(Serve),
    /// Call one command of a server
    Call(Call),
    /// Put a server under load, and measure how it answers
    Bench(crate::bench::Options),
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen; `:61000` is every interface, port 0 a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:61000")]
    pub(crate) listen: String,

    /// Longest body taken, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 65_536)]
    max_body: u32,

    /// Longest reply given, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 65_536)]
    max_reply: u32,

    /// Longest body skipped to stay in sync, in bytes; beyond it the connection closes
    #[arg(long, value_name = "BYTES", default_value_t = 1_048_576)]
    skip_budget: u32,

    /// From a frame's first byte to its last
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10")]
    frame_deadline: Duration,

    /// Without a frame begun or a reply owed
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "300")]
    idle_timeout: Duration,

    /// A write without progress for so long resets the connection
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "30")]
    write_timeout: Duration,

    /// From SIGINT or SIGTERM to the end
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "5")]
    stop_timeout: Duration,

    /// Connections at one time; one more is answered `busy`
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    pub(crate) max_connections: usize,

    /// Threads that serve; 0 is one for each CPU that this process may use
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    workers: usize,
}

impl Serve {
    /// What the server is to keep to.
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
    /// The server: `localhost:61000`, `[::1]:61000`, or a bare host (port 61000)
    #[arg(value_name = "ADDR")]
    pub(crate) address: String,

    /// The command's name; COMPLEX alone sends the article's struct and checks the reply
    pub(crate) name: String,

    /// The text to send; without it, an empty line
    pub(crate) text: Option<String>,

    /// Send this file's bytes, counted
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    pub(crate) payload: Option<PathBuf>,

    /// For connecting, over all addresses of the host; and again for the call
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "5")]
    pub(crate) timeout: Duration,
}

/// Seconds, fractions allowed.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn seconds_may_have_fractions_but_no_sign() {
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        assert!(seconds("-1").is_err());
        assert!(seconds("NaN").is_err());
        assert!(seconds("soon").is_err());
    }
}
