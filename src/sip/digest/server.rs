//! Asking for credentials and checking them: the registrar's side, for the lab.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::authorization::Authorization;
use super::challenge::{Algorithm, Qop};
use super::hash::{self, Inputs};
use crate::redact::Secret;
use crate::sip::header_name::HeaderName;
use crate::sip::lexer;
use crate::sip::message::Request;
use crate::sip::uri::Uri;

/// Nonces whose counts are remembered. When there are more, the oldest become stale.
const MAX_NONCES: usize = 1024;

/// How long a nonce is taken. Short enough that the lab shows stale nonces in a long call.
const NONCE_LIFETIME: Duration = Duration::from_secs(300);

/// Makes challenges and checks what comes back.
///
/// A nonce is its own proof: the time it was made, and a hash of that with a key. Only its count
/// is kept, so that a request caught on the way cannot be used again.
#[derive(Debug)]
pub struct DigestServer {
    realm: String,
    algorithms: Vec<Algorithm>,
    qops: Vec<Qop>,
    key: Secret<String>,
    start: Instant,
    /// The highest count seen, by the nonce's time in milliseconds after `start` and its serial.
    counts: BTreeMap<(u64, u64), u32>,
    /// Nonces made before this time were forgotten.
    forgotten_before: u64,
    serial: u64,
}

/// Why credentials are not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// There are none for this realm that can be read: challenge.
    #[error("no credentials")]
    Missing,
    /// They would be right, but for the nonce: challenge with `stale`.
    #[error("the nonce is stale")]
    Stale,
    /// They are wrong: refuse or challenge again.
    #[error("wrong credentials")]
    Wrong,
}

impl DigestServer {
    /// A server for `realm` that offers `auth`. `algorithms` is in the order of preference; with
    /// none it is MD5 alone. `key` is fresh randomness, `start` any time before the first
    /// challenge.
    #[must_use]
    pub fn new(
        realm: &str,
        algorithms: Vec<Algorithm>,
        key: [u64; 2],
        start: Instant,
    ) -> DigestServer {
        DigestServer {
            realm: realm.to_owned(),
            algorithms: if algorithms.is_empty() {
                vec![Algorithm::Md5]
            } else {
                algorithms
            },
            qops: vec![Qop::Auth],
            key: Secret::new(format!("{:016x}{:016x}", key[0], key[1])),
            start,
            counts: BTreeMap::new(),
            forgotten_before: 0,
            serial: 0,
        }
    }

    /// Offers these protections instead; with none it accepts RFC 2069 alone.
    #[must_use]
    pub fn with_qops(mut self, qops: Vec<Qop>) -> DigestServer {
        self.qops = qops;
        self
    }

    /// The challenge of the preferred algorithm.
    pub fn challenge(&mut self, now: Instant, stale: bool) -> String {
        let nonce = self.new_nonce(now);
        self.write_challenge(self.algorithms[0], &nonce, stale)
    }

    /// One challenge for each algorithm, the preferred first, each for a header of its own (RFC
    /// 8760 section 2.4).
    pub fn challenges(&mut self, now: Instant, stale: bool) -> Vec<String> {
        let nonce = self.new_nonce(now);
        let algorithms = self.algorithms.iter();
        algorithms
            .map(|algorithm| self.write_challenge(*algorithm, &nonce, stale))
            .collect()
    }

    /// The user who signed `request`. `header` is Authorization for a registrar,
    /// Proxy-Authorization for a proxy; `password` looks a user up. A request may be verified
    /// once: the second time its nonce count has been used.
    ///
    /// # Errors
    /// See [`VerifyError`].
    pub fn verify(
        &mut self,
        now: Instant,
        request: &Request,
        header: &HeaderName,
        password: impl Fn(&str) -> Option<Secret<String>>,
    ) -> Result<String, VerifyError> {
        let answers = request
            .headers
            .get_all(header)
            .filter_map(Authorization::parse);
        let mut ours = answers.filter(|answer| answer.realm == self.realm);
        let answer = ours.next().ok_or(VerifyError::Missing)?;
        let (made, serial) = self.read_nonce(&answer.nonce).ok_or(VerifyError::Stale)?;
        let password = password(&answer.username);
        self.check_signature(request, &answer, password)?;
        // Only who knows the password learns anything about the nonce, or moves its count.
        let age = self.millis(now).saturating_sub(made);
        if u128::from(age) > NONCE_LIFETIME.as_millis() || made < self.forgotten_before {
            return Err(VerifyError::Stale);
        }
        if let Some((_, count)) = answer.protection {
            let last = self.counts.get(&(made, serial)).copied().unwrap_or(0);
            if count <= last {
                return Err(VerifyError::Stale);
            }
            self.remember(made, serial, count);
        }
        Ok(answer.username)
    }

