//! Linecard on smoltcp with a command that returns the bytes of its body: what framing, session and
//! slots cost at the struct's sizes, without decoding and encoding it.

use linecard_smoltcp::{Resources, Scratch, Server, Stack, tap};
use linecard_tap_bench::{Failure, LIMITS, ReturnBody, announce, open, socket};
use smoltcp::iface::SocketSet;

/// As many slots as examples/tap_server has.
const SLOTS: usize = 8;

fn main() -> Result<(), Failure> {
    let (device, iface, sleeper, clock) = open()?;
    let mut stack = Stack { device, iface, sockets: SocketSet::new(vec![]) };
    let slots = [(); SLOTS].map(|()| stack.sockets.add(socket(65_536)));
    let spare = stack.sockets.add(socket(64));
    let limits = LIMITS;
    let (mut frame, mut reply) = (vec![0; limits.max_request_frame_len()], vec![0; 65_536]);
    let scratch = Scratch { frame: &mut frame, reply: &mut reply };
    let mut server =
        Server::new(&mut stack.sockets, Resources::new(slots, spare, scratch, &limits))
            .map_err(|error| error.to_string())?;
    announce()?;
    tap::serve(&mut server, &mut stack, &mut ReturnBody, clock, &sleeper, || None)?;
    Ok(())
}
