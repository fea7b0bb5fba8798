//! What the load is to be.

use std::num::{NonZero, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::cli::seconds;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server: `localhost:61000`, `[::1]:61000`, or a bare host (port 61000)
    #[arg(value_name = "ADDR")]
    pub(crate) address: String,

    /// Connections, all open from the beginning
    #[arg(long, value_name = "COUNT", default_value = "1")]
    pub(crate) connections: NonZeroUsize,

    /// Requests on their way on each connection: so many are sent at once, and then their replies taken
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = depth)]
    pub(crate) depth: NonZero<u32>,

    /// How long requests are sent
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "5")]
    pub(crate) seconds: Duration,

    /// Which of the demo commands is called
    #[arg(long, value_enum, ignore_case = true, default_value = "STRING")]
    pub(crate) command: Command,

    /// So many requests a second in all, whatever the server does (an open loop): latencies count from the
    /// moment when a request was due. Without it, a connection sends when it has its replies
    #[arg(long, value_name = "PER-SECOND")]
    pub(crate) rate: Option<NonZeroU64>,

    /// Exactly so many requests in all, instead of a time
    #[arg(long, value_name = "COUNT", conflicts_with = "rate")]
    pub(crate) requests: Option<NonZeroU64>,

    /// For connecting; and at the end, for replies that are still owed
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "5")]
    pub(crate) timeout: Duration,

    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// Send this file's bytes instead of a command: other servers under the same load
    #[arg(long, value_name = "FILE", requires = "raw_replies", hide = true)]
    pub(crate) raw_requests: Option<PathBuf>,

    /// The bytes that answer them
    #[arg(long, value_name = "FILE", requires = "raw_requests", hide = true)]
    pub(crate) raw_replies: Option<PathBuf>,

    /// The requests in the one file, and the replies in the other; equally long each
    #[arg(long, value_name = "COUNT", default_value = "1", requires = "raw_requests", hide = true)]
    pub(crate) raw_count: NonZeroUsize,

    /// Replies count by their length alone: a server that gives them in another order
    #[arg(long, requires = "raw_requests", hide = true)]
    pub(crate) raw_lengths: bool,
}

/// A demo command.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "UPPER")]
pub(crate) enum Command {
    /// A line of text, and a line back
    String,
    /// The article's struct, there and back
    Complex,
}

impl Command {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::String => "STRING",
            Self::Complex => "COMPLEX",
        }
    }
}

/// Beyond this, a batch is megabytes long, and pipelining has nothing more to show.
const DEPTH_CAP: u32 = 65_536;

fn depth(text: &str) -> Result<NonZero<u32>, String> {
    let depth: NonZero<u32> = text.parse().map_err(|_| "not a count of requests".to_owned())?;
    if depth.get() <= DEPTH_CAP { Ok(depth) } else { Err(format!("at most {DEPTH_CAP}")) }
}
