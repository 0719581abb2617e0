//! Encrypted connections and WebSockets over loopback, against servers and authorities of the
//! test's own making.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

use super::*;
use crate::trust::{ClientFiles, Fingerprint, Refused, Terms, TlsFailure, TlsVersion, Verified};

/// Longer than anything here takes on a busy machine; nothing waits for it unless a test fails.
const PATIENCE: Duration = Duration::from_secs(20);
const HOST: &str = "pbx.example";

/// Somebody who vouches for certificates, and a folder for the files.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    der: CertificateDer<'static>,
    folder: TempDir,
}

/// A certificate with its key.
struct Owned {
    der: CertificateDer<'static>,
    key: KeyPair,
}

impl Authority {
    fn new() -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params
            .distinguished_name
            .push(DnType::CommonName, "Example Authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let der = params.self_signed(&key).unwrap().der().clone();
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority {
            issuer: Issuer::new(params, key),
            der,
            folder,
        };
        authority.write("ca.pem", "CERTIFICATE", &authority.der);
        authority
    }

    fn write(&self, name: &str, kind: &str, der: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, pem(kind, der)).unwrap();
        path
    }

    /// Whom an account trusts that trusts this one.
    fn terms(&self) -> Terms {
        Terms {
            ca: Some(self.folder.path().join("ca.pem")),
            ..Terms::default()
        }
    }

    fn certifies(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Owned {
        let key = KeyPair::generate().unwrap();
        let mut params = params(names);
        change(&mut params);
        let der = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        Owned { der, key }
    }
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    CertificateParams::new(names).unwrap()
}

/// RFC 7468, by the letter: nothing of what reads it writes it.
fn pem(kind: &str, der: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = format!("-----BEGIN {kind}-----\n");
    for line in der.chunks(48) {
        for three in line.chunks(3) {
            let octets = [
                three[0],
                *three.get(1).unwrap_or(&0),
                *three.get(2).unwrap_or(&0),
            ];
            let bits = u32::from_be_bytes([0, octets[0], octets[1], octets[2]]);
            for at in 0..4 {
                let digit = DIGITS[(bits >> (18 - 6 * at)) as usize & 63];
                text.push(if at <= three.len() { digit.into() } else { '=' });
            }
        }
        text.push('\n');
    }
    text + &format!("-----END {kind}-----\n")
}

impl Owned {
    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()))
    }

    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.der)
    }
}

const BOTH: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

/// How a server behaves.
struct Serving<'a> {
    owned: &'a Owned,
    versions: &'a [&'static SupportedProtocolVersion],
    /// Whose certificates it wants to see.
    asks: Option<&'a Authority>,
}

