//! The loop with its clock turned by hand: real sockets on loopback, devices made of rings.

use std::cell::{Cell, RefCell};
use std::net::{Ipv4Addr, UdpSocket as StdSocket};
use std::rc::Rc;
use std::sync::mpsc::{SyncSender, sync_channel};

use super::*;
use crate::audio::{
    Capture, CaptureCallback, Opening, Playout, PlayoutCallback, Wish, capture_ring, playout_ring,
    testing,
};
use crate::codec::CodecKind;
use crate::engine::media::device::Device;
use crate::engine::media::layout;
use crate::engine::media::load::{Loaded, ours};
use crate::media::plan::{CodecChoice, Feed, MediaCommand, Plan, XrTerms};
use crate::media::recording::{Format, Sides};
use crate::rtp::RtpPacket;
use crate::units::{PayloadType, SampleRate};

const CALL: MediaId = MediaId(3);

thread_local! {
    static MICROPHONE: RefCell<Option<CaptureCallback>> = const { RefCell::new(None) };
    static SPEAKER: RefCell<Option<PlayoutCallback>> = const { RefCell::new(None) };
    static SPEAKERS_OPENED: Cell<usize> = const { Cell::new(0) };
    static MICROPHONES_OPENED: Cell<usize> = const { Cell::new(0) };
}

fn microphone(_: Wish) -> Opening<Capture> {
    let (callback, reader) = capture_ring(SampleRate::NARROW, 1);
    MICROPHONE.set(Some(callback));
    MICROPHONES_OPENED.set(MICROPHONES_OPENED.get() + 1);
    let (attempt, opening) = testing::attempt();
    attempt.answer(Ok(testing::capture(reader, SampleRate::NARROW)));
    opening
}

fn speaker(_: Wish) -> Opening<Playout> {
    let (callback, writer) = playout_ring(SampleRate::NARROW, 1);
    SPEAKER.set(Some(callback));
    SPEAKERS_OPENED.set(SPEAKERS_OPENED.get() + 1);
    let (attempt, opening) = testing::attempt();
    attempt.answer(Ok(testing::playout(writer, SampleRate::NARROW)));
    opening
}

/// The microphone gives so many frames of 10 ms, each sample `level`.
fn spoken(frames: usize, level: f32) {
    MICROPHONE.with_borrow_mut(|callback| {
        let callback = callback.as_mut().unwrap();
        for _ in 0..frames {
            callback.take(&[level; 80]);
        }
    });
}

type Reports = Box<dyn Fn(MediaReport)>;

struct Bench {
    worker: Worker<Reports>,
    orders: SyncSender<Order>,
    reports: Rc<RefCell<Vec<MediaReport>>>,
    far: StdSocket,
    now: Instant,
}

impl Bench {
    /// One call, both devices running.
    fn new() -> Bench {
        let (orders, inbox) = sync_channel(2 * ORDERS);
        let input = Input::Device(Device::new(None, microphone));
        let output = Output::with_speaker(Device::new(None, speaker));
        let reports = Rc::new(RefCell::new(Vec::new()));
        let told = Rc::clone(&reports);
        let report: Reports = Box::new(move |report| told.borrow_mut().push(report));
        let poll = Poll::new().unwrap();
        let mut worker = Worker::new(poll, inbox, input, output, None, None, report);
        let now = clock::now();
        for _ in 0..2 {
            worker.tend_devices(now, true, true);
        }
        let far = StdSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        far.set_nonblocking(true).unwrap();
        let mut bench = Bench {
            worker,
            orders,
            reports,
            far,
            now,
        };
        bench.open(CALL);
        bench
    }

    fn open(&mut self, media: MediaId) {
        let local = Ipv4Addr::LOCALHOST.into();
        self.worker.obey(MediaCommand::Open { media, local });
    }

    /// The recording of the call begins by the bench's clock rather than by the real one.
    fn start_recording_clock(&mut self) {
        let recording = self.worker.calls[0].recordings[0].as_mut().unwrap();
        recording.resume(self.now);
    }

    /// The call ends at this moment of the bench's clock.
    fn close_at(&mut self, now: Instant) {
        let mut call = self.worker.calls.swap_remove(0);
        self.worker.put_recordings_away(now, &mut call);
    }

    fn apply(&mut self, send: bool) {
        let payload_type = PayloadType::new(0).unwrap();
        let mut remote_rtcp = self.far.local_addr().unwrap();
        remote_rtcp.set_port(9);
        let plan = Box::new(Plan {
            remote_rtp: self.far.local_addr().unwrap(),
            remote_rtcp,
            rtcp_mux: false,
            send,
            held: false,
            receive: true,
            codec: CodecChoice::new(CodecKind::Pcmu, payload_type),
            accepted: vec![(payload_type, CodecKind::Pcmu)],
            dtmf_send: None,
            dtmf_receive: Vec::new(),
            comfort_noise: None,
            redundancy: Vec::new(),
            early: false,
            extended_reports: XrTerms::default(),
            srtp: None,
            ice: None,
        });
        self.worker.obey(MediaCommand::Apply { media: CALL, plan });
    }

