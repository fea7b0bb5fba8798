//! Requests a second of all servers in turn, round by round.

use std::path::Path;

use crate::Failure;
use crate::contenders::{Contender, Message, RAW_EPOLL};
use crate::load::{Length, Load, figure, run};
use crate::process::{Cpus, Server};

/// The loads, with the titles of their columns.
pub(crate) const LOADS: [(&str, Load); 3] = [
    ("1 connection, same", Load { connections: 1, depth: 1, cpus: Cpus::First }),
    ("50 connections, split", Load { connections: 50, depth: 1, cpus: Cpus::Second }),
    ("64 deep, same", Load { connections: 1, depth: 64, cpus: Cpus::First }),
];

/// One server's figures under each load; `None` where it failed.
#[derive(Debug)]
pub(crate) struct Throughput {
    pub(crate) name: &'static str,
    pub(crate) message: Message,
    pub(crate) loads: [Option<Figure>; LOADS.len()],
}

/// Requests a second of the best round, its ratio to the raw echo's best round, and the median of
/// the ratios within each round. Disturbances only slow a round down.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    pub(crate) rate: f64,
    pub(crate) ratio: f64,
    pub(crate) median: f64,
}

/// Measures all servers. They run all the time on the first CPU; loads run one at a time.
pub(crate) fn measure(
    programs: &Path,
    contenders: &[Contender],
    rounds: usize,
    seconds: f64,
) -> Result<Vec<Throughput>, Failure> {
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
        .map(|(one, mine)| results(one, mine, contenders, &rates))
        .collect())
}

type Rates = [Vec<Option<f64>>; LOADS.len()];

fn results(
    contender: &Contender,
    mine: &Rates,
    contenders: &[Contender],
    all: &[Rates],
) -> Throughput {
    let raw = contenders
        .iter()
        .zip(all)
        .find(|(other, _)| other.name == RAW_EPOLL && other.message == contender.message)
        .map(|(_, rates)| rates);
    let loads = std::array::from_fn(|column| {
        let raw: Vec<f64> = raw?[column].iter().copied().collect::<Option<_>>()?;
        let mine: Vec<f64> = mine[column].iter().copied().collect::<Option<_>>()?;
        let ratios = mine.iter().zip(&raw).map(|(mine, raw)| mine / raw).collect();
        let [rate, raw_rate] = [&mine, &raw].map(|rates| rates.iter().copied().fold(0.0, f64::max));
        Some(Figure { rate, ratio: rate / raw_rate, median: median(ratios)? })
    });
    Throughput { name: contender.name, message: contender.message, loads }
}

/// The best of the first figures, relative to the best of the second.
pub(crate) fn best_ratio(pairs: Vec<(f64, f64)>) -> f64 {
    let (first, second): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    let [first, second] = [first, second].map(|rates| rates.into_iter().fold(0.0, f64::max));
    first / second
}

pub(crate) fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    let (below, above) =
        (figures.get((figures.len().max(1) - 1) / 2)?, figures.get(figures.len() / 2)?);
    Some(f64::midpoint(*below, *above))
}
