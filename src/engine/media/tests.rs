//! The real thread on real sockets and the real clock, over loopback. These wait for reports,
//! never for time.

use std::cell::Cell;
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};

use super::*;
use crate::codec::CodecKind;
use crate::codec::testing::speech;
use crate::engine::clock;
use crate::media::plan::{Answerers, CodecChoice, Plan, XrTerms};
use crate::units::{PayloadType, SampleRate};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const CALL: MediaId = MediaId(7);

/// Longer than anything here takes, on a machine that does ten other things.
const PATIENCE: Duration = Duration::from_secs(20);

struct Phone {
    thread: MediaThread,
    reports: Receiver<MediaReport>,
    /// Reports that were passed over while another one was waited for.
    passed: VecDeque<MediaReport>,
}

impl Phone {
    fn start(source: SourceChoice, sink: SinkChoice) -> Phone {
        let (tell, reports) = sync_channel(4_096);
        let config = MediaConfig {
            rtp_ports: None,
            source,
            sink,
            ..MediaConfig::default()
        };
        let thread = MediaThread::start(config, move |report| {
            let _ = tell.try_send(report);
        });
        Phone {
            thread: thread.unwrap(),
            reports,
            passed: VecDeque::new(),
        }
    }

    /// The first report, of those not yet looked at, of which `pick` makes something.
    fn wait_for<T>(&mut self, pick: impl Fn(&MediaReport) -> Option<T>) -> T {
        let known = self
            .passed
            .iter()
            .enumerate()
            .find_map(|(at, r)| Some((at, pick(r)?)));
        if let Some((at, found)) = known {
            self.passed.remove(at);
            return found;
        }
        loop {
            let report = self
                .reports
                .recv_timeout(PATIENCE)
                .expect("the report comes");
            match pick(&report) {
                Some(found) => return found,
                None => self.passed.push_back(report),
            }
        }
    }

    fn open(&mut self) -> Opened {
        self.open_as(CALL)
    }

    fn open_as(&mut self, wanted: MediaId) -> Opened {
        self.thread
            .send(MediaCommand::Open {
                media: wanted,
                local: HERE,
            })
            .unwrap();
        self.wait_for(|report| match report {
            MediaReport::Opened { media, opened, .. } if *media == wanted => Some(opened.clone()),
            _ => None,
        })
    }

    fn apply(&self, kind: CodecKind, far: Opened) {
        self.apply_as(CALL, kind, far);
    }

    fn apply_as(&self, media: MediaId, kind: CodecKind, far: Opened) {
        let plan = Box::new(plan(kind, far));
        self.thread
            .send(MediaCommand::Apply { media, plan })
            .unwrap();
    }
}

fn plan(kind: CodecKind, far: Opened) -> Plan {
    let number = |n| PayloadType::new(n).unwrap();
    let payload_type = kind.static_payload_type().unwrap_or(number(96));
    let mut remote_rtcp = far.rtp;
    remote_rtcp.set_port(far.rtp.port() + 1);
    Plan {
        remote_rtp: far.rtp,
        remote_rtcp,
        rtcp_mux: false,
        send: true,
        held: false,
        receive: true,
        codec: CodecChoice::new(kind, payload_type),
        accepted: vec![(payload_type, kind)],
        dtmf_send: Some((number(101), 8_000)),
        dtmf_receive: vec![(number(101), 8_000)],
        comfort_noise: None,
        redundancy: Vec::new(),
        early: false,
        extended_reports: XrTerms {
            voip_metrics: true,
            reference_times: Some(Answerers::All),
        },
        srtp: None,
        ice: None,
    }
}

fn write_wav(path: &Path, rate: SampleRate, sound: &[f32]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate.hz(),
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for sample in sound {
        writer.write_sample((sample * 32_767.0) as i16).unwrap();
    }
    writer.finalize().unwrap();
}

