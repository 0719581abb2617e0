//! What the faces ask for, and what the other threads answer.

use std::sync::Arc;

use super::accounts::account_config;
use super::driver::Driver;
use super::event::Event;
use super::media::MediaReport;
use super::snapshot::{CallPhase, CallView, Notice, SecretFault, SecretsView};
use super::{Command, clock};
use crate::agent::{self, AccountId, CallId};
use crate::jitter::DelayBounds;
use crate::media::plan::{MediaCommand, MediaId};
use crate::media::recording::Format;
use crate::media::tones::Tone;
use crate::redact::Secret;
use crate::store::{
    AccountSettings, Answer, LineSettings, Order, SecretError, SecretPlace, Settings,
};

impl Driver {
    /// Asks the keyring for the passwords of the accounts in the settings.
    pub(super) fn recall_accounts(&mut self) {
        let Some((_, settings)) = &self.settings else {
            return;
        };
        self.picture.snapshot.secrets.place = settings.secrets;
        for account in &settings.accounts {
            // It is shown before its password is found: a keyring may ask the person first.
            if let Ok(config) = account_config(account, None) {
                self.picture.add_account(&config);
                self.picture.written(config.id, account);
            }
            // The queue is longer than anybody has accounts; one that does not fit comes with
            // the next start.
            let _ = self.store.give(Order::Find {
                account: account.id,
            });
        }
    }

    pub(super) fn command(&mut self, command: Command) {
        match command {
            Command::Phone(command) => self.phone(command),
            Command::PhoneAll(commands) => {
                for command in commands {
                    self.phone(command);
                }
            }
            Command::Dial { account, target } => {
                let call = self.new_call();
                self.phone(agent::Command::Dial {
                    account,
                    call,
                    target,
                });
            }
            Command::DialAnonymously { account, target } => {
                let call = self.new_call();
                self.phone(agent::Command::DialAnonymously {
                    account,
                    call,
                    target,
                });
            }
            Command::Beep => self.beep(),
            Command::Reception { account, wish } => self.receive(account, &wish),
            Command::SaveAccount { settings, password } => self.save_account(*settings, password),
            Command::UseAccount { settings, password } => {
                self.borrow_account(*settings, password);
            }
            Command::KeepPasswords { place, passphrase } => self.keep_passwords(place, passphrase),
            Command::ForgetAccount(id) => self.forget_account(id),
            Command::PickUp(watch) => {
                let call = self.new_call();
                self.phone(agent::Command::PickUp { watch, call });
            }
            Command::SetTeam { account, watched } => self.set_team(account, watched),
            Command::SetAvailability(availability) => self.set_availability(availability),
            Command::Dismiss(call) => {
                self.after = None;
                self.ring();
                self.picture.dismiss(call);
                self.dirty = true;
            }
            Command::DismissNotice => {
                self.picture.dismiss_notice();
                self.dirty = true;
            }
            Command::SelectDevices { input, output } => {
                self.change_settings(|settings| {
                    settings.input_device.clone_from(&input);
                    settings.output_device.clone_from(&output);
                });
                if let Err(error) = self.media.select_devices(input, output) {
                    tracing::warn!("devices not changed: {error}");
                }
                self.look_for_devices();
            }
            Command::SelectRingDevice(device) => self.select_ring_device(device),
            Command::WatchDevices(shown) => self.show_devices(shown),
            Command::SetLoudness(loudness) => self.set_loudness(loudness),
            Command::TestSound(test) => self.test_sound(test),
            Command::Consult { call, target } => self.consult(call, target),
            Command::Silence(call) => {
                self.picture.silenced(call);
                self.dirty = true;
                self.ring();
            }
            Command::Join { call, other } => self.join(call, other),
            Command::Split(call) => self.split(call),
            Command::Confer { call, conference } => {
                let media = MediaId(call.0);
                self.order_media(MediaCommand::Confer { media, conference });
            }
            Command::Feed { call, feed } => {
                let media = MediaId(call.0);
                self.order_media(MediaCommand::Feed { media, feed });
            }
            Command::Record { call, path, sides } => {
                let format = Format::of(&path);
                self.order_media(MediaCommand::Record {
                    media: MediaId(call.0),
                    path,
                    format,
                    sides,
                });
            }
            Command::RecordCall(call) => self.record_call(call),
            Command::SetRecording(recording) => self.set_recording(recording),
            Command::StopRecording(call) => self.stop_recording(call),
            Command::Chat(wish) => self.chat_wish(wish),
            Command::Sound(wish) => self.sound_wish(wish),
            Command::SetVoice(voice) => {
                self.change_settings(|settings| settings.voice = voice);
                if let Err(error) = self.media.set_voice(voice) {
                    tracing::warn!("voice not changed: {error}");
                }
                self.picture.voice(voice);
                self.dirty = true;
            }
            Command::SetLanguage(language) => {
                self.change_settings(|settings| settings.language = language);
            }
            Command::SetTheme(theme) => self.change_settings(|settings| settings.theme = theme),
            Command::SetLine(line) => {
                self.change_settings(|settings| settings.line = line);
                self.use_line(line);
            }
            Command::Quit => self.phone(agent::Command::Shutdown),
        }
    }

