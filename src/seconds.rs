//! Times on the command line.

use std::time::Duration;

/// More than thirty years. A longer time is taken for this one, so that it can be added to a clock.
const MAX_SECONDS: Duration = Duration::from_secs(1_000_000_000);

/// Parses seconds; fractions are allowed.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    let time = Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?;
    Ok(time.min(MAX_SECONDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_may_have_fractions_but_no_sign() {
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        assert_eq!(seconds("1e19"), Ok(MAX_SECONDS));
        assert!(seconds("-1").is_err());
        assert!(seconds("NaN").is_err());
        assert!(seconds("inf").is_err());
        assert!(seconds("soon").is_err());
    }
}
