//! A run, from the server's start to its exit.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use linecard_suite::process::Server;
use rustix::process::{Pid, Signal, kill_process};

use crate::attacker::{Tally, attack};
use crate::clients::call;
use crate::malformed::Malformed;
use crate::non_readers::NonReaders;
use crate::plan::Plan;
use crate::process_stats::{cpu_seconds, socket_kibibytes, usage, usage_when};
use crate::report::{Calls, Report, Usage};
use crate::resets::Resetters;
use crate::slow_senders::SlowSenders;

/// The longest warm-up: a first attack as strong as the measured one, long enough that the
/// non-readers' connections are full. It uses up the memory that is used once and for all: program
/// pages touched for the first time, and up to 256 KiB that glibc keeps for each thread (its
/// `M_TRIM_THRESHOLD` and `M_TOP_PAD`). A leak would grow after that, too.
const WARM_UP: Duration = Duration::from_secs(8);
/// How long the server may take to give everything back. Connections linger for 2 s.
const RECOVERY: Duration = Duration::from_secs(15);
/// Short enough that connections without progress are reset during a run.
const WRITE_TIMEOUT: &str = "10";
const EXIT_TIMEOUT: Duration = Duration::from_secs(15);

/// Starts the program `linecard` as a server and carries out the plan.
///
/// # Errors
/// The system refuses a resource that the clients need.
///
/// # Panics
/// If the server doesn't start, or exits early.
pub fn run(linecard: &str, plan: Plan) -> io::Result<Report> {
    let options = ["-v", "serve", "--listen", "127.0.0.1:0", "--write-timeout", WRITE_TIMEOUT];
    let server = Server::start(linecard, &options);
    let (addr, process) = (server.addr, server.id());
    let cold = usage(process);
    let is_quiet = |usage: &Usage| usage.descriptors == cold.descriptors;

    under_attack(addr, process, &Plan { attack: plan.attack.min(WARM_UP), ..plan.clone() })?;
    let _warm = usage_when(process, RECOVERY, is_quiet);
    let baseline = call(addr, plan.calls, Instant::now() + plan.baseline)?;
    let before = usage_when(process, RECOVERY, is_quiet);

    let start = cpu_seconds(process);
    let attacked = under_attack(addr, process, &plan)?;
    let cpu = cpu_seconds(process) - start;
    let after = usage_when(process, RECOVERY, |usage| usage.is_back_to(&before));

    let id = i32::try_from(process).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::NotFound)?;
    kill_process(id, Signal::TERM)?;
    let finished = server.wait(EXIT_TIMEOUT);
    Ok(Report {
        plan,
        baseline,
        under_attack: attacked.calls,
        usage: [cold, before, attacked.peak, after],
        socket_kib: attacked.socket_kib,
        attackers: attacked.attackers,
        cpu,
        status: finished.status,
        log: finished.stderr,
    })
}

struct Attacked {
    calls: Calls,
    attackers: Vec<Tally>,
    peak: Usage,
    socket_kib: u64,
}

/// Clients and hostile peers together. All of them have disconnected when it returns.
fn under_attack(addr: SocketAddr, process: u32, plan: &Plan) -> io::Result<Attacked> {
    let end = Instant::now() + plan.attack;
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let attackers = [
            scope.spawn(|| {
                attack(SlowSenders::new(addr, plan.slow_senders), plan.slow_senders, end)
            }),
            scope.spawn(|| attack(NonReaders::new(addr, plan.non_readers), plan.non_readers, end)),
            scope.spawn(|| attack(Resetters::new(addr), plan.resets, end)),
            scope.spawn(|| attack(Malformed::new(addr), plan.malformed, end)),
        ];
        let peak = scope.spawn(|| measure_peak(process, &is_over));
        let calls = call(addr, plan.calls, end);
        let attackers =
            attackers.map(|attacker| attacker.join().expect("an attacker doesn't panic"));
        is_over.store(true, Relaxed);
        let (peak, socket_kib) = peak.join().expect("measuring doesn't panic");
        Ok(Attacked { calls: calls?, attackers: attackers.into(), peak, socket_kib })
    })
}

/// The most that the server used, and the kernel's TCP buffers, until `is_over`.
fn measure_peak(process: u32, is_over: &AtomicBool) -> (Usage, u64) {
    let mut peak = (Usage::default(), 0);
    while !is_over.load(Relaxed) {
        peak = (peak.0.max(usage(process)), peak.1.max(socket_kibibytes()));
        thread::sleep(Duration::from_millis(250));
    }
    peak
}
