//! The size table: the flash and RAM of each image, and its budget.

use std::fmt::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use linecard_suite::target::Target;

use crate::Result;
use crate::elf::{Elf, Footprint};
use crate::image::{CORE, ECHO, EMPTY, ETHERNET, Image, SERIAL};
use crate::load::{self, Part};
use crate::qemu::{Qemu, Wiring};

/// By how many percent a figure may exceed the recorded one.
const TOLERANCE: u64 = 3;
/// How long any one QEMU may run.
const LIMIT: Duration = Duration::from_mins(10);
/// How long a board may take to start on a busy machine.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// Seeded frames sent to the Ethernet server.
const ETHERNET_FRAMES: usize = 100_000;
/// Seeded frames sent to the serial server.
const SERIAL_FRAMES: usize = 10_000;
/// What cortex-m-rt paints the stack with.
const PAINT: [u8; 4] = [0xCC; 4];

/// One image's figures, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub image: &'static str,
    /// Code, constants, vectors and the initial values of variables.
    pub flash: u64,
    /// Variables.
    pub statics: u64,
    /// The most of the stack that was used.
    pub stack: u64,
}

/// The most that an image may take, in bytes; `None` is no limit.
struct Budget {
    image: &'static str,
    what: &'static str,
    /// Flash beyond that of the empty image.
    over_empty: Option<u64>,
    flash: Option<u64>,
    ram: Option<u64>,
}

const BUDGETS: [Budget; 5] = [
    Budget {
        image: "empty",
        what: "clock, vectors, faults",
        over_empty: None,
        flash: None,
        ram: None,
    },
    Budget {
        image: "core",
        what: "core, table, both demo handlers; no device",
        over_empty: Some(8 << 10),
        flash: None,
        ram: None,
    },
    Budget {
        image: "serial",
        what: "the same on a UART",
        over_empty: None,
        flash: Some(12 << 10),
        ram: Some(7 << 10),
    },
    Budget {
        image: "echo",
        what: "smoltcp, 4 sockets, nothing of Linecard",
        over_empty: None,
        flash: None,
        ram: None,
    },
    Budget {
        image: "ethernet",
        what: "smoltcp, 4 connections and a spare, both demo handlers",
        over_empty: None,
        flash: Some(32 << 10),
        ram: Some(30 << 10),
    },
];

/// Measures all images, each under its load. `report` gets progress messages.
///
/// # Errors
/// An image fails under its load.
pub fn measure(report: &(dyn Fn(&str) + Sync)) -> Result<Vec<Row>> {
    let stacks = thread::scope(|scope| {
        let boards = loads().map(|load| scope.spawn(move || (load.image(), stack(load, report))));
        boards.map(|board| board.join().map_err(|_| "a load panicked".to_owned()))
    });
    let mut rows: Vec<Row> = Vec::new();
    for outcome in stacks {
        let (image, stack) = outcome?;
        let stack = stack.map_err(|error| format!("{}: {error}", image.0))?;
        let Footprint { flash, statics } = Elf::of(image)?.footprint()?;
        match rows.iter_mut().find(|row| row.image == image.0) {
            Some(row) => row.stack = row.stack.max(stack),
            None => rows.push(Row { image: image.0, flash, statics, stack }),
        }
    }
    Ok(rows)
}

/// What a board does while its stack is measured.
#[derive(Clone, Copy)]
enum Load {
    /// It only starts.
    Nothing(Image),
    /// It sends bytes back.
    Echo,
    /// It answers seeded frames.
    Serial,
    /// It runs a part of the suite; the busy part also answers seeded frames.
    Ethernet(Part),
}

/// Several boards run the Ethernet image: much of the suite waits, and can do so in parallel.
fn loads() -> [Load; 7] {
    let waiting = |part| Load::Ethernet(Part::Waiting { part, of: 2 });
    [
        Load::Nothing(EMPTY),
        Load::Nothing(CORE),
        Load::Serial,
        Load::Echo,
        Load::Ethernet(Part::Busy),
        waiting(0),
        waiting(1),
    ]
}

impl Load {
    fn image(self) -> Image {
        match self {
            Self::Nothing(image) => image,
            Self::Echo => ECHO,
            Self::Serial => SERIAL,
            Self::Ethernet(_) => ETHERNET,
        }
    }

    fn wiring(self) -> Wiring<'static> {
        match self {
            Self::Nothing(_) => Wiring::Nothing,
            Self::Serial => Wiring::Uart(0),
            Self::Echo | Self::Ethernet(_) => Wiring::Server(0),
        }
    }
}

/// The most of the stack that an image uses under its load.
fn stack(load: Load, report: &dyn Fn(&str)) -> Result<u64> {
    let mut qemu = Qemu::boot(load.image(), load.wiring(), LIMIT)?;
    qemu.wait_for("ready", START_TIMEOUT)?;
    match load {
        // Long enough for a few ticks of the clock, whose handler uses the stack.
        Load::Nothing(_) => thread::sleep(Duration::from_millis(50)),
        Load::Echo => load::echo(qemu.addr()?)?,
        Load::Serial => load::frames_on_a_link(&Target::device(qemu.addr()?), SERIAL_FRAMES, 1)?,
        Load::Ethernet(part) => {
            let target = load::target(qemu.addr()?);
            load::suite(&target, part, report)?;
            if part == Part::Busy {
                let start = Instant::now();
                load::frames(&target, ETHERNET_FRAMES, 1)?;
                report(&format!("{} seeded frames in {:?}", ETHERNET_FRAMES, start.elapsed()));
            }
        }
    }
    qemu.check()?;
    let stack = high_water(&mut qemu, load.image())?;
    report(&format!("{}: {stack} bytes of stack", load.image().0));
    Ok(stack)
}

