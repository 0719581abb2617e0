//! baresip as the far phone: plays a file, records what it hears, obeys over a control socket.

use super::process::{Running, command, find};
use super::sound::{self, Codec};
use super::{DOMAIN, password, ports, tail, wait_until};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How a far phone is set up.
pub(crate) struct Phone<'a> {
    pub(crate) user: &'a str,
    pub(crate) codec: Codec,
    /// The registrar and proxy, as `HOST:PORT`; none for a phone without any.
    pub(crate) proxy: Option<String>,
    /// `udp` or `tcp`.
    pub(crate) transport: &'a str,
    /// `127.0.0.1` or `::1`.
    pub(crate) address: &'a str,
    pub(crate) answers: bool,
    /// What it says over and over; `None`: the clip of the project, once.
    pub(crate) plays: Option<PathBuf>,
    /// To whom it writes messages.
    pub(crate) writes_to: Option<&'a str>,
    /// How its calls are protected: `srtp`, `srtp-mand`, `srtp-mandf`, `dtls_srtp`.
    pub(crate) mediaenc: Option<&'a str>,
}

impl Default for Phone<'_> {
    fn default() -> Self {
        Phone {
            user: "1002",
            codec: Codec::Pcma,
            proxy: None,
            transport: "udp",
            address: "127.0.0.1",
            answers: true,
            plays: None,
            writes_to: None,
            mediaenc: None,
        }
    }
}

pub(crate) struct Baresip {
    running: Running,
    folder: PathBuf,
    port: u16,
    host: String,
    rtp: u16,
    control: RefCell<Control>,
}

impl Baresip {
    pub(crate) fn start(folder: &Path, phone: &Phone<'_>) -> Baresip {
        // SIP, and the port after it, which baresip takes for TLS.
        let port = ports::free(2);
        let control = ports::free(1);
        let rtp = ports::free(8);
        let home = folder.join(format!("baresip-{}", phone.user));
        std::fs::create_dir_all(home.join("heard")).expect("folders can be made");
        let write = |name: &str, text: String| {
            std::fs::write(home.join(name), text).expect("the configuration is written");
        };
        write("config", configuration(&home, phone, port, control, rtp));
        write("accounts", account(phone, port));
        let contact = phone.writes_to.map(|to| format!("\"Ramal\" <{to}>\n"));
        write("contacts", contact.unwrap_or_default());
        let running = Running::start(
            &format!("baresip-{}", phone.user),
            folder,
            command(&find("baresip").expect("asked for with needs!"))
                .arg("-f")
                .arg(&home)
                .args(["-v", "-s"]),
        );
        let log = running.log().to_owned();
        let stream = wait_until(
            Duration::from_secs(15),
            || format!("baresip does not start\n{}", tail(&log, 20)),
            || TcpStream::connect(("127.0.0.1", control)).ok(),
        );
        Baresip {
            running,
            folder: home,
            port,
            host: bracketed(phone.address),
            rtp,
            control: RefCell::new(Control::new(stream)),
        }
    }

    /// Where it can be called directly: `sip:USER@ADDRESS:PORT`.
    pub(crate) fn uri(&self, user: &str) -> String {
        format!("sip:{user}@{}:{}", self.host, self.port)
    }

    /// The ports of its sound.
    pub(crate) fn rtp_ports(&self) -> RangeInclusive<u16> {
        self.rtp..=self.rtp + 7
    }

    /// Its number to the system.
    pub(crate) fn id(&self) -> u32 {
        self.running.id()
    }

    /// One of its commands: `dial`, `hangup`, `accept`, `sndcode`.
    pub(crate) fn command(&self, command: &str, parameters: &str) -> Value {
        let mut control = self.control.borrow_mut();
        control.send(command, parameters);
        let log = self.running.log().to_owned();
        let answer = wait_until(
            Duration::from_secs(5),
            || format!("baresip does not answer {command}\n{}", tail(&log, 20)),
            || {
                control.receive();
                control.answers.pop()
            },
        );
        assert_eq!(
            answer["ok"],
            json!(true),
            "{command} {parameters}: {answer}"
        );
        answer
    }

