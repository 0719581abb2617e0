//! Zones are written down as values; what comes out is what RFC 3263 says, by hand.

use super::*;
use crate::sip::{HostPort, Uri};

type Zone = Vec<(&'static str, RecordKind, Answer)>;

#[expect(
    clippy::disallowed_methods,
    reason = "an origin to count from; it is never read again"
)]
fn start() -> Instant {
    Instant::now()
}

fn naptr(order: u16, preference: u16, service: &str, replacement: &str) -> Naptr {
    Naptr {
        order,
        preference,
        flags: "s".into(),
        service: service.into(),
        replacement: replacement.into(),
    }
}

fn srv(priority: u16, port: u16, target: &str) -> Srv {
    Srv {
        priority,
        weight: 0,
        port,
        target: target.into(),
    }
}

fn ips(list: &[&str]) -> Answer {
    let ip = |text: &&str| text.parse().expect("an address");
    Answer::Addresses(list.iter().map(ip).collect())
}

const SPOKEN: [Transport; 3] = [Transport::Udp, Transport::Tcp, Transport::Tls];

fn hop(uri: &str, configured: Option<Transport>) -> Hop {
    let uri: Uri = uri.parse().expect("a URI");
    Hop::of(&uri, configured, false).expect("it names a host")
}

/// What is found in a zone, as `transport address`, and what was asked for it.
fn find(uri: &str, zone: &Zone) -> (Vec<String>, Vec<String>) {
    find_with(hop(uri, None), zone)
}

fn find_with(hop: Hop, zone: &Zone) -> (Vec<String>, Vec<String>) {
    let mut locating = Locating::new(start(), hop, &SPOKEN, 1);
    let mut asked = Vec::new();
    loop {
        match locating.poll_output() {
            LocatingOutput::Ask(question) => {
                asked.push(format!("{:?} {}", question.kind, question.name));
                let here = |(name, kind, _): &&(&str, RecordKind, Answer)| {
                    *name == question.name && *kind == question.kind
                };
                let answer = zone.iter().find(here).map(|it| it.2.clone());
                let answer = answer.unwrap_or(Answer::Nothing);
                locating.handle_answer(locating.began, &question, answer);
            }
            LocatingOutput::Found(servers) => return (written(&servers), asked),
            LocatingOutput::Wait(_) => panic!("all was answered"),
        }
    }
}

fn written(servers: &[Server]) -> Vec<String> {
    let one = |it: &Server| format!("{} {}", it.transport, it.address);
    servers.iter().map(one).collect()
}

/// The example of RFC 3263 section 4.1, with addresses.
fn example() -> Zone {
    use RecordKind::{A, Naptr, Srv};
    vec![
        (
            "example.com",
            Naptr,
            Answer::Naptr(vec![
                naptr(100, 50, "SIP+D2U", "_sip._udp.example.com."),
                naptr(50, 50, "SIPS+D2T", "_sips._tcp.example.com."),
                naptr(90, 50, "SIP+D2T", "_sip._tcp.example.com"),
                naptr(10, 50, "SIP+D2S", "_sip._sctp.example.com"),
            ]),
        ),
        (
            "_sips._tcp.example.com",
            Srv,
            Answer::Srv(vec![srv(0, 5_061, "server1.example.com")]),
        ),
        (
            "_sip._tcp.example.com",
            Srv,
            Answer::Srv(vec![
                srv(1, 5_070, "server2.example.com."),
                srv(0, 5_060, "server1.example.com"),
            ]),
        ),
        (
            "_sip._udp.example.com",
            Srv,
            Answer::Srv(vec![srv(0, 5_060, "server1.example.com")]),
        ),
        ("server1.example.com", A, ips(&["192.0.2.1"])),
        ("server2.example.com", A, ips(&["192.0.2.2"])),
        ("example.com", A, ips(&["192.0.2.80"])),
    ]
}

#[test]
fn naptr_says_which_transports_in_which_order() {
    let (found, _) = find("sip:user@example.com", &example());
    assert_eq!(
        found,
        [
            "TLS 192.0.2.1:5061",
            "TCP 192.0.2.1:5060",
            "TCP 192.0.2.2:5070",
            "UDP 192.0.2.1:5060",
        ]
    );
}

