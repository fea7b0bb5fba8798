//! Borrowed strings and bytes with a capacity: longer ones are refused as they are decoded.

use core::fmt;
use core::ops::Deref;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Visitor},
};

/// A borrowed string of at most `CAP` bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BoundedStr<'i, const CAP: usize>(&'i str);

impl<'i, const CAP: usize> BoundedStr<'i, CAP> {
    /// `text`, unless it is longer than `CAP` bytes.
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

impl<const CAP: usize> Deref for BoundedStr<'_, CAP> {
    type Target = str;

    fn deref(&self) -> &str {
        self.0
    }
}

impl<const CAP: usize> Serialize for BoundedStr<'_, CAP> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de: 'i, 'i, const CAP: usize> Deserialize<'de> for BoundedStr<'i, CAP> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(StrVisitor)
    }
}

struct StrVisitor<const CAP: usize>;

impl<'de, const CAP: usize> Visitor<'de> for StrVisitor<CAP> {
    type Value = BoundedStr<'de, CAP>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a borrowed string within its capacity")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        BoundedStr::new(text).ok_or_else(|| E::invalid_length(text.len(), &self))
    }
}

/// Borrowed bytes, at most `CAP` of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BoundedBytes<'i, const CAP: usize>(&'i [u8]);

impl<'i, const CAP: usize> BoundedBytes<'i, CAP> {
    /// `bytes`, unless there are more than `CAP` of them.
    #[must_use]
    pub fn new(bytes: &'i [u8]) -> Option<Self> {
        (bytes.len() <= CAP).then_some(Self(bytes))
    }

    /// The bytes, for as long as what they were decoded from.
    #[must_use]
    pub const fn as_slice(&self) -> &'i [u8] {
        self.0
    }
}

impl<const CAP: usize> Deref for BoundedBytes<'_, CAP> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0
    }
}

impl<const CAP: usize> Serialize for BoundedBytes<'_, CAP> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de: 'i, 'i, const CAP: usize> Deserialize<'de> for BoundedBytes<'i, CAP> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = <&[u8]>::deserialize(deserializer)?;
        Self::new(bytes).ok_or_else(|| D::Error::invalid_length(bytes.len(), &"fewer bytes"))
    }
}
