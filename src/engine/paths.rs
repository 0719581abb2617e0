//! The ways to servers that a connection is opened for: encrypted, or WebSocket.
//!
//! Such a connection was verified for one name under one account's terms, and must not carry what is
//! for another. So it is not found again by its address, as TCP's are, but by all of these: a path,
//! which outlives the connections opened along it. The agent knows a path as the connection of a
//! [`Peer`](crate::sip::transaction::Peer).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::agent::AccountId;
use crate::net::changes::is_ours;
use crate::net::{Dial, Reserved, SendError, Sockets, StreamId, TlsClient, WebSocketOffer};
use crate::sip::transaction::ConnectionId;
use crate::sip::{Host, HostPort, Transport};
use crate::trust::{Secured, Terms};

/// Numbers of paths begin here; those of connections, which are counted from one, never get there.
const FIRST: u64 = 1 << 48;
/// Paths known at a time. The oldest that no connection stands on gives way.
const MOST: usize = 256;
/// What an account asks for a WebSocket at: what Asterisk wants, and others do not mind.
const RESOURCE: &str = "/ws";

/// What an account asks of its connections.
#[derive(Clone, Debug, Default)]
struct Wishes {
    terms: Terms,
    /// The domain of its address of record.
    home: Option<String>,
    /// The hosts of its registrar and its proxy. They may show the name of the domain instead of
    /// their own: it is the domain that the person trusts (RFC 5922 section 4).
    servers: Vec<String>,
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Goal {
    account: AccountId,
    transport: Transport,
    remote: SocketAddr,
    host: Host,
}

impl Goal {
    /// What stands in `Host` of a request for a WebSocket.
    fn web_host(&self) -> String {
        let port = self.remote.port();
        let usual = port == self.transport.default_port();
        let host_port = HostPort {
            host: self.host.clone(),
            port: (!usual).then_some(port),
        };
        host_port.to_string()
    }
}

#[derive(Debug)]
struct Path {
    goal: Goal,
    tls: Option<Arc<TlsClient>>,
    /// Our end: of the connection that stands, or the one that the next is opened from.
    local: SocketAddr,
    reserved: Option<Reserved>,
    stream: Option<StreamId>,
    secured: Option<Box<Secured>>,
}

/// All paths.
#[derive(Debug)]
pub(super) struct Paths {
    by_id: BTreeMap<u64, Path>,
    by_stream: BTreeMap<StreamId, u64>,
    wishes: BTreeMap<AccountId, Wishes>,
    next: u64,
}

impl Default for Paths {
    fn default() -> Paths {
        Paths {
            by_id: BTreeMap::new(),
            by_stream: BTreeMap::new(),
            wishes: BTreeMap::new(),
            next: FIRST,
        }
    }
}

/// One path, as seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Along {
    pub(super) id: ConnectionId,
    pub(super) account: AccountId,
    pub(super) transport: Transport,
    pub(super) remote: SocketAddr,
    pub(super) local: SocketAddr,
}

impl Paths {
    /// An account asks this from now on. What was opened under other terms is of no use to it:
    /// answers with the connections to be closed.
    pub(super) fn set_terms(
        &mut self,
        account: AccountId,
        terms: &Terms,
        home: Option<String>,
        servers: Vec<String>,
    ) -> Vec<StreamId> {
        let wishes = Wishes {
            terms: terms.clone(),
            home,
            servers,
        };
        let before = self.wishes.insert(account, wishes.clone());
        let same = before.is_none_or(|before| {
            before.terms == wishes.terms
                && before.home == wishes.home
                && before.servers == wishes.servers
        });
        // A path whose connection has failed is made anew with the files as they are now.
        let of_account: Vec<u64> = self
            .by_id
            .iter()
            .filter(|(_, path)| path.goal.account == account && (!same || path.stream.is_none()))
            .map(|(id, _)| *id)
            .collect();
        let mut closed = Vec::new();
        for id in of_account {
            closed.extend(self.by_id.remove(&id).and_then(|path| path.stream));
        }
        closed
    }

