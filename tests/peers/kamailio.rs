//! Kamailio as registrar and proxy on loopback, with digest authentication.

use super::process::{Running, command, find};
use super::{DOMAIN, ports, tail, wait_until};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The digest its challenges ask for; it offers one, not several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Digest {
    Md5,
    Sha256,
}

/// What a test may ask of the registrar.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) digest: Digest,
    /// It is a presence server too; see [`presence_at_hand`].
    pub(crate) presence: bool,
    /// It takes TLS, WebSocket and secure WebSocket too, with the certificate in its folder; see
    /// [`secure_at_hand`].
    pub(crate) secure: bool,
    /// The longest and the shortest registration it grants, in seconds.
    pub(crate) expires: (u32, u32),
}

impl Default for Options {
    fn default() -> Self {
        Options {
            digest: Digest::Md5,
            presence: false,
            secure: false,
            expires: (5, 3600),
        }
    }
}

pub(crate) struct Kamailio {
    running: Running,
    port: u16,
    control: PathBuf,
    folder: PathBuf,
    memory: &'static str,
}

impl Kamailio {
    pub(crate) fn start(folder: &Path, options: Options) -> Kamailio {
        let port = ports::free(if options.secure { 4 } else { 1 });
        // The system allows about a hundred bytes for the path of a local socket.
        let sockets = tempfile::Builder::new()
            .prefix("ramal-kam")
            .tempdir()
            .expect("a temporary folder can be made")
            .keep();
        let control = sockets.join("ctl");
        let config = folder.join("kamailio.cfg");
        let mut text = configuration(port, &control, options);
        if options.presence {
            let tables = presence_tables(folder);
            let server = text.replace("request_route {", ROUTES_OF_PRESENCE);
            text = server.replace("PRESENCE", &presence_modules(port, &tables));
        }
        if options.secure {
            let server = text.replace("request_route {", ROUTES_OF_WEBSOCKET);
            text = server.replace("SECURE", &secure_modules(port, folder));
        }
        std::fs::write(&config, text).expect("config written");
        // Megabytes; half a thousand documents and who is told of them want more.
        let memory = if options.presence { "256" } else { "32" };
        let running = run(folder, &sockets, memory);
        let mut kamailio = Kamailio {
            running,
            port,
            control,
            folder: folder.to_owned(),
            memory,
        };
        kamailio.wait_until_up();
        kamailio
    }

    /// Ends it, and starts it anew: it has forgotten everything.
    pub(crate) fn restart(&mut self) {
        self.running.end();
        let sockets = self.control.parent().expect("it is in a folder").to_owned();
        // Closed connections stay on its ports for a while, and it does not mind.
        self.running = run(&self.folder, &sockets, self.memory);
        self.wait_until_up();
    }

    /// Where it takes this transport.
    pub(crate) fn address_of(&self, transport: &str) -> String {
        let offset = match transport {
            "tls" => 1,
            "ws" => 2,
            "wss" => 3,
            _ => 0,
        };
        format!("127.0.0.1:{}", self.port + offset)
    }

