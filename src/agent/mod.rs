//! The phone itself, without clock, socket or thread: accounts and calls.
//!
//! [`Agent`] takes [`Command`]s from a person, datagrams and messages from the network, and the
//! time; it answers through [`Agent::poll_output`] with bytes to send, orders to the media
//! thread, events for the faces, and the moment it wants to be woken.
//!
//! ```text
//!            Command ─┐                        ┌─ Transmit   to the sockets
//!  datagram, message ─┤   accounts ─ calls     ├─ Resolve    to DNS and routing table
//!   resolved, opened ─┼─▶        │             ├─ Media      to the media thread
//!               time ─┘   transaction layer    ├─ Event      to the faces
//!                                              └─ Wait
//! ```

mod account;
mod acks;
mod addressee;
mod asking;
mod call;
mod causes;
mod changing;
mod command;
pub mod dial;
mod digits;
mod door;
mod ending;
mod established;
mod event;
mod failover;
mod flow;
mod focus;
mod incoming;
mod keeping;
mod leaving;
mod mailbox;
mod messaging;
mod moving;
mod notified;
mod outgoing;
mod pickup;
mod protecting;
mod publishing;
mod receiving;
mod reception;
mod referred;
mod refreshing;
mod registering;
mod reliable;
mod relocating;
mod replacing;
mod requests;
mod retrying;
mod routing;
mod second;
mod transferring;
mod trust;
mod updating;
mod watch;
mod watching;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

pub use account::{AccountConfig, AccountId, AccountState, RegistrationCause, TransferPolicy};
pub use command::Command;
pub use digits::DigitsBy;
pub use event::{
    CallEnd, CallId, Diverted, EndCause, Event, Origin, Party, Refusal, Side, TransferProgress,
    TurnedAway,
};
pub use messaging::{
    MAX_TEXT, Message, MessageFailure, MessageId, MessagePolicy, MessageProgress, NewMessage,
    correspondent,
};
pub use protecting::{MediaSecurity, Security, SecurityGrade};
pub use reception::{
    AutoAnswer, DoNotDisturb, Forward, Intercom, LocalTime, Reception, Strangers, Timetable,
    WhyDeclined,
};

pub use publishing::{Availability, PublicationState};
pub use trust::Trust;
pub use watch::{LampState, Package, WatchCause, WatchId, WatchState};

use account::Account;
use call::Call;
use door::{Addresses, Door};
use failover::Sent;
use leaving::{LeaveId, Leaving};
use messaging::Messaging;
use outgoing::AnsweredInvite;
use publishing::Publications;
use routing::{Lookup, Purpose};
use watching::Watches;

use crate::codec::CodecKind;
use crate::media::plan::{MediaCommand, MediaId, Opened};
use crate::nat::demux::{Carried, carried};
pub use crate::sdp::Encryption;
use crate::sip::locating::{Hop, Outages};
use crate::sip::transaction::{self, ClientKey, Peer, Timers, TransactionLayer};
pub use crate::sip::{AlertSource, DiversionReason};
use crate::sip::{Alteration, DialogId, ParseError, Parsed, Request, parse_datagram};
use crate::trust::TlsFailure;

/// Whether packets may be sent again (RFC 2198), at up to twice the rate, where many are lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resend {
    /// With no codec, whatever is offered.
    Never,
    /// Offered for Opus, and for G.711 and G.722 where Opus is not offered; answered to who offers
    /// it.
    #[default]
    Usual,
    /// Offered for G.711 and G.722 beside Opus too.
    Always,
}

/// How the phone behaves towards everybody.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    /// Codecs in order of preference.
    pub codecs: Vec<CodecKind>,
    /// Packet length to ask for and to send when the far side has no wish.
    pub ptime: Duration,
    /// Pauses are described rather than sent, where the far side takes that: with Opus (RFC 7587
    /// section 3.1.3), and with the others under comfort noise (RFC 3389). Off unless asked for: a
    /// recording made on the way then has the pauses as they were, many recorders lay the two
    /// sides together by the packets that come, and a far side that renders noise badly sounds as
    /// if the line broke between words.
    pub silence_suppression: bool,
    /// For which codecs packets may be sent again.
    pub resend: Resend,
    /// What stands in `User-Agent` and `Server`.
    pub user_agent: String,
    /// How long an outgoing call may ring before it is given up.
    pub no_answer_after: Duration,
    /// After how long without a refresh a call is to end, as it is asked for (RFC 4028); `None`:
    /// nothing is asked for.
    pub session_interval: Option<Duration>,
    /// How long an incoming call rings before it is answered 480.
    pub ring_for: Duration,
    /// Calls at once, of all accounts together; a further INVITE is answered 486.
    pub max_calls: usize,
    /// What tells this phone from others of the same person, as a URN: `urn:uuid:…` (RFC 5626
    /// section 4.1). `None`: it is like any other of theirs.
    pub instance: Option<String>,
    /// Transaction timers, RFC 3261 table 4.
    pub timers: Timers,
}

