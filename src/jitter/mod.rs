//! The jitter buffer: order, delay and concealment of received sound.
//!
//! - [`buffer`]: packets in order, held until their time.
//! - `delay`: how long that is.
//! - `stall`: what is heard while nothing comes.
//! - `pace`: when sound is to be made shorter or longer.
//! - `repairs`: whether the next packet is wanted at hand.
//! - `drift`, `interpolate`: the sender's clock followed by playing some millionths faster or slower.
//! - `stretch`: decoded sound made a little shorter or longer, to get there.
//! - [`receiver`]: all of it with the decoders: packets in, 10 ms of sound out.

pub mod buffer;
mod delay;
mod drift;
mod histogram;
mod interpolate;
mod pace;
pub mod receiver;
mod repairs;
mod spread;
mod stall;
mod stretch;

pub use buffer::Inserted;
pub use delay::DelayBounds;
pub(crate) use interpolate::Interpolator;
pub use receiver::{PullInfo, Receiver, ReceiverConfig, ReceiverStats, RtpMeta, Sound};
