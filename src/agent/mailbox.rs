//! Messages waiting that a registrar tells of unasked, as many PBXs do behind each REGISTER (RFC
//! 3842 section 4.2 knows only what was asked for).

use std::time::Instant;

use super::account::Account;
use super::addressee::Addressee;
use super::{Agent, Event};
use crate::events::message_summary::{self, MessageSummary};
use crate::sip::transaction::{Peer, ServerKey};
use crate::sip::{HeaderName, Request, StatusCode};

impl Agent {
    /// NOTIFY outside any dialog. All but what an account's own registrar says of messages waiting
    /// is refused: anybody could light the lamp otherwise.
    pub(super) fn unsolicited_came(
        &mut self,
        now: Instant,
        key: &ServerKey,
        notify: &Request,
        from: &Peer,
    ) {
        let event = notify.headers.event();
        let of_messages = event.is_ok_and(|event| event.package == message_summary::PACKAGE);
        if !of_messages {
            self.answer_request(now, key, notify, StatusCode::BAD_EVENT);
            return;
        }
        let account = match self.addressee(notify, from) {
            Addressee::One(account) => account,
            Addressee::Several | Addressee::Nobody => {
                self.answer_request(now, key, notify, StatusCode::CALL_DOES_NOT_EXIST);
                return;
            }
        };
        let way = self
            .accounts
            .get(&account)
            .and_then(Account::registered_way);
        if way.is_none_or(|way| way.remote.ip() != from.remote.ip()) {
            self.answer_request(now, key, notify, StatusCode::CALL_DOES_NOT_EXIST);
            return;
        }
        let readable = notify
            .headers
            .content_type()
            .is_some_and(|it| it.is("application", "simple-message-summary"));
        match MessageSummary::parse(&notify.body) {
            Ok(summary) if readable => {
                self.answer_request(now, key, notify, StatusCode::OK);
                self.event(Event::Messages {
                    account,
                    watch: None,
                    summary,
                });
            }
            Ok(_) | Err(_) => {
                let tag = self.random_token();
                let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
                let mut response = self.reply(notify, status, Some(&tag));
                let accepted = message_summary::MEDIA_TYPE;
                response.headers.set(HeaderName::ACCEPT, accepted);
                self.respond(now, key, response);
            }
        }
    }
}
