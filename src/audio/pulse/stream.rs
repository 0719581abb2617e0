//! One stream of sound: the thread that opens it carries it.

use std::ffi::CString;
use std::io;
use std::sync::Arc;

use pulseaudio::protocol::{
    ChannelMap, Command, CreatePlaybackStreamReply, CreateRecordStreamReply, DESCRIPTOR_SIZE,
    Descriptor, DescriptorFlags, PlaybackStreamParams, Prop, Props, RecordStreamParams,
    SampleFormat, SampleSpec, encode_descriptor,
    stream::{BufferAttr, StreamFlags},
};

use super::super::health::{Fault, Health};
use super::super::realtime::raise_current_thread;
use super::super::{
    CaptureCallback, CaptureReader, DeviceError, PlayoutCallback, PlayoutWriter, capture_ring,
    playout_ring,
};
use super::connection::{Connection, HangUp, Kind};
use crate::units::SampleRate;

/// What is asked for. The server resamples where its device runs at another rate.
const RATE: SampleRate = SampleRate::FULL;

/// Bytes of one sample: 32-bit floats.
const SAMPLE: usize = 4;

/// Bytes in 10 ms: what is moved in one go.
const BLOCK: u32 = 480 * SAMPLE as u32;

/// Samples written in one message at most: 100 ms.
const MAX_WRITTEN: usize = 4_800;

/// Ends a stream when it is dropped. Never waits: the thread sees its connection closed.
#[derive(Debug)]
pub(in super::super) struct Handle {
    _connection: HangUp,
}

/// A stream that the server has granted; [`Granted::carry`] does its work until it ends.
pub(in super::super) struct Granted<Callback> {
    connection: Connection,
    channel: u32,
    /// Bytes that the server wants at once.
    requested: u32,
    callback: Callback,
}

/// Asks for a microphone: this source, or whichever is the default at any time.
pub(in super::super) fn open_capture(
    mut connection: Connection,
    source: Option<&str>,
) -> Result<(Granted<CaptureCallback>, CaptureReader, Handle), DeviceError> {
    let params = RecordStreamParams {
        sample_spec: spec(),
        channel_map: ChannelMap::mono(),
        source_name: named(source)?,
        buffer_attr: BufferAttr {
            fragment_size: BLOCK,
            ..BufferAttr::default()
        },
        flags: StreamFlags {
            adjust_latency: true,
            ..StreamFlags::default()
        },
        props: role(),
        ..RecordStreamParams::default()
    };
    let reply: CreateRecordStreamReply = connection.ask(&Command::CreateRecordStream(params))?;
    tracing::debug!(granted = ?reply.buffer_attr, "microphone of the sound server");
    let (callback, reader) = capture_ring(RATE, 1);
    let granted = granted(connection, reply.channel, 0, callback)?;
    Ok((granted.0, reader, granted.1))
}

/// Asks for a speaker: this sink, or whichever is the default at any time.
pub(in super::super) fn open_playout(
    mut connection: Connection,
    sink: Option<&str>,
) -> Result<(Granted<PlayoutCallback>, PlayoutWriter, Handle), DeviceError> {
    let params = PlaybackStreamParams {
        sample_spec: spec(),
        channel_map: ChannelMap::mono(),
        sink_name: named(sink)?,
        buffer_attr: BufferAttr {
            // The whole way through the server: one block on its way while one is played.
            target_length: 2 * BLOCK,
            minimum_request_length: BLOCK,
            // After a hole it goes on as soon as there is a block.
            pre_buffering: BLOCK,
            ..BufferAttr::default()
        },
        flags: StreamFlags {
            adjust_latency: true,
            ..StreamFlags::default()
        },
        props: role(),
        ..PlaybackStreamParams::default()
    };
    let reply: CreatePlaybackStreamReply =
        connection.ask(&Command::CreatePlaybackStream(params))?;
    tracing::debug!(granted = ?reply.buffer_attr, "speaker of the sound server");
    let (callback, writer) = playout_ring(RATE, 1);
    let granted = granted(connection, reply.channel, reply.requested_bytes, callback)?;
    Ok((granted.0, writer, granted.1))
}

