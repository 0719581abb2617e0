//! One call: what it knows in each of its phases.
//!
//! ```text
//!  dial ─▶ Locating ─▶ Opening ─▶ Inviting ──2xx──▶ Established ──▶ gone (BYE on its way)
//!                                     │ hang up          ▲
//!                                     ▼                  │ answer
//!                                 Cancelling          Alerting ◀─ Preparing ◀─ INVITE
//! ```
//!
//! Each deadline stands in the phase it belongs to: leaving the phase cancels it.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::digits::{DigitsBy, Keys};
use super::door::Addresses;
use super::receiving::Introduction;
use super::reception::Ringing;
use super::referred::Referred;
use super::reliable::Unconfirmed;
use super::transferring::Transfer;
use super::{
    AccountId, Agent, CallEnd, CallId, EndCause, Event, Output, Party, Resend, Security, Side,
};
use crate::media::plan::{
    Answerers, CodecChoice, MediaCommand, MediaId, OpusWishes, Plan, XrTerms,
};
use crate::sdp::{Encryption, LocalAudio, Negotiated, Negotiation, OpusParameters, RcvrRtt};
use crate::sip::transaction::{ClientKey, Peer, ServerKey};
use crate::sip::{
    Dialog, DigestClient, HeaderName, NameAddr, Request, SessionTimer, Transport, Uri,
};

/// One call.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) account: AccountId,
    pub(super) remote: Party,
    pub(super) media: MediaId,
    pub(super) answered_at: Option<Instant>,
    /// [`Event::Ended`] was said; what remains is between the phones.
    pub(super) ended: bool,
    /// The call that was handed over to this one (REFER), and wants to know how it goes.
    pub(super) referred_from: Option<CallId>,
    /// The call of ours whose place this one takes when it is answered (RFC 3891).
    pub(super) replaces: Option<CallId>,
    /// From where it came, and where its requests went.
    pub(super) sources: Addresses,
    /// What its signalling goes over, once that is known.
    pub(super) transport: Option<Transport>,
    /// What was told of its protection.
    pub(super) security: Security,
    pub(super) phase: Phase,
}

/// How far a call is.
#[derive(Debug)]
pub(super) enum Phase {
    /// Outgoing: the way to the next hop is being looked for.
    Locating(Box<Setup>),
    /// Outgoing: ports for the sound are being opened.
    Opening(Box<Setup>, VecDeque<Peer>),
    /// Outgoing: the INVITE is out.
    Inviting(Box<Inviting>),
    /// Outgoing and given up: waits for the final answer to this INVITE.
    Cancelling(Box<Request>),
    /// Incoming: ports for the sound are being opened.
    Preparing(Box<Offered>),
    /// Incoming: it rings here.
    Alerting(Box<Alerting>),
    /// Answered.
    Established(Box<Established>),
}

/// What stays the same over all INVITEs of an outgoing call: repeated with credentials, over
/// another way, to another target.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) target: Uri,
    pub(super) call_id: String,
    pub(super) local_tag: String,
    pub(super) sequence: u32,
    /// Targets of a 3xx not yet tried, best first.
    pub(super) further_targets: VecDeque<Uri>,
    /// Targets tried, to break circles.
    pub(super) tried: Vec<Uri>,
    pub(super) give_up_at: Instant,
    /// Headers that each INVITE has besides the usual: Replaces, Referred-By.
    pub(super) wanted: Vec<(HeaderName, String)>,
    /// After how long without a refresh the session is to end; `None`: never.
    pub(super) interval: Option<Duration>,
    /// The shortest interval that somebody on the way takes, if one said so (422).
    pub(super) least_interval: Option<Duration>,
    /// Who is called is not told who calls.
    pub(super) anonymous: bool,
}

/// An INVITE under way.
#[derive(Debug)]
pub(super) struct Inviting {
    pub(super) setup: Setup,
    /// `None` between an INVITE and its repetition.
    pub(super) key: Option<ClientKey>,
    pub(super) invite: Request,
    pub(super) way: Peer,
    pub(super) further_ways: VecDeque<Peer>,
    pub(super) digest: Option<DigestClient>,
    pub(super) challenges: u8,
    /// As it was when the offer left; each fork's answer is weighed against a copy.
    pub(super) negotiation: Negotiation,
    /// What is known of each fork that has not answered, by the far side's tag.
    pub(super) forks: BTreeMap<String, Fork>,
    pub(super) rang: bool,
    /// Whose early media is heard.
    pub(super) early: Option<String>,
}

