//! Is this the same sound, and what happened to it on the way?
//!
//! Finds how much later a recording is than its original, follows jumps of that delay, and
//! measures likeness of wave and spectrum piece by piece. Not a model of hearing: a judge that
//! tells a working call from a broken one without outside tools. The weights were set so that
//! the codecs' own losses pass with room to spare and what a faulty call does to sound does not
//! (see the figures in `tests/audio_path.rs`).

use std::time::Duration;

use realfft::RealFftPlanner;
use realfft::num_complex::Complex;

use super::resample::resample;
use crate::units::SampleRate;

/// [`Comparison::quality`] from which a copy counts as good. Clean calls through any codec score
/// above it by a tenth and more; with one packet in a hundred missing they score below it.
pub const GOOD_QUALITY: f64 = 0.75;

/// [`Comparison::quality`] from which a copy is the same sound, if damaged. One packet in a hundred
/// missing scores 0.65; the wrong codec or an overdriven line 0.3 at most.
pub const RECOGNISED_QUALITY: f64 = 0.45;

/// What became of a sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// How much later it is heard, where speech begins.
    pub delay: Duration,
    /// Times that the delay changed on the way, as when a jitter buffer adjusts.
    pub shifts: usize,
    /// Correlation of the waves, median over the speech: 1 is the same, 0 unrelated.
    pub correlation: f64,
    /// Mean over the speech of the signal to noise ratio of 20 ms pieces, each −10 to 35 dB.
    pub segmental_snr_db: f64,
    /// Likeness of the spectra from 150 to 3,400 Hz, 0 to 1.
    pub spectral: f64,
    /// Pieces of speech of 20 ms that are missing: silent where the original is not.
    pub gaps: usize,
    /// Pieces of speech of 20 ms that were compared.
    pub pieces: usize,
    /// How much louder it is.
    pub gain_db: f64,
    /// How much lower its peaks are beside its mean than the original's: overdriven from about 2.
    pub peaks_lost_db: f64,
    /// All of it in one number, 0 to 1.
    pub quality: f64,
}

impl Comparison {
    /// Quality on the scale that people know, 1 (bad) to 4.5. An estimate of the likeness, not of
    /// what a panel would say.
    #[must_use]
    pub fn estimated_mos(&self) -> f64 {
        1.0 + 3.5 * self.quality
    }

    /// Whether this is how a working call sounds.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.quality >= GOOD_QUALITY && self.gaps == 0
    }

    /// Whether this is the same sound at all, though pieces of it may be missing. Silence, other
    /// sound, the wrong codec and an overdriven line are not.
    #[must_use]
    pub fn is_recognised(&self) -> bool {
        self.quality >= RECOGNISED_QUALITY && self.gaps * 10 <= self.pieces
    }
}

/// Compares what was heard with the original, both at `rate` of 8 to 192 kHz. `None` when the
/// original has no sound, or less than a quarter of a second.
///
/// What is above 4 kHz is left out: a telephone line may, and the ear follows the rest.
#[must_use]
pub fn compare(original: &[f32], heard: &[f32], rate: SampleRate) -> Option<Comparison> {
    if original.len() < rate.hz() as usize / 4 {
        return None;
    }
    let pair = Pair::new(original, heard, rate)?;
    let speech = Speech::find(&pair)?;
    let start = global_delay(&pair.original, &pair.heard);
    let track = follow(&pair, &speech, start);
    Some(judge(&pair, &speech, &track))
}

/// A piece: what a packet carries.
const PIECE: Duration = Duration::from_millis(20);

/// What correlation is measured over.
const PIECES_IN_SEGMENT: usize = 5;

/// What a new delay is looked for with, and how far around the old one.
const PIECES_IN_SEARCH: usize = 12;
const SEARCH: Duration = Duration::from_millis(120);

struct Pair {
    rate: SampleRate,
    piece: usize,
    original: Vec<f32>,
    heard: Vec<f32>,
}

impl Pair {
    fn new(original: &[f32], heard: &[f32], rate: SampleRate) -> Option<Pair> {
        // Without what a narrow line cuts off, so that the cut is no difference.
        let narrowed = |sound: &[f32]| {
            let sane: Vec<f32> = sound
                .iter()
                .map(|s| if s.is_finite() { *s } else { 0.0 })
                .collect();
            let narrow = resample(&sane, rate, SampleRate::NARROW).ok()?;
            Some(band_passed(&narrow))
        };
        let rate = SampleRate::NARROW;
        let (original, heard) = (narrowed(original)?, narrowed(heard)?);
        Some(Pair {
            rate,
            piece: rate.samples_in(PIECE),
            original,
            heard,
        })
    }

