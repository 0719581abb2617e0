//! Certificates of the test's own making.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Who vouches for servers, or does not.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// How a server's certificate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Good,
    Expired,
    WrongHost,
    SelfSigned,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Authority {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Authority {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// Its own certificate as a file.
    pub(crate) fn write(&self, folder: &Path) -> PathBuf {
        let path = folder.join("ca.pem");
        std::fs::write(&path, &self.pem).expect("the folder can be written");
        path
    }

    /// Writes `server.pem` and `server-key.pem` for a server of this domain; answers with the
    /// fingerprint (SHA-256) of the certificate.
    pub(crate) fn serve(&self, folder: &Path, domain: &str, kind: Kind) -> String {
        let key = KeyPair::generate().expect("a key");
        let domain = match kind {
            Kind::WrongHost => "elsewhere.test",
            _ => domain,
        };
        let mut params = CertificateParams::new(vec![domain.to_owned()]).expect("a name");
        if kind == Kind::Expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        }
        let certificate = match kind {
            Kind::SelfSigned => params.self_signed(&key),
            _ => params.signed_by(&key, &self.issuer),
        };
        let certificate = certificate.expect("a certificate");
        let write = |name: &str, pem: String| {
            std::fs::write(folder.join(name), pem).expect("the folder can be written");
        };
        write("server.pem", certificate.pem());
        write("server-key.pem", key.serialize_pem());
        let digest = Sha256::digest(certificate.der());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
