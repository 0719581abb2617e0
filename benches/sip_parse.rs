//! How long it takes to read, write and sign a typical INVITE, and to cut it out of a stream.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ramal::redact::Secret;
use ramal::sip::{
    Credentials, DigestClient, DigestMemory, FramingLimits, Message, Response, StatusCode,
    StreamFramer, parse_datagram,
};

/// An INVITE as a phone behind a proxy receives it: two Vias, a Record-Route, usual SDP.
fn invite() -> Vec<u8> {
    let body = "v=0\r\no=- 3868331676 3868331676 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\n\
        t=0 0\r\nm=audio 40000 RTP/AVP 96 9 8 0 101\r\na=rtpmap:96 opus/48000/2\r\n\
        a=fmtp:96 useinbandfec=1\r\na=rtpmap:9 G722/8000\r\na=rtpmap:8 PCMA/8000\r\n\
        a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n\
        a=ptime:20\r\na=sendrecv\r\n";
    let head = format!(
        "INVITE sip:1001@192.0.2.20:5062;transport=udp SIP/2.0\r\n\
        Record-Route: <sip:192.0.2.1;lr;ftag=8d1a>\r\n\
        Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK3d5f.2a10e8f6000000000000000000000000.0\r\n\
        Via: SIP/2.0/UDP 192.0.2.10:5060;received=198.51.100.9;rport=50612;branch=z9hG4bK-77ab\r\n\
        Max-Forwards: 69\r\n\
        From: \"Sales \\\"desk\\\"\" <sip:1002@example.com>;tag=8d1a\r\n\
        To: <sip:1001@example.com>\r\n\
        Call-ID: 5f0c6a37-4f0e-4f49-b8de-9f4b1d3a7a11\r\n\
        CSeq: 102 INVITE\r\n\
        Contact: <sip:1002@192.0.2.10:5060;ob>;+sip.instance=\"<urn:uuid:5f0c6a37>\"\r\n\
        Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, SUBSCRIBE, NOTIFY, INFO, PUBLISH, MESSAGE\r\n\
        Supported: replaces, timer, norefersub, 100rel\r\n\
        Session-Expires: 1800;refresher=uac\r\n\
        User-Agent: Phone 1.0\r\n\
        Content-Type: application/sdp\r\n\
        Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

fn sip_parse(c: &mut Criterion) {
    let bytes = invite();
    let parsed = parse_datagram(&bytes).expect("the INVITE can be read");
    assert_eq!(parsed.defects, []);
    let Message::Request(request) = parsed.message else {
        unreachable!("it is a request")
    };

    let mut group = c.benchmark_group("sip");
    group.throughput(Throughput::Bytes(
        u64::try_from(bytes.len()).expect("it is short"),
    ));
    group.bench_function("read an INVITE", |b| {
        b.iter(|| parse_datagram(black_box(&bytes)).is_ok())
    });
    group.bench_function("write an INVITE", |b| {
        b.iter(|| black_box(&request).to_bytes())
    });
    group.bench_function("cut an INVITE out of a stream", |b| {
        let mut framer = StreamFramer::new(FramingLimits::default());
        b.iter(|| {
            framer.push(black_box(&bytes));
            framer.next()
        });
    });
    group.finish();

    let mut refusal = Response::new(StatusCode::UNAUTHORIZED);
    refusal.headers.push(
        "WWW-Authenticate",
        r#"Digest realm="example.com", nonce="84a4cc6f3082121f", qop="auth", algorithm=SHA-256"#,
    );
    let password = Secret::from("zanzibar");
    c.bench_function("sip/sign an INVITE (SHA-256)", |b| {
        let mut client = DigestClient::new(Credentials {
            user: "1002".to_owned(),
            password: password.clone(),
            memory: DigestMemory::default(),
        });
        b.iter(|| client.answer(black_box(&refusal), black_box(&request), 1));
    });
}

criterion_group!(benches, sip_parse);
criterion_main!(benches);
