//! Bodies of 60,000 bytes, in and out, beside a raw echo of the same sizes and two stores; and what
//! one bulk connection costs the small calls of others.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

use crate::Failure;
use crate::contenders::{Contender, Dirs, Frames, LINECARD, RAW_EPOLL, stores_of};
use crate::load::{Length, Load, argv, figure, run};
use crate::process::{Cpus, Server, pinned};
use crate::throughput::{best_ratio, median};

/// The length of a body.
const LEN: usize = 60_000;

/// The loads: one connection on the server's CPU.
const DEPTHS: [usize; 2] = [1, 8];

#[derive(Clone, Copy, Debug)]
enum Way {
    Counted,
    Line,
    Out,
}

impl Way {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Counted, "in, counted"), (Self::Line, "in, as a line"), (Self::Out, "out")];

    fn frames(self) -> Frames {
        let body = "x".repeat(LEN);
        let (request, reply) = match self {
            Self::Counted => (format!("STRING {LEN}\n{body}\n"), "OK\nThank you.\n".to_owned()),
            Self::Line => (format!("STRING\n{body}\n"), "OK\nThank you.\n".to_owned()),
            Self::Out => ("GET\n\n".to_owned(), format!("OK {LEN}\n{body}\n")),
        };
        (request.into(), reply.into())
    }
}

/// Prints a table of ratios to the raw echo: of the best rounds and, in brackets, the median of the
/// rounds.
pub(crate) fn print(dirs: &Dirs, rounds: usize, seconds: f64) -> Result<(), Failure> {
    println!("| {LEN} bytes | 1 deep, same | 8 deep, same |\n|---|---|---|");
    for (way, title) in Way::ALL {
        for (name, cells) in measure(dirs, way, rounds, seconds)? {
            println!("| {title}: {name} | {} |", cells.join(" | "));
        }
    }
    println!();
    Ok(())
}

fn contenders(dirs: &Dirs, way: Way) -> Result<Vec<Contender>, Failure> {
    let ours = way.frames();
    let mut all = vec![dirs.bulk(RAW_EPOLL, &ours, |contender| dirs.raw("epoll", contender))?];
    all.push(dirs.bulk(LINECARD, &ours, |_| match way {
        Way::Out => dirs.own_server("bulk", &[&LEN.to_string()]),
        Way::Counted | Way::Line => dirs.linecard(&[]),
    })?);
    if !matches!(way, Way::Line) {
        for (name, start, frames) in stores_of(LEN, matches!(way, Way::Out)) {
            all.push(dirs.bulk(name, &frames, |_| start)?);
        }
    }
    Ok(all)
}

