//! docs/SIZES.md: the recorded figures, one table per way to build.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use crate::Result;
use crate::image;
use crate::sizes::{Row, parse, table};

/// The text before each table's compiler.
const MEASURED_WITH: &str = "Measured with: `";

/// What was measured with one compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its name and version, and where its `core` comes from.
    pub compiler: String,
    /// The figures.
    pub rows: Vec<Row>,
}

impl Record {
    /// The way to build: with `core` as installed, or from source.
    fn way(&self) -> Option<&str> {
        self.compiler.rsplit_once(", ").map(|(_, way)| way)
    }

    fn parse(text: &str) -> Option<Self> {
        let (compiler, rest) = text.split_once('`')?;
        Some(Self { compiler: compiler.to_owned(), rows: rest.lines().filter_map(parse).collect() })
    }
}

/// All records of docs/SIZES.md.
///
/// # Errors
/// It can't be read.
pub fn read() -> Result<Vec<Record>> {
    Ok(text()?.split(MEASURED_WITH).skip(1).filter_map(Record::parse).collect())
}

/// Replaces the record of the same way to build, or adds one.
///
/// # Errors
/// docs/SIZES.md can't be read or written.
pub fn write(new: Record) -> Result<()> {
    let text = text()?;
    let (words, _) = text.split_once(MEASURED_WITH).ok_or("docs/SIZES.md names no compiler")?;
    let records = replaced(read()?, new);
    fs::write(file(), format!("{}\n{}", words.trim_end(), format_records(&records)))
        .map_err(|error| format!("docs/SIZES.md: {error}"))
}

fn replaced(mut records: Vec<Record>, new: Record) -> Vec<Record> {
    match records.iter_mut().find(|old| old.way() == new.way()) {
        Some(old) => *old = new,
        None => records.push(new),
    }
    records
}

/// Formatted as in docs/SIZES.md.
#[must_use]
pub fn format_records(records: &[Record]) -> String {
    records.iter().fold(String::new(), |mut text, Record { compiler, rows }| {
        let _ = write!(text, "\n{MEASURED_WITH}{compiler}`\n\n{}", table(rows));
        text
    })
}

fn text() -> Result<String> {
    fs::read_to_string(file()).map_err(|error| format!("docs/SIZES.md: {error}"))
}

fn file() -> PathBuf {
    image::firmware().join("../../docs/SIZES.md")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(compiler: &str, flash: u64) -> Record {
        let row = Row { image: "serial", flash, statics: 100, stack: 10 };
        Record { compiler: compiler.to_owned(), rows: vec![row] }
    }

    #[test]
    fn records_are_read_as_they_are_written() {
        let records = [
            record("rustc 1 (a, b), core as installed", 1),
            record("rustc 2, core from source", 2),
        ];
        let read: Vec<Record> = format_records(&records)
            .split(MEASURED_WITH)
            .skip(1)
            .filter_map(Record::parse)
            .collect();
        assert_eq!(read, records);
    }

    #[test]
    fn each_way_to_build_has_one_record() {
        let installed = record("rustc 1, core as installed", 1);
        let source = record("rustc 1, core from source", 2);
        let newer = record("rustc 2, core as installed", 3);
        let both = replaced(vec![installed], source.clone());
        assert_eq!(both.len(), 2);
        assert_eq!(replaced(both, newer.clone()), [newer, source]);
    }
}