impl Default for AgentConfig {
    fn default() -> Self {
        AgentConfig {
            codecs: vec![
                CodecKind::Opus,
                CodecKind::G722,
                CodecKind::Pcma,
                CodecKind::Pcmu,
            ],
            ptime: Duration::from_millis(20),
            silence_suppression: false,
            resend: Resend::Usual,
            user_agent: concat!("Ramal/", env!("CARGO_PKG_VERSION")).to_owned(),
            no_answer_after: Duration::from_secs(180),
            session_interval: Some(Duration::from_secs(1800)),
            ring_for: Duration::from_secs(120),
            max_calls: 16,
            instance: None,
            timers: Timers::default(),
        }
    }
}

/// Names one question for a way to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResolveId(pub u64);

/// Why no way to a host was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResolveFailure {
    /// The name does not exist, or the resolver does not answer.
    NotFound,
    /// There is an address, but no route to it or no socket of its family.
    Unreachable,
}

/// What the agent wants done.
#[derive(Debug)]
#[must_use]
pub enum Output {
    /// Send these bytes.
    Transmit {
        /// Where to, over which transport, from which of our addresses.
        to: Peer,
        /// One whole message.
        bytes: Vec<u8>,
    },
    /// The connection that this way goes over is dead, whatever the system thinks of it: close it, and
    /// tell of it as of any other that is lost.
    Abandon {
        /// Where it leads.
        to: Peer,
    },
    /// Find the ways to this host; answer with [`Agent::handle_resolved`].
    Resolve {
        /// The question's name.
        id: ResolveId,
        /// Under whose terms.
        account: AccountId,
        /// Where to.
        hop: Hop,
    },
    /// For the media thread. [`MediaCommand::Open`] is answered with [`Agent::handle_opened`].
    Media(MediaCommand),
    /// For the faces.
    Event(Event),
    /// Nothing to do before this instant; `None`: nothing until the next input.
    Wait(Option<Instant>),
}

/// Accounts and calls of one person.
#[derive(Debug)]
pub struct Agent {
    config: AgentConfig,
    layer: TransactionLayer,
    rng: ChaCha8Rng,
    key_source: protecting::KeySource,
    accounts: BTreeMap<AccountId, Account>,
    /// Accounts removed while a binding of theirs stood.
    leaving: BTreeMap<LeaveId, Leaving>,
    calls: BTreeMap<CallId, Call>,
    watches: Watches,
    publications: Publications,
    /// Which request of ours each client transaction carries.
    clients: BTreeMap<ClientKey, Purpose>,
    /// Over which way each of them went.
    sent: BTreeMap<ClientKey, Sent>,
    /// Servers that failed lately.
    outages: Outages,
    /// [`Event::Altered`] was said.
    alteration_told: bool,
    /// Requests that wait for their way to be found.
    lookups: BTreeMap<ResolveId, Lookup>,
    /// Of these, the questions for an account's own servers.
    own_lookups: BTreeMap<ResolveId, AccountId>,
    /// INVITEs that got a 2xx, for 2xx of other forks.
    answered_invites: BTreeMap<ClientKey, AnsweredInvite>,
    /// ACKs to 2xx by dialog and CSeq number, sent again for each 2xx that comes again (RFC 3261
    /// section 13.2.2.4).
    acks: BTreeMap<(DialogId, u32), SentAck>,
    messaging: Messaging,
    door: Door,
    /// Where requests of ours went lately.
    company: Addresses,
    outputs: VecDeque<Output>,
    /// What is told of requests that the transaction layer has taken, after they have left it.
    handed_over: Vec<Event>,
    /// A BYE may come again until then: our answer to it can be lost.
    stay_until: Option<Instant>,
    layer_deadline: Option<Instant>,
    /// The time of day as it was told last, and when that was.
    local_time: Option<(Instant, LocalTime)>,
    /// Why the connection is not secure whose failure is being dealt with.
    not_secured: Option<TlsFailure>,
    next_call: u64,
    next_lookup: u64,
    next_leave: u64,
    /// The person wants the phone to end, and it does so by then at the latest.
    ending_by: Option<Instant>,
    /// [`Event::Finished`] is due, or was said.
    finished: bool,
}

