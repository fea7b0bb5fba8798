//! A naive server: one thread a connection, blocking writes. Each read parses all input again.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use linecard_suite::oracle::{
    Body, Frame, Limits, Outcome, Refusal, Reply, demo, frame, serve_with,
};

/// The server's limits, and its flaw.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub limits: Limits,
    pub frame_deadline: Duration,
    pub idle_timeout: Duration,
    pub connection_limit: Option<usize>,
    pub flaw: Flaw,
}

/// What the server does wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// After a counted body without its LF it goes on with the next line.
    RunsRestOfBrokenFrame,
    LosesTags,
    /// Assumes that each read holds whole frames.
    LosesPartialFrames,
    /// Closes without draining.
    Resets,
    /// Accepts a body of one byte over the limit.
    AcceptsOneMore,
    /// Counts the frame deadline from the latest byte.
    MovesDeadline,
    /// Closes without `busy`.
    SilentWhenFull,
    /// Returns any payload unchecked.
    AcceptsAnyPayload,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::DESKTOP,
            frame_deadline: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(5),
            connection_limit: None,
            flaw: Flaw::None,
        }
    }
}

/// Serves on a free loopback port until the process ends.
pub(crate) fn start(settings: Settings) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    let addr = listener.local_addr().expect("an address");
    thread::spawn(move || {
        let connections = Arc::new(AtomicUsize::new(0));
        while let Ok((stream, _)) = listener.accept() {
            let connections = Arc::clone(&connections);
            // An error on a connection ends only that one.
            thread::spawn(move || drop(serve(stream, &settings, &connections)));
        }
    });
    addr
}

fn serve(stream: TcpStream, settings: &Settings, connections: &AtomicUsize) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let is_free = connections.fetch_add(1, Ordering::SeqCst)
        < settings.connection_limit.unwrap_or(usize::MAX);
    let last = if is_free {
        Connection::new(&stream, settings).serve()
    } else {
        Ok((settings.flaw != Flaw::SilentWhenFull).then(|| Reply::refusal("busy", None)))
    };
    connections.fetch_sub(1, Ordering::SeqCst);
    match last? {
        Some(reply) => close(stream, &reply, settings.flaw),
        None => Ok(()),
    }
}

/// Sends the last reply, and drains the input so that the reply arrives.
fn close(mut stream: TcpStream, reply: &Reply, flaw: Flaw) -> std::io::Result<()> {
    stream.write_all(&reply.to_bytes())?;
    if flaw == Flaw::Resets {
        return Ok(());
    }
    stream.shutdown(Shutdown::Write)?;
    let deadline = Instant::now() + Duration::from_secs(2);
    let mut chunk = [0; 16_384];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        stream.set_read_timeout(Some(left))?;
        if stream.read(&mut chunk)? == 0 {
            return Ok(());
        }
    }
}

struct Connection<'c> {
    stream: &'c TcpStream,
    settings: &'c Settings,
    input: Vec<u8>,
    /// When the current frame's first byte was received, or the last reply sent.
    since: Instant,
}

impl<'c> Connection<'c> {
    fn new(stream: &'c TcpStream, settings: &'c Settings) -> Self {
        Self { stream, settings, input: Vec::new(), since: Instant::now() }
    }

    /// Serves to the end of the stream, or until a reply closes the connection.
    fn serve(&mut self) -> std::io::Result<Option<Reply>> {
        let mut chunk = [0; 16_384];
        loop {
            let Some(wait) = self.time_left() else {
                return Ok(Some(Reply::refusal("timeout", None)));
            };
            self.stream.set_read_timeout(Some(wait))?;
            let len = match self.stream.read(&mut chunk) {
                Ok(0) => return Ok(None),
                Ok(len) => len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error),
            };
            if let Some(last) = self.take(&chunk[..len])? {
                return Ok(Some(last));
            }
        }
    }

    fn time_left(&self) -> Option<Duration> {
        let time = if self.input.is_empty() {
            self.settings.idle_timeout
        } else {
            self.settings.frame_deadline
        };
        time.checked_sub(self.since.elapsed()).filter(|left| !left.is_zero())
    }

    fn take(&mut self, bytes: &[u8]) -> std::io::Result<Option<Reply>> {
        if self.input.is_empty() || self.settings.flaw == Flaw::MovesDeadline {
            self.since = Instant::now();
        }
        self.input.extend_from_slice(bytes);
        let mut outcome = self.outcome();
        let last = if outcome.closes { outcome.replies.pop() } else { None };
        let replies: Vec<u8> = outcome.replies.iter().flat_map(Reply::to_bytes).collect();
        self.stream.write_all(&replies)?;
        self.input.drain(..outcome.consumed);
        if outcome.consumed > 0 {
            self.since = Instant::now();
        }
        if self.settings.flaw == Flaw::LosesPartialFrames {
            self.input.clear();
        }
        Ok(last)
    }

    fn outcome(&self) -> Outcome {
        let mut limits = self.settings.limits;
        if self.settings.flaw == Flaw::AcceptsOneMore {
            limits.max_body += 1;
        }
        let mut outcome =
            serve_with(&self.input, false, &limits, |name, body| self.answer(name, body));
        match self.settings.flaw {
            Flaw::LosesTags => outcome.replies.iter_mut().for_each(|reply| reply.tag = None),
            Flaw::RunsRestOfBrokenFrame => run_rest(&self.input, &limits, &mut outcome),
            _ => {}
        }
        outcome
    }

    fn answer(&self, name: &str, body: &Body) -> Result<Body, Refusal> {
        match (self.settings.flaw, name) {
            (Flaw::AcceptsAnyPayload, "COMPLEX") => Ok(Body::Counted(body.bytes().to_vec())),
            _ => demo(name, body),
        }
    }
}

/// What a server does that skips to the next line instead of closing.
fn run_rest(input: &[u8], limits: &Limits, outcome: &mut Outcome) {
    if !matches!(frame(input, limits), Frame::Fatal { code: "desync", .. }) {
        return;
    }
    let lines: Vec<&[u8]> = input.splitn(3, |&byte| byte == b'\n').collect();
    let rest = lines.get(2).copied().unwrap_or_default();
    outcome.replies.extend(serve_with(rest, false, limits, demo).replies);
    outcome.closes = false;
}
