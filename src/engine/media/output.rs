//! Where the far sides' sound goes: a device, a file, both, or nowhere.

use std::time::{Duration, Instant};

use super::convert::Converter;
use super::device::{Change, Device};
use crate::audio::{Playout, Recorder, open_playout};
use crate::media::tones::{Tone, ToneSource};
use crate::units::SampleRate;

/// Sound kept in the device's ring beyond one of its callbacks: the media thread comes by every
/// 10 ms, and is late by a few now and then.
const MARGIN: Duration = Duration::from_millis(15);

/// Frames made in one go at most: after a stall the rest is caught up later, so that packets are
/// still answered.
const BURST: usize = 20;

/// Samples of 10 ms at the rate of the mix.
pub(super) const MIX: usize = 480;

/// A running speaker that takes nothing for so long is taken to be gone.
const PATIENCE: Duration = Duration::from_secs(2);

/// The speaker, the file and the tones.
pub(super) struct Output {
    device: Option<Device<Playout>>,
    recorder: Option<Recorder>,
    /// To the speaker's own rate.
    to_device: Option<Converter>,
    tone: Option<ToneSource>,
    mix: Box<[f32; MIX]>,
    /// The last frame that went to the speaker.
    played: Box<[f32; MIX]>,
    /// 10 ms at the speaker's rate, or at the file's.
    frame: Vec<f32>,
    /// What goes into the file with this frame, of all calls together; empty while there is none.
    file_mix: Vec<f32>,
    record_failed: bool,
}

/// One call's way into the mix and into the file.
#[derive(Default)]
pub(super) struct Share {
    to_mix: Option<Converter>,
    to_file: Option<Converter>,
}

impl Output {
    pub(super) fn new(device: Option<Option<String>>, recorder: Option<Recorder>) -> Output {
        Output {
            device: device.map(|name| Device::new(name, open_playout)),
            recorder,
            to_device: None,
            tone: None,
            mix: Box::new([0.0; MIX]),
            played: Box::new([0.0; MIX]),
            frame: Vec::with_capacity(4 * MIX),
            file_mix: Vec::with_capacity(4 * MIX),
            record_failed: false,
        }
    }

    #[cfg(test)]
    pub(super) fn with_speaker(device: Device<Playout>) -> Output {
        Output {
            device: Some(device),
            ..Output::new(None, None)
        }
    }

    /// Another speaker, if there is one at all and it is another.
    pub(super) fn select(&mut self, name: Option<String>) {
        if let Some(device) = &mut self.device
            && device.select(name)
        {
            self.to_device = None;
        }
    }

    /// Begins a tone on the speaker, or ends it.
    pub(super) fn set_tone(&mut self, tone: Option<Tone>) {
        if self.tone.as_ref().map(ToneSource::tone) != tone {
            self.tone = tone.map(|tone| ToneSource::new(tone, SampleRate::FULL));
        }
    }

    /// Whether a tone sounds, which wants the speaker without any call.
    pub(super) fn has_tone(&self) -> bool {
        self.tone.is_some() && self.device.is_some()
    }

    /// Opens, watches and reopens the speaker; `wanted` while anything needs it.
    pub(super) fn tend(&mut self, now: Instant, wanted: bool) -> Option<Change> {
        let device = self.device.as_mut()?;
        let change = device.tend(now, wanted, PATIENCE, |playout| {
            (
                playout.writer.health().frames(),
                playout.writer.health().is_gone(),
            )
        });
        if matches!(change, Some(Change::Opened)) {
            self.to_device = None;
        }
        change
    }

    /// How many frames of 10 ms are wanted, if the speaker says so; else the clock does.
    pub(super) fn frames_wanted(&mut self) -> Option<usize> {
        let playout = self.device.as_mut()?.running()?;
        let frame = playout.rate.samples_in(Duration::from_millis(10)).max(1);
        let quantum = playout.writer.health().quantum().max(frame);
        let room = playout.writer.capacity().saturating_sub(frame);
        let target = (quantum + playout.rate.samples_in(MARGIN)).min(room);
        let waiting =
            playout.writer.queued() + self.to_device.as_ref().map_or(0, Converter::available);
        Some(target.saturating_sub(waiting).div_ceil(frame).min(BURST))
    }

    /// How long sound waits here before it is heard.
    pub(super) fn delay(&mut self) -> Duration {
        let Some(playout) = self.device.as_mut().and_then(Device::running) else {
            return Duration::ZERO;
        };
        // The ring, and the driver's own buffer, which is about two callbacks.
        let queued = playout.writer.queued() + 2 * playout.writer.health().quantum();
        playout.rate.duration_of(queued as u64)
    }

    /// Takes one call's 10 ms at `rate` into the mix and the file.
    pub(super) fn add(&mut self, share: &mut Share, rate: SampleRate, sound: &[f32]) {
        if self.device.is_some() {
            let to_mix = converter(&mut share.to_mix, rate, SampleRate::FULL);
            to_mix.push(sound);
            self.frame.clear();
            self.frame.resize(MIX, 0.0);
            to_mix.fetch_padded(&mut self.frame);
            for (mixed, sample) in self.mix.iter_mut().zip(&self.frame) {
                *mixed += sample;
            }
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.begin(rate);
            let file_rate = recorder.rate().unwrap_or(rate);
            let samples = file_rate.samples_in(Duration::from_millis(10));
            self.file_mix.resize(samples, 0.0);
            let sound = if file_rate == rate {
                sound
            } else {
                let to_file = converter(&mut share.to_file, rate, file_rate);
                to_file.push(sound);
                self.frame.clear();
                self.frame.resize(samples, 0.0);
                to_file.fetch_padded(&mut self.frame);
                &self.frame
            };
            for (mixed, sample) in self.file_mix.iter_mut().zip(sound) {
                *mixed += sample;
            }
        }
    }

