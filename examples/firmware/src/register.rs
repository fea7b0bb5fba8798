//! Device registers: 32-bit words whose reads and writes have side effects.

#![allow(unsafe_code)]

/// One device register, by its address.
#[derive(Clone, Copy)]
pub(crate) struct Register(usize);

impl Register {
    /// The register at `address`.
    ///
    /// # Safety
    ///
    /// `address` must be that of a 32-bit device register of the chip, word-aligned, whose reads
    /// and writes change no memory that Rust knows of. A register that starts a DMA transfer is not
    /// such a one. (This chip's UART and Ethernet controllers have no DMA.)
    pub(crate) const unsafe fn at(address: usize) -> Self {
        Self(address)
    }

    /// Reads it. The side effects are the device's.
    pub(crate) fn read(self) -> u32 {
        // SAFETY: the caller of `at` guarantees an aligned device register. The read is volatile,
        // so it is neither merged nor removed. A race with an interrupt handler could only confuse
        // the device: there is no memory at the address.
        unsafe { core::ptr::with_exposed_provenance::<u32>(self.0).read_volatile() }
    }

    /// Writes it.
    pub(crate) fn write(self, value: u32) {
        // SAFETY: as in `read`.
        unsafe { core::ptr::with_exposed_provenance_mut::<u32>(self.0).write_volatile(value) }
    }

    /// Sets the bits of `mask`, leaving the others.
    pub(crate) fn set(self, mask: u32) {
        self.write(self.read() | mask);
    }
}
