//! Blocking fronts over `embedded_io::{Read, Write}`: a UART, a socket, a pipe.
//!
//! This is the only part of the crate that knows those traits. [`serve`] is a server for one
//! connection, [`serve_link`] one for a link that can't close; [`Caller`] is a client. Buffers are the
//! caller's.
//!
//! What they ask of the traits: a read waits for the first bytes and returns what is there; one that
//! has waited long enough fails with [`ErrorKind::TimedOut`], and
//! then deadlines are looked at. Over a `Read` that never times out, a deadline is only noticed when
//! bytes come.

mod caller;
mod server;

pub use caller::{Caller, CallerError, Ticket};
pub use server::{ServeError, serve, serve_link};

use embedded_io::{Error, ErrorKind};

use crate::out_buf::move_down;

fn is(error: &impl Error, kind: ErrorKind) -> bool {
    error.kind() == kind
}

/// A buffer and the part of it, `start..end`, that holds bytes received and not yet consumed.
#[derive(Debug)]
struct InBuf<B> {
    buf: B,
    start: usize,
    end: usize,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> InBuf<B> {
    const fn new(buf: B) -> Self {
        Self { buf, start: 0, end: 0 }
    }

    fn bytes(&self) -> &[u8] {
        self.range(self.start, self.end)
    }

    fn range(&self, start: usize, end: usize) -> &[u8] {
        self.buf.as_ref().get(start..end).unwrap_or_default()
    }

    fn consume(&mut self, len: usize) {
        self.start = self.start.saturating_add(len).min(self.end);
    }

    /// Reads once into what is free, after moving what is left to the front if nothing is free behind
    /// it. `Ok(0)` is the end of the stream.
    fn fill<R: embedded_io::Read>(&mut self, io: &mut R) -> Result<usize, R::Error> {
        let buf = self.buf.as_mut();
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end == buf.len() {
            move_down(buf, self.start);
            (self.start, self.end) = (0, self.end.saturating_sub(self.start));
        }
        let len = io.read(buf.get_mut(self.end..).unwrap_or_default())?;
        self.end = self.end.saturating_add(len);
        Ok(len)
    }
}
