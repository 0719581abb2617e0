//! What goes over the loopback interface, as somebody on the way would see it.

use socket2::{Domain, Protocol, Socket, Type};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// `ETH_P_IP`, in network byte order.
const IPV4: i32 = 0x0008;

/// Datagrams kept: a minute of a call has 6,000.
const MOST: usize = 60_000;

/// A UDP datagram over IPv4.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) from: u16,
    pub(crate) to: u16,
    pub(crate) bytes: Vec<u8>,
}

/// Listens until it is asked what there was.
pub(crate) struct Wire {
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<Vec<Seen>>>,
}

impl Wire {
    /// `None` where that is not allowed: it takes the administrator, or `CAP_NET_RAW`.
    pub(crate) fn listen() -> Option<Wire> {
        let socket = Socket::new(Domain::PACKET, Type::DGRAM, Some(Protocol::from(IPV4)));
        let mut socket = match socket {
            Ok(socket) => socket,
            Err(error) => {
                assert!(std::env::var_os("CI").is_none(), "no packets: {error}");
                println!("PASSED OVER, what is on the wire cannot be seen: {error}");
                return None;
            }
        };
        // Other tests talk too: room for what comes while this thread waits its turn.
        let _ = socket.set_recv_buffer_size(8 << 20);
        let patience = Some(Duration::from_millis(50));
        socket.set_read_timeout(patience).expect("sockets can wait");
        let ends = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ends);
        let thread = std::thread::spawn(move || {
            let mut seen = Vec::new();
            let mut packet = [0; 2_048];
            while !told.load(Ordering::Relaxed) && seen.len() < MOST {
                match socket.read(&mut packet) {
                    Ok(length) => seen.extend(udp(&packet[..length])),
                    Err(error)
                        if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                    Err(error) => panic!("packets cannot be read: {error}"),
                }
            }
            seen
        });
        Some(Wire {
            ends,
            thread: Some(thread),
        })
    }

    /// All that was seen.
    pub(crate) fn end(mut self) -> Vec<Seen> {
        self.ends.store(true, Ordering::Relaxed);
        let thread = self.thread.take().expect("ended once");
        thread.join().expect("the thread that listens")
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
    }
}

fn udp(packet: &[u8]) -> Option<Seen> {
    let header = usize::from(packet.first()? & 0x0f) * 4;
    (*packet.get(9)? == 17).then_some(())?;
    let udp = packet.get(header..)?;
    let number = |at: usize| Some(u16::from_be_bytes([*udp.get(at)?, *udp.get(at + 1)?]));
    Some(Seen {
        from: number(0)?,
        to: number(2)?,
        bytes: udp.get(8..usize::from(number(4)?))?.to_vec(),
    })
}

/// Which way a voice goes, by the ports of one of the two.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    From,
    To,
}

/// What somebody would hear who plays the packets of one way for what they say they are: A-law, 20
/// ms each. Gives the file, and how many packets there were.
pub(crate) fn overheard(
    seen: &[Seen],
    ports: &RangeInclusive<u16>,
    way: Way,
    file: &Path,
) -> (PathBuf, usize) {
    // The loopback interface shows each twice: as it leaves and as it comes.
    let mut packets: BTreeMap<u16, &[u8]> = BTreeMap::new();
    for datagram in seen {
        let port = match way {
            Way::From => datagram.from,
            Way::To => datagram.to,
        };
        let bytes = &datagram.bytes;
        if ports.contains(&port) && bytes.len() >= 172 && bytes[0] == 0x80 && bytes[1] & 0x7f == 8 {
            let sequence = u16::from_be_bytes([bytes[2], bytes[3]]);
            packets.insert(sequence, &bytes[12..172]);
        }
    }
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(file, spec).expect("the folder is there");
    for octet in packets.values().flat_map(|payload| payload.iter()) {
        writer.write_sample(linear(*octet)).expect("there is room");
    }
    writer.finalize().expect("there is room");
    (file.to_owned(), packets.len())
}

/// A-law (G.711) to 16 bits.
fn linear(octet: u8) -> i16 {
    let octet = octet ^ 0x55;
    let (exponent, mantissa) = (octet >> 4 & 7, i16::from(octet & 15));
    let magnitude = match exponent {
        0 => (mantissa << 4) + 8,
        _ => ((mantissa << 4) + 0x108) << (exponent - 1),
    };
    if octet & 0x80 == 0 {
        -magnitude
    } else {
        magnitude
    }
}
