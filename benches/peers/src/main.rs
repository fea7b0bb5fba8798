//! Compares Linecard with other servers on this machine, with one load generator: see `run` in this
//! directory.
//!
//! All figures are relative to a raw echo with Linecard's message sizes: what the system could do
//! without any protocol. Rounds are interleaved and both sides pinned to CPUs. A ratio is that of
//! the best rounds, because disturbances only slow a round down; the median of the ratios within
//! each round is printed beside it.
#![expect(clippy::cast_precision_loss, reason = "counts and coordinates of a plot")]

mod bulk;
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

use contenders::{Contender, Dirs, LINECARD, Message};
use table::Costs;

type Failure = Box<dyn Error>;

struct Options {
    rounds: usize,
    seconds: f64,
    only: Vec<String>,
    svg: Option<PathBuf>,
    /// Only bulk, churn and the open loop.
    bulk: bool,
}

fn main() -> Result<(), Failure> {
    let options = options()?;
    raise_descriptor_limit()?;
    let programs = std::env::current_exe()?.parent().ok_or("no directory")?.to_owned();
    let files = std::env::temp_dir().join(format!("linecard-peers-{}", std::process::id()));
    fs::create_dir_all(&files)?;
    let dirs = Dirs { programs, files };
    let outcome = run(&dirs, &options);
    fs::remove_dir_all(&dirs.files)?;
    outcome
}

fn run(dirs: &Dirs, options: &Options) -> Result<(), Failure> {
    let contenders = contenders::all(dirs, &options.only)?;
    let (rounds, seconds) = (options.rounds, options.seconds);
    bulk_and_churn(dirs, &contenders, rounds, seconds)?;
    if options.bulk {
        return Ok(());
    }
    let results = throughput::measure(&dirs.programs, &contenders, rounds, seconds)?;
    println!("\n{}", table::throughput(&results));
    if let Some(svg) = &options.svg {
        fs::write(svg, plot::draw(&results))?;
    }
    println!("{}", table::costs(&costs(dirs, &contenders, rounds)));
    for contender in contenders.iter().filter(|contender| contender.name == LINECARD) {
        linecard_only(dirs, contender, rounds, seconds)?;
    }
    Ok(())
}

fn bulk_and_churn(
    dirs: &Dirs,
    contenders: &[Contender],
    rounds: usize,
    seconds: f64,
) -> Result<(), Failure> {
    bulk::print(dirs, rounds, seconds)?;
    let small: Vec<_> = contenders.iter().filter(|c| c.message == Message::String).collect();
    bulk::churn(dirs, &small, rounds)?;
    bulk::open_loop(dirs, &small, rounds, seconds)?;
    let ours = small.iter().find(|contender| contender.name == LINECARD);
    if let Some(ours) = ours {
        let ratio = bulk::beside_bulk(dirs, ours, rounds, seconds)?;
        println!("STRING on 50 connections beside one with bulk, 8 deep: p99 {ratio:.1} times\n");
    }
    Ok(())
}

fn costs(dirs: &Dirs, contenders: &[Contender], rounds: usize) -> Vec<Costs> {
    let counted = contenders.iter().filter(|c| c.message == Message::String || c.name == LINECARD);
    counted
        .map(|contender| {
            let name = contender.name;
            eprintln!("memory and bursts: {name}");
            let report = |error: Failure| eprintln!("{name}: {error}");
            Costs {
                name,
                request_len: contender.request_len,
                reply_len: contender.reply_len,
                memory: cost::memory(contender).map_err(report).ok(),
                burst: cost::burst(&dirs.programs, contender, rounds).map_err(report).ok(),
            }
        })
        .collect()
}

/// What is measured for Linecard only.
fn linecard_only(
    dirs: &Dirs,
    contender: &Contender,
    rounds: usize,
    seconds: f64,
) -> Result<(), Failure> {
    let what = contender.message.command();
    let ratio = cost::workers(dirs, contender, rounds, seconds)?;
    println!("{what}: two workers to one, 64 deep on 8 connections: {ratio:.2}");
    let ratio = cost::idle_ratio(&dirs.programs, contender, rounds, seconds)?;
    println!("{what}: 64 deep beside 9,999 idle connections, to alone: {ratio:.2}");
    if let Some((reads, writes)) = cost::calls(dirs, contender)? {
        println!("{what}: calls for 64 pipelined requests: {reads} to read, {writes} to write");
    }
    Ok(())
}

fn options() -> Result<Options, Failure> {
    let mut options = Options { rounds: 9, seconds: 0.5, only: Vec::new(), svg: None, bulk: false };
    let mut args = std::env::args().skip(1);
    while let Some(option) = args.next() {
        if option == "--bulk" {
            options.bulk = true;
            continue;
        }
        let value = args.next().ok_or_else(|| format!("{option} needs a value"))?;
        match option.as_str() {
            "--rounds" => options.rounds = value.parse()?,
            "--seconds" => options.seconds = value.parse()?,
            "--only" => options.only = value.split(',').map(str::to_owned).collect(),
            "--svg" => options.svg = Some(value.into()),
            _ => return Err(format!("unknown option {option}").into()),
        }
    }
    Ok(options)
}

/// Ten thousand connections need as many descriptors, here and in the servers, which inherit the
/// limit.
fn raise_descriptor_limit() -> Result<(), Failure> {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(setrlimit(Resource::Nofile, limit)?)
}