/// An ACK that was sent, and until when it is kept.
#[derive(Debug)]
struct SentAck {
    request: Request,
    to: Peer,
    forget_at: Instant,
}

/// Whether this is a key that can be pressed in a call (RFC 4733 section 3.2).
#[must_use]
pub const fn is_dtmf(key: char) -> bool {
    matches!(key, '0'..='9' | '*' | '#' | 'A'..='D')
}

/// Call ids that the agent itself gives, to incoming calls, start here: below it the faces choose.
const FIRST_INCOMING: u64 = 1 << 32;

impl Agent {
    /// A phone without accounts. All its randomness (tags, branches, Call-IDs, back-off) comes
    /// from `seed`; keys too, until [`Agent::with_key_seed`].
    #[must_use]
    pub fn new(config: AgentConfig, seed: u64) -> Agent {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let layer = TransactionLayer::new(config.timers, rng.next_u64());
        let key_source = protecting::KeySource::new(&protecting::seed_from(&mut rng));
        Agent {
            config,
            layer,
            rng,
            key_source,
            accounts: BTreeMap::new(),
            leaving: BTreeMap::new(),
            calls: BTreeMap::new(),
            watches: Watches::default(),
            publications: Publications::default(),
            clients: BTreeMap::new(),
            sent: BTreeMap::new(),
            outages: Outages::default(),
            alteration_told: false,
            lookups: BTreeMap::new(),
            own_lookups: BTreeMap::new(),
            answered_invites: BTreeMap::new(),
            acks: BTreeMap::new(),
            messaging: Messaging::default(),
            door: Door::default(),
            company: Addresses::default(),
            outputs: VecDeque::new(),
            handed_over: Vec::new(),
            stay_until: None,
            layer_deadline: None,
            local_time: None,
            not_secured: None,
            next_call: FIRST_INCOMING,
            next_lookup: 0,
            next_leave: 0,
            ending_by: None,
            finished: false,
        }
    }

    /// Does what a person asks. What cannot be done is answered with [`Event::Refused`].
    pub fn handle_command(&mut self, now: Instant, command: Command) {
        let done = match command {
            Command::AddAccount(config) => {
                self.messaging.account_changed(config.id);
                self.add_account(now, *config);
                Ok(())
            }
            Command::RemoveAccount(account) => {
                self.messages_of_removed(account);
                self.remove_account(now, account)
            }
            Command::Register(account) => self.register(now, account),
            Command::Unregister(account) => self.unregister(now, account),
            Command::Dial {
                account,
                call,
                target,
            } => {
                let anonymous = false;
                self.dial(now, account, call, &target, anonymous)
            }
            Command::DialAnonymously {
                account,
                call,
                target,
            } => self.dial(now, account, call, &target, true),
            Command::SetReception { account, reception } => self.set_reception(account, *reception),
            Command::Answer(call) => self.answer(now, call),
            Command::Reject { call, status } => self.reject(now, call, status),
            Command::HangUp(call) => self.hang_up(now, call),
            Command::Hold(call) => self.set_hold(now, call, true),
            Command::Resume(call) => self.set_hold(now, call, false),
            Command::Transfer { call, target } => self.transfer(now, call, &target),
            Command::TransferTo { call, other } => self.transfer_to(now, call, other),
            Command::BringIn { call, focus } => self.bring_in(now, call, focus),
            Command::AcceptTransfer(call) => self.accept_transfer(now, call),
            Command::RefuseTransfer(call) => self.refuse_transfer(now, call),
            Command::SendMessage(message) => {
                self.send_message(now, *message);
                Ok(())
            }
            Command::WithdrawMessage(message) => {
                self.withdraw_message(now, message);
                Ok(())
            }
            Command::Compose {
                account,
                to,
                writing,
            } => {
                self.compose(now, account, &to, writing);
                Ok(())
            }
            Command::Watch {
                watch,
                account,
                target,
                package,
            } => self.watch(now, watch, account, &target, package),
            Command::Unwatch(watch) => {
                self.unwatch(now, watch);
                Ok(())
            }
            Command::PickUp { watch, call } => self.pick_up(now, watch, call),
            Command::Publish {
                account,
                availability,
            } => self.publish(now, account, availability),
            Command::SetMuted { call, muted } => {
                self.with_media(call, |media| MediaCommand::SetMuted { media, muted })
            }
            Command::SendDtmf { call, digits } => self.send_digits(now, call, &digits),
            Command::SetSending {
                ptime,
                silence_suppression,
                resend,
            } => {
                self.config.ptime = ptime;
                self.config.silence_suppression = silence_suppression;
                self.config.resend = if resend {
                    Resend::Always
                } else {
                    Resend::Usual
                };
                Ok(())
            }
            Command::Shutdown => {
                self.shut_down(now);
                Ok(())
            }
        };
        if let Err((call, refusal)) = done {
            self.event(Event::Refused { call, refusal });
        }
        self.drain_layer(now);
    }

