//! TLS 1.2 and 1.3 towards a server (RFC 5246, RFC 8446), with SNI and resumption.
//!
//! Whom a connection must lead to is decided by [`Judge`]; what of that a server fails is told as
//! [`Refused`]. A connection that stands is encrypted and its other end verified: there is no other
//! kind.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{ResolvesClientCert, Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName, UnixTime,
};
use rustls::sign::CertifiedKey;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, HandshakeKind, ProtocolVersion,
    RootCertStore, SignatureScheme,
};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use zeroize::Zeroizing;

use super::StreamError;
use super::judge::{Judge, Refusal};
use crate::trust::{Certificate, Refused, Secured, Terms, TlsFailure, TlsVersion, Verified};

/// How long a server may take to answer in TLS. One that does not speak it may wait for more of what
/// it does not understand; below the time that a whole connection has.
const HANDSHAKE: Duration = Duration::from_secs(8);
/// Sessions remembered to be taken up again: those of one name, of which a server gives a few.
const SESSIONS: usize = 8;
/// A file of certificates, even with the authorities of a whole system, is smaller.
const MAX_FILE: u64 = 4 << 20;

/// How connections to one server are made under one account's terms. Sessions are taken up again
/// within it alone, so that none is used for terms that it was not verified under.
#[derive(Debug)]
pub struct TlsClient {
    terms: Terms,
    expected: Vec<String>,
    websocket: bool,
    ready: OnceCell<Ready>,
}

#[derive(Debug)]
struct Ready {
    config: Arc<ClientConfig>,
    judge: Arc<Judge>,
    ours: Arc<Ours>,
    name: ServerName<'static>,
}

impl TlsClient {
    /// Connections to whoever has one of these names: domains or addresses, the one that is asked
    /// for by name (SNI) first.
    #[must_use]
    pub fn new(terms: Terms, expected: Vec<String>, websocket: bool) -> TlsClient {
        TlsClient {
            terms,
            expected,
            websocket,
            ready: OnceCell::new(),
        }
    }

    /// The names of which the server has to show one.
    #[must_use]
    pub fn expected(&self) -> &[String] {
        &self.expected
    }

    /// What a person is told who is refused for this reason.
    fn refused(&self, failure: TlsFailure) -> Box<Refused> {
        Box::new(Refused {
            expected: self.expected.clone(),
            ..Refused::without_certificate(failure)
        })
    }

    pub(super) async fn handshake(
        &self,
        stream: TcpStream,
    ) -> Result<(TlsStream<TcpStream>, Secured), StreamError> {
        let ready = self.ready.get_or_try_init(|| self.prepare()).await;
        let ready = ready.map_err(|failure| self.refused(failure))?;
        let connector = TlsConnector::from(Arc::clone(&ready.config));
        let connecting = timeout(HANDSHAKE, connector.connect(ready.name.clone(), stream));
        let stream = connecting
            .await
            .map_err(|_| StreamError::Tls(self.refused(TlsFailure::NotSpoken)))?
            .map_err(|error| StreamError::Tls(self.handshake_error(&error, &ready.ours)))?;
        let secured = self.look_at(&stream, ready)?;
        Ok((stream, secured))
    }

    /// Reads the files and asks the system whom it trusts; both can take a while.
    async fn prepare(&self) -> Result<Ready, TlsFailure> {
        let (terms, expected, websocket) =
            (self.terms.clone(), self.expected.clone(), self.websocket);
        tokio::task::spawn_blocking(move || Ready::new(&terms, expected, websocket))
            .await
            .unwrap_or(Err(TlsFailure::Broken))
    }

    /// What stands behind a connection. One that was taken up from before is judged anew: its
    /// certificate may have run out since.
    fn look_at(
        &self,
        stream: &TlsStream<TcpStream>,
        ready: &Ready,
    ) -> Result<Secured, StreamError> {
        let (_, session) = stream.get_ref();
        let chain = session.peer_certificates().unwrap_or_default();
        let (Some((first, others)), Some(version)) =
            (chain.split_first(), session.protocol_version())
        else {
            return Err(StreamError::Tls(self.refused(TlsFailure::Broken)));
        };
        let resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
        if resumed {
            ready
                .judge
                .judge(first, others, UnixTime::now())
                .map_err(|refused| StreamError::Tls(Box::new(refused)))?;
        }
        let certificate = Certificate::read(first)
            .ok_or_else(|| StreamError::Tls(self.refused(TlsFailure::Unusable)))?;
        Ok(Secured {
            verified: ready.judge.by(),
            version: match version {
                ProtocolVersion::TLSv1_3 => TlsVersion::Tls13,
                _ => TlsVersion::Tls12,
            },
            resumed,
            certificate: Box::new(certificate),
        })
    }

    fn handshake_error(&self, error: &io::Error, ours: &Ours) -> Box<Refused> {
        let failure = match tls_error(error) {
            Some(rustls::Error::InvalidCertificate(CertificateError::Other(other))) => {
                match other.0.downcast_ref::<Refusal>() {
                    Some(Refusal(refused)) => return Box::new(refused.clone()),
                    None => TlsFailure::Unusable,
                }
            }
            Some(rustls::Error::InvalidCertificate(_)) => TlsFailure::Unusable,
            Some(rustls::Error::AlertReceived(alert)) => of_alert(*alert, ours),
            Some(rustls::Error::PeerIncompatible(_)) => TlsFailure::NothingInCommon,
            Some(
                rustls::Error::InvalidMessage(_)
                | rustls::Error::InappropriateMessage { .. }
                | rustls::Error::InappropriateHandshakeMessage { .. },
            ) => TlsFailure::NotSpoken,
            _ => TlsFailure::Broken,
        };
        self.refused(failure)
    }

