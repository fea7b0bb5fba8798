//! Typed handlers by name. A body that is not a value of the command's type never reaches one.

use linecard_core::table::{Entry, TableError};
use linecard_core::{
    Bytes, Command, Failed, Frame, Handler, Instant, Limits, OutBuf, Postcard, Service as _,
    Session, Step, Table, Text,
};

use crate::support::{SMALL, Server};

macro_rules! commands {
    ($($name:ident $wire:literal $request:ty => $reply:ty),* $(,)?) => {$(
        struct $name;
        impl Command for $name {
            const NAME: &'static str = $wire;
            type Request<'i> = $request;
            type Reply<'i> = $reply;
        }
    )*};
}

commands! {
    Add "ADD" Postcard<i32> => Postcard<i64>,
    Note "NOTE" Text<'i> => Text<'i>,
    Block "BLOCK" Bytes<'i> => Bytes<'i>,
}

#[derive(Clone, Default)]
struct Board {
    sum: i64,
    calls: usize,
}

impl Handler<Add> for Board {
    fn handle(&mut self, Postcard(n): Postcard<i32>) -> Result<Postcard<i64>, Failed<'_>> {
        self.calls += 1;
        self.sum += i64::from(n);
        if n == 0 { Err(Failed("nothing\nto add")) } else { Ok(Postcard(self.sum)) }
    }
}

impl Handler<Note> for Board {
    fn handle<'a>(&'a mut self, text: Text<'a>) -> Result<Text<'a>, Failed<'a>> {
        self.calls += 1;
        Ok(text)
    }
}

impl Handler<Block> for Board {
    fn handle<'a>(&'a mut self, bytes: Bytes<'a>) -> Result<Bytes<'a>, Failed<'a>> {
        self.calls += 1;
        Ok(bytes)
    }
}

fn table() -> Table<Board, 3> {
    let mut table = Table::default();
    assert_eq!(table.insert_command::<Note>(), Ok(()));
    assert_eq!(table.insert(Entry::of::<Add>()), Ok(()));
    assert_eq!(table.insert_command::<Block>(), Ok(()));
    table
}

/// What is sent for `bytes`, and how many handlers ran.
fn answer(bytes: &[u8]) -> (Vec<u8>, usize) {
    let table = table();
    let mut board = Board::default();
    let mut session = Session::new(&SMALL, Instant::from_millis(0));
    let mut buf = vec![0; 1_000];
    let mut out = OutBuf::new(&mut buf);
    let service = &mut table.bind(&mut board);
    let (consumed, _) =
        linecard_core::pump(&mut session, service, Instant::from_millis(0), bytes, false, &mut out);
    assert_eq!(consumed, bytes.len());
    let sent = out.written().to_vec();
    (sent, board.calls)
}

#[test]
fn handlers_get_and_return_typed_values() {
    assert_eq!(answer(b"ADD 1 #1\n\x06\n"), (b"OK 1 #1\n\x06\n".to_vec(), 1));
    assert_eq!(answer(b"NOTE\nhi\n"), (b"OK\nhi\n".to_vec(), 1));
    assert_eq!(answer(b"NOTE 2\nhi\n"), (b"OK\nhi\n".to_vec(), 1));
    assert_eq!(answer(b"BLOCK 2\n\n\xff\n"), (b"OK 2\n\n\xff\n".to_vec(), 1));
}

#[test]
fn a_body_that_is_not_exactly_one_value_reaches_no_handler() {
    let bad: [&[u8]; 7] = [
        b"ADD 0\n\n",
        b"ADD 2\n\x06\x06\n",
        b"ADD 1\n\x80\n",
        b"ADD 5\n\xff\xff\xff\xff\x1f\n",
        b"ADD 6\n\x80\x80\x80\x80\x80\x00\n",
        b"ADD\n\x06\n",
        b"BLOCK\nhi\n",
    ];
    for bytes in bad {
        assert_eq!(answer(bytes), (b"ERR\nbad-payload\n".to_vec(), 0), "{bytes:?}");
    }
    assert_eq!(answer(b"NOTE\n\xff\n"), (b"ERR\nbad-text\n".to_vec(), 0));
    assert_eq!(answer(b"NOTE 2\n\xc3(\n"), (b"ERR\nbad-text\n".to_vec(), 0));
}

#[test]
fn longer_varints_are_accepted_and_the_shortest_sent() {
    assert_eq!(answer(b"ADD 5\n\x86\x80\x80\x80\x00\n"), (b"OK 1\n\x06\n".to_vec(), 1));
}

#[test]
fn a_handler_may_fail() {
    assert_eq!(answer(b"ADD 1 #2\n\0\n"), (b"ERR #2\nfailed nothing?to add\n".to_vec(), 1));
}

#[test]
fn names_match_whole_and_case_sensitively() {
    for name in ["A", "ADDD", "add", "BLOC", "NOTES", "Z", "OK"] {
        let expected = format!("ERR\nunknown-command {name}\n").into_bytes();
        assert_eq!(answer(format!("{name}\nx\n").as_bytes()), (expected, 0));
    }
}

