//! INVITEs sent again: with credentials, over another way, to another target.

use std::time::Instant;

use rand_chacha::rand_core::Rng;

use super::call::Phase;
use super::routing::Purpose;
use super::{Agent, CallId, EndCause, Output, requests};
use crate::media::plan::{MediaCommand, MediaId};
use crate::sip::{Contacts, DigestError, HeaderName, Response, Uri};

/// Targets tried in one call, redirections included.
const MAX_TARGETS: usize = 8;
/// The longest header that says who sent a call on, in bytes, that is passed on.
const LONGEST_DIVERSION: usize = 256;
/// Times an INVITE is repeated with credentials.
const MAX_CHALLENGES: u8 = 3;

impl Agent {
    pub(super) fn invite_redirected(&mut self, now: Instant, call: CallId, response: &Response) {
        let Some(found) = self.calls.get_mut(&call) else {
            return;
        };
        let account = found.account;
        let Phase::Inviting(inviting) = &mut found.phase else {
            return;
        };
        let follows = self
            .accounts
            .get(&account)
            .is_some_and(|account| account.config.follow_redirects);
        let mut targets = match response.headers.contacts() {
            Ok(Contacts::List(list)) if follows => list,
            _ => Vec::new(),
        };
        // Stable: equal weights keep the server's order.
        targets.sort_by(|a, b| b.q().unwrap_or(1.0).total_cmp(&a.q().unwrap_or(1.0)));
        let setup = &mut inviting.setup;
        setup.tried.push(setup.target.clone());
        // Whoever is called next hears who sent the call on (RFC 5806 section 6.1).
        let told = response.headers.get_all(&HeaderName::DIVERSION);
        let told = told.filter(|it| it.len() <= LONGEST_DIVERSION);
        let told = told.map(|it| (HeaderName::DIVERSION, it.to_owned()));
        let at_most = MAX_TARGETS.saturating_sub(setup.wanted.len());
        setup
            .wanted
            .splice(0..0, told.take(at_most).collect::<Vec<_>>());
        for target in targets.into_iter().take(MAX_TARGETS) {
            let known = setup.tried.iter().chain(&setup.further_targets);
            // From `sips:` nothing leads back to what is not (RFC 5630 section 3.3).
            let keeps = !setup.target.is_sips() || target.uri.is_sips();
            if target.uri.as_sip().is_some()
                && keeps
                && !known.into_iter().any(|t| t.equivalent(&target.uri))
            {
                let target = match target.uri {
                    Uri::Sip(sip) => Uri::Sip(sip.for_request_uri()),
                    other => other,
                };
                setup.further_targets.push_back(target);
            }
        }
        if !self.try_next_target(now, call) {
            self.invite_refused(now, call, response);
        }
    }

    /// Goes on with the next target of a redirection, if there is one.
    pub(super) fn try_next_target(&mut self, now: Instant, call: CallId) -> bool {
        let Some(found) = self.calls.get_mut(&call) else {
            return false;
        };
        let Phase::Inviting(inviting) = &mut found.phase else {
            return false;
        };
        if inviting.setup.tried.len() >= MAX_TARGETS {
            return false;
        }
        let Some(target) = inviting.setup.further_targets.pop_front() else {
            return false;
        };
        inviting.setup.target = target;
        inviting.setup.sequence += 1;
        let setup = Box::new(inviting.setup.clone());
        found.phase = Phase::Locating(setup);
        // The next target may be reached from another address of ours.
        let media = MediaId(call.0);
        self.outputs
            .push_back(Output::Media(MediaCommand::Close { media }));
        self.locate_call(now, call);
        true
    }

    /// Sends the INVITE over the next way to the same hop, if there is one.
    pub(super) fn try_next_way(&mut self, now: Instant, call: CallId) -> bool {
        let Some(found) = self.calls.get_mut(&call) else {
            return false;
        };
        let Phase::Inviting(inviting) = &mut found.phase else {
            return false;
        };
        let local = inviting.way.local.ip();
        let mut ways = inviting.further_ways.iter();
        let Some(at) = ways.position(|way| way.local.ip() == local) else {
            return self.try_other_address(call);
        };
        let Some(next) = inviting.further_ways.remove(at) else {
            return false;
        };
        inviting.way = next;
        inviting.setup.sequence += 1;
        inviting.forks.clear();
        // What one server asked for is nothing to the next: it would refuse a nonce not its own,
        // and that would pass for a wrong password.
        requests::forget_credentials(&mut inviting.invite.headers);
        if let Some(digest) = &mut inviting.digest {
            digest.forget();
        }
        inviting.challenges = 0;
        self.invite_again(now, call, Vec::new());
        true
    }

