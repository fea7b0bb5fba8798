//! The server session, driven as an adapter drives it. A script says how the input is cut, how much
//! time passes and when the output is full.
//!
//! ```text
//! data:  limits │ number n of script bytes │ n script bytes │ client's bytes
//! ```
//!
//! The replies are always a prefix of those that the oracle computes from all the bytes at once,
//! then at most one `timeout` or `stopping`. If the session reads all the bytes and nothing times
//! out, they are exactly the oracle's.

use core::time::Duration;

use linecard_core::{Instant, Limits, OutBuf, Session, Want, pump};
use linecard_demo::{Demo, table};
use linecard_suite::oracle::{self, Reply};
use linecard_suite::replies;

use crate::byte;

pub(crate) const LIMITS: [Limits; 3] = [
    limits(16, 64, 32),
    limits(120, 100, 400),
    Limits {
        frame_timeout: Duration::from_millis(1_000),
        idle_timeout: Duration::from_millis(5_000),
        ..Limits::DEVICE
    },
];

const fn limits(max_body_len: u32, max_reply_len: u32, skip_budget: u32) -> Limits {
    Limits {
        max_body_len,
        max_reply_len,
        skip_budget,
        frame_timeout: Duration::from_millis(1_000),
        idle_timeout: Duration::from_millis(5_000),
    }
}

pub fn check(mut data: &[u8]) {
    let limits = &LIMITS[byte(&mut data) % LIMITS.len()];
    let script_len = byte(&mut data).min(data.len());
    let (script, bytes) = data.split_at(script_len);
    let mut server = Server::new(limits, bytes);
    for &byte in script {
        server.step(byte);
    }
    server.finish();
    check_replies(limits, bytes, &server);
}

struct Server<'d> {
    session: Session<'d>,
    limits: &'d Limits,
    /// What the session has not seen yet.
    unsent: &'d [u8],
    input: Vec<u8>,
    output: Vec<u8>,
    now: u64,
    stopped: bool,
    closed: bool,
}

impl<'d> Server<'d> {
    fn new(limits: &'d Limits, unsent: &'d [u8]) -> Self {
        let session = Session::new(limits, Instant::from_millis(0));
        let (input, output) = (Vec::new(), Vec::new());
        Self { session, limits, unsent, input, output, now: 0, stopped: false, closed: false }
    }

    fn step(&mut self, step: u8) {
        let amount = usize::from(step & 0x1f);
        match step >> 5 {
            0..=3 => self.receive(amount + 1),
            4 => self.receive(amount * 64),
            5 => self.now += 50 * amount as u64,
            6 => {
                // The output has less room than the longest reply needs: nothing may be consumed.
                let before = (self.input.len(), self.output.len());
                self.run(amount.min(self.limits.max_reply_frame_len() - 1), false);
                assert_eq!(before, (self.input.len(), self.output.len()));
                return;
            }
            _ if amount == 0 => {
                self.session.stop(Instant::from_millis(self.now + 300));
                self.stopped = true;
            }
            _ => self.session.block(Instant::from_millis(self.now)),
        }
        self.run(self.limits.max_reply_frame_len() + amount, false);
    }

    /// Gives the session the rest of the input, and then the end of the stream.
    fn finish(&mut self) {
        self.receive(usize::MAX);
        self.run(self.limits.max_reply_frame_len(), false);
        self.run(self.limits.max_reply_frame_len(), true);
        assert!(self.closed, "the stream ended, but the session is not closed");
        assert_eq!(self.session.deadline(), None);
    }

    fn receive(&mut self, amount: usize) {
        let (piece, rest) = self.unsent.split_at(amount.min(self.unsent.len()));
        self.input.extend_from_slice(piece);
        self.unsent = rest;
    }

    fn run(&mut self, free: usize, end: bool) {
        let table = table();
        let mut buf = vec![0; free];
        loop {
            let mut out = OutBuf::new(&mut buf);
            let service = &mut table.bind(Demo);
            let now = Instant::from_millis(self.now);
            let (consumed, want) =
                pump(&mut self.session, service, now, &self.input, end, &mut out);
            assert!(
                !self.closed || (consumed == 0 && out.is_empty()),
                "a closed session consumed or wrote something"
            );
            self.input.drain(..consumed);
            self.output.extend_from_slice(out.written());
            match want {
                Want::Output { free: needed } if free >= self.limits.max_reply_frame_len() => {
                    assert_eq!(needed, self.limits.max_reply_frame_len());
                    assert!(!out.is_empty(), "it waits for output space that is free");
                }
                Want::Output { .. } => break,
                Want::Input { frame_len } => {
                    assert!(
                        self.input.len() < self.limits.max_request_frame_len(),
                        "it waits for more than the longest frame"
                    );
                    if let Some(len) = frame_len {
                        let len = len as usize;
                        assert!(
                            len > self.input.len() && len <= self.limits.max_request_frame_len()
                        );
                    }
                    let deadline =
                        self.session.deadline().expect("a session that waits has a deadline");
                    assert!(deadline > now, "it ignores a deadline that has passed");
                    break;
                }
                Want::Close => {
                    self.closed = true;
                    break;
                }
            }
        }
    }
}

fn check_replies(limits: &Limits, bytes: &[u8], server: &Server<'_>) {
    let want = oracle::serve(bytes, true, &oracle_limits(limits)).replies;
    let mut got = replies::all(&server.output).expect("replies that a server may send");
    let disconnected = got.last().is_some_and(is_disconnect);
    if disconnected {
        got.pop();
    }
    assert!(got.len() <= want.len(), "more replies than frames");
    assert_eq!(replies::compare(&want[..got.len()], &got), Ok(()));
    assert!(disconnected || got.len() == want.len(), "a frame without a reply");
    assert!(!server.stopped || disconnected || server.closed);
}

pub(crate) fn oracle_limits(limits: &Limits) -> oracle::Limits {
    let size = |bytes: u32| bytes as usize;
    oracle::Limits {
        max_body: size(limits.max_body_len),
        max_reply: size(limits.max_reply_len),
        skip_budget: size(limits.skip_budget),
    }
}

/// Whether this reply says why the connection closes, instead of answering a request.
pub(crate) fn is_disconnect(reply: &Reply) -> bool {
    let codes = ["timeout", "stopping"];
    reply.tag.is_none() && reply.result.as_ref().is_err_and(|no| codes.contains(&&*no.code))
}
