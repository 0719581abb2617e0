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

/// A name that nobody else has: a UUID of version 4 (RFC 9562 section 5.4).
///
/// # Errors
/// The system gives no randomness.
pub fn uuid() -> io::Result<String> {
    let random = (u128::from(random()?) << 64) | u128::from(random()?);
    let bits = random & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    Ok(parts.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_the_form_of_version_4_and_differs() {
        let (one, other) = (uuid().expect("random"), uuid().expect("random"));
        assert_ne!(one, other);
        for uuid in [one, other] {
            let lengths: Vec<usize> = uuid.split('-').map(str::len).collect();
            assert_eq!(lengths, [8, 4, 4, 4, 12], "{uuid}");
            assert_eq!(&uuid[14..15], "4", "{uuid}");
            assert!("89ab".contains(&uuid[19..20]), "{uuid}");
        }
    }
}
