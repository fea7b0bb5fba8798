//! A small map that keeps its order and refuses duplicate keys.

use core::fmt;

use heapless::Vec;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, Visitor},
};

/// Up to `N` entries in the order in which they came. Looking a key up takes time in proportion to
/// `N`, so it is for a few dozen entries at the most.
///
/// `heapless::LinearMap` lets a second entry with the same key replace the first as it decodes;
/// here that is an error, as docs/PROTOCOL.md §7.2 wants it.
#[derive(Clone, PartialEq, Eq)]
pub struct UniqueMap<K, V, const N: usize> {
    entries: Vec<(K, V), N>,
}

/// Why an entry was not inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsertError {
    /// The key is there already.
    Duplicate,
    /// There are `N` entries already.
    Full,
}

impl fmt::Display for InsertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Duplicate => "the map has that key already",
            Self::Full => "the map is full",
        })
    }
}

impl core::error::Error for InsertError {}

impl<K: Eq, V, const N: usize> UniqueMap<K, V, N> {
    /// An empty map.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// Appends an entry.
    ///
    /// # Errors
    /// [`InsertError`]; the map stays as it was.
    pub fn insert(&mut self, key: K, value: V) -> Result<(), InsertError> {
        if self.get(&key).is_some() {
            return Err(InsertError::Duplicate);
        }
        self.entries.push((key, value)).map_err(|_| InsertError::Full)
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        self.iter().find_map(|(k, v)| (k == key).then_some(v))
    }

    /// The entries, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&K, &V)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// The number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<K: Eq, V, const N: usize> Default for UniqueMap<K, V, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: fmt::Debug + Eq, V: fmt::Debug, const N: usize> fmt::Debug for UniqueMap<K, V, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K: Serialize + Eq, V: Serialize, const N: usize> Serialize for UniqueMap<K, V, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de, K, V, const N: usize> Deserialize<'de> for UniqueMap<K, V, N>
where
    K: Deserialize<'de> + Eq,
    V: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut map = Self::new();
        deserializer.deserialize_map(Entries(&mut map))?;
        Ok(map)
    }
}

/// Fills the map where it is: handed on as a result, it would be copied once more.
struct Entries<'m, K, V, const N: usize>(&'m mut UniqueMap<K, V, N>);

impl<'de, K, V, const N: usize> Visitor<'de> for Entries<'_, K, V, N>
where
    K: Deserialize<'de> + Eq,
    V: Deserialize<'de>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map within its capacity, with no key twice")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        while let Some((key, value)) = access.next_entry()? {
            self.0.insert(key, value).map_err(|_| A::Error::custom("a key twice, or too many"))?;
        }
        Ok(())
    }
}
