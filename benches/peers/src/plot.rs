//! The ratios as a bar chart: one panel a load, one row a server, one bar a message.

use std::fmt::Write;

use crate::contenders::{LINECARD, Message};
use crate::throughput::{Figure, LOADS, Throughput};

const LABELS: f64 = 220.0;
const PANEL: f64 = 230.0;
/// The width of a bar of ratio 1.
const ONE: f64 = 160.0;
const ROW: f64 = 34.0;
const TOP: f64 = 74.0;

pub(crate) fn draw(results: &[Throughput]) -> String {
    let names: Vec<_> =
        results.iter().filter(|r| r.message == Message::String).map(|r| r.name).collect();
    let width = LABELS + PANEL * LOADS.len() as f64 + 10.0;
    let height = TOP + ROW * names.len() as f64 + 20.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"10\" y=\"20\" font-size=\"15\" font-weight=\"bold\">\
         Requests a second, as a ratio to a raw epoll echo of the same sizes as Linecard's\
         </text>\n"
    );
    for (at, message) in Message::BOTH.into_iter().enumerate() {
        let x = LABELS + 110.0 * at as f64;
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"30\" width=\"10\" height=\"10\" fill=\"{}\"/>\
             <text x=\"{}\" y=\"40\">{}</text>",
            colour(message, false),
            x + 15.0,
            if message == Message::String { "STRING" } else { "struct" }
        );
    }
    for (column, (title, _)) in LOADS.iter().enumerate() {
        panel(&mut svg, column, title, &names, results);
    }
    for (row, name) in names.iter().enumerate() {
        let y = TOP + ROW * row as f64 + 19.0;
        let weight = if *name == LINECARD { " font-weight=\"bold\"" } else { "" };
        let name = name.trim_matches('*');
        let _ = writeln!(svg, "<text x=\"10\" y=\"{y}\"{weight}>{name}</text>");
    }
    svg + "</svg>\n"
}

fn panel(svg: &mut String, column: usize, title: &str, names: &[&str], results: &[Throughput]) {
    let left = LABELS + PANEL * column as f64;
    let bottom = TOP + ROW * names.len() as f64;
    let one = left + ONE;
    let _ = writeln!(
        svg,
        "<text x=\"{left}\" y=\"{}\" font-weight=\"bold\">{title}</text>\n\
         <line x1=\"{one}\" y1=\"{TOP}\" x2=\"{one}\" y2=\"{bottom}\" stroke=\"#999\" \
         stroke-dasharray=\"3 3\"/>",
        TOP - 10.0
    );
    for (row, name) in names.iter().enumerate() {
        for (at, message) in Message::BOTH.into_iter().enumerate() {
            let found = results.iter().find(|r| r.name == *name && r.message == message);
            let Some(Figure { ratio, .. }) = found.and_then(|r| r.loads[column]) else { continue };
            let y = TOP + ROW * row as f64 + 3.0 + 14.0 * at as f64;
            let (length, fill) = (ONE * ratio, colour(message, *name == LINECARD));
            let _ = writeln!(
                svg,
                "<rect x=\"{left}\" y=\"{y}\" width=\"{length:.1}\" height=\"12\" fill=\"{fill}\"/>\
                 <text x=\"{:.1}\" y=\"{}\" font-size=\"11\">{ratio:.2}</text>",
                left + length + 4.0,
                y + 10.0
            );
        }
    }
}

const fn colour(message: Message, ours: bool) -> &'static str {
    match (message, ours) {
        (Message::String, true) => "#1558b0",
        (Message::String, false) => "#7ba7d9",
        (Message::Struct, true) => "#b25200",
        (Message::Struct, false) => "#e0a878",
    }
}
