//! Linecard beside its peers, on this machine, under one load generator: see `run` in this directory.
//!
//! The raw echo of Linecard's own sizes is the measure: what the system could do if there were no
//! protocol. Rounds are interleaved and both sides pinned. A ratio is that of the best rounds, for what
//! disturbs a round only slows it; the median of those within each round stands beside it.
#![expect(clippy::cast_precision_loss, reason = "counts and coordinates of a plot")]

mod contenders;
mod cost;
mod load;
mod plot;
mod process;
mod table;
mod throughput;

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use contenders::{Contender, LINECARD, Message, Places};
use table::Costs;

type Failure = Box<dyn Error>;

struct Options {
    rounds: usize,
    seconds: f64,
    only: Vec<String>,
    svg: Option<PathBuf>,
}

fn main() -> Result<(), Failure> {
    let options = options()?;
    raise_descriptor_limit()?;
    let programs = std::env::current_exe()?.parent().ok_or("no directory")?.to_owned();
    let files = std::env::temp_dir().join(format!("linecard-peers-{}", std::process::id()));
    fs::create_dir_all(&files)?;
    let places = Places { programs, files };
    let outcome = run(&places, &options);
    fs::remove_dir_all(&places.files)?;
    outcome
}

fn run(places: &Places, options: &Options) -> Result<(), Failure> {
    let contenders = contenders::all(places, &options.only)?;
    let (rounds, seconds) = (options.rounds, options.seconds);
    let reached = throughput::measure(&places.programs, &contenders, rounds, seconds)?;
    println!("\n{}", table::throughput(&reached));
    if let Some(svg) = &options.svg {
        fs::write(svg, plot::draw(&reached))?;
    }
    println!("{}", table::costs(&costs(places, &contenders, rounds)));
    for contender in contenders.iter().filter(|contender| contender.name == LINECARD) {
        particulars(places, contender, rounds, seconds)?;
    }
    Ok(())
}

fn costs(places: &Places, contenders: &[Contender], rounds: usize) -> Vec<Costs> {
    let counted = contenders.iter().filter(|c| c.message == Message::String || c.name == LINECARD);
    counted
        .map(|contender| {
            let name = contender.name;
            eprintln!("memory and bursts: {name}");
            let told = |error: Failure| eprintln!("{name}: {error}");
            Costs {
                name,
                request_len: contender.request_len,
                reply_len: contender.reply_len,
                memory: cost::memory(contender).map_err(told).ok(),
                burst: cost::burst(&places.programs, contender, rounds).map_err(told).ok(),
            }
        })
        .collect()
}

/// What is asked of Linecard alone.
fn particulars(
    places: &Places,
    contender: &Contender,
    rounds: usize,
    seconds: f64,
) -> Result<(), Failure> {
    let what = contender.message.command();
    let ratio = cost::workers(places, contender, rounds, seconds)?;
    println!("{what}: two workers to one, 64 deep on 8 connections: {ratio:.2}");
    let ratio = cost::crowd(&places.programs, contender, rounds, seconds)?;
    println!("{what}: 64 deep beside 9,999 idle connections, to alone: {ratio:.2}");
    if let Some((reads, writes)) = cost::calls(places, contender)? {
        println!("{what}: calls for 64 pipelined requests: {reads} to read, {writes} to write");
    }
    Ok(())
}

fn options() -> Result<Options, Failure> {
    let mut options = Options { rounds: 9, seconds: 0.5, only: Vec::new(), svg: None };
    let mut args = std::env::args().skip(1);
    while let Some(option) = args.next() {
        let value = args.next().ok_or_else(|| format!("{option} needs a value"))?;
        match option.as_str() {
            "--rounds" => options.rounds = value.parse()?,
            "--seconds" => options.seconds = value.parse()?,
            "--only" => options.only = value.split(',').map(str::to_owned).collect(),
            "--svg" => options.svg = Some(value.into()),
            _ => return Err(format!("what is {option}?").into()),
        }
    }
    Ok(options)
}

/// Ten thousand connections need as many descriptors, here and in the servers, which inherit the limit.
fn raise_descriptor_limit() -> Result<(), Failure> {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(setrlimit(Resource::Nofile, limit)?)
}
