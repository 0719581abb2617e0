//! Sound on samples: resampling, levels, tones, gain, comparison.
//!
//! Sound is mono `f32` in −1..=1. What runs for each 10 ms allocates only when made.

pub mod comfort_noise;
pub mod compare;
pub mod dtmf_detect;
pub mod elastic;
pub mod gain;
pub mod level;
pub mod limiter;
pub mod noise_description;
pub mod progress;
pub mod resample;
pub mod speech_level;
#[cfg(test)]
pub(crate) mod testing;
pub mod tone;
pub mod voice_activity;
pub mod voicing;
