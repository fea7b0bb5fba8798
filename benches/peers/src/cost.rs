//! Other costs of a server: memory, connecting, system calls, and the gain of a second worker.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::contenders::{CYCLE, Contender, Dirs, Message};
use crate::load::{Length, Load, figure, run};
use crate::process::{Cpus, Server, Start, is_installed};
use crate::throughput::{best_ratio, median};

/// Idle connections while memory is measured.
pub(crate) const IDLE: usize = 10_000;
/// Connections in a burst.
pub(crate) const BURST: usize = 1_000;

/// Memory for each of many idle connections after one request, in bytes.
pub(crate) fn memory(contender: &Contender) -> Result<f64, Failure> {
    let server = Server::start(&contender.start, Cpus::First)?;
    // The first few make the server touch the memory that all connections share.
    drop(idle(contender, &server, 10)?);
    let before = resident(server.id())?;
    let held = idle(contender, &server, IDLE)?;
    let after = resident(server.id())?;
    drop(held);
    #[expect(clippy::cast_precision_loss, reason = "bytes of memory")]
    Ok(after.saturating_sub(before) as f64 / IDLE as f64)
}

/// Opens connections and makes one request on each.
fn idle(contender: &Contender, server: &Server, count: usize) -> Result<Vec<TcpStream>, Failure> {
    let request = &fs::read(&contender.requests)?[..contender.request_len];
    let mut reply = vec![0; contender.reply_len];
    let mut exchange = || {
        let mut tcp = TcpStream::connect(server.addr)?;
        tcp.set_read_timeout(Some(Duration::from_secs(20)))?;
        tcp.write_all(request)?;
        tcp.read_exact(&mut reply)?;
        Ok(tcp)
    };
    (0..count).map(|_| exchange()).collect()
}

/// Requests a second beside thousands of idle connections, relative to those without: the best
/// rounds, one connection, 64 deep, one CPU.
pub(crate) fn idle_ratio(
    programs: &Path,
    contender: &Contender,
    rounds: usize,
    seconds: f64,
) -> Result<f64, Failure> {
    let [alone, beside_idle] = [(), ()].map(|()| Server::start(&contender.start, Cpus::First));
    let (alone, beside_idle) = (alone?, beside_idle?);
    // The load needs a connection as well, and the limit is 10,000.
    let held = idle(contender, &beside_idle, IDLE - 1)?;
    let load = Load { connections: 1, depth: CYCLE, cpus: Cpus::First };
    let ratios = (0..rounds).map(|_| {
        let [rate_alone, rate_beside_idle] = [&alone, &beside_idle].map(|server| {
            let figures = run(programs, contender, server.addr, load, Length::Seconds(seconds))?;
            figure(&figures, "requests_per_second")
        });
        Ok((rate_beside_idle?, rate_alone?))
    });
    let ratio = best_ratio(ratios.collect::<Result<_, Failure>>()?);
    drop(held);
    Ok(ratio)
}

/// Resident memory of a process, in bytes.
fn resident(id: u32) -> Result<u64, Failure> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS")?;
    let kib = line.split_whitespace().nth(1).ok_or("no figure in VmRSS")?;
    Ok(kib.parse::<u64>()? * 1024)
}

/// Seconds for a burst of connections, each with one request.
pub(crate) fn burst(programs: &Path, contender: &Contender, rounds: usize) -> Result<f64, Failure> {
    let server = Server::start(&contender.start, Cpus::First)?;
    let load = Load { connections: BURST, depth: 1, cpus: Cpus::Second };
    let seconds = (0..rounds).map(|_| {
        let figures = run(programs, contender, server.addr, load, Length::Requests(BURST))?;
        Ok(figure(&figures, "connect_seconds")? + figure(&figures, "seconds")?)
    });
    median(seconds.collect::<Result<_, Failure>>()?).ok_or_else(|| "no rounds".into())
}