    /// A name for a call that we make.
    pub(super) fn new_call(&mut self) -> CallId {
        let call = CallId(self.next_call);
        self.next_call += 1;
        call
    }

    pub(super) fn phone(&mut self, command: agent::Command) {
        if let agent::Command::Answer(call) | agent::Command::Resume(call) = &command {
            self.make_room_for(*call);
        }
        self.hand_over(command.clone());
        self.bring_along(&command);
    }

    /// Hands a wish to the agent as it is.
    pub(super) fn hand_over(&mut self, command: agent::Command) {
        match &command {
            agent::Command::AddAccount(config) => {
                self.use_terms(config);
                self.picture.add_account(config);
            }
            agent::Command::RemoveAccount(id) => self.picture.remove_account(*id),
            agent::Command::SetMuted { call, muted } => self.picture.muted(*call, *muted),
            agent::Command::SendDtmf { call, digits } => {
                self.picture.digits_sent(*call, digits);
                self.hear_own_keys(digits);
            }
            _ => {}
        }
        self.dirty = true;
        self.agent.handle_command(clock::now(), command);
    }

    /// Has calls from now on go over the network so.
    pub(super) fn use_line(&mut self, line: LineSettings) {
        self.picture.line(line);
        self.phone(agent::Command::SetSending {
            ptime: line.ptime(),
            silence_suppression: line.silence_suppression,
            resend: line.resend,
        });
        let delay = DelayBounds::within(line.start_delay(), line.max_delay());
        if let Err(error) = self.media.bound_delay(delay) {
            tracing::warn!("bounds of the delay not changed: {error}");
        }
    }

    fn save_account(&mut self, mut written: AccountSettings, password: Option<Secret<String>>) {
        match &mut self.settings {
            Some((_, settings)) => {
                // Its rules for incoming calls, and whom it watches, are changed elsewhere, perhaps
                // since it was opened.
                let mut known = settings.accounts.iter();
                if let Some(known) = known.find(|known| known.id == written.id) {
                    written.reception.clone_from(&known.reception);
                    written.watched.clone_from(&known.watched);
                }
                written.id = settings.put_account(written.clone());
            }
            None => written.id = written.id.max(1),
        }
        self.save_settings();
        if let Some(password) = password {
            self.passwords.insert(written.id, password.clone());
            let order = Order::Put {
                account: written.id,
                password,
            };
            if self.store.give(order).is_err() {
                self.notice(Notice::PasswordNotKept);
            }
        }
        self.use_account(&written);
    }

    fn keep_passwords(&mut self, place: SecretPlace, passphrase: Option<Secret<String>>) {
        self.picture.snapshot.secrets.fault = None;
        self.dirty = true;
        let order = Order::Choose { place, passphrase };
        if self.store.give(order).is_err() {
            self.notice(Notice::PasswordNotKept);
        }
    }

    /// What is known goes to the new place; what is not may be there.
    fn passwords_placed(&mut self, place: SecretPlace, outcome: Result<(), SecretError>) {
        self.dirty = true;
        if let Err(error) = outcome {
            tracing::info!("passwords stay where they were: {error:#}");
            let fault = match error {
                SecretError::WrongPassphrase | SecretError::Locked => SecretFault::WrongPassphrase,
                SecretError::Damaged => SecretFault::Damaged,
                SecretError::File(_) => SecretFault::NotWritten,
                _ => SecretFault::NoKeyring,
            };
            self.picture.snapshot.secrets.fault = Some(fault);
            return;
        }
        self.picture.snapshot.secrets = SecretsView {
            place,
            locked: false,
            fault: None,
        };
        self.change_settings(|settings| settings.secrets = place);
        let accounts = self.settings.iter().flat_map(|(_, it)| &it.accounts);
        let accounts: Vec<u32> = accounts.map(|account| account.id).collect();
        for account in accounts {
            let order = match self.passwords.get(&account).cloned() {
                Some(password) => Order::Put { account, password },
                None => Order::Find { account },
            };
            if self.store.give(order).is_err() {
                self.notice(Notice::PasswordNotKept);
            }
        }
    }

