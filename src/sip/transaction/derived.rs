//! The requests that the layer makes itself out of an INVITE: its CANCEL and its ACK.

use crate::sip::{HeaderName, Headers, Method, Request, Response};

/// The CANCEL of `invite`, which carries its Via already (RFC 3261 section 9.1).
///
/// Same Request-URI, Call-ID, From, To, CSeq number, Route and branch: a proxy or phone that
/// sees a difference lets the callee ring on.
pub(super) fn cancel_of(invite: &Request) -> Request {
    derived(invite, Method::Cancel, &invite.headers)
}

/// The ACK of a non-2xx final response to `invite` (section 17.1.1.3): like the INVITE, but with
/// the To of the response.
pub(super) fn ack_of(invite: &Request, response: &Response) -> Request {
    derived(invite, Method::Ack, &response.headers)
}

/// A request like `invite` whose To is that of `to`.
fn derived(invite: &Request, method: Method, to: &Headers) -> Request {
    let mut headers = Headers::new();
    if let Ok(via) = invite.headers.top_via() {
        headers.push_top_via(&via);
    }
    for route in invite
        .headers
        .iter()
        .filter(|header| header.name == HeaderName::ROUTE)
    {
        headers.push_header(route.clone());
    }
    headers.push(HeaderName::MAX_FORWARDS, "70");
    let copied = [
        invite.headers.header(&HeaderName::FROM),
        to.header(&HeaderName::TO),
        invite.headers.header(&HeaderName::CALL_ID),
    ];
    for header in copied.into_iter().flatten() {
        headers.push_header(header.clone());
    }
    if let Ok(cseq) = invite.headers.cseq() {
        headers.push(HeaderName::CSEQ, format!("{} {method}", cseq.seq));
    }
    let mut request = Request::new(method, invite.uri.clone());
    request.headers = headers;
    request
}