/// Plays three seconds of speech from a file on one phone into a file on another. Answers how
/// alike they are, and how much later a sound is in the one than it was said from the other.
fn carried(kind: CodecKind) -> (f32, Duration) {
    let folder = tempfile::tempdir().unwrap();
    let (said_path, heard_path) = (
        folder.path().join("said.wav"),
        folder.path().join("heard.wav"),
    );
    let rate = kind.sound_rate();
    let said = &speech(rate)[..rate.hz() as usize * 3];
    write_wav(&said_path, rate, said);

    let mut near = Phone::start(
        SourceChoice::File {
            path: said_path,
            looped: false,
        },
        SinkChoice::Discard,
    );
    let mut far = Phone::start(
        SourceChoice::Silence,
        SinkChoice::Record(heard_path.clone()),
    );
    let (at_near, at_far) = (near.open(), far.open());
    let listening = clock::now();
    far.apply(kind, at_near);
    near.apply(kind, at_far);
    let speaking = near.wait_for(|report| match report {
        MediaReport::FirstPacketSent { media: CALL, at } => Some(*at),
        _ => None,
    });
    near.wait_for(|report| matches!(report, MediaReport::PlayFinished { .. }).then_some(()));
    // What is on its way arrives within the next figures.
    for _ in 0..2 {
        far.wait_for(|report| matches!(report, MediaReport::Quality { .. }).then_some(()));
    }
    let figures = far.wait_for(|report| match report {
        MediaReport::Quality { quality, .. } => Some(*quality),
        _ => None,
    });
    assert_eq!(figures.loss_pct, 0.0, "{figures:?}");
    near.thread.close();
    far.thread.close();

    let mut reader = hound::WavReader::open(&heard_path).unwrap();
    assert_eq!(reader.spec().sample_rate, rate.hz());
    let heard: Vec<f32> = reader
        .samples::<i16>()
        .map(|s| f32::from(s.unwrap()) / 32_768.0)
        .collect();
    // The second second, at the shift at which it is found again.
    let piece = &said[rate.hz() as usize..rate.hz() as usize * 2];
    let alike = |lag: usize| {
        let there = heard.get(piece.len() + lag..)?.get(..piece.len())?;
        let sum = |of: &mut dyn Iterator<Item = f32>| of.sum::<f32>();
        let both = sum(&mut piece.iter().zip(there).map(|(a, b)| a * b));
        let one = sum(&mut piece.iter().map(|a| a * a));
        let other = sum(&mut there.iter().map(|b| b * b));
        Some((both / (one * other).sqrt().max(1e-9), lag))
    };
    let step = (rate.hz() / 8_000) as usize;
    let best = (0..rate.hz() as usize).step_by(step).filter_map(alike);
    let (likeness, lag) = best.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    let heard_after = rate.duration_of(lag as u64);
    (likeness, heard_after.saturating_sub(speaking - listening))
}

#[test]
fn a_file_played_on_one_phone_is_recorded_on_the_other() {
    for kind in [CodecKind::Pcmu, CodecKind::Opus] {
        let (likeness, delay) = carried(kind);
        println!("{kind:?}: from file to file in {delay:?}, likeness {likeness}");
        assert!(likeness > 0.75, "{kind:?}: {likeness}");
        // 60 ms on a quiet machine; the bound is for one that builds something beside this.
        assert!(delay < Duration::from_millis(250), "{kind:?}: {delay:?}");
    }
}

#[test]
fn each_phone_is_told_how_the_other_hears_it() {
    let mut near = Phone::start(SourceChoice::Silence, SinkChoice::Discard);
    let mut far = Phone::start(SourceChoice::Silence, SinkChoice::Discard);
    let (at_near, at_far) = (near.open(), far.open());
    far.apply(CodecKind::Pcma, at_near);
    near.apply(CodecKind::Pcma, at_far);
    for phone in [&mut near, &mut far] {
        // The first report goes out within about three seconds.
        let seconds = Cell::new(0);
        let (quality, told) = phone.wait_for(|report| match report {
            MediaReport::Quality { quality, .. } => {
                seconds.set(seconds.get() + 1);
                assert!(seconds.get() < 20, "{quality:?}");
                Some((*quality, quality.remote?))
            }
            _ => None,
        });
        assert_eq!((told.loss_pct, told.burst_ms), (0.0, 0.0), "{told:?}");
        assert!(told.mos.unwrap() >= told.mos_lq.unwrap() - 0.2, "{told:?}");
        assert!(told.mos_lq.unwrap() > 4.0, "{told:?}");
        assert!(told.end_system_ms.unwrap() >= 20.0, "{told:?}");
        assert!(quality.end_system_ms >= 20.0, "{quality:?}");
    }
    near.thread.close();
    far.thread.close();
}

#[test]
fn digits_pressed_on_one_phone_come_to_the_other() {
    let mut near = Phone::start(SourceChoice::Silence, SinkChoice::Discard);
    let mut far = Phone::start(SourceChoice::Silence, SinkChoice::Discard);
    let (at_near, at_far) = (near.open(), far.open());
    far.apply(CodecKind::Pcma, at_near);
    near.apply(CodecKind::Pcma, at_far);
    let digits = MediaCommand::SendDtmf {
        media: CALL,
        digits: "4#".into(),
    };
    near.thread.send(digits).unwrap();
    let mut heard = String::new();
    while heard.len() < 2 {
        heard.push(far.wait_for(|report| match report {
            MediaReport::RemoteDtmf { digit, .. } => Some(digit.to_char()),
            _ => None,
        }));
    }
    assert_eq!(heard, "4#");
    let first = far.wait_for(|report| match report {
        MediaReport::FirstPacketReceived { at, .. } => Some(*at),
        _ => None,
    });
    assert!(first <= clock::now());
}

