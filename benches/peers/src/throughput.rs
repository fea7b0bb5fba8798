//! Requests a second, all contenders in turn, round by round.

use std::path::Path;

use crate::Failure;
use crate::contenders::{Contender, Message, RAW_EPOLL};
use crate::load::{Length, Load, figure, run};
use crate::process::{Cpus, Server};

/// The loads of the table, and how its columns are called.
pub(crate) const LOADS: [(&str, Load); 3] = [
    ("1 connection, same", Load { connections: 1, depth: 1, cpus: Cpus::First }),
    ("50 connections, split", Load { connections: 50, depth: 1, cpus: Cpus::Second }),
    ("64 deep, same", Load { connections: 1, depth: 64, cpus: Cpus::First }),
];

/// What one contender reached under each load: `None` where it failed.
#[derive(Debug)]
pub(crate) struct Reached {
    pub(crate) name: &'static str,
    pub(crate) message: Message,
    /// Requests a second, and the ratio to the raw echo; medians over the rounds.
    pub(crate) loads: [Option<(f64, f64)>; LOADS.len()],
}

/// All servers run all the time, on the first CPU; one load at a time.
pub(crate) fn measure(
    programs: &Path,
    contenders: &[Contender],
    rounds: usize,
    seconds: f64,
) -> Result<Vec<Reached>, Failure> {
    let servers = contenders
        .iter()
        .map(|contender| Server::start(&contender.start, Cpus::First))
        .collect::<Result<Vec<_>, _>>()?;
    let mut rates = vec![[const { Vec::new() }; LOADS.len()]; contenders.len()];
    for round in 1..=rounds {
        for (column, (title, load)) in LOADS.into_iter().enumerate() {
            eprintln!("round {round} of {rounds}: {title}");
            for ((contender, server), rates) in contenders.iter().zip(&servers).zip(&mut rates) {
                let figures = run(programs, contender, server.addr, load, Length::Seconds(seconds));
                let rate = figures.and_then(|figures| figure(&figures, "requests_per_second"));
                if let Err(error) = &rate {
                    eprintln!("{} {}: {error}", contender.name, contender.message.command());
                }
                rates[column].push(rate.ok());
            }
        }
    }
    Ok(contenders
        .iter()
        .zip(&rates)
        .map(|(one, mine)| reached(one, mine, contenders, &rates))
        .collect())
}

type Rates = [Vec<Option<f64>>; LOADS.len()];

fn reached(
    contender: &Contender,
    mine: &Rates,
    contenders: &[Contender],
    all: &[Rates],
) -> Reached {
    let raw = contenders
        .iter()
        .zip(all)
        .find(|(other, _)| other.name == RAW_EPOLL && other.message == contender.message)
        .map(|(_, rates)| rates);
    let loads = std::array::from_fn(|column| {
        let pairs = raw?[column].iter().zip(&mine[column]);
        let ratios = pairs.map(|(raw, mine)| Some(((*mine)? / (*raw)?, (*mine)?)));
        let ratios: Vec<_> = ratios.collect::<Option<_>>()?;
        let (of, rates): (Vec<f64>, Vec<f64>) = ratios.into_iter().unzip();
        Some((median(rates)?, median(of)?))
    });
    Reached { name: contender.name, message: contender.message, loads }
}

pub(crate) fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    let (below, above) =
        (figures.get((figures.len().max(1) - 1) / 2)?, figures.get(figures.len() / 2)?);
    Some(f64::midpoint(*below, *above))
}
