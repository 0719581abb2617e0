//! Why a secure connection did not come to stand.

use super::certificate::Certificate;

/// Each kind of failure is one of its own, since each wants something else done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsFailure {
    /// The certificate's time is over.
    Expired,
    /// The certificate's time has not begun; or the clock here is wrong.
    NotYetValid,
    /// The certificate is good, and somebody else's.
    WrongHost,
    /// Nobody but itself vouches for the certificate.
    SelfSigned,
    /// Who vouches for the certificate is not known here.
    UnknownIssuer,
    /// Its issuer took the certificate back.
    Revoked,
    /// It is not the one certificate that the account is bound to.
    NotPinned,
    /// The certificate is broken, or not made for servers.
    Unusable,
    /// No protocol version or cipher in common.
    NothingInCommon,
    /// The server asks for a certificate of ours, and the account has none.
    CertificateAsked,
    /// The server does not take the certificate of ours.
    CertificateRefused,
    /// What answers there does not speak TLS.
    NotSpoken,
    /// It speaks TLS, and not SIP over WebSocket.
    NoWebSocket,
    /// The handshake broke off for another reason.
    Broken,
    /// A file that the account names for its certificates cannot be used.
    Files,
}

impl TlsFailure {
    /// All of them, in their order.
    pub const ALL: [TlsFailure; 15] = [
        TlsFailure::Expired,
        TlsFailure::NotYetValid,
        TlsFailure::WrongHost,
        TlsFailure::SelfSigned,
        TlsFailure::UnknownIssuer,
        TlsFailure::Revoked,
        TlsFailure::NotPinned,
        TlsFailure::Unusable,
        TlsFailure::NothingInCommon,
        TlsFailure::CertificateAsked,
        TlsFailure::CertificateRefused,
        TlsFailure::NotSpoken,
        TlsFailure::NoWebSocket,
        TlsFailure::Broken,
        TlsFailure::Files,
    ];

    /// Its name in output that programs read.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            TlsFailure::Expired => "certificate_expired",
            TlsFailure::NotYetValid => "certificate_not_yet_valid",
            TlsFailure::WrongHost => "certificate_wrong_host",
            TlsFailure::SelfSigned => "certificate_self_signed",
            TlsFailure::UnknownIssuer => "certificate_unknown_issuer",
            TlsFailure::Revoked => "certificate_revoked",
            TlsFailure::NotPinned => "certificate_not_pinned",
            TlsFailure::Unusable => "certificate_unusable",
            TlsFailure::NothingInCommon => "tls_nothing_in_common",
            TlsFailure::CertificateAsked => "client_certificate_asked",
            TlsFailure::CertificateRefused => "client_certificate_refused",
            TlsFailure::NotSpoken => "tls_not_spoken",
            TlsFailure::NoWebSocket => "websocket_not_spoken",
            TlsFailure::Broken => "tls_broken",
            TlsFailure::Files => "certificate_files",
        }
    }

    /// Whether it lies in the server's certificate, so that a person who knows better can bind the
    /// account to just that one. Of a broken certificate and of one taken back nobody knows better.
    #[must_use]
    pub const fn may_be_pinned(self) -> bool {
        matches!(
            self,
            TlsFailure::Expired
                | TlsFailure::NotYetValid
                | TlsFailure::WrongHost
                | TlsFailure::SelfSigned
                | TlsFailure::UnknownIssuer
                | TlsFailure::NotPinned
        )
    }
}

/// A secure connection that was refused, and what differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub failure: TlsFailure,
    /// The names of which the certificate had to carry one.
    pub expected: Vec<String>,
    /// What was presented; `None` where it did not come to that.
    pub certificate: Option<Box<Certificate>>,
}

impl Refused {
    /// A refusal without a certificate.
    #[must_use]
    pub const fn without_certificate(failure: TlsFailure) -> Refused {
        Refused {
            failure,
            expected: Vec::new(),
            certificate: None,
        }
    }
}