/// One of those that an INVITE reached, before it answers.
#[derive(Debug, Default)]
pub(super) struct Fork {
    /// What its early answer came to.
    pub(super) answered: Option<(Negotiation, Negotiated)>,
    /// It was changed since (UPDATE): what the 2xx repeats of the first answer is old.
    pub(super) updated: bool,
    /// Its early dialog; `None` where too little is known for one.
    pub(super) dialog: Option<Dialog>,
    /// The number of its last reliable response.
    pub(super) rseq: Option<u32>,
}

/// An INVITE received, not yet announced.
#[derive(Clone, Debug)]
pub(super) struct Offered {
    pub(super) key: ServerKey,
    pub(super) invite: Request,
    pub(super) from: Peer,
    pub(super) who: Introduction,
    pub(super) ringing: Ringing,
}

/// A call that rings here.
#[derive(Clone, Debug)]
pub(super) struct Alerting {
    pub(super) key: ServerKey,
    pub(super) invite: Request,
    pub(super) contact: NameAddr,
    pub(super) local_tag: String,
    pub(super) negotiation: Negotiation,
    /// Our answer to its offer; `None`: it came without one, and ours goes into the 200.
    pub(super) answer: Option<(String, Negotiated)>,
    pub(super) give_up_at: Instant,
    /// That it rings was to be told reliably, and nobody has acknowledged it.
    pub(super) unconfirmed: Option<Unconfirmed>,
    /// When, and to whom, it is sent on.
    pub(super) forward: Option<(Instant, Uri)>,
    /// When it is answered by itself, and whether that is to be heard.
    pub(super) answer_at: Option<(Instant, bool)>,
}

/// A call that was answered.
#[derive(Debug)]
pub(super) struct Established {
    pub(super) dialog: Dialog,
    pub(super) contact: NameAddr,
    pub(super) negotiation: Negotiation,
    pub(super) codec: Option<CodecChoice>,
    pub(super) local_hold: bool,
    pub(super) remote_hold: bool,
    /// We hold the Call-ID: it decides the waiting time after 491 (RFC 3261 section 14.1).
    pub(super) caller: bool,
    /// Our 2xx that no ACK has come for.
    pub(super) unacknowledged: Option<Unacknowledged>,
    pub(super) change: Change,
    /// What was wished for while that was under way, and comes after it: whether the far side shall
    /// be on hold.
    pub(super) hold_next: Option<bool>,
    /// The number of a re-INVITE whose answer went to where we were.
    pub(super) superseded: Option<u32>,
    /// Our Contact in another network, as soon as there are ports for the sound in it.
    pub(super) moving_to: Option<NameAddr>,
    /// The person hung up before the ACK came: BYE follows it (RFC 3261 section 15).
    pub(super) bye_after_ack: bool,
    pub(super) digest: Option<DigestClient>,
    /// Session timer (RFC 4028), where one was agreed.
    pub(super) timer: Option<SessionTimer>,
    /// The far side takes UPDATE (RFC 3311).
    pub(super) updates: bool,
    /// What is known of keys, and those under way.
    pub(super) keys: Keys,
    /// The far side was said to be a conference.
    pub(super) focus: bool,
    /// The far side lets a call of its be replaced by another (RFC 3891).
    pub(super) replaceable: bool,
    /// We hand it over.
    pub(super) transfer: Option<Box<Transfer>>,
    /// The far side hands it over.
    pub(super) referred: Option<Box<Referred>>,
}

/// A 2xx of ours under way.
#[derive(Debug)]
pub(super) struct Unacknowledged {
    pub(super) key: ServerKey,
    pub(super) sequence: u32,
    /// The offer was in our 2xx, so the ACK must bring the answer.
    pub(super) answer_in_ack: bool,
}

/// Our own re-INVITE.
#[derive(Debug)]
pub(super) enum Change {
    /// None, and none wanted.
    None,
    /// Wanted as soon as the dialog is free.
    Wanted {
        /// Whether the far side shall be on hold.
        hold: bool,
    },
    /// Under way.
    Asked {
        hold: bool,
        request: Box<Request>,
        before: Box<Negotiation>,
        challenged: bool,
        /// `None` while its way is being looked for.
        key: Option<ClientKey>,
        /// When it is taken back; `None` once it is, and before it is sent.
        give_up_at: Option<Instant>,
    },
    /// Met the far side's own (491): again at this time.
    Glare { hold: bool, retry_at: Instant },
}