#[test]
fn a_closed_session_gives_its_ports_back() {
    let mut phone = Phone::start(SourceChoice::Silence, SinkChoice::Discard);
    let opened = phone.open();
    assert_eq!(opened.rtp.port() % 2, 0);
    assert!(std::net::UdpSocket::bind(opened.rtp).is_err());
    phone
        .thread
        .send(MediaCommand::Close { media: CALL })
        .unwrap();
    // The next answer comes behind the closing.
    phone.open();
    phone.thread.close();
    assert!(std::net::UdpSocket::bind(opened.rtp).is_ok());
}

#[test]
fn an_address_that_is_not_ours_is_reported_and_the_thread_goes_on() {
    let mut phone = Phone::start(SourceChoice::Silence, SinkChoice::Discard);
    let foreign = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    phone
        .thread
        .send(MediaCommand::Open {
            media: CALL,
            local: foreign,
        })
        .unwrap();
    phone.wait_for(|report| match report {
        MediaReport::OpenFailed {
            error: OpenError::Ports(PortError::Unusable { .. }),
            ..
        } => Some(()),
        _ => None,
    });
    phone.open();
}

#[test]
fn what_is_wrong_with_a_file_is_told_before_any_call() {
    let folder = tempfile::tempdir().unwrap();
    let start = |source, sink| {
        MediaThread::start(
            MediaConfig {
                rtp_ports: None,
                source,
                sink,
                ..MediaConfig::default()
            },
            |_| {},
        )
    };
    let path = folder.path().join("none.wav");
    let source = SourceChoice::File {
        path,
        looped: false,
    };
    let error = start(source, SinkChoice::Discard).unwrap_err();
    assert!(
        matches!(error, MediaError::Source(ClipError::NotFound { .. })),
        "{error:?}"
    );
    let sink = SinkChoice::Record(folder.path().join("none/heard.wav"));
    let error = start(SourceChoice::Silence, sink).unwrap_err();
    assert!(
        matches!(error, MediaError::Sink(RecordError::Unwritable { .. })),
        "{error:?}"
    );
}

#[test]
fn a_device_that_does_not_exist_is_reported_and_the_call_goes_on_in_silence() {
    let missing = Some("no device is called this".to_owned());
    let mut near = Phone::start(
        SourceChoice::Device(missing.clone()),
        SinkChoice::Device(missing),
    );
    let mut far = Phone::start(SourceChoice::Silence, SinkChoice::Discard);
    let (at_near, at_far) = (near.open(), far.open());
    far.apply(CodecKind::Pcmu, at_near);
    near.apply(CodecKind::Pcmu, at_far);
    for wanted in [DeviceSide::Capture, DeviceSide::Playout] {
        near.wait_for(|report| match report {
            MediaReport::DeviceGone { side, .. } if *side == wanted => Some(()),
            _ => None,
        });
    }
    far.wait_for(|report| match report {
        MediaReport::Quality { quality, .. } if quality.loss_pct == 0.0 => Some(()),
        _ => None,
    });
    far.wait_for(|report| matches!(report, MediaReport::FirstPacketReceived { .. }).then_some(()));
}

/// A tone of so many Hz that a phone plays for its person.
fn tone(folder: &Path, hz: f64, seconds: usize) -> SourceChoice {
    let path = folder.join(format!("{hz}.wav"));
    let sound = crate::dsp::testing::sine(SampleRate::NARROW, hz, 0.2, 8_000 * seconds);
    write_wav(&path, SampleRate::NARROW, &sound);
    SourceChoice::File {
        path,
        looped: false,
    }
}

