//! Requests that come: calls for us (RFC 3261 section 13.3) and all else (section 8.2).

use std::net::SocketAddr;
use std::time::Instant;

use super::addressee::Addressee;
use super::call::{Alerting, Call, Change, Established, Offered, Phase, Unacknowledged};
use super::digits::Keys;
use super::door::Addresses;
use super::reception::{Ringing, Verdict};
use super::{
    AccountId, Agent, CallId, EndCause, Event, Output, Refusal, Refused, Security, Side, causes,
    messaging, protecting, requests,
};
use crate::media::plan::{MediaCommand, MediaId};
use crate::sdp::{self, LocalAudio, Negotiation};
use crate::sip::transaction::{Peer, ServerKey};
use crate::sip::{
    Dialog, DialogId, HeaderName, Method, NameAddr, Request, SHORTEST, SessionTimer, StatusCode,
    Transport, Uri,
};

impl Agent {
    pub(super) fn request_came(
        &mut self,
        now: Instant,
        key: ServerKey,
        request: Request,
        from: Peer,
    ) {
        if let Some(status) = self.refuses(&key, now, &request) {
            if status != StatusCode::BAD_EXTENSION {
                self.answer_request(now, &key, &request, status);
            }
            return;
        }
        let in_dialog = request.headers.to().is_ok_and(|to| to.tag().is_some());
        if in_dialog
            && let Some(call) = self.call_of_dialog(&request)
            && !self.may_speak(call, &request.method, &from)
        {
            // To whoever it is, there is no such call.
            self.answer_request(now, &key, &request, StatusCode::CALL_DOES_NOT_EXIST);
            return;
        }
        match request.method {
            Method::Invite if in_dialog => {
                let told = self.told_identity(&request, &from);
                self.reinvite_came(now, key, request);
                self.identified(told);
            }
            Method::Invite => self.invite_came(now, key, request, from),
            Method::Bye => self.bye_came(now, &key, &request, from),
            Method::Options => self.options_came(now, &key, &request, &from),
            Method::Notify if in_dialog => self.notify_came(now, &key, &request, &from),
            Method::Notify => self.unsolicited_came(now, &key, &request, &from),
            Method::Subscribe => self.answer_request(now, &key, &request, StatusCode::BAD_EVENT),
            Method::Refer => self.refer_came(now, &key, &request),
            Method::Info => self.info_came(now, &key, &request),
            Method::Update => {
                let told = self.told_identity(&request, &from);
                self.update_came(now, &key, &request);
                self.identified(told);
            }
            Method::Prack => self.prack_came(now, &key, &request),
            Method::Message => self.message_came(now, &key, &request, &from),
            _ => self.answer_request(now, &key, &request, StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    /// NOTIFY inside a dialog: that of a watch, or of a call, where it says how a transfer goes.
    fn notify_came(&mut self, now: Instant, key: &ServerKey, notify: &Request, from: &Peer) {
        let Some(call) = self.call_of_dialog(notify) else {
            if self.is_familiar(from) && self.watch_notified(now, key, notify) {
                return;
            }
            self.answer_request(now, key, notify, StatusCode::CALL_DOES_NOT_EXIST);
            return;
        };
        let package = notify.headers.get(&HeaderName::EVENT).unwrap_or_default();
        let package = package.split(';').next().unwrap_or_default().trim();
        if !package.eq_ignore_ascii_case("refer") {
            self.answer_request(now, key, notify, StatusCode::BAD_EVENT);
            return;
        }
        let checked = self
            .established(call)
            .map_or(Ok(()), |e| e.dialog.check_incoming(notify));
        match checked {
            Ok(()) => self.transfer_notified(now, call, key, notify),
            Err(status) => self.answer_request(now, key, notify, status),
        }
    }

    /// What every request is checked for, in the order of RFC 3261 section 8.2: method, URI,
    /// extensions, body. 420 is answered here, since it names what it does not know.
    fn refuses(&mut self, key: &ServerKey, now: Instant, request: &Request) -> Option<StatusCode> {
        match &request.method {
            Method::Other(_) => return Some(StatusCode::NOT_IMPLEMENTED),
            method if requests::KNOWN_NOT_ALLOWED.contains(method) => {
                return Some(StatusCode::METHOD_NOT_ALLOWED);
            }
            _ => {}
        }
        if matches!(&request.uri, Uri::Other(_)) {
            return Some(StatusCode::UNSUPPORTED_URI_SCHEME);
        }
        let unknown: Vec<String> = request
            .headers
            .tokens(&HeaderName::REQUIRE)
            .into_iter()
            .filter(|tag| {
                !requests::SUPPORTED
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(tag))
            })
            .collect();
        if !unknown.is_empty() {
            let tag = self.random_token();
            let mut response = self.reply(request, StatusCode::BAD_EXTENSION, Some(&tag));
            response
                .headers
                .push(HeaderName::UNSUPPORTED, unknown.join(", "));
            self.respond(now, key, response);
            return Some(StatusCode::BAD_EXTENSION);
        }
        if request.method == Method::Invite && !request.body.is_empty() {
            let readable = request
                .headers
                .content_type()
                .is_some_and(|media| media.is("application", "sdp"));
            let encoded = request
                .headers
                .tokens(&HeaderName::CONTENT_ENCODING)
                .iter()
                .any(|token| !token.eq_ignore_ascii_case("identity"));
            if !readable || encoded {
                return Some(StatusCode::UNSUPPORTED_MEDIA_TYPE);
            }
        }
        None
    }

    /// Answers a request outside any call of ours.
    pub(super) fn answer_request(
        &mut self,
        now: Instant,
        key: &ServerKey,
        request: &Request,
        status: StatusCode,
    ) {
        let tag = self.random_token();
        let response = self.reply(request, status, Some(&tag));
        self.respond(now, key, response);
    }

    pub(super) fn respond(
        &mut self,
        now: Instant,
        key: &ServerKey,
        response: crate::sip::Response,
    ) {
        // The transaction can be over already: then nobody waits for the answer.
        let _ = self.layer.respond(now, key, response);
    }

    fn invite_came(&mut self, now: Instant, key: ServerKey, invite: Request, from: Peer) {
        let replaces = match invite.headers.replaces() {
            Ok(None) => None,
            Ok(Some(replaces)) => match self.replaced_by(&replaces) {
                Ok(call) => Some(call),
                Err(status) => {
                    self.answer_request(now, &key, &invite, status);
                    return;
                }
            },
            Err(_) => {
                self.answer_request(now, &key, &invite, StatusCode::BAD_REQUEST);
                return;
            }
        };
        // A dialog that only its two sides can name says whose call it is.
        let known = replaces.and_then(|call| self.calls.get(&call).map(|call| call.account));
        let addressee = match known {
            Some(account) => Addressee::One(account),
            None => self.addressee(&invite, &from),
        };
        let account = match addressee {
            Addressee::One(account) => account,
            Addressee::Several => {
                self.answer_request(now, &key, &invite, StatusCode::AMBIGUOUS);
                return;
            }
            Addressee::Nobody => {
                self.answer_request(now, &key, &invite, StatusCode::NOT_FOUND);
                return;
            }
        };
        let most = self
            .accounts
            .get(&account)
            .map_or(0, |account| account.config.max_calls);
        if self.shutting_down() {
            self.answer_request(now, &key, &invite, StatusCode::TEMPORARILY_UNAVAILABLE);
            return;
        }
        let full = self.live_calls(None) >= self.config.max_calls
            || self.live_calls(Some(account)) >= most;
        if let Err(least) = SessionTimer::grant(now, &invite, SHORTEST) {
            self.session_too_short(now, &key, &invite, least);
            return;
        }
        let Ok(caller) = invite.headers.from() else {
            self.answer_request(now, &key, &invite, StatusCode::BAD_REQUEST);
            return;
        };
        let who = self.introduce(account, &invite, &from, &caller);
        // What takes the place of a call of ours is no new one: no rule is asked.
        let verdict = match replaces {
            Some(_) => Verdict::Ring(Ringing::default()),
            None => self.judge_call(now, account, &invite, &who, full),
        };
        let Verdict::Ring(ringing) = verdict else {
            self.turn_away_unheard(now, (account, key), &invite, who, verdict);
            return;
        };
        let call = CallId(self.next_call);
        self.next_call += 1;
        let media = MediaId(call.0);
        let trying = self.reply(&invite, StatusCode::TRYING, None);
        self.respond(now, &key, trying);
        self.calls.insert(
            call,
            Call {
                account,
                remote: who.remote.clone(),
                media,
                answered_at: None,
                ended: false,
                referred_from: None,
                replaces,
                sources: Addresses::from(&from),
                transport: Some(from.transport),
                security: Security::default(),
                phase: Phase::Preparing(Box::new(Offered {
                    key,
                    invite,
                    from,
                    who,
                    ringing,
                })),
            },
        );
        self.outputs.push_back(Output::Media(MediaCommand::Open {
            media,
            local: from.local.ip(),
        }));
    }

    /// Ports are open: weigh the offer, ring.
    pub(super) fn announce(&mut self, now: Instant, call: CallId, rtp: SocketAddr) {
        let Some(found) = self.calls.get(&call) else {
            return;
        };
        let transport = found.transport.unwrap_or(Transport::Udp);
        // What is offered in a 200 has the room of an answer.
        let audio = LocalAudio {
            terse: false,
            ..self.local_audio(found.account, rtp, transport)
        };
        let session = self.random_session();
        let local_tag = self.random_token();
        let Some(found) = self.calls.get(&call) else {
            return;
        };
        let (account, remote) = (found.account, found.remote.clone());
        let give_up_at = now + self.config.ring_for;
        let Phase::Preparing(offered) = &found.phase else {
            return;
        };
        let Offered {
            key,
            invite,
            from,
            who,
            ringing: manner,
        } = (**offered).clone();
        let mut negotiation = Negotiation::new(session, audio);
        let answer = if invite.body.is_empty() {
            None
        } else {
            match weigh_offer(&mut negotiation, &invite.body) {
                Ok(answer) => Some(answer),
                Err(unusable) => {
                    self.outputs.push_back(Output::Media(MediaCommand::Close {
                        media: MediaId(call.0),
                    }));
                    self.calls.remove(&call);
                    self.turn_away_unusable(now, (account, key), &invite, who, unusable);
                    return;
                }
            }
        };
        let called = invite.uri.user_unescaped();
        let mut contact = self.contact_of(account, &from);
        if invite.uri.is_sips() {
            contact = requests::secured(contact, &from);
        }
        let mut ringing = self.reply(&invite, StatusCode::RINGING, Some(&local_tag));
        ringing
            .headers
            .set(HeaderName::CONTACT, contact.to_string());
        let unconfirmed = self.make_reliable(now, &invite, &mut ringing);
        self.respond(now, &key, ringing);
        if let Some(found) = self.calls.get_mut(&call) {
            found.phase = Phase::Alerting(Box::new(Alerting {
                key,
                invite,
                contact,
                local_tag,
                negotiation,
                answer,
                give_up_at,
                unconfirmed,
                forward: manner.forward.map(|(after, to)| (now + after, to)),
                answer_at: manner.answer.map(|it| (now + it.after, it.beep)),
            }));
        }
        self.event(Event::Incoming {
            call,
            account,
            remote,
            called,
            origin: who.origin,
            silent: manner.silent,
            answers_in: manner.answer.map(|it| it.after),
        });
        if self
            .calls
            .get(&call)
            .is_some_and(|it| it.replaces.is_some())
        {
            // It goes on where another call was: nobody is asked a second time.
            let _ = self.answer(now, call);
        }
    }

    /// Takes a call that rings here.
    pub(super) fn answer(&mut self, now: Instant, call: CallId) -> Result<(), Refused> {
        let Some(found) = self.calls.get_mut(&call) else {
            return Err((Some(call), Refusal::UnknownCall));
        };
        if matches!(found.phase, Phase::Established(_)) {
            return Ok(());
        }
        let Phase::Alerting(alerting) = &found.phase else {
            return Err((Some(call), Refusal::WrongState));
        };
        let alerting = alerting.clone();
        found.answered_at = Some(now);
        let account = found.account;
        let remote = found.remote.clone();
        let Alerting {
            key,
            invite,
            contact,
            local_tag,
            mut negotiation,
            answer,
            ..
        } = *alerting;
        let Ok(dialog) = Dialog::from_uas(&invite, &local_tag, contact.clone()) else {
            self.answer_request(now, &key, &invite, StatusCode::BAD_REQUEST);
            self.call_failed(now, call, EndCause::Refused, None);
            return Ok(());
        };
        let (body, negotiated) = match answer {
            Some((body, negotiated)) => (body, Some(negotiated)),
            None => (negotiation.offer().to_string(), None),
        };
        let mut response = self.reply(&invite, StatusCode::OK, Some(&local_tag));
        requests::present(&mut response.headers, &contact);
        let granted = SessionTimer::grant(now, &invite, SHORTEST).ok().flatten();
        super::refreshing::show(&mut response.headers, granted.map(|(_, header)| header));
        response.set_body("application/sdp", body.into_bytes());
        let plan = negotiated
            .as_ref()
            .map(|negotiated| super::call::plan_of(negotiated, false));
        let sequence = invite.headers.cseq().map_or(0, |cseq| cseq.seq);
        let digest = self
            .accounts
            .get(&account)
            .and_then(super::account::Account::digest);
        if let Some(found) = self.calls.get_mut(&call) {
            found.phase = Phase::Established(Box::new(Established {
                dialog,
                contact,
                negotiation,
                codec: plan.as_ref().map(|plan| plan.codec.clone()),
                local_hold: false,
                remote_hold: false,
                caller: false,
                unacknowledged: Some(Unacknowledged {
                    key,
                    sequence,
                    answer_in_ack: plan.is_none(),
                }),
                change: Change::None,
                hold_next: None,
                superseded: None,
                moving_to: None,
                bye_after_ack: false,
                digest,
                timer: granted.map(|(timer, _)| timer),
                replaceable: requests::supports(&invite.headers, requests::REPLACES),
                updates: requests::allows(&invite.headers, &Method::Update).unwrap_or(false),
                keys: Keys::of(&invite.headers),
                focus: false,
                transfer: None,
                referred: None,
            }));
        }
        self.respond(now, &key, response);
        if let Some(plan) = plan {
            self.apply(call, plan.clone());
            self.event(Event::Answered {
                call,
                codec: plan.codec.clone(),
                remote,
            });
            self.note_remote_hold(call, &plan);
        }
        self.note_focus(call);
        let replaces = self.calls.get_mut(&call).and_then(|it| it.replaces.take());
        if let Some(old) = replaces {
            self.replace(now, old, call);
        }
        Ok(())
    }

    /// Turns a call away that rings here.
    pub(super) fn reject(
        &mut self,
        now: Instant,
        call: CallId,
        status: StatusCode,
    ) -> Result<(), Refused> {
        let Some(found) = self.calls.get(&call) else {
            return Err((Some(call), Refusal::UnknownCall));
        };
        let rings = matches!(found.phase, Phase::Alerting(_));
        if !rings || !status.is_final() || status.is_success() {
            return Err((Some(call), Refusal::WrongState));
        }
        self.turn_away(now, call, status, EndCause::Declined, Side::Local);
        Ok(())
    }

    /// Answers a ringing call with a final status and forgets it.
    pub(super) fn turn_away(
        &mut self,
        now: Instant,
        call: CallId,
        status: StatusCode,
        cause: EndCause,
        by: Side,
    ) {
        let Some(Call {
            phase: Phase::Alerting(alerting),
            ..
        }) = self.calls.get(&call)
        else {
            return;
        };
        let response = self.reply(&alerting.invite, status, Some(&alerting.local_tag));
        let key = alerting.key;
        self.respond(now, &key, response);
        self.end(now, call, cause, by, None);
    }

    /// CANCEL came; the layer has answered it with 200.
    pub(super) fn invite_cancelled(&mut self, now: Instant, key: &ServerKey, cancel: &Request) {
        let call = self.calls.iter().find_map(|(id, call)| match &call.phase {
            Phase::Preparing(offered) if offered.key == *key => Some(*id),
            Phase::Alerting(alerting) if alerting.key == *key => Some(*id),
            _ => None,
        });
        // A call that was answered in the same moment goes on: the caller ends it with BYE.
        let Some(call) = call else { return };
        if let Some(Call {
            phase: Phase::Preparing(offered),
            ..
        }) = self.calls.get(&call)
        {
            let (key, invite) = (offered.key, offered.invite.clone());
            self.answer_request(now, &key, &invite, StatusCode::REQUEST_TERMINATED);
            self.outputs.push_back(Output::Media(MediaCommand::Close {
                media: MediaId(call.0),
            }));
            self.calls.remove(&call);
            return;
        }
        let terminated = StatusCode::REQUEST_TERMINATED;
        let cause = causes::of_cancel(&cancel.headers);
        self.turn_away(now, call, terminated, cause, Side::Remote);
    }

    fn options_came(&mut self, now: Instant, key: &ServerKey, request: &Request, from: &Peer) {
        let in_dialog = request.headers.to().is_ok_and(|to| to.tag().is_some());
        if in_dialog && self.call_of_dialog(request).is_none() {
            self.answer_request(now, key, request, StatusCode::CALL_DOES_NOT_EXIST);
            return;
        }
        // RFC 3261 section 11.2: the status that an INVITE would get.
        let status = if self.live_calls(None) >= self.config.max_calls {
            StatusCode::BUSY_HERE
        } else if matches!(self.addressee(request, from), Addressee::Nobody) && !in_dialog {
            StatusCode::NOT_FOUND
        } else {
            StatusCode::OK
        };
        let tag = self.random_token();
        let mut response = self.reply(request, status, Some(&tag));
        response.headers.set(HeaderName::ALLOW, requests::ALLOWED);
        let accepted = format!("{}, {}", requests::ACCEPTED, messaging::ACCEPTED);
        response.headers.set(HeaderName::ACCEPT, accepted);
        response
            .headers
            .set(HeaderName::ACCEPT_ENCODING, "identity");
        response
            .headers
            .set(HeaderName::SUPPORTED, requests::SUPPORTED.join(", "));
        response
            .headers
            .set(HeaderName::ALLOW_EVENTS, requests::ALLOWED_EVENTS);
        self.respond(now, key, response);
    }

    pub(super) fn call_of_dialog(&self, request: &Request) -> Option<CallId> {
        let id = DialogId::of_incoming(request)?;
        self.calls
            .iter()
            .find_map(|(call, found)| match &found.phase {
                Phase::Established(established) if *established.dialog.id() == id => Some(*call),
                _ => None,
            })
    }

    /// The address under which an account is reached over this way.
    pub(super) fn contact_of(&self, account: AccountId, way: &Peer) -> NameAddr {
        match self.accounts.get(&account) {
            Some(account) => account.contact_in_dialogs(way, false),
            None => requests::contact("ramal", way),
        }
    }
}

/// Why an offer is not taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unusable {
    /// The answer to who offers.
    pub(super) status: StatusCode,
    /// What it means for the person.
    pub(super) cause: EndCause,
}

/// Reads an offer and answers it; the status that refuses it otherwise.
pub(super) fn weigh_offer(
    negotiation: &mut Negotiation,
    body: &[u8],
) -> Result<(String, crate::sdp::Negotiated), Unusable> {
    let offer = sdp::parse(body)
        .map_err(|_| Unusable {
            status: StatusCode::BAD_REQUEST,
            cause: EndCause::NoCommonCodec,
        })?
        .description;
    let (answer, negotiated) = negotiation.handle_offer(&offer).map_err(|error| Unusable {
        status: StatusCode::NOT_ACCEPTABLE_HERE,
        cause: protecting::cause_of(&error),
    })?;
    Ok((answer.to_string(), negotiated))
}
