//! What a receiver of Opus says of itself in `a=fmtp` (RFC 7587 section 6.1).

use crate::units::SampleRate;

use super::attributes::Fmtp;

/// Lowest and highest average bit rate that RFC 7587 lets a receiver ask for, in bit/s.
const BITRATES: std::ops::RangeInclusive<u32> = 6_000..=510_000;

/// The wishes of a receiver of Opus: ours in what we send, the peer's in what we read. The default
/// is what RFC 7587 assumes when nothing is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpusParameters {
    /// The highest rate that it plays: sound above half of it is wasted.
    pub max_playback_rate: SampleRate,
    /// The highest average it wants, in bit/s, 6,000 to 510,000.
    pub max_average_bitrate: Option<u32>,
    /// It makes use of forward error correction within the packets.
    pub inband_fec: bool,
    /// It prefers that pauses are left out.
    pub dtx: bool,
    /// It prefers stereo. It has to understand stereo in any case.
    pub stereo: bool,
    /// It prefers a constant bit rate.
    pub cbr: bool,
}

impl Default for OpusParameters {
    fn default() -> Self {
        OpusParameters {
            max_playback_rate: SampleRate::FULL,
            max_average_bitrate: None,
            inband_fec: false,
            dtx: false,
            stereo: false,
            cbr: false,
        }
    }
}

impl OpusParameters {
    /// Reads the parameters; what is out of range is brought into it.
    #[must_use]
    pub fn read(fmtp: &Fmtp) -> OpusParameters {
        let playback = fmtp
            .number("maxplaybackrate")
            .map(|hz| hz.clamp(8_000, 48_000));
        OpusParameters {
            max_playback_rate: playback
                .and_then(SampleRate::new)
                .unwrap_or(SampleRate::FULL),
            max_average_bitrate: fmtp
                .number("maxaveragebitrate")
                .map(|rate| rate.clamp(*BITRATES.start(), *BITRATES.end())),
            inband_fec: fmtp.is_on("useinbandfec"),
            dtx: fmtp.is_on("usedtx"),
            stereo: fmtp.is_on("stereo"),
            cbr: fmtp.is_on("cbr"),
        }
    }

    /// As it follows the payload type in `a=fmtp`. Of the defaults (RFC 7587 section 6.1) only
    /// that of FEC is said: a request that outgrows a datagram goes over TCP, which fewer servers
    /// take.
    #[must_use]
    pub fn write(&self) -> String {
        let mut text = format!("useinbandfec={}", u8::from(self.inband_fec));
        if self.max_playback_rate != SampleRate::FULL {
            text.push_str(&format!(";maxplaybackrate={}", self.max_playback_rate.hz()));
        }
        for (name, on) in [("usedtx", self.dtx), ("stereo", self.stereo)] {
            if on {
                text.push_str(&format!(";{name}=1"));
            }
        }
        if let Some(rate) = self.max_average_bitrate {
            text.push_str(&format!(";maxaveragebitrate={rate}"));
        }
        if self.cbr {
            text.push_str(";cbr=1");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_7587_are_read() {
        let read = |text: &str| OpusParameters::read(&Fmtp::read(text));
        // Section 7: "16000 Hz clock rate, maximum packet size of 40 ms, recommended bit rate"…
        assert_eq!(
            read(
                "maxplaybackrate=16000; sprop-maxcapturerate=16000; maxaveragebitrate=20000; stereo=1; useinbandfec=1; usedtx=0"
            ),
            OpusParameters {
                max_playback_rate: SampleRate::WIDE,
                max_average_bitrate: Some(20_000),
                inband_fec: true,
                dtx: false,
                stereo: true,
                cbr: false,
            }
        );
        assert_eq!(read(""), OpusParameters::default());
    }

    #[test]
    fn absurd_numbers_are_brought_into_range() {
        let read = |text: &str| OpusParameters::read(&Fmtp::read(text));
        assert_eq!(
            read("maxplaybackrate=1").max_playback_rate,
            SampleRate::NARROW
        );
        assert_eq!(
            read("maxplaybackrate=4000000000").max_playback_rate,
            SampleRate::FULL
        );
        assert_eq!(
            read("maxplaybackrate=-7").max_playback_rate,
            SampleRate::FULL
        );
        assert_eq!(read("maxaveragebitrate=0").max_average_bitrate, Some(6_000));
        assert_eq!(
            read("maxaveragebitrate=999999999").max_average_bitrate,
            Some(510_000)
        );
    }

    #[test]
    fn everything_that_matters_is_said() {
        let mine = OpusParameters {
            inband_fec: true,
            ..OpusParameters::default()
        };
        assert_eq!(mine.write(), "useinbandfec=1");
        let slow = OpusParameters {
            max_average_bitrate: Some(24_000),
            cbr: true,
            ..mine
        };
        let old = OpusParameters {
            max_playback_rate: SampleRate::WIDE,
            dtx: true,
            ..mine
        };
        assert_eq!(old.write(), "useinbandfec=1;maxplaybackrate=16000;usedtx=1");
        assert_eq!(slow.write(), "useinbandfec=1;maxaveragebitrate=24000;cbr=1");
    }
}