    /// A datagram came.
    pub fn handle_datagram(&mut self, now: Instant, bytes: &[u8], from: Peer) {
        if carried(bytes) == Carried::Stun {
            self.stun_came(now, bytes, &from);
            self.drain_layer(now);
            return;
        }
        // A flood costs no more than this look at its source.
        if self.admits(now, &from) {
            self.take_in(now, parse_datagram(bytes), from, Some(bytes.len()));
            self.drain_layer(now);
        }
    }

    /// A message came over a stream, framed and read.
    pub fn handle_message(
        &mut self,
        now: Instant,
        message: Result<Parsed, ParseError>,
        from: Peer,
    ) {
        self.heard_over(&from, false);
        if self.admits(now, &from) {
            self.take_in(now, message, from, None);
            self.drain_layer(now);
        }
    }

    /// What was sent there did not get there: refused, no route, connection lost.
    pub fn handle_transport_error(&mut self, now: Instant, to: Peer) {
        self.layer.handle_transport_error(now, to);
        self.drain_layer(now);
        self.connection_lost(now, to);
    }

    /// What was sent there did not get there, since the connection would not have been secure.
    pub fn handle_not_secured(&mut self, now: Instant, to: Peer, failure: TlsFailure) {
        self.not_secured = Some(failure);
        self.handle_transport_error(now, to);
        self.not_secured = None;
    }

    /// The way over which an account's registrar accepted it, while it is registered.
    #[must_use]
    pub fn registered_way(&self, account: AccountId) -> Option<Peer> {
        let account = self.accounts.get(&account)?;
        account.registered_way().copied()
    }

    /// The ways to a host, best first.
    pub fn handle_resolved(
        &mut self,
        now: Instant,
        id: ResolveId,
        found: Result<Vec<Peer>, ResolveFailure>,
    ) {
        let own = self.own_lookups.remove(&id);
        let own = own.and_then(|account| self.accounts.get_mut(&account));
        if let (Some(account), Ok(ways)) = (own, &found) {
            for way in ways {
                account.servers.note(way.remote.ip());
            }
        }
        if let Some(lookup) = self.lookups.remove(&id) {
            let found = match found {
                Ok(peers) if peers.is_empty() => Err(ResolveFailure::NotFound),
                other => other,
            };
            self.located(now, lookup, found);
        }
        self.drain_layer(now);
    }

    /// The media thread has ports for a session, or has none to give.
    pub fn handle_opened(&mut self, now: Instant, media: MediaId, opened: Option<Opened>) {
        if let Some(call) = self.call_of_media(media) {
            match opened {
                Some(opened) => self.media_opened(now, call, opened.rtp),
                None => self.media_refused(now, call),
            }
        }
        self.drain_layer(now);
    }

