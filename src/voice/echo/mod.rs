//! The loudspeaker's sound in the microphone: how it is measured, and how it is taken out.

mod block;
mod canceller;
mod decimate;
mod kalman;
mod path;
mod queue;

pub(super) use self::block::BlockCanceller;
pub(super) use self::canceller::{Canceller, Echo};
