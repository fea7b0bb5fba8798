//! The text of errors: one line each, no two the same.

use linecard_core::blocking::CallerError;
use linecard_core::table::TableError;
use linecard_core::{CallError, Code, DecodeError, Fault, Refusal, RequestError};

#[test]
fn errors_have_readable_text() {
    let no = Refusal { code: Code::Failed, name: "quota", message: "come back" };
    assert_eq!(no.to_string(), "quota come back");
    assert_eq!(Refusal { message: "", ..no }.to_string(), "quota");
    let texts = [
        (CallerError::Io("gone"), "the connection failed: gone"),
        (
            CallerError::Call(CallError::Disconnected(no)),
            "the server closed the connection: quota come back",
        ),
        (CallerError::Call(CallError::Refused(no)), "quota come back"),
        (
            CallerError::Call(CallError::ReplyTooLarge { len: 7 }),
            "the reply of 7 bytes is too large",
        ),
        (CallerError::Call(CallError::BadReply(DecodeError::Text)), "the reply is not UTF-8 text"),
        (
            CallerError::Call(CallError::BadReply(DecodeError::Payload)),
            "the reply is not a value of the command's type",
        ),
        (
            CallerError::Call(CallError::Request(RequestError::Window)),
            "too many calls without a reply",
        ),
        (CallerError::Call(CallError::Closed(Fault::Order)), "the server answered out of order"),
    ];
    for (error, words) in texts {
        assert_eq!(error.to_string(), words);
    }
}

#[test]
fn no_two_errors_have_the_same_text() {
    let mut all: Vec<String> = Vec::new();
    let calls = [
        RequestError::Name,
        RequestError::Window,
        RequestError::NoRoom,
        RequestError::Value,
        RequestError::Closed,
    ];
    let faults = [Fault::End, Fault::Truncated, Fault::Grammar, Fault::Desync, Fault::Order];
    all.extend(calls.map(|error| error.to_string()));
    all.extend(faults.map(|fault| fault.to_string()));
    all.extend([DecodeError::Payload, DecodeError::Text].map(|error| error.to_string()));
    all.extend([TableError::Full, TableError::Taken].map(|error| error.to_string()));
    all.extend(Code::ALL.map(|code| code.to_string()));
    let alone: [CallerError<'_, &str>; 2] =
        [CallerError::WriteZero, CallerError::Call(CallError::PassedOver)];
    all.extend(alone.map(|error| error.to_string()));
    assert!(all.iter().all(|words| !words.is_empty() && !words.contains('\n')), "{all:?}");
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count, "{all:?}");
}
