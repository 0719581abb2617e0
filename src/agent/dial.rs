//! From what a person types to a request URI.

use std::net::{IpAddr, SocketAddr};

use super::Refusal;
use crate::sip::{Host, HostPort, SipUri, Uri};

/// Longest text that is looked at; a URI of a phone call is far shorter.
const MAX_TYPED: usize = 512;

/// Reads what was typed or pasted: a URI of a scheme we call, `user@host`, an address of a
/// machine, a number in any writing, or a name at the account's domain.
///
/// Feature codes stay as they are: `*72#` becomes the user `*72%23`, since `#` may not stand
/// bare in a URI (RFC 3261 section 25.1).
///
/// # Errors
/// [`Refusal::UnsupportedScheme`] for `http:` and friends; [`Refusal::NotDialable`] for all else
/// that is no target, also for a number when the account has no domain to call it at.
pub fn target(typed: &str, home: Option<&HostPort>) -> Result<Uri, Refusal> {
    let typed = typed.trim();
    if typed.is_empty() || typed.len() > MAX_TYPED || typed.chars().any(char::is_control) {
        return Err(Refusal::NotDialable);
    }
    if let Some((scheme, rest)) = split_scheme(typed) {
        return match scheme.as_str() {
            "sip" | "sips" => sip_uri(&format!("{scheme}:{}", rest.trim_start_matches('/'))),
            "tel" => number(rest.trim_start_matches('/'), home),
            "callto" => {
                let rest = rest.trim_start_matches('/');
                if rest.contains('@') {
                    sip_uri(&format!("sip:{rest}"))
                } else {
                    number(rest, home)
                }
            }
            _ => Err(Refusal::UnsupportedScheme),
        };
    }
    if typed.contains('@') {
        return sip_uri(&format!("sip:{typed}"));
    }
    if typed.parse::<SocketAddr>().is_ok() || typed.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv4()) {
        return sip_uri(&format!("sip:{typed}"));
    }
    if let Ok(IpAddr::V6(ip)) = typed.trim_start_matches('[').trim_end_matches(']').parse() {
        return sip_uri(&format!("sip:[{ip}]"));
    }
    number(typed, home).or_else(|refusal| name(typed, home).ok_or(refusal))
}

/// The scheme in lower case and what follows its colon, if the text starts with one. A host with
/// a port (`pbx:5060`) has digits behind its colon and is no scheme.
fn split_scheme(typed: &str) -> Option<(String, &str)> {
    let (scheme, rest) = typed.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let known = matches!(
        scheme.to_ascii_lowercase().as_str(),
        "sip" | "sips" | "tel" | "callto"
    );
    let is_port = !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit());
    (is_scheme && (known || !is_port)).then(|| (scheme.to_ascii_lowercase(), rest))
}

fn sip_uri(text: &str) -> Result<Uri, Refusal> {
    let uri: Uri = text.parse().map_err(|_| Refusal::NotDialable)?;
    match uri {
        // A link must not add headers to our INVITE (RFC 3261 section 19.1.5).
        Uri::Sip(sip) => Ok(Uri::Sip(sip.for_request_uri())),
        Uri::Tel(_) | Uri::Other(_) => Err(Refusal::NotDialable),
    }
}

fn number(typed: &str, home: Option<&HostPort>) -> Result<Uri, Refusal> {
    let typed = typed.split(';').next().unwrap_or_default();
    let dialled: String = typed
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}'))
        .collect();
    let plain = dialled.strip_prefix('+').unwrap_or(&dialled);
    let dialable = !plain.is_empty()
        && plain
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '*' | '#' | 'A'..='D'))
        && plain.chars().any(|c| !c.is_ascii_alphabetic());
    match home {
        Some(home) if dialable => Ok(Uri::Sip(SipUri::new(Some(&dialled), home.clone()))),
        _ => Err(Refusal::NotDialable),
    }
}

fn name(typed: &str, home: Option<&HostPort>) -> Option<Uri> {
    let fits = typed
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+'));
    match home {
        Some(home) if fits => Some(Uri::Sip(SipUri::new(Some(typed), home.clone()))),
        Some(_) => None,
        None => {
            // Without a domain a bare name can only be a machine.
            let host: HostPort = typed.parse().ok()?;
            let Host::Name(name) = &host.host else {
                return None;
            };
            name.contains(|c: char| c.is_ascii_alphabetic())
                .then(|| Uri::Sip(SipUri::new(None, host)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, expected: Result<&str, Refusal>) {
        let home: HostPort = "pbx.example".parse().expect("a host");
        let got = target(typed, Some(&home)).map(|uri| uri.to_string());
        assert_eq!(
            got.as_deref().map_err(|refusal| *refusal),
            expected,
            "{typed}"
        );
    }

    #[test]
    fn what_people_type_and_paste_becomes_a_target() {
        check("600", Ok("sip:600@pbx.example"));
        check(" (11) 3555-0142 ", Ok("sip:1135550142@pbx.example"));
        check("+55 11 4002-8922", Ok("sip:+551140028922@pbx.example"));
        check("*72#", Ok("sip:*72%23@pbx.example"));
        check("recepcao", Ok("sip:recepcao@pbx.example"));
        check("ana@other.example", Ok("sip:ana@other.example"));
        check(
            "sip:ana@other.example:5070",
            Ok("sip:ana@other.example:5070"),
        );
        check("SIPS:ana@other.example", Ok("sips:ana@other.example"));
        check("tel:+55-11-4002-8922", Ok("sip:+551140028922@pbx.example"));
        check("tel://4002-8922", Ok("sip:40028922@pbx.example"));
        check("callto:4002-8922", Ok("sip:40028922@pbx.example"));
        check("127.0.0.1:5080", Ok("sip:127.0.0.1:5080"));
        check("[::1]:5080", Ok("sip:[::1]:5080"));
        check("::1", Ok("sip:[::1]"));
    }

    #[test]
    fn what_is_no_target_is_refused() {
        check("", Err(Refusal::NotDialable));
        check("sip:", Err(Refusal::NotDialable));
        check("two words", Err(Refusal::NotDialable));
        check("a\r\nb", Err(Refusal::NotDialable));
        check("http://example.com/", Err(Refusal::UnsupportedScheme));
        check(&"9".repeat(600), Err(Refusal::NotDialable));
    }

    #[test]
    fn a_link_cannot_smuggle_headers_into_the_invite() {
        check(
            "sip:ana@other.example?Replaces=x&Priority=urgent",
            Ok("sip:ana@other.example"),
        );
    }

    #[test]
    fn a_number_needs_a_domain_to_be_called_at() {
        assert_eq!(target("600", None), Err(Refusal::NotDialable));
        let direct = target("127.0.0.1:5080", None).map(|uri| uri.to_string());
        assert_eq!(direct, Ok("sip:127.0.0.1:5080".to_owned()));
    }
}
