//! The blocking fronts over a stream that does exactly what a script says.

mod caller;
mod link;
mod link_caller;
mod server;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use embedded_io::{ErrorKind, ErrorType, Read, Write};
use linecard_core::{Command, Instant, Text};

use crate::support::SPIN;

/// What a read or a write does.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// A read gives these bytes.
    Give(Vec<u8>),
    /// A read or write fails.
    Fail(ErrorKind),
    /// Time passes, and then the next act.
    Pass(u64),
    /// A write takes so many bytes.
    Take(usize),
}

pub(crate) fn give(bytes: &str) -> Act {
    Act::Give(bytes.into())
}

/// A stream by script. Reads past the script's end are the end of the stream; writes past it take
/// everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    pub(crate) reads: VecDeque<Act>,
    pub(crate) writes: VecDeque<Act>,
    pub(crate) written: Vec<u8>,
    pub(crate) flushed: usize,
    pub(crate) now: Rc<RefCell<u64>>,
}

impl Script {
    pub(crate) fn reading(reads: impl IntoIterator<Item = Act>) -> Self {
        Self { reads: reads.into_iter().collect(), ..Self::default() }
    }

    pub(crate) fn writing(mut self, writes: impl IntoIterator<Item = Act>) -> Self {
        self.writes = writes.into_iter().collect();
        self
    }

    pub(crate) fn clock(&self) -> impl FnMut() -> Instant + use<> {
        let now = Rc::clone(&self.now);
        let mut looked = 0;
        move || {
            looked += 1;
            assert!(looked < SPIN, "it spins");
            Instant::from_millis(*now.borrow())
        }
    }

    pub(crate) fn now(&self) -> u64 {
        *self.now.borrow()
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
        assert!(!buf.is_empty(), "a read into nothing looks like the end of the stream");
        match self.reads.pop_front() {
            None => Ok(0),
            Some(Act::Fail(kind)) => Err(kind),
            Some(Act::Pass(millis)) => {
                *self.now.borrow_mut() += millis;
                self.read(buf)
            }
            Some(Act::Give(mut bytes)) => {
                let len = bytes.len().min(buf.len());
                buf[..len].copy_from_slice(&bytes[..len]);
                bytes.drain(..len);
                if !bytes.is_empty() {
                    self.reads.push_front(Act::Give(bytes));
                }
                Ok(len)
            }
            Some(Act::Take(_)) => panic!("a read doesn't take"),
        }
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        assert!(!bytes.is_empty(), "a write of nothing");
        let len = match self.writes.pop_front() {
            None => bytes.len(),
            Some(Act::Take(len)) => len.min(bytes.len()),
            Some(Act::Fail(kind)) => return Err(kind),
            Some(Act::Pass(millis)) => {
                *self.now.borrow_mut() += millis;
                return self.write(bytes);
            }
            Some(Act::Give(_)) => panic!("a write doesn't give"),
        };
        self.written.extend_from_slice(&bytes[..len]);
        Ok(len)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        self.flushed = self.written.len();
        Ok(())
    }
}

/// A read finds nothing in time.
pub(crate) const SILENT: Act = Act::Fail(ErrorKind::TimedOut);

/// A UART lost bytes.
pub(crate) const OVERRUN: Act = Act::Fail(ErrorKind::Other);

#[derive(Debug)]
pub(crate) struct Say;

impl Command for Say {
    const NAME: &'static str = "SAY";
    type Request<'i> = Text<'i>;
    type Reply<'i> = Text<'i>;
}
