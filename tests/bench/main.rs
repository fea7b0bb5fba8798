//! `linecard bench`: its figures, and how it reports servers that don't answer as expected.

mod failures;
mod figures;
#[cfg(unix)]
mod interrupt;
mod lies;
mod support;
#[cfg(target_os = "linux")]
mod urgent;
