//! A strict parser of replies: what no conforming server sends is an error.

use crate::bytes::show;
use crate::oracle::{Body, LONGEST_HEAD_LINE, Line, Refusal, Reply, head};

/// The longest message after an error's code, in bytes (docs/PROTOCOL.md §5).
pub const MAX_MESSAGE_LEN: usize = 96;

/// The first reply in `bytes` and its length, or `None` if more bytes are needed.
///
/// # Errors
/// What is malformed, as a sentence.
pub fn first(bytes: &[u8]) -> Result<Option<(Reply, usize)>, String> {
    let (head, at) = match head(bytes) {
        Line::Incomplete => return Ok(None),
        Line::Bad => {
            return Err(format!(
                "not the head of a reply: {}",
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
        return Err(format!("no LF after the body of a reply: {}", show(&bytes[..=end])));
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
        return Err(format!("not in the form that servers send (a CR?): {}", show(&bytes[..=end])));
    }
    Ok(Some((reply, end + 1)))
}

/// All replies in `bytes`, which must end with the last of them.
///
/// # Errors
/// What is malformed, as a sentence.
pub fn all(mut bytes: &[u8]) -> Result<Vec<Reply>, String> {
    let mut replies = Vec::new();
    while !bytes.is_empty() {
        let (reply, len) =
            first(bytes)?.ok_or_else(|| format!("a truncated reply: {}", show(bytes)))?;
        replies.push(reply);
        bytes = &bytes[len..];
    }
    Ok(replies)
}

/// Compares replies by [`Reply::matches`].
///
/// # Errors
/// The first difference, as a sentence.
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
    let text = text.ok_or_else(|| format!("an error with unprintable bytes: {}", show(body)))?;
    let (code, message) = match text.split_once(' ') {
        Some((code, message)) => (code, Some(message.to_owned())),
        None => (text, None),
    };
    if code.is_empty() || message.as_ref().is_some_and(|message| message.len() > MAX_MESSAGE_LEN) {
        return Err(format!(
            "no code, or a message of more than {MAX_MESSAGE_LEN} bytes: {}",
            show(body)
        ));
    }
    Ok(Refusal { code: code.to_owned(), message })
}
