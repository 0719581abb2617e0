//! Opus (RFC 6716) as RFC 7587 carries it: always a 48 kHz clock, mono from us, whatever comes
//! from others heard as mono.

use std::time::Duration;

use audiopus::coder::GenericCtl;
use audiopus::packet::Packet;
use audiopus::{Application, Bandwidth, Bitrate, Channels, MutSignals, Signal};

use super::{CodecError, MAX_PACKET_SAMPLES, MAX_PAYLOAD};
use crate::units::SampleRate;

/// How an encoder spends bits and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Average rate of the payloads, 6,000 to 510,000 bit/s.
    pub bitrate: u32,
    /// Effort, 0 to 10. Measured: 0.33 ms for 20 ms of sound at 5, 0.49 ms at 9.
    pub complexity: u8,
    /// Packets carry a coarse copy of the one before them, once loss is expected.
    pub inband_fec: bool,
    /// Leave out packets in pauses.
    pub dtx: bool,
    /// Loss the encoder should protect against, in percent, 0 to 100.
    pub expected_loss: u8,
    /// The highest rate the receiver plays (RFC 7587 `maxplaybackrate`).
    pub max_playback_rate: SampleRate,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            bitrate: 40_000,
            complexity: 9,
            inband_fec: true,
            dtx: false,
            expected_loss: 0,
            max_playback_rate: SampleRate::FULL,
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
        encoder.set_max_playback_rate(settings.max_playback_rate)?;
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

    /// Spends no bits on sound that the receiver cannot play.
    ///
    /// # Errors
    /// Only if libopus fails.
    pub fn set_max_playback_rate(&mut self, rate: SampleRate) -> Result<(), CodecError> {
        let bandwidth = match rate.hz() {
            ..=8_000 => Bandwidth::Narrowband,
            8_001..=12_000 => Bandwidth::Mediumband,
            12_001..=16_000 => Bandwidth::Wideband,
            16_001..=24_000 => Bandwidth::Superwideband,
            24_001.. => Bandwidth::Fullband,
        };
        self.inner.set_max_bandwidth(bandwidth)?;
        self.settings.max_playback_rate = rate;
        Ok(())
    }

    /// How much later than it went in sound comes out of the far decoder: the encoder's
    /// look-ahead.
    #[must_use]
    pub fn delay(&self) -> Duration {
        SampleRate::FULL.duration_of(self.inner.lookahead().unwrap_or(0).into())
    }
}

/// Opus packets to sound.
#[derive(Debug)]
pub struct Decoder {
    inner: audiopus::coder::Decoder,
    /// The last packet was CELT alone.
    celt: bool,
}

impl Decoder {
    /// A decoder to 48 kHz mono.
    ///
    /// # Errors
    /// When libopus cannot be set up.
    pub fn new() -> Result<Decoder, CodecError> {
        let inner = audiopus::coder::Decoder::new(audiopus::SampleRate::Hz48000, Channels::Mono)?;
        Ok(Decoder { inner, celt: false })
    }

    /// Decodes one packet; answers the number of samples.
    ///
    /// # Errors
    /// A packet that breaks RFC 6716 section 3.4; a buffer too short for it.
    pub fn decode(&mut self, payload: &[u8], sound: &mut [f32]) -> Result<usize, CodecError> {
        let packet = Packet::try_from(payload)?;
        let samples = self
            .inner
            .decode_float(Some(packet), signals(sound)?, false)?;
        self.celt = payload.first().is_some_and(|toc| is_celt(*toc));
        tame(&mut sound[..samples]);
        Ok(samples)
    }

    /// Whether `next` carries a copy of the sound before it, and libopus will use it: after a
    /// packet of CELT alone it conceals.
    #[must_use]
    pub fn has_fec(&self, next: &[u8]) -> bool {
        !self.celt && has_lbrr(next)
    }

