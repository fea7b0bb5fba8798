//! Interrupts only wake the program: the one handler masks the line that called, and whoever next waits for that line unmasks it.
//! Devices hold their line up until they are served, so nothing is lost, and no state is shared with a handler.

#![allow(unsafe_code)]

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::NVIC;
use cortex_m_rt::exception;

use crate::fault;

/// An interrupt line, by its number in the LM3S6965's vector table.
#[derive(Clone, Copy)]
pub(crate) enum Line {
    /// The first UART.
    Uart0 = 5,
    /// The Ethernet controller.
    Ethernet = 42,
}

/// The lines up to the last that is used; the ones behind it, which are never unmasked, need no vector.
const LINES: usize = Line::Ethernet as usize + 1;

// SAFETY: `number` gives the line's own number, which never changes.
unsafe impl InterruptNumber for Line {
    fn number(self) -> u16 {
        self as u16
    }
}

/// Sleeps until the device behind `line` calls, or until the next tick of the clock; not at all when `ready` says yes.
pub(crate) fn wait(line: Line, ready: impl FnOnce() -> bool) {
    // With interrupts off, one that comes between the check and the sleep stays pending, and a pending interrupt ends WFI: no wake-up
    // is lost.
    cortex_m::interrupt::free(|_| {
        // SAFETY: unmasking breaks no critical section based on masks: there is none.
        unsafe { NVIC::unmask(line) };
        if !ready() {
            cortex_m::asm::wfi();
        }
    });
}

/// What the vector table holds for a device: an address of code.
type Handler = unsafe extern "C" fn();

unsafe extern "C" {
    /// The handler below, under the name that cortex-m-rt gives it.
    fn DefaultHandler();
}

/// The devices' part of the vector table, where cortex-m-rt's linker script looks for it.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [Handler; LINES] = [DefaultHandler; LINES];

// SAFETY: a handler must not touch state that the program is using. This one writes a write-one-to-act register of the interrupt
// controller (or never returns).
#[exception]
unsafe fn DefaultHandler(number: i16) {
    match u16::try_from(number) {
        Ok(line) => NVIC::mask(Any(line)),
        Err(_) => fault::stop(c"fault: exception without a handler\n"),
    }
}

/// A line known by its number alone.
#[derive(Clone, Copy)]
struct Any(u16);

// SAFETY: as for `Line`.
unsafe impl InterruptNumber for Any {
    fn number(self) -> u16 {
        self.0
    }
}
