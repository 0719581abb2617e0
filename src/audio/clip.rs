//! WAV files as sources.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hound::SampleFormat;
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler};

use crate::units::SampleRate;

/// The longest file in samples of one channel: 23 minutes at 48 kHz, 2.3 hours at 8 kHz, 256 MiB
/// of memory.
const LONGEST: usize = 64 << 20;

/// Sound resampled in one go: 40 ms keeps the anti-aliasing filter long enough to be sharp and a
/// 10 ms tick short.
const BLOCKS_PER_SECOND: u32 = 25;

/// Why a WAV file cannot be played.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClipError {
    /// There is no such file.
    #[error("no such file: {path}")]
    NotFound {
        /// The file.
        path: PathBuf,
    },
    /// It is there and cannot be read.
    #[error("file is not readable: {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no WAV file.
    #[error("not a WAV file: {path}")]
    NotWav {
        /// The file.
        path: PathBuf,
    },
    /// It is a WAV file of a kind that is not read: compressed, 64-bit floats, absurd rates.
    #[error("WAV format is not supported: {path}")]
    Unsupported {
        /// The file.
        path: PathBuf,
    },
    /// It holds no sound.
    #[error("file holds no sound: {path}")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// It holds more than is kept in memory.
    #[error("file is too long: {path}")]
    TooLong {
        /// The file.
        path: PathBuf,
    },
}

/// A WAV file in memory: one channel at the file's own rate. Clones share the samples.
#[derive(Clone, Debug)]
pub struct Clip {
    rate: SampleRate,
    samples: Arc<[f32]>,
}

impl Clip {
    /// Reads a whole file: 8 to 32-bit whole numbers or 32-bit floats, any rate up to 384 kHz;
    /// channels are averaged. A file cut short gives what is there.
    ///
    /// # Errors
    ///
    /// One of [`ClipError`] for each thing a person would mend differently.
    pub fn open(path: &Path) -> Result<Clip, ClipError> {
        let mut reader = hound::WavReader::open(path).map_err(|error| refusal(path, error))?;
        let spec = reader.spec();
        let unsupported = || ClipError::Unsupported {
            path: path.to_owned(),
        };
        let rate = SampleRate::new(spec.sample_rate).ok_or_else(unsupported)?;
        let channels = usize::from(spec.channels);
        if channels == 0 {
            return Err(unsupported());
        }
        if reader.len() as usize / channels > LONGEST {
            return Err(ClipError::TooLong {
                path: path.to_owned(),
            });
        }
        let scale = 1.0 / channels as f32;
        let samples = match spec.sample_format {
            SampleFormat::Float => mix(reader.samples::<f32>(), channels, scale),
            SampleFormat::Int => {
                let full = (1_u64 << (spec.bits_per_sample.clamp(1, 32) - 1)) as f32;
                let whole = reader.samples::<i32>().map(|s| s.map(|s| s as f32 / full));
                mix(whole, channels, scale)
            }
        };
        if samples.is_empty() {
            return Err(ClipError::Empty {
                path: path.to_owned(),
            });
        }
        Ok(Clip {
            rate,
            samples: samples.into(),
        })
    }

    /// A clip from samples, each −1 to 1.
    #[must_use]
    pub fn from_samples(rate: SampleRate, samples: &[f32]) -> Clip {
        Clip {
            rate,
            samples: samples.into(),
        }
    }

    /// The file's own rate.
    #[must_use]
    pub fn rate(&self) -> SampleRate {
        self.rate
    }

    /// One channel, each sample −1 to 1.
    #[must_use]
    pub fn samples(&self) -> &[f32] {
        &self.samples
    }
}

fn mix<E>(samples: impl Iterator<Item = Result<f32, E>>, channels: usize, scale: f32) -> Vec<f32> {
    let mut mixed = Vec::new();
    let (mut sum, mut heard) = (0.0, 0);
    for sample in samples.map_while(Result::ok) {
        // A float file may hold anything, and one NaN would poison every filter behind us.
        sum += if sample.is_finite() {
            sample.clamp(-1.0, 1.0)
        } else {
            0.0
        };
        heard += 1;
        if heard == channels {
            mixed.push(sum * scale);
            (sum, heard) = (0.0, 0);
        }
    }
    mixed
}

