//! One QEMU and its guard.
//!
//! QEMU ends when the guard is dropped (also by a panic), when its time limit has passed, and,
//! where the system has `setpriv`, when this process is killed. That is when the *thread* that
//! booted it dies: keep the guard in that thread.

use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::Result;
use crate::image::Image;
use crate::qmp::Control;

const PROGRAM: &str = "qemu-system-arm";

/// The board's time per instruction, where time is counted by instructions.
pub const INSTRUCTION_NS: u64 = 1 << INSTRUCTION_SHIFT;
const INSTRUCTION_SHIFT: u32 = 6;

/// What the board is connected to.
#[derive(Clone, Copy, Debug)]
pub enum Wiring<'a> {
    /// Nothing.
    Nothing,
    /// Nothing, and the board's time is counted by instructions: [`INSTRUCTION_NS`] each.
    Counting,
    /// This port of the host (0: a free one) is forwarded to port 61000 of the board.
    Server(u16),
    /// The board reaches the host, and gets this argument.
    Client(&'a str),
    /// The UART is on this port of the host (0: a free one).
    Uart(u16),
}

/// A running board.
#[derive(Debug)]
pub struct Qemu {
    child: Arc<Mutex<Child>>,
    console: Receiver<Vec<u8>>,
    output: Vec<u8>,
    control: Control,
    dir: PathBuf,
    /// Dropping it ends the thread that enforces the time limit.
    _watchdog: Sender<()>,
}

/// Checks that QEMU is installed.
///
/// # Errors
/// It is not; the error says what to do.
pub fn installed() -> Result<()> {
    let version = Command::new(PROGRAM).arg("--version").output();
    version.map(drop).map_err(|error| {
        format!("{PROGRAM}: {error}; install QEMU (Debian: apt-get install qemu-system-arm)")
    })
}

impl Qemu {
    /// Boots an image, which runs for at most `limit`.
    ///
    /// # Errors
    /// QEMU can't be started, or the port is in use.
    pub fn boot(image: Image, wiring: Wiring<'_>, limit: Duration) -> Result<Self> {
        installed()?;
        let dir = create_dir()?;
        let mut child =
            spawn(image, wiring, &dir).map_err(|error| format!("{PROGRAM}: {error}"))?;
        let stdout = child.stdout.take().ok_or("no pipe")?;
        let child = Arc::new(Mutex::new(child));
        let control = Control::connect(&dir.join("control"), || !has_ended(&child));
        let mut control = control.map_err(|error| {
            kill(&child);
            let log = fs::read_to_string(dir.join("log")).unwrap_or_default();
            let _ = fs::remove_dir_all(&dir);
            format!("{error}\n{log}")
        })?;
        // QEMU was started stopped (-S), so that no output is missed. It may end before it replies.
        let _ = control.run("cont", &json!({}));
        let watchdog = start_watchdog(&child, limit);
        Ok(Self {
            child,
            console: read_in_background(stdout),
            output: Vec::new(),
            control,
            dir,
            _watchdog: watchdog,
        })
    }

    /// The board's address on the host.
    ///
    /// # Errors
    /// It has none with this wiring.
    pub fn addr(&mut self) -> Result<SocketAddr> {
        let forwarded = self.control.monitor("info usernet").unwrap_or_default();
        let forwarded = forwarded.lines().find(|line| line.contains("HOST_FORWARD"));
        let port = if let Some(line) = forwarded {
            line.split_whitespace().nth(3).map(str::to_owned)
        } else {
            let devices = self.control.monitor("info chardev")?;
            let tcp = devices.lines().find_map(|line| line.split_once("tcp:127.0.0.1:"));
            tcp.and_then(|(_, rest)| rest.split(',').next().map(str::to_owned))
        };
        let port = port.and_then(|port| port.parse().ok()).ok_or("the board has no port")?;
        Ok((Ipv4Addr::LOCALHOST, port).into())
    }

