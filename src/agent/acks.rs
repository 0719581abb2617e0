//! What settles and what ends a dialog: the ACK of a 2xx, and BYE.

use std::time::Instant;

use rand_chacha::rand_core::Rng;

use super::call::Phase;
use super::routing::{Goodbye, Lookup, Purpose};
use super::{AccountId, Agent, CallId, SentAck, Side, causes, requests};
use crate::sip::transaction::{Peer, ServerKey};
use crate::sip::{Dialog, DialogId, HeaderName, Method, NameAddr, Request, Response, StatusCode};

impl Agent {
    /// Sends the ACK to a 2xx and keeps it for the 2xx that come again.
    pub(super) fn acknowledge(
        &mut self,
        now: Instant,
        account: AccountId,
        dialog: &Dialog,
        sequence: u32,
    ) {
        let ack = dialog.ack(sequence);
        let hop = dialog.next_hop();
        self.locate(now, account, &hop, Lookup::Ack(Box::new(ack)));
    }

    /// The 2xx came again: so goes its ACK, unless that one's way is still being looked for.
    pub(super) fn acknowledge_again(
        &mut self,
        now: Instant,
        account: AccountId,
        dialog: &Dialog,
        sequence: u32,
    ) {
        let id = (dialog.id().clone(), sequence);
        if let Some(sent) = self.acks.get(&id) {
            // It was written once; it can be written again.
            let _ = self.layer.send_ack(sent.request.clone(), sent.to);
            return;
        }
        let mut lookups = self.lookups.values();
        let waits = lookups.any(|lookup| matches!(lookup, Lookup::Ack(ack) if id_of(ack) == id));
        if !waits {
            self.acknowledge(now, account, dialog, sequence);
        }
    }

    /// A response that nobody waits for. The 2xx to a re-INVITE comes again for as long as its
    /// ACK does not get there.
    pub(super) fn answered_again(&mut self, now: Instant, response: &Response) {
        let Ok(cseq) = response.headers.cseq() else {
            return;
        };
        if !response.status.is_success() || cseq.method != Method::Invite {
            return;
        }
        let Some(id) = DialogId::of_response(response) else {
            return;
        };
        let found = self.calls.values().find_map(|call| match &call.phase {
            Phase::Established(e) if *e.dialog.id() == id => Some((call.account, e.dialog.clone())),
            _ => None,
        });
        if let Some((account, dialog)) = found {
            self.acknowledge_again(now, account, &dialog, cseq.seq);
        }
    }

    pub(super) fn transmit_ack(&mut self, now: Instant, mut request: Request, to: Peer) {
        self.guard_ack(&mut request, &to);
        self.company.note(to.remote.ip());
        let id = id_of(&request);
        let forget_at = now + self.config.timers.patience();
        // Only a header that holds a line break cannot be written, and ours do not.
        let _ = self.layer.send_ack(request.clone(), to);
        self.acks.insert(
            id,
            SentAck {
                request,
                to,
                forget_at,
            },
        );
    }

    /// Ends a dialog with BYE; the call may be forgotten already.
    pub(super) fn say_goodbye(&mut self, now: Instant, account: AccountId, mut dialog: Dialog) {
        let mut request = dialog.request(Method::Bye);
        request
            .headers
            .push(HeaderName::USER_AGENT, self.config.user_agent.as_str());
        let hop = dialog.next_hop();
        let goodbye = Goodbye {
            account,
            dialog,
            request: request.clone(),
            challenged: false,
        };
        self.send_in_dialog(now, account, &hop, request, Purpose::Bye(Box::new(goodbye)));
    }

