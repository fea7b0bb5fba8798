//! The options of `linecard bench`.

use std::num::{NonZero, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::load::{Pace, Plan};
use crate::seconds::seconds;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server: `localhost:61000`, `[::1]:61000`, or a host without a port (port 61000)
    #[arg(value_name = "ADDR")]
    pub(crate) address: String,

    /// Connections, all opened before the first request
    #[arg(long, value_name = "COUNT", default_value = "1")]
    pub(crate) connections: NonZeroUsize,

    /// Requests in flight on each connection: sent in one batch, and the next when all are answered
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = depth)]
    pub(crate) depth: NonZero<u32>,

    /// How long to send requests
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "5")]
    pub(crate) seconds: Duration,

    /// Which demo command to call
    #[arg(long, value_enum, ignore_case = true, default_value = "STRING")]
    pub(crate) command: Command,

    /// Send a text of this many bytes with STRING, counted; by default one of 16 bytes, as a line.
    /// The server's limit for bodies may be lower
    #[arg(long, value_name = "BYTES", conflicts_with = "raw_requests")]
    pub(crate) size: Option<u32>,

    /// Send this many requests a second in total, whether or not the server answers (an open loop).
    /// Latencies count from when a request was due. Without it, a connection sends when it has its
    /// replies
    #[arg(long, value_name = "PER-SECOND")]
    pub(crate) rate: Option<NonZeroU64>,

    /// Send exactly this many requests in total, instead of for a time
    #[arg(long, value_name = "COUNT", conflicts_with = "rate")]
    pub(crate) requests: Option<NonZeroU64>,

    /// Time for connecting; then, after the last request, for the replies that are missing (with
    /// --requests, from one reply to the next)
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "5")]
    pub(crate) timeout: Duration,

    /// Print the results as JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// Send the bytes of this file instead of a command, to put other servers under the same load
    #[arg(long, value_name = "FILE", requires = "raw_replies", hide = true)]
    pub(crate) raw_requests: Option<PathBuf>,

    /// The bytes of the replies to them
    #[arg(long, value_name = "FILE", requires = "raw_requests", hide = true)]
    pub(crate) raw_replies: Option<PathBuf>,

    /// How many requests the one file holds, and how many replies the other; all of one length
    #[arg(long, value_name = "COUNT", default_value = "1", requires = "raw_requests", hide = true)]
    pub(crate) raw_count: NonZeroUsize,

    /// Compare only the lengths of replies, for a server that sends them in another order
    #[arg(long, requires = "raw_requests", hide = true)]
    pub(crate) raw_lengths: bool,
}

impl Options {
    /// The load that they ask for.
    pub(super) fn plan(&self) -> Plan {
        let pace = match (self.rate, self.requests) {
            (Some(rate), _) => Pace::open(rate.get(), self.seconds),
            (None, Some(count)) => Pace::Count(count.get()),
            (None, None) => Pace::For(self.seconds),
        };
        Plan {
            address: self.address.clone(),
            connections: self.connections,
            depth: self.depth.get(),
            pace,
            timeout: self.timeout,
        }
    }
}

/// A demo command.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "UPPER")]
pub(crate) enum Command {
    /// One line of text, answered with one line
    String,
    /// A nested struct, echoed
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

/// A batch of this many requests is megabytes long. More pipelining than that shows nothing new.
const MAX_DEPTH: u32 = 65_536;

fn depth(text: &str) -> Result<NonZero<u32>, String> {
    let depth: NonZero<u32> = text.parse().map_err(|_| "not a number of requests".to_owned())?;
    if depth.get() <= MAX_DEPTH { Ok(depth) } else { Err(format!("at most {MAX_DEPTH}")) }
}
