//! Where the far sides' sound goes: a device, a file, both, or nowhere.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bell::Bell;
use super::convert::Converter;
use super::device::{Change, Device, Runs as _};
use super::margin::Margin;
use super::recorder::{RecordFailure, Recorder};
use super::sidetone::Sidetone;
use crate::audio::{DeviceList, Playout, open_playout};
use crate::dsp::gain::{self, Gain};
use crate::dsp::limiter::Limiter;
use crate::dsp::progress::Country;
use crate::media::loudness::Loudness;
use crate::media::test_sound::TestSound;
use crate::media::tones::{KeyTones, Tone, ToneSource};
use crate::units::SampleRate;

/// Frames made in one go at most: after a stall the rest is caught up later, so that packets are
/// still answered.
const BURST: usize = 20;

/// Samples of 10 ms at the rate of the mix.
pub(super) const MIX: usize = 480;

/// A running speaker that takes nothing for so long is taken to be gone.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// The speaker, the file and the tones.
pub(super) struct Output {
    device: Option<Device<Playout>>,
    /// Sound kept in the device's ring beyond one of its callbacks.
    margin: Margin,
    recorder: Option<Recorder>,
    /// To the speaker's own rate.
    to_device: Option<Converter>,
    tone: Option<ToneSource>,
    country: &'static Country,
    keys: KeyTones,
    bell: Bell,
    /// The volume of calls and their tests, and what keeps everything together within full scale.
    volume: Gain,
    limiter: Limiter,
    sidetone: Sidetone,
    test: Option<TestSound>,
    mix: Box<[f32; MIX]>,
    /// The last frame that went to the speaker.
    played: Box<[f32; MIX]>,
    /// 10 ms at the speaker's rate, or at the file's.
    frame: Vec<f32>,
    /// What goes into the file with this frame, of all calls together; empty while there is none.
    file_mix: Vec<f32>,
    /// Frames in the file so far, until it was told that there are any.
    recorded: Option<u32>,
}

/// One call's way into the mix and into the file.
pub(super) struct Share {
    to_mix: Option<Converter>,
    to_file: Option<Converter>,
    /// Its 10 ms at the rate of the mix.
    frame: Box<[f32; MIX]>,
}

impl Default for Share {
    fn default() -> Self {
        Share {
            to_mix: None,
            to_file: None,
            frame: Box::new([0.0; MIX]),
        }
    }
}

impl Share {
    /// Brings one call's 10 ms to the rate of the mix.
    pub(super) fn bring(&mut self, rate: SampleRate, sound: &[f32]) -> &[f32; MIX] {
        let to_mix = converter(&mut self.to_mix, rate, SampleRate::FULL);
        to_mix.push(sound);
        to_mix.fetch_padded(self.frame.as_mut_slice());
        &self.frame
    }
}

