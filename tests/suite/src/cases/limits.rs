//! Bodies at each limit of the target and one byte over it (docs/PROTOCOL.md §4).

use super::{Case, Check};
use crate::oracle::serve;
use crate::peer::Peer;
use crate::target::Target;

/// Makes a frame whose body has this length.
type Shape = fn(usize) -> Vec<u8>;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (shape, name) in SHAPES {
        cases.push(Case::new("4.1", &format!("{name} around the body limit"), move |target| {
            around(target, *shape, target.limits.max_body)
        }));
        cases.push(Case::new("4.2", &format!("{name} around the skip budget"), move |target| {
            around(target, *shape, target.limits.skip_budget)
        }));
    }
    cases.push(Case::new("5.4", "twenty bodies in a row are skipped, in sync", in_a_row));
    cases
}

const SHAPES: &[(Shape, &str)] = &[
    (line, "a line"),
    (line_cr_lf, "a line with CR LF"),
    (line_ending_in_cr, "a line that ends in a CR of its own"),
    (counted, "a counted text"),
    (counted_unknown, "a counted body of an unknown command"),
];

fn line(len: usize) -> Vec<u8> {
    [b"STRING #7\n".to_vec(), vec![b'a'; len], b"\n".to_vec()].concat()
}

fn line_cr_lf(len: usize) -> Vec<u8> {
    [b"STRING #7\r\n".to_vec(), vec![b'a'; len], b"\r\n".to_vec()].concat()
}

fn line_ending_in_cr(len: usize) -> Vec<u8> {
    [b"STRING #7\n".to_vec(), vec![b'a'; len - 1], b"\r\r\n".to_vec()].concat()
}

fn counted(len: usize) -> Vec<u8> {
    [format!("STRING {len} #7\n").into_bytes(), vec![b'\n'; len], b"\n".to_vec()].concat()
}

fn counted_unknown(len: usize) -> Vec<u8> {
    [format!("FROB {len} #7\n").into_bytes(), vec![0; len], b"\n".to_vec()].concat()
}

fn around(target: &Target, shape: Shape, limit: usize) -> Check {
    for len in [limit - 1, limit, limit + 1] {
        let bytes = [shape(len), b"STRING #8\nafter it\n".to_vec()].concat();
        let want = serve(&bytes, true, &target.limits);
        let mut peer = Peer::connect(target)?;
        // A server that closes may do so before all is sent.
        let sent = peer.send(&bytes).and_then(|()| peer.half_close());
        let answered = sent.or_else(|error| if want.closes { Ok(()) } else { Err(error) });
        answered
            .and_then(|()| peer.expect_end(&want.replies))
            .map_err(|error| format!("{len} bytes: {error}"))?;
    }
    Ok(())
}

fn in_a_row(target: &Target) -> Check {
    let mut peer = Peer::connect(target)?;
    let over = target.limits.max_body + 1;
    let bytes = [line(over), counted(over), b"STRING #8\nx\n".to_vec()].concat();
    let want = serve(&bytes, false, &target.limits).replies;
    for _ in 0..10 {
        peer.send(&bytes)?;
        peer.expect(&want)?;
    }
    peer.is_alive()
}