type Row = (&'static str, Vec<String>);

fn measure(dirs: &Dirs, way: Way, rounds: usize, seconds: f64) -> Result<Vec<Row>, Failure> {
    let all = contenders(dirs, way)?;
    let servers: Vec<Server> =
        all.iter().map(|one| Server::start(&one.start, Cpus::First)).collect::<Result<_, _>>()?;
    if matches!(way, Way::Out) {
        let stored = stores_of(LEN, false);
        for (name, _, (request, reply)) in &stored {
            let at = all.iter().position(|one| one.name == *name);
            at.map_or(Ok(()), |at| store(&servers[at], request, reply.len()))?;
        }
    }
    let mut rows: Vec<Row> = all.iter().map(|one| (one.name, Vec::new())).collect();
    for depth in DEPTHS {
        let load = Load { connections: 1, depth, cpus: Cpus::First };
        let mut rates = vec![Vec::new(); all.len()];
        for _round in 0..rounds {
            for ((one, server), rates) in all.iter().zip(&servers).zip(&mut rates) {
                let length = Length::Seconds(seconds);
                let figures = run(&dirs.programs, one, server.addr, load, length)?;
                rates.push(figure(&figures, "requests_per_second")?);
            }
        }
        for (row, mine) in rows.iter_mut().zip(&rates) {
            let pairs: Vec<_> = mine.iter().copied().zip(rates[0].iter().copied()).collect();
            let within = median(pairs.iter().map(|(mine, raw)| mine / raw).collect());
            let within = within.ok_or("no rounds")?;
            row.1.push(format!("{:.2} ({within:.2})", best_ratio(pairs)));
        }
    }
    Ok(rows)
}

/// Stores the value that will be asked for.
fn store(server: &Server, request: &[u8], reply_len: usize) -> Result<(), Failure> {
    let mut tcp = TcpStream::connect(server.addr)?;
    tcp.write_all(request)?;
    Ok(tcp.read_exact(&mut vec![0; reply_len])?)
}

/// The p99 of calls on 50 connections beside one with bulk, 8 deep, relative to the p99 alone.
pub(crate) fn beside_bulk(
    dirs: &Dirs,
    small: &Contender,
    rounds: usize,
    seconds: f64,
) -> Result<f64, Failure> {
    let server = Server::start(&dirs.linecard(&["--workers", "1"]), Cpus::First)?;
    let large = dirs.bulk("bulk", &Way::Counted.frames(), |_| small.start.clone())?;
    let load = Load { connections: 50, depth: 1, cpus: Cpus::Second };
    let p99 = || {
        let figures = run(&dirs.programs, small, server.addr, load, Length::Seconds(seconds))?;
        figure(&figures["latency_us"], "p99")
    };
    let bulk = Load { connections: 1, depth: 8, cpus: Cpus::Second };
    let ratios = (0..rounds).map(|_| {
        let alone = p99()?;
        let longer = Length::Seconds(60.0);
        let arguments = argv(&dirs.programs, &large, server.addr, bulk, longer);
        let mut command = pinned(Cpus::Second, &arguments);
        let mut load = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let beside = p99();
        load.kill()?;
        load.wait()?;
        Ok(beside? / alone)
    });
    median(ratios.collect::<Result<_, Failure>>()?).ok_or_else(|| "no rounds".into())
}

/// Connections a second, each for one call, as a ratio to the first contender's.
pub(crate) fn churn(dirs: &Dirs, all: &[&Contender], rounds: usize) -> Result<(), Failure> {
    /// So few that the client's ports last.
    const COUNT: &str = "1000";
    let servers: Vec<Server> =
        all.iter().map(|one| Server::start(&one.start, Cpus::First)).collect::<Result<_, _>>()?;
    let mut rates = vec![Vec::new(); all.len()];
    for _round in 0..rounds {
        for ((one, server), rates) in all.iter().zip(&servers).zip(&mut rates) {
            let lens = [one.request_len, one.reply_len].map(|len| len.to_string());
            let program = dirs.own_server("churn", &[&server.addr.to_string()]).argv;
            let mut command = pinned(Cpus::First, &program);
            let output = command.arg(&one.requests).args(lens).arg(COUNT).output()?;
            if !output.status.success() {
                return Err(String::from_utf8_lossy(&output.stderr).into());
            }
            rates.push(String::from_utf8(output.stdout)?.trim().parse::<f64>()?);
        }
    }
    println!("| connect, one call, close; same | a second, to the raw echo |\n|---|---|");
    for (one, mine) in all.iter().zip(&rates) {
        let pairs: Vec<_> = mine.iter().copied().zip(rates[0].iter().copied()).collect();
        let within = median(pairs.iter().map(|(mine, raw)| mine / raw).collect());
        let best = best_ratio(pairs);
        println!("| {} | {best:.2} ({:.2}) |", one.name, within.ok_or("no rounds")?);
    }
    println!();
    Ok(())
}

/// Latencies in an open loop, at half of what the slowest contender takes in a closed one.
pub(crate) fn open_loop(
    dirs: &Dirs,
    all: &[&Contender],
    rounds: usize,
    seconds: f64,
) -> Result<(), Failure> {
    const QUANTILES: [&str; 3] = ["p50", "p99", "p99.9"];
    let servers: Vec<Server> =
        all.iter().map(|one| Server::start(&one.start, Cpus::First)).collect::<Result<_, _>>()?;
    let load = Load { connections: 50, depth: 1, cpus: Cpus::Second };
    let mut slowest = f64::MAX;
    for (one, server) in all.iter().zip(&servers) {
        let figures = run(&dirs.programs, one, server.addr, load, Length::Seconds(seconds))?;
        slowest = slowest.min(figure(&figures, "requests_per_second")?);
    }
    let rate = slowest / 2.0;
    // A request that is due is sent even if others are unanswered.
    let load = Load { depth: 1_000, ..load };
    let mut latencies = vec![[const { Vec::new() }; QUANTILES.len()]; all.len()];
    for _round in 0..rounds {
        for ((one, server), latencies) in all.iter().zip(&servers).zip(&mut latencies) {
            let length = Length::Rate { rate, seconds };
            let figures = run(&dirs.programs, one, server.addr, load, length)?;
            for (name, latencies) in QUANTILES.iter().zip(latencies) {
                latencies.push(figure(&figures["latency_us"], name)?);
            }
        }
    }
    println!("| open loop, {rate:.0} a second on 50 connections, split; µs | p50 | p99 | p99.9 |");
    println!("|---|--:|--:|--:|");
    for (one, latencies) in all.iter().zip(latencies) {
        let [p50, p99, p99_9] = latencies.map(|rounds| median(rounds).unwrap_or(f64::NAN));
        println!("| {} | {p50:.0} | {p99:.0} | {p99_9:.0} |", one.name);
    }
    println!();
    Ok(())
}

impl Dirs {
    /// A contender with one request in its file, so that what a load sends stays in the cache.
    fn bulk(
        &self,
        name: &'static str,
        (request, reply): &Frames,
        start: impl FnOnce(&Contender) -> crate::process::Start,
    ) -> Result<Contender, Failure> {
        let mut contender = self.empty(name, crate::contenders::Message::String);
        for (file, extension) in
            [(&mut contender.requests, "bulk-requests"), (&mut contender.replies, "bulk-replies")]
        {
            file.set_extension(format!("{}.{extension}", request.len()));
        }
        fs::write(&contender.requests, request)?;
        fs::write(&contender.replies, reply)?;
        fs::write(contender.replies.with_extension("reply"), reply)?;
        (contender.request_len, contender.reply_len) = (request.len(), reply.len());
        contender.count = 1;
        contender.start = start(&contender);
        Ok(contender)
    }
}