#[test]
fn names_with_the_same_hash_are_distinguished() {
    // A bit of one letter cancels a bit of the next one in the hash.
    assert_eq!(answer(b"OoTE\nx\n"), (b"ERR\nunknown-command OoTE\n".to_vec(), 0));
}

#[test]
fn a_cloned_dispatcher_has_its_own_state() {
    let table = table();
    let first = table.bind(Board::default());
    let mut server = Server::with(&SMALL, first.clone());
    server.feed(b"ADD 1\n\x06\nADD 1\n\x06\n");
    assert_eq!(server.feed(b"ADD 1\n\x06\n").as_bytes(), b"OK 1\n\x12\n");
    let mut server = Server::with(&SMALL, first);
    assert_eq!(server.feed(b"ADD 1\n\x06\n").as_bytes(), b"OK 1\n\x06\n");
}

#[test]
fn a_table_refuses_a_name_twice_and_more_than_its_capacity() {
    let mut small = Table::<Board, 2>::new();
    assert_eq!(small.insert_command::<Note>(), Ok(()));
    assert_eq!(small.insert_command::<Note>(), Err(TableError::Taken));
    assert_eq!(small.insert_command::<Add>(), Ok(()));
    assert_eq!(small.insert_command::<Block>(), Err(TableError::Full));
    assert_eq!(small.insert_command::<Add>(), Err(TableError::Taken));
    assert_eq!(format!("{:?}", Entry::<Board>::of::<Add>()), "ADD");
    assert_eq!(TableError::Full.to_string(), "the handler table is full");
    assert_eq!(TableError::Taken.to_string(), "the handler table has a command of that name");
    let mut server = Server::with(&SMALL, small.bind(Board::default()));
    assert_eq!(server.feed("NOTE\na\nBLOCK 1\nb\n"), "OK\na\nERR\nunknown-command BLOCK\n");
}

#[test]
fn an_empty_table_has_no_commands() {
    let table = Table::<Board, 0>::new();
    let mut server = Server::with(&SMALL, table.bind(Board::default()));
    assert_eq!(server.feed("NOTE\na\n"), "ERR\nunknown-command NOTE\n");
}

/// The commands `C00` to `C63`.
struct Numbered<const N: usize>;

const fn numbered(n: usize) -> [u8; 3] {
    const DIGITS: &[u8; 10] = b"0123456789";
    [b'C', DIGITS[n / 10], DIGITS[n % 10]]
}

struct Name<const N: usize>;

impl<const N: usize> Name<N> {
    const BYTES: [u8; 3] = numbered(N);
    const TEXT: &'static str = match std::str::from_utf8(&Self::BYTES) {
        Ok(text) => text,
        Err(_) => panic!("ASCII"),
    };
}

impl<const N: usize> Command for Numbered<N> {
    const NAME: &'static str = Name::<N>::TEXT;
    type Request<'i> = Text<'i>;
    type Reply<'i> = Postcard<usize>;
}

struct Counting;

impl<const N: usize> Handler<Numbered<N>> for Counting {
    fn handle<'a>(&'a mut self, _text: Text<'a>) -> Result<Postcard<usize>, Failed<'a>> {
        Ok(Postcard(N))
    }
}

macro_rules! insert_all {
    ($table:ident: $($n:literal)*) => {
        $(assert_eq!($table.insert_command::<Numbered<$n>>(), Ok(()));)*
    };
}

#[test]
fn each_of_sixty_four_handlers_is_found() {
    let mut table = Table::<Counting, 64>::new();
    insert_all!(table: 31 7 55 0 63 12 48 22 40 3 61 9 18 27 36 45 54 62 1 10 19 28 37 46
        2 11 20 29 38 47 56 4 13 21 30 39 57 5 14 23 32 41 50 58 6 15 24 33 42 51 59
        8 16 25 34 43 52 60 17 26 35 44 53 49);
    assert_eq!(table.insert_command::<Numbered<64>>(), Err(TableError::Full));
    let mut server = Server::with(&SMALL, table.bind(Counting));
    for n in 0..64_u8 {
        let sent = server.feed(format!("C{n:02}\n\n"));
        assert_eq!(sent.as_bytes(), [b"OK 1\n", &[n][..], b"\n"].concat());
    }
    assert_eq!(server.feed("C64\n\n"), "ERR\nunknown-command C64\n");
}

#[test]
fn a_service_can_be_called_without_a_pump() {
    let table = table();
    let mut board = Board::default();
    let limits = Limits::DEVICE;
    let mut session = Session::new(&limits, Instant::from_millis(0));
    let mut buf = vec![0; limits.max_reply_frame_len()];
    let mut out = OutBuf::new(&mut buf);
    let (_, step) = session.step(Instant::from_millis(0), b"NOTE\nhi\n", false, &mut out);
    let Step::Request(request) = step else { panic!("{step:?}") };
    let _: Frame<'_> = request;
    assert_eq!(table.bind(&mut board).call(&request, session.reply(&mut out)).code(), None);
    assert_eq!(out.written(), b"OK\nhi\n");
}
