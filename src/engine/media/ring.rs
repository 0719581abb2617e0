//! What rings: a piece of sound played over and over, or once to try it.

use std::sync::Arc;

use crate::media::rings::{RATE, Ring, loudness};

/// Samples in which it fades when it is stopped: 10 ms.
const FADE: f32 = 480.0;

/// Samples for which a ring has only just begun: half a second.
const JUST_BEGUN: usize = 24_000;

/// The ring tone and its volume.
pub(super) struct Ringer {
    sound: Arc<[f32]>,
    usual: Arc<[f32]>,
    volume: f32,
    /// Follows `volume` without a step.
    gain: f32,
    ringing: Option<Playing>,
}

struct Playing {
    sound: Arc<[f32]>,
    at: usize,
    looped: bool,
    /// 1, and less once it is stopped.
    envelope: f32,
    stopping: bool,
}

impl Ringer {
    /// The usual one.
    pub(super) fn new(percent: u8) -> Ringer {
        let volume = loudness(percent);
        let usual: Arc<[f32]> = Ring::default().render().into();
        Ringer {
            sound: Arc::clone(&usual),
            usual,
            volume,
            gain: volume,
            ringing: None,
        }
    }

    /// Another sound: of 48 kHz, at most a minute. A call that has just begun to ring begins anew
    /// with it, since which sound is its own may be known only then; one that rings on goes on.
    pub(super) fn set_sound(&mut self, sound: Arc<[f32]>) {
        self.sound = sound;
        if self.is_ringing()
            && let Some(playing) = &mut self.ringing
            && playing.at < JUST_BEGUN
        {
            playing.sound = Arc::clone(&self.sound);
            playing.at = 0;
        }
    }

    /// The usual one again.
    pub(super) fn reset(&mut self) {
        self.sound = Arc::clone(&self.usual);
    }

    /// 0 to 100 %.
    pub(super) fn set_volume(&mut self, percent: u8) {
        self.volume = loudness(percent);
    }

    /// Rings from the beginning, or stops.
    pub(super) fn ring(&mut self, wanted: bool) {
        if wanted && !self.is_ringing() {
            self.play(Arc::clone(&self.sound), true);
        } else if !wanted
            && let Some(playing) = &mut self.ringing
            && playing.looped
        {
            playing.stopping = true;
        }
    }

    /// Plays this once, to try it; a call that rings goes before it.
    pub(super) fn sample(&mut self, sound: Arc<[f32]>) {
        if !self.is_ringing() {
            self.play(sound, false);
        }
    }

    fn play(&mut self, sound: Arc<[f32]>, looped: bool) {
        self.gain = self.volume;
        self.ringing = Some(Playing {
            sound,
            at: 0,
            looped,
            envelope: 1.0,
            stopping: false,
        });
    }

    fn is_ringing(&self) -> bool {
        let playing = self.ringing.as_ref();
        playing.is_some_and(|playing| playing.looped && !playing.stopping)
    }

    /// Whether it only fades.
    pub(super) fn is_stopping(&self) -> bool {
        let playing = self.ringing.as_ref();
        playing.is_some_and(|playing| playing.stopping)
    }

    /// Silent at once, where nobody hears it fade.
    pub(super) fn cut(&mut self) {
        self.ringing = None;
    }

    /// Whether nothing sounds.
    pub(super) fn is_silent(&self) -> bool {
        self.ringing.is_none()
    }

    /// Adds the next samples to what is in `out`.
    pub(super) fn mix_into(&mut self, out: &mut [f32]) {
        let Some(playing) = &mut self.ringing else {
            return;
        };
        let step = (self.volume - self.gain) / out.len().max(1) as f32;
        for sample in out.iter_mut() {
            self.gain += step;
            if playing.stopping {
                playing.envelope -= 1.0 / FADE;
            }
            if playing.at >= playing.sound.len() {
                if !playing.looped || playing.sound.is_empty() {
                    playing.envelope = 0.0;
                }
                playing.at = 0;
            }
            if playing.envelope <= 0.0 {
                self.ringing = None;
                return;
            }
            *sample += playing.sound[playing.at] * self.gain * playing.envelope;
            playing.at += 1;
        }
        self.gain = self.volume;
    }
}

