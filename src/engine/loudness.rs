//! How loud, and whether microphone and speaker work: a person's wishes, and what came of them.

use std::sync::Arc;

use super::driver::Driver;
use super::event::Event;
use super::media::SoundTest;
use crate::media::{Loudness, MicrophoneState};
use crate::store::Settings;

/// As the settings have it.
pub(super) fn kept_loudness(settings: &Settings) -> Loudness {
    Loudness {
        input_db: settings.input_gain_db,
        output_db: settings.output_gain_db,
        sidetone_db: settings.sidetone_db,
        output_muted: false,
    }
}

impl Driver {
    /// Makes things as loud as the person wants, at once, and keeps it.
    pub(super) fn set_loudness(&mut self, loudness: Loudness) {
        let loudness = loudness.within_ranges();
        let before = std::mem::replace(&mut self.picture.loudness().chosen, loudness);
        self.dirty = true;
        if let Err(error) = self.media.set_loudness(loudness) {
            tracing::warn!("loudness not changed: {error}");
        }
        // That calls are not heard is for now; a phone that starts without sound is broken.
        let kept = |loudness: Loudness| Loudness {
            output_muted: false,
            ..loudness
        };
        if kept(before) != kept(loudness) {
            self.change_settings(|settings| {
                settings.input_gain_db = loudness.input_db;
                settings.output_gain_db = loudness.output_db;
                settings.sidetone_db = loudness.sidetone_db;
            });
        }
    }

    /// Tries microphone or speaker, or ends that.
    pub(super) fn test_sound(&mut self, test: Option<SoundTest>) {
        let view = self.picture.loudness();
        let order = test.map(|test| (test, Arc::clone(&view.test_levels)));
        view.test = test;
        self.dirty = true;
        if let Err(error) = self.media.test(order) {
            tracing::warn!("no test of sound: {error}");
            self.picture.loudness().test = None;
        }
    }

    /// It ended by itself.
    pub(super) fn test_ended(&mut self) {
        self.picture.loudness().test = None;
        self.dirty = true;
    }

    /// Something is wrong with the microphone, or no longer is.
    pub(super) fn microphone_changed(&mut self, state: MicrophoneState) {
        self.picture.loudness().microphone = state;
        self.dirty = true;
        self.tell(Event::Microphone(state));
    }
}
