//! What an account asks for beyond what the system trusts, and what a connection has to show.

use std::fmt;
use std::path::PathBuf;

use super::certificate::{Certificate, Fingerprint};

/// What an account asks of its connections. By default: what the system trusts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The certificates (PEM) of those who may vouch for the server, instead of those that the
    /// system trusts.
    pub ca: Option<PathBuf>,
    /// A list of what those have taken back (CRL, PEM).
    pub crl: Option<PathBuf>,
    /// The one certificate that the server must present. It is trusted whoever vouches for it,
    /// whatever names it has and whatever time it gives itself, and no other is.
    pub pin: Option<Fingerprint>,
    /// What we present if the server asks who we are.
    pub client: Option<ClientFiles>,
}

/// The files of a client certificate (PEM).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientFiles {
    /// The certificate, and those that lead from it to its issuer.
    pub certificate: PathBuf,
    /// Its private key, not encrypted.
    pub key: PathBuf,
}

/// How it was verified that a server is the one that was meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verified {
    /// Somebody whom the system trusts vouches for it.
    BySystem,
    /// The account's own authority vouches for it.
    ByOwnAuthority,
    /// It presented the one certificate that the account is bound to.
    ByPin,
}

impl Verified {
    /// Its name in output that programs read.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Verified::BySystem => "system",
            Verified::ByOwnAuthority => "own_authority",
            Verified::ByPin => "pin",
        }
    }
}

/// The version of TLS that was agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    /// RFC 5246.
    Tls12,
    /// RFC 8446.
    Tls13,
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TlsVersion::Tls12 => "TLS 1.2",
            TlsVersion::Tls13 => "TLS 1.3",
        })
    }
}

/// A connection that is encrypted to somebody whose identity was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secured {
    /// How.
    pub verified: Verified,
    /// Over what.
    pub version: TlsVersion,
    /// The handshake took up one from before (RFC 8446 section 2.2).
    pub resumed: bool,
    /// What the server presented.
    pub certificate: Box<Certificate>,
}