    /// The first event of a kind that has not been asked for before.
    pub(crate) fn wait_for(&self, kind: &str, patience: Duration) -> Value {
        let log = self.running.log().to_owned();
        let mut control = self.control.borrow_mut();
        let seen = RefCell::new(String::new());
        wait_until(
            patience,
            || {
                format!(
                    "baresip has no {kind}; {}\n{}",
                    seen.borrow(),
                    tail(&log, 30)
                )
            },
            || {
                control.receive();
                *seen.borrow_mut() = format!("{:?}", control.kinds());
                control.take(kind)
            },
        )
    }

    /// The keys it heard so far, in order.
    pub(crate) fn keys_heard(&self) -> String {
        let mut control = self.control.borrow_mut();
        control.receive();
        let keys = control
            .all
            .iter()
            .filter(|e| e["type"] == "CALL_DTMF_START");
        keys.filter_map(|event| event["param"].as_str()).collect()
    }

    /// Writes a message to its one contact.
    pub(crate) fn write(&self, text: &str) {
        self.command("contact_next", "");
        self.command("message", text);
    }

    /// Waits until it shows this text.
    pub(crate) fn wait_for_text(&self, text: &str, patience: Duration) {
        wait_until(
            patience,
            || {
                format!(
                    "baresip does not show {text:?}\n{}",
                    tail(self.running.log(), 30)
                )
            },
            || self.running.log_text().contains(text).then_some(()),
        );
    }

    /// Presses keys, one after the other, as a hand would.
    pub(crate) fn press(&self, keys: &str) {
        for key in keys.chars() {
            self.command("sndcode", &key.to_string());
            pause(Duration::from_millis(250));
        }
    }

    /// Ends the program and gives what it heard, which is whole only now.
    pub(crate) fn end_and_take_recording(&mut self) -> PathBuf {
        self.running.end();
        let files = std::fs::read_dir(self.folder.join("heard")).expect("the folder is there");
        let mut heard: Vec<PathBuf> = files
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.to_string_lossy().ends_with("dec.wav"))
            .collect();
        heard.sort();
        heard
            .pop()
            .unwrap_or_else(|| panic!("baresip recorded nothing\n{}", tail(self.running.log(), 30)))
    }
}

/// Lets a moment of a real call go by.
pub(crate) fn pause(span: Duration) {
    std::thread::sleep(span);
}

fn bracketed(address: &str) -> String {
    if address.contains(':') {
        format!("[{address}]")
    } else {
        address.to_owned()
    }
}

/// The control socket: netstrings with JSON inside, answers and events mixed.
struct Control {
    stream: TcpStream,
    unread: Vec<u8>,
    answers: Vec<Value>,
    /// Every event, and which of them a test has taken.
    all: Vec<Value>,
    taken: Vec<bool>,
}

impl Control {
    fn new(stream: TcpStream) -> Control {
        stream.set_nonblocking(true).expect("sockets can be set so");
        Control {
            stream,
            unread: Vec::new(),
            answers: Vec::new(),
            all: Vec::new(),
            taken: Vec::new(),
        }
    }

    fn send(&mut self, command: &str, parameters: &str) {
        let text = json!({"command": command, "params": parameters, "token": "test"}).to_string();
        self.stream
            .write_all(format!("{}:{text},", text.len()).as_bytes())
            .expect("baresip listens");
    }

