//! Bytes of another program, written so that they can't control a terminal.
//!
//! Control characters, bytes that are not UTF-8, and the characters that reorder text become
//! escapes such as `\x1b` and `\u{202e}`.

/// Text of any number of lines: LF and tab stay as they are.
pub(crate) fn lines(bytes: &[u8]) -> String {
    escape(bytes, |c| matches!(c, '\n' | '\t'))
}

/// Text in one line.
pub(crate) fn line(text: &str) -> String {
    escape(text.as_bytes(), |_| false)
}

fn escape(bytes: &[u8], stays: impl Fn(char) -> bool) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match u8::try_from(c) {
                _ if stays(c) => text.push(c),
                Ok(byte) if byte.is_ascii_control() => text.extend(escape_byte(byte)),
                _ if c.is_control() || reorders(c) => text.extend(c.escape_unicode()),
                _ => text.push(c),
            }
        }
        text.extend(chunk.invalid().iter().copied().flat_map(escape_byte));
    }
    text
}

fn escape_byte(byte: u8) -> impl Iterator<Item = char> {
    std::ascii::escape_default(byte).map(char::from)
}

/// Whether `c` changes the order in which a terminal shows other characters, or separates lines.
const fn reorders(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_control_a_terminal_is_escaped() {
        for (bytes, escaped) in [
            (&b"plain \xc3\xa9 \\ text"[..], "plain é \\ text"),
            (b"two\n\tlines", "two\n\tlines"),
            (b"\x1b]0;title\x07\x1b[2J", r"\x1b]0;title\x07\x1b[2J"),
            (b"over\rwritten\x08\x7f\0", r"over\rwritten\x08\x7f\x00"),
            ("\u{9b}2J \u{202e}txt".as_bytes(), r"\u{9b}2J \u{202e}txt"),
            (b"\x9b2J\xff", r"\x9b2J\xff"),
        ] {
            assert_eq!(lines(bytes), escaped);
        }
        assert_eq!(line("one\nline\t"), r"one\nline\t");
    }

    #[test]
    fn nothing_that_controls_is_left() {
        let all: String = ('\0'..=char::MAX).collect();
        assert!(!line(&all).chars().any(|c| c.is_control() || reorders(c)));
    }
}
