//! The answer to a challenge as it stands in a header (RFC 7616 section 3.4, RFC 3261 section
//! 20.7).

use std::fmt;

use super::challenge::{Algorithm, Qop, split_schemes};
use super::hash::nonce_count;
use crate::sip::lexer;
use crate::sip::params::Params;

/// `Digest username="…", realm="…", response="…"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// The user, or a hash of user and realm when `userhash` is set.
    pub username: String,
    /// Whose password it is.
    pub realm: String,
    /// From the challenge.
    pub nonce: String,
    /// The digest-uri, which is signed.
    pub uri: String,
    /// The digest, in hexadecimal.
    pub response: String,
    /// As the challenge named it; `None` when it named none, which means MD5.
    pub algorithm: Option<String>,
    /// The client's own nonce.
    pub cnonce: Option<String>,
    /// From the challenge, unchanged.
    pub opaque: Option<String>,
    /// Protection and nonce count; `None` for RFC 2069.
    pub protection: Option<(Qop, u32)>,
    /// Whether `username` is a hash.
    pub userhash: bool,
}

impl Authorization {
    /// Reads a header's value. `None` when it is no digest or lacks something, or when its
    /// protection, nonce count or `userhash` is not exactly as the RFC writes it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Authorization> {
        let schemes = split_schemes(text);
        let [(scheme, pieces)] = &schemes[..] else {
            return None;
        };
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let (params, _) = Params::read_pieces(pieces.iter().copied())?;
        let owned = |name: &str| params.get(name).map(str::to_owned);
        let protection = match params.get("qop") {
            Some(qop) => Some((Qop::from_token(qop)?, read_nonce_count(params.get("nc")?)?)),
            None => None,
        };
        if protection.is_some() && !params.has("cnonce") {
            return None;
        }
        Some(Authorization {
            username: owned("username")?,
            realm: owned("realm")?,
            nonce: owned("nonce")?,
            uri: owned("uri")?,
            response: owned("response")?,
            algorithm: owned("algorithm"),
            cnonce: owned("cnonce"),
            opaque: owned("opaque"),
            protection,
            userhash: match params.get("userhash") {
                Some(hashed) if hashed.eq_ignore_ascii_case("true") => true,
                Some(hashed) if hashed.eq_ignore_ascii_case("false") => false,
                Some(_) => return None,
                None => false,
            },
        })
    }

    /// The algorithm; `None` for one that is not known.
    #[must_use]
    pub fn known_algorithm(&self) -> Option<Algorithm> {
        self.algorithm
            .as_deref()
            .map_or(Some(Algorithm::Md5), Algorithm::from_token)
    }
}

fn read_nonce_count(text: &str) -> Option<u32> {
    let exact = text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if exact {
        u32::from_str_radix(text, 16).ok()
    } else {
        None
    }
}

impl fmt::Display for Authorization {
    /// Strings in quotes and `algorithm`, `qop`, `nc`, `userhash` without, as RFC 3261 section
    /// 25.1 has them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = lexer::quote;
        write!(f, "Digest username={}", quoted(&self.username))?;
        write!(
            f,
            ", realm={}, nonce={}",
            quoted(&self.realm),
            quoted(&self.nonce)
        )?;
        write!(
            f,
            ", uri={}, response={}",
            quoted(&self.uri),
            quoted(&self.response)
        )?;
        if let Some(algorithm) = &self.algorithm {
            write!(f, ", algorithm={algorithm}")?;
        }
        if let Some(cnonce) = &self.cnonce {
            write!(f, ", cnonce={}", quoted(cnonce))?;
        }
        if let Some(opaque) = &self.opaque {
            write!(f, ", opaque={}", quoted(opaque))?;
        }
        if let Some((qop, count)) = self.protection {
            write!(f, ", qop={}, nc={}", qop.as_str(), nonce_count(count))?;
        }
        if self.userhash {
            write!(f, ", userhash=true")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header of RFC 3261 section 20.7's shape, with every parameter.
    const FULL: &str = "Digest username=\"bob \\\"b\\\"\", realm=\"biloxi.com\", nonce=\"dcd9\", \
        uri=\"sip:bob@biloxi.com\", response=\"89eb\", algorithm=MD5, cnonce=\"0a4f113b\", \
        opaque=\"5ccc\", qop=auth, nc=0000000a, userhash=true";

    #[test]
    fn what_is_written_is_what_was_read() {
        let read = Authorization::parse(FULL).unwrap();
        assert_eq!(read.username, "bob \"b\"");
        assert_eq!(read.protection, Some((Qop::Auth, 10)));
        assert!(read.userhash);
        assert_eq!(read.to_string(), FULL);
    }

    #[test]
    fn quoted_and_bare_parameters_are_both_read() {
        let text = FULL
            .replace("qop=auth", "qop=\"auth\"")
            .replace("=MD5", "=\"MD5\"");
        let read = Authorization::parse(&text).unwrap();
        assert_eq!(read.protection, Some((Qop::Auth, 10)));
        assert_eq!(read.known_algorithm(), Some(Algorithm::Md5));
    }

    #[test]
    fn anything_inexact_is_refused() {
        for (from, to) in [
            ("nc=0000000a", "nc=10"),
            ("nc=0000000a", "nc=+000000a"),
            (", nc=0000000a", ""),
            ("qop=auth", "qop=other"),
            (", cnonce=\"0a4f113b\"", ""),
            (", response=\"89eb\"", ""),
            ("userhash=true", "userhash=yes"),
            ("Digest ", "Basic "),
            ("Digest ", ""),
        ] {
            let text = FULL.replace(from, to);
            assert_ne!(text, FULL);
            assert_eq!(Authorization::parse(&text), None, "{text}");
        }
    }
}
