//! Rules for calls that come in: from the settings to the agent's, changed while the phone runs, and
//! the sounds that go with them.

use std::time::Duration;

use jiff::Zoned;

use super::driver::Driver;
use super::snapshot::Notice;
use crate::agent::{
    self, AccountId, AutoAnswer, DoNotDisturb, Forward, Intercom, LocalTime, Reception, Strangers,
    Timetable, dial,
};
use crate::media::tones::BEEP;
use crate::sip::{HostPort, StatusCode};
use crate::store::{
    ForwardSettings, IntercomChoice, ReceptionSettings, StrangersChoice, TimetableSettings,
};

/// The longest that a call rings here before a rule takes it, in seconds.
const LONGEST: u16 = 120;

/// A person's wish about calls that come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceptionWish {
    /// No call rings from now on, or calls ring again, but for the hours that were chosen.
    DoNotDisturb(bool),
    /// Every call goes to this number; `None`: no call does, and the number is kept for later.
    ForwardAlways(Option<String>),
    /// All rules anew.
    Rules(Box<ReceptionSettings>),
}

/// A rule that cannot be kept as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceptionError {
    /// Neither number nor address.
    #[error("calls cannot be sent there")]
    Target,
    /// No time of day: `08:00`.
    #[error("this is no time of day")]
    Time,
    /// Not from 1, Monday, to 7.
    #[error("this is no day of the week")]
    Day,
}

/// Reads the rules as the person wrote them; `home` is where bare numbers are called.
///
/// # Errors
/// [`ReceptionError`] says what is wrong with a rule that is on.
pub fn reception(
    settings: &ReceptionSettings,
    home: Option<&HostPort>,
) -> Result<Reception, ReceptionError> {
    let undisturbed = &settings.do_not_disturb;
    let hours = timetable(undisturbed.when.as_ref())?;
    let wanted = undisturbed.on || hours.is_some();
    let do_not_disturb = wanted.then(|| DoNotDisturb {
        status: if undisturbed.as_busy {
            StatusCode::BUSY_HERE
        } else {
            StatusCode::TEMPORARILY_UNAVAILABLE
        },
        when: hours.filter(|_| !undisturbed.on),
    });
    let seconds = |seconds: u16| Duration::from_secs(seconds.min(LONGEST).into());
    let unanswered = &settings.forward_no_answer;
    let after = seconds(unanswered.seconds().max(1));
    let answers = &settings.auto_answer;
    Ok(Reception {
        do_not_disturb,
        forward_always: forward(&settings.forward_always, home)?,
        forward_busy: forward(&settings.forward_busy, home)?,
        forward_no_answer: forward(unanswered, home)?.map(|it| (it, after)),
        auto_answer: answers.on.then(|| AutoAnswer {
            after: seconds(answers.after_s),
            beep: answers.beep,
        }),
        intercom: match settings.intercom {
            IntercomChoice::Never => Intercom::Never,
            IntercomChoice::Known => Intercom::Known,
            IntercomChoice::Always => Intercom::Always,
        },
        known: settings.known.clone(),
        strangers: match settings.strangers {
            StrangersChoice::Ring => Strangers::Ring,
            StrangersChoice::Silent => Strangers::Silent,
            StrangersChoice::Decline => Strangers::Decline(StatusCode::TEMPORARILY_UNAVAILABLE),
        },
    })
}

fn forward(
    settings: &ForwardSettings,
    home: Option<&HostPort>,
) -> Result<Option<Forward>, ReceptionError> {
    if !settings.on {
        return Ok(None);
    }
    let to = dial::target(&settings.to, home).map_err(|_| ReceptionError::Target)?;
    let when = timetable(settings.when.as_ref())?;
    Ok(Some(Forward { to, when }))
}

