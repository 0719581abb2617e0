//! What a registrar agrees to beside the binding: flows (RFC 5626) and addresses of this phone
//! alone (RFC 5627).

use std::time::Duration;

use super::{RegistrationConfig, granted};
use crate::sip::{Contacts, HeaderName, NameAddr, Response, Uri};

/// The bounds of what a registrar may say of a flow: neither are we to ping without end, nor is a
/// flow kept by a ping a day.
const FLOW: std::ops::RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(600);

/// By the latest 200 to a REGISTER.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agreed {
    /// The registrar keeps to RFC 5626: we are reached over the flow that we opened.
    pub outbound: bool,
    /// The server gives a flow up that was silent for so long, 10 s to 10 min (`Flow-Timer`).
    pub flow_timer: Option<Duration>,
    /// The address of this phone alone, among those of the same person (`pub-gruu`).
    pub public: Option<Uri>,
    /// The same, which does not say whose it is (`temp-gruu`).
    pub temporary: Option<Uri>,
}

impl Agreed {
    pub(super) fn of(response: &Response, config: &RegistrationConfig) -> Agreed {
        let headers = &response.headers;
        let required = headers.tokens(&HeaderName::REQUIRE);
        let flow_timer = headers.get(&HeaderName::FLOW_TIMER);
        let flow_timer = flow_timer.and_then(|secs| secs.trim().parse().ok());
        let contacts = match headers.contacts() {
            Ok(Contacts::List(contacts)) => contacts,
            Ok(Contacts::Star) | Err(_) => Vec::new(),
        };
        let ours = granted::ours(&contacts, config).filter(|_| config.instance_id.is_some());
        let gruu = |name| ours.and_then(|ours| gruu(ours, name, config));
        Agreed {
            outbound: config.reg_id.is_some()
                && required
                    .iter()
                    .any(|tag| tag.eq_ignore_ascii_case("outbound")),
            flow_timer: flow_timer
                .map(|secs: u32| Duration::from_secs(secs.into()))
                .map(|timer| timer.clamp(*FLOW.start(), *FLOW.end())),
            public: gruu("pub-gruu"),
            temporary: gruu("temp-gruu"),
        }
    }
}

/// One of the addresses that a Contact brings: one of our domain (RFC 5627 section 3.1), since we
/// give it to others as ours.
fn gruu(contact: &NameAddr, name: &str, config: &RegistrationConfig) -> Option<Uri> {
    let uri: Uri = contact.params.get(name)?.parse().ok()?;
    let same_domain = {
        let (theirs, ours) = (uri.as_sip()?, config.aor.as_sip()?);
        theirs.host_port.host == ours.host_port.host
    };
    same_domain.then_some(uri)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::{Message, parse_datagram};

    const INSTANCE: &str = "urn:uuid:00000000-0000-1000-8000-000a95a0e128";

    fn agreed(headers: &str) -> Agreed {
        let text = format!(
            "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKnashds7\r\n\
             From: <sip:callee@example.com>;tag=a73kszlfl\r\n\
             To: <sip:callee@example.com>;tag=b88sn\r\n\
             Call-ID: 1j9FpLxk3uxtm8tn@192.0.2.1\r\nCSeq: 1 REGISTER\r\n{headers}\
             Content-Length: 0\r\n\r\n"
        );
        let parsed = parse_datagram(text.as_bytes()).expect("a response");
        let Message::Response(response) = parsed.message else {
            panic!("a response");
        };
        let uri = |text: &str| text.parse::<Uri>().expect("a URI");
        let contact = NameAddr::new(uri("sip:callee@192.0.2.1"));
        let aor = uri("sip:callee@example.com");
        let mut config = RegistrationConfig::new(aor, uri("sip:example.com"), contact);
        config.instance_id = Some(INSTANCE.to_owned());
        config.reg_id = Some(1);
        Agreed::of(&response, &config)
    }

    #[test]
    fn the_example_of_rfc_5627_is_read() {
        // Section 9, message F2; the URIs are as they stand there.
        let it = agreed(&format!(
            "Contact: <sip:callee@192.0.2.1>;\
             pub-gruu=\"sip:callee@example.com;gr={INSTANCE}\";\
             temp-gruu=\"sip:tgruu.7hs==jd7vnzga5w7fajsc7-ajd6fabz0f8g5@example.com;gr\";\
             +sip.instance=\"<{INSTANCE}>\";expires=3600\r\n"
        ));
        let public = format!("sip:callee@example.com;gr={INSTANCE}");
        assert_eq!(it.public.map(|uri| uri.to_string()), Some(public));
        assert_eq!(
            it.temporary.map(|uri| uri.to_string()).as_deref(),
            Some("sip:tgruu.7hs==jd7vnzga5w7fajsc7-ajd6fabz0f8g5@example.com;gr")
        );
        assert!(!it.outbound);
    }

    #[test]
    fn an_address_of_another_domain_is_not_ours() {
        let it = agreed(&format!(
            "Contact: <sip:callee@192.0.2.1>;pub-gruu=\"sip:callee@evil.example;gr=x\";\
             +sip.instance=\"<{INSTANCE}>\"\r\n"
        ));
        assert_eq!(it.public, None);
    }

    #[test]
    fn flows_are_agreed_on_by_require_and_bounded() {
        let it = agreed("Require: outbound\r\nFlow-Timer: 126\r\n");
        assert!(it.outbound);
        assert_eq!(it.flow_timer, Some(Duration::from_secs(126)));
        let it = agreed("Flow-Timer: 0\r\n");
        assert_eq!((it.outbound, it.flow_timer), (false, Some(*FLOW.start())));
        let it = agreed("Flow-Timer: 4000000000\r\n");
        assert_eq!(it.flow_timer, Some(*FLOW.end()));
        assert_eq!(agreed("Flow-Timer: soon\r\n"), Agreed::default());
    }
}
