//! The vectors of RFC 5769 and of RFC 8489 appendix B.1, and messages bent out of shape.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::*;

/// RFC 5769 section 2.1: a connectivity check.
const REQUEST: &str = "000100582112a442b7e7a701bc34d686fa87dfae\
    802200105354554e207465737420636c69656e74\
    002400046e0001ff\
    80290008932ff9b151263b36\
    000600096576746a3a68367659202020\
    000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2\
    80280004e57a3bcf";
/// Section 2.2: its answer, IPv4.
const ANSWER_V4: &str = "0101003c2112a442b7e7a701bc34d686fa87dfae\
    8022000b7465737420766563746f7220\
    002000080001a147e112a643\
    000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7\
    80280004c07d4c96";
/// Section 2.3: its answer, IPv6.
const ANSWER_V6: &str = "010100482112a442b7e7a701bc34d686fa87dfae\
    8022000b7465737420766563746f7220\
    002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9\
    00080014a382954e4be67bf11784c97c8292c275bfe3ed41\
    80280004c8fb0b4c";
/// Section 2.4: a request with long-term credentials.
const LONG_TERM: &str = "000100602112a44278ad3433c6ad72c029da412e\
    00060012e3839ee38388e383aae38383e382afe382b90000\
    0015001c662f2f3439396b39353464364f4c33346f4c39465354767936347341\
    0014000b6578616d706c652e6f726700\
    00080014f67024656dd64a3e02b8e0712e85c9a28ca89666";
/// RFC 8489 appendix B.1 (with erratum 6268): SHA-256, and the user as a hash.
const SHA256: &str = "000100902112a44278ad3433c6ad72c029da412e\
    001e00204a3cf38fef6992bda952c6780417da0f24819415569e60b205c46e41407f1704\
    001500296f624d61744a6f733241414143662f2f3439396b39353464364f4c33346f4c39465354767936347341000000\
    0014000b6578616d706c652e6f726700\
    001d000400020000\
    001c0020b5c7bf005b6c52a21c51c5e892f81924136296cb927c43149309278cc6518e65";

const ICE_PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";
/// The user of section 2.4.
const USER: &str = "\u{30DE}\u{30C8}\u{30EA}\u{30C3}\u{30AF}\u{30B9}";
const NONCE: &str = "f//499k954d6OL34oL9FSTvy64sA";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn the_sample_request_is_read() {
    let wire = bytes(REQUEST);
    let message = Message::parse(&wire).unwrap();
    assert_eq!(message.class(), Class::Request);
    assert_eq!(message.method(), Method::BINDING);
    assert_eq!(message.text(attribute::SOFTWARE), Some("STUN test client"));
    assert_eq!(message.text(attribute::USERNAME), Some("evtj:h6vY"));
    assert_eq!(message.number(attribute::PRIORITY), Some(0x6E00_01FF));
    assert_eq!(
        message.long_number(attribute::ICE_CONTROLLED),
        Some(0x932F_F9B1_5126_3B36)
    );
    assert!(message.has_fingerprint());
    assert!(message.is_by(&Key::short_term(ICE_PASSWORD)));
    assert!(!message.is_by(&Key::short_term("VOkJxbRl1RmTxUk/WvJxBu")));
}

