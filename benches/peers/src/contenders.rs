//! The servers that are compared, and the bytes that they exchange.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use linecard_demo::Complex;

use crate::Failure;
use crate::process::{Start, is_installed};

/// The kind of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// A short text in, a short text out.
    String,
    /// The recursive struct in and, if the server supports it, out.
    Struct,
}

impl Message {
    pub(crate) const BOTH: [Self; 2] = [Self::String, Self::Struct];

    pub(crate) const fn command(self) -> &'static str {
        match self {
            Self::String => "STRING",
            Self::Struct => "COMPLEX",
        }
    }
}

/// One server with one message.
#[derive(Debug)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) message: Message,
    pub(crate) start: Start,
    /// Files of `count` requests and of their replies.
    pub(crate) requests: PathBuf,
    pub(crate) replies: PathBuf,
    pub(crate) request_len: usize,
    pub(crate) reply_len: usize,
    /// Replies come in the order of the requests.
    pub(crate) in_order: bool,
    /// Requests in the file.
    pub(crate) count: usize,
}

/// Requests in a file: as many as are in flight at most, so that tarpc's ids are unique.
pub(crate) const CYCLE: usize = 64;

/// The directories of programs and of generated files.
#[derive(Debug)]
pub(crate) struct Dirs {
    pub(crate) programs: PathBuf,
    pub(crate) files: PathBuf,
}

pub(crate) const RAW_EPOLL: &str = "raw echo, epoll (mio)";
pub(crate) const LINECARD: &str = "**linecard**";
const RAW_BLOCKING: &str = "raw echo, blocking";
const ARTICLE: &str = "Go, the article's program";
const REDIS: &str = "redis";
const MEMCACHED: &str = "memcached -t 1";
const TOKIO: &str = "tokio, length-delimited, postcard";
const TARPC: &str = "tarpc, bincode";

/// All servers that are installed. Those that are not are named on standard error.
pub(crate) fn all(dirs: &Dirs, only: &[String]) -> Result<Vec<Contender>, Failure> {
    let mut all = Vec::new();
    for message in Message::BOTH {
        let ours = linecard_frames(message)?;
        all.push(dirs.contender(RAW_EPOLL, message, &ours, |c| dirs.raw("epoll", c))?);
        all.push(dirs.contender(LINECARD, message, &ours, |_| dirs.linecard(&[]))?);
        all.push(dirs.contender(RAW_BLOCKING, message, &ours, |c| dirs.raw("blocking", c))?);
        for (name, program) in [(TOKIO, "tokio"), (TARPC, "tarpc"), (ARTICLE, "article")] {
            if dirs.programs.join(program).is_file() {
                all.push(dirs.own(name, program, message)?);
            } else if message == Message::String {
                eprintln!("skipped: {name}: Go is not installed");
            }
        }
    }
    for (name, program, start, frames) in stores(STORED_LEN, false) {
        if is_installed(program) {
            all.push(dirs.contender(name, Message::String, &frames, |_| start)?);
        } else {
            eprintln!("skipped: {name}: {program} is not installed");
        }
    }
    let wanted = |name: &str| {
        name == RAW_EPOLL || only.is_empty() || only.iter().any(|only| name.contains(only.as_str()))
    };
    all.retain(|contender| wanted(contender.name));
    Ok(all)
}

/// A request and its reply.
pub(crate) type Frames = (Vec<u8>, Vec<u8>);

fn linecard_frames(message: Message) -> Result<Frames, Failure> {
    if message == Message::String {
        return Ok((b"STRING\nAdditional data.\n".to_vec(), b"OK\nThank you.\n".to_vec()));
    }
    let body = postcard::to_stdvec(&Complex::sample())?;
    let frame = |name| [format!("{name} {}\n", body.len()).as_bytes(), &body[..], b"\n"].concat();
    Ok((frame("COMPLEX"), frame("OK")))
}

/// The length of a short text.
const STORED_LEN: usize = "Additional data.".len();

