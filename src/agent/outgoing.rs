//! Calls we make: from the person's wish to the answer (RFC 3261 section 13.2).

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Instant;

use super::account::Account;
use super::call::{Call, Change, Established, Fork, Inviting, Phase, Setup};
use super::digits::Keys;
use super::door::Addresses;
use super::routing::{Lookup, Purpose};
use super::{
    AccountId, Agent, CallId, EndCause, Event, Output, Party, Refusal, Refused, Security, Side,
    causes, dial, protecting, requests,
};
use crate::media::plan::{Accepted, MediaCommand, MediaId, Plan};
use crate::sdp::{self, Encryption, Negotiated, Negotiation};
use crate::sip::transaction::{ClientKey, Peer};
use crate::sip::{
    Dialog, HeaderName, Method, NameAddr, PartySide, Request, Response, SessionTimer, StatusCode,
};

/// Forks of one INVITE that are told apart; a further one is not listened to before it answers.
const MAX_FORKS: usize = 16;

/// An INVITE that got a 2xx, kept for those that may still come from other forks.
#[derive(Debug)]
pub(super) struct AnsweredInvite {
    pub(super) call: CallId,
    pub(super) account: AccountId,
    pub(super) invite: Request,
    /// Tags of the forks whose 2xx has come, to know it when it comes again.
    pub(super) legs: Vec<String>,
    pub(super) forget_at: Instant,
}

impl Agent {
    /// Calls what the person typed.
    pub(super) fn dial(
        &mut self,
        now: Instant,
        account: AccountId,
        call: CallId,
        typed: &str,
        anonymous: bool,
    ) -> Result<(), Refused> {
        self.may_dial(account, call)?;
        let found = self.accounts.get(&account);
        let hidden = found.is_some_and(|found| found.config.anonymous);
        let home = found.and_then(Account::home);
        let target = dial::target(typed, home).map_err(|refusal| (Some(call), refusal))?;
        let setup = Setup {
            target,
            call_id: self.random_token(),
            local_tag: self.random_token(),
            sequence: 1,
            further_targets: VecDeque::new(),
            tried: Vec::new(),
            give_up_at: now + self.config.no_answer_after,
            wanted: Vec::new(),
            interval: self.config.session_interval,
            least_interval: None,
            anonymous: anonymous || hidden,
        };
        self.set_out(now, account, call, setup, None);
        Ok(())
    }

    /// Whether this account may begin a call of this name.
    pub(super) fn may_dial(&self, account: AccountId, call: CallId) -> Result<(), Refused> {
        let refuse = |refusal| Err((Some(call), refusal));
        if self.shutting_down() {
            return refuse(Refusal::ShuttingDown);
        }
        let Some(found) = self.accounts.get(&account) else {
            return refuse(Refusal::UnknownAccount);
        };
        if self.calls.contains_key(&call) || call.0 >= super::FIRST_INCOMING {
            return refuse(Refusal::CallIdInUse);
        }
        if self.live_calls(None) >= self.config.max_calls
            || self.live_calls(Some(account)) >= found.config.max_calls
        {
            return refuse(Refusal::TooManyCalls);
        }
        Ok(())
    }

    /// A call of ours begins; `referred_from` was handed over to it.
    pub(super) fn set_out(
        &mut self,
        now: Instant,
        account: AccountId,
        call: CallId,
        setup: Setup,
        referred_from: Option<CallId>,
    ) {
        let remote = requests::party(&NameAddr::new(setup.target.clone()));
        self.event(Event::Calling {
            call,
            account,
            remote: remote.clone(),
            follows: referred_from,
        });
        self.calls.insert(
            call,
            Call {
                account,
                remote,
                media: MediaId(call.0),
                answered_at: None,
                ended: false,
                referred_from,
                replaces: None,
                sources: Addresses::default(),
                transport: None,
                security: Security::default(),
                phase: Phase::Locating(Box::new(setup)),
            },
        );
        self.locate_call(now, call);
    }

    /// Calls under way that count against a limit: those that have not ended for the person.
    pub(super) fn live_calls(&self, account: Option<AccountId>) -> usize {
        self.calls
            .values()
            .filter(|call| !call.ended && account.is_none_or(|account| call.account == account))
            .count()
    }

