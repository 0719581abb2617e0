//! What the phone sounds like: ring tone, tones of the line, keys, music on hold.

use super::driver::Driver;
use super::media::{RingSound, Unusable};
use super::snapshot::{CallView, Direction, Notice, SoundView};
use crate::agent::{AccountId, AlertSource, CallEnd, CallId, EndCause, Side};
use crate::dsp::progress::Country;
use crate::media::music::HoldMusic;
use crate::media::plan::{Feed, MediaCommand, MediaId};
use crate::media::tones::Tone;
use crate::store::SoundSettings;

/// A person's wish about sounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SoundWish {
    /// The ring tone: the name of one of ours, or the path of a WAV file.
    Ringtone(String),
    /// The same for calls that the server says are from outside; `None`: as all.
    RingtoneOutside(Option<String>),
    /// How loud it rings, 0 to 100 %.
    RingVolume(u8),
    /// Let it be heard once.
    PlayRingtone,
    /// The country whose tones are heard, two letters; `None`: the system's.
    Tones(Option<String>),
    /// Hear the keys that are pressed here.
    KeyTones(bool),
    /// Hear the keys that are pressed on the far side.
    ReceivedKeyTones(bool),
    /// `off`, `built-in`, or the path of a WAV file.
    HoldMusic(String),
}

impl Driver {
    fn sounds(&self) -> SoundSettings {
        let settings = self.settings.as_ref();
        settings.map_or_else(SoundSettings::unattended, |(_, settings)| {
            settings.sounds.clone()
        })
    }

    /// As the settings say, from the beginning.
    pub(super) fn begin_sounds(&mut self) {
        let sounds = self.sounds();
        self.media.set_ring_volume(sounds.ring_volume);
        self.media.set_country(self.country);
        if let Some((_, settings)) = &self.settings {
            self.media.select_ring_device(settings.ring_device.clone());
            self.picture.ring_device(settings.ring_device.clone());
        }
        if RingSound::of_setting(&sounds.ringtone) != RingSound::default() {
            self.load_ring(&sounds.ringtone);
        }
        self.show_sounds();
    }

    pub(super) fn sound_wish(&mut self, wish: SoundWish) {
        let changed = wish != SoundWish::PlayRingtone;
        let mut sounds = self.sounds();
        match wish {
            SoundWish::Ringtone(name) => {
                self.load_ring(&name);
                sounds.ringtone = name;
            }
            SoundWish::RingtoneOutside(name) => sounds.ringtone_outside = name,
            SoundWish::RingVolume(percent) => {
                sounds.ring_volume = percent.min(100);
                self.media.set_ring_volume(sounds.ring_volume);
            }
            SoundWish::PlayRingtone => {
                self.media
                    .load_ring(RingSound::of_setting(&sounds.ringtone), true);
            }
            SoundWish::Tones(code) => {
                sounds.tones = code;
            }
            SoundWish::KeyTones(on) => sounds.key_tones = on,
            SoundWish::ReceivedKeyTones(on) => sounds.received_key_tones = on,
            SoundWish::HoldMusic(name) => {
                let music = HoldMusic::of_setting(&name);
                // Whether a file can be played is told at once; ours is made when it is wanted.
                self.hold_music_loaded = matches!(music, HoldMusic::File(_));
                if self.hold_music_loaded {
                    self.media.load_hold_music(music);
                }
                sounds.hold_music = name;
            }
        }
        if changed {
            self.change_settings(|settings| settings.sounds = sounds);
            self.show_sounds();
        }
    }

    fn load_ring(&mut self, name: &str) {
        name.clone_into(&mut self.ringtone);
        self.media.load_ring(RingSound::of_setting(name), false);
    }

    /// What rings next is the tone for calls from there.
    pub(super) fn ring_as_from(&mut self, source: Option<AlertSource>) {
        let sounds = self.sounds();
        let name = ringtone_for(&sounds, source);
        if RingSound::of_setting(&self.ringtone) != RingSound::of_setting(name) {
            self.load_ring(name);
        }
    }

    /// The next tone is as in the country that this account's calls are to sound like.
    pub(super) fn sound_as_in_country_of(&mut self, account: AccountId) {
        let country = self.country(account);
        if std::mem::replace(&mut self.country, country) != country {
            self.media.set_country(country);
        }
    }

