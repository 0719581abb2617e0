//! Messages of ours: their turn, their way, their answer, and when they are tried again.

use std::time::{Duration, Instant};

use rand_chacha::rand_core::Rng;

use super::{
    LONGEST, MAX_TEXT, MAX_WAITING, MessageFailure, MessageId, MessageProgress, NewMessage,
    Outgoing, Pair, Posting, Stage, What, text,
};
use crate::agent::AccountState;
use crate::agent::account::Account;
use crate::agent::routing::{Lookup, Purpose};
use crate::agent::{AccountId, Agent, Event, Refusal, dial, requests};
use crate::events::is_composing;
use crate::sip::transaction::Peer;
use crate::sip::{
    DigestClient, DigestError, HeaderName, Method, NameAddr, Request, Response, backoff,
};

/// Times a message is repeated with credentials.
const MAX_CHALLENGES: u8 = 3;

/// What came of a message that was sent.
struct Setback {
    cause: MessageFailure,
    status: Option<u16>,
    reason: Option<String>,
    /// When the far side wants to hear of it again.
    retry_after: Option<Duration>,
}

impl Setback {
    fn of(cause: MessageFailure) -> Setback {
        Setback {
            cause,
            status: None,
            reason: None,
            retry_after: None,
        }
    }

    fn of_answer(response: &Response, cause: MessageFailure) -> Setback {
        let reason: String = response
            .reason
            .chars()
            .filter(|c| !c.is_control())
            .take(128)
            .collect();
        Setback {
            cause,
            status: Some(response.status.code()),
            reason: (!reason.is_empty()).then_some(reason),
            retry_after: response
                .headers
                .retry_after()
                .map(|secs| Duration::from_secs(secs.into())),
        }
    }

    /// Whether it may go better another time.
    fn may_pass(&self) -> bool {
        match self.status {
            Some(status) => matches!(status, 408 | 430 | 480 | 503 | 504),
            None => matches!(
                self.cause,
                MessageFailure::TimedOut
                    | MessageFailure::Unreachable
                    | MessageFailure::HostNotFound
            ),
        }
    }
}

impl Agent {
    /// The one written form of what a person typed as the address of a message.
    ///
    /// # Errors
    /// As [`dial::target`]; [`Refusal::UnknownAccount`] where there is no such account.
    pub fn correspondent(&self, account: AccountId, typed: &str) -> Result<String, Refusal> {
        let account = self.accounts.get(&account);
        let account = account.ok_or(Refusal::UnknownAccount)?;
        dial::target(typed, account.home()).map(|target| super::correspondent(&target))
    }

    /// Takes a message that the person wrote.
    pub(in crate::agent) fn send_message(&mut self, now: Instant, new: NewMessage) {
        let id = new.message;
        if let Err(cause) = self.enqueue(now, new) {
            self.message_failed(id, Setback::of(cause));
        }
    }

    fn enqueue(&mut self, now: Instant, new: NewMessage) -> Result<(), MessageFailure> {
        if self.shutting_down() {
            return Err(MessageFailure::Withdrawn);
        }
        let account = self.accounts.get(&new.account);
        let account = account.ok_or(MessageFailure::NoAccount)?;
        if new.text.trim().is_empty() || new.text.len() > MAX_TEXT {
            return Err(MessageFailure::Length);
        }
        let target = dial::target(&new.to, account.home());
        let target = target.map_err(|_| MessageFailure::NotAnAddress)?;
        if self.messaging.waiting() >= MAX_WAITING {
            return Err(MessageFailure::TooMany);
        }
        let pair = Pair::new(new.account, &target);
        let (call_id, tag) = (self.random_token(), self.random_token());
        let talk = self.messaging.talk(&pair);
        let talk = talk.ok_or(MessageFailure::TooMany)?;
        talk.composer.sent();
        talk.target = Some(target.clone());
        let tries = !new.retry_for.is_zero();
        talk.queue.push_back(Outgoing {
            id: new.message,
            target,
            text: new.text,
            give_up_at: tries.then(|| now + new.retry_for.min(LONGEST)),
            call_id,
            tag,
            sequence: 1,
            failures: 0,
        });
        self.send_next(now, &pair);
        Ok(())
    }

