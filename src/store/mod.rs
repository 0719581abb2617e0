//! Settings on disk, secrets in the keyring.

use serde::{Deserialize, Serialize};

/// One account as the settings file keeps it: everything but the password.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountSettings {
    /// Stable across renames: the password's name in the keyring. 0: not yet given.
    pub id: u32,
    /// The address of record, `1001@pbx.example` or a whole SIP URI.
    pub address: String,
    /// The name shown to whom we call.
    pub display_name: Option<String>,
    /// The user name for the password, if it is not the extension.
    pub auth_user: Option<String>,
    /// `host`, `host:port` or SIP URI.
    pub registrar: Option<String>,
    /// Outbound proxy: `host`, `host:port` or SIP URI.
    pub proxy: Option<String>,
    /// `udp`, `tcp`; `None`: what the address says.
    pub transport: Option<String>,
}
