//! Several protocols on one port, told apart by the first byte (RFC 7983 section 7).

/// What a datagram on a media port is, by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// A STUN message, as far as the first byte tells: 0 to 3.
    Stun,
    /// ZRTP, which is not spoken here: 16 to 19.
    Zrtp,
    /// A DTLS record: 20 to 63.
    Dtls,
    /// TURN channel data: 64 to 79. Only where a TURN server sends.
    Channel,
    /// RTP or RTCP, clear or protected: 128 to 191.
    Rtp,
    /// Nothing that has a meaning here, the empty datagram included.
    Unknown,
}

/// Looks at the first byte only; each protocol's own reader has the last word.
#[must_use]
pub fn carried(datagram: &[u8]) -> Carried {
    match datagram.first() {
        Some(0..=3) => Carried::Stun,
        Some(16..=19) => Carried::Zrtp,
        Some(20..=63) => Carried::Dtls,
        Some(64..=79) => Carried::Channel,
        Some(128..=191) => Carried::Rtp,
        _ => Carried::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_range_of_first_bytes_is_its_own_protocol() {
        for (from, to, expected) in [
            (0, 3, Carried::Stun),
            (4, 15, Carried::Unknown),
            (16, 19, Carried::Zrtp),
            (20, 63, Carried::Dtls),
            (64, 79, Carried::Channel),
            (80, 127, Carried::Unknown),
            (128, 191, Carried::Rtp),
            (192, 255, Carried::Unknown),
        ] {
            for first in from..=to {
                assert_eq!(carried(&[first, 0]), expected, "{first}");
            }
        }
        assert_eq!(carried(&[]), Carried::Unknown);
    }
}