    fn wait_until_up(&mut self) {
        let log = self.running.log().to_owned();
        wait_until(
            Duration::from_secs(20),
            || format!("kamailio does not start\n{}", tail(&log, 20)),
            || {
                assert!(self.running.status().is_none(), "{}", tail(&log, 20));
                self.ask(&["core.uptime"]).map(|_| ())
            },
        );
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// `127.0.0.1:PORT`, UDP and TCP.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The contacts bound to a user at this moment.
    pub(crate) fn contacts(&self, user: &str) -> Vec<String> {
        let dump = self.ask(&["ul.dump"]).unwrap_or_default();
        contacts_in(&dump, user)
    }

    /// The first contact bound to `user`, once there is one.
    pub(crate) fn wait_for_contact(&self, user: &str) -> String {
        let log = self.running.log().to_owned();
        wait_until(
            Duration::from_secs(10),
            || format!("{user} never registers\n{}", tail(&log, 30)),
            || self.contacts(user).into_iter().next(),
        )
    }

    /// How many requests of a method from a user have come in, retransmissions included.
    pub(crate) fn requests_seen(&self, method: &str, user: &str) -> usize {
        let wanted = format!("SEEN {method} {user} ");
        self.running.log_text().matches(&wanted).count()
    }

    /// Whether any request of this kind came over a transport, `udp` or `tcp`.
    pub(crate) fn came_over(&self, transport: &str, method: &str, user: &str) -> bool {
        let log = self.running.log_text();
        let start = format!("SEEN {method} {user} ");
        log.lines()
            .any(|line| line.contains(&start) && line.contains(&format!(" from {transport}:")))
    }

    pub(crate) fn log_tail(&self) -> String {
        tail(self.running.log(), 30)
    }

    fn ask(&self, question: &[&str]) -> Option<String> {
        let answer = Command::new(find("kamcmd")?)
            .arg("-s")
            .arg(format!("unix:{}", self.control.display()))
            .args(question)
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&answer.stdout).into_owned();
        (answer.status.success() && !text.contains("error:")).then_some(text)
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        self.running.end();
        if let Some(sockets) = self.control.parent() {
            let _ = std::fs::remove_dir_all(sockets);
        }
    }
}

fn run(folder: &Path, sockets: &Path, memory: &str) -> Running {
    let program = find("kamailio").expect("asked for with needs!");
    Running::start(
        "kamailio",
        folder,
        command(&program)
            .args(["-DD", "-E", "-m", memory, "-M", "8", "-f"])
            .arg(folder.join("kamailio.cfg"))
            .arg("-Y")
            .arg(sockets)
            .arg("-P")
            .arg(sockets.join("pid")),
    )
}

/// The addresses under one user in the text of `ul.dump`.
fn contacts_in(dump: &str, user: &str) -> Vec<String> {
    let mut contacts = Vec::new();
    let mut within = false;
    for line in dump.lines().map(str::trim) {
        if let Some(aor) = line.strip_prefix("AoR:") {
            within = aor.trim() == user;
        } else if let Some(address) = line.strip_prefix("Address:").filter(|_| within) {
            contacts.push(address.trim().to_owned());
        }
    }
    contacts
}

/// A registrar and stateful proxy that challenges everything from its own domain.
///
/// One worker for each socket: with more, a 180 and the 200 after it can change places.
fn configuration(port: u16, control: &Path, options: Options) -> String {
    let mut text = format!(
        "#!KAMAILIO\n\
         debug=2\nlog_stderror=yes\nfork=yes\nchildren=1\ntcp_children=1\n\
         auto_aliases=no\nauto_bind_ipv6=no\ndns_try_naptr=no\nuse_dns_cache=no\n\
         alias=\"{DOMAIN}\"\n\
         listen=udp:127.0.0.1:{port}\nlisten=tcp:127.0.0.1:{port}\n"
    );
    if ports::has_ipv6() {
        let _ = writeln!(text, "listen=udp:[::1]:{port}\nlisten=tcp:[::1]:{port}");
    }
    for module in [
        "ctl",
        "kex",
        "tm",
        "tmx",
        "sl",
        "rr",
        "pv",
        "maxfwd",
        "usrloc",
        "registrar",
        "path",
        "textops",
        "siputils",
        "xlog",
        "auth",
        "nathelper",
    ] {
        let _ = writeln!(text, "loadmodule \"{module}.so\"");
    }
    let (min, max) = options.expires;
    let _ = write!(
        text,
        "modparam(\"ctl\", \"binrpc\", \"unix:{control}\")\n\
         modparam(\"usrloc\", \"db_mode\", 0)\n\
         modparam(\"usrloc\", \"timer_interval\", 1)\n\
         modparam(\"registrar\", \"min_expires\", {min})\n\
         modparam(\"registrar\", \"min_expires_mode\", 1)\n\
         modparam(\"registrar\", \"max_expires\", {max})\n\
         modparam(\"registrar\", \"use_path\", 1)\n\
         modparam(\"registrar\", \"path_mode\", 0)\n\
         modparam(\"auth\", \"qop\", \"auth\")\n\
         modparam(\"auth\", \"nonce_expire\", 300)\n\
         modparam(\"rr\", \"enable_full_lr\", 1)\n\
         modparam(\"tm\", \"fr_timer\", 5000)\n\
         modparam(\"tm\", \"fr_inv_timer\", 40000)\n",
        control = control.display(),
    );
    if options.digest == Digest::Sha256 {
        text.push_str("modparam(\"auth\", \"algorithm\", \"SHA-256\")\n");
    }
    text.push_str(ROUTES);
    text
}

