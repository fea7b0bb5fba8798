//! The two ways in which the front waits for more than one thing. Without a dependency or an
//! executor.

use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::task::Poll;

/// Which of two futures ended first.
pub(super) enum First<A, B> {
    A(A),
    B(B),
}

/// The first of two futures to end; `a` where both are ready. The other is dropped.
pub(super) async fn race<A: Future, B: Future>(a: A, b: B) -> First<A::Output, B::Output> {
    let (mut a, mut b) = (pin!(a), pin!(b));
    poll_fn(|cx| match a.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(First::A(output)),
        Poll::Pending => b.as_mut().poll(cx).map(First::B),
    })
    .await
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
pub(super) async fn beside<A: Future, B: Future>(
    main: A,
    mut side: Pin<&mut B>,
) -> (A::Output, Side<B::Output>) {
    let mut main = pin!(main);
    let mut progress = Side::New;
    let output = poll_fn(|cx| {
        let polled = main.as_mut().poll(cx);
        if polled.is_pending() && !matches!(progress, Side::Done(_)) {
            progress = match side.as_mut().poll(cx) {
                Poll::Ready(output) => Side::Done(output),
                Poll::Pending => Side::Pending,
            };
        }
        polled
    })
    .await;
    (output, progress)
}
