//! A session description as the lines it is made of (RFC 8866 section 5).
//!
//! Every line is kept, also one that nobody understands, so that what was read can be written again.
//! Only blank lines and the kind of line ends are forgotten.

use std::fmt;
use std::net::IpAddr;

use crate::units::PayloadType;

use super::attributes::{Attribute, Direction, Fmtp, RtcpAddress, RtcpXr, RtpMap};

/// One `x=value` line.
#[derive(Clone, PartialEq, Eq)]
pub struct Line {
    kind: Option<char>,
    value: String,
    /// The line as it came, where `kind=value` would write another one: blanks in odd places, bytes
    /// that are no UTF-8, no `=` at all.
    raw: Option<Vec<u8>>,
}

impl Line {
    /// A line of ours. Control characters, line ends above all, become `_`: no value can smuggle a
    /// second line in.
    #[must_use]
    pub fn new(kind: char, value: impl Into<String>) -> Line {
        let mut value: String = value.into();
        if value.contains(char::is_control) {
            value = value.replace(char::is_control, "_");
        }
        Line {
            kind: Some(kind),
            value,
            raw: None,
        }
    }

    /// An attribute line of ours: `a=name` or `a=name:value`.
    #[must_use]
    pub fn attribute_line(name: &str, value: Option<&str>) -> Line {
        match value {
            Some(value) => Line::new('a', format!("{name}:{value}")),
            None => Line::new('a', name),
        }
    }

    /// A line as it came, without its line end.
    pub(super) fn from_bytes(bytes: &[u8]) -> Line {
        let text = String::from_utf8_lossy(bytes);
        let trimmed = text.trim();
        let mut chars = trimmed.chars();
        let letter = chars.next().filter(char::is_ascii_alphabetic);
        let (kind, value) = match (letter, chars.as_str().trim_start().strip_prefix('=')) {
            (Some(letter), Some(value)) => (Some(letter), value.trim().to_owned()),
            _ => (None, trimmed.to_owned()),
        };
        let mut line = Line {
            kind,
            value,
            raw: None,
        };
        let mut again = Vec::with_capacity(bytes.len());
        line.write(&mut again);
        if again != bytes {
            line.raw = Some(bytes.to_vec());
        }
        line
    }

    /// The letter before `=`; `None` for a line that has none.
    #[must_use]
    pub const fn kind(&self) -> Option<char> {
        self.kind
    }

    /// What follows `=`, without surrounding blanks; the whole line where there is no `=`. Bytes
    /// that are no UTF-8 show as U+FFFD.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether the line came in the form `x=value`, in UTF-8 and without stray blanks.
    #[must_use]
    pub const fn is_tidy(&self) -> bool {
        self.raw.is_none()
    }

    /// The attribute of an `a=` line.
    #[must_use]
    pub fn attribute(&self) -> Option<Attribute<'_>> {
        (self.kind == Some('a')).then(|| Attribute::read(&self.value))
    }

    /// Appends the line without a line end.
    fn write(&self, out: &mut Vec<u8>) {
        if let Some(raw) = &self.raw {
            out.extend_from_slice(raw);
            return;
        }
        if let Some(kind) = self.kind {
            let mut letter = [0; 4];
            out.extend_from_slice(kind.encode_utf8(&mut letter).as_bytes());
            out.push(b'=');
        }
        out.extend_from_slice(self.value.as_bytes());
    }
}

/// Keys of SRTP and ICE are not shown.
impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = self.kind == Some('k')
            || self
                .attribute()
                .is_some_and(|a| a.is("crypto") || a.is("ice-pwd") || a.is("key-mgmt"));
        match (self.kind, self.attribute()) {
            (_, Some(attribute)) if secret => write!(f, "a={}:[secret]", attribute.name),
            (Some(kind), _) if secret => write!(f, "{kind}=[secret]"),
            (Some(kind), _) => write!(f, "{kind}={}", self.value),
            (None, _) => f.write_str(&self.value),
        }
    }
}

/// The host of an `o=` or `c=` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionHost {
    /// An address literal.
    Ip(IpAddr),
    /// A name somebody has to resolve.
    Name(String),
}

