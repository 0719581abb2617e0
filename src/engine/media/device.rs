//! A device that is opened when it is needed, watched, and opened again when it was gone.

use std::time::{Duration, Instant};

use crate::audio::{Abandoned, DeviceError, Opening};

/// How long after a failure the device is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// How long an attempt may take before it is told as a failure. It goes on: each one holds a
/// thread until the sound system answers, so there is never a second beside it.
const OPENING: Duration = Duration::from_secs(6);

/// What became of a device.
#[derive(Debug)]
pub(super) enum Change {
    /// It runs.
    Opened,
    /// It cannot be opened, or is gone. Told once, however often it is tried again.
    Gone(DeviceError),
}

enum State<T> {
    Closed,
    Opening {
        attempt: Opening<T>,
        tell_at: Instant,
    },
    Running {
        device: T,
        frames: u64,
        moved_at: Instant,
    },
    Waiting {
        retry_at: Instant,
    },
}

/// A device by name, whichever state it is in.
pub(super) struct Device<T> {
    name: Option<String>,
    open: fn(Option<String>) -> Opening<T>,
    state: State<T>,
    /// The last attempt, if it was given up.
    abandoned: Option<Abandoned>,
    /// The failure was told.
    told: bool,
}

impl<T> Device<T> {
    pub(super) fn new(name: Option<String>, open: fn(Option<String>) -> Opening<T>) -> Device<T> {
        Device {
            name,
            open,
            state: State::Closed,
            abandoned: None,
            told: false,
        }
    }

    /// Another device; the one that is there already stays as it is. Answers whether it is
    /// another.
    pub(super) fn select(&mut self, name: Option<String>) -> bool {
        if name == self.name {
            return false;
        }
        self.name = name;
        self.state = State::Closed;
        // The other one may answer where this one hangs.
        self.abandoned = None;
        self.told = false;
        true
    }

    /// Its name; `None`: the system's default.
    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(super) fn running(&mut self) -> Option<&mut T> {
        match &mut self.state {
            State::Running { device, .. } => Some(device),
            State::Closed | State::Opening { .. } | State::Waiting { .. } => None,
        }
    }

    /// Takes one step. `health` tells of a running device how many frames it has moved, and
    /// whether its driver says that it is gone; one that moves none for `patience` is gone too.
    pub(super) fn tend(
        &mut self,
        now: Instant,
        wanted: bool,
        patience: Duration,
        health: impl Fn(&T) -> (u64, bool),
    ) -> Option<Change> {
        if !wanted {
            // Dropped: an idle phone holds no microphone.
            if let State::Opening { attempt, .. } =
                std::mem::replace(&mut self.state, State::Closed)
            {
                self.abandoned = Some(attempt.abandon());
            }
            self.told = false;
            return None;
        }
        match &mut self.state {
            State::Closed => self.attempt(now),
            State::Waiting { retry_at } if *retry_at <= now => self.attempt(now),
            State::Waiting { .. } => None,
            State::Opening { attempt, tell_at } => match attempt.poll() {
                Some(Ok(device)) => {
                    self.state = State::Running {
                        device,
                        frames: 0,
                        moved_at: now,
                    };
                    self.told = false;
                    Some(Change::Opened)
                }
                Some(Err(error)) => self.failed(now, error),
                None if *tell_at <= now => self.tell(DeviceError::TimedOut),
                None => None,
            },
            State::Running {
                device,
                frames,
                moved_at,
            } => {
                let (moved, gone) = health(device);
                if moved != *frames {
                    (*frames, *moved_at) = (moved, now);
                }
                if gone || now.saturating_duration_since(*moved_at) > patience {
                    return self.failed(now, DeviceError::None);
                }
                None
            }
        }
    }

    fn attempt(&mut self, now: Instant) -> Option<Change> {
        if self.abandoned.as_ref().is_some_and(|last| !last.is_over()) {
            return self.failed(now, DeviceError::TimedOut);
        }
        self.abandoned = None;
        let attempt = (self.open)(self.name.clone());
        self.state = State::Opening {
            attempt,
            tell_at: now + OPENING,
        };
        None
    }

    fn failed(&mut self, now: Instant, error: DeviceError) -> Option<Change> {
        self.state = State::Waiting {
            retry_at: now + RETRY,
        };
        self.tell(error)
    }

    fn tell(&mut self, error: DeviceError) -> Option<Change> {
        let told = std::mem::replace(&mut self.told, true);
        (!told).then_some(Change::Gone(error))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::audio::testing::{self, Attempt};

    /// A device that counts its frames.
    type Counter = u64;

    thread_local! {
        static ATTEMPTS: RefCell<Vec<Attempt<Counter>>> = const { RefCell::new(Vec::new()) };
    }

    fn open(_: Option<String>) -> Opening<Counter> {
        let (attempt, opening) = testing::attempt();
        ATTEMPTS.with_borrow_mut(|attempts| attempts.push(attempt));
        opening
    }

    fn attempts() -> usize {
        ATTEMPTS.with_borrow(Vec::len)
    }

    fn answer(outcome: Result<Counter, DeviceError>) {
        ATTEMPTS.with_borrow_mut(|attempts| attempts.pop().unwrap().answer(outcome));
    }

    struct Bench {
        device: Device<Counter>,
        now: Instant,
    }

    impl Bench {
        fn new() -> Bench {
            Bench {
                device: Device::new(None, open),
                now: crate::engine::clock::now(),
            }
        }

        /// Tends every 100 ms for so long; what was told.
        fn tend(&mut self, seconds: u64, wanted: bool) -> Vec<Change> {
            let mut told = Vec::new();
            for _ in 0..seconds * 10 {
                self.now += Duration::from_millis(100);
                told.extend(
                    self.device
                        .tend(self.now, wanted, Duration::from_secs(2), |frames| {
                            (*frames, false)
                        }),
                );
            }
            told
        }
    }

    #[test]
    fn a_sound_system_that_hangs_is_asked_once_and_told_once() {
        let mut bench = Bench::new();
        let told = bench.tend(120, true);
        assert!(
            matches!(told[..], [Change::Gone(DeviceError::TimedOut)]),
            "{told:?}"
        );
        assert_eq!(attempts(), 1);
        // It answers after all.
        answer(Ok(0));
        let told = bench.tend(1, true);
        assert!(matches!(told[..], [Change::Opened]), "{told:?}");
        assert!(bench.device.running().is_some());
    }

    #[test]
    fn the_next_call_does_not_ask_again_while_the_last_question_hangs() {
        let mut bench = Bench::new();
        for _ in 0..10 {
            let told = bench.tend(20, true);
            assert!(
                matches!(told[..], [Change::Gone(DeviceError::TimedOut)]),
                "each call is told once: {told:?}"
            );
            bench.tend(1, false);
        }
        assert_eq!(attempts(), 1);
        answer(Err(DeviceError::None));
        bench.tend(3, true);
        assert_eq!(attempts(), 1, "a new one, in place of that which ended");
        answer(Ok(0));
        assert!(
            bench
                .tend(1, true)
                .iter()
                .any(|c| matches!(c, Change::Opened))
        );
    }

    #[test]
    fn a_refusal_is_followed_by_another_attempt_after_two_seconds() {
        let mut bench = Bench::new();
        bench.tend(1, true);
        answer(Err(DeviceError::None));
        let told = bench.tend(1, true);
        assert!(
            matches!(told[..], [Change::Gone(DeviceError::None)]),
            "{told:?}"
        );
        assert_eq!(attempts(), 0);
        assert!(bench.tend(2, true).is_empty());
        assert_eq!(attempts(), 1);
    }
}