    /// Takes back a message that is not on its way.
    pub(in crate::agent) fn withdraw_message(&mut self, now: Instant, id: MessageId) {
        let found = self.messaging.talks.iter_mut().find_map(|(pair, talk)| {
            let at = talk.queue.iter().position(|message| message.id == id)?;
            Some((pair.clone(), talk, at))
        });
        let Some((pair, talk, at)) = found else {
            return;
        };
        if at == 0 && talk.stage == Stage::Sending {
            return;
        }
        talk.queue.remove(at);
        if at == 0 {
            talk.stage = Stage::Idle;
        }
        self.message_failed(id, Setback::of(MessageFailure::Withdrawn));
        self.send_next(now, &pair);
    }

    /// Sends the first message of a conversation, if none is on its way.
    fn send_next(&mut self, now: Instant, pair: &Pair) {
        let away = self.accounts.get(&pair.account).is_some_and(|account| {
            account.config.register && !matches!(account.state, AccountState::Registered { .. })
        });
        let Some(talk) = self.messaging.talks.get_mut(pair) else {
            return;
        };
        let Some(first) = talk.queue.front().filter(|_| talk.stage == Stage::Idle) else {
            self.tell_composing(now, pair);
            return;
        };
        let message = first.id;
        if away && first.give_up_at.is_some() {
            talk.stage = Stage::Waiting(None);
            self.event(Event::MessageProgress {
                message,
                progress: MessageProgress::Waiting {
                    cause: MessageFailure::NotRegistered,
                    retry_at: None,
                },
            });
            return;
        }
        talk.stage = Stage::Sending;
        let posting = Posting::new(pair.clone(), first.target.clone(), What::Text(message));
        self.event(Event::MessageProgress {
            message,
            progress: MessageProgress::Sending,
        });
        self.look_for_way(now, posting);
    }

    pub(super) fn look_for_way(&mut self, now: Instant, posting: Posting) {
        let account = posting.account();
        let hop = match self.accounts.get(&account) {
            Some(account) => account.first_hop(&posting.target),
            None => posting.target.clone(),
        };
        self.locate(now, account, &hop, Lookup::Message(Box::new(posting)));
    }

    /// The ways to the next hop are known, best first.
    pub(in crate::agent) fn message_located(
        &mut self,
        now: Instant,
        mut posting: Posting,
        ways: &[Peer],
    ) {
        let account = self.accounts.get(&posting.pair.account);
        let good = account.and_then(Account::registered_way);
        // Where the registrar answered from there, the other addresses may be deaf.
        let good = good.filter(|good| !self.outages.is_out(now, good));
        let mut ways = ways.to_vec();
        if let Some(at) = ways.iter().position(|way| Some(way) == good) {
            ways[..=at].rotate_right(1);
        }
        let Some(way) = ways.first() else { return };
        let Some(request) = self.build_message(&posting, way) else {
            return;
        };
        posting.request = Some(request.clone());
        self.send_over(now, request, &ways, Purpose::Message(Box::new(posting)));
    }