fn timetable(settings: Option<&TimetableSettings>) -> Result<Option<Timetable>, ReceptionError> {
    let Some(settings) = settings else {
        return Ok(None);
    };
    let mut days = [false; 7];
    for day in &settings.days {
        let place = usize::from(*day)
            .checked_sub(1)
            .ok_or(ReceptionError::Day)?;
        *days.get_mut(place).ok_or(ReceptionError::Day)? = true;
    }
    let minutes = |text: &str| minutes_of(text).ok_or(ReceptionError::Time);
    Ok(Some(Timetable {
        days,
        from: minutes(&settings.from)?,
        to: minutes(&settings.to)?,
    }))
}

/// `8:30`, `08:30`, `24:00`: minutes since midnight.
#[must_use]
pub fn minutes_of(text: &str) -> Option<u16> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let number = |text: &str| {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<u16>().ok()).flatten()
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let all = hours * 60 + minutes;
    (minutes < 60 && all <= 24 * 60).then_some(all)
}

/// The time of day and day of the week at this moment of this zone.
#[must_use]
pub fn local_time(now: &Zoned) -> LocalTime {
    let part = |part: i8| u16::try_from(part).unwrap_or_default();
    let weekday = now.weekday().to_monday_zero_offset();
    LocalTime {
        weekday: u8::try_from(weekday).unwrap_or_default(),
        minute: part(now.hour()) * 60 + part(now.minute()),
    }
}

impl Driver {
    /// Changes what becomes of calls that come in: of one account, or of all.
    pub(super) fn receive(&mut self, account: Option<AccountId>, wish: &ReceptionWish) {
        let accounts = self.picture.accounts().iter();
        let wanted = accounts.filter(|view| account.is_none_or(|id| view.id == id));
        let wanted: Vec<_> = wanted
            .map(|view| (view.id, view.settings.clone()))
            .collect();
        for (id, mut written) in wanted {
            wish.change(&mut written.reception);
            let home = self.picture.home(id);
            match reception(&written.reception, home.as_ref()) {
                Ok(rules) => {
                    self.picture.reception(id, &rules);
                    // One whose password is still looked for brings its rules along.
                    if self.agent.account_state(id).is_some() {
                        self.hand_over(agent::Command::SetReception {
                            account: id,
                            reception: Box::new(rules),
                        });
                    }
                    self.picture.written(id, &written);
                    // Of accounts that are not written down nothing is.
                    self.change_settings(|settings| {
                        let mut known = settings.accounts.iter_mut();
                        if let Some(known) = known.find(|known| known.id == id.0) {
                            known.reception = written.reception;
                        }
                    });
                }
                Err(error) => {
                    tracing::debug!("rules for incoming calls not used: {error}");
                    self.notice(Notice::ReceptionUnusable);
                }
            }
        }
    }

    /// Lets the person hear that the microphone is open.
    pub(super) fn beep(&self) {
        self.media.press_key(BEEP);
    }
}