#[test]
fn in_a_conference_each_hears_all_others_and_not_itself() {
    const TONES: [f64; 4] = [600.0, 900.0, 1_300.0, 1_900.0];
    const PERSON: f64 = 400.0;
    let folder = tempfile::tempdir().unwrap();
    let heard = |n: usize| folder.path().join(format!("heard-{n}.wav"));
    let mut hub = Phone::start(tone(folder.path(), PERSON, 8), SinkChoice::Discard);
    // Three sit in the conference; the fourth talks to the person alone.
    let mut far: Vec<Phone> = (0..4)
        .map(|n| {
            let source = tone(folder.path(), TONES[n], 4);
            Phone::start(source, SinkChoice::Record(heard(n)))
        })
        .collect();
    let kinds = [
        CodecKind::Pcmu,
        CodecKind::G722,
        CodecKind::Opus,
        CodecKind::Pcma,
    ];
    for (n, phone) in far.iter_mut().enumerate() {
        let media = MediaId(n as u64);
        let (here, there) = (hub.open_as(media), phone.open());
        hub.apply_as(media, kinds[n], there);
        phone.apply(kinds[n], here);
        let conference = (n < 3).then_some(crate::media::plan::ConferenceId(1));
        let order = MediaCommand::Confer { media, conference };
        hub.thread.send(order).unwrap();
    }
    // The third hears the others and not the person: one is talked to at a time.
    let quiet = MediaCommand::Feed {
        media: MediaId(2),
        feed: crate::media::plan::Feed::Silence,
    };
    hub.thread.send(quiet).unwrap();
    hub.wait_for(|report| matches!(report, MediaReport::Speaking { .. }).then_some(()));
    for phone in &mut far {
        phone.wait_for(|report| matches!(report, MediaReport::PlayFinished { .. }).then_some(()));
    }
    hub.thread.close();
    far.into_iter().for_each(|phone| phone.thread.close());
    for n in 0..4 {
        let mut reader = hound::WavReader::open(heard(n)).unwrap();
        let rate = SampleRate::new(reader.spec().sample_rate).unwrap();
        let samples = reader.samples::<i16>();
        let sound: Vec<f32> = samples.map(|s| f32::from(s.unwrap()) / 32_768.0).collect();
        // A second from the middle, when all are there.
        let hz = rate.hz() as usize;
        let sound = &sound[hz * 3 / 2..hz * 5 / 2];
        let amplitude = |hz: f64| crate::dsp::testing::amplitude(rate, hz, sound);
        for (m, hz) in TONES.iter().enumerate() {
            let there = amplitude(*hz);
            if n < 3 && m < 3 && m != n {
                assert!((0.12..0.25).contains(&there), "{n} hears {m} at {there}");
            } else {
                assert!(there < 0.01, "{n} hears {m} at {there}");
            }
        }
        let person = amplitude(PERSON);
        if n == 2 {
            assert!(person < 0.01, "the third hears the person at {person}");
        } else {
            assert!(
                (0.12..0.25).contains(&person),
                "{n} hears the person at {person}"
            );
        }
    }
}

#[test]
fn a_sound_file_that_cannot_be_played_is_reported_and_a_good_one_is_heard_on_the_far_side() {
    let folder = tempfile::tempdir().unwrap();
    let mut near = Phone::start(SourceChoice::Silence, SinkChoice::Discard);
    let none = folder.path().join("none.wav");
    near.thread.load_ring(RingSound::File(none.clone()), false);
    near.thread.load_hold_music(HoldMusic::File(none));
    for wanted in [Unusable::Ringtone, Unusable::HoldMusic] {
        near.wait_for(|report| match report {
            MediaReport::SoundUnusable { what, .. } if *what == wanted => Some(()),
            _ => None,
        });
    }
    let heard = folder.path().join("heard.wav");
    let mut far = Phone::start(SourceChoice::Silence, SinkChoice::Record(heard.clone()));
    let (at_near, at_far) = (near.open(), far.open());
    far.apply(CodecKind::G722, at_near);
    near.apply(CodecKind::G722, at_far);
    let SourceChoice::File { path, .. } = tone(folder.path(), 700.0, 1) else {
        panic!("a file")
    };
    let feed = Feed::File(path);
    near.thread
        .send(MediaCommand::Feed { media: CALL, feed })
        .unwrap();
    for _ in 0..4 {
        far.wait_for(|report| matches!(report, MediaReport::Quality { .. }).then_some(()));
    }
    near.thread.close();
    far.thread.close();
    let mut reader = hound::WavReader::open(&heard).unwrap();
    let samples = reader.samples::<i16>();
    let sound: Vec<f32> = samples.map(|s| f32::from(s.unwrap()) / 32_768.0).collect();
    let last = &sound[sound.len() - 20_000..sound.len() - 4_000];
    // -24 dBov, over and over although the file lasts a second.
    let amplitude = crate::dsp::testing::amplitude(SampleRate::WIDE, 700.0, last);
    assert!((0.05..0.075).contains(&amplitude), "{amplitude}");
}
