//! The REGISTER request (RFC 3261 section 10.2).

use std::time::Duration;

use super::RegistrationConfig;
use crate::sip::{HeaderName, Method, NameAddr, Request, Uri};

/// What a REGISTER is made of.
pub(super) struct Parts<'a> {
    pub(super) config: &'a RegistrationConfig,
    pub(super) target: &'a Uri,
    pub(super) call_id: &'a str,
    pub(super) from_tag: &'a str,
    pub(super) cseq: u32,
    /// Zero removes the binding.
    pub(super) expires: Duration,
    pub(super) outbound: bool,
    /// Contacts of before, to be taken away.
    pub(super) former: &'a [NameAddr],
}

/// The request, without Via and credentials.
pub(super) fn register(parts: &Parts<'_>) -> Request {
    let config = parts.config;
    let mut request = Request::new(Method::Register, registrar_uri(parts.target));
    let headers = &mut request.headers;
    for route in &config.route {
        headers.push(HeaderName::ROUTE, route.to_string());
    }
    headers.push(HeaderName::MAX_FORWARDS, "70");
    let mut to = NameAddr::new(plain(&config.aor));
    to.display_name.clone_from(&config.display_name);
    headers.push(
        HeaderName::FROM,
        to.clone().with_tag(parts.from_tag).to_string(),
    );
    headers.push(HeaderName::TO, to.to_string());
    headers.push(HeaderName::CALL_ID, parts.call_id);
    headers.push(
        HeaderName::CSEQ,
        format!("{} {}", parts.cseq, Method::Register.as_str()),
    );
    let expires = parts.expires.as_secs().to_string();
    let mut contact = config.contact.clone();
    if let Some(instance) = &config.instance_id {
        contact
            .params
            .set("+sip.instance", Some(&format!("<{instance}>")));
        if let Some(reg_id) = config.reg_id.filter(|_| parts.outbound) {
            contact.params.set("reg-id", Some(&reg_id.to_string()));
        }
    }
    // Some registrars look at the header, some at the parameter.
    contact.params.set("expires", Some(&expires));
    headers.push(HeaderName::CONTACT, contact.to_string());
    for former in parts.former {
        let mut former = former.clone();
        former.params.set("expires", Some("0"));
        headers.push(HeaderName::CONTACT, former.to_string());
    }
    headers.push(HeaderName::EXPIRES, expires);
    let mut supported = Vec::new();
    if config.path {
        supported.push("path");
    }
    if parts.outbound {
        supported.push("outbound");
    }
    if config.instance_id.is_some() {
        supported.push("gruu");
    }
    if !supported.is_empty() {
        headers.push(HeaderName::SUPPORTED, supported.join(", "));
    }
    if !config.user_agent.is_empty() {
        headers.push(HeaderName::USER_AGENT, config.user_agent.as_str());
    }
    request
}

/// As it may stand in the Request-URI of a REGISTER: without user, password and headers.
pub(super) fn registrar_uri(uri: &Uri) -> Uri {
    match uri {
        Uri::Sip(sip) => {
            let mut sip = sip.for_request_uri();
            sip.user = None;
            sip.password = None;
            Uri::Sip(sip)
        }
        Uri::Tel(_) | Uri::Other(_) => uri.clone(),
    }
}

fn plain(uri: &Uri) -> Uri {
    match uri {
        Uri::Sip(sip) => Uri::Sip(sip.without_headers()),
        Uri::Tel(_) | Uri::Other(_) => uri.clone(),
    }
}
