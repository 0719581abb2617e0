//! Digest authentication (RFC 7616, RFC 8760; RFC 2617 and 2069 for old servers).
//!
//! Strict where everything else forgives: what is signed is exactly what is compared.

mod authorization;
mod challenge;
mod client;
mod hash;
mod memory;
mod server;

pub use authorization::Authorization;
pub(super) use challenge::split_schemes;
pub use challenge::{Algorithm, Challenge, Qop};
pub use client::{Credentials, DigestClient, DigestError};
pub use memory::DigestMemory;
pub use server::{DigestServer, VerifyError};