    /// What an error on a connection that stood says of TLS. With TLS 1.3 a server looks at our
    /// certificate when our handshake is over.
    pub(super) fn later_error(&self, error: &io::Error) -> Option<StreamError> {
        let Some(rustls::Error::AlertReceived(alert)) = tls_error(error) else {
            return None;
        };
        let ours = &self.ready.get()?.ours;
        if !ours.asked.load(Ordering::Relaxed) {
            return None;
        }
        let failure = of_alert(*alert, ours);
        Some(StreamError::Tls(self.refused(failure)))
    }
}

fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn of_alert(alert: AlertDescription, ours: &Ours) -> TlsFailure {
    let of_ours = if ours.key.is_some() {
        TlsFailure::CertificateRefused
    } else {
        TlsFailure::CertificateAsked
    };
    match alert {
        AlertDescription::CertificateRequired => TlsFailure::CertificateAsked,
        AlertDescription::ProtocolVersion | AlertDescription::InsufficientSecurity => {
            TlsFailure::NothingInCommon
        }
        AlertDescription::HandshakeFailure
        | AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied
        | AlertDescription::DecryptError
            if ours.asked.load(Ordering::Relaxed) =>
        {
            of_ours
        }
        AlertDescription::HandshakeFailure => TlsFailure::NothingInCommon,
        AlertDescription::UnrecognisedName => TlsFailure::WrongHost,
        _ => TlsFailure::Broken,
    }
}

impl Ready {
    fn new(terms: &Terms, expected: Vec<String>, websocket: bool) -> Result<Ready, TlsFailure> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let first = expected.first().ok_or(TlsFailure::WrongHost)?;
        let name = server_name(first).ok_or(TlsFailure::WrongHost)?;
        let (chain, by) = match &terms.ca {
            _ if terms.pin.is_some() => (None, Verified::ByPin),
            Some(ca) => {
                let vouching = own_authority(ca, terms.crl.as_deref(), &provider)?;
                (Some(vouching), Verified::ByOwnAuthority)
            }
            None => (Some(system(&provider)?), Verified::BySystem),
        };
        let algorithms = provider.signature_verification_algorithms;
        let judge = Arc::new(Judge::new(chain, by, terms.pin, expected, algorithms));
        let key = match &terms.client {
            Some(files) => Some(Arc::new(certified_key(files, &provider)?)),
            None => None,
        };
        let ours = Arc::new(Ours {
            key,
            asked: AtomicBool::new(false),
        });
        let verifier: Arc<dyn ServerCertVerifier> = judge.clone();
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|_| TlsFailure::NothingInCommon)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_cert_resolver(ours.clone());
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        if websocket {
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
        }
        Ok(Ready {
            config: Arc::new(config),
            judge,
            ours,
            name,
        })
    }
}

/// The name that is asked for; an address in brackets or without.
pub(super) fn server_name(host: &str) -> Option<ServerName<'static>> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(bare.trim_end_matches('.').to_owned()).ok()
}

fn system(provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, TlsFailure> {
    match rustls_platform_verifier::Verifier::new(Arc::clone(provider)) {
        Ok(verifier) => Ok(Arc::new(verifier)),
        Err(error) => {
            tracing::warn!("the system trusts nobody: {error}");
            Err(TlsFailure::UnknownIssuer)
        }
    }
}

fn own_authority(
    ca: &Path,
    crl: Option<&Path>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TlsFailure> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(ca)? {
        roots.add(certificate).map_err(|_| TlsFailure::Files)?;
    }
    let roots = Arc::new(roots);
    let mut building = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider));
    if let Some(crl) = crl {
        let bytes = read(crl)?;
        let lists: Result<Vec<_>, _> =
            CertificateRevocationListDer::pem_slice_iter(&bytes).collect();
        let lists = lists.map_err(|_| TlsFailure::Files)?;
        if lists.is_empty() {
            return Err(TlsFailure::Files);
        }
        building = building
            .with_crls(lists)
            .only_check_end_entity_revocation()
            .allow_unknown_revocation_status();
    }
    Ok(building.build().map_err(|_| TlsFailure::Files)?)
}

fn certified_key(
    files: &crate::trust::ClientFiles,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsFailure> {
    let chain = certificates(&files.certificate)?;
    let pem = read(&files.key)?;
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| TlsFailure::Files)?;
    CertifiedKey::from_der(chain, key, provider).map_err(|_| TlsFailure::Files)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFailure> {
    let bytes = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(TlsFailure::Files),
    }
}

/// The content of a file, which may be a key.
fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsFailure> {
    let mut bytes = Zeroizing::new(Vec::new());
    let opened = File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes));
    match opened {
        Ok(_) if bytes.len() as u64 <= MAX_FILE => Ok(bytes),
        Ok(_) => Err(TlsFailure::Files),
        Err(error) => {
            tracing::debug!(path = %path.display(), "not read: {error}");
            Err(TlsFailure::Files)
        }
    }
}

/// What we present if we are asked, and whether we were.
#[derive(Debug)]
struct Ours {
    key: Option<Arc<CertifiedKey>>,
    asked: AtomicBool,
}

impl ResolvesClientCert for Ours {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.key.clone()
    }

    fn has_certs(&self) -> bool {
        self.key.is_some()
    }
}