fn granted<Callback>(
    mut connection: Connection,
    channel: u32,
    requested: u32,
    callback: Callback,
) -> Result<(Granted<Callback>, Handle), DeviceError> {
    connection.wait_without_end()?;
    let handle = Handle {
        _connection: connection.hang_up_handle()?,
    };
    let granted = Granted {
        connection,
        channel,
        requested,
        callback,
    };
    Ok((granted, handle))
}

fn spec() -> SampleSpec {
    SampleSpec {
        format: SampleFormat::Float32Le,
        channels: 1,
        sample_rate: RATE.hz(),
    }
}

/// What mixers show, and what makes the desktop turn music down.
fn role() -> Props {
    let mut props = Props::new();
    props.set(Prop::MediaName, c"Ramal");
    props.set(Prop::MediaRole, c"phone");
    props
}

fn named(id: Option<&str>) -> Result<Option<CString>, DeviceError> {
    let name = id.map(CString::new).transpose();
    name.map_err(|_| DeviceError::Unsupported)
}

impl Granted<CaptureCallback> {
    /// Takes sound until the stream ends. Allocates nothing after its first block.
    pub(in super::super) fn carry(mut self) {
        raise_current_thread("microphone");
        let mut samples = Vec::with_capacity(MAX_WRITTEN);
        let health = self.callback.health();
        let ended = loop {
            match self.connection.read() {
                Ok(Kind::Sound(channel)) if channel == self.channel => {
                    samples.clear();
                    let (whole, _) = self.connection.payload().as_chunks::<SAMPLE>();
                    samples.extend(whole.iter().map(|bytes| f32::from_le_bytes(*bytes)));
                    self.callback.take(&samples);
                }
                Ok(Kind::Sound(_)) => {}
                Ok(Kind::Control) => match self.connection.command() {
                    Some(Command::RecordStreamKilled(channel)) if channel == self.channel => {
                        break None;
                    }
                    Some(Command::Overflow(_)) => health.report(Fault::Xrun),
                    _ => {}
                },
                Err(error) => break Some(error),
            }
        };
        end(&health, ended);
    }
}

impl Granted<PlayoutCallback> {
    /// Gives sound until the stream ends. Allocates nothing.
    pub(in super::super) fn carry(mut self) {
        raise_current_thread("speaker");
        let mut samples = vec![0.0; MAX_WRITTEN].into_boxed_slice();
        let mut message = Vec::with_capacity(DESCRIPTOR_SIZE + MAX_WRITTEN * SAMPLE);
        let health = self.callback.health();
        let mut wanted = self.requested as usize / SAMPLE;
        let ended = loop {
            if let Err(error) = self.give(&mut wanted, &mut samples, &mut message) {
                break Some(error);
            }
            match self.connection.read() {
                Ok(Kind::Sound(_)) => {}
                Ok(Kind::Control) => match self.connection.command() {
                    Some(Command::Request(request)) if request.channel == self.channel => {
                        wanted = wanted.saturating_add(request.length as usize / SAMPLE);
                    }
                    Some(Command::PlaybackStreamKilled(channel)) if channel == self.channel => {
                        break None;
                    }
                    Some(Command::Underflow(_)) => health.report(Fault::Xrun),
                    _ => {}
                },
                Err(error) => break Some(error),
            }
        };
        end(&health, ended);
    }

    /// Writes what is wanted.
    fn give(
        &mut self,
        wanted: &mut usize,
        samples: &mut [f32],
        message: &mut Vec<u8>,
    ) -> io::Result<()> {
        while *wanted > 0 {
            let block = &mut samples[..(*wanted).min(MAX_WRITTEN)];
            self.callback.fill(block);
            let mut head = [0; DESCRIPTOR_SIZE];
            let descriptor = Descriptor {
                length: u32::try_from(block.len() * SAMPLE).unwrap_or(0),
                channel: self.channel,
                offset: 0,
                flags: DescriptorFlags::empty(),
            };
            encode_descriptor(&mut head, &descriptor);
            message.clear();
            message.extend_from_slice(&head);
            message.extend(block.iter().flat_map(|sample| sample.to_le_bytes()));
            self.connection.write(message)?;
            *wanted -= block.len();
        }
        Ok(())
    }
}

