//! QEMU's control socket: requests and replies in JSON, a line each.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Result;

/// How long QEMU may take to listen, or to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The socket.
#[derive(Debug)]
pub(crate) struct Control {
    stream: BufReader<UnixStream>,
}

impl Control {
    /// Connects, as soon as QEMU listens; `alive` says whether waiting still makes sense.
    pub(crate) fn connect(path: &Path, mut alive: impl FnMut() -> bool) -> Result<Self> {
        let deadline = Instant::now() + PATIENCE;
        let stream = loop {
            match UnixStream::connect(path) {
                Ok(stream) => break stream,
                Err(error) if Instant::now() > deadline || !alive() => {
                    return Err(format!("QEMU's control socket: {error}"));
                }
                // No event tells that another process listens.
                Err(_) => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        stream.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
        let mut control = Self { stream: BufReader::new(stream) };
        control.line()?;
        control.ask("qmp_capabilities", &json!({}))?;
        Ok(control)
    }

    /// Asks, and gives what comes back.
    pub(crate) fn ask(&mut self, command: &str, arguments: &Value) -> Result<Value> {
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

    /// What QEMU's monitor prints for a command meant for people.
    pub(crate) fn monitor(&mut self, command: &str) -> Result<String> {
        let printed = self.ask("human-monitor-command", &json!({ "command-line": command }))?;
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
