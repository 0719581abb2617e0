//! Whether a certificate is that of a domain (RFC 5922 section 7).

use std::net::IpAddr;

/// The names that a certificate was given to, as far as they are of use here. Untrusted until the
/// certificate is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presented {
    /// Whole URIs of the alternative names.
    pub uris: Vec<String>,
    /// DNS names of the alternative names.
    pub dns: Vec<String>,
    /// Addresses of the alternative names.
    pub addresses: Vec<IpAddr>,
    /// The common name of the subject.
    pub common_name: Option<String>,
}

impl Presented {
    /// Whether it was given to this host: a domain, or an address with or without brackets.
    ///
    /// A SIP URI decides where there is one, then the DNS names; the common name counts where
    /// there is neither (RFC 5922 section 7.1). An address is looked for among the addresses. The
    /// leftmost label of a DNS name may be `*`, as providers' certificates have it, though
    /// RFC 5922 section 7.2 would refuse that; in a SIP URI it means nothing.
    #[must_use]
    pub fn is_for(&self, host: &str) -> bool {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(ip) = bare.parse::<IpAddr>() {
            let ip = ip.to_canonical();
            let ip_text = |domain: &str| domain.parse::<IpAddr>().is_ok_and(|it| it == ip);
            let in_uri = self.sip_domains().any(ip_text);
            return in_uri || self.addresses.iter().any(|it| it.to_canonical() == ip);
        }
        let host = bare.trim_end_matches('.');
        let mut domains = self.sip_domains().peekable();
        if domains.peek().is_some() {
            return domains.any(|domain| domain.eq_ignore_ascii_case(host));
        }
        if !self.dns.is_empty() {
            return self.dns.iter().any(|name| covers(name, host));
        }
        self.addresses.is_empty()
            && self
                .common_name
                .as_deref()
                .is_some_and(|name| covers(name, host))
    }

    /// The domains of those URIs that name one: `sip:` without a user (RFC 5922 section 7.1).
    fn sip_domains(&self) -> impl Iterator<Item = &str> {
        self.uris.iter().filter_map(|uri| {
            let scheme = uri.get(..4)?;
            let rest = uri.get(4..)?;
            let rest = rest.split([';', '?']).next()?;
            if !scheme.eq_ignore_ascii_case("sip:") || rest.contains('@') {
                return None;
            }
            Some(host_of(rest)).filter(|host| !host.is_empty())
        })
    }

    /// All names, as they are shown: at most 32.
    #[must_use]
    pub fn shown(&self) -> Vec<String> {
        let addresses = self.addresses.iter().map(ToString::to_string);
        let named = self.uris.iter().chain(&self.dns).cloned().chain(addresses);
        let mut shown: Vec<String> = named.take(32).collect();
        if shown.is_empty() {
            shown.extend(self.common_name.clone());
        }
        shown
    }
}

/// The host before a port; of an IPv6 reference what is within the brackets.
fn host_of(host_port: &str) -> &str {
    match host_port.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host_port.split(':').next().unwrap_or_default(),
    }
}

/// Whether a DNS name of a certificate, which may begin with `*.`, is that of a host.
fn covers(name: &str, host: &str) -> bool {
    let name = name.trim_end_matches('.');
    match name.strip_prefix("*.") {
        // One label, and not of a whole top-level domain.
        Some(parent) => host.split_once('.').is_some_and(|(label, rest)| {
            !label.is_empty() && parent.contains('.') && rest.eq_ignore_ascii_case(parent)
        }),
        None => !name.is_empty() && name.eq_ignore_ascii_case(host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presented(uris: &[&str], dns: &[&str]) -> Presented {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Presented {
            uris: owned(uris),
            dns: owned(dns),
            ..Presented::default()
        }
    }

    #[test]
    fn a_sip_uri_is_the_domain_and_stands_before_dns_names() {
        let by_uri = presented(&["sip:Example.COM"], &["proxy.example.com"]);
        assert!(by_uri.is_for("example.com"));
        // RFC 5922 section 7.1: where there is a SIP URI, DNS names do not count.
        assert!(!by_uri.is_for("proxy.example.com"));
        assert!(presented(&["sip:example.com;transport=tls"], &[]).is_for("example.com"));
        assert!(presented(&["sip:[2001:db8::1]:5061"], &[]).is_for("[2001:db8::1]"));
    }

    #[test]
    fn uris_that_name_no_domain_leave_it_to_dns_names() {
        for uri in [
            "sip:alice@example.com",
            "sips:example.com",
            "https://example.com",
            "sip:",
        ] {
            let names = presented(&[uri], &["pbx.example.com"]);
            assert!(names.is_for("pbx.example.com"), "{uri}");
            assert!(!names.is_for("example.com"), "{uri}");
        }
    }

    #[test]
    fn a_star_is_one_label_of_a_dns_name_and_nothing_in_a_uri() {
        let star = presented(&[], &["*.example.com"]);
        assert!(star.is_for("pbx.example.com"));
        assert!(!star.is_for("example.com"));
        assert!(!star.is_for("a.b.example.com"));
        assert!(!presented(&[], &["*.com"]).is_for("example.com"));
        assert!(!presented(&[], &["*"]).is_for("example"));
        assert!(!presented(&["sip:*.example.com"], &[]).is_for("pbx.example.com"));
    }

    #[test]
    fn an_address_is_looked_for_among_addresses() {
        let mut names = presented(&[], &["192.0.2.1"]);
        assert!(!names.is_for("192.0.2.1"));
        names.addresses.push(IpAddr::from([192, 0, 2, 1]));
        assert!(names.is_for("192.0.2.1"));
        assert!(!names.is_for("192.0.2.2"));
    }

    #[test]
    fn the_common_name_counts_where_nothing_else_is_named() {
        let mut names = presented(&[], &[]);
        names.common_name = Some("pbx.example".to_owned());
        assert!(names.is_for("PBX.example."));
        names.dns.push("other.example".to_owned());
        assert!(!names.is_for("pbx.example"));
        assert!(!Presented::default().is_for(""));
    }
}
