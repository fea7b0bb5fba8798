//! The device itself: one frame read or written a call, in buffers that live as long as it does.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, OnceLock};
use std::vec::Vec;

use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;
use smoltcp::wire::ETHERNET_HEADER_LEN;

use super::open::{self, OpenError};
use super::sleep::Sleeper;

/// Bytes of a VLAN tag, which a frame that comes in may have.
const VLAN_TAG_LEN: usize = 4;

/// An open TAP device. It is not closed while a [`Sleeper`] of it lives.
#[derive(Debug)]
pub struct Tap {
    line: Arc<Line>,
    /// Bytes of the longest frame, its Ethernet header among them.
    frame_len: usize,
    rx: Vec<u8>,
    tx: Vec<u8>,
    up: bool,
}

/// What the device and its sleepers share.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) file: File,
    /// The first error that is no lost frame: the device is gone.
    pub(super) fault: OnceLock<ErrorKind>,
}

impl Tap {
    /// Attaches to the TAP device `name`, or creates it where this process may; takes the MTU from
    /// the interface.
    ///
    /// # Errors
    /// [`OpenError`], of which each says what to do.
    pub fn open(name: &str) -> Result<Self, OpenError> {
        let open::Attached { fd, mtu, up } = open::attach(name)?;
        let frame_len = mtu + ETHERNET_HEADER_LEN;
        Ok(Self {
            line: Arc::new(Line { file: fd.into(), fault: OnceLock::new() }),
            frame_len,
            rx: vec![0; frame_len + VLAN_TAG_LEN],
            tx: vec![0; frame_len],
            up,
        })
    }

    /// Whether the kernel's side of the device was up when it was opened. While it is down, nothing
    /// passes.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.up
    }

    /// A handle to sleep on until a frame comes.
    ///
    /// # Errors
    /// When the process is out of descriptors.
    pub fn sleeper(&self) -> io::Result<Sleeper> {
        Sleeper::new(Arc::clone(&self.line))
    }
}

impl Device for Tap {
    type RxToken<'a> = RxToken<'a>;
    type TxToken<'a> = TxToken<'a>;

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = self.frame_len;
        capabilities
    }

    fn receive(&mut self, _now: Instant) -> Option<(RxToken<'_>, TxToken<'_>)> {
        let len = self.line.read(&mut self.rx)?;
        Some((RxToken(self.rx.get(..len)?), TxToken { line: &self.line, frame: &mut self.tx }))
    }

    fn transmit(&mut self, _now: Instant) -> Option<TxToken<'_>> {
        Some(TxToken { line: &self.line, frame: &mut self.tx })
    }
}

/// A frame that came in.
#[derive(Debug)]
pub struct RxToken<'a>(&'a [u8]);

impl phy::RxToken for RxToken<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

/// Room for a frame to send.
#[derive(Debug)]
pub struct TxToken<'a> {
    line: &'a Line,
    frame: &'a mut Vec<u8>,
}

impl phy::TxToken for TxToken<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        if self.frame.len() < len {
            // smoltcp keeps to the capabilities above; should it ever not, this is an allocation
            // and no panic.
            self.frame.resize(len, 0);
        }
        let frame = &mut self.frame[..len];
        let result = f(frame);
        self.line.write(frame);
        result
    }
}

impl Line {
    fn read(&self, frame: &mut [u8]) -> Option<usize> {
        loop {
            match (&self.file).read(frame) {
                Ok(0) => return None,
                Ok(len) => return Some(len),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                Err(error) => {
                    let _ = self.fault.set(error.kind());
                    return None;
                }
            }
        }
    }

    /// Sends the frame, or loses it (the queue is full, the interface is down), as any Ethernet
    /// may. An error that will not pass shows when reading.
    fn write(&self, frame: &[u8]) {
        while let Err(error) = (&self.file).write(frame) {
            if error.kind() != ErrorKind::Interrupted {
                return;
            }
        }
    }
}