    /// `None`: nobody waits for it any more.
    fn build_message(&mut self, posting: &Posting, way: &Peer) -> Option<Request> {
        let (call_id, tag) = (self.random_token(), self.random_token());
        let account = self.accounts.get(&posting.pair.account)?;
        let (call_id, tag, sequence, kind, body) = match &posting.what {
            What::Text(id) => {
                let talk = self.messaging.talks.get(&posting.pair)?;
                let first = talk.queue.front().filter(|first| first.id == *id)?;
                let body = first.text.clone().into_bytes();
                let (call_id, tag) = (first.call_id.clone(), first.tag.clone());
                (call_id, tag, first.sequence, text::WRITTEN, body)
            }
            What::Typing(said) => (call_id, tag, 1, is_composing::MEDIA_TYPE, said.to_bytes()),
        };
        let mut request = requests::Opening {
            method: Method::Message,
            uri: posting.target.clone(),
            from: account.identity(way).with_tag(&tag),
            to: NameAddr::new(posting.target.clone()),
            call_id: &call_id,
            sequence,
        }
        .request(&self.config);
        for route in account.routes() {
            request.headers.push(HeaderName::ROUTE, route.to_string());
        }
        request.set_body(kind, body);
        if let Some(digest) = self.messaging.digests.get_mut(&posting.pair.account) {
            let credentials = digest.preemptive(&request);
            requests::set_credentials(&mut request.headers, credentials);
        }
        Some(request)
    }

    /// The final answer to a message of ours.
    pub(in crate::agent) fn message_answered(
        &mut self,
        now: Instant,
        posting: Posting,
        response: &Response,
    ) {
        let account = posting.pair.account;
        if response.status.is_success()
            && let Some(digest) = self.messaging.digests.get_mut(&account)
        {
            digest.learn_next_nonce(response);
        }
        let refused = match response.status.code() {
            401 | 407 => match self.message_again(now, &posting, response) {
                Ok(()) => return,
                Err(cause) => Some(cause),
            },
            code => failure_of(code),
        };
        let id = match &posting.what {
            What::Typing(_) => {
                self.composing_told(now, &posting, Some(response));
                return;
            }
            What::Text(id) => *id,
        };
        match refused {
            Some(cause) => {
                let setback = Setback::of_answer(response, cause);
                self.message_set_back(now, &posting.pair, id, setback);
            }
            None => {
                self.message_settled(&posting.pair, id);
                self.event(Event::MessageProgress {
                    message: id,
                    progress: MessageProgress::Delivered,
                });
                self.send_next(now, &posting.pair);
            }
        }
    }

    /// There is no answer, or it never left.
    pub(in crate::agent) fn message_undelivered(
        &mut self,
        now: Instant,
        posting: &Posting,
        cause: MessageFailure,
    ) {
        match &posting.what {
            What::Text(id) => {
                self.message_set_back(now, &posting.pair, *id, Setback::of(cause));
            }
            What::Typing(_) => self.composing_told(now, posting, None),
        }
    }

    /// Sends a message again with credentials.
    fn message_again(
        &mut self,
        now: Instant,
        posting: &Posting,
        response: &Response,
    ) -> Result<(), MessageFailure> {
        let mut again = posting.clone();
        again.challenges += 1;
        let id = posting.pair.account;
        let account = self.accounts.get(&id).ok_or(MessageFailure::NoAccount)?;
        let hop = account.first_hop(&posting.target);
        let credentials = account.credentials();
        let credentials = credentials.ok_or(MessageFailure::PasswordNeeded)?;
        let digests = &mut self.messaging.digests;
        let digest = digests
            .entry(id)
            .or_insert_with(|| DigestClient::new(credentials));
        let Some(request) = again.request.as_mut() else {
            return Err(MessageFailure::Refused);
        };
        let credentials = match digest.answer(response, request, self.rng.next_u64()) {
            Ok(credentials) if again.challenges <= MAX_CHALLENGES => credentials,
            // Its nonces are never fresh enough: the password is right as far as anybody can tell.
            Ok(_) | Err(DigestError::AlwaysStale) => return Err(MessageFailure::ServerTrouble),
            Err(DigestError::Downgrade { .. }) => return Err(MessageFailure::WeakDigest),
            Err(DigestError::ForeignRealm { .. }) => return Err(MessageFailure::ForeignServer),
            Err(_) => return Err(MessageFailure::WrongPassword),
        };
        let sequence = request.headers.cseq().map_or(1, |cseq| cseq.seq) + 1;
        let cseq = format!("{sequence} {}", Method::Message.as_str());
        request.headers.set(HeaderName::CSEQ, cseq);
        requests::set_credentials(&mut request.headers, credentials);
        if let What::Text(id) = &posting.what
            && let Some(first) = self.first_of(&posting.pair, *id)
        {
            first.sequence = sequence;
        }
        let request = request.clone();
        self.send_in_dialog(now, id, &hop, request, Purpose::Message(Box::new(again)));
        Ok(())
    }