    /// The path to an address that this host has, under an account's terms.
    pub(super) fn to(
        &mut self,
        sockets: &Sockets,
        account: AccountId,
        host: &Host,
        remote: SocketAddr,
        transport: Transport,
    ) -> Result<Along, SendError> {
        let goal = Goal {
            account,
            transport,
            remote,
            host: host.clone(),
        };
        let known = self.by_id.iter().find(|(_, path)| path.goal == goal);
        let id = match known.map(|(id, path)| (*id, path.local.ip())) {
            // What is sent along it from an address that is ours no more arrives nowhere.
            Some((id, ip)) if !is_ours(ip) => {
                self.by_id.remove(&id);
                self.add(goal, remote)
            }
            Some((id, _)) => id,
            None => self.add(goal, remote),
        };
        let Some(path) = self.by_id.get_mut(&id) else {
            return Err(SendError::NoSocket(remote));
        };
        if path.stream.is_none() && path.reserved.is_none() {
            let reserved = sockets.reserve(remote)?;
            path.local = reserved.local();
            path.reserved = Some(reserved);
        }
        Ok(along(id, path))
    }

    fn add(&mut self, goal: Goal, remote: SocketAddr) -> u64 {
        if self.by_id.len() >= MOST {
            let idle = self.by_id.iter().find(|(_, path)| path.stream.is_none());
            if let Some(id) = idle.map(|(id, _)| *id) {
                self.by_id.remove(&id);
            }
        }
        let tls = goal.transport.is_secure().then(|| self.client(&goal));
        let id = self.next;
        self.next += 1;
        let path = Path {
            goal,
            tls,
            local: remote,
            reserved: None,
            stream: None,
            secured: None,
        };
        self.by_id.insert(id, path);
        id
    }

    fn client(&self, goal: &Goal) -> Arc<TlsClient> {
        let wishes = self.wishes.get(&goal.account).cloned().unwrap_or_default();
        let host = goal.host.to_string();
        let mut expected = vec![host.clone()];
        if let Some(home) = wishes.home
            && home != host
            && wishes.servers.contains(&host)
        {
            // A domain can be asked for by name, and an address cannot (RFC 6066 section 3).
            let at = usize::from(goal.host.ip().is_none());
            expected.insert(at, home);
        }
        let websocket = goal.transport == Transport::Wss;
        Arc::new(TlsClient::new(wishes.terms, expected, websocket))
    }

    /// Sends along a path: over the connection that stands, or a new one.
    pub(super) fn send(
        &mut self,
        sockets: &Sockets,
        id: ConnectionId,
        bytes: Vec<u8>,
    ) -> Result<(), SendError> {
        let Some(path) = self.by_id.get_mut(&id.0) else {
            return Err(SendError::Closed(StreamId(id.0)));
        };
        if let Some(stream) = path.stream {
            // One that is ending says so soon; until then nothing can take its place.
            return sockets.send_on(stream, bytes);
        }
        let secure = path.tls.is_some();
        let websocket = matches!(path.goal.transport, Transport::Ws | Transport::Wss);
        let dial = Dial {
            remote: path.goal.remote,
            from: path.reserved.take(),
            tls: path.tls.clone(),
            websocket: websocket.then(|| WebSocketOffer {
                host: path.goal.web_host(),
                path: RESOURCE.to_owned(),
                secure,
            }),
        };
        let stream = sockets.open_stream(dial, bytes)?;
        path.stream = Some(stream);
        path.secured = None;
        self.by_stream.insert(stream, id.0);
        Ok(())
    }

    /// A connection along a path stands. `None`: it was not opened for one.
    pub(super) fn opened(
        &mut self,
        stream: StreamId,
        local: SocketAddr,
        secured: Option<Box<Secured>>,
    ) -> Option<Along> {
        let id = *self.by_stream.get(&stream)?;
        let path = self.by_id.get_mut(&id)?;
        path.local = local;
        path.secured = secured;
        Some(along(id, path))
    }

