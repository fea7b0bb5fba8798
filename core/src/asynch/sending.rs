use embedded_io_async::Write;

use crate::front::{SendError, on_write};
use crate::out_buf::OutBuf;

/// How far an output is sent.
///
/// ```text
/// ├─ sent ─┤ unsent ───────────┤ free ───┤
/// ```
#[derive(Debug, Default)]
pub(super) struct Sending {
    sent: usize,
    /// Bytes were written, and the stream not flushed since.
    unflushed: bool,
}

impl Sending {
    pub(super) const fn new() -> Self {
        Self { sent: 0, unflushed: false }
    }

    /// All that was sent is forgotten by whoever wrote it.
    pub(super) const fn restart(&mut self) {
        self.sent = 0;
    }

    /// When all of the output is sent, frees it. Not to be called while more is written to a part
    /// of it.
    pub(super) fn settle(&mut self, output: &mut OutBuf<'_>) {
        if self.sent >= output.written().len() {
            output.clear();
            self.sent = 0;
        }
    }

    /// Sends the bytes of an output and flushes. Dropped, it can be begun anew with the same bytes,
    /// or with more behind them.
    pub(super) async fn send<W: Write>(
        &mut self,
        writer: &mut W,
        written: &[u8],
    ) -> Result<(), SendError<W::Error>> {
        while let Some(unsent) = written.get(self.sent..)
            && !unsent.is_empty()
        {
            self.unflushed = true;
            let len = on_write(writer.write(unsent).await)?;
            self.sent = self.sent.saturating_add(len);
        }
        if self.unflushed {
            writer.flush().await.map_err(SendError::Io)?;
            self.unflushed = false;
        }
        Ok(())
    }
}
