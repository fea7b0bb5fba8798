//! Sleeps until a frame comes, a time has passed, or a waker ends the sleep.

use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

use super::file::TapFile;

/// Sleeps until a TAP device has a frame to read.
#[derive(Debug)]
pub struct Sleeper {
    file: Arc<TapFile>,
    waker: Waker,
}

/// Ends a sleep from another thread or a signal handler. Where nobody sleeps, the next sleep
/// returns at once.
#[derive(Debug, Clone)]
pub struct Waker(Arc<OwnedFd>);

impl Waker {
    /// Ends the sleep.
    pub fn wake(&self) {
        // It fails only when the counter is full, and then the sleep ends as well.
        let _ = rustix::io::write(&*self.0, &1_u64.to_ne_bytes());
    }

    fn clear(&self) {
        let _ = rustix::io::read(&*self.0, &mut [0; 8]);
    }
}

impl Sleeper {
    pub(super) fn new(file: Arc<TapFile>) -> io::Result<Self> {
        let event = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        Ok(Self { file, waker: Waker(Arc::new(event)) })
    }

    /// A handle that ends this sleeper's sleep.
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Sleeps until a frame can be read, a [`Waker`] or a signal ends the sleep, or `longest` has
    /// passed (`None`: for ever).
    ///
    /// # Errors
    /// The device is gone (deleted, or its namespace ended), or an earlier read on it failed.
    pub fn sleep(&self, longest: Option<Duration>) -> io::Result<()> {
        if let Some(kind) = self.file.error.get() {
            return Err(io::Error::new(*kind, "the TAP device cannot be read any more"));
        }
        // A time that a timespec can't hold is for ever.
        let longest = longest.and_then(|longest| Timespec::try_from(longest).ok());
        let mut ready = [
            PollFd::new(&self.file.file, PollFlags::IN),
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
        // A frame that can still be read comes first.
        let gone = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
        if device.intersects(gone) && !device.contains(PollFlags::IN) {
            return Err(io::Error::new(ErrorKind::NotConnected, "the TAP device is gone"));
        }
        Ok(())
    }
}
