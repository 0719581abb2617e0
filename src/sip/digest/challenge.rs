//! What a server asks for (RFC 7616 section 3.3, RFC 3261 section 20.44).

use crate::sip::header_name::HeaderName;
use crate::sip::lexer;
use crate::sip::params::Params;

/// How a digest is computed (RFC 7616 section 6.1). The `-sess` forms bind it to the first nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// `MD5`.
    Md5,
    /// `MD5-sess`.
    Md5Sess,
    /// `SHA-256`.
    Sha256,
    /// `SHA-256-sess`.
    Sha256Sess,
    /// `SHA-512-256`.
    Sha512_256,
    /// `SHA-512-256-sess`.
    Sha512_256Sess,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Algorithm; 6] = [
        Algorithm::Md5,
        Algorithm::Md5Sess,
        Algorithm::Sha256,
        Algorithm::Sha256Sess,
        Algorithm::Sha512_256,
        Algorithm::Sha512_256Sess,
    ];

    /// As it stands in a challenge: `SHA-512-256`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Md5Sess => "MD5-sess",
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Sha256Sess => "SHA-256-sess",
            Algorithm::Sha512_256 => "SHA-512-256",
            Algorithm::Sha512_256Sess => "SHA-512-256-sess",
        }
    }

    /// Whether the secret is bound to the nonce (`-sess`).
    #[must_use]
    pub const fn is_session(self) -> bool {
        matches!(
            self,
            Algorithm::Md5Sess | Algorithm::Sha256Sess | Algorithm::Sha512_256Sess
        )
    }

    pub(super) const fn strength(self) -> Strength {
        match self {
            Algorithm::Md5 | Algorithm::Md5Sess => Strength::Weak,
            Algorithm::Sha256
            | Algorithm::Sha256Sess
            | Algorithm::Sha512_256
            | Algorithm::Sha512_256Sess => Strength::Strong,
        }
    }

    /// In any case; `None` for one that is not known.
    #[must_use]
    pub fn from_token(token: &str) -> Option<Algorithm> {
        Algorithm::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(token))
    }
}

/// How much a hash withstands. MD5 collides and is guessed through quickly; between the two of
/// SHA-2 there is nothing to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    Weak,
    Strong,
}

/// What a digest protects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Qop {
    /// Method and URI.
    Auth,
    /// Method, URI and body.
    AuthInt,
}

impl Qop {
    /// `auth` or `auth-int`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Qop::Auth => "auth",
            Qop::AuthInt => "auth-int",
        }
    }

    /// In any case; `None` for one that is not known.
    #[must_use]
    pub fn from_token(token: &str) -> Option<Qop> {
        [Qop::Auth, Qop::AuthInt]
            .into_iter()
            .find(|qop| qop.as_str().eq_ignore_ascii_case(token))
    }
}

/// One challenge of a 401 or 407.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// `Digest` in any case, or another scheme, which cannot be answered.
    pub scheme: String,
    /// It came in Proxy-Authenticate.
    pub proxy: bool,
    /// Whose password is wanted.
    pub realm: String,
    /// What the digest is computed over, so that it cannot be used again.
    pub nonce: String,
    /// To be sent back as it is.
    pub opaque: Option<String>,
    /// The password was right, only the nonce too old.
    pub stale: bool,
    /// MD5 when the challenge names none; `None` for one that is not known.
    pub algorithm: Option<Algorithm>,
    /// The algorithm as it was named.
    pub algorithm_token: Option<String>,
    /// The protections that are offered and known; empty when none was offered (RFC 2069).
    pub qop: Vec<Qop>,
    /// Whether a `qop` was there at all, known or not.
    pub qop_offered: bool,
    /// Where the password holds, as it came.
    pub domain: Option<String>,
    /// The user's name may be sent as a hash (RFC 7616 section 3.4.4).
    pub userhash: bool,
}

