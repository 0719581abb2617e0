//! Messages that come (RFC 3428 section 7).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::text::{self, Said};
use super::{Message, MessagePolicy, Pair};
use crate::agent::account::{Account, Binding};
use crate::agent::addressee::Addressee;
use crate::agent::{AccountId, Agent, CallId, Event};
use crate::sip::transaction::{Peer, ServerKey};
use crate::sip::{HeaderName, NameAddr, Request, StatusCode};

/// Messages remembered, to know one that comes again.
const REMEMBERED: usize = 256;
/// For how long: who was not heard tries again for hours, but then with a number of its own.
const REMEMBERED_FOR: Duration = Duration::from_secs(3600);
/// Messages to one account that are taken at once, and then one in this time: a person does not read
/// faster, and a memory that fills is a danger.
const AT_ONCE: u32 = 60;
const ONE_IN: Duration = Duration::from_millis(500);
/// When who is turned away for that may come back, in seconds.
const COME_BACK: u32 = 30;
/// What is remembered of a message at most, in bytes.
const LONGEST_NAME: usize = 512;

/// What has come for one account.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    seen: VecDeque<(Instant, String)>,
    /// When all that was taken is paid for.
    paid_until: Option<Instant>,
}

impl Inbox {
    /// Whether one more may come now.
    fn takes(&mut self, now: Instant) -> bool {
        let paid_until = self.paid_until.map_or(now, |at| at.max(now));
        if paid_until.duration_since(now) > ONE_IN * (AT_ONCE - 1) {
            return false;
        }
        self.paid_until = Some(paid_until + ONE_IN);
        true
    }

    /// Whether this one came before: over another way, or because our answer was lost for so long
    /// that its transaction is forgotten (RFC 3261 section 8.2.2.2).
    fn knows(&self, now: Instant, name: &str) -> bool {
        let mut seen = self.seen.iter();
        seen.any(|(at, other)| other == name && now.duration_since(*at) < REMEMBERED_FOR)
    }

    fn remember(&mut self, now: Instant, name: String) {
        self.seen
            .retain(|(at, _)| now.duration_since(*at) < REMEMBERED_FOR);
        if self.seen.len() >= REMEMBERED {
            self.seen.pop_front();
        }
        self.seen.push_back((now, name));
    }
}

impl Agent {
    /// MESSAGE came, in a call or outside.
    pub(in crate::agent) fn message_came(
        &mut self,
        now: Instant,
        key: &ServerKey,
        request: &Request,
        from: &Peer,
    ) {
        let taken = match self.whose_message(request, from) {
            Ok((account, writer, call)) => self.take_message(now, request, account, &writer, call),
            Err(status) => Err(status),
        };
        let status = taken.err().unwrap_or(StatusCode::OK);
        let tag = self.random_token();
        let mut response = self.reply(request, status, Some(&tag));
        if status == StatusCode::TEMPORARILY_UNAVAILABLE {
            let later = COME_BACK.to_string();
            response.headers.push(HeaderName::RETRY_AFTER, later);
        }
        self.respond(now, key, response);
    }

    /// For whom of us it is, who wrote it, and in which call.
    fn whose_message(
        &mut self,
        request: &Request,
        from: &Peer,
    ) -> Result<(AccountId, NameAddr, Option<CallId>), StatusCode> {
        if request.headers.to().is_ok_and(|to| to.tag().is_some()) {
            let call = self
                .call_of_dialog(request)
                .ok_or(StatusCode::CALL_DOES_NOT_EXIST)?;
            let account = self.calls.get(&call).map(|found| found.account);
            let e = self.established(call);
            let (account, e) = account.zip(e).ok_or(StatusCode::CALL_DOES_NOT_EXIST)?;
            e.dialog.check_incoming(request)?;
            let writer = e.dialog.remote().clone();
            return Ok((account, writer, Some(call)));
        }
        let account = match self.addressee(request, from) {
            Addressee::One(account) => account,
            Addressee::Several => return Err(StatusCode::AMBIGUOUS),
            Addressee::Nobody => return Err(StatusCode::NOT_FOUND),
        };
        let writer = request.headers.from();
        let writer = writer.map_err(|_| StatusCode::BAD_REQUEST)?;
        let known = self.accounts.get(&account);
        if !known.is_some_and(|account| may_write(account, from)) {
            return Err(StatusCode::FORBIDDEN);
        }
        Ok((account, writer, None))
    }

