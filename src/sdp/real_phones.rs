//! Descriptions in the manner of the phones and switches of this world, and what becomes of each.
//!
//! All are written by hand after what such peers send; addresses are of the documentation ranges.

use super::*;

/// What the default phone at 192.0.2.99 (or 2001:db8::99) makes of an offer, in one line.
fn outcome(offer: &[u8]) -> String {
    let description = parse(offer).unwrap().description;
    let v6 = description.to_string().contains("IP6");
    let address = if v6 { "2001:db8::99" } else { "192.0.2.99" };
    let mut phone = Negotiation::new(1, LocalAudio::new(address.parse().unwrap(), 4_000));
    let (answer, agreed) = match phone.handle_offer(&description) {
        Ok(agreed) => agreed,
        Err(error) => return format!("{error:?}"),
    };
    // Whatever was offered, the answer stands on its own and has a line for each stream.
    let again = parse(&answer.to_bytes()).unwrap();
    assert_eq!(again.defects, []);
    assert_eq!(again.description, answer);
    assert_eq!(answer.media.len(), description.media.len());

    let Negotiated {
        remote_rtp,
        remote_rtcp,
        send,
        ..
    } = &agreed;
    let rtcp = if agreed.rtcp_mux {
        "mux".to_owned()
    } else {
        remote_rtcp.to_string()
    };
    let dtmf = agreed
        .send_dtmf
        .map_or("none".to_owned(), |(number, clock)| {
            format!("{}/{clock}", number.number())
        });
    format!(
        "{}/{} {}ms to {remote_rtp}, rtcp {rtcp}, {}, dtmf {dtmf}; {}",
        send.codec,
        send.payload_type.number(),
        send.ptime.as_millis(),
        agreed.direction.as_str(),
        answer
            .media
            .iter()
            .map(|m| m.line.value())
            .collect::<Vec<_>>()
            .join(" | "),
    )
}

#[track_caller]
fn check(offer: &str, expected: &str) {
    assert_eq!(outcome(offer.replace('\n', "\r\n").as_bytes()), expected);
}

fn defects(body: &str) -> Vec<DefectKind> {
    parse(body.as_bytes())
        .unwrap()
        .defects
        .iter()
        .map(|defect| defect.kind)
        .collect()
}

#[test]
fn asterisk() {
    check(
        "v=0\no=- 1873562 1873562 IN IP4 192.0.2.10\ns=Asterisk\nc=IN IP4 192.0.2.10\nt=0 0\n\
         m=audio 12964 RTP/AVP 8 0 9 101\na=rtpmap:8 PCMA/8000\na=rtpmap:0 PCMU/8000\n\
         a=rtpmap:9 G722/8000\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-16\na=ptime:20\n\
         a=maxptime:140\na=sendrecv\n",
        "G722/9 20ms to 192.0.2.10:12964, rtcp 192.0.2.10:12965, sendrecv, dtmf 101/8000; \
         audio 4000 RTP/AVP 9 8 0 101",
    );
}

#[test]
fn freeswitch_with_opus_and_a_narrow_ptime() {
    check(
        "v=0\no=FreeSWITCH 1700000000 1700000001 IN IP4 192.0.2.11\ns=FreeSWITCH\n\
         c=IN IP4 192.0.2.11\nt=0 0\nm=audio 27342 RTP/AVP 102 9 0 8 103 101\n\
         a=rtpmap:102 opus/48000/2\n\
         a=fmtp:102 useinbandfec=1; maxaveragebitrate=30000; maxplaybackrate=48000; ptime=20; minptime=10; maxptime=40\n\
         a=rtpmap:9 G722/8000\na=rtpmap:0 PCMU/8000\na=rtpmap:8 PCMA/8000\n\
         a=rtpmap:103 telephone-event/48000\na=fmtp:103 0-15\n\
         a=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\na=silenceSupp:off - - - -\n\
         a=rtcp-mux\na=rtcp:27342 IN IP4 192.0.2.11\na=ptime:10\n",
        "opus/102 10ms to 192.0.2.11:27342, rtcp mux, sendrecv, dtmf 103/48000; \
         audio 4000 RTP/AVP 102 9 8 0 103 101",
    );
}

