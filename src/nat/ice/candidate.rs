//! Candidates, and how they stand in `a=candidate` (RFC 8445 section 5.1, RFC 8839 section 5.1).

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use thiserror::Error;

/// How a candidate's address came to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CandidateKind {
    /// Of an interface of its machine.
    Host,
    /// Where a check was seen to come from.
    PeerReflexive,
    /// Where a STUN server saw a request come from.
    ServerReflexive,
    /// Of a TURN server that passes everything on.
    Relayed,
}

impl CandidateKind {
    /// RFC 8445 section 5.1.2.2.
    const fn preference(self) -> u32 {
        match self {
            CandidateKind::Host => 126,
            CandidateKind::PeerReflexive => 110,
            CandidateKind::ServerReflexive => 100,
            CandidateKind::Relayed => 0,
        }
    }

    /// As it stands behind `typ`.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            CandidateKind::Host => "host",
            CandidateKind::PeerReflexive => "prflx",
            CandidateKind::ServerReflexive => "srflx",
            CandidateKind::Relayed => "relay",
        }
    }

    fn from_token(token: &str) -> Option<CandidateKind> {
        [
            CandidateKind::Host,
            CandidateKind::PeerReflexive,
            CandidateKind::ServerReflexive,
            CandidateKind::Relayed,
        ]
        .into_iter()
        .find(|kind| kind.token().eq_ignore_ascii_case(token))
    }
}

/// An address over UDP at which somebody may be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The same for candidates of one kind from one base and one server; 1 to 32 characters.
    pub foundation: String,
    /// 1 for RTP, 2 for RTCP.
    pub component: u8,
    /// Higher is better; 1 to 2³¹ − 1.
    pub priority: u32,
    /// Where it is.
    pub address: SocketAddr,
    /// How it came to be known.
    pub kind: CandidateKind,
    /// For all but host candidates: the base, or for relayed ones the mapped address.
    pub related: Option<SocketAddr>,
}

/// Why a candidate's line is of no use. None of them spoils the description it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CandidateDefect {
    /// Not by the grammar of RFC 8839 section 5.1.
    #[error("candidate: not by the grammar")]
    Malformed,
    /// A name in place of an address, as browsers write it (`….local`, mDNS). What stands behind
    /// it is met as a peer-reflexive candidate when its checks arrive.
    #[error("candidate: a name, not an address")]
    Name,
    /// Well written, and of no use here: TCP, an unknown type, an address nobody can be at.
    #[error("candidate: transport, type or address of no use")]
    Unusable,
}

/// RFC 8445 section 5.1.2.1; `local_preference` tells bases of one machine apart.
#[must_use]
pub const fn priority(kind: CandidateKind, local_preference: u16, component: u8) -> u32 {
    (kind.preference() << 24) + ((local_preference as u32) << 8) + (256 - component as u32)
}

impl Candidate {
    /// Reads the value of `a=candidate`: what stands behind the colon.
    ///
    /// # Errors
    /// When it cannot be used; see [`CandidateDefect`].
    pub fn parse(value: &str) -> Result<Candidate, CandidateDefect> {
        let mut words = value.split_ascii_whitespace();
        let mut word = || words.next().ok_or(CandidateDefect::Malformed);
        let foundation = word()?;
        let component = word()?.parse().map_err(|_| CandidateDefect::Malformed)?;
        let transport = word()?;
        let priority: u32 = word()?.parse().map_err(|_| CandidateDefect::Malformed)?;
        let host = word()?;
        let port: u16 = word()?.parse().map_err(|_| CandidateDefect::Malformed)?;
        if !word()?.eq_ignore_ascii_case("typ") {
            return Err(CandidateDefect::Malformed);
        }
        let kind = word()?;
        if !is_ice_word(foundation, 1, 32) || component == 0 || !(1..1 << 31).contains(&priority) {
            return Err(CandidateDefect::Malformed);
        }
        let (mut address, mut related_port) = (None, None);
        while let (Some(name), Some(value)) = (words.next(), words.next()) {
            match name {
                "raddr" => address = value.parse::<IpAddr>().ok(),
                "rport" => related_port = value.parse::<u16>().ok(),
                _ => {} // an extension
            }
        }
        let kind = CandidateKind::from_token(kind).ok_or(CandidateDefect::Unusable)?;
        if !transport.eq_ignore_ascii_case("udp") {
            return Err(CandidateDefect::Unusable);
        }
        let ip: IpAddr = host.parse().map_err(|_| CandidateDefect::Name)?;
        if port == 0 || ip.is_unspecified() || ip.is_multicast() {
            return Err(CandidateDefect::Unusable);
        }
        Ok(Candidate {
            foundation: foundation.to_owned(),
            component,
            priority,
            address: SocketAddr::new(ip.to_canonical(), port),
            kind,
            related: address
                .zip(related_port)
                .map(|(ip, port)| SocketAddr::new(ip, port)),
        })
    }
}

