//! The sound of one call: from frames to packets and back.

pub mod plan;
