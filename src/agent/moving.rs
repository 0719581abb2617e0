//! The machine is in another network: calls go on from its new address.
//!
//! ```text
//! network changed ─▶ way looked for ─▶ ports opened anew ─▶ re-INVITE with both ─▶ sound
//! ```

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use super::call::{Change, Phase};
use super::requests::NOBODY;
use super::routing::Lookup;
use super::{Agent, CallId, Output};
use crate::media::plan::MediaCommand;
use crate::sip::transaction::Peer;

impl Agent {
    /// The ways over which accounts are registered: when one of them leads from another address of
    /// ours than before, [`Agent::handle_awake`] is due.
    pub fn registered_ways(&self) -> impl Iterator<Item = Peer> + '_ {
        let ways = self.accounts.values().flat_map(|account| {
            let both = [account.registered_way(), account.second_way()];
            both.into_iter().flatten()
        });
        ways.copied()
    }

    /// Where the sound of answered calls is awaited: when one of these addresses is no longer ours,
    /// [`Agent::handle_awake`] is due.
    pub fn sound_addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.calls.values().filter_map(|call| match &call.phase {
            Phase::Established(e) => Some(e.negotiation.local().address),
            _ => None,
        })
    }

    /// Looks from where the far sides of all calls are reached now.
    pub(super) fn move_calls(&mut self, now: Instant) {
        let moving: Vec<_> = self
            .calls
            .iter()
            .filter_map(|(call, found)| match &found.phase {
                Phase::Established(e) if !found.ended => {
                    Some((*call, found.account, e.dialog.next_hop()))
                }
                _ => None,
            })
            .collect();
        for (call, account, hop) in moving {
            self.locate(now, account, &hop, Lookup::Move(call));
        }
    }

    /// The way to the far side of a call is known again.
    pub(super) fn call_found_again(&mut self, call: CallId, way: &Peer) {
        let Some(found) = self.calls.get(&call) else {
            return;
        };
        let (account, media) = (found.account, found.media);
        let Phase::Established(e) = &found.phase else {
            return;
        };
        let local = way.local.ip();
        if e.negotiation.local().address == local {
            return;
        }
        let anonymous = e.contact.uri.user_unescaped().as_deref() == Some(NOBODY);
        let contact = self.contact_of_call(account, anonymous, way);
        if let Some(e) = self.established(call) {
            e.moving_to = Some(contact);
        }
        self.outputs
            .push_back(Output::Media(MediaCommand::Move { media, local }));
    }

    /// The sound of a call is awaited elsewhere: the far side is told.
    pub(super) fn call_moved(&mut self, now: Instant, call: CallId, rtp: SocketAddr) {
        let Some(e) = self.established(call) else {
            return;
        };
        let Some(contact) = e.moving_to.take() else {
            return;
        };
        e.contact = contact;
        // A change that was asked for from where we were is answered there, if at all.
        let superseded = match std::mem::replace(&mut e.change, Change::None) {
            Change::Asked {
                hold,
                before,
                key,
                request,
                ..
            } => {
                e.negotiation = *before;
                e.superseded = request.headers.cseq().ok().map(|cseq| cseq.seq);
                e.hold_next = e.hold_next.or(Some(hold));
                key
            }
            Change::Wanted { hold } | Change::Glare { hold, .. } => {
                e.hold_next = e.hold_next.or(Some(hold));
                None
            }
            Change::None => None,
        };
        let mut local = e.negotiation.local().clone();
        (local.address, local.rtp_port) = (rtp.ip(), rtp.port());
        e.negotiation.set_local(local);
        let hold = e.hold_next.take().unwrap_or(e.local_hold);
        e.change = Change::Wanted { hold };
        if let Some(key) = superseded {
            self.clients.remove(&key);
            self.sent.remove(&key);
        }
        self.try_change(now, call);
    }
}
