//! Ring tones of our own, made by reckoning: no recording, so no licence but ours.

use std::f32::consts::TAU;

use crate::units::SampleRate;

/// The rate at which they are made: that of the mix.
pub const RATE: SampleRate = SampleRate::FULL;

/// What rings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ring {
    /// Two soft notes a third apart, twice, and a pause: a guest that coughs.
    #[default]
    Soft,
    /// Four falling notes of wood.
    Marimba,
    /// A small bell, struck in pairs.
    Bell,
    /// The rhythm of a desk telephone: two voices that alternate quickly.
    Desk,
}

impl Ring {
    /// All of them.
    pub const ALL: [Ring; 4] = [Ring::Soft, Ring::Marimba, Ring::Bell, Ring::Desk];

    /// Its name in the settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Ring::Soft => "soft",
            Ring::Marimba => "marimba",
            Ring::Bell => "bell",
            Ring::Desk => "desk",
        }
    }

    /// By that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Ring> {
        Ring::ALL.into_iter().find(|ring| ring.name() == name)
    }

    /// One round, its pause with it, at [`RATE`]; peaks stay below a half. Allocates.
    #[must_use]
    pub fn render(self) -> Vec<f32> {
        let mut sound = Vec::new();
        match self {
            Ring::Soft => {
                sound.resize(at(3_000), 0.0);
                for begin in [0, 600] {
                    for hz in [659.3, 830.6] {
                        held(&mut sound, begin, 400, hz, 0.2);
                    }
                }
            }
            Ring::Marimba => {
                sound.resize(at(3_200), 0.0);
                for (n, hz) in [1_046.5, 784.0, 659.3, 523.3].into_iter().enumerate() {
                    for round in [0, 800] {
                        let begin = round + 160 * n as u32;
                        // Wood: the fourth harmonic dies first.
                        struck(
                            &mut sound,
                            begin,
                            &[(hz, 0.28, 0.28), (4.0 * hz, 0.08, 0.06)],
                        );
                    }
                }
            }
            Ring::Bell => {
                sound.resize(at(3_600), 0.0);
                for begin in [0, 220, 1_100, 1_320] {
                    // Partials of a hand bell lie a twelfth apart, and above that anywhere.
                    let bell = [
                        (880.0, 0.2, 0.7),
                        (2_640.0, 0.1, 0.35),
                        (4_752.0, 0.04, 0.2),
                    ];
                    struck(&mut sound, begin, &bell);
                }
            }
            Ring::Desk => {
                sound.resize(at(4_000), 0.0);
                for begin in (0..1_200).step_by(80) {
                    let hz = if begin / 80 % 2 == 0 { 740.0 } else { 987.8 };
                    held(&mut sound, begin, 74, hz, 0.3);
                    held(&mut sound, begin, 74, 2.0 * hz, 0.06);
                }
            }
        }
        sound
    }
}

/// The sample of a moment in milliseconds.
fn at(millis: u32) -> usize {
    millis as usize * RATE.hz() as usize / 1_000
}

/// A note that is held, with soft edges.
fn held(sound: &mut [f32], begin: u32, millis: u32, hz: f32, peak: f32) {
    let (length, edge) = (at(millis), at(8));
    let Some(sound) = sound.get_mut(at(begin)..at(begin) + length) else {
        return;
    };
    let mut phase = 0.0_f32;
    for (n, sample) in sound.iter_mut().enumerate() {
        let edge = (n.min(length - 1 - n) as f32 / edge as f32).min(1.0);
        *sample += peak * edge * (TAU * phase).sin();
        phase = (phase + hz / RATE.hz() as f32).fract();
    }
}

/// A note that is struck and dies away: partials by frequency, strength and seconds in which each
/// falls to a third.
fn struck(sound: &mut [f32], begin: u32, partials: &[(f32, f32, f32)]) {
    let Some(sound) = sound.get_mut(at(begin)..) else {
        return;
    };
    let (length, edge) = (sound.len(), at(3) as f32);
    for (hz, peak, fall) in partials {
        let mut phase = 0.0_f32;
        for (n, sample) in sound.iter_mut().enumerate() {
            let age = n as f32 / RATE.hz() as f32;
            let edge = (n as f32 / edge).min(1.0) * ((length - n) as f32 / at(20) as f32).min(1.0);
            *sample += peak * edge * (-age / fall).exp() * (TAU * phase).sin();
            phase = (phase + hz / RATE.hz() as f32).fract();
        }
    }
}

/// The volume of 0 to 100 % as a factor: what sounds half as loud is a quarter of it.
#[must_use]
pub fn loudness(percent: u8) -> f32 {
    (f32::from(percent.min(100)) / 100.0).powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::testing::{amplitude, rms};

    #[test]
    fn every_ring_is_heard_pauses_and_does_not_click_even_where_it_begins_anew() {
        for ring in Ring::ALL {
            let sound = ring.render();
            assert!(
                (2.5..4.5).contains(&(sound.len() as f32 / 48_000.0)),
                "{ring:?}"
            );
            let peak = sound.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
            assert!((0.25..0.6).contains(&peak), "{ring:?}: {peak}");
            // Half a second of near silence at its end.
            assert!(rms(&sound[sound.len() - 24_000..]) < 0.01, "{ring:?}");
            let steps = sound.iter().zip(sound.iter().cycle().skip(1));
            let steepest = steps.map(|(a, b)| (b - a).abs()).fold(0.0, f32::max);
            assert!(steepest < 0.12, "{ring:?}: {steepest}");
        }
    }

    #[test]
    fn the_soft_ring_is_a_third_twice() {
        let sound = Ring::Soft.render();
        for begin in [0, 28_800] {
            let note = &sound[begin..begin + 19_200];
            for hz in [659.3, 830.6] {
                assert!((amplitude(RATE, hz, note) - 0.2).abs() < 0.02);
            }
        }
        assert_eq!(rms(&sound[19_200..28_800]), 0.0);
    }

    #[test]
    fn names_lead_back_to_their_rings() {
        for ring in Ring::ALL {
            assert_eq!(Ring::named(ring.name()), Some(ring));
        }
        assert_eq!(Ring::named("/sounds/ring.wav"), None);
    }

    #[test]
    fn volume_goes_from_nothing_to_all() {
        assert_eq!(loudness(0), 0.0);
        assert_eq!(loudness(50), 0.25);
        assert_eq!(loudness(100), 1.0);
        assert_eq!(loudness(255), 1.0);
    }
}
