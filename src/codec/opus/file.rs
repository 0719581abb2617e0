//! Sound to Opus packets of a file, where delay does not count and two channels may be wanted.

use audiopus::{Application, Bitrate, Channels};

use super::super::CodecError;
use crate::units::SampleRate;

/// Transparent for speech, by the listening tests that RFC 6716's authors point to.
const MONO: i32 = 32_000;
const STEREO: i32 = 64_000;

/// Effort: what a file is written with has no deadline, and yet runs beside a call.
const COMPLEXITY: u8 = 5;

/// An encoder for 20 ms of sound at a time.
#[derive(Debug)]
pub struct FileEncoder {
    inner: audiopus::coder::Encoder,
    samples: usize,
    /// In samples at 48 kHz.
    look_ahead: u16,
}

impl FileEncoder {
    /// For interleaved sound of 1 or 2 channels.
    ///
    /// # Errors
    /// A rate other than 8, 12, 16, 24 and 48 kHz; libopus cannot be set up.
    pub fn new(rate: SampleRate, channels: u16) -> Result<FileEncoder, CodecError> {
        let opus_rate = audiopus::SampleRate::try_from(rate.hz().cast_signed())?;
        let (layout, bitrate) = if channels == 2 {
            (Channels::Stereo, STEREO)
        } else {
            (Channels::Mono, MONO)
        };
        let mut inner = audiopus::coder::Encoder::new(opus_rate, layout, Application::Audio)?;
        inner.set_bitrate(Bitrate::BitsPerSecond(bitrate))?;
        inner.set_complexity(COMPLEXITY)?;
        let ahead = inner.lookahead()? * SampleRate::FULL.hz() / rate.hz();
        Ok(FileEncoder {
            samples: rate.hz() as usize / 50 * usize::from(channels.clamp(1, 2)),
            look_ahead: u16::try_from(ahead).unwrap_or(u16::MAX),
            inner,
        })
    }

    /// How far the sound of a packet lies behind what was given, in samples at 48 kHz.
    #[must_use]
    pub fn look_ahead(&self) -> u16 {
        self.look_ahead
    }

    /// Encodes 20 ms. The packet's length in bytes.
    ///
    /// # Errors
    /// Another length.
    pub fn encode(&mut self, sound: &[f32], payload: &mut [u8]) -> Result<usize, CodecError> {
        if sound.len() != self.samples {
            return Err(CodecError::FrameLength {
                samples: sound.len(),
            });
        }
        Ok(self.inner.encode_float(sound, payload)?)
    }
}
