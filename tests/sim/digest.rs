//! Digest as RFC 2617 and RFC 7616 have it, from the server's side and for MD5 with `qop=auth`:
//! written apart from the phone's own, which it judges.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use md5::{Digest, Md5};

/// What a server says of credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Right,
    /// Right, but for a nonce that is too old, or of a count that was seen before.
    Stale,
    /// None for this realm, of another user's, or wrong.
    Wrong,
}

/// Makes nonces, and checks what is made of them.
pub(crate) struct Gate {
    realm: &'static str,
    /// How long a nonce is taken.
    pub(crate) nonce_lifetime: Duration,
    /// Whether an old nonce is called stale; some servers only challenge anew.
    pub(crate) says_stale: bool,
    nonces: BTreeMap<String, (Instant, u32)>,
    made: u32,
}

impl Gate {
    pub(crate) fn new(realm: &'static str) -> Gate {
        Gate {
            realm,
            nonce_lifetime: Duration::from_secs(365 * 24 * 3_600),
            says_stale: true,
            nonces: BTreeMap::new(),
            made: 0,
        }
    }

    /// Forgets every nonce, as a server does that starts anew.
    pub(crate) fn forget(&mut self) {
        self.nonces.clear();
    }

    pub(crate) fn challenge(&mut self, now: Instant, stale: bool) -> String {
        let lifetime = self.nonce_lifetime;
        self.nonces.retain(|_, (made, _)| now - *made <= lifetime);
        self.made += 1;
        let nonce = hash(&["nonce", &self.made.to_string()]);
        self.nonces.insert(nonce.clone(), (now, 0));
        let stale = if stale && self.says_stale {
            ", stale=TRUE"
        } else {
            ""
        };
        format!(
            "Digest realm=\"{}\", nonce=\"{nonce}\", algorithm=MD5, qop=\"auth\"{stale}",
            self.realm
        )
    }

    /// Judges the values of an Authorization or Proxy-Authorization header.
    pub(crate) fn judge<'a>(
        &mut self,
        now: Instant,
        values: impl Iterator<Item = &'a str>,
        (method, uri): (&str, &str),
        (user, password): (&str, &str),
    ) -> Verdict {
        let answers = values.map(parameters);
        let Some(answer) = answers
            .into_iter()
            .find(|answer| answer.get("realm").is_some_and(|realm| realm == self.realm))
        else {
            return Verdict::Wrong;
        };
        let get = |name: &str| answer.get(name).map_or("", String::as_str);
        let secret = hash(&[user, self.realm, password]);
        let asked = hash(&[method, uri]);
        let parts = [
            &*secret,
            get("nonce"),
            get("nc"),
            get("cnonce"),
            get("qop"),
            &asked,
        ];
        let same_uri = get("uri") == uri && get("username") == user;
        if !same_uri || get("qop") != "auth" || get("response") != hash(&parts) {
            return Verdict::Wrong;
        }
        let Some((made, counted)) = self.nonces.get_mut(get("nonce")) else {
            return Verdict::Stale;
        };
        let count = u32::from_str_radix(get("nc"), 16).unwrap_or(0);
        if now - *made > self.nonce_lifetime || count <= *counted || get("nc").len() != 8 {
            return Verdict::Stale;
        }
        *counted = count;
        Verdict::Right
    }
}

fn hash(parts: &[&str]) -> String {
    let digest = Md5::digest(parts.join(":").as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `Digest a="b", c=d` as names and values.
fn parameters(value: &str) -> BTreeMap<String, String> {
    let list = value.trim_start_matches("Digest ");
    let mut quoted = false;
    let pieces = list.split(|c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    let pairs = pieces.filter_map(|piece| piece.split_once('='));
    pairs
        .map(|(name, value)| (name.trim().to_owned(), value.trim().replace('"', "")))
        .collect()
}

#[test]
fn the_gate_agrees_with_the_example_of_rfc_2617() {
    let secret = hash(&["Mufasa", "testrealm@host.com", "Circle Of Life"]);
    let asked = hash(&["GET", "/dir/index.html"]);
    let nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
    let response = hash(&[&secret, nonce, "00000001", "0a4f113b", "auth", &asked]);
    assert_eq!(response, "6629fae49393a05397450978507c4ef1");
}
