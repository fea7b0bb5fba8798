//! The figures as Markdown tables.

use crate::contenders::{LINECARD, Message, RAW_EPOLL};
use crate::throughput::{Figure, LOADS, Throughput};

/// Memory and bursts of one server; `None` if a measurement failed.
#[derive(Debug)]
pub(crate) struct Costs {
    pub(crate) name: &'static str,
    pub(crate) request_len: usize,
    pub(crate) reply_len: usize,
    pub(crate) memory: Option<f64>,
    pub(crate) burst: Option<f64>,
}

/// Ratios to the raw echo, medians in brackets. For the echo and Linecard also absolute figures.
pub(crate) fn throughput(results: &[Throughput]) -> String {
    let mut table = String::from("| |");
    for message in ["STRING", "struct"] {
        LOADS.iter().for_each(|(title, _)| table += &format!(" {message}: {title} |"));
    }
    table += &format!("\n|---|{}\n", "---|".repeat(2 * LOADS.len()));
    let mut names: Vec<&str> = Vec::new();
    results.iter().filter(|r| r.message == Message::String).for_each(|r| names.push(r.name));
    for name in names {
        table += &format!("| {name} |");
        for message in Message::BOTH {
            let row = results.iter().find(|r| r.name == name && r.message == message);
            for column in 0..LOADS.len() {
                table += &format!(" {} |", cell(name, row.and_then(|row| row.loads[column])));
            }
        }
        table += "\n";
    }
    table
}

fn cell(name: &str, results: Option<Figure>) -> String {
    let Some(Figure { rate, ratio, median }) = results else { return "–".into() };
    let figures = format!("{ratio:.2} ({median:.2})");
    if [RAW_EPOLL, LINECARD].contains(&name) {
        format!("{figures} {}", thousands(rate))
    } else {
        figures
    }
}

fn thousands(rate: f64) -> String {
    if rate >= 1e6 { format!("{:.2} M", rate / 1e6) } else { format!("{:.1} k", rate / 1e3) }
}

pub(crate) fn costs(costs: &[Costs]) -> String {
    let mut table = String::from(
        "| | bytes in, out | bytes an idle connection | 1,000 connects, each served, in s |\n\
         |---|---|---|---|\n",
    );
    for Costs { name, request_len, reply_len, memory, burst } in costs {
        let memory = memory.map_or("–".into(), |bytes| format!("{bytes:.0}"));
        let burst = burst.map_or("–".into(), |seconds| format!("{seconds:.3}"));
        table += &format!("| {name} | {request_len}, {reply_len} | {memory} | {burst} |\n");
    }
    table
}
