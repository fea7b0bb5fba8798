//! The bytes of a load: those of a demo command, or of files.

use std::fs;
use std::path::Path;

use linecard_demo::{Complex, ComplexCommand, Demo, table};
use linecard_std::protocol::{
    ClientSession, Frame, Instant, Limits, OutBuf, Postcard, Session, pump,
};

use super::options::{Command, Options};
use crate::load::{Exchange, Expected};

/// No frame of the demo commands is longer, in bytes.
const MAX_FRAME_LEN: usize = 4_096;

/// What the options ask for.
pub(super) fn exchange(options: &Options) -> Result<Exchange, String> {
    match (&options.raw_requests, &options.raw_replies) {
        (Some(requests), Some(replies)) => {
            let expected = if options.raw_lengths { Expected::Lengths } else { Expected::Bytes };
            Exchange::new(&read(requests)?, &read(replies)?, options.raw_count.get(), expected)
        }
        _ => of_command(options.command, options.size),
    }
}

/// The expected reply is what the demo server answers here, in this process.
fn of_command(command: Command, size: Option<u32>) -> Result<Exchange, String> {
    let request = match (command, size) {
        (Command::String, Some(size)) => text(size),
        (Command::String, None) => b"STRING\nAdditional data.\n".to_vec(),
        (Command::Complex, None) => complex()?,
        (Command::Complex, Some(_)) => return Err("--size is for STRING alone".to_owned()),
    };
    let limits = Limits { max_body_len: u32::MAX, ..Limits::DEVICE };
    let mut bytes = vec![0; limits.max_reply_frame_len()];
    let mut out = OutBuf::new(&mut bytes);
    let now = Instant::from_millis(0);
    let mut session = Session::new(&limits, now);
    let _waits = pump(&mut session, &mut table().bind(Demo), now, &request, false, &mut out);
    let (reply, _) = Frame::parse(out.written()).ok_or("no reply to compare with")?;
    let expected = Expected::Body(reply.body.bytes().to_vec());
    Exchange::new(&request, out.written(), 1, expected)
}

/// A request with a text of `size` bytes, counted.
fn text(size: u32) -> Vec<u8> {
    let body = vec![b'x'; usize::try_from(size).unwrap_or(usize::MAX)];
    [format!("STRING {size}\n").as_bytes(), &body, b"\n"].concat()
}

/// A request with the demo's nested struct. A client would add a tag. Here all requests are alike,
/// and have none.
fn complex() -> Result<Vec<u8>, String> {
    let value = Complex::sample();
    let levels = value.levels().map_err(|_| "the demo's struct is beyond its own limits")?;
    let mut bytes = [0; MAX_FRAME_LEN];
    let mut out = OutBuf::new(&mut bytes);
    let tagged = ClientSession::<1>::new(0, 0).call::<ComplexCommand>(&Postcard(levels), &mut out);
    let frame = tagged.ok().and_then(|_tag| Frame::parse(out.written()));
    let (frame, _) = frame.ok_or("the demo's struct can't be encoded")?;
    let body = frame.body.bytes();
    let head = format!("{} {}\n", frame.name, body.len());
    Ok([head.as_bytes(), body, b"\n"].concat())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("can't read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes that docs/PROTOCOL.md §9 states.
    #[test]
    fn frames_have_the_lengths_that_the_protocol_states() {
        for (command, lens) in [(Command::String, (24, 14)), (Command::Complex, (99, 94))] {
            assert_eq!(of_command(command, None).unwrap().frame_lens(), lens);
        }
    }

    #[test]
    fn a_text_has_the_length_that_was_asked_for() {
        for (size, len) in [(0, 10), (1, 11), (60_000, 60_014), (20_000_000, 20_000_017)] {
            let exchange = of_command(Command::String, Some(size)).unwrap();
            assert_eq!(exchange.frame_lens(), (len, 14));
        }
    }
}
