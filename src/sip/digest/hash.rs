//! The arithmetic of RFC 7616 section 3.4.

use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};
use zeroize::Zeroize;

use super::challenge::{Algorithm, Qop};
use crate::redact::Secret;

/// Everything that a response is computed over.
pub(super) struct Inputs<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) user: &'a str,
    pub(super) realm: &'a str,
    pub(super) password: &'a Secret<String>,
    pub(super) method: &'a str,
    pub(super) uri: &'a str,
    pub(super) nonce: &'a str,
    pub(super) cnonce: &'a str,
    /// `None` for RFC 2069, which has neither nonce count nor cnonce.
    pub(super) protection: Option<(Qop, u32)>,
    pub(super) body: &'a [u8],
}

/// The `response` value.
pub(super) fn response(inputs: &Inputs<'_>) -> String {
    let hash = |parts: &[&str]| hash(inputs.algorithm, parts);
    let mut secret = hash(&[inputs.user, inputs.realm, inputs.password.reveal()]);
    if inputs.algorithm.is_session() {
        let session = hash(&[&secret, inputs.nonce, inputs.cnonce]);
        secret.zeroize();
        secret = session;
    }
    let request = match inputs.protection {
        Some((Qop::AuthInt, _)) => {
            let body = hash_bytes(inputs.algorithm, inputs.body);
            hash(&[inputs.method, inputs.uri, &body])
        }
        Some((Qop::Auth, _)) | None => hash(&[inputs.method, inputs.uri]),
    };
    let response = match inputs.protection {
        Some((qop, count)) => hash(&[
            &secret,
            inputs.nonce,
            &nonce_count(count),
            inputs.cnonce,
            qop.as_str(),
            &request,
        ]),
        None => hash(&[&secret, inputs.nonce, &request]),
    };
    secret.zeroize();
    response
}

/// The name that stands for a user where the challenge allows `userhash` (section 3.4.4).
pub(super) fn user_hash(algorithm: Algorithm, user: &str, realm: &str) -> String {
    hash(algorithm, &[user, realm])
}

/// A nonce count as it is written and hashed: eight hexadecimal digits.
pub(super) fn nonce_count(count: u32) -> String {
    format!("{count:08x}")
}

/// Hash of the parts with colons between them, in lower-case hexadecimal.
pub(super) fn hash(algorithm: Algorithm, parts: &[&str]) -> String {
    let mut joined = parts.join(":");
    let hashed = hash_bytes(algorithm, joined.as_bytes());
    joined.zeroize();
    hashed
}

fn hash_bytes(algorithm: Algorithm, bytes: &[u8]) -> String {
    match algorithm {
        Algorithm::Md5 | Algorithm::Md5Sess => hex(&Md5::digest(bytes)),
        Algorithm::Sha256 | Algorithm::Sha256Sess => hex(&Sha256::digest(bytes)),
        Algorithm::Sha512_256 | Algorithm::Sha512_256Sess => hex(&Sha512_256::digest(bytes)),
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble & 15)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(*byte)])
        .collect()
}

