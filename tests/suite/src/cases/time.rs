//! The frame deadline and the idle timeout (docs/PROTOCOL.md §8.3).

use std::io::Write;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::{Case, Check};
use crate::oracle::Reply;
use crate::peer::{Peer, THANKS};
use crate::replies;
use crate::target::Target;

/// How early a timeout may seem to be: the server's clock counts coarse ticks.
const TOLERANCE: Duration = Duration::from_millis(10);
/// How late a timeout may be on a busy machine.
const MAX_DELAY: Duration = Duration::from_secs(5);

pub(super) fn cases(target: &Target) -> Vec<Case> {
    let frame = |name: &str, check: fn(&Target) -> Check| {
        Case::new("8.3", name, check).needs(target.frame_deadline())
    };
    let idle = |name: &str, check: fn(&Target) -> Check| {
        Case::new("8.3", name, check).needs(target.idle_timeout())
    };
    vec![
        frame("an unfinished frame gets timeout, on time", unfinished),
        frame("bytes that trickle in don't move the frame deadline", trickle),
        frame("a skipped body has the same deadline", skipped_trickle),
        frame("each frame has its own deadline", own_deadlines),
        idle("an idle connection gets timeout, on time", silent),
        idle("a reply restarts the idle timeout", restarted),
    ]
}

fn timeout() -> Reply {
    Reply::refusal("timeout", None)
}

/// Checks that the connection ends with `timeout`, neither before `time` nor long after it.
fn ends_after(peer: &mut Peer, start: Instant, time: Duration) -> Check {
    peer.expect_end(&[timeout()])?;
    on_time(start.elapsed(), time)
}

fn on_time(took: Duration, time: Duration) -> Check {
    if took + TOLERANCE < time || took > time + MAX_DELAY {
        return Err(format!("timeout came after {took:?} instead of {time:?}"));
    }
    Ok(())
}

fn unfinished(target: &Target) -> Check {
    let starts = ["S", "STRING #1", "STRING #1\n", "STRING #1\nab", "STRING 5\nab", "STRING 2\nab"];
    for starts in starts.chunks(target.connections) {
        let peers =
            starts.iter().map(|start| send_start(target, start)).collect::<Result<Vec<_>, _>>()?;
        for ((mut peer, since), start) in peers.into_iter().zip(starts) {
            ends_after(&mut peer, since, target.frame_deadline()?)
                .map_err(|error| format!("after {start:?}: {error}"))?;
        }
    }
    Ok(())
}

fn send_start(target: &Target, bytes: &str) -> Result<(Peer, Instant), String> {
    let mut peer = Peer::connect(target)?;
    let start = Instant::now();
    peer.send(bytes.as_bytes())?;
    Ok((peer, start))
}

fn trickle(target: &Target) -> Check {
    trickled(target, b"STRING #1\n", b'a')
}

fn skipped_trickle(target: &Target) -> Check {
    let head = format!("STRING {} #1\n", target.limits.skip_budget);
    trickled(target, head.as_bytes(), b'\n')
}

fn trickled(target: &Target, head: &[u8], byte: u8) -> Check {
    let deadline = target.frame_deadline()?;
    let mut peer = Peer::connect(target)?;
    let mut sender = peer.sender()?;
    let (stop, stopped) = channel::<()>();
    let start = Instant::now();
    peer.send(head)?;
    let sending = thread::spawn(move || {
        // Until the reply has come, or the server has closed.
        while stopped.recv_timeout(deadline / 10) == Err(RecvTimeoutError::Timeout) {
            if sender.write_all(&[byte]).is_err() {
                return;
            }
        }
    });
    let reply = peer.reply();
    let took = start.elapsed();
    drop(stop);
    sending.join().map_err(|_| "the sending thread panicked")?;
    replies::compare(&[timeout()], &[reply?])?;
    on_time(took, deadline)?;
    peer.expect_end(&[])
}

fn own_deadlines(target: &Target) -> Check {
    let pause = target.frame_deadline()?.mul_f64(0.4);
    let mut peer = Peer::connect(target)?;
    for piece in ["STRING", " #1\nab", "c\nSTR", "ING #1\nx", "y\n"] {
        peer.send(piece.as_bytes())?;
        thread::sleep(pause);
    }
    let thanks = [b"OK #1\nThank you.\n".as_slice(); 2].concat();
    peer.expect(&replies::all(&thanks)?)?;
    peer.is_alive()
}

fn silent(target: &Target) -> Check {
    let start = Instant::now();
    let mut peer = Peer::connect(target)?;
    ends_after(&mut peer, start, target.idle_timeout()?)
}

fn restarted(target: &Target) -> Check {
    let idle = target.idle_timeout()?;
    let mut peer = Peer::connect(target)?;
    let mut start = Instant::now();
    for _ in 0..3 {
        thread::sleep(idle.mul_f64(0.6));
        start = Instant::now();
        let reply = peer.ask(b"STRING\nx\n")?.to_bytes();
        if reply != THANKS {
            return Err(format!("got {}", reply.escape_ascii()));
        }
    }
    ends_after(&mut peer, start, idle)
}
