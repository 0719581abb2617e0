//! The torture messages, damaged at random: nothing breaks, and what is accepted survives being
//! written and read again.

use ramal::sip::{
    Contacts, DefectKind, Frame, FramingLimits, Message, ParseError, StreamFramer, inspect,
    parse_datagram,
};

use super::{RFC_4475, RFC_5118, assert_survives, bytes};

/// A generator of numbers that is the same everywhere (Marsaglia's xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }
}

/// What attackers and broken phones put into messages.
const SPLINTERS: [&[u8]; 24] = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"\"",
    b"\\",
    b"<",
    b">",
    b";",
    b",",
    b"?",
    b"@",
    b"%",
    b"%00",
    b":",
    b"[",
    b"]",
    b"\xff",
    b" ",
    b"\t",
    b"Content-Length: 7\r\n",
    b"Via: SIP/2.0/UDP h\r\n",
    b"\r\n ",
    b"4294967296",
];

fn mutate(bytes: &mut Vec<u8>, all: &[Vec<u8>], random: &mut Random) {
    let at = random.below(bytes.len());
    match random.below(16) {
        0..=2 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = random.next().to_le_bytes()[0];
            }
        }
        3..=5 => {
            let end = (at + 1 + random.below(12)).min(bytes.len());
            bytes.drain(at.min(end)..end);
        }
        6..=10 => {
            let splinter = SPLINTERS[random.below(SPLINTERS.len())];
            bytes.splice(at..at, splinter.iter().copied());
        }
        11..=14 => {
            let other = &all[random.below(all.len())];
            let from = random.below(other.len());
            let to = (from + random.below(80)).min(other.len());
            bytes.splice(at..at, other[from..to].iter().copied());
        }
        _ => bytes.truncate(at),
    }
}

/// Damaged messages tried: each of the 61, this often. About 25,000 in all.
const MUTATIONS: usize = 400;

#[test]
fn damaged_messages_break_nothing_and_what_is_accepted_survives() {
    let all: Vec<Vec<u8>> = RFC_4475
        .iter()
        .chain(&RFC_5118)
        .map(|case| bytes(case.file))
        .collect();
    let mut accepted = 0;
    for (index, original) in all.iter().enumerate() {
        for round in 0..MUTATIONS {
            let seed = u64::try_from(index * MUTATIONS + round + 1).unwrap();
            let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let mut damaged = original.clone();
            for _ in 0..=random.below(3) {
                mutate(&mut damaged, &all, &mut random);
            }
            accepted += usize::from(try_damaged(&damaged, &format!("seed {seed}")));
            if round % 8 == 0 {
                try_as_stream(&damaged, &mut random);
            }
        }
    }
    // The damage is small enough for the test to mean something.
    assert!(
        accepted > all.len() * MUTATIONS / 3,
        "only {accepted} were accepted"
    );
}

/// Whether the message was accepted.
fn try_damaged(damaged: &[u8], what: &str) -> bool {
    let _ = inspect::report(damaged);
    let parsed = match parse_datagram(damaged) {
        Ok(parsed) => parsed,
        Err(ParseError { reply, .. }) => {
            let _ = reply.map(|reply| reply.to_bytes());
            return false;
        }
    };
    let headers = parsed.message.headers();
    assert!(
        headers.top_via().is_ok() && headers.from().is_ok() && headers.to().is_ok(),
        "{what}"
    );
    assert!(
        headers.call_id().is_ok() && headers.cseq().is_ok(),
        "{what}"
    );
    let _ = parsed.refusal().map(|refusal| refusal.to_bytes());
    let control = parsed
        .defects
        .iter()
        .any(|defect| defect.kind == DefectKind::ControlCharacter);
    if control {
        return false; // A NUL is kept for inspection and never written.
    }
    assert_survives(&parsed.message, what);
    assert_parts_survive(&parsed.message, what);
    true
}

/// What is read of a header and written is read the same again.
fn assert_parts_survive(message: &Message, what: &str) {
    let headers = message.headers();
    for via in headers.vias().unwrap_or_default() {
        assert_eq!(via.to_string().parse().as_ref(), Ok(&via), "{what}");
    }
    let mut addresses = vec![headers.from().unwrap(), headers.to().unwrap()];
    addresses.extend(headers.routes().unwrap_or_default());
    if let Ok(Contacts::List(contacts)) = headers.contacts() {
        addresses.extend(contacts);
    }
    for address in addresses {
        assert_eq!(address.to_string().parse().as_ref(), Ok(&address), "{what}");
    }
}

/// Any bytes in any pieces come to an end.
fn try_as_stream(damaged: &[u8], random: &mut Random) {
    let mut framer = StreamFramer::new(FramingLimits {
        head: 4096,
        body: 4096,
    });
    let mut rest = damaged;
    while !rest.is_empty() {
        let (piece, tail) = rest.split_at((1 + random.below(300)).min(rest.len()));
        rest = tail;
        framer.push(piece);
        let mut frames = 0;
        while let Some(frame) = framer.next() {
            frames += 1;
            assert!(frames <= damaged.len() + 2, "frames without end");
            if matches!(frame, Frame::Broken(_)) {
                assert_eq!(framer.next(), None);
                return;
            }
        }
    }
}