    /// Goes on over the ways that lead from another address of ours: they need another Contact, and
    /// other ports for the sound.
    fn try_other_address(&mut self, call: CallId) -> bool {
        let Some(found) = self.calls.get_mut(&call) else {
            return false;
        };
        let Phase::Inviting(inviting) = &mut found.phase else {
            return false;
        };
        let ways = std::mem::take(&mut inviting.further_ways);
        let Some(local) = ways.front().map(|way| way.local.ip()) else {
            return false;
        };
        inviting.setup.sequence += 1;
        let setup = Box::new(inviting.setup.clone());
        found.phase = Phase::Opening(setup, ways);
        let media = MediaId(call.0);
        self.outputs
            .push_back(Output::Media(MediaCommand::Close { media }));
        self.outputs
            .push_back(Output::Media(MediaCommand::Open { media, local }));
        true
    }

    pub(super) fn invite_challenged(&mut self, now: Instant, call: CallId, response: &Response) {
        let Some(found) = self.calls.get_mut(&call) else {
            return;
        };
        let Phase::Inviting(inviting) = &mut found.phase else {
            return;
        };
        inviting.challenges += 1;
        let answer = Some((response.status.code(), response.reason.clone()));
        let Some(digest) = inviting.digest.as_mut() else {
            self.call_failed(now, call, EndCause::PasswordNeeded, answer);
            return;
        };
        let credentials = digest.answer(response, &inviting.invite, self.rng.next_u64());
        let cause = match credentials {
            Ok(credentials) if inviting.challenges <= MAX_CHALLENGES => {
                inviting.setup.sequence += 1;
                inviting.forks.clear();
                self.invite_again(now, call, credentials);
                return;
            }
            // Its nonces are never fresh enough, or its realms have no end: the password is right
            // as far as anybody can tell.
            Ok(_) | Err(DigestError::AlwaysStale) => EndCause::ServerTrouble,
            Err(DigestError::Downgrade { .. }) => EndCause::WeakDigest,
            Err(DigestError::ForeignRealm { .. }) => EndCause::ForeignServer,
            Err(_) => EndCause::WrongPassword,
        };
        self.call_failed(now, call, cause, answer);
    }

    /// Asks for a longer session, as a 422 wants it (RFC 4028 section 7.3). Says whether it does.
    pub(super) fn invite_for_longer(
        &mut self,
        now: Instant,
        call: CallId,
        response: &Response,
    ) -> bool {
        let Some(found) = self.calls.get_mut(&call) else {
            return false;
        };
        let Phase::Inviting(inviting) = &mut found.phase else {
            return false;
        };
        let least = response.headers.min_se();
        let setup = &mut inviting.setup;
        if setup.interval.is_none_or(|interval| interval >= least) {
            return false;
        }
        setup.interval = Some(least);
        setup.least_interval = Some(least);
        setup.sequence += 1;
        requests::ask_for_session(&mut inviting.invite.headers, setup);
        inviting.forks.clear();
        self.invite_again(now, call, Vec::new());
        true
    }

    /// Offers protection under the profile that some want it under, where it was refused under
    /// another. Says whether it does.
    pub(super) fn invite_under_next_profile(&mut self, now: Instant, call: CallId) -> bool {
        let Some(found) = self.calls.get_mut(&call) else {
            return false;
        };
        let Phase::Inviting(inviting) = &mut found.phase else {
            return false;
        };
        let mut local = inviting.negotiation.local().clone();
        let Some(profile) = local.profile.after(local.encryption) else {
            return false;
        };
        local.profile = profile;
        inviting.negotiation.set_local(local);
        let offer = inviting.negotiation.offer().to_bytes();
        inviting.invite.set_body("application/sdp", offer);
        inviting.setup.sequence += 1;
        inviting.forks.clear();
        inviting.early = None;
        self.invite_again(now, call, Vec::new());
        true
    }

    /// Repeats the INVITE with its next sequence number.
    fn invite_again(&mut self, now: Instant, call: CallId, credentials: Vec<(HeaderName, String)>) {
        let Some(found) = self.calls.get_mut(&call) else {
            return;
        };
        let Phase::Inviting(inviting) = &mut found.phase else {
            return;
        };
        let sequence = inviting.setup.sequence;
        let invite = &mut inviting.invite;
        invite
            .headers
            .set(HeaderName::CSEQ, format!("{sequence} INVITE"));
        requests::set_credentials(&mut invite.headers, credentials);
        let (invite, way) = (invite.clone(), inviting.way);
        inviting.key = None;
        self.send(now, invite, way, Purpose::Invite(call));
    }
}