/// Tells the media thread, which may be the one that has closed the connection.
fn end(health: &Arc<Health>, error: Option<io::Error>) {
    if let Some(error) = error {
        tracing::debug!("the sound server's stream ended: {error}");
    }
    health.report(Fault::Gone);
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::Shutdown;
    use std::os::unix::net::UnixStream;

    use pulseaudio::protocol::{
        AuthReply, Request, SetClientNameReply, read_descriptor, write_command_message,
        write_memblock, write_reply_message,
    };

    use super::*;

    const VERSION: u16 = 32;
    const CHANNEL: u32 = 5;

    /// A connection to a server that has said `all` by now, and what it is told.
    fn server(all: impl FnOnce(&mut UnixStream)) -> (Connection, UnixStream) {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let welcome = AuthReply {
            version: VERSION,
            ..AuthReply::default()
        };
        write_reply_message(&mut theirs, 0, &welcome, VERSION).unwrap();
        write_reply_message(
            &mut theirs,
            1,
            &SetClientNameReply { client_id: 0 },
            VERSION,
        )
        .unwrap();
        all(&mut theirs);
        (Connection::over(ours, &[]).unwrap(), theirs)
    }

    #[test]
    fn the_server_gets_as_much_as_it_asks_for_and_in_order() {
        let (connection, mut told) = server(|server| {
            let reply = CreatePlaybackStreamReply {
                channel: CHANNEL,
                requested_bytes: 2 * BLOCK,
                ..CreatePlaybackStreamReply::default()
            };
            write_reply_message(server, 2, &reply, VERSION).unwrap();
            let more = |channel, length| Command::Request(Request { channel, length });
            let (ours, others) = (more(CHANNEL, BLOCK), more(CHANNEL + 1, 2 * BLOCK));
            write_command_message(server, u32::MAX, &others, VERSION).unwrap();
            write_command_message(server, u32::MAX, &ours, VERSION).unwrap();
            server.shutdown(Shutdown::Write).unwrap();
        });
        let (stream, mut writer, handle) = open_playout(connection, None).unwrap();
        let sound: Vec<f32> = (0..3 * 480_u16)
            .map(f32::from)
            .map(|s| s / 2_000.0)
            .collect();
        assert_eq!(writer.write(&sound), sound.len());
        stream.carry();
        drop(handle);
        assert!(writer.health().is_gone());
        assert_eq!(writer.health().take_missed(), 0);

        let mut bytes = Vec::new();
        told.read_to_end(&mut bytes).unwrap();
        let mut bytes = bytes.as_slice();
        let mut heard = Vec::new();
        while let Ok(head) = read_descriptor(&mut bytes) {
            let (payload, rest) = bytes.split_at(head.length as usize);
            bytes = rest;
            if head.channel == CHANNEL {
                let (samples, _) = payload.as_chunks::<SAMPLE>();
                heard.extend(samples.iter().map(|sample| f32::from_le_bytes(*sample)));
            }
        }
        assert!(heard == sound, "{} samples", heard.len());
    }

    #[test]
    fn what_the_server_hears_is_taken_until_it_hangs_up() {
        let (connection, _told) = server(|server| {
            let reply = CreateRecordStreamReply {
                channel: CHANNEL,
                ..CreateRecordStreamReply::default()
            };
            write_reply_message(server, 2, &reply, VERSION).unwrap();
            for (channel, level) in [(CHANNEL, 0.25_f32), (CHANNEL + 1, 0.5), (CHANNEL, 0.75)] {
                let block: Vec<u8> = std::iter::repeat_n(level.to_le_bytes(), 480)
                    .flatten()
                    .collect();
                write_memblock(server, channel, &block, 0).unwrap();
            }
            // Half of a message.
            server.write_all(&[0; 9]).unwrap();
            server.shutdown(Shutdown::Write).unwrap();
        });
        let (stream, mut reader, _handle) = open_capture(connection, Some("desk")).unwrap();
        stream.carry();
        assert!(reader.health().is_gone());
        let mut sound = [0.0; 960];
        assert!(reader.read(&mut sound));
        assert!(sound[..480] == [0.25; 480] && sound[480..] == [0.75; 480]);
        assert_eq!(reader.available(), 0);
    }

    #[test]
    fn a_stream_that_is_dropped_ends() {
        let (connection, _told) = server(|server| {
            let reply = CreateRecordStreamReply::default();
            write_reply_message(server, 2, &reply, VERSION).unwrap();
        });
        let (stream, _reader, handle) = open_capture(connection, None).unwrap();
        drop(handle);
        // Comes back, though the server has not hung up.
        stream.carry();
    }
}
