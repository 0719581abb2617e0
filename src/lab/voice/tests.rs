//! A caller made of packets, and a clock that is turned by hand. Sound is A-law, whose silence is
//! the byte 0xD5 (ITU-T G.711).

use super::*;
use crate::codec::CodecKind;
use crate::media::plan::{CodecChoice, XrTerms};
use crate::rtp::header::write_rtp;
use crate::rtp::{RtpHeader, RtpPacket};

const SILENCE: u8 = 0xd5;
const FRAME: Duration = Duration::from_millis(20);
const PCMA: u8 = 8;
const EVENTS: u8 = 101;

fn number(number: u8) -> PayloadType {
    PayloadType::new(number).unwrap()
}

fn plan() -> Plan {
    let caller: SocketAddr = "127.0.0.1:4000".parse().unwrap();
    Plan {
        remote_rtp: caller,
        remote_rtcp: "127.0.0.1:4001".parse().unwrap(),
        rtcp_mux: false,
        send: true,
        held: false,
        receive: true,
        codec: CodecChoice {
            ptime: FRAME,
            ..CodecChoice::new(CodecKind::Pcma, number(PCMA))
        },
        accepted: vec![(number(PCMA), CodecKind::Pcma)],
        dtmf_send: None,
        dtmf_receive: vec![(number(EVENTS), 8_000)],
        comfort_noise: None,
        redundancy: Vec::new(),
        early: false,
        extended_reports: XrTerms::default(),
        srtp: None,
        ice: None,
    }
}

/// A packet of the voice.
#[derive(Clone, Debug, PartialEq)]
struct Heard {
    at: Instant,
    seq: u16,
    time: u32,
    ssrc: Ssrc,
    payload: Vec<u8>,
}

impl Heard {
    fn is_silence(&self) -> bool {
        self.payload.iter().all(|byte| *byte == SILENCE)
    }
}

struct Call {
    voice: Voice,
    now: Instant,
    start: Instant,
    seq: u16,
    heard: Vec<Heard>,
}

impl Call {
    #[expect(
        clippy::disallowed_methods,
        reason = "any instant will do as the beginning of time"
    )]
    fn to(service: Service, called_back: bool) -> Call {
        let now = Instant::now();
        let mut voice = Voice::new(now, session_config(7, [3; 32], Duration::from_secs(1)));
        voice.serve(service, called_back, 1);
        voice.apply(now, &plan()).unwrap();
        Call {
            voice,
            now,
            start: now,
            seq: 0,
            heard: Vec::new(),
        }
    }

    fn packet(&mut self, payload_type: u8, time: u32, payload: &[u8]) {
        let header = RtpHeader {
            marker: self.seq == 0,
            payload_type: number(payload_type),
            sequence: self.seq,
            timestamp: time,
            ssrc: Ssrc(99),
        };
        self.seq += 1;
        let mut datagram = Vec::new();
        write_rtp(&header, payload, &mut datagram);
        let from = "127.0.0.1:4000".parse().unwrap();
        self.voice.handle_rtp(self.now, &datagram, from);
        self.voice.handle_timeout(self.now);
        self.listen();
    }

    /// Says this byte for as long as this, a packet each 20 ms.
    fn say(&mut self, byte: u8, span: Duration) {
        let end = self.now + span;
        while self.now < end {
            let time = u32::from(self.seq) * 160 + 1_000;
            self.packet(PCMA, time, &[byte; 160]);
            self.run(FRAME);
        }
    }

    fn press(&mut self, event: u8) {
        let time = u32::from(self.seq) * 160 + 1_000;
        self.packet(EVENTS, time, &[event, 10, 0x00, 0xa0]);
        for _ in 0..3 {
            self.packet(EVENTS, time, &[event, 0x80 | 10, 0x03, 0x20]);
        }
    }

    fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while self.now < end {
            self.now += Duration::from_millis(1);
            self.voice.handle_timeout(self.now);
            self.listen();
        }
    }

    fn listen(&mut self) {
        let mut out = Vec::new();
        loop {
            match self.voice.poll_output(self.now, &mut out) {
                VoiceOutput::Rtp { .. } => {
                    let packet = RtpPacket::parse(&out).unwrap();
                    self.heard.push(Heard {
                        at: self.now,
                        seq: packet.sequence,
                        time: packet.timestamp,
                        ssrc: packet.ssrc,
                        payload: packet.payload.to_vec(),
                    });
                }
                VoiceOutput::Rtcp { .. } => {}
                VoiceOutput::Wait(_) => return,
            }
        }
    }

    /// The sound of what was heard from a packet on, without the silence at its ends.
    fn said_from(&self, first: usize) -> Vec<u8> {
        let sound: Vec<u8> = self.heard[first..]
            .iter()
            .flat_map(|heard| heard.payload.clone())
            .collect();
        let loud = |byte: &u8| *byte != SILENCE && *byte != SILENCE ^ 0x80;
        let begin = sound.iter().position(loud).unwrap_or(0);
        let end = sound.iter().rposition(loud).map_or(0, |last| last + 1);
        sound[begin..end.max(begin)].to_vec()
    }
}