    fn receive(&mut self) {
        let mut block = [0; 4096];
        let give_up = Instant::now() + Duration::from_millis(200);
        while Instant::now() < give_up {
            match self.stream.read(&mut block) {
                Ok(0) => break,
                Ok(n) => self.unread.extend_from_slice(&block[..n]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("baresip's control socket: {error}"),
            }
        }
        while let Some((message, used)) = netstring(&self.unread) {
            self.unread.drain(..used);
            if message["response"] == json!(true) {
                self.answers.push(message);
            } else {
                self.all.push(message);
                self.taken.push(false);
            }
        }
    }

    fn take(&mut self, kind: &str) -> Option<Value> {
        let at = (0..self.all.len()).find(|i| !self.taken[*i] && self.all[*i]["type"] == kind)?;
        self.taken[at] = true;
        Some(self.all[at].clone())
    }

    fn kinds(&self) -> Vec<&str> {
        self.all
            .iter()
            .filter_map(|event| event["type"].as_str())
            .collect()
    }
}

/// `5:{"a"},` → the value and the bytes it took, once it is whole.
fn netstring(bytes: &[u8]) -> Option<(Value, usize)> {
    let colon = bytes.iter().position(|byte| *byte == b':')?;
    let length: usize = std::str::from_utf8(&bytes[..colon]).ok()?.parse().ok()?;
    let body = bytes.get(colon + 1..colon + 1 + length)?;
    bytes.get(colon + 1 + length)?;
    Some((
        serde_json::from_slice(body).unwrap_or(Value::Null),
        colon + length + 2,
    ))
}

/// Modules in this order on purpose: an account's parameters name codecs and protection, so those
/// come first.
fn configuration(home: &Path, phone: &Phone<'_>, port: u16, control: u16, rtp: u16) -> String {
    let (rate, channels) = phone.codec.baresip_format();
    let modules: String = [
        "ausine", "aufile", "aubridge", "sndfile", "opus", "g722", "g711",
    ]
    .iter()
    .chain(match phone.mediaenc {
        Some("dtls_srtp") => &["dtls_srtp"][..],
        Some(_) => &["srtp"],
        None => &[],
    })
    .map(|module| format!("module {module}.so\n"))
    .collect();
    format!(
        "poll_method epoll\n\
         sip_listen {host}:{port}\n\
         call_local_timeout 60\n\
         call_max_calls 4\n\
         audio_path {home}\n\
         audio_player aubridge,nobody\n\
         audio_source aufile,{speech}\n\
         audio_alert aubridge,nobody-either\n\
         ausrc_srate {rate}\nauplay_srate {rate}\n\
         ausrc_channels {channels}\nauplay_channels {channels}\n\
         ausrc_format s16\nauplay_format s16\nauenc_format s16\naudec_format s16\n\
         audio_level no\naudio_buffer 20-160\naudio_telev_pt 101\n\
         jitter_buffer_type fixed\njitter_buffer_delay 2-10\n\
         rtp_tos 184\nrtp_ports {rtp}-{last}\nrtcp_mux no\nrtp_stats yes\n\
         net_interface {address}\n\
         module_path {module_path}\n\
         {modules}\
         module_tmp uuid.so\nmodule_tmp account.so\n\
         module_app menu.so\nmodule_app contact.so\nmodule_app ctrl_tcp.so\n\
         ctrl_tcp_listen 127.0.0.1:{control}\n\
         snd_path {home}/heard\n\
         opus_bitrate {bitrate}\nopus_complexity {complexity}\n",
        host = bracketed(phone.address),
        address = phone.address,
        home = home.display(),
        speech = phone
            .plays
            .clone()
            .unwrap_or_else(|| sound::speech(rate, channels))
            .display(),
        last = rtp + 7,
        module_path = module_path().display(),
        bitrate = sound::OPUS_BITRATE,
        complexity = sound::OPUS_COMPLEXITY,
    )
}

fn account(phone: &Phone<'_>, port: u16) -> String {
    let Phone {
        user, transport, ..
    } = phone;
    let protection = phone.mediaenc.map(|way| format!(";mediaenc={way}"));
    let protection = protection.unwrap_or_default();
    let mode = if phone.answers { "auto" } else { "manual" };
    let (domain, reach) = match &phone.proxy {
        Some(proxy) => (
            DOMAIN.to_owned(),
            format!("outbound=\"sip:{proxy};transport={transport}\";regint=60"),
        ),
        None => (
            format!("{}:{port}", bracketed(phone.address)),
            "regint=0".to_owned(),
        ),
    };
    format!(
        "<sip:{user}@{domain};transport={transport}>;auth_user={user};auth_pass={};{reach};\
         answermode={mode};audio_codecs={}{protection}\n",
        password(user),
        phone.codec.baresip_name()
    )
}

/// Where its modules are, which differs between systems.
fn module_path() -> PathBuf {
    let mut places: Vec<PathBuf> = [
        "/usr/lib",
        "/usr/lib64",
        "/usr/local/lib",
        "/opt/homebrew/lib",
    ]
    .map(PathBuf::from)
    .to_vec();
    if let Ok(inner) = std::fs::read_dir("/usr/lib") {
        places.extend(inner.filter_map(|entry| Some(entry.ok()?.path())));
    }
    places
        .into_iter()
        .map(|place| place.join("baresip/modules"))
        .find(|place| place.join("account.so").exists())
        .expect("baresip's modules are installed")
}
