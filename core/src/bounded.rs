//! Borrowed strings and octets with a capacity: longer ones are refused as they are decoded.

use core::fmt;
use core::ops::Deref;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Visitor},
};

/// A borrowed string of at most `CAP` octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Str<'i, const CAP: usize>(&'i str);

impl<'i, const CAP: usize> Str<'i, CAP> {
    /// `text`, unless it is longer than `CAP` octets.
    #[must_use]
    pub fn new(text: &'i str) -> Option<Self> {
        (text.len() <= CAP).then_some(Self(text))
    }

    /// The string, for as long as what it was decoded from.
    #[must_use]
    pub const fn as_str(&self) -> &'i str {
        self.0
    }
}

impl<const CAP: usize> Deref for Str<'_, CAP> {
    type Target = str;

    fn deref(&self) -> &str {
        self.0
    }
}

impl<const CAP: usize> Serialize for Str<'_, CAP> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de: 'i, 'i, const CAP: usize> Deserialize<'de> for Str<'i, CAP> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(StrVisitor)
    }
}

struct StrVisitor<const CAP: usize>;

impl<'de, const CAP: usize> Visitor<'de> for StrVisitor<CAP> {
    type Value = Str<'de, CAP>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a borrowed string within its capacity")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Str::new(text).ok_or_else(|| E::invalid_length(text.len(), &self))
    }
}

/// Borrowed octets, at most `CAP` of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes<'i, const CAP: usize>(&'i [u8]);

impl<'i, const CAP: usize> Bytes<'i, CAP> {
    /// `octets`, unless there are more than `CAP` of them.
    #[must_use]
    pub fn new(octets: &'i [u8]) -> Option<Self> {
        (octets.len() <= CAP).then_some(Self(octets))
    }

    /// The octets, for as long as what they were decoded from.
    #[must_use]
    pub const fn as_slice(&self) -> &'i [u8] {
        self.0
    }
}

impl<const CAP: usize> Deref for Bytes<'_, CAP> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0
    }
}

impl<const CAP: usize> Serialize for Bytes<'_, CAP> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de: 'i, 'i, const CAP: usize> Deserialize<'de> for Bytes<'i, CAP> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let octets = <&[u8]>::deserialize(deserializer)?;
        Self::new(octets).ok_or_else(|| D::Error::invalid_length(octets.len(), &"fewer octets"))
    }
}