    /// The message that is on its way in a conversation, if it is this one.
    fn first_of(&mut self, pair: &Pair, id: MessageId) -> Option<&mut Outgoing> {
        let talk = self.messaging.talks.get_mut(pair)?;
        talk.queue.front_mut().filter(|first| first.id == id)
    }

    /// A message was not brought there: it is tried again later, or given up.
    fn message_set_back(&mut self, now: Instant, pair: &Pair, id: MessageId, setback: Setback) {
        let ending = self.shutting_down();
        let rng = &mut self.rng;
        let Some(talk) = self.messaging.talks.get_mut(pair) else {
            return;
        };
        let Some(first) = talk.queue.front_mut().filter(|first| first.id == id) else {
            return;
        };
        let own = backoff::own(rng, first.failures);
        let wait = setback
            .retry_after
            .map_or(own, |after| backoff::told(rng, after));
        let retry_at = now + wait;
        let tries = first.give_up_at.is_some_and(|at| now < at);
        if !tries || !setback.may_pass() {
            self.message_settled(pair, id);
            self.message_failed(id, setback);
            self.send_next(now, pair);
            return;
        }
        first.failures += 1;
        if ending {
            // It waits for the next time this phone runs.
            talk.queue.pop_front();
            talk.stage = Stage::Idle;
            self.messaging.tidy(pair);
        } else {
            talk.stage = Stage::Waiting(Some(retry_at));
        }
        self.event(Event::MessageProgress {
            message: id,
            progress: MessageProgress::Waiting {
                cause: setback.cause,
                retry_at: Some(retry_at),
            },
        });
    }

    /// A message has had its final word: the next one may go.
    fn message_settled(&mut self, pair: &Pair, id: MessageId) {
        let Some(talk) = self.messaging.talks.get_mut(pair) else {
            return;
        };
        if talk.queue.front().is_some_and(|first| first.id == id) {
            talk.queue.pop_front();
            talk.stage = Stage::Idle;
        }
    }

    fn message_failed(&mut self, message: MessageId, setback: Setback) {
        self.event(Event::MessageProgress {
            message,
            progress: MessageProgress::Failed {
                cause: setback.cause,
                status: setback.status,
                reason: setback.reason,
            },
        });
    }

    /// The account is registered again: what waits goes out.
    pub(in crate::agent) fn messages_may_go(&mut self, now: Instant, account: AccountId) {
        for pair in self.pairs_of(account) {
            if let Some(talk) = self.messaging.talks.get_mut(&pair)
                && matches!(talk.stage, Stage::Waiting(_))
            {
                talk.stage = Stage::Idle;
                self.send_next(now, &pair);
            }
        }
    }

    /// Does what is due in each conversation.
    pub(in crate::agent) fn messages_due(&mut self, now: Instant) {
        let talks = self.messaging.talks.iter();
        let due: Vec<Pair> = talks
            .filter(|(_, talk)| talk.deadline().is_some_and(|at| at <= now))
            .map(|(pair, _)| pair.clone())
            .collect();
        for pair in due {
            self.typing_due(now, &pair);
            let Some(talk) = self.messaging.talks.get_mut(&pair) else {
                continue;
            };
            let Stage::Waiting(retry_at) = talk.stage else {
                continue;
            };
            let Some(first) = talk.queue.front() else {
                continue;
            };
            let (id, waits_for) = (first.id, retry_at.is_none());
            if first.give_up_at.is_some_and(|at| at <= now) {
                let cause = if waits_for {
                    MessageFailure::NotRegistered
                } else {
                    MessageFailure::Unavailable
                };
                self.message_settled(&pair, id);
                self.message_failed(id, Setback::of(cause));
                self.send_next(now, &pair);
            } else if retry_at.is_some_and(|at| at <= now) {
                talk.stage = Stage::Idle;
                self.send_next(now, &pair);
            }
        }
    }

