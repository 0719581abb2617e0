//! When a rule holds: days of the week, and from when to when.

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// The time of day where the person is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalTime {
    /// 0 is Monday, 6 is Sunday.
    pub weekday: u8,
    /// Since midnight, 0 to 1439.
    pub minute: u16,
}

impl LocalTime {
    /// So many minutes later.
    #[must_use]
    pub fn after_minutes(self, minutes: u64) -> LocalTime {
        let week = u64::from(DAY) * 7;
        let now = u64::from(self.weekday) * u64::from(DAY) + u64::from(self.minute);
        let then = (now + minutes % week) % week;
        let part = |value: u64| u16::try_from(value).unwrap_or_default();
        LocalTime {
            weekday: u8::try_from(then / u64::from(DAY)).unwrap_or_default(),
            minute: part(then % u64::from(DAY)),
        }
    }
}

/// Days of the week, and from when to when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timetable {
    /// Monday first. Where it goes over midnight, the day is the one on which it begins.
    pub days: [bool; 7],
    /// Minutes since midnight, 0 to 1439.
    pub from: u16,
    /// Minutes since midnight, 0 to 1440, no longer within. Before `from`, or the same: of the next
    /// day.
    pub to: u16,
}

impl Timetable {
    /// Whether it holds then.
    #[must_use]
    pub fn holds_at(&self, time: LocalTime) -> bool {
        let on = |weekday: u8| self.days[usize::from(weekday % 7)];
        if self.from < self.to {
            return on(time.weekday) && (self.from..self.to).contains(&time.minute);
        }
        let began_yesterday = on((time.weekday % 7 + 6) % 7) && time.minute < self.to;
        began_yesterday || (on(time.weekday) && time.minute >= self.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONDAY: u8 = 0;
    const TUESDAY: u8 = 1;
    const SATURDAY: u8 = 5;
    const SUNDAY: u8 = 6;

    fn at(weekday: u8, hour: u16, minute: u16) -> LocalTime {
        LocalTime {
            weekday,
            minute: 60 * hour + minute,
        }
    }

    #[test]
    fn office_hours_are_from_monday_to_friday() {
        let office = Timetable {
            days: [true, true, true, true, true, false, false],
            from: 8 * 60,
            to: 18 * 60,
        };
        assert!(!office.holds_at(at(MONDAY, 7, 59)));
        assert!(office.holds_at(at(MONDAY, 8, 0)));
        assert!(office.holds_at(at(MONDAY, 17, 59)));
        assert!(!office.holds_at(at(MONDAY, 18, 0)));
        assert!(!office.holds_at(at(SATURDAY, 12, 0)));
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        let sunday_night = Timetable {
            days: [false, false, false, false, false, false, true],
            from: 22 * 60,
            to: 6 * 60 + 30,
        };
        assert!(!sunday_night.holds_at(at(SUNDAY, 21, 59)));
        assert!(sunday_night.holds_at(at(SUNDAY, 22, 0)));
        assert!(sunday_night.holds_at(at(MONDAY, 6, 29)));
        assert!(!sunday_night.holds_at(at(MONDAY, 6, 30)));
        assert!(!sunday_night.holds_at(at(MONDAY, 23, 0)));
        assert!(!sunday_night.holds_at(at(SUNDAY, 3, 0)));
    }

    #[test]
    fn whole_days_are_from_midnight_to_midnight() {
        let weekend = Timetable {
            days: [false, false, false, false, false, true, true],
            from: 0,
            to: 24 * 60,
        };
        let same = Timetable { to: 0, ..weekend };
        for table in [weekend, same] {
            assert!(table.holds_at(at(SATURDAY, 0, 0)));
            assert!(table.holds_at(at(SUNDAY, 23, 59)));
            assert!(!table.holds_at(at(MONDAY, 0, 0)));
        }
    }

    #[test]
    fn a_week_goes_round() {
        assert_eq!(at(SUNDAY, 23, 59).after_minutes(1), at(MONDAY, 0, 0));
        assert_eq!(
            at(MONDAY, 10, 0).after_minutes(24 * 60 + 5),
            at(TUESDAY, 10, 5)
        );
        let long = 7 * 24 * 60 * 1_000_000;
        assert_eq!(at(MONDAY, 10, 0).after_minutes(long), at(MONDAY, 10, 0));
    }
}
