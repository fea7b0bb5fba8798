//! Requests in raw bytes, and their right replies.

/// A request and its one right reply.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) sent: Vec<u8>,
    pub(crate) reply: Vec<u8>,
}

/// `STRING` with a short text.
pub(crate) fn string(tag: u32) -> Exchange {
    Exchange {
        sent: format!("STRING #{tag}\nAdditional data.\n").into_bytes(),
        reply: format!("OK #{tag}\nThank you.\n").into_bytes(),
    }
}

/// `COMPLEX` with a value of two levels, 30 bytes.
pub(crate) fn complex(tag: u32) -> Exchange {
    let level = b"\x2e\x03abc\x01\x03one\x02\x02xy";
    echoed(tag, &[level.as_slice(), b"\x01", level, b"\x00"].concat())
}

/// `COMPLEX` with a value at nearly all its limits: over a kilobyte.
pub(crate) fn longest(tag: u32) -> Exchange {
    let text = [b"\x40".as_slice(), &[b's'; 64]].concat();
    let entries = (b'a'..=b'h').flat_map(|key| [b"\x10".as_slice(), &[key; 16], b"\x02"].concat());
    let level = [b"\x02".as_slice(), &text, b"\x08", &entries.collect::<Vec<u8>>(), &text].concat();
    let levels = [level.as_slice(); 4].join(&1);
    echoed(tag, &[levels.as_slice(), b"\x00"].concat())
}

fn echoed(tag: u32, value: &[u8]) -> Exchange {
    let frame = |name: &str| {
        let head = format!("{name} {} #{tag}\n", value.len());
        [head.as_bytes(), value, b"\n"].concat()
    };
    Exchange { sent: frame("COMPLEX"), reply: frame("OK") }
}
