//! Via: where a request came through and where its responses go (RFC 3261 section 20.42).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::defect::DefectKind;
use super::host::{Host, HostError, HostPort};
use super::lexer;
use super::params::Params;
use super::uri::read_address_param;
use super::vocabulary::Transport;

/// One `SIP/2.0/UDP host:port;branch=…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via {
    /// What the message was sent over.
    pub transport: ViaTransport,
    /// Where its sender says it listens.
    pub sent_by: HostPort,
    /// `branch`, `received`, `rport` and others.
    pub params: Params,
}

/// The transport of a Via, which may be one that is not spoken here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ViaTransport {
    /// One that is spoken here.
    Known(Transport),
    /// Any other token, as it came: `SCTP`.
    Other(String),
}

/// Why text is no Via.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ViaError {
    /// It does not begin with `SIP/`, a version and a transport.
    #[error("not SIP, a version and a transport")]
    Protocol,
    /// The sender's address is none.
    #[error(transparent)]
    SentBy(#[from] HostError),
    /// What follows the address are no parameters.
    #[error("not a parameter")]
    Params,
}

impl Via {
    /// What a branch begins with that is unique as RFC 3261 section 8.1.1.7 asks.
    pub const MAGIC_COOKIE: &'static str = "z9hG4bK";

    /// A Via for a request of ours. Over UDP and TCP it asks with `rport` for the response to
    /// come back to where the request came from (RFC 3581).
    #[must_use]
    pub fn new(transport: Transport, sent_by: HostPort, branch: &str) -> Via {
        let mut params = Params::new();
        if matches!(transport, Transport::Udp | Transport::Tcp) {
            params.push("rport", None);
        }
        params.push("branch", Some(branch));
        Via {
            transport: ViaTransport::Known(transport),
            sent_by,
            params,
        }
    }

