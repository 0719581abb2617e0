//! How a call sounds over a bad network, measured: the real path of sound on a clock that is
//! turned by hand.
//!
//! - [`network`]: profiles of bad networks; the n-th packet always meets the same fate.
//! - [`call`]: a talker, such a network and a listener; both ends are [`crate::media::Session`]s.
//! - [`ceiling`]: the same packets and losses decoded at leisure, with everything at hand.
//! - [`passage`]: what the talker says.
//! - [`relay`]: such a network between two programs.
//! - [`echo`]: two people and a loudspeaker between them, in a [`room`]; how much is understood, by
//!   [`stoi`].
//! - [`scenes`]: what `ramal bench voice` has them do.
//! - [`noises`]: what else is heard in a room.
//! - [`delay`]: how late the sound was heard, found in the sound itself.
//!
//! `ramal bench media` and `ramal bench voice` put them together; how good the sound is, PESQ says.

pub mod call;
pub mod ceiling;
pub mod delay;
pub mod echo;
pub mod network;
pub mod noises;
pub mod passage;
pub mod relay;
pub mod room;
pub mod scenes;
pub mod stoi;
