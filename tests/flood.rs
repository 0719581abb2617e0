//! Ten thousand INVITEs a second from somebody unknown hit the program's port: nothing rings, no
//! memory grows, and a call from its server comes through meanwhile.
//!
//! Three seconds of it in the gate; `RAMAL_FLOOD_SECONDS=30 cargo test --test flood -- --nocapture`
//! by hand, which also prints what was measured.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may fail")]
#![expect(
    clippy::disallowed_methods,
    reason = "a flood is one by the clock, and the program lives in real time"
)]

use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use ramal::lab::{Lab, LabConfig};
use serde_json::Value;

/// INVITEs a second.
const RATE: usize = 10_000;
/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Memory that may come on top: what 512 addresses and some traffic take is far less, and an
/// allocator keeps more than it needs.
const GROWTH_KB: u64 = 8 * 1024;

/// The program, killed if its test ends before it.
struct Program {
    child: Child,
    told: Receiver<Value>,
    seen: Vec<Value>,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    /// `ramal WORDS… --json`, with the password of the lab's extensions.
    fn start(home: &Path, words: &[&str]) -> Program {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ramal"))
            .args(words)
            .arg("--json")
            .env("RAMAL_CONFIG_DIR", home)
            .env("RAMAL_PASSWORD", "ramal")
            .env("LANG", "C.UTF-8")
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (tell, told) = sync_channel(4_096);
        std::thread::Builder::new()
            .name("lines".into())
            .spawn(move || {
                for line in lines.map_while(Result::ok) {
                    if let Ok(line) = serde_json::from_str(&line) {
                        let _ = tell.try_send(line);
                    }
                }
            })
            .unwrap();
        Program {
            child,
            told,
            seen: Vec::new(),
        }
    }

    fn wait_for(&mut self, event: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.told.recv_timeout(left);
            let line = line.unwrap_or_else(|_| panic!("no {event}"));
            let is = line["event"] == event;
            self.seen.push(line);
            if is {
                return;
            }
        }
    }

    fn resident_kb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kb = line.unwrap().trim().trim_end_matches(" kB");
        kb.trim().parse().unwrap()
    }
}

/// Sends INVITEs to a phone at the rate of the flood, from an address that has nothing to do with
/// it; how many left, and how many answers came.
fn flood(to: SocketAddr, seconds: usize) -> (usize, usize) {
    let socket = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).unwrap();
    socket.set_nonblocking(true).unwrap();
    let from = socket.local_addr().unwrap();
    let body = "v=0\r\no=- 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\n\
                m=audio 6000 RTP/AVP 8\r\n";
    let begin = Instant::now();
    let (mut sent, mut answered) = (0, 0);
    let mut buffer = [0; 2_048];
    while begin.elapsed() < Duration::from_secs(seconds as u64) {
        let due = (begin.elapsed().as_secs_f64() * RATE as f64) as usize;
        for number in sent..due {
            let invite = format!(
                "INVITE sip:1002@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK{number}\r\n\
                 From: <sip:100@{from}>;tag=x{number}\r\nTo: <sip:1002@{to}>\r\n\
                 Call-ID: scan{number}\r\nCSeq: 1 INVITE\r\nContact: <sip:100@{from}>\r\n\
                 Max-Forwards: 70\r\nUser-Agent: friendly-scanner\r\n\
                 Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let _ = socket.send_to(invite.as_bytes(), to);
        }
        sent = due.max(sent);
        while socket.recv(&mut buffer).is_ok() {
            answered += 1;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    (sent, answered)
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.local_addr().unwrap().port()
}

#[test]
fn a_flood_of_invites_rings_nowhere_and_a_call_comes_through_it() {
    let seconds = std::env::var("RAMAL_FLOOD_SECONDS").ok();
    let seconds = seconds.map_or(3, |told| told.parse().unwrap());
    let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let lab = Lab::start(LabConfig {
        ip,
        port: 0,
        seed: 1,
    })
    .unwrap();
    let server = lab.address();
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let phone = SocketAddr::new(ip, port);
    let aor = |user: &str| format!("sip:{user}@{server}");
    let (called, caller) = (aor("1002"), aor("1001"));
    let bind = phone.to_string();
    let answer = [
        "answer",
        "--aor",
        &called,
        "--bind",
        &bind,
        "--auto-answer",
        "--silence",
    ];
    let mut callee = Program::start(folder.path(), &answer);
    callee.wait_for("registered");
    // A quiet second, so that what is measured before is not the beginning.
    std::thread::sleep(Duration::from_secs(1));
    let before = callee.resident_kb();
    let flooding = std::thread::Builder::new()
        .name("flood".into())
        .spawn(move || flood(phone, seconds))
        .unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let call = [
        "call",
        "1002",
        "--aor",
        &caller,
        "--silence",
        "--duration",
        "1",
    ];
    let began = Instant::now();
    let mut call = Program::start(folder.path(), &call);
    call.wait_for("answered");
    let answered_after = began.elapsed();
    let still = !flooding.is_finished();
    callee.wait_for("answered");
    callee.wait_for("ended");
    let (sent, replies) = flooding.join().unwrap();
    let after = callee.resident_kb();
    println!(
        "{sent} INVITEs in {seconds} s, {replies} answered; a call answered after \
         {answered_after:?}; {before} kB before, {after} kB after"
    );
    callee.seen.extend(callee.told.try_iter());
    let rang = callee
        .seen
        .iter()
        .filter(|line| line["event"] == "incoming");
    assert_eq!(rang.count(), 1, "only the call rang");
    assert!(after < before + GROWTH_KB, "{before} kB, then {after} kB");
    assert!(replies < 100 + 40 * seconds, "{replies} answers");
    assert!(still || seconds < 10, "the call came through the flood");
}
