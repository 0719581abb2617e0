//! Requests as phones write them, and what the front door makes of them.

use super::*;
use crate::sip::{Credentials, DigestClient, DigestMemory, Transport, parse_datagram};

const LAB: &str = "127.0.0.1:5060";

fn peer(port: u16) -> Peer {
    Peer {
        transport: Transport::Udp,
        remote: ([127, 0, 0, 1], port).into(),
        local: LAB.parse().unwrap(),
        connection: None,
    }
}

fn read(bytes: &[u8]) -> Message {
    parse_datagram(bytes).unwrap().message
}

fn request(text: &str) -> Request {
    match read(text.as_bytes()) {
        Message::Request(request) => request,
        Message::Response(_) => panic!("a response"),
    }
}

struct Door {
    front: Front,
    now: Instant,
    branches: u32,
}

impl Door {
    #[expect(
        clippy::disallowed_methods,
        reason = "any instant will do as the beginning of time"
    )]
    fn new() -> Door {
        let now = Instant::now();
        Door {
            front: Front::new([1, 2], now),
            now,
            branches: 0,
        }
    }

    fn send(&mut self, request: &Request, from: u16) -> FrontOutput {
        let parsed = parse_datagram(&request.to_bytes().unwrap()).unwrap();
        self.front.take(self.now, parsed, peer(from))
    }

    fn answer(&mut self, request: &Request, from: u16) -> Response {
        match self.send(request, from) {
            FrontOutput::Transmit { to, bytes } => {
                assert_eq!(to, peer(from));
                match read(&bytes) {
                    Message::Response(response) => response,
                    Message::Request(request) => panic!("{request:?}"),
                }
            }
            other => panic!("{other:?}"),
        }
    }

    /// A request of `user`; each call makes a new transaction.
    fn ask(&mut self, method: &str, user: &str, to: &str, port: u16, more: &str) -> Request {
        self.branches += 1;
        let n = self.branches;
        let uri = if method == "REGISTER" {
            "127.0.0.1".to_owned()
        } else {
            format!("{to}@127.0.0.1")
        };
        request(&format!(
            "{method} sip:{uri} SIP/2.0\r\n\
             Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{n};rport\r\n\
             Max-Forwards: 70\r\n\
             From: <sip:{user}@127.0.0.1>;tag=a{n}\r\n\
             To: <sip:{to}@127.0.0.1>\r\n\
             Call-ID: c{n}\r\n\
             CSeq: 1 {method}\r\n\
             {more}\
             Content-Length: 0\r\n\r\n"
        ))
    }

    /// Sends it, answers the challenge, gives the answer to that.
    fn ask_knowing(&mut self, password: &str, mut request: Request, from: u16) -> Response {
        let challenge = self.answer(&request, from);
        let mut digest = DigestClient::new(Credentials {
            user: "1001".to_owned(),
            password: Secret::new(password.to_owned()),
            memory: DigestMemory::default(),
        });
        for (name, value) in digest.answer(&challenge, &request, 5).unwrap() {
            request.headers.push(name, value);
        }
        self.branches += 1;
        let branch = format!("z9hG4bKagain{}", self.branches);
        let via = Via::new(Transport::Udp, HostPort::from(peer(from).remote), &branch);
        request.headers.replace_top_via(&via);
        self.answer(&request, from)
    }

    fn register(&mut self, port: u16, expires: u32) -> Response {
        let contact = format!("Contact: <sip:1001@127.0.0.1:{port}>;expires={expires}\r\n");
        let ask = self.ask("REGISTER", "1001", "1001", port, &contact);
        self.ask_knowing(PASSWORD, ask, port)
    }
}

#[test]
fn who_does_not_know_the_password_is_not_registered() {
    let mut door = Door::new();
    let ask = door.ask(
        "REGISTER",
        "1001",
        "1001",
        5080,
        "Contact: <sip:1001@127.0.0.1:5080>\r\n",
    );
    let challenge = door.answer(&ask, 5080);
    assert_eq!(challenge.status.code(), 401);
    let offered: Vec<&str> = challenge
        .headers
        .get_all(&HeaderName::WWW_AUTHENTICATE)
        .collect();
    assert!(offered.len() == 2 && offered[0].contains("SHA-256") && offered[1].contains("MD5"));
    let refused = door.ask_knowing("ramaI", ask, 5080);
    assert_eq!(refused.status.code(), 401);
    assert!(door.front.registered(door.now, "1001").is_empty());
}

#[test]
fn a_binding_lasts_as_long_as_it_was_granted() {
    let mut door = Door::new();
    let granted = door.register(5080, 60);
    assert_eq!(granted.status.code(), 200);
    let contacts = granted.headers.contacts().unwrap();
    let Contacts::List(contacts) = contacts else {
        panic!("{contacts:?}")
    };
    assert_eq!(contacts[0].expires(), Some(60));
    let found = door.front.registered(door.now, "1001");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].1, peer(5080));
    door.now += Duration::from_secs(59);
    assert_eq!(door.front.registered(door.now, "1001").len(), 1);
    door.now += Duration::from_secs(1);
    assert!(door.front.registered(door.now, "1001").is_empty());
}