/// Requests a second of two workers, relative to one worker: the best rounds, both CPUs, 8
/// connections, 64 deep.
pub(crate) fn workers(
    dirs: &Dirs,
    contender: &Contender,
    rounds: usize,
    seconds: f64,
) -> Result<f64, Failure> {
    let [one, two] =
        ["1", "2"].map(|count| Server::start(&dirs.linecard(&["--workers", count]), Cpus::Both));
    let (one, two) = (one?, two?);
    let load = Load { connections: 8, depth: CYCLE, cpus: Cpus::Both };
    let ratios = (0..rounds).map(|_| {
        let [rate_one, rate_two] = [&one, &two].map(|server| {
            let length = Length::Seconds(seconds);
            let figures = run(&dirs.programs, contender, server.addr, load, length)?;
            figure(&figures, "requests_per_second")
        });
        Ok((rate_two?, rate_one?))
    });
    Ok(best_ratio(ratios.collect::<Result<_, Failure>>()?))
}

/// Read and write calls on the connection for 64 pipelined requests, counted by strace. `None` if
/// strace is not installed.
pub(crate) fn calls(dirs: &Dirs, contender: &Contender) -> Result<Option<(usize, usize)>, Failure> {
    if !is_installed("strace") {
        eprintln!("skipped: system calls: strace is not installed");
        return Ok(None);
    }
    let trace = dirs.files.join(format!("{}.trace", contender.message.command()));
    // -D: the child process is the server; strace detaches.
    let mut argv =
        ["strace", "-D", "-f", "-e", "trace=recvfrom,sendto,read,write,readv,writev", "-o"]
            .map(std::ffi::OsString::from)
            .to_vec();
    argv.push(trace.clone().into());
    argv.extend(contender.start.argv.clone());
    let server = Server::start(&Start { argv, announces: true }, Cpus::First)?;
    let load = Load { connections: 1, depth: CYCLE, cpus: Cpus::Second };
    run(&dirs.programs, contender, server.addr, load, Length::Requests(CYCLE))?;
    server.end()?;
    Ok(Some(count_calls(&finished(&trace)?, contender)))
}

/// Reads the trace once strace has written its last line.
fn finished(trace: &Path) -> Result<String, Failure> {
    let by = Instant::now() + Duration::from_secs(10);
    loop {
        let text = fs::read_to_string(trace)?;
        if text.lines().last().is_some_and(|line| line.contains("+++ exited")) {
            return Ok(text);
        }
        if Instant::now() > by {
            return Err("strace did not finish".into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Counts the calls that read requests and that wrote replies. The connection's descriptor is the
/// one that the requests were read from.
fn count_calls(trace: &str, contender: &Contender) -> (usize, usize) {
    let first = if contender.message == Message::String { "STRING" } else { "COMPLEX" };
    let calls: Vec<_> = trace.lines().filter_map(call).collect();
    let from = calls.iter().find(|call| call.writes_or_reads.contains(&format!("\"{first}")));
    let Some(descriptor) = from.map(|call| call.descriptor) else { return (0, 0) };
    let count = |names: &[&str]| {
        let mine = calls.iter().filter(|call| call.descriptor == descriptor && call.bytes > 0);
        mine.filter(|call| names.contains(&call.name)).count()
    };
    (count(&["recvfrom", "read", "readv"]), count(&["sendto", "write", "writev"]))
}

struct Call<'t> {
    name: &'t str,
    descriptor: &'t str,
    writes_or_reads: &'t str,
    bytes: i64,
}

/// `ID name(descriptor, "bytes"..., …) = result`
fn call(line: &str) -> Option<Call<'_>> {
    let (_, line) = line.split_once(' ')?;
    let (name, rest) = line.trim_start().split_once('(')?;
    let (descriptor, rest) = rest.split_once(',')?;
    let (writes_or_reads, result) = rest.rsplit_once(" = ")?;
    let bytes = result.split_whitespace().next()?.parse().ok()?;
    Some(Call { name, descriptor, writes_or_reads, bytes })
}
