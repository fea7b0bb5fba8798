//! Handlers by name, up to a fixed capacity; filled at compile time or at run time.
//!
//! ```text
//! name ─ hash ─► first ─► entry ─ next ─► entry      one chain for each entry that fits, so a chain
//!                                                    has one or two of them, however many there are
//! ```

use core::borrow::BorrowMut;
use core::fmt;
use core::marker::PhantomData;

use crate::code::Code;
use crate::command::{Command, Failed, Handler};
use crate::declare::{is_command_name, is_same};
use crate::frame::{Body, Frame};
use crate::payload::Payload;
use crate::reply::{Answered, Reply};
use crate::service::Service;

/// The body is passed by reference: copying it would wait for the stores that made it.
type Run<S> = fn(&mut S, &Body<'_>, Reply<'_>) -> Answered;

/// One command and its handler.
pub struct Entry<S> {
    name: &'static str,
    hash: u32,
    /// The next in its chain, by its place among the entries.
    next: u16,
    run: Run<S>,
}

/// The end of a chain.
const NONE: u16 = u16::MAX;

impl<S> Entry<S> {
    /// The entry of a command that `S` handles.
    #[must_use]
    pub const fn of<C: Command>() -> Self
    where
        S: Handler<C>,
    {
        const { assert!(is_command_name(C::NAME), "not a legal command name, or a reserved one") }
        Self { name: C::NAME, hash: hash(C::NAME.as_bytes()), next: NONE, run: run::<C, S> }
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

/// bytes → request → handler → reply → bytes
fn run<C: Command, S: Handler<C>>(state: &mut S, body: &Body<'_>, reply: Reply<'_>) -> Answered {
    match C::Request::decode(*body) {
        Err(error) => reply.error(error.code(), ""),
        Ok(request) => match state.handle(request) {
            Ok(value) => reply.send(&value),
            Err(Failed(message)) => reply.error(Code::Failed, message),
        },
    }
}

/// Why an entry was not inserted. The table stays as it was.
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

/// Up to `N` handlers over a state `S`. Finding one costs the same however many there are.
///
/// It can be filled at compile time: a device then has it in flash, without code that fills it.
///
/// ```
/// # use linecard_core::{Command, Failed, Handler, Table, Text};
/// # struct Echo;
/// # impl Command for Echo {
/// #     const NAME: &'static str = "ECHO";
/// #     type Request<'i> = Text<'i>;
/// #     type Reply<'i> = Text<'i>;
/// # }
/// # struct Device;
/// # impl Handler<Echo> for Device {
/// #     fn handle<'a>(&'a mut self, text: Text<'a>) -> Result<Text<'a>, Failed<'a>> { Ok(text) }
/// # }
/// static TABLE: Table<Device, 1> = {
///     let mut table = Table::new();
///     assert!(table.insert_command::<Echo>().is_ok());
///     table
/// };
/// let service = TABLE.bind(Device);
/// ```
#[derive(Debug)]
pub struct Table<S, const N: usize> {
    /// In the order of insertion, then none.
    entries: [Option<Entry<S>>; N],
    /// The first of each chain.
    first: [u16; N],
}

impl<S, const N: usize> Table<S, N> {
    /// An empty table.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(N < NONE as usize, "a table of more than 65534 handlers") }
        Self { entries: [const { None }; N], first: [NONE; N] }
    }

    /// Adds a handler.
    ///
    /// # Errors
    /// [`TableError`].
    pub const fn insert(&mut self, entry: Entry<S>) -> Result<(), TableError> {
        let mut place = 0_u16;
        let mut rest = self.entries.as_mut_slice();
        while let [Some(other), after @ ..] = rest {
            if is_same(other.name, entry.name) {
                return Err(TableError::Taken);
            }
            place = place.saturating_add(1);
            rest = after;
        }
        let chain = self.first.split_at_mut_checked(chain_of(entry.hash, N));
        let ([free, ..], Some((_, [first, ..]))) = (rest, chain) else {
            return Err(TableError::Full);
        };
        *free = Some(Entry { next: *first, ..entry });
        *first = place;
        Ok(())
    }

    /// Adds the handler of a command: `insert(Entry::of::<C>())`.
    ///
    /// # Errors
    /// [`TableError`].
    pub const fn insert_command<C: Command>(&mut self) -> Result<(), TableError>
    where
        S: Handler<C>,
    {
        self.insert(Entry::of::<C>())
    }

    /// A service over this table and a state: `&mut S` for one server, or one `S` for each of
    /// several workers. To serve with it, see [`pump`](crate::pump).
    pub const fn bind<B: BorrowMut<S>>(&self, state: B) -> Dispatcher<'_, S, B> {
        let chains = Chains { entries: &self.entries, first: &self.first };
        Dispatcher { chains, state, marker: PhantomData }
    }
}

