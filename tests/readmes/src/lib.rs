//! The Rust examples of the README files, as doctests.
//!
//! They stand in a package of their own because a published crate can't include a file from outside
//! of its folder.

/// The project's README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub mod project {}

/// linecard-core's README.
#[cfg(doctest)]
#[doc = include_str!("../../../core/README.md")]
pub mod core {}

/// linecard-demo's README.
#[cfg(doctest)]
#[doc = include_str!("../../../demo/README.md")]
pub mod demo {}

/// linecard-smoltcp's README.
#[cfg(doctest)]
#[doc = include_str!("../../../smoltcp-adapter/README.md")]
pub mod smoltcp {}

/// linecard-std's README.
#[cfg(doctest)]
#[doc = include_str!("../../../std-adapter/README.md")]
pub mod std {}
