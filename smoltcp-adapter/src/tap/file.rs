//! The open file of a TAP device: one frame per read and per write.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::sync::OnceLock;

/// What a device and its sleepers share.
#[derive(Debug)]
pub(super) struct TapFile {
    pub(super) file: File,
    /// The first error other than a lost frame: the device is gone.
    pub(super) error: OnceLock<ErrorKind>,
}

impl TapFile {
    pub(super) fn new(fd: OwnedFd) -> Self {
        Self { file: fd.into(), error: OnceLock::new() }
    }

    /// Reads the next frame. Returns its length, or `None` where none is waiting.
    pub(super) fn read(&self, frame: &mut [u8]) -> Option<usize> {
        loop {
            match (&self.file).read(frame) {
                Ok(0) => return None,
                Ok(len) => return Some(len),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                Err(error) => {
                    let _ = self.error.set(error.kind());
                    return None;
                }
            }
        }
    }

    /// Sends the frame, or loses it where the queue is full or the interface is down, as Ethernet
    /// may. A lasting error shows when reading.
    pub(super) fn write(&self, frame: &[u8]) {
        while let Err(error) = (&self.file).write(frame) {
            if error.kind() != ErrorKind::Interrupted {
                return;
            }
        }
    }
}
