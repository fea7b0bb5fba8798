//! Sleeping until a frame comes, a time has passed, or someone wakes us.

use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

use super::device::Line;

/// Sleeps on a TAP device's descriptor.
#[derive(Debug)]
pub struct Sleeper {
    line: Arc<Line>,
    waker: Waker,
}

/// Ends a sleep from another thread, or from a signal's handler. One that was never slept through
/// is not lost: the next sleep returns at once.
#[derive(Debug, Clone)]
pub struct Waker(Arc<OwnedFd>);

impl Waker {
    /// Ends the sleep.
    pub fn wake(&self) {
        // It fails only where the counter is full, and then the sleep ends as well.
        let _ = rustix::io::write(&*self.0, &1_u64.to_ne_bytes());
    }

    fn clear(&self) {
        let _ = rustix::io::read(&*self.0, &mut [0; 8]);
    }
}

impl Sleeper {
    pub(super) fn new(line: Arc<Line>) -> io::Result<Self> {
        let event = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        Ok(Self { line, waker: Waker(Arc::new(event)) })
    }

    /// A handle that ends this sleeper's sleep.
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Sleeps until a frame can be read, a [`Waker`] or a signal wakes us, or `longest` has passed
    /// (none: for ever).
    ///
    /// # Errors
    /// The device is gone (deleted, or its namespace ended), or an earlier read on it failed.
    pub fn sleep(&self, longest: Option<Duration>) -> io::Result<()> {
        if let Some(kind) = self.line.fault.get() {
            return Err(io::Error::new(*kind, "the TAP device cannot be read any more"));
        }
        // A time beyond what a timespec holds is as good as for ever.
        let longest = longest.and_then(|longest| Timespec::try_from(longest).ok());
        let mut ready = [
            PollFd::new(&self.line.file, PollFlags::IN),
            PollFd::new(&*self.waker.0, PollFlags::IN),
        ];
        match poll(&mut ready, longest.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let [device, event] = ready.map(|fd| fd.revents());
        if event.contains(PollFlags::IN) {
            self.waker.clear();
        }
        // A frame that is still to be read comes first.
        let gone = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
        if device.intersects(gone) && !device.contains(PollFlags::IN) {
            return Err(io::Error::new(ErrorKind::NotConnected, "the TAP device is gone"));
        }
        Ok(())
    }
}
