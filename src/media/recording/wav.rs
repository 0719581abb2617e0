//! The header of a WAV file.

use crate::units::SampleRate;

/// Bytes before the sound: RIFF WAVE, PCM.
pub(super) const HEADER: usize = 44;

/// 16-bit PCM of one or two channels.
#[derive(Debug)]
pub struct Wav {
    channels: u16,
    rate: SampleRate,
    /// Bytes of sound.
    data: u64,
}

impl Wav {
    pub(super) fn new(channels: u16) -> Wav {
        Wav {
            channels: channels.clamp(1, 2),
            rate: SampleRate::FULL,
            data: 0,
        }
    }

    pub(super) fn push(&mut self, rate: SampleRate, samples: &[i16], out: &mut Vec<u8>) {
        self.rate = rate;
        self.data += 2 * samples.len() as u64;
        out.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    }

    pub(super) fn header(&self) -> [u8; HEADER] {
        let data = u32::try_from(self.data)
            .unwrap_or(u32::MAX - 36)
            .min(u32::MAX - 36);
        let frame = 2 * self.channels;
        let mut header = [0_u8; HEADER];
        let fields: [(usize, &[u8]); 13] = [
            (0, b"RIFF"),
            (4, &(data + 36).to_le_bytes()),
            (8, b"WAVE"),
            (12, b"fmt "),
            (16, &16_u32.to_le_bytes()),
            (20, &1_u16.to_le_bytes()),
            (22, &self.channels.to_le_bytes()),
            (24, &self.rate.hz().to_le_bytes()),
            (28, &(self.rate.hz() * u32::from(frame)).to_le_bytes()),
            (32, &frame.to_le_bytes()),
            (34, &16_u16.to_le_bytes()),
            (36, b"data"),
            (40, &data.to_le_bytes()),
        ];
        for (at, bytes) in fields {
            header[at..at + bytes.len()].copy_from_slice(bytes);
        }
        header
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_channels_read_back_as_two() {
        let mut wav = Wav::new(2);
        let mut sound = Vec::new();
        wav.push(SampleRate::WIDE, &[1, -2, 3, -4], &mut sound);
        let mut file = wav.header().to_vec();
        file.extend(sound);
        let mut reader = hound::WavReader::new(file.as_slice()).unwrap();
        let spec = reader.spec();
        assert_eq!(
            (spec.channels, spec.sample_rate, spec.bits_per_sample),
            (2, 16_000, 16)
        );
        let samples: Vec<i16> = reader.samples().map(Result::unwrap).collect();
        assert_eq!(samples, [1, -2, 3, -4]);
    }
}
