//! Where requests go: the next hop, the way to it, and whose answer is whose.

use std::time::Instant;

use super::asking::Asking;
use super::call::Phase;
use super::flow::FlowId;
use super::leaving::LeaveId;
use super::messaging::Posting;
use super::publishing::PublicationKey;
use super::registering::registrar_of;
use super::reliable::Pracking;
use super::watching::WatchKey;
use super::{
    AccountId, Agent, CallId, EndCause, MessageFailure, Output, ResolveFailure, ResolveId,
};
use crate::sip::locating::Hop;
use crate::sip::transaction::{ClientKey, Failure, Peer, SendError};
use crate::sip::{Dialog, Fingerprint, Request, Response, Transport, Uri};

/// A request that waits for its way to be found.
#[derive(Debug)]
pub(super) enum Lookup {
    /// The first REGISTER of an account: its Contact needs to know from where we send.
    Registrar(AccountId),
    /// The same, of its second flow.
    Second(AccountId),
    /// The first INVITE of a call: its SDP needs to know from where we send.
    Call(CallId),
    /// The first SUBSCRIBE of a watch, or one that is asked for anew: likewise its Contact.
    Watch(WatchKey),
    /// A request that is complete.
    Send {
        /// The request.
        request: Box<Request>,
        /// What its answer is for.
        purpose: Purpose,
    },
    /// A call whose far side may be reached from another address of ours than before.
    Move(CallId),
    /// A message: its From may need to know from where we send.
    Message(Box<Posting>),
    /// The ACK to a 2xx, which has no answer.
    Ack(Box<Request>),
}

/// What a client transaction is for.
#[derive(Debug)]
pub(super) enum Purpose {
    /// The REGISTER of one of an account's flows.
    Register(FlowId),
    /// The REGISTER that takes the binding of a removed account away.
    Leave(LeaveId),
    /// A call's first INVITE.
    Invite(CallId),
    /// A call's INVITE within its dialog.
    Reinvite(CallId),
    /// Another request within a call's dialog.
    Ask(Box<Asking>),
    /// PRACK before a call of ours is answered.
    Prack(Box<Pracking>),
    /// A SUBSCRIBE.
    Watch(WatchKey),
    /// A PUBLISH.
    Publish(PublicationKey),
    /// The end of a dialog; the call may be forgotten already.
    Bye(Box<Goodbye>),
    /// A message outside any call.
    Message(Box<Posting>),
}

/// A BYE under way, with what is needed to send it again with credentials.
#[derive(Debug)]
pub(super) struct Goodbye {
    pub(super) account: AccountId,
    pub(super) dialog: Dialog,
    pub(super) request: Request,
    pub(super) challenged: bool,
}

/// The most lookups that may be open at once; more are answered "not found" at once.
const MAX_LOOKUPS: usize = 256;

impl Agent {
    /// Asks for the ways to the next hop; `lookup` goes on when they are known.
    pub(super) fn locate(&mut self, now: Instant, account: AccountId, hop: &Uri, lookup: Lookup) {
        let configured = self.accounts.get(&account).and_then(|a| a.config.transport);
        let secure = self.asks_for_security(&lookup);
        let Some(hop) = Hop::of(hop, configured, secure) else {
            self.located(now, lookup, Err(ResolveFailure::NotFound));
            return;
        };
        if self.lookups.len() >= MAX_LOOKUPS {
            self.located(now, lookup, Err(ResolveFailure::Unreachable));
            return;
        }
        let id = ResolveId(self.next_lookup);
        self.next_lookup += 1;
        self.lookups.insert(id, lookup);
        let found = self.accounts.get(&account);
        if found.is_some_and(|account| account.is_own_host(&hop.host)) {
            self.own_lookups.insert(id, account);
        }
        self.outputs.push_back(Output::Resolve { id, account, hop });
    }

    /// Whether the next hop has to be a secure one whatever its own URI says: a `sips:` target is
    /// reached over TLS all the way, or not at all (RFC 3261 section 8.1.2).
    fn asks_for_security(&self, lookup: &Lookup) -> bool {
        match lookup {
            Lookup::Call(call) => self.calls.get(call).is_some_and(|call| match &call.phase {
                Phase::Locating(setup) => setup.target.is_sips(),
                _ => false,
            }),
            Lookup::Move(call) => self.calls.get(call).is_some_and(|call| match &call.phase {
                Phase::Established(e) => e.dialog.remote_target().is_sips(),
                _ => false,
            }),
            Lookup::Send { request, .. } | Lookup::Ack(request) => request.uri.is_sips(),
            Lookup::Message(posting) => posting.target().is_sips(),
            Lookup::Watch(key) => self.watched_resource(*key).is_some_and(Uri::is_sips),
            // Its own URI says it.
            Lookup::Registrar(_) | Lookup::Second(_) => false,
        }
    }

