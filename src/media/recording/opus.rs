//! Opus in Ogg (RFC 7845).

use super::ogg::Stream;
use crate::codec::opus::FileEncoder;
use crate::codec::{CodecError, MAX_PAYLOAD};
use crate::units::SampleRate;

/// Packets on a page: a second of sound, so that no more than that is lost with the machine.
const PACKETS_PER_PAGE: u64 = 50;

/// Ticks of the granule position in a packet of 20 ms: it counts at 48 kHz whatever the rate
/// (RFC 7845 section 4).
const TICKS: u64 = 960;

/// Who wrote the file (RFC 7845 section 5.2).
const VENDOR: &str = concat!("Ramal ", env!("CARGO_PKG_VERSION"));

/// An Ogg Opus file in the making.
#[derive(Debug)]
pub struct OpusFile {
    channels: u16,
    stream: Stream,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    encoder: FileEncoder,
    rate: SampleRate,
    /// Interleaved samples that do not fill a packet yet, −1 to 1.
    waiting: Vec<f32>,
    /// Samples of each channel taken, at `rate`.
    taken: u64,
    packets: u64,
    on_page: u64,
    /// Ticks at the beginning that a player leaves out: the encoder's look-ahead.
    pre_skip: u16,
}

impl OpusFile {
    pub(super) fn new(channels: u16, serial: u32) -> OpusFile {
        OpusFile {
            channels: channels.clamp(1, 2),
            stream: Stream::new(serial),
            running: None,
        }
    }

    /// Starts with the first sound, which says the rate.
    fn running(&mut self, rate: SampleRate, out: &mut Vec<u8>) -> Result<(), CodecError> {
        if self.running.is_some() {
            return Ok(());
        }
        let encoder = FileEncoder::new(rate, self.channels)?;
        let pre_skip = encoder.look_ahead();
        self.stream.packet(&head(self.channels, pre_skip, rate));
        self.stream.page(0, false, out);
        self.stream.packet(&tags());
        self.stream.page(0, false, out);
        self.running = Some(Running {
            encoder,
            rate,
            waiting: Vec::with_capacity(2 * TICKS as usize),
            taken: 0,
            packets: 0,
            on_page: 0,
            pre_skip,
        });
        Ok(())
    }

