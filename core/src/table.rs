//! Handlers by name: filled at run time, up to a fixed capacity.

use core::borrow::BorrowMut;
use core::fmt;
use core::marker::PhantomData;
use core::mem::swap;

use heapless::Vec;

use crate::code::Code;
use crate::command::{Command, Failed, Handle};
use crate::frame::{Body, Frame};
use crate::head::is_name;
use crate::payload::Payload;
use crate::reply::{Reply, Sent};
use crate::service::Service;

type Run<S> = fn(&mut S, Body<'_>, Reply<'_>) -> Sent;

/// One command and its handler.
pub struct Entry<S> {
    name: &'static str,
    run: Run<S>,
}

impl<S> Entry<S> {
    /// The entry of a command that `S` handles.
    #[must_use]
    pub const fn of<C: Command>() -> Self
    where
        S: Handle<C>,
    {
        const { assert!(is_free_name(C::NAME), "not a legal command name, or a reserved one") }
        Self { name: C::NAME, run: run::<C, S> }
    }
}

impl<S> Clone for Entry<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Entry<S> {}

impl<S> fmt::Debug for Entry<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// octets → request → handler → reply → octets
fn run<C: Command, S: Handle<C>>(state: &mut S, body: Body<'_>, reply: Reply<'_>) -> Sent {
    match C::Request::decode(body) {
        Err(reject) => reply.error(reject.code(), ""),
        Ok(request) => match state.handle(request) {
            Ok(value) => reply.send(&value),
            Err(Failed(words)) => reply.error(Code::Failed, words),
        },
    }
}

const fn is_free_name(name: &str) -> bool {
    is_name(name) && !matches!(name.as_bytes(), b"OK" | b"ERR" | b"MORE" | [b'L', b'C', b'.', ..])
}

/// Why an entry was not taken; the table stays as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableError {
    /// There are `N` entries already.
    Full,
    /// There is an entry of that name already.
    Taken,
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the handler table is full",
            Self::Taken => "the handler table has a command of that name",
        })
    }
}

impl core::error::Error for TableError {}

/// Up to `N` handlers over a state `S`, sorted by name.
#[derive(Debug)]
pub struct Table<S, const N: usize> {
    entries: Vec<Entry<S>, N>,
}

impl<S, const N: usize> Table<S, N> {
    /// An empty table.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// Adds a handler.
    ///
    /// # Errors
    /// [`TableError`].
    pub fn insert(&mut self, entry: Entry<S>) -> Result<(), TableError> {
        match position(&self.entries, entry.name) {
            Ok(_) => Err(TableError::Taken),
            Err(_) if self.entries.is_full() => Err(TableError::Full),
            Err(at) => {
                // `Vec::insert` panics beyond the end; that `at` is not there, no compiler can tell.
                let mut moved = entry;
                for place in self.entries.get_mut(at..).unwrap_or_default() {
                    swap(place, &mut moved);
                }
                self.entries.push(moved).map_err(|_| TableError::Full)
            }
        }
    }

    /// Adds the handler of a command: `insert(Entry::of::<C>())`.
    ///
    /// # Errors
    /// [`TableError`].
    pub fn insert_command<C: Command>(&mut self) -> Result<(), TableError>
    where
        S: Handle<C>,
    {
        self.insert(Entry::of::<C>())
    }

    /// The table with a state to work on: `&mut S` for one server, or an `S` of its own for each of
    /// several workers. To serve with it, see [`pump`](crate::pump).
    pub fn bind<B: BorrowMut<S>>(&self, state: B) -> Bound<'_, S, B> {
        Bound { entries: &self.entries, state, marker: PhantomData }
    }
}

impl<S, const N: usize> Default for Table<S, N> {
    fn default() -> Self {
        Self::new()
    }
}

fn position<S>(entries: &[Entry<S>], name: &str) -> Result<usize, usize> {
    entries.binary_search_by(|entry| entry.name.cmp(name))
}

/// A [`Table`] and the state that its handlers work on.
#[derive(Debug)]
pub struct Bound<'t, S, B = S> {
    entries: &'t [Entry<S>],
    state: B,
    marker: PhantomData<fn(&mut S)>,
}

impl<S, B: Clone> Clone for Bound<'_, S, B> {
    fn clone(&self) -> Self {
        Self { entries: self.entries, state: self.state.clone(), marker: PhantomData }
    }
}

impl<S, B: BorrowMut<S>> Service for Bound<'_, S, B> {
    fn call(&mut self, request: Frame<'_>, reply: Reply<'_>) -> Sent {
        let entry = position(self.entries, request.name).ok().and_then(|at| self.entries.get(at));
        match entry {
            Some(entry) => (entry.run)(self.state.borrow_mut(), request.body, reply),
            None => reply.error(Code::UnknownCommand, request.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_names_are_not_free() {
        for name in ["OK", "ERR", "MORE", "LC.", "LC.hello", "", "9", "A B"] {
            assert!(!is_free_name(name), "{name}");
        }
        for name in ["OKAY", "ok", "ERROR", "MORES", "LC", "LC-x", "lc.x"] {
            assert!(is_free_name(name), "{name}");
        }
    }
}
