//! The built-in lab: a registrar with digest and service extensions, on loopback.
//!
//! A first call needs no PBX: extensions `1001` to `1005` register with the password `ramal`,
//! `600` to `609` answer as [`Service`] says, and the busy lamps of `700` to `749` change by
//! themselves. It is made of the phone's own parts on the serving
//! side: [`Front`] is registrar and proxy, an [`crate::agent::Agent`] takes and makes the calls,
//! [`Voice`] is what each extension says. Small, and never a PBX.

mod front;
mod impair;
mod lamps;
mod notifier;
mod prompts;
mod server;
mod service;
mod voice;

pub use front::{Front, FrontOutput};
pub use impair::{Fate, Impairment};
pub use prompts::Prompt;
pub use server::{Lab, LabConfig, LabError};
pub use service::{Manner, Service};
pub use voice::{Voice, VoiceOutput};

/// The password of every extension of the lab. It guards nothing: the lab listens on loopback.
pub const PASSWORD: &str = "ramal";

/// What is dialled before the number of a lamp that rings, to take its call.
pub const PICKUP: &str = "*8";

/// The extensions whose busy lamps change by themselves.
pub fn lamps() -> impl Iterator<Item = String> {
    (700..750).map(|number: u16| number.to_string())
}

/// The extensions that may register.
pub const EXTENSIONS: [&str; 5] = ["1001", "1002", "1003", "1004", "1005"];
