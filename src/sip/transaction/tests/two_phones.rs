//! Two layers and a network between them that loses, repeats and delays, by a seed.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::*;
use crate::sip::transaction::testing::{millis, secs};

/// Caller and callee, and what is in the air between them.
struct World {
    caller: TransactionLayer,
    callee: TransactionLayer,
    now: Instant,
    t0: Instant,
    rng: ChaCha8Rng,
    loss_percent: u32,
    /// Arrivals by time and order of sending: whether for the callee, and the bytes.
    air: BTreeMap<(Instant, u64), (bool, Vec<u8>)>,
    sent: u64,
    /// What happened to the caller and the callee, without the bytes.
    caller_events: Vec<Event>,
    callee_events: Vec<Event>,
}

impl World {
    fn new(seed: u64, loss_percent: u32) -> Self {
        let t0 = start();
        World {
            caller: TransactionLayer::new(Timers::default(), seed),
            callee: TransactionLayer::new(Timers::default(), seed + 1),
            now: t0,
            t0,
            rng: ChaCha8Rng::seed_from_u64(seed),
            loss_percent,
            air: BTreeMap::new(),
            sent: 0,
            caller_events: Vec::new(),
            callee_events: Vec::new(),
        }
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.rng.next_u32() % 100 < percent
    }

    fn send(&mut self, to_callee: bool, bytes: Vec<u8>) {
        if self.chance(self.loss_percent) {
            return;
        }
        let copies = if self.chance(10) { 2 } else { 1 };
        for _ in 0..copies {
            let delay = millis(u64::from(self.rng.next_u32() % 200));
            self.sent += 1;
            self.air
                .insert((self.now + delay, self.sent), (to_callee, bytes.clone()));
        }
    }

    /// Callee: answers every request; caller: acknowledges every 2xx and hangs up after the
    /// first.
    fn act(&mut self) -> Option<Instant> {
        let caller_peer = Peer {
            remote: THEIRS.parse().unwrap(),
            ..udp()
        };
        let callee_peer = Peer {
            remote: OURS.parse().unwrap(),
            local: THEIRS.parse().unwrap(),
            ..udp()
        };
        let mut deadlines = Vec::new();
        loop {
            match self.callee.poll_output() {
                Output::Transmit { to, bytes } => {
                    assert_eq!(to, callee_peer);
                    self.send(false, bytes);
                }
                Output::Event(event) => {
                    if let Event::Request { key, request, .. } = &event {
                        let ok = request.response(StatusCode::OK, Some("callee"));
                        self.callee.respond(self.now, key, ok).unwrap();
                    }
                    self.callee_events.push(event);
                }
                Output::Wait(deadline) => {
                    deadlines.extend(deadline);
                    break;
                }
            }
        }
        loop {
            match self.caller.poll_output() {
                Output::Transmit { to, bytes } => {
                    assert_eq!(to, caller_peer);
                    self.send(true, bytes);
                }
                Output::Event(event) => {
                    if let Event::Response { response, .. } = &event
                        && response.headers.cseq().unwrap().method == Method::Invite
                        && response.status.is_success()
                    {
                        self.acknowledge();
                    }
                    self.caller_events.push(event);
                }
                Output::Wait(deadline) => {
                    deadlines.extend(deadline);
                    break;
                }
            }
        }
        deadlines.extend(self.air.keys().next().map(|(at, _)| *at));
        deadlines.into_iter().min()
    }

    fn acknowledge(&mut self) {
        let mut ack = invite();
        ack.method = Method::Ack;
        ack.headers.set(HeaderName::CSEQ, "7 ACK");
        ack.headers
            .set(HeaderName::TO, "<sip:bob@example.net>;tag=callee");
        self.caller.send_ack(ack, udp()).unwrap();
    }

    /// Until nothing is left to happen.
    fn run(&mut self) {
        for _ in 0..10_000 {
            let Some(next) = self.act() else { return };
            self.now = next;
            while let Some(entry) = self.air.first_entry() {
                if entry.key().0 > self.now {
                    break;
                }
                let (to_callee, bytes) = entry.remove();
                if to_callee {
                    let from = Peer {
                        remote: OURS.parse().unwrap(),
                        local: THEIRS.parse().unwrap(),
                        ..udp()
                    };
                    self.callee.handle_datagram(self.now, &bytes, from);
                } else {
                    self.caller.handle_datagram(self.now, &bytes, udp());
                }
            }
            self.caller.handle_timeout(self.now);
            self.callee.handle_timeout(self.now);
        }
        panic!("it never comes to rest");
    }
}

#[test]
fn a_call_over_a_lossy_network_is_set_up_once_and_nothing_is_left_behind() {
    for seed in 0..300 {
        let mut world = World::new(seed, 30);
        world.caller.request(world.now, invite(), udp()).unwrap();
        world.run();
        let offered = world
            .callee_events
            .iter()
            .filter(|event| matches!(event, Event::Request { .. }))
            .count();
        let acknowledged = world
            .callee_events
            .iter()
            .filter(|event| matches!(event, Event::Ack { .. }))
            .count();
        // Seven INVITEs, eleven 200s: at 30% loss each side's last word gets through.
        assert_eq!((offered, acknowledged), (1, 1), "seed {seed}");
        assert!(
            world.caller.is_empty() && world.callee.is_empty(),
            "seed {seed}"
        );
        assert!(world.now - world.t0 <= secs(65), "seed {seed}");
    }
}

#[test]
fn a_request_over_a_lossy_network_is_passed_once_and_answered_once() {
    for seed in 0..300 {
        let mut world = World::new(seed, 30);
        world.caller.request(world.now, options(), udp()).unwrap();
        world.run();
        assert_eq!(world.callee_events.len(), 1, "seed {seed}");
        assert!(
            matches!(world.caller_events[..], [Event::Response { .. }]),
            "seed {seed}: {:?}",
            world.caller_events
        );
        assert!(
            world.caller.is_empty() && world.callee.is_empty(),
            "seed {seed}"
        );
    }
}

#[test]
fn over_a_dead_network_both_sides_come_to_rest() {
    let mut world = World::new(1, 100);
    world.caller.request(world.now, invite(), udp()).unwrap();
    world.run();
    assert!(matches!(world.caller_events[..], [Event::Failed { .. }]));
    assert!(world.caller.is_empty());
    assert_eq!(world.now - world.t0, secs(32));
}
