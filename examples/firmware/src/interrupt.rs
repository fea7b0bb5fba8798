//! Interrupts only wake the program. The one handler masks the interrupt line, and the next wait
//! for that line unmasks it. Devices keep their line active until they are served, so nothing is
//! lost, and no state is shared with a handler.

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

/// The lines up to the last that is used. Those after it are never unmasked and need no vector.
const LINES: usize = Line::Ethernet as usize + 1;

// SAFETY: `number` returns the line's own number, which never changes.
unsafe impl InterruptNumber for Line {
    fn number(self) -> u16 {
        self as u16
    }
}

/// Sleeps until the device at `line` interrupts, or until the next tick of the clock. Returns at
/// once when `ready` returns true.
pub(crate) fn wait(line: Line, ready: impl FnOnce() -> bool) {
    // With interrupts disabled, one that comes between the check and the sleep stays pending, and a
    // pending interrupt ends WFI. So no wake-up is lost.
    cortex_m::interrupt::free(|_| {
        // SAFETY: unmasking can break a critical section that is based on masks. There is none.
        unsafe { NVIC::unmask(line) };
        if !ready() {
            cortex_m::asm::wfi();
        }
    });
}

/// An entry of the vector table.
type Handler = unsafe extern "C" fn();

unsafe extern "C" {
    /// The handler below, by the name that cortex-m-rt gives it.
    fn DefaultHandler();
}

/// The devices' part of the vector table, where cortex-m-rt's linker script expects it.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [Handler; LINES] = [DefaultHandler; LINES];

// SAFETY: a handler must not touch state that the program uses. This one writes a register of the
// interrupt controller in which only the ones that are written count, or never returns.
#[exception]
unsafe fn DefaultHandler(number: i16) {
    match u16::try_from(number) {
        Ok(line) => NVIC::mask(Any(line)),
        Err(_) => fault::stop(c"fault: exception without a handler\n"),
    }
}

/// A line known only by its number.
#[derive(Clone, Copy)]
struct Any(u16);

// SAFETY: as for `Line`.
unsafe impl InterruptNumber for Any {
    fn number(self) -> u16 {
        self.0
    }
}