/// Makes of a file's sound one round of a ring tone: half a minute at most, with a pause behind it.
pub(super) fn round_of(mut sound: Vec<f32>) -> Arc<[f32]> {
    let second = RATE.hz() as usize;
    if sound.len() > 30 * second {
        sound.truncate(30 * second);
        let begin = sound.len() - second / 100;
        for (n, sample) in sound[begin..].iter_mut().enumerate() {
            *sample *= 1.0 - n as f32 / (second / 100) as f32;
        }
    }
    sound.resize(sound.len() + second, 0.0);
    sound.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn played(ringer: &mut Ringer, frames: usize) -> Vec<f32> {
        let mut sound = vec![0.0; 480 * frames];
        sound
            .chunks_mut(480)
            .for_each(|frame| ringer.mix_into(frame));
        sound
    }

    #[test]
    fn it_rings_over_and_over_at_its_volume_until_it_is_stopped() {
        let mut ringer = Ringer::new(50);
        ringer.set_sound([1.0; 720].into());
        assert!(played(&mut ringer, 1).iter().all(|s| *s == 0.0));
        ringer.ring(true);
        ringer.ring(true);
        assert!(played(&mut ringer, 10).iter().all(|s| *s == 0.25));
        ringer.set_volume(100);
        played(&mut ringer, 1);
        assert!(played(&mut ringer, 1).iter().all(|s| *s == 1.0));
        let mut end = played(&mut ringer, 1);
        ringer.ring(false);
        end.extend(played(&mut ringer, 2));
        let steps = end.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        assert!(steps.fold(0.0, f32::max) < 0.01, "it fades");
        assert!(end[960..].iter().all(|s| *s == 0.0) && ringer.is_silent());
    }

    #[test]
    fn a_sample_is_heard_once_and_a_call_goes_before_it() {
        let mut ringer = Ringer::new(100);
        ringer.sample([0.5; 480].into());
        assert!(played(&mut ringer, 1).iter().all(|s| *s == 0.5));
        assert!(played(&mut ringer, 1).iter().all(|s| *s == 0.0));
        assert!(ringer.is_silent());
        ringer.set_sound([0.25; 480].into());
        ringer.ring(true);
        ringer.sample([0.5; 480].into());
        assert!(played(&mut ringer, 3).iter().all(|s| *s == 0.25));
        // Trying another tone neither stops a call that rings, nor does its end stop a sample.
        ringer.ring(false);
        played(&mut ringer, 2);
        ringer.sample([0.5; 9_600].into());
        ringer.ring(false);
        assert!(played(&mut ringer, 5).iter().all(|s| *s == 0.5));
    }

    #[test]
    fn a_call_that_has_just_begun_to_ring_may_change_its_tone() {
        let mut ringer = Ringer::new(100);
        ringer.set_sound([0.5; 48_000].into());
        ringer.ring(true);
        played(&mut ringer, 10);
        ringer.set_sound([0.25; 48_000].into());
        assert!(played(&mut ringer, 60).iter().all(|s| *s == 0.25));
        ringer.set_sound([0.5; 48_000].into());
        assert!(played(&mut ringer, 60).iter().all(|s| *s == 0.25));
    }

    #[test]
    fn a_long_file_ends_softly_after_half_a_minute_and_a_pause_follows() {
        let round = round_of(vec![0.5; 48_000 * 100]);
        assert_eq!(round.len(), 48_000 * 31);
        assert!(round[48_000 * 30 - 1].abs() < 0.01);
        assert_eq!(round_of(vec![0.5; 100]).len(), 48_100);
    }

    #[test]
    fn an_empty_sound_is_silence() {
        let mut ringer = Ringer::new(100);
        ringer.set_sound([].into());
        ringer.ring(true);
        assert!(played(&mut ringer, 3).iter().all(|s| *s == 0.0));
    }
}