#[test]
fn the_echo_is_what_was_said_under_a_name_of_its_own() {
    let mut call = Call::to(Service::Echo, false);
    call.say(0x2a, Duration::from_millis(100));
    assert_eq!(call.heard.len(), 5);
    for (heard, seq) in call.heard.iter().zip(0_u32..) {
        assert_eq!(heard.payload, [0x2a; 160]);
        assert_eq!(heard.ssrc, Ssrc(7));
        assert_eq!(heard.at, call.start + FRAME * seq);
        assert_eq!(heard.time.wrapping_sub(call.heard[0].time), 160 * seq);
    }
}

#[test]
fn what_is_played_back_comes_five_seconds_later_and_the_line_never_is_dead() {
    let mut call = Call::to(Service::PlaysBack, false);
    call.say(0x2a, Duration::from_secs(1));
    call.say(SILENCE, Duration::from_secs(6));
    let back: Vec<&Heard> = call
        .heard
        .iter()
        .filter(|heard| !heard.is_silence())
        .collect();
    assert_eq!(back.len(), 50);
    assert_eq!(back[0].at, call.start + Duration::from_secs(5));
    // 350 packets, one each 20 ms, in one sequence and one time.
    for pair in call.heard.windows(2) {
        assert_eq!(pair[1].at - pair[0].at, FRAME);
        assert_eq!(pair[1].seq.wrapping_sub(pair[0].seq), 1);
        assert_eq!(pair[1].time.wrapping_sub(pair[0].time), 160);
    }
    assert!(call.heard.len() >= 349, "{}", call.heard.len());
}

#[test]
fn the_bad_network_loses_some_and_holds_up_the_rest() {
    let mut call = Call::to(Service::BadNetwork, false);
    call.say(0x2a, Duration::from_secs(20));
    call.run(Duration::from_millis(200));
    let lost = 1_000 - call.heard.len();
    assert!((20..=120).contains(&lost), "{lost}");
    let first = call.heard[0].at - call.start;
    assert!(first >= Duration::from_millis(30) && first <= Duration::from_millis(90));
    let gaps = call
        .heard
        .windows(2)
        .filter(|pair| pair[1].seq != pair[0].seq.wrapping_add(1));
    assert!(gaps.count() > 10);
}

#[test]
fn the_menu_says_what_belongs_to_the_digit_and_stops_what_it_was_saying() {
    let mut answers = Vec::new();
    for digit in [1, 2] {
        let mut call = Call::to(Service::Menu, false);
        call.run(Duration::from_secs(1));
        let before = call.heard.len();
        assert!(
            call.heard.iter().any(|heard| !heard.is_silence()),
            "it greets"
        );
        call.press(digit);
        call.run(Duration::from_millis(300));
        assert!(
            call.heard[before..].iter().all(Heard::is_silence),
            "the menu is cut short"
        );
        call.run(Duration::from_secs(8));
        answers.push(call.said_from(before));
    }
    assert!(answers.iter().all(|answer| answer.len() > 4_000));
    assert_ne!(answers[0], answers[1]);
}

#[test]
fn a_digit_held_down_is_one_digit() {
    let mut call = Call::to(Service::Menu, false);
    call.run(Duration::from_secs(1));
    let before = call.heard.len();
    call.press(1);
    call.run(Duration::from_secs(8));
    let once = call.said_from(before);
    let mut call = Call::to(Service::Menu, false);
    call.run(Duration::from_secs(1));
    call.press(1);
    call.press(1);
    call.run(Duration::from_secs(8));
    // Pressed again, it begins again: the same sound, once.
    assert_eq!(call.said_from(before), once);
}

#[test]
fn an_unknown_digit_is_told_and_the_menu_said_again() {
    let mut call = Call::to(Service::Menu, false);
    call.run(Duration::from_secs(1));
    let before = call.heard.len();
    call.press(7);
    call.run(Duration::from_secs(20));
    let unknown = call.said_from(before).len();
    let mut other = Call::to(Service::Menu, false);
    other.run(Duration::from_secs(20));
    let menu = other.said_from(0).len();
    assert!(unknown > menu + 4_000, "{unknown}, {menu}");
}

#[test]
fn what_calls_back_says_something_else_than_what_will() {
    let said = |called_back| {
        let mut call = Call::to(Service::CallsBack, called_back);
        call.run(Duration::from_secs(8));
        call.said_from(0)
    };
    assert!(said(true).len() > 4_000 && said(false).len() > 4_000);
    assert_ne!(said(true), said(false));
}

#[test]
fn a_machine_that_slept_is_not_told_everything_at_once() {
    let mut call = Call::to(Service::Speech, false);
    call.run(Duration::from_secs(1));
    let before = call.heard.len();
    call.now += Duration::from_secs(3_600);
    call.run(Duration::from_secs(1));
    let after = call.heard.len() - before;
    assert!((45..=60).contains(&after), "{after}");
}
