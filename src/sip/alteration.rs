//! What a response shows of hands on the way: routers that "help" SIP through an address translator
//! (application level gateways) rewrite addresses in messages, and some do it badly.
//!
//! A server answers with our own Via, From, Call-ID and CSeq, letter by letter but for what RFC
//! 3581 lets it add (RFC 3261 section 8.2.6.2). What comes back otherwise was rewritten on the way
//! there and not on the way back, and requests to us will go astray for the same reason.

use super::{NameAddr, Request, Response};

/// What was another than we had written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Alteration {
    /// The address that we send from, in our Via: told by the transaction layer, which must drop such
    /// a response (RFC 3261 section 18.1.2).
    Via,
    /// The Call-ID.
    CallId,
    /// Our tag in the From.
    FromTag,
}

/// What a response has to bring back of the request it answers.
#[derive(Clone, Debug)]
pub struct Fingerprint {
    call_id: String,
    from_tag: Option<String>,
}

impl Fingerprint {
    /// Of a request. `None` where it lacks what every request has.
    #[must_use]
    pub fn of(request: &Request) -> Option<Fingerprint> {
        Some(Fingerprint {
            call_id: request.headers.call_id().ok()?.to_owned(),
            from_tag: tag(request.headers.from().ok()),
        })
    }

    /// What of it came back altered; what cannot be read counts as nothing.
    #[must_use]
    pub fn altered_in(&self, response: &Response) -> Option<Alteration> {
        let headers = &response.headers;
        if headers.call_id().is_ok_and(|id| id != self.call_id) {
            return Some(Alteration::CallId);
        }
        let from = headers.from().ok();
        if from.is_some() && tag(from) != self.from_tag {
            return Some(Alteration::FromTag);
        }
        None
    }
}

fn tag(from: Option<NameAddr>) -> Option<String> {
    from.and_then(|from| from.tag().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::{Message, parse_datagram};

    /// What comes back for a request from 192.168.1.7:5060 with call-ID `one` and tag `ours`.
    fn altered(via: &str, from: &str, call_id: &str) -> Option<Alteration> {
        let read = |first: &str, via: &str, from: &str, call_id: &str| {
            let text = format!(
                "{first}\r\nVia: SIP/2.0/UDP {via};branch=z9hG4bKx\r\nFrom: {from}\r\n\
                 To: <sip:1001@pbx.example>\r\nCall-ID: {call_id}\r\nCSeq: 1 REGISTER\r\n\
                 Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
            );
            let parsed = parse_datagram(text.as_bytes()).expect("a message");
            parsed.message
        };
        let own = "<sip:1001@pbx.example>;tag=ours";
        let first = "REGISTER sip:pbx.example SIP/2.0";
        let Message::Request(request) = read(first, "192.168.1.7:5060;rport", own, "one") else {
            panic!("a request");
        };
        let Message::Response(response) = read("SIP/2.0 200 OK", via, from, call_id) else {
            panic!("a response");
        };
        let fingerprint = Fingerprint::of(&request).expect("it is whole");
        fingerprint.altered_in(&response)
    }

    const OWN: &str = "<sip:1001@pbx.example>;tag=ours";

    #[test]
    fn what_a_server_may_add_is_no_alteration() {
        let via = "192.168.1.7:5060;received=203.0.113.9;rport=31000";
        assert_eq!(altered(via, OWN, "one"), None);
        let named = "\"1001\" <sip:1001@pbx.example>;tag=ours";
        assert_eq!(altered("192.168.1.7:5060", named, "one"), None);
    }

    #[test]
    fn what_a_gateway_rewrote_is_told_apart() {
        let check = |via: &str, from: &str, call_id: &str, expected| {
            assert_eq!(altered(via, from, call_id), Some(expected));
        };
        check(
            "192.168.1.7:5060",
            OWN,
            "one@203.0.113.9",
            Alteration::CallId,
        );
        let other = "<sip:1001@pbx.example>;tag=theirs";
        check("192.168.1.7:5060", other, "one", Alteration::FromTag);
    }
}
