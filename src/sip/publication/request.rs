//! The PUBLISH request (RFC 3903 section 4.1, table 1).
//!
//! ```text
//! operation   body   SIP-If-Match   Expires
//! initial     yes    no             > 0
//! refresh     no     yes            > 0
//! modify      yes    yes            > 0
//! remove      no     yes            0
//! ```

use std::time::Duration;

use super::{Document, PublicationConfig};
use crate::sip::{HeaderName, Method, NameAddr, Request, Uri};

/// What a PUBLISH is made of.
pub(super) struct Parts<'a> {
    pub(super) config: &'a PublicationConfig,
    pub(super) call_id: &'a str,
    pub(super) from_tag: &'a str,
    pub(super) cseq: u32,
    pub(super) expires: Duration,
    pub(super) if_match: Option<&'a str>,
    pub(super) document: Option<&'a Document>,
}

/// The request, without Via and credentials.
pub(super) fn publish(parts: &Parts<'_>) -> Request {
    let config = parts.config;
    let aor = match &config.aor {
        Uri::Sip(sip) => Uri::Sip(sip.for_request_uri()),
        Uri::Tel(_) | Uri::Other(_) => config.aor.clone(),
    };
    let mut request = Request::new(Method::Publish, aor.clone());
    let headers = &mut request.headers;
    for route in &config.route {
        headers.push(HeaderName::ROUTE, route.to_string());
    }
    headers.push(HeaderName::MAX_FORWARDS, "70");
    let mut who = NameAddr::new(aor);
    who.display_name.clone_from(&config.display_name);
    let from = who.clone().with_tag(parts.from_tag);
    headers.push(HeaderName::FROM, from.to_string());
    headers.push(HeaderName::TO, who.to_string());
    headers.push(HeaderName::CALL_ID, parts.call_id);
    headers.push(HeaderName::CSEQ, format!("{} PUBLISH", parts.cseq));
    headers.push(HeaderName::EVENT, config.event.to_string());
    headers.push(HeaderName::EXPIRES, parts.expires.as_secs().to_string());
    if let Some(tag) = parts.if_match {
        headers.push(HeaderName::SIP_IF_MATCH, tag);
    }
    if !config.user_agent.is_empty() {
        headers.push(HeaderName::USER_AGENT, config.user_agent.as_str());
    }
    if let Some(document) = parts.document {
        request.set_body(&document.content_type, document.body.clone());
    }
    request
}