/// Compares without telling by its duration where the difference is.
pub(super) fn equal(a: &str, b: &str) -> bool {
    a.len() == b.len()
        && a.bytes()
            .zip(b.bytes())
            .fold(0, |all, (a, b)| all | (a ^ b))
            == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(inputs: &Inputs<'_>, expected: &str) {
        assert_eq!(response(inputs), expected);
    }

    /// The example of RFC 7616 section 3.9.1.
    #[test]
    fn md5_and_sha_256_give_the_responses_of_rfc_7616() {
        let password = Secret::from("Circle of Life");
        let inputs = Inputs {
            algorithm: Algorithm::Md5,
            user: "Mufasa",
            realm: "http-auth@example.org",
            password: &password,
            method: "GET",
            uri: "/dir/index.html",
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            protection: Some((Qop::Auth, 1)),
            body: b"",
        };
        check(&inputs, "8ca523f5e9506fed4657c9700eebdbec");
        check(
            &Inputs {
                algorithm: Algorithm::Sha256,
                ..inputs
            },
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        );
    }

    /// The example of RFC 7616 section 3.9.2, with the values of erratum 4897: the RFC's own were
    /// made with SHA-512 cut short, which is another function.
    #[test]
    fn sha_512_256_gives_the_response_and_the_user_hash_of_the_erratum() {
        let password = Secret::from("Secret, or not?");
        let inputs = Inputs {
            algorithm: Algorithm::Sha512_256,
            user: "Jäsøn Doe",
            realm: "api@example.org",
            password: &password,
            method: "GET",
            uri: "/doe.json",
            nonce: "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
            cnonce: "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
            protection: Some((Qop::Auth, 1)),
            body: b"",
        };
        check(
            &inputs,
            "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5",
        );
        assert_eq!(
            user_hash(Algorithm::Sha512_256, inputs.user, inputs.realm),
            "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"
        );
    }

    /// The example of RFC 2617 section 3.5.
    #[test]
    fn md5_gives_the_response_of_rfc_2617() {
        let password = Secret::from("Circle Of Life");
        let inputs = Inputs {
            algorithm: Algorithm::Md5,
            user: "Mufasa",
            realm: "testrealm@host.com",
            password: &password,
            method: "GET",
            uri: "/dir/index.html",
            nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            cnonce: "0a4f113b",
            protection: Some((Qop::Auth, 1)),
            body: b"",
        };
        check(&inputs, "6629fae49393a05397450978507c4ef1");
    }

    /// Bob of RFC 3261 section 24, with the challenge of section 22.4. The expected values of
    /// RFC 2069, `auth` and MD5-sess are those that circulate as the examples of
    /// draft-smith-sip-auth-examples-00; the others were computed with another implementation
    /// (Python's hashlib) from the formulas of RFC 7616 section 3.4.
    #[test]
    fn every_algorithm_and_protection_gives_the_response_computed_elsewhere() {
        let password = Secret::from("zanzibar");
        let inputs = |algorithm, protection| Inputs {
            algorithm,
            user: "bob",
            realm: "biloxi.com",
            password: &password,
            method: "INVITE",
            uri: "sip:bob@biloxi.com",
            nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            cnonce: "0a4f113b",
            protection,
            body: b"v=0\r\n",
        };
        let auth = |count| Some((Qop::Auth, count));
        let integrity = Some((Qop::AuthInt, 10));
        for (algorithm, protection, expected) in [
            (Algorithm::Md5, None, "bf57e4e0d0bffc0fbaedce64d59add5e"),
            (Algorithm::Md5, auth(1), "89eb0059246c02b2f6ee02c7961d5ea3"),
            (
                Algorithm::Md5Sess,
                auth(1),
                "e4e4ea61d186d07a92c9e1f6919902e9",
            ),
            (Algorithm::Md5, auth(10), "da61920429f958b1fe4eb4f5eebbc2cf"),
            (
                Algorithm::Md5,
                integrity,
                "9855c80e3610fac8933f2c676a44cb4b",
            ),
            (
                Algorithm::Md5Sess,
                integrity,
                "00ee96738abb1ce19ad845eae2775d15",
            ),
            (
                Algorithm::Sha256,
                auth(10),
                "a0e65c11fd66ca05992cce3870640a3bf3b9cbec4819ab4d69d0065c2133db16",
            ),
            (
                Algorithm::Sha256Sess,
                integrity,
                "7dcf1cf1b00925794110d603812151ab9c4ca20a747c9d6c4a97fdc321ca8445",
            ),
            (
                Algorithm::Sha512_256,
                integrity,
                "5f6809882d8dac6dbbfec4269a94455035ebe0945d1dedcaced61f8e5ca08044",
            ),
            (
                Algorithm::Sha512_256Sess,
                auth(10),
                "5c0c917e253d4a780e6d74d73289871f2f438a8e4c4282dd44c3c08912c59022",
            ),
        ] {
            check(&inputs(algorithm, protection), expected);
        }
    }

    #[test]
    fn a_nonce_count_is_eight_hexadecimal_digits() {
        assert_eq!(nonce_count(1), "00000001");
        assert_eq!(nonce_count(300), "0000012c");
        assert_eq!(nonce_count(u32::MAX), "ffffffff");
    }

    #[test]
    fn comparison_sees_every_difference() {
        assert!(equal("abc", "abc"));
        assert!(!equal("abc", "abd"));
        assert!(!equal("abc", "xbc"));
        assert!(!equal("abc", "abcd"));
    }
}
