//! Runs one piece a given number of times, for valgrind to count its instructions.
//!
//!     instructions            lists the pieces
//!     instructions PIECE COUNT

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    let pieces = linecard_benches::pieces();
    match args.as_slice() {
        [_, name, count] => {
            let piece = pieces.iter().find(|piece| piece.name == *name).ok_or("no such piece")?;
            (piece.run)(count.parse()?);
        }
        _ => pieces.iter().for_each(|piece| println!("{}", piece.name)),
    }
    Ok(())
}
