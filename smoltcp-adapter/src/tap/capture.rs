//! A file for smoltcp's `PcapWriter`, which panics when its sink returns an error.

use std::io::{self, Write};
use std::sync::{Arc, OnceLock};

/// A [`Write`] that never fails: what the writer below refuses is lost, and the first error is kept
/// for the program to read.
///
/// ```
/// # use linecard_smoltcp::tap::Capture;
/// # use std::io::Write;
/// let mut cx = [0_u8; 2];
/// let (mut sink, fault) = Capture::new(&mut cx[..]);
/// assert!(sink.write_all(b"too long").is_ok());
/// assert!(fault.get().is_some());
/// ```
#[derive(Debug)]
pub struct Capture<W> {
    below: W,
    fault: Arc<OnceLock<io::Error>>,
}

impl<W: Write> Capture<W> {
    /// Writes to `below` (best buffered: `PcapWriter` writes in small pieces). Also returns where
    /// the first error will be.
    pub fn new(below: W) -> (Self, Arc<OnceLock<io::Error>>) {
        let fault = Arc::new(OnceLock::new());
        (Self { below, fault: Arc::clone(&fault) }, fault)
    }

    /// A capture with a hole in it is worse than one that ends: after an error nothing more is
    /// written.
    fn attempt(&mut self, f: impl FnOnce(&mut W) -> io::Result<()>) {
        if self.fault.get().is_some() {
            return;
        }
        if let Err(error) = f(&mut self.below) {
            let _ = self.fault.set(error);
        }
    }
}

impl<W: Write> Write for Capture<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.attempt(|below| below.write_all(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.attempt(Write::flush);
        Ok(())
    }
}
