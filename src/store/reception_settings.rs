//! What becomes of calls that come in, as far as a person decides.

use serde::{Deserialize, Serialize};

/// What the settings file keeps under `[account.reception]`. Holds for calls from then on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReceptionSettings {
    /// What is done about callers who are not on the list.
    #[serde(skip_serializing_if = "is_usual")]
    pub strangers: StrangersChoice,
    /// Whether a call may ask to be answered without a person.
    #[serde(skip_serializing_if = "is_usual")]
    pub intercom: IntercomChoice,
    /// The list: numbers in any writing, or `user@host`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<String>,
    /// No call rings.
    #[serde(skip_serializing_if = "is_usual")]
    pub do_not_disturb: UndisturbedSettings,
    /// Every call goes elsewhere.
    #[serde(skip_serializing_if = "is_usual")]
    pub forward_always: ForwardSettings,
    /// Those go elsewhere that come while another is under way.
    #[serde(skip_serializing_if = "is_usual")]
    pub forward_busy: ForwardSettings,
    /// Those go elsewhere that nobody takes.
    #[serde(skip_serializing_if = "is_usual")]
    pub forward_no_answer: ForwardSettings,
    /// Calls are answered without a person.
    #[serde(skip_serializing_if = "is_usual")]
    pub auto_answer: AutoAnswerSettings,
}

impl ReceptionSettings {
    /// Whether nothing was decided.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        is_usual(self)
    }
}

/// No call rings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UndisturbedSettings {
    /// It holds now, until the person says otherwise.
    pub on: bool,
    /// Callers hear that the line is busy (486), not that nobody is there (480).
    pub as_busy: bool,
    /// It holds at these hours, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<TimetableSettings>,
}

/// Calls go elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ForwardSettings {
    /// It holds; else the rest waits for the next time.
    pub on: bool,
    /// Number or address, as typed.
    pub to: String,
    /// After how many seconds, where nobody takes the call; `None`: 20.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_s: Option<u16>,
    /// When; `None`: always.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<TimetableSettings>,
}

impl ForwardSettings {
    /// How long a call rings before it goes elsewhere, in seconds.
    #[must_use]
    pub fn seconds(&self) -> u16 {
        self.after_s.unwrap_or(20)
    }
}

/// Calls are answered without a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AutoAnswerSettings {
    /// They are.
    pub on: bool,
    /// After how many seconds.
    pub after_s: u16,
    /// It is heard that the microphone is open.
    pub beep: bool,
}

impl Default for AutoAnswerSettings {
    fn default() -> Self {
        AutoAnswerSettings {
            on: false,
            after_s: 0,
            beep: true,
        }
    }
}

/// Days of the week, and from when to when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimetableSettings {
    /// 1 is Monday, 7 is Sunday. Over midnight: the day on which it begins.
    pub days: Vec<u8>,
    /// `08:00`.
    pub from: String,
    /// `18:00`; before `from`: of the next day.
    pub to: String,
}

impl Default for TimetableSettings {
    fn default() -> Self {
        TimetableSettings {
            days: vec![1, 2, 3, 4, 5],
            from: "08:00".into(),
            to: "18:00".into(),
        }
    }
}

/// Whether a call may ask to be answered without a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IntercomChoice {
    /// No.
    #[default]
    Never,
    /// From the account's own server, by who is on the list.
    Known,
    /// Whoever asks.
    Always,
}

/// What is done about callers who are not on the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StrangersChoice {
    /// It rings.
    #[default]
    Ring,
    /// It is shown and not heard.
    Silent,
    /// They hear that nobody is there.
    Decline,
}

fn is_usual<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::AccountSettings;

    #[test]
    fn a_file_without_rules_has_none_and_rules_come_back_as_they_were_saved() {
        let usual = AccountSettings::default();
        assert!(usual.reception.is_usual());
        let text = toml::to_string_pretty(&usual).unwrap();
        assert!(!text.contains("reception"), "{text}");
        let mut account = AccountSettings {
            address: "1001@pbx.example".into(),
            ..AccountSettings::default()
        };
        let rules = &mut account.reception;
        rules.strangers = StrangersChoice::Silent;
        rules.known = vec!["1005".into()];
        rules.do_not_disturb.on = true;
        rules.do_not_disturb.when = Some(TimetableSettings::default());
        rules.forward_no_answer = ForwardSettings {
            on: true,
            to: "1002".into(),
            after_s: Some(15),
            when: None,
        };
        let text = toml::to_string_pretty(&account).unwrap();
        let read: AccountSettings = toml::from_str(&text).unwrap();
        assert_eq!(read, account, "{text}");
    }

    #[test]
    fn rules_may_be_written_by_hand_as_far_as_they_matter() {
        let text = "address = \"1@h\"\n[reception]\nintercom = \"known\"\n\
                    [reception.forward_no_answer]\non = true\nto = \"1002\"\n";
        let read: AccountSettings = toml::from_str(text).unwrap();
        assert_eq!(read.reception.intercom, IntercomChoice::Known);
        let forward = &read.reception.forward_no_answer;
        assert!(forward.on && forward.to == "1002" && forward.seconds() == 20);
        assert!(!read.reception.do_not_disturb.on);
    }
}
