//! `linecard call`: calls one command, and prints the reply's body.

use std::fs;
use std::io::{self, IsTerminal, Write};

use linecard_demo::{Complex, ComplexCommand, StringCommand};
use linecard_std::protocol::{Body, Bytes, Command, Postcard, Text};
use linecard_std::{Client, ClientConfig, Error};

use crate::outcome::Outcome;
use crate::{cli, printable};

/// The longest body of a reply that is accepted, in bytes.
const MAX_REPLY_LEN: u32 = 1_048_576;

pub(crate) fn run(options: &cli::Call) -> Outcome {
    let payload = options.payload.as_ref().map(|path| {
        fs::read(path).map_err(|error| format!("can't read {}: {error}", path.display()))
    });
    let payload = payload.transpose()?;
    let request_len =
        payload.as_ref().map_or(0, Vec::len).max(options.text.as_ref().map_or(0, String::len));
    let mut client = Client::connect_with(&options.address, &config(options, request_len))?;
    let named = |error: Error| format!("{}: {error}", options.address);
    let text = options.text.as_deref();
    match (&payload, options.name.as_str()) {
        (Some(bytes), name) => print(client.call_named(name, &Bytes(bytes)).map_err(named)?),
        (None, ComplexCommand::NAME) if text.is_none() => complex(&mut client, named),
        (None, StringCommand::NAME) => {
            let text = Text(text.unwrap_or_default());
            let reply = client.call::<StringCommand>(&text).map_err(named)?;
            print(Body::Line(reply.0.as_bytes()))
        }
        (None, name) => {
            let text = Text(text.unwrap_or_default());
            print(client.call_named(name, &text).map_err(named)?)
        }
    }
}

fn config(options: &cli::Call, max_request_len: usize) -> ClientConfig {
    ClientConfig {
        connect_timeout: options.timeout,
        call_timeout: options.timeout,
        max_reply_len: MAX_REPLY_LEN,
        max_request_len: u32::try_from(max_request_len).unwrap_or(u32::MAX).max(4_096),
    }
}

/// Sends the demo's nested struct. The reply must be the same value.
fn complex(client: &mut Client, named: impl Fn(Error) -> String) -> Outcome {
    let sent = Complex::sample();
    let levels = sent.levels().map_err(|_| "the demo's struct is beyond its own limits")?;
    let reply = client.call::<ComplexCommand>(&Postcard(levels)).map_err(named)?;
    let got = Complex::from(reply.0);
    if got != sent {
        return Err("the reply is not the struct that was sent".into());
    }
    Ok(writeln!(io::stdout(), "{got}")?)
}

/// Prints the body as it came, a line with its LF. On a terminal, what could control it is escaped.
fn print(body: Body<'_>) -> Outcome {
    let mut stdout = io::stdout().lock();
    if stdout.is_terminal() {
        stdout.write_all(printable::lines(body.bytes()).as_bytes())?;
    } else {
        stdout.write_all(body.bytes())?;
    }
    if matches!(body, Body::Line(_)) {
        stdout.write_all(b"\n")?;
    }
    Ok(stdout.flush()?)
}