    fn country(&self, account: AccountId) -> &'static Country {
        let general = self.sounds().tones;
        let chosen = [self.picture.tones_of(account), general.as_deref()];
        first_known(chosen).unwrap_or(self.home)
    }

    fn show_sounds(&mut self) {
        let settings = self.sounds();
        self.picture.sounds(SoundView {
            settings,
            home: self.home,
        });
        self.dirty = true;
    }

    /// Lets the person hear the digits that are sent.
    pub(super) fn hear_own_keys(&self, digits: &str) {
        if self.sounds().key_tones {
            digits.chars().for_each(|key| self.media.press_key(key));
        }
    }

    /// Lets the person hear a key of the far side.
    pub(super) fn hear_far_key(&self, key: char) {
        if self.sounds().received_key_tones {
            self.media.press_key(key);
        }
    }

    /// A call held by this side hears the music, if there is any, and the person again when it is
    /// resumed.
    pub(super) fn feed_held(&mut self, call: CallId, by: Side, held: bool) {
        let music = HoldMusic::of_setting(&self.sounds().hold_music);
        if by != Side::Local || music == HoldMusic::Off {
            return;
        }
        if held && !std::mem::replace(&mut self.hold_music_loaded, true) {
            self.media.load_hold_music(music);
        }
        let feed = if held {
            Feed::HoldMusic
        } else {
            Feed::Microphone
        };
        let media = MediaId(call.0);
        self.order_media(MediaCommand::Feed { media, feed });
    }

    /// What is heard after a call that came to nothing: nothing, where the network has said it
    /// already in a sound of its own.
    pub(super) fn tone_after(&self, call: &CallView, end: &CallEnd) -> Option<Tone> {
        let silent = call.direction == Direction::Incoming
            || call.answered_at.is_some()
            || self.heard.contains(&call.id)
            || end.by == Side::Local;
        if silent {
            return None;
        }
        tone_of(end.cause)
    }

    pub(super) fn sound_unusable(&mut self, what: Unusable) {
        self.notice(match what {
            Unusable::Ringtone => Notice::RingtoneUnusable,
            Unusable::HoldMusic => Notice::HoldMusicUnusable,
        });
    }
}

/// The tone for calls from there.
fn ringtone_for(sounds: &SoundSettings, source: Option<AlertSource>) -> &str {
    let outside = sounds.ringtone_outside.as_deref();
    match source {
        Some(AlertSource::External) => outside.unwrap_or(&sounds.ringtone),
        Some(AlertSource::Internal) | None => &sounds.ringtone,
    }
}

/// The first of these countries that there are tones of.
fn first_known(codes: [Option<&str>; 2]) -> Option<&'static Country> {
    codes.into_iter().flatten().find_map(Country::by_code)
}

/// The tone that says why a call ended before it was answered.
fn tone_of(cause: EndCause) -> Option<Tone> {
    match cause {
        EndCause::Busy | EndCause::Declined => Some(Tone::Busy),
        EndCause::NotFound => Some(Tone::Information),
        EndCause::Unavailable
        | EndCause::NoCommonCodec
        | EndCause::NotEncrypted
        | EndCause::Forbidden
        | EndCause::HostNotFound
        | EndCause::Unreachable
        | EndCause::NotSecured
        | EndCause::TimedOut
        | EndCause::ServerTrouble
        | EndCause::Refused => Some(Tone::Congestion),
        EndCause::HungUp
        | EndCause::Transferred
        | EndCause::Replaced
        | EndCause::Cancelled
        | EndCause::AnsweredElsewhere
        | EndCause::DeclinedElsewhere
        | EndCause::Forwarded
        | EndCause::DoNotDisturb
        | EndCause::NoAnswer
        | EndCause::WrongPassword
        | EndCause::PasswordNeeded
        | EndCause::WeakDigest
        | EndCause::ForeignServer
        | EndCause::Unencrypted
        | EndCause::NoMedia
        | EndCause::Redirected
        | EndCause::NotAcknowledged => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accounts_country_goes_before_that_of_all() {
        let code = |own, general| first_known([own, general]).map(|country| country.code);
        assert_eq!(code(Some("AR"), Some("ES")), Some("AR"));
        assert_eq!(code(None, Some("ES")), Some("ES"));
        assert_eq!(code(Some("??"), Some("ES")), Some("ES"));
        assert_eq!(code(None, None), None);
    }

    #[test]
    fn calls_from_outside_may_ring_differently() {
        let (inside, outside) = (Some(AlertSource::Internal), Some(AlertSource::External));
        let mut sounds = SoundSettings::default();
        assert_eq!(ringtone_for(&sounds, outside), "soft");
        sounds.ringtone_outside = Some("bell".into());
        assert_eq!(ringtone_for(&sounds, outside), "bell");
        assert_eq!(ringtone_for(&sounds, inside), "soft");
        assert_eq!(ringtone_for(&sounds, None), "soft");
    }

    #[test]
    fn a_busy_line_sounds_busy_and_a_number_that_is_none_sounds_so() {
        assert_eq!(tone_of(EndCause::Busy), Some(Tone::Busy));
        assert_eq!(tone_of(EndCause::NotFound), Some(Tone::Information));
        assert_eq!(tone_of(EndCause::ServerTrouble), Some(Tone::Congestion));
        assert_eq!(tone_of(EndCause::Cancelled), None);
    }
}
