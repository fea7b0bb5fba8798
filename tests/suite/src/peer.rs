//! One connection of the suite: it sends raw bytes and parses replies strictly, with time limits.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::bytes::show;
use crate::oracle::Reply;
use crate::replies;
use crate::target::Target;

/// The untagged reply of `STRING`.
pub const THANKS: &[u8] = b"OK\nThank you.\n";

/// A connection to the server under test.
#[derive(Debug)]
pub struct Peer {
    stream: TcpStream,
    unread: Vec<u8>,
    patience: Duration,
}

impl Peer {
    /// Connects. A server of few connections may still be busy with one that was just closed: then
    /// this tries again until it is served, within the target's patience.
    ///
    /// # Errors
    /// What went wrong, as a sentence.
    pub fn connect(target: &Target) -> Result<Self, String> {
        let deadline = Instant::now() + target.patience;
        loop {
            let mut peer = Self::connect_once(target)?;
            if !target.has_few_connections() {
                return Ok(peer);
            }
            match peer.is_alive() {
                Ok(()) => return Ok(peer),
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// Connects, without waiting for a reply.
    ///
    /// # Errors
    /// What went wrong, as a sentence.
    pub fn connect_once(target: &Target) -> Result<Self, String> {
        let stream = TcpStream::connect_timeout(&target.addr, target.patience)
            .map_err(|error| format!("can't connect to {}: {error}", target.addr))?;
        stream
            .set_nodelay(true)
            .and_then(|()| stream.set_write_timeout(Some(target.patience)))
            .map_err(|error| format!("can't set up the socket: {error}"))?;
        let patience = target.patience + target.longest_wait;
        Ok(Self { stream, unread: Vec::new(), patience })
    }

    /// Sends all the bytes.
    ///
    /// # Errors
    /// What went wrong, as a sentence.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.stream.write_all(bytes).map_err(|error| format!("can't send: {error}"))
    }

    /// Sends until the server has taken nothing for `timeout`. Returns how many bytes it took.
    ///
    /// # Errors
    /// What went wrong, as a sentence, if the connection breaks.
    pub fn send_until_blocked(&mut self, bytes: &[u8], timeout: Duration) -> Result<usize, String> {
        let limit = |stream: &TcpStream, time| stream.set_write_timeout(Some(time));
        limit(&self.stream, timeout).map_err(|error| error.to_string())?;
        let mut sent = 0;
        // A write that takes only a part has waited for the rest until its timeout.
        let mut is_blocked = false;
        while sent < bytes.len() && !is_blocked {
            let start = Instant::now();
            match self.stream.write(&bytes[sent..]) {
                Ok(len) => {
                    sent += len;
                    is_blocked = start.elapsed() >= timeout;
                }
                Err(error) if is_timeout(error.kind()) => break,
                Err(error) => return Err(format!("can't send: {error}")),
            }
        }
        limit(&self.stream, self.patience).map_err(|error| error.to_string())?;
        Ok(sent)
    }

    /// Closes this side's direction.
    ///
    /// # Errors
    /// What went wrong, as a sentence.
    pub fn half_close(&mut self) -> Result<(), String> {
        self.stream.shutdown(Shutdown::Write).map_err(|error| format!("can't half-close: {error}"))
    }

    /// Sends in a thread of its own, so that neither side waits for the other, and then closes this
    /// side's direction if `then_end`. The thread returns whether all was sent: a server that
    /// closes the connection may not read the rest.
    ///
    /// # Errors
    /// What went wrong, as a sentence.
    pub fn send_in_background(
        &self,
        bytes: Vec<u8>,
        then_end: bool,
    ) -> Result<JoinHandle<bool>, String> {
        let mut sender = self.sender()?;
        Ok(thread::spawn(move || {
            let sent = sender.write_all(&bytes);
            let ended = if then_end { sender.shutdown(Shutdown::Write) } else { Ok(()) };
            sent.and(ended).is_ok()
        }))
    }

    /// A second handle to the connection, for a thread that sends.
    ///
    /// # Errors
    /// What went wrong, as a sentence.
    pub fn sender(&self) -> Result<TcpStream, String> {
        self.stream.try_clone().map_err(|error| format!("can't clone the socket: {error}"))
    }

    /// Reads the next reply.
    ///
    /// # Errors
    /// What went wrong, as a sentence: no reply in time, the end of the stream, a reset, or a
    /// malformed reply.
    pub fn reply(&mut self) -> Result<Reply, String> {
        let deadline = Instant::now() + self.patience;
        loop {
            if let Some((reply, len)) = replies::first(&self.unread)? {
                self.unread.drain(..len);
                return Ok(reply);
            }
            if !self.read(deadline)? {
                return Err(format!(
                    "the stream ended instead of a reply; unread: {}",
                    show(&self.unread)
                ));
            }
        }
    }

    /// Sends a request and reads its reply.
    ///
    /// # Errors
    /// What went wrong, as a sentence.
    pub fn ask(&mut self, request: &[u8]) -> Result<Reply, String> {
        self.send(request)?;
        self.reply()
    }

    /// Checks that a command is answered: the connection is open and in sync. The command fits any
    /// limits.
    ///
    /// # Errors
    /// What went wrong, as a sentence.
    pub fn is_alive(&mut self) -> Result<(), String> {
        let reply = self.ask(b"ALIVE #4242\n\n")?.to_bytes();
        match reply.as_slice() {
            b"ERR #4242\nunknown-command ALIVE\n" => Ok(()),
            other => Err(format!("out of sync: {}", show(other))),
        }
    }

    /// Reads all replies to a clean end of the stream.
    ///
    /// # Errors
    /// What went wrong, as a sentence: no end in time, a reset, or a malformed reply.
    pub fn rest(&mut self) -> Result<Vec<Reply>, String> {
        let deadline = Instant::now() + self.patience;
        while self.read(deadline)? {}
        replies::all(&std::mem::take(&mut self.unread))
    }

    /// Reads any bytes to the end of the stream. A reset counts as an end if nothing came before.
    ///
    /// # Errors
    /// What went wrong, as a sentence: no end in time, or a reset after some bytes.
    pub fn bytes_to_the_end(&mut self) -> Result<Vec<u8>, String> {
        let deadline = Instant::now() + self.patience;
        loop {
            match self.read(deadline) {
                Ok(true) => {}
                Err(why) if !self.unread.is_empty() || Instant::now() >= deadline => {
                    return Err(why);
                }
                Ok(false) | Err(_) => return Ok(std::mem::take(&mut self.unread)),
            }
        }
    }

    /// Checks that exactly these replies come next.
    ///
    /// # Errors
    /// What went wrong, as a sentence.
    pub fn expect(&mut self, want: &[Reply]) -> Result<(), String> {
        for (at, want) in want.iter().enumerate() {
            let got = self.reply().map_err(|error| format!("reply {}: {error}", at + 1))?;
            replies::compare(std::slice::from_ref(want), &[got])
                .map_err(|error| format!("reply {}: {error}", at + 1))?;
        }
        Ok(())
    }

    /// Checks that exactly these replies come, and then the end of the stream.
    ///
    /// # Errors
    /// What went wrong, as a sentence.
    pub fn expect_end(&mut self, want: &[Reply]) -> Result<(), String> {
        replies::compare(want, &self.rest()?)
    }

    fn read(&mut self, deadline: Instant) -> Result<bool, String> {
        let mut chunk = [0; 16_384];
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(self.timed_out());
        }
        self.stream.set_read_timeout(Some(left)).map_err(|error| error.to_string())?;
        match self.stream.read(&mut chunk) {
            Ok(len) => {
                self.unread.extend_from_slice(&chunk[..len]);
                Ok(len > 0)
            }
            Err(error) if is_timeout(error.kind()) => Err(self.timed_out()),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(true),
            Err(error) => {
                Err(format!("the connection broke: {error}; unread: {}", show(&self.unread)))
            }
        }
    }

    fn timed_out(&self) -> String {
        format!("nothing more within {:?}; unread: {}", self.patience, show(&self.unread))
    }
}

fn is_timeout(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