    /// What was heard for `length` samples from `at` of the original, shifted by `lag`; silence
    /// beyond the ends.
    fn heard_at(&self, at: usize, length: usize, lag: i64) -> impl Iterator<Item = f32> + '_ {
        let first = at as i64 + lag;
        (first..first + length as i64).map(|index| {
            usize::try_from(index)
                .ok()
                .and_then(|index| self.heard.get(index))
                .copied()
                .unwrap_or(0.0)
        })
    }

    fn likeness(&self, at: usize, length: usize, lag: i64) -> f64 {
        let length = length.min(self.original.len() - at);
        let original = &self.original[at..at + length];
        let (mut product, mut first, mut second) = (0.0_f64, 1e-9_f64, 1e-9_f64);
        for (a, b) in original.iter().zip(self.heard_at(at, length, lag)) {
            product += f64::from(a * b);
            first += f64::from(a * a);
            second += f64::from(b * b);
        }
        product / (first * second).sqrt()
    }
}

/// Between about 80 Hz and 3.4 kHz, at 8 kHz: codecs differ outside, and speech needs it least.
fn band_passed(sound: &[f32]) -> Vec<f32> {
    const HALF: usize = 32;
    let taps: Vec<f32> = (0..=2 * HALF)
        .map(|n| {
            let n = n as f32 - HALF as f32;
            let x = std::f32::consts::PI * n * 2.0 * 3_400.0 / 8_000.0;
            let sinc = if n == 0.0 { 1.0 } else { x.sin() / x };
            let window = 0.5 + 0.5 * (std::f32::consts::PI * n / (HALF + 1) as f32).cos();
            sinc * window * 2.0 * 3_400.0 / 8_000.0
        })
        .collect();
    let keep = 1.0 - std::f32::consts::TAU * 80.0 / 8_000.0;
    let (mut before, mut state) = (0.0, 0.0);
    let high: Vec<f32> = sound
        .iter()
        .map(|sample| {
            state = keep * (state + sample - before);
            before = *sample;
            state
        })
        .collect();
    (0..high.len())
        .map(|at| {
            let first = at.saturating_sub(HALF);
            let taps = &taps[HALF - (at - first)..];
            high[first..]
                .iter()
                .zip(taps)
                .map(|(sample, tap)| sample * tap)
                .sum()
        })
        .collect()
}

/// Which pieces of the original hold speech.
struct Speech {
    /// Power of each piece.
    powers: Vec<f64>,
    /// From here on a piece counts.
    least: f64,
}

impl Speech {
    fn find(pair: &Pair) -> Option<Speech> {
        let pieces = pair.original.chunks_exact(pair.piece);
        let powers: Vec<f64> = pieces.map(|piece| power(piece.iter().copied())).collect();
        let mut sorted = powers.clone();
        sorted.sort_by(f64::total_cmp);
        let loud = *sorted.get(sorted.len() * 19 / 20)?;
        if loud < 1e-8 {
            return None;
        }
        Some(Speech {
            powers,
            least: loud * 10.0_f64.powf(-2.5),
        })
    }

    fn holds(&self, piece: usize) -> bool {
        self.powers
            .get(piece)
            .is_some_and(|power| *power >= self.least)
    }

    fn pieces(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.powers.len()).filter(|piece| self.holds(*piece))
    }
}

fn power(sound: impl Iterator<Item = f32>) -> f64 {
    let (mut sum, mut count) = (0.0, 0_u32);
    for sample in sound {
        sum += f64::from(sample * sample);
        count += 1;
    }
    sum / f64::from(count.max(1))
}

/// The shift at which the whole of both correlates best: samples that `heard` is later.
fn global_delay(original: &[f32], heard: &[f32]) -> i64 {
    if heard.is_empty() {
        return 0;
    }
    let size = (original.len() + heard.len()).next_power_of_two();
    let mut planner = RealFftPlanner::<f32>::new();
    let (forward, inverse) = (
        planner.plan_fft_forward(size),
        planner.plan_fft_inverse(size),
    );
    let transform = |sound: &[f32]| {
        let mut padded = sound.to_vec();
        padded.resize(size, 0.0);
        let mut spectrum = forward.make_output_vec();
        // The lengths are the planner's own.
        forward
            .process(&mut padded, &mut spectrum)
            .is_ok()
            .then_some(spectrum)
    };
    let (Some(first), Some(second)) = (transform(original), transform(heard)) else {
        return 0;
    };
    let mut product: Vec<Complex<f32>> = first
        .iter()
        .zip(&second)
        .map(|(a, b)| a.conj() * b)
        .collect();
    for edge in [0, size / 2] {
        product[edge].im = 0.0;
    }
    let mut correlation = inverse.make_output_vec();
    if inverse.process(&mut product, &mut correlation).is_err() {
        return 0;
    }
    let best = (0..size)
        .max_by(|a, b| correlation[*a].total_cmp(&correlation[*b]))
        .unwrap_or(0);
    if best < size / 2 {
        best as i64
    } else {
        best as i64 - size as i64
    }
}