    pub(super) fn locate_call(&mut self, now: Instant, call: CallId) {
        let Some(found) = self.calls.get(&call) else {
            return;
        };
        let Phase::Locating(setup) = &found.phase else {
            return;
        };
        let account = found.account;
        let hop = match self.accounts.get(&account) {
            Some(account) => account.first_hop(&setup.target),
            None => setup.target.clone(),
        };
        self.locate(now, account, &hop, Lookup::Call(call));
    }

    pub(super) fn call_located(&mut self, now: Instant, call: CallId, mut ways: Vec<Peer>) {
        let account = self.calls.get(&call).map(|call| call.account);
        let account = account.and_then(|account| self.accounts.get(&account));
        let good = account.and_then(Account::registered_way);
        let good = good.filter(|good| !self.outages.is_out(now, good));
        if let Some(at) = ways.iter().position(|way| Some(way) == good) {
            // The registrar answered from there: an address before it would cost 64·T1.
            ways[..=at].rotate_right(1);
        }
        let ways = VecDeque::from(ways);
        let Some(way) = ways.front() else { return };
        let local = way.local.ip();
        let located = self.change_phase(call, |phase| match phase {
            Phase::Locating(setup) => Ok(Phase::Opening(setup, ways)),
            other => Err(other),
        });
        if located {
            let media = MediaId(call.0);
            self.outputs
                .push_back(Output::Media(MediaCommand::Open { media, local }));
        }
    }

    pub(super) fn media_refused(&mut self, now: Instant, call: CallId) {
        let Some(found) = self.calls.get(&call) else {
            return;
        };
        if let Phase::Preparing(offered) = &found.phase {
            let (key, request) = (offered.key, offered.invite.clone());
            self.answer_request(now, &key, &request, StatusCode::SERVER_INTERNAL_ERROR);
            self.calls.remove(&call);
        } else if matches!(found.phase, Phase::Opening(..)) {
            self.call_failed(now, call, EndCause::NoMedia, None);
        }
    }

    pub(super) fn media_opened(&mut self, now: Instant, call: CallId, rtp: SocketAddr) {
        let Some(found) = self.calls.get_mut(&call) else {
            return;
        };
        let (setup, mut ways) = match &found.phase {
            Phase::Preparing(_) => return self.announce(now, call, rtp),
            Phase::Established(_) => return self.call_moved(now, call, rtp),
            Phase::Opening(setup, ways) => (setup.clone(), ways.clone()),
            _ => return,
        };
        let account = found.account;
        let Some(way) = ways.pop_front() else { return };
        found.transport = Some(way.transport);
        let audio = self.local_audio(account, rtp, way.transport);
        let session = self.random_session();
        let digest = self
            .accounts
            .get(&account)
            .and_then(super::account::Account::digest);
        let mut negotiation = Negotiation::new(session, audio);
        let invite = self.build_invite(account, &setup, &way, &mut negotiation);
        let offered = negotiation.offered();
        let accepted = Box::new(Accepted {
            codecs: offered.codecs,
            dtmf: offered.dtmf,
            comfort_noise: offered.comfort_noise,
            redundancy: offered.redundancy,
            protected: offered.protected,
        });
        let media = MediaId(call.0);
        // Whoever is called may speak before the answer is here (RFC 3264 section 5.1).
        self.outputs
            .push_back(Output::Media(MediaCommand::Listen { media, accepted }));
        let inviting = Inviting {
            setup: *setup,
            key: None,
            invite: invite.clone(),
            way,
            further_ways: ways,
            digest,
            challenges: 0,
            negotiation,
            forks: BTreeMap::new(),
            rang: false,
            early: None,
        };
        if let Some(found) = self.calls.get_mut(&call) {
            found.phase = Phase::Inviting(Box::new(inviting));
        }
        self.send(now, invite, way, Purpose::Invite(call));
    }