    /// Fills `sound` with what was lost before `next`, from the copy in `next`; where it has
    /// none, or reaches not far enough back, by concealment. Multiples of 2.5 ms. Shorter than
    /// a frame of `next`, it is all concealment.
    ///
    /// # Errors
    /// As [`Decoder::decode`].
    pub fn decode_fec(&mut self, next: &[u8], sound: &mut [f32]) -> Result<(), CodecError> {
        let packet = Packet::try_from(next)?;
        let samples = self
            .inner
            .decode_float(Some(packet), signals(sound)?, true)?;
        sound[samples..].fill(0.0);
        tame(sound);
        Ok(())
    }

    /// Fills `sound` with what might have been there, comfort noise in pauses.
    pub fn conceal(&mut self, sound: &mut [f32]) {
        // libopus makes multiples of 2.5 ms, and at most one packet at a time.
        const STEP: usize = 120;
        for piece in sound.chunks_mut(MAX_PACKET_SAMPLES) {
            let whole = piece.len() / STEP * STEP;
            let (body, rest) = piece.split_at_mut(whole);
            self.conceal_steps(body);
            if !rest.is_empty() {
                let mut last = [0.0; STEP];
                self.conceal_steps(&mut last);
                rest.copy_from_slice(&last[..rest.len()]);
            }
        }
    }

    fn conceal_steps(&mut self, sound: &mut [f32]) {
        if sound.is_empty() {
            return;
        }
        let made = signals(sound)
            .and_then(|signals| Ok(self.inner.decode_float(None, signals, false)?))
            .unwrap_or(0);
        sound[made..].fill(0.0);
        tame(sound);
    }

    /// Forgets the stream heard so far.
    pub fn reset(&mut self) {
        // It cannot fail for a decoder that exists (opus_decoder_ctl's only errors are unknown
        // requests); a stale state would be heard as a click, not more.
        let _ = self.inner.reset_state();
        self.celt = false;
    }
}

fn signals(sound: &mut [f32]) -> Result<MutSignals<'_, f32>, CodecError> {
    if sound.is_empty() {
        return Err(CodecError::BufferTooShort {
            given: 0,
            needed: 1,
        });
    }
    Ok(MutSignals::try_from(sound)?)
}

/// The float decoder may overshoot ±1, and a hostile packet drive it anywhere.
fn tame(sound: &mut [f32]) {
    for sample in sound {
        *sample = if sample.is_finite() {
            sample.clamp(-1.0, 1.0)
        } else {
            0.0
        };
    }
}

/// Samples at 48 kHz in a packet (RFC 6716 section 3.1), at most 120 ms; `None` when its table of
/// contents makes no sense.
#[must_use]
pub fn samples_of(payload: &[u8]) -> Option<usize> {
    let toc = *payload.first()?;
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => usize::from(payload.get(1)? & 0x3f),
    };
    let samples = frames * frame_samples(toc);
    (1..=MAX_PACKET_SAMPLES)
        .contains(&samples)
        .then_some(samples)
}

/// Samples at 48 kHz in one frame (RFC 6716 table 2).
pub(super) fn frame_samples(toc: u8) -> usize {
    let config = usize::from(toc >> 3);
    match config {
        0..12 => [480, 960, 1_920, 2_880][config & 3],
        12..16 => [480, 960][config & 1],
        _ => [120, 240, 480, 960][config & 3],
    }
}

/// Whether the packet is too short to hold sound: what a sender with DTX writes instead of a
/// pause.
#[must_use]
pub fn is_dtx(payload: &[u8]) -> bool {
    matches!(payload.len(), 1 | 2)
}

