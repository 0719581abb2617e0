//! A device that is opened when it is needed, watched, and opened again when it was gone.

use std::time::{Duration, Instant};

use super::storm::Storm;
use crate::audio::{
    Abandoned, Capture, DeviceError, DeviceList, Direction, Health, Opening, Place, Playout, Wish,
};

/// How long after the first failures the device is tried again. A sound server that is started
/// anew is back within a second, and sound shall be back with it.
const SOON: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(250),
];

/// For how long it is tried so often; an attempt costs a thread.
const HOPE: Duration = Duration::from_secs(30);

/// How often after that, and at most for a device that comes and goes.
const SELDOM: Duration = Duration::from_secs(2);

/// A device that ran for so long has come to stay; one that did not is flapping.
const SETTLED: Duration = Duration::from_secs(1);

/// How long a server that died is waited for before a bare card is taken, which the server could
/// not have back while we hold it.
const SERVER_AWAY: Duration = Duration::from_secs(5);

/// Errors that somebody should know of: a few are every busy machine's.
const MANY: u64 = 20;

/// How long an attempt may take before it is told as a failure. It goes on: each one holds a
/// thread until the sound system answers, so there is never a second beside it.
const OPENING: Duration = Duration::from_secs(6);

/// What became of a device.
#[derive(Debug)]
pub(super) enum Change {
    /// It runs.
    Opened,
    /// The chosen one is not there; the system's default runs in its place.
    StandsIn,
    /// It cannot be opened, or is gone. Told once, however often it is tried again.
    Gone(DeviceError),
}

/// What is asked of a device that runs.
pub(super) trait Runs {
    /// Microphone or speaker.
    const DIRECTION: Direction;
    fn health(&self) -> &Health;
    fn place(&self) -> &Place;
}

impl Runs for Capture {
    const DIRECTION: Direction = Direction::Input;
    fn health(&self) -> &Health {
        self.reader.health()
    }
    fn place(&self) -> &Place {
        &self.place
    }
}

impl Runs for Playout {
    const DIRECTION: Direction = Direction::Output;
    fn health(&self) -> &Health {
        self.writer.health()
    }
    fn place(&self) -> &Place {
        &self.place
    }
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
        opened_at: Instant,
        moved_at: Instant,
    },
    Waiting {
        retry_at: Instant,
    },
}

/// A device by name, whichever state it is in.
pub(super) struct Device<T> {
    name: Option<String>,
    open: fn(Wish) -> Opening<T>,
    state: State<T>,
    /// The last attempt, if it was given up.
    abandoned: Option<Abandoned>,
    /// The failure was told.
    told: bool,
    /// Attempts that failed, one after the other, and when the first did.
    failures: u32,
    failing_since: Option<Instant>,
    /// Times that it was opened and gone before it had settled.
    flaps: u32,
    /// When the server died that it was opened through.
    server_lost_at: Option<Instant>,
    storm: Storm,
}

impl<T: Runs> Device<T> {
    pub(super) fn new(name: Option<String>, open: fn(Wish) -> Opening<T>) -> Device<T> {
        Device {
            name,
            open,
            state: State::Closed,
            abandoned: None,
            told: false,
            failures: 0,
            failing_since: None,
            flaps: 0,
            server_lost_at: None,
            storm: Storm::default(),
        }
    }

