//! How a device's stream fares, told by its callbacks without a lock.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::units::SampleRate;

/// How long the largest callback is remembered, at least; at most for twice as long.
const MEMORY: Duration = Duration::from_secs(1);

/// Callbacks at the beginning that say nothing about the others: a driver that fills its whole
/// buffer first.
const FIRST: u32 = 2;

/// What a stream's callbacks count; the media thread reads it when it has time.
///
/// Error callbacks come in storms (hundreds in a second when a sound server dies), so they are
/// counted here and never logged one by one.
#[derive(Debug, Default)]
pub struct Health {
    frames: AtomicU64,
    /// Callbacks so far, as far as [`FIRST`] asks.
    callbacks: AtomicU32,
    /// The largest callback of this span of [`MEMORY`], and of the one before.
    quantum: AtomicU32,
    quantum_before: AtomicU32,
    /// Frames in this span, and in a whole one.
    spanned: AtomicU32,
    span: u32,
    missed: AtomicU32,
    xruns: AtomicU32,
    errors: AtomicU32,
    gone: AtomicBool,
}

/// What an error callback said, as far as anybody acts on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Sound was lost or made up by the driver; the stream goes on.
    Xrun,
    /// The device or its server is gone; the stream will not come back by itself.
    Gone,
    /// Anything else; the stream goes on.
    Other,
}

impl Health {
    /// Of a stream of this rate.
    pub(super) fn new(rate: SampleRate) -> Health {
        Health {
            span: clamped(rate.samples_in(MEMORY)),
            ..Health::default()
        }
    }

    /// Frames the callback has moved since the stream was opened.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// The largest callback of the last one to two seconds, in frames: hosts grant other sizes
    /// than they say. The first two count only until there is a third.
    #[must_use]
    pub fn quantum(&self) -> usize {
        let here = self.quantum.load(Ordering::Relaxed);
        here.max(self.quantum_before.load(Ordering::Relaxed)) as usize
    }

    /// Frames lost to a full ring (capture) or missing from an empty one (playout), and starts
    /// counting anew.
    pub fn take_missed(&self) -> u32 {
        self.missed.swap(0, Ordering::Relaxed)
    }

    /// Xruns the driver told of, and starts counting anew.
    pub fn take_xruns(&self) -> u32 {
        self.xruns.swap(0, Ordering::Relaxed)
    }

    /// Other errors the driver told of, and starts counting anew.
    pub fn take_errors(&self) -> u32 {
        self.errors.swap(0, Ordering::Relaxed)
    }

    /// Whether the driver said that the device is gone.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    /// Called by the error callback, on whichever thread the driver likes.
    pub fn report(&self, fault: Fault) {
        match fault {
            Fault::Xrun => self.xruns.fetch_add(1, Ordering::Relaxed),
            Fault::Other => self.errors.fetch_add(1, Ordering::Relaxed),
            Fault::Gone => {
                self.gone.store(true, Ordering::Relaxed);
                self.errors.fetch_add(1, Ordering::Relaxed)
            }
        };
    }

    /// Called by the data callback with the frames it was given and those it could not serve.
    pub(super) fn moved(&self, frames: usize, missed: usize) {
        self.frames.fetch_add(frames as u64, Ordering::Relaxed);
        self.remember(clamped(frames));
        if missed > 0 {
            self.missed.fetch_add(clamped(missed), Ordering::Relaxed);
        }
    }

    /// Only the data callback writes here, one at a time, so that nothing is lost in between.
    fn remember(&self, frames: u32) {
        let relaxed = Ordering::Relaxed;
        let callbacks = self.callbacks.load(relaxed);
        if callbacks <= FIRST {
            self.callbacks.store(callbacks + 1, relaxed);
        }
        if callbacks == FIRST {
            self.quantum.store(0, relaxed);
            self.quantum_before.store(0, relaxed);
        }
        let spanned = self.spanned.load(relaxed).saturating_add(frames);
        let largest = self.quantum.load(relaxed).max(frames);
        if spanned >= self.span {
            self.quantum_before.store(largest, relaxed);
            self.quantum.store(0, relaxed);
            self.spanned.store(0, relaxed);
        } else {
            self.quantum.store(largest, relaxed);
            self.spanned.store(spanned, relaxed);
        }
    }
}

fn clamped(frames: usize) -> u32 {
    u32::try_from(frames).unwrap_or(u32::MAX)
}
