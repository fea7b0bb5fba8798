//! What is sent, and what should come back.

use std::fs;
use std::path::Path;

use linecard_demo::{Complex, ComplexCommand, Demo, table};
use linecard_std::protocol::{
    ClientSession, Frame, Instant, Limits, OutBuf, Postcard, Session, pump,
};

use super::cycle::Cycle;
use super::options::{Command, Options};

/// Both directions of a connection.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) requests: Cycle,
    pub(super) replies: Cycle,
    /// The body of every reply, where they are Linecard's: one that is framed otherwise is right too.
    pub(super) body: Option<Vec<u8>>,
    /// Whatever has the length of a reply is one.
    pub(super) lengths_alone: bool,
}

/// No frame of the demo commands is longer.
const FRAME_CAP: usize = 4_096;

impl Exchange {
    pub(super) fn of(options: &Options) -> Result<Self, String> {
        match (&options.raw_requests, &options.raw_replies) {
            (Some(requests), Some(replies)) => {
                let count = options.raw_count.get();
                let requests = cycle(&read(requests)?, count)?;
                let replies = cycle(&read(replies)?, count)?;
                Ok(Self { requests, replies, body: None, lengths_alone: options.raw_lengths })
            }
            _ => Self::of_command(options.command),
        }
    }

    /// What the demo server, asked here and now, answers.
    fn of_command(command: Command) -> Result<Self, String> {
        let request = match command {
            Command::String => b"STRING\nAdditional data.\n".to_vec(),
            Command::Complex => complex()?,
        };
        let limits = Limits::DEVICE;
        let mut bytes = vec![0; limits.max_reply_frame_len()];
        let mut out = OutBuf::new(&mut bytes);
        let mut session = Session::new(&limits, Instant::from_millis(0));
        let _waits = pump(
            &mut session,
            &mut table().bind(Demo),
            Instant::from_millis(0),
            &request,
            false,
            &mut out,
        );
        let (reply, _) = Frame::parse(out.written()).ok_or("no reply to compare with")?;
        let body = Some(reply.body.bytes().to_vec());
        Ok(Self {
            requests: cycle(&request, 1)?,
            replies: cycle(out.written(), 1)?,
            body,
            lengths_alone: false,
        })
    }
}

/// The article's struct. A client's requests have a tag; these are all alike, and have none.
fn complex() -> Result<Vec<u8>, String> {
    let value = Complex::article();
    let levels = value.levels().map_err(|_| "the article's struct is beyond its own limits")?;
    let mut bytes = [0; FRAME_CAP];
    let mut out = OutBuf::new(&mut bytes);
    let tagged = ClientSession::<1>::new(0, 0).call::<ComplexCommand>(&Postcard(levels), &mut out);
    let frame = tagged.ok().and_then(|_tag| Frame::parse(out.written()));
    let (frame, _) = frame.ok_or("the article's struct can't be encoded")?;
    let body = frame.body.bytes();
    let head = format!("{} {}\n", frame.name, body.len());
    Ok([head.as_bytes(), body, b"\n"].concat())
}

fn cycle(frames: &[u8], count: usize) -> Result<Cycle, String> {
    let unequal = || format!("{} bytes are not {count} frames of one length", frames.len());
    Cycle::new(frames, count).ok_or_else(unequal)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("can't read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exchanges_have_the_sizes_that_are_compared_with() {
        for (command, request_len, reply_len) in
            [(Command::String, 24, 14), (Command::Complex, 99, 94)]
        {
            let exchange = Exchange::of_command(command).unwrap();
            assert_eq!(exchange.requests.frame_len(), request_len);
            assert_eq!(exchange.replies.frame_len(), reply_len);
        }
    }
}
