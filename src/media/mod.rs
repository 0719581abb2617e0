//! The sound of one call: from frames to packets and back.
//!
//! Sans-IO: datagrams, frames of 10 ms and the time come in, datagrams, frames and events come
//! out. Nothing is allocated for a packet or a frame once a call's sound runs.
//!
//! - [`plan`]: what a call's sound should be, as data.
//! - [`quality`]: how it is, second by second; [`emodel`]: what a person would say of it.
//! - [`adaptation`]: what Opus does about the loss the far side tells of.

pub mod adaptation;
pub mod emodel;
pub mod plan;
pub mod quality;

pub use quality::{Grade, Levels, Quality};
