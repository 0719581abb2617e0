//! Pauses described instead of sent (RFC 3389), for codecs that cannot leave them out themselves.

use crate::dsp::noise_description::{MAX_DESCRIPTION, NoiseDescription};
use crate::dsp::voice_activity::VoiceActivity;
use crate::units::SampleRate;

/// Frames of 10 ms that are sent whatever they are: the room is not known yet.
const SETTLING: u32 = 50;

/// Frames after which the first description of a pause is said again, since it may be lost and
/// without it the pause is a loss.
const SAY_AGAIN: u32 = 6;

/// Frames after which a description is said once more in any case, and those for which a changed
/// one waits.
const REFRESH: u32 = 40;
const CHANGE_WAITS: u32 = 12;

/// A change that is heard, in dB.
const AUDIBLE: u8 = 2;

/// What a packet is to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    /// The sound itself.
    Sound,
    /// A comfort noise payload.
    Description(&'a [u8]),
    /// None is sent.
    Nothing,
}

/// Watches for pauses and describes them.
#[derive(Debug)]
pub(super) struct Silence {
    voice: VoiceActivity,
    noise: NoiseDescription,
    /// Frames heard, up to [`SETTLING`].
    heard: u32,
    pause: Option<Pause>,
    payload: [u8; MAX_DESCRIPTION],
}

/// A pause that was described.
#[derive(Clone, Copy, Debug)]
struct Pause {
    /// Frames since then, and after how many it is said again whatever it is.
    since: u32,
    next: u32,
    level: u8,
}

impl Silence {
    pub(super) fn new(rate: SampleRate) -> Silence {
        Silence {
            voice: VoiceActivity::new(rate),
            noise: NoiseDescription::default(),
            heard: 0,
            pause: None,
            payload: [0; MAX_DESCRIPTION],
        }
    }

    /// Takes the next frame of 10 ms.
    pub(super) fn observe(&mut self, frame: &[f32]) {
        self.voice.observe(frame);
        if !self.voice.hears() {
            self.noise.observe(frame);
        }
        self.heard = (self.heard + 1).min(SETTLING);
        if let Some(pause) = &mut self.pause {
            pause.since += 1;
        }
    }

    /// What becomes of the packet that is full.
    pub(super) fn say(&mut self) -> Said<'_> {
        if self.voice.speaks() || self.heard < SETTLING {
            self.pause = None;
            return Said::Sound;
        }
        let level = self.noise.level();
        let next = match self.pause {
            None => SAY_AGAIN,
            Some(pause) => {
                let changed = level.abs_diff(pause.level) >= AUDIBLE && pause.since >= CHANGE_WAITS;
                if pause.since < pause.next && !changed {
                    return Said::Nothing;
                }
                REFRESH
            }
        };
        self.pause = Some(Pause {
            since: 0,
            next,
            level,
        });
        let length = self.noise.write(&mut self.payload);
        Said::Description(&self.payload[..length])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: SampleRate = SampleRate::NARROW;

    fn noise(state: &mut u64, rms: f32) -> [f32; 80] {
        [(); 80].map(|()| {
            *state ^= *state << 13;
            *state ^= *state >> 7;
            *state ^= *state << 17;
            let uniform = (*state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5;
            rms * 12.0_f32.sqrt() * uniform
        })
    }

    /// Says what becomes of the packets of 20 ms of so many seconds: `s`, the level, or nothing.
    fn seconds(silence: &mut Silence, state: &mut u64, rms: f32, seconds: u32) -> Vec<Option<u8>> {
        let mut said = Vec::new();
        for _ in 0..seconds * 50 {
            silence.observe(&noise(state, rms));
            silence.observe(&noise(state, rms));
            said.push(match silence.say() {
                Said::Sound => Some(0),
                Said::Description(payload) => Some(payload[0]),
                Said::Nothing => None,
            });
        }
        said
    }

    #[test]
    fn a_pause_is_described_twice_and_then_now_and_then() {
        let (mut silence, mut state) = (Silence::new(RATE), 7);
        seconds(&mut silence, &mut state, 0.001, 5);
        let speech = seconds(&mut silence, &mut state, 0.1, 1);
        assert!(
            speech[1..].iter().all(|said| *said == Some(0)),
            "{speech:?}"
        );
        let pause = seconds(&mut silence, &mut state, 0.001, 4);
        let at: Vec<usize> = (0..pause.len())
            .filter(|at| pause[*at].is_some_and(|level| level > 0))
            .collect();
        // A quarter of a second after the last word, 60 ms later, then every 400 ms.
        assert!((11..=14).contains(&at[0]), "{at:?}");
        assert_eq!(at[1] - at[0], 3);
        assert!(
            at.windows(2).skip(1).all(|pair| pair[1] - pair[0] == 20),
            "{at:?}"
        );
        assert!(pause[..at[0]].iter().all(|said| *said == Some(0)));
        let levels: Vec<u8> = at.iter().filter_map(|at| pause[*at]).collect();
        assert!(
            levels.iter().all(|level| level.abs_diff(60) <= 1),
            "{levels:?}"
        );
    }

    #[test]
    fn a_room_that_becomes_quieter_is_told_soon() {
        let (mut silence, mut state) = (Silence::new(RATE), 7);
        seconds(&mut silence, &mut state, 0.003, 5);
        let quieter = seconds(&mut silence, &mut state, 0.000_5, 1);
        let told: Vec<u8> = quieter.iter().copied().flatten().collect();
        assert!(told.len() >= 4, "{told:?}");
        assert!(told.last().unwrap().abs_diff(66) <= 2, "{told:?}");
    }

    #[test]
    fn the_first_half_second_is_sent_as_it_is() {
        let (mut silence, mut state) = (Silence::new(RATE), 7);
        let said = seconds(&mut silence, &mut state, 0.001, 1);
        assert!(said[..24].iter().all(|said| *said == Some(0)), "{said:?}");
        assert!(said[30..].iter().any(|said| *said != Some(0)), "{said:?}");
    }

    #[test]
    fn what_is_muted_is_described_as_silence() {
        let (mut silence, mut state) = (Silence::new(RATE), 7);
        seconds(&mut silence, &mut state, 0.003, 5);
        let muted = seconds(&mut silence, &mut state, 0.0, 2);
        assert_eq!(
            muted.iter().copied().flatten().last(),
            Some(127),
            "{muted:?}"
        );
    }
}
