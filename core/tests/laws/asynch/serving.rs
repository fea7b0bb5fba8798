//! The async front must do with a script what the blocking front does.

use std::convert::Infallible;

use embedded_io::ErrorKind;
use linecard_core::asynch::{AsyncService, Batched, Connection, Immediate, ServeError, Timer};

use super::handlers::Waiting;
use super::stream::{Pends, Stream, poll_for};
use crate::blocking::Script;
use crate::support::{MAX_ROUNDS, SMALL, TestService};

/// How many polls the operations of streams are pending.
const PENDS: [Pends; 4] = [&[0], &[1], &[0, 1, 2], &[3, 0, 0, 1, 0]];

type Outcome = Result<(), ServeError<ErrorKind>>;

/// How a front is driven.
#[derive(Clone, Copy, Debug)]
struct Way {
    /// Over two halves.
    split: bool,
    /// For a link.
    link: bool,
    /// Polls until the future is dropped and a new one made.
    polls: usize,
    /// Bytes beyond the smallest size, in both buffers.
    spare: usize,
}

const WAYS: [Way; 6] = {
    let whole = Way { split: false, link: false, polls: MAX_ROUNDS, spare: 0 };
    let split = Way { split: true, ..whole };
    [
        whole,
        Way { spare: 10_000, ..whole },
        Way { polls: 1, ..whole },
        split,
        Way { polls: 1, ..split },
        Way { polls: 2, spare: 70, ..split },
    ]
};

/// Serves a stream to its end, with as many futures as that takes.
fn served(io: &mut Stream, service: &mut impl AsyncService, way: Way) -> Outcome {
    let clock = io.clock();
    let mut rx = vec![0; SMALL.max_request_frame_len() + way.spare];
    let mut tx = vec![0; SMALL.max_reply_frame_len() + way.spare];
    let mut connection = Connection::new(&SMALL, clock.now(), &mut rx, &mut tx)?;
    let mut other = io.half();
    let never = |outcome: Result<Infallible, _>| outcome.map(|never| match never {});
    for _future in 0..MAX_ROUNDS {
        let outcome = match (way.split, way.link) {
            (false, false) => poll_for(connection.serve(io, service, &clock), way.polls),
            (true, false) => {
                poll_for(connection.serve_split(io, &mut other, service, &clock), way.polls)
            }
            (false, true) => {
                poll_for(connection.serve_link(io, service, &clock), way.polls).map(never)
            }
            (true, true) => {
                poll_for(connection.serve_link_split(io, &mut other, service, &clock), way.polls)
                    .map(never)
            }
        };
        if let Some(outcome) = outcome {
            return outcome;
        }
    }
    panic!("it never ends")
}

/// Checks that the async front does with a script what the blocking front did.
pub(crate) fn serves_alike(script: &Script, outcome: Outcome, written: &[u8]) {
    for way in WAYS.into_iter().filter(|way| !way.split || !script.depends_on_order()) {
        for pends in PENDS {
            let mut io = Stream::new(script, pends);
            let check = |io: &Stream, name: &str, got: Outcome| {
                let note = format!("{name}, {way:?}, {pends:?}");
                assert_eq!(got, outcome, "{note}");
                assert_eq!(
                    io.written().escape_ascii().to_string(),
                    written.escape_ascii().to_string(),
                    "{note}"
                );
                assert!(outcome.is_err() || io.is_flushed(), "{note}");
            };
            let got = served(&mut io, &mut Immediate(TestService::default()), way);
            check(&io, "at once", got);
            // A handler that waits longer than its future lives would never finish.
            let polls = if way.polls == MAX_ROUNDS { 2 } else { 0 };
            io = Stream::new(script, pends);
            let got = served(&mut io, &mut Waiting::of(polls), way);
            check(&io, "early replies", got);
            io = Stream::new(script, pends);
            let got = served(&mut io, &mut Batched(Waiting::of(polls)), way);
            check(&io, "batched replies", got);
        }
    }
}

/// The same check for a link.
pub(crate) fn serves_link_alike(script: &Script, written: &[u8], log: &[String]) {
    for way in WAYS {
        for pends in PENDS {
            let mut io = Stream::new(script, pends);
            let mut service = Immediate(TestService::default());
            let outcome = served(&mut io, &mut service, Way { link: true, ..way });
            assert_eq!(outcome, Err(ServeError::Ended), "{way:?}, {pends:?}");
            assert_eq!(io.written(), written, "{way:?}, {pends:?}");
            assert_eq!(service.0.log, log, "{way:?}, {pends:?}");
        }
    }
}
