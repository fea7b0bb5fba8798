//! The clock: `SysTick`, counting milliseconds since `start`.

#![allow(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;

/// The processor's clock in Hz: the board's 200 MHz PLL with the divider of 16 that it has after a
/// reset.
const CORE_HZ: u32 = 12_500_000;

/// Ticks per second: one per millisecond.
const TICK_HZ: u32 = 1_000;

// The count of ticks in two halves: this processor has no 64-bit atomics, and 32 bits of
// milliseconds wrap after 50 days.
static LOW: AtomicU32 = AtomicU32::new(0);
static HIGH: AtomicU32 = AtomicU32::new(0);

/// Starts the clock at 0. Call it once, before anything waits: only the tick ends a wait for a
/// silent device.
pub fn start() {
    // SAFETY: nothing else in the program uses SysTick's registers.
    let mut systick = unsafe { cortex_m::Peripherals::steal() }.SYST;
    configure(&mut systick);
}

fn configure(systick: &mut SYST) {
    systick.set_clock_source(SystClkSource::Core);
    systick.set_reload(CORE_HZ / TICK_HZ - 1);
    systick.clear_current();
    systick.enable_interrupt();
    systick.enable_counter();
}

/// Milliseconds since `start`. Never runs backwards, never wraps.
#[must_use]
pub fn now() -> u64 {
    loop {
        let high = HIGH.load(Relaxed);
        let low = LOW.load(Relaxed);
        // A tick between the two reads may have carried. Then both are read again.
        if HIGH.load(Relaxed) == high {
            return u64::from(high) << 32 | u64::from(low);
        }
    }
}

#[exception]
fn SysTick() {
    // The only writer, so read and write need not be one atomic step (a Cortex-M0 has none).
    let low = LOW.load(Relaxed).wrapping_add(1);
    LOW.store(low, Relaxed);
    if low == 0 {
        HIGH.store(HIGH.load(Relaxed).wrapping_add(1), Relaxed);
    }
}
