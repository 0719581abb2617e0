//! Watches the microphone whichever it is, and says when its state has changed.

use crate::media::microphone::{Listening, MicrophoneState, MicrophoneWatch};
use crate::units::SampleRate;

/// The watch over the microphone in use.
#[derive(Default)]
pub(super) struct Ear {
    watch: Option<MicrophoneWatch>,
    told: MicrophoneState,
}

impl Ear {
    /// Takes 10 ms of the microphone, `raw` as it gives them and `clean` as the voice chain does, and
    /// answers its state where that is another than before.
    pub(super) fn hear(
        &mut self,
        raw: &[f32],
        (rate, clean): (SampleRate, &[f32]),
        far_speaks: bool,
        listening: Listening,
    ) -> Option<MicrophoneState> {
        if self.watch.as_ref().is_none_or(|watch| watch.rate() != rate) {
            self.watch = Some(MicrophoneWatch::new(rate));
        }
        let watch = self.watch.as_mut();
        let state = watch.map(|watch| watch.observe(raw, clean, far_speaks, listening));
        self.changed(state.unwrap_or_default())
    }

    /// There is no microphone, or another one.
    pub(super) fn rest(&mut self) -> Option<MicrophoneState> {
        self.watch = None;
        self.changed(MicrophoneState::default())
    }

    fn changed(&mut self, state: MicrophoneState) -> Option<MicrophoneState> {
        (std::mem::replace(&mut self.told, state) != state).then_some(state)
    }
}
