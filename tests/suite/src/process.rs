//! Programs under test, with time limits: start them, read their output, wait for their exit.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may take to start or to exit on a busy machine.
pub const START: Duration = Duration::from_mins(1);

/// A server program that prints `listening on IP:PORT` first. It is killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Where it listens.
    pub addr: SocketAddr,
    stdout: Receiver<Vec<u8>>,
    stderr: Receiver<Vec<u8>>,
}

/// The results of a program that exited.
#[derive(Debug)]
pub struct Finished {
    /// Its exit status; `None` if a signal killed it.
    pub status: Option<i32>,
    /// Its standard output; of a server, what came after the first line.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: String,
    /// The time since its start, or since `wait` was called.
    pub took: Duration,
}

impl Server {
    /// Starts it and waits for its first line.
    ///
    /// # Panics
    /// If the first line is another one, or doesn't come.
    pub fn start<A: AsRef<OsStr>>(program: &str, args: &[A]) -> Self {
        let mut child = spawn(program, args);
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let stderr = drain(child.stderr.take().expect("piped"));
        let (send_line, first_line) = channel();
        let (send_rest, rest) = channel();
        thread::spawn(move || {
            let mut line = String::new();
            let _ = stdout.read_line(&mut line);
            let _ = send_line.send(line);
            let mut bytes = Vec::new();
            let _ = stdout.read_to_end(&mut bytes);
            let _ = send_rest.send(bytes);
        });
        let line = first_line.recv_timeout(START).unwrap_or_default();
        let addr = line.strip_prefix("listening on ").and_then(|addr| addr.trim_end().parse().ok());
        let Some(addr) = addr else {
            let _ = child.kill();
            let _ = child.wait();
            let stderr = stderr.recv_timeout(START).unwrap_or_default();
            panic!("first line {line:?}; standard error: {}", String::from_utf8_lossy(&stderr));
        };
        Self { child, addr, stdout: rest, stderr }
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The address as a command-line argument.
    #[must_use]
    pub fn at(&self) -> String {
        self.addr.to_string()
    }

    /// Whether it is still running.
    ///
    /// # Panics
    /// If the system can't say.
    #[must_use]
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("the status of a child").is_none()
    }

    /// Waits until it exits.
    ///
    /// # Panics
    /// If it doesn't within `limit`.
    #[must_use]
    pub fn wait(mut self, limit: Duration) -> Finished {
        finish(&mut self.child, &self.stdout, &self.stderr, Instant::now(), limit)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a program until it exits.
///
/// # Panics
/// If it can't be started, or doesn't exit within `limit`; then it is killed.
#[must_use]
pub fn run<A: AsRef<OsStr>>(program: &str, args: &[A], limit: Duration) -> Finished {
    let start = Instant::now();
    let mut child = spawn(program, args);
    let stdout = drain(child.stdout.take().expect("piped"));
    let stderr = drain(child.stderr.take().expect("piped"));
    finish(&mut child, &stdout, &stderr, start, limit)
}

fn spawn<A: AsRef<OsStr>>(program: &str, args: &[A]) -> Child {
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("can't start {program}: {error}"))
}

/// Reads a pipe to its end, so that a full pipe never blocks the program.
fn drain(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (send, receive) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        let _ = send.send(bytes);
    });
    receive
}

fn finish(
    child: &mut Child,
    stdout: &Receiver<Vec<u8>>,
    stderr: &Receiver<Vec<u8>>,
    start: Instant,
    limit: Duration,
) -> Finished {
    let deadline = start + limit;
    let left = || deadline.saturating_duration_since(Instant::now());
    let stdout = stdout.recv_timeout(left()).ok();
    let stderr = stderr.recv_timeout(left()).ok();
    let status = end(child, deadline);
    let took = start.elapsed();
    let stderr = String::from_utf8_lossy(&stderr.unwrap_or_default()).into_owned();
    let Some(status) = status else {
        panic!("still running after {limit:?}; standard error: {stderr}")
    };
    Finished { status: status.code(), stdout: stdout.unwrap_or_default(), stderr, took }
}

/// Waits for the exit of a program that has closed its pipes, or kills it at `deadline`. It polls,
/// because std has no wait with a timeout.
fn end(child: &mut Child, deadline: Instant) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(2)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}