impl<'a> Serving<'a> {
    fn with(owned: &'a Owned) -> Serving<'a> {
        Serving {
            owned,
            versions: BOTH,
            asks: None,
        }
    }

    fn config(&self) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let building = ServerConfig::builder_with_provider(provider.clone());
        let building = building.with_protocol_versions(self.versions).unwrap();
        let building = match self.asks {
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.der.clone()).unwrap();
                let roots = Arc::new(roots);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
                building.with_client_cert_verifier(verifier.build().unwrap())
            }
            None => building.with_no_client_auth(),
        };
        let chain = vec![self.owned.der.clone()];
        Arc::new(building.with_single_cert(chain, self.owned.key()).unwrap())
    }

    /// Says back what it hears, with the name it was asked for before it.
    async fn echo(&self) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let acceptor = TlsAcceptor::from(self.config());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let name = stream.get_ref().1.server_name().unwrap_or("-").to_owned();
                tokio::spawn(async move {
                    let mut buffer = [0; 1024];
                    while let Ok(len @ 1..) = stream.read(&mut buffer).await {
                        let said = [name.as_bytes(), b" ", &buffer[..len]].concat();
                        if stream.write_all(&said).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        addr
    }
}

/// The phone's side.
struct Phone {
    sockets: Sockets,
    events: mpsc::Receiver<NetEvent>,
}

impl Phone {
    fn new() -> Phone {
        let config = Config::on(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let (sockets, events) = Sockets::bind(&config).unwrap();
        Phone { sockets, events }
    }

    fn dial(&self, remote: SocketAddr, tls: Option<&Arc<TlsClient>>) -> Dial {
        Dial {
            remote,
            from: None,
            tls: tls.cloned(),
            websocket: None,
        }
    }

    async fn event(&mut self) -> NetEvent {
        let next = tokio::time::timeout(PATIENCE, self.events.recv());
        next.await.expect("it happens in time").unwrap()
    }

    /// Sends `hello` and answers what stands behind the connection, with what came back.
    async fn hello(
        &mut self,
        remote: SocketAddr,
        tls: &Arc<TlsClient>,
    ) -> Result<(Secured, Vec<u8>), Box<Refused>> {
        let dial = self.dial(remote, Some(tls));
        let id = self.sockets.open_stream(dial, b"hello".to_vec()).unwrap();
        let mut secured = None;
        loop {
            match self.event().await {
                NetEvent::StreamOpened { secured: shown, .. } => secured = shown,
                NetEvent::StreamData { bytes, .. } => {
                    self.sockets.close_stream(id);
                    return Ok((*secured.expect("told when it opened"), bytes));
                }
                NetEvent::StreamClosed {
                    error: Some(StreamError::Tls(refused)),
                    ..
                } => return Err(refused),
                NetEvent::StreamClosed { error: None, .. } => {} // of the one before
                other => panic!("{other:?}"),
            }
        }
    }

    async fn refused(&mut self, remote: SocketAddr, terms: &Terms) -> Box<Refused> {
        let stands = self.hello(remote, &client(terms)).await;
        stands.expect_err("it must not stand")
    }
}

fn client(terms: &Terms) -> Arc<TlsClient> {
    Arc::new(TlsClient::new(terms.clone(), vec![HOST.to_owned()], false))
}

#[tokio::test]
async fn a_server_that_its_authority_vouches_for_is_heard_over_either_version() {
    let authority = Authority::new();
    let owned = authority.certifies(&[HOST], |_| {});
    for (version, expected) in [
        (&rustls::version::TLS12, TlsVersion::Tls12),
        (&rustls::version::TLS13, TlsVersion::Tls13),
    ] {
        let mut serving = Serving::with(&owned);
        let versions = [version];
        serving.versions = &versions;
        let remote = serving.echo().await;
        let mut phone = Phone::new();
        let stands = phone.hello(remote, &client(&authority.terms())).await;
        let (secured, heard) = stands.unwrap();
        // SNI, and the bytes as they are.
        assert_eq!(heard, b"pbx.example hello");
        assert_eq!(secured.version, expected);
        assert_eq!(secured.verified, Verified::ByOwnAuthority);
        assert_eq!(secured.certificate.fingerprint, owned.fingerprint());
    }
}

#[tokio::test]
async fn a_domain_in_a_sip_uri_is_as_good_as_a_host_name() {
    let authority = Authority::new();
    let uri = |params: &mut CertificateParams, uri: &str| {
        let name = uri.try_into().unwrap();
        params.subject_alt_names.push(SanType::URI(name));
    };
    let owned = authority.certifies(&[], |params| uri(params, "sip:pbx.example"));
    let remote = Serving::with(&owned).echo().await;
    let mut phone = Phone::new();
    assert!(
        phone
            .hello(remote, &client(&authority.terms()))
            .await
            .is_ok()
    );
    // RFC 5922 section 7.1: a SIP URI of another domain outweighs the host name.
    let owned = authority.certifies(&[HOST], |params| uri(params, "sip:other.example"));
    let remote = Serving::with(&owned).echo().await;
    let refused = phone.refused(remote, &authority.terms()).await;
    assert_eq!(refused.failure, TlsFailure::WrongHost);
}

#[tokio::test]
async fn each_kind_of_wrong_certificate_is_a_failure_of_its_own() {
    let (authority, other) = (Authority::new(), Authority::new());
    let key = KeyPair::generate().unwrap();
    let alone = params(&[HOST]).self_signed(&key).unwrap().der().clone();
    let alone = Owned { der: alone, key };
    let expired = authority.certifies(&[HOST], |params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    });
    let early = authority.certifies(&[HOST], |params| {
        params.not_before = date_time_ymd(4000, 1, 1);
    });
    let elsewhere = authority.certifies(&["other.example", "third.example"], |_| {});
    let unknown = other.certifies(&[HOST], |_| {});
    for (owned, expected) in [
        (&expired, TlsFailure::Expired),
        (&early, TlsFailure::NotYetValid),
        (&elsewhere, TlsFailure::WrongHost),
        (&alone, TlsFailure::SelfSigned),
        (&unknown, TlsFailure::UnknownIssuer),
    ] {
        let remote = Serving::with(owned).echo().await;
        let mut phone = Phone::new();
        let refused = phone.refused(remote, &authority.terms()).await;
        assert_eq!(refused.failure, expected);
        assert_eq!(refused.expected, [HOST]);
        let shown = refused.certificate.expect("what was presented is shown");
        assert_eq!(shown.fingerprint, owned.fingerprint(), "{expected:?}");
        if expected == TlsFailure::WrongHost {
            assert_eq!(shown.names.shown(), ["other.example", "third.example"]);
        }
        if expected == TlsFailure::Expired {
            assert_eq!(shown.not_after, 1_609_459_200);
        }
        // Whom the system trusts is none of these.
        let refused = phone.refused(remote, &Terms::default()).await;
        assert!(refused.failure.may_be_pinned(), "{:?}", refused.failure);
        // The person knows better.
        let pinned = Terms {
            pin: Some(owned.fingerprint()),
            ..authority.terms()
        };
        let (secured, _) = phone.hello(remote, &client(&pinned)).await.unwrap();
        assert_eq!(secured.verified, Verified::ByPin);
    }
}

#[tokio::test]
async fn who_trusts_one_certificate_trusts_no_other() {
    let authority = Authority::new();
    let trusted = authority.certifies(&[HOST], |_| {});
    let renewed = authority.certifies(&[HOST], |_| {});
    let remote = Serving::with(&renewed).echo().await;
    let terms = Terms {
        pin: Some(trusted.fingerprint()),
        ..authority.terms()
    };
    let refused = Phone::new().refused(remote, &terms).await;
    assert_eq!(refused.failure, TlsFailure::NotPinned);
    let shown = refused.certificate.expect("what was presented is shown");
    assert_eq!(shown.fingerprint, renewed.fingerprint());
}

#[tokio::test]
async fn what_its_authority_took_back_is_refused() {
    let authority = Authority::new();
    let number = |number: u64| {
        move |params: &mut CertificateParams| {
            params.serial_number = Some(SerialNumber::from(number));
        }
    };
    let (good, bad) = (
        authority.certifies(&[HOST], number(7)),
        authority.certifies(&[HOST], number(8)),
    );
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2025, 1, 1),
        next_update: date_time_ymd(4000, 1, 1),
        crl_number: SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: SerialNumber::from(8_u64),
            revocation_time: date_time_ymd(2025, 1, 1),
            reason_code: None,
            invalidity_date: None,
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let list = list.signed_by(&authority.issuer).unwrap();
    let terms = Terms {
        crl: Some(authority.write("revoked.pem", "X509 CRL", list.der())),
        ..authority.terms()
    };
    let remote = Serving::with(&bad).echo().await;
    let refused = Phone::new().refused(remote, &terms).await;
    assert_eq!(refused.failure, TlsFailure::Revoked);
    assert!(!refused.failure.may_be_pinned());
    let remote = Serving::with(&good).echo().await;
    assert!(Phone::new().hello(remote, &client(&terms)).await.is_ok());
}