/// The delay of each piece, in samples, and how often it jumps.
struct Track {
    lags: Vec<i64>,
    shifts: usize,
}

fn follow(pair: &Pair, speech: &Speech, start: i64) -> Track {
    let reach = pair.rate.samples_in(SEARCH) as i64;
    let millisecond = i64::from(pair.rate.hz()) / 1_000;
    let window = pair.piece * PIECES_IN_SEARCH;
    let (mut lag, mut shifts, mut rest) = (start, 0, 0);
    let mut lags = Vec::with_capacity(speech.powers.len());
    for piece in 0..speech.powers.len() {
        let at = piece * pair.piece;
        // Ahead, so that the jump is placed where it is, and not a search window later.
        let near = pair.piece * 2;
        if rest > 0 {
            rest -= 1;
        } else if speech.holds(piece) && pair.likeness(at, near, lag) < 0.75 {
            // Looking is dear: where nothing is found, not everywhere.
            rest = 2;
            let now = pair.likeness(at, window, lag);
            let (best, likeness) = best_lag(pair, at, window, lag, reach);
            if likeness > 0.55 && likeness > now + 0.2 {
                if (best - lag).abs() > millisecond {
                    shifts += 1;
                }
                lag = best;
                rest = 0;
            }
        }
        lags.push(lag);
    }
    Track { lags, shifts }
}

/// Looks around `lag`, every fourth sample first.
fn best_lag(pair: &Pair, at: usize, window: usize, lag: i64, reach: i64) -> (i64, f64) {
    let step = (i64::from(pair.rate.hz()) / 8_000).max(1);
    let best = |lags: &mut dyn Iterator<Item = i64>| {
        lags.map(|lag| (lag, pair.likeness(at, window, lag)))
            .max_by(|a, b| a.1.total_cmp(&b.1))
    };
    let around = (-reach / step..=reach / step).map(|n| lag + n * step);
    let Some((rough, _)) = best(&mut around.into_iter()) else {
        return (lag, 0.0);
    };
    best(&mut (rough - step..=rough + step)).unwrap_or((rough, 0.0))
}

fn judge(pair: &Pair, speech: &Speech, track: &Track) -> Comparison {
    let mut correlations = Vec::new();
    let (mut product, mut original_power) = (0.0, 0.0);
    let (mut first_power, mut second_power) = (0.0, 0.0);
    for piece in speech.pieces() {
        let (at, lag) = (piece * pair.piece, track.lags[piece]);
        correlations.push(pair.likeness(at, pair.piece * PIECES_IN_SEGMENT, lag));
        let original = &pair.original[at..at + pair.piece];
        for (a, b) in original.iter().zip(pair.heard_at(at, pair.piece, lag)) {
            product += f64::from(a * b);
            original_power += f64::from(a * a);
        }
        first_power += speech.powers[piece];
        second_power += power(pair.heard_at(at, pair.piece, lag));
    }
    correlations.sort_by(f64::total_cmp);
    let correlation = correlations
        .get(correlations.len() / 2)
        .copied()
        .unwrap_or(0.0)
        .max(0.0);
    // What of it is the original, for the noise; and how loud it is, whatever it is.
    let factor = product / original_power.max(1e-12);
    let loudness = second_power / first_power.max(1e-12);

    let (mut snr, mut pieces) = (0.0, 0_usize);
    let gaps = gaps(pair, speech, track, loudness);
    for piece in speech.pieces() {
        let (at, lag) = (piece * pair.piece, track.lags[piece]);
        pieces += 1;
        let original = &pair.original[at..at + pair.piece];
        let noise = original
            .iter()
            .zip(pair.heard_at(at, pair.piece, lag))
            .map(|(a, b)| (f64::from(*a) * factor - f64::from(b)).powi(2))
            .sum::<f64>()
            / pair.piece as f64;
        let signal = speech.powers[piece] * factor * factor;
        snr += (10.0 * (signal / noise.max(1e-15)).max(1e-9).log10()).clamp(-10.0, 35.0);
    }
    let spectral = spectral_likeness(pair, speech, track, loudness);
    let peaks_lost_db = peaks_db(speech.pieces().flat_map(|piece| {
        pair.original[piece * pair.piece..(piece + 1) * pair.piece]
            .iter()
            .copied()
    })) - peaks_db(
        speech
            .pieces()
            .flat_map(|piece| pair.heard_at(piece * pair.piece, pair.piece, track.lags[piece])),
    );
    let first = speech.pieces().next().unwrap_or(0);
    let delay = u64::try_from(track.lags[first]).unwrap_or(0);
    let mut comparison = Comparison {
        delay: pair.rate.duration_of(delay),
        shifts: track.shifts,
        correlation,
        segmental_snr_db: snr / pieces.max(1) as f64,
        spectral,
        gaps,
        pieces,
        gain_db: (10.0 * loudness.max(1e-12).log10()).max(-120.0),
        peaks_lost_db,
        quality: 0.0,
    };
    comparison.quality = quality(&comparison);
    comparison
}

