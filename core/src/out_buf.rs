//! A front's output buffer, written front to back.

use crate::part::{part, part_mut};

/// A buffer that is filled with whole frames, ready to be sent.
#[derive(Debug)]
pub struct OutBuf<'b> {
    buf: &'b mut [u8],
    len: usize,
}

impl<'b> OutBuf<'b> {
    /// An empty output over `buf`.
    #[must_use]
    pub const fn new(buf: &'b mut [u8]) -> Self {
        Self { buf, len: 0 }
    }

    /// The bytes to send.
    #[must_use]
    pub fn written(&self) -> &[u8] {
        part(self.buf, ..self.len)
    }

    /// Whether there is nothing to send.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes that still fit.
    #[must_use]
    pub const fn free(&self) -> usize {
        self.buf.len().saturating_sub(self.len)
    }

    /// Drops what was written: it has been sent.
    pub const fn clear(&mut self) {
        self.len = 0;
    }

    /// The free part, to be written from its front.
    pub(crate) fn tail(&mut self) -> &mut [u8] {
        part_mut(self.buf, self.len..)
    }

    /// The free part, and the count of what is written to add to.
    pub(crate) fn lend(&mut self) -> (&mut [u8], &mut usize) {
        (part_mut(self.buf, self.len..), &mut self.len)
    }

    /// The bytes to send, all of them, and meanwhile what [`lend`](Self::lend) gives.
    #[cfg(feature = "async")]
    pub(crate) fn split(&mut self) -> (&[u8], (&mut [u8], &mut usize)) {
        let (written, free) = self.buf.split_at_mut_checked(self.len).unwrap_or_default();
        (written, (free, &mut self.len))
    }

    /// The first `len` bytes of the free part hold a whole frame now.
    pub(crate) fn advance(&mut self, len: usize) {
        debug_assert!(len <= self.free(), "more was written than is free");
        self.len = self.len.saturating_add(len).min(self.buf.len());
    }
}

/// Writes bytes one behind another. What does not fit is lost, and the writer knows.
pub(crate) struct ByteWriter<'b> {
    room: usize,
    rest: &'b mut [u8],
    lost: bool,
}

impl<'b> ByteWriter<'b> {
    pub(crate) const fn new(buf: &'b mut [u8]) -> Self {
        Self { room: buf.len(), rest: buf, lost: false }
    }

    /// How many bytes were written, if none was lost.
    pub(crate) const fn finish(self) -> Option<usize> {
        if self.lost { None } else { Some(self.room.saturating_sub(self.rest.len())) }
    }

    #[cfg_attr(not(feature = "small"), inline)]
    #[cfg_attr(feature = "small", inline(never))]
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        match self.rest.split_off_mut(..bytes.len()) {
            Some(room) => room.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from),
            None => self.lost = true,
        }
    }

    #[cfg_attr(not(feature = "small"), inline)]
    #[cfg_attr(feature = "small", inline(never))]
    pub(crate) fn put_byte(&mut self, byte: u8) {
        match self.rest.split_off_first_mut() {
            Some(room) => *room = byte,
            None => self.lost = true,
        }
    }

    /// A number in decimal, without leading zeros.
    pub(crate) fn put_number(&mut self, number: u32) {
        let mut digits = [b'0'; crate::head::MAX_DIGITS];
        let mut left = number;
        let mut used = 0_usize;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' | u8::try_from(left % 10).unwrap_or_default();
            left /= 10;
            used = used.saturating_add(1);
            if left == 0 {
                break;
            }
        }
        let shortest = part(&digits, digits.len().saturating_sub(used)..);
        shortest.iter().for_each(|&digit| self.put_byte(digit));
    }

    /// `name [SP len] [SP "#" tag] LF`
    pub(crate) fn put_head(&mut self, name: &str, len: Option<u32>, tag: Option<u32>) {
        self.put(name.as_bytes());
        if let Some(len) = len {
            self.put_byte(b' ');
            self.put_number(len);
        }
        if let Some(tag) = tag {
            self.put(b" #");
            self.put_number(tag);
        }
        self.put_byte(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shortest() {
        for (number, text) in
            [(0, "0"), (7, "7"), (10, "10"), (1_432, "1432"), (u32::MAX, "4294967295")]
        {
            let mut buf = [0; 10];
            let mut writer = ByteWriter::new(&mut buf);
            writer.put_number(number);
            let len = writer.finish().unwrap();
            assert_eq!(&buf[..len], text.as_bytes());
        }
    }

    #[test]
    fn what_does_not_fit_is_noticed() {
        let mut buf = [0; 4];
        let mut writer = ByteWriter::new(&mut buf);
        writer.put(b"abc");
        writer.put(b"de");
        writer.put(b"f");
        assert_eq!(writer.finish(), None);
    }
}