#[test]
fn cisco_says_c_in_each_stream_and_offers_video_and_slides() {
    check(
        "v=0\no=Cisco-SIPUA 25326 0 IN IP4 192.0.2.12\ns=SIP Call\nb=AS:4064\nt=0 0\n\
         m=audio 31466 RTP/AVP 114 9 124 0 8 116 18 101\nc=IN IP4 192.0.2.12\nb=TIAS:64000\n\
         a=rtpmap:114 opus/48000/2\na=fmtp:114 maxplaybackrate=16000;sprop-maxcapturerate=16000;maxaveragebitrate=64000;stereo=0;sprop-stereo=0;usedtx=0\n\
         a=rtpmap:9 G722/8000\na=rtpmap:124 ISAC/16000\na=rtpmap:0 PCMU/8000\n\
         a=rtpmap:8 PCMA/8000\na=rtpmap:116 iLBC/8000\na=fmtp:116 mode=20\n\
         a=rtpmap:18 G729/8000\na=fmtp:18 annexb=yes\na=rtpmap:101 telephone-event/8000\n\
         a=fmtp:101 0-15\na=trafficclass:conversational.audio.avconf.aq:admitted\na=sendrecv\n\
         m=video 27036 RTP/AVP 100 126\nc=IN IP4 192.0.2.12\nb=TIAS:4000000\n\
         a=rtpmap:100 H264/90000\na=fmtp:100 profile-level-id=640C16\n\
         a=rtpmap:126 H264/90000\na=imageattr:* recv [x=800,y=480,q=0.60]\na=sendrecv\n\
         m=application 5070 UDP/BFCP *\nc=IN IP4 192.0.2.12\na=floorctrl:c-s\na=confid:1\n",
        "opus/114 20ms to 192.0.2.12:31466, rtcp 192.0.2.12:31467, sendrecv, dtmf 101/8000; \
         audio 4000 RTP/AVP 114 9 8 0 101 | video 0 RTP/AVP 100 126 | application 0 UDP/BFCP *",
    );
}

#[test]
fn grandstream_with_blanks_at_the_ends_of_its_lines() {
    let offer = "v=0\no=1001 8000 8000 IN IP4 192.0.2.13\ns=SIP Call\nc=IN IP4 192.0.2.13\n\
        t=0 0\nm=audio 5004 RTP/AVP 0 8 18 9 101 \na=sendrecv \na=rtcp:5005 IN IP4 192.0.2.13\n\
        a=rtpmap:0 PCMU/8000 \na=ptime:30 \na=rtpmap:8 PCMA/8000 \na=rtpmap:18 G729/8000 \n\
        a=fmtp:18 annexb=no \na=rtpmap:9 G722/8000 \na=rtpmap:101 telephone-event/8000 \n\
        a=fmtp:101 0-15 \n";
    check(
        offer,
        "G722/9 30ms to 192.0.2.13:5004, rtcp 192.0.2.13:5005, sendrecv, dtmf 101/8000; \
         audio 4000 RTP/AVP 9 8 0 101",
    );
    let offer = offer.replace('\n', "\r\n");
    let parsed = parse(offer.as_bytes()).unwrap();
    assert_eq!(parsed.description.to_bytes(), offer.as_bytes());
    assert_eq!(defects(&offer), [DefectKind::StrayBlanks; 10]);
}

#[test]
fn linphone_offers_feedback_and_events_at_three_clock_rates() {
    check(
        "v=0\no=alice 3584 3126 IN IP4 192.0.2.14\ns=Talk\nc=IN IP4 192.0.2.14\nt=0 0\n\
         a=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics\n\
         a=record:off\nm=audio 7078 RTP/AVPF 96 97 98 0 8 101 99 100\n\
         a=rtpmap:96 opus/48000/2\na=fmtp:96 useinbandfec=1\na=rtpmap:97 speex/16000\n\
         a=fmtp:97 vbr=on\na=rtpmap:98 speex/8000\na=fmtp:98 vbr=on\n\
         a=rtpmap:101 telephone-event/48000\na=rtpmap:99 telephone-event/16000\n\
         a=rtpmap:100 telephone-event/8000\na=rtcp-fb:* trr-int 5000\na=rtcp-fb:* ccm tmmbr\n",
        "opus/96 20ms to 192.0.2.14:7078, rtcp 192.0.2.14:7079, sendrecv, dtmf 101/48000; \
         audio 4000 RTP/AVPF 96 8 0 101 100",
    );
}

