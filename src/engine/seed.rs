//! Where randomness comes from: the operating system, once for each machine that wants a seed.

use std::io;

use rand::TryRng;
use rand::rngs::SysRng;

/// A seed that nobody can guess.
///
/// # Errors
/// When the system gives no randomness.
pub fn random() -> io::Result<u64> {
    SysRng.try_next_u64().map_err(io::Error::other)
}