/// The value of `a=candidate`.
impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} UDP {} {} {} typ {}",
            self.foundation,
            self.component,
            self.priority,
            self.address.ip(),
            self.address.port(),
            self.kind.token()
        )?;
        match self.related {
            Some(related) => write!(f, " raddr {} rport {}", related.ip(), related.port()),
            None => Ok(()),
        }
    }
}

/// `ice-char` of RFC 8839, so and so many.
pub(super) fn is_ice_word(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')
}

/// Whether two addresses can be one path: of one family, and both or neither link-local.
pub(super) fn can_pair(one: IpAddr, other: IpAddr) -> bool {
    let link_local = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    one.is_ipv4() == other.is_ipv4() && (one.is_ipv4() || link_local(one) == link_local(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8839 section 5.1 and its examples.
    const RFC: &str = "2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 203.0.113.141 rport 8998";

    #[test]
    fn a_line_of_the_rfc_is_read_and_written_as_it_was() {
        let read = Candidate::parse(RFC).unwrap();
        assert_eq!(read.kind, CandidateKind::ServerReflexive);
        assert_eq!(read.address, "192.0.2.3:45664".parse().unwrap());
        assert_eq!(read.related, "203.0.113.141:8998".parse().ok());
        assert_eq!(read.to_string(), RFC);
    }

    #[test]
    fn priorities_are_those_of_the_rfc() {
        // RFC 8839's examples: 2130706431 for a host, 1694498815 for its mapped address.
        assert_eq!(priority(CandidateKind::Host, 65535, 1), 2_130_706_431);
        assert_eq!(
            priority(CandidateKind::ServerReflexive, 65535, 1),
            1_694_498_815
        );
        assert_eq!(priority(CandidateKind::Relayed, 65535, 2), 16_777_214);
    }

    #[test]
    fn extensions_and_lower_case_are_read_past() {
        let line = "842163049 1 udp 1677729535 2001:db8::9 40678 typ srflx raddr :: rport 0 \
            generation 0 ufrag kNKQ network-id 1";
        let read = Candidate::parse(line).unwrap();
        assert_eq!(read.address, "[2001:db8::9]:40678".parse().unwrap());
    }

    #[test]
    fn what_is_of_no_use_says_why() {
        for (line, defect) in [
            ("", CandidateDefect::Malformed),
            ("1 1 UDP 5 192.0.2.1 9", CandidateDefect::Malformed),
            ("1 0 UDP 5 192.0.2.1 9 typ host", CandidateDefect::Malformed),
            (
                "1 257 UDP 5 192.0.2.1 9 typ host",
                CandidateDefect::Malformed,
            ),
            ("1 1 UDP 0 192.0.2.1 9 typ host", CandidateDefect::Malformed),
            (
                "a-b 1 UDP 5 192.0.2.1 9 typ host",
                CandidateDefect::Malformed,
            ),
            (
                "1 1 UDP 4294967296 192.0.2.1 9 typ host",
                CandidateDefect::Malformed,
            ),
            (
                "1 1 UDP 5 9b36eaac-bb2e-49bb-bb78-21c41c499900.local 9 typ host",
                CandidateDefect::Name,
            ),
            (
                "1 1 TCP 5 192.0.2.1 9 typ host tcptype active",
                CandidateDefect::Unusable,
            ),
            ("1 1 UDP 5 192.0.2.1 0 typ host", CandidateDefect::Unusable),
            ("1 1 UDP 5 0.0.0.0 9 typ host", CandidateDefect::Unusable),
            ("1 1 UDP 5 224.0.0.1 9 typ host", CandidateDefect::Unusable),
            ("1 1 UDP 5 192.0.2.1 9 typ token", CandidateDefect::Unusable),
        ] {
            assert_eq!(Candidate::parse(line), Err(defect), "{line}");
        }
    }
}
