//! How a subcommand ends.

use std::error::Error;

/// The error is one line for standard error.
pub(crate) type Outcome = Result<(), Box<dyn Error>>;
