//! Where a STUN or TURN server is: RFC 7064 and 7065.

use std::fmt;

/// What stands before the colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// STUN over UDP.
    Stun,
    /// TURN in clear.
    Turn,
    /// TURN over TLS.
    Turns,
}

/// `turn:example.org:3478?transport=tcp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUri {
    /// STUN, TURN, or TURN over TLS.
    pub scheme: Scheme,
    /// A name or an address; IPv6 without brackets.
    pub host: String,
    /// As written, or 3478, with TLS 5349.
    pub port: u16,
    /// TCP between here and the server (with [`Scheme::Turns`] under TLS); else UDP.
    pub tcp: bool,
}

impl ServerUri {
    /// Reads a URI; a host with or without a port and nothing else is a `default` one. `None`
    /// when it is neither, or asks for DTLS, which is not spoken here.
    #[must_use]
    pub fn parse(text: &str, default: Scheme) -> Option<ServerUri> {
        let text = text.trim();
        let schemes = [
            ("stun:", Scheme::Stun),
            ("turn:", Scheme::Turn),
            ("turns:", Scheme::Turns),
        ];
        let (scheme, rest) = schemes
            .into_iter()
            .find_map(|(prefix, scheme)| {
                let head = text.get(..prefix.len())?;
                head.eq_ignore_ascii_case(prefix)
                    .then(|| (scheme, &text[prefix.len()..]))
            })
            .unwrap_or((default, text));
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, port) = split_port(place)?;
        let tcp = match query.to_ascii_lowercase().as_str() {
            "" => scheme == Scheme::Turns,
            "transport=tcp" if scheme != Scheme::Stun => true,
            "transport=udp" if scheme == Scheme::Turn => false,
            _ => return None,
        };
        let port = match port {
            Some(port) => port.parse().ok().filter(|port| *port != 0)?,
            None if scheme == Scheme::Turns => 5349,
            None => 3478,
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._:%".contains(c);
        (!host.is_empty() && host.chars().all(plain)).then(|| ServerUri {
            scheme,
            host: host.to_owned(),
            port,
            tcp,
        })
    }
}

/// Host and port; brackets around IPv6 are taken off, and an address without them has no port.
fn split_port(place: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = place.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None => rest.is_empty().then_some((host, None)),
        };
    }
    match place.split_once(':') {
        Some((_, port)) if port.contains(':') => Some((place, None)),
        Some((host, port)) => Some((host, Some(port))),
        None => Some((place, None)),
    }
}

impl fmt::Display for ServerUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Stun => "stun",
            Scheme::Turn => "turn",
            Scheme::Turns => "turns",
        };
        if self.host.contains(':') {
            write!(f, "{scheme}:[{}]:{}", self.host, self.port)?;
        } else {
            write!(f, "{scheme}:{}:{}", self.host, self.port)?;
        }
        match (self.scheme, self.tcp) {
            (Scheme::Turn, true) => f.write_str("?transport=tcp"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_understood() {
        for (text, expected) in [
            ("stun:example.org", "stun:example.org:3478"),
            ("turn:example.org", "turn:example.org:3478"),
            ("turns:example.org", "turns:example.org:5349"),
            (
                "TURN:example.org:8000?transport=TCP",
                "turn:example.org:8000?transport=tcp",
            ),
            ("turn:192.0.2.1?transport=udp", "turn:192.0.2.1:3478"),
            ("turns:h:443?transport=tcp", "turns:h:443"),
            ("turn:[2001:db8::1]:3479", "turn:[2001:db8::1]:3479"),
            ("2001:db8::1", "turn:[2001:db8::1]:3478"),
            ("example.org:99", "turn:example.org:99"),
        ] {
            let read = ServerUri::parse(text, Scheme::Turn).unwrap();
            assert_eq!(read.to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for text in [
            "",
            "turn:",
            "turn:h:0",
            "turn:h:70000",
            "turn:h:x",
            "turn:h?transport=sctp",
            "turns:h?transport=udp",
            "stun:h?transport=tcp",
            "turn:user@h",
            "turn:[2001:db8::1",
            "turn://h",
        ] {
            assert_eq!(ServerUri::parse(text, Scheme::Turn), None, "{text}");
        }
    }
}
