//! The async front over the scripts of the blocking one, and dropped wherever it waits.

mod handlers;
mod serving;
mod stream;
mod waiting;

pub(crate) use serving::{serves_alike, serves_link_alike};