/// Pieces' worth of silence where the original speaks, wherever it begins: looked for in steps of
/// a quarter of a piece, and at least half a piece long.
fn gaps(pair: &Pair, speech: &Speech, track: &Track, loudness: f64) -> usize {
    let step = pair.piece / 4;
    let (mut gaps, mut missing) = (0, 0_usize);
    let mut close = |missing: &mut usize| {
        if *missing >= 2 {
            gaps += missing.div_ceil(4);
        }
        *missing = 0;
    };
    for piece in 0..speech.powers.len() {
        for quarter in 0..4 {
            let at = piece * pair.piece + quarter * step;
            let meant = power(pair.original[at..at + step].iter().copied());
            // A quieter moment within speech is still speech, but a stop consonant is none.
            let spoken = speech.holds(piece) && meant > speech.powers[piece] * 0.1;
            let there = power(pair.heard_at(at, step, track.lags[piece]));
            // 20 dB below what it should be.
            if spoken && there < meant * f64::max(loudness * 0.01, 1e-6) {
                missing += 1;
            } else {
                close(&mut missing);
            }
        }
    }
    close(&mut missing);
    gaps
}

fn quality(of: &Comparison) -> f64 {
    let ramp = |value: f64, from: f64, to: f64| ((value - from) / (to - from)).clamp(0.0, 1.0);
    let whole = (-30.0 * of.gaps as f64 / of.pieces.max(1) as f64).exp();
    let peaks = (-(of.peaks_lost_db - 1.5).max(0.0) / 3.0).exp();
    ramp(of.correlation, 0.2, 0.9) * ramp(of.spectral, 0.4, 0.8) * whole * peaks
}

/// How far the highest thousandth of the samples is above the mean.
fn peaks_db(sound: impl Iterator<Item = f32>) -> f64 {
    let mut magnitudes: Vec<f32> = sound.map(f32::abs).collect();
    if magnitudes.is_empty() {
        return 0.0;
    }
    let mean = power(magnitudes.iter().copied());
    let at = magnitudes.len() - 1 - magnitudes.len() / 1_000;
    let (_, peak, _) = magnitudes.select_nth_unstable_by(at, f32::total_cmp);
    10.0 * (f64::from(*peak * *peak).max(1e-12) / mean.max(1e-12)).log10()
}

const BANDS: usize = 18;
const LOWEST_HZ: f64 = 150.0;
const HIGHEST_HZ: f64 = 3_400.0;