    pub(super) fn located(
        &mut self,
        now: Instant,
        lookup: Lookup,
        mut found: Result<Vec<Peer>, ResolveFailure>,
    ) {
        if let Ok(ways) = &mut found {
            self.outages.put_last(now, ways);
        }
        let account = match &lookup {
            Lookup::Registrar(account) | Lookup::Second(account) => Some(*account),
            Lookup::Call(call) => self.calls.get(call).map(|call| call.account),
            Lookup::Message(posting) => Some(posting.account()),
            Lookup::Watch(_) | Lookup::Send { .. } | Lookup::Ack(_) | Lookup::Move(_) => None,
        };
        if let (Some(account), Ok(ways)) = (account, &found) {
            self.choose_datagrams(account, ways);
        }
        match (lookup, found) {
            (Lookup::Registrar(account), found) => self.registrar_located(now, account, found),
            (Lookup::Second(account), found) => self.second_located(now, account, found),
            (Lookup::Call(call), Ok(ways)) => self.call_located(now, call, ways),
            (Lookup::Call(call), Err(failure)) => {
                self.call_failed(now, call, cause_of_lookup(failure), None);
            }
            (Lookup::Move(call), Ok(ways)) => self.call_found_again(call, &ways[0]),
            // There is no network at all; when there is one, that is told.
            (Lookup::Move(_), Err(_)) => {}
            (Lookup::Watch(watch), found) => self.watch_located(now, watch, found),
            (Lookup::Send { request, purpose }, Ok(ways)) => {
                self.send_over(now, *request, &ways, purpose);
            }
            (Lookup::Send { purpose, .. }, Err(failure)) => {
                self.undelivered(now, purpose, cause_of_lookup(failure));
            }
            (Lookup::Message(posting), Ok(ways)) => self.message_located(now, *posting, &ways),
            (Lookup::Message(posting), Err(failure)) => {
                let purpose = Purpose::Message(posting);
                self.undelivered(now, purpose, cause_of_lookup(failure));
            }
            (Lookup::Ack(request), Ok(ways)) => self.transmit_ack(now, *request, ways[0]),
            // The 2xx will come again, and the ACK with it.
            (Lookup::Ack(_), Err(_)) => {}
        }
    }

    /// An account that is set to UDP uses nothing else, however long a request is; one that no
    /// longer is, does.
    fn choose_datagrams(&mut self, account: AccountId, ways: &[Peer]) {
        let chosen = self
            .accounts
            .get(&account)
            .and_then(|account| account.config.transport);
        for way in ways {
            let only = chosen == Some(Transport::Udp);
            self.layer.set_datagrams_only(way.remote, only);
        }
    }

    /// Hands a request to the transaction layer; the name of its transaction, if it was taken.
    pub(super) fn send(
        &mut self,
        now: Instant,
        mut request: Request,
        to: Peer,
        purpose: Purpose,
    ) -> Option<ClientKey> {
        // The call may have ended while its way was being looked for.
        if let Purpose::Reinvite(call) = purpose
            && !self.awaits_reinvite(call)
        {
            return None;
        }
        if let Err(cause) = self.guard(&mut request, &to, &purpose) {
            self.undelivered(now, purpose, cause);
            return None;
        }
        self.note_hop(&to, &purpose);
        let fingerprint = Fingerprint::of(&request);
        match self.layer.request(now, request, to) {
            Ok(key) => {
                match purpose {
                    Purpose::Invite(call) => self.invite_sent(call, key),
                    Purpose::Reinvite(call) => self.reinvite_sent(now, call, key),
                    Purpose::Register(_)
                    | Purpose::Leave(_)
                    | Purpose::Ask(_)
                    | Purpose::Prack(_)
                    | Purpose::Message(_)
                    | Purpose::Watch(_)
                    | Purpose::Publish(_)
                    | Purpose::Bye(_) => {}
                }
                self.clients.insert(key, purpose);
                self.note_sent(key, to, fingerprint);
                Some(key)
            }
            Err(error) => {
                match purpose {
                    Purpose::Message(posting) if error == SendError::TooLong => {
                        self.message_undelivered(now, &posting, MessageFailure::TooLong);
                    }
                    // Only a value that holds a line break cannot be written; dialling refuses those.
                    purpose => self.undelivered(now, purpose, EndCause::Refused),
                }
                None
            }
        }
    }

    /// Sends a request within a dialog along its route set.
    pub(super) fn send_in_dialog(
        &mut self,
        now: Instant,
        account: AccountId,
        hop: &Uri,
        request: Request,
        purpose: Purpose,
    ) {
        self.locate(
            now,
            account,
            hop,
            Lookup::Send {
                request: Box::new(request),
                purpose,
            },
        );
    }

    /// Sends a request of an account's own to this hop: over the way on which its registrar knows
    /// it, where that is the same hop.
    pub(super) fn send_along(
        &mut self,
        now: Instant,
        account: AccountId,
        hop: &Uri,
        request: Request,
        purpose: Purpose,
    ) {
        match self.known_way(now, account, hop) {
            Some(way) => {
                self.send(now, request, way, purpose);
            }
            None => self.send_in_dialog(now, account, hop, request, purpose),
        }
    }

