//! A server over a TAP device allocates nothing for a packet or a request.
//!
//! The test runs this program again inside `examples/tap`.

#![cfg(all(target_os = "linux", feature = "tap"))]
#![allow(unsafe_code)] // a global allocator needs it

mod sim;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use linecard_demo::{Demo, table};
use linecard_smoltcp::tap::{Clock, Tap};
use linecard_smoltcp::{Resources, Server, Stack};
use linecard_suite::{prerequisite, process};
use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};

use sim::{LIMITS, scratch, socket};

const LIMIT: Duration = Duration::from_mins(2);

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

static DONE: AtomicBool = AtomicBool::new(false);

/// The system's allocator, which also counts each thread's calls.
struct CountingAllocator;

// SAFETY: each method calls the system's allocator with the same arguments. The count needs no
// allocation: it is initialized by a constant and has no destructor.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[test]
fn nothing_is_allocated_for_a_packet() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/tap");
    let probe = process::run(script, &["true"], LIMIT);
    if probe.status != Some(0) {
        prerequisite::missing(probe.stderr.trim());
        return;
    }
    let program = std::env::current_exe().expect("this program");
    let program = program.to_str().expect("UTF-8");
    let done = process::run(script, &[program, "--exact", "inside", "--ignored"], LIMIT);
    let stdout = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status == Some(0) && stdout.contains("1 passed"), "{stdout}\n{}", done.stderr);
}

#[test]
#[ignore = "only inside examples/tap"]
fn inside() {
    let mut device = Tap::open("tap0").expect("tap0");
    let (sleeper, clock) = (device.sleeper().expect("a sleeper"), Clock::start());
    let config = Config::new(EthernetAddress([2, 0, 0, 0, 0, 1]).into());
    let mut iface = Interface::new(config, &mut device, clock.now());
    let address = IpCidr::new(IpAddress::v4(192, 168, 69, 1), 24);
    iface.update_ip_addrs(|list| list.push(address).expect("room"));
    let mut stack = Stack { device, iface, sockets: SocketSet::new(vec![]) };
    let slots = [(); 2].map(|()| stack.sockets.add(socket(8_192, 8_192)));
    let spare = stack.sockets.add(socket(16, 16));
    let resources = Resources::new(slots, spare, scratch(&LIMITS), &LIMITS);
    let mut server = Server::new(&mut stack.sockets, resources).expect("a server");
    let (commands, waker) = (table(), sleeper.waker());

    let client = thread::spawn(move || {
        let mut stream = TcpStream::connect("192.168.69.1:61000").expect("to connect");
        for _ in 0..2_000 {
            stream.write_all(b"STRING\nhi\n").expect("to send");
            stream.read_exact(&mut [0; 14]).expect("a reply");
        }
        DONE.store(true, Ordering::Relaxed);
        waker.wake();
    });
    let before = ALLOCATIONS.get();
    while !DONE.load(Ordering::Relaxed) {
        let longest = server.poll(clock.now(), &mut stack, &mut commands.bind(Demo));
        sleeper.sleep(longest.map(Into::into)).expect("the device");
    }
    let allocations = ALLOCATIONS.get() - before;
    client.join().expect("2,000 replies");
    assert_eq!(allocations, 0, "for 2,000 requests");
}
