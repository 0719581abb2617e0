//! Reads a body and says what is wrong with it.
//!
//! Nothing is refused but size and what is no SDP at all: a phone that hangs up over a missing `t=`
//! line is no phone. Defects are for `ramal inspect` and the log.

use super::attributes::RtpMap;
use super::description::{ConnectionHost, Line, MediaDescription, Origin, SessionDescription};

/// Longest body that is read, in bytes: what one UDP datagram can carry.
pub const MAX_BODY: usize = 65_535;
/// Longest line that is read, in bytes.
pub const MAX_LINE: usize = 4_096;
/// Most lines that are read. A browser offering audio and video writes about 150.
pub const MAX_LINES: usize = 1_024;
/// Most defects that are told; a broken line can have several.
const MAX_DEFECTS: usize = 128;

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The description, complete.
    pub description: SessionDescription,
    /// What RFC 8866 would have had otherwise.
    pub defects: Vec<Defect>,
}

/// Something that RFC 8866 forbids and that was forgiven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defect {
    /// What is wrong.
    pub kind: DefectKind,
    /// The line it is on, from 1, blank lines counted; `None` when it is about a line that is not
    /// there.
    pub line: Option<usize>,
}

/// The ways in which bodies are wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DefectKind {
    /// A line ends with LF or CR alone. Told once.
    BareLineEnd,
    /// The last line has no end.
    UnendedLine,
    /// A line with nothing on it.
    BlankLine,
    /// A line that is not of the form `x=value`.
    NotALine,
    /// Blanks around the type, before the value or after it.
    StrayBlanks,
    /// Bytes that are no UTF-8, without `a=charset`.
    NotUtf8,
    /// `v=` is missing or not first.
    MissingVersion,
    /// `v=` says something else than 0.
    OtherVersion,
    /// No `o=` line.
    MissingOrigin,
    /// `o=` cannot be read.
    UnreadableOrigin,
    /// No `s=` line.
    MissingSessionName,
    /// No `t=` line.
    MissingTiming,
    /// An audio stream for which neither media nor session have a `c=` line.
    MissingConnection,
    /// `c=` cannot be read.
    UnreadableConnection,
    /// `m=` lacks a field or its port is no port.
    UnreadableMedia,
    /// `a=rtpmap` cannot be read.
    UnreadableRtpMap,
}

impl DefectKind {
    /// The section that is offended.
    #[must_use]
    pub const fn section(self) -> &'static str {
        match self {
            DefectKind::BareLineEnd
            | DefectKind::UnendedLine
            | DefectKind::BlankLine
            | DefectKind::NotALine
            | DefectKind::StrayBlanks => "RFC 8866 5",
            DefectKind::NotUtf8 => "RFC 8866 4.5",
            DefectKind::MissingVersion | DefectKind::OtherVersion => "RFC 8866 5.1",
            DefectKind::MissingOrigin | DefectKind::UnreadableOrigin => "RFC 8866 5.2",
            DefectKind::MissingSessionName => "RFC 8866 5.3",
            DefectKind::MissingConnection | DefectKind::UnreadableConnection => "RFC 8866 5.7",
            DefectKind::MissingTiming => "RFC 8866 5.9",
            DefectKind::UnreadableMedia => "RFC 8866 5.14",
            DefectKind::UnreadableRtpMap => "RFC 8866 6.6",
        }
    }
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Longer than [`MAX_BODY`].
    #[error("the body has {0} bytes")]
    BodyTooLong(usize),
    /// A line longer than [`MAX_LINE`].
    #[error("line {0} is too long")]
    LineTooLong(usize),
    /// More than [`MAX_LINES`].
    #[error("the body has too many lines")]
    TooManyLines,
    /// Neither `v=` nor `m=` in it.
    #[error("the body is no session description")]
    NotSdp,
}

