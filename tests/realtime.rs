//! The device callbacks allocate nothing: an allocation aborts this test's process.

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use ramal::audio::{Fault, capture_ring, playout_ring};
use ramal::units::SampleRate;

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

#[test]
fn the_microphone_callback_allocates_nothing() {
    let (mut callback, mut reader) = capture_ring(SampleRate::FULL, 2);
    let (floats, whole) = ([0.5_f32; 960], [16_384_i16; 960]);
    let mut frame = [0.0; 480];
    assert_no_alloc(|| {
        // Past the ring's end and into overflow: 2 s into half a second.
        for _ in 0..100 {
            callback.take(&floats);
            callback.take(&whole);
        }
    });
    assert!(reader.read(&mut frame));
    assert_eq!(frame, [0.5; 480]);
    assert_eq!(reader.health().take_missed(), 96_000 - 24_000);
}

#[test]
fn the_speaker_callback_allocates_nothing() {
    let (mut callback, mut writer) = playout_ring(SampleRate::FULL, 2);
    writer.write(&[0.5; 480]);
    let (mut floats, mut whole) = ([0.0_f32; 960], [0_i16; 960]);
    assert_no_alloc(|| {
        callback.fill(&mut floats);
        // Underrun.
        for _ in 0..100 {
            callback.fill(&mut whole);
        }
    });
    assert_eq!(floats, [0.5; 960]);
    assert_eq!(writer.health().take_missed(), 48_000);
}

#[test]
fn the_error_callback_allocates_nothing() {
    let (callback, writer) = playout_ring(SampleRate::FULL, 2);
    let health = callback.health();
    assert_no_alloc(|| {
        for _ in 0..581 {
            health.report(Fault::Xrun);
        }
        health.report(Fault::Gone);
    });
    assert_eq!(writer.health().take_xruns(), 581);
    assert!(writer.health().is_gone());
}