/// Whether a packet carries LBRR frames, a copy of the sound before it (RFC 6716 section 4.2.3).
#[must_use]
pub fn has_lbrr(payload: &[u8]) -> bool {
    let Some((&toc, _)) = payload.split_first() else {
        return false;
    };
    if is_celt(toc) {
        return false;
    }
    let Some(&header) = first_frame(payload).and_then(<[u8]>::first) else {
        return false;
    };
    // One bit of voice activity for each 20 ms of SILK, then the LBRR flag; then the same again
    // for the side channel.
    let silk_frames = (frame_samples(toc) / 960).max(1);
    let flag = |skipped: usize| header >> (7 - skipped) & 1 == 1;
    let stereo = toc & 4 != 0;
    flag(silk_frames) || (stereo && flag(2 * silk_frames + 1))
}

/// CELT alone, which has no copies (RFC 6716 table 2).
fn is_celt(toc: u8) -> bool {
    toc >> 3 >= 16
}

/// The first frame of a packet, by the four ways of packing (RFC 6716 section 3.2).
fn first_frame(payload: &[u8]) -> Option<&[u8]> {
    let (&toc, rest) = payload.split_first()?;
    match toc & 3 {
        0 => Some(rest),
        1 => Some(&rest[..rest.len() / 2]),
        2 => {
            let (length, rest) = frame_length(rest)?;
            rest.get(..length)
        }
        _ => {
            let (&count, mut rest) = rest.split_first()?;
            let frames = usize::from(count & 0x3f);
            if count & 0x40 != 0 {
                let mut padding = 0;
                loop {
                    let (&byte, after) = rest.split_first()?;
                    rest = after;
                    padding += usize::from(byte.min(254));
                    if byte != 255 {
                        break;
                    }
                }
                rest = rest.get(..rest.len().checked_sub(padding)?)?;
            }
            if count & 0x80 == 0 {
                return rest.get(..rest.len().checked_div(frames)?);
            }
            if frames == 1 {
                return Some(rest);
            }
            let (length, mut rest) = frame_length(rest)?;
            for _ in 2..frames {
                rest = frame_length(rest)?.1;
            }
            rest.get(..length)
        }
    }
}

