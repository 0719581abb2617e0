//! Which indices were seen (RFC 3711 section 3.3.2).

/// The newest index, and which of the 128 up to it have been seen.
///
/// RFC 3711 asks for 64; twice that forgives more reordering.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Window {
    newest: u64,
    /// Bit n: `newest - n` was seen.
    seen: u128,
}

/// How far back is known.
pub(super) const DEPTH: u64 = u128::BITS as u64;

impl Window {
    /// The newest index seen; 0 before the first.
    pub(super) const fn newest(&self) -> u64 {
        self.newest
    }

    /// Whether this index was not seen yet and is not too old to tell.
    pub(super) fn is_fresh(&self, index: u64) -> bool {
        match self.newest.checked_sub(index) {
            None => true,
            Some(age) if age < DEPTH => self.seen >> age & 1 == 0,
            Some(_) => false,
        }
    }

    /// Marks an index as seen: one whose packet was found genuine.
    pub(super) fn note(&mut self, index: u64) {
        match index.checked_sub(self.newest) {
            Some(ahead) => {
                self.seen = if ahead < DEPTH { self.seen << ahead } else { 0 };
                self.seen |= 1;
                self.newest = index;
            }
            None => {
                let age = self.newest - index;
                if age < DEPTH {
                    self.seen |= 1 << age;
                }
            }
        }
    }
}
