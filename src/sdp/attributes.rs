//! Attribute lines, read when they are asked for.
//!
//! Names are compared without case: RFC 8866 section 5.13 makes them case-sensitive, but phones
//! that write `a=SENDRECV` exist and nothing else could be meant.

use std::net::IpAddr;

use crate::units::PayloadType;

use super::description::ConnectionHost;

/// One `a=` line: `a=name` or `a=name:value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// The name as it came.
    pub name: &'a str,
    /// What follows the colon, without surrounding blanks; `None` without a colon.
    pub value: Option<&'a str>,
}

impl<'a> Attribute<'a> {
    /// Splits what follows `a=`.
    #[must_use]
    pub fn read(text: &'a str) -> Attribute<'a> {
        match text.split_once(':') {
            Some((name, value)) => Attribute {
                name: name.trim(),
                value: Some(value.trim()),
            },
            None => Attribute {
                name: text.trim(),
                value: None,
            },
        }
    }

    /// Whether this is the attribute `name`.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// Which way a stream flows, seen from the side that says it (RFC 8866 section 6.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Both ways; what is meant when nothing is said.
    #[default]
    SendRecv,
    /// The side that says it only sends.
    SendOnly,
    /// The side that says it only listens.
    RecvOnly,
    /// Neither way.
    Inactive,
}

impl Direction {
    /// From whether media is sent and received.
    #[must_use]
    pub const fn new(sends: bool, receives: bool) -> Direction {
        match (sends, receives) {
            (true, true) => Direction::SendRecv,
            (true, false) => Direction::SendOnly,
            (false, true) => Direction::RecvOnly,
            (false, false) => Direction::Inactive,
        }
    }

    /// Whether the side that says it sends media.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    /// Whether the side that says it wants media.
    #[must_use]
    pub const fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }

    /// The same stream seen from the other side.
    #[must_use]
    pub const fn reversed(self) -> Direction {
        Direction::new(self.receives(), self.sends())
    }

    /// What both allow: the answer of a side that wants `self` to an offer of `offered.reversed()`
    /// (RFC 3264 section 6.1).
    #[must_use]
    pub const fn and(self, other: Direction) -> Direction {
        Direction::new(
            self.sends() && other.sends(),
            self.receives() && other.receives(),
        )
    }

    /// The attribute name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }

    /// From an attribute name in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Direction> {
        [
            Direction::SendRecv,
            Direction::SendOnly,
            Direction::RecvOnly,
            Direction::Inactive,
        ]
        .into_iter()
        .find(|direction| direction.as_str().eq_ignore_ascii_case(name))
    }
}

/// `a=rtpmap:96 opus/48000/2` (RFC 8866 section 6.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtpMap {
    /// The number this line explains.
    pub payload_type: PayloadType,
    /// Encoding name as it came; compare without case.
    pub encoding: String,
    /// RTP clock in ticks a second.
    pub clock_hz: u32,
    /// Channels; 1 when nothing is said.
    pub channels: u8,
}

impl RtpMap {
    /// Reads the value of the attribute; blanks around the slashes are forgiven.
    #[must_use]
    pub fn read(value: &str) -> Option<RtpMap> {
        let (number, rest) = value.trim().split_once(char::is_whitespace)?;
        let payload_type = PayloadType::new(number.parse().ok()?)?;
        let mut parts = rest.split('/').map(str::trim);
        let encoding = parts.next().filter(|name| !name.is_empty())?.to_owned();
        let clock_hz = parts.next()?.parse().ok().filter(|hz| *hz > 0)?;
        // `opus/48000 2` is written by a widespread library; anything else after the clock that is
        // no number of channels is not worth losing the codec over.
        let channels = parts
            .next()
            .and_then(|n| n.parse().ok())
            .filter(|n| *n > 0)
            .unwrap_or(1);
        Some(RtpMap {
            payload_type,
            encoding,
            clock_hz,
            channels,
        })
    }
}

/// The parameters of `a=fmtp:96 useinbandfec=1;stereo=0` (RFC 8866 section 6.15), in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fmtp {
    params: Vec<(String, Option<String>)>,
}

/// Parameters kept of one `a=fmtp` line; the longest in use today has eleven.
const MAX_PARAMS: usize = 64;

impl Fmtp {
    /// Reads what follows the payload type. Parameters are parted by `;`, with blanks or not.
    #[must_use]
    pub fn read(text: &str) -> Fmtp {
        let params = text
            .split(';')
            .map(str::trim)
            .filter(|param| !param.is_empty())
            .take(MAX_PARAMS)
            .map(|param| match param.split_once('=') {
                Some((name, value)) => (name.trim().to_owned(), Some(value.trim().to_owned())),
                None => (param.to_owned(), None),
            })
            .collect();
        Fmtp { params }
    }

