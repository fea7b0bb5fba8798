//! The application's service, counted, with its panics caught.

use std::panic::{AssertUnwindSafe, catch_unwind};

use linecard_core::{Answered, Code, Frame, Reply, Service};

use super::counters::{WorkerCounters, add};

/// Wraps a service, so that a panic doesn't end its worker: one in a handler is answered `failed`.
pub(super) struct Guard<'c, S> {
    service: S,
    counters: &'c WorkerCounters,
    called: bool,
}

impl<'c, S: Service> Guard<'c, S> {
    pub(super) const fn new(service: S, counters: &'c WorkerCounters) -> Self {
        Self { service, counters, called: false }
    }

    /// Whether the service was called since this was asked last.
    pub(super) const fn take_called(&mut self) -> bool {
        std::mem::replace(&mut self.called, false)
    }

    fn count(&self, code: Code) {
        log::debug!("refused: {code}");
        add(&self.counters.errors[code.index()], 1);
    }
}

impl<S: Service> Service for Guard<'_, S> {
    fn call(&mut self, request: &Frame<'_>, mut reply: Reply<'_>) -> Answered {
        self.called = true;
        add(&self.counters.requests, 1);
        let answer = || self.service.call(request, reply.reborrow());
        let answered = catch_unwind(AssertUnwindSafe(answer)).unwrap_or_else(|_| {
            log::error!("the handler of {} panicked", request.name);
            add(&self.counters.panics, 1);
            reply.error(Code::Failed, "the handler panicked")
        });
        if let Some(code) = answered.code() {
            self.count(code);
        }
        answered
    }

    fn refused(&mut self, code: Code) {
        self.called = true;
        self.count(code);
        let outcome = catch_unwind(AssertUnwindSafe(|| self.service.refused(code)));
        if outcome.is_err() {
            log::error!("the service panicked in refused({code})");
            add(&self.counters.panics, 1);
        }
    }
}
