//! What happens on a fault: it is reported on the console, and ends the program with an error. Never a silent hang.

#![allow(unsafe_code)]

use core::arch::naked_asm;
use core::ffi::CStr;

use crate::console;
use crate::register::Register;

/// The lowest address of RAM, which is the stack's end: see memory.x.
const RAM_START: usize = 0x2000_0000;

/// How far above the stack pointer a faulting exception puts the address of the instruction at fault.
const FRAME_PC: usize = 24;

/// The word that says which fault it was (ARM v7-M, Configurable Fault Status Register).
// SAFETY: a device register of every Cortex-M3; reading it changes nothing.
const FAULT_STATUS: Register = unsafe { Register::at(0xE000_ED28) };

/// Ends the program with an error, after saying why.
pub(crate) fn stop(why: &CStr) -> ! {
    console::say(why);
    console::exit(false)
}

/// (QEMU's board does not refuse accesses below RAM: there, what is pushed is lost and comes back as zeros, so the fault follows at the
/// first return, or at the next tick of the clock. A real one faults at once.)
///
/// Every fault arrives here, possibly with no stack left: so the stack pointer is moved to the top of RAM, over statics that nobody will
/// need any more, before the first word is pushed.
#[unsafe(naked)]
#[unsafe(export_name = "HardFault")]
unsafe extern "C" fn hard_fault() -> ! {
    naked_asm!(
        "mov r0, sp",
        "movw r1, #:lower16:_ram_end",
        "movt r1, #:upper16:_ram_end",
        "mov sp, r1",
        "b {report}",
        report = sym report,
    )
}

extern "C" fn report(sp: usize) -> ! {
    if sp < RAM_START {
        stop(c"fault: stack overflow\n");
    }
    // SAFETY: the processor has just pushed eight words at `sp`, in RAM, and the seventh is the address of the instruction at fault.
    let pc = unsafe { core::ptr::with_exposed_provenance::<u32>(sp + FRAME_PC).read() };
    say_hex(c"fault: at 0x", pc);
    say_hex(c", status 0x", FAULT_STATUS.read());
    stop(c"\n")
}

/// Says `label` and `value`, as eight digits. (By hand: the formatting of the standard library costs 7 KiB of flash.)
fn say_hex(label: &CStr, value: u32) {
    console::say(label);
    for shift in (0..32).step_by(4).rev() {
        let digit = (value >> shift & 0xF) as u8;
        let digit = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
        if let Ok(text) = CStr::from_bytes_with_nul(&[digit, 0]) {
            console::say(text);
        }
    }
}
