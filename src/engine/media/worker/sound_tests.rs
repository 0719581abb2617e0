//! When files begin, by a clock turned by hand.

use std::cell::RefCell;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use mio::Poll;

use super::*;
use crate::audio::Clip;
use crate::codec::CodecKind;
use crate::engine::clock;
use crate::engine::media::input::Input;
use crate::engine::media::layout;
use crate::engine::media::output::Output;
use crate::engine::media::recorder::Recorder;
use crate::media::plan::{CodecChoice, MediaCommand, MediaId, Plan, XrTerms};
use crate::media::recording::{Format, Sides};
use crate::units::{PayloadType, SampleRate};

const CALL: MediaId = MediaId(3);
const MS: Duration = Duration::from_millis(1);

fn plan() -> Box<Plan> {
    let payload_type = PayloadType::new(8).unwrap();
    // Nobody listens there.
    let remote = (Ipv4Addr::LOCALHOST, 9).into();
    Box::new(Plan {
        remote_rtp: remote,
        remote_rtcp: remote,
        rtcp_mux: true,
        send: true,
        held: false,
        receive: true,
        codec: CodecChoice::new(CodecKind::Pcma, payload_type),
        accepted: vec![(payload_type, CodecKind::Pcma)],
        dtmf_send: None,
        dtmf_receive: Vec::new(),
        comfort_noise: None,
        redundancy: Vec::new(),
        early: false,
        extended_reports: XrTerms::default(),
        srtp: None,
        ice: None,
    })
}

/// When both files began, as it was told.
fn told(reports: &[MediaReport]) -> (Vec<Instant>, Vec<Instant>) {
    let (mut played, mut recorded) = (Vec::new(), Vec::new());
    for report in reports {
        match report {
            MediaReport::PlayStarted { at, .. } => played.push(*at),
            MediaReport::RecordStarted { at } => recorded.push(*at),
            _ => {}
        }
    }
    (played, recorded)
}

#[test]
fn files_begin_once_and_by_deadlines_however_late_the_thread_is() {
    let folder = tempfile::tempdir().unwrap();
    let layout = layout(Format::Wav, Sides::Far);
    let recorder = Recorder::create(&folder.path().join("heard.wav"), layout).unwrap();
    let input = Input::File {
        clip: Clip::from_samples(SampleRate::NARROW, &[0.1; 8_000]),
        looped: false,
    };
    let (_orders, inbox) = sync_channel(8);
    let reports = Rc::new(RefCell::new(Vec::new()));
    let taken = Rc::clone(&reports);
    let mut worker = Worker::new(
        Poll::new().unwrap(),
        inbox,
        input,
        Output::new(None, Some(recorder)),
        None,
        None,
        move |report| taken.borrow_mut().push(report),
    );
    let local = Ipv4Addr::LOCALHOST.into();
    worker.obey(MediaCommand::Open { media: CALL, local });
    let start = clock::now();
    worker.tick(start);
    assert_eq!(told(&reports.borrow()), (Vec::new(), Vec::new()));
    // A packet of 20 ms leaves at once.
    let plan = plan();
    worker.obey(MediaCommand::Apply { media: CALL, plan });
    // The deadlines of 10 and 20 ms are met 27 ms late, and a frame is said and heard for each:
    // the fourth frame of the file was whole at 20 ms, the first of the recording due at 10.
    worker.tick(start + 27 * MS);
    worker.tick(start + 31 * MS);
    let (played, recorded) = told(&reports.borrow());
    assert_eq!(played, [start - 20 * MS]);
    assert_eq!(recorded, [start + 10 * MS]);
}
