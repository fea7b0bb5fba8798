//! Writes seeds/ from the wire vectors: `cargo run --example seed` in fuzz/, when these change. It
//! prints nothing.

use std::fs;
use std::path::Path;

use linecard_suite::bytes::from_pieces;
use linecard_suite::vectors::Vectors;

/// Longer vectors are left out: seeds are small files.
const MAX_LEN: usize = 1_500;

fn main() {
    let vectors = Vectors::load();
    for (at, vector) in vectors.heads.iter().enumerate() {
        write_seed("frames", at, &[], &vector.bytes);
    }
    for (at, vector) in vectors.server.iter().enumerate() {
        let limits = if vector.limits.is_some() { 0 } else { 2 };
        write_seed("session", at, &[limits, 4, 0, 40, 165, 192], &vector.send);
        if at < 4 {
            // 0x1f more bytes, 1,550 ms, 0x1f more bytes.
            write_seed("session", 1_000 + at, &[limits, 3, 0x1f, 0xbf, 0x1f], &vector.send);
        }
    }
    for (at, vector) in vectors.server.iter().enumerate() {
        let limits = if vector.limits.is_some() { 0 } else { 2 };
        // Each way in turn. 0x13 bytes can be read, 3 written; a drop; handlers wait, a drop, and go
        // on; 300 ms; all can be read, 1,000 bytes written.
        let way = u8::try_from(at % 32).expect("small");
        let script = [0x13, 0x63, 0xe0, 0xc1, 0x0f, 0xe0, 0xc0, 0xa6, 0x5f, 0x80];
        let head = [limits, way, u8::try_from(script.len()).expect("small")];
        write_seed("async", at, &[&head[..], &script].concat(), &vector.send);
    }
    for (at, vector) in vectors.client.iter().enumerate() {
        let expected = |tag: u64| {
            vector["in_flight"].as_array().is_some_and(|tags| tags.contains(&tag.into()))
        };
        let forgotten = (0..3).filter(|&tag| !expected(tag)).map(|tag| 1 << tag).sum();
        write_seed("client", at, &[3, forgotten, 2, 3, 7], &from_pieces(&vector["send"]));
    }
    write_seed("client", 1_000, &[2, 0, 0], b"OK #1\nb\nOK #0\na\n");
    for (at, vector) in vectors.complex.iter().enumerate() {
        write_seed("chain", at, &[], &vector.bytes);
    }
    segments();
}

/// TCP connections to the server over smoltcp: kind, port, flags, numbers, length, payload.
fn segments() {
    const SYN: [u8; 5] = [3, 0, 2, 0, 0];
    const ACK: [u8; 5] = [3, 0, 16, 0, 0];
    const FIN: [u8; 5] = [3, 0, 17, 0, 0];
    const RST: [u8; 5] = [3, 0, 4, 0, 0];
    let data = |flags: u8, text: &[u8]| {
        let len = u8::try_from(text.len()).expect("short");
        [&[3, 0, flags, 0, len][..], text].concat()
    };
    let hello = data(24, b"STRING #1\nhello\n");
    let zero_window = data(24 | 64, &b"STRING\n\n".repeat(25));
    let partial = data(24, b"STRING 100\nhal");
    let connections: [&[&[u8]]; 8] = [
        &[&SYN, &ACK, &hello, &ACK, &FIN, &ACK],
        &[&SYN, &ACK, &hello, &RST],
        &[&SYN, &[2, 100]],
        &[&SYN, &ACK, &zero_window, &[2, 100]],
        &[&SYN, &ACK, &partial, &[1, 100], &ACK],
        &[&SYN, &ACK, &data(24, b"!\n"), &hello, &ACK],
        &[&SYN, &ACK, &FIN, &[1, 5], &SYN, &ACK],
        &[&[0, 60, 0], &[0x45; 60]],
    ];
    for (at, steps) in connections.iter().enumerate() {
        write_seed("ethernet", at, &[], &steps.concat());
    }
}

fn write_seed(target: &str, at: usize, script: &[u8], bytes: &[u8]) {
    if bytes.len() > MAX_LEN {
        return;
    }
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    fs::create_dir_all(&dir).expect("a directory");
    fs::write(dir.join(format!("{at:04}")), [script, bytes].concat()).expect("a file");
}