    fn build_invite(
        &self,
        account: AccountId,
        setup: &Setup,
        way: &Peer,
        negotiation: &mut Negotiation,
    ) -> Request {
        let config = self.accounts.get(&account);
        let own = match config {
            Some(account) => account.identity(way),
            None => requests::contact("ramal", way),
        };
        let mut contact = self.contact_of_call(account, setup.anonymous, way);
        if setup.target.is_sips() {
            contact = requests::secured(contact, way);
        }
        let from = if setup.anonymous {
            requests::anonymous_identity()
        } else {
            own.clone()
        };
        let mut request = requests::Opening {
            method: Method::Invite,
            uri: setup.target.clone(),
            from: from.with_tag(&setup.local_tag),
            to: NameAddr::new(setup.target.clone()),
            call_id: &setup.call_id,
            sequence: setup.sequence,
        }
        .request(&self.config);
        if let Some(account) = config {
            for route in account.routes() {
                request.headers.push(HeaderName::ROUTE, route.to_string());
            }
        }
        requests::present(&mut request.headers, &contact);
        requests::ask_for_session(&mut request.headers, setup);
        for (name, value) in &setup.wanted {
            request.headers.push(name, value.as_str());
        }
        if setup.anonymous {
            request.headers.push(HeaderName::PRIVACY, "id");
            // Our own server may know who asks (RFC 3325 section 9.2); who is called may not.
            if self.is_server(account, way) {
                let name = HeaderName::P_PREFERRED_IDENTITY;
                request.headers.push(name, own.to_string());
            }
        }
        request.set_body(
            "application/sdp",
            negotiation.offer().to_string().into_bytes(),
        );
        request
    }

    /// The address under which we are reached in a call: without our name where that is not to be
    /// known.
    pub(super) fn contact_of_call(
        &self,
        account: AccountId,
        anonymous: bool,
        way: &Peer,
    ) -> NameAddr {
        if anonymous {
            match self.accounts.get(&account) {
                Some(account) => account.contact_in_dialogs(way, true),
                None => requests::contact(requests::NOBODY, way),
            }
        } else {
            self.contact_of(account, way)
        }
    }

    pub(super) fn invite_sent(&mut self, call: CallId, key: ClientKey) {
        if let Some(Call {
            phase: Phase::Inviting(inviting),
            ..
        }) = self.calls.get_mut(&call)
        {
            inviting.key = Some(key);
            self.handed_over.push(Event::InviteSent { call });
        }
    }

    /// An answer to a call's first INVITE, provisional or final.
    pub(super) fn invite_answered(
        &mut self,
        now: Instant,
        call: CallId,
        key: &ClientKey,
        response: &Response,
    ) {
        if response.status.is_success() {
            self.invite_accepted(now, call, key, response);
            return;
        }
        let Some(found) = self.calls.get(&call) else {
            return;
        };
        match &found.phase {
            Phase::Inviting(inviting) if inviting.key.as_ref() == Some(key) => {}
            Phase::Cancelling(_) => {
                if response.status.is_final() {
                    self.calls.remove(&call);
                }
                return;
            }
            _ => return,
        }
        match response.status.code() {
            100 => {}
            101..=199 => self.invite_progresses(now, call, response),
            300..=399 => self.invite_redirected(now, call, response),
            401 | 407 => self.invite_challenged(now, call, response),
            422 if self.invite_for_longer(now, call, response) => {}
            488 | 606 if self.invite_under_next_profile(now, call) => {}
            503 if self.try_next_way(now, call) => {}
            _ => self.invite_refused(now, call, response),
        }
    }

    fn invite_progresses(&mut self, now: Instant, call: CallId, response: &Response) {
        let Some(Call {
            phase: Phase::Inviting(inviting),
            ..
        }) = self.calls.get_mut(&call)
        else {
            return;
        };
        let tag = response
            .headers
            .to()
            .ok()
            .and_then(|to| to.tag().map(str::to_owned));
        let mut plan = None;
        if let Some(tag) = tag {
            if inviting.forks.len() < MAX_FORKS {
                let fork = inviting.forks.entry(tag.clone());
                fork.or_insert_with(|| Fork::new(&inviting.invite, response));
            }
            if !self.confirm_provisional(now, call, &tag, response) {
                return;
            }
            let Some(Call {
                phase: Phase::Inviting(inviting),
                ..
            }) = self.calls.get_mut(&call)
            else {
                return;
            };
            if let Some(fork) = inviting.forks.get_mut(&tag) {
                if fork.answered.is_none() && !response.body.is_empty() {
                    fork.answered = weigh_answer(&inviting.negotiation, &response.body).ok();
                }
                if let (None, Some((_, negotiated))) = (&inviting.early, &fork.answered) {
                    inviting.early = Some(tag);
                    plan = Some(Plan {
                        early: true,
                        ..super::call::plan_of(negotiated, false)
                    });
                }
            }
        }
        let Some(Call {
            referred_from,
            phase: Phase::Inviting(inviting),
            ..
        }) = self.calls.get_mut(&call)
        else {
            return;
        };
        let rings = response.status == StatusCode::RINGING && !inviting.rang;
        inviting.rang |= rings;
        let referred_from = *referred_from;
        if let Some(plan) = plan {
            self.apply(call, plan);
            self.event(Event::EarlyMedia { call });
        }
        if rings {
            self.event(Event::Ringing { call });
            if let Some(from) = referred_from {
                self.refer_rings(now, from);
            }
        }
    }

