//! The layer as its user and the network see it. The clock is turned to the deadline that the
//! layer asked for, never waited for.

mod client_side;
mod overload;
mod server_side;
mod two_phones;

use std::time::{Duration, Instant};

use super::testing::start;
use super::{ClientKey, Event, Limits, Output, Peer, ServerKey, Timers, TransactionLayer};
use crate::sip::{
    HeaderName, Message, Method, Request, Response, StatusCode, Transport, Uri, parse_datagram,
};

const OURS: &str = "192.0.2.1:5060";
const THEIRS: &str = "198.51.100.7:5070";

fn udp() -> Peer {
    Peer {
        transport: Transport::Udp,
        remote: THEIRS.parse().unwrap(),
        local: OURS.parse().unwrap(),
        connection: None,
    }
}

fn tcp() -> Peer {
    Peer {
        transport: Transport::Tcp,
        ..udp()
    }
}

fn uri(text: &str) -> Uri {
    text.parse().unwrap()
}

/// A layer and the time it is there.
struct Desk {
    layer: TransactionLayer,
    t0: Instant,
    now: Instant,
}

/// What the layer asked for at one moment.
#[derive(Debug, Default)]
struct Asked {
    sent: Vec<(Peer, Message)>,
    bytes: Vec<Vec<u8>>,
    events: Vec<Event>,
    wait: Option<Instant>,
}

impl Asked {
    /// Start lines of what was sent, without the version: `INVITE`, `200`.
    fn said(&self) -> Vec<String> {
        self.sent.iter().map(|(_, message)| word(message)).collect()
    }

    fn request(&self, at: usize) -> &Request {
        match &self.sent[at].1 {
            Message::Request(request) => request,
            Message::Response(response) => panic!("no request: {response:?}"),
        }
    }

    fn response(&self, at: usize) -> &Response {
        match &self.sent[at].1 {
            Message::Response(response) => response,
            Message::Request(request) => panic!("no response: {request:?}"),
        }
    }

    fn is_nothing(&self) -> bool {
        self.sent.is_empty() && self.events.is_empty()
    }
}

fn word(message: &Message) -> String {
    match message {
        Message::Request(request) => request.method.to_string(),
        Message::Response(response) => response.status.code().to_string(),
    }
}

impl Desk {
    fn new() -> Self {
        Desk::with_limits(Limits::default())
    }

    fn with_limits(limits: Limits) -> Self {
        let t0 = start();
        let layer = TransactionLayer::with_limits(Timers::default(), limits, 42);
        Desk { layer, t0, now: t0 }
    }

    fn poll(&mut self) -> Asked {
        let mut asked = Asked::default();
        loop {
            match self.layer.poll_output() {
                Output::Transmit { to, bytes } => {
                    asked
                        .sent
                        .push((to, parse_datagram(&bytes).unwrap().message));
                    asked.bytes.push(bytes);
                }
                Output::Event(event) => asked.events.push(event),
                Output::Wait(deadline) => {
                    asked.wait = deadline;
                    return asked;
                }
            }
        }
    }

    /// Turns the clock to the next deadline; `None` when there is none.
    fn jump(&mut self) -> Option<Asked> {
        self.now = self.poll().wait?;
        self.layer.handle_timeout(self.now);
        Some(self.poll())
    }

    fn pass(&mut self, span: Duration) -> Asked {
        self.now += span;
        self.layer.handle_timeout(self.now);
        self.poll()
    }

    fn elapsed(&self) -> Duration {
        self.now - self.t0
    }

    fn request(&mut self, request: Request, to: Peer) -> (ClientKey, Asked) {
        let key = self.layer.request(self.now, request, to).unwrap();
        (key, self.poll())
    }

    fn receive(&mut self, text: &str, from: Peer) -> Asked {
        self.layer.handle_datagram(self.now, text.as_bytes(), from);
        self.poll()
    }

    /// The far side answers a request of ours.
    fn answered(&mut self, request: &Request, status: StatusCode, tag: &str) -> Asked {
        let response = request.response(status, Some(tag)).to_bytes().unwrap();
        self.layer.handle_datagram(self.now, &response, udp());
        self.poll()
    }

    /// We answer a request of the far side.
    fn respond(&mut self, key: ServerKey, response: Response) -> Asked {
        self.layer.respond(self.now, &key, response).unwrap();
        self.poll()
    }
}

/// An INVITE of ours, with two Routes.
fn invite() -> Request {
    let mut request = Request::new(Method::Invite, uri("sip:bob@example.net"));
    for (name, value) in [
        (HeaderName::MAX_FORWARDS, "70"),
        (HeaderName::ROUTE, "<sip:p1.example.com;lr>"),
        (HeaderName::ROUTE, "<sip:p2.example.com;lr>"),
        (HeaderName::FROM, "<sip:alice@example.com>;tag=alice"),
        (HeaderName::TO, "<sip:bob@example.net>"),
        (HeaderName::CALL_ID, "call@alice"),
        (HeaderName::CSEQ, "7 INVITE"),
        (HeaderName::CONTACT, "<sip:alice@192.0.2.1>"),
    ] {
        request.headers.push(name, value);
    }
    request
}

/// An OPTIONS of ours.
fn options() -> Request {
    let mut request = invite();
    request.method = Method::Options;
    request.headers.set(HeaderName::CSEQ, "7 OPTIONS");
    request
}

/// A request of the far side, without body.
fn incoming(method: &str, via: &str, cseq: &str, to_tag: &str) -> String {
    format!(
        "{method} sip:alice@192.0.2.1 SIP/2.0\r\n\
         Via: SIP/2.0/{via}\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:bob@example.net>;tag=bob\r\n\
         To: <sip:alice@example.com>{to_tag}\r\n\
         Call-ID: call@bob\r\n\
         CSeq: {cseq}\r\n\
         Contact: <sip:bob@198.51.100.7:5070>\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

fn incoming_invite() -> String {
    incoming(
        "INVITE",
        "UDP 198.51.100.7:5070;branch=z9hG4bKinv;rport",
        "1 INVITE",
        "",
    )
}

/// The one request that was passed up.
fn passed(asked: &Asked) -> (ServerKey, Request) {
    match &asked.events[..] {
        [Event::Request { key, request, .. }] => (*key, request.clone()),
        other => panic!("no single request: {other:?}"),
    }
}
