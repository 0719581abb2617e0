//! What a phone may say of its calls, and in which order: small enough to be believed, and written
//! without looking at how the phone does it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use ramal::agent::{CallId, Event, Side, TransferProgress};
use ramal::media::plan::MediaId;

use super::{Phone, World};

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Calling,
    RingsHere,
    Talking,
    Ended,
}

/// One call as its person sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    stage: Stage,
    held_here: bool,
    held_there: bool,
    handing_over: bool,
    asked: bool,
}

/// The calls of one phone, by what it has said.
#[derive(Debug, Default)]
pub(crate) struct Model {
    calls: BTreeMap<CallId, Seen>,
    read: usize,
}

impl Model {
    /// Reads what the phone has said since the last time.
    ///
    /// # Errors
    /// It said what cannot be, or what cannot be any more.
    pub(crate) fn follow(&mut self, phone: &Phone) -> Result<(), String> {
        for event in &phone.events[self.read..] {
            self.take(event)
                .map_err(|why| format!("{why}: {event:?} at {}", phone.addr))?;
        }
        self.read = phone.events.len();
        Ok(())
    }

    fn take(&mut self, event: &Event) -> Result<(), &'static str> {
        match event {
            Event::Calling { call, .. } => self.begin(*call, Stage::Calling),
            Event::Incoming { call, .. } => self.begin(*call, Stage::RingsHere),
            Event::InviteSent { call } | Event::Ringing { call } | Event::EarlyMedia { call } => {
                self.at(*call, &[Stage::Calling]).map(|_| ())
            }
            Event::Answered { call, .. } => {
                let seen = self.at(*call, &[Stage::Calling, Stage::RingsHere])?;
                seen.stage = Stage::Talking;
                Ok(())
            }
            Event::Renegotiated { call, .. } => self.at(*call, &[Stage::Talking]).map(|_| ()),
            Event::Held { call, by } => self.hold(*call, *by, true),
            Event::Resumed { call, by } => self.hold(*call, *by, false),
            Event::Transfer { call, progress } => {
                let seen = self.at(*call, &[Stage::Talking])?;
                let begins = matches!(progress, TransferProgress::Begun { .. });
                if begins == seen.handing_over {
                    return Err("a transfer that is under way already, or not at all");
                }
                seen.handing_over = matches!(
                    progress,
                    TransferProgress::Begun { .. }
                        | TransferProgress::Accepted
                        | TransferProgress::Ringing
                );
                Ok(())
            }
            Event::TransferAsked { call, .. } => {
                let seen = self.at(*call, &[Stage::Talking])?;
                let twice = std::mem::replace(&mut seen.asked, true);
                if twice { Err("asked twice") } else { Ok(()) }
            }
            Event::TransferAskedNoMore { call } => {
                let seen = self.at(*call, &[Stage::Talking])?;
                let asked = std::mem::replace(&mut seen.asked, false);
                if asked { Ok(()) } else { Err("never asked") }
            }
            Event::Referred { call, to } => {
                if self.calls.contains_key(to) {
                    return Err("what follows was there before");
                }
                self.at(*call, &[Stage::Talking])?.asked = false;
                Ok(())
            }
            Event::Replaced { call, replaced } => {
                self.at(*call, &[Stage::Talking])?;
                self.at(*replaced, &[Stage::Talking, Stage::Calling])
                    .map(|_| ())
            }
            Event::Ended { call, .. } => {
                let live = [Stage::Calling, Stage::RingsHere, Stage::Talking];
                self.at(*call, &live)?.stage = Stage::Ended;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, call: CallId, stage: Stage) -> Result<(), &'static str> {
        let seen = Seen {
            stage,
            held_here: false,
            held_there: false,
            handing_over: false,
            asked: false,
        };
        match self.calls.insert(call, seen) {
            None => Ok(()),
            Some(_) => Err("a call with this name was there before"),
        }
    }

    fn at(&mut self, call: CallId, stages: &[Stage]) -> Result<&mut Seen, &'static str> {
        let seen = self.calls.get_mut(&call).ok_or("no such call")?;
        if stages.contains(&seen.stage) {
            Ok(seen)
        } else {
            Err("the call is not so far, or farther")
        }
    }

    fn hold(&mut self, call: CallId, by: Side, held: bool) -> Result<(), &'static str> {
        let seen = self.at(call, &[Stage::Talking])?;
        let flag = match by {
            Side::Local => &mut seen.held_here,
            Side::Remote => &mut seen.held_there,
        };
        if std::mem::replace(flag, held) == held {
            return Err("held or resumed twice");
        }
        Ok(())
    }

    /// A refusal of ours that was not told as the end of the question.
    pub(crate) fn answered_question(&mut self, call: CallId) {
        if let Some(seen) = self.calls.get_mut(&call) {
            seen.asked = false;
        }
    }

    /// Calls that are not over.
    pub(crate) fn live(&self) -> Vec<CallId> {
        let live = self.calls.iter();
        live.filter(|(_, seen)| seen.stage != Stage::Ended)
            .map(|(call, _)| *call)
            .collect()
    }

    fn talking(&self) -> impl Iterator<Item = (CallId, Seen)> {
        let talking = self.calls.iter();
        talking
            .filter(|(_, seen)| seen.stage == Stage::Talking)
            .map(|(call, seen)| (*call, *seen))
    }
}

/// When nothing is under way, whoever talks does so with one who talks with them, and both agree
/// on who holds whom.
///
/// # Errors
/// Somebody talks to nobody, or to somebody who does not know of it.
pub(crate) fn agree(world: &World, models: &[Model]) -> Result<(), String> {
    let ends = |at: usize, call: CallId| -> Option<(SocketAddr, SocketAddr)> {
        let phone = &world.phones[at];
        let media = MediaId(call.0);
        let here = *phone.rtp.get(&media)?;
        Some((here, phone.plans.get(&media)?.remote_rtp))
    };
    for (at, model) in models.iter().enumerate() {
        for (call, seen) in model.talking() {
            let Some((here, there)) = ends(at, call) else {
                return Err(format!("phone {at} talks in {call:?} without sound"));
            };
            let mut partners = models.iter().enumerate().flat_map(|(other, model)| {
                let calls = model.talking();
                calls.filter_map(move |(call, seen)| Some((ends(other, call)?, seen)))
            });
            let Some((_, partner)) = partners.find(|(ends, _)| *ends == (there, here)) else {
                return Err(format!("phone {at} talks in {call:?} to nobody"));
            };
            if (seen.held_here, seen.held_there) != (partner.held_there, partner.held_here) {
                return Err(format!(
                    "phone {at} and its partner disagree on hold in {call:?}"
                ));
            }
        }
    }
    Ok(())
}
