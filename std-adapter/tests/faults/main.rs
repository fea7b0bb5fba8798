//! A server when things go wrong: handlers that panic or are slow, peers that vanish, flood, don't
//! read or never close.

mod buffered;
mod bulk;
mod churn;
mod client;
mod closing;
mod panics;
mod slow_handlers;
mod slow_readers;
mod stop;
mod support;
mod urgent;