    /// The name of the transaction.
    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        self.params
            .get("branch")
            .filter(|branch| !branch.is_empty())
    }

    /// `None` without `rport`, `Some(None)` when it is asked for, `Some(Some(port))` when it was
    /// answered (RFC 3581).
    #[must_use]
    pub fn rport(&self) -> Option<Option<u16>> {
        self.params.get("rport").map(|port| port.parse().ok())
    }

    /// Where the message really came from. IPv6 is read with and without brackets (RFC 5118
    /// section 4.5).
    #[must_use]
    pub fn received(&self) -> Option<IpAddr> {
        self.params
            .get("received")
            .and_then(read_address_param)?
            .ip()
    }

    /// The multicast address to answer to.
    #[must_use]
    pub fn maddr(&self) -> Option<Host> {
        self.params.get("maddr").and_then(read_address_param)
    }

    /// The time to live of a multicast answer.
    #[must_use]
    pub fn ttl(&self) -> Option<u8> {
        self.params.get("ttl")?.parse().ok()
    }

    /// Whether the branch alone names the transaction; otherwise the rules of RFC 2543 apply
    /// (RFC 3261 section 17.2.3). The cookie with nothing behind it names none.
    #[must_use]
    pub fn has_magic_cookie(&self) -> bool {
        self.branch().is_some_and(|branch| {
            let cookie = branch.get(..Via::MAGIC_COOKIE.len());
            cookie.is_some_and(|cookie| cookie.eq_ignore_ascii_case(Via::MAGIC_COOKIE))
                && branch.len() > Via::MAGIC_COOKIE.len()
        })
    }

    /// Notes where the request came from, as a server must (RFC 3261 section 18.2.1, RFC 3581
    /// section 4): `received` when the address differs from the one claimed or `rport` was asked
    /// for, and the port as value of `rport`. A value that came already was not ours to believe.
    pub fn note_source(&mut self, ip: IpAddr, port: u16) {
        let asked = self.params.has("rport");
        self.params.remove("received");
        if asked {
            self.params.set("rport", Some(&port.to_string()));
        }
        if asked || self.sent_by.host.ip() != Some(ip) {
            self.params.push("received", Some(&ip.to_string()));
        }
    }

    /// Host and port to which a response goes over an unreliable transport (RFC 3261 section
    /// 18.2.2, RFC 3581 section 4): `maddr`, else `received` with the port of `rport`, else what
    /// the sender says.
    #[must_use]
    pub fn response_target(&self) -> (Host, u16) {
        let default = match self.transport {
            ViaTransport::Known(transport) => transport.default_port(),
            ViaTransport::Other(_) => 5060,
        };
        let port = self.sent_by.port_or(default);
        if let Some(maddr) = self.maddr() {
            return (maddr, port);
        }
        match self.received() {
            Some(ip) => (Host::Ip(ip), self.rport().flatten().unwrap_or(port)),
            None => (self.sent_by.host.clone(), port),
        }
    }

    /// Reads one value, with what was wrong with it and could still be understood. Another
    /// version is among that: its sender, too, must get the answer that says so (505).
    pub(super) fn read(text: &str) -> Result<(Via, Vec<DefectKind>), ViaError> {
        let (protocol, rest) = text.split_once('/').ok_or(ViaError::Protocol)?;
        let (version, rest) = rest.split_once('/').ok_or(ViaError::Protocol)?;
        let rest = rest.trim_start_matches(lexer::is_lws);
        let (transport, rest) = rest.split_once(lexer::is_lws).ok_or(ViaError::Protocol)?;
        if !lexer::trim(protocol).eq_ignore_ascii_case("SIP")
            || !lexer::is_token(lexer::trim(version))
            || !lexer::is_token(transport)
        {
            return Err(ViaError::Protocol);
        }
        let mut defects = Vec::new();
        if lexer::trim(version) != "2.0" {
            defects.push(DefectKind::OtherVersion);
        }
        let transport = match transport.parse() {
            Ok(known) => ViaTransport::Known(known),
            Err(_) => ViaTransport::Other(transport.to_owned()),
        };
        let (sent_by, params) = rest.split_at(rest.find(';').unwrap_or(rest.len()));
        let sent_by = lexer::trim(sent_by).parse()?;
        let (params, empty) = Params::read_header(params).ok_or(ViaError::Params)?;
        if empty > 0 {
            defects.push(DefectKind::EmptyParameter);
        }
        Ok((
            Via {
                transport,
                sent_by,
                params,
            },
            defects,
        ))
    }
}

impl ViaTransport {
    /// As it stands in the Via.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            ViaTransport::Known(transport) => transport.as_str(),
            ViaTransport::Other(token) => token,
        }
    }

    /// The transport, when it is spoken here.
    #[must_use]
    pub const fn known(&self) -> Option<Transport> {
        match self {
            ViaTransport::Known(transport) => Some(*transport),
            ViaTransport::Other(_) => None,
        }
    }
}

impl FromStr for Via {
    type Err = ViaError;

