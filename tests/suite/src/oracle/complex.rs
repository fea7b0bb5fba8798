//! The value of `COMPLEX`, with a postcard decoder and encoder (docs/PROTOCOL.md §7 and §9.2).

/// Levels of nesting, the outermost counted.
pub const MAX_LEVELS: usize = 4;
/// Bytes in `s`.
pub const MAX_S: usize = 64;
/// Entries in `m`.
pub const MAX_M: usize = 8;
/// Bytes in a key of `m`.
pub const MAX_KEY: usize = 16;
/// Bytes in `p`.
pub const MAX_P: usize = 64;

/// One level of the value, and the levels in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Complex {
    /// A number.
    pub n: i64,
    /// A text.
    pub s: String,
    /// A map, in the order of the wire.
    pub m: Vec<(String, i64)>,
    /// Bytes.
    pub p: Vec<u8>,
    /// The next level.
    pub c: Option<Box<Self>>,
}

impl Complex {
    /// Decodes a value that fills `bytes`; `None` is `bad-payload`.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader { rest: bytes };
        let value = reader.level(1)?;
        reader.rest.is_empty().then_some(value)
    }

    /// Encodes the value with the shortest varints. It doesn't check limits.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = zigzag(self.n);
        out.extend(prefixed(self.s.as_bytes()));
        out.extend(varint(self.m.len() as u64));
        for (key, value) in &self.m {
            out.extend(prefixed(key.as_bytes()));
            out.extend(zigzag(*value));
        }
        out.extend(prefixed(&self.p));
        match &self.c {
            None => out.push(0),
            Some(next) => {
                out.push(1);
                out.extend(next.encode());
            }
        }
        out
    }

    /// How many levels there are.
    #[must_use]
    pub fn levels(&self) -> usize {
        1 + self.c.as_ref().map_or(0, |next| next.levels())
    }
}

struct Reader<'i> {
    rest: &'i [u8],
}

impl Reader<'_> {
    fn level(&mut self, level: usize) -> Option<Complex> {
        if level > MAX_LEVELS {
            return None;
        }
        // Fields are evaluated in this order.
        Some(Complex {
            n: self.signed()?,
            s: self.text(MAX_S)?,
            m: self.map()?,
            p: self.bytes(MAX_P)?,
            c: match self.byte()? {
                0 => None,
                1 => Some(Box::new(self.level(level + 1)?)),
                _ => return None,
            },
        })
    }

    fn map(&mut self) -> Option<Vec<(String, i64)>> {
        let entries = self.varint()?;
        if entries > MAX_M as u64 {
            return None;
        }
        let mut map: Vec<(String, i64)> = Vec::new();
        for _ in 0..entries {
            let key = self.text(MAX_KEY)?;
            let value = self.signed()?;
            if map.iter().any(|(taken, _)| *taken == key) {
                return None;
            }
            map.push((key, value));
        }
        Some(map)
    }

    fn text(&mut self, max: usize) -> Option<String> {
        String::from_utf8(self.bytes(max)?).ok()
    }

    fn bytes(&mut self, max: usize) -> Option<Vec<u8>> {
        let length = usize::try_from(self.varint()?).ok()?;
        if length > max || length > self.rest.len() {
            return None;
        }
        let (bytes, rest) = self.rest.split_at(length);
        self.rest = rest;
        Some(bytes.to_vec())
    }

    fn signed(&mut self) -> Option<i64> {
        let folded = self.varint()?;
        let half = i64::try_from(folded / 2).ok()?;
        Some(if folded % 2 == 0 { half } else { -half - 1 })
    }

    /// At most ten bytes, seven bits each, the lowest first; the tenth may hold one bit.
    fn varint(&mut self) -> Option<u64> {
        let mut value: u128 = 0;
        for place in 0..10 {
            let byte = self.byte()?;
            value += u128::from(byte % 128) << (7 * place);
            if byte < 128 {
                return u64::try_from(value).ok();
            }
        }
        None
    }

    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }
}

fn prefixed(bytes: &[u8]) -> Vec<u8> {
    [varint(bytes.len() as u64), bytes.to_vec()].concat()
}

/// 0, -1, 1, -2 become 0, 1, 2, 3.
#[must_use]
pub fn zigzag(value: i64) -> Vec<u8> {
    let twice = value.unsigned_abs().wrapping_mul(2);
    varint(if value >= 0 { twice } else { twice.wrapping_sub(1) })
}

/// Seven bits a byte, the lowest first, the top bit set on all but the last.
#[must_use]
pub fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 128 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value /= 128;
    }
    out.push(value.to_le_bytes()[0]);
    out
}
