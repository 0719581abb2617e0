//! Offers and answers with keys, in the forms that phones and switches have for them.

use super::*;
use crate::redact::Secret;

const SHORT: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
const LONG: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis=";

fn phone(encryption: Encryption) -> Negotiation {
    let mut local = LocalAudio::new("192.0.2.1".parse().unwrap(), 4_000);
    let key = |suite, length, offered| OwnKey {
        suite,
        material: Secret::new(vec![7; length]),
        offered,
    };
    local.encryption = encryption;
    local.keys = vec![
        key("AEAD_AES_256_GCM", 44, true),
        key("AES_CM_128_HMAC_SHA1_80", 30, true),
        key("AES_CM_128_HMAC_SHA1_32", 30, false),
    ];
    Negotiation::new(7, local)
}

fn peer(media: &str) -> SessionDescription {
    let text = format!("v=0\no=- 1 1 IN IP4 192.0.2.2\ns=-\nc=IN IP4 192.0.2.2\nt=0 0\n{media}");
    parse(text.as_bytes()).unwrap().description
}

fn lines(description: &SessionDescription, begins: &str) -> Vec<String> {
    let text = description.to_string();
    let lines = text.lines().filter(|line| line.starts_with(begins));
    lines.map(str::to_owned).collect()
}

#[test]
fn what_is_offered_follows_the_wish() {
    let check = |encryption, profile: &str, suites: &[&str]| {
        let offer = phone(encryption).offer();
        let stream = &lines(&offer, "m=")[0];
        assert!(
            stream.starts_with(&format!("m=audio 4000 {profile} ")),
            "{stream}"
        );
        let offered = lines(&offer, "a=crypto:");
        let named: Vec<&str> = offered
            .iter()
            .filter_map(|line| line.split(' ').nth(1))
            .collect();
        assert_eq!(named, suites, "{encryption:?}");
        for (tag, line) in (1..).zip(&offered) {
            assert!(line.starts_with(&format!("a=crypto:{tag} ")), "{line}");
        }
    };
    let both = ["AEAD_AES_256_GCM", "AES_CM_128_HMAC_SHA1_80"];
    check(Encryption::Off, "RTP/AVP", &[]);
    check(Encryption::Optional, "RTP/AVP", &both);
    check(Encryption::Required, "RTP/SAVP", &both);
}

#[test]
fn an_offer_is_answered_under_its_own_profile_with_its_first_suite_that_is_ours() {
    for profile in ["RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF"] {
        for encryption in [Encryption::Optional, Encryption::Required] {
            let offer = peer(&format!(
                "m=audio 6000 {profile} 8\n\
                 a=crypto:1 F8_128_HMAC_SHA1_80 inline:{SHORT}\n\
                 a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:{SHORT}|2^20\n\
                 a=crypto:9 AEAD_AES_256_GCM inline:{LONG}\n"
            ));
            let (answer, agreed) = phone(encryption).handle_offer(&offer).unwrap();
            assert_eq!(lines(&answer, "m="), [format!("m=audio 4000 {profile} 8")]);
            let keys = lines(&answer, "a=crypto:");
            assert_eq!(keys.len(), 1, "{keys:?}");
            let said = "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:";
            assert!(keys[0].starts_with(said), "{keys:?}");
            let sdes = agreed.srtp.unwrap();
            assert_eq!(sdes.suite, "AES_CM_128_HMAC_SHA1_32");
            assert_eq!(sdes.local.reveal(), &vec![7; 30]);
            assert_eq!(&sdes.remote.reveal()[..4], b"YS__");
        }
    }
}

#[test]
fn what_is_offered_in_clear_is_taken_where_it_may_be() {
    let offer = peer("m=audio 6000 RTP/AVP 8\n");
    for encryption in [Encryption::Off, Encryption::Optional] {
        let (answer, agreed) = phone(encryption).handle_offer(&offer).unwrap();
        assert_eq!(agreed.srtp, None);
        assert!(lines(&answer, "a=crypto").is_empty());
    }
    assert_eq!(
        phone(Encryption::Required).handle_offer(&offer),
        Err(NegotiationError::NotProtected)
    );
    // With keys beside it, whoever wants none takes it in clear.
    let offer = peer(&format!(
        "m=audio 6000 RTP/AVP 8\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{SHORT}\n"
    ));
    let (answer, agreed) = phone(Encryption::Off).handle_offer(&offer).unwrap();
    assert_eq!(agreed.srtp, None);
    assert!(lines(&answer, "a=crypto").is_empty());
}

#[test]
fn who_offers_nothing_but_protection_of_another_kind_is_refused() {
    let unknown = |rest: &str| {
        let offer = peer(&format!("m=audio 6000 RTP/SAVP 8\n{rest}"));
        phone(Encryption::Optional)
            .handle_offer(&offer)
            .unwrap_err()
    };
    let key = format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{SHORT}");
    assert_eq!(unknown(""), NegotiationError::NoCommonSuite);
    assert_eq!(
        unknown(&format!("{key} UNENCRYPTED_SRTP\n")),
        NegotiationError::NoCommonSuite
    );
    // A key of another length than the suite's.
    assert_eq!(
        unknown("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:Zm9vYmFy\n"),
        NegotiationError::NoCommonSuite
    );
    let offer = peer(&format!("m=audio 6000 RTP/SAVP 8\n{key}\n"));
    assert!(matches!(
        phone(Encryption::Off).handle_offer(&offer),
        Err(NegotiationError::UnsupportedProfile { .. })
    ));
}

