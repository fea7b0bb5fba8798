//! Reads a server's bytes back, strictly: whatever a conforming server can't have sent is an error here.

use crate::bytes::show;
use crate::oracle::{Body, LONGEST_HEAD_LINE, Line, Refusal, Reply, head};

/// Bytes of words behind an error's code, at most (docs/PROTOCOL.md §5).
pub const MAX_WORDS: usize = 96;

/// The first reply in `bytes` and its length, or `None` while it is not whole.
///
/// # Errors
/// A sentence, if the bytes are not what a server may send.
pub fn first(bytes: &[u8]) -> Result<Option<(Reply, usize)>, String> {
    let (head, at) = match head(bytes) {
        Line::Incomplete => return Ok(None),
        Line::Bad => {
            return Err(format!(
                "no reply's head: {}",
                show(&bytes[..bytes.len().min(LONGEST_HEAD_LINE)])
            ));
        }
        Line::Head(head, at) => (head, at),
    };
    let end = match head.length {
        Some(length) => at + usize::try_from(length).map_err(|e| e.to_string())?,
        None => match bytes[at..].iter().position(|&byte| byte == b'\n') {
            Some(end) => at + end,
            None => return Ok(None),
        },
    };
    let Some(&after) = bytes.get(end) else { return Ok(None) };
    if after != b'\n' {
        return Err(format!("no LF behind a reply's body: {}", show(&bytes[..=end])));
    }
    let body = bytes[at..end].to_vec();
    let result = match (head.name.as_str(), head.length) {
        ("OK", Some(_)) => Ok(Body::Counted(body)),
        ("OK", None) => Ok(Body::Line(body)),
        ("ERR", None) => Err(refusal(&body)?),
        _ => return Err(format!("neither OK nor an uncounted ERR: {}", show(&bytes[..=end]))),
    };
    let reply = Reply { tag: head.tag, result };
    if reply.to_bytes() != bytes[..=end] {
        return Err(format!("not as a server sends it (a CR?): {}", show(&bytes[..=end])));
    }
    Ok(Some((reply, end + 1)))
}

/// All replies in `bytes`, which must end with the last of them.
///
/// # Errors
/// A sentence, if the bytes are not what a server may send.
pub fn all(mut bytes: &[u8]) -> Result<Vec<Reply>, String> {
    let mut replies = Vec::new();
    while !bytes.is_empty() {
        let (reply, len) =
            first(bytes)?.ok_or_else(|| format!("a reply is cut short: {}", show(bytes)))?;
        replies.push(reply);
        bytes = &bytes[len..];
    }
    Ok(replies)
}

/// Are these the replies expected, by the rule of [`Reply::matches`]?
///
/// # Errors
/// A sentence that names the first difference.
pub fn compare(want: &[Reply], got: &[Reply]) -> Result<(), String> {
    for (at, (want, got)) in want.iter().zip(got).enumerate() {
        if !want.matches(got) {
            let (want, got) = (want.to_bytes(), got.to_bytes());
            return Err(format!("reply {}: expected {}, got {}", at + 1, show(&want), show(&got)));
        }
    }
    match got.get(want.len()) {
        Some(more) => Err(format!("one reply too many: {}", show(&more.to_bytes()))),
        None if got.len() < want.len() => {
            let missing = show(&want[got.len()].to_bytes());
            Err(format!("{} replies of {}; missing: {missing}", got.len(), want.len()))
        }
        None => Ok(()),
    }
}

fn refusal(body: &[u8]) -> Result<Refusal, String> {
    let printable = body.iter().all(|byte| (0x20..=0x7e).contains(byte));
    let text = std::str::from_utf8(body).ok().filter(|_| printable);
    let text = text.ok_or_else(|| format!("an error that isn't printable: {}", show(body)))?;
    let (code, words) = match text.split_once(' ') {
        Some((code, words)) => (code, Some(words.to_owned())),
        None => (text, None),
    };
    if code.is_empty() || words.as_ref().is_some_and(|words| words.len() > MAX_WORDS) {
        return Err(format!("no code, or more than {MAX_WORDS} bytes of words: {}", show(body)));
    }
    Ok(Refusal { code: code.to_owned(), words })
}
