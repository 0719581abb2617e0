//! Days of the week.

use crate::say;

use super::Words;

impl Words {
    /// The name of a day, 1 for Monday to 7 for Sunday.
    #[must_use]
    pub fn weekday(&self, day: u8) -> String {
        match day {
            1 => say!(self, "weekday-monday"),
            2 => say!(self, "weekday-tuesday"),
            3 => say!(self, "weekday-wednesday"),
            4 => say!(self, "weekday-thursday"),
            5 => say!(self, "weekday-friday"),
            6 => say!(self, "weekday-saturday"),
            _ => say!(self, "weekday-sunday"),
        }
    }

    /// The same in three letters.
    #[must_use]
    pub fn weekday_letters(&self, day: u8) -> String {
        match day {
            1 => say!(self, "weekday-monday", "short"),
            2 => say!(self, "weekday-tuesday", "short"),
            3 => say!(self, "weekday-wednesday", "short"),
            4 => say!(self, "weekday-thursday", "short"),
            5 => say!(self, "weekday-friday", "short"),
            6 => say!(self, "weekday-saturday", "short"),
            _ => say!(self, "weekday-sunday", "short"),
        }
    }
}
