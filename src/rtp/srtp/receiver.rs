//! Taking the protection off what comes.

use super::cipher::{Cipher, Which};
use super::keys::{Kind, MasterKey};
use super::window::Window;
use super::{MAX_RTP_INDEX, of_rtcp, of_rtp, payload_offset};

/// Sources of the far side that are kept apart; with one more, the one that was silent longest is
/// forgotten. A switch that connects somebody else goes on under the same key with another source.
pub const MAX_SOURCES: usize = 32;

/// Why a packet is not to be used. Nobody but the far side can bring about a change by what is
/// refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnprotectError {
    /// Too short for what it would have to hold, or no packet at all.
    #[error("not a packet")]
    Malformed,
    /// It came already, or is too old to tell.
    #[error("seen before")]
    Replayed,
    /// Not from who has the key, or changed on its way.
    #[error("not authentic")]
    Forged,
    /// A report that says of itself that it is not encrypted, which was not agreed on.
    #[error("not encrypted")]
    NotEncrypted,
}

/// The name of the master key that each packet carries (RFC 3711 section 3.1), for a far side that
/// said it would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mki(pub Vec<u8>);

/// Takes the protection off the packets and reports of the far side.
#[derive(Debug)]
pub struct Receiver {
    rtp: Cipher,
    rtcp: Cipher,
    mki: Mki,
    sources: Vec<Source>,
    /// The newest index of each source under the key before.
    before: Vec<(u32, u64)>,
    /// Counts what was taken, to know who was silent longest.
    clock: u64,
}

#[derive(Debug)]
struct Source {
    name: u32,
    packets: Option<Window>,
    reports: Option<Window>,
    heard: u64,
}

impl Receiver {
    /// Begins with a rollover counter of zero. `mki` is empty where packets carry none.
    #[must_use]
    pub fn new(master: &MasterKey, mki: Mki) -> Receiver {
        Receiver {
            rtp: Cipher::new(master, Kind::Rtp),
            rtcp: Cipher::new(master, Kind::Rtcp),
            mki,
            sources: Vec::with_capacity(MAX_SOURCES),
            before: Vec::new(),
            clock: 0,
        }
    }

    /// The same far side with another key from here on.
    #[must_use]
    pub fn rekeyed(&self, master: &MasterKey, mki: Mki) -> Receiver {
        let newest = |source: &Source| Some((source.name, source.packets?.newest()));
        Receiver {
            before: self.sources.iter().filter_map(newest).collect(),
            ..Receiver::new(master, mki)
        }
    }

