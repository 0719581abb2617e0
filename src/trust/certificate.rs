//! What a certificate says of itself (RFC 5280), in the words a person can compare.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate, X509Name};

use super::identity::Presented;

/// The longest name that is shown of one.
const LONGEST: usize = 255;
/// Names read of one certificate.
const MOST: usize = 256;

/// SHA-256 of a whole certificate as it travels (DER): what `openssl x509 -fingerprint -sha256`
/// shows, and what whoever runs the server can read out. It changes with every new certificate.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

/// Text that is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not 64 hexadecimal digits")]
pub struct FingerprintError;

impl Fingerprint {
    /// That of a certificate.
    #[must_use]
    pub fn of(der: &[u8]) -> Fingerprint {
        Fingerprint(Sha256::digest(der).into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(":")?;
            }
            write!(f, "{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// With or without colons and blanks, in either case, also with what OpenSSL puts before it.
    fn from_str(text: &str) -> Result<Fingerprint, FingerprintError> {
        let text = text.rsplit('=').next().unwrap_or_default().trim();
        let text = match text.get(..7) {
            Some(start) if start.eq_ignore_ascii_case("sha256:") => text.get(7..),
            _ => Some(text),
        };
        let mut digits = Vec::with_capacity(64);
        for c in text.unwrap_or_default().chars() {
            match c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()) {
                Some(_) if digits.len() == 64 => return Err(FingerprintError),
                Some(digit) => digits.push(digit),
                None if c == ':' || c == ' ' => {}
                None => return Err(FingerprintError),
            }
        }
        let mut bytes = [0; 32];
        let (pairs, rest) = digits.as_chunks::<2>();
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return Err(FingerprintError);
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = high << 4 | low;
        }
        Ok(Fingerprint(bytes))
    }
}

/// What a certificate says. Untrusted until it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Whom it was given to.
    pub names: Presented,
    /// Its subject, as a line.
    pub subject: String,
    /// Who vouches for it, as a line.
    pub issuer: String,
    /// It vouches for itself.
    pub self_issued: bool,
    /// From when it counts: seconds since 1970.
    pub not_before: i64,
    /// Until when: seconds since 1970.
    pub not_after: i64,
    /// What tells it from all others.
    pub fingerprint: Fingerprint,
}

impl Certificate {
    /// Reads one (DER). `None`: it is none.
    #[must_use]
    pub fn read(der: &[u8]) -> Option<Certificate> {
        let (_, read) = X509Certificate::from_der(der).ok()?;
        let validity = read.validity();
        Some(Certificate {
            names: names(&read),
            subject: line(read.subject()),
            issuer: line(read.issuer()),
            self_issued: read.subject().as_raw() == read.issuer().as_raw(),
            not_before: validity.not_before.timestamp(),
            not_after: validity.not_after.timestamp(),
            fingerprint: Fingerprint::of(der),
        })
    }
}

fn names(read: &X509Certificate<'_>) -> Presented {
    let mut names = Presented::default();
    let common = read.subject().iter_common_name().next();
    names.common_name = common.and_then(|name| name.as_str().ok()).map(shown);
    let Ok(Some(alternative)) = read.subject_alternative_name() else {
        return names;
    };
    for name in alternative.value.general_names.iter().take(MOST) {
        match name {
            GeneralName::DNSName(name) => names.dns.push(shown(name)),
            GeneralName::URI(uri) => names.uris.push(shown(uri)),
            GeneralName::IPAddress(octets) => names.addresses.extend(address(octets)),
            _ => {}
        }
    }
    names
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    match octets.len() {
        4 => <[u8; 4]>::try_from(octets).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(octets).ok().map(IpAddr::from),
        _ => None,
    }
}

fn line(name: &X509Name<'_>) -> String {
    shown(&name.to_string())
}

/// Cut to what can be shown safely.
fn shown(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(LONGEST)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_it_is_written_down() {
        let text = "AB:CD:".to_owned() + &["01"; 30].join(":");
        let print: Fingerprint = text.parse().unwrap();
        assert_eq!(print.to_string(), text);
        for other in [
            text.replace(':', ""),
            text.to_lowercase(),
            format!("sha256 Fingerprint={text}"),
            format!("sha256:{text}"),
            format!(" {} ", text.replace(':', " ")),
        ] {
            assert_eq!(other.parse(), Ok(print), "{other}");
        }
        for wrong in [
            "",
            "AB",
            &text[3..],
            &format!("{text}:00"),
            "é".repeat(64).as_str(),
        ] {
            assert_eq!(
                wrong.parse::<Fingerprint>(),
                Err(FingerprintError),
                "{wrong}"
            );
        }
    }

    #[test]
    fn the_fingerprint_of_nothing_is_that_of_fips_180() {
        let expected = "E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:\
                        27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:78:52:B8:55";
        assert_eq!(Fingerprint::of(b"").to_string(), expected);
    }

    #[test]
    fn a_certificate_says_whom_it_is_for_and_how_long() {
        let ca_key = rcgen::KeyPair::generate().unwrap();
        let mut ca = rcgen::CertificateParams::new(Vec::new()).unwrap();
        ca.distinguished_name = rcgen::DistinguishedName::new();
        ca.distinguished_name
            .push(rcgen::DnType::CommonName, "Example Authority");
        let issuer = rcgen::Issuer::new(ca, ca_key);
        let key = rcgen::KeyPair::generate().unwrap();
        let names = ["pbx.example".to_owned(), "192.0.2.7".to_owned()];
        let mut of = rcgen::CertificateParams::new(names).unwrap();
        of.subject_alt_names
            .push(rcgen::SanType::URI("sip:pbx.example".try_into().unwrap()));
        of.distinguished_name = rcgen::DistinguishedName::new();
        of.distinguished_name
            .push(rcgen::DnType::CommonName, "The exchange");
        of.not_before = rcgen::date_time_ymd(2020, 1, 1);
        of.not_after = rcgen::date_time_ymd(2021, 1, 1);
        let der = of.signed_by(&key, &issuer).unwrap();
        let read = Certificate::read(der.der()).unwrap();
        assert_eq!(
            read.names.shown(),
            ["sip:pbx.example", "pbx.example", "192.0.2.7"]
        );
        assert_eq!(read.names.common_name.as_deref(), Some("The exchange"));
        assert_eq!(read.issuer, "CN=Example Authority");
        assert!(!read.self_issued);
        assert_eq!(
            (read.not_before, read.not_after),
            (1_577_836_800, 1_609_459_200)
        );
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        assert_eq!(Certificate::read(b""), None);
        assert_eq!(Certificate::read(&[0x30; 300]), None);
    }
}
