//! The service that answers a session's requests, and the loop between the two.

use crate::code::Code;
use crate::frame::Frame;
use crate::out_buf::OutBuf;
use crate::reply::{Answered, Reply};
use crate::session::{Session, Step};
use crate::time::Instant;

/// Answers requests. A [`Dispatcher`](crate::Bound) table is one; so is anything that matches names itself.
pub trait Service {
    /// Answers one request, at once. A name that it doesn't know is
    /// `reply.error(Code::UnknownCommand, request.name)`. What `request` borrows is the caller's input.
    fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> Answered;

    /// The session refused, by itself, a frame that no handler saw. For counting and logging.
    fn refused(&mut self, _code: Code) {}
}

impl<T: Service + ?Sized> Service for &mut T {
    fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> Answered {
        (**self).call(request, reply)
    }

    fn refused(&mut self, code: Code) {
        (**self).refused(code);
    }
}

/// What a session waits for when [`pump`] returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Want {
    /// More bytes; `frame_len` of them in all from the front of the input, where that is known.
    Input {
        /// Bytes of the whole frame at the front of what was not consumed.
        frame_len: Option<u32>,
    },
    /// So many bytes free in the output. Send what is there, and pump again.
    Output {
        /// The longest reply.
        free: usize,
    },
    /// Nothing: send what is in the output, then close (docs/PROTOCOL.md §8.1).
    Close,
}

/// Carries out all requests at the front of `input`, until the session wants something. Returns how
/// many bytes were consumed, for the caller to drop, and what it wants.
///
/// The arguments are those of [`Session::step`]. It is the whole loop of a synchronous server; an
/// asynchronous one may loop over [`Session::step`] itself.
pub fn pump(
    session: &mut Session<'_>,
    service: &mut dyn Service,
    now: Instant,
    input: &[u8],
    end: bool,
    out: &mut OutBuf<'_>,
) -> (usize, Want) {
    let mut consumed = 0_usize;
    loop {
        let rest = input.get(consumed..).unwrap_or_default();
        let (len, step) = session.step(now, rest, end, out);
        consumed = consumed.saturating_add(len);
        match step {
            Step::Request(request) => {
                let _answered = service.call(&request, session.reply(out));
            }
            Step::Refused(code) => service.refused(code),
            Step::NeedInput { frame_len } => return (consumed, Want::Input { frame_len }),
            Step::NeedOutput { free } => return (consumed, Want::Output { free }),
            Step::Close => return (consumed, Want::Close),
        }
    }
}
