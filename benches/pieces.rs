//! `cargo bench -p linecard-benches`: how long each piece takes, by criterion.

use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};

/// Pieces that work in batches do 64 at a time: so do all.
const BATCH: u64 = 64;

fn pieces(criterion: &mut Criterion) {
    for piece in linecard_benches::pieces() {
        criterion.bench_function(piece.name, |bencher| {
            bencher.iter_custom(|count| {
                let whole = count.next_multiple_of(BATCH);
                let begin = Instant::now();
                (piece.run)(whole);
                scaled(begin.elapsed(), count, whole)
            });
        });
    }
}

/// The part of a time that `count` of `whole` took.
fn scaled(time: Duration, count: u64, whole: u64) -> Duration {
    let nanos = time.as_nanos() * u128::from(count) / u128::from(whole);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

criterion_group!(benches, pieces);
criterion_main!(benches);
