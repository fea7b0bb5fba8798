//! The server and the client, with the smallest buffers allowed or slightly larger ones.

use std::collections::VecDeque;
use std::time::Duration;

use linecard_core::{
    Answered, ClientSession, Code, Frame, Incoming, Instant, Limits, OutBuf, Reply, Service,
    Session, Text, Want, pump,
};
use linecard_suite::generate::Random;

use super::Server;
use super::pipe::Pipe;
use crate::support::MAX_ROUNDS;

pub(super) const LIMITS: Limits = Limits {
    max_body_len: 80,
    max_reply_len: 80,
    skip_budget: 200,
    frame_timeout: Duration::from_secs(3),
    idle_timeout: Duration::from_secs(8),
};

/// After so long without progress of its writes the server resets the connection.
pub(super) const WRITE_TIMEOUT: u64 = 4_000;
pub(super) const STOP_WITHIN: u64 = 1_000;

/// Records which calls it carried out. A request is `id text`, or for `FILL` `id count`.
#[derive(Default)]
pub(super) struct RecordingService {
    pub(super) ran: Vec<usize>,
    pub(super) timed_out: bool,
}

impl Service for RecordingService {
    fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> Answered {
        if request.name == "NONE" {
            return reply.error(Code::UnknownCommand, request.name);
        }
        let text = std::str::from_utf8(request.body.bytes()).expect("UTF-8");
        let (id, rest) = text.split_once(' ').expect("an id");
        self.ran.push(id.parse().expect("a number"));
        match request.name {
            "ECHO" => reply.text(text),
            "FILL" => reply.text(&"f".repeat(rest.trim_start().parse().expect("a count"))),
            "FAIL" => reply.error(Code::Failed, rest),
            name => panic!("no call had the name {name}"),
        }
    }

    fn refused(&mut self, code: Code) {
        assert!(matches!(code, Code::TooLarge | Code::Timeout | Code::Stopping), "{code}");
        assert!(!self.timed_out, "a refusal after the timeout");
        self.timed_out |= code == Code::Timeout;
    }
}

/// A server's end of a connection.
pub(super) struct ServerEnd {
    session: Session<'static>,
    service: RecordingService,
    input: Vec<u8>,
    /// Replies not yet written.
    output: VecDeque<u8>,
    out_cap: usize,
    progress_at: u64,
    is_closing: bool,
    is_over: bool,
    /// How far its clock is ahead of the simulation's, in milliseconds.
    clock_ahead: u64,
}

impl Server for ServerEnd {
    fn new(random: &mut Random) -> Self {
        static SESSION_LIMITS: Limits = LIMITS;
        Self {
            session: Session::new(&SESSION_LIMITS, Instant::from_millis(0)),
            service: RecordingService::default(),
            input: Vec::new(),
            output: VecDeque::new(),
            out_cap: LIMITS.max_reply_frame_len() + random.pick(&[0, 1, 500]),
            progress_at: 0,
            is_closing: false,
            is_over: false,
            clock_ahead: 0,
        }
    }

    fn service(&self) -> &RecordingService {
        &self.service
    }

    fn is_over(&self) -> bool {
        self.is_over
    }

    fn reset(&mut self) {
        self.is_over = true;
    }

    fn stop(&mut self, now: u64) {
        self.session.stop(Instant::from_millis(now + self.clock_ahead + STOP_WITHIN));
    }

    /// Does all that can be done at `now`.
    fn run(&mut self, now: u64, up: &mut Pipe, down: &mut Pipe, random: &mut Random) {
        for round in 0.. {
            assert!(round < MAX_ROUNDS, "the server loops without end");
            if self.is_over {
                return;
            }
            self.write(now, down, random);
            if !self.output.is_empty() {
                self.session.block(Instant::from_millis(now + self.clock_ahead));
                if now >= self.progress_at + WRITE_TIMEOUT {
                    up.cut();
                    down.cut();
                    self.is_over = true;
                }
                return;
            }
            if self.is_closing {
                down.fin(now);
                self.is_over = true;
                return;
            }
            let received = up.receive(now, LIMITS.max_request_frame_len() - self.input.len());
            self.input.extend(&received);
            if !self.pump(now, up.has_ended(now)) && received.is_empty() {
                return;
            }
        }
    }