    /// A connection is gone, and the path it was opened for without one.
    pub(super) fn closed(&mut self, stream: StreamId) -> Option<Along> {
        let id = self.by_stream.remove(&stream)?;
        let path = self.by_id.get_mut(&id)?;
        path.stream = None;
        path.secured = None;
        Some(along(id, path))
    }

    /// What is known of whom a path leads to, while a connection stands.
    pub(super) fn secured(&self, id: ConnectionId) -> Option<&Secured> {
        self.by_id.get(&id.0)?.secured.as_deref()
    }
}

fn along(id: u64, path: &Path) -> Along {
    Along {
        id: ConnectionId(id),
        account: path.goal.account,
        transport: path.goal.transport,
        remote: path.goal.remote,
        local: path.local,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Config;

    const ACCOUNT: AccountId = AccountId(1);

    fn host(name: &str) -> Host {
        Host::Name(name.to_owned())
    }

    #[tokio::test]
    async fn what_was_verified_for_one_name_and_account_is_no_way_for_another() {
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        let (sockets, _events) = Sockets::bind(&Config::on(here)).unwrap();
        let remote = SocketAddr::from(([127, 0, 0, 1], 5061));
        let mut paths = Paths::default();
        let to = |paths: &mut Paths, account, name, transport| {
            let along = paths.to(&sockets, account, &host(name), remote, transport);
            along.unwrap().id
        };
        let first = to(&mut paths, ACCOUNT, "pbx.example", Transport::Tls);
        assert_eq!(
            to(&mut paths, ACCOUNT, "pbx.example", Transport::Tls),
            first
        );
        let others = [
            to(&mut paths, ACCOUNT, "other.example", Transport::Tls),
            to(&mut paths, AccountId(2), "pbx.example", Transport::Tls),
            to(&mut paths, ACCOUNT, "pbx.example", Transport::Wss),
        ];
        assert!(!others.contains(&first));
        let pin = "ab".repeat(32).parse().ok();
        let terms = Terms {
            pin,
            ..Terms::default()
        };
        paths.set_terms(ACCOUNT, &terms, None, Vec::new());
        let anew = to(&mut paths, ACCOUNT, "pbx.example", Transport::Tls);
        assert_ne!(anew, first);
    }

    #[tokio::test]
    async fn paths_do_not_grow_without_bound() {
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        let (sockets, _events) = Sockets::bind(&Config::on(here)).unwrap();
        let remote = SocketAddr::from(([127, 0, 0, 1], 5061));
        let mut paths = Paths::default();
        for number in 0..2 * MOST {
            let name = host(&format!("h{number}.example"));
            let along = paths.to(&sockets, ACCOUNT, &name, remote, Transport::Tls);
            along.unwrap();
        }
        assert_eq!(paths.by_id.len(), MOST);
    }

    #[test]
    fn an_accounts_own_server_may_show_the_accounts_domain() {
        let mut paths = Paths::default();
        let home = Some("example.org".to_owned());
        let servers = vec!["192.0.2.1".to_owned(), "sbc.example".to_owned()];
        paths.set_terms(ACCOUNT, &Terms::default(), home, servers);
        let expected = |host: Host| {
            let goal = Goal {
                account: ACCOUNT,
                transport: Transport::Tls,
                remote: SocketAddr::from(([192, 0, 2, 1], 5061)),
                host,
            };
            paths.client(&goal).expected().to_vec()
        };
        assert_eq!(
            expected(host("sbc.example")),
            ["sbc.example", "example.org"]
        );
        // What is asked for by name is the domain: an address cannot be.
        let address = Host::Ip([192, 0, 2, 1].into());
        assert_eq!(expected(address), ["example.org", "192.0.2.1"]);
        assert_eq!(expected(host("stranger.example")), ["stranger.example"]);
    }
}
