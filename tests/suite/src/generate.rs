//! Seeded random numbers, and valid and hostile frames made from them.

use crate::oracle::complex::{Complex, MAX_KEY, MAX_LEVELS, MAX_M, MAX_P, MAX_S, varint};
use crate::oracle::{Body, Limits};

/// A small generator (xorshift64*). A seed gives the same bytes on every machine.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Starts from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        random.next();
        random
    }

    /// 64 bits.
    #[expect(
        clippy::should_implement_trait,
        reason = "it never ends, so an `Option` would only be unwrapped"
    )]
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// 32 bits.
    pub fn bits(&mut self) -> u32 {
        let [.., a, b, c, d] = self.next().to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.bits() as usize % end
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of the choices.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// Bytes of every value.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next().to_le_bytes()[3]).collect()
    }

    /// A text of at most `max` bytes, with some control characters and some outside ASCII.
    pub fn text(&mut self, max: usize) -> String {
        let mut text = String::new();
        for _ in 0..self.below(max + 1) {
            let c =
                self.pick(&['a', 'b', 'z', 'A', '0', ' ', '#', '\r', '\t', '\n', 'é', '世', '🦀']);
            if text.len() + c.len_utf8() <= max {
                text.push(c);
            }
        }
        text
    }

    /// A number with any count of bits.
    pub fn number(&mut self) -> i64 {
        i64::from_le_bytes(self.next().to_le_bytes()) >> self.below(64)
    }
}

/// A value of `COMPLEX` within its limits.
pub fn complex(random: &mut Random) -> Complex {
    let mut value = level(random, None);
    for _ in 0..random.below(MAX_LEVELS) {
        value = level(random, Some(value));
    }
    value
}

fn level(random: &mut Random, next: Option<Complex>) -> Complex {
    let mut m: Vec<(String, i64)> = Vec::new();
    for _ in 0..random.below(MAX_M + 1) {
        let key = random.text(MAX_KEY);
        if m.iter().all(|(taken, _)| *taken != key) {
            m.push((key, random.number()));
        }
    }
    let len = random.below(MAX_P + 1);
    Complex {
        n: random.number(),
        s: random.text(MAX_S),
        m,
        p: random.bytes(len),
        c: next.map(Box::new),
    }
}

/// An encoded value of `COMPLEX` with an error in it; rarely it is still valid.
pub fn hostile_payload(random: &mut Random) -> Vec<u8> {
    let mut bytes = complex(random).encode();
    match random.below(7) {
        0 => bytes.truncate(random.below(bytes.len())),
        1 => bytes.push(random.bytes(1)[0]),
        2 => bytes = vec![1; 1 + random.below(1_000)],
        3 => {
            let at = random.below(bytes.len() + 1);
            bytes.splice(at..at, varint(random.next()));
        }
        4 => {
            bytes.remove(random.below(bytes.len()));
        }
        5 => {
            bytes = {
                let len = random.below(64);
                random.bytes(len)
            }
        }
        _ => {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
    }
    bytes
}

/// A frame with this body.
#[must_use]
pub fn frame(name: &str, tag: Option<u32>, body: &Body) -> Vec<u8> {
    let length = match body {
        Body::Counted(bytes) => format!(" {}", bytes.len()),
        Body::Line(_) => String::new(),
    };
    let tag = tag.map(|tag| format!(" #{tag}")).unwrap_or_default();
    [format!("{name}{length}{tag}\n").as_bytes(), body.bytes(), b"\n"].concat()
}

/// A frame that leaves the connection open and in sync, whatever its reply.
pub fn frame_in_sync(random: &mut Random, limits: &Limits) -> Vec<u8> {
    let tag = (!random.one_in(3)).then(|| random.bits());
    let near = |random: &mut Random, limit: usize| limit + random.below(3) - 1;
    match random.below(10) {
        0..=2 => frame("STRING", tag, &Body::of_text(random.text(200).as_bytes())),
        3..=5 => frame("COMPLEX", tag, &Body::Counted(complex(random).encode())),
        6 => frame("COMPLEX", tag, &Body::Counted(hostile_payload(random))),
        7 => {
            let len = random.below(80);
            frame("STRING", tag, &Body::Counted(random.bytes(len)))
        }
        8 => {
            let name = random.pick(&["FROB", "string", "OK", "ERR", "MORE", "LC.x", "A-_.9"]);
            frame(name, tag, &Body::of_text(random.text(40).as_bytes()))
        }
        _ => {
            let len = near(random, limits.max_body);
            let body = vec![b'a'; len];
            let body = if random.one_in(2) { Body::Line(body) } else { Body::Counted(body) };
            frame("STRING", tag, &body)
        }
    }
}

/// The end of a stream: bytes that close the connection with an error, or a truncated frame.
pub fn stream_end(random: &mut Random, limits: &Limits) -> Vec<u8> {
    match random.below(6) {
        0 => Vec::new(),
        1 => {
            let len = random.below(200);
            [random.bytes(len), b"\n\n".to_vec()].concat()
        }
        2 => format!("STRING {} #3\n", limits.skip_budget + 1).into_bytes(),
        3 => b"STRING 2 #3\nabc\nSTRING\nx\n".to_vec(),
        4 => {
            let whole = frame("COMPLEX", Some(3), &Body::Counted(complex(random).encode()));
            whole[..random.below(whole.len())].to_vec()
        }
        _ => vec![b'x'; 50 + random.below(20)],
    }
}

/// A stream: frames in sync, then perhaps an error or a truncated frame.
pub fn stream(random: &mut Random, limits: &Limits) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..random.below(20) {
        bytes.extend(frame_in_sync(random, limits));
    }
    bytes.extend(stream_end(random, limits));
    bytes
}
