//! Services that wait before they answer.

use linecard_core::asynch::AsyncService;
use linecard_core::{Answered, Code, Frame, Reply, Service};

use super::stream::pending;
use crate::support::TestService;

/// The test service, which waits for so many polls first. Counts the requests that it started and
/// those that it answered.
#[derive(Default)]
pub(crate) struct Waiting {
    pub(crate) inner: TestService,
    pub(crate) polls: u32,
    pub(crate) started: usize,
}

impl Waiting {
    pub(crate) fn of(polls: u32) -> Self {
        Self { polls, ..Self::default() }
    }
}

impl AsyncService for Waiting {
    async fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> Answered {
        self.started += 1;
        pending(self.polls).await;
        Service::call(&mut self.inner, request, reply)
    }

    fn refused(&mut self, code: Code) {
        self.inner.refused(code);
    }
}