#[test]
fn baresip() {
    check(
        "v=0\no=- 3925462881 1247033129 IN IP4 192.0.2.15\ns=-\nc=IN IP4 192.0.2.15\nt=0 0\n\
         a=tool:baresip 3.5.0\nm=audio 13426 RTP/AVP 96 0 8 101\na=rtpmap:96 opus/48000/2\n\
         a=fmtp:96 stereo=1;sprop-stereo=1\na=rtpmap:0 PCMU/8000\na=rtpmap:8 PCMA/8000\n\
         a=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\na=rtcp:13427\na=sendrecv\n\
         a=label:1\na=rtcp-rsize\na=ssrc:1034027281 cname:sip:1002@192.0.2.15\na=ptime:20\n",
        "opus/96 20ms to 192.0.2.15:13426, rtcp 192.0.2.15:13427, sendrecv, dtmf 101/8000; \
         audio 4000 RTP/AVP 96 8 0 101",
    );
}

#[test]
fn polycom_uses_127_for_events_and_siren_first() {
    check(
        "v=0\no=- 1700000001 1700000001 IN IP4 192.0.2.16\ns=Polycom IP Phone\n\
         c=IN IP4 192.0.2.16\nt=0 0\na=sendrecv\nm=audio 2250 RTP/AVP 115 9 0 8 127\n\
         a=rtpmap:115 G7221/32000\na=fmtp:115 bitrate=48000\na=rtpmap:9 G722/8000\n\
         a=rtpmap:0 PCMU/8000\na=rtpmap:8 PCMA/8000\na=rtpmap:127 telephone-event/8000\n",
        "G722/9 20ms to 192.0.2.16:2250, rtcp 192.0.2.16:2251, sendrecv, dtmf 127/8000; \
         audio 4000 RTP/AVP 9 8 0 127",
    );
}

#[test]
fn a_browser_behind_a_gateway_wants_dtls() {
    check(
        "v=0\no=- 4611731400430051336 2 IN IP4 127.0.0.1\ns=-\nt=0 0\na=group:BUNDLE 0\n\
         a=extmap-allow-mixed\na=msid-semantic: WMS stream\n\
         m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\nc=IN IP4 0.0.0.0\n\
         a=rtcp:9 IN IP4 0.0.0.0\na=ice-ufrag:8hhY\na=ice-pwd:asd88fgpdd777uzjYhagZg\n\
         a=fingerprint:sha-256 19:E2:1C:3B:4B:9F:81:E6:B8:5C:F4:A5:A8:D8:73:04:BB:05:2F:70:9F:04:A9:0E:05:E9:26:33:E8:70:88:A2\n\
         a=setup:actpass\na=mid:0\na=sendrecv\na=rtcp-mux\na=rtpmap:111 opus/48000/2\n\
         a=rtpmap:63 red/48000/2\na=fmtp:63 111/111\n",
        "UnsupportedProfile { offered: \"UDP/TLS/RTP/SAVPF\" }",
    );
}

#[test]
fn a_gateway_that_took_the_security_off_but_left_the_rest() {
    check(
        "v=0\no=- 4611731400430051336 2 IN IP4 192.0.2.17\ns=-\nt=0 0\na=group:BUNDLE 0\n\
         m=audio 30000 RTP/AVPF 111 63 9 0 8 13 110 126\nc=IN IP4 192.0.2.17\n\
         a=rtcp:30001 IN IP4 192.0.2.17\n\
         a=candidate:1 1 UDP 2130706431 192.0.2.17 30000 typ host\na=ice-ufrag:8hhY\n\
         a=ice-pwd:asd88fgpdd777uzjYhagZg\na=mid:0\na=sendrecv\na=rtcp-mux\n\
         a=rtpmap:111 opus/48000/2\na=rtcp-fb:111 transport-cc\n\
         a=fmtp:111 minptime=10;useinbandfec=1\na=rtpmap:63 red/48000/2\na=fmtp:63 111/111\n\
         a=rtpmap:110 telephone-event/48000\na=rtpmap:126 telephone-event/8000\n\
         a=ssrc:3735928559 cname:abc\n",
        "opus/111 20ms to 192.0.2.17:30000, rtcp mux, sendrecv, dtmf 110/48000; \
         audio 4000 RTP/AVPF 111 9 8 0 110 126",
    );
}

