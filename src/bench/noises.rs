//! What else is heard in a room, computed: everything follows from a seed.

use std::f32::consts::TAU;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Samples a second of what is computed here.
const RATE: f32 = 48_000.0;

/// A kind of noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noise {
    /// Air that falls towards high frequencies.
    Room,
    /// A computer's fan: air, the blades' tone and its harmonics, hardly anything that changes.
    Fan,
    /// A window to a street: a rumble, and cars that come and go.
    Street,
    /// Somebody types, beside the microphone.
    Keyboard,
    /// Others talk behind.
    Babble,
}

impl Noise {
    /// All there are, quietest company first.
    pub const ALL: [Noise; 5] = [
        Noise::Room,
        Noise::Fan,
        Noise::Street,
        Noise::Keyboard,
        Noise::Babble,
    ];

    /// Its name on the command line and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Noise::Room => "room",
            Noise::Fan => "fan",
            Noise::Street => "street",
            Noise::Keyboard => "keyboard",
            Noise::Babble => "babble",
        }
    }

    /// So many samples of it at 48 kHz, with a power of 1. `voices` are what babble is made of;
    /// without any there is none of it.
    #[must_use]
    pub fn make(self, samples: usize, seed: u64, voices: &[Vec<f32>]) -> Vec<f32> {
        let mut dice = Dice(ChaCha8Rng::seed_from_u64(seed ^ (self as u64) << 32));
        let mut sound = match self {
            Noise::Room => air(&mut dice, samples, 0.9),
            Noise::Fan => fan(&mut dice, samples),
            Noise::Street => street(&mut dice, samples),
            Noise::Keyboard => keyboard(&mut dice, samples),
            Noise::Babble => babble(&mut dice, samples, voices),
        };
        let power = sound.iter().map(|s| s * s).sum::<f32>() / samples.max(1) as f32;
        for sample in &mut sound {
            *sample /= power.max(1e-20).sqrt();
        }
        sound
    }
}

struct Dice(ChaCha8Rng);

impl Dice {
    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.0.next_u32() as f32 / u32::MAX as f32
    }
}

/// White noise through a filter that keeps so much of the last sample.
fn air(dice: &mut Dice, samples: usize, keeps: f32) -> Vec<f32> {
    let mut state = 0.0;
    (0..samples)
        .map(|_| {
            state = keeps * state + dice.between(-0.5, 0.5);
            state
        })
        .collect()
}

fn fan(dice: &mut Dice, samples: usize) -> Vec<f32> {
    let blades_hz = dice.between(130.0, 210.0);
    let mut sound = air(dice, samples, 0.95);
    for harmonic in 1..=6 {
        let phase = dice.between(0.0, TAU);
        let loud = 1.2 / harmonic as f32;
        for (n, sample) in sound.iter_mut().enumerate() {
            let turn = n as f32 / RATE * blades_hz * harmonic as f32;
            *sample += loud * (TAU * turn.fract() + phase).sin();
        }
    }
    sound
}

fn street(dice: &mut Dice, samples: usize) -> Vec<f32> {
    let rumble = air(dice, samples, 0.995);
    let tyres = air(dice, samples, 0.8);
    let (mut passing, mut wanted, mut left) = (0.1, 0.1, 0_u32);
    rumble
        .iter()
        .zip(&tyres)
        .map(|(rumble, tyres)| {
            if left == 0 {
                left = (dice.between(0.4, 2.0) * RATE) as u32;
                wanted = 10.0_f32.powf(dice.between(-1.3, 0.3));
            }
            left -= 1;
            passing += (wanted - passing) / (0.4 * RATE);
            0.3 * rumble + 2.0 * passing * tyres
        })
        .collect()
}

fn keyboard(dice: &mut Dice, samples: usize) -> Vec<f32> {
    let mut sound = air(dice, samples, 0.9);
    for sample in &mut sound {
        *sample *= 0.002;
    }
    let mut at = 0.0;
    while (at as usize) < samples {
        // Down with a clack, up with a weaker one; now and then a thought.
        let strength = dice.between(0.4, 1.0);
        clack(dice, &mut sound, at as usize, strength);
        let held = dice.between(0.06, 0.11) * RATE;
        clack(dice, &mut sound, (at + held) as usize, 0.4 * strength);
        let thinks = if dice.between(0.0, 1.0) < 0.08 {
            0.8
        } else {
            0.0
        };
        at += (dice.between(0.09, 0.26) + thinks) * RATE;
    }
    sound
}

/// A key strikes its ground: the desk thuds, the cap rings, all of it within a few milliseconds.
fn clack(dice: &mut Dice, sound: &mut [f32], at: usize, strength: f32) {
    let (thud_hz, cap_hz) = (dice.between(150.0, 350.0), dice.between(1_800.0, 4_200.0));
    for (n, sample) in sound.iter_mut().skip(at).take(2_400).enumerate() {
        let time = n as f32 / RATE;
        let thud = 0.4 * (-time / 0.008).exp() * (TAU * thud_hz * time).sin();
        let cap = 0.6 * (-time / 0.003).exp() * (TAU * cap_hz * time).sin();
        let scrape = (-time / 0.004).exp() * dice.between(-1.0, 1.0);
        *sample += strength * (thud + cap + scrape);
    }
}

/// Six times a voice, each from a place of its own on.
fn babble(dice: &mut Dice, samples: usize, voices: &[Vec<f32>]) -> Vec<f32> {
    let mut sound = vec![0.0; samples];
    let voices: Vec<&Vec<f32>> = voices.iter().filter(|voice| !voice.is_empty()).collect();
    for place in 0..6_usize.min(6 * voices.len()) {
        let voice = voices[place % voices.len()];
        let from = (dice.between(0.0, 0.999) * voice.len() as f32) as usize;
        let loud = dice.between(0.5, 1.0);
        let said = voice.iter().cycle().skip(from);
        for (sample, said) in sound.iter_mut().zip(said) {
            *sample += loud * said;
        }
    }
    sound
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECONDS: usize = 4;

    fn of(noise: Noise, seed: u64) -> Vec<f32> {
        let voice = air(&mut Dice(ChaCha8Rng::seed_from_u64(9)), 70_000, 0.5);
        noise.make(SECONDS * 48_000, seed, &[voice])
    }

    #[test]
    fn every_noise_has_a_power_of_one_and_follows_from_its_seed() {
        for noise in Noise::ALL {
            let sound = of(noise, 1);
            let power = sound.iter().map(|s| s * s).sum::<f32>() / sound.len() as f32;
            assert!((power - 1.0).abs() < 1e-3, "{noise:?}: {power}");
            assert!(sound == of(noise, 1), "{noise:?}");
            assert!(sound != of(noise, 2), "{noise:?}");
        }
    }

    #[test]
    fn keys_are_heard_one_by_one_and_a_fan_all_the_time() {
        let loudest_of_all = |noise| {
            let blocks: Vec<f32> = of(noise, 3)
                .chunks(480)
                .map(|block| block.iter().map(|s| s * s).sum::<f32>() / 480.0)
                .collect();
            let loud = blocks.iter().filter(|power| **power > 0.1).count();
            loud as f32 / blocks.len() as f32
        };
        assert!(loudest_of_all(Noise::Fan) > 0.95);
        assert!(loudest_of_all(Noise::Keyboard) < 0.5);
    }

    #[test]
    fn without_voices_there_is_no_babble() {
        assert!(Noise::Babble.make(4_800, 1, &[]).iter().all(|s| *s == 0.0));
    }
}
