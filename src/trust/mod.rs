//! Whom a connection is trusted to lead to, as values: what an account asks of a certificate, what
//! a certificate says, and in which way the two did not fit.
//!
//! No handshake happens here, and no file is read: `net` does the one, `engine` the other, and
//! everybody in between speaks of it in these words.
//!
//! - [`certificate`]: what a certificate says of itself, in the words a person can compare.
//! - [`identity`]: whether the names in it are those of a domain (RFC 5922).
//! - [`failure`]: why a secure connection did not come to stand.
//! - [`terms`]: what an account asks for beyond what the system trusts.

pub mod certificate;
pub mod failure;
pub mod identity;
pub mod terms;

pub use self::certificate::{Certificate, Fingerprint, FingerprintError};
pub use self::failure::{Refused, TlsFailure};
pub use self::identity::Presented;
pub use self::terms::{ClientFiles, Secured, Terms, TlsVersion, Verified};
