use haat_domain::ports::BatchVitals;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bounds of the sizes that are told apart; the last is the largest batch.
const SIZES: [u32; 7] = [1, 2, 4, 8, 16, 32, 64];

/// How many units of work shared a COMMIT.
#[derive(Debug, Default)]
pub(super) struct Batches {
    counts: [AtomicU64; SIZES.len()],
    units: AtomicU64,
}

impl Batches {
    pub(super) fn count(&self, size: usize) {
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        let place = SIZES.iter().zip(&self.counts).find(|(most, _)| size <= **most);
        if let Some((_, count)) = place {
            count.fetch_add(1, Ordering::Relaxed);
            self.units.fetch_add(size.into(), Ordering::Relaxed);
        }
    }

    pub(super) fn vitals(&self) -> BatchVitals {
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        BatchVitals {
            sizes: SIZES.into_iter().zip(counts).collect(),
            units: self.units.load(Ordering::Relaxed),
        }
    }
}