impl ConnectionHost {
    /// Reads a host; a multicast scope (`224.2.36.42/127`) and IPv6 brackets are left off.
    #[must_use]
    pub fn read(text: &str) -> ConnectionHost {
        let bare = text.split('/').next().unwrap_or(text);
        let bare = bare.strip_prefix('[').unwrap_or(bare);
        let bare = bare.strip_suffix(']').unwrap_or(bare);
        match bare.parse() {
            Ok(ip) => ConnectionHost::Ip(ip),
            Err(_) => ConnectionHost::Name(bare.to_owned()),
        }
    }

    /// The address, unless it is a name.
    #[must_use]
    pub const fn ip(&self) -> Option<IpAddr> {
        match self {
            ConnectionHost::Ip(ip) => Some(*ip),
            ConnectionHost::Name(_) => None,
        }
    }

    /// `IN IP4 192.0.2.1`, as `o=` and `c=` lines end. A name is taken for IPv4.
    fn as_network(&self) -> String {
        match self {
            ConnectionHost::Ip(IpAddr::V4(ip)) => format!("IN IP4 {ip}"),
            ConnectionHost::Ip(IpAddr::V6(ip)) => format!("IN IP6 {ip}"),
            ConnectionHost::Name(name) => format!("IN IP4 {name}"),
        }
    }

    /// Reads `IN IP4 192.0.2.1`; only the last word has to be there.
    fn from_network(text: &str) -> Option<ConnectionHost> {
        let mut words = text.split_whitespace();
        let last = words.next_back()?;
        // `c=IN IP4` names no host.
        let is_keyword = ["IN", "IP4", "IP6"]
            .iter()
            .any(|word| last.eq_ignore_ascii_case(word));
        (!is_keyword).then(|| ConnectionHost::read(last))
    }
}

/// The `o=` line (RFC 8866 section 5.2): who made the description, and which state of it this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// `-` unless the host knows user names.
    pub username: String,
    /// The same through the whole session.
    pub session_id: u64,
    /// Grows by one with each change of the description.
    pub session_version: u64,
    /// The host that made it.
    pub host: ConnectionHost,
}

impl Origin {
    /// Reads the value of an `o=` line; numbers past 64 bits are none.
    #[must_use]
    pub fn read(value: &str) -> Option<Origin> {
        let mut words = value.split_whitespace();
        let username = words.next()?.to_owned();
        let session_id = words.next()?.parse().ok()?;
        let session_version = words.next()?.parse().ok()?;
        let host = ConnectionHost::read(words.next_back()?);
        Some(Origin {
            username,
            session_id,
            session_version,
            host,
        })
    }

    fn line(&self) -> Line {
        let Origin {
            username,
            session_id,
            session_version,
            host,
        } = self;
        Line::new(
            'o',
            format!(
                "{username} {session_id} {session_version} {}",
                host.as_network()
            ),
        )
    }
}

/// A whole body: the lines before the first `m=`, then the media.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionDescription {
    /// The session lines, `v=` and `o=` among them, in their order.
    pub lines: Vec<Line>,
    /// The streams in their order; offer and answer are matched by it.
    pub media: Vec<MediaDescription>,
}

impl SessionDescription {
    /// The session lines of a description of ours, without media. `timing` is the value of `t=`,
    /// which an answer repeats from its offer (RFC 3264 section 6).
    #[must_use]
    pub fn new(origin: &Origin, connection: IpAddr, timing: &str) -> SessionDescription {
        let lines = vec![
            Line::new('v', "0"),
            origin.line(),
            Line::new('s', "-"),
            Line::new('c', ConnectionHost::Ip(connection).as_network()),
            Line::new('t', timing),
        ];
        SessionDescription {
            lines,
            media: Vec::new(),
        }
    }

    /// The `o=` line; `None` when it is missing or unreadable.
    #[must_use]
    pub fn origin(&self) -> Option<Origin> {
        Origin::read(first_value(&self.lines, 'o')?)
    }

    /// Puts an `o=` line in place of the one that is there, or after `v=`.
    pub fn set_origin(&mut self, origin: &Origin) {
        match self.lines.iter_mut().find(|line| line.kind == Some('o')) {
            Some(line) => *line = origin.line(),
            None => self.lines.insert(1.min(self.lines.len()), origin.line()),
        }
    }

