//! `linecard serve`: serves the demo commands until a signal.

use std::io::{self, Write};

use linecard_demo::{Demo, table};
use linecard_std::protocol::Code;
use linecard_std::{Counters, Server};

use crate::outcome::Outcome;
use crate::{cli, descriptors};

pub(crate) fn run(options: &cli::Serve) -> Outcome {
    descriptors::raise_limit("--max-connections", options.max_connections);
    let server = Server::bind(&options.listen, options.config())?;
    let handle = server.handle();
    let on_signal = handle.clone();
    ctrlc::set_handler(move || on_signal.stop())?;
    announce(&server)?;
    log::info!("up to {} connections", options.max_connections);
    server.run(table().bind(Demo))?;
    report(&handle.counters());
    Ok(())
}

/// Prints the first line and flushes it: programs wait for it.
fn announce(server: &Server) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "listening on {}", server.local_addr())?;
    stdout.flush()
}

fn report(counters: &Counters) {
    log::info!(
        "{} connections, {} requests, {} bytes in, {} out",
        counters.accepted,
        counters.requests,
        counters.bytes_in,
        counters.bytes_out
    );
    for code in Code::ALL.into_iter().filter(|&code| counters.errors(code) > 0) {
        log::info!("{code}: {}", counters.errors(code));
    }
}
