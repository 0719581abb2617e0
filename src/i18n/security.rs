//! Why a connection was not secure, and what differs, in words.

use crate::engine::Signalling;
use crate::say;
use crate::trust::{Refused, TlsFailure, Verified};

use super::{Explanation, Words, explain};

impl Words {
    /// Why a secure connection was refused, and what to do about it.
    #[must_use]
    pub fn not_secured(&self, failure: TlsFailure) -> Explanation {
        match failure {
            TlsFailure::Expired => explain!(self, "tls-expired"),
            TlsFailure::NotYetValid => explain!(self, "tls-not-yet-valid"),
            TlsFailure::WrongHost => explain!(self, "tls-wrong-host"),
            TlsFailure::SelfSigned => explain!(self, "tls-self-signed"),
            TlsFailure::UnknownIssuer => explain!(self, "tls-unknown-issuer"),
            TlsFailure::Revoked => explain!(self, "tls-revoked"),
            TlsFailure::NotPinned => explain!(self, "tls-not-pinned"),
            TlsFailure::Unusable => explain!(self, "tls-unusable"),
            TlsFailure::NothingInCommon => explain!(self, "tls-nothing-in-common"),
            TlsFailure::CertificateAsked => explain!(self, "tls-certificate-asked"),
            TlsFailure::CertificateRefused => explain!(self, "tls-certificate-refused"),
            TlsFailure::NotSpoken => explain!(self, "tls-not-spoken"),
            TlsFailure::NoWebSocket => explain!(self, "tls-no-websocket"),
            TlsFailure::Broken => explain!(self, "tls-broken"),
            TlsFailure::Files => explain!(self, "tls-files"),
        }
    }

    /// What was expected and what was found, one a line.
    #[must_use]
    pub fn what_differs(&self, refused: &Refused) -> Vec<String> {
        let mut lines = Vec::new();
        if !refused.expected.is_empty() {
            let names = refused.expected.join(", ");
            lines.push(say!(self, "tls-expected", names = names));
        }
        let Some(certificate) = &refused.certificate else {
            return lines;
        };
        let names = certificate.names.shown();
        lines.push(if names.is_empty() {
            say!(self, "tls-found-nameless")
        } else {
            say!(self, "tls-found", names = names.join(", "))
        });
        let (from, until) = (
            self.day_of(certificate.not_before),
            self.day_of(certificate.not_after),
        );
        lines.push(say!(self, "tls-valid", from = from, until = until));
        let issuer = certificate.issuer.as_str();
        lines.push(say!(self, "tls-issuer", issuer = issuer));
        let print = certificate.fingerprint.to_string();
        lines.push(say!(self, "tls-fingerprint", print = print));
        lines
    }

    /// How signalling travels, in a line; `None` while nothing is known.
    #[must_use]
    pub fn signalling(&self, signalling: &Signalling) -> Option<String> {
        match signalling {
            Signalling::Unknown => None,
            Signalling::Clear => Some(say!(self, "signalling-clear")),
            Signalling::Encrypted(secured) => {
                let version = secured.version.to_string();
                Some(match secured.verified {
                    Verified::BySystem => say!(self, "signalling-by-system", version = version),
                    Verified::ByOwnAuthority => {
                        say!(self, "signalling-by-own-authority", version = version)
                    }
                    Verified::ByPin => say!(self, "signalling-by-pin", version = version),
                })
            }
        }
    }

    /// The day of a moment (seconds since 1970), in universal time as certificates have it.
    fn day_of(&self, unix: i64) -> String {
        match jiff::Timestamp::from_second(unix) {
            Ok(moment) => self.date(moment.to_zoned(jiff::tz::TimeZone::UTC).datetime()),
            Err(_) => unix.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;
    use crate::trust::{Certificate, Fingerprint, Presented};

    #[test]
    fn every_failure_has_a_sentence_of_its_own_in_every_language() {
        for language in Language::ALL {
            let words = Words::new(language);
            let mut seen = Vec::new();
            for failure in TlsFailure::ALL {
                let told = words.not_secured(failure);
                assert!(!seen.contains(&told.title), "{language:?} {failure:?}");
                assert!(told.todo.is_some_and(|todo| todo.ends_with('.')));
                seen.push(told.title);
            }
        }
    }

    #[test]
    fn what_differs_can_be_compared() {
        let words = Words::new(Language::English);
        let names = Presented {
            dns: vec!["other.example".to_owned()],
            ..Presented::default()
        };
        let refused = Refused {
            failure: TlsFailure::WrongHost,
            expected: vec!["pbx.example".to_owned()],
            certificate: Some(Box::new(Certificate {
                names,
                subject: "CN=other".to_owned(),
                issuer: "CN=Example Authority".to_owned(),
                self_issued: false,
                not_before: 1_577_836_800,
                not_after: 1_609_459_200,
                fingerprint: Fingerprint::of(b""),
            })),
        };
        let lines = words.what_differs(&refused);
        assert_eq!(
            lines[..4],
            [
                "Expected: pbx.example",
                "Its certificate is for: other.example",
                "Valid from 2020-01-01 to 2021-01-01",
                "Vouched for by: CN=Example Authority",
            ]
        );
        assert!(lines[4].starts_with("Fingerprint (SHA-256): E3:B0:C4:42"));
    }
}