    /// Waits until the board has printed a line.
    ///
    /// # Errors
    /// It reports a fault or a panic, or ends, or doesn't print the line within `timeout`.
    pub fn wait_for(&mut self, line: &str, timeout: Duration) -> Result<()> {
        let deadline = Instant::now() + timeout;
        loop {
            let output = String::from_utf8_lossy(&self.output).into_owned();
            if let Some(error) = output.lines().find(|line| is_error(line)) {
                return Err(format!("the board reports: {error}"));
            }
            if output.lines().any(|printed| printed == line) {
                return Ok(());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.console.recv_timeout(left) {
                Ok(bytes) => self.output.extend(bytes),
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!("no `{line}` in {timeout:?}; the board printed: {output}"));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(format!("QEMU ended; the board printed: {output}\n{}", self.log()));
                }
            }
        }
    }

    /// Everything that the board has printed so far.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// Checks that the board runs without an error.
    ///
    /// # Errors
    /// It ended, or reported a fault or a panic.
    pub fn check(&mut self) -> Result<()> {
        self.output.extend(self.console.try_iter().flatten());
        let output = String::from_utf8_lossy(&self.output);
        match output.lines().find(|line| is_error(line)) {
            Some(error) => Err(format!("the board reports: {error}")),
            None if has_ended(&self.child) => Err(format!("QEMU ended; {}", self.log())),
            None => Ok(()),
        }
    }

    /// Waits until the program has ended. Returns its exit status and output.
    ///
    /// # Errors
    /// It is still running after `timeout`.
    pub fn wait_for_end(&mut self, timeout: Duration) -> Result<(ExitStatus, Vec<u8>)> {
        let deadline = Instant::now() + timeout;
        loop {
            match self.console.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.output.extend(bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let output = String::from_utf8_lossy(&self.output);
                    return Err(format!(
                        "still running after {timeout:?}; the board printed: {output}"
                    ));
                }
            }
        }
        // Its console is closed: it is about to exit. There is no wait with a timeout.
        loop {
            match lock(&self.child).try_wait() {
                Ok(Some(status)) => return Ok((status, std::mem::take(&mut self.output))),
                Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(2)),
                _ => return Err("QEMU closed its console but does not end".into()),
            }
        }
    }

    /// Sends a break over the UART: the board receives a framing error.
    ///
    /// # Errors
    /// QEMU has ended, or the UART is not connected.
    pub fn send_break(&mut self) -> Result<()> {
        self.control.run("chardev-send-break", &json!({ "id": "serial0" })).map(drop)
    }

    /// The bytes of the board's memory from `address` on.
    ///
    /// # Errors
    /// QEMU has ended.
    pub fn memory(&mut self, address: u64, len: u64) -> Result<Vec<u8>> {
        let file = self.dir.join("memory");
        let arguments = json!({ "val": address, "size": len, "filename": file });
        self.control.run("pmemsave", &arguments)?;
        fs::read(&file).map_err(|error| error.to_string())
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        lock(&self.child).id()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        kill(&self.child);
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn is_error(line: &str) -> bool {
    line.starts_with("fault") || line.starts_with("panic")
}

fn spawn(image: Image, wiring: Wiring<'_>, dir: &Path) -> Result<Child> {
    let mut qemu = if exists("setpriv") {
        let mut setpriv = Command::new("setpriv");
        setpriv.args(["--pdeathsig", "KILL", PROGRAM]);
        setpriv
    } else {
        Command::new(PROGRAM)
    };
    qemu.args("-machine lm3s6965evb -S -display none -monitor none".split(' '));
    let mut semihosting = "enable=on,target=native,chardev=console".to_owned();
    match wiring {
        Wiring::Nothing => qemu.args("-serial null -nic user,restrict=on".split(' ')),
        Wiring::Counting => qemu
            .args("-serial null -nic user,restrict=on -icount".split(' '))
            .arg(format!("shift={INSTRUCTION_SHIFT},sleep=off")),
        Wiring::Server(port) => qemu
            .args(["-serial", "null", "-nic"])
            .arg(format!("user,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:61000")),
        Wiring::Client(argument) => {
            semihosting = format!("{semihosting},arg={argument}");
            qemu.args("-serial null -nic user".split(' '))
        }
        Wiring::Uart(port) => qemu
            .args(["-nic", "user,restrict=on", "-serial"])
            .arg(format!("tcp:127.0.0.1:{port},server=on,wait=off,nodelay=on")),
    };
    qemu.args(["-chardev", "stdio,id=console,signal=off", "-semihosting-config"]).arg(semihosting);
    qemu.arg("-qmp").arg(format!("unix:{}/control,server=on,wait=off", dir.display()));
    qemu.arg("-kernel").arg(image.path());
    let log = fs::File::create(dir.join("log")).map_err(|error| error.to_string())?;
    qemu.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    qemu.spawn().map_err(|error| error.to_string())
}

/// A new directory for this QEMU's socket and files.
fn create_dir() -> Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("linecard-qemu-{}-{}", std::process::id(), COUNT.fetch_add(1, Relaxed));
    let dir = std::env::temp_dir().join(name);
    fs::create_dir(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    Ok(dir)
}

fn exists(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}

/// Reads a pipe in a thread until its end.
fn read_in_background(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (send, receive) = channel();
    thread::spawn(move || {
        let mut chunk = [0; 1024];
        while let Ok(len @ 1..) = pipe.read(&mut chunk) {
            if send.send(chunk[..len].to_vec()).is_err() {
                break;
            }
        }
    });
    receive
}

/// Kills the child after `limit`, unless the sender is dropped before.
fn start_watchdog(child: &Arc<Mutex<Child>>, limit: Duration) -> Sender<()> {
    let (send, receive) = channel::<()>();
    let child = Arc::clone(child);
    thread::spawn(move || {
        if receive.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            kill(&child);
        }
    });
    send
}

fn kill(child: &Mutex<Child>) {
    let mut child = lock(child);
    let _ = child.kill();
    let _ = child.wait();
}

fn has_ended(child: &Mutex<Child>) -> bool {
    !matches!(lock(child).try_wait(), Ok(None))
}

fn lock(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}