/// Where Kamailio keeps a module.
fn module(name: &str) -> Option<PathBuf> {
    let libraries = std::fs::read_dir("/usr/lib").ok()?.flatten();
    let folders = libraries.map(|entry| entry.path());
    let all = ["/usr/lib", "/usr/lib64"].into_iter().map(PathBuf::from);
    all.chain(folders)
        .map(|folder| folder.join(format!("kamailio/modules/{name}.so")))
        .find(|file| file.is_file())
}

/// Whether Kamailio can be a presence server here. Where it must be and cannot, the test fails.
pub(crate) fn presence_at_hand() -> bool {
    let here = module("presence").is_some() && Path::new(TABLES).is_dir();
    if !here {
        assert!(
            std::env::var_os("CI").is_none(),
            "kamailio's presence modules are missing; scripts/setup.sh test installs them"
        );
        println!("passed over: kamailio has no presence modules here");
    }
    here
}

/// Whether Kamailio speaks TLS and WebSocket here. Where it must and cannot, the test fails.
pub(crate) fn secure_at_hand() -> bool {
    let here = module("tls").is_some() && module("websocket").is_some();
    if !here {
        assert!(
            std::env::var_os("CI").is_none(),
            "kamailio's TLS and WebSocket modules are missing; scripts/setup.sh test installs them"
        );
        println!("passed over: kamailio has no TLS or WebSocket here");
    }
    here
}

/// TLS on the port after the first, WebSocket on the next, and both together on the last.
fn secure_modules(port: u16, folder: &Path) -> String {
    let (tls, ws, wss) = (port + 1, port + 2, port + 3);
    let mut text = format!(
        "enable_tls=yes\ntcp_accept_no_cl=yes\n\
         listen=tls:127.0.0.1:{tls}\nlisten=tcp:127.0.0.1:{ws}\nlisten=tls:127.0.0.1:{wss}\n"
    );
    for module in ["tls", "xhttp", "websocket"] {
        let _ = writeln!(text, "loadmodule \"{module}.so\"");
    }
    let folder = folder.display();
    let _ = write!(
        text,
        "modparam(\"tls\", \"private_key\", \"{folder}/server-key.pem\")\n\
         modparam(\"tls\", \"certificate\", \"{folder}/server.pem\")\n\
         modparam(\"tls\", \"tls_method\", \"TLSv1.2+\")\n\
         modparam(\"tls\", \"verify_certificate\", 0)\n\
         modparam(\"tls\", \"require_certificate\", 0)\n\
         modparam(\"websocket\", \"keepalive_mechanism\", 1)\n\
         modparam(\"websocket\", \"keepalive_timeout\", 30)\n"
    );
    text
}

