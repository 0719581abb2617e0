use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use super::*;

/// Longer than anything here takes on a busy machine; nothing waits for it unless a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

struct Party {
    sockets: Sockets,
    events: mpsc::Receiver<NetEvent>,
}

impl Party {
    fn new() -> Party {
        Party::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Config)) -> Party {
        let mut config = Config::on(loopback(0));
        change(&mut config);
        let (sockets, events) = Sockets::bind(&config).expect("loopback has free ports");
        Party { sockets, events }
    }

    fn addr(&self) -> SocketAddr {
        self.sockets.local_addrs().next().expect("one address")
    }

    async fn event(&mut self) -> NetEvent {
        in_time(self.events.recv()).await.expect("the sockets live")
    }

    async fn datagram(&mut self) -> (SocketAddr, SocketAddr, Vec<u8>) {
        match self.event().await {
            NetEvent::Datagram {
                local,
                remote,
                bytes,
            } => (local, remote, bytes),
            other => panic!("{other:?}"),
        }
    }

    async fn opened(&mut self) -> (StreamId, SocketAddr, SocketAddr) {
        match self.event().await {
            NetEvent::StreamOpened {
                id, local, remote, ..
            } => (id, local, remote),
            other => panic!("{other:?}"),
        }
    }

    /// `len` octets of one stream, in as many pieces as they come.
    async fn data(&mut self, len: usize) -> (StreamId, Vec<u8>) {
        let mut whole = Vec::new();
        loop {
            match self.event().await {
                NetEvent::StreamData { id, bytes } => {
                    whole.extend(bytes);
                    if whole.len() >= len {
                        return (id, whole);
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }

    async fn closed(&mut self) -> (StreamId, Option<StreamError>, usize) {
        match self.event().await {
            NetEvent::StreamClosed {
                id, error, unsent, ..
            } => (id, error, unsent),
            other => panic!("{other:?}"),
        }
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

async fn in_time<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what)
        .await
        .expect("it happens in time")
}

/// A port that is kept from everybody else and that nobody listens on: a UDP socket which hears
/// only another one, and a TCP socket which was never told to listen.
struct Nobody {
    udp: std::net::UdpSocket,
    tcp: socket2::Socket,
}

impl Nobody {
    fn new() -> Nobody {
        let udp = std::net::UdpSocket::bind(loopback(0)).expect("a free port");
        udp.connect(loopback(9))
            .expect("connecting UDP asks nobody");
        let tcp = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let tcp = tcp.expect("a socket");
        tcp.bind(&loopback(0).into()).expect("a free port");
        Nobody { udp, tcp }
    }

    fn udp(&self) -> SocketAddr {
        self.udp.local_addr().expect("bound")
    }

    fn tcp(&self) -> SocketAddr {
        self.tcp
            .local_addr()
            .expect("bound")
            .as_socket()
            .expect("an address")
    }
}

// ---- binding ----------------------------------------------------------------------------------

#[tokio::test]
async fn both_protocols_share_one_port() {
    let mut party = Party::new();
    let addr = party.addr();
    assert_ne!(addr.port(), 0);
    let stream = TcpStream::connect(addr).await.expect("somebody listens");
    let (_, local, remote) = party.opened().await;
    assert_eq!(
        (local, remote),
        (addr, stream.local_addr().expect("connected"))
    );
}

#[tokio::test]
async fn both_families_share_one_port_where_there_are_two() {
    let v6 = SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, 0));
    let two = std::net::UdpSocket::bind(v6).is_ok();
    let mut party = Party::with(|config| {
        config.binds.push(Bind {
            addr: v6,
            required: false,
        })
    });
    let locals: Vec<SocketAddr> = party.sockets.local_addrs().collect();
    assert_eq!(locals.len(), if two { 2 } else { 1 });
    assert!(locals.iter().all(|local| local.port() == locals[0].port()));
    for local in locals {
        assert_eq!(
            party
                .sockets
                .send_datagram(None, local, b"x")
                .expect("sent"),
            local
        );
        assert_eq!(party.datagram().await, (local, local, b"x".to_vec()));
    }
}

#[tokio::test]
async fn unspecified_addresses_of_both_families_do_not_collide() {
    let v6 = SocketAddr::from((std::net::Ipv6Addr::UNSPECIFIED, 0));
    let two = std::net::UdpSocket::bind(v6).is_ok();
    let party = Party::with(|config| {
        config.binds[0].addr = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        config.binds.push(Bind {
            addr: v6,
            required: false,
        });
    });
    assert_eq!(party.sockets.local_addrs().count(), if two { 2 } else { 1 });
}

#[tokio::test]
async fn a_port_in_use_is_named_with_its_owner() {
    let taken = Party::new();
    let Err(BindError::InUse {
        protocol,
        addr,
        owner,
    }) = Sockets::bind(&Config::on(taken.addr()))
    else {
        panic!("two programs have one port")
    };
    assert_eq!((protocol, addr), (Protocol::Udp, taken.addr()));
    if cfg!(target_os = "linux") {
        assert_eq!(owner.expect("we may see ourselves").pid, std::process::id());
    }
}

#[tokio::test]
async fn a_port_that_only_tcp_lacks_is_named_as_such() {
    let taken = std::net::TcpListener::bind(loopback(0)).expect("a free port");
    let addr = taken.local_addr().expect("bound");
    let Err(BindError::InUse {
        protocol,
        addr: named,
        ..
    }) = Sockets::bind(&Config::on(addr))
    else {
        panic!("two programs have one port")
    };
    assert_eq!((protocol, named), (Protocol::Tcp, addr));
    // UDP alone is to be had, and nothing of the failed attempt is left behind.
    let config = Config {
        listen: false,
        ..Config::on(addr)
    };
    assert!(Sockets::bind(&config).is_ok());
}

#[tokio::test]
async fn an_address_that_is_not_ours_is_said_to_be_so() {
    let foreign = SocketAddr::from(([192, 0, 2, 1], 0));
    let error = Sockets::bind(&Config::on(foreign)).err();
    assert!(
        matches!(error, Some(BindError::NotLocal { addr }) if addr == foreign),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_address_that_is_not_required_may_fail() {
    let party = Party::with(|config| {
        let foreign = SocketAddr::from(([192, 0, 2, 1], 0));
        config.binds.push(Bind {
            addr: foreign,
            required: false,
        });
    });
    assert_eq!(party.sockets.local_addrs().count(), 1);
    let none = Config {
        binds: Vec::new(),
        ..Config::on(loopback(0))
    };
    assert!(matches!(Sockets::bind(&none), Err(BindError::Nothing)));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn signalling_is_marked_cs3() {
    let bound = super::bind::bind(&Config::on(loopback(0)).binds, true).expect("free ports");
    let udp = socket2::SockRef::from(&bound[0].udp).tos_v4();
    let tcp = bound[0]
        .tcp
        .as_ref()
        .map(|tcp| socket2::SockRef::from(tcp).tos_v4());
    assert_eq!(udp.expect("readable"), 0x60);
    assert_eq!(tcp.expect("a listener").expect("readable"), 0x60);
}

// ---- datagrams --------------------------------------------------------------------------------

#[tokio::test]
async fn a_datagram_arrives_with_both_addresses() {
    let (near, mut far) = (Party::new(), Party::new());
    let local = near
        .sockets
        .send_datagram(None, far.addr(), b"one")
        .expect("sent");
    assert_eq!(local, near.addr());
    assert_eq!(
        far.datagram().await,
        (far.addr(), near.addr(), b"one".to_vec())
    );
    near.sockets
        .send_datagram(Some(near.addr()), far.addr(), b"")
        .expect("sent");
    assert_eq!(far.datagram().await.2, b"");
}

#[tokio::test]
async fn the_largest_datagram_arrives_and_a_larger_one_is_refused() {
    let (near, mut far) = (Party::new(), Party::new());
    let largest = vec![7; 65_507];
    near.sockets
        .send_datagram(None, far.addr(), &largest)
        .expect("sent");
    assert_eq!(far.datagram().await.2.len(), 65_507);
    let refused = near
        .sockets
        .send_datagram(None, far.addr(), &vec![7; 65_508]);
    assert!(matches!(refused, Err(SendError::TooLarge(65_508))));
}

#[tokio::test]
async fn the_other_family_has_no_socket() {
    let party = Party::new();
    let remote = "[2001:db8::1]:5060".parse().expect("an address");
    let refused = party.sockets.send_datagram(None, remote, b"x");
    assert!(matches!(refused, Err(SendError::NoSocket(addr)) if addr == remote));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_datagram_to_a_closed_port_is_told_and_hinders_no_other() {
    let (mut near, mut far) = (Party::new(), Party::new());
    let nobody = Nobody::new();
    let closed = nobody.udp();
    for round in 0..20_u8 {
        near.sockets
            .send_datagram(None, closed, b"anybody?")
            .expect("sent");
        // The word about the one before may be pending when this one is sent.
        near.sockets
            .send_datagram(None, far.addr(), &[round])
            .expect("sent");
        assert_eq!(far.datagram().await.2, [round]);
        match near.event().await {
            NetEvent::SendFailed {
                local,
                remote,
                error,
            } => {
                assert_eq!((local, remote), (near.addr(), closed));
                assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn datagrams_that_nobody_reads_are_dropped_and_counted() {
    let mut party = Party::with(|config| config.events = 2);
    let sender = UdpSocket::bind(loopback(0)).await.expect("a free port");
    for number in 0..10_u8 {
        sender.send_to(&[number], party.addr()).await.expect("sent");
    }
    let dropping = async {
        while party.sockets.dropped_datagrams() < 8 {
            tokio::task::yield_now().await;
        }
    };
    in_time(dropping).await;
    assert_eq!(party.datagram().await.2, [0]);
    assert_eq!(party.datagram().await.2, [1]);
    sender.send_to(&[99], party.addr()).await.expect("sent");
    assert_eq!(party.datagram().await.2, [99]);
    assert_eq!(party.sockets.dropped_datagrams(), 8);
}

// ---- streams ----------------------------------------------------------------------------------

#[tokio::test]
async fn a_stream_carries_bytes_both_ways_and_closes_in_good_order() {
    let (mut near, mut far) = (Party::new(), Party::new());
    let id = near
        .sockets
        .send_stream(far.addr(), b"question".to_vec())
        .expect("taken");
    let (opened, _, remote) = near.opened().await;
    assert_eq!((opened, remote), (id, far.addr()));
    let (far_id, _, _) = far.opened().await;
    assert_eq!(far.data(8).await, (far_id, b"question".to_vec()));
    far.sockets
        .send_on(far_id, b"answer".to_vec())
        .expect("taken");
    assert_eq!(near.data(6).await, (id, b"answer".to_vec()));

    near.sockets.close_stream(id);
    let (gone, error, unsent) = far.closed().await;
    assert!(
        gone == far_id && error.is_none() && unsent == 0,
        "{error:?} {unsent}"
    );
    let (gone, error, unsent) = near.closed().await;
    assert!(
        gone == id && error.is_none() && unsent == 0,
        "{error:?} {unsent}"
    );
    assert!(matches!(
        far.sockets.send_on(far_id, vec![1]),
        Err(SendError::Closed(_))
    ));
    assert_eq!(
        (near.sockets.stream_count(), far.sockets.stream_count()),
        (0, 0)
    );
}

#[tokio::test]
async fn what_is_queued_before_closing_is_sent() {
    let (near, mut far) = (Party::new(), Party::new());
    let id = near
        .sockets
        .send_stream(far.addr(), vec![b'a'; 100_000])
        .expect("taken");
    near.sockets.send_on(id, b"end".to_vec()).expect("taken");
    near.sockets.close_stream(id);
    assert!(matches!(
        near.sockets.send_on(id, vec![1]),
        Err(SendError::Closed(_))
    ));
    far.opened().await;
    let (_, whole) = far.data(100_003).await;
    assert!(whole.ends_with(b"aend"));
    assert!(far.closed().await.1.is_none());
}

#[tokio::test]
async fn keep_alives_come_up_as_they_are() {
    let mut party = Party::new();
    let mut stream = TcpStream::connect(party.addr())
        .await
        .expect("somebody listens");
    let (id, _, _) = party.opened().await;
    stream.write_all(b"\r\n\r\n").await.expect("written");
    assert_eq!(party.data(4).await, (id, b"\r\n\r\n".to_vec()));
    party.sockets.send_on(id, b"\r\n".to_vec()).expect("taken");
    let mut pong = [0; 2];
    stream.read_exact(&mut pong).await.expect("answered");
    assert_eq!(&pong, b"\r\n");
}

#[tokio::test]
async fn a_connection_is_reused_by_address_whoever_opened_it() {
    let (mut near, mut far) = (Party::new(), Party::new());
    let first = near
        .sockets
        .send_stream(far.addr(), b"1".to_vec())
        .expect("taken");
    let second = near
        .sockets
        .send_stream(far.addr(), b"2".to_vec())
        .expect("taken");
    assert_eq!(first, second);
    let (far_id, _, near_end) = far.opened().await;
    assert_eq!(far.data(2).await.1, b"12");
    let back = far
        .sockets
        .send_stream(near_end, b"3".to_vec())
        .expect("taken");
    assert_eq!(back, far_id);
    near.opened().await;
    assert_eq!(near.data(1).await, (first, b"3".to_vec()));
}

#[tokio::test]
async fn a_closed_connection_is_replaced() {
    let (mut near, mut far) = (Party::new(), Party::new());
    let first = near
        .sockets
        .send_stream(far.addr(), b"1".to_vec())
        .expect("taken");
    near.opened().await;
    near.sockets.close_stream(first);
    let second = near
        .sockets
        .send_stream(far.addr(), b"2".to_vec())
        .expect("taken");
    assert_ne!(first, second);
    let mut pieces = Vec::new();
    while pieces.len() < 2 {
        if let NetEvent::StreamData { bytes, .. } = far.event().await {
            pieces.extend(bytes);
        }
    }
    pieces.sort_unstable();
    assert_eq!(pieces, b"12");
}

#[tokio::test]
async fn a_refused_connection_says_so_and_what_was_not_sent() {
    let mut party = Party::new();
    let nobody = Nobody::new();
    let id = party
        .sockets
        .send_stream(nobody.tcp(), b"1".to_vec())
        .expect("taken");
    party.sockets.send_on(id, b"2".to_vec()).expect("taken");
    let (gone, error, unsent) = party.closed().await;
    assert_eq!((gone, unsent), (id, 2));
    assert!(matches!(error, Some(StreamError::Refused)), "{error:?}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_host_that_does_not_answer_is_given_up() {
    // A listener whose queue is full and never emptied: further connections hang.
    let deaf = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
    let deaf = deaf.expect("a socket");
    deaf.bind(&loopback(0).into()).expect("bound");
    deaf.listen(0).expect("listening");
    let addr = deaf
        .local_addr()
        .expect("bound")
        .as_socket()
        .expect("an address");
    let _first = TcpStream::connect(addr).await.expect("room for one");
    let mut party = Party::with(|config| config.streams.connect = Duration::from_millis(50));
    let id = party
        .sockets
        .send_stream(addr, b"1".to_vec())
        .expect("taken");
    let (gone, error, unsent) = party.closed().await;
    assert_eq!((gone, unsent), (id, 1));
    assert!(
        matches!(error, Some(StreamError::ConnectTimeout)),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_reset_connection_says_so() {
    let mut party = Party::new();
    let stream = TcpStream::connect(party.addr())
        .await
        .expect("somebody listens");
    party.opened().await;
    let abort = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    abort.expect("an abort instead of a close");
    drop(stream);
    let (_, error, _) = party.closed().await;
    assert!(matches!(error, Some(StreamError::Reset)), "{error:?}");
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let mut party = Party::with(|config| config.streams.idle = Duration::from_millis(30));
    let mut stream = TcpStream::connect(party.addr())
        .await
        .expect("somebody listens");
    party.opened().await;
    let (_, error, _) = party.closed().await;
    assert!(matches!(error, Some(StreamError::Idle)), "{error:?}");
    assert_eq!(
        stream
            .read(&mut [0; 1])
            .await
            .expect("closed in good order"),
        0
    );
}

#[tokio::test]
async fn a_connection_that_only_brings_is_not_idle() {
    let idle = Duration::from_millis(400);
    let mut party = Party::with(|config| config.streams.idle = idle);
    let mut stream = TcpStream::connect(party.addr())
        .await
        .expect("somebody listens");
    party.opened().await;
    let until = tokio::time::Instant::now() + 2 * idle;
    while tokio::time::Instant::now() < until {
        stream.write_all(b"x").await.expect("written");
        party.data(1).await;
    }
    assert!(matches!(party.closed().await.1, Some(StreamError::Idle)));
}

#[tokio::test]
async fn what_the_other_end_still_sends_is_taken_and_not_answered_with_a_reset() {
    let mut party = Party::new();
    let mut stream = TcpStream::connect(party.addr())
        .await
        .expect("somebody listens");
    let (id, _, _) = party.opened().await;
    party.sockets.send_on(id, b"end".to_vec()).expect("taken");
    party.sockets.close_stream(id);
    let mut end = [0; 3];
    stream.read_exact(&mut end).await.expect("read");
    assert_eq!(stream.read(&mut end).await.expect("closed"), 0);
    // A moment later, in which a task that does not linger is gone.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    stream.write_all(b"late words").await.expect("written");
    stream.shutdown().await.expect("closed");
    assert_eq!(party.data(10).await, (id, b"late words".to_vec()));
    assert!(party.closed().await.1.is_none());
}

#[tokio::test]
async fn too_many_connections_are_not_taken() {
    let mut party = Party::with(|config| {
        config.streams.incoming_per_host = 1;
        config.streams.outgoing = 1;
    });
    let first = TcpStream::connect(party.addr())
        .await
        .expect("somebody listens");
    party.opened().await;
    let mut second = TcpStream::connect(party.addr())
        .await
        .expect("the system accepts");
    let closed = in_time(second.read(&mut [0; 1])).await;
    assert!(matches!(closed, Ok(0) | Err(_)), "{closed:?}");
    assert_eq!(party.sockets.stream_count(), 1);

    let quiet = TcpListener::bind(loopback(0)).await.expect("a free port");
    let other = TcpListener::bind(loopback(0)).await.expect("a free port");
    let to = |listener: &TcpListener| listener.local_addr().expect("bound");
    party
        .sockets
        .send_stream(to(&quiet), vec![1])
        .expect("taken");
    let refused = party.sockets.send_stream(to(&other), vec![1]);
    assert!(
        matches!(refused, Err(SendError::TooManyStreams)),
        "{refused:?}"
    );

    // A place that becomes free can be taken again.
    drop(first);
    loop {
        if let NetEvent::StreamClosed { .. } = party.event().await {
            break;
        }
    }
    let third = TcpStream::connect(party.addr())
        .await
        .expect("somebody listens");
    let third = third.local_addr().expect("connected");
    loop {
        if let NetEvent::StreamOpened { remote, .. } = party.event().await
            && remote == third
        {
            break;
        }
    }
}

#[tokio::test]
async fn an_end_that_does_not_read_fills_the_queue_and_is_closed() {
    let mut party = Party::with(|config| {
        config.streams.queued = 4;
        config.streams.stall = Duration::from_millis(200);
    });
    let mute = TcpListener::bind(loopback(0)).await.expect("a free port");
    let remote = mute.local_addr().expect("bound");
    let id = party
        .sockets
        .send_stream(remote, vec![0; 1_000])
        .expect("taken");
    party.opened().await;
    let _unread = mute.accept().await.expect("accepted");
    let mut taken = 0;
    let refused = loop {
        match party.sockets.send_on(id, vec![0; 1 << 20]) {
            Ok(()) => taken += 1,
            Err(refused) => break refused,
        }
        assert!(taken < 1_000, "the queue has no end");
        tokio::task::yield_now().await;
    };
    assert!(
        matches!(refused, SendError::QueueFull(addr) if addr == remote),
        "{refused:?}"
    );
    let (gone, error, unsent) = party.closed().await;
    assert_eq!(gone, id);
    assert!(matches!(error, Some(StreamError::Stalled)), "{error:?}");
    assert!((4..=6).contains(&unsent), "{unsent}");
}

#[tokio::test]
async fn a_reader_that_falls_behind_slows_the_stream_and_loses_nothing() {
    let mut party = Party::with(|config| config.events = 1);
    let mut stream = TcpStream::connect(party.addr())
        .await
        .expect("somebody listens");
    let sent: Vec<u8> = (0..200_000_u32).map(|number| number as u8).collect();
    let expected = sent.clone();
    let sending = tokio::spawn(async move { stream.write_all(&sent).await.map(|()| stream) });
    party.opened().await;
    assert_eq!(party.data(200_000).await.1, expected);
    sending.await.expect("no panic").expect("written");
}

#[tokio::test]
async fn shutting_down_sends_what_waits() {
    let (mut near, mut far) = (Party::new(), Party::new());
    let addr = near.addr();
    near.sockets
        .send_stream(far.addr(), b"goodbye".to_vec())
        .expect("taken");
    near.events.close();
    let Party { sockets, events } = near;
    drop(events);
    tokio::join!(sockets.shutdown(PATIENCE), async {
        far.opened().await;
        assert_eq!(far.data(7).await.1, b"goodbye");
        assert!(far.closed().await.1.is_none());
    });
    // The port is free again.
    assert!(Sockets::bind(&Config::on(addr)).is_ok());
}

#[tokio::test]
async fn dropping_the_sockets_closes_everything() {
    let near = Party::new();
    let mut far = Party::new();
    near.sockets
        .send_stream(far.addr(), b"1".to_vec())
        .expect("taken");
    far.opened().await;
    far.data(1).await;
    let Party {
        sockets,
        mut events,
    } = near;
    drop(sockets);
    far.closed().await;
    // With the last task the last sender of events goes.
    let drained = async { while events.recv().await.is_some() {} };
    in_time(drained).await;
}
