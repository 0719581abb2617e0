//! How loud the person wants things: plain data.

use crate::dsp::gain::GAIN_DB;

/// How loud one's own voice may be in one's own ear: dB from the microphone to the speaker.
pub const SIDETONE_DB: std::ops::RangeInclusive<i32> = -30..=-10;

/// What the person chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loudness {
    /// Of the microphone, in dB, within [`GAIN_DB`].
    pub input_db: i32,
    /// Of what is heard of calls, in dB, within [`GAIN_DB`].
    pub output_db: i32,
    /// One's own voice in one's own ear, in dB, within [`SIDETONE_DB`]; `None`: not at all.
    pub sidetone_db: Option<i32>,
    /// Nothing is heard of calls.
    pub output_muted: bool,
}

impl Loudness {
    /// The same within its ranges, whatever a file or a command line says.
    #[must_use]
    pub fn within_ranges(self) -> Loudness {
        let gain = |db: i32| db.clamp(*GAIN_DB.start(), *GAIN_DB.end());
        let own = |db: i32| db.clamp(*SIDETONE_DB.start(), *SIDETONE_DB.end());
        Loudness {
            input_db: gain(self.input_db),
            output_db: gain(self.output_db),
            sidetone_db: self.sidetone_db.map(own),
            output_muted: self.output_muted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_range_ends_where_the_range_does() {
        let wild = Loudness {
            input_db: 90,
            output_db: i32::MIN,
            sidetone_db: Some(0),
            output_muted: true,
        };
        let expected = Loudness {
            input_db: 20,
            output_db: -20,
            sidetone_db: Some(-10),
            output_muted: true,
        };
        assert_eq!(wild.within_ranges(), expected);
        assert_eq!(expected.within_ranges(), expected);
    }
}