    /// So many times 10 ms pass; with each the microphone gives `frames` of `level`.
    fn pass(&mut self, ticks: usize, frames: usize, level: f32) {
        for _ in 0..ticks {
            self.now += TICK;
            spoken(frames, level);
            self.worker.speak(self.now, 1);
        }
    }

    /// What has come to the far side: RTP times, and whether each packet is silence.
    fn heard(&self) -> Vec<(u32, bool)> {
        let mut heard = Vec::new();
        let mut datagram = [0; 2_048];
        while let Ok(length) = self.far.recv(&mut datagram) {
            let packet = RtpPacket::parse(&datagram[..length]).unwrap();
            let silent = packet.payload.iter().all(|byte| *byte | 0x80 == 0xff);
            heard.push((packet.timestamp, silent));
        }
        heard
    }
}

/// Whether the RTP times go on by 20 ms each, as the sequence does.
fn without_gap(heard: &[(u32, bool)]) -> bool {
    heard
        .windows(2)
        .all(|pair| pair[1].0.wrapping_sub(pair[0].0) == 160)
}

/// Both channels of a recording, at the middle of each 10 ms.
fn recorded(path: &std::path::Path) -> Vec<[f32; 2]> {
    let mut reader = hound::WavReader::open(path).unwrap();
    assert_eq!(reader.spec().channels, 2);
    let samples: Vec<i16> = reader.samples().map(Result::unwrap).collect();
    let level = |sample: i16| f32::from(sample) / 32_768.0;
    let frames = samples.chunks_exact(960);
    frames
        .map(|frame| [level(frame[480]), level(frame[481])])
        .collect()
}

#[test]
fn a_call_is_recorded_from_the_middle_on_and_muted_means_silence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("call.wav");
    let mut bench = Bench::new();
    bench.apply(true);
    bench.pass(10, 1, 0.3);
    bench.worker.record(
        bench.now,
        CALL,
        Recorder::start(&path, layout(Format::Wav, Sides::Stereo)).unwrap(),
        Sides::Stereo,
    );
    bench.pass(30, 1, 0.3);
    bench.worker.obey(MediaCommand::SetMuted {
        media: CALL,
        muted: true,
    });
    bench.pass(20, 1, 0.3);
    bench.worker.obey(MediaCommand::SetMuted {
        media: CALL,
        muted: false,
    });
    bench.pass(30, 1, 0.3);
    bench.worker.stop_recording(bench.now, CALL);
    // The call goes on, and is no longer recorded.
    bench.pass(20, 1, 0.3);
    assert_eq!(bench.heard().len(), 55);
    bench.worker.finishing.clear();
    let sound = recorded(&path);
    assert_eq!(sound.len(), 80);
    let loud = |n: usize| (sound[n][0] - 0.3).abs() < 0.02;
    assert!((3..28).chain(53..78).all(loud), "{sound:?}");
    assert!((33..48).all(|n| sound[n] == [0.0, 0.0]), "{sound:?}");
}

#[test]
fn a_recording_that_goes_from_call_to_call_waits_between_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.wav");
    let mut bench = Bench::new();
    bench.worker.obey(MediaCommand::Close { media: CALL });
    let recorder = Recorder::create(&path, layout(Format::Wav, Sides::Stereo)).unwrap();
    let recording = Recording::new(bench.now, recorder, Sides::Stereo);
    bench.worker.record_calls(Some(recording));
    for level in [0.2, 0.4] {
        bench.open(CALL);
        bench.apply(true);
        bench.start_recording_clock();
        bench.pass(20, 1, level);
        bench.close_at(bench.now);
        bench.now += Duration::from_secs(60);
    }
    drop(bench.worker.between_calls.take());
    let sound = recorded(&path);
    assert_eq!(sound.len(), 40, "the minute between them is not in it");
    assert!((sound[15][0] - 0.2).abs() < 0.02 && (sound[35][0] - 0.4).abs() < 0.02);
}

