//! What an account has learned of its servers, for all who answer challenges for it.

use std::sync::{Arc, Mutex, PoisonError};

use super::challenge::{Algorithm, Challenge, Strength};

/// Realms of one account's servers: a registrar and a few proxies on the way to it.
const MAX_REALMS: usize = 16;

/// The strongest digest that was asked of an account, and the realms of its registrar. Clones
/// share it, so that what one request learns holds for all. It lasts as long as the program runs.
#[derive(Clone, Debug, Default)]
pub struct DigestMemory {
    learned: Arc<Mutex<Learned>>,
    /// MD5 is given even where SHA-2 was asked for before.
    weaker: bool,
    /// Realms are answered that the registrar never named.
    other_realms: bool,
    /// Whose challenges teach what the realms are.
    teaches: bool,
}

#[derive(Debug, Default)]
struct Learned {
    strongest: Option<Strength>,
    /// Of the registrar and the proxies before it, the latest last.
    realms: Vec<String>,
}

impl DigestMemory {
    /// Nothing is known. `weaker`: MD5 is given even after SHA-2 was asked for; `other_realms`:
    /// also realms that the registrar never named are answered.
    #[must_use]
    pub fn new(weaker: bool, other_realms: bool) -> DigestMemory {
        DigestMemory {
            weaker,
            other_realms,
            ..DigestMemory::default()
        }
    }

    /// The same, for requests that only the registrar sees.
    pub(super) fn of_registrar(&self) -> DigestMemory {
        DigestMemory {
            teaches: true,
            ..self.clone()
        }
    }

    /// Whether a digest of this kind may be given.
    pub(super) fn allows(&self, algorithm: Algorithm) -> bool {
        self.weaker || self.with(|it| it.strongest <= Some(algorithm.strength()))
    }

    /// Whether this realm may be the account's.
    pub(super) fn knows_realm(&self, realm: &str) -> bool {
        self.other_realms
            || self.teaches
            || self.with(|it| it.realms.is_empty() || it.realms.iter().any(|known| known == realm))
    }

    /// This challenge was answered.
    pub(super) fn answered(&self, challenge: &Challenge) {
        self.with(|it| {
            it.strongest = it.strongest.max(challenge.strength());
            if self.teaches && !it.realms.contains(&challenge.realm) {
                if it.realms.len() == MAX_REALMS {
                    it.realms.remove(0);
                }
                it.realms.push(challenge.realm.clone());
            }
        });
    }

    fn with<T>(&self, look: impl FnOnce(&mut Learned) -> T) -> T {
        // Nothing in between can panic, and what is there would be whole.
        look(&mut self.learned.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Who is known says nothing about what was learned.
impl PartialEq for DigestMemory {
    fn eq(&self, other: &DigestMemory) -> bool {
        self.weaker == other.weaker && self.other_realms == other.other_realms
    }
}

impl Eq for DigestMemory {}