fn refusal(path: &Path, error: hound::Error) -> ClipError {
    let path = path.to_owned();
    match error {
        hound::Error::IoError(source) if source.kind() == io::ErrorKind::NotFound => {
            ClipError::NotFound { path }
        }
        // hound tells a header that ends early by an error of its own making.
        hound::Error::IoError(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
            ClipError::NotWav { path }
        }
        hound::Error::IoError(source) if source.raw_os_error().is_none() => {
            ClipError::NotWav { path }
        }
        hound::Error::IoError(source) => ClipError::Unreadable { path, source },
        hound::Error::FormatError(_) => ClipError::NotWav { path },
        hound::Error::TooWide
        | hound::Error::UnfinishedSample
        | hound::Error::Unsupported
        | hound::Error::InvalidSampleFormat => ClipError::Unsupported { path },
    }
}

/// Reads a [`Clip`] from its beginning at whichever rate is wanted.
///
/// At the file's own rate the samples come as they are, to the bit. Else they come through a
/// long FFT resampler whose delay is taken out, so that the first sample wanted is the first
/// sample of the file. Nothing is allocated while reading.
pub struct ClipReader {
    clip: Clip,
    looped: bool,
    /// The next sample of the clip; beyond its end once it is played out.
    position: usize,
    converter: Option<Converter>,
    rate: SampleRate,
}

struct Converter {
    fft: Fft<f32>,
    input: Vec<f32>,
    output: Vec<f32>,
    /// Of `output`: where the next unread sample is, and where they end.
    unread: std::ops::Range<usize>,
    /// Output still to be thrown away: the resampler's own delay and the run-up.
    skip: usize,
}

impl ClipReader {
    /// At the clip's beginning and at its own rate; `looped` begins anew at its end.
    #[must_use]
    pub fn new(clip: Clip, looped: bool) -> ClipReader {
        let rate = clip.rate;
        ClipReader {
            clip,
            looped,
            position: 0,
            converter: None,
            rate,
        }
    }

    /// Reads at another rate from where it is. Allocates, if the rate is another.
    pub fn set_rate(&mut self, rate: SampleRate) {
        if rate == self.rate {
            return;
        }
        let heard = self.position.saturating_sub(self.ahead());
        self.rate = rate;
        self.position = heard;
        self.converter = (rate != self.clip.rate)
            .then(|| Converter::new(self.clip.rate, rate, &mut self.position))
            .flatten();
    }

    /// Whether everything has been read; never, when looped.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        let source_done = !self.looped && self.position >= self.clip.samples.len();
        // The resampler holds its delay back: silence pushes it out.
        source_done && self.position.saturating_sub(self.ahead()) >= self.clip.samples.len()
    }

    /// Fills `out`, with silence behind the end.
    pub fn read(&mut self, out: &mut [f32]) {
        let mut filled = 0;
        while filled < out.len() {
            let Some(converter) = &mut self.converter else {
                next_samples(
                    &self.clip,
                    self.looped,
                    &mut self.position,
                    &mut out[filled..],
                );
                return;
            };
            if converter.unread.is_empty() {
                let wanted = converter.fft.input_frames_next();
                let input = &mut converter.input[..wanted];
                next_samples(&self.clip, self.looped, &mut self.position, input);
                if !converter.convert(wanted) {
                    out[filled..].fill(0.0);
                    return;
                }
                continue;
            }
            let take = converter.unread.len().min(out.len() - filled);
            let from = converter.unread.start;
            out[filled..filled + take].copy_from_slice(&converter.output[from..from + take]);
            converter.unread.start += take;
            filled += take;
        }
    }

    /// How many of the clip's samples the resampler has taken and not given out.
    fn ahead(&self) -> usize {
        self.converter.as_ref().map_or(0, |converter| {
            let delay = converter.fft.output_delay();
            let held = (converter.unread.len() + delay).saturating_sub(converter.skip);
            (held as u64 * u64::from(self.clip.rate.hz()) / u64::from(self.rate.hz())) as usize
        })
    }
}

