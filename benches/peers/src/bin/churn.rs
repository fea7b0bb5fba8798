//! Connects, makes one call and closes, `COUNT` times, one after another. Prints how many a second.
//!
//!     churn ADDR REQUEST-FILE REQUEST-LEN REPLY-LEN COUNT

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let [_, addr, request, request_len, reply_len, count] = args.as_slice() else {
        return Err("churn ADDR REQUEST-FILE REQUEST-LEN REPLY-LEN COUNT".into());
    };
    let requests = std::fs::read(request)?;
    let request = requests.get(..request_len.parse()?).ok_or("a short file")?;
    let (mut reply, count): (_, u32) = (vec![0; reply_len.parse()?], count.parse()?);
    let start = Instant::now();
    for _ in 0..count {
        let mut tcp = TcpStream::connect(addr)?;
        tcp.write_all(request)?;
        tcp.read_exact(&mut reply)?;
    }
    println!("{}", f64::from(count) / start.elapsed().as_secs_f64());
    Ok(())
}
