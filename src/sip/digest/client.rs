//! Answering challenges (RFC 7616 section 3.4, RFC 8760, RFC 3261 section 22).
//!
//! A challenge decides what is given away, and whoever answers a request can write one. So an
//! account that was once asked by SHA-2 gives no MD5 any more, and one whose registrar has asked
//! for it answers no realm that it does not know: see [`DigestMemory`].

use super::authorization::Authorization;
use super::challenge::{Algorithm, Challenge, Qop};
use super::hash::{self, Inputs};
use super::memory::DigestMemory;
use crate::redact::Secret;
use crate::sip::header_name::HeaderName;
use crate::sip::lexer;
use crate::sip::message::{Request, Response};
use crate::sip::params::Params;

/// Realms remembered for one account: a registrar and a few proxies on the way.
const MAX_REALMS: usize = 8;

/// A server that calls nonces stale more often than this in a row is not waited for.
const MAX_STALE: u32 = 3;

/// Who authenticates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The authentication name, which need not be the one dialled.
    pub user: String,
    /// Never shown.
    pub password: Secret<String>,
    /// What the account has learned of its servers. Clones share it.
    pub memory: DigestMemory,
}

/// Answers the challenges to one account's requests. Remembers nonces and how often each was
/// used, so that later requests need no challenge.
#[derive(Debug)]
pub struct DigestClient {
    credentials: Credentials,
    /// The most recently challenged last.
    realms: Vec<Realm>,
}

/// What is remembered of the last challenge of a realm.
#[derive(Clone, Debug)]
struct Realm {
    proxy: bool,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    algorithm_token: Option<String>,
    qop: Option<Qop>,
    userhash: bool,
    /// One for each nonce: with a `-sess` algorithm, servers differ in whether they take that of
    /// the first request or of this one.
    cnonce: String,
    /// Requests answered with this nonce.
    count: u32,
    /// The nonce came in a challenge, not with a success some time before its use.
    challenged: bool,
    /// Nonces called stale in a row.
    stale: u32,
}

/// Why challenges cannot be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// A 401 or 407 without any challenge.
    #[error("no challenge to answer")]
    NoChallenge,
    /// Only schemes, algorithms or protections that are not known here.
    #[error("no authentication scheme that is supported: {offered}")]
    NoSupported {
        /// The schemes and algorithms that were offered.
        offered: String,
    },
    /// An answer to a fresh challenge was refused: the password or the name is wrong.
    #[error("the password was refused for {realm:?}")]
    WrongPassword {
        /// Whose password it would have been.
        realm: String,
    },
    /// The server calls every nonce stale.
    #[error("the server calls every nonce stale")]
    AlwaysStale,
    /// MD5 is asked for, where SHA-2 was before.
    #[error("a weaker digest is asked for than before: {offered}")]
    Downgrade {
        /// The schemes and algorithms that were offered.
        offered: String,
    },
    /// The account's own servers do not ask for this realm.
    #[error("{realm:?} is no realm of this account's servers")]
    ForeignRealm {
        /// Whose password is asked for.
        realm: String,
    },
}

impl DigestClient {
    /// A client that has seen no challenge.
    #[must_use]
    pub const fn new(credentials: Credentials) -> DigestClient {
        DigestClient {
            credentials,
            realms: Vec::new(),
        }
    }

