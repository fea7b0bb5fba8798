//! A sink for smoltcp's `PcapWriter`, which panics when its sink returns an error.

use std::io::{self, Write};
use std::sync::{Arc, OnceLock};

/// A [`Write`] that never fails. The first error of the writer below is kept for the program to
/// read, and nothing more is written after it.
///
/// ```
/// # use linecard_smoltcp::tap::PcapSink;
/// # use std::io::Write;
/// let mut two_bytes = [0_u8; 2];
/// let (mut sink, error) = PcapSink::new(&mut two_bytes[..]);
/// assert!(sink.write_all(b"too long").is_ok());
/// assert!(error.get().is_some());
/// ```
#[derive(Debug)]
pub struct PcapSink<W> {
    writer: W,
    error: Arc<OnceLock<io::Error>>,
}

impl<W: Write> PcapSink<W> {
    /// Writes to `writer`, best a buffered one: `PcapWriter` writes in small pieces. Also returns
    /// where the first error will be.
    pub fn new(writer: W) -> (Self, Arc<OnceLock<io::Error>>) {
        let error = Arc::new(OnceLock::new());
        (Self { writer, error: Arc::clone(&error) }, error)
    }

    /// Does nothing after an error: a capture that ends early is readable, one with a hole is not.
    fn attempt(&mut self, write: impl FnOnce(&mut W) -> io::Result<()>) {
        if self.error.get().is_some() {
            return;
        }
        if let Err(error) = write(&mut self.writer) {
            let _ = self.error.set(error);
        }
    }
}

impl<W: Write> Write for PcapSink<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.attempt(|writer| writer.write_all(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.attempt(Write::flush);
        Ok(())
    }
}