    /// The far side ends a dialog (RFC 3261 section 15.1.2).
    pub(super) fn bye_came(
        &mut self,
        now: Instant,
        key: &ServerKey,
        request: &Request,
        from: Peer,
    ) {
        let Some(call) = self.call_of_dialog(request) else {
            match self.ringing_call_of(request) {
                Some(call) => {
                    self.accept_bye(now, key, request, from);
                    // Some callers give up with BYE where CANCEL is meant; what is open of the
                    // early dialog is answered 487.
                    let cause = causes::of_cancel(&request.headers);
                    let terminated = StatusCode::REQUEST_TERMINATED;
                    self.turn_away(now, call, terminated, cause, Side::Remote);
                }
                None => self.answer_request(now, key, request, StatusCode::CALL_DOES_NOT_EXIST),
            }
            return;
        };
        if let Some(established) = self.established(call) {
            if let Err(status) = established.dialog.check_incoming(request) {
                self.answer_request(now, key, request, status);
                return;
            }
            // RFC 3261 section 15.1.2: an INVITE of ours that is still open is answered by this.
            let open = established.unacknowledged.take();
            if let Some(open) = open {
                self.layer.stop_awaiting_ack(&open.key);
            }
        }
        self.accept_bye(now, key, request, from);
        let cause = match self.left_by_referrer(call) {
            Some(cause) => cause,
            None => self.left_in_transfer(now, call),
        };
        let told = causes::told_of_bye(&request.headers);
        self.end(now, call, cause, Side::Remote, told);
    }

    /// The call that rings here in the early dialog of this request.
    fn ringing_call_of(&self, request: &Request) -> Option<CallId> {
        let id = DialogId::of_incoming(request)?;
        let early = |invite: &Request, local_tag: &str| {
            let from = invite.headers.from().ok();
            let theirs = from.as_ref().and_then(NameAddr::tag).unwrap_or_default();
            invite.headers.call_id() == Ok(id.call_id.as_str())
                && local_tag == id.local_tag
                && theirs == id.remote_tag
        };
        self.calls.iter().find_map(|(call, found)| {
            let Phase::Alerting(alerting) = &found.phase else {
                return None;
            };
            early(&alerting.invite, &alerting.local_tag).then_some(*call)
        })
    }

    /// Answers a BYE of a call of ours with 200.
    fn accept_bye(&mut self, now: Instant, key: &ServerKey, bye: &Request, from: Peer) {
        let response = self.reply(bye, StatusCode::OK, None);
        self.respond(now, key, response);
        if !from.transport.is_reliable() {
            // The first repetition comes after T1, and may take as long to get here.
            self.stay_until = Some(now + self.config.timers.t1 * 2);
        }
    }

    pub(super) fn bye_answered(&mut self, now: Instant, mut goodbye: Goodbye, response: &Response) {
        if !matches!(response.status.code(), 401 | 407) || goodbye.challenged {
            return;
        }
        let account = goodbye.account;
        let digest = self
            .accounts
            .get(&account)
            .and_then(super::account::Account::digest);
        let Some(mut digest) = digest else { return };
        let Ok(credentials) = digest.answer(response, &goodbye.request, self.rng.next_u64()) else {
            return;
        };
        goodbye.dialog.renumber(&mut goodbye.request);
        requests::set_credentials(&mut goodbye.request.headers, credentials);
        goodbye.challenged = true;
        let hop = goodbye.dialog.next_hop();
        let request = goodbye.request.clone();
        self.send_in_dialog(now, account, &hop, request, Purpose::Bye(Box::new(goodbye)));
    }
}

/// The dialog and CSeq number of an ACK of ours.
fn id_of(ack: &Request) -> (DialogId, u32) {
    let headers = &ack.headers;
    let tag = |addr: Result<NameAddr, _>| {
        addr.ok()
            .and_then(|addr: NameAddr| addr.tag().map(str::to_owned))
            .unwrap_or_default()
    };
    let dialog = DialogId {
        call_id: headers.call_id().unwrap_or_default().to_owned(),
        local_tag: tag(headers.from()),
        remote_tag: tag(headers.to()),
    };
    (dialog, headers.cseq().map_or(0, |cseq| cseq.seq))
}