impl Output {
    pub(super) fn new(device: Option<Option<String>>, recorder: Option<Recorder>) -> Output {
        Output {
            device: device.map(|name| Device::new(name, open_playout)),
            margin: Margin::default(),
            recorder,
            to_device: None,
            tone: None,
            country: <&Country>::default(),
            keys: KeyTones::new(SampleRate::FULL),
            bell: Bell::new(100),
            volume: Gain::new(SampleRate::FULL, 1.0),
            limiter: Limiter::new(SampleRate::FULL),
            sidetone: Sidetone::new(),
            test: None,
            mix: Box::new([0.0; MIX]),
            played: Box::new([0.0; MIX]),
            frame: Vec::with_capacity(4 * MIX),
            file_mix: Vec::with_capacity(4 * MIX),
            recorded: Some(0),
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

    /// The devices of this computer have changed.
    pub(super) fn handle_devices(&mut self, now: Instant, list: &DeviceList) {
        if let Some(device) = &mut self.device {
            device.handle_devices(now, list);
        }
        self.bell.handle_devices(now, list);
    }

    /// Another speaker rings; `None`: this one.
    pub(super) fn select_ring(&mut self, name: Option<String>) {
        self.bell.select(name);
    }

    /// Whether it rings on a speaker of its own, or is to.
    pub(super) fn rings_apart(&self) -> bool {
        self.device.is_some() && self.bell.is_apart()
    }

    /// Lets it ring there.
    pub(super) fn tend_ring(&mut self, now: Instant) {
        if self.device.is_some() {
            self.bell.tend(now);
        }
    }

    /// Begins a tone on the speaker, or ends it.
    pub(super) fn set_tone(&mut self, tone: Option<Tone>) {
        self.bell.ringer().ring(tone == Some(Tone::Ringing));
        let tone = tone.filter(|tone| *tone != Tone::Ringing);
        if self.tone.as_ref().map(ToneSource::tone) != tone {
            self.tone = tone.and_then(|tone| ToneSource::new(tone, self.country, SampleRate::FULL));
        }
    }

    /// Makes calls, and one's own voice in one's ear, as loud as was chosen; the file stays as it
    /// is.
    pub(super) fn set_loudness(&mut self, loudness: &Loudness) {
        self.volume.set(if loudness.output_muted {
            0.0
        } else {
            gain::factor(loudness.output_db)
        });
        self.sidetone.set(loudness.sidetone_db);
    }

    /// Takes 10 ms of the microphone, of which `quantum` samples come at a time, for the person
    /// who speaks into it.
    pub(super) fn add_sidetone(&mut self, rate: SampleRate, sound: &[f32], quantum: usize) {
        if self.device.is_some() {
            self.sidetone.push(rate, sound, quantum);
        }
    }

    /// Plays the notes of a test, or ends them.
    pub(super) fn set_test(&mut self, wanted: bool) {
        self.test = wanted.then(|| TestSound::new(SampleRate::FULL));
    }

    /// Whether the notes of a test have all been played.
    pub(super) fn take_test_end(&mut self) -> bool {
        let over = self.test.as_ref().is_some_and(TestSound::is_over);
        if over {
            self.test = None;
        }
        over
    }

    /// Whose tones are heard from the next one on.
    pub(super) fn set_country(&mut self, country: &'static Country) {
        self.country = country;
    }

    /// Lets a key be heard.
    pub(super) fn press_key(&mut self, key: char) {
        if self.device.is_some() {
            self.keys.press(key);
        }
    }

    /// What rings from the next call on, or what is heard once.
    pub(super) fn set_ring(&mut self, sound: Arc<[f32]>, sample: bool) {
        if !sample {
            self.bell.ringer().set_sound(sound);
        } else if self.device.is_some() {
            self.bell.ringer().sample(sound);
        }
    }

    /// The usual ring tone.
    pub(super) fn reset_ring(&mut self) {
        self.bell.ringer().reset();
    }

    /// How loud it rings, 0 to 100 %.
    pub(super) fn set_ring_volume(&mut self, percent: u8) {
        self.bell.ringer().set_volume(percent);
    }

    /// Whether a tone sounds, which wants the speaker without any call.
    pub(super) fn has_tone(&self) -> bool {
        let tone = self.tone.as_ref().is_some_and(|tone| !tone.is_over());
        let sounds = tone || !self.keys.is_silent() || self.bell.is_with_calls();
        sounds && self.device.is_some()
    }

    /// Opens, watches and reopens the speaker; `wanted` while anything needs it.
    pub(super) fn tend(&mut self, now: Instant, wanted: bool) -> Option<Change> {
        let device = self.device.as_mut()?;
        let change = device.tend(now, wanted, PATIENCE);
        if matches!(change, Some(Change::Opened | Change::StandsIn)) {
            self.to_device = None;
            self.margin.begin();
        }
        if let Some(playout) = device.running() {
            self.margin.take_missed(now, playout.health().take_missed());
        }
        change
    }

    /// How many frames of 10 ms are wanted, if the speaker says so; else the clock does.
    pub(super) fn frames_wanted(&mut self) -> Option<usize> {
        let playout = self.device.as_mut()?.running()?;
        let frame = playout.rate.samples_in(Duration::from_millis(10)).max(1);
        let quantum = playout.writer.health().quantum().max(frame);
        let room = playout.writer.capacity().saturating_sub(frame);
        let target = (quantum + playout.rate.samples_in(self.margin.span())).min(room);
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

    /// Whether calls are mixed for a speaker: [`Share::bring`] is wanted before [`Output::play`]
    /// then.
    pub(super) fn has_speaker(&self) -> bool {
        self.device.is_some()
    }

    /// Takes the 10 ms of one call that its share was brought into the mix.
    pub(super) fn play(&mut self, share: &Share) {
        if self.device.is_some() {
            for (mixed, sample) in self.mix.iter_mut().zip(share.frame.iter()) {
                *mixed += sample;
            }
        }
    }

    /// The same into the file.
    pub(super) fn record(&mut self, share: &mut Share, rate: SampleRate, sound: &[f32]) {
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
            if let Some(frames) = self.recorded.as_mut().filter(|_| !self.file_mix.is_empty()) {
                *frames += 1;
            }
            self.file_mix.clear();
        }
        let runs = self.device.as_mut().and_then(Device::running).is_some();
        // The notes wait for a speaker that has yet to open.
        if let Some(test) = self.test.as_mut().filter(|_| runs) {
            test.mix_into(self.mix.as_mut_slice());
        }
        self.volume.apply(self.mix.as_mut_slice());
        if self.has_tone() {
            if let Some(tone) = &mut self.tone {
                tone.mix_into(self.mix.as_mut_slice());
            }
            self.keys.mix_into(self.mix.as_mut_slice());
            self.bell.mix_into(self.mix.as_mut_slice());
        }
        self.sidetone.mix_into(&mut self.mix);
        self.limiter.apply(self.mix.as_mut_slice());
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

    /// Why the file stopped growing, if it did; once.
    pub(super) fn take_record_failure(&mut self) -> Option<RecordFailure> {
        self.recorder.as_mut()?.take_failure()
    }

    /// Frames in the file so far, once: when there are any.
    pub(super) fn take_record_start(&mut self) -> Option<u32> {
        self.recorded.take_if(|frames| *frames > 0)
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
    use crate::audio::{Opening, PlayoutCallback, Wish, playout_ring, testing};
    use crate::engine::media::recorder::Layout;
    use crate::media::recording::Format;

    const WAV: Layout = Layout {
        format: Format::Wav,
        channels: 1,
        serial: 1,
    };

    thread_local! {
        static SPEAKER: RefCell<Option<PlayoutCallback>> = const { RefCell::new(None) };
    }

    fn open(_: Wish) -> Opening<Playout> {
        let (callback, writer) = playout_ring(SampleRate::FULL, 1);
        SPEAKER.set(Some(callback));
        let (attempt, opening) = testing::attempt();
        attempt.answer(Ok(testing::playout(writer, SampleRate::FULL)));
        opening
    }

    /// Tends the speaker and gives it so many frames; whether a tone wants it still.
    fn sounding(output: &mut Output, frames: usize) -> bool {
        for _ in 0..frames {
            output.finish_frame();
        }
        output.has_tone()
    }

    #[test]
    fn keys_and_tones_want_the_speaker_for_as_long_as_they_sound() {
        let mut output = Output::with_speaker(Device::new(None, open));
        assert!(!output.has_tone());
        output.press_key('5');
        assert!(output.has_tone() && sounding(&mut output, 10));
        assert!(!sounding(&mut output, 10), "100 ms and a pause");
        output.set_tone(Some(Tone::Busy));
        assert!(sounding(&mut output, 390));
        assert!(!sounding(&mut output, 20), "four seconds");
        output.set_tone(Some(Tone::Ringing));
        assert!(sounding(&mut output, 1_000));
        output.set_tone(None);
        assert!(!sounding(&mut output, 3));
        output.set_ring([0.5; 4_800].into(), true);
        assert!(
            sounding(&mut output, 9) && !sounding(&mut output, 2),
            "once"
        );
        let mut mute = Output::new(None, None);
        mute.press_key('5');
        mute.set_tone(Some(Tone::Ringing));
        assert!(!mute.has_tone(), "there is no speaker");
    }

    #[test]
    fn two_calls_at_once_are_heard_together_in_the_recording() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("both.wav");
        let mut output = Output::new(None, Some(Recorder::create(&path, WAV).unwrap()));
        let (mut one, mut other) = (Share::default(), Share::default());
        for _ in 0..50 {
            output.record(&mut one, SampleRate::NARROW, &[0.25; 80]);
            output.record(&mut other, SampleRate::NARROW, &[0.125; 80]);
            output.finish_frame();
        }
        // One of them hangs up, and then there is none.
        output.record(&mut one, SampleRate::NARROW, &[0.25; 80]);
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
        let mut output = Output::new(None, Some(Recorder::create(&path, WAV).unwrap()));
        let (mut one, mut other) = (Share::default(), Share::default());
        for _ in 0..50 {
            output.record(&mut one, SampleRate::NARROW, &[0.25; 80]);
            output.record(&mut other, SampleRate::FULL, &[0.125; 480]);
            output.finish_frame();
        }
        drop(output);
        let mut reader = hound::WavReader::open(&path).unwrap();
        let sound: Vec<i16> = reader.samples().map(Result::unwrap).collect();
        assert_eq!(sound.len(), 50 * 80);
        let last = f32::from(sound[50 * 80 - 40]) / 32_768.0;
        assert!((last - 0.375).abs() < 0.01, "{last}");
    }

    fn with_open_speaker() -> Output {
        let mut output = Output::with_speaker(Device::new(None, open));
        let now = crate::engine::clock::now();
        for _ in 0..2 {
            output.tend(now, true);
        }
        output
    }

    /// What the speaker plays of so many frames of a call.
    fn played(output: &mut Output, frames: usize, level: f32) -> Vec<f32> {
        let mut share = Share::default();
        let mut played = Vec::new();
        for _ in 0..frames {
            share.bring(SampleRate::FULL, &[level; MIX]);
            output.play(&share);
            output.finish_frame();
            let mut frame = [0.0_f32; MIX];
            SPEAKER.with_borrow_mut(|speaker| speaker.as_mut().unwrap().fill(&mut frame));
            played.extend(frame);
        }
        played
    }

    #[test]
    fn calls_are_as_loud_as_was_chosen_and_never_leave_full_scale() {
        let mut output = with_open_speaker();
        assert_eq!(played(&mut output, 2, 0.25), [0.25; 2 * MIX], "to the bit");
        let choose = |output: &mut Output, output_db, output_muted| {
            output.set_loudness(&Loudness {
                output_db,
                output_muted,
                ..Loudness::default()
            });
        };
        choose(&mut output, 6, false);
        let louder = played(&mut output, 3, 0.25)[2 * MIX];
        assert!((louder - 0.499).abs() < 1e-3, "{louder}");
        choose(&mut output, 20, false);
        let loudest = played(&mut output, 3, 0.25);
        let peak = loudest.iter().copied().fold(0.0, f32::max);
        assert!((0.97..0.981).contains(&peak), "{peak}");
        choose(&mut output, 20, true);
        let muted = played(&mut output, 3, 0.25);
        assert_eq!(muted[MIX..], [0.0; 2 * MIX]);
        assert!(muted.windows(2).all(|p| p[1] <= p[0]), "softly");
    }

    #[test]
    fn the_notes_of_a_test_are_heard_once_and_then_it_is_over() {
        let mut output = with_open_speaker();
        output.set_test(true);
        let loudest = |sound: &[f32]| sound.iter().fold(0.0_f32, |most, s| most.max(s.abs()));
        assert!(!output.take_test_end());
        let notes = played(&mut output, 105, 0.0);
        assert!(
            (0.1..0.13).contains(&loudest(&notes)),
            "{}",
            loudest(&notes)
        );
        assert!(output.take_test_end() && !output.take_test_end());
        assert_eq!(loudest(&played(&mut output, 5, 0.0)), 0.0);
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
