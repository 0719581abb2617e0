//! Keys pressed in a call: as telephone events (RFC 4733) or tones by the media thread, or in INFO
//! one after the other (RFC 6086 names the method; its bodies for keys are the vendors').

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::asking::Outcome;
use super::{Agent, CallId, Event, Refused, is_dtmf, requests};
use crate::events::dtmf_info::{DIGIT_MEDIA_TYPE, DtmfInfo, DtmfSignal, RELAY_MEDIA_TYPE};
use crate::media::plan::MediaCommand;
use crate::sip::transaction::ServerKey;
use crate::sip::{HeaderName, Headers, Method, Request, StatusCode};

/// How keys go to the far side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DigitsBy {
    /// As telephone events where they were agreed on, else in INFO where the far side takes it, else
    /// as tones.
    #[default]
    Agreed,
    /// As `application/dtmf-relay` in INFO; as [`DigitsBy::Agreed`] says where INFO is refused.
    Info,
    /// As `application/dtmf` in INFO, which says the key alone.
    ShortInfo,
    /// As tones in the sound. Telephone events are neither offered nor taken.
    Tones,
}

impl DigitsBy {
    /// All of them, the usual one first.
    pub const ALL: [DigitsBy; 4] = [
        DigitsBy::Agreed,
        DigitsBy::Info,
        DigitsBy::ShortInfo,
        DigitsBy::Tones,
    ];

    /// The name in settings and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            DigitsBy::Agreed => "agreed",
            DigitsBy::Info => "info",
            DigitsBy::ShortInfo => "short-info",
            DigitsBy::Tones => "tones",
        }
    }

    /// The one with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<DigitsBy> {
        DigitsBy::ALL.into_iter().find(|by| by.as_str() == name)
    }
}

/// Keys that may be pressed at a time, and wait for their INFO.
pub(super) const MAX_DIGITS: usize = 64;

/// How long a key is said to be held.
const HELD: Duration = Duration::from_millis(160);

/// What an answered call knows of keys.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// Telephone events were agreed on.
    pub(super) events: bool,
    /// The far side takes INFO, as its Allow says.
    info: bool,
    /// An INFO with a key was refused: no further one is sent.
    refused: bool,
    /// Keys that wait for the answer to the INFO before theirs; the first one is that INFO's.
    waiting: VecDeque<char>,
}

impl Keys {
    /// What the far side says of itself when the call is answered.
    pub(super) fn of(headers: &Headers) -> Keys {
        Keys {
            info: requests::allows(headers, &Method::Info).unwrap_or(false),
            ..Keys::default()
        }
    }
}

impl Agent {
    /// Keys are pressed in a call; what is no key is left out.
    pub(super) fn send_digits(
        &mut self,
        now: Instant,
        call: CallId,
        digits: &str,
    ) -> Result<(), Refused> {
        let digits = digits.chars().map(|c| c.to_ascii_uppercase());
        let digits: String = digits.filter(|c| is_dtmf(*c)).take(MAX_DIGITS).collect();
        let wish = self.digits_by(call);
        if let Some(e) = self.established(call) {
            let keys = &mut e.keys;
            let by_info = match wish {
                DigitsBy::Agreed => keys.info && !keys.events,
                DigitsBy::Info | DigitsBy::ShortInfo => true,
                DigitsBy::Tones => false,
            };
            if by_info && !keys.refused {
                let idle = keys.waiting.is_empty();
                let room = MAX_DIGITS - keys.waiting.len();
                keys.waiting.extend(digits.chars().take(room));
                if idle {
                    self.send_key(now, call);
                }
                return Ok(());
            }
        }
        self.with_media(call, |media| MediaCommand::SendDtmf { media, digits })
    }

    fn digits_by(&self, call: CallId) -> DigitsBy {
        let account = self.calls.get(&call).map(|call| call.account);
        let account = account.and_then(|account| self.accounts.get(&account));
        account.map_or_else(DigitsBy::default, |account| account.config.digits)
    }

    /// The INFO of the key that is first.
    fn send_key(&mut self, now: Instant, call: CallId) {
        let short = self.digits_by(call) == DigitsBy::ShortInfo;
        let keys = self.established(call).map(|e| &e.keys);
        let Some(key) = keys.and_then(|keys| keys.waiting.front().copied()) else {
            return;
        };
        let info = DtmfInfo::new(DtmfSignal::Key(key), HELD);
        self.ask(now, call, Method::Info, |request| {
            if short {
                request.set_body(DIGIT_MEDIA_TYPE, info.to_digit());
            } else {
                request.set_body(RELAY_MEDIA_TYPE, info.to_relay());
            }
        });
    }

    /// An INFO of ours has its answer, or none.
    pub(super) fn key_ended(&mut self, now: Instant, call: CallId, outcome: Outcome<'_>) {
        let Some(e) = self.established(call) else {
            return;
        };
        if matches!(outcome, Outcome::Answered(response) if response.status.is_success()) {
            e.keys.waiting.pop_front();
            self.send_key(now, call);
            return;
        }
        // The far side does not take it: the key that it did not get, and those behind it, go the
        // way of the sound.
        e.keys.refused = true;
        let digits: String = e.keys.waiting.drain(..).collect();
        // The call is there: it was found above.
        let _ = self.with_media(call, |media| MediaCommand::SendDtmf { media, digits });
    }

    /// INFO came: a key, or something that is not for us.
    pub(super) fn info_came(&mut self, now: Instant, server: &ServerKey, info: &Request) {
        let Some(call) = self.call_of_dialog(info) else {
            self.answer_request(now, server, info, StatusCode::CALL_DOES_NOT_EXIST);
            return;
        };
        let checked = self
            .established(call)
            .map_or(Ok(()), |e| e.dialog.check_incoming(info));
        if let Err(status) = checked {
            self.answer_request(now, server, info, status);
            return;
        }
        let known = info.headers.content_type().is_some_and(|body| {
            body.is("application", "dtmf-relay") || body.is("application", "dtmf")
        });
        // An empty one asks whether we are there (RFC 2976 section 2.2).
        if !info.body.is_empty() && !known {
            let mut response = self.reply(info, StatusCode::UNSUPPORTED_MEDIA_TYPE, None);
            let accepted = format!("{RELAY_MEDIA_TYPE}, {DIGIT_MEDIA_TYPE}");
            response.headers.set(HeaderName::ACCEPT, accepted);
            self.respond(now, server, response);
            return;
        }
        let pressed = (!info.body.is_empty()).then(|| DtmfInfo::parse(&info.body));
        let status = match pressed {
            Some(None) => StatusCode::BAD_REQUEST,
            Some(Some(_)) | None => StatusCode::OK,
        };
        self.answer_request(now, server, info, status);
        if let Some(Some(DtmfInfo {
            signal: DtmfSignal::Key(key),
            duration,
        })) = pressed
        {
            self.event(Event::Digit {
                call,
                key,
                held: duration,
            });
        }
    }
}