#[test]
fn a_folder_that_is_none_is_told_once_and_the_call_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a file, not a folder");
    std::fs::write(&file, "").unwrap();
    let path = file.join("call.wav");
    let mut bench = Bench::new();
    bench.apply(true);
    let (format, sides) = (Format::Wav, Sides::Stereo);
    bench.worker.obey(MediaCommand::Record {
        media: CALL,
        path,
        format,
        sides,
    });
    while !bench.worker.calls[0].recordings[1]
        .as_ref()
        .unwrap()
        .recorder()
        .is_over()
    {
        std::thread::yield_now();
    }
    for _ in 0..50 {
        bench.pass(1, 1, 0.3);
        bench.worker.turn_recordings(bench.now);
    }
    let failed = |report: &&MediaReport| matches!(report, MediaReport::RecordFailed { .. });
    let told = bench.reports.borrow().iter().filter(failed).count();
    assert_eq!(told, 1);
    assert_eq!(bench.heard().len(), 25);
}

#[test]
fn a_microphone_that_falls_silent_does_not_stop_the_stream() {
    let mut bench = Bench::new();
    bench.apply(true);
    bench.pass(50, 1, 0.3);
    let spoken = bench.heard();
    assert_eq!(spoken.len(), 25);
    assert!(spoken[2..].iter().all(|(_, silent)| !silent));
    bench.pass(100, 0, 0.0);
    let stalled = bench.heard();
    assert_eq!(stalled.len(), 50, "a second of silence");
    // It wakes, and gives first what it had kept: half a second fits its ring.
    bench.pass(1, 50, 0.1);
    bench.pass(49, 1, 0.3);
    let after = bench.heard();
    assert!(
        (24..=28).contains(&after.len()),
        "{}: not heard twice as late",
        after.len()
    );
    let all: Vec<_> = [spoken, stalled, after].concat();
    assert!(without_gap(&all));
    assert!(!all.last().unwrap().1);
}

#[test]
fn a_microphone_that_lost_its_sound_loses_no_more_when_it_wakes() {
    let mut bench = Bench::new();
    bench.apply(true);
    bench.pass(10, 1, 0.3);
    bench.pass(200, 0, 0.0);
    bench.heard();
    bench.pass(100, 1, 0.3);
    let after = bench.heard();
    assert_eq!(after.len(), 50);
    assert!(after[2..].iter().all(|(_, silent)| !silent));
}

#[test]
fn a_microphone_of_large_callbacks_is_not_interrupted() {
    let mut bench = Bench::new();
    bench.apply(true);
    for _ in 0..20 {
        bench.pass(9, 0, 0.0);
        MICROPHONE.with_borrow_mut(|callback| callback.as_mut().unwrap().take(&[0.3_f32; 800]));
        bench.pass(1, 0, 0.0);
    }
    let heard = bench.heard();
    // The first callback tells how large they are.
    assert!(heard.len() <= 105, "{}", heard.len());
    assert!(heard[10..].iter().all(|(_, silent)| !silent));
}

#[test]
fn choosing_another_speaker_leaves_the_microphone_alone() {
    let mut bench = Bench::new();
    let before = (MICROPHONES_OPENED.get(), SPEAKERS_OPENED.get());
    let select = |input: Option<&str>, output: Option<&str>| Order::Select {
        input: input.map(str::to_owned),
        output: output.map(str::to_owned),
    };
    let mut choose = |order| {
        bench.orders.send(order).unwrap();
        bench.worker.take_orders();
        let running = (
            bench.worker.input.running().is_some(),
            bench.worker.output.frames_wanted().is_some(),
        );
        for _ in 0..2 {
            bench.worker.tend_devices(bench.now, true, true);
        }
        let opened = (
            MICROPHONES_OPENED.get() - before.0,
            SPEAKERS_OPENED.get() - before.1,
        );
        (running, opened)
    };
    assert_eq!(
        choose(select(None, Some("headset"))),
        ((true, false), (0, 1))
    );
    assert_eq!(
        choose(select(Some("desk"), Some("headset"))),
        ((false, true), (1, 1))
    );
    assert_eq!(
        choose(select(Some("desk"), Some("headset"))),
        ((true, true), (1, 1))
    );
}

#[test]
fn who_only_listens_keeps_the_way_open_for_what_comes() {
    let mut bench = Bench::new();
    bench.apply(false);
    let (mut datagram, mut kept) = ([0; 64], Vec::new());
    let start = bench.now;
    for second in 0..=61 {
        let now = start + Duration::from_secs(second);
        bench.worker.expire(now);
        while let Ok(length) = bench.far.recv(&mut datagram) {
            kept.push((second, length));
        }
    }
    assert_eq!(kept.len(), 5, "at once and every 15 s: {kept:?}");
    assert!(kept.iter().all(|(_, length)| *length == 0), "{kept:?}");
    bench.apply(true);
    bench.worker.expire(start + Duration::from_secs(120));
    assert!(bench.far.recv(&mut datagram).is_err(), "sound does it now");
}

