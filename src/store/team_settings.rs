//! Whom an account watches.

use serde::{Deserialize, Serialize};

/// One extension whose lamp an account watches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WatchedSettings {
    /// The number, or an address.
    pub number: String,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Presence is watched too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub presence: bool,
    /// It is a place where calls are parked: handed over to it they wait there, and who calls it
    /// takes the one that waits.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub park: bool,
}
