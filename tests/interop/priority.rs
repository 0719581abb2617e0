//! Real time on request: what Ramal asks of RealtimeKit, on a bus of the test's own.

use crate::peers::process::{Running, command, find};
use crate::peers::ramal::{CommandLine, SOON};
use crate::peers::{folder, needs, ports, tail, wait_until};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What was asked, and the answers that RealtimeKit gives on a desktop.
struct Kit {
    asked: Arc<Mutex<Vec<(u64, u32)>>>,
}

#[zbus::interface(name = "org.freedesktop.RealtimeKit1")]
impl Kit {
    fn make_thread_realtime(&self, thread: u64, priority: u32) {
        self.asked.lock().expect("whole").push((thread, priority));
    }

    #[zbus(property, name = "RTTimeUSecMax")]
    fn rt_time_usec_max(&self) -> i64 {
        200_000
    }

    #[zbus(property)]
    fn max_realtime_priority(&self) -> i32 {
        20
    }

    #[zbus(property)]
    fn min_nice_level(&self) -> i32 {
        -15
    }
}

/// A bus on which everybody may do everything.
fn bus(folder: &Path) -> (Running, String) {
    let place = tempfile::Builder::new().prefix("ramal-bus").tempdir();
    let socket = place.expect("a folder").keep().join("bus");
    let address = format!("unix:path={}", socket.display());
    let config = folder.join("bus.conf");
    let text = format!(
        "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \
         \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n<busconfig>\
         <listen>{address}</listen><auth>EXTERNAL</auth><policy context=\"default\">\
         <allow user=\"*\"/><allow own=\"*\"/><allow send_type=\"*\"/>\
         <allow receive_type=\"*\"/></policy></busconfig>"
    );
    std::fs::write(&config, text).expect("written");
    let running = Running::start(
        "dbus-daemon",
        folder,
        command(&find("dbus-daemon").expect("asked for with needs!"))
            .arg(format!("--config-file={}", config.display()))
            .arg("--nofork"),
    );
    let log = running.log().to_owned();
    wait_until(
        SOON,
        || format!("no bus\n{}", tail(&log, 20)),
        || socket.exists().then_some(()),
    );
    (running, address)
}

/// The threads of a process by name.
fn threads(pid: u32, name: &str) -> Vec<u64> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("the program runs");
    let tasks = tasks.flatten().filter(|task| {
        let comm = std::fs::read_to_string(task.path().join("comm"));
        comm.is_ok_and(|comm| comm.trim() == name)
    });
    let number = |task: std::fs::DirEntry| task.file_name().to_string_lossy().parse().ok();
    tasks.filter_map(number).collect()
}

#[test]
fn the_media_thread_asks_for_real_time_and_promises_to_pause() {
    needs!("dbus-daemon", "setpriv");
    let folder = folder("priority");
    let (_bus, address) = bus(&folder);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kit = Kit {
        asked: Arc::clone(&asked),
    };
    let _service = zbus::blocking::connection::Builder::address(address.as_str())
        .and_then(|builder| builder.name("org.freedesktop.RealtimeKit1"))
        .and_then(|builder| builder.serve_at("/org/freedesktop/RealtimeKit1", kit))
        .and_then(zbus::blocking::connection::Builder::build)
        .expect("the bus takes a service");
    let port = ports::free(2);
    let mut ramal = CommandLine::new(&["-v", "answer", "--no-register", "--silence"])
        .with(&["--aor", "sip:a@127.0.0.1"])
        .with(&["--bind", &format!("127.0.0.1:{port}")])
        .environment("DBUS_SYSTEM_BUS_ADDRESS", &address)
        .without_privilege()
        .start(&folder, "ramal");
    let (thread, priority) = wait_until(
        SOON,
        || "RealtimeKit is not asked".to_owned(),
        || asked.lock().expect("whole").first().copied(),
    );
    assert_eq!(threads(ramal.id(), "media"), [thread]);
    assert!((1..=20).contains(&priority), "{priority}");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", ramal.id()));
    let limits = limits.expect("the program runs");
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max realtime timeout"))
        .expect("a limit");
    let hard: u64 = line
        .split_whitespace()
        .nth(4)
        .and_then(|word| word.parse().ok())
        .unwrap_or_else(|| panic!("no limit: {line}"));
    assert!(hard <= 200_000, "{line}");
    wait_until(
        Duration::from_secs(5),
        || ramal.said(),
        || {
            let said = ramal.said();
            said.contains("realtime").then_some(())
        },
    );
    ramal.interrupt();
    ramal.ends_with(0, SOON);
}
