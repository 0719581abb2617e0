//! Music for whoever waits: a piece of our own, made by reckoning.
//!
//! Eight bars of broken chords, soft and slow. It is written for the telephone: no tone below
//! 250 Hz, nothing of weight above 3 kHz, and few sounds at once, which is what G.711 carries
//! well and speech coders bear.

use std::f32::consts::TAU;
use std::path::PathBuf;

use crate::dsp::level::level;
use crate::units::{Dbov, SampleRate};

/// What is heard on hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HoldMusic {
    /// Silence.
    Off,
    /// The piece below.
    #[default]
    Ours,
    /// A WAV file.
    File(PathBuf),
}

impl HoldMusic {
    /// As the settings have it: `off`, `built-in`, or the path of a file.
    #[must_use]
    pub fn of_setting(text: &str) -> HoldMusic {
        match text {
            "off" => HoldMusic::Off,
            "" | "built-in" => HoldMusic::Ours,
            path => HoldMusic::File(path.into()),
        }
    }
}

/// How loud it is: below speech, which lies around −20 dBov.
pub const LEVEL: Dbov = Dbov(-24.0);

/// The rate at which [`render`] makes it.
pub const RATE: SampleRate = SampleRate::WIDE;

/// Samples of a beat: 76 a minute.
const BEAT: usize = 16_000 * 60 / 76;

/// Beats of a bar.
const BAR: usize = 4;

/// Chords, one a bar, as notes counted in half tones from middle C.
const CHORDS: [[i8; 4]; 8] = [
    [0, 4, 7, 12],
    [-3, 4, 9, 12],
    [5, 9, 12, 17],
    [-1, 7, 11, 14],
    [4, 7, 11, 16],
    [-3, 4, 9, 16],
    [2, 5, 9, 14],
    [-1, 5, 7, 11],
];

/// The order in which a chord's notes are plucked, in half beats.
const PATTERN: [usize; 8] = [0, 1, 2, 3, 2, 1, 3, 2];

/// One round of the piece at [`RATE`] and [`LEVEL`], 25 seconds; its end flows into its
/// beginning. Allocates.
#[must_use]
pub fn render() -> Vec<f32> {
    let mut sound = vec![0.0; CHORDS.len() * BAR * BEAT];
    for (bar, chord) in CHORDS.iter().enumerate() {
        for (n, note) in PATTERN.iter().enumerate() {
            let begin = bar * BAR * BEAT + n * BEAT / 2;
            // The first of a bar is a little stronger.
            let peak = if n == 0 { 0.3 } else { 0.2 };
            pluck(&mut sound, begin, hz(chord[*note]), peak);
        }
    }
    levelled(&mut sound);
    sound
}

/// Middle C is 261.6 Hz.
fn hz(half_tones: i8) -> f32 {
    261.63 * 2.0_f32.powf(f32::from(half_tones) / 12.0)
}

/// A string that is plucked and dies away; what is left at the end sounds at the beginning.
fn pluck(sound: &mut [f32], begin: usize, hz: f32, peak: f32) {
    let rate = RATE.hz() as f32;
    let length = 2 * RATE.hz() as usize;
    for (partial, strength, fall) in [(1.0, 1.0, 0.7), (2.0, 0.25, 0.35), (3.0, 0.08, 0.2)] {
        let mut phase = 0.0_f32;
        for n in 0..length {
            let age = n as f32 / rate;
            let edges = (n as f32 / 96.0).min(1.0) * ((length - n) as f32 / 800.0).min(1.0);
            let at = (begin + n) % sound.len();
            sound[at] += peak * strength * edges * (-age / fall).exp() * (TAU * phase).sin();
            phase = (phase + partial * hz / rate).fract();
        }
    }
}

/// Brings sound to [`LEVEL`]; what has higher peaks than that allows stays below full scale.
pub fn levelled(sound: &mut [f32]) {
    let peak = sound.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
    let now = level(sound);
    if peak <= 0.0 || now == Dbov::SILENCE {
        return;
    }
    let factor = 10.0_f32.powf((LEVEL.0 - now.0) / 20.0).min(0.9 / peak);
    for sample in sound {
        *sample *= factor;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{CodecKind, Decoder, Encoder, MAX_PAYLOAD};
    use crate::dsp::resample::resample;
    use crate::dsp::testing::rms;

    #[test]
    fn it_lasts_half_a_minute_at_its_level_and_flows_into_its_beginning() {
        let sound = render();
        assert!((24.0..27.0).contains(&(sound.len() as f32 / 16_000.0)));
        // A sine of full scale has the root mean square 0.707.
        let db = 20.0 * (rms(&sound) / std::f64::consts::FRAC_1_SQRT_2).log10();
        assert!((db + 24.0).abs() < 0.1, "{db}");
        assert!(sound.iter().all(|s| s.abs() < 0.9));
        let inside = sound.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        let seam = (sound[0] - sound[sound.len() - 1]).abs();
        assert!(seam <= inside.fold(0.0, f32::max));
        // Nowhere does it stop.
        assert!(sound.chunks(8_000).all(|half| rms(half) > 0.005));
    }

    #[test]
    fn it_survives_the_telephone() {
        let sound = resample(&render(), RATE, SampleRate::NARROW).unwrap();
        for kind in [CodecKind::Pcma, CodecKind::Pcmu] {
            let mut encoder = Encoder::new(kind).unwrap();
            let mut decoder = Decoder::new(kind).unwrap();
            let (mut payload, mut out) = ([0; MAX_PAYLOAD], [0.0; 960]);
            let (mut signal, mut noise) = (0.0, 0.0);
            for frame in sound.chunks_exact(160) {
                let bytes = encoder.encode(frame, &mut payload).unwrap();
                decoder.decode(&payload[..bytes], &mut out[..160]).unwrap();
                signal += frame.iter().map(|s| s * s).sum::<f32>();
                let errors = frame.iter().zip(&out).map(|(a, b)| (a - b).powi(2));
                noise += errors.sum::<f32>();
            }
            // G.711 has 38 dB for such levels (ITU-T G.712 asks 33).
            let db = 10.0 * (signal / noise).log10();
            assert!(db > 33.0, "{kind:?}: {db} dB");
        }
        // And the band: what its upper end leaves out is little.
        let power = |sound: &[f32]| sound.iter().map(|s| s * s).sum::<f32>();
        let kept = 2.0 * power(&sound) / power(&render());
        assert!((0.99..1.01).contains(&kept), "{kept}");
    }

    #[test]
    fn a_file_of_any_loudness_is_brought_to_the_level() {
        for peak in [0.01, 0.9] {
            let mut sound = crate::dsp::testing::sine(RATE, 440.0, peak, 16_000);
            levelled(&mut sound);
            let db = 20.0 * (rms(&sound) / std::f64::consts::FRAC_1_SQRT_2).log10();
            assert!((db + 24.0).abs() < 0.1, "{db}");
        }
        let mut silence = [0.0; 100];
        levelled(&mut silence);
        assert_eq!(silence, [0.0; 100]);
        // A click in silence has nowhere near that level, and still fits.
        let mut click = vec![0.0; 16_000];
        click[5] = 0.5;
        levelled(&mut click);
        assert!(click[5] <= 0.9);
    }

    #[test]
    fn the_setting_is_a_word_or_a_path() {
        assert_eq!(HoldMusic::of_setting("off"), HoldMusic::Off);
        assert_eq!(HoldMusic::of_setting("built-in"), HoldMusic::Ours);
        let file = HoldMusic::File("/sounds/a.wav".into());
        assert_eq!(HoldMusic::of_setting("/sounds/a.wav"), file);
    }
}
