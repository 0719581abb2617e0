//! The side that reads (RFC 3994 section 3.3).

use std::time::{Duration, Instant};

use super::IsComposing;

/// How long `active` holds when nothing is said of a refresh (section 3.3).
const USUAL: Duration = Duration::from_secs(120);
/// What is believed of a refresh: shorter ones would flicker, longer ones stay for ever.
const BELIEVED: std::ops::RangeInclusive<u32> = 10..=600;

/// Whether the other side is writing in one conversation.
#[derive(Debug, Default)]
pub struct ComposingWatcher {
    until: Option<Instant>,
}

impl ComposingWatcher {
    /// Nobody is writing.
    #[must_use]
    pub const fn new() -> ComposingWatcher {
        ComposingWatcher { until: None }
    }

    /// Whether they are writing.
    #[must_use]
    pub const fn is_composing(&self) -> bool {
        self.until.is_some()
    }

    /// They said so. Tells whether that changed anything, as all inputs do.
    pub fn handle_status(&mut self, now: Instant, said: &IsComposing) -> bool {
        let lasts = said.refresh.map_or(USUAL, |secs| {
            Duration::from_secs(secs.clamp(*BELIEVED.start(), *BELIEVED.end()).into())
        });
        self.set(said.active.then(|| now + lasts))
    }

    /// A message of theirs came: it is written.
    pub fn handle_message(&mut self) -> bool {
        self.set(None)
    }

    /// When [`ComposingWatcher::handle_timeout`] is to be called.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        self.until
    }

    /// Nobody writes who has not said so for too long; early calls do nothing.
    pub fn handle_timeout(&mut self, now: Instant) -> bool {
        self.until.is_some_and(|until| until <= now) && self.set(None)
    }

    fn set(&mut self, until: Option<Instant>) -> bool {
        let changed = self.until.is_some() != until.is_some();
        self.until = until;
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(active: bool, refresh: Option<u32>) -> IsComposing {
        IsComposing {
            active,
            content_type: None,
            refresh,
        }
    }

    #[test]
    fn writing_lasts_until_it_is_over_or_nobody_says_so_any_more() {
        #[expect(
            clippy::disallowed_methods,
            reason = "an instant to start from cannot be made otherwise"
        )]
        let now = Instant::now();
        let mut watcher = ComposingWatcher::new();
        assert!(!watcher.handle_message());
        assert!(watcher.handle_status(now, &said(true, None)));
        assert!(watcher.is_composing());
        assert_eq!(watcher.deadline(), Some(now + Duration::from_secs(120)));
        let later = now + Duration::from_secs(119);
        assert!(!watcher.handle_timeout(later));
        assert!(!watcher.handle_status(later, &said(true, Some(90))));
        let due = watcher.deadline().unwrap();
        assert_eq!(due, later + Duration::from_secs(90));
        assert!(watcher.handle_timeout(due));
        assert!(!watcher.is_composing());
        assert_eq!(watcher.deadline(), None);

        watcher.handle_status(now, &said(true, Some(90)));
        assert!(watcher.handle_message());
        assert!(!watcher.is_composing());
        watcher.handle_status(now, &said(true, Some(90)));
        assert!(watcher.handle_status(now, &said(false, None)));
        assert!(!watcher.is_composing());
    }

    #[test]
    fn an_absurd_refresh_is_believed_within_reason() {
        #[expect(
            clippy::disallowed_methods,
            reason = "an instant to start from cannot be made otherwise"
        )]
        let now = Instant::now();
        let lasts = |refresh| {
            let mut watcher = ComposingWatcher::new();
            watcher.handle_status(now, &said(true, Some(refresh)));
            (watcher.deadline().unwrap() - now).as_secs()
        };
        assert_eq!((lasts(0), lasts(60), lasts(u32::MAX)), (10, 60, 600));
    }
}