    fn check_signature(
        &self,
        request: &Request,
        answer: &Authorization,
        password: Option<Secret<String>>,
    ) -> Result<(), VerifyError> {
        let algorithm = answer.known_algorithm().ok_or(VerifyError::Wrong)?;
        let protected = match answer.protection {
            Some((qop, _)) => self.qops.contains(&qop),
            None => self.qops.is_empty(),
        };
        if !self.algorithms.contains(&algorithm) || !protected || answer.userhash {
            return Err(VerifyError::Wrong);
        }
        // What is signed must be what is asked for (RFC 7616 section 3.4.6).
        let signed: Uri = answer.uri.parse().map_err(|_| VerifyError::Wrong)?;
        if !signed.equivalent(&request.uri) {
            return Err(VerifyError::Wrong);
        }
        // An unknown user costs as much time as a known one.
        let (known, password) = match password {
            Some(password) => (true, password),
            None => (false, Secret::from("")),
        };
        let expected = hash::response(&Inputs {
            algorithm,
            user: &answer.username,
            realm: &self.realm,
            password: &password,
            method: request.method.as_str(),
            uri: &answer.uri,
            nonce: &answer.nonce,
            cnonce: answer.cnonce.as_deref().unwrap_or(""),
            protection: answer.protection,
            body: &request.body,
        });
        if known && hash::equal(&expected, &answer.response.to_ascii_lowercase()) {
            Ok(())
        } else {
            Err(VerifyError::Wrong)
        }
    }

    fn remember(&mut self, made: u64, serial: u64, count: u32) {
        self.counts.insert((made, serial), count);
        while self.counts.len() > MAX_NONCES {
            if let Some(((made, _), _)) = self.counts.pop_first() {
                self.forgotten_before = made + 1;
            }
        }
    }

    fn write_challenge(&self, algorithm: Algorithm, nonce: &str, stale: bool) -> String {
        let mut challenge = format!(
            "Digest realm={}, nonce=\"{nonce}\", algorithm={}",
            lexer::quote(&self.realm),
            algorithm.as_str()
        );
        if !self.qops.is_empty() {
            let qops: Vec<_> = self.qops.iter().map(|qop| qop.as_str()).collect();
            challenge.push_str(&format!(", qop=\"{}\"", qops.join(",")));
        }
        if stale {
            challenge.push_str(", stale=true");
        }
        challenge
    }

    fn new_nonce(&mut self, now: Instant) -> String {
        self.serial += 1;
        self.nonce(self.millis(now), self.serial)
    }

    fn nonce(&self, made: u64, serial: u64) -> String {
        let stamp = format!("{made:012x}{serial:08x}");
        let parts = [self.key.reveal().as_str(), &self.realm, &stamp];
        let seal = hash::hash(Algorithm::Sha256, &parts);
        format!("{stamp}{}", &seal[..32])
    }

    /// When one of our nonces was made, and its serial.
    fn read_nonce(&self, nonce: &str) -> Option<(u64, u64)> {
        let made = u64::from_str_radix(nonce.get(..12)?, 16).ok()?;
        let serial = u64::from_str_radix(nonce.get(12..20)?, 16).ok()?;
        hash::equal(nonce, &self.nonce(made, serial)).then_some((made, serial))
    }

    fn millis(&self, now: Instant) -> u64 {
        let millis = now.saturating_duration_since(self.start).as_millis();
        u64::try_from(millis).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "an instant to start from cannot be made otherwise"
)]
mod tests {
    use super::super::client::{Credentials, DigestClient};
    use super::super::memory::DigestMemory;
    use super::*;
    use crate::sip::{Method, Response, StatusCode};

    struct World {
        server: DigestServer,
        client: DigestClient,
        now: Instant,
    }

    fn world(algorithms: Vec<Algorithm>) -> World {
        let now = Instant::now();
        let password = Secret::from("ramal");
        World {
            server: DigestServer::new("lab", algorithms, [1, 2], now),
            client: DigestClient::new(Credentials {
                user: "1001".to_owned(),
                password,
                memory: DigestMemory::default(),
            }),
            now,
        }
    }

    fn register() -> Request {
        let mut request = Request::new(Method::Register, "sip:lab".parse::<Uri>().unwrap());
        request.body = b"body".to_vec();
        request
    }

    fn password(user: &str) -> Option<Secret<String>> {
        (user == "1001").then(|| Secret::from("ramal"))
    }

    impl World {
        fn refusal(&mut self, stale: bool) -> Response {
            let mut response = Response::new(StatusCode::UNAUTHORIZED);
            for challenge in self.server.challenges(self.now, stale) {
                response
                    .headers
                    .push(HeaderName::WWW_AUTHENTICATE, challenge);
            }
            response
        }

        fn signed(&mut self) -> Request {
            let refusal = self.refusal(false);
            let headers = self.client.answer(&refusal, &register(), 7).unwrap();
            with(register(), headers)
        }

        fn verify(&mut self, request: &Request) -> Result<String, VerifyError> {
            self.server
                .verify(self.now, request, &HeaderName::AUTHORIZATION, password)
        }
    }

