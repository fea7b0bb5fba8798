//! A server in trouble: handlers that panic or dawdle, peers that hoard, vanish, flood or never leave.

mod churn;
mod client;
mod closing;
mod panics;
mod parked;
mod slow;
mod slow_readers;
mod stop;
mod support;
mod urgent;