    /// Another device; the one that is there already stays as it is. Answers whether it is
    /// another.
    pub(super) fn select(&mut self, name: Option<String>) -> bool {
        if name == self.name {
            return false;
        }
        *self = Device::new(name, self.open);
        // The other one may answer where this one hangs: `abandoned` is forgotten as well.
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

    /// The devices of this computer have changed. Answers whether a running one is given up for
    /// another: the chosen one is back, or the default is another.
    pub(super) fn handle_devices(&mut self, now: Instant, list: &DeviceList) -> bool {
        let Some(place) = list.place(self.name.as_deref(), T::DIRECTION) else {
            return false;
        };
        match &mut self.state {
            State::Running { device, .. } if *device.place() != place => {
                self.state = State::Closed;
                true
            }
            // Worth an attempt, but not one for each time that a loose plug moves.
            State::Waiting { retry_at } if self.flaps == 0 => {
                *retry_at = now;
                false
            }
            State::Running { .. }
            | State::Waiting { .. }
            | State::Closed
            | State::Opening { .. } => false,
        }
    }

    /// Takes one step. A running device that moves no frames for `patience` is gone.
    pub(super) fn tend(
        &mut self,
        now: Instant,
        wanted: bool,
        patience: Duration,
    ) -> Option<Change> {
        if !wanted {
            // Dropped: an idle phone holds no microphone.
            if let State::Opening { attempt, .. } =
                std::mem::replace(&mut self.state, State::Closed)
            {
                self.abandoned = Some(attempt.abandon());
            }
            self.calm_down();
            return None;
        }
        match &mut self.state {
            State::Closed => self.attempt(now),
            State::Waiting { retry_at } if *retry_at <= now => self.attempt(now),
            State::Waiting { .. } => None,
            State::Opening { attempt, tell_at } => match attempt.poll() {
                Some(Ok(device)) => Some(self.opened(now, device)),
                Some(Err(error)) => self.failed(now, error),
                None if *tell_at <= now => self.tell(DeviceError::TimedOut),
                None => None,
            },
            State::Running {
                device,
                frames,
                opened_at,
                moved_at,
            } => {
                let health = device.health();
                let errors = health.take_errors().saturating_add(health.take_xruns());
                log_storm(T::DIRECTION, self.storm.count(now, errors));
                let moved = health.frames();
                if moved != *frames {
                    (*frames, *moved_at) = (moved, now);
                }
                let gone = health.is_gone() || now.saturating_duration_since(*moved_at) > patience;
                if now.saturating_duration_since(*opened_at) >= SETTLED && !gone {
                    (self.flaps, self.server_lost_at) = (0, None);
                }
                gone.then(|| self.lost(now)).flatten()
            }
        }
    }

    fn attempt(&mut self, now: Instant) -> Option<Change> {
        if self.abandoned.as_ref().is_some_and(|last| !last.is_over()) {
            return self.failed(now, DeviceError::TimedOut);
        }
        self.abandoned = None;
        let away = |lost_at| now.saturating_duration_since(lost_at) < SERVER_AWAY;
        let attempt = (self.open)(Wish {
            name: self.name.clone(),
            servers_only: self.server_lost_at.is_some_and(away),
        });
        self.state = State::Opening {
            attempt,
            tell_at: now + OPENING,
        };
        None
    }

    fn opened(&mut self, now: Instant, device: T) -> Change {
        let place = device.place();
        tracing::info!(
            direction = ?T::DIRECTION,
            host = place.host,
            stands_in = place.stands_in,
            "sound device runs"
        );
        let change = if place.stands_in {
            Change::StandsIn
        } else {
            Change::Opened
        };
        self.state = State::Running {
            device,
            frames: 0,
            opened_at: now,
            moved_at: now,
        };
        (self.told, self.failures, self.failing_since) = (false, 0, None);
        change
    }

    /// A device that ran is gone.
    fn lost(&mut self, now: Instant) -> Option<Change> {
        log_storm(T::DIRECTION, self.storm.end());
        if let State::Running {
            device, opened_at, ..
        } = &self.state
        {
            if device.place().host != "ALSA" {
                self.server_lost_at = Some(now);
            }
            if now.saturating_duration_since(*opened_at) < SETTLED {
                self.flaps = self.flaps.saturating_add(1);
            }
        }
        self.failed(now, DeviceError::None)
    }

    fn failed(&mut self, now: Instant, error: DeviceError) -> Option<Change> {
        let since = *self.failing_since.get_or_insert(now);
        let soon = SOON.get(self.failures as usize).unwrap_or(&SOON[2]);
        self.failures = self.failures.saturating_add(1);
        let pause = if now.saturating_duration_since(since) < HOPE {
            *soon
        } else {
            SELDOM
        };
        // Twice as long for each time that it did not stay.
        let held_off = SOON[0] * 2_u32.saturating_pow(self.flaps.min(8));
        let pause = if self.flaps == 0 {
            pause
        } else {
            pause.max(held_off).min(SELDOM)
        };
        self.state = State::Waiting {
            retry_at: now + pause,
        };
        self.tell(error)
    }

    fn tell(&mut self, error: DeviceError) -> Option<Change> {
        let told = std::mem::replace(&mut self.told, true);
        (!told).then_some(Change::Gone(error))
    }

    /// Forgets what went wrong: the next call begins anew.
    fn calm_down(&mut self) {
        log_storm(T::DIRECTION, self.storm.end());
        (self.told, self.failures, self.flaps) = (false, 0, 0);
        (self.failing_since, self.server_lost_at) = (None, None);
    }
}

fn log_storm(direction: Direction, errors: Option<u64>) {
    match errors {
        Some(errors) if errors >= MANY => {
            tracing::warn!(?direction, errors, "sound device told of errors");
        }
        Some(errors) => tracing::debug!(?direction, errors, "sound device told of errors"),
        None => {}
    }
}

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;
