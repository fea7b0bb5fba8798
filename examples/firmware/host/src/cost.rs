//! Instructions per request on the microcontroller, counted by QEMU.

use std::time::Duration;

use crate::Result;
use crate::image::COST;
use crate::qemu::{INSTRUCTION_NS, Qemu, Wiring};

/// How long all requests may take on a busy machine.
const TIMEOUT: Duration = Duration::from_mins(2);

/// Each command and its instructions per request: parsing, dispatch, decoding, handler, encoding.
///
/// # Errors
/// The board's output is not as expected.
pub fn measure() -> Result<Vec<(String, u64)>> {
    let mut qemu = Qemu::boot(COST, Wiring::Counting, TIMEOUT)?;
    let (status, output) = qemu.wait_for_end(TIMEOUT)?;
    let output = String::from_utf8_lossy(&output).into_owned();
    let costs: Option<Vec<_>> = output.lines().map(parse).collect();
    costs
        .filter(|costs| status.success() && !costs.is_empty())
        .ok_or_else(|| format!("the board ends with {status} and prints: {output}"))
}

/// `NAME COUNT requests, ms: TIME`
fn parse(line: &str) -> Option<(String, u64)> {
    let (name, rest) = line.split_once(' ')?;
    let (count, ms) = rest.split_once(" requests, ms: ")?;
    let (count, ms): (u64, u64) = (count.parse().ok()?, ms.parse().ok()?);
    let instructions = (ms * 1_000_000 / INSTRUCTION_NS).checked_div(count)?;
    Some((name.to_owned(), instructions))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_converted_to_instructions() {
        assert_eq!(parse("STRING 1000 requests, ms: 64"), Some(("STRING".to_owned(), 1_000)));
        assert_eq!(parse("fault: 0x0"), None);
    }
}
