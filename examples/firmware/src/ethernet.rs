//! The LM3S6965's Ethernet controller as a smoltcp device.
//!
//! The controller has one 2 KiB FIFO each way, read and written one word at a time through the same
//! register:
//!
//! ```text
//! receive   word 0:  length (16 bits: the frame, its 4 bytes of checksum, and these 2)
//!                    first 2 bytes of the frame
//!           word 1…: rest of the frame, checksum, padding to a whole word
//! transmit  word 0:  length (16 bits: the frame without its header of 14 bytes)
//!                    first 2 bytes of the frame
//!           word 1…: rest of the frame, padding to a whole word
//! ```
//!
//! A frame is in memory only while smoltcp reads or writes it.

#![allow(unsafe_code)]

use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;
use smoltcp::wire::EthernetAddress;

use crate::interrupt::{self, Line};
use crate::register::Register;

// Registers of the LM3S6965 (data sheet: system control, Ethernet controller). SAFETY: each is an
// aligned 32-bit register of that chip, and the controller has no DMA: it never writes to memory.
const CLOCK_GATES_2: Register = unsafe { Register::at(0x400F_E108) };
const STATUS: Register = unsafe { Register::at(0x4004_8000) };
const INTERRUPT_MASK: Register = unsafe { Register::at(0x4004_8004) };
const RECEIVE_CONTROL: Register = unsafe { Register::at(0x4004_8008) };
const TRANSMIT_CONTROL: Register = unsafe { Register::at(0x4004_800C) };
const DATA: Register = unsafe { Register::at(0x4004_8010) };
const ADDRESS_LOW: Register = unsafe { Register::at(0x4004_8014) };
const ADDRESS_HIGH: Register = unsafe { Register::at(0x4004_8018) };
const THRESHOLD: Register = unsafe { Register::at(0x4004_801C) };
const PACKETS: Register = unsafe { Register::at(0x4004_8034) };
const TRANSMIT_REQUEST: Register = unsafe { Register::at(0x4004_8038) };

const GATES_MAC_PHY: u32 = 1 << 28 | 1 << 30;
const RECEIVE_INTERRUPT: u32 = 1 << 0;
const OVERRUN: u32 = 1 << 3;
const RECEIVE_ENABLE: u32 = 1 << 0;
const RECEIVE_REJECT_BAD_CHECKSUM: u32 = 1 << 3;
const RECEIVE_RESET: u32 = 1 << 4;
/// Enable, pad short frames, append the checksum, full duplex.
const TRANSMIT_ENABLE: u32 = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 4;
/// A frame is sent only once all of it is in the FIFO and its transmission is requested.
const THRESHOLD_NEVER: u32 = 0x3F;
const REQUEST: u32 = 1;

/// Bytes of a frame's header: two addresses and a type.
const HEADER_LEN: usize = 14;
/// Bytes of a frame in the same word as its length.
const START_LEN: usize = 2;
/// What the received length counts besides the frame: itself and the checksum.
const RECEIVE_EXTRA: usize = 6;
/// Bytes of the FIFO. No received length can exceed it.
const FIFO_LEN: usize = 2048;

/// The largest TCP segment, in bytes, which is announced to peers. Most requests are shorter, and
/// more would cost RAM: twice here, and two or three times in the rings of each connection.
pub const MAX_SEGMENT_LEN: usize = 256;

/// The longest frame either way, in bytes, with its header and without its checksum: a segment and
/// headers of 20 bytes for IP and 20 for TCP. Longer frames are dropped.
pub const MAX_FRAME_LEN: usize = HEADER_LEN + 20 + 20 + MAX_SEGMENT_LEN;

// Received frames are stored one whole word at a time.
const _: () = assert!((MAX_FRAME_LEN - START_LEN).is_multiple_of(4));

/// Buffers for one frame each way.
pub struct Frames {
    received: [u8; MAX_FRAME_LEN],
    to_send: [u8; MAX_FRAME_LEN],
}

impl Frames {
    /// All zeros, so that a static takes no flash.
    #[must_use]
    pub const fn new() -> Self {
        Self { received: [0; MAX_FRAME_LEN], to_send: [0; MAX_FRAME_LEN] }
    }
}

impl Default for Frames {
    fn default() -> Self {
        Self::new()
    }
}

/// How often in a row sending may be deferred while received frames wait.
const MAX_DEFERRALS: u8 = 8;

/// The controller.
pub struct Ethernet<'a> {
    frames: &'a mut Frames,
    deferrals: u8,
}

