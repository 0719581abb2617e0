//! How loud the media thread makes things, what it hears of the microphone beside calls, and tests.

use std::sync::Arc;
use std::time::Instant;

use super::Worker;
use crate::engine::clock;
use crate::engine::media::MediaReport;
use crate::engine::media::trial::{LAST_NOTE, SoundTest, Trial};
use crate::media::Levels;
use crate::media::loudness::Loudness;
use crate::media::microphone::Listening;

impl<R: Fn(MediaReport)> Worker<R> {
    /// Of calls under way and of those to come.
    pub(in crate::engine::media) fn set_loudness(&mut self, loudness: Loudness) {
        self.loudness = loudness.within_ranges();
        self.output.set_loudness(&self.loudness);
        for call in &mut self.calls {
            call.session.set_gain(self.loudness.input_db);
        }
    }

    pub(super) fn try_sound(&mut self, test: Option<(SoundTest, Arc<Levels>)>) {
        let speaker = matches!(test, Some((SoundTest::Speaker, _)));
        self.output.set_test(speaker);
        self.trial = test.map(|(test, levels)| Trial::new(clock::now(), test, levels));
    }

    pub(super) fn tries(&self, test: SoundTest) -> bool {
        self.trial.as_ref().is_some_and(|trial| trial.test == test)
    }

    pub(super) fn tend_trial(&mut self, now: Instant) {
        let Some(trial) = &mut self.trial else {
            return;
        };
        if self.output.take_test_end() {
            trial.end_by(now + LAST_NOTE);
        }
        if trial.is_over(now) {
            self.try_sound(None);
            (self.report)(MediaReport::TestEnded);
        }
    }

    pub(super) fn rest_ear(&mut self) {
        if let Some(state) = self.ear.rest() {
            (self.report)(MediaReport::Microphone(state));
        }
    }

    /// For whom the microphone is, and whether what it hears may be the far side from the
    /// loudspeaker.
    pub(super) fn listening(&self) -> (Listening, bool) {
        let of = |listening| {
            let mut calls = self.calls.iter();
            calls.any(|call| call.session.listening() == listening)
        };
        let listening = if of(Listening::Open) {
            Listening::Open
        } else if of(Listening::Muted) {
            Listening::Muted
        } else if self.tries(SoundTest::Microphone) {
            Listening::Open
        } else {
            Listening::Nobody
        };
        let far_speaks = self.calls.iter().any(|call| call.session.far_speaks());
        (listening, far_speaks)
    }
}