/// Reads a body. Lines may end with CR LF, LF or CR.
///
/// # Errors
/// When the body is larger than the limits of this module or is no SDP.
pub fn parse(body: &[u8]) -> Result<Parsed, ParseError> {
    if body.len() > MAX_BODY {
        return Err(ParseError::BodyTooLong(body.len()));
    }
    let mut defects = Defects::default();
    let mut description = SessionDescription::default();
    let mut rest = body;
    let mut number = 0;
    let mut kept = 0;
    let mut has_version = false;
    while let Some((bytes, end, after)) = next_line(rest) {
        rest = after;
        number += 1;
        match end {
            LineEnd::CrLf => {}
            LineEnd::Bare => defects.note_once(DefectKind::BareLineEnd, number),
            LineEnd::None => defects.note(DefectKind::UnendedLine, number),
        }
        if bytes.len() > MAX_LINE {
            return Err(ParseError::LineTooLong(number));
        }
        if bytes.trim_ascii().is_empty() {
            defects.note(DefectKind::BlankLine, number);
            continue;
        }
        kept += 1;
        if kept > MAX_LINES {
            return Err(ParseError::TooManyLines);
        }
        let line = Line::from_bytes(bytes);
        inspect(&line, bytes, number, &mut defects);
        if kept == 1 && line.kind() != Some('v') {
            defects.note(DefectKind::MissingVersion, number);
        }
        has_version |= line.kind() == Some('v');
        if line.kind() == Some('m') {
            description.media.push(MediaDescription {
                line,
                lines: Vec::new(),
            });
        } else if let Some(media) = description.media.last_mut() {
            media.lines.push(line);
        } else {
            description.lines.push(line);
        }
    }
    if !has_version && description.media.is_empty() {
        return Err(ParseError::NotSdp);
    }
    inspect_whole(&description, &mut defects);
    Ok(Parsed {
        description,
        defects: defects.list,
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LineEnd {
    CrLf,
    Bare,
    None,
}

/// Cuts the first line off; `None` at the end.
fn next_line(rest: &[u8]) -> Option<(&[u8], LineEnd, &[u8])> {
    if rest.is_empty() {
        return None;
    }
    let Some(at) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
        return Some((rest, LineEnd::None, &[]));
    };
    let (line, end) = rest.split_at(at);
    Some(match end.strip_prefix(b"\r\n") {
        Some(after) => (line, LineEnd::CrLf, after),
        None => (line, LineEnd::Bare, end.get(1..).unwrap_or_default()),
    })
}

/// Collects defects up to [`MAX_DEFECTS`].
#[derive(Default)]
struct Defects {
    list: Vec<Defect>,
}

impl Defects {
    fn push(&mut self, kind: DefectKind, line: Option<usize>) {
        if self.list.len() < MAX_DEFECTS {
            self.list.push(Defect { kind, line });
        }
    }

    fn note(&mut self, kind: DefectKind, line: usize) {
        self.push(kind, Some(line));
    }

    fn note_once(&mut self, kind: DefectKind, line: usize) {
        if self.list.iter().all(|defect| defect.kind != kind) {
            self.note(kind, line);
        }
    }
}

/// What one line shows by itself.
fn inspect(line: &Line, bytes: &[u8], number: usize, defects: &mut Defects) {
    let Some(kind) = line.kind() else {
        return defects.note(DefectKind::NotALine, number);
    };
    if std::str::from_utf8(bytes).is_err() {
        defects.note(DefectKind::NotUtf8, number);
    } else if !line.is_tidy() && line.value() != "" {
        // `s= ` is what RFC 4566 section 5.3 asked for: a blank alone is no defect.
        defects.note(DefectKind::StrayBlanks, number);
    }
    match kind {
        'v' if line.value() != "0" => defects.note(DefectKind::OtherVersion, number),
        'o' if Origin::read(line.value()).is_none() => {
            defects.note(DefectKind::UnreadableOrigin, number);
        }
        'c' if !is_connection(line.value()) => {
            defects.note(DefectKind::UnreadableConnection, number);
        }
        'm' => {
            let media = MediaDescription {
                line: line.clone(),
                lines: Vec::new(),
            };
            if media.port().is_none() || media.formats().next().is_none() {
                defects.note(DefectKind::UnreadableMedia, number);
            }
        }
        'a' => {
            let unreadable = line
                .attribute()
                .is_some_and(|a| a.is("rtpmap") && a.value.and_then(RtpMap::read).is_none());
            if unreadable {
                defects.note(DefectKind::UnreadableRtpMap, number);
            }
        }
        _ => {}
    }
}

fn is_connection(value: &str) -> bool {
    let words: Vec<&str> = value.split_whitespace().take(4).collect();
    let [network, kind, host] = words.as_slice() else {
        return false;
    };
    network.eq_ignore_ascii_case("IN")
        && match ConnectionHost::read(host) {
            ConnectionHost::Ip(ip) if ip.is_ipv4() => kind.eq_ignore_ascii_case("IP4"),
            ConnectionHost::Ip(_) => kind.eq_ignore_ascii_case("IP6"),
            ConnectionHost::Name(_) => true,
        }
}

/// What only the whole shows.
fn inspect_whole(description: &SessionDescription, defects: &mut Defects) {
    for (kind, defect) in [
        ('o', DefectKind::MissingOrigin),
        ('s', DefectKind::MissingSessionName),
        ('t', DefectKind::MissingTiming),
    ] {
        if description
            .lines
            .iter()
            .all(|line| line.kind() != Some(kind))
        {
            defects.push(defect, None);
        }
    }
    if description
        .media
        .iter()
        .any(|m| m.is_audio() && m.port() != Some(0) && description.connection_of(m).is_none())
    {
        defects.push(DefectKind::MissingConnection, None);
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::sdp::{LocalAudio, Negotiation};

    const BODY: &str = "v=0\r\n\
        o=- 3925462881 1247033129 IN IP4 192.0.2.15\r\n\
        s=-\r\n\
        c=IN IP4 192.0.2.15\r\n\
        t=0 0\r\n\
        a=group:BUNDLE 0 1\r\n\
        m=audio 13426 RTP/AVP 96 9 0 8 101 102\r\n\
        a=rtpmap:96 opus/48000/2\r\n\
        a=fmtp:96 stereo=1;useinbandfec=1;maxplaybackrate=16000\r\n\
        a=rtpmap:101 telephone-event/8000\r\n\
        a=rtpmap:102 telephone-event/48000\r\n\
        a=fmtp:101 0-15\r\n\
        a=rtcp:13427 IN IP6 2001:db8::1\r\n\
        a=rtcp-mux\r\n\
        a=ptime:20\r\n\
        a=maxptime:60\r\n\
        a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n\
        a=candidate:1 1 UDP 2130706431 192.0.2.15 13426 typ host\r\n\
        a=sendonly\r\n\
        m=image 4004 udptl t38\r\n\
        c=IN IP6 2001:db8::15\r\n\
        a=T38FaxVersion:0\r\n\
        m=application 5070 TCP/BFCP *\r\n\
        b=AS:64\r\n";

    #[test]
    fn a_good_body_has_no_defects_and_comes_back_to_the_byte() {
        let parsed = parse(BODY.as_bytes()).unwrap();
        assert_eq!(parsed.defects, []);
        assert_eq!(
            String::from_utf8_lossy(&parsed.description.to_bytes()),
            BODY
        );
        assert_eq!(parsed.description.media.len(), 3);
        assert_eq!(
            parsed.description.media[0]
                .attribute_values("crypto")
                .count(),
            1
        );
    }

    #[test]
    fn each_defect_is_told_with_its_line() {
        let check = |body: &str, kind: DefectKind, line: Option<usize>| {
            let defects = parse(body.as_bytes()).unwrap().defects;
            assert_eq!(defects, [Defect { kind, line }], "{body:?}");
        };
        let good = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 1 RTP/AVP 0\r\n";
        assert_eq!(parse(good.as_bytes()).unwrap().defects, []);
        check(
            &good.replacen("\r\n", "\n", 3),
            DefectKind::BareLineEnd,
            Some(1),
        );
        check(good.trim_end(), DefectKind::UnendedLine, Some(6));
        check(
            &good.replace("s=-\r\n", "s=-\r\n\r\n"),
            DefectKind::BlankLine,
            Some(4),
        );
        check(
            &good.replace("s=-", "s=-\r\nhello"),
            DefectKind::NotALine,
            Some(4),
        );
        check(
            &good.replace("s=-", " s=-"),
            DefectKind::StrayBlanks,
            Some(3),
        );
        check(
            &good.replace("t=0 0", "t=0 0 "),
            DefectKind::StrayBlanks,
            Some(5),
        );
        check(
            &good.replace("v=0", "v=1"),
            DefectKind::OtherVersion,
            Some(1),
        );
        check(
            &good.replace("v=0\r\n", ""),
            DefectKind::MissingVersion,
            Some(1),
        );
        check(
            &good.replace("o=- 1 1 ", "o=- 1 "),
            DefectKind::UnreadableOrigin,
            Some(2),
        );
        check(
            &good.replace("o=- 1 1 IN IP4 192.0.2.1\r\n", ""),
            DefectKind::MissingOrigin,
            None,
        );
        check(
            &good.replace("s=-\r\n", ""),
            DefectKind::MissingSessionName,
            None,
        );
        check(
            &good.replace("t=0 0\r\n", ""),
            DefectKind::MissingTiming,
            None,
        );
        check(
            &good.replace("c=IN IP4 192.0.2.1\r\n", ""),
            DefectKind::MissingConnection,
            None,
        );
        check(
            &good.replace("c=IN IP4", "c=IN IP6"),
            DefectKind::UnreadableConnection,
            Some(4),
        );
        check(
            &good.replace("audio 1 ", "audio x "),
            DefectKind::UnreadableMedia,
            Some(6),
        );
        check(
            &format!("{good}a=rtpmap:0 PCMU\r\n"),
            DefectKind::UnreadableRtpMap,
            Some(7),
        );
        // RFC 4566 section 5.3 asked for a blank where there is no name.
        assert_eq!(
            parse(good.replace("s=-", "s= ").as_bytes())
                .unwrap()
                .defects,
            []
        );
    }

    #[test]
    fn size_is_bounded() {
        let line = format!("v=0\r\na={}\r\n", "x".repeat(MAX_LINE));
        assert_eq!(parse(line.as_bytes()), Err(ParseError::LineTooLong(2)));
        let lines = "v=0\r\n".repeat(MAX_LINES + 1);
        assert_eq!(parse(lines.as_bytes()), Err(ParseError::TooManyLines));
        assert!(parse("v=0\r\n".repeat(MAX_LINES).as_bytes()).is_ok());
        let body = vec![b'\n'; MAX_BODY + 1];
        assert_eq!(parse(&body), Err(ParseError::BodyTooLong(MAX_BODY + 1)));
        let junk = parse("hello\r\n".repeat(MAX_LINES).as_bytes());
        assert_eq!(junk, Err(ParseError::NotSdp));
        assert_eq!(parse(b""), Err(ParseError::NotSdp));
        let blanks = format!("v=0{}", "\r\n".repeat(1_000));
        assert_eq!(parse(blanks.as_bytes()).unwrap().defects.len(), MAX_DEFECTS);
    }

    /// What is left of a body when line ends are made equal and blank lines go.
    fn lines_of(body: &[u8]) -> Vec<&[u8]> {
        body.split(|byte| matches!(byte, b'\r' | b'\n'))
            .filter(|line| !line.trim_ascii().is_empty())
            .collect()
    }

    #[test]
    fn whatever_is_done_to_a_body_nothing_panics_and_no_line_is_lost() {
        let address: IpAddr = "192.0.2.99".parse().unwrap();
        let pieces: [&[u8]; 12] = [
            b"\r\n",
            b"\n",
            b" ",
            b"m=",
            b"a=",
            b"c=IN IP4 0.0.0.0\r\n",
            b"/",
            b"=",
            b"65536",
            b"\xff",
            b"-1",
            b"m=audio 1 RTP/AVP 96\r\n",
        ];
        let mut read = 0;
        let mut agreed = 0;
        for seed in 0..4_000 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut body = BODY.as_bytes().to_vec();
            for _ in 0..rng.random_range(1..8) {
                let at = rng.random_range(0..body.len());
                match rng.random_range(0..4) {
                    0 => body[at] = rng.random(),
                    1 => drop(body.remove(at)),
                    2 => {
                        let piece = pieces[rng.random_range(0..pieces.len())];
                        body.splice(at..at, piece.iter().copied());
                    }
                    _ => {
                        let end = rng.random_range(at..body.len().min(at + 40));
                        let copy = body[at..end].to_vec();
                        body.splice(end..end, copy);
                    }
                }
            }
            let Ok(parsed) = parse(&body) else { continue };
            read += 1;
            let written = parsed.description.to_bytes();
            assert_eq!(lines_of(&written), lines_of(&body), "seed {seed}");
            assert_eq!(
                parse(&written).unwrap().description,
                parsed.description,
                "seed {seed}"
            );

            let mut callee = Negotiation::new(1, LocalAudio::new(address, 4_000));
            if let Ok((answer, _)) = callee.handle_offer(&parsed.description) {
                agreed += 1;
                assert_eq!(
                    answer.media.len(),
                    parsed.description.media.len(),
                    "seed {seed}"
                );
                let again = parse(&answer.to_bytes()).unwrap();
                assert_eq!(again.description, answer, "seed {seed}");
            }
            let mut caller = Negotiation::new(2, LocalAudio::new(address, 4_000));
            let _ = caller.offer();
            let _ = caller.handle_answer(&parsed.description);
        }
        // The mutations are mild enough that the test means something.
        assert!(read > 3_900, "{read}");
        assert!(agreed > 2_500, "{agreed}");
    }
}