impl<S, const N: usize> Default for Table<S, N> {
    fn default() -> Self {
        Self::new()
    }
}

/// The parts of a [`Table`] that a lookup needs.
#[derive(Debug)]
struct Chains<'t, S> {
    entries: &'t [Option<Entry<S>>],
    first: &'t [u16],
}

impl<S> Clone for Chains<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Chains<'_, S> {}

impl<'t, S> Chains<'t, S> {
    /// Each entry is linked in front of those inserted before it, so the walk ends.
    fn find(self, name: &str) -> Option<&'t Entry<S>> {
        let hash = hash(name.as_bytes());
        let mut place = *self.first.get(chain_of(hash, self.first.len()))?;
        while let Some(Some(entry)) = self.entries.get(usize::from(place)) {
            if entry.hash == hash && entry.name == name {
                return Some(entry);
            }
            place = entry.next;
        }
        None
    }
}

/// Names are chosen by the application, so a peer can't make them collide.
const fn hash(name: &[u8]) -> u32 {
    let mut hash = 0_u32;
    let mut rest = name;
    while let [byte, after @ ..] = rest {
        hash = hash.rotate_left(5) ^ (*byte as u32);
        rest = after;
    }
    // The golden ratio spreads names that differ little.
    hash.wrapping_mul(0x9e37_79b9)
}

/// Which of `chains` a hash belongs to: the part of the range of hashes that it falls in.
const fn chain_of(hash: u32, chains: usize) -> usize {
    ((hash >> 16) as usize).saturating_mul(chains) >> 16
}

/// A service: a [`Table`] and the state that its handlers work on.
#[derive(Debug)]
pub struct Dispatcher<'t, S, B = S> {
    chains: Chains<'t, S>,
    state: B,
    marker: PhantomData<fn(&mut S)>,
}

impl<S, B: Clone> Clone for Dispatcher<'_, S, B> {
    fn clone(&self) -> Self {
        Self { chains: self.chains, state: self.state.clone(), marker: PhantomData }
    }
}

impl<S, B: BorrowMut<S>> Service for Dispatcher<'_, S, B> {
    #[inline]
    fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> Answered {
        match self.chains.find(request.name) {
            Some(entry) => (entry.run)(self.state.borrow_mut(), &request.body, reply),
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
            assert!(!is_command_name(name), "{name}");
        }
        for name in ["OKAY", "ok", "ERROR", "MORES", "LC", "LC-x", "lc.x"] {
            assert!(is_command_name(name), "{name}");
        }
    }

    #[test]
    fn a_name_is_the_same_as_itself_alone() {
        for (one, other) in [("PIN", "PINS"), ("PINS", "PIN"), ("PIN", "PIM"), ("PIN", "")] {
            assert!(!is_same(one, other), "{one} {other}");
            assert!(is_same(one, one));
        }
    }

    #[test]
    fn names_fall_into_many_chains() {
        for prefix in ["", "LED-", "GET-TEMPERATURE."] {
            let mut chains = [0; 64];
            for n in 0..64 {
                let name = std::format!("{prefix}N{n}");
                chains[chain_of(hash(name.as_bytes()), chains.len())] += 1;
            }
            assert!(chains.iter().all(|names| *names <= 5), "{chains:?}");
        }
    }
}
