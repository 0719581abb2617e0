//! SIP that passes the relay: as it came, but for where sound is to be sent.

use std::net::SocketAddr;

use crate::sdp::{Attribute, Line, MediaDescription, SessionDescription};
use crate::sip::{Message, parse_datagram};
use crate::units::PayloadType;

/// A message on its way through.
#[derive(Debug)]
pub(super) struct Passing {
    /// What goes on.
    pub(super) bytes: Vec<u8>,
    /// Where its sender wants sound, if it says so.
    pub(super) sound_to: Option<SocketAddr>,
    /// The payload type of packets that carry earlier ones again (RFC 2198), if it names one.
    pub(super) redundant: Option<PayloadType>,
}

/// Lets a message through; sound is to be sent to `port` instead of where its sender has it.
pub(super) fn pass(datagram: &[u8], port: u16) -> Passing {
    let untouched = || Passing {
        bytes: datagram.to_vec(),
        sound_to: None,
        redundant: None,
    };
    let Ok(parsed) = parse_datagram(datagram) else {
        return untouched();
    };
    let mut message = parsed.message;
    let Ok(parsed) = crate::sdp::parse(message.body()) else {
        return untouched();
    };
    let mut description = parsed.description;
    let sound_to = sound_to(&description);
    let redundant = description.media.first().and_then(redundant);
    for media in &mut description.media {
        redirect(media, port);
    }
    let body = description.to_bytes();
    match &mut message {
        Message::Request(request) => request.body = body,
        Message::Response(response) => response.body = body,
    }
    match message.to_bytes() {
        Ok(bytes) => Passing {
            bytes,
            sound_to,
            redundant,
        },
        Err(_) => untouched(),
    }
}

fn sound_to(description: &SessionDescription) -> Option<SocketAddr> {
    let media = description.media.first()?;
    let ip = description.connection_of(media)?.ip()?;
    media.port().map(|port| SocketAddr::new(ip, port))
}

fn redundant(media: &MediaDescription) -> Option<PayloadType> {
    let number = |text: &str| PayloadType::new(text.parse().ok()?);
    media.formats().filter_map(number).find(|number| {
        media
            .rtpmap(*number)
            .is_some_and(|map| map.encoding.eq_ignore_ascii_case("red"))
    })
}

fn redirect(media: &mut MediaDescription, port: u16) {
    let words: Vec<String> = media
        .line
        .value()
        .split_whitespace()
        .enumerate()
        .map(|(index, word)| match index {
            1 => port.to_string(),
            _ => word.to_owned(),
        })
        .collect();
    media.line = Line::new('m', words.join(" "));
    // Reports come the same way as sound.
    let elsewhere = |attribute: Attribute<'_>| attribute.name.eq_ignore_ascii_case("rtcp");
    media
        .lines
        .retain(|line| !line.attribute().is_some_and(elsewhere));
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "INVITE sip:b@127.0.0.1:5070 SIP/2.0\r\n\
        Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1;rport\r\n\
        Max-Forwards: 70\r\n\
        From: <sip:a@127.0.0.1>;tag=1\r\n\
        To: <sip:b@127.0.0.1:5070>\r\n\
        Call-ID: 1@127.0.0.1\r\n\
        CSeq: 1 INVITE\r\n\
        X-Kept: as it came\r\n\
        Content-Type: application/sdp\r\n\
        Content-Length: LENGTH\r\n\r\n";
    const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
        m=audio 9000 RTP/AVP 96 97\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:97 red/48000/2\r\n\
        a=rtcp:9001\r\na=rtcp-mux\r\n";

    #[test]
    fn only_the_way_of_the_sound_is_changed() {
        let head = OFFER.replace("LENGTH", &SDP.len().to_string());
        let passing = pass(format!("{head}{SDP}").as_bytes(), 40_000);
        let there = "127.0.0.1:9000".parse().unwrap();
        assert_eq!(passing.sound_to, Some(there));
        assert_eq!(passing.redundant, PayloadType::new(97));
        let sdp = SDP.replace("9000", "40000").replace("a=rtcp:9001\r\n", "");
        let head = OFFER.replace("LENGTH", &sdp.len().to_string());
        let expected = format!("{head}{sdp}");
        assert_eq!(String::from_utf8_lossy(&passing.bytes), expected);
    }

    #[test]
    fn what_says_nothing_of_sound_goes_on_to_the_byte() {
        let bye = OFFER
            .replace("INVITE", "BYE")
            .replace("Content-Type: application/sdp\r\n", "")
            .replace("LENGTH", "0");
        for datagram in [bye.as_bytes(), b"\r\n\r\n", b"no SIP at all", &[0xff; 40]] {
            let passing = pass(datagram, 40_000);
            assert_eq!(passing.bytes, datagram);
            assert_eq!((passing.sound_to, passing.redundant), (None, None));
        }
    }
}
