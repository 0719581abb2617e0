//! Sound a few millionths faster or slower: samples between the samples, by a windowed sinc.
//!
//! Apart from [`crate::dsp::resample`] because it must not delay: with equal clocks sound passes to
//! the bit and at once, and when it begins to work it goes on from the very sample that was last.

use crate::units::SampleRate;

/// Samples looked at on each side, at 8 and 16 kHz, and at 48 kHz, where speech leaves more room
/// between its highest frequency and the band's edge.
const REACH_NARROW: usize = 24;
const REACH_FULL: usize = 12;

/// Places between two samples that filters are kept for; between those it goes straight.
const PLACES: usize = 128;

/// A whole sample.
const ONE: u64 = 1 << 32;

/// Plays one stream a little faster or slower. Allocates only when made.
#[derive(Debug)]
pub(crate) struct Interpolator {
    reach: usize,
    /// `PLACES + 1` filters of `2 * reach` taps.
    filters: Box<[f32]>,
    /// The last `2 * reach` samples taken; what comes next lies behind `reach` of them.
    window: Box<[f32]>,
    /// How far between the middle two of the window, in parts of [`ONE`].
    place: u64,
    /// Samples taken for each that is given, in the same: whole numbers, so that what is taken is
    /// what was said.
    step: u64,
    on: bool,
}

impl Interpolator {
    pub(crate) fn new(rate: SampleRate) -> Interpolator {
        let reach = if rate == SampleRate::FULL {
            REACH_FULL
        } else {
            REACH_NARROW
        };
        Interpolator {
            reach,
            filters: filters(reach),
            window: vec![0.0; 2 * reach].into(),
            place: 0,
            step: ONE,
            on: false,
        }
    }

    /// Plays so many parts per million faster from now on; below zero, slower.
    pub(crate) fn set_speed(&mut self, ppm: f64) {
        // Far from the bounds of either type: a conversion saturates.
        self.step = (ONE as f64 * (1.0 + ppm * 1e-6)) as u64;
    }

    /// Samples taken that have not been given.
    pub(crate) fn held(&self) -> usize {
        if self.on { self.reach } else { 0 }
    }

    /// Samples that the next [`Interpolator::fill`] takes at most, to give so many.
    pub(crate) fn wants(&self, samples: usize) -> usize {
        if self.passes() {
            return samples;
        }
        let ahead = if self.on { 0 } else { self.reach };
        ahead + ((self.place + self.step * samples as u64) / ONE) as usize
    }

    /// Fills `out` from `sound`, which holds what [`Interpolator::wants`] says, and answers how many
    /// of it were taken.
    pub(crate) fn fill(&mut self, sound: &[f32], out: &mut [f32]) -> usize {
        let wanted = self.wants(out.len()).min(sound.len());
        let mut coming = sound[..wanted].iter();
        if self.passes() {
            out[..wanted].copy_from_slice(&sound[..wanted]);
            out[wanted..].fill(0.0);
            self.remember(&out[..wanted]);
            return wanted;
        }
        if !self.on {
            // Half of the window is what was given last, and half what comes.
            self.on = true;
            self.place = 0;
            for _ in 0..self.reach {
                self.take(coming.next());
            }
        }
        for sample in out.iter_mut() {
            self.place += self.step;
            while self.place >= ONE {
                self.place -= ONE;
                self.take(coming.next());
            }
            *sample = self.between();
        }
        wanted
    }

    /// Forgets the sound so far; the speed stays.
    pub(crate) fn reset(&mut self) {
        self.window.fill(0.0);
        self.place = 0;
        self.on = false;
    }

    /// Whether sound is left as it is.
    fn passes(&self) -> bool {
        !self.on && self.step == ONE
    }

    fn take(&mut self, sample: Option<&f32>) {
        self.window.copy_within(1.., 0);
        if let (Some(last), Some(sample)) = (self.window.last_mut(), sample) {
            *last = *sample;
        }
    }

    /// Keeps what was given, so that the window is full when it is wanted.
    fn remember(&mut self, given: &[f32]) {
        let kept = self.window.len();
        let new = given.len().min(kept);
        self.window.copy_within(new.., 0);
        self.window[kept - new..].copy_from_slice(&given[given.len() - new..]);
    }

