//! Once its buffer has grown, an RTP session allocates nothing: the media thread sends, hears,
//! reports and counts without touching the allocator.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use ramal::rtp::dtmf::{Digit, DtmfReceiver, DtmfSender};
use ramal::rtp::session::{PayloadFormat, PayloadKind};
use ramal::rtp::srtp::{MasterKey, Mki, Receiver, Sender, Suite};
use ramal::rtp::{Config, NtpTime, Output, RtpSession};
use ramal::units::{PayloadType, RtpTime, SampleRate, Ssrc};

// Any allocation inside `assert_no_alloc` aborts the test.
#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

fn session(now: Instant, ssrc: u32, remote: SocketAddr) -> RtpSession {
    let seed = [ssrc as u8; 32];
    let mut config = Config::new(Ssrc(ssrc), "name".to_owned(), seed, NtpTime(1 << 40));
    let format = |number, kind| PayloadFormat {
        payload_type: PayloadType::new(number).expect("seven bits"),
        clock: SampleRate::FULL,
        kind,
    };
    config.formats = vec![
        format(96, PayloadKind::Sound),
        format(101, PayloadKind::Event),
    ];
    config.remote_rtp = Some(remote);
    config.rtcp_mux = true;
    RtpSession::new(now, config)
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "an Instant has no other constructor"
)]
fn a_minute_of_call_allocates_nothing() {
    let mut now = Instant::now();
    let here = SocketAddr::from(([192, 0, 2, 1], 4_000));
    let there = SocketAddr::from(([192, 0, 2, 2], 4_000));
    let (mut near, mut far) = (session(now, 1, there), session(now, 2, here));
    let mut dtmf_out = DtmfSender::new(SampleRate::FULL);
    let mut dtmf_in = DtmfReceiver::new(SampleRate::FULL);
    let mut out = Vec::with_capacity(1_500);
    let sound = PayloadType::new(96).expect("seven bits");
    let event = PayloadType::new(101).expect("seven bits");
    let five = Digit::from_char('5').expect("a digit");
    let (mut packets, mut reports, mut digits) = (0, 0, 0);

    assert_no_alloc(|| {
        for frame in 0..3_000_u64 {
            now += Duration::from_millis(20);
            let at = RtpTime(frame * 960);
            if frame % 100 == 0 {
                dtmf_out
                    .press(five, Duration::from_millis(100))
                    .expect("room");
            }
            let sent = match dtmf_out.poll(at, 960) {
                Some(digit) => {
                    let time = digit.timestamp;
                    near.send(now, event, digit.marker, time, &digit.payload, &mut out)
                }
                None => near.send(now, sound, false, at, &[0x55; 160], &mut out),
            };
            sent.expect("sent");
            // Every fiftieth packet is lost, every thirtieth comes twice.
            if frame % 50 != 49 {
                for _ in 0..if frame % 30 == 29 { 2 } else { 1 } {
                    let received = far.handle_muxed(now, &out, here).expect("heard");
                    let received = received.expect("RTP");
                    if received.kind == PayloadKind::Event {
                        let packet = received.packet;
                        dtmf_in.handle(now, packet.ssrc, received.time, packet.payload);
                    }
                    packets += 1;
                }
            }
            while dtmf_in.poll_output().is_some() {
                digits += 1;
            }
            for (session, other, from) in [(0, 1, here), (1, 0, there)] {
                let pair = [&mut near, &mut far];
                pair[session].handle_timeout(now);
                while let Output::Rtcp { .. } | Output::Event(_) =
                    match pair[session].poll_output(&mut out) {
                        Output::Rtcp { to } => {
                            pair[other].handle_muxed(now, &out, from).expect("believed");
                            reports += 1;
                            Output::Rtcp { to }
                        }
                        output => output,
                    }
                {}
            }
            let _ = far.stats();
        }
    });

    let stats = far.stats();
    assert_eq!((packets, digits), (2_940 + 80, 2 * 30));
    assert!(reports > 20, "{reports} reports");
    // The losses of the last frame cannot be known yet.
    assert_eq!((stats.counts.lost(), stats.counts.duplicates), (59, 80));
    assert!(near.stats().round_trip.is_some());
}

#[test]
fn protecting_packets_and_reports_allocates_nothing() {
    for suite in Suite::ALL {
        let master = MasterKey::new(suite, &vec![7; suite.master_len()]).expect("a key");
        let mut sender = Sender::new(&master);
        let mut receiver = Receiver::new(&master, Mki(Vec::new()));
        let mut packet = Vec::with_capacity(1_500);
        let (mut taken, mut refused) = (0, 0);
        assert_no_alloc(|| {
            for number in 0..70_000_u32 {
                packet.clear();
                packet.extend_from_slice(&[0x80, 8]);
                packet.extend_from_slice(&(number as u16).to_be_bytes());
                packet.extend_from_slice(&number.to_be_bytes());
                // Ever so many sources of the far side, as a stranger might claim.
                packet.extend_from_slice(&[0, 0, 0, 1]);
                packet.extend_from_slice(&[0x55; 160]);
                sender.protect_rtp(&mut packet).expect("protected");
                if number % 1_000 == 999 {
                    packet[11] = 2 + (number / 1_000) as u8;
                }
                match receiver.unprotect_rtp(&mut packet) {
                    Ok(_) => taken += 1,
                    Err(_) => refused += 1,
                }
                if number % 250 == 0 {
                    packet.clear();
                    packet.extend_from_slice(&[0x80, 201, 0, 1, 0, 0, 0, 1]);
                    sender.protect_rtcp(&mut packet).expect("protected");
                    receiver.unprotect_rtcp(&mut packet).expect("genuine");
                }
            }
        });
        assert_eq!((taken, refused), (69_930, 70), "{suite:?}");
    }
}
