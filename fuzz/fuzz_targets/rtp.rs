#![no_main]

#[allow(dead_code, reason = "one of them is fuzzed here")]
#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::rtp(data));