    /// The value of `t=`.
    #[must_use]
    pub fn timing(&self) -> Option<&str> {
        first_value(&self.lines, 't')
    }

    /// The session's `c=` line.
    #[must_use]
    pub fn connection(&self) -> Option<ConnectionHost> {
        ConnectionHost::from_network(first_value(&self.lines, 'c')?)
    }

    /// The host of one stream: its own `c=` line, else the session's.
    #[must_use]
    pub fn connection_of(&self, media: &MediaDescription) -> Option<ConnectionHost> {
        media.connection().or_else(|| self.connection())
    }

    /// The direction of one stream: its own attribute, else the session's, else both ways.
    #[must_use]
    pub fn direction_of(&self, media: &MediaDescription) -> Direction {
        media
            .direction()
            .or_else(|| direction_in(&self.lines))
            .unwrap_or_default()
    }

    /// The extended reports asked for in one stream: by its own attribute, else by the session's.
    #[must_use]
    pub fn rtcp_xr_of(&self, media: &MediaDescription) -> RtcpXr {
        let of_session = || {
            self.attributes()
                .find(|attribute| attribute.is("rtcp-xr"))
                .map(|attribute| attribute.value.unwrap_or_default())
        };
        let value = media.attribute("rtcp-xr").or_else(of_session);
        value.map(RtcpXr::read).unwrap_or_default()
    }

    /// The session's attributes.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'_>> {
        self.lines.iter().filter_map(Line::attribute)
    }

    /// The body as it goes out, each line ended by CR LF.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        for line in self.all_lines() {
            line.write(&mut out);
            out.extend_from_slice(b"\r\n");
        }
        out
    }

    /// All lines of the body in their order.
    pub fn all_lines(&self) -> impl Iterator<Item = &Line> {
        let media = self
            .media
            .iter()
            .flat_map(|m| std::iter::once(&m.line).chain(&m.lines));
        self.lines.iter().chain(media)
    }
}

/// The body as text; bytes that are no UTF-8 show as U+FFFD.
impl fmt::Display for SessionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.to_bytes()))
    }
}

/// One stream: an `m=` line and what follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaDescription {
    /// The `m=` line.
    pub line: Line,
    /// The lines up to the next `m=`.
    pub lines: Vec<Line>,
}

/// Formats looked at in one `m=` line: RTP has 128 payload types.
const MAX_FORMATS: usize = 128;

impl MediaDescription {
    /// A stream of ours without attributes.
    #[must_use]
    pub fn new(kind: &str, port: u16, protocol: &str, formats: &[String]) -> MediaDescription {
        let formats = formats.join(" ");
        let line = Line::new('m', format!("{kind} {port} {protocol} {formats}"));
        MediaDescription {
            line,
            lines: Vec::new(),
        }
    }

    /// The refusal of this stream: the same with port zero and nothing else (RFC 3264 section 6).
    /// What is missing from the `m=` line is made up, since an answer needs a line for each.
    #[must_use]
    pub fn rejection(&self) -> MediaDescription {
        let kind = self.kind();
        let kind = if kind.is_empty() { "audio" } else { kind };
        let protocol = self.protocol();
        let protocol = if protocol.is_empty() {
            "RTP/AVP"
        } else {
            protocol
        };
        let mut formats: Vec<String> = self.formats().map(str::to_owned).collect();
        if formats.is_empty() {
            formats.push("0".to_owned());
        }
        MediaDescription::new(kind, 0, protocol, &formats)
    }

