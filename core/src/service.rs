//! The service that answers a session's requests, and the loop between the two.

use crate::code::Code;
use crate::frame::Frame;
use crate::out_buf::OutBuf;
use crate::part::part;
use crate::reply::{Answered, Reply};
use crate::session::{Session, Step, Want};
use crate::time::Instant;

/// Answers requests. A [`Dispatcher`](crate::Dispatcher) is one; so is anything that matches names
/// itself.
pub trait Service {
    /// Answers one request before it returns. For a name that it doesn't know, call
    /// `reply.error(Code::UnknownCommand, request.name)`. `request` borrows from the input.
    fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> Answered;

    /// The session refused a frame by itself: no handler saw it. For counting and logging.
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
        let rest = part(input, consumed..);
        let (len, step) = session.step(now, rest, end, out);
        consumed = consumed.saturating_add(len);
        match step {
            Step::Request(request) => {
                let _answered = service.call(&request, session.reply(out));
            }
            Step::Refused(code) => service.refused(code),
            Step::Wait(want) => return (consumed, want),
        }
    }
}
