//! What becomes of a call that comes in: it rings, is sent on, turned away, or answered by itself.
//!
//! Pure: the rules of an account and what is known of the call go in, a [`Verdict`] comes out.
//!
//! ```text
//!            to the one who calls, or where it came from: not sent on
//!                              │
//! always ─▶ do not disturb ─▶ not on the list ─▶ busy ─▶ no line left ─▶ ring
//!  302        480 or 486         480 or 486      302        486           │
//!                                                        nobody takes it: 302
//! ```

mod known;
mod timetable;

use std::time::Duration;

pub use timetable::{LocalTime, Timetable};

use crate::sip::{Diversion, DiversionReason, StatusCode, Uri};

/// Times that a call may have been sent on before we do it once more (as ISUP has it).
const MAX_DIVERSIONS: u32 = 5;

/// What an account does about calls that come in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reception {
    /// No call rings.
    pub do_not_disturb: Option<DoNotDisturb>,
    /// Every call goes elsewhere.
    pub forward_always: Option<Forward>,
    /// Those go elsewhere that come while another call is under way on this phone.
    pub forward_busy: Option<Forward>,
    /// Those go elsewhere that ring so long.
    pub forward_no_answer: Option<(Forward, Duration)>,
    /// Calls are answered without a person.
    pub auto_answer: Option<AutoAnswer>,
    /// Whether a call may ask to be answered without a person.
    pub intercom: Intercom,
    /// Who is known: numbers in any writing, or `user@host`.
    pub known: Vec<String>,
    /// What is done about all others.
    pub strangers: Strangers,
}

/// No call rings.
#[derive(Clone, Debug, PartialEq)]
pub struct DoNotDisturb {
    /// What callers are answered.
    pub status: StatusCode,
    /// When; `None`: always.
    pub when: Option<Timetable>,
}

/// Calls go elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Forward {
    /// Where to.
    pub to: Uri,
    /// When; `None`: always.
    pub when: Option<Timetable>,
}

/// A call is answered without a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AutoAnswer {
    /// After it has rung for so long.
    pub after: Duration,
    /// Who sits at the phone hears that the microphone is open.
    pub beep: bool,
}

/// Whether a call may ask to be answered without a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Intercom {
    /// No: whoever asks so could listen in.
    #[default]
    Never,
    /// If it comes from the account's own server, and who calls is known.
    Known,
    /// Whoever asks.
    Always,
}

/// What is done about callers who are not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strangers {
    /// It rings.
    #[default]
    Ring,
    /// It rings without a sound.
    Silent,
    /// They are answered this.
    Decline(StatusCode),
}

/// What is known of a call that comes in.
#[derive(Clone, Debug)]
pub struct Arriving<'a> {
    /// The time of day here.
    pub time: LocalTime,
    /// Another call is under way on this phone.
    pub busy: bool,
    /// No line is left.
    pub full: bool,
    /// Who calls; `None`: they do not say.
    pub caller: Option<&'a Uri>,
    /// It comes from the account's own server.
    pub from_server: bool,
    /// After how long it asks to be answered without a person.
    pub asks_for_answer: Option<Duration>,
    /// Who sent it on, the last one first.
    pub diversions: &'a [Diversion],
    /// The account's own address.
    pub own: Option<&'a Uri>,
    /// Hops that are left to it.
    pub hops_left: Option<u8>,
}

/// What becomes of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It rings.
    Ring(Ringing),
    /// The caller is answered this.
    Decline {
        /// 480 or 486.
        status: StatusCode,
        /// Why.
        why: WhyDeclined,
    },
    /// The caller is told to call somebody else.
    Forward {
        /// Whom.
        to: Uri,
        /// Why.
        reason: DiversionReason,
    },
}

/// How a call rings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ringing {
    /// It is shown and not heard.
    pub silent: bool,
    /// When and where it is sent on if nobody takes it.
    pub forward: Option<(Duration, Uri)>,
    /// When it is answered without a person.
    pub answer: Option<AutoAnswer>,
}

/// Why a call is turned away without ringing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyDeclined {
    /// The person does not want to be disturbed.
    DoNotDisturb,
    /// Who calls is not known.
    NotKnown,
    /// All lines are taken.
    NoLine,
    /// It is not encrypted as it has to be.
    NotEncrypted,
}

