//! From the media thread to the speaker's callback.

use std::sync::Arc;

use cpal::{FromSample, SizedSample};
use rtrb::{Consumer, Producer, RingBuffer};

use super::capture::RING;
use super::health::Health;
use crate::units::SampleRate;

/// How much of the last sample is left one sample later when the ring has run dry: it is gone
/// within 2 ms at 48 kHz, which is heard as less of a click than a step to zero. By ear.
const FALL: f32 = 0.95;

/// A ring from the media thread, which gives one channel, to a speaker of `channels` channels.
#[must_use]
pub fn playout_ring(rate: SampleRate, channels: u16) -> (PlayoutCallback, PlayoutWriter) {
    let (producer, consumer) = RingBuffer::new(rate.samples_in(RING));
    let health = Arc::new(Health::new(rate));
    let callback = PlayoutCallback {
        ring: consumer,
        channels: channels.max(1),
        last: 0.0,
        health: Arc::clone(&health),
    };
    (
        callback,
        PlayoutWriter {
            ring: producer,
            health,
        },
    )
}

/// The speaker's side.
#[derive(Debug)]
pub struct PlayoutCallback {
    ring: Consumer<f32>,
    channels: u16,
    last: f32,
    health: Arc<Health>,
}

impl PlayoutCallback {
    /// Fills one device buffer, channels interleaved, in whatever format the device speaks. The
    /// first two channels get the sound, those beyond are silent.
    ///
    /// Realtime: no lock, no allocation, no log, no system call. What is missing fades to
    /// silence and is counted.
    pub fn fill<T>(&mut self, out: &mut [T])
    where
        T: SizedSample + FromSample<f32>,
    {
        let channels = usize::from(self.channels);
        let frames = out.len() / channels;
        let ready = self.ring.slots().min(frames);
        let (sound, missing) = out.split_at_mut(ready * channels);
        if let Ok(chunk) = self.ring.read_chunk(ready) {
            let (first, second) = chunk.as_slices();
            let samples = first.iter().chain(second);
            for (frame, &sample) in sound.chunks_exact_mut(channels).zip(samples) {
                write_frame(frame, sample);
                self.last = sample;
            }
            chunk.commit_all();
        }
        for frame in missing.chunks_mut(channels) {
            self.last = if self.last.abs() < 1e-4 {
                0.0
            } else {
                self.last * FALL
            };
            write_frame(frame, self.last);
        }
        self.health.moved(frames, frames - ready);
    }

    /// Where this stream's errors are to be reported.
    #[must_use]
    pub fn health(&self) -> Arc<Health> {
        Arc::clone(&self.health)
    }
}

fn write_frame<T: SizedSample + FromSample<f32>>(frame: &mut [T], sample: f32) {
    let value = T::from_sample(sample.clamp(-1.0, 1.0));
    for (channel, out) in frame.iter_mut().enumerate() {
        *out = if channel < 2 { value } else { T::EQUILIBRIUM };
    }
}

/// The media thread's side.
#[derive(Debug)]
pub struct PlayoutWriter {
    ring: Producer<f32>,
    health: Arc<Health>,
}

impl PlayoutWriter {
    /// Samples that wait for the speaker.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.ring.buffer().capacity() - self.ring.slots()
    }

    /// Samples that may wait at most.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.ring.buffer().capacity()
    }

    /// Queues samples; those that do not fit are dropped. Answers how many were queued.
    pub fn write(&mut self, samples: &[f32]) -> usize {
        let (queued, _) = self.ring.push_partial_slice(samples);
        queued.len()
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
    fn every_channel_of_a_stereo_speaker_sounds() {
        let (mut callback, mut writer) = playout_ring(SampleRate::FULL, 2);
        assert_eq!(writer.write(&[0.5, -0.5]), 2);
        let mut out = [0_i16; 4];
        callback.fill(&mut out);
        assert_eq!(out, [16_384, 16_384, -16_384, -16_384]);
        assert_eq!(writer.health().take_missed(), 0);
    }

    #[test]
    fn surround_channels_stay_silent() {
        let (mut callback, mut writer) = playout_ring(SampleRate::FULL, 4);
        writer.write(&[0.5]);
        let mut out = [9.0_f32; 4];
        callback.fill(&mut out);
        assert_eq!(out, [0.5, 0.5, 0.0, 0.0]);
    }

    #[test]
    fn an_empty_ring_fades_out_and_is_counted() {
        let (mut callback, mut writer) = playout_ring(SampleRate::FULL, 1);
        writer.write(&[1.0]);
        let mut out = [9.0_f32; 480];
        callback.fill(&mut out);
        assert_eq!(out[0], 1.0);
        assert!(out[1] < 1.0 && out[1] > 0.9, "{}", out[1]);
        assert!(out.windows(2).all(|pair| pair[1] <= pair[0]));
        assert_eq!(out[479], 0.0);
        assert_eq!(writer.health().take_missed(), 479);
    }

    #[test]
    fn sound_beyond_full_scale_is_clamped_for_whole_numbers() {
        let (mut callback, mut writer) = playout_ring(SampleRate::FULL, 1);
        writer.write(&[1.7, -1.7]);
        let mut out = [0_i16; 2];
        callback.fill(&mut out);
        assert_eq!(out, [i16::MAX, i16::MIN]);
    }

    #[test]
    fn the_writer_knows_how_much_waits() {
        let (mut callback, mut writer) = playout_ring(SampleRate::NARROW, 1);
        assert_eq!(writer.write(&vec![0.1; 5_000]), 4_000);
        assert_eq!(writer.queued(), 4_000);
        callback.fill(&mut [0.0_f32; 80]);
        assert_eq!(writer.queued(), 3_920);
    }
}
