//! The results of one load, as text or as JSON.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use super::options::Options;
use crate::load::Tally;

#[derive(Debug, Serialize)]
pub(super) struct Report<'t> {
    address: &'t str,
    command: &'static str,
    /// Bytes in the text of a request, if `--size` gives them.
    size: Option<u32>,
    connections: usize,
    depth: u32,
    /// Requests a second that were due, in an open loop; `null` in a closed one.
    rate: Option<u64>,
    /// From the first request to the last reply.
    seconds: f64,
    /// Until the last connection was open.
    connect_seconds: f64,
    /// Stopped by a signal before its end. Requests that were in flight then are not counted.
    interrupted: bool,
    /// Answered as expected.
    requests: u64,
    requests_per_second: f64,
    /// Of those requests: from when a request was due (in a closed loop, when its batch was sent)
    /// until its reply was read.
    latency_us: Latency,
    /// Requests that failed.
    errors: u64,
    errors_by_kind: &'t std::collections::BTreeMap<&'static str, u64>,
}

/// In microseconds; zero without a request.
#[derive(Debug, Serialize)]
struct Latency {
    mean: f64,
    p50: f64,
    p90: f64,
    p99: f64,
    #[serde(rename = "p99.9")]
    p99_9: f64,
    max: f64,
}

impl<'t> Report<'t> {
    pub(super) fn new(options: &'t Options, tally: &'t Tally, connect_time: Duration) -> Self {
        let seconds = tally.last_reply.as_secs_f64();
        Self {
            address: &options.address,
            command: if options.raw_requests.is_some() { "raw" } else { options.command.name() },
            size: options.size,
            connections: options.connections.get(),
            depth: options.depth.get(),
            rate: options.rate.map(std::num::NonZero::get),
            seconds,
            connect_seconds: connect_time.as_secs_f64(),
            interrupted: tally.is_interrupted,
            requests: tally.requests(),
            requests_per_second: per_second(tally.requests(), seconds),
            latency_us: Latency::of(tally),
            errors: tally.errors(),
            errors_by_kind: tally.errors_by_kind(),
        }
    }

    pub(super) fn print(&self, json: bool) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        if json {
            serde_json::to_writer(&mut stdout, self)?;
            writeln!(stdout)
        } else {
            self.describe(&mut stdout)
        }
    }

    fn describe(&self, to: &mut impl Write) -> io::Result<()> {
        let Self { command, address, connections, depth, .. } = self;
        writeln!(to, "{command} to {address}: {connections} connections, {depth} deep")?;
        if let Some(size) = self.size {
            writeln!(to, "{size} bytes in each request")?;
        }
        if let Some(rate) = self.rate {
            writeln!(to, "an open loop of {rate} requests a second")?;
        }
        if self.interrupted {
            writeln!(to, "stopped by a signal: results until then")?;
        }
        writeln!(to, "{} requests in {:.2} s", self.requests, self.seconds)?;
        writeln!(to, "{:.0} requests a second", self.requests_per_second)?;
        let Latency { mean, p50, p90, p99, p99_9, max } = self.latency_us;
        writeln!(
            to,
            "latency in µs: p50 {p50:.0}, p90 {p90:.0}, p99 {p99:.0}, p99.9 {p99_9:.0}, \
             max {max:.0}, mean {mean:.0}"
        )?;
        writeln!(to, "{} errors", self.errors)?;
        self.errors_by_kind.iter().try_for_each(|(kind, count)| writeln!(to, "    {kind}: {count}"))
    }
}

impl Latency {
    fn of(tally: &Tally) -> Self {
        let latencies = &tally.latencies;
        let at = |quantile| micros(latencies.value_at_quantile(quantile));
        Self {
            mean: latencies.mean() / 1_000.0,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p99_9: at(0.999),
            max: micros(latencies.max()),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53 nanoseconds")]
fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1_000.0
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53 requests")]
fn per_second(requests: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { requests as f64 / seconds } else { 0.0 }
}