#[test]
fn srtp_alone_is_refused_and_beside_plain_rtp_is_passed_over() {
    let srtp = "m=audio 40000 RTP/SAVP 8 101\na=rtpmap:8 PCMA/8000\n\
        a=rtpmap:101 telephone-event/8000\n\
        a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\n";
    let session = "v=0\no=- 7 7 IN IP4 192.0.2.18\ns=-\nc=IN IP4 192.0.2.18\nt=0 0\n";
    check(
        &format!("{session}{srtp}"),
        "UnsupportedProfile { offered: \"RTP/SAVP\" }",
    );
    check(
        &format!("{session}{srtp}m=audio 40002 RTP/AVP 8 101\na=rtpmap:101 telephone-event/8000\n"),
        "PCMA/8 20ms to 192.0.2.18:40002, rtcp 192.0.2.18:40003, sendrecv, dtmf 101/8000; \
         audio 0 RTP/SAVP 8 101 | audio 4000 RTP/AVP 8 101",
    );
    // Keys offered over plain RTP may be ignored (the opportunistic style of Snom and others).
    check(
        &format!("{session}{}", srtp.replace("SAVP", "AVP")),
        "PCMA/8 20ms to 192.0.2.18:40000, rtcp 192.0.2.18:40001, sendrecv, dtmf 101/8000; \
         audio 4000 RTP/AVP 8 101",
    );
}

#[test]
fn a_fax_that_wants_t38() {
    let image = "m=image 4004 udptl t38\na=T38FaxVersion:0\na=T38MaxBitRate:14400\n\
        a=T38FaxRateManagement:transferredTCF\na=T38FaxMaxBuffer:2000\n\
        a=T38FaxUdpEC:t38UDPRedundancy\n";
    let session = "v=0\no=GW 1 2 IN IP4 192.0.2.19\ns=-\nc=IN IP4 192.0.2.19\nt=0 0\n";
    check(&format!("{session}{image}"), "NoAudio");
    check(&format!("{session}m=audio 0 RTP/AVP 8\n{image}"), "NoAudio");
    check(
        &format!("{session}{image}m=audio 4006 RTP/AVP 8\n"),
        "PCMA/8 20ms to 192.0.2.19:4006, rtcp 192.0.2.19:4007, sendrecv, dtmf none; \
         image 0 udptl t38 | audio 4000 RTP/AVP 8",
    );
}

#[test]
fn a_door_phone_without_carriage_returns_name_time_and_rtpmap() {
    let offer = "v=0\no=door 1 1 IN IP4 192.0.2.20\nc=IN IP4 192.0.2.20\n\
        m=audio 6000 RTP/AVP 18 8 0\n";
    let expected = "PCMA/8 20ms to 192.0.2.20:6000, rtcp 192.0.2.20:6001, sendrecv, dtmf none; \
        audio 4000 RTP/AVP 8 0";
    assert_eq!(outcome(offer.as_bytes()), expected);
    assert_eq!(
        defects(offer),
        [
            DefectKind::BareLineEnd,
            DefectKind::MissingSessionName,
            DefectKind::MissingTiming
        ]
    );
    // The same with CR alone, and cut before its last line end.
    assert_eq!(
        outcome(offer.replace('\n', "\r").trim_end().as_bytes()),
        expected
    );
}

#[test]
fn an_old_adapter_with_no_c_line_at_all() {
    let offer = "v=0\no=ata 1 1 IN IP4 192.0.2.21\ns= \nt=0 0\nm=audio 8000 RTP/AVP 0 96\n\
        a=rtpmap:96 telephone-event/8000\n";
    check(
        offer,
        "PCMU/0 20ms to 192.0.2.21:8000, rtcp 192.0.2.21:8001, sendrecv, dtmf 96/8000; \
         audio 4000 RTP/AVP 0 96",
    );
    assert_eq!(
        defects(&offer.replace('\n', "\r\n")),
        [DefectKind::MissingConnection]
    );
}

