//! QEMU's control socket (QMP): requests and replies in JSON, one per line.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Result;

/// How long QEMU may take to listen or to reply.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The socket.
#[derive(Debug)]
pub(crate) struct Control {
    stream: BufReader<UnixStream>,
}

impl Control {
    /// Connects as soon as QEMU listens. Gives up when `alive` returns false.
    pub(crate) fn connect(path: &Path, mut alive: impl FnMut() -> bool) -> Result<Self> {
        let deadline = Instant::now() + TIMEOUT;
        let stream = loop {
            match UnixStream::connect(path) {
                Ok(stream) => break stream,
                Err(error) if Instant::now() > deadline || !alive() => {
                    return Err(format!("QEMU's control socket: {error}"));
                }
                // There is no event for another process beginning to listen.
                Err(_) => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        stream.set_read_timeout(Some(TIMEOUT)).map_err(|error| error.to_string())?;
        let mut control = Self { stream: BufReader::new(stream) };
        control.line()?;
        control.run("qmp_capabilities", &json!({}))?;
        Ok(control)
    }

    /// Runs a command and returns its result.
    pub(crate) fn run(&mut self, command: &str, arguments: &Value) -> Result<Value> {
        let request = json!({ "execute": command, "arguments": arguments });
        writeln!(self.stream.get_mut(), "{request}").map_err(|error| format!("QEMU: {error}"))?;
        loop {
            let mut reply = self.line()?;
            if let Some(error) = reply.get("error") {
                return Err(format!("QEMU: {command}: {error}"));
            }
            if let Some(value) = reply.get_mut("return") {
                return Ok(value.take());
            }
            // Anything else is an event.
        }
    }

    /// What QEMU's human monitor prints for a command.
    pub(crate) fn monitor(&mut self, command: &str) -> Result<String> {
        let printed = self.run("human-monitor-command", &json!({ "command-line": command }))?;
        Ok(printed.as_str().unwrap_or_default().to_owned())
    }

    fn line(&mut self) -> Result<Value> {
        let mut line = String::new();
        match self.stream.read_line(&mut line) {
            Ok(0) => Err("QEMU has ended".into()),
            Ok(_) => serde_json::from_str(&line).map_err(|error| format!("QEMU: {error}")),
            Err(error) => Err(format!("QEMU: {error}")),
        }
    }
}
