//! One connection as the suite holds it: raw bytes out, strict replies in, everything under a time limit.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::bytes::show;
use crate::oracle::Reply;
use crate::replies;
use crate::target::Target;

/// What is compared with `STRING`'s reply.
pub const THANKS: &[u8] = b"OK\nThank you.\n";

/// A connection to the server under test.
#[derive(Debug)]
pub struct Peer {
    stream: TcpStream,
    unread: Vec<u8>,
    patience: Duration,
}

impl Peer {
    /// Connects, to be served. Where places are few, one that was just given up may still be taken: then it tries
    /// again until it is served, within the target's patience.
    ///
    /// # Errors
    /// A sentence.
    pub fn connect(target: &Target) -> Result<Self, String> {
        let deadline = Instant::now() + target.patience;
        loop {
            let mut peer = Self::connect_once(target)?;
            if !target.has_few_places() {
                return Ok(peer);
            }
            match peer.is_alive() {
                Ok(()) => return Ok(peer),
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// Connects, come what may.
    ///
    /// # Errors
    /// A sentence.
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

    /// Sends all of it, at once as far as TCP allows.
    ///
    /// # Errors
    /// A sentence.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.stream.write_all(bytes).map_err(|error| format!("can't send: {error}"))
    }

    /// Sends as much as the server takes until it stops taking any for a while; gives back how much that was.
    ///
    /// # Errors
    /// A sentence, if the connection breaks.
    pub fn send_until_stuck(&mut self, bytes: &[u8], stuck: Duration) -> Result<usize, String> {
        let limit = |stream: &TcpStream, time| stream.set_write_timeout(Some(time));
        limit(&self.stream, stuck).map_err(|error| error.to_string())?;
        let mut sent = 0;
        // A write that was taken in part has waited for the rest until its time was up.
        let mut is_stuck = false;
        while sent < bytes.len() && !is_stuck {
            let start = Instant::now();
            match self.stream.write(&bytes[sent..]) {
                Ok(len) => {
                    sent += len;
                    is_stuck = start.elapsed() >= stuck;
                }
                Err(error) if is_timeout(error.kind()) => break,
                Err(error) => return Err(format!("can't send: {error}")),
            }
        }
        limit(&self.stream, self.patience).map_err(|error| error.to_string())?;
        Ok(sent)
    }

    /// Ends this side's bytes.
    ///
    /// # Errors
    /// A sentence.
    pub fn half_close(&mut self) -> Result<(), String> {
        self.stream.shutdown(Shutdown::Write).map_err(|error| format!("can't half-close: {error}"))
    }

    /// Sends from a thread of its own, so that neither side waits for the other, and then ends this side's bytes or not.
    /// The thread says whether all was taken: a server that closes may not want to see the rest.
    ///
    /// # Errors
    /// A sentence.
    pub fn send_beside(&self, bytes: Vec<u8>, then_end: bool) -> Result<JoinHandle<bool>, String> {
        let mut sender = self.sender()?;
        Ok(thread::spawn(move || {
            let sent = sender.write_all(&bytes);
            let ended = if then_end { sender.shutdown(Shutdown::Write) } else { Ok(()) };
            sent.and(ended).is_ok()
        }))
    }

    /// A second handle to the same connection, for a thread that only sends.
    ///
    /// # Errors
    /// A sentence.
    pub fn sender(&self) -> Result<TcpStream, String> {
        self.stream.try_clone().map_err(|error| format!("can't clone the socket: {error}"))
    }

    /// The next reply, whole.
    ///
    /// # Errors
    /// A sentence: silence, the end of the stream, a reset, or bytes no server may send.
    pub fn reply(&mut self) -> Result<Reply, String> {
        let deadline = Instant::now() + self.patience;
        loop {
            if let Some((reply, len)) = replies::first(&self.unread)? {
                self.unread.drain(..len);
                return Ok(reply);
            }
            if !self.read(deadline)? {
                return Err(format!(
                    "the stream ends instead of a reply; behind it: {}",
                    show(&self.unread)
                ));
            }
        }
    }

    /// Sends a request and gives its reply.
    ///
    /// # Errors
    /// A sentence.
    pub fn ask(&mut self, request: &[u8]) -> Result<Reply, String> {
        self.send(request)?;
        self.reply()
    }

    /// A command is answered: the connection is open and in sync, whatever the limits.
    ///
    /// # Errors
    /// A sentence.
    pub fn is_alive(&mut self) -> Result<(), String> {
        let reply = self.ask(b"ALIVE #4242\n\n")?.to_bytes();
        match reply.as_slice() {
            b"ERR #4242\nunknown-command ALIVE\n" => Ok(()),
            other => Err(format!("out of sync: {}", show(other))),
        }
    }

    /// Reads to the end of the stream, a clean one.
    ///
    /// # Errors
    /// A sentence: silence, a reset, or bytes no server may send.
    pub fn rest(&mut self) -> Result<Vec<Reply>, String> {
        let deadline = Instant::now() + self.patience;
        while self.read(deadline)? {}
        replies::all(&std::mem::take(&mut self.unread))
    }

    /// All bytes that come, whatever they are. A reset is an end where nothing came before it.
    ///
    /// # Errors
    /// A sentence: silence, or a reset behind some bytes.
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

    /// Exactly these replies come next.
    ///
    /// # Errors
    /// A sentence.
    pub fn expect(&mut self, want: &[Reply]) -> Result<(), String> {
        for (at, want) in want.iter().enumerate() {
            let got = self.reply().map_err(|error| format!("reply {}: {error}", at + 1))?;
            replies::compare(std::slice::from_ref(want), &[got])
                .map_err(|error| format!("reply {} of this connection's: {error}", at + 1))?;
        }
        Ok(())
    }

    /// Exactly these replies come, and then the end of the stream.
    ///
    /// # Errors
    /// A sentence.
    pub fn expect_end(&mut self, want: &[Reply]) -> Result<(), String> {
        replies::compare(want, &self.rest()?)
    }

    fn read(&mut self, deadline: Instant) -> Result<bool, String> {
        let mut chunk = [0; 16_384];
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(self.silence());
        }
        self.stream.set_read_timeout(Some(left)).map_err(|error| error.to_string())?;
        match self.stream.read(&mut chunk) {
            Ok(len) => {
                self.unread.extend_from_slice(&chunk[..len]);
                Ok(len > 0)
            }
            Err(error) if is_timeout(error.kind()) => Err(self.silence()),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(true),
            Err(error) => Err(format!(
                "the connection breaks: {error}; read before it: {}",
                show(&self.unread)
            )),
        }
    }

    fn silence(&self) -> String {
        format!("nothing more within {:?}; unread: {}", self.patience, show(&self.unread))
    }
}

fn is_timeout(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