    pub(super) fn invite_accepted(
        &mut self,
        now: Instant,
        call: CallId,
        key: &ClientKey,
        response: &Response,
    ) {
        if let Some(purpose) = self.clients.remove(key) {
            // The transaction stays for forks and repetitions, but nobody waits for it.
            self.remember_answered(now, call, key, &purpose);
        }
        let Some(answered) = self.answered_invites.get_mut(key) else {
            return;
        };
        let Ok(dialog) = Dialog::from_uac(&answered.invite, response) else {
            return;
        };
        let account = answered.account;
        let sequence = answered.invite.headers.cseq().map_or(1, |cseq| cseq.seq);
        let leg = &dialog.id().remote_tag;
        if answered.legs.contains(leg) {
            self.acknowledge_again(now, account, &dialog, sequence);
            return;
        }
        if answered.legs.len() >= MAX_FORKS {
            return; // without an ACK it ends by itself
        }
        answered.legs.push(leg.clone());
        self.acknowledge(now, account, &dialog, sequence);
        let ours = matches!(
            self.calls.get(&call),
            Some(Call { phase: Phase::Inviting(inviting), .. }) if inviting.key.as_ref() == Some(key)
        );
        if !ours {
            // Given up already, or another fork was first.
            self.say_goodbye(now, account, dialog);
            if matches!(
                self.calls.get(&call),
                Some(Call {
                    phase: Phase::Cancelling(_),
                    ..
                })
            ) {
                self.calls.remove(&call);
            }
            return;
        }
        self.talk(now, call, dialog, response);
    }

    fn remember_answered(
        &mut self,
        now: Instant,
        call: CallId,
        key: &ClientKey,
        purpose: &Purpose,
    ) {
        let Purpose::Invite(_) = purpose else { return };
        let invite = match self.calls.get(&call) {
            Some(Call {
                phase: Phase::Inviting(inviting),
                account,
                ..
            }) => Some((*account, inviting.invite.clone())),
            Some(Call {
                phase: Phase::Cancelling(invite),
                account,
                ..
            }) => Some((*account, (**invite).clone())),
            _ => None,
        };
        if let Some((account, invite)) = invite {
            let forget_at = now + self.config.timers.patience();
            self.answered_invites.insert(
                *key,
                AnsweredInvite {
                    call,
                    account,
                    invite,
                    legs: Vec::new(),
                    forget_at,
                },
            );
        }
    }