impl<'a> Ethernet<'a> {
    /// Powers the controller, and sets it up to receive and send as `address`. The clock must be
    /// running: it ends the waits.
    pub fn start(address: EthernetAddress, frames: &'a mut Frames) -> Self {
        let [low @ .., fifth, sixth] = address.0;
        CLOCK_GATES_2.set(GATES_MAC_PHY);
        ADDRESS_LOW.write(u32::from_le_bytes(low));
        ADDRESS_HIGH.write(u32::from_le_bytes([fifth, sixth, 0, 0]));
        THRESHOLD.write(THRESHOLD_NEVER);
        TRANSMIT_CONTROL.write(TRANSMIT_ENABLE);
        INTERRUPT_MASK.write(RECEIVE_INTERRUPT);
        start_receiver();
        Self { frames, deferrals: 0 }
    }

    /// Sleeps until a frame was received, or until the next tick of the clock.
    pub fn wait(&mut self) {
        STATUS.write(RECEIVE_INTERRUPT);
        interrupt::wait(Line::Ethernet, is_frame_waiting);
    }

    /// Takes a frame out of the FIFO and returns its length. One that is too long is dropped. After
    /// an impossible length the whole FIFO is dropped, because the start of the next frame is
    /// unknown.
    fn take(&mut self) -> Option<usize> {
        let first = DATA.read();
        let counted = (first & 0xFFFF) as usize;
        let Some(len) = counted.checked_sub(RECEIVE_EXTRA).filter(|_| counted <= FIFO_LEN) else {
            start_receiver();
            return None;
        };
        let (start, rest) = self.frames.received.split_first_chunk_mut::<START_LEN>()?;
        *start = [first.to_le_bytes()[2], first.to_le_bytes()[3]];
        let mut slots = rest.as_chunks_mut::<4>().0.iter_mut();
        for _ in 1..counted.div_ceil(4) {
            let word = DATA.read();
            if let Some(slot) = slots.next() {
                *slot = word.to_le_bytes();
            }
        }
        (len <= MAX_FRAME_LEN).then_some(len)
    }
}

/// Whether a received frame is in the FIFO.
fn is_frame_waiting() -> bool {
    PACKETS.read() != 0
}

/// Empties the FIFO of received frames and enables the receiver.
fn start_receiver() {
    RECEIVE_CONTROL.write(RECEIVE_RESET);
    STATUS.write(OVERRUN | RECEIVE_INTERRUPT);
    RECEIVE_CONTROL.write(RECEIVE_ENABLE | RECEIVE_REJECT_BAD_CHECKSUM);
}

impl Device for Ethernet<'_> {
    type RxToken<'t>
        = Received<'t>
    where
        Self: 't;
    type TxToken<'t>
        = ToSend<'t>
    where
        Self: 't;

    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, ToSend<'_>)> {
        if STATUS.read() & OVERRUN != 0 {
            start_receiver();
        }
        if !is_frame_waiting() {
            return None;
        }
        let len = self.take()?;
        let Frames { received, to_send } = &mut *self.frames;
        Some((Received(received.get(..len)?), ToSend(to_send)))
    }

    /// Defers sending a few times while received frames wait. Replies then leave in fewer, fuller
    /// segments, and acknowledge a FIN that was already received. (A peer that has closed its side
    /// and gets a reply without that acknowledgement may acknowledge the reply with its FIN again,
    /// as BSD and QEMU's network do. smoltcp must drop that segment, because the FIN is outside its
    /// window, and the reply is sent again after a second.)
    fn transmit(&mut self, _: Instant) -> Option<ToSend<'_>> {
        if is_frame_waiting() && self.deferrals < MAX_DEFERRALS {
            self.deferrals += 1;
            return None;
        }
        self.deferrals = 0;
        (TRANSMIT_REQUEST.read() & REQUEST == 0).then_some(ToSend(&mut self.frames.to_send))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = MAX_FRAME_LEN;
        capabilities
    }
}

/// A received frame.
pub struct Received<'a>(&'a [u8]);

impl phy::RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

/// The buffer for a frame to send.
pub struct ToSend<'a>(&'a mut [u8; MAX_FRAME_LEN]);

impl phy::TxToken for ToSend<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let frame = &mut self.0[..len];
        let result = f(frame);
        send(frame);
        result
    }
}

/// Moves `frame` into the FIFO and requests its transmission. The one before may still be in
/// transmission: smoltcp sends the reply to a received frame without calling `transmit`.
fn send(frame: &[u8]) {
    while TRANSMIT_REQUEST.read() & REQUEST != 0 {}
    let (start, rest) = frame.split_at(frame.len().min(START_LEN));
    let counted = u32::try_from(frame.len().saturating_sub(HEADER_LEN)).unwrap_or_default();
    DATA.write(counted | word(start) << 16);
    let (words, tail) = rest.as_chunks::<4>();
    for &bytes in words {
        DATA.write(u32::from_le_bytes(bytes));
    }
    if !tail.is_empty() {
        DATA.write(word(tail));
    }
    TRANSMIT_REQUEST.write(REQUEST);
}

/// Up to four bytes as a word, the first one lowest.
fn word(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |word, &byte| word << 8 | u32::from(byte))
}
