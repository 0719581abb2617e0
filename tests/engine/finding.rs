//! A phone that knows a domain only, and a DNS server that knows the rest.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use ramal::lab::{EXTENSIONS, Lab, LabConfig};

use super::talking::register;
use super::*;

const A: u16 = 1;
const SRV: u16 = 33;
const NAPTR: u16 = 35;

/// One record: its name, its type, and its data as it goes over the wire (RFC 1035 section 3.2.1).
type Record = (String, u16, Vec<u8>);

/// A DNS server on loopback, until it is dropped.
struct Zone {
    addr: SocketAddr,
    asked: Arc<Mutex<Vec<(String, u16)>>>,
    ended: Arc<AtomicBool>,
}

impl Zone {
    fn serve(records: Vec<Record>) -> Zone {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback is there");
        let addr = socket.local_addr().expect("it is bound");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let ended = Arc::new(AtomicBool::new(false));
        let (heard, end) = (Arc::clone(&asked), Arc::clone(&ended));
        std::thread::Builder::new()
            .name("zone".into())
            .spawn(move || {
                let mut query = [0_u8; 1_500];
                while let Ok((len, from)) = socket.recv_from(&mut query) {
                    if end.load(Ordering::Relaxed) {
                        break;
                    }
                    let Some((question, answer)) = answer(&query[..len], &records) else {
                        continue;
                    };
                    heard.lock().expect("nobody panicked").push(question);
                    socket.send_to(&answer, from).expect("loopback is there");
                }
            })
            .expect("threads can be started");
        Zone { addr, asked, ended }
    }
}

impl Drop for Zone {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback is there");
        let _ = socket.send_to(b"", self.addr);
    }
}

/// The one question of a query, and the answer to it (RFC 1035 section 4.1).
fn answer(query: &[u8], records: &[Record]) -> Option<((String, u16), Vec<u8>)> {
    let mut at = 12;
    let mut labels = Vec::new();
    loop {
        let len = usize::from(*query.get(at)?);
        at += 1;
        if len == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(query.get(at..at + len)?).to_lowercase());
        at += len;
    }
    let kind = u16::from_be_bytes([*query.get(at)?, *query.get(at + 1)?]);
    let question = query.get(12..at + 4)?;
    let name = labels.join(".");
    let found: Vec<&Record> = records
        .iter()
        .filter(|record| record.0 == name && record.1 == kind)
        .collect();
    let known = records.iter().any(|record| record.0 == name);
    // An authoritative answer; 3: no such name.
    let flags: u16 = 0x8580 | if known { 0 } else { 3 };
    let mut answer = query[..2].to_vec();
    answer.extend(flags.to_be_bytes());
    for count in [1, u16::try_from(found.len()).expect("few"), 0, 0] {
        answer.extend(count.to_be_bytes());
    }
    answer.extend(question);
    for (_, kind, data) in found {
        // The name of the question, class IN, for a minute.
        answer.extend([0xc0, 12]);
        answer.extend(kind.to_be_bytes());
        answer.extend([0, 1, 0, 0, 0, 60]);
        answer.extend(u16::try_from(data.len()).expect("short").to_be_bytes());
        answer.extend(data);
    }
    Some(((name, kind), answer))
}

fn wire_name(name: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    for label in name.split('.') {
        wire.extend(text(label));
    }
    wire.push(0);
    wire
}

fn text(text: &str) -> Vec<u8> {
    let mut wire = vec![u8::try_from(text.len()).expect("short")];
    wire.extend(text.as_bytes());
    wire
}

fn naptr(name: &str, order: u16, service: &str, replacement: &str) -> Record {
    let mut data = order.to_be_bytes().to_vec();
    data.extend(10_u16.to_be_bytes());
    for part in ["s", service, ""] {
        data.extend(text(part));
    }
    data.extend(wire_name(replacement));
    (name.into(), NAPTR, data)
}

fn srv(name: &str, priority: u16, port: u16, target: &str) -> Record {
    let mut data = Vec::new();
    for number in [priority, 1, port] {
        data.extend(number.to_be_bytes());
    }
    data.extend(wire_name(target));
    (name.into(), SRV, data)
}

/// A phone that asks this zone registers as `1001@office.example`.
fn registers(zone: &Zone) {
    let home = tempfile::tempdir().expect("a folder for the settings");
    let file = SettingsFile::in_folder(home.path());
    let (mut config, _unlock) = with_settings(Settings::default(), file);
    config.dns = Some(zone.addr);
    let (handle, _events) = engine::start(config).expect("loopback is there");
    register(&handle, format!("{}@office.example", EXTENSIONS[0]));
}

fn lab() -> Lab {
    Lab::start(LabConfig {
        ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        port: 0,
        seed: 3,
    })
    .expect("loopback is there")
}

/// A port of loopback at which nobody listens.
fn deserted() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback is there");
    socket.local_addr().expect("it is bound").port()
}

#[test]
fn a_domain_leads_by_naptr_and_srv_past_a_dead_server_to_the_registrar() {
    let lab = lab();
    let zone = Zone::serve(vec![
        naptr("office.example", 20, "SIP+D2U", "_sip._udp.office.example"),
        naptr("office.example", 10, "SIP+D2T", "_sip._tcp.office.example"),
        srv(
            "_sip._tcp.office.example",
            10,
            deserted(),
            "a.office.example",
        ),
        srv(
            "_sip._udp.office.example",
            10,
            deserted(),
            "a.office.example",
        ),
        srv(
            "_sip._udp.office.example",
            20,
            lab.address().port(),
            "a.office.example",
        ),
        ("a.office.example".into(), A, vec![127, 0, 0, 1]),
    ]);
    registers(&zone);
    let asked = zone.asked.lock().expect("nobody panicked");
    assert!(
        asked.contains(&("office.example".into(), NAPTR)),
        "{asked:?}"
    );
}

#[test]
fn a_domain_without_naptr_leads_by_srv() {
    let lab = lab();
    let zone = Zone::serve(vec![
        srv(
            "_sip._udp.office.example",
            10,
            lab.address().port(),
            "pbx.office.example",
        ),
        ("pbx.office.example".into(), A, vec![127, 0, 0, 1]),
    ]);
    registers(&zone);
}
