//! The sound of one call: from frames to packets and back.
//!
//! Sans-IO: datagrams, frames of 10 ms and the time come in, datagrams, frames and events come
//! out. Nothing is allocated for a packet or a frame once a call's sound runs.
//!
//! - [`session`]: one call, whole; of [`uplink`] and [`downlink`].
//! - [`plan`]: what a call's sound should be, as data.
//! - [`route`]: which way packets go, and whose are taken.
//! - [`quality`]: how it is, second by second, reckoned by `figures`; [`emodel`]: what a person
//!   would say of it.
//! - [`tones`]: ringback, busy, keys; [`rings`]: what rings; [`music`]: for whoever waits.
//! - [`loudness`]: gains that the person chose; [`microphone`]: what is wrong with the microphone.
//! - [`recording`]: both sides of a call on one line of time, and the files for them.
//! - [`mixer`]: conferences; [`bridge`]: from the speaker's clock to the microphone's;
//!   [`card_clock`]: how far a card's clock is from the system's.
//! - `again`: packets that carry earlier ones again; `silence`: pauses described instead of sent.
//! - [`adaptation`]: what Opus does about the loss the far side tells of.

pub mod adaptation;
mod again;
pub mod bridge;
pub mod card_clock;
pub mod downlink;
pub mod emodel;
mod figures;
mod in_band;
pub mod loudness;
mod meter;
pub mod microphone;
pub mod mixer;
pub mod music;
pub mod plan;
pub mod protection;
pub mod quality;
pub mod recording;
pub mod rings;
pub mod route;
pub mod session;
mod silence;
mod speaking;
pub mod test_sound;
pub mod tones;
pub mod uplink;

pub use loudness::Loudness;
pub use microphone::MicrophoneState;
pub use quality::{Grade, Levels, LocalDelay, Quality, RemoteQuality};
pub use session::{Event, Output, Port, Session, Setup};
