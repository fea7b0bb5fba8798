//! What the macros declared, served.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use embedded_io_async::{ErrorType, Read, Write};
use linecard_core::asynch::{Timer, serve};
use linecard_core::{ClientSession, Empty, Instant, Limits, OutBuf, Postcard, Session, Text, pump};

use crate::accepted::{Add, Board, Reset, Served, TABLE, Waiting};

const LIMITS: Limits = Limits::DEVICE;

/// All replies to a connection's bytes.
fn replies(board: &mut Board, bytes: &[u8]) -> String {
    let now = Instant::from_millis(0);
    let mut session = Session::new(&LIMITS, now);
    let mut buf = vec![0; 4 * LIMITS.max_reply_frame_len()];
    let mut out = OutBuf::new(&mut buf);
    let (consumed, _want) = pump(&mut session, &mut TABLE.bind(board), now, bytes, false, &mut out);
    assert_eq!(consumed, bytes.len());
    out.written().escape_ascii().to_string()
}

#[test]
fn values_go_to_methods_and_come_back() {
    let mut board = Board::default();
    for (request, reply) in [
        ("GREET\nAda\n", "OK\\nHello Ada.\\n"),
        ("GREET\n\n", "ERR\\nfailed a name is missing\\n"),
        ("STORE 3\nabc\n", "OK 2\\nbc\\n"),
        ("STORE\nabc\n", "ERR\\nbad-payload\\n"),
        ("ADD 2\n\x02\x03\n", "OK 2\\n\\x00\\x05\\n"),
        ("BORROW 4\n\x02ab\x01\n", "OK 2\\n\\x01b\\n"),
        ("BORROW 4\n\x02ab\x03\n", "ERR\\nfailed too far\\n"),
        ("MIXED 1\n\x01\n", "OK\\nsome\\n"),
    ] {
        assert_eq!(replies(&mut board, request.as_bytes()), reply, "{request:?}");
    }
}

#[test]
fn nothing_is_a_line_or_a_count_of_none() {
    let mut board = Board::default();
    assert_eq!(replies(&mut board, b"RESET\n\nRESET 0\n\nRESET\n\r\n"), "OK\\n\\n".repeat(3));
    assert_eq!(board.resets, 3);
    assert_eq!(replies(&mut board, b"RESET\n \n"), "ERR\\nbad-payload\\n");
    assert_eq!(replies(&mut board, b"RESET 1\n\0\n"), "ERR\\nbad-payload\\n");
    assert_eq!(board.resets, 3);
    let mut client = ClientSession::<2>::new(200, 200);
    let mut buf = [0; 100];
    let mut out = OutBuf::new(&mut buf);
    client.call::<Reset>(&Empty, &mut out).unwrap();
    client.call::<Add>(&Postcard((1, 2)), &mut out).unwrap();
    assert_eq!(out.written(), b"RESET #0\n\nADD 2 #1\n\x01\x02\n");
}

/// The whole input at once, and a clock that stands still.
struct Memory<'b> {
    input: &'b [u8],
    output: Vec<u8>,
}

impl ErrorType for Memory<'_> {
    type Error = embedded_io::ErrorKind;
}

impl Read for Memory<'_> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Self::Error> {
        Read::read(&mut self.input, buf).await.map_err(|never| match never {})
    }
}

impl Write for Memory<'_> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
        self.output.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    async fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

struct Stopped;

impl Timer for Stopped {
    fn now(&self) -> Instant {
        Instant::from_millis(0)
    }

    fn until(&self, _: Instant) -> impl Future<Output = ()> {
        std::future::pending()
    }
}

#[test]
fn both_kinds_of_methods_are_served() {
    let mut waiting = Waiting::default();
    let mut io = Memory {
        input: b"GREET\nAda\nWAIT 1\n\x07\nWAIT-TEXT\nlong\nGREET\n\nNONE\n\n",
        output: Vec::new(),
    };
    let (mut rx, mut tx) = ([0; 3_000], [0; 3_000]);
    let mut service = Served::new(&mut waiting);
    let task = serve(&mut io, &LIMITS, &mut service, &mut rx, &mut tx, &Stopped);
    let outcome = pin!(task).poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!(outcome, Poll::Ready(Ok(())));
    assert_eq!(
        String::from_utf8_lossy(&io.output),
        "OK\nHello Ada.\nOK 1\n\x07\nOK\nlong\nERR\nfailed a name is missing\n\
         ERR\nunknown-command NONE\n"
    );
    assert_eq!(Text(&waiting.0.name), Text("Hello ."));
}
