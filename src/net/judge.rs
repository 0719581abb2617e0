//! Whether a server is the one that was meant (RFC 5280 for the chain, RFC 5922 for the names).

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};

use super::tls::server_name;
use crate::trust::{Certificate, Fingerprint, Refused, TlsFailure, Verified};

/// On these systems the chain is walked before the name is looked at, so that a certificate which is
/// refused for its names alone is good but for them. Elsewhere the system's word is the last.
const CHAIN_COMES_FIRST: bool = cfg!(all(
    unix,
    not(target_vendor = "apple"),
    not(target_os = "android")
));

/// A refusal on its way through rustls.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) Refused);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.failure.as_str())
    }
}

impl std::error::Error for Refusal {}

/// Judges what a server presents, under one account's terms.
pub(super) struct Judge {
    /// Who knows whom to trust; `None` where the pin decides alone.
    chain: Option<Arc<dyn ServerCertVerifier>>,
    by: Verified,
    pin: Option<Fingerprint>,
    /// The names of which the certificate has to carry one.
    expected: Vec<String>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge")
            .field("by", &self.by)
            .field("pin", &self.pin)
            .field("expected", &self.expected)
            .finish_non_exhaustive()
    }
}

impl Judge {
    pub(super) fn new(
        chain: Option<Arc<dyn ServerCertVerifier>>,
        by: Verified,
        pin: Option<Fingerprint>,
        expected: Vec<String>,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Judge {
        Judge {
            chain,
            by,
            pin,
            expected,
            algorithms,
        }
    }

    pub(super) const fn by(&self) -> Verified {
        self.by
    }

    /// Judges a certificate and those that came with it.
    pub(super) fn judge(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Refused> {
        let read = Certificate::read(certificate);
        let verdict = match &read {
            Some(read) => self.verdict(read, certificate, others, now),
            None => Err(TlsFailure::Unusable),
        };
        verdict.map_err(|failure| Refused {
            failure,
            expected: self.expected.clone(),
            certificate: read.map(Box::new),
        })
    }

    fn verdict(
        &self,
        read: &Certificate,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), TlsFailure> {
        if let Some(pin) = self.pin {
            return if read.fingerprint == pin {
                Ok(())
            } else {
                Err(TlsFailure::NotPinned)
            };
        }
        let chain = self.chain.as_ref().ok_or(TlsFailure::UnknownIssuer)?;
        let mut good_but_for_names = false;
        for expected in &self.expected {
            let Some(name) = server_name(expected) else {
                continue;
            };
            match chain.verify_server_cert(certificate, others, &name, &[], now) {
                Ok(_) => good_but_for_names = true,
                Err(rustls::Error::InvalidCertificate(
                    CertificateError::NotValidForName
                    | CertificateError::NotValidForNameContext { .. },
                )) => good_but_for_names |= CHAIN_COMES_FIRST || self.by != Verified::BySystem,
                Err(error) => return Err(of_chain(&error, read)),
            }
        }
        let named = self.expected.iter().any(|name| read.names.is_for(name));
        if good_but_for_names && named {
            Ok(())
        } else {
            Err(TlsFailure::WrongHost)
        }
    }
}

/// What is wrong with a chain.
fn of_chain(error: &rustls::Error, read: &Certificate) -> TlsFailure {
    let rustls::Error::InvalidCertificate(error) = error else {
        return TlsFailure::Unusable;
    };
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsFailure::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            TlsFailure::NotYetValid
        }
        CertificateError::Revoked => TlsFailure::Revoked,
        // An authority's own certificate, which some servers present as theirs, is refused for
        // being one.
        CertificateError::UnknownIssuer
        | CertificateError::BadSignature
        | CertificateError::Other(_)
            if read.self_issued =>
        {
            TlsFailure::SelfSigned
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            TlsFailure::UnknownIssuer
        }
        _ => TlsFailure::Unusable,
    }
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.judge(certificate, others, now) {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(refused) => {
                let refusal = OtherError(Arc::new(Refusal(refused)));
                Err(CertificateError::Other(refusal).into())
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
