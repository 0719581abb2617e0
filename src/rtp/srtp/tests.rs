//! The vectors of the RFCs, octet by octet, and what must hold whatever comes.

use zeroize::Zeroizing;

use super::cipher::{Cipher, Which};
use super::keys::{Kind, SessionKeys, keystream};
use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .map(|digit| digit as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

fn array<const N: usize>(text: &str) -> [u8; N] {
    let mut whole = [0; N];
    let octets = hex(text);
    whole[..octets.len()].copy_from_slice(&octets);
    whole
}

/// A key of any octets, the same ones for the same seed.
fn key(suite: Suite, seed: u8) -> MasterKey {
    let octets: Vec<u8> = (0..suite.master_len() as u8)
        .map(|n| n.wrapping_mul(7) ^ seed)
        .collect();
    MasterKey::new(suite, &octets).unwrap()
}

fn pair(suite: Suite) -> (Sender, Receiver) {
    let master = key(suite, 0x5a);
    (
        Sender::new(&master),
        Receiver::new(&master, Mki(Vec::new())),
    )
}

fn packet(sequence: u16, source: u32) -> Vec<u8> {
    let mut packet = vec![0x80, 0x08];
    packet.extend(sequence.to_be_bytes());
    packet.extend([0, 0, 0, 160]);
    packet.extend(source.to_be_bytes());
    packet.extend((0..160).map(|n: u32| (n * 3) as u8));
    packet
}

/// A receiver report without blocks, and a goodbye.
fn report(source: u32) -> Vec<u8> {
    let mut report = vec![0x80, 201, 0, 1];
    report.extend(source.to_be_bytes());
    report.extend([0x81, 203, 0, 1]);
    report.extend(source.to_be_bytes());
    report
}

fn sent(sender: &mut Sender, sequence: u16) -> Vec<u8> {
    let mut wire = packet(sequence, 7);
    sender.protect_rtp(&mut wire).unwrap();
    wire
}

fn heard(receiver: &mut Receiver, wire: &[u8]) -> Result<Vec<u8>, UnprotectError> {
    let mut wire = wire.to_vec();
    receiver.unprotect_rtp(&mut wire).map(<[u8]>::to_vec)
}

#[test]
fn rfc_3711_appendix_b_2_keystream() {
    let mut out = [0; 48];
    keystream(
        &hex("2B7E151628AED2A6ABF7158809CF4F3C"),
        &array("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000"),
        &mut out,
    );
    let expected = "E03EAD0935C95E80E166B16DD92B4EB4
        D23513162B02D0F72A43A2FE4A5F97AB
        41E95B3BB0A2E8DD477901E4FCA894C0";
    assert_eq!(out.to_vec(), hex(expected));
}

#[test]
fn rfc_3711_appendix_b_3_session_keys() {
    let master = hex("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6");
    let master = MasterKey::new(Suite::AesCm128Sha1Tag80, &master).unwrap();
    let keys = master.session(Kind::Rtp);
    assert_eq!(keys.cipher[..16], hex("C61E7A93744F39EE10734AFE3FF7A087"));
    assert_eq!(keys.salt[..], hex("30CBBC08863D8C85D49DB34A9AE1"));
    let authentication = hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4");
    assert_eq!(keys.authentication[..20], authentication);
}

#[test]
fn rfc_6188_section_7_2_session_keys() {
    let master = hex(
        "f0f04914b513f2763a1b1fa130f10e29 98f6f6e43e4309d1e622a0e332b9f1b6
         3b04803de51ee7c96423ab5b78d2",
    );
    let master = MasterKey::new(Suite::AesCm256Sha1Tag80, &master).unwrap();
    let keys = master.session(Kind::Rtp);
    let cipher = hex("5ba1064e30ec51613cad926c5a28ef73 1ec7fb397f70a960653caf06554cd8c4");
    assert_eq!(keys.cipher[..], cipher);
    assert_eq!(keys.salt[..], hex("fa31791685ca444a9e07c6c64e93"));
    let authentication = hex("fd9c32d39ed5fbb5a9dc96b30818454d1313dc05");
    assert_eq!(keys.authentication[..20], authentication);
}

/// Session keys as RFC 7714 sections 16 and 17 give them.
fn quid_pro_quo(suite: Suite, kind: Kind) -> Cipher {
    let keys = SessionKeys {
        cipher: Zeroizing::new(array(
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        )),
        authentication: Zeroizing::new([0; 64]),
        salt: Zeroizing::new(array("517569642070726f2071756f")),
    };
    Cipher::with_keys(suite, kind, &keys)
}

#[test]
fn rfc_7714_section_16_packets() {
    let clear = hex(
        "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973
         20646976 69736120 696e2070 61727465 73207472 6573",
    );
    let which = Which {
        clear: 12,
        source: 0x5501_a0b2,
        index: 0xf17b,
    };
    let check = |suite, expected: &str| {
        let cipher = quid_pro_quo(suite, Kind::Rtp);
        let mut data = clear.clone();
        let tag = cipher.seal(which, &mut data, &[0; 4]);
        assert_eq!([&data[..], &tag[..]].concat(), hex(expected), "{suite:?}");
        cipher.open(which, &mut data, &[0; 4], &tag).unwrap();
        assert_eq!(data, clear);
    };
    check(
        Suite::AeadAes128Gcm,
        "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f
         42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce",
    );
    check(
        Suite::AeadAes256Gcm,
        "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3
         b50b2a02 76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13",
    );
}

#[test]
fn rfc_7714_section_17_reports() {
    let clear = hex(
        "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
         deadbeef deadbeef deadbeef deadbeef deadbeef",
    );
    let which = Which {
        clear: 8,
        source: 0x4d61_7273,
        index: 0x5d4,
    };
    let cipher = quid_pro_quo(Suite::AeadAes128Gcm, Kind::Rtcp);
    let mut data = clear.clone();
    let trailer = hex("800005d4");
    let tag = cipher.seal(which, &mut data, &trailer);
    let expected = hex(
        "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1
         730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade",
    );
    assert_eq!([&data[..], &tag[..]].concat(), expected);
}

/// Made with another implementation of AES and HMAC from the words of RFC 3711.
#[test]
fn a_whole_packet_is_protected_octet_by_octet() {
    let master = hex("e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6");
    let master = MasterKey::new(Suite::AesCm128Sha1Tag80, &master).unwrap();
    let clear = hex("800f1234decafbadcafebabe abababababababababababababababab");
    let mut wire = clear.clone();
    Sender::new(&master).protect_rtp(&mut wire).unwrap();
    let expected =
        hex("800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb");
    assert_eq!(wire, expected);
    let mut receiver = Receiver::new(&master, Mki(Vec::new()));
    assert_eq!(heard(&mut receiver, &wire), Ok(clear));
}

#[test]
fn what_goes_in_comes_out_with_every_suite_and_nothing_is_in_clear() {
    for suite in Suite::ALL {
        let (mut sender, mut receiver) = pair(suite);
        for sequence in 40_000..40_050 {
            let clear = packet(sequence, 7);
            let wire = sent(&mut sender, sequence);
            assert_eq!(wire.len(), clear.len() + suite.rtp_tag_len());
            assert_eq!(wire[..12], clear[..12]);
            assert!(
                !wire
                    .windows(8)
                    .any(|it| clear[12..].windows(8).any(|c| c == it))
            );
            assert_eq!(heard(&mut receiver, &wire), Ok(clear), "{suite:?}");
        }
        for _ in 0..3 {
            let clear = report(7);
            let mut wire = clear.clone();
            sender.protect_rtcp(&mut wire).unwrap();
            assert_eq!(wire.len(), clear.len() + 4 + suite.rtcp_tag_len());
            assert_ne!(wire[8..clear.len()], clear[8..]);
            let mut again = wire.clone();
            assert_eq!(receiver.unprotect_rtcp(&mut wire), Ok(&clear[..]));
            let again = receiver.unprotect_rtcp(&mut again);
            assert_eq!(again, Err(UnprotectError::Replayed));
        }
    }
}

#[test]
fn header_extension_and_contributing_sources_stay_readable() {
    let mut clear = hex("9108000100000001000000070000000900be0001aabbccdd");
    clear[14..16].copy_from_slice(&[0, 9]);
    clear.extend([0x55; 20]);
    let mut wire = clear.clone();
    let (mut sender, mut receiver) = pair(Suite::AesCm128Sha1Tag80);
    sender.protect_rtp(&mut wire).unwrap();
    assert_eq!(wire[..24], clear[..24]);
    assert_ne!(wire[24..44], clear[24..44]);
    assert_eq!(heard(&mut receiver, &wire), Ok(clear));
}

#[test]
fn the_rollover_counter_goes_on_over_two_wraps_with_loss_and_disorder() {
    for suite in [Suite::AesCm128Sha1Tag80, Suite::AeadAes128Gcm] {
        let (mut sender, mut receiver) = pair(suite);
        let mut waiting: Option<Vec<u8>> = None;
        for step in 0..150_000_u32 {
            let sequence = (step + 65_000) as u16;
            let wire = sent(&mut sender, sequence);
            match step % 1_000 {
                // Lost.
                0..=99 => {}
                // Swapped with the next.
                500 => waiting = Some(wire),
                _ => {
                    assert_eq!(
                        heard(&mut receiver, &wire),
                        Ok(packet(sequence, 7)),
                        "{step}"
                    );
                    if let Some(late) = waiting.take() {
                        assert!(heard(&mut receiver, &late).is_ok(), "late before {step}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_call_that_begins_right_before_the_wrap_and_loses_that_is_heard() {
    let (mut sender, mut receiver) = pair(Suite::AesCm128Sha1Tag80);
    for sequence in [65_534, 65_535] {
        let _lost = sent(&mut sender, sequence);
    }
    assert!(heard(&mut receiver, &sent(&mut sender, 0)).is_ok());
    assert!(heard(&mut receiver, &sent(&mut sender, 1)).is_ok());
}

#[test]
fn no_packet_is_taken_twice_and_those_too_old_to_tell_are_not_taken() {
    let (mut sender, mut receiver) = pair(Suite::AeadAes256Gcm);
    let wires: Vec<Vec<u8>> = (0..200).map(|n| sent(&mut sender, 60_000 + n)).collect();
    assert!(heard(&mut receiver, &wires[150]).is_ok());
    // 128 back from the newest are told apart.
    assert!(heard(&mut receiver, &wires[150 - 127]).is_ok());
    assert_eq!(
        heard(&mut receiver, &wires[150 - 128]),
        Err(UnprotectError::Replayed)
    );
    for at in [150, 150 - 127] {
        assert_eq!(
            heard(&mut receiver, &wires[at]),
            Err(UnprotectError::Replayed)
        );
    }
    assert!(heard(&mut receiver, &wires[199]).is_ok());
    assert!(heard(&mut receiver, &wires[149]).is_ok());
    assert_eq!(
        heard(&mut receiver, &wires[149]),
        Err(UnprotectError::Replayed)
    );
}

#[test]
fn a_changed_octet_anywhere_is_seen_and_does_no_harm() {
    for suite in Suite::ALL {
        let (mut sender, mut receiver) = pair(suite);
        let first = sent(&mut sender, 10);
        let wire = sent(&mut sender, 11);
        assert!(heard(&mut receiver, &first).is_ok());
        for at in 0..wire.len() {
            let mut forged = wire.clone();
            forged[at] ^= 0x10;
            assert!(heard(&mut receiver, &forged).is_err(), "{suite:?} {at}");
        }
        assert!(heard(&mut receiver, &wire).is_ok(), "{suite:?}");
        let clear = report(7);
        let mut wire = clear.clone();
        sender.protect_rtcp(&mut wire).unwrap();
        for at in 0..wire.len() {
            let mut forged = wire.clone();
            forged[at] ^= 0x10;
            assert!(
                receiver.unprotect_rtcp(&mut forged).is_err(),
                "{suite:?} {at}"
            );
        }
        assert!(receiver.unprotect_rtcp(&mut wire).is_ok(), "{suite:?}");
    }
}

#[test]
fn packets_in_clear_or_under_another_key_are_refused() {
    for suite in Suite::ALL {
        let (_, mut receiver) = pair(suite);
        assert!(heard(&mut receiver, &packet(1, 7)).is_err());
        let mut clear = report(7);
        assert!(receiver.unprotect_rtcp(&mut clear).is_err());
        let mut other = Sender::new(&key(suite, 1));
        assert_eq!(
            heard(&mut receiver, &sent(&mut other, 1)),
            Err(UnprotectError::Forged)
        );
    }
}

#[test]
fn a_report_that_says_it_is_not_encrypted_is_refused() {
    let (mut sender, mut receiver) = pair(Suite::AesCm128Sha1Tag80);
    let mut wire = report(7);
    sender.protect_rtcp(&mut wire).unwrap();
    let trailer = wire.len() - 14;
    wire[trailer] &= 0x7f;
    assert_eq!(
        receiver.unprotect_rtcp(&mut wire),
        Err(UnprotectError::NotEncrypted)
    );
}

#[test]
fn the_same_number_is_never_sent_twice() {
    let (mut sender, _) = pair(Suite::AeadAes128Gcm);
    let _ = sent(&mut sender, 5);
    for sequence in [5, 4, 5_u16.wrapping_sub(0x8000)] {
        let mut wire = packet(sequence, 7);
        let refused = sender.protect_rtp(&mut wire);
        assert_eq!(refused, Err(ProtectError::Repeated));
        assert_eq!(wire, packet(sequence, 7));
    }
}

#[test]
fn a_key_that_rests_counts_on() {
    let (mut sender, mut receiver) = pair(Suite::AesCm128Sha1Tag80);
    let first = sent(&mut sender, 60_000);
    assert!(heard(&mut receiver, &first).is_ok());
    for step in 60_001..130_000_u32 {
        sender.pass(&packet(step as u16, 7));
    }
    // The index of that is 130,000, of which nothing was sent before.
    let mut other = Sender::new(&key(Suite::AesCm128Sha1Tag80, 0x5a));
    other.skip_to(7, 129_999, 0);
    assert_eq!(sent(&mut sender, 64_464), sent(&mut other, 64_464));
}

#[test]
fn a_used_up_key_sends_nothing_more() {
    let (mut sender, mut receiver) = pair(Suite::AesCm128Sha1Tag80);
    sender.skip_to(7, (1 << 48) - 2, (1 << 31) - 1);
    let mut last = packet(0xffff, 7);
    assert_eq!(sender.protect_rtp(&mut last), Ok(()));
    let mut beyond = packet(0, 7);
    assert_eq!(
        sender.protect_rtp(&mut beyond),
        Err(ProtectError::Exhausted)
    );
    let mut last = report(7);
    assert_eq!(sender.protect_rtcp(&mut last), Ok(()));
    assert!(receiver.unprotect_rtcp(&mut last).is_ok());
    let mut beyond = report(7);
    assert_eq!(
        sender.protect_rtcp(&mut beyond),
        Err(ProtectError::Exhausted)
    );
}

#[test]
fn the_name_of_the_key_is_stripped_where_it_was_agreed_on() {
    for suite in [Suite::AesCm128Sha1Tag80, Suite::AeadAes128Gcm] {
        let master = key(suite, 0x5a);
        let mut receiver = Receiver::new(&master, Mki(vec![0, 0, 0, 1]));
        let mut sender = Sender::new(&master);
        for (sequence, name, taken) in [(1, 1, true), (2, 9, false)] {
            let mut wire = sent(&mut sender, sequence);
            let at = if suite.is_aead() {
                wire.len()
            } else {
                wire.len() - 10
            };
            wire.splice(at..at, [0, 0, 0, name]);
            assert_eq!(heard(&mut receiver, &wire).is_ok(), taken, "{suite:?}");
            let mut wire = report(7);
            sender.protect_rtcp(&mut wire).unwrap();
            let at = if suite.is_aead() {
                wire.len()
            } else {
                wire.len() - 10
            };
            wire.splice(at..at, [0, 0, 0, name]);
            assert_eq!(
                receiver.unprotect_rtcp(&mut wire).is_ok(),
                taken,
                "{suite:?}"
            );
        }
    }
}

#[test]
fn after_a_change_of_keys_both_ways_of_counting_are_heard() {
    let suite = Suite::AesCm128Sha1Tag80;
    let (mut sender, mut receiver) = pair(suite);
    for step in 0..70_000_u32 {
        assert!(heard(&mut receiver, &sent(&mut sender, step as u16)).is_ok());
    }
    let next = key(suite, 0x77);
    for goes_on in [true, false] {
        let mut sender = Sender::new(&next);
        if goes_on {
            sender.skip_to(7, 69_999, 9);
        }
        let mut receiver = receiver.rekeyed(&next, Mki(Vec::new()));
        assert!(
            heard(&mut receiver, &sent(&mut sender, 4_464)).is_ok(),
            "{goes_on}"
        );
        assert!(
            heard(&mut receiver, &sent(&mut sender, 4_465)).is_ok(),
            "{goes_on}"
        );
    }
}

#[test]
fn the_memory_for_sources_is_bounded() {
    let (mut sender, mut receiver) = pair(Suite::AesCm128Sha1Tag32);
    for source in 0..1_000 {
        // Of our own there are never so many.
        let mut fresh = Sender::new(&key(Suite::AesCm128Sha1Tag32, 0x5a));
        let mut wire = packet(1, source);
        fresh.protect_rtp(&mut wire).unwrap();
        assert!(receiver.unprotect_rtp(&mut wire).is_ok());
        assert!(receiver.sources() <= MAX_SOURCES);
    }
    let refused = (0..9).filter(|n| sender.protect_rtp(&mut packet(1, *n)).is_err());
    assert_eq!(refused.count(), 5);
}

#[test]
fn no_garbage_panics_or_is_taken() {
    let mut state = 0x2545_f491_u32;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    for suite in Suite::ALL {
        let (mut sender, mut receiver) = pair(suite);
        for _ in 0..20_000 {
            let length = random() as usize % 80;
            let mut datagram: Vec<u8> = (0..length).map(|_| random() as u8).collect();
            if let Some(first) = datagram.first_mut() {
                *first = 0x80 | (*first & 0x3f);
            }
            let mut copy = datagram.clone();
            assert!(receiver.unprotect_rtp(&mut datagram.clone()).is_err());
            assert!(receiver.unprotect_rtcp(&mut datagram).is_err());
            let _ = sender.protect_rtcp(&mut copy);
        }
        assert_eq!(receiver.sources(), 0);
    }
}

#[test]
fn a_key_of_the_wrong_length_is_no_key_and_none_is_shown() {
    for suite in Suite::ALL {
        let error = MasterKey::new(suite, &vec![0; suite.master_len() + 1]);
        assert!(error.is_err());
        assert_eq!(Suite::from_name(&suite.name().to_lowercase()), Some(suite));
    }
    let (sender, receiver) = pair(Suite::AeadAes128Gcm);
    let shown = format!("{:?} {sender:?} {receiver:?}", key(Suite::AeadAes128Gcm, 0));
    assert!(
        shown.contains("[secret]") && !shown.contains("[0, 7, 14"),
        "{shown}"
    );
}
