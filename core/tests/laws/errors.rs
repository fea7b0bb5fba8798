//! The text of errors: one line each, no two the same.

use linecard_core::blocking::{CallerError, ServeError};
use linecard_core::table::TableError;
use linecard_core::wire::EncodeError;
use linecard_core::{
    CallError, ChainFull, Code, DecodeError, Failed, Fault, InsertError, Refusal, RequestError,
};

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

#[test]
fn a_refusal_is_copied_with_other_strings() {
    let borrowed = Refusal { code: Code::Failed, name: "quota", message: "come back" };
    let owned = borrowed.map(str::to_owned);
    assert_eq!(owned.code, Code::Failed);
    assert_eq!((owned.name.as_str(), owned.message.as_str()), ("quota", "come back"));
    assert_eq!(owned.to_string(), borrowed.to_string());
}

#[test]
fn a_call_error_is_copied_with_other_strings() {
    let refusal = Refusal { code: Code::Stopping, name: "stopping", message: "bye" };
    for error in [
        CallError::Request(RequestError::Window),
        CallError::Refused(refusal),
        CallError::Disconnected(refusal),
        CallError::Closed(Fault::Desync),
        CallError::ReplyTooLarge { len: 70_000 },
        CallError::BadReply(DecodeError::Text),
        CallError::PassedOver,
    ] {
        let owned: CallError<String> = error.map(str::to_owned);
        assert_eq!(owned.to_string(), error.to_string());
        let back = match &owned {
            CallError::Request(error) => CallError::Request(*error),
            CallError::Refused(refusal) => CallError::Refused(borrow(refusal)),
            CallError::Disconnected(refusal) => CallError::Disconnected(borrow(refusal)),
            CallError::Closed(fault) => CallError::Closed(*fault),
            CallError::ReplyTooLarge { len } => CallError::ReplyTooLarge { len: *len },
            CallError::BadReply(error) => CallError::BadReply(*error),
            CallError::PassedOver => CallError::PassedOver,
        };
        assert_eq!(back, error, "the variant and its fields are the same");
    }
}

fn borrow(Refusal { code, name, message }: &Refusal<String>) -> Refusal<&str> {
    Refusal { code: *code, name, message }
}

/// The text says all, so that a report of the whole chain of sources says nothing twice.
#[test]
fn every_error_is_an_error_without_a_source() {
    let refusal = Refusal { code: Code::Failed, name: "failed", message: "" };
    let errors: [&dyn std::error::Error; 13] = [
        &refusal,
        &CallError::Refused(refusal),
        &CallError::<String>::Closed(Fault::End),
        &CallError::<&str>::Request(RequestError::NoRoom),
        &CallerError::<&str>::Call(CallError::Refused(refusal)),
        &ServeError::Io("gone"),
        &Fault::Order,
        &RequestError::Name,
        &DecodeError::Payload,
        &EncodeError::Value,
        &TableError::Full,
        &InsertError::Full,
        &ChainFull,
    ];
    for error in errors {
        assert!(error.source().is_none(), "{error}");
        assert!(!error.to_string().is_empty());
    }
    assert_eq!(Failed("too hot").to_string(), "too hot");
}
