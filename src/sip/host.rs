//! Hosts and ports (RFC 3261 section 25.1, RFC 5954 for IPv6).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// A host as it stands in a URI or a Via. Names keep their spelling and compare without case.
#[derive(Clone, Debug, Eq, PartialOrd, Ord)]
pub enum Host {
    /// A domain name, not resolved.
    Name(String),
    /// An address literal; IPv6 is written in brackets.
    Ip(IpAddr),
}

/// A host and, when it was said, a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPort {
    /// The name or address.
    pub host: Host,
    /// `None` when no port was written: that is not the same as the default port (RFC 3261
    /// section 19.1.4, RFC 3263 section 4.2).
    pub port: Option<u16>,
}

/// Why text is no host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// Empty, or a character that no host name has.
    #[error("not a host name or address")]
    Host,
    /// An IPv6 address without brackets, which cannot be told from a port (RFC 5118 section 4.2).
    #[error("an IPv6 address needs brackets")]
    BareIpv6,
    /// A port that is not a number from 0 to 65535.
    #[error("not a port")]
    Port,
}

impl Host {
    /// The address, when it is a literal.
    #[must_use]
    pub const fn ip(&self) -> Option<IpAddr> {
        match self {
            Host::Ip(ip) => Some(*ip),
            Host::Name(_) => None,
        }
    }
}

impl PartialEq for Host {
    fn eq(&self, other: &Host) -> bool {
        match (self, other) {
            (Host::Name(a), Host::Name(b)) => a.eq_ignore_ascii_case(b),
            (Host::Ip(a), Host::Ip(b)) => a == b,
            (Host::Name(_), Host::Ip(_)) | (Host::Ip(_), Host::Name(_)) => false,
        }
    }
}

impl std::hash::Hash for Host {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        match self {
            Host::Name(name) => name.to_ascii_lowercase().hash(state),
            Host::Ip(ip) => ip.hash(state),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::Ip(IpAddr::V4(ip)) => write!(f, "{ip}"),
            Host::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
        }
    }
}

impl FromStr for Host {
    type Err = HostError;

    /// A name, an IPv4 address, or an IPv6 address in brackets.
    fn from_str(text: &str) -> Result<Host, HostError> {
        if let Some(inner) = text.strip_prefix('[') {
            let address = inner.strip_suffix(']').ok_or(HostError::Host)?;
            let ip = read_ipv6(address).ok_or(HostError::Host)?;
            return Ok(Host::Ip(IpAddr::V6(ip)));
        }
        if let Ok(ip) = text.parse() {
            return match ip {
                IpAddr::V4(_) => Ok(Host::Ip(ip)),
                IpAddr::V6(_) => Err(HostError::BareIpv6),
            };
        }
        // Underscores are no part of the grammar and of many networks.
        let name_char = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        if text.is_empty() || !text.bytes().all(name_char) {
            return Err(HostError::Host);
        }
        Ok(Host::Name(text.to_owned()))
    }
}

/// The grammar of RFC 3261 allows three colons before an embedded IPv4 address, and some took it
/// at its word; they are read as two (RFC 5118 section 4.10).
fn read_ipv6(text: &str) -> Option<Ipv6Addr> {
    if let Ok(ip) = text.parse() {
        return Some(ip);
    }
    let (before, after) = text.split_once(":::")?;
    after.parse::<Ipv4Addr>().ok()?;
    format!("{before}::{after}").parse().ok()
}

impl From<IpAddr> for Host {
    fn from(ip: IpAddr) -> Host {
        Host::Ip(ip)
    }
}

impl HostPort {
    /// A host and a port.
    #[must_use]
    pub const fn new(host: Host, port: Option<u16>) -> HostPort {
        HostPort { host, port }
    }

    /// The port, or the one that is meant when none is written.
    #[must_use]
    pub fn port_or(&self, default: u16) -> u16 {
        self.port.unwrap_or(default)
    }
}

impl From<SocketAddr> for HostPort {
    fn from(address: SocketAddr) -> HostPort {
        HostPort {
            host: Host::Ip(address.ip()),
            port: Some(address.port()),
        }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.host)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

impl FromStr for HostPort {
    type Err = HostError;

    /// `host`, `host:5060`, `[2001:db8::1]:5060`. White space around the colon is allowed, as
    /// it is in a Via.
    fn from_str(text: &str) -> Result<HostPort, HostError> {
        let text = text.trim();
        let (host, port) = match text.rfind(']') {
            Some(bracket) => text.split_at(bracket + 1),
            None if text.starts_with('[') => return Err(HostError::Host),
            None if text.matches(':').count() > 1 => return Err(HostError::BareIpv6),
            None => text.split_at(text.find(':').unwrap_or(text.len())),
        };
        let host = host.trim_end().parse()?;
        let port = match port.trim().strip_prefix(':') {
            None if port.trim().is_empty() => None,
            None => return Err(HostError::Host),
            Some(digits) => {
                let digits = digits.trim();
                if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(HostError::Port);
                }
                Some(digits.parse().map_err(|_| HostError::Port)?)
            }
        };
        Ok(HostPort { host, port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, host: &str, port: Option<u16>) {
        let read: HostPort = text.parse().unwrap();
        assert_eq!(
            (read.host.to_string().as_str(), read.port),
            (host, port),
            "{text}"
        );
    }

    #[test]
    fn names_and_addresses_are_read_with_and_without_port() {
        check("example.com", "example.com", None);
        check("192.0.2.1:5060", "192.0.2.1", Some(5060));
        check("host.example.com : 5061", "host.example.com", Some(5061));
        check("[2001:db8::10]", "[2001:db8::10]", None);
        check("[2001:db8::10]:5070", "[2001:db8::10]", Some(5070));
        check("[2001:db8:::192.0.2.1]", "[2001:db8::c000:201]", None);
        check("[2001:db8::10:5070]", "[2001:db8::10:5070]", None);
        check(
            "[::ffff:192.0.2.10]:19823",
            "[::ffff:192.0.2.10]",
            Some(19823),
        );
    }

    #[test]
    fn what_is_no_host_is_refused() {
        let refused = |text: &str| text.parse::<HostPort>().unwrap_err();
        assert_eq!(refused("2001:db8::10"), HostError::BareIpv6);
        assert_eq!(refused("::1"), HostError::BareIpv6);
        assert_eq!(refused(""), HostError::Host);
        assert_eq!(refused("a b"), HostError::Host);
        assert_eq!(refused("[2001:db8:::10]"), HostError::Host);
        assert_eq!(refused("[::1"), HostError::Host);
        assert_eq!(refused("[::1]x"), HostError::Host);
        assert_eq!(refused("h:65536"), HostError::Port);
        assert_eq!(refused("h:+5"), HostError::Port);
        assert_eq!(refused("h:"), HostError::Port);
    }

    #[test]
    fn names_compare_without_case_and_a_missing_port_is_not_the_default_one() {
        assert_eq!("Example.COM".parse::<HostPort>(), "example.com".parse());
        assert_ne!(
            "example.com:5060".parse::<HostPort>(),
            "example.com".parse()
        );
    }
}
