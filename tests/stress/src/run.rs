//! A run, from the server's start to its end.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use linecard_suite::process::Server;
use rustix::process::{Pid, Signal, kill_process};

use crate::callers::call;
use crate::deaf::Deaf;
use crate::dribble::Dribblers;
use crate::hostile::{Tally, harass};
use crate::malformed::Malformed;
use crate::plan::Plan;
use crate::proc::{held, held_when, socket_kibibytes};
use crate::report::{Calls, Held, Report};
use crate::resets::Resetters;

/// A first storm, as strong as the one that is measured, long enough for the deaf to be stuck. Program pages that are first touched in a storm
/// count as memory, and glibc keeps up to 256 KiB for each thread that ever had more (its
/// `M_TRIM_THRESHOLD` and `M_TOP_PAD`): both come once, where a leak comes with every connection.
const WARM_UP: Duration = Duration::from_secs(8);
/// How long the server may take to be as before: connections linger for 2 s.
const RETURN: Duration = Duration::from_secs(15);
/// A deaf connection is reset after so long, so that a run sees it.
const WRITE_TIMEOUT: &str = "10";
const END: Duration = Duration::from_secs(15);

/// Starts the program `linecard` as a server and carries out the plan.
///
/// # Errors
/// The system refuses what the clients need.
///
/// # Panics
/// If the server doesn't start, or is gone.
pub fn run(linecard: &str, plan: Plan) -> io::Result<Report> {
    let options = ["-v", "serve", "--listen", "127.0.0.1:0", "--write-timeout", WRITE_TIMEOUT];
    let server = Server::start(linecard, &options);
    let (addr, process) = (server.addr, server.id());
    let cold = held(process);
    let quiet = |held: &Held| held.descriptors == cold.descriptors;

    storm(addr, process, &Plan { storm: plan.storm.min(WARM_UP), ..plan.clone() })?;
    let _settled = held_when(process, RETURN, quiet);
    let calm = call(addr, plan.calls, Instant::now() + plan.calm)?;
    let before = held_when(process, RETURN, quiet);

    let start = cpu_seconds(process);
    let stormed = storm(addr, process, &plan)?;
    let cpu = cpu_seconds(process) - start;
    let after = held_when(process, RETURN, |held| held.is_back_to(&before));

    let id = i32::try_from(process).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::NotFound)?;
    kill_process(id, Signal::TERM)?;
    let ended = server.wait(END);
    Ok(Report {
        plan,
        calm,
        storm: stormed.calls,
        held: [cold, before, stormed.peak, after],
        socket_kib: stormed.socket_kib,
        attackers: stormed.attackers,
        cpu,
        status: ended.status,
        words: ended.stderr,
    })
}

struct Stormed {
    calls: Calls,
    attackers: Vec<Tally>,
    peak: Held,
    socket_kib: u64,
}

/// Clients and hostile peers together; behind it all of them are gone.
fn storm(addr: SocketAddr, process: u32, plan: &Plan) -> io::Result<Stormed> {
    let end = Instant::now() + plan.storm;
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let attackers = [
            scope.spawn(|| harass(Dribblers::new(addr, plan.dribblers), plan.dribblers, end)),
            scope.spawn(|| harass(Deaf::new(addr, plan.deaf), plan.deaf, end)),
            scope.spawn(|| harass(Resetters::new(addr), plan.resets, end)),
            scope.spawn(|| harass(Malformed::new(addr), plan.malformed, end)),
        ];
        let watched = scope.spawn(|| watch(process, &over));
        let calls = call(addr, plan.calls, end);
        let attackers =
            attackers.map(|attacker| attacker.join().expect("an hostile peer that doesn't panic"));
        over.store(true, Relaxed);
        let (peak, socket_kib) = watched.join().expect("a watch that doesn't panic");
        Ok(Stormed { calls: calls?, attackers: attackers.into(), peak, socket_kib })
    })
}

/// The most that the server held, and the kernel for all sockets, until it is over.
fn watch(process: u32, over: &AtomicBool) -> (Held, u64) {
    let mut most = (Held::default(), 0);
    while !over.load(Relaxed) {
        most = (most.0.max(held(process)), most.1.max(socket_kibibytes()));
        thread::sleep(Duration::from_millis(250));
    }
    most
}

/// What a process has used of the CPUs, in seconds.
fn cpu_seconds(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // Behind the name, which may hold anything, the fields 3 and on.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: f64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    ticks / 100.0
}
