//! The demo commands, served by smoltcp on a TAP device.
//!
//! ```text
//! $ cargo build --release --bins --examples
//! $ examples/tap sh -c 'target/release/examples/tap_server &
//!     target/release/linecard call 192.168.69.1 STRING hi; kill $!'
//! listening on 192.168.69.1:61000
//! Thank you.
//! ```
//!
//! The limits are a device's: bodies and replies of 2 KiB, 64 KiB skipped, 10 s for a frame, 60 s
//! idle, 8 connections.

#[cfg(target_os = "linux")]
mod tap_link;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    linux::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    eprintln!("TAP devices need Linux; `linecard serve` serves the same commands here");
    std::process::ExitCode::FAILURE
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{self, Write};
    use std::process::ExitCode;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use clap::Parser;
    use linecard_core::Limits;
    use linecard_demo::{Demo, table};
    use linecard_smoltcp::tap::{self, Clock, Sleeper};
    use linecard_smoltcp::{Resources, Scratch, Server, Stack};
    use smoltcp::iface::SocketHandle;
    use smoltcp::phy::Device;
    use smoltcp::socket::tcp::{Socket, SocketBuffer};
    use smoltcp::wire::IpAddress;

    use super::tap_link::{LinkOptions, Run};

    /// Connections served at once.
    const SLOTS: usize = 8;
    /// Bytes of each ring of a connection.
    const RING_LEN: usize = 65_536;
    /// How long connections may continue after SIGINT or SIGTERM.
    const STOP_TIMEOUT: smoltcp::time::Duration = smoltcp::time::Duration::from_secs(5);

    /// Serves the demo commands with smoltcp on a TAP device.
    #[derive(Parser)]
    struct Options {
        #[command(flatten)]
        link: LinkOptions,
        /// The TCP port
        #[arg(long, default_value_t = 61_000, value_parser = clap::value_parser!(u16).range(1..))]
        port: u16,
        /// The longest time from a frame's first byte to its last
        #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10")]
        frame_deadline: Duration,
        /// The longest time without a frame begun or a reply owed
        #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "60")]
        idle_timeout: Duration,
    }

    impl Options {
        fn limits(&self) -> Limits {
            let Self { frame_deadline, idle_timeout, .. } = *self;
            Limits { frame_timeout: frame_deadline, idle_timeout, ..Limits::DEVICE }
        }
    }

    /// Seconds, fractions allowed.
    fn seconds(text: &str) -> Result<Duration, String> {
        let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
        Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
    }

    static STOPPED: AtomicBool = AtomicBool::new(false);

    pub(super) fn main() -> ExitCode {
        match serve(&Options::parse()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("tap_server: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn serve(options: &Options) -> Result<(), String> {
        let addresses = options.link.addresses(&["192.168.69.1/24", "fd69::1/64"])?;
        let address = addresses[0].address();
        options.link.run(
            &addresses,
            1,
            DemoServer { address, port: options.port, limits: options.limits() },
        )
    }

    struct DemoServer {
        address: IpAddress,
        port: u16,
        limits: Limits,
    }

    impl Run for DemoServer {
        fn run<D: Device>(
            self,
            mut stack: Stack<'_, D>,
            clock: Clock,
            sleeper: Sleeper,
        ) -> Result<(), String> {
            let slots = [(); SLOTS].map(|()| socket(&mut stack, RING_LEN));
            let spare = socket(&mut stack, 64);
            let (mut frame, mut reply) =
                (vec![0; self.limits.max_request_frame_len()], vec![0; RING_LEN]);
            let scratch = Scratch { frame: &mut frame, reply: &mut reply };
            let resources = Resources {
                port: self.port,
                ..Resources::new(slots, spare, scratch, &self.limits)
            };
            let mut server =
                Server::new(&mut stack.sockets, resources).map_err(|error| error.to_string())?;

            stop_on_signals(&sleeper)?;
            announce(self.address, self.port).map_err(|error| error.to_string())?;
            let table = table();
            let stop = || STOPPED.load(Ordering::Relaxed).then_some(STOP_TIMEOUT);
            tap::serve(&mut server, &mut stack, &mut table.bind(Demo), clock, &sleeper, stop)
                .map_err(|error| error.to_string())
        }
    }

    fn socket<D: Device>(stack: &mut Stack<'_, D>, len: usize) -> SocketHandle {
        let ring = || SocketBuffer::new(vec![0; len]);
        stack.sockets.add(Socket::new(ring(), ring()))
    }

    fn stop_on_signals(sleeper: &Sleeper) -> Result<(), String> {
        let waker = sleeper.waker();
        let stop = move || {
            STOPPED.store(true, Ordering::Relaxed);
            waker.wake();
        };
        ctrlc::set_handler(stop).map_err(|error| format!("no handler for signals: {error}"))
    }

    fn announce(address: IpAddress, port: u16) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        match address {
            IpAddress::Ipv4(_) => writeln!(stdout, "listening on {address}:{port}")?,
            IpAddress::Ipv6(_) => writeln!(stdout, "listening on [{address}]:{port}")?,
        }
        stdout.flush()
    }
}