    /// Takes one RTP packet, and answers it as it was before it was protected.
    ///
    /// # Errors
    ///
    /// [`UnprotectError`]; then nothing is remembered of it, and its octets may have changed.
    pub fn unprotect_rtp<'a>(&mut self, packet: &'a mut [u8]) -> Result<&'a [u8], UnprotectError> {
        let clear = payload_offset(packet).ok_or(UnprotectError::Malformed)?;
        let (sequence, source) = of_rtp(packet).ok_or(UnprotectError::Malformed)?;
        let tag_len = self.rtp.tag_len();
        let whole = packet.len();
        // MKI between payload and tag; with AEAD the tag is of the ciphertext, and it is last.
        let end = whole
            .checked_sub(tag_len + self.mki.0.len())
            .filter(|end| *end >= clear)
            .ok_or(UnprotectError::Malformed)?;
        let (data, behind) = packet.split_at_mut(end);
        let (tag, mki) = parts(behind, self.rtp.is_aead(), tag_len);
        if *mki != *self.mki.0 {
            return Err(UnprotectError::Forged);
        }
        let window = self
            .sources
            .iter()
            .find(|known| known.name == source)
            .and_then(|known| known.packets);
        let guesses = match window {
            Some(window) => {
                let index = nearest(window.newest(), sequence).ok_or(UnprotectError::Replayed)?;
                if !window.is_fresh(index) {
                    return Err(UnprotectError::Replayed);
                }
                [Some(index), None, None]
            }
            None => self.first_guesses(source, sequence),
        };
        let opens = |index: &u64| {
            let which = Which {
                clear,
                source,
                index: *index,
            };
            let rollover = ((index >> 16) as u32).to_be_bytes();
            self.rtp.open(which, data, &rollover, tag).is_ok()
        };
        let index = guesses.into_iter().flatten().find(opens);
        let index = index.ok_or(UnprotectError::Forged)?;
        let source = self.source(source);
        source.packets.get_or_insert_default().note(index);
        Ok(data)
    }

    /// Takes one report, and answers it as it was before it was protected.
    ///
    /// # Errors
    ///
    /// [`UnprotectError`]; then nothing is remembered of it, and its octets may have changed.
    pub fn unprotect_rtcp<'a>(&mut self, report: &'a mut [u8]) -> Result<&'a [u8], UnprotectError> {
        let source = of_rtcp(report).ok_or(UnprotectError::Malformed)?;
        let tag_len = self.rtcp.tag_len();
        let mki_len = self.mki.0.len();
        let end = report
            .len()
            .checked_sub(tag_len + mki_len + 4)
            .filter(|end| *end >= 8)
            .ok_or(UnprotectError::Malformed)?;
        let (data, behind) = report.split_at_mut(end);
        let (trailer, tag, mki) = if self.rtcp.is_aead() {
            let (tag, rest) = behind.split_at(tag_len);
            let (trailer, mki) = rest.split_at(4);
            (trailer, tag, mki)
        } else {
            let (trailer, rest) = behind.split_at(4);
            let (mki, tag) = rest.split_at(mki_len);
            (trailer, tag, mki)
        };
        if *mki != *self.mki.0 {
            return Err(UnprotectError::Forged);
        }
        let word = trailer
            .iter()
            .fold(0, |word: u32, octet| word << 8 | u32::from(*octet));
        if word >> 31 == 0 {
            return Err(UnprotectError::NotEncrypted);
        }
        let index = u64::from(word & !(1 << 31));
        let window = self
            .sources
            .iter()
            .find(|known| known.name == source)
            .and_then(|known| known.reports);
        if window.is_some_and(|window| !window.is_fresh(index)) {
            return Err(UnprotectError::Replayed);
        }
        let which = Which {
            clear: 8,
            source,
            index,
        };
        self.rtcp
            .open(which, data, trailer, tag)
            .map_err(|_| UnprotectError::Forged)?;
        let source = self.source(source);
        source.reports.get_or_insert_default().note(index);
        Ok(data)
    }

    /// Which index the first packet of a source may have: its rollover counter is zero, or one where
    /// those before the first wrap were lost; and after a change of keys some go on counting (RFC
    /// 3711 section 3.3.1) where others begin anew (RFC 4568 section 7.1.4).
    fn first_guesses(&self, source: u32, sequence: u16) -> [Option<u64>; 3] {
        let before = self.before.iter().find(|(known, _)| *known == source);
        [
            Some(sequence.into()),
            before
                .and_then(|(_, newest)| nearest(*newest, sequence))
                .filter(|index| index >> 16 != 0),
            (sequence < 0x4000).then_some(u64::from(sequence) | 1 << 16),
        ]
    }

    #[cfg(test)]
    pub(super) fn sources(&self) -> usize {
        self.sources.len()
    }

    /// What is known of a source that was just found genuine.
    fn source(&mut self, name: u32) -> &mut Source {
        self.clock += 1;
        let at = match self.sources.iter().position(|known| known.name == name) {
            Some(at) => at,
            None => {
                if self.sources.len() >= MAX_SOURCES {
                    let oldest = self
                        .sources
                        .iter()
                        .enumerate()
                        .min_by_key(|(_, it)| it.heard);
                    let oldest = oldest.map_or(0, |(at, _)| at);
                    self.sources.swap_remove(oldest);
                }
                self.sources.push(Source {
                    name,
                    packets: None,
                    reports: None,
                    heard: 0,
                });
                self.sources.len() - 1
            }
        };
        let source = &mut self.sources[at];
        source.heard = self.clock;
        source
    }
}

/// Tag and MKI of a packet, from what lies behind its payload.
fn parts(behind: &[u8], aead: bool, tag_len: usize) -> (&[u8], &[u8]) {
    if aead {
        behind.split_at(tag_len)
    } else {
        let (mki, tag) = behind.split_at(behind.len() - tag_len);
        (tag, mki)
    }
}

/// The index with this sequence number that is nearest to the newest one (RFC 3711 section 3.3.1,
/// appendix A); `None` where it would lie before the first or behind the last.
fn nearest(newest: u64, sequence: u16) -> Option<u64> {
    let ahead = sequence.wrapping_sub(newest as u16);
    let index = if ahead < 0x8000 {
        newest.checked_add(u64::from(ahead))
    } else {
        newest.checked_sub(u64::from(ahead.wrapping_neg()))
    };
    index.filter(|index| *index <= MAX_RTP_INDEX)
}