/// One or two bytes of frame length (RFC 6716 section 3.2.1), and what follows them.
fn frame_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < 252 {
        return Some((usize::from(first), rest));
    }
    let (&second, rest) = rest.split_first()?;
    Some((usize::from(second) * 4 + usize::from(first), rest))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{sine, snr_db, speech};
    use super::*;

    const FRAME: usize = 960;

    /// Speech in packets of 20 ms.
    fn packets(settings: Settings) -> Vec<Vec<u8>> {
        let mut encoder = Encoder::new(settings).unwrap();
        let sound = speech(SampleRate::FULL);
        sound
            .as_chunks::<FRAME>()
            .0
            .iter()
            .map(|frame| {
                let mut payload = [0; MAX_PAYLOAD];
                let bytes = encoder.encode(frame, &mut payload).unwrap();
                payload[..bytes].to_vec()
            })
            .collect()
    }

    fn lossy() -> Settings {
        Settings {
            bitrate: 32_000,
            expected_loss: 20,
            ..Settings::default()
        }
    }

    #[test]
    fn it_is_the_libopus_that_was_measured() {
        let version = audiopus::version();
        assert!(version.starts_with("libopus 1.6"), "{version}");
    }

    #[test]
    fn packets_say_how_long_they_last() {
        let mut encoder = Encoder::new(Settings::default()).unwrap();
        let mut decoder = Decoder::new().unwrap();
        let mut sound = [0.0; MAX_PACKET_SAMPLES];
        for samples in [480, 960, 1_920, 2_880, 3_840, 4_800, 5_760] {
            let mut payload = [0; MAX_PAYLOAD];
            let bytes = encoder.encode(&vec![0.1; samples], &mut payload).unwrap();
            assert_eq!(samples_of(&payload[..bytes]), Some(samples));
            assert_eq!(
                decoder.decode(&payload[..bytes], &mut sound).unwrap(),
                samples
            );
        }
        let refused = encoder.encode(&[0.0; 961], &mut [0; MAX_PAYLOAD]);
        assert!(matches!(
            refused,
            Err(CodecError::FrameLength { samples: 961 })
        ));
    }

    /// Byte for byte what libopus itself reads from every table of contents.
    #[test]
    fn durations_agree_with_libopus() {
        for toc in 0..=255_u8 {
            for count in 0..64 {
                let payload = [toc, count, 0, 0];
                let theirs = audiopus::packet::nb_samples(
                    Packet::try_from(&payload[..]).unwrap(),
                    audiopus::SampleRate::Hz48000,
                );
                let theirs = theirs.ok().filter(|n| *n > 0);
                assert_eq!(samples_of(&payload), theirs, "{toc:#04x} {count}");
            }
        }
        assert_eq!(samples_of(&[]), None);
    }

    #[test]
    fn the_bitrate_is_kept_and_follows_the_setter() {
        let rate = |bitrate: u32| {
            let packets = packets(Settings {
                bitrate,
                ..Settings::default()
            });
            let bytes: usize = packets.iter().map(Vec::len).sum();
            bytes as f64 * 8.0 / (packets.len() as f64 * 0.02)
        };
        for bitrate in [16_000, 32_000, 64_000] {
            let got = rate(bitrate);
            let share = got / f64::from(bitrate);
            assert!(
                (0.6..1.15).contains(&share),
                "{got:.0} instead of {bitrate}"
            );
        }
    }

    #[test]
    fn the_copy_in_the_next_packet_comes_once_loss_is_expected() {
        let carrying = |settings| packets(settings).iter().filter(|p| has_lbrr(p)).count();
        assert_eq!(
            carrying(Settings {
                bitrate: 32_000,
                ..Settings::default()
            }),
            0
        );
        assert_eq!(
            carrying(Settings {
                inband_fec: false,
                ..lossy()
            }),
            0
        );
        let with = carrying(lossy());
        assert!(with > 250, "{with} of 503");
    }

    /// Losing every tenth packet: what is heard in place of those that the next one has a copy
    /// of, against what an unbroken decoder hears there.
    #[test]
    fn the_copy_is_better_than_concealment() {
        let packets = packets(lossy());
        let mut whole = Decoder::new().unwrap();
        let meant: Vec<[f32; FRAME]> = packets
            .iter()
            .map(|packet| {
                let mut sound = [0.0; FRAME];
                whole.decode(packet, &mut sound).unwrap();
                sound
            })
            .collect();
        let snr = |repair: fn(&mut Decoder, &[u8], &mut [f32])| {
            let mut decoder = Decoder::new().unwrap();
            let (mut wanted, mut heard) = (Vec::new(), Vec::new());
            for (index, packet) in packets.iter().enumerate() {
                let mut sound = [0.0; FRAME];
                let next = packets.get(index + 1).filter(|next| has_lbrr(next));
                if let (true, Some(next)) = (index % 10 == 5, next) {
                    repair(&mut decoder, next, &mut sound);
                    wanted.extend_from_slice(&meant[index]);
                    heard.extend_from_slice(&sound);
                } else {
                    decoder.decode(packet, &mut sound).unwrap();
                }
            }
            snr_db(&wanted, &heard)
        };
        let fec = snr(|decoder, next, sound| decoder.decode_fec(next, sound).unwrap());
        let plc = snr(|decoder, _, sound| decoder.conceal(sound));
        println!("copy {fec:.1} dB, concealment {plc:.1} dB");
        assert!(fec > plc + 3.0, "{fec:.1} dB against {plc:.1} dB");
    }

    /// What libopus does with the copy is compared with what it does with none.
    #[test]
    fn a_copy_behind_celt_alone_is_said_to_be_of_no_use_because_it_is_none() {
        let speech = packets(lossy());
        let next = speech[20..].iter().find(|packet| has_lbrr(packet)).unwrap();
        let encoder = audiopus::coder::Encoder::new(
            audiopus::SampleRate::Hz48000,
            Channels::Mono,
            Application::LowDelay,
        )
        .unwrap();
        let mut celt = [0; MAX_PAYLOAD];
        let tone = sine(SampleRate::FULL, 440.0, 0.5, FRAME);
        let bytes = encoder.encode_float(&tone, &mut celt).unwrap();
        let repair = |before: &[u8], copy: Option<&[u8]>| {
            let mut decoder = Decoder::new().unwrap();
            let mut sound = [0.0; FRAME];
            decoder.decode(before, &mut sound).unwrap();
            match copy {
                Some(copy) => decoder.decode_fec(copy, &mut sound).unwrap(),
                None => decoder.conceal(&mut sound),
            }
            (decoder.has_fec(next), sound)
        };
        for (before, useful) in [(&celt[..bytes], false), (&speech[20][..], true)] {
            let (said, repaired) = repair(before, Some(next));
            let (_, concealed) = repair(before, None);
            assert_eq!(repaired != concealed, useful);
            assert_eq!(said, useful);
        }
    }

    #[test]
    fn stereo_from_others_is_heard_as_mono() {
        let mut encoder = audiopus::coder::Encoder::new(
            audiopus::SampleRate::Hz48000,
            Channels::Stereo,
            Application::Audio,
        )
        .unwrap();
        encoder
            .set_bitrate(Bitrate::BitsPerSecond(128_000))
            .unwrap();
        let mut decoder = Decoder::new().unwrap();
        let sound = speech(SampleRate::FULL);
        let mut heard = Vec::new();
        for frame in sound.as_chunks::<FRAME>().0.iter().take(200) {
            // Only on the left.
            let both: Vec<f32> = frame.iter().flat_map(|sample| [*sample, 0.0]).collect();
            let mut payload = [0; MAX_PAYLOAD];
            let bytes = encoder.encode_float(&both, &mut payload).unwrap();
            let mut mono = [0.0; FRAME];
            assert_eq!(decoder.decode(&payload[..bytes], &mut mono).unwrap(), FRAME);
            heard.extend_from_slice(&mono);
        }
        let delay = encoder.lookahead().unwrap() as usize;
        let half: Vec<f32> = sound[..heard.len() - delay]
            .iter()
            .map(|s| s / 2.0)
            .collect();
        let snr = snr_db(&half, &heard[delay..]);
        assert!(snr > 8.0, "{snr:.1} dB");
    }

    #[test]
    fn pauses_are_left_out_only_on_request() {
        let tiny = |dtx: bool| {
            let mut encoder = Encoder::new(Settings {
                dtx,
                ..Settings::default()
            })
            .unwrap();
            (0..100)
                .filter(|_| {
                    let mut payload = [0; MAX_PAYLOAD];
                    let bytes = encoder.encode(&[0.0; FRAME], &mut payload).unwrap();
                    is_dtx(&payload[..bytes])
                })
                .count()
        };
        assert!(tiny(true) > 60);
        assert_eq!(tiny(false), 0);
    }

    #[test]
    fn concealment_of_any_length_fills_it() {
        let mut decoder = Decoder::new().unwrap();
        let mut sound = [0.0; FRAME];
        for packet in packets(Settings::default()).iter().take(150) {
            decoder.decode(packet, &mut sound).unwrap();
        }
        let mut gap = vec![9.0; 7_000];
        decoder.conceal(&mut gap[..333]);
        decoder.conceal(&mut gap[333..]);
        assert!(gap.iter().all(|sample| sample.abs() <= 1.0));
        let energy: f32 = gap[..333].iter().map(|s| s * s).sum();
        assert!(energy > 0.0);
    }

    #[test]
    fn the_delay_is_that_of_the_look_ahead() {
        let delay = Encoder::new(Settings::default()).unwrap().delay();
        assert_eq!(delay, Duration::from_micros(6_500));
    }
}