/// Key-value stores: a value of so many bytes is stored or, if `read`, read.
fn stores(len: usize, read: bool) -> [(&'static str, &'static str, Start, Frames); 2] {
    let redis = "redis-server --bind 127.0.0.1 --port PORT --save  --appendonly no \
                 --tcp-backlog 4096 --maxclients 12000";
    let memcached = "memcached -u nobody -t 1 -l 127.0.0.1 -p PORT -b 4096 -c 12000";
    let start = |line: &str| Start {
        argv: line.split(' ').map(OsString::from).collect(),
        announces: false,
    };
    let body = "x".repeat(len);
    let (resp, text) = if read {
        let resp = ("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n".into(), format!("${len}\r\n{body}\r\n"));
        (resp, ("get k\r\n".into(), format!("VALUE k 0 {len}\r\n{body}\r\nEND\r\n")))
    } else {
        let resp = format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${len}\r\n{body}\r\n");
        ((resp, "+OK\r\n".into()), (format!("set k 0 0 {len}\r\n{body}\r\n"), "STORED\r\n".into()))
    };
    let bytes = |(request, reply): (String, String)| (request.into(), reply.into());
    [
        (REDIS, "redis-server", start(redis), bytes(resp)),
        (MEMCACHED, "memcached", start(memcached), bytes(text)),
    ]
}

/// Those that are installed.
pub(crate) fn stores_of(len: usize, read: bool) -> Vec<(&'static str, Start, Frames)> {
    let installed = stores(len, read).into_iter().filter(|(_, program, ..)| is_installed(program));
    installed.map(|(name, _, start, frames)| (name, start, frames)).collect()
}

impl Dirs {
    fn program(&self, name: &str) -> OsString {
        self.programs.join(name).into()
    }

    pub(crate) fn linecard(&self, options: &[&str]) -> Start {
        let mut argv = vec![self.program("linecard")];
        argv.extend(["serve", "--listen", "127.0.0.1:0"].map(OsString::from));
        argv.extend(options.iter().map(OsString::from));
        Start { argv, announces: true }
    }

    /// A program of this package.
    pub(crate) fn own_server(&self, program: &str, args: &[&str]) -> Start {
        let mut argv = vec![self.program(program)];
        argv.extend(args.iter().map(OsString::from));
        Start { argv, announces: true }
    }

    pub(crate) fn raw(&self, mode: &str, contender: &Contender) -> Start {
        let argv = vec![
            self.program("raw"),
            mode.into(),
            contender.request_len.to_string().into(),
            one_reply(contender).into(),
        ];
        Start { argv, announces: true }
    }

    fn contender(
        &self,
        name: &'static str,
        message: Message,
        (request, reply): &Frames,
        start: impl FnOnce(&Contender) -> Start,
    ) -> Result<Contender, Failure> {
        let mut contender = self.empty(name, message);
        fs::write(&contender.requests, request.repeat(CYCLE))?;
        fs::write(&contender.replies, reply.repeat(CYCLE))?;
        fs::write(one_reply(&contender), reply)?;
        (contender.request_len, contender.reply_len) = (request.len(), reply.len());
        contender.start = start(&contender);
        Ok(contender)
    }

    /// A program of this package. It generates its own frames.
    fn own(
        &self,
        name: &'static str,
        program: &str,
        message: Message,
    ) -> Result<Contender, Failure> {
        let mut contender = self.empty(name, message);
        let status = Command::new(self.program(program))
            .args(["frames", message.command(), &CYCLE.to_string()])
            .args([&contender.requests, &contender.replies])
            .status()?;
        if !status.success() {
            return Err(format!("{name} can't generate its frames").into());
        }
        contender.request_len = fs::read(&contender.requests)?.len() / CYCLE;
        contender.reply_len = fs::read(&contender.replies)?.len() / CYCLE;
        contender.start =
            Start { argv: vec![self.program(program), "serve".into()], announces: true };
        Ok(contender)
    }

    pub(crate) fn empty(&self, name: &'static str, message: Message) -> Contender {
        let stem: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let file = |what| self.files.join(format!("{stem}.{}.{what}", message.command()));
        Contender {
            name,
            message,
            start: Start { argv: Vec::new(), announces: true },
            requests: file("requests"),
            replies: file("replies"),
            request_len: 0,
            reply_len: 0,
            in_order: name != TARPC,
            count: CYCLE,
        }
    }
}

fn one_reply(contender: &Contender) -> PathBuf {
    let replies: &Path = &contender.replies;
    replies.with_extension("reply")
}
