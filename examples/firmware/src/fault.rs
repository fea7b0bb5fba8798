//! A fault is reported on the console and ends the program with an error. It never hangs silently.

#![allow(unsafe_code)]

use core::arch::naked_asm;
use core::ffi::CStr;

use crate::console;
use crate::register::Register;

/// The lowest address of RAM, which is the end of the stack: see memory.x.
const RAM_START: usize = 0x2000_0000;

/// Where, above the stack pointer, an exception pushes the address of the faulting instruction.
const FRAME_PC: usize = 24;

/// Which fault it was (ARM v7-M, Configurable Fault Status Register).
// SAFETY: a device register of every Cortex-M3. Reading it changes nothing.
const FAULT_STATUS: Register = unsafe { Register::at(0xE000_ED28) };

/// Prints why and ends the program with an error.
pub(crate) fn stop(why: &CStr) -> ! {
    console::print(why);
    console::exit(false)
}

/// Every fault arrives here, possibly with no stack left. So the stack pointer is moved to the top
/// of RAM, over statics that are no longer needed, before the first word is pushed.
///
/// (QEMU's board accepts accesses below RAM: what is pushed there is lost and reads as zeros, so
/// the fault follows at the first return or the next tick. A real board faults at once.)
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
    // SAFETY: the processor has just pushed eight words at `sp`, in RAM. The seventh is the address
    // of the faulting instruction.
    let pc = unsafe { core::ptr::with_exposed_provenance::<u32>(sp + FRAME_PC).read() };
    print_hex(c"fault: at 0x", pc);
    print_hex(c", status 0x", FAULT_STATUS.read());
    stop(c"\n")
}

/// Prints `label`, and `value` as eight digits. (The formatting of the standard library would cost
/// 7 KiB of flash.)
fn print_hex(label: &CStr, value: u32) {
    console::print(label);
    for shift in (0..32).step_by(4).rev() {
        let digit = (value >> shift & 0xF) as u8;
        let digit = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
        if let Ok(text) = CStr::from_bytes_with_nul(&[digit, 0]) {
            console::print(text);
        }
    }
}
