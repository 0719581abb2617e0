//! From the microphone's callback to the media thread.

use std::sync::Arc;
use std::time::Duration;

use cpal::{FromSample, SizedSample};
use rtrb::{Consumer, Producer, RingBuffer};

use super::health::Health;
use crate::units::SampleRate;

/// How much sound a device's ring holds. The media thread takes it every 10 ms; the rest is for
/// the moments in which it does not run.
pub(super) const RING: Duration = Duration::from_millis(500);

/// A ring from a microphone of `channels` channels to the media thread. It carries one channel.
#[must_use]
pub fn capture_ring(rate: SampleRate, channels: u16) -> (CaptureCallback, CaptureReader) {
    let (producer, consumer) = RingBuffer::new(rate.samples_in(RING));
    let health = Arc::new(Health::new(rate));
    let callback = CaptureCallback {
        ring: producer,
        channels: channels.max(1),
        health: Arc::clone(&health),
    };
    (
        callback,
        CaptureReader {
            ring: consumer,
            health,
        },
    )
}

/// The microphone's side.
#[derive(Debug)]
pub struct CaptureCallback {
    ring: Producer<f32>,
    channels: u16,
    health: Arc<Health>,
}

impl CaptureCallback {
    /// Takes one device buffer, channels interleaved, in whatever format the device speaks.
    /// Channels are averaged.
    ///
    /// Realtime: no lock, no allocation, no log, no system call. What does not fit is dropped
    /// and counted.
    pub fn take<T>(&mut self, input: &[T])
    where
        T: SizedSample,
        f32: FromSample<T>,
    {
        let channels = usize::from(self.channels);
        let frames = input.len() / channels;
        let fit = self.ring.slots().min(frames);
        if let Ok(chunk) = self.ring.write_chunk_uninit(fit) {
            let scale = 1.0 / f32::from(self.channels);
            chunk.fill_from_iter(input.chunks_exact(channels).map(|frame| {
                frame
                    .iter()
                    .map(|&sample| sample.to_sample::<f32>())
                    .sum::<f32>()
                    * scale
            }));
        }
        self.health.moved(frames, frames - fit);
    }

    /// Where this stream's errors are to be reported.
    #[must_use]
    pub fn health(&self) -> Arc<Health> {
        Arc::clone(&self.health)
    }
}

/// The media thread's side.
#[derive(Debug)]
pub struct CaptureReader {
    ring: Consumer<f32>,
    health: Arc<Health>,
}

impl CaptureReader {
    /// Samples waiting.
    #[must_use]
    pub fn available(&self) -> usize {
        self.ring.slots()
    }

    /// Fills `out` if that much is there; else leaves all of it in the ring and answers false.
    pub fn read(&mut self, out: &mut [f32]) -> bool {
        self.ring.pop_entire_slice(out).is_ok()
    }

    /// Drops the oldest samples until at most `keep` wait: after a pause the newest count.
    pub fn keep_newest(&mut self, keep: usize) {
        let surplus = self.ring.slots().saturating_sub(keep);
        if let Ok(chunk) = self.ring.read_chunk(surplus) {
            chunk.commit_all();
        }
    }

    /// How the stream fares.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.health
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mono_floats_pass_untouched() {
        let (mut callback, mut reader) = capture_ring(SampleRate::FULL, 1);
        callback.take(&[0.25_f32, -0.5, 1.0]);
        let mut out = [0.0; 3];
        assert!(reader.read(&mut out));
        assert_eq!(out, [0.25, -0.5, 1.0]);
    }

    #[test]
    fn stereo_is_averaged_and_sixteen_bits_are_scaled() {
        let (mut callback, mut reader) = capture_ring(SampleRate::FULL, 2);
        callback.take(&[16_384_i16, -16_384, 16_384, 16_384, 0, -32_768]);
        let mut out = [9.0; 3];
        assert!(reader.read(&mut out));
        assert_eq!(out, [0.0, 0.5, -0.5]);
    }

    #[test]
    fn what_does_not_fit_is_counted_and_what_waits_is_kept() {
        let (mut callback, mut reader) = capture_ring(SampleRate::NARROW, 1);
        let second: Vec<f32> = (0..8_000_u16).map(|n| f32::from(n) / 8_000.0).collect();
        callback.take(&second);
        assert_eq!(reader.available(), 4_000);
        assert_eq!(reader.health().take_missed(), 4_000);
        assert_eq!(reader.health().take_missed(), 0);
        let mut out = [9.0; 2];
        assert!(reader.read(&mut out));
        assert_eq!(out, [0.0, 1.0 / 8_000.0]);
    }

    #[test]
    fn a_reader_that_fell_behind_keeps_the_newest() {
        let (mut callback, mut reader) = capture_ring(SampleRate::NARROW, 1);
        callback.take(&[0.1_f32, 0.2, 0.3, 0.4]);
        reader.keep_newest(1);
        let mut out = [0.0; 1];
        assert!(reader.read(&mut out));
        assert_eq!(out, [0.4]);
        assert!(!reader.read(&mut out));
    }

    #[test]
    fn the_largest_callback_is_remembered() {
        let (mut callback, reader) = capture_ring(SampleRate::FULL, 2);
        callback.take(&[0.0_f32; 960]);
        callback.take(&[0.0_f32; 100]);
        assert_eq!(reader.health().quantum(), 480);
        assert_eq!(reader.health().frames(), 530);
    }

    #[test]
    fn the_first_two_callbacks_say_nothing_about_those_that_follow() {
        let (mut callback, reader) = capture_ring(SampleRate::FULL, 1);
        callback.take(&[0.0_f32; 24_000]);
        callback.take(&[0.0_f32; 9_600]);
        assert_eq!(reader.health().quantum(), 24_000, "all that is known");
        for _ in 0..3 {
            callback.take(&[0.0_f32; 480]);
        }
        assert_eq!(reader.health().quantum(), 480);
    }

    #[test]
    fn a_single_large_callback_is_forgotten_after_two_seconds() {
        let (mut callback, reader) = capture_ring(SampleRate::FULL, 1);
        for _ in 0..150 {
            callback.take(&[0.0_f32; 480]);
        }
        callback.take(&[0.0_f32; 12_000]);
        for _ in 0..75 {
            callback.take(&[0.0_f32; 480]);
        }
        assert_eq!(reader.health().quantum(), 12_000, "after 0.75 s");
        for _ in 0..130 {
            callback.take(&[0.0_f32; 480]);
        }
        assert_eq!(reader.health().quantum(), 480, "after 2.05 s");
    }
}
