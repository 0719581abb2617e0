//! The exchanges of RFC 3264 section 10 and RFC 4317, played with this phone on one side.
//!
//! Their hosts are names, which somebody has to resolve first; here they are put in as addresses.

use super::*;
use crate::codec::CodecKind;

const HOSTS: [(&str, &str); 5] = [
    ("placeholder.biloxi.example.com", "192.0.2.29"),
    ("host.atlanta.example.com", "192.0.2.10"),
    ("host.biloxi.example.com", "192.0.2.20"),
    ("host.anywhere.com", "192.0.2.1"),
    ("host.example.com", "192.0.2.2"),
];

fn read(text: &str) -> SessionDescription {
    let mut text = text.to_owned();
    for (host, address) in HOSTS {
        text = text.replace(host, address);
    }
    parse(text.as_bytes()).unwrap().description
}

fn phone(address: &str, port: u16, codecs: &[CodecKind]) -> Negotiation {
    let mut local = LocalAudio::new(address.parse().unwrap(), port);
    local.codecs = codecs.to_vec();
    Negotiation::new(2_890_844_526, local)
}

/// The `m=` lines of a description.
fn streams(description: &SessionDescription) -> Vec<&str> {
    description
        .media
        .iter()
        .map(|media| media.line.value())
        .collect()
}

const PCMU: &[CodecKind] = &[CodecKind::Pcmu];
const G711: &[CodecKind] = &[CodecKind::Pcmu, CodecKind::Pcma];

#[test]
fn rfc_3264_section_10_1_keeps_every_stream_in_its_place() {
    let first_offer = "v=0\n\
        o=alice 2890844526 2890844526 IN IP4 host.anywhere.com\n\
        s=\n\
        c=IN IP4 host.anywhere.com\n\
        t=0 0\n\
        m=audio 49170 RTP/AVP 0\n\
        a=rtpmap:0 PCMU/8000\n\
        m=video 51372 RTP/AVP 31\n\
        a=rtpmap:31 H261/90000\n\
        m=video 53000 RTP/AVP 32\n\
        a=rtpmap:32 MPV/90000\n";
    let mut bob = phone("192.0.2.2", 49_920, PCMU);

    // As it stands in the RFC nobody can send to it without asking a name server.
    let unresolved = parse(first_offer.as_bytes()).unwrap().description;
    assert_eq!(
        bob.handle_offer(&unresolved).unwrap_err(),
        NegotiationError::AddressIsName {
            host: "host.anywhere.com".to_owned()
        }
    );

    let (answer, agreed) = bob.handle_offer(&read(first_offer)).unwrap();
    assert_eq!(
        streams(&answer),
        [
            "audio 49920 RTP/AVP 0",
            "video 0 RTP/AVP 31",
            "video 0 RTP/AVP 32"
        ]
    );
    assert_eq!(agreed.remote_rtp, "192.0.2.1:49170".parse().unwrap());
    assert_eq!(agreed.direction, Direction::SendRecv);

    // Bob moves his port. All streams stay, in their order.
    let mut moved = bob.local().clone();
    moved.rtp_port = 65_422;
    bob.set_local(moved);
    let before = answer.origin().unwrap().session_version;
    let offer = bob.offer();
    assert_eq!(
        streams(&offer),
        [
            "audio 65422 RTP/AVP 0 101",
            "video 0 RTP/AVP 31",
            "video 0 RTP/AVP 32"
        ]
    );
    assert_eq!(offer.origin().unwrap().session_version, before + 1);
    assert_eq!(
        offer.origin().unwrap().session_id,
        answer.origin().unwrap().session_id
    );

    let answer = read(
        "v=0\n\
         o=alice 2890844526 2890844527 IN IP4 host.anywhere.com\n\
         s=\n\
         c=IN IP4 host.anywhere.com\n\
         t=0 0\n\
         m=audio 49170 RTP/AVP 0\n\
         a=rtpmap:0 PCMU/8000\n\
         m=video 0 RTP/AVP 31\n\
         a=rtpmap:31 H261/90000\n\
         m=video 0 RTP/AVP 32\n",
    );
    let agreed = bob.handle_answer(&answer).unwrap();
    assert_eq!(agreed.remote_rtp, "192.0.2.1:49170".parse().unwrap());
    assert_eq!(agreed.send_dtmf, None);
}