#[tokio::test]
async fn a_server_that_asks_who_we_are_is_told_or_the_person_is() {
    let (authority, other) = (Authority::new(), Authority::new());
    let owned = authority.certifies(&[HOST], |_| {});
    let files = |of: &Authority| {
        let ours = of.certifies(&["1001"], |_| {});
        let key = ours.key.serialize_der();
        ClientFiles {
            certificate: of.write("ours.pem", "CERTIFICATE", &ours.der),
            key: of.write("ours-key.pem", "PRIVATE KEY", &key),
        }
    };
    for version in BOTH {
        let mut serving = Serving::with(&owned);
        let versions = [*version];
        serving.versions = &versions;
        serving.asks = Some(&authority);
        let remote = serving.echo().await;
        let mut phone = Phone::new();
        let mut terms = authority.terms();
        let refused = phone.refused(remote, &terms).await;
        assert_eq!(refused.failure, TlsFailure::CertificateAsked);
        terms.client = Some(files(&other));
        let refused = phone.refused(remote, &terms).await;
        assert_eq!(refused.failure, TlsFailure::CertificateRefused);
        terms.client = Some(files(&authority));
        let (_, heard) = phone.hello(remote, &client(&terms)).await.unwrap();
        assert_eq!(heard, b"pbx.example hello");
    }
}