#[test]
fn the_sample_answers_are_read() {
    for (hex, mapped) in [
        (ANSWER_V4, "192.0.2.1:32853"),
        (ANSWER_V6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"),
    ] {
        let wire = bytes(hex);
        let message = Message::parse(&wire).unwrap();
        assert_eq!(message.class(), Class::Success);
        assert_eq!(message.mapped_address(), Some(mapped.parse().unwrap()));
        assert_eq!(message.text(attribute::SOFTWARE), Some("test vector"));
        assert!(message.is_by(&Key::short_term(ICE_PASSWORD)));
    }
}

#[test]
fn the_sample_with_long_term_credentials_is_read_and_written() {
    let wire = bytes(LONG_TERM);
    let message = Message::parse(&wire).unwrap();
    let key = Key::long_term(USER, "example.org", "TheMatrIX");
    assert!(message.is_by(&key));
    assert!(!message.has_fingerprint());
    assert_eq!(message.text(attribute::REALM), Some("example.org"));
    let written = Builder::new(Class::Request, Method::BINDING, message.transaction())
        .text(attribute::USERNAME, USER)
        .text(attribute::NONCE, NONCE)
        .text(attribute::REALM, "example.org")
        .integrity(&key)
        .finish();
    assert_eq!(written, wire);
}

#[test]
fn the_sample_with_sha256_is_read_and_written() {
    let wire = bytes(SHA256);
    let message = Message::parse(&wire).unwrap();
    let key = Key::long_term_sha256(USER, "example.org", "TheMatrIX");
    assert!(message.is_by(&key));
    assert!(!message.is_by(&Key::long_term(USER, "example.org", "TheMatrIX")));
    let written = Builder::new(Class::Request, Method::BINDING, message.transaction())
        .attribute(
            attribute::USERHASH,
            message.get(attribute::USERHASH).unwrap(),
        )
        .text(attribute::NONCE, &format!("obMatJos2AAAC{NONCE}"))
        .text(attribute::REALM, "example.org")
        .attribute(attribute::PASSWORD_ALGORITHM, &[0, 2, 0, 0])
        .integrity_sha256(&key)
        .finish();
    assert_eq!(written, wire);
}

#[test]
fn a_written_answer_equals_the_sample_but_for_the_colour_of_its_padding() {
    // The sample pads with spaces; what is written here pads with zeros, so integrity and
    // fingerprint differ, and only the first 36 bytes and the address can be compared.
    let wire = bytes(ANSWER_V4);
    let sample = Message::parse(&wire).unwrap();
    let written = Builder::new(Class::Success, Method::BINDING, sample.transaction())
        .text(attribute::SOFTWARE, "test vector")
        .xor_address(
            attribute::XOR_MAPPED_ADDRESS,
            "192.0.2.1:32853".parse().unwrap(),
        )
        .integrity(&Key::short_term(ICE_PASSWORD))
        .fingerprint()
        .finish();
    assert_eq!(written.len(), wire.len());
    assert_eq!(written[..35], wire[..35]);
    assert_eq!(written[36..52], wire[36..52]);
    let read = Message::parse(&written).unwrap();
    assert!(read.is_by(&Key::short_term(ICE_PASSWORD)) && read.has_fingerprint());
}

#[test]
fn every_single_flipped_bit_of_the_sample_is_noticed() {
    let key = Key::short_term(ICE_PASSWORD);
    let wire = bytes(REQUEST);
    for at in 0..wire.len() * 8 {
        let mut bent = wire.clone();
        bent[at / 8] ^= 1 << (at % 8);
        // A bit may hide the fingerprint altogether, as one of another attribute's length does.
        let whole = Message::parse(&bent).is_ok_and(|message| message.has_fingerprint());
        assert!(!whole, "bit {at}");
    }
    // Without its fingerprint the integrity alone has to notice.
    let mut short = wire[..wire.len() - 8].to_vec();
    short[3] -= 8;
    assert!(Message::parse(&short).unwrap().is_by(&key));
    for at in 0..short.len() * 8 {
        let mut bent = short.clone();
        bent[at / 8] ^= 1 << (at % 8);
        let believed = Message::parse(&bent).is_ok_and(|message| message.is_by(&key));
        assert!(!believed, "bit {at}");
    }
}

#[test]
fn what_follows_integrity_is_not_believed() {
    let key = Key::short_term(ICE_PASSWORD);
    let added = Builder::new(Class::Request, Method::BINDING, TransactionId([1; 12]))
        .number(attribute::PRIORITY, 5)
        .integrity(&key)
        .attribute(attribute::USE_CANDIDATE, &[])
        .fingerprint()
        .finish();
    let message = Message::parse(&added).unwrap();
    assert!(message.is_by(&key));
    assert_eq!(message.get(attribute::USE_CANDIDATE), None);
    assert_eq!(message.number(attribute::PRIORITY), Some(5));
}

#[test]
fn a_truncated_sha256_counts_from_sixteen_bytes_on() {
    let key = Key::short_term(ICE_PASSWORD);
    let plain = Builder::new(Class::Request, Method::BINDING, TransactionId([1; 12])).finish();
    for kept in [0, 4, 12, 16, 28, 32, 36] {
        let mut head = plain.clone();
        head[3] = 4 + kept as u8;
        let mut mac = key.sign_sha256(&head, &[]).to_vec();
        mac.resize(kept, 0);
        let wire = [&head[..], &[0x00, 0x1C, 0, kept as u8], &mac].concat();
        let believed = Message::parse(&wire).unwrap().is_by(&key);
        assert_eq!(believed, (16..=32).contains(&kept), "{kept}");
    }
}

#[test]
fn a_fingerprint_that_is_not_the_last_is_refused() {
    let wire = Builder::new(Class::Request, Method::BINDING, TransactionId([1; 12]))
        .fingerprint()
        .finish();
    assert!(Message::parse(&wire).is_ok());
    // The fingerprint itself is right for the length it was computed with.
    let mut longer = Builder::new(Class::Request, Method::BINDING, TransactionId([1; 12])).finish();
    longer[3] = 16;
    let value = integrity::fingerprint(&longer, &[]);
    longer.extend([0x80, 0x28, 0, 4]);
    longer.extend(value.to_be_bytes());
    longer.extend([0x80, 0x22, 0, 4, b'l', b'a', b't', b'e']);
    assert_eq!(Message::parse(&longer).err(), Some(Damage::Fingerprint));
}

#[test]
fn methods_and_classes_survive_their_interleaving() {
    for method in 0..0x1000 {
        for class in [
            Class::Request,
            Class::Indication,
            Class::Success,
            Class::Error,
        ] {
            let kind = message_type(class, Method(method));
            assert_eq!(kind & 0xC000, 0);
            assert_eq!(class_and_method(kind), (class, Method(method)));
        }
    }
    // RFC 8489 section 5 and RFC 8656: Allocate error, Data indication.
    assert_eq!(message_type(Class::Error, Method::ALLOCATE), 0x0113);
    assert_eq!(message_type(Class::Indication, Method::DATA), 0x0017);
}

#[test]
fn lengths_that_lie_are_refused() {
    let plain = |tail: &[u8], length: u16| {
        let mut wire = bytes("000100002112a442b7e7a701bc34d686fa87dfae");
        wire[2..4].copy_from_slice(&length.to_be_bytes());
        wire.extend(tail);
        Message::parse(&wire).err()
    };
    assert_eq!(plain(&[], 0), None);
    assert_eq!(plain(&[], 4), Some(Damage::Length));
    assert_eq!(plain(&[0; 4], 0), Some(Damage::Length));
    assert_eq!(plain(&[0; 2], 2), Some(Damage::Foreign));
    assert_eq!(plain(&[0x80, 0x22, 0, 1], 4), Some(Damage::Attribute));
    assert_eq!(plain(&[0x80, 0x22, 0xFF, 0xFF], 4), Some(Damage::Attribute));
    assert_eq!(plain(&[0x80, 0x22, 0, 0].repeat(64), 256), None);
    let many = [0x80, 0x22, 0, 0].repeat(65);
    assert_eq!(plain(&many, 260), Some(Damage::TooMany));
    assert_eq!(Message::parse(&[]).err(), Some(Damage::Length));
}

#[test]
fn error_codes_out_of_range_are_none() {
    let error = |code: [u8; 4]| {
        let wire = Builder::new(Class::Error, Method::BINDING, TransactionId([1; 12]))
            .attribute(attribute::ERROR_CODE, &code)
            .finish();
        Message::parse(&wire).unwrap().error().map(|e| e.code)
    };
    assert_eq!(error([0, 0, 4, 38]), Some(438));
    assert_eq!(error([0xFF, 0xFF, 0xFC, 1]), Some(401));
    assert_eq!(error([0, 0, 2, 0]), None);
    assert_eq!(error([0, 0, 4, 100]), None);
}

#[test]
fn bent_messages_never_panic() {
    let key = Key::short_term(ICE_PASSWORD);
    for seed in 0..2_000 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let sample = [REQUEST, ANSWER_V4, ANSWER_V6, LONG_TERM, SHA256][seed as usize % 5];
        let mut wire = bytes(sample);
        // The header of a message that stays plausible, attributes anyhow.
        for _ in 0..1 + rng.next_u32() % 8 {
            let at = HEADER_LEN + rng.next_u32() as usize % (wire.len() - HEADER_LEN);
            wire[at] = rng.next_u32() as u8;
        }
        wire.truncate(HEADER_LEN + (rng.next_u32() as usize % (wire.len() - HEADER_LEN)) / 4 * 4);
        let length = (wire.len() - HEADER_LEN) as u16;
        wire[2..4].copy_from_slice(&length.to_be_bytes());
        if let Ok(message) = Message::parse(&wire) {
            let _ = message.is_by(&key);
            let _ = message.mapped_address();
            let _ = message.error();
            assert!(message.attributes().count() <= MAX_ATTRIBUTES);
        }
    }
}