#[test]
fn rfc_3264_section_10_1_a_second_audio_stream_is_refused() {
    // The re-offer of the RFC: a stream for digits beside that for speech.
    let offer = read(
        "v=0\n\
         o=bob 2890844730 2890844731 IN IP4 host.example.com\n\
         s=\n\
         c=IN IP4 host.example.com\n\
         t=0 0\n\
         m=audio 65422 RTP/AVP 0\n\
         a=rtpmap:0 PCMU/8000\n\
         m=video 0 RTP/AVP 31\n\
         m=video 53000 RTP/AVP 32\n\
         a=rtpmap:32 MPV/90000\n\
         m=audio 51434 RTP/AVP 110\n\
         a=rtpmap:110 telephone-events/8000\n\
         a=recvonly\n",
    );
    let (answer, agreed) = phone("192.0.2.1", 49_170, PCMU)
        .handle_offer(&offer)
        .unwrap();
    assert_eq!(
        streams(&answer),
        [
            "audio 49170 RTP/AVP 0",
            "video 0 RTP/AVP 31",
            "video 0 RTP/AVP 32",
            "audio 0 RTP/AVP 110"
        ]
    );
    assert_eq!(agreed.remote_rtp, "192.0.2.2:65422".parse().unwrap());
}

#[test]
fn rfc_3264_section_10_2_locks_one_codec_down() {
    let mut bob = phone("192.0.2.2", 54_344, G711);
    let offer = read(
        "v=0\n\
         o=alice 2890844526 2890844526 IN IP4 host.anywhere.com\n\
         s=\n\
         c=IN IP4 host.anywhere.com\n\
         t=0 0\n\
         m=audio 62986 RTP/AVP 0 4 18\n\
         a=rtpmap:0 PCMU/8000\n\
         a=rtpmap:4 G723/8000\n\
         a=rtpmap:18 G729/8000\n\
         a=inactive\n",
    );
    let (answer, agreed) = bob.handle_offer(&offer).unwrap();
    assert_eq!(streams(&answer), ["audio 54344 RTP/AVP 0"]);
    assert_eq!(answer.media[0].direction(), Some(Direction::Inactive));
    assert_eq!(agreed.direction, Direction::Inactive);

    let offer = read(
        "v=0\n\
         o=alice 2890844526 2890844527 IN IP4 host.anywhere.com\n\
         s=\n\
         c=IN IP4 host.anywhere.com\n\
         t=0 0\n\
         m=audio 62986 RTP/AVP 4\n\
         a=rtpmap:4 G723/8000\n\
         a=sendrecv\n",
    );
    let refused = bob.handle_offer(&offer).unwrap_err();
    assert_eq!(
        refused,
        NegotiationError::NoCommonCodec {
            offered: vec!["G723".to_owned()]
        }
    );
    // What was agreed before holds.
    assert_eq!(bob.agreed(), Some(&agreed));
}

#[test]
fn rfc_4317_section_2_1_one_of_three_codecs() {
    let mut alice = phone("192.0.2.10", 49_170, G711);
    let offer = alice.offer();
    assert_eq!(streams(&offer), ["audio 49170 RTP/AVP 0 8 101"]);
    let agreed = alice
        .handle_answer(&read(
            "v=0\n\
             o=bob 2808844564 2808844564 IN IP4 host.biloxi.example.com\n\
             s=\n\
             c=IN IP4 host.biloxi.example.com\n\
             t=0 0\n\
             m=audio 49174 RTP/AVP 0\n\
             a=rtpmap:0 PCMU/8000\n\
             m=video 49170 RTP/AVP 32\n\
             a=rtpmap:32 MPV/90000\n",
        ))
        .unwrap();
    assert_eq!(agreed.send.codec, CodecKind::Pcmu);
    assert_eq!(agreed.remote_rtp, "192.0.2.20:49174".parse().unwrap());
    assert_eq!(agreed.remote_rtcp, "192.0.2.20:49175".parse().unwrap());
}

