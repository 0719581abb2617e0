//! A client and a small server, with a peer beyond it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::*;
use crate::nat::simulated::relay::{PASSWORD, Relay, USER};
use crate::nat::stun::{Builder, Class, Message, Method, TransactionId, attribute};
use crate::nat::testing::start;

const CLIENT: &str = "192.0.2.5:4000";
const SERVER: &str = "198.51.100.2:3478";
const PEER: &str = "203.0.113.9:5000";

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

struct Line {
    now: Instant,
    client: Client,
    relays: Vec<Relay>,
    events: Vec<Event>,
    /// What came out at relayed addresses: from, to, bytes.
    at_peers: Vec<(SocketAddr, SocketAddr, Vec<u8>)>,
    /// What the client was told that peers sent.
    heard: Vec<(SocketAddr, Vec<u8>)>,
    /// Of so many packets to the server one is lost.
    loses: Option<usize>,
    count: usize,
}

fn line(password: &str, prepare: impl FnOnce(&mut Relay)) -> Line {
    let now = start();
    let config = Config {
        server: at(SERVER),
        transport: Transport::Udp,
        user: USER.to_owned(),
        password: password.into(),
        ipv6: false,
    };
    let mut relay = Relay::new(at(SERVER));
    prepare(&mut relay);
    Line {
        now,
        client: Client::new(now, config, [3; 32]),
        relays: vec![relay],
        events: Vec::new(),
        at_peers: Vec::new(),
        heard: Vec::new(),
        loses: None,
        count: 0,
    }
}

impl Line {
    /// Everything that happens without the clock.
    fn settle(&mut self) -> Option<Instant> {
        loop {
            match self.client.poll_output() {
                Output::Wait(due) => return due,
                Output::Event(event) => self.events.push(event),
                Output::Transmit { server, bytes } => {
                    self.count += 1;
                    if self.loses.is_some_and(|n| self.count.is_multiple_of(n)) {
                        continue;
                    }
                    self.deliver(at(CLIENT), server, &bytes);
                }
            }
        }
    }

    fn deliver(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let now = self.now;
        let relay = self.relays.iter_mut().find(|r| r.address.ip() == to.ip());
        let Some(relay) = relay else { return };
        for (from, to, bytes) in relay.receive(now, from, to, bytes) {
            if to == at(CLIENT) {
                let got = self.client.handle_datagram(now, from, &bytes);
                if let Received::Data { peer, bytes } = got {
                    self.heard.push((peer, bytes.to_vec()));
                }
            } else {
                self.at_peers.push((from, to, bytes));
            }
        }
    }

    fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(due) = self.settle().filter(|due| *due <= end) {
            self.now = due;
            self.client.handle_timeout(due);
        }
        self.now = end;
    }

    fn relayed(&self) -> SocketAddr {
        let found = self.events.iter().find_map(|event| match event {
            Event::Allocated { relayed, .. } => Some(*relayed),
            _ => None,
        });
        found.expect("an allocation")
    }

    fn send(&mut self, peer: &str, bytes: &[u8]) {
        let now = self.now;
        self.client.send(now, at(peer), bytes);
        self.settle();
    }
}

#[test]
fn an_allocation_is_got_with_the_password_and_tells_both_addresses() {
    let mut line = line(PASSWORD, |_| {});
    line.settle();
    assert_eq!(
        line.events,
        [Event::Allocated {
            relayed: at("198.51.100.2:50001"),
            mapped: at(CLIENT)
        }]
    );
}

#[test]
fn data_goes_both_ways_first_in_indications_then_on_a_channel() {
    let mut line = line(PASSWORD, |_| {});
    line.settle();
    let relayed = line.relayed();
    line.send(PEER, b"one");
    line.deliver(at(PEER), relayed, b"back");
    let now = line.now;
    line.client.bind_channel(now, at(PEER));
    line.settle();
    assert_eq!(line.client.channel_to(at(PEER)), Some(0x4000));
    line.send(PEER, b"two");
    line.deliver(at(PEER), relayed, b"again");
    let sent: Vec<&[u8]> = line.at_peers.iter().map(|(_, _, b)| &b[..]).collect();
    assert_eq!(sent, [b"one", b"two"]);
    assert!(
        line.at_peers
            .iter()
            .all(|(from, to, _)| *from == relayed && *to == at(PEER))
    );
    assert_eq!(
        line.heard,
        [(at(PEER), b"back".to_vec()), (at(PEER), b"again".to_vec())]
    );
    assert_eq!(line.relays[0].passed, [2, 2]);
}

#[test]
fn an_hour_through_lost_packets_and_spent_nonces() {
    let mut line = line(PASSWORD, |relay| relay.nonce_serves = 3);
    line.settle();
    line.loses = Some(4);
    let now = line.now;
    line.client.bind_channel(now, at(PEER));
    for _ in 0..60 {
        line.run(Duration::from_secs(60));
        line.send("203.0.113.10:7", b"keeps its permission");
    }
    line.loses = None;
    line.at_peers.clear();
    line.send(PEER, b"still");
    line.send("203.0.113.10:7", b"here");
    assert_eq!(line.at_peers.len(), 2);
    assert_eq!(line.events.len(), 1, "{:?}", line.events);
    assert!(line.client.requests.len() <= 3);
}

