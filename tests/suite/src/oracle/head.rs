//! `name [SP length] [SP tag]`, split at its spaces (docs/PROTOCOL.md §2.1).

/// The longest legal head with its CR LF, in bytes: 32 + 1 + 10 + 1 + 11, and 2.
pub const LONGEST_HEAD_LINE: usize = 57;

/// A head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The command, `OK`, `ERR` or an event's name.
    pub name: String,
    /// The declared length of the body in bytes.
    pub length: Option<u32>,
    /// The tag's number.
    pub tag: Option<u32>,
}

/// What the front of an input is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// No LF yet; more bytes are needed.
    Incomplete,
    /// Not a head, whatever follows.
    Bad,
    /// A head, and the length of its line with the LF.
    Head(Head, usize),
}

/// Parses the head at the front of `input`.
#[must_use]
pub fn head(input: &[u8]) -> Line {
    let window = &input[..input.len().min(LONGEST_HEAD_LINE)];
    let Some(end) = window.iter().position(|&byte| byte == b'\n') else {
        return if window.len() == LONGEST_HEAD_LINE { Line::Bad } else { Line::Incomplete };
    };
    let line = window[..end].strip_suffix(b"\r").unwrap_or(&window[..end]);
    match std::str::from_utf8(line).ok().and_then(parse) {
        Some(head) => Line::Head(head, end + 1),
        None => Line::Bad,
    }
}

fn parse(line: &str) -> Option<Head> {
    let words: Vec<&str> = line.split(' ').collect();
    let (length, tag) = match words[1..] {
        [] => (None, None),
        [word] if word.starts_with('#') => (None, Some(word)),
        [word] => (Some(word), None),
        [first, second] => (Some(first), Some(second)),
        _ => return None,
    };
    let tag = tag.map(|word| word.strip_prefix('#').ok_or(())).transpose().ok()?;
    Some(Head {
        name: is_name(words[0]).then(|| words[0].to_owned())?,
        length: length.map(|word| number(word).ok_or(())).transpose().ok()?,
        tag: tag.map(|word| number(word).ok_or(())).transpose().ok()?,
    })
}

fn is_name(word: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    word.len() <= 32
        && word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.chars().all(inner)
}

fn number(word: &str) -> Option<u32> {
    let shortest = word == "0" || !word.starts_with('0');
    let digits = !word.is_empty() && word.chars().all(|c| c.is_ascii_digit());
    if shortest && digits { word.parse().ok() } else { None }
}
