//! Dispatch among 1 and among 64 handlers: one whole request like STRING each.

use std::hint::black_box;

use linecard_core::{
    Command, Failed, Handler, Instant, Limits, OutBuf, Session, Table, Text, pump,
};

use crate::Piece;

pub(crate) const PIECES: &[Piece] = &[
    Piece { name: "dispatch: of 1 handler", run: |count| dispatch::<1>(count) },
    Piece { name: "dispatch: of 64 handlers", run: |count| dispatch::<64>(count) },
];

struct State;

/// One of 64 commands.
struct Numbered<const N: usize>;

impl<const N: usize> Command for Numbered<N> {
    const NAME: &'static str = NAMES[N];
    type Request<'i> = Text<'i>;
    type Reply<'i> = Text<'i>;
}

impl<const N: usize> Handler<Numbered<N>> for State {
    fn handle<'a>(&'a mut self, _text: Text<'a>) -> Result<Text<'a>, Failed<'a>> {
        Ok(Text("Thank you."))
    }
}

macro_rules! numbered {
    ($($n:literal)*) => {
        const NAMES: [&str; 64] = [$(concat!("READ-", stringify!($n))),*];

        fn fill<const N: usize>(table: &mut Table<State, N>) {
            $(let _until_full = table.insert_command::<Numbered<{ $n - 10 }>>();)*
        }
    };
}

// Two digits each, so that all requests have the same length.
numbered!(10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39
    40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64 65 66 67 68 69 70 71
    72 73);

/// Sends `count` requests, to each handler in turn.
fn dispatch<const N: usize>(count: u64) {
    let limits = Limits::DESKTOP;
    let mut tx = vec![0; 2 * limits.max_reply_frame_len()];
    let mut table = Table::<State, N>::new();
    fill(&mut table);
    let requests = NAMES[..N].iter().flat_map(|name| [*name, "\nAdditional data.\n"]);
    let input = requests.collect::<String>().repeat(64 / N);
    let mut service = table.bind(State);
    let mut session = Session::new(&limits, Instant::from_millis(0));
    for _ in 0..count / 64 {
        let mut out = OutBuf::new(&mut tx);
        let input = black_box(input.as_bytes());
        let (consumed, _want) =
            pump(&mut session, &mut service, Instant::from_millis(1), input, false, &mut out);
        assert_eq!(consumed, input.len());
        assert_eq!(out.written().len(), 64 * "OK\nThank you.\n".len());
    }
}
