//! Sound to Opus packets.

use std::time::Duration;

use audiopus::{Application, Bandwidth, Bitrate, Channels, Signal};
use audiopus_sys as c;

use super::super::{CodecError, MAX_PAYLOAD};
use crate::units::SampleRate;

/// The longest span of deep redundancy, in units of 10 ms.
const MAX_DRED: i32 = 104;

/// How an encoder spends bits and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Average rate of the payloads, 6,000 to 510,000 bit/s.
    pub bitrate: u32,
    /// Effort, 0 to 10. Measured: 0.16 ms for 20 ms of sound at 5, 0.24 ms at 9; 10 does what 9 does.
    pub complexity: u8,
    /// Packets carry a coarse copy of the one before them, once loss is expected.
    pub inband_fec: bool,
    /// Leave out packets in pauses.
    pub dtx: bool,
    /// Loss the encoder should protect against, in percent, 0 to 100.
    pub expected_loss: u8,
    /// How much of the past each packet describes again for a vocoder (DRED), up to 1.04 s; zero
    /// for none. It is spent from `bitrate`, and only once loss is expected; see
    /// [`Encoder::set_dred_span`].
    pub dred_span: Duration,
    /// The highest rate the receiver plays (RFC 7587 `maxplaybackrate`).
    pub max_playback_rate: SampleRate,
    /// No more than this of the spectrum, whatever the receiver plays: half of it is coded.
    pub max_sound_rate: SampleRate,
}

/// What a call speaks while nothing is lost: with RTP, UDP and IPv4, 40 kbit/s.
impl Default for Settings {
    fn default() -> Self {
        Settings {
            bitrate: 24_000,
            complexity: 9,
            inband_fec: true,
            dtx: false,
            expected_loss: 0,
            dred_span: Duration::ZERO,
            max_playback_rate: SampleRate::FULL,
            max_sound_rate: SampleRate::FULL,
        }
    }
}

/// Sound to Opus packets.
#[derive(Debug)]
pub struct Encoder {
    inner: audiopus::coder::Encoder,
    settings: Settings,
}

impl Encoder {
    /// An encoder for speech with these settings; each is moved into its range.
    ///
    /// # Errors
    /// When libopus cannot be set up.
    pub fn new(settings: Settings) -> Result<Encoder, CodecError> {
        let mut inner = audiopus::coder::Encoder::new(
            audiopus::SampleRate::Hz48000,
            Channels::Mono,
            Application::Voip,
        )?;
        inner.set_signal(Signal::Voice)?;
        let mut encoder = Encoder { inner, settings };
        encoder.set_bitrate(settings.bitrate)?;
        encoder.set_complexity(settings.complexity)?;
        encoder.set_inband_fec(settings.inband_fec)?;
        encoder.set_dtx(settings.dtx)?;
        encoder.set_expected_loss(settings.expected_loss)?;
        encoder.set_dred_span(settings.dred_span)?;
        encoder.set_max_playback_rate(settings.max_playback_rate)?;
        encoder.set_max_sound_rate(settings.max_sound_rate)?;
        Ok(encoder)
    }

    /// What it is set to.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// Encodes 10, 20, 40, 60, 80, 100 or 120 ms.
    ///
    /// # Errors
    /// Another length; an empty payload buffer.
    pub fn encode(&mut self, sound: &[f32], payload: &mut [u8]) -> Result<usize, CodecError> {
        if !matches!(
            sound.len(),
            480 | 960 | 1_920 | 2_880 | 3_840 | 4_800 | 5_760
        ) {
            return Err(CodecError::FrameLength {
                samples: sound.len(),
            });
        }
        let room = payload.len().min(MAX_PAYLOAD);
        // With less libopus would lower the rate to fit, unasked.
        if room < 256 {
            return Err(CodecError::BufferTooShort {
                given: room,
                needed: 256,
            });
        }
        Ok(self.inner.encode_float(sound, &mut payload[..room])?)
    }

    /// Sets the average rate, 6,000 to 510,000 bit/s.
    ///
    /// # Errors
    /// Only if libopus fails, as for the setters below.
    pub fn set_bitrate(&mut self, bits_per_second: u32) -> Result<(), CodecError> {
        let bitrate = bits_per_second.clamp(6_000, 510_000);
        self.inner
            .set_bitrate(Bitrate::BitsPerSecond(bitrate.cast_signed()))?;
        self.settings.bitrate = bitrate;
        Ok(())
    }

