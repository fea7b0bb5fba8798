//! `cargo bench -p linecard-benches`: the time of each piece, measured by criterion.

use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};

/// Some pieces work in batches of 64, so all counts are multiples of that.
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

/// The share of `time` for `count` of `whole`.
fn scaled(time: Duration, count: u64, whole: u64) -> Duration {
    let nanos = time.as_nanos() * u128::from(count) / u128::from(whole);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

criterion_group!(benches, pieces);
criterion_main!(benches);