    /// Uses an account without writing it down.
    fn borrow_account(&mut self, mut settings: AccountSettings, password: Secret<String>) {
        // Numbers of written accounts grow from one; these fall from the other end.
        settings.id = self.picture.free_account_below(u32::MAX);
        match account_config(&settings, Some(password)) {
            Ok(config) => {
                let id = config.id;
                self.phone(agent::Command::AddAccount(Box::new(config)));
                // Whoever edits it makes an account of their own.
                settings.id = 0;
                self.picture.written(id, &settings);
                self.use_team(id, &settings);
            }
            Err(error) => {
                tracing::debug!("account not used: {error}");
                self.notice(Notice::AccountUnusable);
            }
        }
    }

    fn use_account(&mut self, written: &AccountSettings) {
        let password = self.passwords.get(&written.id).cloned();
        match account_config(written, password) {
            Ok(config) => {
                self.phone(agent::Command::AddAccount(Box::new(config)));
                self.picture.written(AccountId(written.id), written);
                self.send_unsent();
                self.use_team(AccountId(written.id), written);
            }
            Err(error) => {
                tracing::debug!("account not used: {error}");
                self.notice(Notice::AccountUnusable);
            }
        }
    }

    fn forget_account(&mut self, id: AccountId) {
        self.change_settings(|settings| settings.remove_account(id.0));
        self.passwords.remove(&id.0);
        // A password that stays behind is warned of by the store.
        let _ = self.store.give(Order::Remove { account: id.0 });
        self.phone(agent::Command::RemoveAccount(id));
        self.forget_chats(id);
        self.forget_team(id);
    }

    pub(super) fn change_settings(&mut self, change: impl FnOnce(&mut Settings)) {
        if let Some((_, settings)) = &mut self.settings {
            change(settings);
        }
        self.save_settings();
    }

    pub(super) fn has_accounts(&self) -> bool {
        let settings = self.settings.as_ref();
        settings.is_some_and(|(_, settings)| !settings.accounts.is_empty())
    }

    pub(super) fn save_settings(&mut self) {
        let Some((_, settings)) = &self.settings else {
            return;
        };
        self.dirty = true;
        if self
            .store
            .give(Order::Save(Box::new(settings.clone())))
            .is_err()
        {
            self.notice(Notice::SettingsNotSaved);
        }
    }

    pub(super) fn notice(&mut self, notice: Notice) {
        self.picture.notice(notice);
        self.dirty = true;
    }

    pub(super) fn store_answer(&mut self, answer: Answer) {
        match answer {
            Answer::Saved(Ok(()))
            | Answer::Kept {
                outcome: Ok(()), ..
            } => {}
            Answer::Saved(Err(error)) => {
                tracing::warn!("settings not saved: {error:#}");
                self.notice(Notice::SettingsNotSaved);
            }
            Answer::Kept {
                outcome: Err(error),
                ..
            } => {
                tracing::info!("password kept for this session only: {error:#}");
                self.notice(Notice::PasswordNotKept);
            }
            Answer::Chosen { place, outcome } => self.passwords_placed(place, outcome),
            Answer::Found {
                password: Err(SecretError::Locked),
                ..
            } => {
                // The accounts wait for the passphrase too.
                let secrets = &mut self.picture.snapshot.secrets;
                if !std::mem::replace(&mut secrets.locked, true) {
                    self.notice(Notice::PasswordsLocked);
                }
            }
            Answer::Found { account, password } => {
                match password {
                    Ok(Some(password)) => {
                        self.passwords.insert(account, password);
                    }
                    Ok(None) => {}
                    Err(error) => tracing::info!("no password from the keyring: {error:#}"),
                }
                let written = self.settings.as_ref().and_then(|(_, settings)| {
                    settings
                        .accounts
                        .iter()
                        .find(|written| written.id == account)
                        .cloned()
                });
                if let Some(written) = written {
                    self.use_account(&written);
                }
            }
        }
    }