    /// Sends the mix to the speaker and to the file: every call has added its 10 ms.
    pub(super) fn finish_frame(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.write(&self.file_mix);
            self.file_mix.clear();
        }
        if let Some(tone) = &mut self.tone {
            tone.mix_into(self.mix.as_mut_slice());
        }
        if let Some(playout) = self.device.as_mut().and_then(Device::running) {
            let to_device = converter(&mut self.to_device, SampleRate::FULL, playout.rate);
            to_device.push(self.mix.as_slice());
            let ready = to_device.available();
            self.frame.clear();
            self.frame.resize(ready, 0.0);
            if to_device.fetch(&mut self.frame) {
                playout.writer.write(&self.frame);
            }
        }
        // The old one is written over by the next calls.
        std::mem::swap(&mut self.mix, &mut self.played);
        self.mix.fill(0.0);
    }

    /// What the last frame sent to a running speaker, as all calls and tones made it, at 48 kHz.
    pub(super) fn played(&mut self) -> Option<&[f32; MIX]> {
        self.device.as_mut()?.running()?;
        Some(&self.played)
    }

    /// The speaker's name; `None`: whichever the system takes, or there is none.
    pub(super) fn name(&self) -> Option<&str> {
        self.device.as_ref()?.name()
    }

    /// Whether the file stopped growing; true once.
    pub(super) fn take_record_failure(&mut self) -> bool {
        let failed = self.recorder.as_ref().is_some_and(Recorder::has_failed);
        failed && !std::mem::replace(&mut self.record_failed, true)
    }
}

/// The converter for these rates; made anew when they are others than before.
fn converter(slot: &mut Option<Converter>, from: SampleRate, to: SampleRate) -> &mut Converter {
    let fits = slot
        .as_ref()
        .is_some_and(|converter| converter.is_for(from, to));
    if !fits {
        *slot = None;
    }
    slot.get_or_insert_with(|| Converter::new(from, to))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::audio::{Opening, PlayoutCallback, playout_ring, testing};

    thread_local! {
        static SPEAKER: RefCell<Option<PlayoutCallback>> = const { RefCell::new(None) };
    }

    fn open(_: Option<String>) -> Opening<Playout> {
        let (callback, writer) = playout_ring(SampleRate::FULL, 1);
        SPEAKER.set(Some(callback));
        let (attempt, opening) = testing::attempt();
        attempt.answer(Ok(testing::playout(writer, SampleRate::FULL)));
        opening
    }

    #[test]
    fn two_calls_at_once_are_heard_together_in_the_recording() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("both.wav");
        let mut output = Output::new(None, Some(Recorder::create(&path).unwrap()));
        let (mut one, mut other) = (Share::default(), Share::default());
        for _ in 0..50 {
            output.add(&mut one, SampleRate::NARROW, &[0.25; 80]);
            output.add(&mut other, SampleRate::NARROW, &[0.125; 80]);
            output.finish_frame();
        }
        // One of them hangs up, and then there is none.
        output.add(&mut one, SampleRate::NARROW, &[0.25; 80]);
        output.finish_frame();
        output.finish_frame();
        drop(output);
        let mut reader = hound::WavReader::open(&path).unwrap();
        let sound: Vec<i16> = reader.samples().map(Result::unwrap).collect();
        let mut expected = vec![12_288; 50 * 80];
        expected.extend([8_192; 80]);
        assert!(sound == expected, "{} samples", sound.len());
    }

    #[test]
    fn a_second_call_of_another_codec_is_in_the_recording_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("both.wav");
        let mut output = Output::new(None, Some(Recorder::create(&path).unwrap()));
        let (mut one, mut other) = (Share::default(), Share::default());
        for _ in 0..50 {
            output.add(&mut one, SampleRate::NARROW, &[0.25; 80]);
            output.add(&mut other, SampleRate::FULL, &[0.125; 480]);
            output.finish_frame();
        }
        drop(output);
        let mut reader = hound::WavReader::open(&path).unwrap();
        let sound: Vec<i16> = reader.samples().map(Result::unwrap).collect();
        assert_eq!(sound.len(), 50 * 80);
        let last = f32::from(sound[50 * 80 - 40]) / 32_768.0;
        assert!((last - 0.375).abs() < 0.01, "{last}");
    }

    #[test]
    fn a_speaker_that_asks_for_more_than_its_ring_holds_is_fed_until_that_is_full() {
        let mut output = Output::with_speaker(Device::new(None, open));
        let now = crate::engine::clock::now();
        for _ in 0..2 {
            output.tend(now, true);
        }
        SPEAKER.with_borrow_mut(|speaker| {
            let speaker = speaker.as_mut().unwrap();
            for _ in 0..4 {
                speaker.fill(&mut [0.0_f32; 48_000]);
            }
        });
        let mut made = 0;
        for _ in 0..10 {
            for _ in 0..output.frames_wanted().unwrap() {
                output.finish_frame();
                made += 1;
            }
        }
        // The ring holds half a second.
        assert_eq!(output.frames_wanted(), Some(0));
        assert_eq!(made, 49);
    }
}