    /// The headers with which `request`, refused by `response` (401 or 407), is to be sent again:
    /// one for each realm that asked, also when 401 and 407 of a fork were joined. Of several
    /// challenges of a realm the strongest is answered, of equals the topmost: RFC 8760 section 2.4
    /// leaves the order to the server, and so to whoever can add a line above its own.
    /// They replace all Authorization and Proxy-Authorization headers of the request.
    ///
    /// `request` is the one that was refused, with the credentials it carried; `seed` is fresh
    /// randomness for the cnonce.
    ///
    /// # Errors
    /// See [`DigestError`].
    pub fn answer(
        &mut self,
        response: &Response,
        request: &Request,
        seed: u64,
    ) -> Result<Vec<(HeaderName, String)>, DigestError> {
        let challenges = response.headers.challenges();
        if challenges.is_empty() {
            return Err(DigestError::NoChallenge);
        }
        let mut chosen: Vec<&Challenge> = Vec::new();
        let mut refused = DigestError::NoSupported {
            offered: offered(&challenges),
        };
        for challenge in &challenges {
            let Some(algorithm) = challenge.algorithm.filter(|_| challenge.is_answerable()) else {
                continue;
            };
            let memory = &self.credentials.memory;
            if !memory.knows_realm(&challenge.realm) {
                let realm = challenge.realm.clone();
                refused = DigestError::ForeignRealm { realm };
                continue;
            }
            if !memory.allows(algorithm) {
                if !matches!(refused, DigestError::ForeignRealm { .. }) {
                    let offered = offered(&challenges);
                    refused = DigestError::Downgrade { offered };
                }
                continue;
            }
            let same = |c: &&Challenge| c.proxy == challenge.proxy && c.realm == challenge.realm;
            match chosen.iter().position(same) {
                Some(at) if chosen[at].strength() < challenge.strength() => chosen[at] = challenge,
                None if chosen.len() < MAX_REALMS => chosen.push(challenge),
                Some(_) | None => {}
            }
        }
        if chosen.is_empty() {
            return Err(refused);
        }
        let carried = carried(request);
        for challenge in &chosen {
            self.learn(challenge, &carried, seed)?;
            self.credentials.memory.answered(challenge);
        }
        // Realms that did not ask again were satisfied: their credentials are sent again.
        let satisfied = |realm: &Realm| {
            carried
                .iter()
                .any(|(proxy, auth)| *proxy == realm.proxy && auth.realm == realm.realm)
        };
        let asked = |realm: &Realm| {
            chosen
                .iter()
                .any(|c| c.proxy == realm.proxy && c.realm == realm.realm)
        };
        let credentials = &self.credentials;
        let realms = self
            .realms
            .iter_mut()
            .filter(|realm| asked(realm) || satisfied(realm));
        Ok(realms
            .map(|realm| realm.authorize(credentials, request))
            .collect())
    }

    /// The headers for a request that has not been challenged, from the challenges remembered,
    /// each with its next nonce count. Empty before the first challenge.
    pub fn preemptive(&mut self, request: &Request) -> Vec<(HeaderName, String)> {
        let credentials = &self.credentials;
        self.realms
            .iter_mut()
            .map(|realm| realm.authorize(credentials, request))
            .collect()
    }

    /// Takes the `nextnonce` of an Authentication-Info in a 2xx (RFC 7616 section 3.5). It says
    /// for no realm; it is the registrar's, the one that is no proxy and answered last.
    pub fn learn_next_nonce(&mut self, response: &Response) {
        let Some(info) = response.headers.get(&HeaderName::AUTHENTICATION_INFO) else {
            return;
        };
        let Some((params, _)) = Params::read_pieces(lexer::split_list(info)) else {
            return;
        };
        let Some(nonce) = params.get("nextnonce").filter(|nonce| !nonce.is_empty()) else {
            return;
        };
        if let Some(realm) = self.realms.iter_mut().rfind(|realm| !realm.proxy)
            && realm.nonce != nonce
        {
            realm.nonce = nonce.to_owned();
            realm.count = 0;
            realm.challenged = false;
        }
    }

    /// Forgets every challenge, as when the account's server changes.
    pub fn forget(&mut self) {
        self.realms.clear();
    }

    /// Answers for the REGISTER of its account, which only the account's own servers see: whatever
    /// realm asks for a password there is theirs.
    #[must_use]
    pub fn for_registrar(credentials: Credentials) -> DigestClient {
        let memory = credentials.memory.of_registrar();
        DigestClient::new(Credentials {
            memory,
            ..credentials
        })
    }

