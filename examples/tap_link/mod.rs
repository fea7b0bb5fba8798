//! What the TAP examples share: their options, and the stack that these configure.

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use clap::Args;
use linecard_smoltcp::Stack;
use linecard_smoltcp::tap::{Clock, PcapSink, Sleeper, StaticNeighbour, Tap};
use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::phy::{Device, FaultInjector, PcapMode, PcapWriter};
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr, Ipv4Address};

/// The link, and the stack's addresses on it.
#[derive(Args)]
pub(crate) struct LinkOptions {
    /// The TAP device
    #[arg(long, default_value = "tap0")]
    tap: String,
    /// The stack's own address and its prefix length, IPv4 or IPv6; at most two
    #[arg(long, value_name = "ADDRESS/PREFIX")]
    ip: Vec<String>,
    /// The gateway to other networks
    #[arg(long, value_name = "ADDRESS")]
    gateway: Option<String>,
    /// A neighbour that is known without ARP, whose replies a faulty link can corrupt:
    /// 192.168.69.100=02:00:00:00:00:64
    #[arg(long, value_name = "IPV4=MAC")]
    neighbour: Option<String>,
    /// Write every frame to this file, for Wireshark
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Lose this percentage of frames, each way
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = percent())]
    drop_chance: u8,
    /// Flip a bit in this percentage of received frames
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = percent())]
    corrupt_chance: u8,
}

fn percent() -> clap::builder::RangedI64ValueParser<u8> {
    clap::value_parser!(u8).range(0..=100)
}

/// A program over the stack, with any device.
pub(crate) trait Run {
    fn run<D: Device>(
        self,
        stack: Stack<'_, D>,
        clock: Clock,
        sleeper: Sleeper,
    ) -> Result<(), String>;
}

type WriteError = Arc<OnceLock<io::Error>>;

impl LinkOptions {
    /// The addresses of `--ip`, or `default`.
    pub(crate) fn addresses(&self, default: &[&str]) -> Result<Vec<IpCidr>, String> {
        let given = self.ip.iter().map(String::as_str);
        let addresses: Vec<&str> =
            if self.ip.is_empty() { default.to_vec() } else { given.collect() };
        if addresses.len() > 2 {
            return Err("more than two --ip: the stack has room for two addresses".into());
        }
        addresses.into_iter().map(own_address).collect()
    }

    /// Opens the device and runs `program` over it.
    pub(crate) fn run(
        &self,
        addresses: &[IpCidr],
        mac: u8,
        program: impl Run,
    ) -> Result<(), String> {
        let endpoint = Endpoint {
            addresses,
            mac: EthernetAddress([2, 0, 0, 0, 0, mac]),
            gateway: self.gateway.as_deref().map(gateway_address).transpose()?,
            neighbour: self.neighbour.as_deref().map(neighbour).transpose()?,
        };
        let tap = Tap::open(&self.tap).map_err(|error| error.to_string())?;
        if !tap.is_up() {
            eprintln!("{0} is down, nothing will be received: sudo ip link set {0} up", self.tap);
        }
        let sleeper =
            tap.sleeper().map_err(|error| format!("cannot sleep on {}: {error}", self.tap))?;
        match &self.pcap {
            None => self.add_faults(tap, &endpoint, sleeper, program),
            Some(path) => {
                let (sink, error) = PcapSink::new(create(path)?);
                let device = PcapWriter::new(tap, sink, PcapMode::Both);
                self.add_faults(device, &endpoint, sleeper, program)
                    .and_then(|()| check_capture(path, &error))
            }
        }
    }

    fn add_faults<D: Device>(
        &self,
        device: D,
        endpoint: &Endpoint<'_>,
        sleeper: Sleeper,
        program: impl Run,
    ) -> Result<(), String> {
        if self.drop_chance == 0 && self.corrupt_chance == 0 {
            return endpoint.run(device, sleeper, program);
        }
        match (endpoint.neighbour, endpoint.own_ipv4()) {
            (Some(known), Some(address)) => {
                let device =
                    StaticNeighbour::new(self.faulty(device), (address, endpoint.mac), known);
                endpoint.run(device, sleeper, program)
            }
            _ => endpoint.run(self.faulty(device), sleeper, program),
        }
    }

    fn faulty<D: Device>(&self, device: D) -> FaultInjector<D> {
        #[allow(clippy::cast_possible_truncation)] // any 32 bits except 0
        let mut device = FaultInjector::new(device, random() as u32 | 1);
        device.set_drop_chance(self.drop_chance);
        device.set_corrupt_chance(self.corrupt_chance);
        device
    }
}

/// The stack's own addresses, and those that it knows.
struct Endpoint<'e> {
    addresses: &'e [IpCidr],
    mac: EthernetAddress,
    gateway: Option<IpAddress>,
    neighbour: Option<NeighbourAddress>,
}

type NeighbourAddress = (Ipv4Address, EthernetAddress);

impl Endpoint<'_> {
    fn own_ipv4(&self) -> Option<Ipv4Address> {
        self.addresses.iter().find_map(|cidr| match cidr.address() {
            IpAddress::Ipv4(address) => Some(address),
            IpAddress::Ipv6(_) => None,
        })
    }

    fn run<D: Device>(
        &self,
        mut device: D,
        sleeper: Sleeper,
        program: impl Run,
    ) -> Result<(), String> {
        let clock = Clock::start();
        let mut config = Config::new(self.mac.into());
        config.random_seed = random();
        let mut iface = Interface::new(config, &mut device, clock.now());
        iface.update_ip_addrs(|list| {
            for address in self.addresses {
                let _ = list.push(*address); // at most two, which fit
            }
        });
        let routes = iface.routes_mut();
        let _ = match self.gateway {
            Some(IpAddress::Ipv4(address)) => routes.add_default_ipv4_route(address),
            Some(IpAddress::Ipv6(address)) => routes.add_default_ipv6_route(address),
            None => Ok(None),
        }; // the first route, which fits
        let stack = Stack { device, iface, sockets: SocketSet::new(Vec::new()) };
        program.run(stack, clock, sleeper)
    }
}

fn own_address(text: &str) -> Result<IpCidr, String> {
    text.parse::<IpCidr>().ok().filter(|cidr| cidr.address().is_unicast()).ok_or_else(|| {
        format!(
            "{text:?} is not the address of a host: give one like 192.168.69.1/24 or fd69::1/64"
        )
    })
}

fn gateway_address(text: &str) -> Result<IpAddress, String> {
    text.parse::<IpAddress>().ok().filter(IpAddress::is_unicast).ok_or_else(|| {
        format!("{text:?} is not the address of a gateway: give one like 192.168.69.100")
    })
}

fn neighbour(text: &str) -> Result<NeighbourAddress, String> {
    let known = text.split_once('=').and_then(|(address, station)| {
        let address = address.parse().ok()?;
        Some((address, station.parse().ok()?))
    });
    known.ok_or_else(|| {
        format!("{text:?} is not a neighbour: give one like 192.168.69.100=02:00:00:00:00:64")
    })
}

fn create(path: &Path) -> Result<BufWriter<File>, String> {
    let file =
        File::create(path).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    Ok(BufWriter::new(file))
}

fn check_capture(path: &Path, error: &WriteError) -> Result<(), String> {
    let message = |error| format!("{} is incomplete: {error}", path.display());
    error.get().map_or(Ok(()), |error| Err(message(error)))
}

/// For sequence numbers and ports that others can't guess.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(0)
}