    /// The first 2xx of a call: both sides are connected.
    fn talk(&mut self, now: Instant, call: CallId, mut dialog: Dialog, response: &Response) {
        let Some(found) = self.calls.get_mut(&call) else {
            return;
        };
        let account = found.account;
        let Phase::Inviting(inviting) = &mut found.phase else {
            return;
        };
        let tag = dialog.id().remote_tag.clone();
        let fork = inviting.forks.remove(&tag).unwrap_or_default();
        let answered = if response.body.is_empty() || fork.updated {
            fork.answered.ok_or(EndCause::NoCommonCodec)
        } else {
            weigh_answer(&inviting.negotiation, &response.body)
        };
        if let Some(mut early) = fork.dialog {
            // It has counted the requests of both sides.
            early.confirm(response);
            dialog = early;
        }
        let (way, anonymous) = (inviting.way, inviting.setup.anonymous);
        let sips = inviting.setup.target.is_sips();
        let digest = inviting.digest.take();
        let (negotiation, negotiated) = match answered {
            Ok(answered) => answered,
            Err(cause) => {
                self.say_goodbye(now, account, dialog);
                let answer = Some((response.status.code(), response.reason.clone()));
                self.call_failed(now, call, cause, answer);
                return;
            }
        };
        let plan = super::call::plan_of(&negotiated, false);
        let codec = plan.codec.clone();
        let mut contact = self.contact_of_call(account, anonymous, &way);
        if sips {
            contact = requests::secured(contact, &way);
        }
        let remote = connected_party(response, self.is_server(account, &way));
        let Some(found) = self.calls.get_mut(&call) else {
            return;
        };
        found.answered_at = Some(now);
        if let Some(remote) = remote {
            found.remote = remote;
        }
        let remote = found.remote.clone();
        found.phase = Phase::Established(Box::new(Established {
            dialog,
            contact,
            negotiation,
            codec: Some(codec.clone()),
            local_hold: false,
            remote_hold: false,
            caller: true,
            unacknowledged: None,
            change: Change::None,
            hold_next: None,
            superseded: None,
            moving_to: None,
            bye_after_ack: false,
            digest,
            timer: SessionTimer::granted(now, response),
            replaceable: requests::supports(&response.headers, requests::REPLACES),
            updates: requests::allows(&response.headers, &Method::Update).unwrap_or(false),
            keys: Keys::of(&response.headers),
            focus: false,
            transfer: None,
            referred: None,
        }));
        let referred_from = found.referred_from.take();
        self.apply(call, plan.clone());
        self.event(Event::Answered {
            call,
            codec,
            remote,
        });
        self.note_remote_hold(call, &plan);
        self.note_focus(call);
        if let Some(from) = referred_from {
            self.refer_through(now, from);
        }
    }

    pub(super) fn invite_refused(&mut self, now: Instant, call: CallId, response: &Response) {
        let Some(Call {
            phase: Phase::Inviting(inviting),
            ..
        }) = self.calls.get(&call)
        else {
            return;
        };
        let cause = match causes::of_final(response.status, inviting.rang) {
            // Nothing else was offered.
            EndCause::NoCommonCodec
                if inviting.negotiation.local().encryption == Encryption::Required =>
            {
                EndCause::NotEncrypted
            }
            cause => cause,
        };
        if cause != EndCause::Busy && self.try_next_target(now, call) {
            return;
        }
        let answer = Some((response.status.code(), response.reason.clone()));
        self.call_failed(now, call, cause, answer);
    }

    pub(super) fn invite_undelivered(&mut self, now: Instant, call: CallId, cause: EndCause) {
        if self.try_next_way(now, call) || self.try_next_target(now, call) {
            return;
        }
        self.call_failed(now, call, cause, None);
    }

    /// Gives up an INVITE that has no answer yet.
    pub(super) fn cancel(&mut self, now: Instant, call: CallId, cause: EndCause) {
        let Some(Call {
            phase: Phase::Inviting(inviting),
            ..
        }) = self.calls.get(&call)
        else {
            return;
        };
        let Some(key) = inviting.key else {
            self.end(now, call, cause, Side::Local, None);
            return;
        };
        let invite = Box::new(inviting.invite.clone());
        self.layer.cancel(now, &key);
        self.say_ended(now, call, cause, Side::Local, None);
        if let Some(found) = self.calls.get_mut(&call) {
            found.phase = Phase::Cancelling(invite);
        }
    }
}

/// Weighs an answer against a copy of the negotiation as it was when the offer left.
fn weigh_answer(offered: &Negotiation, body: &[u8]) -> Result<(Negotiation, Negotiated), EndCause> {
    let mut negotiation = offered.clone();
    let parsed = sdp::parse(body).map_err(|_| EndCause::NoCommonCodec)?;
    let negotiated = negotiation
        .handle_answer(&parsed.description)
        .map_err(|error| protecting::cause_of(&error))?;
    Ok((negotiation, negotiated))
}

/// Who answered, if the answer says so: by the word of our own server, or by its To, which carries
/// the name that was called, so that only a display name in it tells something new.
fn connected_party(response: &Response, by_server: bool) -> Option<Party> {
    let headers = &response.headers;
    let asserted = headers.asserted_identity(PartySide::Called);
    if let Some(asserted) = asserted.filter(|_| by_server && !headers.wants_privacy()) {
        return Some(requests::party(&asserted));
    }
    let to = response.headers.to().ok()?;
    to.display_name.as_ref()?;
    Some(requests::party(&to))
}
