//! Watches the microphone whichever it is, and says when its state has changed.

use crate::media::microphone::{Listening, MicrophoneState, MicrophoneWatch};
use crate::voice::{FRAME, RATE};

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
        clean: &[f32; FRAME],
        far_speaks: bool,
        listening: Listening,
    ) -> Option<MicrophoneState> {
        let watch = self.watch.get_or_insert_with(|| MicrophoneWatch::new(RATE));
        let state = watch.observe(raw, clean, far_speaks, listening);
        self.changed(state)
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
