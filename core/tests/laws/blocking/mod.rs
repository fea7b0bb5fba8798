//! The blocking fronts over a scripted stream.

mod caller;
mod link;
mod link_caller;
mod server;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use embedded_io::{ErrorKind, ErrorType, Read, Write};
use linecard_core::blocking::Caller;
use linecard_core::{Command, Instant, Text};

use crate::support::MAX_ROUNDS;

/// One action of a scripted stream.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// A read returns these bytes.
    Read(Vec<u8>),
    /// A read or a write fails.
    Fail(ErrorKind),
    /// So many milliseconds pass, and then the next action is done.
    Wait(u64),
    /// A write takes so many bytes.
    Write(usize),
}

pub(crate) fn read(bytes: &str) -> Action {
    Action::Read(bytes.into())
}

/// A scripted stream. After the last scripted read the stream ends; after the last scripted write,
/// writes take everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    pub(crate) reads: VecDeque<Action>,
    pub(crate) writes: VecDeque<Action>,
    pub(crate) written: Vec<u8>,
    pub(crate) flushed: usize,
    pub(crate) now: Rc<RefCell<u64>>,
}

impl Script {
    pub(crate) fn reading(reads: impl IntoIterator<Item = Action>) -> Self {
        Self { reads: reads.into_iter().collect(), ..Self::default() }
    }

    pub(crate) fn writing(mut self, writes: impl IntoIterator<Item = Action>) -> Self {
        self.writes = writes.into_iter().collect();
        self
    }

    pub(crate) fn clock(&self) -> impl FnMut() -> Instant + use<> {
        let now = Rc::clone(&self.now);
        let mut calls = 0;
        move || {
            calls += 1;
            assert!(calls < MAX_ROUNDS, "it loops without end");
            Instant::from_millis(*now.borrow())
        }
    }

    pub(crate) fn now(&self) -> u64 {
        *self.now.borrow()
    }

    /// Whether it matters in which order it is read and written: time passes, or a read fails.
    pub(crate) fn depends_on_order(&self) -> bool {
        let waits = |action: &Action| matches!(action, Action::Wait(_));
        let fails = |action: &Action| matches!(action, Action::Fail(ErrorKind::ConnectionReset));
        self.writes.iter().any(waits)
            || self.reads.iter().any(|action| waits(action) || fails(action))
    }

    pub(crate) fn written(&self) -> String {
        String::from_utf8_lossy(&self.written).into_owned()
    }
}

impl ErrorType for Script {
    type Error = ErrorKind;
}

impl Read for Script {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        assert!(!buf.is_empty(), "a read into an empty buffer looks like the end of the stream");
        match self.reads.pop_front() {
            None => Ok(0),
            Some(Action::Fail(kind)) => Err(kind),
            Some(Action::Wait(millis)) => {
                *self.now.borrow_mut() += millis;
                self.read(buf)
            }
            Some(Action::Read(mut bytes)) => {
                let len = bytes.len().min(buf.len());
                buf[..len].copy_from_slice(&bytes[..len]);
                bytes.drain(..len);
                if !bytes.is_empty() {
                    self.reads.push_front(Action::Read(bytes));
                }
                Ok(len)
            }
            Some(Action::Write(_)) => panic!("a write where a read was scripted"),
        }
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        assert!(!bytes.is_empty(), "an empty write");
        let len = match self.writes.pop_front() {
            None => bytes.len(),
            Some(Action::Write(len)) => len.min(bytes.len()),
            Some(Action::Fail(kind)) => return Err(kind),
            Some(Action::Wait(millis)) => {
                *self.now.borrow_mut() += millis;
                return self.write(bytes);
            }
            Some(Action::Read(_)) => panic!("a read where a write was scripted"),
        };
        self.written.extend_from_slice(&bytes[..len]);
        Ok(len)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        self.flushed = self.written.len();
        Ok(())
    }
}

type Client<const CALLS: usize> = Caller<Script, Vec<u8>, CALLS>;

fn caller_of<const CALLS: usize>(io: Script, window: u32) -> Client<CALLS> {
    Caller::new(io, vec![0; 256], vec![0; 64], window)
}

/// A read finds nothing in time.
pub(crate) const SILENT: Action = Action::Fail(ErrorKind::TimedOut);

/// A UART lost bytes.
pub(crate) const OVERRUN: Action = Action::Fail(ErrorKind::Other);

#[derive(Debug)]
pub(crate) struct Say;

impl Command for Say {
    const NAME: &'static str = "SAY";
    type Request<'i> = Text<'i>;
    type Reply<'i> = Text<'i>;
}
