//! Linecard on smoltcp, with a command that only gives back the octets of its body: what framing, session
//! and slots cost at the struct's sizes, without its decoding and encoding.

use linecard_core::{Frame, Limits, Reply, Sent, Service};
use linecard_smoltcp::{Parts, Scratch, Server, Stack, tap};
use linecard_tap_bench::{Failure, announce, open, socket};
use smoltcp::iface::SocketSet;

/// As many slots as examples/tap_server has.
const SLOTS: usize = 8;

struct Octets;

impl Service for Octets {
    fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> Sent {
        reply.octets(request.body.octets())
    }
}

fn main() -> Result<(), Failure> {
    let (device, iface, sleeper, clock) = open()?;
    let mut stack = Stack { device, iface, sockets: SocketSet::new(vec![]) };
    let slots = [(); SLOTS].map(|()| stack.sockets.add(socket(65_536)));
    let spare = stack.sockets.add(socket(64));
    let limits = Limits::DEVICE;
    let (mut frame, mut reply) = (vec![0; limits.frame_room()], vec![0; 65_536]);
    let scratch = Scratch { frame: &mut frame, reply: &mut reply };
    let mut server = Server::new(&mut stack.sockets, Parts::new(slots, spare, scratch, &limits))
        .map_err(|error| error.to_string())?;
    announce()?;
    tap::serve(&mut server, &mut stack, &mut Octets, clock, &sleeper, || None)?;
    Ok(())
}