/// One minus the mean difference of the bands' levels, 15 dB being nothing alike.
fn spectral_likeness(pair: &Pair, speech: &Speech, track: &Track, loudness: f64) -> f64 {
    let size = (pair.piece * 3 / 2).next_power_of_two();
    let mut planner = RealFftPlanner::<f32>::new();
    let transform = planner.plan_fft_forward(size);
    let window: Vec<f32> = (0..size)
        .map(|n| 0.5 - 0.5 * (std::f32::consts::TAU * (n as f32 + 0.5) / size as f32).cos())
        .collect();
    let (mut frame, mut spectrum) = (transform.make_input_vec(), transform.make_output_vec());
    let mut bands_of = |sound: &mut dyn Iterator<Item = f32>| {
        for (slot, (sample, window)) in frame.iter_mut().zip(sound.zip(&window)) {
            *slot = sample * window;
        }
        // The lengths are the planner's own; on failure the spectrum would be the last one's.
        let _ = transform.process(&mut frame, &mut spectrum);
        let mut bands = [1e-12; BANDS];
        for (bin, value) in spectrum.iter().enumerate() {
            let hz = bin as f64 * f64::from(pair.rate.hz()) / size as f64;
            let band = BANDS as f64 * (hz / LOWEST_HZ).log2() / (HIGHEST_HZ / LOWEST_HZ).log2();
            if band >= 0.0 && band < BANDS as f64 {
                bands[band as usize] += f64::from(value.norm_sqr());
            }
        }
        bands
    };
    let (mut difference, mut counted) = (0.0, 0.0);
    for piece in speech.pieces() {
        let (at, lag) = (piece * pair.piece, track.lags[piece]);
        let silence = std::iter::repeat(0.0);
        let original = bands_of(&mut pair.original[at..].iter().copied().chain(silence));
        let heard = bands_of(&mut pair.heard_at(at, size, lag));
        // What is 35 dB below the strongest band is masked by it.
        let floor = original.iter().copied().fold(0.0, f64::max) * 10.0_f64.powf(-3.5);
        for (original, heard) in original.into_iter().zip(heard) {
            if original < floor {
                continue;
            }
            let heard = (heard / loudness.max(1e-9)).max(floor / 10.0);
            difference += (10.0 * (heard / original).log10()).abs();
            counted += 1.0;
        }
    }
    (1.0 - difference / f64::max(counted, 1.0) / 15.0).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{sine, speech};
    use super::*;

    const RATE: SampleRate = SampleRate::WIDE;

    fn delayed(sound: &[f32], millis: u64) -> Vec<f32> {
        let mut heard = vec![0.0; RATE.samples_in(Duration::from_millis(millis))];
        heard.extend_from_slice(sound);
        heard
    }

    #[test]
    fn a_copy_is_perfect_however_late_and_loud() {
        let speech = speech();
        for (millis, gain) in [(0, 1.0), (137, 0.3), (900, 1.2)] {
            let heard: Vec<f32> = delayed(&speech, millis).iter().map(|s| s * gain).collect();
            let found = compare(&speech, &heard, RATE).unwrap();
            let off = found.delay.abs_diff(Duration::from_millis(millis));
            assert!(off <= Duration::from_micros(125), "{found:?}");
            assert!(
                found.correlation > 0.999 && found.spectral > 0.99,
                "{found:?}"
            );
            assert!((found.gain_db - 20.0 * f64::from(gain).log10()).abs() < 0.1);
            assert_eq!((found.gaps, found.shifts), (0, 0));
            assert!(
                found.quality > 0.99 && found.segmental_snr_db > 30.0,
                "{found:?}"
            );
            assert!(found.is_good());
        }
    }

    #[test]
    fn each_missing_packet_is_counted() {
        let speech = speech();
        let mut heard = delayed(&speech, 80);
        // Loud pieces, two of them neighbours, at the packets' own edges.
        for packet in [20, 60, 61, 150] {
            let at = RATE.samples_in(Duration::from_millis(80 + packet * 20));
            heard[at..at + 320].fill(0.0);
        }
        let found = compare(&speech, &heard, RATE).unwrap();
        assert_eq!(found.gaps, 4, "{found:?}");
        assert!(!found.is_good());
    }

    #[test]
    fn a_delay_that_changes_on_the_way_is_followed() {
        let speech = speech();
        let mut heard = delayed(&speech[..60_000], 60);
        heard.extend_from_slice(&speech[60_160..100_000]); // 10 ms left out
        heard.extend_from_slice(&[0.0; 480]); // 30 ms put in
        heard.extend_from_slice(&speech[100_000..]);
        let found = compare(&speech, &heard, RATE).unwrap();
        assert!(found.delay.abs_diff(Duration::from_millis(60)) <= Duration::from_micros(125));
        assert_eq!(found.shifts, 2, "{found:?}");
        assert!(found.quality > 0.9, "{found:?}");
    }

    #[test]
    fn silence_and_strangers_score_nothing() {
        let speech = speech();
        let silent = compare(&speech, &vec![0.0; speech.len()], RATE).unwrap();
        assert_eq!(silent.quality, 0.0);
        assert!(silent.gaps * 4 > silent.pieces * 3, "{silent:?}");
        assert_eq!(compare(&speech, &[], RATE).unwrap().quality, 0.0);
        let tone = compare(&speech, &sine(RATE, 440.0, 0.3, speech.len()), RATE).unwrap();
        assert!(tone.quality < 0.1, "{tone:?}");
        let backwards: Vec<f32> = speech.iter().rev().copied().collect();
        let found = compare(&speech, &backwards, RATE).unwrap();
        assert!(found.quality < 0.2, "{found:?}");
    }

    #[test]
    fn an_original_without_sound_cannot_be_compared() {
        assert_eq!(compare(&[0.0; 16_000], &speech(), RATE), None);
        assert_eq!(compare(&[0.5; 100], &speech(), RATE), None);
    }
}
