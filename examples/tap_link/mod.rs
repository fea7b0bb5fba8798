//! What the TAP examples share: their options, and the stack that these describe.

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

/// The link and the stack's place on it.
#[derive(Args)]
pub(crate) struct LinkOptions {
    /// The TAP device
    #[arg(long, default_value = "tap0")]
    tap: String,
    /// The stack's own address and its prefix length, IPv4 or IPv6; at most two
    #[arg(long, value_name = "ADDRESS/PREFIX")]
    ip: Vec<String>,
    /// Where to send what is for other networks
    #[arg(long, value_name = "ADDRESS")]
    gateway: Option<String>,
    /// A station that is known without ARP, whose replies a faulty link may bend:
    /// 192.168.69.100=02:00:00:00:00:64
    #[arg(long, value_name = "IPV4=MAC")]
    neighbour: Option<String>,
    /// Write every frame to this file, for Wireshark and the like
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Lose so many frames in a hundred, each way
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    drop_chance: u8,
    /// Flip a bit in so many received frames in a hundred
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    corrupt_chance: u8,
}

/// What runs over the stack, whatever its device is made of.
pub(crate) trait Run {
    fn run<D: Device>(
        self,
        stack: Stack<'_, D>,
        clock: Clock,
        sleeper: Sleeper,
    ) -> Result<(), String>;
}

type Fault = Arc<OnceLock<io::Error>>;

impl LinkOptions {
    /// The addresses asked for, or `default`.
    pub(crate) fn addresses(&self, default: &[&str]) -> Result<Vec<IpCidr>, String> {
        let given = self.ip.iter().map(String::as_str);
        let asked: Vec<&str> = if self.ip.is_empty() { default.to_vec() } else { given.collect() };
        if asked.len() > 2 {
            return Err("more than two --ip: the stack has room for two addresses".into());
        }
        asked.into_iter().map(own_address).collect()
    }

    /// Opens the device, and runs `what` over it.
    pub(crate) fn run(
        &self,
        addresses: &[IpCidr],
        station: u8,
        what: impl Run,
    ) -> Result<(), String> {
        let place = Place {
            addresses,
            station: EthernetAddress([2, 0, 0, 0, 0, station]),
            gateway: self.gateway.as_deref().map(gateway_address).transpose()?,
            neighbour: self.neighbour.as_deref().map(neighbour).transpose()?,
        };
        let tap = Tap::open(&self.tap).map_err(|error| error.to_string())?;
        if !tap.is_up() {
            eprintln!("{0} is down, nothing will come: sudo ip link set {0} up", self.tap);
        }
        let sleeper =
            tap.sleeper().map_err(|error| format!("cannot sleep on {}: {error}", self.tap))?;
        match &self.pcap {
            None => self.disturb(tap, &place, sleeper, what),
            Some(path) => {
                let (sink, fault) = PcapSink::new(file(path)?);
                let device = PcapWriter::new(tap, sink, PcapMode::Both);
                self.disturb(device, &place, sleeper, what).and_then(|()| whole(path, &fault))
            }
        }
    }

    fn disturb<D: Device>(
        &self,
        device: D,
        place: &Place<'_>,
        sleeper: Sleeper,
        what: impl Run,
    ) -> Result<(), String> {
        if self.drop_chance == 0 && self.corrupt_chance == 0 {
            return place.run(device, sleeper, what);
        }
        match (place.neighbour, place.own_ipv4()) {
            (Some(known), Some(address)) => {
                let device =
                    StaticNeighbour::new(self.faulty(device), (address, place.station), known);
                place.run(device, sleeper, what)
            }
            _ => place.run(self.faulty(device), sleeper, what),
        }
    }

    fn faulty<D: Device>(&self, device: D) -> FaultInjector<D> {
        #[allow(clippy::cast_possible_truncation)] // any 32 bits, but not none
        let mut device = FaultInjector::new(device, random() as u32 | 1);
        device.set_drop_chance(self.drop_chance);
        device.set_corrupt_chance(self.corrupt_chance);
        device
    }
}

/// Where the stack is on the link.
struct Place<'p> {
    addresses: &'p [IpCidr],
    station: EthernetAddress,
    gateway: Option<IpAddress>,
    neighbour: Option<Known>,
}

type Known = (Ipv4Address, EthernetAddress);

impl Place<'_> {
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
        what: impl Run,
    ) -> Result<(), String> {
        let clock = Clock::start();
        let mut config = Config::new(self.station.into());
        config.random_seed = random();
        let mut iface = Interface::new(config, &mut device, clock.now());
        iface.update_ip_addrs(|list| {
            for address in self.addresses {
                let _ = list.push(*address); // no more than two, which fit
            }
        });
        let routes = iface.routes_mut();
        let _ = match self.gateway {
            Some(IpAddress::Ipv4(address)) => routes.add_default_ipv4_route(address),
            Some(IpAddress::Ipv6(address)) => routes.add_default_ipv6_route(address),
            None => Ok(None),
        }; // the first route, for which there is room
        let stack = Stack { device, iface, sockets: SocketSet::new(Vec::new()) };
        what.run(stack, clock, sleeper)
    }
}

fn own_address(text: &str) -> Result<IpCidr, String> {
    text.parse::<IpCidr>().ok().filter(|cidr| cidr.address().is_unicast()).ok_or_else(|| {
        format!("{text:?} is no address of a station: give one like 192.168.69.1/24 or fd69::1/64")
    })
}

fn gateway_address(text: &str) -> Result<IpAddress, String> {
    text.parse::<IpAddress>()
        .ok()
        .filter(IpAddress::is_unicast)
        .ok_or_else(|| format!("{text:?} is no address of a gateway: give one like 192.168.69.100"))
}

fn neighbour(text: &str) -> Result<Known, String> {
    let known = text.split_once('=').and_then(|(address, station)| {
        let address = address.parse().ok()?;
        Some((address, station.parse().ok()?))
    });
    known.ok_or_else(|| {
        format!("{text:?} is no neighbour: give one like 192.168.69.100=02:00:00:00:00:64")
    })
}

fn file(path: &Path) -> Result<BufWriter<File>, String> {
    let file =
        File::create(path).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    Ok(BufWriter::new(file))
}

fn whole(path: &Path, fault: &Fault) -> Result<(), String> {
    let said = |error| format!("{} is cut short: {error}", path.display());
    fault.get().map_or(Ok(()), |error| Err(said(error)))
}

/// Sequence numbers and ports that a stranger can't guess.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(0)
}