    pub(super) fn push(
        &mut self,
        rate: SampleRate,
        samples: &[i16],
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        self.running(rate, out)?;
        let channels = usize::from(self.channels);
        if let Some(running) = &mut self.running {
            running.taken += (samples.len() / channels) as u64;
            for sample in samples {
                running.waiting.push(f32::from(*sample) / 32_768.0);
                if running.waiting.len() == running.packet_samples(channels) {
                    running.packet(&mut self.stream, out)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        self.running(SampleRate::FULL, out)?;
        let channels = usize::from(self.channels);
        if let Some(running) = &mut self.running {
            // Silence pushes out what the encoder holds; the granule position of the last page
            // says where the sound ends (RFC 7845 section 4.4).
            let end = running.end();
            while running.packets * TICKS < end {
                let whole = running.packet_samples(channels);
                running.waiting.resize(whole, 0.0);
                running.packet(&mut self.stream, out)?;
            }
            self.stream.page(end, true, out);
        }
        Ok(())
    }
}

impl Running {
    fn packet_samples(&self, channels: usize) -> usize {
        self.rate.hz() as usize / 50 * channels
    }

    /// The granule position behind all sound taken.
    fn end(&self) -> u64 {
        let ticks = self.taken * u64::from(SampleRate::FULL.hz()) / u64::from(self.rate.hz());
        u64::from(self.pre_skip) + ticks
    }

    fn packet(&mut self, stream: &mut Stream, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let mut payload = [0; MAX_PAYLOAD];
        let bytes = self.encoder.encode(&self.waiting, &mut payload)?;
        self.waiting.clear();
        // One page stays open behind the last full one, so that there is one to be the last.
        if self.on_page == PACKETS_PER_PAGE || !stream.has_room(bytes) {
            stream.page(self.packets * TICKS, false, out);
            self.on_page = 0;
        }
        stream.packet(&payload[..bytes]);
        self.packets += 1;
        self.on_page += 1;
        Ok(())
    }
}

/// The identification header (RFC 7845 section 5.1).
fn head(channels: u16, pre_skip: u16, rate: SampleRate) -> Vec<u8> {
    let mut head = b"OpusHead\x01".to_vec();
    head.push(channels as u8);
    head.extend_from_slice(&pre_skip.to_le_bytes());
    head.extend_from_slice(&rate.hz().to_le_bytes());
    // No gain; mapping family 0: mono, or left and right.
    head.extend_from_slice(&[0, 0, 0]);
    head
}

/// The comment header (RFC 7845 section 5.2), without comments.
fn tags() -> Vec<u8> {
    let mut tags = b"OpusTags".to_vec();
    tags.extend_from_slice(&(VENDOR.len() as u32).to_le_bytes());
    tags.extend_from_slice(VENDOR.as_bytes());
    tags.extend_from_slice(&[0; 4]);
    tags
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::super::ogg::tests::pages;
    use super::*;

    fn tone(rate: SampleRate, hz: f32, peak: f32, count: usize) -> Vec<i16> {
        let step = TAU * hz / rate.hz() as f32;
        (0..count)
            .map(|n| (peak * 32_767.0 * (step * n as f32).sin()) as i16)
            .collect()
    }

    /// All sound of a file through libopus, interleaved, cut as RFC 7845 section 4 says.
    fn played(file: &[u8]) -> (usize, Vec<f32>) {
        let pages = pages(file);
        let head = &pages[0].packets[0];
        let channels = usize::from(head[9]);
        let pre_skip = usize::from(u16::from_le_bytes([head[10], head[11]]));
        let layout = if channels == 2 {
            audiopus::Channels::Stereo
        } else {
            audiopus::Channels::Mono
        };
        let mut decoder =
            audiopus::coder::Decoder::new(audiopus::SampleRate::Hz48000, layout).unwrap();
        let mut sound = Vec::new();
        for packet in pages[2..].iter().flat_map(|page| &page.packets) {
            let mut out = [0.0; 2 * 5_760];
            let room = (&mut out[..5_760 * channels]).try_into().unwrap();
            let packet = packet.as_slice().try_into().unwrap();
            let samples = decoder.decode_float(Some(packet), room, false).unwrap();
            sound.extend_from_slice(&out[..samples * channels]);
        }
        let end = pages.last().unwrap().granule as usize;
        (
            channels,
            sound[pre_skip * channels..end * channels].to_vec(),
        )
    }

    #[test]
    fn the_headers_are_those_of_rfc_7845() {
        let mut file = OpusFile::new(2, 0x0102_0304);
        let mut bytes = Vec::new();
        file.push(SampleRate::FULL, &[0; 96], &mut bytes).unwrap();
        file.finish(&mut bytes).unwrap();
        let pages = pages(&bytes);
        assert_eq!(bytes[14..18], [4, 3, 2, 1]);
        let head = &pages[0].packets[0];
        assert_eq!(&head[..10], b"OpusHead\x01\x02");
        assert_eq!(head[10..12], 312_u16.to_le_bytes(), "6.5 ms at 48 kHz");
        assert_eq!(head[12..16], 48_000_u32.to_le_bytes());
        assert_eq!(head[16..], [0, 0, 0]);
        assert!(pages[1].packets[0].starts_with(b"OpusTags"));
        assert_eq!((pages[0].flags, pages[1].flags), (2, 0));
        assert_eq!((pages[0].granule, pages[1].granule), (0, 0));
        let last = pages.last().unwrap();
        assert_eq!((last.flags, last.granule), (4, 312 + 48));
        let numbers: Vec<u32> = pages.iter().map(|page| page.number).collect();
        assert_eq!(numbers, (0..pages.len() as u32).collect::<Vec<_>>());
    }

    #[test]
    fn each_side_is_heard_on_its_channel_and_the_length_is_kept() {
        let rate = SampleRate::FULL;
        let (left, right) = (
            tone(rate, 440.0, 0.3, 70_000),
            tone(rate, 1_000.0, 0.1, 70_000),
        );
        let both: Vec<i16> = left
            .iter()
            .zip(&right)
            .flat_map(|(l, r)| [*l, *r])
            .collect();
        let (mut file, mut bytes) = (OpusFile::new(2, 9), Vec::new());
        for piece in both.chunks(1_234) {
            file.push(rate, piece, &mut bytes).unwrap();
        }
        file.finish(&mut bytes).unwrap();
        let (channels, sound) = played(&bytes);
        assert_eq!((channels, sound.len()), (2, 140_000));
        let side = |at: usize| -> Vec<f32> {
            sound
                .iter()
                .skip(at)
                .step_by(2)
                .copied()
                .skip(10_000)
                .take(48_000)
                .collect()
        };
        let strength = |sound: &[f32], hz: f64| crate::dsp::testing::amplitude(rate, hz, sound);
        assert!((strength(&side(0), 440.0) - 0.3).abs() < 0.02);
        assert!((strength(&side(1), 1_000.0) - 0.1).abs() < 0.02);
        assert!(strength(&side(0), 1_000.0) < 0.003);
        assert!(strength(&side(1), 440.0) < 0.003);
    }

    #[test]
    fn sound_of_eight_kilohertz_keeps_its_length_too() {
        let (mut file, mut bytes) = (OpusFile::new(1, 9), Vec::new());
        let sound = tone(SampleRate::NARROW, 440.0, 0.3, 12_345);
        file.push(SampleRate::NARROW, &sound, &mut bytes).unwrap();
        file.finish(&mut bytes).unwrap();
        let (_, heard) = played(&bytes);
        assert_eq!(heard.len(), 12_345 * 6);
        let strength =
            crate::dsp::testing::amplitude(SampleRate::FULL, 440.0, &heard[6_000..54_000]);
        assert!((strength - 0.3).abs() < 0.02, "{strength}");
    }

    #[test]
    fn a_page_is_out_each_second_and_stands_for_itself() {
        let (mut file, mut bytes) = (OpusFile::new(1, 9), Vec::new());
        let mut out_at = Vec::new();
        for tick in 0..50 {
            let before = bytes.len();
            file.push(SampleRate::WIDE, &[99; 1_600], &mut bytes)
                .unwrap();
            if bytes.len() > before && tick > 0 {
                out_at.push(tick);
            }
        }
        // Five seconds without an end: 50 packets fill a page, the next one gives it out.
        assert_eq!(out_at, [10, 20, 30, 40]);
        let read = pages(&bytes);
        assert_eq!(read.len(), 2 + 4);
        assert_eq!(read[5].granule, 4 * 48_000);
        // Cut in the middle of a page, the pages before it still read.
        assert_eq!(pages(&bytes[..bytes.len() - 40]).len(), 2 + 3);
    }

    #[test]
    fn a_file_without_sound_is_a_whole_one() {
        let (mut file, mut bytes) = (OpusFile::new(1, 9), Vec::new());
        file.finish(&mut bytes).unwrap();
        assert_eq!(played(&bytes), (1, Vec::new()));
        assert_eq!(pages(&bytes).last().unwrap().flags, 4);
    }
}