impl Converter {
    /// Begins a block before `position`, where there is one, so that the filter is warm at it.
    fn new(from: SampleRate, to: SampleRate, position: &mut usize) -> Option<Converter> {
        let chunk = (from.hz() / BLOCKS_PER_SECOND).max(1) as usize;
        let (rate_in, rate_out) = (from.hz() as usize, to.hz() as usize);
        let fft = Fft::new_custom(
            rate_in,
            rate_out,
            chunk,
            1,
            1,
            rubato::WindowFunction::BlackmanHarris2,
            FixedSync::Both,
        )
        .ok()?;
        let (block_in, block_out) = (fft.input_frames_next(), fft.output_frames_next());
        let mut skip = fft.output_delay();
        if let Some(run_up) = position.checked_sub(block_in) {
            *position = run_up;
            skip += block_out;
        }
        Some(Converter {
            input: vec![0.0; fft.input_frames_max()],
            output: vec![0.0; fft.output_frames_max()],
            unread: 0..0,
            skip,
            fft,
        })
    }

    fn convert(&mut self, wanted: usize) -> bool {
        let room = self.output.len();
        let Ok(input) = InterleavedSlice::new(&self.input[..wanted], 1, wanted) else {
            return false;
        };
        let Ok(mut output) = InterleavedSlice::new_mut(&mut self.output, 1, room) else {
            return false;
        };
        let Ok((_, made)) = self.fft.process_into_buffer(&input, &mut output, None) else {
            return false;
        };
        let skipped = self.skip.min(made);
        self.skip -= skipped;
        self.unread = skipped..made;
        made > 0
    }
}