    /// One value, not a list.
    fn from_str(text: &str) -> Result<Via, ViaError> {
        Via::read(text).map(|(via, _)| via)
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SIP/2.0/{} {}{}",
            self.transport.as_str(),
            self.sent_by,
            self.params
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Via {
        text.parse().unwrap()
    }

    #[test]
    fn spaces_around_anything_do_not_lose_the_branch() {
        let via = read("SIP/2.0/UDP h.example.com:5060 ;branch=z9hG4bKz");
        assert_eq!(
            (via.branch(), via.sent_by.port),
            (Some("z9hG4bKz"), Some(5060))
        );
        let via = read("SIP  / 2.0  / TCP     spindle.example.com   ;  branch  =   z9hG4bK9ikj8  ");
        assert_eq!(
            via.to_string(),
            "SIP/2.0/TCP spindle.example.com;branch=z9hG4bK9ikj8"
        );
    }

    #[test]
    fn ipv6_is_read_in_every_place() {
        let via = read("SIP/2.0/UDP [2001:db8::9:1]:6050;received=2001:db8::9:255;branch=z9hG4bKa");
        assert_eq!(via.sent_by.port, Some(6050));
        assert_eq!(via.received(), "2001:db8::9:255".parse().ok());
        let via = read("SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255]; branch=z9hG4bKa");
        assert_eq!(via.received(), "2001:db8::9:255".parse().ok());
        assert_eq!(via.branch(), Some("z9hG4bKa"));
    }

    #[test]
    fn transports_that_are_not_spoken_are_kept() {
        let via = read("SIP/2.0/SCTP h;branch=z9hG4bKa");
        assert_eq!(
            (via.transport.known(), via.transport.as_str()),
            (None, "SCTP")
        );
        assert_eq!(
            read("SIP/2.0/udp h").transport,
            ViaTransport::Known(Transport::Udp)
        );
    }

    #[test]
    fn a_cookie_with_nothing_behind_it_names_no_transaction() {
        assert!(read("SIP/2.0/UDP h;branch=z9hG4bKa").has_magic_cookie());
        assert!(!read("SIP/2.0/UDP h;branch=z9hG4bK").has_magic_cookie());
        assert!(!read("SIP/2.0/UDP h;branch=390skdjuw").has_magic_cookie());
        assert!(!read("SIP/2.0/UDP h").has_magic_cookie());
    }

    #[test]
    fn a_new_via_asks_for_the_port_over_udp() {
        let sent_by: HostPort = "192.0.2.1:5062".parse().unwrap();
        let via = Via::new(Transport::Udp, sent_by.clone(), "z9hG4bK1");
        assert_eq!(
            via.to_string(),
            "SIP/2.0/UDP 192.0.2.1:5062;rport;branch=z9hG4bK1"
        );
        assert_eq!(via.rport(), Some(None));
        assert_eq!(Via::new(Transport::Wss, sent_by, "z9hG4bK1").rport(), None);
    }

    #[test]
    fn responses_go_where_the_request_came_from() {
        let source: IpAddr = "198.51.100.7".parse().unwrap();
        let mut via = read("SIP/2.0/UDP 10.0.0.1:5062;rport;branch=z9hG4bK1");
        assert_eq!(via.response_target(), ("10.0.0.1".parse().unwrap(), 5062));
        via.note_source(source, 40_000);
        assert_eq!(via.response_target(), (Host::Ip(source), 40_000));
        assert_eq!(via.rport(), Some(Some(40_000)));

        let mut plain = read("SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bK1");
        plain.note_source(source, 40_000);
        assert_eq!(plain.response_target(), (Host::Ip(source), 5062));

        let mut honest = read("SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1;received=10.9.9.9");
        honest.note_source(source, 5060);
        assert_eq!(
            honest.to_string(),
            "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1"
        );
    }

    #[test]
    fn another_version_is_read_and_noted() {
        let (via, defects) = Via::read("SIP/7.0/UDP c.example.com;branch=z9hG4bKa").unwrap();
        assert_eq!(via.sent_by.to_string(), "c.example.com");
        assert_eq!(defects, [DefectKind::OtherVersion]);
    }

    #[test]
    fn what_is_no_via_is_refused() {
        let refused = |text: &str| text.parse::<Via>().unwrap_err();
        assert_eq!(refused("HTTP/2.0/UDP h"), ViaError::Protocol);
        assert_eq!(refused("SIP/2.0/UDP"), ViaError::Protocol);
        assert_eq!(refused(";"), ViaError::Protocol);
        assert_eq!(
            refused("SIP/2.0/UDP a b;c"),
            ViaError::SentBy(HostError::Host)
        );
        assert_eq!(
            refused("SIP/2.0/UDP 2001:db8::1"),
            ViaError::SentBy(HostError::BareIpv6)
        );
        assert_eq!(refused(r#"SIP/2.0/UDP h;x="a"b"#), ViaError::Params);
    }
}