#[test]
fn each_refusal_has_its_own_name() {
    for (code, failure) in [
        (403, Failure::Forbidden),
        (437, Failure::Mismatch),
        (440, Failure::Unsupported),
        (442, Failure::Unsupported),
        (486, Failure::Quota),
        (508, Failure::Capacity),
        (500, Failure::Refused(500)),
    ] {
        let mut line = line(PASSWORD, |relay| relay.refuses = Some(code));
        line.settle();
        assert_eq!(line.events, [Event::Failed(failure)], "{code}");
    }
}

#[test]
fn a_wrong_password_is_tried_once() {
    let mut line = line("another", |_| {});
    line.settle();
    assert_eq!(line.events, [Event::Failed(Failure::Credentials)]);
    assert_eq!(line.count, 2);
}

#[test]
fn a_server_that_is_silent_is_given_up_after_39_5_seconds() {
    let mut line = line(PASSWORD, |_| {});
    line.loses = Some(1);
    line.run(Duration::from_millis(39_499));
    assert_eq!(line.events, []);
    line.run(Duration::from_millis(1));
    assert_eq!(line.events, [Event::Failed(Failure::Silent)]);
    assert_eq!(line.count, 7);
}

#[test]
fn another_server_is_followed_and_circles_are_not() {
    let other = at("198.51.100.3:3478");
    let mut line1 = line(PASSWORD, |relay| relay.alternate = Some(other));
    line1.relays.push(Relay::new(other));
    line1.settle();
    assert_eq!(line1.events[0], Event::Alternate(other));
    assert_eq!(line1.relayed().ip(), other.ip());

    let mut circle = line(PASSWORD, |relay| relay.alternate = Some(other));
    let mut second = Relay::new(other);
    second.alternate = Some(at(SERVER));
    circle.relays.push(second);
    circle.settle();
    assert_eq!(circle.events.last(), Some(&Event::Failed(Failure::Broken)));
    assert_eq!(circle.events.len(), 4);
}

#[test]
fn a_peer_that_is_forbidden_is_told_and_not_asked_for_again() {
    let mut line = line(PASSWORD, |relay| relay.forbidden = at(PEER).ip().into());
    line.settle();
    line.send(PEER, b"one");
    line.send(PEER, b"two");
    assert_eq!(line.events[1..], [Event::Forbidden(at(PEER).ip())]);
    assert_eq!(line.at_peers, []);
    line.send("203.0.113.10:7", b"others may");
    assert_eq!(line.at_peers.len(), 1);
}

#[test]
fn a_server_that_was_started_anew_ends_the_allocation() {
    let mut line = line(PASSWORD, |_| {});
    line.settle();
    line.relays[0].forget();
    line.run(Duration::from_secs(541));
    assert_eq!(line.events[1..], [Event::Failed(Failure::Mismatch)]);
    line.send(PEER, b"nothing");
    assert_eq!(line.at_peers, []);
}

#[test]
fn what_is_closed_is_given_back() {
    let mut line = line(PASSWORD, |_| {});
    line.settle();
    assert_eq!(line.relays[0].allocations(), 1);
    let now = line.now;
    line.client.close(now);
    line.settle();
    assert_eq!(line.events[1..], [Event::Closed]);
    assert_eq!(line.relays[0].allocations(), 0);
    assert_eq!(line.client.poll_output(), Output::Wait(None));
}

#[test]
fn strangers_can_neither_end_the_allocation_nor_speak_as_a_peer() {
    let mut line = line(PASSWORD, |_| {});
    line.settle();
    let now = line.now;
    line.client.bind_channel(now, at(PEER));
    // The request for the channel is on its way; somebody answers before the server does.
    let Output::Transmit { bytes, .. } = line.client.poll_output() else {
        panic!("a request");
    };
    let request = Message::parse(&bytes).unwrap();
    let forged = Builder::answer(Class::Error, &request)
        .error(437, "Allocation Mismatch")
        .finish();
    line.client.handle_datagram(now, at(SERVER), &forged);
    line.deliver(at(CLIENT), at(SERVER), &bytes);
    line.settle();
    assert_eq!(line.events.len(), 1);
    let data = Builder::new(Class::Indication, Method::DATA, TransactionId([1; 12]))
        .xor_address(attribute::XOR_PEER_ADDRESS, at("203.0.113.66:1"))
        .attribute(attribute::DATA, b"boo")
        .finish();
    let got = line.client.handle_datagram(now, at(SERVER), &data);
    assert_eq!(got, Received::Nothing);
    let got = line.client.handle_datagram(now, at(PEER), b"\x40\0\0\x01x");
    assert_eq!(got, Received::Nothing);
}

#[test]
fn peers_channels_and_waiting_datagrams_are_bounded() {
    let mut line = line(PASSWORD, |_| {});
    line.settle();
    let now = line.now;
    for n in 0..500u32 {
        let peer = SocketAddr::from(([203, 0, (n / 250) as u8, (n % 250) as u8], 9));
        line.client.send(now, peer, b"x");
        line.client.bind_channel(now, peer);
    }
    assert_eq!(line.client.permissions.len(), MAX_PERMISSIONS);
    assert_eq!(line.client.channels.len(), MAX_CHANNELS);
    assert_eq!(line.client.waiting.len(), MAX_WAITING);
}