#[test]
fn rfc_4317_section_2_2_two_codecs_accepted_then_one() {
    let mut bob = phone("192.0.2.20", 49_172, &[CodecKind::Pcmu, CodecKind::Pcma]);
    let offer = read(
        "v=0\n\
         o=alice 2890844526 2890844526 IN IP4 host.atlanta.example.com\n\
         s=\n\
         c=IN IP4 host.atlanta.example.com\n\
         t=0 0\n\
         m=audio 49170 RTP/AVP 0 8 97\n\
         a=rtpmap:0 PCMU/8000\n\
         a=rtpmap:8 PCMA/8000\n\
         a=rtpmap:97 iLBC/8000\n\
         m=video 51372 RTP/AVP 31 32\n\
         a=rtpmap:31 H261/90000\n\
         a=rtpmap:32 MPV/90000\n",
    );
    let (answer, _) = bob.handle_offer(&offer).unwrap();
    assert_eq!(
        streams(&answer),
        ["audio 49172 RTP/AVP 0 8", "video 0 RTP/AVP 31 32"]
    );
    let first_version = answer.origin().unwrap().session_version;

    let second = read(
        "v=0\n\
         o=alice 2890844526 2890844527 IN IP4 host.atlanta.example.com\n\
         s=\n\
         c=IN IP4 host.atlanta.example.com\n\
         t=0 0\n\
         m=audio 51372 RTP/AVP 0\n\
         a=rtpmap:0 PCMU/8000\n\
         m=video 0 RTP/AVP 31\n\
         a=rtpmap:31 H261/90000\n",
    );
    let (answer, agreed) = bob.handle_offer(&second).unwrap();
    assert_eq!(
        streams(&answer),
        ["audio 49172 RTP/AVP 0", "video 0 RTP/AVP 31"]
    );
    assert_eq!(answer.origin().unwrap().session_version, first_version + 1);
    assert_eq!(agreed.remote_rtp, "192.0.2.10:51372".parse().unwrap());
}

#[test]
fn rfc_4317_section_2_3_numbers_may_differ_in_the_two_directions() {
    // The RFC shows it with iLBC, offered as 97 and answered as 99.
    let mut alice = phone("192.0.2.10", 49_170, &[CodecKind::Opus]);
    let offer = alice.offer();
    assert_eq!(streams(&offer), ["audio 49170 RTP/AVP 96 102"]);
    let agreed = alice
        .handle_answer(&read(
            "v=0\n\
             o=bob 2808844564 2808844564 IN IP4 host.biloxi.example.com\n\
             s=\n\
             c=IN IP4 host.biloxi.example.com\n\
             t=0 0\n\
             m=audio 49172 RTP/AVP 99\n\
             a=rtpmap:99 opus/48000/2\n",
        ))
        .unwrap();
    let number = |n| crate::units::PayloadType::new(n).unwrap();
    assert_eq!(agreed.send.payload_type, number(99));
    assert_eq!(agreed.recv[0], (number(96), CodecKind::Opus));
}

#[test]
fn rfc_4317_section_2_5_the_version_stays_when_nothing_changes() {
    let mut alice = phone("192.0.2.10", 49_170, PCMU);
    let mut local = alice.local().clone();
    local.telephone_event = false;
    local.rtcp_mux = false;
    local.extended_reports = RtcpXr::default();
    alice.set_local(local);
    let offer = alice.offer();
    let answer = "v=0\n\
         o=bob 2808844564 2808844564 IN IP4 host.biloxi.example.com\n\
         s=\n\
         c=IN IP4 host.biloxi.example.com\n\
         t=0 0\n\
         m=audio 49174 RTP/AVP 0\n";
    alice.handle_answer(&read(answer)).unwrap();
    // Bob moves; Alice says what she said before, to the letter.
    let moved = answer
        .replace("49174", "49178")
        .replace("2808844564 IN", "2808844565 IN");
    let (again, agreed) = alice.handle_offer(&read(&moved)).unwrap();
    assert_eq!(again, offer);
    assert_eq!(agreed.remote_rtp, "192.0.2.20:49178".parse().unwrap());
}

