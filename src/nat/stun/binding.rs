//! One binding request (RFC 8489 section 6.2.1): sent again over UDP until it is answered, and
//! what the answer says. Serves for learning the mapped address and for keeping a flow alive
//! (RFC 5626 section 4.4.2).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::{Builder, Class, Damage, Message, Method, TransactionId, attribute};

/// How long the first answer is waited for (RFC 8489 section 6.2.1).
pub const RTO: Duration = Duration::from_millis(500);
/// How often a request goes out (`Rc`).
pub const MAX_SENDS: u32 = 7;
/// How many RTOs the last one waits (`Rm`).
const LAST_WAIT: u32 = 16;

/// When one request is to go out again, each time twice as late as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retransmission {
    rto: Duration,
    max_sends: u32,
    sends: u32,
    due: Instant,
}

/// What [`Retransmission::handle_timeout`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// It is not time yet.
    NotYet,
    /// Send the same bytes again.
    Send,
    /// Nobody answers.
    GiveUp,
}

impl Retransmission {
    /// For a request that goes out now, with `rto` before the second, `max_sends` in all.
    #[must_use]
    pub fn new(now: Instant, rto: Duration, max_sends: u32) -> Retransmission {
        let mut this = Retransmission {
            rto,
            max_sends,
            sends: 0,
            due: now,
        };
        this.sent(now);
        this
    }

    /// When to call [`Retransmission::handle_timeout`].
    #[must_use]
    pub const fn due(&self) -> Instant {
        self.due
    }

    /// How often it went out.
    #[must_use]
    pub const fn sends(&self) -> u32 {
        self.sends
    }

    /// Time went on.
    pub fn handle_timeout(&mut self, now: Instant) -> Due {
        if now < self.due {
            return Due::NotYet;
        }
        if self.sends >= self.max_sends {
            return Due::GiveUp;
        }
        self.sent(now);
        Due::Send
    }

    fn sent(&mut self, now: Instant) {
        self.sends += 1;
        self.due = now
            + if self.sends >= self.max_sends {
                self.rto * LAST_WAIT
            } else {
                self.rto * (1 << (self.sends - 1).min(6))
            };
    }
}

/// A binding request under way, over UDP. Over a stream there is nothing to send again: ask for
/// [`BindingRequest::bytes`] once and wait.
#[derive(Clone, Debug)]
pub struct BindingRequest {
    transaction: TransactionId,
    bytes: Vec<u8>,
    retransmission: Retransmission,
}

/// What became of a binding request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Binding {
    /// The server saw the request come from here.
    Mapped(SocketAddr),
    /// The server refused.
    Refused {
        /// 300 to 699.
        code: u16,
        /// For 300 (try alternate): the other server.
        alternate: Option<SocketAddr>,
    },
    /// An answer without an address or an error: the server speaks some other dialect.
    Unusable,
}

impl BindingRequest {
    /// Begins one now; the bytes are to be sent at once.
    #[must_use]
    pub fn new(now: Instant, transaction: TransactionId) -> BindingRequest {
        let bytes = Builder::new(Class::Request, Method::BINDING, transaction)
            .fingerprint()
            .finish();
        BindingRequest {
            transaction,
            bytes,
            retransmission: Retransmission::new(now, RTO, MAX_SENDS),
        }
    }

    /// What goes over the wire.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// When to call [`BindingRequest::handle_timeout`].
    #[must_use]
    pub const fn due(&self) -> Instant {
        self.retransmission.due()
    }

    /// Time went on.
    pub fn handle_timeout(&mut self, now: Instant) -> Due {
        self.retransmission.handle_timeout(now)
    }

    /// A datagram came from where the request went to. `None`: it is not the answer to this one.
    #[must_use]
    pub fn handle_datagram(&self, datagram: &[u8]) -> Option<Binding> {
        let message = Message::parse(datagram).ok()?;
        if message.transaction() != self.transaction || message.method() != Method::BINDING {
            return None;
        }
        match message.class() {
            Class::Success => Some(
                message
                    .mapped_address()
                    .map_or(Binding::Unusable, Binding::Mapped),
            ),
            Class::Error => {
                Some(
                    message
                        .error()
                        .map_or(Binding::Unusable, |error| Binding::Refused {
                            code: error.code,
                            alternate: message.address(attribute::ALTERNATE_SERVER),
                        }),
                )
            }
            Class::Request | Class::Indication => None,
        }
    }
}