impl Change {
    /// Asked for with `request`, whose way is still to be found.
    pub(super) fn asked(
        hold: bool,
        request: &Request,
        before: Box<Negotiation>,
        challenged: bool,
    ) -> Change {
        Change::Asked {
            hold,
            request: Box::new(request.clone()),
            before,
            challenged,
            key: None,
            give_up_at: None,
        }
    }
}

impl Call {
    /// When the call wants to be looked at.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Locating(setup) | Phase::Opening(setup, _) => Some(setup.give_up_at),
            Phase::Inviting(inviting) => Some(inviting.setup.give_up_at),
            Phase::Cancelling(_) | Phase::Preparing(_) => None,
            Phase::Alerting(alerting) => {
                let unconfirmed = alerting.unconfirmed.as_ref().map(Unconfirmed::deadline);
                let forward = alerting.forward.as_ref().map(|(at, _)| *at);
                let answer = alerting.answer_at.map(|(at, _)| at);
                let all = [unconfirmed, forward, answer, Some(alerting.give_up_at)];
                all.into_iter().flatten().min()
            }
            Phase::Established(established) => {
                let change = match established.change {
                    Change::Glare { retry_at, .. } => Some(retry_at),
                    Change::Asked { give_up_at, .. } => give_up_at,
                    Change::None | Change::Wanted { .. } => None,
                };
                let transfer = established.transfer.as_ref().and_then(|it| it.deadline());
                let referred = established.referred.as_ref().and_then(|it| it.deadline());
                let timer = established.timer.as_ref().map(SessionTimer::deadline);
                let timer = timer.filter(|_| !self.ended);
                let all = [change, transfer, referred, timer];
                all.into_iter().flatten().min()
            }
        }
    }
}

impl Agent {
    /// Moves a call to its next phase; a phase handed back in `Err` stays. Says whether it moved.
    pub(super) fn change_phase(
        &mut self,
        call: CallId,
        next: impl FnOnce(Phase) -> Result<Phase, Phase>,
    ) -> bool {
        let Some(mut found) = self.calls.remove(&call) else {
            return false;
        };
        let (phase, moved) = match next(found.phase) {
            Ok(phase) => (phase, true),
            Err(phase) => (phase, false),
        };
        found.phase = phase;
        self.calls.insert(call, found);
        moved
    }

    pub(super) fn call_of_media(&self, media: MediaId) -> Option<CallId> {
        let call = CallId(media.0);
        self.calls.contains_key(&call).then_some(call)
    }

    /// Says that a call ended, once, and stops its sound. The call itself may stay for what is
    /// still to be settled between the phones.
    pub(super) fn say_ended(
        &mut self,
        now: Instant,
        call: CallId,
        cause: EndCause,
        by: Side,
        answer: Option<(u16, String)>,
    ) {
        let Some(found) = self.calls.get_mut(&call) else {
            return;
        };
        if std::mem::replace(&mut found.ended, true) {
            return;
        }
        if let Phase::Established(established) = &mut found.phase {
            // Whoever is to be handed over is gone, however long the goodbye takes.
            established.transfer = None;
            established.referred = None;
        }
        let media = found.media;
        let talked = found
            .answered_at
            .map(|at| now.saturating_duration_since(at));
        let (status, reason) = match answer {
            Some((status, reason)) => {
                let reason: String = reason
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(128)
                    .collect();
                (Some(status), (!reason.is_empty()).then_some(reason))
            }
            None => (None, None),
        };
        self.outputs
            .push_back(Output::Media(MediaCommand::Close { media }));
        let end = CallEnd {
            cause,
            by,
            status,
            reason,
            talked,
        };
        let referred_from = match self.calls.get_mut(&call) {
            Some(found) => found.referred_from.take(),
            None => None,
        };
        if let Some(from) = referred_from.filter(|_| end.talked.is_none()) {
            self.refer_came_to_nothing(now, from, &end);
        }
        self.event(Event::Ended { call, end });
    }

    /// Says that a call ended, and forgets it.
    pub(super) fn end(
        &mut self,
        now: Instant,
        call: CallId,
        cause: EndCause,
        by: Side,
        answer: Option<(u16, String)>,
    ) {
        self.say_ended(now, call, cause, by, answer);
        self.forget(now, call);
    }

