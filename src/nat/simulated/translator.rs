//! One address translator (RFC 4787).

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// What of the far end a mapping or a filter depends on (RFC 4787 sections 4.1 and 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dependence {
    Endpoint,
    Address,
    AddressAndPort,
}

impl Dependence {
    pub(crate) const ALL: [Dependence; 3] = [
        Dependence::Endpoint,
        Dependence::Address,
        Dependence::AddressAndPort,
    ];

    /// Whether two far ends are the same to it.
    fn same(self, one: SocketAddr, other: SocketAddr) -> bool {
        match self {
            Dependence::Endpoint => true,
            Dependence::Address => one.ip() == other.ip(),
            Dependence::AddressAndPort => one == other,
        }
    }
}

/// What kind of translator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Behaviour {
    pub(crate) mapping: Dependence,
    pub(crate) filtering: Dependence,
    /// Whether two of its inside meet through its outside.
    pub(crate) hairpin: bool,
    /// Whether the port inside is taken outside too, where it is free.
    pub(crate) preserve_ports: bool,
    /// A mapping that nothing goes out through ends after this.
    pub(crate) timeout: Duration,
}

impl Behaviour {
    pub(crate) const fn new(mapping: Dependence, filtering: Dependence) -> Behaviour {
        Behaviour {
            mapping,
            filtering,
            hairpin: false,
            preserve_ports: false,
            timeout: Duration::from_secs(30),
        }
    }
}

#[derive(Debug)]
struct Mapping {
    inside: SocketAddr,
    /// The far end that it was made for.
    made_for: SocketAddr,
    port: u16,
    used: Instant,
    /// Far ends that were sent to through it.
    sent_to: Vec<SocketAddr>,
}

#[derive(Debug)]
pub(crate) struct Translator {
    pub(crate) behaviour: Behaviour,
    pub(crate) outside: IpAddr,
    mappings: Vec<Mapping>,
    next_port: u16,
}

impl Translator {
    pub(crate) fn new(behaviour: Behaviour, outside: IpAddr, first_port: u16) -> Translator {
        Translator {
            behaviour,
            outside,
            mappings: Vec::new(),
            next_port: first_port,
        }
    }

    /// A packet goes out: the address it is seen under.
    pub(crate) fn out(&mut self, now: Instant, inside: SocketAddr, to: SocketAddr) -> SocketAddr {
        self.expire(now);
        let dependence = self.behaviour.mapping;
        let known = self
            .mappings
            .iter()
            .position(|m| m.inside == inside && dependence.same(m.made_for, to));
        let at = known.unwrap_or_else(|| {
            let port = self.free_port(inside.port());
            self.mappings.push(Mapping {
                inside,
                made_for: to,
                port,
                used: now,
                sent_to: Vec::new(),
            });
            self.mappings.len() - 1
        });
        let mapping = &mut self.mappings[at];
        mapping.used = now;
        if !mapping.sent_to.contains(&to) {
            mapping.sent_to.push(to);
        }
        SocketAddr::new(self.outside, mapping.port)
    }

    /// A packet comes in: whom it is for, if it may pass.
    pub(crate) fn inward(
        &mut self,
        now: Instant,
        from: SocketAddr,
        to: SocketAddr,
    ) -> Option<SocketAddr> {
        self.expire(now);
        let filter = self.behaviour.filtering;
        let mapping = self.mappings.iter().find(|m| m.port == to.port())?;
        mapping
            .sent_to
            .iter()
            .any(|sent| filter.same(*sent, from))
            .then_some(mapping.inside)
    }

    fn expire(&mut self, now: Instant) {
        let timeout = self.behaviour.timeout;
        self.mappings.retain(|m| now < m.used + timeout);
    }

    fn free_port(&mut self, wanted: u16) -> u16 {
        let taken = |port: u16| self.mappings.iter().any(|m| m.port == port);
        if self.behaviour.preserve_ports && !taken(wanted) {
            return wanted;
        }
        let mut port = self.next_port;
        while taken(port) {
            port = port.wrapping_add(1).max(1024);
        }
        // Not the next one, so that nobody can guess by counting.
        self.next_port = port.wrapping_add(37).max(1024);
        port
    }
}