/// A web server that knows nothing but WebSocket.
const ROUTES_OF_WEBSOCKET: &str = r#"
SECURE
event_route[xhttp:request] {
    if ($hdr(Upgrade) =~ "websocket" && $rm =~ "GET" && $hdr(Sec-WebSocket-Protocol) =~ "sip") {
        if (ws_handle_handshake()) { exit; }
    }
    xhttp_reply("404", "Not Found", "", "");
}
request_route {
"#;

/// Its tables as text files, and the one of them that must be there.
const TABLES: &str = "/usr/share/kamailio/dbtext/kamailio";

/// Copies of the tables that the presence server wants to find, all of them empty.
fn presence_tables(folder: &Path) -> PathBuf {
    let tables = folder.join("tables");
    std::fs::create_dir_all(&tables).expect("folders can be made");
    for table in [
        "version",
        "presentity",
        "active_watchers",
        "watchers",
        "xcap",
    ] {
        std::fs::copy(Path::new(TABLES).join(table), tables.join(table)).expect("a table");
    }
    tables
}

fn presence_modules(port: u16, tables: &Path) -> String {
    let tables = tables.display();
    let mut text = String::new();
    for module in [
        "db_text",
        "presence",
        "presence_xml",
        "presence_dialoginfo",
        "presence_mwi",
    ] {
        let _ = writeln!(text, "loadmodule \"{module}.so\"");
    }
    let _ = write!(
        text,
        "modparam(\"presence\", \"db_url\", \"text://{tables}\")\n\
         modparam(\"presence_xml\", \"db_url\", \"text://{tables}\")\n\
         modparam(\"presence\", \"subs_db_mode\", 0)\n\
         modparam(\"presence\", \"publ_cache\", 2)\n\
         modparam(\"presence\", \"server_address\", \"sip:127.0.0.1:{port}\")\n\
         modparam(\"presence_xml\", \"force_active\", 1)\n"
    );
    text
}

/// Takes what is for a presence server: phones of the house, whose numbers begin with 1, prove who
/// they are.
const ROUTES_OF_PRESENCE: &str = r#"
PRESENCE
request_route {
    if (is_method("SUBSCRIBE|PUBLISH")) {
        xlog("L_NOTICE", "SEEN $rm $fU $ru from $pr:$si:$sp cseq $cs\n");
        force_rport();
        if ($fU =~ "^1" && !has_totag()) {
            $var(password) = "pw-" + $fU;
            if (!pv_proxy_authenticate("$fd", "$var(password)", "0")) {
                proxy_challenge("$fd", "1");
                exit;
            }
        }
        if (!t_newtran()) { sl_reply_error(); exit; }
        if (is_method("PUBLISH")) { handle_publish(); } else { handle_subscribe(); }
        t_release();
        exit;
    }
"#;

const ROUTES: &str = r#"
request_route {
    xlog("L_NOTICE", "SEEN $rm $fU $ru from $pr:$si:$sp cseq $cs\n");
    if (!mf_process_maxfwd_header("70")) { sl_send_reply("483", "Too Many Hops"); exit; }
    force_rport();
    if (is_method("CANCEL")) {
        if (t_check_trans()) { route(ON); }
        exit;
    }
    if (has_totag()) {
        if (loose_route()) { route(ON); }
        if (is_method("ACK")) {
            if (t_check_trans()) { route(ON); }
            exit;
        }
        sl_send_reply("404", "Not here");
        exit;
    }
    t_check_trans();
    if (is_method("REGISTER")) {
        $var(password) = "pw-" + $tU;
        if (!pv_www_authenticate("$td", "$var(password)", "0")) {
            www_challenge("$td", "1");
            exit;
        }
        if (!save("location")) { sl_reply_error(); }
        exit;
    }
    if (from_uri == myself) {
        $var(password) = "pw-" + $fU;
        if (!pv_proxy_authenticate("$fd", "$var(password)", "0")) {
            proxy_challenge("$fd", "1");
            exit;
        }
        consume_credentials();
    }
    if (is_method("INVITE")) { record_route(); }
    if (uri != myself) { route(ON); }
    if (!lookup("location")) {
        t_newtran();
        t_reply("480", "Temporarily Unavailable");
        exit;
    }
    route(ON);
}

route[ON] {
    if (!t_relay()) { sl_reply_error(); }
    exit;
}
"#;

#[test]
fn contacts_are_read_from_the_location_dump() {
    let dump = "{\n AoRs: {\n  Info: {\n   AoR: 1001\n   Contacts: {\n    Contact: {\n     \
                Address: sip:1001@127.0.0.1:5070\n     Expires: 57\n    }\n   }\n  }\n  Info: {\n   \
                AoR: 1002\n   Contacts: {\n    Contact: {\n     Address: sip:1002@[::1]:5071\n";
    assert_eq!(contacts_in(dump, "1001"), ["sip:1001@127.0.0.1:5070"]);
    assert_eq!(contacts_in(dump, "1002"), ["sip:1002@[::1]:5071"]);
    assert!(contacts_in(dump, "100").is_empty());
}
