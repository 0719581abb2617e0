//! The network's numbers, as `scripts/isolation_weights.py` wrote them.

/// 32-bit floats, little end first.
static NUMBERS: &[u8] = include_bytes!("../../../assets/voice/isolation.bin");

/// Reads numbers in the order in which the layers ask for them.
pub(super) struct Weights {
    at: usize,
}

impl Weights {
    pub(super) fn new() -> Weights {
        Weights { at: 0 }
    }

    /// The next so many numbers.
    pub(super) fn take(&mut self, count: usize) -> Box<[f32]> {
        let bytes = &NUMBERS[self.at..self.at + 4 * count];
        self.at += 4 * count;
        let (numbers, _) = bytes.as_chunks::<4>();
        numbers
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect()
    }

    /// The next one.
    pub(super) fn one(&mut self) -> f32 {
        self.take(1)[0]
    }

    /// Whether all were asked for.
    pub(super) fn is_empty(&self) -> bool {
        self.at == NUMBERS.len()
    }
}
