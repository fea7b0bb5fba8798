//! The two ways in which the front waits for more than one thing: without a dependency or an
//! executor, and by reference, since a future that is moved into another is stored twice.

use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::task::Poll;

/// Waits for a future until a timer ends, if there is one: then `None`. The future is polled first.
pub(super) fn before<A: Future, T: Future>(
    mut future: Pin<&mut A>,
    mut timer: Pin<&mut Option<T>>,
) -> impl Future<Output = Option<A::Output>> {
    poll_fn(move |cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        match timer.as_mut().as_pin_mut() {
            Some(timer) => timer.poll(cx).map(|_| None),
            None => Poll::Pending,
        }
    })
}

/// How far a future is that was polled while another was waited for.
pub(super) enum Side<T> {
    /// It was not polled.
    New,
    /// It waits, and must be polled to its end or dropped.
    Pending,
    /// It ended.
    Done(T),
}

/// Waits for `main`. While that is pending, `side` is polled too.
pub(super) fn beside<A: Future, B: Future>(
    mut main: Pin<&mut A>,
    mut side: Pin<&mut B>,
) -> impl Future<Output = (A::Output, Side<B::Output>)> {
    let mut progress = Side::New;
    poll_fn(move |cx| {
        let Poll::Ready(output) = main.as_mut().poll(cx) else {
            if !matches!(progress, Side::Done(_)) {
                progress = match side.as_mut().poll(cx) {
                    Poll::Ready(output) => Side::Done(output),
                    Poll::Pending => Side::Pending,
                };
            }
            return Poll::Pending;
        };
        Poll::Ready((output, core::mem::replace(&mut progress, Side::New)))
    })
}
