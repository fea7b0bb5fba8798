//! The recursive struct as a desktop program would write it, with `Box`, and its conversion to and
//! from a [`Chain`].

use std::boxed::Box;
use std::collections::BTreeMap;
use std::fmt;
use std::string::String;
use std::vec::Vec;

use linecard_core::{BoundedBytes, BoundedStr, Chain, UniqueMap};
use serde::{Deserialize, Serialize};

use crate::{Level, Levels};

/// The value of `COMPLEX` (docs/PROTOCOL.md §9.2), as a nested struct without limits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complex {
    /// A number.
    pub n: i64,
    /// A string.
    pub s: String,
    /// Numbers by name.
    pub m: BTreeMap<String, i64>,
    /// A block.
    pub p: Vec<u8>,
    /// The next level.
    pub c: Option<Box<Complex>>,
}

/// A value over one of the capacities of `COMPLEX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapacityError;

impl fmt::Display for CapacityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value is over a capacity of COMPLEX")
    }
}

impl core::error::Error for CapacityError {}

impl Complex {
    /// The value that the tool, the tests and the benchmarks send: two levels, 87 bytes encoded.
    #[must_use]
    pub fn sample() -> Self {
        let map = |entries: [(&str, i64); 3]| entries.map(|(key, n)| (key.into(), n)).into();
        Self {
            n: 23,
            s: "string data".into(),
            m: map([("one", 1), ("two", 2), ("three", 3)]),
            p: b"abc".into(),
            c: Some(Box::new(Self {
                n: 256,
                s: "Recursive structs? Piece of cake!".into(),
                m: map([("01", 1), ("10", 2), ("11", 3)]),
                p: Vec::new(),
                c: None,
            })),
        }
    }

    /// The levels of this value, borrowed from it.
    ///
    /// # Errors
    /// [`CapacityError`], if a string, map, block or the nesting is over its capacity.
    pub fn levels(&self) -> Result<Levels<'_>, CapacityError> {
        let mut levels = Chain::new(self.level()?);
        let mut next = self.c.as_deref();
        while let Some(inner) = next {
            levels.push(inner.level()?).map_err(|_| CapacityError)?;
            next = inner.c.as_deref();
        }
        Ok(levels)
    }

    fn level(&self) -> Result<Level<'_>, CapacityError> {
        let mut m = UniqueMap::new();
        for (key, &value) in &self.m {
            m.insert(BoundedStr::new(key).ok_or(CapacityError)?, value)
                .map_err(|_| CapacityError)?;
        }
        Ok(Level {
            n: self.n,
            s: BoundedStr::new(&self.s).ok_or(CapacityError)?,
            m,
            p: BoundedBytes::new(&self.p).ok_or(CapacityError)?,
        })
    }
}

impl From<Levels<'_>> for Complex {
    fn from(levels: Levels<'_>) -> Self {
        levels.fold_back(|level, inner| nest(&level, inner)).unwrap_or_default()
    }
}

fn nest(level: &Level<'_>, inner: Option<Complex>) -> Complex {
    Complex {
        n: level.n,
        s: level.s.as_str().into(),
        m: level.m.iter().map(|(key, &value)| (key.as_str().into(), value)).collect(),
        p: level.p.to_vec(),
        c: inner.map(Box::new),
    }
}

/// One line for each field; each level is indented under the one that contains it.
impl fmt::Display for Complex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut level = Some(self);
        let mut indent = 0;
        while let Some(Self { n, s, m, p, c }) = level {
            writeln!(f, "{:indent$}n: {n}", "")?;
            writeln!(f, "{:indent$}s: {s:?}", "")?;
            writeln!(f, "{:indent$}m: {m:?}", "")?;
            writeln!(f, "{:indent$}p: \"{}\"", "", p.escape_ascii())?;
            level = c.as_deref();
            write!(f, "{:indent$}c:{}", "", if level.is_some() { "\n" } else { " none" })?;
            indent += 2;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_converts_to_levels_and_back() {
        let sent = Complex::sample();
        let levels = sent.levels().unwrap();
        assert_eq!(levels.nodes().len(), 2);
        assert_eq!(Complex::from(levels), sent);
    }

    #[test]
    fn a_value_over_a_capacity_is_an_error() {
        let long = Complex { s: "x".repeat(65), ..Complex::default() };
        assert_eq!(long.levels(), Err(CapacityError));
        let mut deep = Complex::default();
        for _level in 0..4 {
            deep = Complex { c: Some(Box::new(deep)), ..Complex::default() };
        }
        assert_eq!(deep.levels(), Err(CapacityError));
    }

    #[test]
    fn levels_are_encoded_as_the_boxed_struct() {
        let boxed = Complex::sample();
        let mut of_boxed = [0; 128];
        let of_boxed = postcard::to_slice(&boxed, &mut of_boxed).unwrap();
        let mut of_chain = [0; 128];
        let of_chain = postcard::to_slice(&boxed.levels().unwrap(), &mut of_chain).unwrap();
        assert_eq!(of_boxed, of_chain);
        assert_eq!(of_chain.len(), 87);
        assert_eq!(postcard::from_bytes::<Complex>(of_chain), Ok(boxed.clone()));
        assert_eq!(postcard::from_bytes::<Levels>(of_boxed), Ok(boxed.levels().unwrap()));
    }
}
