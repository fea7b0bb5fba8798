//! Services that wait.

use linecard_core::asynch::AsyncService;
use linecard_core::{Answered, Code, Frame, Reply, Service};

use super::stream::pending;
use crate::support::TestService;

/// The test service, after a wait of so many polls. Notes what began, and what went on to an answer.
#[derive(Default)]
pub(crate) struct Waiting {
    pub(crate) inner: TestService,
    pub(crate) polls: u32,
    pub(crate) begun: usize,
}

impl Waiting {
    pub(crate) fn of(polls: u32) -> Self {
        Self { polls, ..Self::default() }
    }
}

impl AsyncService for Waiting {
    async fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> Answered {
        self.begun += 1;
        pending(self.polls).await;
        Service::call(&mut self.inner, request, reply)
    }

    fn refused(&mut self, code: Code) {
        self.inner.refused(code);
    }
}