    /// Time has passed: do what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.layer.handle_timeout(now);
        self.acks.retain(|_, ack| ack.forget_at > now);
        self.answered_invites
            .retain(|_, invite| invite.forget_at > now);
        self.stay_until = self.stay_until.filter(|until| *until > now);
        self.registrations_due(now);
        self.second_flows_due(now);
        self.pings_due(now);
        self.calls_due(now);
        self.messages_due(now);
        self.watches_due(now);
        self.publications_due(now);
        self.drain_layer(now);
        if self.ending_by.is_some_and(|by| by <= now) {
            self.finish();
        }
    }

    /// What is to be done; call until it answers [`Output::Wait`].
    pub fn poll_output(&mut self) -> Output {
        if let Some(output) = self.outputs.pop_front() {
            return output;
        }
        if self.shutting_down() && self.is_idle() && self.finish() {
            return self.poll_output();
        }
        Output::Wait(self.next_deadline())
    }

    /// How an account stands; `None` if there is no such account.
    #[must_use]
    pub fn account_state(&self, account: AccountId) -> Option<&AccountState> {
        self.accounts.get(&account).map(|account| &account.state)
    }

    /// Calls that have not ended, those still saying goodbye to the far side included.
    #[must_use]
    pub fn calls_under_way(&self) -> usize {
        self.calls.len()
    }

    fn next_deadline(&self) -> Option<Instant> {
        let layer = self.layer_deadline;
        let registrations = self.accounts.values().filter_map(Account::deadline).min();
        let pings = self.accounts.values().filter_map(Account::ping_at).min();
        let seconds = self.accounts.values();
        let seconds = seconds.filter_map(Account::second_deadline).min();
        let calls = self.calls.values().filter_map(Call::deadline).min();
        let watches = self.watches.deadline();
        let publications = self.publications.deadline();
        let acks = self.acks.values().map(|ack| ack.forget_at).min();
        let messages = self.messaging.deadline();
        let stay = self.stay_until.filter(|_| self.shutting_down());
        let end = self.ending_by.filter(|_| !self.finished);
        [
            layer,
            registrations,
            pings,
            seconds,
            calls,
            watches,
            publications,
            acks,
            messages,
            stay,
            end,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Hands what the transaction layer says to whom it concerns.
    fn drain_layer(&mut self, now: Instant) {
        loop {
            match self.layer.poll_output() {
                transaction::Output::Transmit { to, bytes, .. } => {
                    self.outputs.push_back(Output::Transmit { to, bytes });
                }
                transaction::Output::Event(event) => self.layer_event(now, event),
                transaction::Output::Wait(_) if self.publish_calls(now) => {}
                transaction::Output::Wait(at) => {
                    self.layer_deadline = at;
                    if self.layer.take_altered() {
                        self.tell_alteration(Alteration::Via);
                    }
                    let told = self.handed_over.drain(..).map(Output::Event);
                    self.outputs.extend(told);
                    return;
                }
            }
        }
    }

    fn layer_event(&mut self, now: Instant, event: transaction::Event) {
        match event {
            transaction::Event::Request { key, request, from } => {
                self.request_came(now, key, request, from);
            }
            transaction::Event::Cancelled { key, cancel } => {
                self.invite_cancelled(now, &key, &cancel);
            }
            transaction::Event::Ack { request, .. } => self.ack_came(now, &request),
            transaction::Event::AckMissing { key } => self.ack_missing(now, &key),
            transaction::Event::Response { key, response, .. } => {
                let foreign = self.is_foreign_challenge(&key, &response);
                self.response_came(now, &key, &response, foreign);
            }
            transaction::Event::Failed { key, failure } => self.request_failed(now, &key, failure),
        }
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    fn with_media(
        &mut self,
        call: CallId,
        order: impl FnOnce(MediaId) -> MediaCommand,
    ) -> Result<(), Refused> {
        let Some(found) = self.calls.get(&call) else {
            return Err((Some(call), Refusal::UnknownCall));
        };
        let order = order(found.media);
        self.outputs.push_back(Output::Media(order));
        Ok(())
    }

    /// A session id for SDP: 31 bits, since some read it as a signed number, and an INVITE has to fit
    /// a datagram.
    fn random_session(&mut self) -> u64 {
        self.rng.next_u64() >> 33
    }

    /// 96 random bits in hexadecimal: a tag, a Call-ID. More would only make an INVITE longer,
    /// which has to fit a datagram.
    fn random_token(&mut self) -> String {
        format!("{:016x}{:08x}", self.rng.next_u64(), self.rng.next_u32())
    }
}

/// A wish that was not fulfilled, and the call it was about.
type Refused = (Option<CallId>, Refusal);
