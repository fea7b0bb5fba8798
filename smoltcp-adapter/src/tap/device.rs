//! The device: frames are read and written in buffers that live as long as it does.

use std::io;
use std::sync::Arc;
use std::vec;
use std::vec::Vec;

use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;
use smoltcp::wire::ETHERNET_HEADER_LEN;

use super::file::TapFile;
use super::open::{self, OpenError};
use super::sleep::Sleeper;

/// Bytes of a VLAN tag, which a received frame may have.
const VLAN_TAG_LEN: usize = 4;

/// An open TAP device. It stays open while a [`Sleeper`] of it lives.
#[derive(Debug)]
pub struct Tap {
    file: Arc<TapFile>,
    /// Bytes of the longest frame, its Ethernet header included.
    frame_len: usize,
    rx: Vec<u8>,
    tx: Vec<u8>,
    up: bool,
}

impl Tap {
    /// Attaches to the TAP device `name`, or creates it where this process may. The MTU is the
    /// interface's.
    ///
    /// # Errors
    /// [`OpenError`]; each says what to do about it.
    pub fn open(name: &str) -> Result<Self, OpenError> {
        let open::Attached { fd, mtu, up } = open::attach(name)?;
        let frame_len = mtu + ETHERNET_HEADER_LEN;
        Ok(Self {
            file: Arc::new(TapFile::new(fd)),
            frame_len,
            rx: vec![0; frame_len + VLAN_TAG_LEN],
            tx: vec![0; frame_len],
            up,
        })
    }

    /// Whether the kernel's side of the device was up when it was opened. While it is down, no
    /// frame passes.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.up
    }

    /// A handle to sleep on until a frame comes.
    ///
    /// # Errors
    /// When the process is out of descriptors.
    pub fn sleeper(&self) -> io::Result<Sleeper> {
        Sleeper::new(Arc::clone(&self.file))
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
        let len = self.file.read(&mut self.rx)?;
        Some((RxToken(self.rx.get(..len)?), TxToken { file: &self.file, frame: &mut self.tx }))
    }

    fn transmit(&mut self, _now: Instant) -> Option<TxToken<'_>> {
        Some(TxToken { file: &self.file, frame: &mut self.tx })
    }
}

/// A received frame.
#[derive(Debug)]
pub struct RxToken<'a>(&'a [u8]);

impl phy::RxToken for RxToken<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

/// The buffer for a frame to send.
#[derive(Debug)]
pub struct TxToken<'a> {
    file: &'a TapFile,
    frame: &'a mut Vec<u8>,
}

impl phy::TxToken for TxToken<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        if self.frame.len() < len {
            // smoltcp keeps to the capabilities above. If it ever doesn't, this allocates and does
            // not panic.
            self.frame.resize(len, 0);
        }
        let frame = &mut self.frame[..len];
        let result = f(frame);
        self.file.write(frame);
        result
    }
}