#[test]
fn rfc_4317_section_2_6_the_stream_that_can_be_taken_is_taken() {
    // In the RFC PCMU comes first and iLBC with tones second; here the phone speaks the second only.
    let offer = read(
        "v=0\n\
         o=alice 2890844526 2890844526 IN IP4 host.atlanta.example.com\n\
         s=\n\
         c=IN IP4 host.atlanta.example.com\n\
         t=0 0\n\
         m=audio 49170 RTP/AVP 97\n\
         a=rtpmap:97 iLBC/8000\n\
         m=audio 51372 RTP/AVP 0 101\n\
         a=rtpmap:0 PCMU/8000\n\
         a=rtpmap:101 telephone-event/8000\n",
    );
    let mut bob = phone("192.0.2.20", 49_170, PCMU);
    let (answer, agreed) = bob.handle_offer(&offer).unwrap();
    assert_eq!(
        streams(&answer),
        ["audio 0 RTP/AVP 97", "audio 49170 RTP/AVP 0 101"]
    );
    assert_eq!(agreed.remote_rtp, "192.0.2.10:51372".parse().unwrap());
    // The re-offer puts the audio where it was.
    assert_eq!(
        streams(&bob.offer()),
        ["audio 0 RTP/AVP 97", "audio 49170 RTP/AVP 0 101"]
    );
}

#[test]
fn rfc_4317_section_3_1_answered_on_hold_then_resumed() {
    let mut alice = phone("192.0.2.10", 49_170, G711);
    let _offer = alice.offer();
    let agreed = alice
        .handle_answer(&read(
            "v=0\n\
             o=bob 2808844564 2808844564 IN IP4 host.biloxi.example.com\n\
             s=\n\
             c=IN IP4 placeholder.biloxi.example.com\n\
             t=0 0\n\
             m=audio 49172 RTP/AVP 8\n\
             a=rtpmap:8 PCMA/8000\n\
             a=sendonly\n",
        ))
        .unwrap();
    assert_eq!(agreed.direction, Direction::RecvOnly);
    assert!(agreed.held_by_remote);
    assert_eq!(agreed.remote_rtp, "192.0.2.29:49172".parse().unwrap());

    let (answer, agreed) = alice
        .handle_offer(&read(
            "v=0\n\
             o=bob 2808844564 2808844565 IN IP4 host.biloxi.example.com\n\
             s=\n\
             c=IN IP4 host.biloxi.example.com\n\
             t=0 0\n\
             m=audio 49170 RTP/AVP 8\n\
             a=rtpmap:8 PCMA/8000\n",
        ))
        .unwrap();
    assert_eq!(answer.media[0].direction(), Some(Direction::SendRecv));
    assert_eq!(agreed.direction, Direction::SendRecv);
    assert!(!agreed.held_by_remote);
    assert_eq!(agreed.remote_rtp, "192.0.2.20:49170".parse().unwrap());
}

#[test]
fn rfc_4317_section_4_2_a_stream_added_later_is_refused_in_its_place() {
    let mut bob = phone("192.0.2.20", 49_172, PCMU);
    let audio_only = "v=0\n\
         o=alice 2890844526 2890844526 IN IP4 host.atlanta.example.com\n\
         s=\n\
         c=IN IP4 host.atlanta.example.com\n\
         t=0 0\n\
         m=audio 49170 RTP/AVP 0\n\
         a=rtpmap:0 PCMU/8000\n";
    bob.handle_offer(&read(audio_only)).unwrap();
    let with_video = format!("{audio_only}m=video 49172 RTP/AVP 31\na=rtpmap:31 H261/90000\n");
    let (answer, _) = bob.handle_offer(&read(&with_video)).unwrap();
    assert_eq!(
        streams(&answer),
        ["audio 49172 RTP/AVP 0", "video 0 RTP/AVP 31"]
    );
}
