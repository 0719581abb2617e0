//! Which transaction is due first.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// An index over the deadlines that live in the machines, so that finding the next one does not
/// mean asking each of them.
#[derive(Debug)]
pub(super) struct Deadlines<K> {
    by_time: BTreeSet<(Instant, K)>,
    by_key: BTreeMap<K, Instant>,
}

impl<K: Copy + Ord> Deadlines<K> {
    pub(super) fn new() -> Self {
        Deadlines {
            by_time: BTreeSet::new(),
            by_key: BTreeMap::new(),
        }
    }

    /// The machine of `key` waits until `deadline`; `None`: for input alone, or it is gone.
    pub(super) fn set(&mut self, key: K, deadline: Option<Instant>) {
        if let Some(old) = self.by_key.remove(&key) {
            self.by_time.remove(&(old, key));
        }
        if let Some(deadline) = deadline {
            self.by_key.insert(key, deadline);
            self.by_time.insert((deadline, key));
        }
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.by_time.first().map(|(deadline, _)| *deadline)
    }

    /// Those whose deadline has come, the earliest first. They stay until `set` anew.
    pub(super) fn due(&self, now: Instant) -> Vec<K> {
        self.by_time
            .iter()
            .take_while(|(at, _)| *at <= now)
            .map(|(_, key)| *key)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::transaction::testing::{secs, start};

    #[test]
    fn the_earliest_is_due_first_and_a_changed_deadline_counts_once() {
        let t0 = start();
        let mut deadlines = Deadlines::new();
        deadlines.set('b', Some(t0 + secs(1)));
        deadlines.set('a', Some(t0 + secs(2)));
        deadlines.set('b', Some(t0 + secs(3)));
        assert_eq!(deadlines.next(), Some(t0 + secs(2)));
        assert_eq!(deadlines.due(t0 + secs(3)), ['a', 'b']);
        deadlines.set('a', None);
        assert_eq!(deadlines.due(t0 + secs(3)), ['b']);
        deadlines.set('b', None);
        assert_eq!(deadlines.next(), None);
    }
}