    /// The account is gone, and with it what was to be written under it.
    pub(in crate::agent) fn messages_of_removed(&mut self, account: AccountId) {
        self.messaging.inboxes.remove(&account);
        self.messaging.digests.remove(&account);
        for pair in self.pairs_of(account) {
            let talk = self.messaging.talks.remove(&pair);
            for message in talk.into_iter().flat_map(|talk| talk.queue) {
                self.message_failed(message.id, Setback::of(MessageFailure::NoAccount));
            }
        }
    }

    /// The phone ends: what is on its way may arrive; what shall be tried again waits for the next
    /// time; all else is taken back.
    pub(in crate::agent) fn stop_messages(&mut self) {
        let mut withdrawn = Vec::new();
        for talk in self.messaging.talks.values_mut() {
            let under_way = usize::from(talk.stage == Stage::Sending);
            let rest = talk.queue.split_off(under_way.min(talk.queue.len()));
            withdrawn.extend(
                rest.iter()
                    .filter(|message| message.give_up_at.is_none())
                    .map(|message| message.id),
            );
            if talk.stage != Stage::Sending {
                talk.stage = Stage::Idle;
            }
            talk.composer.sent();
            talk.watcher.handle_message();
        }
        for id in withdrawn {
            self.message_failed(id, Setback::of(MessageFailure::Withdrawn));
        }
        let pairs: Vec<Pair> = self.messaging.talks.keys().cloned().collect();
        for pair in pairs {
            self.messaging.tidy(&pair);
        }
    }

    fn pairs_of(&self, account: AccountId) -> Vec<Pair> {
        let pairs = self.messaging.talks.keys();
        pairs
            .filter(|pair| pair.account == account)
            .cloned()
            .collect()
    }
}

/// What a final answer means; `None`: it was taken.
fn failure_of(code: u16) -> Option<MessageFailure> {
    Some(match code {
        200..=299 => return None,
        401 | 407 => MessageFailure::WrongPassword,
        403 => MessageFailure::Forbidden,
        404 | 410 | 416 | 484 | 485 | 604 => MessageFailure::NotFound,
        405 | 415 | 488 | 501 | 606 => MessageFailure::NotUnderstood,
        408 | 430 | 480 => MessageFailure::Unavailable,
        413 | 513 => MessageFailure::Length,
        486 | 600 | 603 | 607 => MessageFailure::Declined,
        500..=599 => MessageFailure::ServerTrouble,
        _ => MessageFailure::Refused,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::StatusCode;

    #[track_caller]
    fn check(code: u16, cause: MessageFailure, again: bool) {
        assert_eq!(failure_of(code), Some(cause), "{code}");
        let status = StatusCode::new(code).expect("a status");
        let setback = Setback::of_answer(&Response::new(status), cause);
        assert_eq!(setback.may_pass(), again, "{code}");
    }

    #[test]
    fn each_refusal_has_a_meaning_and_is_final_or_not() {
        check(403, MessageFailure::Forbidden, false);
        check(404, MessageFailure::NotFound, false);
        check(408, MessageFailure::Unavailable, true);
        check(415, MessageFailure::NotUnderstood, false);
        check(430, MessageFailure::Unavailable, true);
        check(480, MessageFailure::Unavailable, true);
        check(500, MessageFailure::ServerTrouble, false);
        check(503, MessageFailure::ServerTrouble, true);
        check(603, MessageFailure::Declined, false);
        check(302, MessageFailure::Refused, false);
        assert_eq!(failure_of(200), None);
        assert_eq!(failure_of(202), None);
    }
}