    /// `audio`, `video`, `image`, `application`…, as it came.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.word(0)
    }

    /// Whether this is an audio stream.
    #[must_use]
    pub fn is_audio(&self) -> bool {
        self.kind().eq_ignore_ascii_case("audio")
    }

    /// The port; zero is a stream that is not wanted, `None` one that cannot be read.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        // `49170/2` asks for two ports in a row (RFC 8866 section 5.14); the first is the one.
        self.word(1).split('/').next()?.parse().ok()
    }

    /// `RTP/AVP`, `udptl`, `TCP/BFCP`…, as it came.
    #[must_use]
    pub fn protocol(&self) -> &str {
        self.word(2)
    }

    /// The formats in their order: payload types where the protocol is RTP.
    pub fn formats(&self) -> impl Iterator<Item = &str> {
        self.line.value.split_whitespace().skip(3).take(MAX_FORMATS)
    }

    fn word(&self, index: usize) -> &str {
        self.line.value.split_whitespace().nth(index).unwrap_or("")
    }

    /// The stream's own `c=` line.
    #[must_use]
    pub fn connection(&self) -> Option<ConnectionHost> {
        ConnectionHost::from_network(first_value(&self.lines, 'c')?)
    }

    /// The stream's attributes.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'_>> {
        self.lines.iter().filter_map(Line::attribute)
    }

    /// The value of the first attribute `name`; `Some("")` for one without a value.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes()
            .find(|a| a.is(name))
            .map(|a| a.value.unwrap_or(""))
    }

    /// The values of all attributes `name`: `crypto`, `candidate`…
    pub fn attribute_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.attributes()
            .filter(move |a| a.is(name))
            .filter_map(|a| a.value)
    }

    /// The stream's own direction; the last of several counts.
    #[must_use]
    pub fn direction(&self) -> Option<Direction> {
        direction_in(&self.lines)
    }

    /// What `a=rtpmap` says of a payload type.
    #[must_use]
    pub fn rtpmap(&self, payload_type: PayloadType) -> Option<RtpMap> {
        self.attribute_values("rtpmap")
            .filter_map(RtpMap::read)
            .find(|map| map.payload_type == payload_type)
    }

    /// What `a=fmtp` says of a payload type; nothing said is an empty list.
    #[must_use]
    pub fn fmtp(&self, payload_type: PayloadType) -> Fmtp {
        self.attribute_values("fmtp")
            .map(|value| value.split_once(char::is_whitespace).unwrap_or((value, "")))
            .find(|(number, _)| number.parse() == Ok(payload_type.number()))
            .map(|(_, params)| Fmtp::read(params))
            .unwrap_or_default()
    }

    /// `a=ptime` in milliseconds. Some write a fraction (`a=ptime:20.0`), which is cut.
    #[must_use]
    pub fn ptime_millis(&self) -> Option<u32> {
        millis(self.attribute("ptime")?)
    }

    /// `a=maxptime` in milliseconds.
    #[must_use]
    pub fn max_ptime_millis(&self) -> Option<u32> {
        millis(self.attribute("maxptime")?)
    }

    /// Whether RTP and RTCP may share a port (RFC 5761).
    #[must_use]
    pub fn rtcp_mux(&self) -> bool {
        self.attribute("rtcp-mux").is_some()
    }

    /// Where RTCP goes when not to the next port (RFC 3605).
    #[must_use]
    pub fn rtcp(&self) -> Option<RtcpAddress> {
        RtcpAddress::read(self.attribute("rtcp")?)
    }
}

fn first_value(lines: &[Line], kind: char) -> Option<&str> {
    lines
        .iter()
        .find(|line| line.kind == Some(kind))
        .map(Line::value)
}

fn direction_in(lines: &[Line]) -> Option<Direction> {
    lines
        .iter()
        .rev()
        .filter_map(Line::attribute)
        .find_map(|a| Direction::from_name(a.name))
}