#[test]
fn a_phone_that_shouts() {
    check(
        "v=0\no=PHONE 1 1 IN IP4 192.0.2.22\ns=CALL\nc=in ip4 192.0.2.22\nt=0 0\n\
         m=AUDIO 9000 rtp/avp 98 8 97\na=RTPMAP:98 OPUS/48000/2\na=FMTP:98 UseInbandFEC=1\n\
         a=RTPMAP:97 TELEPHONE-EVENT/8000\na=PTIME:40\na=SENDONLY\n",
        "opus/98 40ms to 192.0.2.22:9000, rtcp 192.0.2.22:9001, recvonly, dtmf 97/8000; \
         audio 4000 rtp/avp 98 8 97",
    );
}

#[test]
fn the_hold_of_old_peers_is_an_address_of_zeros() {
    check(
        "v=0\no=- 1 2 IN IP4 192.0.2.23\ns=-\nc=IN IP4 0.0.0.0\nt=0 0\nm=audio 7000 RTP/AVP 8\n",
        "PCMA/8 20ms to 0.0.0.0:7000, rtcp 0.0.0.0:7001, recvonly, dtmf none; \
         audio 4000 RTP/AVP 8",
    );
}

#[test]
fn ipv6_in_both_notations() {
    check(
        "v=0\no=- 1 1 IN IP6 2001:db8::24\ns=-\nc=IN IP6 2001:db8::24\nt=0 0\n\
         m=audio 7000 RTP/AVP 96\na=rtpmap:96 opus/48000\na=rtcp:7007 IN IP6 [2001:db8::25]\n",
        "opus/96 20ms to [2001:db8::24]:7000, rtcp [2001:db8::25]:7007, sendrecv, dtmf none; \
         audio 4000 RTP/AVP 96",
    );
}

#[test]
fn a_trunk_with_codecs_that_nobody_else_has() {
    check(
        "v=0\no=- 1 1 IN IP4 192.0.2.26\ns=-\nc=IN IP4 192.0.2.26\nt=0 0\n\
         m=audio 7000 RTP/AVP 18 4 97 101\na=rtpmap:97 AMR/8000\na=rtpmap:18 G729/8000\n\
         a=rtpmap:101 telephone-event/8000\n",
        "NoCommonCodec { offered: [\"G729\", \"4\", \"AMR\", \"telephone-event\"] }",
    );
}

#[test]
fn a_conference_in_multicast_is_no_call() {
    check(
        "v=0\no=- 1 1 IN IP4 192.0.2.27\ns=-\nc=IN IP4 224.2.17.12/127\nt=0 0\n\
         m=audio 49170/2 RTP/AVP 0\n",
        "UnusableAddress(224.2.17.12)",
    );
}

#[test]
fn lines_that_are_no_lines_and_latin_1_names_do_no_harm() {
    let mut body = b"v=0\r\no=- 1 1 IN IP4 192.0.2.28\r\ns=Jo\xe3o\r\n\r\nX-Garbage\r\n".to_vec();
    body.extend_from_slice(b"c=IN IP4 192.0.2.28\r\nt=0 0\r\nm=audio 7000 RTP/AVP 8\r\n\0\r\n");
    assert_eq!(
        outcome(&body),
        "PCMA/8 20ms to 192.0.2.28:7000, rtcp 192.0.2.28:7001, sendrecv, dtmf none; \
         audio 4000 RTP/AVP 8"
    );
    let parsed = parse(&body).unwrap();
    let kinds: Vec<_> = parsed.defects.iter().map(|d| (d.kind, d.line)).collect();
    assert_eq!(
        kinds,
        [
            (DefectKind::NotUtf8, Some(3)),
            (DefectKind::BlankLine, Some(4)),
            (DefectKind::NotALine, Some(5)),
            (DefectKind::NotALine, Some(9)),
        ]
    );
    // All comes back but the blank line.
    let expected = String::from_utf8_lossy(&body).replace("\r\n\r\n", "\r\n");
    assert_eq!(
        String::from_utf8_lossy(&parsed.description.to_bytes()),
        expected
    );
}
