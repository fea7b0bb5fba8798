//! Calls one command with smoltcp on a TAP device, through core's blocking front.
//!
//! ```text
//! $ cargo build --release --bins --examples
//! $ examples/tap sh -c 'target/release/linecard serve --listen :61000 & sleep 1
//!     target/release/examples/tap_client 192.168.69.100 STRING hi; kill $!'
//! listening on [::]:61000
//! Thank you.
//! ```
//!
//! `COMPLEX` without a text sends the demo's struct and checks that it comes back.

#[cfg(target_os = "linux")]
mod tap_link;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    linux::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    eprintln!("TAP devices need Linux; `linecard call` calls the same commands here");
    std::process::ExitCode::FAILURE
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fmt::Display;
    use std::io::{self, Write};
    use std::path::PathBuf;
    use std::process::ExitCode;

    use clap::Parser;
    use embedded_io::ErrorKind;
    use linecard_core::blocking::{Caller, CallerError};
    use linecard_core::{Body, Bytes, Command, Postcard, Text};
    use linecard_demo::{Complex, ComplexCommand};
    use linecard_smoltcp::tap::{Clock, Sleeper, TapPlatform};
    use linecard_smoltcp::{Stack, Stream};
    use smoltcp::phy::Device;
    use smoltcp::socket::tcp::{Socket, SocketBuffer};
    use smoltcp::time::Duration;
    use smoltcp::wire::{IpAddress, IpEndpoint};

    use super::tap_link::{LinkOptions, Run, random};

    /// Bytes of each ring of the connection, and of the longest request and reply.
    const RING_LEN: usize = 65_536;
    /// How long the server may take to close.
    const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

    /// Calls one command with smoltcp on a TAP device.
    #[derive(Parser)]
    struct Options {
        #[command(flatten)]
        link: LinkOptions,
        /// The server's TCP port, if ADDRESS has none
        #[arg(long, default_value_t = 61_000, value_parser = clap::value_parser!(u16).range(1..))]
        port: u16,
        /// The timeout for connecting, and for the call
        #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
        timeout: f64,
        /// The server, with or without a port: 192.168.69.100, or an IPv6 address
        address: String,
        /// The command, such as STRING
        name: String,
        /// Its text
        text: Option<String>,
        /// A file whose bytes are its counted body
        #[arg(long, value_name = "FILE", conflicts_with = "text")]
        payload: Option<PathBuf>,
    }

    pub(super) fn main() -> ExitCode {
        match run(Options::parse()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("tap_client: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn run(options: Options) -> Result<(), String> {
        let addresses = options.link.addresses(&["192.168.69.2/24", "fd69::2/64"])?;
        let server = endpoint(&options.address, options.port)?;
        let timeout = std::time::Duration::try_from_secs_f64(options.timeout)
            .map_err(|_| format!("{} is not a number of seconds", options.timeout))?;
        let payload = options.payload.as_ref().map(|path| {
            std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
        });
        let call = Call {
            server,
            timeout: timeout.into(),
            payload: payload.transpose()?,
            name: options.name,
            text: options.text,
        };
        options.link.run(&addresses, 2, call)
    }

    /// An address, with `port` unless it has its own.
    fn endpoint(text: &str, port: u16) -> Result<IpEndpoint, String> {
        let bare = text.parse::<IpAddress>().map(|address| IpEndpoint::new(address, port));
        bare.or_else(|()| text.parse::<std::net::SocketAddr>().map(IpEndpoint::from)).map_err(
            |_| {
                format!(
                    "{text:?} is not the address of a server: give one like 192.168.69.100 or \
                 [fd69::100]:61000"
                )
            },
        )
    }

    struct Call {
        server: IpEndpoint,
        timeout: Duration,
        name: String,
        text: Option<String>,
        payload: Option<Vec<u8>>,
    }

    impl Run for Call {
        fn run<D: Device>(
            self,
            mut stack: Stack<'_, D>,
            clock: Clock,
            sleeper: Sleeper,
        ) -> Result<(), String> {
            let ring = || SocketBuffer::new(vec![0; RING_LEN]);
            let socket = stack.sockets.add(Socket::new(ring(), ring()));
            let platform = TapPlatform { clock, sleeper };
            // One of 49152 to 65535.
            #[allow(clippy::cast_possible_truncation)]
            let local_port = 0xc000 | (random() & 0x3fff) as u16;
            let mut stream = Stream::connect(
                &mut stack,
                socket,
                platform,
                self.server,
                local_port,
                self.timeout,
            )
            .map_err(|error| self.message(stream_error(error)))?;
            stream.set_timeout(self.timeout);
            let buffers = || vec![0; RING_LEN];
            let mut caller = Caller::<_, _, 1>::new(&mut stream, buffers(), buffers(), u32::MAX);
            let outcome = self.call(&mut caller);
            // The call's outcome is known, so how the connection ends doesn't matter.
            let _ = stream.close(CLOSE_TIMEOUT);
            outcome
        }
    }

    impl Call {
        fn call<T>(&self, caller: &mut Caller<T, Vec<u8>, 1>) -> Result<(), String>
        where
            T: embedded_io::Read<Error = ErrorKind> + embedded_io::Write,
        {
            let message = |error| self.message(call_error(error));
            match (&self.payload, &self.text) {
                (Some(bytes), _) => {
                    print(caller.call_named(&self.name, &Bytes(bytes)).map_err(message)?)
                }
                (None, None) if self.name == ComplexCommand::NAME => {
                    let sent = Complex::sample();
                    let levels = sent.levels().map_err(|_| "over the command's limits")?;
                    let reply =
                        caller.call::<ComplexCommand>(&Postcard(levels)).map_err(message)?;
                    let got = Complex::from(reply.0);
                    println!("{got}");
                    if got == sent {
                        Ok(())
                    } else {
                        Err("this is not the struct that was sent".into())
                    }
                }
                (None, text) => {
                    let text = Text(text.as_deref().unwrap_or_default());
                    print(caller.call_named(&self.name, &text).map_err(message)?)
                }
            }
        }

        fn message(&self, what: impl Display) -> String {
            format!("{}: {what}", self.server)
        }
    }

    /// Prints the body as it was received: a line with its end, or counted bytes.
    fn print(body: Body<'_>) -> Result<(), String> {
        let end: &[u8] = if matches!(body, Body::Line(_)) { b"\n" } else { b"" };
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(body.bytes()).and_then(|()| stdout.write_all(end));
        written.and_then(|()| stdout.flush()).map_err(|error| error.to_string())
    }

    fn stream_error(error: ErrorKind) -> &'static str {
        match error {
            ErrorKind::TimedOut => "no answer in time",
            ErrorKind::ConnectionRefused => "connection refused",
            ErrorKind::ConnectionReset => "the connection was reset",
            ErrorKind::InvalidInput => "no route from the stack's addresses: see --ip",
            _ => "the TAP device is gone",
        }
    }

    fn call_error(error: CallerError<'_, ErrorKind>) -> String {
        match error {
            CallerError::Io(error) => stream_error(error).into(),
            error => error.to_string(),
        }
    }
}
