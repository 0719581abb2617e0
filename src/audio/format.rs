//! Which of a device's formats is asked for.

use std::time::Duration;

use cpal::traits::DeviceTrait;
use cpal::{BufferSize, Device, SampleFormat, StreamConfig, SupportedStreamConfigRange};

use super::devices::DeviceError;
use super::list::Direction;
use crate::units::SampleRate;

/// What is asked of a device for each callback. It grants what it likes.
const QUANTUM: Duration = Duration::from_millis(10);

/// A format that a device offers and that is asked of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Format {
    pub(super) config: StreamConfig,
    pub(super) sample: SampleFormat,
    pub(super) rate: SampleRate,
}

impl Format {
    /// The best of what the device offers.
    pub(super) fn choose(device: &Device, direction: Direction) -> Result<Format, DeviceError> {
        let ranges: Vec<SupportedStreamConfigRange> = match direction {
            Direction::Input => device.supported_input_configs()?.collect(),
            Direction::Output => device.supported_output_configs()?.collect(),
        };
        let preferred = match direction {
            Direction::Input => device.default_input_config(),
            Direction::Output => device.default_output_config(),
        };
        let rate = preferred.map_or(48_000, |config| config.sample_rate());
        best(&ranges, rate).ok_or(DeviceError::Unsupported)
    }
}

/// 48 kHz before the device's own rate before any other; floats before whole numbers; fewest
/// channels, since speech has one.
fn best(ranges: &[SupportedStreamConfigRange], own_rate: u32) -> Option<Format> {
    ranges
        .iter()
        .filter_map(|range| {
            let sample = match range.sample_format() {
                SampleFormat::F32 => 0,
                SampleFormat::I16 => 1,
                SampleFormat::I32 => 2,
                SampleFormat::U8 => 3,
                _ => return None,
            };
            let (full, own) = (SampleRate::FULL.hz(), own_rate);
            let (order, hz) = if range.contains_rate(full) {
                (0, full)
            } else if range.contains_rate(own) {
                (1, own)
            } else {
                (
                    2,
                    range
                        .max_sample_rate()
                        .min(192_000)
                        .max(range.min_sample_rate()),
                )
            };
            let rate = SampleRate::new(hz)?;
            let frames = u32::try_from(rate.samples_in(QUANTUM)).ok()?;
            let config = StreamConfig {
                channels: range.channels(),
                sample_rate: hz,
                buffer_size: BufferSize::Fixed(granted(range, frames)),
            };
            let format = Format {
                config,
                sample: range.sample_format(),
                rate,
            };
            (range.channels() > 0).then_some(((order, sample, range.channels()), format))
        })
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, format)| format)
}

/// Never the default size: that gave between 43 ms and 3.2 s of delay.
fn granted(range: &SupportedStreamConfigRange, frames: u32) -> u32 {
    match range.buffer_size() {
        cpal::SupportedBufferSize::Range { min, max } if min <= max => frames.clamp(*min, *max),
        _ => frames,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(channels: u16, rates: (u32, u32), sample: SampleFormat) -> SupportedStreamConfigRange {
        let buffer = cpal::SupportedBufferSize::Range {
            min: 64,
            max: 8_192,
        };
        SupportedStreamConfigRange::new(channels, rates.0, rates.1, buffer, sample)
    }

    fn check(ranges: &[SupportedStreamConfigRange], expected: (u16, u32, SampleFormat, u32)) {
        let format = best(ranges, 44_100).unwrap();
        let BufferSize::Fixed(frames) = format.config.buffer_size else {
            panic!("default buffer size");
        };
        let got = (
            format.config.channels,
            format.rate.hz(),
            format.sample,
            frames,
        );
        assert_eq!(got, expected);
    }

    #[test]
    fn one_channel_of_floats_at_48_khz_is_taken_where_offered() {
        let all = [
            range(2, (8_000, 96_000), SampleFormat::F32),
            range(1, (8_000, 96_000), SampleFormat::I16),
            range(1, (8_000, 96_000), SampleFormat::F32),
        ];
        check(&all, (1, 48_000, SampleFormat::F32, 480));
    }

    #[test]
    fn a_card_of_44100_hz_is_taken_as_it_is() {
        let card = [
            range(2, (44_100, 44_100), SampleFormat::I16),
            range(2, (22_050, 22_050), SampleFormat::F32),
        ];
        check(&card, (2, 44_100, SampleFormat::I16, 441));
    }

    #[test]
    fn a_format_nobody_reads_is_passed_over() {
        assert_eq!(
            best(&[range(2, (48_000, 48_000), SampleFormat::DsdU8)], 48_000),
            None
        );
        assert_eq!(best(&[], 48_000), None);
    }
}
