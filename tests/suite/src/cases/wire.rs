//! The server vectors of tests/vectors.json.

use super::{Case, Check};
use crate::oracle::Limits;
use crate::peer::Peer;
use crate::replies;
use crate::target::Target;
use crate::vectors::{ServerVector, Then, Vectors};

/// Vectors without limits hold under these and larger ones.
const USUAL: Limits = Limits { max_body: 2_048, max_reply: 2_048, skip_budget: 65_536 };

/// Those that don't wait.
pub(super) fn cases(target: &Target) -> Vec<Case> {
    chosen(target, |vector| !waits(vector))
}

/// Those that wait for a deadline, or for a stop of the server.
pub(super) fn timed(target: &Target) -> Vec<Case> {
    chosen(target, waits)
}

/// Those of both kinds that need exactly the target's limits.
pub(super) fn at_these_limits(target: &Target) -> Vec<Case> {
    chosen(target, |vector| vector.limits == Some(target.limits))
}

fn chosen(target: &Target, choose: impl Fn(&ServerVector) -> bool) -> Vec<Case> {
    Vectors::load().server.into_iter().filter(choose).map(|vector| case(target, vector)).collect()
}

fn waits(vector: &ServerVector) -> bool {
    !matches!(vector.then, Then::Nothing | Then::HalfClose)
}

fn case(target: &Target, vector: ServerVector) -> Case {
    let applies = applies(target, &vector);
    let name = format!("vector: {}", vector.name);
    Case::new(&vector.section.clone(), &name, move |target| check(target, &vector)).needs(applies)
}

fn applies(target: &Target, vector: &ServerVector) -> Check {
    fits(&target.limits, vector.limits.as_ref())?;
    match vector.then {
        Then::Nothing | Then::HalfClose => Ok(()),
        Then::FrameDeadline => target.frame_deadline().map(|_| ()),
        Then::IdleTimeout => target.idle_timeout().map(|_| ()),
        Then::Stop => Err("the suite can't stop the server".to_owned()),
        Then::Full => Err("see the case `one connection too many`".to_owned()),
    }
}

/// Whether a vector that needs these limits holds under the target's.
fn fits(have: &Limits, need: Option<&Limits>) -> Check {
    let is_enough = have.max_body >= USUAL.max_body
        && have.max_reply >= USUAL.max_reply
        && have.skip_budget >= USUAL.skip_budget;
    match need {
        Some(need) if need != have => Err(format!("needs other limits: {need:?}")),
        None if !is_enough => Err("needs the usual limits".to_owned()),
        _ => Ok(()),
    }
}

fn check(target: &Target, vector: &ServerVector) -> Check {
    let want = replies::all(&vector.expect).map_err(|error| format!("the vector: {error}"))?;
    let mut peer = Peer::connect(target)?;
    let sending = peer.send_in_background(vector.send.clone(), vector.then == Then::HalfClose)?;
    if vector.closes {
        return peer.expect_end(&want);
    }
    peer.expect(&want)?;
    if sending.join().is_ok_and(|sent| sent) {
        peer.is_alive()
    } else {
        Err("the connection accepted no more bytes".to_owned())
    }
}
