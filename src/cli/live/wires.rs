//! The relay's sockets: between two phones on loopback, on the calling thread until both are gone.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};

use super::children::Phone;
use super::signalling::pass;
use crate::bench::relay::{Relay, Side};
use crate::engine::clock;
use crate::units::PayloadType;

/// Larger than any datagram of SIP or speech.
const DATAGRAM: usize = 65_536;

/// How often it is looked whether the phones are still there.
const LOOK: Duration = Duration::from_millis(50);

/// One side's SIP and sound.
struct Wire {
    sip: UdpSocket,
    sound: UdpSocket,
    /// Where the phone has them.
    sip_at: Option<SocketAddr>,
    sound_at: Option<SocketAddr>,
}

impl Wire {
    fn open() -> io::Result<Wire> {
        let socket = || UdpSocket::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        Ok(Wire {
            sip: socket()?,
            sound: socket()?,
            sip_at: None,
            sound_at: None,
        })
    }
}

/// The sockets, before anything has come.
pub(super) struct Wires {
    poll: Poll,
    talker: Wire,
    listener: Wire,
    redundant: Option<PayloadType>,
    datagram: Vec<u8>,
}

/// Whose socket, and which.
const TOKENS: [(Side, bool); 4] = [
    (Side::Talker, true),
    (Side::Talker, false),
    (Side::Listener, true),
    (Side::Listener, false),
];

impl Wires {
    /// In front of a listener whose SIP is at `listener`.
    pub(super) fn open(listener: SocketAddr) -> io::Result<Wires> {
        let mut wires = Wires {
            poll: Poll::new()?,
            talker: Wire::open()?,
            listener: Wire::open()?,
            redundant: None,
            datagram: vec![0; DATAGRAM],
        };
        wires.listener.sip_at = Some(listener);
        for (number, (side, is_sip)) in TOKENS.into_iter().enumerate() {
            let wire = match side {
                Side::Talker => &mut wires.talker,
                Side::Listener => &mut wires.listener,
            };
            let socket = if is_sip {
                &mut wire.sip
            } else {
                &mut wire.sound
            };
            wires
                .poll
                .registry()
                .register(socket, Token(number), Interest::READABLE)?;
        }
        Ok(wires)
    }

    /// Whom the talker calls.
    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.talker.sip.local_addr()
    }

    /// Relays until both phones have ended, `until` at the latest or until `stop` says so.
    pub(super) fn run(
        mut self,
        mut relay: Relay,
        mut phones: [&mut Phone; 2],
        until: Instant,
        stop: &AtomicBool,
    ) -> io::Result<Relay> {
        let mut events = Events::with_capacity(16);
        let mut look_at = clock::now();
        loop {
            let now = clock::now();
            while let Some((to, datagram)) = relay.poll_output(clock::now()) {
                self.send_sound(to, &datagram);
            }
            if now >= look_at {
                look_at = now + LOOK;
                let mut over = true;
                for phone in &mut phones {
                    over &= phone.has_ended()?;
                }
                if over {
                    return Ok(relay);
                }
                if stop.load(Ordering::Relaxed) {
                    return Err(ErrorKind::Interrupted.into());
                }
                if now > until {
                    return Err(ErrorKind::TimedOut.into());
                }
            }
            let next = relay.next_at().map_or(look_at, |at| at.min(look_at));
            let wait = next.saturating_duration_since(clock::now());
            match self.poll.poll(&mut events, Some(wait)) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                if let Some((side, is_sip)) = TOKENS.get(event.token().0) {
                    self.receive(*side, *is_sip, &mut relay);
                }
            }
        }
    }

    fn wire(&mut self, side: Side) -> &mut Wire {
        match side {
            Side::Talker => &mut self.talker,
            Side::Listener => &mut self.listener,
        }
    }

    fn receive(&mut self, side: Side, is_sip: bool, relay: &mut Relay) {
        let mut datagram = std::mem::take(&mut self.datagram);
        loop {
            let wire = self.wire(side);
            let socket = if is_sip { &wire.sip } else { &wire.sound };
            match socket.recv_from(&mut datagram) {
                Ok((length, from)) if is_sip => self.signal(side, from, &datagram[..length]),
                Ok((length, from)) => {
                    let wire = self.wire(side);
                    // Only the phone that is known by its SDP is heard.
                    if wire.sound_at == Some(from) {
                        let sound = &datagram[..length];
                        relay.handle_datagram(clock::now(), side, sound, self.redundant);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // A phone that has hung up refuses what was under way, and some systems tell it
                // here.
                Err(_) => {}
            }
        }
        self.datagram = datagram;
    }

    /// SIP goes on at once: the network is bad for sound only.
    fn signal(&mut self, side: Side, from: SocketAddr, datagram: &[u8]) {
        self.wire(side).sip_at = Some(from);
        let Ok(there) = self.wire(side.other()).sound.local_addr() else {
            return;
        };
        let passing = pass(datagram, there.port());
        if passing.sound_to.is_some() {
            self.wire(side).sound_at = passing.sound_to;
            // The answer has the last word.
            self.redundant = passing.redundant;
        }
        let to = self.wire(side.other());
        if let Some(at) = to.sip_at {
            // What is not sent is lost, and SIP sends it again.
            let _ = to.sip.send_to(&passing.bytes, at);
        }
    }

    fn send_sound(&mut self, to: Side, datagram: &[u8]) {
        let wire = self.wire(to);
        if let Some(at) = wire.sound_at {
            // A packet that the system does not take is a packet lost.
            let _ = wire.sound.send_to(datagram, at);
        }
    }
}
