//! The protection of one call's packets and reports, as the plan wants it.

use std::fmt;

use super::plan::{MasterKey, Mki, SrtpKeys};
use crate::rtp::Muxed;
use crate::rtp::srtp::{Receiver, Sender};

/// The longest datagram that is taken where it is protected.
const LONGEST: usize = 2_048;

/// Protects what goes and takes the protection off what comes; in clear it lets both be.
#[derive(Default)]
pub struct Protection {
    mode: Mode,
    /// For each key of ours that was in use; the last one is. Those before may come back, and must
    /// not use an index twice.
    senders: Vec<(MasterKey, Sender)>,
    /// The same of the far side, at most [`MAX_KEYS`].
    receivers: Vec<(MasterKey, Mki, Receiver)>,
    /// What came, without its protection.
    opened: Vec<u8>,
    refused: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Clear,
    /// Keys were offered, and what the far side sends before its answer is here cannot be told from
    /// noise.
    Withheld,
    Keyed,
}

/// Keys of one side that are remembered: more than a call has suites to change between.
const MAX_KEYS: usize = 8;

impl Protection {
    /// Under these keys from here on, or in clear. Those that were in use before go on counting
    /// where they were, so that no keystream comes twice. Allocates where keys change.
    pub fn apply(&mut self, keys: Option<&SrtpKeys>) {
        let Some(keys) = keys else {
            self.mode = Mode::Clear;
            return;
        };
        self.mode = Mode::Keyed;
        self.opened.reserve(LONGEST);
        let SrtpKeys {
            local,
            remote,
            remote_mki,
        } = keys;
        let known = self.senders.iter().position(|(key, _)| key == local);
        let sender = match known {
            Some(at) => self.senders.remove(at),
            None => (local.clone(), Sender::new(local)),
        };
        self.senders.push(sender);
        let known = self
            .receivers
            .iter()
            .position(|(key, mki, _)| key == remote && mki == remote_mki);
        let receiver = match known {
            Some(at) => self.receivers.remove(at),
            None => {
                let mki = remote_mki.clone();
                let receiver = match self.receivers.last() {
                    Some((_, _, before)) => before.rekeyed(remote, mki),
                    None => Receiver::new(remote, mki),
                };
                (remote.clone(), remote_mki.clone(), receiver)
            }
        };
        self.receivers.push(receiver);
        if self.senders.len() > MAX_KEYS {
            self.senders.remove(0);
        }
        if self.receivers.len() > MAX_KEYS {
            self.receivers.remove(0);
        }
    }

    /// Takes nothing until keys are known, or that there are none.
    pub fn withhold(&mut self) {
        if self.mode == Mode::Clear {
            self.mode = Mode::Withheld;
        }
    }

    /// Protects an RTP packet in place; `false`: it must not be sent.
    #[must_use]
    pub fn protect_rtp(&mut self, packet: &mut Vec<u8>) -> bool {
        let keyed = self.mode == Mode::Keyed;
        let resting = self.senders.len() - usize::from(keyed && !self.senders.is_empty());
        for (_, sender) in self.senders.iter_mut().take(resting) {
            sender.pass(packet);
        }
        match self.senders.last_mut() {
            Some((_, sender)) if keyed => sender.protect_rtp(packet).is_ok(),
            _ => !keyed,
        }
    }

    /// Protects a report in place; `false`: it must not be sent.
    #[must_use]
    pub fn protect_rtcp(&mut self, report: &mut Vec<u8>) -> bool {
        match (self.mode, self.senders.last_mut()) {
            (Mode::Keyed, Some((_, sender))) => sender.protect_rtcp(report).is_ok(),
            (Mode::Keyed, None) => false,
            (Mode::Clear | Mode::Withheld, _) => true,
        }
    }

    /// What a datagram holds; `None` for one that is not from who has the key, or came before.
    /// `reports`: it came where nothing but reports come.
    pub fn open<'a>(&'a mut self, datagram: &'a [u8], reports: bool) -> Option<&'a [u8]> {
        let receiver = match self.mode {
            Mode::Clear => return Some(datagram),
            Mode::Withheld => None,
            Mode::Keyed => self.receivers.last_mut(),
        };
        let kind = match Muxed::of(datagram) {
            Muxed::Rtp if !reports => Muxed::Rtp,
            Muxed::Rtp | Muxed::Rtcp => Muxed::Rtcp,
            // Neither is protected by this.
            Muxed::Stun | Muxed::Dtls | Muxed::Unknown => return Some(datagram),
        };
        self.opened.clear();
        let fits = datagram.len() <= LONGEST;
        let opened = receiver.filter(|_| fits).and_then(|(_, _, receiver)| {
            self.opened.extend_from_slice(datagram);
            let opened = if kind == Muxed::Rtp {
                receiver.unprotect_rtp(&mut self.opened)
            } else {
                receiver.unprotect_rtcp(&mut self.opened)
            };
            opened.ok()
        });
        if opened.is_none() {
            self.refused += 1;
        }
        opened
    }

    /// How many datagrams were refused.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }
}

impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protection")
            .field("mode", &self.mode)
            .field("refused", &self.refused)
            .finish_non_exhaustive()
    }
}