impl ReceptionWish {
    fn change(&self, rules: &mut ReceptionSettings) {
        match self {
            ReceptionWish::DoNotDisturb(on) => rules.do_not_disturb.on = *on,
            ReceptionWish::ForwardAlways(Some(to)) => {
                rules.forward_always.on = true;
                rules.forward_always.to.clone_from(to);
            }
            ReceptionWish::ForwardAlways(None) => rules.forward_always.on = false,
            ReceptionWish::Rules(all) => rules.clone_from(all),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> HostPort {
        "pbx.example".parse().unwrap()
    }

    #[test]
    fn rules_that_are_on_are_kept_and_others_wait() {
        let mut settings = ReceptionSettings::default();
        settings.forward_always.to = "no number".into();
        let rules = reception(&settings, Some(&home()));
        assert_eq!(rules, Ok(Reception::default()));
        settings.forward_always.on = true;
        let rules = reception(&settings, Some(&home()));
        assert_eq!(rules, Err(ReceptionError::Target));
        settings.forward_always.to = "1002".into();
        let rules = reception(&settings, Some(&home())).unwrap();
        let to = rules.forward_always.map(|it| it.to.to_string());
        assert_eq!(to.as_deref(), Some("sip:1002@pbx.example"));
    }

    #[test]
    fn callers_hear_busy_or_away_by_choice() {
        let status = |as_busy| {
            let mut settings = ReceptionSettings::default();
            settings.do_not_disturb.on = true;
            settings.do_not_disturb.as_busy = as_busy;
            let rules = reception(&settings, None).unwrap();
            rules.do_not_disturb.map(|it| it.status.code())
        };
        assert_eq!((status(false), status(true)), (Some(480), Some(486)));
    }

    #[test]
    fn hours_are_written_as_people_write_them() {
        for (text, minutes) in [
            ("08:00", Some(480)),
            ("8:05", Some(485)),
            (" 23:59 ", Some(1439)),
            ("24:00", Some(1440)),
            ("24:01", None),
            ("12:60", None),
            ("12", None),
            ("-1:00", None),
            ("1:000", None),
            ("", None),
        ] {
            assert_eq!(minutes_of(text), minutes, "{text}");
        }
        let settings = ReceptionSettings::default();
        let with = |days: &[u8], from: &str| {
            let mut settings = settings.clone();
            settings.do_not_disturb.when = Some(TimetableSettings {
                days: days.to_vec(),
                from: from.into(),
                to: "06:00".into(),
            });
            reception(&settings, None)
        };
        let when = with(&[1, 7], "22:30").unwrap().do_not_disturb.unwrap().when;
        let days = [true, false, false, false, false, false, true];
        let (from, to) = (22 * 60 + 30, 6 * 60);
        assert_eq!(when, Some(Timetable { days, from, to }));
        assert_eq!(with(&[0], "22:30"), Err(ReceptionError::Day));
        assert_eq!(with(&[8], "22:30"), Err(ReceptionError::Day));
        assert_eq!(with(&[1], "22h30"), Err(ReceptionError::Time));
    }

    #[test]
    fn nobody_waits_longer_than_two_minutes() {
        let mut settings = ReceptionSettings {
            forward_no_answer: ForwardSettings {
                on: true,
                to: "1002".into(),
                after_s: Some(6_000),
                when: None,
            },
            ..ReceptionSettings::default()
        };
        settings.auto_answer.on = true;
        settings.auto_answer.after_s = 6_000;
        let rules = reception(&settings, Some(&home())).unwrap();
        let two_minutes = Duration::from_secs(120);
        assert_eq!(rules.forward_no_answer.unwrap().1, two_minutes);
        assert_eq!(rules.auto_answer.unwrap().after, two_minutes);
    }

    #[test]
    fn the_time_of_day_is_that_of_the_zone() {
        let late: Zoned = "2026-11-22T23:05:30-03:00[-03:00]".parse().unwrap();
        let sunday = LocalTime {
            weekday: 6,
            minute: 23 * 60 + 5,
        };
        assert_eq!(local_time(&late), sunday);
    }

    #[test]
    fn the_button_means_now_and_leaves_the_rest() {
        let mut rules = ReceptionSettings::default();
        rules.do_not_disturb.as_busy = true;
        rules.do_not_disturb.when = Some(TimetableSettings::default());
        ReceptionWish::DoNotDisturb(true).change(&mut rules);
        let now = reception(&rules, None).unwrap().do_not_disturb.unwrap();
        assert_eq!((now.status.code(), now.when), (486, None));
        ReceptionWish::DoNotDisturb(false).change(&mut rules);
        let at_hours = reception(&rules, None).unwrap().do_not_disturb.unwrap();
        assert!(at_hours.when.is_some());
        ReceptionWish::ForwardAlways(Some("1002".into())).change(&mut rules);
        ReceptionWish::ForwardAlways(None).change(&mut rules);
        assert!(!rules.forward_always.on && rules.forward_always.to == "1002");
    }
}