    /// Takes in what the agent says, and makes it ring.
    pub(super) fn phone_event(&mut self, event: agent::Event) {
        if let agent::Event::Ended { call, .. } = &event {
            self.recording_over(*call);
        }
        self.picture
            .phone_event(clock::now(), clock::unix(), &event);
        self.chat_event(&event);
        self.dirty = true;
        match &event {
            agent::Event::Finished => self.finished = true,
            agent::Event::Account { account, .. } => self.look_at_signalling(*account),
            agent::Event::Digit { call, key, held } => {
                let (call, digit, held) = (*call, *key, *held);
                self.hear_far_key(digit);
                self.tell(Event::Digit { call, digit, held });
                return;
            }
            agent::Event::Incoming { call, .. } => {
                self.after = None;
                if let Some(levels) = self.levels.get(call) {
                    self.picture.levels(*call, Arc::clone(levels));
                }
            }
            agent::Event::Ringing { call } => {
                self.rang.insert(*call);
            }
            agent::Event::Ended { call, end } => {
                self.call_over(*call);
                let calls = self.picture.calls();
                let view = calls.iter().find(|view| view.id == *call);
                self.after = view.and_then(|view| {
                    let tone = self.tone_after(view, end)?;
                    Some((tone, view.account))
                });
                self.levels.remove(call);
                self.rang.remove(call);
                self.heard.remove(call);
            }
            agent::Event::Calling { call, follows, .. } => {
                self.after = None;
                if follows.is_none() {
                    self.make_room_for(*call);
                }
                if let Some(first) = self.consulting.get(call) {
                    self.picture.consults(*call, *first);
                }
            }
            agent::Event::Answered { .. } => self.after = None,
            agent::Event::AnsweredByItself { beep: true, .. } => self.beep(),
            agent::Event::Held { call, by } => self.feed_held(*call, *by, true),
            agent::Event::Resumed { call, by } => self.feed_held(*call, *by, false),
            _ => {}
        }
        self.ring();
        self.tell(Event::Phone(event));
    }

    /// Rings here while a call waits to be taken, or knocks where somebody talks already; sounds
    /// the ringback tone while it rings there and the far side sends no sound of its own, and for a
    /// while why a call came to nothing.
    fn ring(&mut self) {
        let calls = self.picture.calls();
        let account_of = |wanted: &dyn Fn(&CallView) -> bool| {
            let found = calls.iter().find(|call| wanted(call));
            found.map(|call| call.account)
        };
        let talks = calls.iter().any(|call| call.phase == CallPhase::Connected);
        let is_called = |call: &CallView| call.phase == CallPhase::RingingHere && !call.silenced;
        let called = account_of(&is_called);
        let source = calls.iter().find(|call| is_called(call));
        let source = source.and_then(|call| call.origin.source);
        // A promise of early sound is not yet sound (RFC 3960 section 3.2).
        let waits =
            |call: &CallView| matches!(call.phase, CallPhase::RingingThere | CallPhase::EarlyMedia);
        let heard = |call: &CallView| self.heard.contains(&call.id);
        let sounds = if talks && called.is_some() {
            called.map(|account| (Tone::CallWaiting, account))
        } else if talks || calls.iter().any(|call| waits(call) && heard(call)) {
            None
        } else if called.is_some() {
            called.map(|account| (Tone::Ringing, account))
        } else {
            let rings = account_of(&|call| waits(call) && self.rang.contains(&call.id));
            rings.map_or(self.after, |account| Some((Tone::Ringback, account)))
        };
        let tone = sounds.map(|(tone, _)| tone);
        if tone == self.tone {
            return;
        }
        if let Some((_, account)) = sounds {
            self.sound_as_in_country_of(account);
        }
        self.tone = tone;
        if tone == Some(Tone::Ringing) {
            self.ring_as_from(source);
        }
        if let Err(error) = self.media.ring(tone) {
            tracing::warn!("no ring tone: {error}");
        }
    }

    pub(super) fn order_media(&mut self, order: MediaCommand) {
        let opening = match &order {
            MediaCommand::Open { media, .. } => Some(*media),
            MediaCommand::Close { media } => {
                // Also of calls that never were told of: refused before they rang.
                self.levels.remove(&CallId(media.0));
                None
            }
            _ => None,
        };
        self.reaching.note(&order);
        if let Err(error) = self.media.send(order) {
            tracing::error!("an order to the media thread is lost: {error}");
            if let Some(media) = opening {
                self.agent.handle_opened(clock::now(), media, None);
            }
        }
    }