#[test]
fn a_sips_uri_takes_nothing_but_tls() {
    let (found, _) = find("sips:user@example.com", &example());
    assert_eq!(found, ["TLS 192.0.2.1:5061"]);
    // Without NAPTR and SRV it is TLS at its own port.
    let zone = vec![("bare.example", RecordKind::A, ips(&["192.0.2.9"]))];
    let (found, asked) = find("sips:bare.example", &zone);
    assert_eq!(found, ["TLS 192.0.2.9:5061"]);
    assert!(asked.contains(&"Srv _sips._tcp.bare.example".to_owned()));
    assert!(!asked.contains(&"Srv _sip._udp.bare.example".to_owned()));
}

#[test]
fn a_transport_that_was_said_is_not_looked_for() {
    let (found, asked) = find("sip:example.com;transport=tcp", &example());
    assert_eq!(found, ["TCP 192.0.2.1:5060", "TCP 192.0.2.2:5070"]);
    assert!(!asked.iter().any(|it| it.starts_with("Naptr")), "{asked:?}");
    let configured = hop("sip:example.com", Some(Transport::Udp));
    let (found, _) = find_with(configured, &example());
    assert_eq!(found, ["UDP 192.0.2.1:5060"]);
}

#[test]
fn a_port_that_was_said_names_one_server() {
    let (found, asked) = find("sip:example.com:5090", &example());
    assert_eq!(found, ["UDP 192.0.2.80:5090"]);
    assert_eq!(asked, ["Aaaa example.com", "A example.com"]);
    let (found, _) = find("sips:example.com:5090", &example());
    assert_eq!(found, ["TLS 192.0.2.80:5090"]);
}

#[test]
fn an_address_asks_nobody() {
    let check = |uri: &str, server: &str| {
        let (found, asked) = find(uri, &Vec::new());
        assert_eq!(found, [server], "{uri}");
        assert!(asked.is_empty());
    };
    check("sip:192.0.2.7", "UDP 192.0.2.7:5060");
    check("sip:192.0.2.7:5070;transport=tcp", "TCP 192.0.2.7:5070");
    check("sips:[2001:db8::1]", "TLS [2001:db8::1]:5061");
    check("sip:example.com;maddr=192.0.2.8", "UDP 192.0.2.8:5060");
}

#[test]
fn without_naptr_each_transport_is_asked_for() {
    let mut zone = example();
    zone.retain(|(_, kind, _)| *kind != RecordKind::Naptr);
    let (found, _) = find("sip:user@example.com", &zone);
    let expected = [
        "UDP 192.0.2.1:5060",
        "TCP 192.0.2.1:5060",
        "TCP 192.0.2.2:5070",
    ];
    assert_eq!(found, expected);
}

#[test]
fn without_any_records_the_name_itself_is_the_server() {
    use RecordKind::{A, Aaaa};
    let zone = vec![
        ("pbx.example", A, ips(&["192.0.2.1", "192.0.2.2"])),
        ("pbx.example", Aaaa, ips(&["2001:db8::1"])),
    ];
    let (found, _) = find("sip:PBX.example", &zone);
    assert_eq!(
        found,
        [
            "UDP [2001:db8::1]:5060",
            "UDP 192.0.2.1:5060",
            "UDP 192.0.2.2:5060"
        ]
    );
    assert!(find("sip:nowhere.example", &zone).0.is_empty());
}

#[test]
fn naptr_of_what_we_do_not_speak_counts_for_nothing() {
    use RecordKind::{A, Naptr, Srv};
    let zone = vec![
        (
            "example.com",
            Naptr,
            Answer::Naptr(vec![naptr(1, 1, "SIP+D2S", "_sip._sctp.example.com")]),
        ),
        (
            "_sip._udp.example.com",
            Srv,
            Answer::Srv(vec![srv(0, 5_080, "a.example.com")]),
        ),
        ("a.example.com", A, ips(&["192.0.2.3"])),
    ];
    let (found, _) = find("sip:example.com", &zone);
    assert_eq!(found, ["UDP 192.0.2.3:5080"]);
}