    /// Forgets a call, and takes back a change of ours that is still open: without a final answer
    /// it would never end.
    pub(super) fn forget(&mut self, now: Instant, call: CallId) -> Option<Call> {
        let found = self.calls.remove(&call)?;
        if let Phase::Established(established) = &found.phase
            && let Change::Asked { key: Some(key), .. } = &established.change
        {
            self.layer.cancel(now, key);
        }
        Some(found)
    }

    /// A call that never came to be, through a fault on our side or on the way.
    pub(super) fn call_failed(
        &mut self,
        now: Instant,
        call: CallId,
        cause: EndCause,
        answer: Option<(u16, String)>,
    ) {
        let by = if answer.is_some() {
            Side::Remote
        } else {
            Side::Local
        };
        self.end(now, call, cause, by, answer);
    }

    /// Does for each call what is due.
    pub(super) fn calls_due(&mut self, now: Instant) {
        let due: Vec<CallId> = self
            .calls
            .iter()
            .filter(|(_, call)| call.deadline().is_some_and(|at| at <= now))
            .map(|(id, _)| *id)
            .collect();
        for call in due {
            self.call_due(now, call);
        }
    }

    /// What we can do for sound, from this address.
    pub(super) fn local_audio(
        &mut self,
        account: AccountId,
        rtp: SocketAddr,
        transport: Transport,
    ) -> LocalAudio {
        let datagrams = transport == Transport::Udp;
        let (encryption, keys) = self.protection_for(account, datagrams);
        let digits = self.accounts.get(&account).map(|it| it.config.digits);
        let usual = LocalAudio::new(rtp.ip(), rtp.port());
        LocalAudio {
            codecs: self.config.codecs.clone(),
            ptime: self.config.ptime,
            redundancy: self.config.resend != Resend::Never,
            resend: self.config.resend == Resend::Always,
            comfort_noise: self.config.silence_suppression,
            telephone_event: digits != Some(DigitsBy::Tones),
            opus: OpusParameters {
                dtx: self.config.silence_suppression,
                ..usual.opus
            },
            terse: datagrams && encryption != Encryption::Off,
            encryption,
            keys,
            ..usual
        }
    }

    pub(super) fn apply(&mut self, call: CallId, plan: Plan) {
        if let Some(e) = self.established(call) {
            e.keys.events = plan.dtmf_send.is_some();
        }
        self.note_security(call, &plan);
        let media = MediaId(call.0);
        self.outputs.push_back(Output::Media(MediaCommand::Apply {
            media,
            plan: Box::new(plan),
        }));
    }
}

/// What the media thread is to do about what was negotiated. `held`: we hold the far side.
pub(super) fn plan_of(negotiated: &Negotiated, held: bool) -> Plan {
    let send = &negotiated.send;
    Plan {
        remote_rtp: negotiated.remote_rtp,
        remote_rtcp: negotiated.remote_rtcp,
        rtcp_mux: negotiated.rtcp_mux,
        send: negotiated.direction.sends(),
        held,
        receive: negotiated.direction.receives(),
        codec: CodecChoice {
            kind: send.codec,
            payload_type: send.payload_type,
            ptime: send.ptime,
            max_ptime: send.max_ptime,
            comfort_noise: send.comfort_noise,
            redundancy: negotiated.send_redundancy,
            opus: OpusWishes {
                use_inband_fec: send.opus.inband_fec,
                use_dtx: send.dtx,
                max_playback_rate: send.opus.max_playback_rate.hz(),
                max_average_bitrate: send.opus.max_average_bitrate,
            },
        },
        accepted: negotiated.recv.clone(),
        dtmf_send: negotiated.send_dtmf,
        dtmf_receive: negotiated.recv_dtmf.clone(),
        comfort_noise: negotiated.comfort_noise,
        redundancy: negotiated.recv_redundancy.clone(),
        early: false,
        extended_reports: XrTerms {
            voip_metrics: negotiated.extended_reports.voip_metrics,
            reference_times: negotiated.extended_reports.rcvr_rtt.map(|mode| match mode {
                RcvrRtt::All => Answerers::All,
                RcvrRtt::Sender => Answerers::Senders,
            }),
        },
        srtp: super::protecting::keys_of(negotiated),
        ice: None,
    }
}