impl Challenge {
    /// Reads one challenge: `Digest realm="…", nonce="…"`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Challenge> {
        Challenge::read_all(&HeaderName::WWW_AUTHENTICATE, text)
            .into_iter()
            .next()
    }

    /// Whether it is a digest challenge.
    #[must_use]
    pub fn is_digest(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("Digest")
    }

    /// Whether it can be answered: a digest of a known algorithm, and a known protection if any
    /// was asked for.
    #[must_use]
    pub fn is_answerable(&self) -> bool {
        self.is_digest() && self.algorithm.is_some() && (!self.qop_offered || !self.qop.is_empty())
    }

    pub(super) fn strength(&self) -> Option<Strength> {
        self.algorithm.map(Algorithm::strength)
    }

    /// Reads all challenges of one header value.
    pub(in crate::sip) fn read_all(name: &HeaderName, text: &str) -> Vec<Challenge> {
        let proxy = *name == HeaderName::PROXY_AUTHENTICATE;
        let schemes = split_schemes(text).into_iter();
        schemes
            .filter_map(|(scheme, pieces)| Challenge::read(proxy, scheme, pieces))
            .collect()
    }

    fn read(proxy: bool, scheme: &str, pieces: Vec<&str>) -> Option<Challenge> {
        let (params, _) = Params::read_pieces(pieces)?;
        let owned = |name: &str| params.get(name).map(str::to_owned);
        let algorithm_token = owned("algorithm");
        let qops = params.get("qop").map(lexer::split_list).unwrap_or_default();
        Some(Challenge {
            scheme: scheme.to_owned(),
            proxy,
            realm: owned("realm").unwrap_or_default(),
            nonce: owned("nonce").unwrap_or_default(),
            opaque: owned("opaque"),
            stale: params
                .get("stale")
                .is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
            algorithm: match &algorithm_token {
                Some(token) => Algorithm::from_token(token),
                None => Some(Algorithm::Md5),
            },
            algorithm_token,
            qop: qops.into_iter().filter_map(Qop::from_token).collect(),
            qop_offered: params.has("qop"),
            domain: owned("domain"),
            userhash: params
                .get("userhash")
                .is_some_and(|v| v.eq_ignore_ascii_case("true")),
        })
    }
}

/// Takes a header value apart into schemes and their parameters. Several challenges in one header
/// are no SIP (RFC 3261 section 20.44) and are sent all the same; a new one begins where a token
/// is followed by a space and not by `=`.
pub(in crate::sip) fn split_schemes(text: &str) -> Vec<(&str, Vec<&str>)> {
    let mut schemes: Vec<(&str, Vec<&str>)> = Vec::new();
    for piece in lexer::split_list(text) {
        let end = piece
            .find(|c| !lexer::is_token_char(c))
            .unwrap_or(piece.len());
        let (token, rest) = piece.split_at(end);
        let rest = rest.trim_start_matches(lexer::is_lws);
        let begins = !token.is_empty() && !rest.starts_with('=');
        match schemes.last_mut() {
            Some((_, pieces)) if !begins => pieces.push(piece),
            Some(_) | None if begins => schemes.push((token, vec![rest])),
            Some(_) | None => {}
        }
    }
    schemes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_of_real_servers_are_read() {
        let challenge = Challenge::parse(
            r#"Digest realm="a \"b\"", nonce="84a4", qop="auth,auth-int", algorithm=SHA-256, stale=TRUE, opaque="5c""#,
        )
        .unwrap();
        assert_eq!(challenge.realm, r#"a "b""#);
        assert_eq!(challenge.qop, [Qop::Auth, Qop::AuthInt]);
        assert_eq!(challenge.algorithm, Some(Algorithm::Sha256));
        assert!(challenge.stale);
        assert_eq!(challenge.opaque.as_deref(), Some("5c"));
    }

    #[test]
    fn several_challenges_in_one_header_are_several() {
        let challenges = Challenge::read_all(
            &HeaderName::PROXY_AUTHENTICATE,
            r#"Digest realm="r", nonce="1", algorithm=SHA-256, Digest realm="r", nonce="2", Basic realm="x""#,
        );
        let nonces: Vec<_> = challenges.iter().map(|c| (&*c.scheme, &*c.nonce)).collect();
        assert_eq!(nonces, [("Digest", "1"), ("Digest", "2"), ("Basic", "")]);
        assert!(challenges[0].proxy);
        assert_eq!(challenges[1].algorithm, Some(Algorithm::Md5));
    }

    #[test]
    fn an_unknown_algorithm_or_protection_is_told_apart_from_none() {
        let challenge =
            Challenge::parse(r#"Digest realm="r", nonce="1", algorithm=AKAv1-MD5, qop="x""#);
        let challenge = challenge.unwrap();
        assert_eq!(challenge.algorithm, None);
        assert_eq!(challenge.algorithm_token.as_deref(), Some("AKAv1-MD5"));
        assert!(challenge.qop.is_empty() && challenge.qop_offered);
    }
}
