//! Processes of servers and loads, pinned to CPUs.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Failure;

/// How long a server may take to start or to exit.
const START: Duration = Duration::from_secs(20);

/// Which of the first two CPUs a program may use.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cpus {
    First,
    Second,
    Both,
}

impl Cpus {
    const fn list(self) -> &'static str {
        match self {
            Self::First => "0",
            Self::Second => "1",
            Self::Both => "0,1",
        }
    }
}

/// A server's command line. The argument `PORT` is replaced by a free port.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) argv: Vec<OsString>,
    /// Whether it prints `listening on IP:PORT`. If not, it uses the given port, and is ready when
    /// it accepts a connection.
    pub(crate) announces: bool,
}

/// A running server, killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) addr: SocketAddr,
}

/// A command that runs on these CPUs.
pub(crate) fn pinned(cpus: Cpus, argv: &[OsString]) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", cpus.list()]).args(argv).stdin(Stdio::null());
    command
}

impl Server {
    pub(crate) fn start(start: &Start, cpus: Cpus) -> Result<Self, Failure> {
        let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let argv: Vec<OsString> = start.argv.iter().map(|arg| with_port(arg, free)).collect();
        let stdout = if start.announces { Stdio::piped() } else { Stdio::null() };
        let child = pinned(cpus, &argv).stdout(stdout).stderr(Stdio::null()).spawn()?;
        let mut server = Self { child, addr: free };
        if start.announces {
            server.addr = server.announced()?;
        }
        server.wait_until_ready()?;
        Ok(server)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn announced(&mut self) -> Result<SocketAddr, Failure> {
        let mut line = String::new();
        BufReader::new(self.child.stdout.take().ok_or("no pipe")?).read_line(&mut line)?;
        let addr = line.trim().strip_prefix("listening on ").ok_or("no announcement")?;
        Ok(addr.parse()?)
    }

    fn wait_until_ready(&mut self) -> Result<(), Failure> {
        let by = Instant::now() + START;
        while TcpStream::connect(self.addr).is_err() {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("it exited: {status}").into());
            }
            if Instant::now() > by {
                return Err("it doesn't accept connections".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Sends SIGTERM and waits for its exit.
    pub(crate) fn end(mut self) -> Result<(), Failure> {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM)?;
        let by = Instant::now() + START;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > by {
                return Err("it does not exit".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn with_port(arg: &OsString, free: SocketAddr) -> OsString {
    if arg == "PORT" { free.port().to_string().into() } else { arg.clone() }
}

/// Whether a program is installed.
pub(crate) fn is_installed(program: &str) -> bool {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|dir| dir.join(program).is_file())
}
