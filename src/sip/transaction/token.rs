//! Branches and tags, from a seed.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::sip::Via;

/// Writes tokens that nobody without the seed can guess: a guessed branch would let a stranger
/// answer a request.
#[derive(Debug)]
pub(super) struct Tokens {
    rng: ChaCha12Rng,
    /// Never drawn again, so that the tags of stateless responses are the same for the same
    /// request and unknown to others.
    secret: u64,
}

impl Tokens {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        let secret = rng.next_u64();
        Tokens { rng, secret }
    }

    /// A branch with the magic cookie and 96 random bits: an INVITE has to fit a datagram.
    pub(super) fn branch(&mut self) -> String {
        format!(
            "{}{:016x}{:08x}",
            Via::MAGIC_COOKIE,
            self.rng.next_u64(),
            self.rng.next_u32()
        )
    }

    /// A tag with 64 random bits; section 19.3 asks for 32.
    pub(super) fn tag(&mut self) -> String {
        format!("{:016x}", self.rng.next_u64())
    }

    /// The same tag for the same `of`: what a server that keeps no state answers with (section
    /// 8.2.7).
    pub(super) fn stateless_tag(&self, of: &str) -> String {
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        let mut hasher = DefaultHasher::new();
        (self.secret, of).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_has_the_magic_cookie_and_differs_from_the_one_before() {
        let mut tokens = Tokens::new(1);
        let (first, second) = (tokens.branch(), tokens.branch());
        assert!(first.starts_with("z9hG4bK"));
        assert_eq!(first.len(), "z9hG4bK".len() + 24);
        assert_ne!(first, second);
    }

    #[test]
    fn the_same_seed_writes_the_same_tokens() {
        assert_eq!(Tokens::new(7).branch(), Tokens::new(7).branch());
        assert_ne!(Tokens::new(7).branch(), Tokens::new(8).branch());
    }

    #[test]
    fn a_stateless_tag_depends_on_the_request_and_the_seed_alone() {
        let mut tokens = Tokens::new(7);
        let tag = tokens.stateless_tag("a");
        let _ = tokens.branch();
        assert_eq!(tokens.stateless_tag("a"), tag);
        assert_ne!(tokens.stateless_tag("b"), tag);
        assert_ne!(Tokens::new(8).stateless_tag("a"), tag);
    }
}