#[test]
fn naptr_may_lead_to_addresses_at_once() {
    let mut record = naptr(1, 1, "sip+d2t", "edge.example.com");
    record.flags = "A".into();
    let zone = vec![
        (
            "example.com",
            RecordKind::Naptr,
            Answer::Naptr(vec![record]),
        ),
        ("edge.example.com", RecordKind::A, ips(&["192.0.2.4"])),
    ];
    let (found, _) = find("sip:example.com", &zone);
    assert_eq!(found, ["TCP 192.0.2.4:5060"]);
}

#[test]
fn a_service_that_is_decidedly_not_there_is_not_looked_for_at_the_name() {
    let zone = vec![
        (
            "_sip._tcp.example.com",
            RecordKind::Srv,
            Answer::Srv(vec![srv(0, 0, ".")]),
        ),
        ("example.com", RecordKind::A, ips(&["192.0.2.80"])),
    ];
    let (found, _) = find("sip:example.com;transport=tcp", &zone);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn what_does_not_come_is_done_without() {
    let began = start();
    let hop = Hop {
        host: HostPort {
            host: "pbx.example".parse().expect("a host"),
            port: None,
        },
        transport: None,
        secure: false,
    };
    let mut locating = Locating::new(began, hop, &SPOKEN, 1);
    while let LocatingOutput::Ask(question) = locating.poll_output() {
        if question.kind == RecordKind::A {
            let at = began + Duration::from_millis(20);
            locating.handle_answer(at, &question, ips(&["192.0.2.1"]));
        }
    }
    // First the other family, then the services: 300 ms after the first, 2.5 s in all.
    let wait = |locating: &mut Locating| match locating.poll_output() {
        LocatingOutput::Wait(at) => at,
        other => panic!("{other:?}"),
    };
    let family = wait(&mut locating);
    assert_eq!(family, began + Duration::from_millis(320));
    locating.handle_timeout(family);
    let services = wait(&mut locating);
    assert_eq!(services, began + Duration::from_millis(2_500));
    locating.handle_timeout(services);
    let LocatingOutput::Found(servers) = locating.poll_output() else {
        panic!("all that was waited for was waited for long enough");
    };
    assert_eq!(written(&servers), ["UDP 192.0.2.1:5060"]);
}

#[test]
fn nobody_answers_and_it_ends_all_the_same() {
    let began = start();
    let mut locating = Locating::new(began, hop("sip:pbx.example", None), &SPOKEN, 1);
    let mut turns = 0;
    let (found, ended) = loop {
        turns += 1;
        assert!(turns < 100, "it does not end");
        match locating.poll_output() {
            LocatingOutput::Ask(_) => {}
            LocatingOutput::Wait(at) => locating.handle_timeout(at),
            LocatingOutput::Found(found) => break (found, locating.now),
        }
    };
    assert!(found.is_empty());
    assert_eq!(ended, began + Duration::from_secs(5));
}

#[test]
fn records_without_end_are_cut_off() {
    let many: Vec<Srv> = (0..5_000)
        .map(|n| srv(n, 5_060, &format!("s{n}.example")))
        .collect();
    let mut locating = Locating::new(start(), hop("sip:example;transport=udp", None), &SPOKEN, 1);
    let mut asked = 0;
    let found = loop {
        match locating.poll_output() {
            LocatingOutput::Ask(question) => {
                asked += 1;
                let answer = match question.kind {
                    RecordKind::Srv => Answer::Srv(many.clone()),
                    _ => Answer::Addresses(vec![[192, 0, 2, 1].into(); 5_000]),
                };
                locating.handle_answer(locating.began, &question, answer);
            }
            LocatingOutput::Found(found) => break found,
            LocatingOutput::Wait(_) => panic!("all was answered"),
        }
    };
    assert!(asked <= MAX_QUESTIONS, "{asked}");
    // Each server once.
    assert_eq!(written(&found), ["UDP 192.0.2.1:5060"]);
}
