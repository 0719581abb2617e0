//! A connection to the sound server: questions, answers, and what the server says by itself.

use std::ffi::CString;
use std::io::{self, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use pulseaudio::protocol::{
    self, AuthParams, AuthReply, Command, CommandReply, Descriptor, Prop, Props, ProtocolError,
    PulseError, SetClientNameReply,
};

use super::super::DeviceError;

/// Bytes of the server's cookie. An introduction with more or less of it is no introduction, also
/// where nobody looks at what it is.
const COOKIE: usize = 256;

/// How long the server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// More than any answer is long, and what a message may ask of our memory.
const MAX_MESSAGE: usize = 4 * 1024 * 1024;

/// Enough for a few blocks of sound; a longer message is read past it.
const BUFFER: usize = 8 * 1024;

/// A connection that has introduced itself.
#[derive(Debug)]
pub(in super::super) struct Connection {
    reader: BufReader<UnixStream>,
    version: u16,
    next_seq: u32,
    /// The last message, with its descriptor before it.
    message: Vec<u8>,
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A command or an answer.
    Control,
    /// Sound of this stream.
    Sound(u32),
}

impl Connection {
    /// Connects to this person's server.
    ///
    /// # Errors
    ///
    /// [`DeviceError::None`] where none runs.
    pub(in super::super) fn open() -> Result<Connection, DeviceError> {
        let path = socket().ok_or(DeviceError::None)?;
        let socket = UnixStream::connect(path).map_err(no_server)?;
        Connection::over(socket, &cookie().unwrap_or_default())
    }

    /// Introduces itself over a socket that is connected.
    pub(super) fn over(socket: UnixStream, known: &[u8]) -> Result<Connection, DeviceError> {
        socket.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        socket.set_write_timeout(Some(PATIENCE)).map_err(failed)?;
        let mut connection = Connection {
            reader: BufReader::with_capacity(BUFFER, socket),
            version: protocol::MAX_VERSION,
            next_seq: 0,
            message: Vec::with_capacity(BUFFER),
        };
        let mut cookie = known.to_vec();
        cookie.resize(COOKIE, 0);
        let auth = AuthParams {
            version: protocol::MAX_VERSION,
            // Sound comes through the socket: at 100 KB/s memory need not be shared.
            supports_shm: false,
            supports_memfd: false,
            cookie,
        };
        let server: AuthReply = connection.ask(&Command::Auth(auth))?;
        connection.version = server.version.min(protocol::MAX_VERSION);
        let mut props = Props::new();
        props.set(Prop::ApplicationName, c"Ramal");
        props.set(Prop::ApplicationIconName, c"ramal");
        if let Ok(pid) = CString::new(std::process::id().to_string()) {
            props.set(Prop::ApplicationProcessId, pid);
        }
        let _: SetClientNameReply = connection.ask(&Command::SetClientName(props))?;
        Ok(connection)
    }

    /// Asks a question and waits for its answer.
    pub(super) fn ask<R: CommandReply>(&mut self, question: &Command) -> Result<R, DeviceError> {
        let seq = self.say(question)?;
        self.await_answer(seq)?;
        let mut message = self.message.as_slice();
        let (_, answer) =
            protocol::read_reply_message(&mut message, self.version).map_err(refused)?;
        Ok(answer)
    }

    /// Asks for something to which the answer is that it was done.
    pub(super) fn order(&mut self, order: &Command) -> Result<(), DeviceError> {
        let seq = self.say(order)?;
        self.await_answer(seq)?;
        protocol::read_ack_message(&mut self.message.as_slice()).map_err(refused)?;
        Ok(())
    }

    fn say(&mut self, command: &Command) -> Result<u32, DeviceError> {
        let seq = self.next_seq;
        self.next_seq += 1;
        let mut bytes = Vec::new();
        protocol::encode_command_message(&mut bytes, seq, command, self.version)
            .map_err(refused)?;
        self.write(&bytes).map_err(failed)?;
        Ok(seq)
    }

    /// Reads until the answer with this number; what the server says by itself is passed over.
    fn await_answer(&mut self, wanted: u32) -> Result<(), DeviceError> {
        loop {
            let kind = self.read().map_err(failed)?;
            // Tag, command, tag, number: see `pa_pdispatch_run`.
            if kind == Kind::Control
                && self.number_at(0).is_some_and(is_answer)
                && self.number_at(1) == Some(wanted)
            {
                return Ok(());
            }
        }
    }

    /// The `index`-th of the numbers that begin a command.
    fn number_at(&self, index: usize) -> Option<u32> {
        let at = protocol::DESCRIPTOR_SIZE + 5 * index + 1;
        let bytes = self.message.get(at..at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    }

    /// Waits for the next message. Allocates nothing once its longest one has come.
    pub(super) fn read(&mut self) -> io::Result<Kind> {
        let mut head = [0; protocol::DESCRIPTOR_SIZE];
        self.reader.read_exact(&mut head)?;
        let Descriptor {
            length, channel, ..
        } = protocol::read_descriptor(&mut head.as_slice()).map_err(io::Error::other)?;
        let length = length as usize;
        if length > MAX_MESSAGE {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.message.clear();
        self.message.extend_from_slice(&head);
        self.message.resize(head.len() + length, 0);
        self.reader.read_exact(&mut self.message[head.len()..])?;
        Ok(if channel == u32::MAX {
            Kind::Control
        } else {
            Kind::Sound(channel)
        })
    }

    /// What the last message carries.
    pub(super) fn payload(&self) -> &[u8] {
        self.message
            .get(protocol::DESCRIPTOR_SIZE..)
            .unwrap_or_default()
    }

    /// The last message as a command, if it is one that is known.
    pub(super) fn command(&self) -> Option<Command> {
        let (_, command) = Command::read_tag_prefixed(&mut self.payload(), self.version).ok()?;
        Some(command)
    }

    /// Sends bytes that are a message already.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes)
    }

    /// From here on the server may be silent for as long as it likes.
    pub(super) fn wait_without_end(&mut self) -> Result<(), DeviceError> {
        let socket = self.reader.get_ref();
        socket.set_read_timeout(None).map_err(failed)
    }

    /// Reads give up after so long.
    pub(super) fn wait_at_most(&mut self, patience: Duration) -> Result<(), DeviceError> {
        let socket = self.reader.get_ref();
        socket.set_read_timeout(Some(patience)).map_err(failed)
    }

    /// Ends whatever waits in this connection, from any thread.
    pub(in super::super) fn hang_up_handle(&self) -> Result<HangUp, DeviceError> {
        let socket = self.reader.get_ref().try_clone().map_err(failed)?;
        Ok(HangUp(socket))
    }
}

/// Closes a connection when it is dropped. Never waits.
#[derive(Debug)]
pub(in super::super) struct HangUp(UnixStream);

impl Drop for HangUp {
    fn drop(&mut self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

fn is_answer(command: u32) -> bool {
    use protocol::CommandTag;
    command == CommandTag::Reply as u32 || command == CommandTag::Error as u32
}

/// Whether a server listens. Cheap: nothing is said to it.
pub(in super::super) fn is_there() -> bool {
    socket().is_some_and(|path| UnixStream::connect(path).is_ok())
}

/// Where the server listens: what `PULSE_SERVER` says, or its usual places.
fn socket() -> Option<PathBuf> {
    let named = std::env::var("PULSE_SERVER").unwrap_or_default();
    if !named.is_empty() {
        return named.split_whitespace().find_map(local);
    }
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let places = [
        folder("PULSE_RUNTIME_PATH").map(|folder| folder.join("native")),
        folder("XDG_RUNTIME_DIR").map(|folder| folder.join("pulse/native")),
    ];
    places.into_iter().flatten().find(|path| path.exists())
}

/// The path in one word of `PULSE_SERVER`: `{machine}unix:/path`, `unix:/path` or `/path`.
fn local(word: &str) -> Option<PathBuf> {
    let address = match word.strip_prefix('{') {
        Some(rest) => rest.split_once('}')?.1,
        None => word,
    };
    let path = address.strip_prefix("unix:").unwrap_or(address);
    path.starts_with('/').then(|| PathBuf::from(path))
}

/// What the server knows its owner by. Without one it may still let us in as the same user.
fn cookie() -> Option<Vec<u8>> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let config = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(home.as_ref()?.join(".config")));
    let places = [
        std::env::var_os("PULSE_COOKIE").map(PathBuf::from),
        config.map(|folder| folder.join("pulse/cookie")),
        home.map(|folder| folder.join(".pulse-cookie")),
    ];
    places
        .into_iter()
        .flatten()
        .find_map(|path| std::fs::read(path).ok())
}

fn no_server(error: io::Error) -> DeviceError {
    match error.kind() {
        io::ErrorKind::PermissionDenied => DeviceError::PermissionDenied,
        // A socket that nobody listens at is what a killed server leaves behind.
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => DeviceError::None,
        _ => failed(error),
    }
}

fn failed(source: io::Error) -> DeviceError {
    match source.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => DeviceError::TimedOut,
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionReset => DeviceError::None,
        _ => DeviceError::Server { source },
    }
}

fn refused(error: ProtocolError) -> DeviceError {
    match error {
        ProtocolError::ServerError(PulseError::NoEntity) => DeviceError::None,
        ProtocolError::ServerError(PulseError::Busy) => DeviceError::Busy,
        ProtocolError::ServerError(PulseError::AccessDenied | PulseError::AuthKey) => {
            DeviceError::PermissionDenied
        }
        ProtocolError::ServerError(PulseError::NotSupported) => DeviceError::Unsupported,
        other => DeviceError::Server {
            source: io::Error::other(other),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_this_machine_is_found_in_what_the_environment_says() {
        let path = |word| local(word).map(|path| path.to_string_lossy().into_owned());
        assert_eq!(path("unix:/run/p/native").as_deref(), Some("/run/p/native"));
        assert_eq!(path("/run/p/native").as_deref(), Some("/run/p/native"));
        assert_eq!(path("{a1b2}unix:/tmp/n").as_deref(), Some("/tmp/n"));
        assert_eq!(path("tcp:10.0.0.1:4713"), None);
        assert_eq!(path("{a1b2"), None);
    }

    /// Connects to a server that says `bytes` and hangs up.
    fn meets(bytes: &[u8]) -> Result<Connection, DeviceError> {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(bytes).unwrap();
        theirs.shutdown(Shutdown::Write).unwrap();
        Connection::over(ours, &[])
    }

    #[test]
    fn who_has_no_cookie_introduces_itself_all_the_same() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        theirs.shutdown(Shutdown::Write).unwrap();
        assert!(Connection::over(ours, b"short").is_err());
        let mut told = BufReader::new(theirs);
        let (_, said) = protocol::read_command_message(&mut told, 13).unwrap();
        let Command::Auth(auth) = said else {
            panic!("{said:?}");
        };
        assert_eq!(auth.cookie.len(), 256);
        assert!(auth.cookie.starts_with(b"short"));
    }

    #[test]
    fn a_server_that_hangs_up_is_no_server() {
        assert!(matches!(meets(&[]), Err(DeviceError::None)));
        assert!(matches!(meets(&[0; 7]), Err(DeviceError::None)));
    }

    #[test]
    fn a_message_longer_than_any_is_refused_before_room_is_made_for_it() {
        let mut head = [0; protocol::DESCRIPTOR_SIZE];
        head[..8].fill(0xff);
        assert!(matches!(meets(&head), Err(DeviceError::Server { .. })));
    }

    #[test]
    fn what_the_server_says_by_itself_is_passed_over_for_the_answer() {
        let mut bytes = Vec::new();
        protocol::write_command_message(&mut bytes, 0, &Command::Started(3), 13).unwrap();
        protocol::write_error(&mut bytes, 0, &PulseError::AccessDenied).unwrap();
        assert!(matches!(meets(&bytes), Err(DeviceError::PermissionDenied)));
    }
}
