//! What is wrong with the microphone, told while a call is up: it gives nothing, it is too loud,
//! or somebody speaks into it while it is muted.
//!
//! Nothing of what it hears is kept: three answers of yes and no come out.

use crate::dsp::voice_activity::VoiceActivity;
use crate::dsp::voicing::Voicing;
use crate::units::SampleRate;

/// 10 ms frames in a second.
const SECOND: u32 = 100;

/// Samples this near full scale are cut by the device or by its driver.
const FULL_SCALE: f32 = 0.999;
/// So many of them in a frame are no chance.
const CUT_SAMPLES: usize = 3;
/// So many such frames in a second are no single click, which touches one or two.
const CUT_FRAMES: u32 = 5;
/// The word stands until so much later without any.
const CLIPPING_LASTS: u32 = 3 * SECOND;

/// Less is no microphone: a mean square of −75 dBov. The worst that work are at −70.
const DEAD: f32 = 3.2e-8;
/// How long nothing must come before it is told.
const SILENT_AFTER: u32 = 5 * SECOND;
/// A microphone that closes by itself in pauses, and then opens again, is given so many times the
/// longest of its pauses, but not for ever.
const PAUSES: u32 = 4;
const SILENT_AFTER_AT_MOST: u32 = 120 * SECOND;

/// What is looked at for speech while muted.
const TALK_WINDOW: usize = 2 * SECOND as usize;
/// Of it, frames that stand out from the room; and those with the pitch of a voice.
const SPOKEN: u32 = SECOND * 9 / 10;
const VOICED: u32 = SECOND * 4 / 10;
/// With fewer than this the person has stopped.
const STOPPED: u32 = SECOND / 4;
/// Speech is so many dB above the room, and above this level in dBov: who speaks to a microphone is
/// near it.
const ABOVE_ROOM_DB: f32 = 7.0;
const FAINTEST_DB: f32 = -55.0;
/// How much sound with pitch resembles itself.
const PITCH: f32 = 0.7;
/// Who was told and goes on talking with others in the room is told again after this.
const TOLD_AGAIN_AFTER: u32 = 60 * SECOND;

/// For whom the microphone is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listening {
    /// For nobody: no call, or all are on hold.
    #[default]
    Nobody,
    /// For the far side.
    Open,
    /// For nobody, by choice.
    Muted,
}

/// What is wrong with the microphone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MicrophoneState {
    /// It gives nothing though it is open.
    pub silent: bool,
    /// It is louder than fits.
    pub clipping: bool,
    /// Somebody speaks into it while it is muted.
    pub talking_muted: bool,
}

/// Watches one microphone. Allocates only when made.
#[derive(Debug)]
pub struct MicrophoneWatch {
    rate: SampleRate,
    listening: Listening,
    state: MicrophoneState,
    cut: Recent,
    uncut_for: u32,
    dead_for: u32,
    longest_pause: u32,
    talk: Talk,
}

impl MicrophoneWatch {
    /// For frames of this rate.
    #[must_use]
    pub fn new(rate: SampleRate) -> MicrophoneWatch {
        MicrophoneWatch {
            rate,
            listening: Listening::Nobody,
            state: MicrophoneState::default(),
            cut: Recent::new(SECOND as usize),
            uncut_for: 0,
            dead_for: 0,
            longest_pause: 0,
            talk: Talk::new(rate),
        }
    }

    /// The rate it is for.
    #[must_use]
    pub fn rate(&self) -> SampleRate {
        self.rate
    }

    /// What is wrong at present.
    #[must_use]
    pub fn state(&self) -> MicrophoneState {
        self.state
    }

    /// Takes 10 ms: `raw` as the microphone gives them, `clean` without the loudspeaker's echo,
    /// where something removes it. While `far_speaks` what is heard may be the loudspeaker.
    pub fn observe(
        &mut self,
        raw: &[f32],
        clean: &[f32],
        far_speaks: bool,
        listening: Listening,
    ) -> MicrophoneState {
        if listening != self.listening {
            self.listening = listening;
            self.begin();
        }
        match listening {
            Listening::Nobody => {}
            Listening::Open => {
                self.note_silence(raw);
                self.note_clipping(raw);
            }
            Listening::Muted => {
                self.state.talking_muted = self.talk.observe(clean, far_speaks);
            }
        }
        self.state
    }

