//! Recordings of calls: two sides on one line of time, and the files they go into.
//!
//! - [`Tap`]: what this person says and what the far side says, side by side.
//! - [`Container`]: samples to bytes of a WAV or an Ogg Opus file.
//! - `ogg`: pages (RFC 3533); `opus`: Opus in them (RFC 7845); `wav`: the header.

mod ogg;
mod opus;
mod tap;
mod wav;

use std::path::Path;

use self::opus::OpusFile;
pub use self::tap::{Paced, Side, Tap};
use crate::codec::CodecError;
use crate::units::SampleRate;

/// The kind of file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// RIFF WAVE, 16-bit PCM.
    #[default]
    Wav,
    /// Opus in Ogg (RFC 7845).
    OggOpus,
}

impl Format {
    /// By the name's ending: `.opus` and `.ogg` are Ogg Opus, everything else is WAV.
    #[must_use]
    pub fn of(path: &Path) -> Format {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some(ending)
                if ending.eq_ignore_ascii_case("opus") || ending.eq_ignore_ascii_case("ogg") =>
            {
                Format::OggOpus
            }
            _ => Format::Wav,
        }
    }
}

/// Who is in a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sides {
    /// The far side alone, on one channel.
    #[default]
    Far,
    /// Both, mixed on one channel.
    Mixed,
    /// This person on the left channel, the far side on the right one.
    Stereo,
}

impl Sides {
    /// One or two.
    #[must_use]
    pub fn channels(self) -> u16 {
        match self {
            Sides::Far | Sides::Mixed => 1,
            Sides::Stereo => 2,
        }
    }
}

/// Makes bytes of samples. What it gives is appended to the file; a [`Container::header`] that
/// changes with the length is written over the beginning.
#[derive(Debug)]
pub enum Container {
    /// Samples as they are.
    Wav(wav::Wav),
    /// Samples through the Opus encoder.
    OggOpus(Box<OpusFile>),
}

impl Container {
    /// Of so many channels, 1 or 2. `serial` tells Ogg streams apart and should be random.
    #[must_use]
    pub fn new(format: Format, channels: u16, serial: u32) -> Container {
        match format {
            Format::Wav => Container::Wav(wav::Wav::new(channels)),
            Format::OggOpus => Container::OggOpus(Box::new(OpusFile::new(channels, serial))),
        }
    }

    /// Takes interleaved samples at `rate`, which stays the same, and adds bytes to `out`.
    ///
    /// # Errors
    ///
    /// When the encoder cannot be set up, as for a rate that is no multiple of 8 kHz Opus knows.
    pub fn push(
        &mut self,
        rate: SampleRate,
        samples: &[i16],
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        match self {
            Container::Wav(wav) => {
                wav.push(rate, samples, out);
                Ok(())
            }
            Container::OggOpus(opus) => opus.push(rate, samples, out),
        }
    }

    /// Adds what is left to `out`: nothing follows.
    ///
    /// # Errors
    ///
    /// As [`Container::push`].
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        match self {
            Container::Wav(_) => Ok(()),
            Container::OggOpus(opus) => opus.finish(out),
        }
    }

    /// The first bytes of the file as they should read by now; `None` where what was appended
    /// stands for itself.
    #[must_use]
    pub fn header(&self) -> Option<[u8; wav::HEADER]> {
        match self {
            Container::Wav(wav) => Some(wav.header()),
            Container::OggOpus(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_of_the_name_says_the_format() {
        let of = |name: &str| Format::of(Path::new(name));
        assert_eq!(of("call.opus"), Format::OggOpus);
        assert_eq!(of("CALL.OGG"), Format::OggOpus);
        assert_eq!(of("call.wav"), Format::Wav);
        assert_eq!(of("opus"), Format::Wav);
    }
}