#[test]
fn no_more_than_an_hour_is_granted_and_no_less_than_five_seconds() {
    let mut door = Door::new();
    let granted = door.register(5080, 86_400);
    let Ok(Contacts::List(contacts)) = granted.headers.contacts() else {
        panic!("{granted:?}")
    };
    assert_eq!(contacts[0].expires(), Some(3_600));
    let refused = door.register(5081, 2);
    assert_eq!(refused.status.code(), 423);
    assert_eq!(refused.headers.get(&HeaderName::MIN_EXPIRES), Some("5"));
}

#[test]
fn a_binding_is_taken_back_and_the_fifth_makes_room() {
    let mut door = Door::new();
    for port in 5080..5085 {
        door.register(port, 60);
    }
    let ports = |door: &Door| -> Vec<u16> {
        let found = door.front.registered(door.now, "1001");
        found.iter().map(|(_, way)| way.remote.port()).collect()
    };
    assert_eq!(ports(&door), [5084, 5083, 5082, 5081]);
    door.register(5083, 0);
    assert_eq!(ports(&door), [5084, 5082, 5081]);
}

#[test]
fn one_extension_cannot_register_another() {
    let mut door = Door::new();
    let contact = "Contact: <sip:1002@127.0.0.1:5080>\r\n";
    let ask = door.ask("REGISTER", "1002", "1002", 5080, contact);
    assert_eq!(door.ask_knowing(PASSWORD, ask, 5080).status.code(), 403);
    assert!(door.front.registered(door.now, "1002").is_empty());
}

#[test]
fn what_comes_again_gets_the_same_answer() {
    let mut door = Door::new();
    let ask = door.ask("REGISTER", "1001", "1001", 5080, "");
    let first = format!("{:?}", door.answer(&ask, 5080));
    door.now += Duration::from_millis(500);
    assert_eq!(format!("{:?}", door.answer(&ask, 5080)), first);
}

#[test]
fn nobody_rings_where_a_call_is_refused() {
    let mut door = Door::new();
    for (extension, status) in [("603", 486), ("605", 488), ("999", 404), ("1001", 480)] {
        let ask = door.ask("INVITE", "desk", extension, 5080, "");
        assert_eq!(door.answer(&ask, 5080).status.code(), status, "{extension}");
    }
    for extension in ["600", "604", "609"] {
        let ask = door.ask("INVITE", "desk", extension, 5080, "");
        assert!(
            matches!(door.send(&ask, 5080), FrontOutput::Pass(_)),
            "{extension}"
        );
    }
}

#[test]
fn an_extension_proves_that_it_is_the_caller() {
    let mut door = Door::new();
    let ask = door.ask("INVITE", "1001", "603", 5080, "");
    let challenge = door.answer(&ask, 5080);
    assert_eq!(challenge.status.code(), 407);
    assert_eq!(door.ask_knowing(PASSWORD, ask, 5080).status.code(), 486);
}

#[test]
fn a_call_goes_on_to_the_phone_and_its_answer_comes_back() {
    let mut door = Door::new();
    door.register(5080, 60);
    let ask = door.ask("INVITE", "desk", "1001", 5090, "");
    let FrontOutput::Transmit { to, bytes } = door.send(&ask, 5090) else {
        panic!("not forwarded")
    };
    assert_eq!(to, peer(5080));
    let Message::Request(forwarded) = read(&bytes) else {
        panic!("{bytes:?}")
    };
    assert_eq!(forwarded.uri.to_string(), "sip:1001@127.0.0.1:5080");
    assert_eq!(forwarded.headers.max_forwards(), Ok(Some(69)));
    let vias = forwarded.headers.vias().unwrap();
    assert_eq!(vias.len(), 2);
    assert_eq!(vias[1].branch(), ask.headers.top_via().unwrap().branch());

    let ringing = forwarded.response(StatusCode::RINGING, Some("b"));
    let parsed = parse_datagram(&ringing.to_bytes().unwrap()).unwrap();
    let FrontOutput::Transmit { to, bytes } = door.front.take(door.now, parsed, peer(5080)) else {
        panic!("not returned")
    };
    assert_eq!(to.remote, peer(5090).remote);
    let Message::Response(returned) = read(&bytes) else {
        panic!("{bytes:?}")
    };
    assert_eq!(returned.headers.vias().unwrap().len(), 1);

    // The CANCEL takes the way of its INVITE, and under the same branch.
    let mut cancel = ask.clone();
    cancel.method = Method::Cancel;
    cancel.headers.set(HeaderName::CSEQ, "1 CANCEL".to_owned());
    let FrontOutput::Transmit { to, bytes } = door.send(&cancel, 5090) else {
        panic!("not forwarded")
    };
    assert_eq!(to, peer(5080));
    let Message::Request(cancelled) = read(&bytes) else {
        panic!("{bytes:?}")
    };
    assert_eq!(
        cancelled.headers.top_via().unwrap().branch(),
        vias[0].branch()
    );
}

#[test]
fn a_request_that_went_round_too_often_ends_here() {
    let mut door = Door::new();
    door.register(5080, 60);
    let mut ask = door.ask("INVITE", "desk", "1001", 5090, "");
    ask.headers.set(HeaderName::MAX_FORWARDS, "0".to_owned());
    assert_eq!(door.answer(&ask, 5090).status.code(), 483);
}

#[test]
fn a_flood_of_requests_leaves_little_behind() {
    let mut door = Door::new();
    for _ in 0..5_000 {
        let ask = door.ask("REGISTER", "1001", "1001", 5080, "");
        door.answer(&ask, 5080);
    }
    assert!(door.front.answers.len() <= MAX_ANSWERS);
}
