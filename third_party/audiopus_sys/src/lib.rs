//! The libopus symbols that `audiopus` expects, taken from the release that `opusic-sys` bundles.
//!
//! `audiopus_sys` itself bundles an unnamed snapshot older than 1.4 and lets any installed
//! libopus win over it, so which codec runs would depend on the machine.
pub use opusic_sys::*;