/// The answer to a plain binding request that came from `source`, as a server of flows gives it;
/// 420 when the request holds what must be understood and is not.
///
/// # Errors
/// When the bytes are no STUN message.
pub fn answer(datagram: &[u8], source: SocketAddr) -> Result<Option<Vec<u8>>, Damage> {
    let request = Message::parse(datagram)?;
    if (request.class(), request.method()) != (Class::Request, Method::BINDING) {
        return Ok(None);
    }
    let unknown = request.not_understood(&[attribute::USERNAME]);
    if !unknown.is_empty() {
        return Ok(Some(
            unknown_attributes(&request, &unknown)
                .fingerprint()
                .finish(),
        ));
    }
    Ok(Some(
        Builder::answer(Class::Success, &request)
            .xor_address(attribute::XOR_MAPPED_ADDRESS, source)
            .fingerprint()
            .finish(),
    ))
}

/// 420, naming what was not understood (RFC 8489 section 6.3.1).
#[must_use]
pub fn unknown_attributes(request: &Message<'_>, unknown: &[u16]) -> Builder {
    let named: Vec<u8> = unknown.iter().flat_map(|kind| kind.to_be_bytes()).collect();
    Builder::answer(Class::Error, request)
        .error(420, "Unknown Attribute")
        .attribute(attribute::UNKNOWN_ATTRIBUTES, &named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nat::testing::start;

    const ID: TransactionId = TransactionId(*b"twelve bytes");

    #[test]
    fn a_request_goes_out_seven_times_and_is_given_up_after_39_5_seconds() {
        let start = start();
        let mut request = BindingRequest::new(start, ID);
        let mut sent = vec![0];
        let end = loop {
            let due = request.due();
            assert_eq!(
                request.handle_timeout(due - Duration::from_millis(1)),
                Due::NotYet
            );
            match request.handle_timeout(due) {
                Due::Send => sent.push((due - start).as_millis()),
                Due::GiveUp => break (due - start).as_millis(),
                Due::NotYet => panic!("due is due"),
            }
        };
        // RFC 8489 section 6.2.1 gives these very figures.
        assert_eq!(sent, [0, 500, 1500, 3500, 7500, 15500, 31500]);
        assert_eq!(end, 39500);
    }

    #[test]
    fn an_answer_tells_where_the_request_came_from_and_an_alien_one_tells_nothing() {
        let request = BindingRequest::new(start(), ID);
        for source in ["192.0.2.7:40000", "[2001:db8::7]:40000"] {
            let source: SocketAddr = source.parse().unwrap();
            let answered = answer(request.bytes(), source).unwrap().unwrap();
            assert_eq!(
                request.handle_datagram(&answered),
                Some(Binding::Mapped(source))
            );
            let other = BindingRequest::new(start(), TransactionId([7; 12]));
            assert_eq!(other.handle_datagram(&answered), None);
            // An answer is not answered: two servers would never stop.
            assert_eq!(answer(&answered, source), Ok(None));
        }
        assert_eq!(request.handle_datagram(request.bytes()), None);
        assert_eq!(request.handle_datagram(b"\x80\x00 RTP"), None);
    }

    #[test]
    fn what_must_be_understood_and_is_not_gets_420() {
        let asked = Builder::new(Class::Request, Method::BINDING, ID)
            .number(attribute::LIFETIME, 600)
            .number(0x8099, 1)
            .finish();
        let answered = answer(&asked, "192.0.2.7:1".parse().unwrap())
            .unwrap()
            .unwrap();
        let message = Message::parse(&answered).unwrap();
        assert_eq!(message.error().map(|e| e.code), Some(420));
        assert_eq!(
            message.get(attribute::UNKNOWN_ATTRIBUTES),
            Some(&[0x00, 0x0D][..])
        );
    }

    #[test]
    fn a_server_can_send_us_elsewhere() {
        let request = BindingRequest::new(start(), ID);
        let parsed = Message::parse(request.bytes()).unwrap();
        let answered = Builder::answer(Class::Error, &parsed)
            .error(300, "Try Alternate")
            .address(
                attribute::ALTERNATE_SERVER,
                "198.51.100.3:3478".parse().unwrap(),
            )
            .finish();
        assert_eq!(
            request.handle_datagram(&answered),
            Some(Binding::Refused {
                code: 300,
                alternate: Some("198.51.100.3:3478".parse().unwrap())
            })
        );
        let empty = Builder::answer(Class::Success, &parsed).finish();
        assert_eq!(request.handle_datagram(&empty), Some(Binding::Unusable));
    }
}
