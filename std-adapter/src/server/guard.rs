//! The application's service, counted, and kept from taking its worker down.

use std::panic::{AssertUnwindSafe, catch_unwind};

use linecard_core::{Answered, Code, Frame, Reply, Service};

use super::counters::{WorkerCounters, add};

/// Wraps a service: a panic in a handler becomes `failed`, and one while it is told of a refusal, nothing.
pub(super) struct Guard<'c, S> {
    service: S,
    counters: &'c WorkerCounters,
}

impl<'c, S: Service> Guard<'c, S> {
    pub(super) const fn new(service: S, counters: &'c WorkerCounters) -> Self {
        Self { service, counters }
    }

    fn count(&self, code: Code) {
        log::debug!("refused: {code}");
        add(&self.counters.errors[code.index()], 1);
    }
}

impl<S: Service> Service for Guard<'_, S> {
    fn call(&mut self, request: &Frame<'_>, mut reply: Reply<'_>) -> Answered {
        add(&self.counters.requests, 1);
        let answer = || self.service.call(request, reply.reborrow());
        let sent = catch_unwind(AssertUnwindSafe(answer)).unwrap_or_else(|_| {
            log::error!("the handler of {} panicked", request.name);
            add(&self.counters.panics, 1);
            reply.error(Code::Failed, "the handler panicked")
        });
        if let Some(code) = sent.code() {
            self.count(code);
        }
        sent
    }

    fn refused(&mut self, code: Code) {
        self.count(code);
        let told = catch_unwind(AssertUnwindSafe(|| self.service.refused(code)));
        if told.is_err() {
            log::error!("the service panicked when it was told of {code}");
            add(&self.counters.panics, 1);
        }
    }
}
