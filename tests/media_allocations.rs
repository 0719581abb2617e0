//! Once a call's sound runs, a session allocates nothing: packets, frames, reports and figures go
//! through without touching the allocator, and so does what stands for packets that were lost.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use ramal::codec::{CodecKind, Decoder, MAX_PACKET_SAMPLES};
use ramal::media::plan::{
    Answerers, CodecChoice, MasterKey, Mki, OpusWishes, Plan, SrtpKeys, Suite, XrTerms,
};
use ramal::media::{Output, Port, Session, Setup};
use ramal::rtp::NtpTime;
use ramal::units::{PayloadType, Ssrc};

// Any allocation inside `assert_no_alloc` aborts the test.
#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

const FRAME: Duration = Duration::from_millis(10);

fn number(n: u8) -> PayloadType {
    PayloadType::new(n).expect("seven bits")
}

fn session(
    now: Instant,
    kind: CodecKind,
    (redundancy, sparing): (Option<PayloadType>, bool),
    ssrc: u32,
    remote: SocketAddr,
) -> Session {
    let setup = Setup {
        ssrc: Ssrc(ssrc),
        cname: "name".to_owned(),
        seed: [ssrc as u8; 32],
        wall_clock: NtpTime(1 << 40),
    };
    let mut session = Session::new(now, setup);
    let payload_type = kind.static_payload_type().unwrap_or(number(96));
    let opus = OpusWishes {
        use_inband_fec: true,
        use_dtx: sparing,
        ..OpusWishes::default()
    };
    let plan = Plan {
        remote_rtp: remote,
        remote_rtcp: remote,
        rtcp_mux: true,
        send: true,
        held: false,
        receive: true,
        codec: CodecChoice {
            redundancy,
            comfort_noise: (sparing && kind != CodecKind::Opus).then_some(number(13)),
            opus,
            ..CodecChoice::new(kind, payload_type)
        },
        accepted: vec![(payload_type, kind)],
        dtmf_send: Some((number(101), 8_000)),
        dtmf_receive: vec![(number(101), 8_000)],
        comfort_noise: None,
        redundancy: redundancy
            .map(|number| (number, kind.rtp_clock().hz()))
            .into_iter()
            .collect(),
        early: false,
        extended_reports: XrTerms {
            voip_metrics: true,
            reference_times: Some(Answerers::All),
        },
        // Half of them are protected.
        srtp: redundancy.is_none().then(|| keys(ssrc)),
        ice: None,
    };
    session.apply(now, &plan).expect("codecs can be set up");
    session
}

/// The first of the two protects with the key by which the second hears, and the other way round.
fn keys(ssrc: u32) -> SrtpKeys {
    let suite = Suite::ALL[2];
    let key = |seed: u32| MasterKey::new(suite, &vec![seed as u8; suite.master_len()]);
    SrtpKeys {
        local: key(ssrc).expect("a key"),
        remote: key(3 - ssrc).expect("a key"),
        remote_mki: Mki(Vec::new()),
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "an Instant has no other constructor"
)]
fn half_a_minute_of_call_allocates_nothing_with_any_codec() {
    let here = SocketAddr::from(([192, 0, 2, 1], 4_000));
    let there = SocketAddr::from(([192, 0, 2, 2], 4_000));
    let plain = CodecKind::ALL.map(|kind| (kind, None, false));
    let redundant = [(CodecKind::Opus, 63), (CodecKind::Pcma, 62)];
    let redundant = redundant.map(|(kind, n)| (kind, Some(number(n)), false));
    let sparing = CodecKind::ALL.map(|kind| (kind, None, true));
    for (kind, redundancy, sparing) in plain.into_iter().chain(redundant).chain(sparing) {
        let mut now = Instant::now();
        let mut near = session(now, kind, (redundancy, sparing), 1, there);
        let mut far = session(now, kind, (redundancy, sparing), 2, here);
        let mut out = Vec::with_capacity(1_500);
        let mut heard = [0.0; 480];
        // Noise keeps the encoders busy.
        let mut state = 1_u32;
        let frame: Vec<f32> = (0..kind.sound_rate().samples_in(FRAME))
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 16) as f32 / 65_536.0 * 0.2 - 0.1
            })
            .collect();
        // In every other three seconds of it nobody speaks.
        let room = if kind == CodecKind::Opus { 0.0 } else { 0.01 };
        let quiet: Vec<f32> = frame.iter().map(|sample| sample * room).collect();
        let (mut packets, mut reports, mut figures) = (0, 0, 0);
        assert_no_alloc(|| {
            for tick in 0..3_000 {
                now += FRAME;
                if tick % 500 == 0 {
                    near.press("5");
                }
                for near_speaks in [true, false] {
                    let (from, to, address) = if near_speaks {
                        (&mut near, &mut far, here)
                    } else {
                        (&mut far, &mut near, there)
                    };
                    from.handle_timeout(now);
                    // One packet in fifty is lost: concealment and repair run too. Later it is three
                    // in a row of ten, which Opus answers with DRED or with whole packets again.
                    let pause = sparing && tick / 300 % 2 == 1;
                    let frame = if pause { &quiet } else { &frame };
                    if from.capture(now, frame, &mut out).is_some() {
                        packets += 1;
                        let kept = if tick < 1_000 {
                            packets % 50 != 0
                        } else {
                            packets % 20 >= 6
                        };
                        if kept {
                            to.handle_datagram(now, Port::Rtp, &out, address);
                        }
                    }
                    loop {
                        match from.poll_output(&mut out) {
                            Output::Rtcp { .. } => {
                                reports += 1;
                                to.handle_datagram(now, Port::Rtp, &out, address);
                            }
                            Output::KeepAlive { .. } => panic!("sound goes both ways"),
                            Output::Event(_) => figures += 1,
                            Output::Wait(_) => break,
                        }
                    }
                    from.playout(now, &mut heard);
                }
            }
        });
        assert_eq!(packets < 2_500, sparing, "{kind:?}: {packets}");
        assert!(
            packets > if sparing { 250 } else { 2_900 } && reports > 4 && figures > 55,
            "{packets} {reports} {figures}"
        );
    }
}

#[test]
fn gaps_of_any_length_are_filled_without_allocating() {
    let mut sound = [0.0; MAX_PACKET_SAMPLES];
    for kind in [CodecKind::Pcma, CodecKind::Pcmu, CodecKind::G722] {
        let mut decoder = Decoder::new(kind).expect("a decoder");
        let mut payload = [0_u8; 480];
        let mut state = 1_u32;
        for byte in &mut payload {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (state >> 24) as u8;
        }
        assert_no_alloc(|| {
            for length in [1, 2, 37, 80, 320, 960, 1_920, MAX_PACKET_SAMPLES] {
                for next in [&payload[..], &payload[..160], &payload[..80], &[]] {
                    decoder.decode(&payload, &mut sound).expect("a payload");
                    decoder.conceal_towards(&mut sound[..length], next);
                    decoder.conceal(&mut sound[..length]);
                    decoder.conceal_towards(&mut sound[..length], next);
                }
            }
        });
    }
}