    /// The way to this hop, if the account's registrar is reached by it.
    pub(super) fn known_way(&self, now: Instant, account: AccountId, hop: &Uri) -> Option<Peer> {
        let account = self.accounts.get(&account)?;
        let config = &account.config;
        let registrar = config.proxy.clone().or_else(|| registrar_of(config))?;
        let hop_of = |uri| Hop::of(uri, config.transport, false);
        let same = hop_of(hop) == hop_of(&registrar);
        let way = account.registered_way().filter(|_| same).copied();
        way.filter(|way| !self.outages.is_out(now, way))
    }

    /// `foreign`: it asks for a password that is none of its business.
    pub(super) fn response_came(
        &mut self,
        now: Instant,
        key: &ClientKey,
        response: &Response,
        foreign: bool,
    ) {
        // A 2xx that comes again, or that of another fork.
        if let Some(call) = self.answered_invites.get(key).map(|answered| answered.call) {
            self.invite_accepted(now, call, key, response);
            return;
        }
        let last = response.status.is_final();
        if last && self.server_answered(now, key, response) {
            return;
        }
        // The transaction of an INVITE hands up further 2xx of a fork after the first.
        let keep = !last || matches!(self.clients.get(key), Some(Purpose::Invite(_)));
        let call = match self.clients.get(key) {
            Some(Purpose::Invite(call)) => Some(*call),
            _ => None,
        };
        if keep {
            if let Some(call) = call {
                if foreign {
                    let told = Some((response.status.code(), response.reason.clone()));
                    self.call_failed(now, call, EndCause::ForeignServer, told);
                } else {
                    self.invite_answered(now, call, key, response);
                }
                if last && !response.status.is_success() {
                    self.clients.remove(key);
                }
            }
            return;
        }
        match self.clients.remove(key) {
            Some(purpose) if foreign => self.undelivered(now, purpose, EndCause::ForeignServer),
            Some(Purpose::Register(flow)) => self.register_answered(now, flow, response),
            Some(Purpose::Leave(leave)) => self.leave_answered(now, leave, response),
            Some(Purpose::Reinvite(call)) => {
                self.reinvite_answered(now, call, response);
                self.transfer_may_ask(now, call);
            }
            Some(Purpose::Ask(asking)) => self.ask_answered(now, *asking, response),
            Some(Purpose::Prack(pracking)) => self.prack_answered(now, *pracking, response),
            Some(Purpose::Bye(goodbye)) => self.bye_answered(now, *goodbye, response),
            Some(Purpose::Message(posting)) => self.message_answered(now, *posting, response),
            Some(Purpose::Watch(watch)) => self.watch_answered(now, watch, response),
            Some(Purpose::Publish(key)) => self.publish_answered(now, key, response),
            Some(Purpose::Invite(_)) => {}
            None => self.answered_again(now, response),
        }
    }

    pub(super) fn request_failed(&mut self, now: Instant, key: &ClientKey, failure: Failure) {
        let cause = match failure {
            Failure::Timeout => EndCause::TimedOut,
            Failure::Transport if self.not_secured.is_some() => EndCause::NotSecured,
            Failure::Transport | Failure::TooLong => EndCause::Unreachable,
        };
        if self.server_silent(now, key, failure) {
            return;
        }
        match self.clients.remove(key) {
            Some(Purpose::Message(posting)) if failure == Failure::TooLong => {
                self.message_undelivered(now, &posting, MessageFailure::TooLong);
            }
            Some(purpose) => self.undelivered(now, purpose, cause),
            None => {}
        }
    }

    fn undelivered(&mut self, now: Instant, purpose: Purpose, cause: EndCause) {
        match purpose {
            Purpose::Register(flow) => self.register_undelivered(now, flow, cause),
            Purpose::Leave(leave) => self.leave_undelivered(now, leave),
            Purpose::Invite(call) => self.invite_undelivered(now, call, cause),
            Purpose::Reinvite(call) => {
                self.reinvite_undelivered(now, call, cause);
                self.transfer_may_ask(now, call);
            }
            Purpose::Ask(asking) => self.ask_undelivered(now, &asking),
            Purpose::Message(posting) => {
                let cause = match cause {
                    EndCause::HostNotFound => MessageFailure::HostNotFound,
                    EndCause::Unreachable | EndCause::NotSecured => MessageFailure::Unreachable,
                    EndCause::TimedOut => MessageFailure::TimedOut,
                    EndCause::ForeignServer => MessageFailure::ForeignServer,
                    EndCause::Unencrypted => MessageFailure::Unencrypted,
                    _ => MessageFailure::Refused,
                };
                self.message_undelivered(now, &posting, cause);
            }
            Purpose::Watch(watch) => self.watch_undelivered(now, watch, cause),
            Purpose::Publish(key) => self.publish_undelivered(now, key, cause),
            // The far side is gone; so is the dialog. Whoever is not told that the ringing was heard
            // says so again.
            Purpose::Bye(_) | Purpose::Prack(_) => {}
        }
    }
}

fn cause_of_lookup(failure: ResolveFailure) -> EndCause {
    match failure {
        ResolveFailure::NotFound => EndCause::HostNotFound,
        ResolveFailure::Unreachable => EndCause::Unreachable,
    }
}