impl Reception {
    /// What becomes of this call.
    #[must_use]
    pub fn judge(&self, call: &Arriving<'_>) -> Verdict {
        let sent_on = |forward: &Option<Forward>, reason| {
            let to = self.usable(forward.as_ref(), call)?.clone();
            Some(Verdict::Forward { to, reason })
        };
        if let Some(verdict) = sent_on(&self.forward_always, DiversionReason::Unconditional) {
            return verdict;
        }
        if let Some(rule) = &self.do_not_disturb
            && holds(rule.when.as_ref(), call.time)
        {
            return Verdict::Decline {
                status: rule.status,
                why: WhyDeclined::DoNotDisturb,
            };
        }
        let is_known = call.caller.is_some_and(|it| known::lists(&self.known, it));
        if let Strangers::Decline(status) = self.strangers
            && !is_known
        {
            let why = WhyDeclined::NotKnown;
            return Verdict::Decline { status, why };
        }
        if (call.busy || call.full)
            && let Some(verdict) = sent_on(&self.forward_busy, DiversionReason::UserBusy)
        {
            return verdict;
        }
        if call.full {
            return Verdict::Decline {
                status: StatusCode::BUSY_HERE,
                why: WhyDeclined::NoLine,
            };
        }
        let forward = self.forward_no_answer.as_ref().and_then(|(rule, after)| {
            let to = self.usable(Some(rule), call)?;
            Some((*after, to.clone()))
        });
        let silent = self.strangers == Strangers::Silent && !is_known;
        // Who is not to be heard is not to listen either.
        let answer = self.answers(call, is_known).filter(|_| !silent);
        Verdict::Ring(Ringing {
            silent,
            forward,
            answer,
        })
    }

    /// Whether the person does not want to be disturbed then.
    #[must_use]
    pub fn is_undisturbed_at(&self, time: LocalTime) -> bool {
        let rule = self.do_not_disturb.as_ref();
        rule.is_some_and(|rule| holds(rule.when.as_ref(), time))
    }

    /// Where every call goes then.
    #[must_use]
    pub fn forwards_all_at(&self, time: LocalTime) -> Option<&Uri> {
        let rule = self.forward_always.as_ref();
        let rule = rule.filter(|rule| holds(rule.when.as_ref(), time))?;
        Some(&rule.to)
    }

    /// Where a rule sends this call, if it holds now and the call would not go in a circle.
    fn usable<'a>(&self, rule: Option<&'a Forward>, call: &Arriving<'_>) -> Option<&'a Uri> {
        let rule = rule.filter(|rule| holds(rule.when.as_ref(), call.time))?;
        let goes_to = |other: &Uri| same_party(&rule.to, other);
        let times = call.diversions.iter().map(|it| it.count);
        let times = times.fold(0, u32::saturating_add);
        // Whoever calls are sent on to may call back, and has to reach somebody.
        let in_a_circle = call.own.is_some_and(goes_to)
            || call.caller.is_some_and(goes_to)
            || call.diversions.iter().any(|it| {
                let by = &it.by.uri;
                goes_to(by) || call.own.is_some_and(|own| same_party(own, by))
            });
        let spent = times >= MAX_DIVERSIONS || call.hops_left == Some(0);
        (!in_a_circle && !spent).then_some(&rule.to)
    }

    /// When this call is answered without a person: never into another one.
    fn answers(&self, call: &Arriving<'_>, is_known: bool) -> Option<AutoAnswer> {
        if call.busy {
            return None;
        }
        let may_ask = match self.intercom {
            Intercom::Never => false,
            Intercom::Known => call.from_server && is_known,
            Intercom::Always => true,
        };
        let asked = call.asks_for_answer.filter(|_| may_ask);
        // Nobody at the phone expects it: it is always heard that the microphone is open.
        let asked = asked.map(|after| AutoAnswer { after, beep: true });
        asked.or(self.auto_answer)
    }
}

fn holds(when: Option<&Timetable>, time: LocalTime) -> bool {
    when.is_none_or(|when| when.holds_at(time))
}

/// Whether two addresses are of the same person: user and host, whatever the way there.
fn same_party(one: &Uri, other: &Uri) -> bool {
    match (one.as_sip(), other.as_sip()) {
        (Some(a), Some(b)) => {
            a.user_unescaped() == b.user_unescaped() && a.host_port.host == b.host_port.host
        }
        _ => one.equivalent(other),
    }
}

#[cfg(test)]
mod tests;
