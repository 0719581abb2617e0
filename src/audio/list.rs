//! The devices of a computer as data, and what a person's choice comes to among them.

/// One microphone or speaker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// What a person calls it; also what they choose it by.
    pub name: String,
    /// What the sound system calls it; also accepted when choosing.
    pub id: String,
    /// Which sound system it was found through: `PulseAudio`, `ALSA`, `WASAPI`, `CoreAudio`.
    pub host: &'static str,
    /// The system's default.
    pub is_default: bool,
    /// No microphone: it hears what a speaker plays. Only for whoever asks for it by name.
    pub is_monitor: bool,
}

/// The devices of this computer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceList {
    /// Microphones.
    pub inputs: Vec<DeviceInfo>,
    /// Speakers.
    pub outputs: Vec<DeviceInfo>,
}

/// Which way sound goes through a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// A microphone.
    Input,
    /// A speaker.
    Output,
}

/// What a stream was opened on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The sound system.
    pub host: &'static str,
    /// The device; `None` where the sound system itself follows its default.
    pub id: Option<String>,
    /// The chosen device was not there: this is the default in its place.
    pub stands_in: bool,
}

impl DeviceInfo {
    /// Whether a person or a script means this one.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.id == name
    }

    /// Whether the sound system moves a stream when its default changes.
    fn is_followed(&self) -> bool {
        self.host == "PulseAudio"
    }
}

impl DeviceList {
    /// The devices of one direction.
    #[must_use]
    pub fn devices(&self, direction: Direction) -> &[DeviceInfo] {
        match direction {
            Direction::Input => &self.inputs,
            Direction::Output => &self.outputs,
        }
    }

    /// Where a stream would be opened: the device of that name or id, else the default one.
    /// `None`: nowhere. A speaker's monitor is not a microphone unless it is chosen: the far
    /// side would hear itself.
    #[must_use]
    pub fn place(&self, choice: Option<&str>, direction: Direction) -> Option<Place> {
        let devices = self.devices(direction);
        let chosen = choice.and_then(|name| devices.iter().find(|device| device.is_called(name)));
        if let Some(device) = chosen {
            return Some(Place {
                host: device.host,
                id: Some(device.id.clone()),
                stands_in: false,
            });
        }
        let default = devices
            .iter()
            .find(|device| device.is_default && !device.is_monitor)?;
        Some(Place {
            host: default.host,
            id: (!default.is_followed()).then(|| default.id.clone()),
            stands_in: choice.is_some(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(name: &str, host: &'static str, is_default: bool) -> DeviceInfo {
        DeviceInfo {
            name: name.to_uppercase(),
            id: name.to_owned(),
            host,
            is_default,
            is_monitor: name.ends_with(".monitor"),
        }
    }

    fn check(devices: &[DeviceInfo], choice: Option<&str>, expected: Option<(Option<&str>, bool)>) {
        let list = DeviceList {
            inputs: devices.to_vec(),
            outputs: Vec::new(),
        };
        let place = list.place(choice, Direction::Input);
        let got = place
            .as_ref()
            .map(|place| (place.id.as_deref(), place.stands_in));
        assert_eq!(got, expected);
        assert_eq!(list.place(choice, Direction::Output), None);
    }

    #[test]
    fn a_choice_is_taken_by_name_or_id_and_the_default_stands_in_for_what_is_missing() {
        let card = [
            device("desk", "ALSA", true),
            device("headset", "ALSA", false),
        ];
        check(&card, None, Some((Some("desk"), false)));
        check(&card, Some("headset"), Some((Some("headset"), false)));
        check(&card, Some("HEADSET"), Some((Some("headset"), false)));
        check(&card, Some("radio"), Some((Some("desk"), true)));
        check(&[], Some("radio"), None);
    }

    #[test]
    fn a_server_that_moves_streams_is_left_to_follow_its_default() {
        let server = [device("desk", "PulseAudio", true)];
        check(&server, None, Some((None, false)));
        check(&server, Some("desk"), Some((Some("desk"), false)));
        check(&server, Some("radio"), Some((None, true)));
    }

    #[test]
    fn what_a_speaker_plays_is_no_microphone_unless_it_is_chosen() {
        let only = [device("desk.monitor", "PulseAudio", true)];
        check(&only, None, None);
        check(
            &only,
            Some("desk.monitor"),
            Some((Some("desk.monitor"), false)),
        );
    }
}
