use std::fs;
use std::time::Duration;

use clap::Parser;
use embassy_net::Ipv4Cidr;
use embassy_net_tuntap::TunTapDevice;
use linecard_core::Limits;

/// Serves the demo commands with embassy-net on a TAP device.
#[derive(Parser)]
pub(crate) struct Options {
    /// The TAP device
    #[arg(long, default_value = "tap0")]
    tap: String,
    /// The stack's own address and its prefix length
    #[arg(long, value_name = "ADDRESS/PREFIX", default_value = "192.168.69.2/24",
        value_parser = own_address)]
    pub(crate) ip: Ipv4Cidr,
    /// The TCP port
    #[arg(long, default_value_t = 61_000, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: u16,
    /// From a frame's first byte to its last
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10")]
    frame_deadline: Duration,
    /// Without a frame begun or a reply owed
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "60")]
    idle_timeout: Duration,
}

impl Options {
    pub(crate) fn limits(&self) -> Limits {
        let Self { frame_deadline, idle_timeout, .. } = *self;
        Limits { frame_timeout: frame_deadline, idle_timeout, ..Limits::DEVICE }
    }

    /// Opens the device. It must be there: who may make one would get one that is down.
    pub(crate) fn device(&self) -> Result<TunTapDevice, String> {
        let tap = &self.tap;
        let devices = fs::read_to_string("/proc/self/net/dev").unwrap_or_default();
        let mut names = devices.lines().filter_map(|line| line.split(':').next());
        if !names.any(|name| name.trim() == tap) {
            return Err(format!("there is no {tap}: run this inside examples/tap"));
        }
        let mut device = TunTapDevice::new(tap).map_err(|error| format!("{tap}: {error}"))?;
        device.set_hardware_address([2, 0, 0, 0, 0, 2]);
        Ok(device)
    }
}

fn own_address(text: &str) -> Result<Ipv4Cidr, String> {
    text.parse().map_err(|()| "give an address and a prefix, like 192.168.69.2/24".to_owned())
}

/// Seconds, fractions allowed.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