    /// The value of a parameter, its name compared without case; `Some("")` when it has none.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_deref().unwrap_or(""))
    }

    /// The value of a parameter as a number.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u32> {
        self.value(name)?.parse().ok()
    }

    /// Whether a parameter says 1, the way RFC 7587 writes yes.
    #[must_use]
    pub fn is_on(&self, name: &str) -> bool {
        self.number(name) == Some(1)
    }

    /// All parameters in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.params
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_deref()))
    }
}

/// `a=rtcp:53020 IN IP4 126.16.64.4` (RFC 3605).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtcpAddress {
    /// Where RTCP is to be sent.
    pub port: u16,
    /// The host, when it is not that of the media.
    pub address: Option<IpAddr>,
}

impl RtcpAddress {
    /// Reads the value of the attribute; a host that is no address is left out.
    #[must_use]
    pub fn read(value: &str) -> Option<RtcpAddress> {
        let mut words = value.split_whitespace();
        let port = words.next()?.parse().ok().filter(|port| *port != 0)?;
        let address = words
            .last()
            .map(ConnectionHost::read)
            .and_then(|host| host.ip());
        Some(RtcpAddress { port, address })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_meet_as_rfc_3264_section_6_1_says() {
        use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
        let answer = |wanted: Direction, offered: Direction| wanted.and(offered.reversed());
        assert_eq!(answer(SendRecv, SendRecv), SendRecv);
        assert_eq!(answer(SendRecv, SendOnly), RecvOnly);
        assert_eq!(answer(SendRecv, RecvOnly), SendOnly);
        assert_eq!(answer(SendRecv, Inactive), Inactive);
        assert_eq!(answer(SendOnly, SendOnly), Inactive);
        assert_eq!(answer(SendOnly, SendRecv), SendOnly);
        assert_eq!(answer(RecvOnly, SendRecv), RecvOnly);
        assert_eq!(answer(Inactive, SendRecv), Inactive);
    }

    #[test]
    fn rtpmap_is_read_in_the_ways_phones_write_it() {
        let check = |text: &str, expected: Option<(u8, &str, u32, u8)>| {
            let map = RtpMap::read(text);
            let got = map.as_ref().map(|m| {
                (
                    m.payload_type.number(),
                    m.encoding.as_str(),
                    m.clock_hz,
                    m.channels,
                )
            });
            assert_eq!(got, expected, "{text:?}");
        };
        check("96 opus/48000/2", Some((96, "opus", 48_000, 2)));
        check("0 PCMU/8000", Some((0, "PCMU", 8_000, 1)));
        check("0  PCMU/8000/1 ", Some((0, "PCMU", 8_000, 1)));
        check("111 OPUS / 48000 / 2", Some((111, "OPUS", 48_000, 2)));
        check("96 L16/44100/x", Some((96, "L16", 44_100, 1)));
        check("96", None);
        check("96 opus", None);
        check("128 opus/48000/2", None);
        check("96 /48000", None);
        check("96 opus/0", None);
        check("x opus/48000", None);
    }

    #[test]
    fn fmtp_parameters_are_found_whatever_their_blanks_and_case() {
        let fmtp = Fmtp::read("maxplaybackrate=16000; UseInbandFEC=1 ;stereo = 0;; cbr");
        assert_eq!(fmtp.number("maxplaybackrate"), Some(16_000));
        assert!(fmtp.is_on("useinbandfec"));
        assert!(!fmtp.is_on("stereo"));
        assert_eq!(fmtp.value("cbr"), Some(""));
        assert_eq!(fmtp.value("usedtx"), None);
        assert_eq!(
            Fmtp::read("0-16").iter().collect::<Vec<_>>(),
            [("0-16", None)]
        );
    }

    #[test]
    fn the_rtcp_attribute_may_carry_an_address_of_its_own() {
        let check = |text: &str, expected: Option<(u16, Option<&str>)>| {
            let got = RtcpAddress::read(text).map(|r| (r.port, r.address));
            let expected = expected.map(|(port, host)| (port, host.map(|h| h.parse().unwrap())));
            assert_eq!(got, expected, "{text:?}");
        };
        // The two examples of RFC 3605 section 2.1, and their IPv6 form.
        check("53020", Some((53_020, None)));
        check(
            "53020 IN IP4 126.16.64.4",
            Some((53_020, Some("126.16.64.4"))),
        );
        check(
            "53020 IN IP6 2001:2345:6789:ABCD:EF01:2345:6789:ABCD",
            Some((53_020, Some("2001:2345:6789:abcd:ef01:2345:6789:abcd"))),
        );
        check("0", None);
        check("70000", None);
        check("", None);
    }
}