    fn next_at(&self) -> Option<u64> {
        if self.is_over {
            return None;
        }
        if !self.output.is_empty() {
            return Some(self.progress_at + WRITE_TIMEOUT);
        }
        self.session.deadline().map(|due| due.as_millis().saturating_sub(self.clock_ahead))
    }

    fn set_clock_ahead(&mut self, by: u64) {
        self.clock_ahead += by;
    }
}

impl ServerEnd {
    fn write(&mut self, now: u64, down: &mut Pipe, random: &mut Random) {
        let sent = down.send(now, self.output.make_contiguous(), random);
        self.output.drain(..sent);
        if sent > 0 || self.output.is_empty() {
            self.progress_at = now;
        }
    }

    /// Whether anything was consumed or sent.
    fn pump(&mut self, now: u64, end: bool) -> bool {
        let mut buf = vec![0; self.out_cap];
        let mut out = OutBuf::new(&mut buf);
        let now = Instant::from_millis(now + self.clock_ahead);
        let (consumed, want) =
            pump(&mut self.session, &mut self.service, now, &self.input, end, &mut out);
        self.input.drain(..consumed);
        self.output.extend(out.written());
        self.is_closing = want == Want::Close;
        assert!(
            self.is_closing || self.input.len() < LIMITS.max_request_frame_len(),
            "it waits for more than the longest frame"
        );
        consumed > 0 || !self.output.is_empty() || self.is_closing
    }
}

/// How a call ended.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    Answered(Result<String, Code>),
    /// The server said why it closes the connection.
    Disconnected,
    /// Its deadline passed.
    TimedOut,
    /// The connection was lost.
    Lost,
}

/// One call of a client's plan.
pub(super) struct Call {
    name: &'static str,
    text: String,
    at: u64,
    tag: Option<u32>,
    pub(super) expected: Result<String, Code>,
    pub(super) outcome: Option<Outcome>,
}

impl Call {
    fn new(id: usize, at: u64, random: &mut Random) -> Self {
        let filler = |random: &mut Random, max: usize| "w".repeat(random.below(max));
        let (name, text, expected) = match random.below(6) {
            0..=1 => {
                let text = format!("{id} {}", filler(random, 70));
                ("ECHO", text.clone(), Ok(text))
            }
            2 => {
                let count = random.below(90);
                let fits = count <= LIMITS.max_reply_len as usize;
                let reply = if fits { Ok("f".repeat(count)) } else { Err(Code::ReplyTooLarge) };
                ("FILL", format!("{id} {count}"), reply)
            }
            3 => ("FAIL", format!("{id} {}", filler(random, 70)), Err(Code::Failed)),
            4 => ("NONE", filler(random, 70), Err(Code::UnknownCommand)),
            _ => {
                let over = 81 + random.below(120);
                let text = if random.one_in(2) { "x".repeat(over) } else { "\n".repeat(over) };
                ("ECHO", text, Err(Code::TooLarge))
            }
        };
        Self { name, text, at, tag: None, expected, outcome: None }
    }

    pub(super) fn reaches_a_handler(&self) -> bool {
        !matches!(self.expected, Err(Code::TooLarge | Code::UnknownCommand))
    }
}

/// A client's end of a connection, and its plan.
pub(super) struct ClientEnd {
    client: ClientSession<6>,
    calls: Vec<Call>,
    made: usize,
    deadline: u64,
    input: Vec<u8>,
    output: VecDeque<u8>,
    /// It reads nothing before this time.
    reads_from: u64,
    fin: bool,
    is_over: bool,
}

impl ClientEnd {
    pub(super) fn new(random: &mut Random, impatient: bool) -> Self {
        let mut at = 0;
        let calls = (0..5 + random.below(40)).map(|id| {
            at += random.pick(&[0, 0, 0, 5, 100, 900]);
            Call::new(id, at, random)
        });
        Self {
            calls: calls.collect(),
            client: ClientSession::new(120, 1_000),
            made: 0,
            deadline: if impatient { 1_500 } else { 1_000_000 },
            input: Vec::new(),
            output: VecDeque::new(),
            reads_from: if random.one_in(3) { 2_000 } else { 0 },
            fin: false,
            is_over: false,
        }
    }

    pub(super) fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// Closes its direction. What is not sent is dropped.
    pub(super) fn half_close(&mut self, now: u64, up: &mut Pipe) {
        self.output.clear();
        self.fin = true;
        up.fin(now);
    }

