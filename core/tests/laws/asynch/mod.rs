//! The async front over the scripts of the blocking one, and with its future dropped at every wait.

mod calling;
mod handlers;
mod serving;
mod sizes;
mod stream;
mod waiting;

pub(crate) use serving::{serves_alike, serves_link_alike};