#[path = "clock_tests.rs"]
mod card;
/// One wake-up stands for all orders that are there, and they are not all taken in one go.
#[test]
fn orders_beyond_one_go_are_not_slept_on() {
    let mut bench = Bench::new();
    bench.worker.calls.clear();
    for _ in 0..=ORDERS {
        let order = Order::Loudness(Loudness::default());
        bench.orders.send(order).unwrap();
    }
    assert!(matches!(bench.worker.take_orders(), Went::On));
    bench.worker.tick(bench.now);
    let sleep = bench.worker.time_to_sleep(bench.now);
    assert_eq!(sleep, Some(Duration::ZERO));
    assert!(matches!(bench.worker.take_orders(), Went::On));
    bench.worker.tick(bench.now);
    assert_eq!(bench.worker.time_to_sleep(bench.now), None);
}

#[path = "loud_tests.rs"]
mod loud;
/// The level of what came to the far side, in dBov.
fn level_heard(bench: &Bench) -> f32 {
    let mut decoder = crate::codec::Decoder::new(CodecKind::Pcmu).unwrap();
    let (mut datagram, mut out, mut sound) = ([0; 2_048], [0.0; 160], Vec::new());
    while let Ok(length) = bench.far.recv(&mut datagram) {
        let packet = RtpPacket::parse(&datagram[..length]).unwrap();
        decoder.decode(packet.payload, &mut out).unwrap();
        sound.extend_from_slice(&out);
    }
    assert!(sound.len() > 8_000, "{}", sound.len());
    crate::dsp::level::level(&sound[1_600..]).0
}

#[test]
fn a_call_on_hold_hears_the_music_and_not_the_person() {
    let mut bench = Bench::new();
    bench.worker.take_loaded(Loaded::HoldMusic(Some(ours())));
    bench.apply(true);
    let feed = |feed| MediaCommand::Feed { media: CALL, feed };
    bench.worker.calls[0].seat.held = true;
    bench.worker.obey(feed(Feed::HoldMusic));
    bench.worker.obey(MediaCommand::SetMuted {
        media: CALL,
        muted: true,
    });
    bench.pass(800, 1, 0.5);
    // Eight seconds of it lie near the level of the whole; the microphone would be at -3.
    let level = level_heard(&bench);
    assert!((level + 24.0).abs() < 2.0, "{level}");
    bench.worker.calls[0].seat.held = false;
    bench.worker.obey(MediaCommand::SetMuted {
        media: CALL,
        muted: false,
    });
    bench.worker.obey(feed(Feed::Microphone));
    bench.pass(200, 1, 0.5);
    assert!(level_heard(&bench) > -5.0);
    bench.worker.obey(feed(Feed::Silence));
    bench.pass(200, 1, 0.5);
    assert!(level_heard(&bench) < -60.0);
}

#[test]
fn music_that_comes_after_the_hold_is_heard_from_then_on_and_without_any_it_is_silent() {
    let mut bench = Bench::new();
    bench.apply(true);
    bench.worker.obey(MediaCommand::Feed {
        media: CALL,
        feed: Feed::HoldMusic,
    });
    bench.pass(150, 1, 0.5);
    assert!(level_heard(&bench) < -60.0);
    bench.worker.take_loaded(Loaded::HoldMusic(Some(ours())));
    bench.pass(400, 1, 0.5);
    assert!((level_heard(&bench) + 24.0).abs() < 3.0);
    bench.worker.take_loaded(Loaded::HoldMusic(None));
    bench.pass(150, 1, 0.5);
    assert!(level_heard(&bench) < -60.0);
}

#[test]
fn a_go_is_as_long_as_the_processor_worked_in_it() {
    const MS: Duration = Duration::from_millis(1);
    let work = || Work {
        worked: Some(Duration::ZERO),
        ..Work::default()
    };
    // All of it worked, on a processor of one's own.
    assert_eq!(work().went(200 * MS, || Some(200 * MS)), 200 * MS);
    // Most of it waited for the processor.
    assert_eq!(work().went(200 * MS, || Some(3 * MS)), 3 * MS);
    // Nobody knows.
    assert_eq!(work().went(200 * MS, || None), 200 * MS);

    // Short goes before a long one, each a tenth of it worked: the processor's time is asked for
    // once in a while, and what they may have worked is not counted to the long one.
    let mut work = work();
    let (mut asked, mut so_far) = (0, Duration::ZERO);
    for _ in 0..1_000 {
        so_far += MS / 10;
        let went = work.went(MS, || {
            asked += 1;
            Some(so_far)
        });
        assert!(went <= MS, "{went:?}");
    }
    assert!((20..=60).contains(&asked), "{asked}");
    let long = work.went(150 * MS, || Some(so_far + 150 * MS));
    assert!((130 * MS..=150 * MS).contains(&long), "{long:?}");
    let stolen = work.went(150 * MS, || Some(so_far + 160 * MS));
    assert!(stolen <= 10 * MS, "{stolen:?}");
}
