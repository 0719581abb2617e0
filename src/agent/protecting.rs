//! How well a call is protected: the keys of its sound, and what can honestly be said of it.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use zeroize::Zeroizing;

use super::{AccountConfig, AccountId, Agent, CallId, EndCause, Event};
use crate::media::plan::{MasterKey, Mki, Plan, SrtpKeys, Suite};
use crate::redact::Secret;
use crate::sdp::{Encryption, Negotiated, NegotiationError, OwnKey, Sdes};
use crate::sip::Transport;

/// The suites that we offer: the strongest, and the one that everybody has, which is all that has
/// room in the datagram of an INVITE. All of [`Suite::ALL`] are taken.
const OFFERED: [Suite; 2] = [Suite::AeadAes256Gcm, Suite::AesCm128Sha1Tag80];

/// What protects a call's sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MediaSecurity {
    /// Nothing: whoever is on the way can listen.
    #[default]
    Clear,
    /// Keys that stood in the signalling (RFC 4568).
    Sdes,
}

/// How well a call is protected, part by part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Security {
    /// The signalling to our server, or to the far side itself, is encrypted.
    pub signalling: bool,
    /// The sound.
    pub media: MediaSecurity,
    /// Who is at the other end of the encrypted signalling has proved to be whom its name says.
    pub identity: bool,
}

/// What that comes to, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecurityGrade {
    /// The sound can be listened to on its way.
    Open,
    /// The sound is encrypted, but its keys went over the network for all to read.
    KeysExposed,
    /// Sound and signalling are encrypted; who is at the other end of it is not proved.
    Encrypted,
    /// The same, and the server proved who it is.
    Verified,
}

impl AccountConfig {
    /// The best that a call of this account can come to, by what the account itself decides.
    #[must_use]
    pub fn best_grade(&self) -> SecurityGrade {
        let signalling = matches!(self.transport, Some(Transport::Tls | Transport::Wss));
        let media = match self.encryption {
            Encryption::Off => MediaSecurity::Clear,
            Encryption::Optional | Encryption::Required => MediaSecurity::Sdes,
        };
        let security = Security {
            signalling,
            media,
            identity: signalling,
        };
        security.grade()
    }
}

impl Security {
    /// The parts taken together: never better than the weakest of those that matter.
    #[must_use]
    pub const fn grade(self) -> SecurityGrade {
        match (self.media, self.signalling, self.identity) {
            (MediaSecurity::Clear, _, _) => SecurityGrade::Open,
            (MediaSecurity::Sdes, false, _) => SecurityGrade::KeysExposed,
            (MediaSecurity::Sdes, true, false) => SecurityGrade::Encrypted,
            (MediaSecurity::Sdes, true, true) => SecurityGrade::Verified,
        }
    }
}

/// Where keys come from: a source of its own, so that nothing that is sent in clear (tags,
/// Call-IDs, branches) tells anything of them.
pub(super) struct KeySource(ChaCha20Rng);

impl KeySource {
    pub(super) fn new(seed: &Secret<[u8; 32]>) -> KeySource {
        KeySource(ChaCha20Rng::from_seed(*seed.reveal()))
    }

    /// A key for each suite; `terse`: for an offer that has to fit a datagram.
    fn keys(&mut self, terse: bool) -> Vec<OwnKey> {
        let offered = OFFERED
            .into_iter()
            .map(|suite| (suite, !terse || suite == Suite::AesCm128Sha1Tag80));
        let taken = Suite::ALL
            .into_iter()
            .filter(|suite| !OFFERED.contains(suite));
        offered
            .chain(taken.map(|suite| (suite, false)))
            .map(|(suite, offered)| {
                let mut material = vec![0; suite.master_len()];
                self.0.fill_bytes(&mut material);
                OwnKey {
                    suite: suite.name(),
                    material: Secret::new(material),
                    offered,
                }
            })
            .collect()
    }
}

impl std::fmt::Debug for KeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeySource([secret])")
    }
}

impl Agent {
    /// Takes the seed of all keys from a secure random source, in place of what
    /// [`Agent::new`] was given, which is short enough to be guessed by who has years.
    #[must_use]
    pub fn with_key_seed(mut self, seed: &Secret<[u8; 32]>) -> Agent {
        self.key_source = KeySource::new(seed);
        self
    }

    /// How much protection a call of this account is to have, and the keys for it.
    pub(super) fn protection_for(
        &mut self,
        account: AccountId,
        terse: bool,
    ) -> (Encryption, Vec<OwnKey>) {
        match self.encryption_of(account) {
            Encryption::Off => (Encryption::Off, Vec::new()),
            wanted @ (Encryption::Optional | Encryption::Required) => {
                (wanted, self.key_source.keys(terse))
            }
        }
    }

