//! A progress bar: one line on standard error, where that is a terminal.
//!
//! Libraries for this draw from another thread, or read the clock at each step. Here that time
//! would be part of what is measured. This costs one write, ten times a second.

use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;

use crate::load::{Pace, Tally, Watch};

const INTERVAL: Duration = Duration::from_millis(100);
/// The bar's width, in columns.
const WIDTH: usize = 30;

#[derive(Debug)]
pub(super) struct Progress {
    pace: Pace,
    /// When to draw next; `None` without a terminal.
    next: Option<Duration>,
}

impl Progress {
    pub(super) fn new(pace: Pace) -> Self {
        Self { pace, next: stderr().is_terminal().then_some(Duration::ZERO) }
    }

    /// Removes the bar.
    pub(super) fn clear(&self) {
        if self.next.is_some() {
            let _drawn = write!(stderr(), "\r\x1b[K");
        }
    }

    fn line(&self, now: Duration, tally: &Tally) -> String {
        let done = self.done(now, tally).min(100);
        let filled = WIDTH * done / 100;
        let bar: String = (0..WIDTH).map(|at| if at < filled { '#' } else { '-' }).collect();
        let (requests, errors) = (tally.requests(), tally.errors());
        format!(
            "[{bar}] {done:3} %  {:.0} s  {requests} requests, {errors} errors",
            now.as_secs_f64()
        )
    }

    /// How much is done, in percent.
    fn done(&self, now: Duration, tally: &Tally) -> usize {
        let percent = match (self.pace, self.pace.end()) {
            (Pace::Count(count), _) => tally.requests().saturating_mul(100) / count,
            (_, Some(end)) if !end.is_zero() => {
                u64::try_from(now.as_nanos() * 100 / end.as_nanos()).unwrap_or(100)
            }
            _ => 100,
        };
        usize::try_from(percent).unwrap_or(100)
    }
}

impl Watch for Progress {
    fn next(&self) -> Duration {
        self.next.unwrap_or(Duration::MAX)
    }

    fn show(&mut self, now: Duration, tally: &Tally) {
        if now < self.next() {
            return;
        }
        self.next = Some(now + INTERVAL);
        let line = self.line(now, tally);
        // The load goes on if the bar can't be drawn.
        let _drawn = write!(stderr(), "\r{line}\x1b[K");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills() {
        let progress = Progress { pace: Pace::For(Duration::from_secs(4)), next: None };
        let line = |seconds| progress.line(Duration::from_secs(seconds), &Tally::new());
        assert!(line(0).starts_with("[----"), "{}", line(0));
        assert!(line(2).contains("#-"), "{}", line(2));
        assert!(line(9).contains("##] 100 %"), "{}", line(9));
    }
}
