//! The load generator for all servers: `linecard bench`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;

use crate::Failure;
use crate::contenders::Contender;
use crate::process::{Cpus, pinned};

/// A load, and the CPUs of its generator. The server has the first CPU.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    pub(crate) depth: usize,
    pub(crate) cpus: Cpus,
}

/// How long a load runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Length {
    Seconds(f64),
    Requests(usize),
    /// An open loop.
    Rate {
        /// Requests a second.
        rate: f64,
        seconds: f64,
    },
}

/// Runs a load and returns its figures. Any failed request is an error.
pub(crate) fn run(
    programs: &Path,
    contender: &Contender,
    addr: SocketAddr,
    load: Load,
    length: Length,
) -> Result<Value, Failure> {
    let output = pinned(load.cpus, &argv(programs, contender, addr, load, length)).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The load's command line.
pub(crate) fn argv(
    programs: &Path,
    contender: &Contender,
    addr: SocketAddr,
    load: Load,
    length: Length,
) -> Vec<OsString> {
    let length = match length {
        Length::Seconds(seconds) => vec!["--seconds".into(), seconds.to_string()],
        Length::Requests(requests) => vec!["--requests".into(), requests.to_string()],
        Length::Rate { rate, seconds } => {
            let rate = format!("{rate:.0}");
            vec!["--rate".into(), rate, "--seconds".into(), seconds.to_string()]
        }
    };
    let mut argv: Vec<OsString> = vec![programs.join("linecard").into()];
    let addr = addr.to_string();
    let (connections, depth, count) =
        (load.connections.to_string(), load.depth.to_string(), contender.count.to_string());
    for arg in ["bench", &addr, "--json", "--connections", &connections, "--depth", &depth] {
        argv.push(arg.into());
    }
    argv.extend(length.into_iter().map(OsString::from));
    for arg in ["--raw-count", &count, "--raw-requests"] {
        argv.push(arg.into());
    }
    argv.extend([contender.requests.clone().into(), "--raw-replies".into()]);
    argv.push(contender.replies.clone().into());
    argv.extend((!contender.in_order).then(|| "--raw-lengths".into()));
    argv
}

pub(crate) fn figure(figures: &Value, name: &str) -> Result<f64, Failure> {
    figures[name].as_f64().ok_or_else(|| format!("no {name} in {figures}").into())
}