#[test]
fn of_the_same_sound_twice_the_protected_one_is_taken() {
    let clear = "m=audio 6000 RTP/AVP 8\n";
    let protected =
        format!("m=audio 6002 RTP/SAVP 8\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{SHORT}\n");
    for (first, second, place) in [
        (clear, protected.as_str(), 1),
        (protected.as_str(), clear, 0),
    ] {
        let offer = peer(&format!("{first}{second}"));
        for encryption in Encryption::ALL {
            let mut phone = phone(encryption);
            let (answer, agreed) = phone.handle_offer(&offer).unwrap();
            let streams = lines(&answer, "m=");
            let secure = encryption != Encryption::Off;
            let taken = if secure { place } else { 1 - place };
            assert!(streams[taken].starts_with("m=audio 4000 "), "{streams:?}");
            assert!(streams[1 - taken].starts_with("m=audio 0 "), "{streams:?}");
            assert_eq!(agreed.srtp.is_some(), secure);
            let port = if secure { 6_002 } else { 6_000 };
            assert_eq!(agreed.remote_rtp.port(), port);
            assert_eq!(lines(&answer, "a=crypto").len(), usize::from(secure));
            // The next exchange leaves it where it is.
            let again = phone.handle_offer(&offer).unwrap();
            assert_eq!(lines(&again.0, "m="), streams);
        }
    }
}

#[test]
fn an_answer_is_measured_by_the_tag_and_the_suite_of_the_offer() {
    let answer = |encryption, media: &str| {
        let mut phone = phone(encryption);
        phone.offer();
        phone.handle_answer(&peer(media)).map(|agreed| agreed.srtp)
    };
    let line = |tag: u8, suite: &str, key: &str| format!("a=crypto:{tag} {suite} inline:{key}\n");
    let second = line(2, "AES_CM_128_HMAC_SHA1_80", SHORT);
    for (encryption, profile) in [
        (Encryption::Optional, "RTP/AVP"),
        (Encryption::Required, "RTP/SAVP"),
    ] {
        let media = |rest: &str| format!("m=audio 6000 {profile} 8\n{rest}");
        let sdes = answer(encryption, &media(&second)).unwrap().unwrap();
        assert_eq!(sdes.suite, "AES_CM_128_HMAC_SHA1_80");
        for wrong in [
            line(1, "AES_CM_128_HMAC_SHA1_80", SHORT),
            line(3, "AES_CM_128_HMAC_SHA1_32", SHORT),
            line(2, "AES_CM_128_HMAC_SHA1_80", "Zm9vYmFy"),
        ] {
            assert_eq!(
                answer(encryption, &media(&wrong)),
                Err(NegotiationError::NoCommonSuite),
                "{wrong}"
            );
        }
    }
    let clear = "m=audio 6000 RTP/AVP 8\n";
    assert_eq!(answer(Encryption::Optional, clear), Ok(None));
    assert_eq!(
        answer(Encryption::Required, clear),
        Err(NegotiationError::NotProtected)
    );
    assert_eq!(
        answer(Encryption::Required, "m=audio 6000 RTP/SAVP 8\n"),
        Err(NegotiationError::NoCommonSuite)
    );
}

#[test]
fn the_name_of_the_far_sides_key_is_told() {
    let offer = peer(&format!(
        "m=audio 6000 RTP/SAVP 8\n\
         a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{SHORT}|2^20|258:4\n"
    ));
    let (answer, agreed) = phone(Encryption::Required).handle_offer(&offer).unwrap();
    assert_eq!(agreed.srtp.unwrap().remote_mki, [0, 0, 1, 2]);
    // Ours has none.
    assert!(!lines(&answer, "a=crypto")[0].contains('|'));
}

#[test]
fn a_call_goes_on_under_its_profile_and_with_its_keys() {
    let offer = peer(&format!(
        "m=audio 6000 RTP/SAVPF 8\na=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:{SHORT}\n"
    ));
    let mut phone = phone(Encryption::Optional);
    let (_, first) = phone.handle_offer(&offer).unwrap();
    phone.set_direction(Direction::SendOnly);
    let hold = phone.offer();
    assert!(lines(&hold, "m=")[0].starts_with("m=audio 4000 RTP/SAVPF "));
    let answer = peer(&format!(
        "m=audio 6000 RTP/SAVPF 8\n\
         a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:{SHORT}\na=recvonly\n"
    ));
    let held = phone.handle_answer(&answer).unwrap();
    assert_eq!(held.srtp, first.srtp);
    // Handed on to somebody who has none, it goes on in clear where it may.
    let (_, after) = phone
        .handle_offer(&peer("m=audio 6000 RTP/AVP 8\n"))
        .unwrap();
    assert_eq!(after.srtp, None);
    assert!(lines(&phone.offer(), "m=")[0].starts_with("m=audio 4000 RTP/AVP "));
}

#[test]
fn after_a_refusal_the_next_profile_is_offered() {
    let profiles = |encryption| {
        let mut phone = phone(encryption);
        let mut offered = Vec::new();
        loop {
            let offer = phone.offer();
            let stream = lines(&offer, "m=").remove(0);
            offered.extend(stream.split(' ').nth(2).map(str::to_owned));
            let keys = if encryption == Encryption::Off { 0 } else { 2 };
            assert_eq!(lines(&offer, "a=crypto").len(), keys);
            let mut local = phone.local().clone();
            let Some(next) = local.profile.after(encryption) else {
                return offered;
            };
            local.profile = next;
            phone.set_local(local);
        }
    };
    assert_eq!(profiles(Encryption::Off), ["RTP/AVP"]);
    let all = ["RTP/AVP", "RTP/SAVP", "RTP/SAVPF"];
    assert_eq!(profiles(Encryption::Optional), all);
    assert_eq!(profiles(Encryption::Required), all[1..]);
}
