//! Agents behind real translators: namespaces with nftables between, and coturn for STUN and
//! TURN with long-term credentials.
//!
//! Each phone is this test program once more, in its own namespace ([`a_phone_of_these_tests`]);
//! what SIP would carry goes through its standard input and output.

use crate::peers::process::{Running, command, find};
use crate::peers::{folder, needs, tail};
use ramal::nat::ice::{Agent, Config, Event, Output, Remote, Role};
use ramal::nat::turn::{self, Client, Framer, Received, Transport};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

/// coturn's address; no one's, by RFC 5737.
const SERVER: &str = "198.51.100.1:3478";
const USER: &str = "ana";
const PASSWORD: &str = "a long term";
/// Long past what any of this takes.
const SOON: Duration = Duration::from_secs(40);
/// What a phone is told of itself.
const PHONE: &str = "RAMAL_TEST_PHONE";

/// Namespaces with one network between them; gone with this value.
struct Internet {
    prefix: String,
    spaces: Vec<String>,
}

impl Internet {
    /// `None` where namespaces may not be made.
    fn new(test: &str) -> Option<Internet> {
        let mut internet = Internet {
            prefix: format!("rm{}{test}", std::process::id()),
            spaces: Vec::new(),
        };
        if !internet.space("net") {
            println!("no namespaces may be made here: {test} is not tried");
            return None;
        }
        internet.ip("-n NET link add br0 type bridge");
        internet.ip("-n NET addr add 198.51.100.1/24 dev br0");
        internet.ip("-n NET link set br0 up");
        internet.ip("-n NET link set lo up");
        // What goes to private addresses vanishes, as on the internet; a machine without a route
        // would refuse it, and coturn end the session over that.
        internet.ip("-n NET neigh add 198.51.100.254 lladdr 02:00:00:00:00:fe dev br0");
        internet.ip("-n NET route add default via 198.51.100.254");
        Some(internet)
    }

    fn space(&mut self, name: &str) -> bool {
        let name = format!("{}{name}", self.prefix);
        let ip = find("ip").expect("asked for with needs!");
        let made = Command::new(ip)
            .args(["netns", "add", &name])
            .output()
            .is_ok_and(|out| out.status.success());
        self.spaces.push(name);
        made
    }

