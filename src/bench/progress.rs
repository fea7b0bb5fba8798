//! One line on a terminal that shows how far the load is.
//!
//! Written here and not by a library: those draw from a thread of their own, or ask the clock for each
//! step, and this program's time is what is measured. It takes one write, ten times a second.

use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;

use super::pace::Pace;
use super::tally::Tally;

const INTERVAL: Duration = Duration::from_millis(100);
/// Columns of the bar.
const WIDTH: usize = 30;

#[derive(Debug)]
pub(super) struct Progress {
    pace: Pace,
    /// When to draw again; `None` where nobody looks.
    next: Option<Duration>,
}

impl Progress {
    pub(super) fn new(pace: Pace) -> Self {
        Self { pace, next: stderr().is_terminal().then_some(Duration::ZERO) }
    }

    /// When it wants to draw again.
    pub(super) fn next(&self) -> Duration {
        self.next.unwrap_or(Duration::MAX)
    }

    pub(super) fn show(&mut self, now: Duration, tally: &Tally) {
        if now < self.next() {
            return;
        }
        self.next = Some(now + INTERVAL);
        let line = self.line(now, tally);
        // Nobody is hurt by a bar that can't be drawn.
        let _drawn = write!(stderr(), "\r{line}\x1b[K");
    }

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

    /// In percent.
    fn done(&self, now: Duration, tally: &Tally) -> usize {
        let percent = match (self.pace, self.pace.end()) {
            (Pace::Count(count), _) => tally.requests() * 100 / count,
            (_, Some(end)) if !end.is_zero() => {
                u64::try_from(now.as_nanos() * 100 / end.as_nanos()).unwrap_or(100)
            }
            _ => 100,
        };
        usize::try_from(percent).unwrap_or(100)
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
