//! What an account lets through that is refused unless a person asks for it, and the reverse.

use serde::{Deserialize, Serialize};

/// What the settings file keeps under `[account.trust]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrustSettings {
    /// Nothing of the account goes over a transport that is not encrypted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub require_tls: bool,
    /// MD5 is given where SHA-2 was asked for before.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub weaker_digest: bool,
    /// Passwords are given for realms too that the registrar never named.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub other_realms: bool,
    /// Calls ring from wherever they come.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub direct_calls: bool,
}

impl TrustSettings {
    /// Whether nothing was decided.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == TrustSettings::default()
    }
}
