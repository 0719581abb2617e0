//! Ramal, a desktop softphone.
//!
//! ```text
//! microphone → audio ⇒ring⇒ dsp → codec → rtp → wire
//! wire → rtp → jitter → codec → dsp ⇒ring⇒ audio → speaker
//! wire → net → agent (sip, sdp) → Output { Transmit, Media(plan), Event, Wait }
//! person → ui, cli → Command → engine → agent → Event → Snapshot → ui, cli
//! ```
//!
//! Modules stand in the order of their dependencies: each may use those above it, as
//! `tests/tidy.rs` checks. Everything above `net` is pure: values in, values out, time as an
//! argument. ARCHITECTURE.md says the same in two pages.

pub mod allocations;
pub mod redact;
pub mod resident;
pub mod units;

pub mod trust;

pub mod sip;

pub mod events;
pub mod nat;
pub mod sdp;

pub mod rtp;

pub mod codec;
pub mod dsp;
pub mod jitter;
pub mod media;
pub mod voice;

pub mod bench;

pub mod agent;

pub mod audio;
pub mod net;
pub mod store;

pub mod engine;
pub mod lab;

pub mod i18n;

pub mod cli;
pub mod ui;