    pub(super) fn media_report(&mut self, report: MediaReport) {
        let call_of = |media: MediaId| CallId(media.0);
        match report {
            MediaReport::Opened {
                media,
                opened,
                levels,
            } => {
                self.levels.insert(call_of(media), Arc::clone(&levels));
                self.picture.levels(call_of(media), levels);
                self.agent.handle_opened(clock::now(), media, Some(opened));
            }
            MediaReport::OpenFailed { media, error } => {
                tracing::warn!("no ports for the sound: {error:#}");
                self.agent.handle_opened(clock::now(), media, None);
            }
            MediaReport::PlanFailed { media, error } => {
                tracing::error!(?media, "a codec cannot be set up: {error:#}");
                self.tell(Event::SoundFailed {
                    call: call_of(media),
                });
                self.hang_up(call_of(media));
            }
            MediaReport::Crashed { media } => {
                tracing::error!(?media, "a defect ended the sound of a call");
                self.tell(Event::SoundFailed {
                    call: call_of(media),
                });
                self.hang_up(call_of(media));
            }
            MediaReport::Quality { media, quality } => {
                let call = call_of(media);
                self.picture.quality(call, quality);
                self.dirty = true;
                let (level_in, level_out) = match self.levels.get(&call) {
                    Some(levels) => (levels.capture(), levels.playout()),
                    None => Default::default(),
                };
                self.tell(Event::Stats {
                    call,
                    quality,
                    level_in,
                    level_out,
                });
            }
            MediaReport::RemoteDtmf {
                media,
                digit,
                duration,
            } => {
                let digit = digit.to_char();
                self.hear_far_key(digit);
                self.tell(Event::Digit {
                    call: call_of(media),
                    digit,
                    held: duration,
                });
            }
            MediaReport::FirstPacketSent { media, at } => {
                self.tell_at(
                    at,
                    Event::FirstPacketSent {
                        call: call_of(media),
                    },
                );
            }
            MediaReport::FirstPacketReceived { media, at } => {
                if self.levels.contains_key(&call_of(media)) {
                    self.heard.insert(call_of(media));
                }
                self.ring();
                self.tell_at(
                    at,
                    Event::FirstPacketReceived {
                        call: call_of(media),
                    },
                );
            }
            MediaReport::NoSound { media, .. } => {
                self.tell(Event::NoSound {
                    call: call_of(media),
                });
            }
            MediaReport::SoundBack { media } => {
                self.tell(Event::SoundBack {
                    call: call_of(media),
                });
            }
            MediaReport::Carried { media, from, .. } => {
                tracing::trace!(?media, %from, "neither RTP nor RTCP: nobody here speaks it");
            }
            MediaReport::PlayStarted { media, at } => {
                self.tell_at(
                    at,
                    Event::PlayStarted {
                        call: call_of(media),
                    },
                );
            }
            MediaReport::RecordStarted { at } => self.tell_at(at, Event::RecordStarted),
            MediaReport::PlayFinished { media } => {
                self.tell(Event::PlayFinished {
                    call: call_of(media),
                });
            }
            MediaReport::DeviceGone { error, .. } => {
                tracing::info!("sound device: {error:#}");
                // What was never there has not gone; the call itself says that it has no sound.
                if self.picture.has_devices() {
                    self.notice_device_gone();
                }
                self.tell(Event::Device { back: false });
                self.look_for_devices();
            }
            MediaReport::DeviceStandsIn { .. } => {
                self.notice_device_gone();
                self.tell(Event::DeviceStandsIn);
            }
            MediaReport::DeviceBack { .. } => {
                self.tell(Event::Device { back: true });
                self.look_for_devices();
            }
            MediaReport::Microphone(state) => self.microphone_changed(state),
            MediaReport::TestEnded => self.test_ended(),
            MediaReport::SoundUnusable { what, path } => {
                tracing::warn!(path = %path.display(), "a sound file cannot be played");
                self.sound_unusable(what);
            }
            MediaReport::ConferenceFull { media } => {
                self.no_seat(call_of(media));
                self.tell(Event::ConferenceFull {
                    call: call_of(media),
                });
            }
            MediaReport::Speaking { media, .. } => {
                self.tell(Event::Speaking {
                    call: call_of(media),
                });
            }
            MediaReport::Voice(report) => {
                self.picture.voice_report(report);
                self.dirty = true;
            }
            MediaReport::RecordFailed { path, why } => self.recording_failed(path, why),
            MediaReport::RecordGaps { path } => {
                tracing::warn!(path = %path.display(), "the recording has holes");
                self.notice(Notice::RecordGaps);
                self.tell(Event::RecordGaps { path });
            }
        }
    }

    fn hang_up(&mut self, call: CallId) {
        self.agent
            .handle_command(clock::now(), agent::Command::HangUp(call));
    }
}
