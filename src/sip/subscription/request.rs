//! The SUBSCRIBE request (RFC 6665 section 3.1).

use std::time::Duration;

use super::SubscriptionConfig;
use crate::sip::{Dialog, HeaderName, Headers, Method, NameAddr, Request, Uri};

/// The first SUBSCRIBE of a subscription, outside any dialog, without Via and credentials.
pub(super) fn first(
    config: &SubscriptionConfig,
    call_id: &str,
    from_tag: &str,
    cseq: u32,
    expires: Duration,
) -> Request {
    let resource = plain(&config.resource);
    let mut request = Request::new(Method::Subscribe, resource.clone());
    let headers = &mut request.headers;
    for route in &config.route {
        headers.push(HeaderName::ROUTE, route.to_string());
    }
    headers.push(HeaderName::MAX_FORWARDS, "70");
    let mut from = NameAddr::new(plain(&config.aor));
    from.display_name.clone_from(&config.display_name);
    headers.push(HeaderName::FROM, from.with_tag(from_tag).to_string());
    headers.push(HeaderName::TO, NameAddr::new(resource).to_string());
    headers.push(HeaderName::CALL_ID, call_id);
    headers.push(HeaderName::CSEQ, format!("{cseq} SUBSCRIBE"));
    headers.push(HeaderName::CONTACT, config.contact.to_string());
    say_what(headers, config, expires);
    request
}

/// A SUBSCRIBE inside the dialog: refreshes, or ends with zero.
pub(super) fn further(
    config: &SubscriptionConfig,
    dialog: &mut Dialog,
    expires: Duration,
) -> Request {
    dialog.set_local_contact(config.contact.clone());
    let mut request = dialog.request(Method::Subscribe);
    say_what(&mut request.headers, config, expires);
    request
}

fn say_what(headers: &mut Headers, config: &SubscriptionConfig, expires: Duration) {
    headers.push(HeaderName::EVENT, config.event.to_string());
    if !config.accept.is_empty() {
        headers.push(HeaderName::ACCEPT, config.accept.join(", "));
    }
    headers.push(HeaderName::EXPIRES, expires.as_secs().to_string());
    if !config.user_agent.is_empty() {
        headers.push(HeaderName::USER_AGENT, config.user_agent.as_str());
    }
}

fn plain(uri: &Uri) -> Uri {
    match uri {
        Uri::Sip(sip) => Uri::Sip(sip.for_request_uri()),
        Uri::Tel(_) | Uri::Other(_) => uri.clone(),
    }
}