    fn begin(&mut self) {
        self.state = MicrophoneState::default();
        self.cut.clear();
        self.dead_for = 0;
        if self.listening == Listening::Muted {
            self.talk = Talk::new(self.rate);
        }
    }

    fn note_silence(&mut self, raw: &[f32]) {
        if variance(raw) < DEAD {
            self.dead_for += 1;
            let patience = (PAUSES * self.longest_pause).clamp(SILENT_AFTER, SILENT_AFTER_AT_MOST);
            self.state.silent |= self.dead_for >= patience;
        } else {
            self.longest_pause = self.longest_pause.max(self.dead_for);
            (self.dead_for, self.state.silent) = (0, false);
        }
    }

    fn note_clipping(&mut self, raw: &[f32]) {
        let full = raw.iter().filter(|sample| sample.abs() >= FULL_SCALE);
        let cut = full.count() >= CUT_SAMPLES;
        self.cut.push(cut);
        self.uncut_for = if cut { 0 } else { self.uncut_for + 1 };
        if self.cut.count() >= CUT_FRAMES {
            self.state.clipping = true;
        } else if self.uncut_for >= CLIPPING_LASTS {
            self.state.clipping = false;
        }
    }
}

/// The mean square of what is not constant: a stuck converter gives a constant.
fn variance(sound: &[f32]) -> f32 {
    let count = sound.len().max(1) as f32;
    let mean = sound.iter().sum::<f32>() / count;
    sound.iter().map(|s| (s - mean) * (s - mean)).sum::<f32>() / count
}

/// Looks for speech while the microphone is muted.
#[derive(Debug)]
struct Talk {
    activity: VoiceActivity,
    voicing: Voicing,
    spoken: Recent,
    voiced: Recent,
    talking: bool,
    /// Frames until it may be told again.
    quiet_for: u32,
}

impl Talk {
    fn new(rate: SampleRate) -> Talk {
        Talk {
            activity: VoiceActivity::new(rate),
            voicing: Voicing::new(rate),
            spoken: Recent::new(TALK_WINDOW),
            voiced: Recent::new(TALK_WINDOW),
            talking: false,
            quiet_for: 0,
        }
    }

    fn observe(&mut self, sound: &[f32], far_speaks: bool) -> bool {
        self.activity.observe(sound);
        self.voicing.observe(sound);
        let level = 10.0 * (2.0 * variance(sound)).max(1e-13).log10();
        let stands_out = level > (self.activity.noise().0 + ABOVE_ROOM_DB).max(FAINTEST_DB);
        let spoken = self.activity.hears() && stands_out && !far_speaks;
        self.spoken.push(spoken);
        self.voiced.push(spoken && self.voicing.strength() > PITCH);
        self.quiet_for = self.quiet_for.saturating_sub(1);
        let (spoken, voiced) = (self.spoken.count(), self.voiced.count());
        if self.talking && spoken < STOPPED {
            self.talking = false;
            self.quiet_for = TOLD_AGAIN_AFTER;
        } else if !self.talking && self.quiet_for == 0 {
            self.talking = spoken >= SPOKEN && voiced >= VOICED;
        }
        self.talking
    }
}

/// How often something was so, of the last frames.
#[derive(Debug)]
struct Recent {
    was: [bool; TALK_WINDOW],
    length: usize,
    at: usize,
    count: u32,
}

impl Recent {
    /// Of the last `length` frames, at most [`TALK_WINDOW`].
    fn new(length: usize) -> Recent {
        Recent {
            was: [false; TALK_WINDOW],
            length: length.clamp(1, TALK_WINDOW),
            at: 0,
            count: 0,
        }
    }

    fn push(&mut self, is: bool) {
        let was = std::mem::replace(&mut self.was[self.at], is);
        self.count = self.count + u32::from(is) - u32::from(was);
        self.at = (self.at + 1) % self.length;
    }

    fn count(&self) -> u32 {
        self.count
    }

    fn clear(&mut self) {
        *self = Recent::new(self.length);
    }
}

#[cfg(test)]
#[path = "microphone_tests.rs"]
mod tests;
