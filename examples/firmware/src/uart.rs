//! The first UART, as an `embedded_io` stream: 115,200 baud, 8 data bits, no parity, one stop bit.
//!
//! The stream never ends. A read that receives nothing by the next tick of the clock fails with
//! `TimedOut`, so that the caller can check its deadlines; then it should read again.

#![allow(unsafe_code)]

use embedded_io::{ErrorKind, ErrorType, Read, Write};

use crate::interrupt::{self, Line};
use crate::register::Register;

// Registers of the LM3S6965 (data sheet: system control, GPIO port A, UART 0). SAFETY: each is an
// aligned 32-bit register of that chip, and none of these devices writes to memory.
const CLOCK_GATES_1: Register = unsafe { Register::at(0x400F_E104) };
const CLOCK_GATES_2: Register = unsafe { Register::at(0x400F_E108) };
const PINS_FUNCTION: Register = unsafe { Register::at(0x4000_4420) };
const PINS_DIGITAL: Register = unsafe { Register::at(0x4000_451C) };
const DATA: Register = unsafe { Register::at(0x4000_C000) };
const ERRORS: Register = unsafe { Register::at(0x4000_C004) };
const FLAGS: Register = unsafe { Register::at(0x4000_C018) };
const BAUD_WHOLE: Register = unsafe { Register::at(0x4000_C024) };
const BAUD_64THS: Register = unsafe { Register::at(0x4000_C028) };
const LINE_CONTROL: Register = unsafe { Register::at(0x4000_C02C) };
const CONTROL: Register = unsafe { Register::at(0x4000_C030) };
const INTERRUPT_MASK: Register = unsafe { Register::at(0x4000_C038) };

const GATE_UART0: u32 = 1 << 0;
const GATE_PORT_A: u32 = 1 << 0;
const PINS_RX_TX: u32 = 0b11;
/// 12.5 MHz / (16 × 115,200) = 6 + 50/64.
const BAUD: (u32, u32) = (6, 50);
const EIGHT_BITS_WITH_FIFO: u32 = 0x70;
const ENABLE_BOTH_WAYS: u32 = 0x301;
/// Bytes were received: as many as the FIFO's threshold, or some time ago.
const RECEIVE_INTERRUPTS: u32 = 1 << 4 | 1 << 6;
const RECEIVE_EMPTY: u32 = 1 << 4;
const TRANSMIT_FULL: u32 = 1 << 5;
const TRANSMITTING: u32 = 1 << 3;
const OVERRUN: u32 = 1 << 11;
/// A framing or parity error, or a break.
const LINE_ERRORS: u32 = 0b111 << 8;

/// What can go wrong with a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// Nothing was received by the next tick.
    TimedOut,
    /// Bytes were received faster than they were read, and some are lost.
    Overrun,
    /// What was received is not a byte: noise, a break, or another baud rate.
    Noise,
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::TimedOut => "nothing received yet",
            Self::Overrun => "received bytes were lost",
            Self::Noise => "line noise",
        })
    }
}

impl core::error::Error for Error {}

impl embedded_io::Error for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::TimedOut => ErrorKind::TimedOut,
            Self::Overrun => ErrorKind::Other,
            Self::Noise => ErrorKind::InvalidData,
        }
    }
}

/// The first UART.
pub struct Uart(());

impl Uart {
    /// Powers the UART and its pins, and sets it up. The clock must be running: it ends the waits.
    #[must_use]
    pub fn new() -> Self {
        CLOCK_GATES_1.set(GATE_UART0);
        CLOCK_GATES_2.set(GATE_PORT_A);
        PINS_FUNCTION.set(PINS_RX_TX);
        PINS_DIGITAL.set(PINS_RX_TX);
        CONTROL.write(0);
        BAUD_WHOLE.write(BAUD.0);
        BAUD_64THS.write(BAUD.1);
        LINE_CONTROL.write(EIGHT_BITS_WITH_FIFO);
        INTERRUPT_MASK.write(RECEIVE_INTERRUPTS);
        CONTROL.write(ENABLE_BOTH_WAYS);
        Self(())
    }

    /// The oldest byte in the FIFO.
    fn next() -> Option<Result<u8, Error>> {
        if FLAGS.read() & RECEIVE_EMPTY != 0 {
            return None;
        }
        let word = DATA.read();
        Some(if word & OVERRUN != 0 {
            ERRORS.write(0);
            Err(Error::Overrun)
        } else if word & LINE_ERRORS != 0 {
            ERRORS.write(0);
            Err(Error::Noise)
        } else {
            Ok((word & 0xFF) as u8)
        })
    }
}

impl Default for Uart {
    fn default() -> Self {
        Self::new()
    }
}

impl ErrorType for Uart {
    type Error = Error;
}

impl Read for Uart {
    /// Reads what was received. Waits for the first byte until the next tick. Returns 0 only for an
    /// empty `buf`. After an error, bytes before it are lost as well.
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        interrupt::wait(Line::Uart0, || buf.is_empty() || FLAGS.read() & RECEIVE_EMPTY == 0);
        let mut len = 0;
        for slot in &mut *buf {
            match Self::next() {
                Some(byte) => *slot = byte?,
                None => break,
            }
            len += 1;
        }
        if len == 0 && !buf.is_empty() { Err(Error::TimedOut) } else { Ok(len) }
    }
}

impl Write for Uart {
    /// Writes as much as the FIFO takes, at least one byte. (There is no flow control: it always
    /// drains.)
    fn write(&mut self, buf: &[u8]) -> Result<usize, Error> {
        let mut len = 0;
        for &byte in buf {
            while FLAGS.read() & TRANSMIT_FULL != 0 {
                if len > 0 {
                    return Ok(len);
                }
                interrupt::wait(Line::Uart0, || FLAGS.read() & TRANSMIT_FULL == 0);
            }
            DATA.write(byte.into());
            len += 1;
        }
        Ok(len)
    }

    /// Waits until the last byte was transmitted.
    fn flush(&mut self) -> Result<(), Error> {
        while FLAGS.read() & TRANSMITTING != 0 {
            interrupt::wait(Line::Uart0, || FLAGS.read() & TRANSMITTING == 0);
        }
        Ok(())
    }
}
