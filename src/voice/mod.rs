//! The microphone's sound made fit to be sent: echo, noise and level of the near end.
//!
//! - [`NearEnd`]: the chain. What goes to the loudspeaker is shown to it, what the microphone
//!   heard passes through it, both in frames of 10 ms.
//! - [`settings`]: what the person chose, as plain data.
//! - [`report`]: what the chain saw and did, as plain data.
//!
//! Inside: `high_pass`, then `echo` (a meter of the path, which decides, and a canceller behind a
//! trait), `suppress` (spectra, and in them `residual` echo, `noise` and the `isolation` of a voice,
//! for which sound has to `wait`), `gain` and `limiter`.
//!
//! Sound is mono `f32` in −1..=1 at 48 kHz. Nothing here reads a clock: time is counted in
//! frames. Everything is allocated when the chain is made.

mod echo;
mod gain;
mod headset;
mod high_pass;
mod isolation;
mod limiter;
mod near_end;
mod noise;
pub mod report;
mod residual;
pub mod settings;
mod suppress;
mod wait;

pub use self::headset::says_headset;
pub use self::near_end::NearEnd;
pub use self::report::{EchoPath, EchoState, VoiceReport};
pub use self::settings::{EchoChoice, NoiseChoice, VoiceSettings};
use crate::units::SampleRate;

/// The rate of all sound in this folder.
pub const RATE: SampleRate = SampleRate::FULL;

/// Samples of one frame: 10 ms.
pub const FRAME: usize = 480;
