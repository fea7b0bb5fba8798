//! The demo commands on embassy: embassy-executor and embassy-net, on a Linux TAP device. Core's
//! async front serves each connection in a task of its own; STRING and COMPLEX have synchronous
//! handlers, READ-TEMP one that waits on a timer.
//!
//! ```text
//! $ cargo build --release && examples/embassy/run --build
//! $ examples/tap sh -c '
//! >     examples/embassy/run & sleep 1
//! >     target/release/linecard call 192.168.69.2 STRING hi; kill $!'
//! listening on 192.168.69.2:61000
//! Thank you.
//! ```

#![forbid(unsafe_code)]

mod board;
mod clock;
mod options;
mod server;
mod socket;

use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::process::exit;

use clap::Parser;
use embassy_executor::Spawner;
use embassy_futures::yield_now;
use embassy_net::{Config, Runner, StackResources, StaticConfigV4};
use embassy_net_tuntap::TunTapDevice;
use linecard_core::Limits;
use static_cell::StaticCell;

use options::Options;

static RESOURCES: StaticCell<StackResources<{ server::SOCKETS }>> = StaticCell::new();
static LIMITS: StaticCell<Limits> = StaticCell::new();

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    if let Err(error) = start(spawner, &Options::parse()) {
        eprintln!("linecard-embassy: {error}");
        exit(1);
    }
}

#[allow(clippy::default_trait_access, reason = "heapless' Vec, which we don't depend on")]
fn start(spawner: Spawner, options: &Options) -> Result<(), String> {
    let device = options.device()?;
    let config = Config::ipv4_static(StaticConfigV4 {
        address: options.ip,
        gateway: None,
        dns_servers: Default::default(),
    });
    let resources = RESOURCES.init(StackResources::new());
    let (stack, runner) = embassy_net::new(device, config, resources, random());
    let limits = LIMITS.init(options.limits());

    for slot in server::slots(stack) {
        spawner.spawn(server::slot(slot, options.port, limits).map_err(say)?);
    }
    spawner.spawn(network(runner).map_err(say)?);
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "listening on {}:{}", options.ip.address(), options.port)
        .and_then(|()| stdout.flush())
        .map_err(say)
}

fn say(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Runs the network stack.
#[embassy_executor::task]
async fn network(mut runner: Runner<'static, TunTapDevice>) -> ! {
    // The tasks that were spawned before this one go first, so that their sockets listen before
    // the first SYN is looked at.
    yield_now().await;
    runner.run().await
}

/// Sequence numbers and ports that a stranger can't guess.
fn random() -> u64 {
    RandomState::new().hash_one(0)
}
