//! Where randomness comes from: the operating system, once for each machine that wants a seed.

use std::io;

use rand::TryRng;
use rand::rngs::SysRng;

use crate::redact::Secret;

/// A seed that nobody can guess.
///
/// # Errors
/// When the system gives no randomness.
pub fn random() -> io::Result<u64> {
    SysRng.try_next_u64().map_err(io::Error::other)
}

/// The seed of keys.
///
/// # Errors
/// When the system gives no randomness.
pub fn of_keys() -> io::Result<Secret<[u8; 32]>> {
    let mut seed = zeroize::Zeroizing::new([0; 32]);
    SysRng
        .try_fill_bytes(&mut *seed)
        .map_err(io::Error::other)?;
    Ok(Secret::new(*seed))
}