fn millis(text: &str) -> Option<u32> {
    text.split('.')
        .next()?
        .trim()
        .parse()
        .ok()
        .filter(|n| *n > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(lines: &[&str]) -> MediaDescription {
        let mut lines = lines.iter().map(|line| Line::from_bytes(line.as_bytes()));
        MediaDescription {
            line: lines.next().unwrap(),
            lines: lines.collect(),
        }
    }

    #[test]
    fn a_value_of_ours_cannot_smuggle_a_second_line_in() {
        let line = Line::new('s', "call\r\na=crypto:1");
        let description = SessionDescription {
            lines: vec![line],
            media: Vec::new(),
        };
        assert_eq!(description.to_bytes(), b"s=call__a=crypto:1\r\n");
    }

    #[test]
    fn keys_do_not_show_in_debug_output() {
        let shown = format!(
            "{:?}",
            [
                Line::from_bytes(b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"),
                Line::from_bytes(b"a=ice-pwd:asd88fgpdd777uzjYhagZg"),
                Line::from_bytes(b"k=clear:hunter2"),
                Line::from_bytes(b"a=ptime:20"),
            ]
        );
        assert_eq!(
            shown,
            "[a=crypto:[secret], a=ice-pwd:[secret], k=[secret], a=ptime:20]"
        );
    }

    #[test]
    fn hosts_are_read_with_scopes_and_brackets() {
        let ip = |text: &str| ConnectionHost::from_network(text).and_then(|host| host.ip());
        assert_eq!(ip("IN IP4 192.0.2.7"), Some("192.0.2.7".parse().unwrap()));
        assert_eq!(
            ip("IN IP4 224.2.36.42/127"),
            Some("224.2.36.42".parse().unwrap())
        );
        assert_eq!(
            ip("IN IP6 [2001:db8::1]"),
            Some("2001:db8::1".parse().unwrap())
        );
        assert_eq!(ip("IN IP6 FF15::101/3"), Some("ff15::101".parse().unwrap()));
        assert_eq!(ConnectionHost::from_network("IN IP4"), None);
        assert_eq!(
            ConnectionHost::from_network("IN IP4 gw.example.com"),
            Some(ConnectionHost::Name("gw.example.com".to_owned()))
        );
    }

    #[test]
    fn the_origin_of_rfc_8866_is_read_and_written() {
        let text = "jdoe 3724394400 3724394405 IN IP4 198.51.100.1";
        let origin = Origin::read(text).unwrap();
        assert_eq!(origin.session_id, 3_724_394_400);
        assert_eq!(origin.session_version, 3_724_394_405);
        assert_eq!(origin.line().value(), text);
        assert_eq!(
            Origin::read("- 99999999999999999999 1 IN IP4 192.0.2.1"),
            None
        );
        assert_eq!(Origin::read("- 1 1"), None);
    }

    #[test]
    fn a_rejection_repeats_the_line_with_port_zero() {
        let check = |line: &str, expected: &str| {
            assert_eq!(media(&[line]).rejection().line.value(), expected, "{line}");
        };
        check("m=image 4000 udptl t38", "image 0 udptl t38");
        check("m=application 5070 TCP/BFCP *", "application 0 TCP/BFCP *");
        check("m=video 49170/2 RTP/AVP 31 34", "video 0 RTP/AVP 31 34");
        check("m=audio", "audio 0 RTP/AVP 0");
        check("m=", "audio 0 RTP/AVP 0");
    }

    #[test]
    fn ports_may_carry_a_count() {
        assert_eq!(media(&["m=audio 49170/2 RTP/AVP 0"]).port(), Some(49_170));
        assert_eq!(media(&["m=audio 70000 RTP/AVP 0"]).port(), None);
        assert_eq!(media(&["m=audio"]).port(), None);
    }

    #[test]
    fn the_media_direction_wins_over_that_of_the_session() {
        let session = SessionDescription {
            lines: vec![Line::new('a', "inactive")],
            media: vec![
                media(&["m=audio 1 RTP/AVP 0", "a=SendOnly"]),
                media(&["m=video 1 RTP/AVP 31"]),
            ],
        };
        assert_eq!(session.direction_of(&session.media[0]), Direction::SendOnly);
        assert_eq!(session.direction_of(&session.media[1]), Direction::Inactive);
        assert_eq!(
            SessionDescription::default().direction_of(&session.media[1]),
            Direction::SendRecv
        );
    }

    #[test]
    fn times_of_packets_are_read() {
        let audio = media(&["m=audio 1 RTP/AVP 0", "a=ptime:30.0", "a=MAXPTIME: 150"]);
        assert_eq!(audio.ptime_millis(), Some(30));
        assert_eq!(audio.max_ptime_millis(), Some(150));
        assert_eq!(
            media(&["m=audio 1 RTP/AVP 0", "a=ptime:0"]).ptime_millis(),
            None
        );
        assert_eq!(
            media(&["m=audio 1 RTP/AVP 0", "a=ptime:-1"]).ptime_millis(),
            None
        );
    }
}
