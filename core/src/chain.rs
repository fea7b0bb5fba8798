//! A recursive value without recursion: docs/PROTOCOL.md §7.3.
//!
//! ```text
//! struct Node { fields…, next: Option<Box<Node>> }
//!
//! fields of node 0 │ 01 │ fields of node 1 │ 01 │ … │ fields of the last node │ 00
//! ```
//!
//! The last field of each node says whether another follows, so a loop reads the whole.

use core::fmt;

use heapless::Vec;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, SeqAccess, Visitor},
    ser::SerializeTuple,
};

/// 1 to `N` nodes, outermost first: byte for byte the postcard encoding of a struct with the fields
/// of `T` and then a field `Option<Box<Self>>`. More than `N` nodes are refused as they are
/// decoded.
///
/// It is for postcard and its like, which write a struct as its fields alone; a self-describing
/// format (JSON) would show it as a flat sequence.
#[derive(Clone, PartialEq, Eq)]
pub struct Chain<T, const N: usize> {
    nodes: Vec<T, N>,
}

/// More than the `N` nodes that a [`Chain`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainFull;

impl fmt::Display for ChainFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the chain is full")
    }
}

impl core::error::Error for ChainFull {}

impl<T, const N: usize> Chain<T, N> {
    /// A chain of one node.
    #[must_use]
    pub fn new(outermost: T) -> Self {
        const { assert!(N > 0, "a chain has at least its outermost node") }
        let mut nodes = Vec::new();
        let _fits_one = nodes.push(outermost);
        Self { nodes }
    }

    /// Puts a node inside the innermost.
    ///
    /// # Errors
    /// [`ChainFull`], when there are `N` already.
    pub fn push(&mut self, innermost: T) -> Result<(), ChainFull> {
        self.nodes.push(innermost).map_err(|_| ChainFull)
    }

    /// The nodes, outermost first; at least one.
    #[must_use]
    pub fn nodes(&self) -> &[T] {
        &self.nodes
    }

    /// Builds a nested value from the innermost node outward: `wrap` gets each node and what it
    /// holds.
    pub fn fold_back<U>(self, mut wrap: impl FnMut(T, Option<U>) -> U) -> Option<U> {
        let mut nodes = self.nodes;
        let mut inner = None;
        while let Some(node) = nodes.pop() {
            inner = Some(wrap(node, inner));
        }
        inner
    }
}

impl<T: fmt::Debug, const N: usize> fmt::Debug for Chain<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.nodes).finish()
    }
}

impl<T: Serialize, const N: usize> Serialize for Chain<T, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut parts = serializer.serialize_tuple(self.nodes.len().saturating_mul(2))?;
        let mut following = self.nodes.len();
        for node in &self.nodes {
            following = following.saturating_sub(1);
            parts.serialize_element(node)?;
            parts.serialize_element(&(following > 0))?;
        }
        parts.end()
    }
}

impl<'de, T: Deserialize<'de>, const N: usize> Deserialize<'de> for Chain<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut nodes = Vec::new();
        deserializer.deserialize_tuple(N.saturating_mul(2), Nodes(&mut nodes))?;
        Ok(Self { nodes })
    }
}

/// Fills the nodes where they are: handed on as a result, all of them would be copied once more,
/// and a device's stack is short.
struct Nodes<'n, T, const N: usize>(&'n mut Vec<T, N>);

impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for Nodes<'_, T, N> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a chain within its capacity")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<(), A::Error> {
        loop {
            let node = parts.next_element()?.ok_or_else(|| A::Error::custom("too deep"))?;
            self.0.push(node).map_err(|_| A::Error::custom("too deep"))?;
            let more: bool = parts.next_element()?.ok_or_else(|| A::Error::custom("cut off"))?;
            if !more {
                return Ok(());
            }
        }
    }
}
