//! Reads an image's file: its size, its functions, and which function calls which.

use std::fs;

use object::{Object, ObjectSection, ObjectSymbol, SectionFlags, SymbolKind, elf};

use crate::Result;
use crate::image::Image;

/// Bytes that an image takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// In flash: code, constants, the vector table, and the initial values of variables.
    pub flash: u64,
    /// In RAM: variables, without the stack.
    pub statics: u64,
}

/// A function in flash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name as in the source, without the compiler's hash.
    pub name: String,
    /// The address of its first instruction.
    pub start: u64,
    /// Its bytes.
    pub code: Vec<u8>,
}

/// An image's file.
#[derive(Debug)]
pub struct Elf(Vec<u8>);

impl Elf {
    /// Reads it.
    ///
    /// # Errors
    /// The file is missing: build the image first.
    pub fn of(image: Image) -> Result<Self> {
        let path = image.path();
        fs::read(&path).map(Self).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// The image's size.
    ///
    /// # Errors
    /// The file is damaged.
    pub fn footprint(&self) -> Result<Footprint> {
        let mut footprint = Footprint { flash: 0, statics: 0 };
        for section in self.parse()?.sections() {
            let SectionFlags::Elf { sh_flags, .. } = section.flags() else { continue };
            if !sh_flags.contains(elf::SHF_ALLOC) {
                continue;
            }
            if section.file_range().is_some() {
                footprint.flash += section.size();
            }
            if sh_flags.contains(elf::SHF_WRITE) {
                footprint.statics += section.size();
            }
        }
        Ok(footprint)
    }

    /// The address of a symbol.
    ///
    /// # Errors
    /// The image has no such symbol.
    pub fn address(&self, name: &str) -> Result<u64> {
        let file = self.parse()?;
        let symbol = file.symbols().find(|symbol| symbol.name() == Ok(name));
        symbol.map(|symbol| symbol.address()).ok_or_else(|| format!("no symbol {name}"))
    }

    /// All functions.
    ///
    /// # Errors
    /// The file is damaged.
    pub fn functions(&self) -> Result<Vec<Function>> {
        let file = self.parse()?;
        let functions = file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text);
        Ok(functions.filter_map(|symbol| function(&file, &symbol)).collect())
    }

    fn parse(&self) -> Result<object::File<'_>> {
        object::File::parse(&*self.0).map_err(|error| error.to_string())
    }
}

fn function(file: &object::File<'_>, symbol: &object::Symbol<'_, '_>) -> Option<Function> {
    // The lowest bit of a code address marks Thumb code and is not part of the address.
    let start = symbol.address() & !1;
    let section = file.section_by_index(symbol.section_index()?).ok()?;
    let code = section.data_range(start, symbol.size()).ok()??.to_vec();
    let name = rustc_demangle::demangle(symbol.name().ok()?);
    Some(Function { name: format!("{name:#}"), start, code })
}

impl Function {
    /// The addresses that the function calls or jumps to directly.
    #[must_use]
    pub fn targets(&self) -> Vec<u64> {
        let halves: Vec<u16> =
            self.code.as_chunks::<2>().0.iter().map(|&half| u16::from_le_bytes(half)).collect();
        let mut targets = Vec::new();
        let mut at = 0;
        while let Some(&first) = halves.get(at) {
            // Thumb instructions are one half word, or two if the first begins with 0b11101 or
            // 0b1111.
            if first < 0xE800 {
                at += 1;
                continue;
            }
            let second = halves.get(at + 1).copied().unwrap_or_default();
            let next = self.start + 2 * at as u64 + 4;
            targets.extend(branch(first, second).map(|offset| next.wrapping_add_signed(offset)));
            at += 2;
        }
        targets
    }
}

/// The offset of a `BL` or a long `B` (ARM v7-M manual, encodings T1 and T4): 25 bits in pieces,
/// signed.
///
/// ```text
/// 11110 S imm10 · 1 L J1 1 J2 imm11      L: a call
/// offset = S : ¬(J1⊕S) : ¬(J2⊕S) : imm10 : imm11 : 0
/// ```
fn branch(first: u16, second: u16) -> Option<i64> {
    if first & 0xF800 != 0xF000 || second & 0x9000 != 0x9000 {
        return None;
    }
    let bit = |word: u16, at: u32| i64::from(word >> at & 1);
    let sign = bit(first, 10);
    let high = |j: i64| 1 - (j ^ sign);
    let offset = high(bit(second, 13)) << 23
        | high(bit(second, 11)) << 22
        | i64::from(first & 0x3FF) << 12
        | i64::from(second & 0x7FF) << 1;
    Some(offset - (sign << 24))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_are_decoded() {
        // `bl .`, `bl .+4`, `b.w .-2`, and two that are not branches: `ldr.w r0, [r1]` and
        // `movw r0, #0`.
        assert_eq!(branch(0xF7FF, 0xFFFE), Some(-4));
        assert_eq!(branch(0xF000, 0xF800), Some(0));
        assert_eq!(branch(0xF7FF, 0xBFFD), Some(-6));
        assert_eq!(branch(0xF8D1, 0x0000), None);
        assert_eq!(branch(0xF240, 0x0000), None);
    }
}
