//! The loop with its clock turned by hand: real sockets on loopback, devices made of rings.

use std::cell::{Cell, RefCell};
use std::net::{Ipv4Addr, UdpSocket as StdSocket};
use std::sync::mpsc::{SyncSender, sync_channel};

use super::*;
use crate::audio::{
    Capture, CaptureCallback, Opening, Playout, capture_ring, playout_ring, testing,
};
use crate::codec::CodecKind;
use crate::engine::media::device::Device;
use crate::media::plan::{CodecChoice, OpusWishes, XrTerms};
use crate::rtp::RtpPacket;
use crate::units::{PayloadType, SampleRate};

const CALL: MediaId = MediaId(3);

thread_local! {
    static MICROPHONE: RefCell<Option<CaptureCallback>> = const { RefCell::new(None) };
    static SPEAKERS_OPENED: Cell<usize> = const { Cell::new(0) };
    static MICROPHONES_OPENED: Cell<usize> = const { Cell::new(0) };
}

fn microphone(_: Option<String>) -> Opening<Capture> {
    let (callback, reader) = capture_ring(SampleRate::NARROW, 1);
    MICROPHONE.set(Some(callback));
    MICROPHONES_OPENED.set(MICROPHONES_OPENED.get() + 1);
    let (attempt, opening) = testing::attempt();
    attempt.answer(Ok(testing::capture(reader, SampleRate::NARROW)));
    opening
}

fn speaker(_: Option<String>) -> Opening<Playout> {
    let (_, writer) = playout_ring(SampleRate::NARROW, 1);
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
    far: StdSocket,
    now: Instant,
}

impl Bench {
    /// One call, both devices running.
    fn new() -> Bench {
        let (orders, inbox) = sync_channel(8);
        let input = Input::Device(Device::new(None, microphone));
        let output = Output::with_speaker(Device::new(None, speaker));
        let report: Reports = Box::new(|_| {});
        let poll = Poll::new().unwrap();
        let mut worker = Worker::new(poll, inbox, input, output, None, None, report);
        let now = clock::now();
        for _ in 0..2 {
            worker.tend_devices(now, true, true);
        }
        let far = StdSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        far.set_nonblocking(true).unwrap();
        worker.obey(MediaCommand::Open {
            media: CALL,
            local: Ipv4Addr::LOCALHOST.into(),
        });
        Bench {
            worker,
            orders,
            far,
            now,
        }
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
            codec: CodecChoice {
                kind: CodecKind::Pcmu,
                payload_type,
                ptime: Duration::from_millis(20),
                redundancy: None,
                opus: OpusWishes::default(),
            },
            accepted: vec![(payload_type, CodecKind::Pcmu)],
            dtmf_send: None,
            dtmf_receive: Vec::new(),
            comfort_noise: None,
            redundancy: None,
            extended_reports: XrTerms::default(),
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

#[test]
fn a_microphone_that_falls_silent_does_not_stop_the_stream() {
    let mut bench = Bench::new();
    bench.apply(true);
    bench.pass(50, 1, 0.3);
    let spoken = bench.heard();
    // To 48 kHz and back, a narrow microphone's last frame is still under way.
    assert!((24..=25).contains(&spoken.len()), "{}", spoken.len());
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
