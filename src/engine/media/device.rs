//! A device that is opened when it is needed, watched, and opened again when it was gone.

use std::time::{Duration, Instant};

use crate::audio::{DeviceError, Opening};

/// How long after a failure the device is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// How long an attempt may take before it is given up and told as a failure.
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
        give_up_at: Instant,
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
    /// The failure was told.
    told: bool,
}

impl<T> Device<T> {
    pub(super) fn new(name: Option<String>, open: fn(Option<String>) -> Opening<T>) -> Device<T> {
        Device {
            name,
            open,
            state: State::Closed,
            told: false,
        }
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
            self.state = State::Closed;
            self.told = false;
            return None;
        }
        match &mut self.state {
            State::Closed => {
                self.attempt(now);
                None
            }
            State::Waiting { retry_at } if *retry_at <= now => {
                self.attempt(now);
                None
            }
            State::Waiting { .. } => None,
            State::Opening {
                attempt,
                give_up_at,
            } => match attempt.poll() {
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
                None if *give_up_at <= now => self.failed(now, DeviceError::TimedOut),
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

    fn attempt(&mut self, now: Instant) {
        let attempt = (self.open)(self.name.clone());
        self.state = State::Opening {
            attempt,
            give_up_at: now + OPENING,
        };
    }

    fn failed(&mut self, now: Instant, error: DeviceError) -> Option<Change> {
        self.state = State::Waiting {
            retry_at: now + RETRY,
        };
        let told = std::mem::replace(&mut self.told, true);
        (!told).then_some(Change::Gone(error))
    }
}
