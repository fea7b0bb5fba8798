//! Each mistake in a server's resources has its error, and nothing is changed before it is
//! returned.

mod sim;

use linecard_smoltcp::{Resources, Scratch, Server, SetupError};
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::tcp::{Socket, State};

use sim::{LIMITS, socket};

const FRAME: usize = LIMITS.max_request_frame_len();
const REPLY: usize = LIMITS.max_reply_frame_len();

/// Two slots and a spare of the given rings.
fn sockets(
    receive: usize,
    transmit: usize,
    spare: usize,
) -> (SocketSet<'static>, [SocketHandle; 3]) {
    let mut sockets = SocketSet::new(vec![]);
    let rings = [(FRAME, REPLY), (receive, transmit), (spare, spare)];
    let handles = rings.map(|(receive, transmit)| sockets.add(socket(receive, transmit)));
    (sockets, handles)
}

fn new_server(
    sockets: &mut SocketSet<'_>,
    [first, second, spare]: [SocketHandle; 3],
    (frame, reply): (usize, usize),
    port: u16,
) -> Result<(), SetupError> {
    let (mut frame, mut reply) = (vec![0; frame], vec![0; reply]);
    let scratch = Scratch { frame: &mut frame, reply: &mut reply };
    let resources = Resources { port, ..Resources::new([first, second], spare, scratch, &LIMITS) };
    Server::new(sockets, resources).map(drop)
}

#[track_caller]
fn refused(
    (mut sockets, handles): (SocketSet<'static>, [SocketHandle; 3]),
    scratch: (usize, usize),
    port: u16,
    error: SetupError,
) {
    assert_eq!(new_server(&mut sockets, handles, scratch, port), Err(error));
    assert!(!error.to_string().contains('\n'));
    for handle in handles {
        assert_ne!(sockets.get::<Socket<'_>>(handle).state(), State::Listen, "unchanged");
    }
}

#[test]
fn the_least_sizes_are_enough_and_a_byte_less_is_an_error() {
    let scratch = (FRAME, REPLY);
    let (mut set, handles) = sockets(FRAME, REPLY, 16);
    assert_eq!(new_server(&mut set, handles, scratch, 1), Ok(()));

    let second = handles[1];
    let receive = SetupError::ReceiveRing { socket: second, needed: FRAME };
    refused(sockets(FRAME - 1, REPLY, 16), scratch, 1, receive);
    let transmit = SetupError::TransmitRing { socket: second, needed: REPLY };
    refused(sockets(FRAME, REPLY - 1, 16), scratch, 1, transmit);
    let spare = SetupError::TransmitRing { socket: handles[2], needed: 9 };
    refused(sockets(FRAME, REPLY, 8), scratch, 1, spare);
    let needed = SetupError::Scratch { frame: FRAME, reply: REPLY };
    refused(sockets(FRAME, REPLY, 16), (FRAME - 1, REPLY), 1, needed);
    refused(sockets(FRAME, REPLY, 16), (FRAME, REPLY - 1), 1, needed);
    refused(sockets(FRAME, REPLY, 16), scratch, 0, SetupError::Port);
}

#[test]
fn wrong_handles_are_refused() {
    let scratch = (FRAME, REPLY);
    let (set, [first, second, spare]) = sockets(FRAME, REPLY, 16);
    refused((set, [first, first, spare]), scratch, 1, SetupError::Duplicate(first));
    let (set, _) = sockets(FRAME, REPLY, FRAME.max(REPLY));
    refused((set, [first, spare, second]), scratch, 1, SetupError::SpareNotLast);

    let (mut set, handles) = sockets(FRAME, REPLY, 16);
    set.remove(second);
    assert_eq!(new_server(&mut set, handles, scratch, 1), Err(SetupError::NotTcp(second)));

    let (mut set, handles) = sockets(FRAME, REPLY, 16);
    set.get_mut::<Socket<'_>>(second).listen(5).unwrap();
    assert_eq!(new_server(&mut set, handles, scratch, 1), Err(SetupError::InUse(second)));
}
