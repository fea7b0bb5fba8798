//! What can be declared. A program too: the one among those of rejected/ that compiles.

#![allow(dead_code, missing_docs)]
#![allow(clippy::unused_self, reason = "a handler is a method")]

use linecard_core::{Failed, commands, serves};

commands! {
    /// Documented.
    pub(crate) Greet = "GREET": text => text;
    pub(crate) Store = "STORE": bytes => bytes;
    pub(crate) Reset = "RESET": empty => empty;
    pub(crate) Add = "ADD": (u8, u8) => Result<u8, ()>;
    pub(crate) Borrow = "BORROW": (&'i str, u8) => &'i str;
    pub(crate) Mixed = "MIXED": u8 => text;
    pub(crate) Wait = "WAIT": u8 => u8;
    pub(crate) WaitText = "WAIT-TEXT": text => text;
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Board {
    pub(crate) name: String,
    pub(crate) resets: usize,
}

impl Board {
    fn greet(&mut self, name: &str) -> Result<&str, Failed<'_>> {
        self.name = format!("Hello {name}.");
        if name.is_empty() { Err(Failed("a name is missing")) } else { Ok(&self.name) }
    }

    fn store<'a>(&'a mut self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.split_first().map_or(bytes, |(_, rest)| rest)
    }

    fn reset(&mut self, (): ()) {
        self.resets += 1;
    }

    fn add(&mut self, (one, other): (u8, u8)) -> Result<u8, ()> {
        one.checked_add(other).ok_or(())
    }

    fn borrow<'a>(&'a mut self, (text, from): (&'a str, u8)) -> Result<&'a str, Failed<'a>> {
        text.get(usize::from(from)..).ok_or(Failed("too far"))
    }

    fn mixed(&mut self, number: u8) -> &'static str {
        if number == 0 { "none" } else { "some" }
    }

    async fn wait(&mut self, number: u8) -> u8 {
        std::future::ready(number).await
    }

    async fn wait_text<'a>(&'a mut self, text: &'a str) -> Result<&'a str, Failed<'a>> {
        std::future::ready(Ok(text)).await
    }
}

serves!(
    Board, pub(crate) TABLE:
    Greet => greet, Store => store, Reset => reset, Add => add, Borrow => borrow, Mixed => mixed,
);

#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting(pub(crate) Board);

impl Waiting {
    fn greet(&mut self, name: &str) -> Result<&str, Failed<'_>> {
        self.0.greet(name)
    }

    async fn wait(&mut self, number: u8) -> u8 {
        self.0.wait(number).await
    }

    async fn wait_text<'a>(&'a mut self, text: &'a str) -> Result<&'a str, Failed<'a>> {
        self.0.wait_text(text).await
    }
}

serves!(
    async Waiting,
    /// Documented.
    pub(crate) Served:
    Greet => greet, async Wait => wait, async WaitText => wait_text,
);

fn main() {
    let _service = TABLE.bind(Board::default());
    let _owned = Served::new(Waiting::default());
    let _lent = Served::new(&mut Waiting::default());
}