    fn with(mut request: Request, headers: Vec<(HeaderName, String)>) -> Request {
        for (name, value) in headers {
            request.headers.push(name, value);
        }
        request
    }

    #[test]
    fn a_client_with_the_password_is_known_with_every_algorithm_and_protection() {
        for algorithm in Algorithm::ALL {
            for qops in [
                vec![],
                vec![Qop::Auth],
                vec![Qop::AuthInt],
                vec![Qop::AuthInt, Qop::Auth],
            ] {
                let mut world = world(vec![algorithm]);
                world.server = world.server.with_qops(qops.clone());
                let request = world.signed();
                assert_eq!(
                    world.verify(&request),
                    Ok("1001".to_owned()),
                    "{algorithm:?} {qops:?}"
                );
            }
        }
    }

    #[test]
    fn a_request_without_credentials_is_challenged() {
        let mut world = world(vec![]);
        assert_eq!(world.verify(&register()), Err(VerifyError::Missing));
        let other_realm = world
            .signed()
            .headers
            .get(&HeaderName::AUTHORIZATION)
            .unwrap()
            .replace("realm=\"lab\"", "realm=\"other\"");
        let request = with(register(), vec![(HeaderName::AUTHORIZATION, other_realm)]);
        assert_eq!(world.verify(&request), Err(VerifyError::Missing));
    }

    #[test]
    fn any_change_to_what_was_signed_is_seen() {
        let mut world = world(vec![Algorithm::Sha256]);
        world.server = world.server.with_qops(vec![Qop::AuthInt]);
        let good = world.signed();
        let mut method = good.clone();
        method.method = Method::Invite;
        let mut uri = good.clone();
        uri.uri = "sip:other".parse().unwrap();
        let mut body = good.clone();
        body.body.push(b'!');
        for request in [method, uri, body] {
            assert_eq!(world.verify(&request), Err(VerifyError::Wrong));
        }
        let value = good
            .headers
            .get(&HeaderName::AUTHORIZATION)
            .unwrap()
            .to_owned();
        for (from, to) in [
            ("1001", "1002"),
            ("nc=00000001", "nc=00000002"),
            ("SHA-256", "MD5"),
            ("auth-int", "auth"),
        ] {
            let changed = value.replace(from, to);
            assert_ne!(changed, value);
            let request = with(register(), vec![(HeaderName::AUTHORIZATION, changed)]);
            assert_eq!(world.verify(&request), Err(VerifyError::Wrong), "{from}");
        }
        assert_eq!(world.verify(&good), Ok("1001".to_owned()));
    }

    #[test]
    fn a_wrong_password_is_wrong_on_both_sides() {
        let mut world = world(vec![]);
        world.client = DigestClient::new(Credentials {
            user: "1001".to_owned(),
            password: Secret::from("guess"),
            memory: DigestMemory::default(),
        });
        let request = world.signed();
        assert_eq!(world.verify(&request), Err(VerifyError::Wrong));
        let refusal = world.refusal(false);
        assert!(world.client.answer(&refusal, &request, 8).is_err());
    }

    #[test]
    fn a_request_caught_on_the_way_cannot_be_used_again() {
        let mut world = world(vec![]);
        let request = world.signed();
        assert!(world.verify(&request).is_ok());
        assert_eq!(world.verify(&request), Err(VerifyError::Stale));
        let headers = world.client.preemptive(&register());
        let next = with(register(), headers);
        assert!(world.verify(&next).is_ok());
    }

    #[test]
    fn an_old_nonce_is_stale_and_the_next_one_is_taken() {
        let mut world = world(vec![]);
        let request = world.signed();
        world.now += NONCE_LIFETIME + Duration::from_millis(1);
        assert_eq!(world.verify(&request), Err(VerifyError::Stale));
        let refusal = world.refusal(true);
        let headers = world.client.answer(&refusal, &request, 8).unwrap();
        assert!(world.verify(&with(register(), headers)).is_ok());
    }

    #[test]
    fn a_nonce_that_is_not_ours_is_stale() {
        let mut world = world(vec![]);
        let request = world.signed();
        let value = request.headers.get(&HeaderName::AUTHORIZATION).unwrap();
        let forged = value.replace("nonce=\"0", "nonce=\"1");
        assert_ne!(forged, value);
        let request = with(register(), vec![(HeaderName::AUTHORIZATION, forged)]);
        assert_eq!(world.verify(&request), Err(VerifyError::Stale));
    }

    #[test]
    fn counts_are_not_remembered_for_ever() {
        let mut world = world(vec![]);
        let first = world.signed();
        assert!(world.verify(&first).is_ok());
        for _ in 0..=MAX_NONCES {
            world.now += Duration::from_millis(1);
            let request = world.signed();
            assert!(world.verify(&request).is_ok());
        }
        assert_eq!(world.server.counts.len(), MAX_NONCES);
        assert_eq!(world.verify(&first), Err(VerifyError::Stale));
    }
}
