//! One QEMU and its guard.
//!
//! It is ended when the guard is dropped (so also by a panic), when its time limit has passed, and, where the system has `setpriv`, when
//! this process dies without being asked. The system counts the death of the *thread* that booted it: keep the guard in that thread.

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

/// What an instruction takes of the board's time, where that is counted by instructions.
pub const INSTRUCTION_NS: u64 = 1 << INSTRUCTION_SHIFT;
const INSTRUCTION_SHIFT: u32 = 6;

/// How the board is wired up.
#[derive(Clone, Copy, Debug)]
pub enum Wiring<'a> {
    /// Nothing is connected.
    Nothing,
    /// Nothing is connected, and the board's time goes by its instructions: [`INSTRUCTION_NS`] each.
    Counting,
    /// This port of the host (0: a free one) is forwarded to port 61000 of the board.
    Server(u16),
    /// The board reaches the host, and gets these words from it.
    Client(&'a str),
    /// The UART is on this port of the host (0: a free one).
    Uart(u16),
}

/// A running board.
#[derive(Debug)]
pub struct Qemu {
    child: Arc<Mutex<Child>>,
    console: Receiver<Vec<u8>>,
    said: Vec<u8>,
    control: Control,
    dir: PathBuf,
    /// Its end stops the watch over the time limit.
    _watch: Sender<()>,
}

/// Is QEMU installed? If not, a sentence says what to do.
///
/// # Errors
/// It is not.
pub fn installed() -> Result<()> {
    let version = Command::new(PROGRAM).arg("--version").output();
    version.map(drop).map_err(|error| {
        format!("{PROGRAM}: {error}; install QEMU (Debian: apt-get install qemu-system-arm)")
    })
}

impl Qemu {
    /// Boots an image; `limit` is all the time it has.
    ///
    /// # Errors
    /// QEMU can't be started, or can't have the port.
    pub fn boot(image: Image, wiring: Wiring<'_>, limit: Duration) -> Result<Self> {
        installed()?;
        let dir = own_dir()?;
        let mut child =
            spawn(image, wiring, &dir).map_err(|error| format!("{PROGRAM}: {error}"))?;
        let stdout = child.stdout.take().ok_or("no pipe")?;
        let child = Arc::new(Mutex::new(child));
        let control = Control::connect(&dir.join("control"), || !has_ended(&child));
        let mut control = control.map_err(|error| {
            end(&child);
            let log = fs::read_to_string(dir.join("log")).unwrap_or_default();
            let _ = fs::remove_dir_all(&dir);
            format!("{error}\n{log}")
        })?;
        // It waits (-S) until we listen to it, lest it ends before; it may end before it replies to this.
        let _ = control.ask("cont", &json!({}));
        let watch = watch(&child, limit);
        Ok(Self { child, console: follow(stdout), said: Vec::new(), control, dir, _watch: watch })
    }

    /// Where the board is reached.
    ///
    /// # Errors
    /// Nowhere, as it was wired.
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

    /// Waits until the board has said a line.
    ///
    /// # Errors
    /// It says something that begins with `fault` or `panic` instead, or ends, or is silent for `patience`.
    pub fn wait_for(&mut self, line: &str, patience: Duration) -> Result<()> {
        let deadline = Instant::now() + patience;
        loop {
            let said = String::from_utf8_lossy(&self.said).into_owned();
            if let Some(bad) = said.lines().find(|said| is_bad(said)) {
                return Err(format!("the board says: {bad}"));
            }
            if said.lines().any(|said| said == line) {
                return Ok(());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.console.recv_timeout(left) {
                Ok(bytes) => self.said.extend(bytes),
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!("no `{line}` in {patience:?}; the board said: {said}"));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(format!("QEMU ended; the board said: {said}\n{}", self.log()));
                }
            }
        }
    }

    /// All that the board has said so far.
    #[must_use]
    pub fn said(&self) -> &[u8] {
        &self.said
    }

    /// Has nothing gone wrong so far?
    ///
    /// # Errors
    /// The board ended, or spoke of a fault or a panic.
    pub fn is_well(&mut self) -> Result<()> {
        self.said.extend(self.console.try_iter().flatten());
        let said = String::from_utf8_lossy(&self.said);
        match said.lines().find(|said| is_bad(said)) {
            Some(bad) => Err(format!("the board says: {bad}")),
            None if has_ended(&self.child) => Err(format!("QEMU ended; {}", self.log())),
            None => Ok(()),
        }
    }

    /// Waits until the program has ended itself; gives its exit status and all it said.
    ///
    /// # Errors
    /// It is still running after `patience`.
    pub fn wait_for_end(&mut self, patience: Duration) -> Result<(ExitStatus, Vec<u8>)> {
        let deadline = Instant::now() + patience;
        loop {
            match self.console.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.said.extend(bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let said = String::from_utf8_lossy(&self.said);
                    return Err(format!(
                        "still running after {patience:?}; the board said: {said}"
                    ));
                }
            }
        }
        // Its console is closed: it is about to exit. The system offers no wait with a time limit.
        loop {
            match lock(&self.child).try_wait() {
                Ok(Some(status)) => return Ok((status, std::mem::take(&mut self.said))),
                Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(2)),
                _ => return Err("QEMU closed its console, and does not end".into()),
            }
        }
    }

    /// The bytes of the board's memory from `address` on.
    ///
    /// # Errors
    /// QEMU has ended.
    pub fn memory(&mut self, address: u64, len: u64) -> Result<Vec<u8>> {
        let file = self.dir.join("memory");
        let arguments = json!({ "val": address, "size": len, "filename": file });
        self.control.ask("pmemsave", &arguments)?;
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
        end(&self.child);
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn is_bad(line: &str) -> bool {
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
        Wiring::Client(words) => {
            semihosting = format!("{semihosting},arg={words}");
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

/// A new folder for this QEMU's socket and files.
fn own_dir() -> Result<PathBuf> {
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

/// Hands on what comes from a pipe until its end.
fn follow(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
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

/// Ends the child after `limit`, unless the sender is dropped before.
fn watch(child: &Arc<Mutex<Child>>, limit: Duration) -> Sender<()> {
    let (send, receive) = channel::<()>();
    let child = Arc::clone(child);
    thread::spawn(move || {
        if receive.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            end(&child);
        }
    });
    send
}

fn end(child: &Mutex<Child>) {
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
