//! A server under test: a session, a service that logs, and the caller's side of the contract.

use std::fmt::Write as _;

use std::time::Duration;

use linecard_core::{
    Answered, Code, Frame, Instant, Limits, OutBuf, Reply, Service, Session, Want, pump,
};

/// Small enough that one line of a test reaches every limit.
pub(crate) const SMALL: Limits = Limits {
    max_body_len: 16,
    max_reply_len: 64,
    skip_budget: 32,
    frame_timeout: Duration::from_secs(1),
    idle_timeout: Duration::from_secs(5),
};

/// A loop that takes more rounds is taken to be endless.
pub(crate) const MAX_ROUNDS: usize = 10_000;

/// Answers `ECHO` with its body, `FILL n` with n bytes of text, and `FAIL` with `failed` and its
/// body as the message. Keeps a log.
#[derive(Debug, Default)]
pub(crate) struct TestService {
    /// Requests handled, as `NAME body`, and refusals by the session, as `! code`.
    pub(crate) log: Vec<String>,
}

impl Service for TestService {
    fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> Answered {
        let body = request.body.bytes();
        let mut line = format!("{} ", request.name);
        let _ = write!(line, "{}", body.escape_ascii());
        self.log.push(line);
        let text = String::from_utf8_lossy(body);
        match request.name {
            "ECHO" => reply.text(&text),
            "FILL" => reply.text(&"f".repeat(text.parse().expect("a count"))),
            "FAIL" => reply.error(Code::Failed, &text),
            name => reply.error(Code::UnknownCommand, name),
        }
    }

    fn refused(&mut self, code: Code) {
        assert!(self.log.len() < MAX_ROUNDS, "it loops without end");
        self.log.push(format!("! {code}"));
    }
}

/// The server side of a connection, with the buffers that a caller has.
pub(crate) struct Server<'l, S = TestService> {
    pub(crate) session: Session<'l>,
    pub(crate) service: S,
    input: Vec<u8>,
    ended: bool,
    now: u64,
    sent: Vec<u8>,
    want: Want,
}

impl<'l> Server<'l> {
    pub(crate) fn new(limits: &'l Limits) -> Self {
        Self::with(limits, TestService::default())
    }
}

impl<'l, S: Service> Server<'l, S> {
    pub(crate) fn with(limits: &'l Limits, service: S) -> Self {
        let session = Session::new(limits, Instant::from_millis(0));
        let want = Want::Input { frame_len: None };
        Self { session, service, input: Vec::new(), ended: false, now: 0, sent: Vec::new(), want }
    }

    /// Gives the session more bytes, and returns what it sent.
    pub(crate) fn feed(&mut self, bytes: impl AsRef<[u8]>) -> String {
        self.input.extend_from_slice(bytes.as_ref());
        self.pump_and_take()
    }

    /// Gives the session more bytes. [`take_sent`](Self::take_sent) returns what it sent.
    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
        self.pump();
    }

    /// All bytes sent since the last call.
    pub(crate) fn take_sent(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.sent)
    }

    /// Sets the clock to `now`, and returns what the session sent.
    pub(crate) fn at(&mut self, now: u64) -> String {
        self.now = now;
        self.pump_and_take()
    }

    /// Ends the stream, and returns what the session sent.
    pub(crate) fn end(&mut self) -> String {
        self.ended = true;
        self.pump_and_take()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.want == Want::Close
    }

    /// What the session waits for.
    pub(crate) const fn want(&self) -> Want {
        self.want
    }

    /// Bytes received and not consumed.
    pub(crate) const fn unconsumed(&self) -> usize {
        self.input.len()
    }

    fn pump_and_take(&mut self) -> String {
        self.pump();
        String::from_utf8_lossy(&self.take_sent()).into_owned()
    }

    fn pump(&mut self) {
        let limits = self.session.limits();
        let mut buf = vec![0; limits.max_reply_frame_len()];
        for round in 0.. {
            assert!(round < MAX_ROUNDS, "it loops without end");
            let mut out = OutBuf::new(&mut buf);
            let (consumed, want) = pump(
                &mut self.session,
                &mut self.service,
                Instant::from_millis(self.now),
                &self.input,
                self.ended,
                &mut out,
            );
            self.input.drain(..consumed);
            self.sent.extend_from_slice(out.written());
            self.want = want;
            match want {
                Want::Output { free } => {
                    assert!(!out.is_empty() && free <= limits.max_reply_frame_len());
                }
                Want::Input { .. } => {
                    assert!(
                        self.input.len() < limits.max_request_frame_len(),
                        "it buffers more than the longest frame"
                    );
                    break;
                }
                Want::Close => break,
            }
        }
    }
}

/// What a new session sends for `bytes`, received at once.
pub(crate) fn answer(limits: &Limits, bytes: impl AsRef<[u8]>) -> String {
    Server::new(limits).feed(bytes)
}