/// Bytes of the stack from the first word that is no longer as painted.
fn high_water(qemu: &mut Qemu, image: Image) -> Result<u64> {
    let elf = Elf::of(image)?;
    let (end, start) = (elf.address("_stack_end")?, elf.address("_stack_start")?);
    let stack = qemu.memory(end, start - end)?;
    let (words, _) = stack.as_chunks::<4>();
    let untouched = words.iter().take_while(|word| **word == PAINT).count();
    if untouched == 0 {
        Err("the stack was used to its end".into())
    } else {
        Ok(4 * (words.len() - untouched) as u64)
    }
}

/// The table as in docs/SIZES.md.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut table = String::from(
        "| image | what is in it | flash | over empty | budget | static RAM | stack | RAM in all \
         | budget |\n|---|---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for row in rows {
        let Some(budget) = budget(row) else { continue };
        let over = over_empty(rows, row);
        let flash_budget = budget
            .over_empty
            .map(|most| format!("{most} over"))
            .or(budget.flash.map(|most| most.to_string()));
        let _ = writeln!(
            table,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            row.image,
            budget.what,
            row.flash,
            over,
            flash_budget.unwrap_or_default(),
            row.statics,
            row.stack,
            row.statics + row.stack,
            budget.ram.map(|most| most.to_string()).unwrap_or_default(),
        );
    }
    table
}

fn budget(row: &Row) -> Option<&'static Budget> {
    BUDGETS.iter().find(|budget| budget.image == row.image)
}

fn over_empty(rows: &[Row], row: &Row) -> u64 {
    let empty = rows.iter().find(|row| row.image == "empty").map_or(0, |row| row.flash);
    row.flash.saturating_sub(empty)
}

/// The figures over their budget, one sentence each.
#[must_use]
pub fn over_budget(rows: &[Row]) -> Vec<String> {
    let mut sentences = Vec::new();
    for row in rows {
        let Some(budget) = budget(row) else { continue };
        let figures = [
            ("flash over the empty image", over_empty(rows, row), budget.over_empty),
            ("flash", row.flash, budget.flash),
            ("RAM with the stack", row.statics + row.stack, budget.ram),
        ];
        for (what, figure, most) in figures {
            if let Some(most) = most.filter(|most| figure > *most) {
                sentences
                    .push(format!("{}: {what} is {figure}, over the budget of {most}", row.image));
            }
        }
    }
    sentences
}

/// The figures that exceed the recorded ones by more than the tolerance, one sentence each.
#[must_use]
pub fn grown(recorded: &[Row], rows: &[Row]) -> Vec<String> {
    let mut sentences = Vec::new();
    for row in rows {
        let Some(old) = recorded.iter().find(|old| old.image == row.image) else {
            sentences.push(format!("{}: not in docs/SIZES.md", row.image));
            continue;
        };
        let figures = [
            ("flash", old.flash, row.flash),
            ("static RAM", old.statics, row.statics),
            ("stack", old.stack, row.stack),
        ];
        for (what, old, new) in figures {
            if new * 100 > old * (100 + TOLERANCE) {
                sentences.push(format!(
                    "{}: {what} grew from {old} to {new}, by more than {TOLERANCE} %",
                    row.image
                ));
            }
        }
    }
    sentences
}

/// Parses a line of the table.
pub(crate) fn parse(line: &str) -> Option<Row> {
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    let &[_, image, _, flash, _, _, statics, stack, ..] = cells.as_slice() else { return None };
    let image = BUDGETS.iter().find(|budget| budget.image == image)?.image;
    Some(Row {
        image,
        flash: flash.parse().ok()?,
        statics: statics.parse().ok()?,
        stack: stack.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: Row = Row { image: "serial", flash: 1000, statics: 100, stack: 10 };

    #[test]
    fn rows_are_read_as_they_are_written() {
        let rows: Vec<Row> = table(&[ROW]).lines().filter_map(parse).collect();
        assert_eq!(rows, [ROW]);
    }

    #[test]
    fn more_than_the_tolerance_is_noticed() {
        assert!(grown(&[ROW], &[Row { flash: 1030, ..ROW }]).is_empty());
        assert_eq!(grown(&[ROW], &[Row { flash: 1031, ..ROW }]).len(), 1);
        assert_eq!(grown(&[ROW], &[Row { stack: 11, ..ROW }]).len(), 1);
        assert_eq!(grown(&[], &[ROW]).len(), 1);
    }

    #[test]
    fn budgets_are_kept() {
        assert!(
            over_budget(&[Row { flash: 12 << 10, statics: 7 << 10, stack: 0, ..ROW }]).is_empty()
        );
        assert_eq!(
            over_budget(&[Row { flash: (12 << 10) + 1, statics: 7 << 10, stack: 1, ..ROW }]).len(),
            2
        );
    }
}
