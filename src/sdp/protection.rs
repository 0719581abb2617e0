//! What offer and answer say of keys (RFC 4568 section 7), and what comes of it.

use zeroize::Zeroizing;

use super::crypto::{Crypto, Encryption, OwnKey, Sdes, write};
use super::local_audio::LocalAudio;
use super::negotiated::NegotiationError;
use super::remote_audio::RemoteAudio;

/// The `a=crypto` lines of an offer of ours, and their tags.
fn offered(local: &LocalAudio) -> impl Iterator<Item = (u32, &OwnKey)> {
    let wanted = local.encryption != Encryption::Off;
    let keys = local.keys.iter().filter(move |key| wanted && key.offered);
    (1..).zip(keys)
}

pub(super) fn offered_lines(local: &LocalAudio) -> impl Iterator<Item = Zeroizing<String>> {
    offered(local).map(|(tag, key)| write(tag, key))
}

/// What comes of an offer, with our line for it; `None`: it is taken in clear.
pub(super) fn answer(
    local: &LocalAudio,
    remote: &RemoteAudio,
) -> Result<Option<(Zeroizing<String>, Sdes)>, NegotiationError> {
    if local.encryption == Encryption::Off {
        return Ok(None);
    }
    // The far side's order is its preference, and ours to follow (RFC 4568 section 7.1.2).
    let taken = remote.cryptos.iter().find_map(|crypto| {
        let own = local.keys.iter().find(|own| own.is_for(crypto))?;
        Some((write(crypto.tag, own), agreed(own, crypto)?))
    });
    match taken {
        Some(taken) => Ok(Some(taken)),
        None => in_clear(local, remote).map(|()| None),
    }
}

/// What comes of the answer to our offer; `None`: it was taken in clear.
pub(super) fn answered(
    local: &LocalAudio,
    remote: &RemoteAudio,
) -> Result<Option<Sdes>, NegotiationError> {
    if local.encryption == Encryption::Off {
        return Ok(None);
    }
    // The tag is that of our line (RFC 4568 section 7.1.3).
    let taken = remote.cryptos.iter().find_map(|crypto| {
        let (_, own) =
            offered(local).find(|(tag, own)| *tag == crypto.tag && own.is_for(crypto))?;
        agreed(own, crypto)
    });
    match taken {
        Some(sdes) => Ok(Some(sdes)),
        // Keys that are none of ours: what is sent under them would be noise to us.
        None if !remote.cryptos.is_empty() => Err(NegotiationError::NoCommonSuite),
        None => in_clear(local, remote).map(|()| None),
    }
}

fn agreed(own: &OwnKey, crypto: &Crypto) -> Option<Sdes> {
    let theirs = crypto.only_key()?;
    Some(Sdes {
        suite: own.suite,
        local: own.material.clone(),
        remote: theirs.material.clone(),
        remote_mki: theirs.mki.clone(),
    })
}

/// Whether a stream may be taken without keys.
fn in_clear(local: &LocalAudio, remote: &RemoteAudio) -> Result<(), NegotiationError> {
    if remote.secure_profile {
        Err(NegotiationError::NoCommonSuite)
    } else if local.encryption == Encryption::Required {
        Err(NegotiationError::NotProtected)
    } else {
        Ok(())
    }
}

impl OwnKey {
    /// Whether the line is of the same suite, with a key as long as its keys are.
    fn is_for(&self, crypto: &Crypto) -> bool {
        let long = self.material.reveal().len();
        crypto.suite.eq_ignore_ascii_case(self.suite)
            && crypto
                .only_key()
                .is_some_and(|key| key.material.reveal().len() == long)
    }
}