/// Answers whatever comes first with these bytes.
async fn answering(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await;
            let _ = stream.write_all(answer).await;
            let _ = stream.read(&mut buffer).await;
        }
    });
    addr
}

#[tokio::test]
async fn what_speaks_no_tls_or_another_one_is_told_apart() {
    let mut phone = Phone::new();
    let remote = answering(b"SIP/2.0 400 Bad Request\r\n\r\n").await;
    let refused = phone.refused(remote, &Terms::default()).await;
    assert_eq!(refused.failure, TlsFailure::NotSpoken);
    // RFC 8446 section 6: a fatal alert (2), protocol_version (70).
    let remote = answering(&[21, 3, 3, 0, 2, 2, 70]).await;
    let refused = phone.refused(remote, &Terms::default()).await;
    assert_eq!(refused.failure, TlsFailure::NothingInCommon);
    // handshake_failure (40): no cipher in common.
    let remote = answering(&[21, 3, 3, 0, 2, 2, 40]).await;
    let refused = phone.refused(remote, &Terms::default()).await;
    assert_eq!(refused.failure, TlsFailure::NothingInCommon);
}

#[tokio::test]
async fn files_that_are_none_are_told_of() {
    let authority = Authority::new();
    let owned = authority.certifies(&[HOST], |_| {});
    let remote = Serving::with(&owned).echo().await;
    let empty = authority.write("empty.pem", "NOTHING", b"");
    for ca in [empty, authority.folder.path().join("none.pem")] {
        let terms = Terms {
            ca: Some(ca),
            ..Terms::default()
        };
        let refused = Phone::new().refused(remote, &terms).await;
        assert_eq!(refused.failure, TlsFailure::Files);
    }
}

#[tokio::test]
async fn a_second_connection_takes_up_the_first_ones_session_under_the_same_terms_alone() {
    let authority = Authority::new();
    let owned = authority.certifies(&[HOST], |_| {});
    let remote = Serving::with(&owned).echo().await;
    let mut phone = Phone::new();
    let same = client(&authority.terms());
    let (first, _) = phone.hello(remote, &same).await.unwrap();
    let (second, heard) = phone.hello(remote, &same).await.unwrap();
    assert!(!first.resumed && second.resumed);
    assert_eq!(heard, b"pbx.example hello");
    assert_eq!(second.certificate, first.certificate);
    let (third, _) = phone
        .hello(remote, &client(&authority.terms()))
        .await
        .unwrap();
    assert!(!third.resumed);
}

#[tokio::test]
async fn a_secured_connection_is_used_for_nothing_else() {
    let authority = Authority::new();
    let owned = authority.certifies(&[HOST], |_| {});
    let remote = Serving::with(&owned).echo().await;
    let phone = Phone::new();
    let dial = phone.dial(remote, Some(&client(&authority.terms())));
    let secured = phone.sockets.open_stream(dial, b"hello".to_vec()).unwrap();
    let plain = phone
        .sockets
        .send_stream(remote, b"in clear".to_vec())
        .unwrap();
    assert_ne!(secured, plain);
    let again = phone
        .sockets
        .send_stream(remote, b"as well".to_vec())
        .unwrap();
    assert_eq!(again, plain);
}

