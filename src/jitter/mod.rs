//! The jitter buffer: order, delay and concealment of received sound.
//!
//! - [`buffer`]: packets in order, held until their time.
//! - `delay`: how long that is.
//! - `stretch`: decoded sound made a little shorter or longer, to get there.
//! - [`receiver`]: all of it with the decoders: packets in, 10 ms of sound out.

pub mod buffer;
mod delay;
pub mod receiver;
mod stretch;

pub use buffer::Inserted;
pub use delay::DelayBounds;
pub use receiver::{PullInfo, Receiver, ReceiverConfig, ReceiverStats, RtpMeta, Sound};
