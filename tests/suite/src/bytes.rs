//! Bytes as tests/vectors.json writes them, and as failures print them.

use serde_json::Value;

/// Joins the pieces of a byte string: a string, `{"hex": …}` or `{"repeat": [string, count]}` each.
///
/// # Panics
/// If the value is not in that form: the vectors are ours.
#[must_use]
pub fn from_pieces(pieces: &Value) -> Vec<u8> {
    pieces.as_array().expect("bytes are an array of pieces").iter().flat_map(piece).collect()
}

fn piece(piece: &Value) -> Vec<u8> {
    if let Some(text) = piece.as_str() {
        return text.as_bytes().to_vec();
    }
    if let Some(hex) = piece["hex"].as_str() {
        return from_hex(hex);
    }
    let text = piece["repeat"][0].as_str().expect("repeat has a string");
    let count = piece["repeat"][1].as_u64().expect("repeat has a count");
    text.repeat(usize::try_from(count).expect("a count in memory")).into_bytes()
}

/// Decodes hexadecimal digits.
///
/// # Panics
/// If the digits are not pairs of hexadecimal ones.
#[must_use]
pub fn from_hex(hex: &str) -> Vec<u8> {
    assert!(hex.len().is_multiple_of(2), "hexadecimal digits come in pairs: {hex}");
    (0..hex.len() / 2)
        .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hexadecimal digits"))
        .collect()
}

/// The bytes for a failure message: escaped, and cut when long.
#[must_use]
pub fn show(bytes: &[u8]) -> String {
    const MAX: usize = 160;
    let shown = bytes[..bytes.len().min(MAX)].escape_ascii();
    let more = bytes.len().saturating_sub(MAX);
    if more == 0 { format!("`{shown}`") } else { format!("`{shown}` and {more} bytes more") }
}