/// The next samples of the clip, beginning anew or silent behind its end. The position runs on
/// behind the end of a clip that is not looped, which is how its tail is counted.
fn next_samples(clip: &Clip, looped: bool, position: &mut usize, out: &mut [f32]) {
    let length = clip.samples.len();
    for sample in out {
        if looped && *position >= length {
            *position = 0;
        }
        *sample = clip.samples.get(*position).copied().unwrap_or(0.0);
        *position += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;

    fn write(path: &Path, spec: hound::WavSpec, samples: &[i32]) {
        let mut writer = hound::WavWriter::create(path, spec).unwrap();
        for &sample in samples {
            writer.write_sample(sample).unwrap();
        }
        writer.finalize().unwrap();
    }

    fn spec(channels: u16, bits_per_sample: u16) -> hound::WavSpec {
        hound::WavSpec {
            channels,
            sample_rate: 16_000,
            bits_per_sample,
            sample_format: SampleFormat::Int,
        }
    }

    fn sine(rate: u32, hz: f32, samples: usize) -> Vec<f32> {
        (0..samples)
            .map(|n| 0.5 * (TAU * hz * n as f32 / rate as f32).sin())
            .collect()
    }

    #[test]
    fn every_width_reads_to_the_same_loudness() {
        let folder = tempfile::tempdir().unwrap();
        for (bits, half) in [(8, 64), (16, 16_384), (24, 1 << 22), (32, 1 << 30)] {
            let path = folder.path().join(format!("{bits}.wav"));
            write(&path, spec(1, bits), &[half, -half, 0]);
            let clip = Clip::open(&path).unwrap();
            assert_eq!(clip.samples(), [0.5, -0.5, 0.0], "{bits} bits");
            assert_eq!(clip.rate(), SampleRate::WIDE);
        }
    }

    #[test]
    fn floats_are_read_and_nonsense_in_them_is_silence() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("float.wav");
        let spec = hound::WavSpec {
            sample_format: SampleFormat::Float,
            ..spec(1, 32)
        };
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        for sample in [0.25_f32, f32::NAN, f32::INFINITY, 7.0] {
            writer.write_sample(sample).unwrap();
        }
        writer.finalize().unwrap();
        assert_eq!(Clip::open(&path).unwrap().samples(), [0.25, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn channels_are_averaged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stereo.wav");
        write(&path, spec(2, 16), &[16_384, 0, -16_384, -16_384]);
        assert_eq!(Clip::open(&path).unwrap().samples(), [0.25, -0.5]);
    }

    #[test]
    fn each_fault_of_a_file_has_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        assert!(matches!(
            Clip::open(&path("none.wav")),
            Err(ClipError::NotFound { .. })
        ));
        std::fs::write(
            path("text.wav"),
            "this is a letter, not a sound, and long enough",
        )
        .unwrap();
        assert!(matches!(
            Clip::open(&path("text.wav")),
            Err(ClipError::NotWav { .. })
        ));
        std::fs::write(path("nothing.wav"), "").unwrap();
        assert!(matches!(
            Clip::open(&path("nothing.wav")),
            Err(ClipError::NotWav { .. })
        ));
        write(&path("empty.wav"), spec(1, 16), &[]);
        assert!(matches!(
            Clip::open(&path("empty.wav")),
            Err(ClipError::Empty { .. })
        ));
        assert!(matches!(
            Clip::open(folder.path()),
            Err(ClipError::Unreadable { .. })
        ));
    }

    #[test]
    fn a_file_cut_short_gives_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut.wav");
        write(&path, spec(1, 16), &[16_384; 100]);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 21]).unwrap();
        assert_eq!(Clip::open(&path).unwrap().samples(), [0.5; 89]);
    }

    #[test]
    fn at_its_own_rate_a_clip_is_read_to_the_bit_and_then_falls_silent() {
        let clip = Clip::from_samples(SampleRate::NARROW, &[0.1, 0.2, 0.3]);
        let mut reader = ClipReader::new(clip, false);
        let mut out = [9.0; 2];
        reader.read(&mut out);
        assert_eq!(out, [0.1, 0.2]);
        assert!(!reader.is_finished());
        reader.read(&mut out);
        assert_eq!(out, [0.3, 0.0]);
        assert!(reader.is_finished());
    }

    #[test]
    fn a_looped_clip_begins_anew_and_never_ends() {
        let clip = Clip::from_samples(SampleRate::NARROW, &[0.1, 0.2, 0.3]);
        let mut reader = ClipReader::new(clip, true);
        let mut out = [9.0; 7];
        reader.read(&mut out);
        assert_eq!(out, [0.1, 0.2, 0.3, 0.1, 0.2, 0.3, 0.1]);
        assert!(!reader.is_finished());
    }

    #[test]
    fn a_resampled_tone_is_the_same_tone_without_delay() {
        for (from, to) in [
            (44_100, 48_000),
            (44_100, 8_000),
            (22_050, 16_000),
            (8_000, 48_000),
        ] {
            let clip = Clip::from_samples(
                SampleRate::new(from).unwrap(),
                &sine(from, 700.0, from as usize),
            );
            let mut reader = ClipReader::new(clip, false);
            reader.set_rate(SampleRate::new(to).unwrap());
            let mut out = vec![0.0; to as usize];
            for frame in out.chunks_mut(to as usize / 100) {
                reader.read(frame);
            }
            let wanted = sine(to, 700.0, to as usize);
            // The filter rings at the ends, where the tone starts and stops at once.
            let middle = to as usize / 20..to as usize * 19 / 20;
            let error: f32 = middle
                .clone()
                .map(|n| (out[n] - wanted[n]).powi(2))
                .sum::<f32>()
                / middle.len() as f32;
            let db = 10.0 * (error / 0.125).log10();
            assert!(db < -70.0, "{from} to {to}: error {db} dB");
        }
    }

    #[test]
    fn the_tail_of_a_resampled_clip_is_heard_before_it_is_finished() {
        let clip = Clip::from_samples(SampleRate::WIDE, &vec![0.5; 16_000]);
        let mut reader = ClipReader::new(clip, false);
        reader.set_rate(SampleRate::NARROW);
        let mut out = [0.0; 80];
        for frame in 0..100 {
            assert!(!reader.is_finished(), "finished at {} ms", frame * 10);
            reader.read(&mut out);
        }
        assert!((out[20] - 0.5).abs() < 0.01, "{}", out[20]);
        for _ in 0..12 {
            reader.read(&mut out);
        }
        assert!(reader.is_finished());
        assert!(out.iter().all(|s| s.abs() < 1e-3));
    }

    #[test]
    fn a_change_of_rate_goes_on_where_it_was() {
        let clip = Clip::from_samples(SampleRate::FULL, &sine(48_000, 200.0, 48_000));
        let mut reader = ClipReader::new(clip, false);
        reader.set_rate(SampleRate::NARROW);
        reader.read(&mut [0.0; 4_000]);
        reader.set_rate(SampleRate::WIDE);
        let mut out = vec![0.0; 1_600];
        reader.read(&mut out);
        // Half a second in: 8,000 samples at 16 kHz, a whole number of periods.
        let wanted = sine(16_000, 200.0, 1_600);
        let worst = out
            .iter()
            .zip(&wanted)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        assert!(worst < 0.01, "off by {worst}");
    }
}
