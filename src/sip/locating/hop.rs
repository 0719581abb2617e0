//! The next hop of a request, as its URI names it, and how transports are called in DNS.

use std::net::SocketAddr;

use super::Server;
use crate::sip::{HostPort, Transport, Uri};

/// Where a request goes next: a domain or an address, and what is said of the way there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Name or address. A port names one server; without one DNS is asked for the service.
    pub host: HostPort,
    /// The transport that was said; `None`: whichever the domain prefers.
    pub transport: Option<Transport>,
    /// A `sips` URI, or towards one: nothing but TLS will do.
    pub secure: bool,
}

impl Hop {
    /// Where this URI says to go (RFC 3261 section 19.1.2; `maddr` wins over the host);
    /// `configured` stands in for a transport that it does not name. `secure`, or a `sips:` URI:
    /// nothing that is not encrypted will do (RFC 3261 section 26.2.2). `None` for URIs that name
    /// no host.
    #[must_use]
    pub fn of(uri: &Uri, configured: Option<Transport>, secure: bool) -> Option<Hop> {
        let sip = uri.as_sip()?;
        let mut host = sip.host_port.clone();
        if let Some(maddr) = sip.maddr() {
            host.host = maddr;
        }
        let secure = secure || sip.secure;
        // RFC 7118 section 5.2: a URI says `ws` for both.
        let named = match (sip.transport(), configured) {
            (Some(Transport::Ws), Some(Transport::Wss)) => Some(Transport::Wss),
            (named, configured) => named.or(configured),
        };
        let transport = match named {
            Some(Transport::Udp | Transport::Tcp) if secure => Some(Transport::Tls),
            Some(Transport::Ws) if secure => Some(Transport::Wss),
            other => other,
        };
        Some(Hop {
            host,
            transport,
            secure,
        })
    }

    /// The transport, where DNS tells of none (RFC 3263 section 4.1).
    #[must_use]
    pub const fn transport_or_default(&self) -> Transport {
        match self.transport {
            Some(transport) => transport,
            None if self.secure => Transport::Tls,
            None => Transport::Udp,
        }
    }
}

impl Hop {
    /// The one server that an address literal names, about which nobody is asked.
    #[must_use]
    pub fn literal(&self) -> Option<Server> {
        let ip = self.host.host.ip()?;
        let transport = self.transport_or_default();
        let port = self.host.port_or(transport.default_port());
        Some(Server {
            transport,
            address: SocketAddr::new(ip, port),
        })
    }
}

/// Under which name before the domain a transport has its SRV records. WebSocket has none: it is
/// reached by the URI of its server (RFC 7118 section 8).
pub(super) const fn srv_prefix(transport: Transport) -> Option<&'static str> {
    match transport {
        Transport::Udp => Some("_sip._udp"),
        Transport::Tcp => Some("_sip._tcp"),
        Transport::Tls => Some("_sips._tcp"),
        Transport::Ws | Transport::Wss => None,
    }
}

/// Which transport a NAPTR service is (RFC 3263 section 4.1).
pub(super) fn transport_of(service: &str) -> Option<Transport> {
    match service.to_ascii_uppercase().as_str() {
        "SIP+D2U" => Some(Transport::Udp),
        "SIP+D2T" => Some(Transport::Tcp),
        "SIPS+D2T" => Some(Transport::Tls),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asks_for_security_goes_over_nothing_else() {
        let hop = |uri: &str, configured, secure| {
            let uri: Uri = uri.parse().expect("a URI");
            let hop = Hop::of(&uri, configured, secure).expect("it names a host");
            hop.transport_or_default()
        };
        let (udp, tls) = (Some(Transport::Udp), Some(Transport::Tls));
        for (uri, configured, expected) in [
            ("sip:a@h", None, Transport::Udp),
            ("sip:a@h", udp, Transport::Udp),
            ("sip:a@h;transport=tcp", None, Transport::Tcp),
            ("sip:a@h", tls, Transport::Tls),
            ("sip:a@h;transport=tls", None, Transport::Tls),
            ("sip:a@h;transport=ws", None, Transport::Ws),
            ("sip:a@h;transport=ws", Some(Transport::Wss), Transport::Wss),
            ("sips:a@h", None, Transport::Tls),
            ("sips:a@h", udp, Transport::Tls),
            ("sips:a@h;transport=udp", None, Transport::Tls),
            ("sips:a@h;transport=tcp", None, Transport::Tls),
            ("sips:a@h;transport=ws", None, Transport::Wss),
        ] {
            assert_eq!(
                hop(uri, configured, false),
                expected,
                "{uri} {configured:?}"
            );
            let secured = hop(uri, configured, true);
            assert!(secured.is_secure(), "{uri} {configured:?}: {secured:?}");
        }
    }
}
