//! Ramal with other people's registrar, phones and test tools, as real processes on loopback.
//!
//! Time here is real, because theirs is; what needs a clock that can be turned is in the
//! simulated world. `make peers` runs these alone.

#![expect(
    clippy::print_stdout,
    reason = "figures and missing peers are told to whoever runs this"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "other programs live in real time, and can only be asked again"
)]

mod peers;

#[path = "interop/addressing.rs"]
mod addressing;
#[path = "interop/called.rs"]
mod called;
#[path = "interop/calling.rs"]
mod calling;
#[cfg(target_os = "linux")]
#[path = "interop/cost.rs"]
mod cost;
#[cfg(target_os = "linux")]
#[path = "interop/devices.rs"]
mod devices;
#[path = "interop/harness.rs"]
mod harness;
#[cfg(target_os = "linux")]
#[path = "interop/idle.rs"]
mod idle;
#[cfg(target_os = "linux")]
#[path = "interop/lamps.rs"]
mod lamps;
#[path = "interop/messages.rs"]
mod messages;
#[cfg(target_os = "linux")]
#[path = "interop/moving.rs"]
mod moving;
#[cfg(target_os = "linux")]
#[path = "interop/priority.rs"]
mod priority;
#[cfg(target_os = "linux")]
#[path = "interop/protection.rs"]
mod protection;
#[path = "interop/reception.rs"]
mod reception;
#[path = "interop/registration.rs"]
mod registration;
#[cfg(target_os = "linux")]
#[path = "interop/relay.rs"]
mod relay;
#[path = "interop/secure.rs"]
mod secure;
#[path = "interop/sessions.rs"]
mod sessions;
#[path = "interop/several.rs"]
mod several;
#[path = "interop/speech.rs"]
mod speech;
#[path = "interop/transfers.rs"]
mod transfers;
