//! What each side tells the other in SDP (RFC 8839): values of attributes, read and written.

use std::net::SocketAddr;

use super::candidate::{Candidate, CandidateKind, is_ice_word};
use crate::redact::Secret;

/// `ice-ufrag` and `ice-pwd` of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// 4 to 256 characters.
    pub ufrag: String,
    /// 22 to 256 characters.
    pub password: Secret<String>,
}

impl Credentials {
    /// Takes the values of `a=ice-ufrag` and `a=ice-pwd`; `None` when one is not by the grammar
    /// of RFC 8839 section 5.4.
    #[must_use]
    pub fn new(ufrag: &str, password: &str) -> Option<Credentials> {
        (is_ice_word(ufrag, 4, 256) && is_ice_word(password, 22, 256)).then(|| Credentials {
            ufrag: ufrag.to_owned(),
            password: Secret::from(password),
        })
    }
}

/// What the other side is told about reaching this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// Ours.
    pub credentials: Credentials,
    /// Those found in time.
    pub candidates: Vec<Candidate>,
}

/// What the other side's description says about reaching it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Its credentials.
    pub credentials: Credentials,
    /// `a=ice-lite`: it answers checks and makes none.
    pub lite: bool,
    /// Its candidates, those that could be read.
    pub candidates: Vec<Candidate>,
    /// Lines of candidates that could not be used.
    pub ignored: usize,
    /// No more are coming: `a=end-of-candidates`, or it does not trickle.
    pub ended: bool,
}

impl Remote {
    /// Reads what the attributes of session and stream say, each a name and a value as they
    /// stand in `a=name:value`; those of the stream last, since they go before those of the
    /// session. `None` when there are no (usable) credentials: it does not speak ICE.
    pub fn read<'a>(attributes: impl Iterator<Item = (&'a str, &'a str)>) -> Option<Remote> {
        let (mut ufrag, mut password) = (None, None);
        let (mut lite, mut trickles, mut ended) = (false, false, false);
        let (mut candidates, mut ignored) = (Vec::new(), 0);
        for (name, value) in attributes {
            let value = value.trim();
            match name {
                "ice-ufrag" => ufrag = Some(value),
                "ice-pwd" => password = Some(value),
                "ice-lite" => lite = true,
                "ice-options" => {
                    trickles |= value.split_ascii_whitespace().any(|o| o == "trickle");
                }
                "end-of-candidates" => ended = true,
                "candidate" if candidates.len() < super::MAX_REMOTE * 2 => {
                    match Candidate::parse(value) {
                        Ok(candidate) => candidates.push(candidate),
                        Err(_) => ignored += 1,
                    }
                }
                "candidate" => ignored += 1,
                _ => {}
            }
        }
        Some(Remote {
            credentials: Credentials::new(ufrag?, password?)?,
            lite,
            candidates,
            ignored,
            ended: ended || !trickles,
        })
    }

    /// Whether something on the way changed addresses and left the candidates alone (RFC 8839
    /// section 4.2.5): the default address, as it stands in `c=` and `m=`, is no candidate. Then
    /// ICE is not used, and the answer says `a=ice-mismatch`. A trickling side may say port 9
    /// (RFC 8840).
    #[must_use]
    pub fn mismatches(&self, default: SocketAddr) -> bool {
        let told = |candidate: &Candidate| candidate.address == default;
        !(default.port() == 9 || self.candidates.iter().any(told) || self.ignored > 0)
    }
}

/// The default candidate of a component, for `c=`, `m=` and `a=rtcp` (RFC 8839 section 4.1.2):
/// the one most likely to be reached without ICE.
#[must_use]
pub fn default_candidate(candidates: &[Candidate], component: u8) -> Option<&Candidate> {
    candidates
        .iter()
        .filter(|candidate| candidate.component == component)
        .max_by_key(|candidate| {
            let reach = match candidate.kind {
                CandidateKind::Relayed => 3,
                CandidateKind::ServerReflexive => 2,
                CandidateKind::Host => 1,
                CandidateKind::PeerReflexive => 0,
            };
            (reach, candidate.address.is_ipv4(), candidate.priority)
        })
}

/// The value of `a=rtcp` (RFC 3605) for the default candidate of the second component.
#[must_use]
pub fn rtcp_value(address: SocketAddr) -> String {
    let family = if address.is_ipv4() { "IP4" } else { "IP6" };
    format!("{} IN {family} {}", address.port(), address.ip())
}