    /// Sets the effort, 0 to 10.
    ///
    /// # Errors
    /// Only if libopus fails.
    pub fn set_complexity(&mut self, complexity: u8) -> Result<(), CodecError> {
        let complexity = complexity.min(10);
        self.inner.set_complexity(complexity)?;
        self.settings.complexity = complexity;
        Ok(())
    }

    /// Whether packets may carry a copy of the one before them; they do once
    /// [`Encoder::set_expected_loss`] is above zero.
    ///
    /// # Errors
    /// Only if libopus fails.
    pub fn set_inband_fec(&mut self, on: bool) -> Result<(), CodecError> {
        self.inner.set_inband_fec(on)?;
        self.settings.inband_fec = on;
        Ok(())
    }

    /// Whether pauses are left out.
    ///
    /// # Errors
    /// Only if libopus fails.
    pub fn set_dtx(&mut self, on: bool) -> Result<(), CodecError> {
        self.inner.set_dtx(on)?;
        self.settings.dtx = on;
        Ok(())
    }

    /// Sets the loss to protect against, in percent.
    ///
    /// # Errors
    /// Only if libopus fails.
    pub fn set_expected_loss(&mut self, percent: u8) -> Result<(), CodecError> {
        let percent = percent.min(100);
        self.inner.set_packet_loss_perc(percent)?;
        self.settings.expected_loss = percent;
        Ok(())
    }

    /// Describes this much of the past again in each packet (DRED), in the padding, where a
    /// receiver older than libopus 1.5 does not look; up to 1.04 s, zero for none.
    ///
    /// libopus decides what it may cost from the bit rate and the expected loss, and beside LBRR
    /// leaves almost nothing for it: its share is taken from what lies above 20 kbit/s then, and
    /// two pieces of 40 ms have to fit, which they do from 31 kbit/s and 24% on. Below that a span
    /// set beside LBRR changes nothing.
    ///
    /// # Errors
    /// Only if libopus fails.
    pub fn set_dred_span(&mut self, span: Duration) -> Result<(), CodecError> {
        let tens = i32::try_from(span.as_millis() / 10).map_or(MAX_DRED, |tens| tens.min(MAX_DRED));
        self.inner
            .set_encoder_ctl_request(c::OPUS_SET_DRED_DURATION_REQUEST, tens)?;
        self.settings.dred_span = Duration::from_millis(u64::from(tens.unsigned_abs()) * 10);
        Ok(())
    }

    /// Spends no bits on sound that the receiver cannot play.
    ///
    /// # Errors
    /// Only if libopus fails.
    pub fn set_max_playback_rate(&mut self, rate: SampleRate) -> Result<(), CodecError> {
        self.settings.max_playback_rate = rate;
        self.limit_bandwidth()
    }

    /// Codes no more of the spectrum than half of this rate.
    ///
    /// # Errors
    /// Only if libopus fails.
    pub fn set_max_sound_rate(&mut self, rate: SampleRate) -> Result<(), CodecError> {
        self.settings.max_sound_rate = rate;
        self.limit_bandwidth()
    }

    fn limit_bandwidth(&mut self) -> Result<(), CodecError> {
        let Settings {
            max_playback_rate: played,
            max_sound_rate: wanted,
            ..
        } = self.settings;
        let bandwidth = match played.hz().min(wanted.hz()) {
            ..=8_000 => Bandwidth::Narrowband,
            8_001..=12_000 => Bandwidth::Mediumband,
            12_001..=16_000 => Bandwidth::Wideband,
            16_001..=24_000 => Bandwidth::Superwideband,
            24_001.. => Bandwidth::Fullband,
        };
        Ok(self.inner.set_max_bandwidth(bandwidth)?)
    }

    /// How much later than it went in sound comes out of the far decoder: the encoder's
    /// look-ahead.
    #[must_use]
    pub fn delay(&self) -> Duration {
        SampleRate::FULL.duration_of(self.inner.lookahead().unwrap_or(0).into())
    }
}