    fn learn(
        &mut self,
        challenge: &Challenge,
        carried: &[(bool, Authorization)],
        seed: u64,
    ) -> Result<(), DigestError> {
        let known = self
            .realms
            .iter()
            .position(|realm| realm.proxy == challenge.proxy && realm.realm == challenge.realm);
        let refused = carried
            .iter()
            .find(|(proxy, auth)| *proxy == challenge.proxy && auth.realm == challenge.realm)
            .map(|(_, auth)| auth);
        let mut stale = 0;
        if let Some(refused) = refused {
            // A nonce used before may have expired without the server saying so; one that was
            // fresh from a challenge has not.
            let fresh = match known.map(|at| &self.realms[at]) {
                Some(realm) => realm.challenged && realm.count == 1 && realm.nonce == refused.nonce,
                None => refused.protection.is_none_or(|(_, count)| count == 1),
            };
            let repeated = refused.nonce == challenge.nonce;
            if !challenge.stale && (fresh || repeated) {
                return Err(DigestError::WrongPassword {
                    realm: challenge.realm.clone(),
                });
            }
            if fresh {
                stale = known.map_or(0, |at| self.realms[at].stale) + 1;
            }
            if stale > MAX_STALE {
                return Err(DigestError::AlwaysStale);
            }
        }
        let Some(algorithm) = challenge.algorithm else {
            return Ok(());
        };
        let qop = if challenge.qop.contains(&Qop::Auth) {
            // A proxy that rewrites addresses in the body is no reason for a call to fail.
            Some(Qop::Auth)
        } else {
            challenge.qop.first().copied()
        };
        let seed_text = seed.to_string();
        let mut cnonce = hash::hash(
            Algorithm::Sha256,
            &[&seed_text, &challenge.nonce, &challenge.realm],
        );
        // 96 bits: an INVITE has to fit a datagram.
        cnonce.truncate(24);
        let realm = Realm {
            proxy: challenge.proxy,
            realm: challenge.realm.clone(),
            nonce: challenge.nonce.clone(),
            opaque: challenge.opaque.clone(),
            algorithm,
            algorithm_token: challenge.algorithm_token.clone(),
            qop,
            userhash: challenge.userhash,
            cnonce,
            count: 0,
            challenged: true,
            stale,
        };
        if let Some(at) = known {
            self.realms.remove(at);
        } else if self.realms.len() == MAX_REALMS {
            self.realms.remove(0);
        }
        self.realms.push(realm);
        Ok(())
    }
}

impl Realm {
    fn authorize(&mut self, credentials: &Credentials, request: &Request) -> (HeaderName, String) {
        self.count = self.count.saturating_add(1);
        let uri = request.uri.to_string();
        let protection = self.qop.map(|qop| (qop, self.count));
        let response = hash::response(&Inputs {
            algorithm: self.algorithm,
            user: &credentials.user,
            realm: &self.realm,
            password: &credentials.password,
            method: request.method.as_str(),
            uri: &uri,
            nonce: &self.nonce,
            cnonce: &self.cnonce,
            protection,
            body: &request.body,
        });
        let username = if self.userhash {
            hash::user_hash(self.algorithm, &credentials.user, &self.realm)
        } else {
            credentials.user.clone()
        };
        let sends_cnonce = protection.is_some() || self.algorithm.is_session();
        let authorization = Authorization {
            username,
            realm: self.realm.clone(),
            nonce: self.nonce.clone(),
            uri,
            response,
            algorithm: self.algorithm_token.clone(),
            cnonce: sends_cnonce.then(|| self.cnonce.clone()),
            opaque: self.opaque.clone(),
            protection,
            userhash: self.userhash,
        };
        let name = if self.proxy {
            HeaderName::PROXY_AUTHORIZATION
        } else {
            HeaderName::AUTHORIZATION
        };
        (name, authorization.to_string())
    }
}

/// The credentials in a request: whether they are for a proxy, and what they are.
fn carried(request: &Request) -> Vec<(bool, Authorization)> {
    let of = |name: &HeaderName, proxy: bool| {
        let values = request
            .headers
            .get_all(name)
            .filter_map(Authorization::parse);
        values
            .map(|authorization| (proxy, authorization))
            .collect::<Vec<_>>()
    };
    let mut all = of(&HeaderName::AUTHORIZATION, false);
    all.extend(of(&HeaderName::PROXY_AUTHORIZATION, true));
    all
}