    /// `ip` with these words; names in capitals are namespaces.
    fn ip(&self, words: &str) {
        let words = words.split(' ').map(|word| {
            if word.starts_with(|c: char| c.is_ascii_uppercase()) {
                format!("{}{}", self.prefix, word.to_lowercase())
            } else {
                word.to_owned()
            }
        });
        let out = Command::new(find("ip").expect("asked for with needs!"))
            .args(words)
            .output()
            .expect("ip runs");
        assert!(
            out.status.success(),
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
    }

    /// A home with a phone at `10.0.N.2` behind a translator at `198.51.100.1N`.
    fn home(&mut self, n: u8, unpredictable: bool) {
        assert!(self.space(&format!("nat{n}")) && self.space(&format!("phone{n}")));
        for words in [
            format!("link add out netns NAT{n} type veth peer name h{n} netns NET"),
            format!("-n NET link set h{n} master br0 up"),
            format!("-n NAT{n} addr add 198.51.100.1{n}/24 dev out"),
            format!("-n NAT{n} link set out up"),
            format!("link add in netns NAT{n} type veth peer name eth0 netns PHONE{n}"),
            format!("-n NAT{n} addr add 10.0.{n}.1/24 dev in"),
            format!("-n NAT{n} link set in up"),
            format!("-n PHONE{n} addr add 10.0.{n}.2/24 dev eth0"),
            format!("-n PHONE{n} link set eth0 up"),
            format!("-n PHONE{n} route add default via 10.0.{n}.1"),
        ] {
            self.ip(&words);
        }
        let random = if unpredictable { " fully-random" } else { "" };
        // What comes unasked is dropped before it is known, as a home's translator does: else the
        // port that it came to would not be free for the phone's own packets.
        let rules = format!(
            "table ip nat {{
               chain post {{ type nat hook postrouting priority 100;
                 oifname \"out\" masquerade{random}; }}
               chain unasked {{ type filter hook input priority 0;
                 iifname \"out\" meta l4proto udp drop; }}
             }}"
        );
        let script = "echo 1 > /proc/sys/net/ipv4/ip_forward && \"$0\" -f -";
        let mut child = self
            .within(&format!("nat{n}"))
            .args(["sh", "-c", script])
            .arg(find("nft").expect("asked for with needs!"))
            .stdin(Stdio::piped())
            .spawn()
            .expect("nft runs");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(rules.as_bytes()).expect("nft reads");
        drop(stdin);
        assert!(child.wait().expect("nft ends").success());
    }

    /// A command inside a namespace; what is to run comes as its arguments.
    fn within(&self, name: &str) -> Command {
        let mut command = command(&find("ip").expect("asked for with needs!"));
        command.args(["netns", "exec", &format!("{}{name}", self.prefix)]);
        command
    }

    fn coturn(&self, test: &str) -> Running {
        let folder = folder(test);
        let at = |name: &str| folder.join(name).display().to_string();
        let mut command = self.within("net");
        command
            .arg(find("turnserver").expect("asked for with needs!"))
            .args([
                "-n",
                "--listening-ip=198.51.100.1",
                "--relay-ip=198.51.100.1",
            ])
            .args(["--listening-port=3478", "--lt-cred-mech", "--fingerprint"])
            .args(["--realm=ramal.test", "--no-cli", "--no-tls", "--no-dtls"])
            .args(["--no-multicast-peers", "--log-file=stdout", "--simple-log"])
            .arg(format!("--user={USER}:{PASSWORD}"))
            .arg(format!("--db={}", at("db")))
            .arg(format!("--userdb={}", at("db")))
            .arg(format!("--pidfile={}", at("pid")));
        Running::start("coturn", &folder, &mut command)
    }

    /// This program once more, as a phone with that address.
    fn phone(&self, space: &str, ip: &str, role: &str) -> Phone {
        let mut child = self
            .within(space)
            .arg(std::env::current_exe().expect("this program has a path"))
            .args(["--exact", "relay::a_phone_of_these_tests"])
            .arg("--nocapture")
            .env(PHONE, format!("{ip} {role}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program runs once more");
        let out = BufReader::new(child.stdout.take().expect("piped"));
        Phone { child, out }
    }
}

impl Drop for Internet {
    fn drop(&mut self) {
        for space in &self.spaces {
            let ip = find("ip").expect("asked for with needs!");
            let _ = Command::new(ip).args(["netns", "del", space]).output();
        }
    }
}

struct Phone {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
}

impl Phone {
    /// What it says behind `@WORD `. It ends by itself if it has nothing to say.
    fn hear(&mut self, word: &str) -> String {
        let wanted = format!("@{word} ");
        let mut all = String::new();
        loop {
            let from = all.len();
            let read = self.out.read_line(&mut all).expect("a phone writes text");
            if let Some((_, said)) = all[from..].split_once(&wanted) {
                return said.trim().to_owned();
            }
            assert!(read > 0, "the phone ended without {word}:\n{all}");
        }
    }

    fn tell(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("piped");
        writeln!(stdin, "{line}").expect("the phone listens");
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Two phones find each other; what each says of its path.
fn meet(test: &str, unpredictable: [bool; 2]) -> Option<[String; 2]> {
    let mut internet = Internet::new(test)?;
    internet.home(1, unpredictable[0]);
    internet.home(2, unpredictable[1]);
    let mut coturn = internet.coturn(test);
    let mut phones = [
        internet.phone("phone1", "10.0.1.2", "controlling"),
        internet.phone("phone2", "10.0.2.2", "controlled"),
    ];
    let described = [phones[0].hear("DESCRIPTION"), phones[1].hear("DESCRIPTION")];
    let log = coturn.log().to_owned();
    let relayed = described.iter().all(|d| d.contains("typ relay"));
    assert!(relayed, "{described:?}\n{}", tail(&log, 20));
    phones[1].tell(&described[0]);
    phones[0].tell(&described[1]);
    let paths = [phones[0].hear("PATH"), phones[1].hear("PATH")];
    println!("{test}: {paths:?}");
    for phone in &mut phones {
        assert_eq!(phone.hear("MEDIA"), "heard");
    }
    coturn.end();
    Some(paths)
}

#[test]
fn behind_two_cones_agents_talk_straight() {
    needs!("turnserver", "nft", "ip");
    if let Some(paths) = meet("cones", [false, false]) {
        assert!(
            paths.iter().all(|path| path.starts_with("Translated")),
            "{paths:?}"
        );
    }
}

#[test]
fn behind_two_symmetric_translators_agents_talk_through_coturn() {
    needs!("turnserver", "nft", "ip");
    if let Some(paths) = meet("symmetric", [true, true]) {
        assert!(
            paths.iter().all(|path| path.starts_with("Relayed")),
            "{paths:?}"
        );
    }
}

#[test]
fn over_tcp_coturn_passes_on_what_comes_and_goes() {
    needs!("turnserver", "nft", "ip");
    let Some(internet) = Internet::new("tcp") else {
        return;
    };
    let mut coturn = internet.coturn("tcp");
    let mut phone = internet.phone("net", "198.51.100.1", "tcp");
    assert_eq!(phone.hear("INDICATION"), "there and back");
    assert_eq!(phone.hear("CHANNEL"), "there and back");
    assert_eq!(phone.hear("CLOSED"), "by both");
    coturn.end();
}

/// One phone of the tests above, in its namespace. By itself, without being told who it is, it
/// does nothing.
#[test]
fn a_phone_of_these_tests() {
    let Ok(told) = std::env::var(PHONE) else {
        return;
    };
    let (ip, role) = told.split_once(' ').expect("address and role");
    let ip: Ipv4Addr = ip.parse().expect("an address");
    if role == "tcp" {
        return over_tcp(ip);
    }
    let role = match role {
        "controlling" => Role::Controlling,
        _ => Role::Controlled,
    };
    phone(ip, role, &standard_input());
}

fn standard_input() -> Receiver<String> {
    let (tell, told) = sync_channel(1);
    std::thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(move || {
            for line in std::io::stdin().lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        })
        .expect("a thread");
    told
}

/// Sockets and clock around the agent and the TURN client.
fn phone(ip: Ipv4Addr, role: Role, told: &Receiver<String>) {
    let server: SocketAddr = SERVER.parse().expect("an address");
    let socket = UdpSocket::bind((ip, 0)).expect("a port");
    let base = socket.local_addr().expect("bound");
    let began = Instant::now();
    let config = Config {
        role,
        components: 1,
        stun_servers: vec![server],
    };
    let seed = [ip.octets()[2]; 32];
    let mut agent = Agent::new(began, config, seed);
    agent.add_host(began, 1, base);
    let mut line = Client::new(began, turn_config(server, Transport::Udp), seed);
    let (mut relayed, mut described, mut chosen) = (None, false, None);
    let (mut heard, mut next_media, mut heard_at) = (false, began, None);
    loop {
        let now = Instant::now();
        assert!(
            now < began + SOON,
            "{:?}\n{:?}",
            agent.tried(),
            agent.path(1)
        );
        agent.handle_timeout(now);
        line.handle_timeout(now);
        if let Ok(text) = told.try_recv() {
            let lines = text.split('|').filter_map(|l| l.split_once('='));
            let remote = Remote::read(lines).expect("a description");
            for candidate in &remote.candidates {
                line.permit(now, candidate.address.ip());
            }
            agent.set_remote(now, remote);
        }
        if let Some(peer) = chosen.filter(|_| now >= next_media) {
            next_media = now + Duration::from_millis(20);
            let path = agent.path(1).expect("a path");
            if Some(path.base) == relayed {
                line.bind_channel(now, peer);
                line.send(now, peer, b"\x80 media");
            } else {
                socket.send_to(b"\x80 media", peer).expect("sent");
            }
        }
        loop {
            match agent.poll_output() {
                Output::Transmit(out) if Some(out.base) == relayed => {
                    line.send(now, out.to, &out.bytes);
                }
                Output::Transmit(out) => {
                    let _ = socket.send_to(&out.bytes, out.to);
                }
                Output::Event(Event::Completed) => {
                    let path = agent.path(1).expect("it is complete");
                    chosen = Some(path.remote);
                    println!("@PATH {:?} {path:?}", path.kind());
                }
                Output::Event(Event::Failed) => panic!("no way: {:?}", agent.tried()),
                Output::Event(_) => {}
                Output::Wait(_) => break,
            }
        }
        loop {
            match line.poll_output() {
                turn::Output::Transmit { server, bytes } => {
                    socket.send_to(&bytes, server).expect("sent");
                }
                turn::Output::Event(turn::Event::Allocated {
                    relayed: at,
                    mapped,
                }) => {
                    relayed = Some(at);
                    agent.add_relayed(now, 1, at, mapped);
                    agent.end_bases(now);
                }
                turn::Output::Event(turn::Event::Failed(why)) => panic!("coturn: {why:?}"),
                turn::Output::Event(_) => {}
                turn::Output::Wait(_) => break,
            }
        }
        if agent.gathered() && !described {
            described = true;
            println!("@DESCRIPTION {}", description(&agent));
        }
        // The other side is to hear too before this one ends.
        if heard_at.is_some_and(|at| now > at + Duration::from_secs(1)) {
            return;
        }
        socket
            .set_read_timeout(Some(Duration::from_millis(5)))
            .expect("a time-out");
        let mut bytes = [0; 2048];
        let Ok((length, source)) = socket.recv_from(&mut bytes) else {
            continue;
        };
        let now = Instant::now();
        let (at, source, datagram) = if source == server {
            match (line.handle_datagram(now, source, &bytes[..length]), relayed) {
                (Received::Data { peer, bytes }, Some(relayed)) => (relayed, peer, bytes),
                // An answer to the agent's own question to the STUN server, perhaps.
                _ => (base, source, &bytes[..length]),
            }
        } else {
            (base, source, &bytes[..length])
        };
        let stun = agent.handle_datagram(now, 1, at, source, datagram);
        if !stun && datagram == b"\x80 media" && agent.is_peer(1, source) && !heard {
            heard = true;
            heard_at = Some(now);
            println!("@MEDIA heard");
        }
    }
}

/// A client of coturn by TCP, and a peer beside it that sends back what it gets.
fn over_tcp(ip: Ipv4Addr) {
    let server: SocketAddr = SERVER.parse().expect("an address");
    let peer = UdpSocket::bind((ip, 0)).expect("a port");
    let peer_at = peer.local_addr().expect("bound");
    let began = Instant::now();
    let mut stream = loop {
        // coturn may not be there yet.
        match TcpStream::connect_timeout(&server, SOON) {
            Ok(stream) => break stream,
            Err(error) => assert!(Instant::now() < began + SOON, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    stream
        .set_read_timeout(Some(Duration::from_millis(10)))
        .and_then(|()| peer.set_nonblocking(true))
        .expect("time-outs");
    let mut line = Client::new(began, turn_config(server, Transport::Stream), [5; 32]);
    let mut framer = Framer::default();
    let mut steps = ["INDICATION", "CHANNEL"].into_iter();
    let mut step = steps.next();
    // Odd, so that channel data needs its padding.
    let words = b"\x80 seventeen bytes";
    loop {
        let now = Instant::now();
        assert!(now < began + SOON, "{step:?}");
        line.handle_timeout(now);
        loop {
            match line.poll_output() {
                turn::Output::Transmit { bytes, .. } => stream.write_all(&bytes).expect("sent"),
                turn::Output::Event(turn::Event::Allocated { .. }) => {
                    line.send(now, peer_at, words)
                }
                turn::Output::Event(turn::Event::Closed) => {
                    println!("@CLOSED by both");
                    return;
                }
                turn::Output::Event(event) => panic!("{event:?}"),
                turn::Output::Wait(_) => break,
            }
        }
        if step == Some("CHANNEL") && line.channel_to(peer_at).is_some() {
            line.send(now, peer_at, words);
        }
        let mut bytes = [0; 2048];
        if let Ok((length, from)) = peer.recv_from(&mut bytes) {
            peer.send_to(&bytes[..length], from).expect("sent back");
        }
        let Ok(length) = stream.read(&mut bytes) else {
            continue;
        };
        assert!(length > 0, "coturn hung up");
        framer.push(&bytes[..length]).expect("room");
        while let Some(frame) = framer.next_frame().expect("frames") {
            let Received::Data { peer, bytes } = line.handle_datagram(now, server, frame) else {
                continue;
            };
            assert_eq!((peer, bytes), (peer_at, &words[..]));
            let Some(done) = step else { continue };
            if done == "CHANNEL" && frame[0] != 0x40 {
                continue; // of before
            }
            println!("@{done} there and back");
            step = steps.next();
            match step {
                Some(_) => line.bind_channel(now, peer_at),
                None => line.close(now),
            }
        }
    }
}

fn description(agent: &Agent) -> String {
    let credentials = agent.credentials();
    let mut lines = vec![
        format!("ice-ufrag={}", credentials.ufrag),
        format!("ice-pwd={}", credentials.password.reveal()),
    ];
    let candidates = agent.candidates();
    lines.extend(candidates.iter().map(|c| format!("candidate={c}")));
    lines.join("|")
}

fn turn_config(server: SocketAddr, transport: Transport) -> turn::Config {
    turn::Config {
        server,
        transport,
        user: USER.to_owned(),
        password: PASSWORD.into(),
        ipv6: false,
    }
}
