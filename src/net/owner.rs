//! Which program holds a port: so that "in use" can say by whom.

use std::fmt;

use super::Protocol;

/// A program that holds a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its process number.
    pub pid: u32,
    /// Its name, as the system gives it.
    pub name: String,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.pid)
    }
}

/// Who holds the port, on any address. `None` where the system does not tell, as for programs of
/// other people.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn port_owner(_protocol: Protocol, _port: u16) -> Option<Owner> {
    None
}

/// Who holds the port, on any address. `None` where the system does not tell, as for programs of
/// other people.
#[cfg(target_os = "linux")]
#[must_use]
pub fn port_owner(protocol: Protocol, port: u16) -> Option<Owner> {
    let tables = match protocol {
        Protocol::Udp => ["/proc/net/udp", "/proc/net/udp6"],
        Protocol::Tcp => ["/proc/net/tcp", "/proc/net/tcp6"],
    };
    let inodes: Vec<String> = tables
        .iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .flat_map(|table| {
            table
                .lines()
                .filter_map(|line| inode(line, port))
                .collect::<Vec<_>>()
        })
        .collect();
    if inodes.is_empty() {
        return None;
    }
    std::fs::read_dir("/proc")
        .ok()?
        .filter_map(Result::ok)
        .find_map(|process| {
            let pid: u32 = process.file_name().to_str()?.parse().ok()?;
            let mut open = std::fs::read_dir(process.path().join("fd"))
                .ok()?
                .filter_map(Result::ok);
            let holds = open.any(|descriptor| {
                let target = std::fs::read_link(descriptor.path());
                target.is_ok_and(|target| inodes.iter().any(|inode| target.as_os_str() == &**inode))
            });
            let name = std::fs::read_to_string(process.path().join("comm")).ok()?;
            holds.then(|| Owner {
                pid,
                name: name.trim_end().to_owned(),
            })
        })
}

/// From a line of /proc/net/udp and its like: what the link of a descriptor to this socket reads,
/// if the socket has this local port.
#[cfg(target_os = "linux")]
fn inode(line: &str, port: u16) -> Option<String> {
    let mut fields = line.split_whitespace();
    let (_, local_port) = fields.nth(1)?.rsplit_once(':')?;
    if u16::from_str_radix(local_port, 16) != Ok(port) {
        return None;
    }
    // After the local address: remote, state, queues, timer, retransmissions, user, timeout.
    let inode: u64 = fields.nth(7)?.parse().ok()?;
    (inode != 0).then(|| format!("socket:[{inode}]"))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_socket_table_is_read() {
        let line = " 1234: 0100007F:13C4 00000000:0000 07 00000000:00000000 00:00000000 \
                    00000000  1000        0 5724731 2 0000000000000000 0";
        assert_eq!(inode(line, 5_060).as_deref(), Some("socket:[5724731]"));
        assert_eq!(inode(line, 5_061), None);
        assert_eq!(inode("  sl  local_address rem_address   st", 5_060), None);
        assert_eq!(inode("", 5_060), None);
    }

    #[test]
    fn our_own_port_is_found_to_be_ours() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let port = socket.local_addr().expect("bound").port();
        let owner = port_owner(Protocol::Udp, port).expect("we may see ourselves");
        assert_eq!(owner.pid, std::process::id());
        drop(socket);
        assert_eq!(port_owner(Protocol::Udp, port), None);
    }
}