    fn between(&self) -> f32 {
        let taps = self.window.len();
        let exact = self.place * PLACES as u64;
        let (below, part) = ((exact / ONE) as usize, (exact % ONE) as f32 / ONE as f32);
        let low = &self.filters[below * taps..][..taps];
        let high = &self.filters[(below + 1) * taps..][..taps];
        let (mut first, mut second) = (0.0, 0.0);
        for ((sample, low), high) in self.window.iter().zip(low).zip(high) {
            first += sample * low;
            second += sample * high;
        }
        first + (second - first) * part
    }
}

/// For each place the taps of a sinc under a Blackman window. At place 0 all is the sample left of
/// the middle.
fn filters(reach: usize) -> Box<[f32]> {
    use std::f64::consts::PI;
    let taps = 2 * reach;
    (0..=PLACES)
        .flat_map(|place| {
            let place = place as f64 / PLACES as f64;
            let raw = move |tap: usize| {
                let x = tap as f64 - (reach - 1) as f64 - place;
                let sinc = if x.abs() < 1e-9 {
                    1.0
                } else {
                    (PI * x).sin() / (PI * x)
                };
                let u = (x / reach as f64).clamp(-1.0, 1.0);
                sinc * (0.42 + 0.5 * (PI * u).cos() + 0.08 * (2.0 * PI * u).cos())
            };
            let sum: f64 = (0..taps).map(raw).sum();
            (0..taps).map(move |tap| (raw(tap) / sum) as f32)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::testing::sine;

    /// All of `sound`, 10 ms a time, so much faster.
    fn played(rate: SampleRate, sound: &[f32], ppm: impl Fn(usize) -> f64) -> Vec<f32> {
        let mut interpolator = Interpolator::new(rate);
        let ten = rate.samples_in(std::time::Duration::from_millis(10));
        let (mut heard, mut at) = (Vec::new(), 0);
        for pull in 0.. {
            interpolator.set_speed(ppm(pull));
            let wanted = interpolator.wants(ten);
            let Some(piece) = sound.get(at..at + wanted) else {
                break;
            };
            let mut out = vec![0.0; ten];
            at += interpolator.fill(piece, &mut out);
            heard.extend_from_slice(&out);
        }
        heard
    }

    #[test]
    fn equal_clocks_pass_to_the_bit_and_at_once() {
        let sound = sine(SampleRate::NARROW, 440.0, 0.5, 8_000);
        assert_eq!(played(SampleRate::NARROW, &sound, |_| 0.0), sound);
    }

    #[test]
    fn a_tone_is_played_as_much_faster_as_is_asked_and_nothing_is_added() {
        for (rate, hz) in [
            (SampleRate::NARROW, 3_000.0),
            (SampleRate::WIDE, 6_500.0),
            (SampleRate::FULL, 16_000.0),
        ] {
            for ppm in [300.0, -300.0, 1_000.0] {
                let sound = sine(
                    rate,
                    hz,
                    0.5,
                    rate.samples_in(std::time::Duration::from_secs(4)),
                );
                // It begins after a second, without a step.
                let begins = 100;
                let heard = played(rate, &sound, |pull| if pull < begins { 0.0 } else { ppm });
                let from = begins * rate.hz() as usize / 100;
                assert_eq!(heard[..from], sound[..from]);
                // Where the tone would be by its own arithmetic.
                let turn = std::f64::consts::TAU * hz / f64::from(rate.hz());
                let mut worst: f64 = 0.0;
                for (index, sample) in heard.iter().enumerate().skip(from) {
                    let moment = (from - 1) as f64 + (index + 1 - from) as f64 * (1.0 + ppm * 1e-6);
                    let meant = 0.5 * (turn * moment).sin();
                    worst = worst.max((meant - f64::from(*sample)).abs());
                }
                assert!(worst < 0.004, "{rate} {hz} {ppm}: {worst}");
            }
        }
    }

    #[test]
    fn it_takes_what_it_says() {
        let mut interpolator = Interpolator::new(SampleRate::NARROW);
        interpolator.set_speed(1_000.0);
        let (mut taken, mut given) = (0, 0);
        let sound = vec![0.1; 200];
        for _ in 0..1_000 {
            let wanted = interpolator.wants(80);
            let took = interpolator.fill(&sound[..wanted], &mut [0.0; 80]);
            assert_eq!(took, wanted);
            taken += took;
            given += 80;
        }
        assert_eq!(interpolator.held(), REACH_NARROW);
        let more = taken - interpolator.held() - given;
        assert!((79..=81).contains(&more), "{more} of 80,000");
    }
}
