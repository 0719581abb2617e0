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

/// `a=rtcp-xr:rcvr-rtt=all voip-metrics` (RFC 3611 section 5.1): the extended reports that the
/// side which says it wants to get, or, of reference times, to exchange. Others are passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RtcpXr {
    /// VoIP Metrics.
    pub voip_metrics: bool,
    /// Reference times, and who answers them.
    pub rcvr_rtt: Option<RcvrRtt>,
}

/// Who answers reference times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RcvrRtt {
    /// Everybody.
    All,
    /// Who sends media.
    Sender,
}

impl RtcpXr {
    /// Reads the value of the attribute; without any it wants nothing.
    #[must_use]
    pub fn read(value: &str) -> RtcpXr {
        let mut wanted = RtcpXr::default();
        for word in value.split_whitespace() {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            // `rcvr-rtt=all:10000` bounds the size of the answers; ours has one, of 16 octets.
            let mode = value.split(':').next().unwrap_or_default();
            if name.eq_ignore_ascii_case("voip-metrics") {
                wanted.voip_metrics = true;
            } else if name.eq_ignore_ascii_case("rcvr-rtt") {
                wanted.rcvr_rtt = if mode.eq_ignore_ascii_case("all") {
                    Some(RcvrRtt::All)
                } else if mode.eq_ignore_ascii_case("sender") {
                    Some(RcvrRtt::Sender)
                } else {
                    None
                };
            }
        }
        wanted
    }

    /// What comes of it when this side wants `self` and the other `theirs`: the metrics they asked
    /// for, and reference times if both exchange them (RFC 3611 section 5.2).
    #[must_use]
    pub fn agreed(self, theirs: RtcpXr) -> RtcpXr {
        RtcpXr {
            voip_metrics: self.voip_metrics && theirs.voip_metrics,
            rcvr_rtt: self.rcvr_rtt.and(theirs.rcvr_rtt),
        }
    }

    /// What an answer asks for in return: reference times only if they were offered, and nothing
    /// of who has said nothing of extended reports.
    #[must_use]
    pub fn answer(self, offered: RtcpXr) -> RtcpXr {
        RtcpXr {
            voip_metrics: self.voip_metrics && offered != RtcpXr::default(),
            rcvr_rtt: self.rcvr_rtt.and(offered.rcvr_rtt),
        }
    }

    /// The value of the attribute; `None` when nothing is wanted.
    #[must_use]
    pub fn write(self) -> Option<String> {
        let mode = match self.rcvr_rtt {
            None => None,
            Some(RcvrRtt::All) => Some("rcvr-rtt=all"),
            Some(RcvrRtt::Sender) => Some("rcvr-rtt=sender"),
        };
        let metrics = self.voip_metrics.then_some("voip-metrics");
        let words: Vec<&str> = mode.into_iter().chain(metrics).collect();
        (!words.is_empty()).then(|| words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extended_reports_are_wanted_as_phones_write_it() {
        let check = |value: &str, voip_metrics, rcvr_rtt| {
            let expected = RtcpXr {
                voip_metrics,
                rcvr_rtt,
            };
            assert_eq!(RtcpXr::read(value), expected, "{value:?}");
        };
        // The example of RFC 3611 section 5.1, what Linphone writes, what browsers write.
        check("rcvr-rtt=all voip-metrics", true, Some(RcvrRtt::All));
        let linphone = "rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics";
        check(linphone, true, Some(RcvrRtt::All));
        check("rcvr-rtt=all", false, Some(RcvrRtt::All));
        check(
            "pkt-loss-rle RCVR-RTT=Sender:32",
            false,
            Some(RcvrRtt::Sender),
        );
        check("rcvr-rtt=both rcvr-rtt pkt-rcpt-times=9", false, None);
        check("", false, None);
    }

    #[test]
    fn extended_reports_are_asked_for_in_the_words_of_the_rfc() {
        let wanted = |voip_metrics, rcvr_rtt| RtcpXr {
            voip_metrics,
            rcvr_rtt,
        };
        let both = wanted(true, Some(RcvrRtt::All)).write();
        assert_eq!(both.as_deref(), Some("rcvr-rtt=all voip-metrics"));
        let sender = wanted(false, Some(RcvrRtt::Sender)).write();
        assert_eq!(sender.as_deref(), Some("rcvr-rtt=sender"));
        assert_eq!(wanted(false, None).write(), None);
    }

    #[test]
    fn only_what_was_asked_for_is_sent_and_only_what_both_know_is_exchanged() {
        let (none, all) = (RtcpXr::default(), RtcpXr::read("rcvr-rtt=all voip-metrics"));
        let times = RtcpXr::read("rcvr-rtt=sender");
        let metrics = RtcpXr::read("voip-metrics");
        assert_eq!(all.agreed(none), none);
        assert_eq!(all.agreed(metrics), metrics);
        assert_eq!(all.agreed(times), times);
        assert_eq!(none.agreed(all), none);
        assert_eq!(all.answer(none), none);
        assert_eq!(all.answer(metrics), metrics);
        assert_eq!(
            all.answer(times),
            RtcpXr::read("rcvr-rtt=sender voip-metrics")
        );
        assert_eq!(none.answer(all), none);
    }

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
