//! A password goes to the server as a digest and nowhere else: not into logs at their most
//! talkative, not into settings, messages or the list of processes. And from the encrypted file it
//! comes back by its passphrase only.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use md5::{Digest, Md5};
use ramal::redact::Secret;
use ramal::sip::{Authorization, Message, Request, StatusCode, parse_datagram};
use ramal::store::{EncryptedFile, Secrets};

const PASSWORD: &str = "Zx9-unmistakable-Qv7";
const PASSPHRASE: &str = "Kw4 nobody says this Pj2";
/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The program, killed if its test ends before it.
struct Program(Option<Child>);

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Program {
    /// Everything it said, at the most talkative.
    fn finish(mut self) -> Output {
        let mut child = self.0.take().unwrap();
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        child
            .stdout
            .take()
            .unwrap()
            .read_to_end(&mut stdout)
            .unwrap();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_end(&mut stderr)
            .unwrap();
        let status = child.wait().unwrap();
        Output {
            status,
            stdout,
            stderr,
        }
    }
}

fn ramal(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ramal"));
    command
        .env("RAMAL_CONFIG_DIR", home)
        .env("RAMAL_LOG", "trace")
        .env("RUST_BACKTRACE", "full")
        .env("LANG", "C.UTF-8")
        .env_remove("RAMAL_PASSWORD")
        .env_remove("RAMAL_PASSPHRASE")
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A registrar that asks once and then lets in whoever knows the password; what it was told.
struct Registrar(UdpSocket);

impl Registrar {
    fn new() -> Registrar {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Registrar(socket)
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    fn hear(&self) -> (Request, SocketAddr) {
        let mut buffer = [0; 65_536];
        loop {
            let (length, from) = self.0.recv_from(&mut buffer).unwrap();
            if let Ok(parsed) = parse_datagram(&buffer[..length])
                && let Message::Request(request) = parsed.message
            {
                return (request, from);
            }
        }
    }

    fn answer(&self, request: &Request, to: SocketAddr, status: u16, headers: &[(&str, &str)]) {
        let status = StatusCode::new(status).unwrap();
        let mut response = request.response(status, Some("there"));
        for (name, value) in headers {
            response.headers.push(*name, *value);
        }
        self.0.send_to(&response.to_bytes().unwrap(), to).unwrap();
    }

    /// Serves until somebody registered with the password; then once more, for the farewell.
    fn serve(&self) {
        loop {
            let (request, from) = self.hear();
            let given = request.headers.get(&"Authorization".into());
            let Some(given) = given.and_then(Authorization::parse) else {
                let challenge = r#"Digest realm="here", nonce="abc", algorithm=MD5"#;
                self.answer(&request, from, 401, &[("WWW-Authenticate", challenge)]);
                continue;
            };
            assert_eq!(
                given.response,
                response(&given.uri),
                "the password is known"
            );
            let contact = request.headers.get(&"Contact".into()).unwrap().to_owned();
            let gone = request.headers.expires() == Some(0);
            let granted = [("Contact", contact.as_str()), ("Expires", "60")];
            self.answer(&request, from, 200, if gone { &[] } else { &granted });
            return;
        }
    }
}

fn md5(text: &str) -> String {
    let bytes = Md5::digest(text.as_bytes());
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What stands for the password wherever it is known (RFC 7616's H(A1)).
fn ha1() -> String {
    md5(&format!("1001:here:{PASSWORD}"))
}

/// What a digest without protection comes to (RFC 2069).
fn response(uri: &str) -> String {
    let ha2 = md5(&format!("REGISTER:{uri}"));
    md5(&format!("{}:abc:{ha2}", ha1()))
}

/// Nothing in these bytes is the password, its hash, or the passphrase.
fn assert_silent(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    for secret in [PASSWORD, PASSPHRASE, &ha1()] {
        let found = text.find(&secret.to_lowercase());
        assert_eq!(found, None, "{what}: …{}…", near(&text, found));
    }
}

fn near(text: &str, at: Option<usize>) -> String {
    let start = at.unwrap_or_default().saturating_sub(120);
    text.chars().skip(start).take(120).collect()
}

fn assert_folder_silent(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_folder_silent(&path);
        } else {
            assert_silent(&path.display().to_string(), &std::fs::read(&path).unwrap());
        }
    }
}

/// What the system shows of a process to everybody.
#[cfg(target_os = "linux")]
fn assert_process_silent(child: &Child) {
    for file in ["cmdline", "comm", "status"] {
        let path = format!("/proc/{}/{file}", child.id());
        assert_silent(&path, &std::fs::read(&path).unwrap());
    }
}

#[cfg(not(target_os = "linux"))]
fn assert_process_silent(_: &Child) {}

/// Registers once; whatever it left anywhere is searched.
fn register(mut command: Command, registrar: &Registrar, home: &Path) {
    let child = Program(Some(command.spawn().unwrap()));
    let (request, from) = registrar.hear();
    // It knows its password by now, and waits for us.
    assert_process_silent(child.0.as_ref().unwrap());
    let challenge = r#"Digest realm="here", nonce="abc", algorithm=MD5"#;
    registrar.answer(&request, from, 401, &[("WWW-Authenticate", challenge)]);
    registrar.serve();
    // Its farewell, if it says one.
    let told = std::thread::scope(|scope| {
        scope.spawn(|| {
            registrar
                .0
                .set_read_timeout(Some(Duration::from_secs(2)))
                .unwrap();
            let mut buffer = [0; 65_536];
            while let Ok((length, from)) = registrar.0.recv_from(&mut buffer) {
                if let Ok(parsed) = parse_datagram(&buffer[..length])
                    && let Message::Request(request) = parsed.message
                {
                    registrar.answer(&request, from, 200, &[]);
                }
            }
        });
        child.finish()
    });
    let stderr = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(told.status.success(), "{stderr}");
    assert!(
        stderr.contains("REGISTER") || stderr.contains("TRACE"),
        "it did talk: {stderr}"
    );
    assert_silent("stdout", &told.stdout);
    assert_silent("stderr", &told.stderr);
    assert_folder_silent(home);
}

#[test]
fn a_password_of_the_environment_is_nowhere_to_be_read() {
    let home = tempfile::tempdir().unwrap();
    let registrar = Registrar::new();
    let mut command = ramal(home.path());
    command
        .args(["register", "--once", "--json", "-vvv", "--aor"])
        .arg(format!("sip:1001@{}", registrar.address()))
        .env("RAMAL_PASSWORD", PASSWORD);
    register(command, &registrar, home.path());
}

#[test]
fn a_password_of_the_encrypted_file_comes_by_its_passphrase_and_stays_unseen() {
    let home = tempfile::tempdir().unwrap();
    let registrar = Registrar::new();
    let address = registrar.address();
    let settings = format!(
        "format = 1\nsecrets = \"file\"\n\n[[account]]\nid = 3\naddress = \"1001@{address}\"\n"
    );
    std::fs::write(home.path().join("settings.toml"), settings).unwrap();
    let path = home.path().join("passwords.sealed");
    let passphrase: Secret<String> = PASSPHRASE.into();
    let mut file = EncryptedFile::open(&path, &passphrase).unwrap();
    file.put(3, &PASSWORD.into()).unwrap();
    let mut command = ramal(home.path());
    command
        .args(["register", "--once", "--json", "-vvv", "--account", "1001"])
        .env("RAMAL_PASSPHRASE", PASSPHRASE);
    register(command, &registrar, home.path());

    // Without it, and with another one, nothing is sent at all.
    let wrong = home.path().join("wrong");
    std::fs::write(&wrong, "something else\n").unwrap();
    for arguments in [vec![], vec!["--passphrase-file", wrong.to_str().unwrap()]] {
        let mut command = ramal(home.path());
        command
            .args(["register", "--once", "--account", "1001"])
            .args(&arguments);
        let told = Program(Some(command.spawn().unwrap())).finish();
        assert_eq!(told.status.code(), Some(2), "{arguments:?}");
        assert_silent("stderr", &told.stderr);
    }
}