fn offered(challenges: &[Challenge]) -> String {
    let names = challenges
        .iter()
        .map(|challenge| match &challenge.algorithm_token {
            Some(algorithm) => format!("{} {algorithm}", challenge.scheme),
            None => challenge.scheme.clone(),
        });
    let mut offered: String = names.collect::<Vec<_>>().join(", ");
    offered.retain(|c| !c.is_control());
    offered.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::{Method, StatusCode, Uri};

    fn client() -> DigestClient {
        let password = Secret::from("zanzibar");
        DigestClient::new(Credentials {
            user: "bob".to_owned(),
            password,
            memory: DigestMemory::default(),
        })
    }

    fn request() -> Request {
        let mut request =
            Request::new(Method::Invite, "sip:bob@biloxi.com".parse::<Uri>().unwrap());
        request.body = b"v=0\r\n".to_vec();
        request
    }

    fn challenged(status: u16, challenges: &[(&str, &str)]) -> Response {
        let mut response = Response::new(StatusCode::new(status).unwrap());
        for (name, value) in challenges {
            response.headers.push(*name, *value);
        }
        response
    }

    const NONCE: &str = "dcd98b7102dd2f0e8b11d0f600bfb0c093";

    fn plain(extra: &str) -> Response {
        let value = format!(r#"Digest realm="biloxi.com", nonce="{NONCE}"{extra}"#);
        challenged(401, &[("WWW-Authenticate", &value)])
    }

    fn read(headers: &[(HeaderName, String)]) -> Vec<Authorization> {
        headers
            .iter()
            .map(|(_, value)| Authorization::parse(value).unwrap())
            .collect()
    }

    /// The request as it is sent again.
    fn with(mut request: Request, headers: &[(HeaderName, String)]) -> Request {
        request.headers.remove(&HeaderName::AUTHORIZATION);
        request.headers.remove(&HeaderName::PROXY_AUTHORIZATION);
        for (name, value) in headers {
            request.headers.push(name, value.as_str());
        }
        request
    }

    #[test]
    fn a_challenge_without_protection_is_answered_as_rfc_2069_has_it() {
        let headers = client().answer(&plain(""), &request(), 1).unwrap();
        assert_eq!(headers[0].0, HeaderName::AUTHORIZATION);
        let answer = &read(&headers)[0];
        assert_eq!(answer.response, "bf57e4e0d0bffc0fbaedce64d59add5e");
        assert_eq!(
            (answer.protection, &answer.cnonce, &answer.algorithm),
            (None, &None, &None)
        );
        assert_eq!(
            (&*answer.username, &*answer.uri),
            ("bob", "sip:bob@biloxi.com")
        );
    }

    #[test]
    fn auth_is_taken_from_a_list_and_counted_in_hexadecimal() {
        let mut client = client();
        let challenge = plain(r#", qop="auth,auth-int", algorithm=SHA-256, opaque="x""#);
        let first = read(&client.answer(&challenge, &request(), 1).unwrap()).remove(0);
        assert_eq!(first.protection, Some((Qop::Auth, 1)));
        assert_eq!(first.algorithm.as_deref(), Some("SHA-256"));
        assert_eq!(first.opaque.as_deref(), Some("x"));
        assert_eq!(first.cnonce.as_ref().map(String::len), Some(24));
        for _ in 2..=299 {
            client.preemptive(&request());
        }
        let headers = client.preemptive(&request());
        assert!(headers[0].1.contains("nc=0000012c"), "{}", headers[0].1);
        let later = &read(&headers)[0];
        assert_ne!(later.response, first.response);
        assert_eq!(later.cnonce, first.cnonce);
    }

    #[test]
    fn auth_int_is_taken_where_nothing_else_is_offered() {
        let challenge = plain(r#", qop="auth-int""#);
        let answer = read(&client().answer(&challenge, &request(), 1).unwrap()).remove(0);
        assert_eq!(answer.protection, Some((Qop::AuthInt, 1)));
        let mut other = request();
        other.body.push(b'x');
        let changed = read(&client().answer(&challenge, &other, 1).unwrap()).remove(0);
        assert_ne!(answer.response, changed.response);
    }

    #[test]
    fn of_several_challenges_the_strongest_supported_is_answered_of_equals_the_topmost() {
        let digest = |algorithm: &str| {
            format!(r#"Digest realm="r", nonce="n", qop="auth", algorithm={algorithm}"#)
        };
        let answered = |algorithms: &[&str]| {
            let mut response = challenged(401, &[]);
            for algorithm in algorithms {
                response.headers.push("WWW-Authenticate", digest(algorithm));
            }
            let headers = client().answer(&response, &request(), 1).unwrap();
            assert_eq!(headers.len(), 1);
            read(&headers).remove(0).algorithm
        };
        assert_eq!(
            answered(&["SHA-512-256", "MD5"]).as_deref(),
            Some("SHA-512-256")
        );
        assert_eq!(
            answered(&["AKAv2-SHA-256", "sha-256", "MD5"]).as_deref(),
            Some("sha-256")
        );
        assert_eq!(answered(&["MD5", "SHA-256"]).as_deref(), Some("SHA-256"));
        assert_eq!(
            answered(&["MD5-sess", "SHA-256", "SHA-512-256"]).as_deref(),
            Some("SHA-256")
        );
        assert_eq!(answered(&["MD5-sess", "MD5"]).as_deref(), Some("MD5-sess"));
    }

    fn asked(realm: &str, algorithm: &str) -> Response {
        let value =
            format!(r#"Digest realm="{realm}", nonce="n", qop="auth", algorithm={algorithm}"#);
        challenged(401, &[("WWW-Authenticate", &value)])
    }

    #[test]
    fn who_was_asked_by_sha_2_gives_no_md5_any_more() {
        let first = client();
        // Another request of the account: a call, a watch.
        let mut second = DigestClient::new(first.credentials.clone());
        let mut first = first;
        second.answer(&asked("r", "MD5"), &request(), 1).unwrap();
        for strong in ["SHA-256", "SHA-512-256"] {
            first.answer(&asked("r", strong), &request(), 1).unwrap();
            for weak in ["MD5", "MD5-sess"] {
                let offered = format!("Digest {weak}");
                let refused = second.answer(&asked("r", weak), &request(), 2);
                assert_eq!(refused, Err(DigestError::Downgrade { offered }));
            }
        }
        // Between the two of SHA-2 a server may change its mind.
        second
            .answer(&asked("r", "SHA-256"), &request(), 3)
            .unwrap();
        first.forget();
        assert!(first.answer(&asked("r", "MD5"), &request(), 4).is_err());
    }

    #[test]
    fn an_account_may_allow_the_weaker_digest() {
        let mut client = client();
        client.credentials.memory = DigestMemory::new(true, false);
        client
            .answer(&asked("r", "SHA-256"), &request(), 1)
            .unwrap();
        let headers = client.answer(&asked("r", "MD5"), &request(), 2).unwrap();
        assert_eq!(read(&headers)[0].algorithm.as_deref(), Some("MD5"));
    }

    #[test]
    fn after_the_registrar_has_asked_no_other_realm_is_answered() {
        let calling = client();
        let mut registering = DigestClient::for_registrar(calling.credentials.clone());
        let mut calling = calling;
        // Where no registrar has asked, nobody knows what its realm is.
        assert!(calling.answer(&asked("any", "MD5"), &request(), 1).is_ok());
        registering
            .answer(&asked("asterisk", "MD5"), &request(), 2)
            .unwrap();
        let realm = "evil".to_owned();
        assert_eq!(
            calling.answer(&asked("evil", "MD5"), &request(), 3),
            Err(DigestError::ForeignRealm { realm })
        );
        assert!(
            calling
                .answer(&asked("asterisk", "MD5"), &request(), 4)
                .is_ok()
        );
        // The registrar itself may change its name.
        assert!(
            registering
                .answer(&asked("new", "MD5"), &request(), 5)
                .is_ok()
        );
        assert!(calling.answer(&asked("new", "MD5"), &request(), 6).is_ok());
    }

    #[test]
    fn of_a_known_and_a_foreign_realm_the_known_one_is_answered() {
        let mut calling = client();
        let mut registering = DigestClient::for_registrar(calling.credentials.clone());
        registering
            .answer(&asked("r", "MD5"), &request(), 1)
            .unwrap();
        let mut both = asked("evil", "MD5");
        both.headers.push(
            "Proxy-Authenticate",
            r#"Digest realm="r", nonce="2", qop="auth""#,
        );
        let headers = calling.answer(&both, &request(), 2).unwrap();
        assert_eq!(headers.len(), 1);
        assert_eq!(read(&headers)[0].realm, "r");
    }

    #[test]
    fn challenges_of_server_and_proxy_are_answered_together() {
        let response = challenged(
            407,
            &[
                (
                    "Proxy-Authenticate",
                    r#"Digest realm="p", nonce="1", qop="auth""#,
                ),
                (
                    "WWW-Authenticate",
                    r#"Digest realm="r", nonce="2", qop="auth""#,
                ),
                (
                    "Proxy-Authenticate",
                    r#"Digest realm="q", nonce="3", qop="auth""#,
                ),
            ],
        );
        let mut client = client();
        let headers = client.answer(&response, &request(), 1).unwrap();
        let told: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            told,
            [
                "Proxy-Authorization",
                "Authorization",
                "Proxy-Authorization"
            ]
        );
        let realms: Vec<_> = read(&headers)
            .into_iter()
            .map(|a| (a.realm, a.nonce))
            .collect();
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(realms, [pair("p", "1"), pair("r", "2"), pair("q", "3")]);
    }

    #[test]
    fn a_proxy_satisfied_before_is_answered_again_when_the_server_asks() {
        let mut client = client();
        let proxy = challenged(
            407,
            &[(
                "Proxy-Authenticate",
                r#"Digest realm="p", nonce="1", qop="auth""#,
            )],
        );
        let first = client.answer(&proxy, &request(), 1).unwrap();
        let second = client
            .answer(&plain(""), &with(request(), &first), 2)
            .unwrap();
        let realms: Vec<_> = read(&second)
            .into_iter()
            .map(|a| (a.realm, a.protection))
            .collect();
        assert_eq!(
            realms,
            [
                ("p".to_owned(), Some((Qop::Auth, 2))),
                ("biloxi.com".to_owned(), None)
            ]
        );
    }

    #[test]
    fn a_fresh_answer_refused_is_a_wrong_password() {
        let wrong = Err(DigestError::WrongPassword {
            realm: "biloxi.com".to_owned(),
        });
        for extra in ["", r#", qop="auth""#] {
            let mut client = client();
            let first = client.answer(&plain(extra), &request(), 1).unwrap();
            let again = with(request(), &first);
            assert_eq!(client.answer(&plain(extra), &again, 2), wrong);
            // Also when the server sends another nonce with each refusal.
            let other = challenged(
                401,
                &[(
                    "WWW-Authenticate",
                    &format!(r#"Digest realm="biloxi.com", nonce="new"{extra}"#),
                )],
            );
            assert_eq!(client.answer(&other, &again, 3), wrong);
        }
    }

    #[test]
    fn a_stale_nonce_is_replaced_but_not_for_ever() {
        let mut client = client();
        let stale = |nonce: u32| {
            let value = format!(r#"Digest realm="r", nonce="{nonce}", qop="auth", stale=true"#);
            challenged(401, &[("WWW-Authenticate", &value)])
        };
        let mut headers = client.answer(&stale(0), &request(), 1).unwrap();
        for nonce in 1..=3 {
            headers = client
                .answer(&stale(nonce), &with(request(), &headers), 1)
                .unwrap();
            assert_eq!(read(&headers)[0].nonce, nonce.to_string());
            assert_eq!(read(&headers)[0].protection, Some((Qop::Auth, 1)));
        }
        let last = client.answer(&stale(4), &with(request(), &headers), 1);
        assert_eq!(last, Err(DigestError::AlwaysStale));
    }

    #[test]
    fn a_remembered_nonce_that_expired_silently_is_replaced() {
        for extra in ["", r#", qop="auth""#] {
            let mut client = client();
            client.answer(&plain(extra), &request(), 1).unwrap();
            let reused = client.preemptive(&request());
            let value = format!(r#"Digest realm="biloxi.com", nonce="new"{extra}"#);
            let fresh = challenged(401, &[("WWW-Authenticate", &value)]);
            let headers = client.answer(&fresh, &with(request(), &reused), 2).unwrap();
            assert_eq!(read(&headers)[0].nonce, "new");
            // Refused with that one too, the password is wrong.
            let value = value.replace("new", "newer");
            let again = challenged(401, &[("WWW-Authenticate", &value)]);
            let refused = client.answer(&again, &with(request(), &headers), 3);
            assert!(
                matches!(refused, Err(DigestError::WrongPassword { .. })),
                "{refused:?}"
            );
        }
    }

    #[test]
    fn a_next_nonce_that_expired_silently_is_replaced() {
        let mut client = client();
        client
            .answer(&plain(r#", qop="auth""#), &request(), 1)
            .unwrap();
        let mut ok = Response::new(StatusCode::OK);
        ok.headers
            .push("Authentication-Info", r#"nextnonce="47364c23""#);
        client.learn_next_nonce(&ok);
        let used = client.preemptive(&request());
        let headers = client
            .answer(&plain(r#", qop="auth""#), &with(request(), &used), 2)
            .unwrap();
        assert_eq!(read(&headers)[0].nonce, NONCE);
    }

    #[test]
    fn the_users_name_is_hashed_where_the_server_allows_it() {
        let value = r#"Digest realm="api@example.org", nonce="n", qop="auth",
            algorithm=SHA-512-256, userhash=true"#
            .replace('\n', " ");
        let response = challenged(401, &[("WWW-Authenticate", &value)]);
        let password = Secret::from("Secret, or not?");
        let user = "Jäsøn Doe".to_owned();
        let mut client = DigestClient::new(Credentials {
            user,
            password,
            memory: DigestMemory::default(),
        });
        let answer = read(&client.answer(&response, &request(), 1).unwrap()).remove(0);
        assert!(answer.userhash);
        assert_eq!(
            answer.username,
            "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"
        );
    }

    #[test]
    fn what_cannot_be_answered_is_told() {
        let basic = challenged(401, &[("WWW-Authenticate", r#"Basic realm="r""#)]);
        let aka = challenged(
            401,
            &[(
                "WWW-Authenticate",
                r#"Digest realm="r", nonce="n", algorithm=AKAv1-MD5"#,
            )],
        );
        let qop = plain(r#", qop="auth-conf""#);
        for (response, offered) in [(basic, "Basic"), (aka, "Digest AKAv1-MD5"), (qop, "Digest")] {
            let offered = offered.to_owned();
            assert_eq!(
                client().answer(&response, &request(), 1),
                Err(DigestError::NoSupported { offered })
            );
        }
        let none = challenged(401, &[]);
        assert_eq!(
            client().answer(&none, &request(), 1),
            Err(DigestError::NoChallenge)
        );
    }

    #[test]
    fn the_next_nonce_of_a_success_is_used() {
        let mut client = client();
        client
            .answer(&plain(r#", qop="auth""#), &request(), 1)
            .unwrap();
        let mut ok = Response::new(StatusCode::OK);
        ok.headers
            .push("Authentication-Info", r#"nextnonce="47364c23", qop=auth"#);
        client.learn_next_nonce(&ok);
        let next = &read(&client.preemptive(&request()))[0];
        assert_eq!(
            (&*next.nonce, next.protection),
            ("47364c23", Some((Qop::Auth, 1)))
        );
    }

    #[test]
    fn many_realms_are_not_remembered_for_ever() {
        let mut client = client();
        for index in 0..50 {
            let value = format!(r#"Digest realm="r{index}", nonce="n", qop="auth""#);
            let response = challenged(401, &[("WWW-Authenticate", &value)]);
            client.answer(&response, &request(), 1).unwrap();
        }
        assert_eq!(client.preemptive(&request()).len(), MAX_REALMS);
    }

    #[test]
    fn a_realm_with_quotes_is_answered_as_it_was_asked() {
        let response = challenged(
            401,
            &[(
                "WWW-Authenticate",
                r#"Digest realm="a \"b\"", nonce="n", qop="auth""#,
            )],
        );
        let headers = client().answer(&response, &request(), 1).unwrap();
        assert!(
            headers[0].1.contains(r#"realm="a \"b\"""#),
            "{}",
            headers[0].1
        );
    }

    #[test]
    fn the_password_is_not_in_debug_output() {
        assert!(!format!("{:?}", client()).contains("zanzibar"));
    }
}