    pub(super) fn encryption_of(&self, account: AccountId) -> Encryption {
        let found = self.accounts.get(&account);
        found.map_or(Encryption::Off, |account| account.config.encryption)
    }

    /// Says how a call is protected from here on, where that is new.
    pub(super) fn note_security(&mut self, call: CallId, plan: &Plan) {
        let Some(found) = self.calls.get_mut(&call) else {
            return;
        };
        let signalling = matches!(found.transport, Some(Transport::Tls | Transport::Wss));
        let security = Security {
            signalling,
            media: match plan.srtp {
                Some(_) => MediaSecurity::Sdes,
                None => MediaSecurity::Clear,
            },
            // No encrypted transport goes on with a server whose name is not that of its
            // certificate.
            identity: signalling,
        };
        if std::mem::replace(&mut found.security, security) != security {
            self.event(Event::Security { call, security });
        }
    }
}

/// The keys of what was negotiated, for the media thread.
pub(super) fn keys_of(negotiated: &Negotiated) -> Option<SrtpKeys> {
    let sdes = negotiated.srtp.as_ref()?;
    let Sdes {
        suite,
        local,
        remote,
        remote_mki,
    } = sdes;
    let suite = Suite::from_name(suite)?;
    let key = |material: &Secret<Vec<u8>>| MasterKey::new(suite, material.reveal()).ok();
    Some(SrtpKeys {
        local: key(local)?,
        remote: key(remote)?,
        remote_mki: Mki(remote_mki.clone()),
    })
}

/// Why no call came of an offer or an answer.
pub(super) fn cause_of(error: &NegotiationError) -> EndCause {
    match error {
        NegotiationError::NotProtected | NegotiationError::NoCommonSuite => EndCause::NotEncrypted,
        _ => EndCause::NoCommonCodec,
    }
}

/// A seed for tests, and for whoever brings none of their own.
pub(super) fn seed_from(random: &mut impl Rng) -> Secret<[u8; 32]> {
    let mut seed = Zeroizing::new([0; 32]);
    random.fill_bytes(&mut *seed);
    Secret::new(*seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grade_is_never_better_than_the_weakest_part() {
        let grade = |signalling, media, identity| {
            let security = Security {
                signalling,
                media,
                identity,
            };
            security.grade()
        };
        use MediaSecurity::{Clear, Sdes};
        assert_eq!(Security::default().grade(), SecurityGrade::Open);
        assert_eq!(grade(true, Clear, true), SecurityGrade::Open);
        assert_eq!(grade(false, Sdes, false), SecurityGrade::KeysExposed);
        assert_eq!(grade(false, Sdes, true), SecurityGrade::KeysExposed);
        assert_eq!(grade(true, Sdes, false), SecurityGrade::Encrypted);
        assert_eq!(grade(true, Sdes, true), SecurityGrade::Verified);
    }

    #[test]
    fn an_account_is_worth_what_its_transport_is() {
        let grade = |transport, encryption| {
            let account = AccountConfig {
                transport,
                encryption,
                ..AccountConfig::direct(AccountId(1))
            };
            account.best_grade()
        };
        use Encryption::{Off, Optional, Required};
        assert_eq!(grade(Some(Transport::Tls), Off), SecurityGrade::Open);
        assert_eq!(grade(None, Optional), SecurityGrade::KeysExposed);
        let udp = Some(Transport::Udp);
        assert_eq!(grade(udp, Required), SecurityGrade::KeysExposed);
        assert_eq!(
            grade(Some(Transport::Tls), Required),
            SecurityGrade::Verified
        );
    }

    #[test]
    fn each_call_has_keys_of_its_own_and_two_phones_have_other_ones() {
        let mut ana = KeySource::new(&Secret::new([1; 32]));
        let mut bia = KeySource::new(&Secret::new([2; 32]));
        let all = [ana.keys(false), ana.keys(true), bia.keys(false)].concat();
        let offered = all.iter().filter(|key| key.offered).count();
        assert_eq!((all.len(), offered), (18, 5));
        for (at, key) in all.iter().enumerate() {
            let suite = Suite::from_name(key.suite).unwrap();
            assert_eq!(key.material.reveal().len(), suite.master_len());
            let begin = &key.material.reveal()[..8];
            let twin = all[..at]
                .iter()
                .find(|it| it.material.reveal()[..8] == *begin);
            assert!(twin.is_none(), "{at}");
        }
    }
}