    fn take_message(
        &mut self,
        now: Instant,
        request: &Request,
        account: AccountId,
        writer: &NameAddr,
        call: Option<CallId>,
    ) -> Result<(), StatusCode> {
        let said = text::read(request)?;
        let inbox = self.messaging.inboxes.entry(account).or_default();
        let name = name_of(request);
        if name.as_ref().is_some_and(|name| inbox.knows(now, name)) {
            return Ok(());
        }
        if !inbox.takes(now) {
            return Err(StatusCode::TEMPORARILY_UNAVAILABLE);
        }
        if let Some(name) = name {
            inbox.remember(now, name);
        }
        let from = super::party(writer);
        let pair = Pair {
            account,
            peer: from.uri.clone(),
        };
        match said {
            Said::Text(text) if text.is_empty() => {}
            Said::Text(text) => {
                self.typed_to_the_end(&pair);
                self.event(Event::Message(Box::new(Message {
                    account,
                    from,
                    text,
                    called: request.uri.user_unescaped(),
                    call,
                })));
            }
            Said::Composing(said) => self.typing_came(now, &pair, &said),
        }
        Ok(())
    }
}

/// Whether who sends from there may write to this account.
fn may_write(account: &Account, from: &Peer) -> bool {
    match account.config.messages {
        MessagePolicy::Anyone => true,
        MessagePolicy::Nobody => false,
        MessagePolicy::Registrar if !account.config.register => true,
        MessagePolicy::Registrar => match &account.binding {
            Binding::Running {
                way, further_ways, ..
            } => {
                let mut servers = std::iter::once(way).chain(further_ways);
                servers.any(|server| server.remote.ip() == from.remote.ip())
            }
            Binding::Off | Binding::Locating { .. } | Binding::Stranded { .. } => false,
        },
    }
}

/// What tells a message from every other: who sent it, and its number. `None` where that is too long
/// to be kept.
fn name_of(request: &Request) -> Option<String> {
    let call_id = request.headers.call_id().ok()?;
    let from = request.headers.from().ok()?;
    let number = request.headers.cseq().ok()?.seq;
    let name = format!("{call_id} {} {number}", from.tag().unwrap_or_default());
    (name.len() <= LONGEST_NAME).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_stopped_and_a_person_is_not() {
        #[expect(
            clippy::disallowed_methods,
            reason = "an instant to start from cannot be made otherwise"
        )]
        let now = Instant::now();
        let mut inbox = Inbox::default();
        let taken = (0..1_000).filter(|_| inbox.takes(now)).count();
        assert_eq!(taken, 60);
        assert!(!inbox.takes(now + Duration::from_millis(400)));
        assert!(inbox.takes(now + Duration::from_millis(500)));
        assert!(!inbox.takes(now + Duration::from_millis(500)));
        let later = now + Duration::from_secs(3600);
        assert_eq!((0..100).filter(|_| inbox.takes(later)).count(), 60);
    }

    #[test]
    fn what_was_seen_is_known_for_an_hour_and_not_without_bound() {
        #[expect(
            clippy::disallowed_methods,
            reason = "an instant to start from cannot be made otherwise"
        )]
        let now = Instant::now();
        let mut inbox = Inbox::default();
        let hour = Duration::from_secs(3600);
        inbox.remember(now, "call tag 1".to_owned());
        assert!(inbox.knows(now + hour - Duration::from_millis(1), "call tag 1"));
        assert!(!inbox.knows(now + hour, "call tag 1"));
        assert!(!inbox.knows(now, "call tag 2"));
        for number in 0..10_000 {
            inbox.remember(now, format!("call tag {number}"));
        }
        assert_eq!(inbox.seen.len(), 256);
        assert!(inbox.knows(now, "call tag 9999"));
    }
}