    /// Does all that can be done at `now`.
    pub(super) fn run(&mut self, now: u64, up: &mut Pipe, down: &mut Pipe, random: &mut Random) {
        self.expire(now);
        for round in 0.. {
            assert!(round < MAX_ROUNDS, "the client loops without end");
            if self.is_over {
                break;
            }
            let mut idle = !self.call(now);
            if !self.fin {
                let sent = up.send(now, self.output.make_contiguous(), random);
                self.output.drain(..sent);
                idle &= sent == 0;
            }
            if now >= self.reads_from {
                let received = down.receive(now, 1 + random.below(300));
                self.input.extend(&received);
                idle &= received.is_empty();
                idle &= !self.step(down.has_ended(now));
            }
            if self.is_done() && !self.fin {
                self.fin = true;
                up.fin(now);
            }
            if idle {
                return;
            }
        }
        up.fin(now);
    }

    fn is_done(&self) -> bool {
        self.made == self.calls.len() && self.output.is_empty() && self.client.unanswered() == 0
    }

    /// Makes the next call, if it is due and its request fits. Whether it did.
    fn call(&mut self, now: u64) -> bool {
        let Some(call) = self.calls.get_mut(self.made).filter(|call| call.at <= now) else {
            return false;
        };
        if self.fin || self.output.len() > 200 {
            return false;
        }
        if call.outcome.is_some() {
            self.made += 1;
            return true;
        }
        let mut buf = [0; 300];
        let mut out = OutBuf::new(&mut buf);
        let Ok(tag) = self.client.call_named(call.name, &Text(&call.text), &mut out) else {
            return false;
        };
        self.output.extend(out.written());
        call.tag = Some(tag);
        call.at = now;
        self.made += 1;
        true
    }

    /// Whether anything was received or consumed.
    fn step(&mut self, end: bool) -> bool {
        let (consumed, incoming) = self.client.step(&self.input, end);
        let found = !matches!(incoming, Incoming::NeedInput { .. });
        let mut closed = None;
        match incoming {
            Incoming::NeedInput { .. } => {}
            Incoming::Reply { tag, body } => {
                let received = body
                    .map(|body| String::from_utf8(body.bytes().to_vec()).expect("UTF-8"))
                    .map_err(|refusal| refusal.code);
                let call =
                    self.calls.iter_mut().find(|call| call.tag == Some(tag)).expect("a call");
                assert!(call.outcome.is_none(), "answered twice, or late");
                call.outcome = Some(Outcome::Answered(received));
            }
            Incoming::Skipped => {
                let timed_out =
                    self.calls.iter().any(|call| matches!(call.outcome, Some(Outcome::TimedOut)));
                assert!(timed_out, "a reply was skipped, but no call timed out");
            }
            Incoming::Disconnected(refusal) => {
                assert!(matches!(refusal.code, Code::Stopping | Code::Timeout), "{refusal:?}");
                closed = Some(Outcome::Disconnected);
            }
            Incoming::Closed(fault) => {
                assert!(
                    matches!(fault, linecard_core::Fault::End | linecard_core::Fault::Truncated),
                    "{fault:?}"
                );
                closed = Some(Outcome::Lost);
            }
            incoming => panic!("{incoming:?}"),
        }
        self.input.drain(..consumed);
        if let Some(outcome) = closed {
            self.close(&outcome);
        }
        found || consumed > 0
    }

    fn close(&mut self, outcome: &Outcome) {
        self.is_over = true;
        for call in self.calls.iter_mut().filter(|call| call.outcome.is_none()) {
            call.outcome = Some(outcome.clone());
        }
    }

    /// Forgets the calls whose deadline has passed.
    fn expire(&mut self, now: u64) {
        if self.is_over {
            return;
        }
        for call in self.calls.iter_mut().filter(|call| call.outcome.is_none()) {
            if now >= call.at + self.deadline {
                call.outcome = Some(Outcome::TimedOut);
                if let Some(tag) = call.tag {
                    self.client.forget(tag);
                }
            }
        }
    }

    pub(super) fn next_at(&self, now: u64) -> Option<u64> {
        if self.is_over {
            return None;
        }
        let open = self.calls.iter().filter(|call| call.outcome.is_none());
        let expires = open.map(|call| call.at + self.deadline).min();
        let next = self.calls.get(self.made).map(|call| call.at).filter(|&at| at > now);
        let reads = Some(self.reads_from).filter(|&at| at > now);
        [expires, next, reads].into_iter().flatten().min()
    }
}