/// The value of `a=remote-candidates` (RFC 8839 section 5.2): the chosen ones, a component each.
#[must_use]
pub fn remote_candidates_value(chosen: &[(u8, SocketAddr)]) -> String {
    let words: Vec<String> = chosen
        .iter()
        .map(|(component, at)| format!("{component} {} {}", at.ip(), at.port()))
        .collect();
    words.join(" ")
}

/// Reads the value of `a=remote-candidates`; `None` when it is not by the grammar.
#[must_use]
pub fn read_remote_candidates(value: &str) -> Option<Vec<(u8, SocketAddr)>> {
    let words: Vec<&str> = value.split_ascii_whitespace().collect();
    if words.is_empty() || !words.len().is_multiple_of(3) || words.len() > 6 {
        return None;
    }
    words
        .chunks(3)
        .map(|words| {
            let address = SocketAddr::new(words[1].parse().ok()?, words[2].parse().ok()?);
            Some((words[0].parse().ok()?, address))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "asd88fgpdd777uzjYhagZg";

    fn read(lines: &[(&str, &str)]) -> Option<Remote> {
        Remote::read(lines.iter().copied())
    }

    #[test]
    fn a_description_is_read_with_what_is_of_no_use_counted() {
        let remote = read(&[
            ("ice-options", "ice2"),
            ("ice-ufrag", "8hhY"),
            ("ice-pwd", PASSWORD),
            ("rtpmap", "0 PCMU/8000"),
            (
                "candidate",
                "1 1 UDP 2130706431 203.0.113.141 8998 typ host",
            ),
            ("candidate", "1 1 TCP 2130706431 203.0.113.141 9 typ host"),
        ])
        .unwrap();
        assert_eq!(remote.credentials.ufrag, "8hhY");
        assert_eq!((remote.candidates.len(), remote.ignored), (1, 1));
        assert!(remote.ended && !remote.lite);
    }

    #[test]
    fn who_trickles_is_not_at_its_end_before_it_says_so() {
        let base = [("ice-ufrag", "8hhY"), ("ice-pwd", PASSWORD)];
        let with = |more: &[(&'static str, &'static str)]| {
            read(&[&base[..], more].concat()).unwrap().ended
        };
        assert!(with(&[]));
        assert!(!with(&[("ice-options", "trickle ice2")]));
        assert!(with(&[
            ("ice-options", "trickle"),
            ("end-of-candidates", "")
        ]));
    }

    #[test]
    fn without_credentials_it_is_no_ice() {
        assert_eq!(read(&[("ice-ufrag", "8hhY")]), None);
        assert_eq!(read(&[("ice-ufrag", "8hh"), ("ice-pwd", PASSWORD)]), None);
        assert_eq!(read(&[("ice-ufrag", "8hhY"), ("ice-pwd", "short")]), None);
        let shown = format!("{:?}", Credentials::new("8hhY", PASSWORD));
        assert!(!shown.contains(PASSWORD), "{shown}");
    }

    #[test]
    fn a_rewritten_default_address_is_noticed() {
        let remote = read(&[
            ("ice-ufrag", "8hhY"),
            ("ice-pwd", PASSWORD),
            ("candidate", "1 1 UDP 2130706431 10.0.0.5 8998 typ host"),
        ])
        .unwrap();
        assert!(!remote.mismatches("10.0.0.5:8998".parse().unwrap()));
        assert!(remote.mismatches("192.0.2.1:40000".parse().unwrap()));
    }

    #[test]
    fn remote_candidates_and_rtcp_are_written_as_the_rfcs_write_them() {
        let chosen = [
            (1, "192.0.2.3:45664".parse().unwrap()),
            (2, "192.0.2.3:45665".parse().unwrap()),
        ];
        let value = "1 192.0.2.3 45664 2 192.0.2.3 45665";
        assert_eq!(remote_candidates_value(&chosen), value);
        assert_eq!(read_remote_candidates(value), Some(chosen.to_vec()));
        assert_eq!(read_remote_candidates("1 192.0.2.3"), None);
        assert_eq!(read_remote_candidates(""), None);
        // RFC 3605 section 2.1.
        assert_eq!(
            rtcp_value("126.16.64.4:53020".parse().unwrap()),
            "53020 IN IP4 126.16.64.4"
        );
    }
}