#[tokio::test]
async fn a_reserved_port_is_the_one_that_the_connection_comes_from() {
    let authority = Authority::new();
    let owned = authority.certifies(&[HOST], |_| {});
    let remote = Serving::with(&owned).echo().await;
    let mut phone = Phone::new();
    let reserved = phone.sockets.reserve(remote).unwrap();
    let promised = reserved.local();
    let mut dial = phone.dial(remote, Some(&client(&authority.terms())));
    dial.from = Some(reserved);
    phone.sockets.open_stream(dial, b"hello".to_vec()).unwrap();
    match phone.event().await {
        NetEvent::StreamOpened { local, .. } => assert_eq!(local, promised),
        other => panic!("{other:?}"),
    }
}

/// Accepts one WebSocket after another, says back each message, and what it was asked for.
async fn websocket_server(acceptor: Option<TlsAcceptor>) -> SocketAddr {
    async fn serve(stream: impl link::Duplex) {
        let mut asked = String::new();
        #[expect(clippy::result_large_err, reason = "the library's own type")]
        let look = |request: &Request, mut response: Response| {
            let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
            let protocol = request.headers()["sec-websocket-protocol"].clone();
            asked = format!("{} {}", request.uri().path(), header("host"));
            response
                .headers_mut()
                .insert("sec-websocket-protocol", protocol);
            Ok(response)
        };
        let Ok(mut socket) = tokio_tungstenite::accept_hdr_async(stream, look).await else {
            return;
        };
        while let Some(Ok(message)) = socket.next().await {
            let said = match message {
                Message::Text(text) => Message::text(format!("{asked} text {text}")),
                Message::Binary(bytes) => Message::text(format!("{asked} binary {}", bytes.len())),
                _ => continue,
            };
            let _ = socket.send(said).await;
        }
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            match &acceptor {
                Some(acceptor) => {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        tokio::spawn(serve(stream));
                    }
                }
                None => drop(tokio::spawn(serve(stream))),
            }
        }
    });
    addr
}

#[tokio::test]
async fn each_message_of_a_websocket_comes_whole() {
    let authority = Authority::new();
    let owned = authority.certifies(&[HOST], |_| {});
    let acceptor = TlsAcceptor::from(Serving::with(&owned).config());
    for secure in [false, true] {
        let remote = websocket_server(secure.then(|| acceptor.clone())).await;
        let mut phone = Phone::new();
        let tls = client(&authority.terms());
        let mut dial = phone.dial(remote, secure.then_some(&tls));
        dial.websocket = Some(WebSocketOffer {
            host: HOST.to_owned(),
            path: "/ws".to_owned(),
            secure,
        });
        let id = phone.sockets.open_stream(dial, b"one".to_vec()).unwrap();
        phone.sockets.send_on(id, b"two".to_vec()).unwrap();
        phone.sockets.send_on(id, vec![0xff; 3000]).unwrap();
        let mut heard = Vec::new();
        while heard.len() < 3 {
            match phone.event().await {
                NetEvent::StreamOpened { secured, .. } => assert_eq!(secured.is_some(), secure),
                NetEvent::StreamData { bytes, .. } => heard.push(String::from_utf8(bytes).unwrap()),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(
            heard,
            [
                "/ws pbx.example text one",
                "/ws pbx.example text two",
                "/ws pbx.example binary 3000"
            ]
        );
    }
}

#[tokio::test]
async fn a_web_server_without_sip_is_told_of() {
    let remote = answering(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await;
    let mut phone = Phone::new();
    let mut dial = phone.dial(remote, None);
    dial.websocket = Some(WebSocketOffer {
        host: HOST.to_owned(),
        path: "/ws".to_owned(),
        secure: false,
    });
    phone.sockets.open_stream(dial, b"one".to_vec()).unwrap();
    match phone.event().await {
        NetEvent::StreamClosed {
            error: Some(StreamError::Tls(refused)),
            unsent: 1,
            ..
        } => assert_eq!(refused.failure, TlsFailure::NoWebSocket),
        other => panic!("{other:?}"),
    }
}
