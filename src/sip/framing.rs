//! Messages in a stream (RFC 3261 section 18.3) and the keep-alives between them (RFC 5626
//! section 4.4.1).

use super::header::Headers;
use super::header_name::HeaderName;
use super::lexer;
use super::parser::{
    ParseError, ParseErrorKind, Parsed, parse_datagram, read_stream_head, reply_to,
};

/// How much one message of a stream may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FramingLimits {
    /// Start line and headers, in bytes.
    pub head: usize,
    /// Body, in bytes.
    pub body: usize,
}

impl Default for FramingLimits {
    /// As much as a datagram can hold for the head, and four times that for a body: the list of
    /// a large group's presence.
    fn default() -> FramingLimits {
        FramingLimits {
            head: 64 * 1024,
            body: 256 * 1024,
        }
    }
}

/// Cuts a stream into messages.
///
/// Strict, since two readers who disagree about where a message ends can be made to see different
/// messages: Content-Length must be there, once and as a number. After [`Frame::Broken`] there is
/// nothing more to be had; the connection is to be closed.
///
/// Give it what was received with [`push`](Self::push) and take frames with [`next`](Self::next)
/// until there are none, before giving it more.
#[derive(Debug)]
pub struct StreamFramer {
    limits: FramingLimits,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that are done with.
    taken: usize,
    /// Bytes behind `taken` in which no end of the headers begins.
    scanned: usize,
    /// Length of the message behind `taken`, once its head has been read.
    whole: Option<usize>,
    /// The start line behind `taken` is one of SIP.
    recognized: bool,
    /// The last frame was a pong that may have been the first half of a ping.
    half_ping: bool,
    pong_awaited: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// To be told once.
    Breaking(FramingError),
    Closed,
}

/// What comes out of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "the message is the usual case")]
pub enum Frame {
    /// One whole message, or one whose end is known and which cannot be used.
    Message(Result<Parsed, ParseError>),
    /// CRLF CRLF: to be answered with CRLF.
    Ping,
    /// CRLF: the answer to a ping.
    Pong,
    /// The stream makes no sense any more; the connection is to be closed.
    Broken(FramingError),
}

/// Why a stream makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FramingError {
    /// What begins is no SIP message.
    #[error("not SIP")]
    NotSip,
    /// The headers do not end within the limit.
    #[error("the headers are too long")]
    HeadTooLong,
    /// Content-Length is missing, unreadable, or said twice with different values.
    #[error("no usable Content-Length")]
    ContentLength,
    /// The body is longer than the limit.
    #[error("the body is too long")]
    BodyTooLong,
    /// More was pushed than one message can hold, without frames being taken.
    #[error("too many bytes at once")]
    Overrun,
}

/// What may be pushed beyond one whole message before frames are taken.
const SLACK: usize = 256 * 1024;

impl StreamFramer {
    /// A framer for a new connection.
    #[must_use]
    pub const fn new(limits: FramingLimits) -> StreamFramer {
        StreamFramer {
            limits,
            buffer: Vec::new(),
            taken: 0,
            scanned: 0,
            whole: None,
            recognized: false,
            half_ping: false,
            pong_awaited: false,
            state: State::Open,
        }
    }

    /// Takes what was received.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.state != State::Open {
            return;
        }
        self.buffer.drain(..self.taken);
        self.taken = 0;
        if self.buffer.len() + bytes.len() > self.limits.head + self.limits.body + SLACK {
            self.fail(FramingError::Overrun);
            return;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Says that a ping was sent, so that the next lone CRLF is its answer. Without that, a CRLF
    /// after a CRLF is taken for the second half of a ping that came in two pieces.
    pub const fn await_pong(&mut self) {
        self.pong_awaited = true;
    }

    /// The next frame; `None` until more is pushed.
    #[expect(
        clippy::should_implement_trait,
        reason = "it has no end that an iterator could tell"
    )]
    pub fn next(&mut self) -> Option<Frame> {
        match self.state {
            State::Open => {}
            State::Breaking(error) => {
                self.state = State::Closed;
                return Some(Frame::Broken(error));
            }
            State::Closed => return None,
        }
        if self.scanned == 0
            && self.whole.is_none()
            && let Some(keep_alive) = self.keep_alive()
        {
            return Some(keep_alive);
        }
        match self.message() {
            Ok(frame) => frame,
            Err(error) => {
                self.fail(error);
                self.next()
            }
        }
    }

    /// A keep-alive at the beginning of what is left. Single line feeds are skipped.
    fn keep_alive(&mut self) -> Option<Frame> {
        loop {
            match &self.buffer[self.taken..] {
                [b'\r', b'\n', b'\r', b'\n', ..] if !self.half_ping && !self.pong_awaited => {
                    self.taken += 4;
                    return Some(Frame::Ping);
                }
                [b'\r', b'\n', ..] => {
                    self.taken += 2;
                    if self.half_ping {
                        self.half_ping = false;
                        return Some(Frame::Ping);
                    }
                    self.half_ping = !self.pong_awaited;
                    self.pong_awaited = false;
                    return Some(Frame::Pong);
                }
                [b'\n', ..] => self.taken += 1,
                _ => return None,
            }
        }
    }

    fn message(&mut self) -> Result<Option<Frame>, FramingError> {
        let rest = &self.buffer[self.taken..];
        let whole = match self.whole {
            Some(whole) => whole,
            None if rest.is_empty() || rest == b"\r" => return Ok(None),
            None => match self.read_head()? {
                Head::Incomplete => return Ok(None),
                Head::Refused(frame) => return Ok(Some(frame)),
                Head::Whole(whole) => *self.whole.insert(whole),
            },
        };
        let Some(message) = self.buffer[self.taken..].get(..whole) else {
            return Ok(None);
        };
        let parsed = parse_datagram(message);
        self.taken += whole;
        self.scanned = 0;
        self.whole = None;
        self.recognized = false;
        Ok(Some(Frame::Message(parsed)))
    }

    fn read_head(&mut self) -> Result<Head, FramingError> {
        let rest = &self.buffer[self.taken..];
        self.half_ping = false;
        if !self.recognized {
            self.recognized = recognize(rest, self.limits.head)?;
        }
        let Some(head) = head_end(rest, self.scanned) else {
            if rest.len() > self.limits.head {
                return Err(FramingError::HeadTooLong);
            }
            // The end may begin in the last three bytes.
            self.scanned = rest.len().saturating_sub(3);
            return Ok(Head::Incomplete);
        };
        if head > self.limits.head {
            return Err(FramingError::HeadTooLong);
        }
        let (method, headers) = read_stream_head(&rest[..head]);
        let (kind, broken) = match stream_length(&headers) {
            Some(length) if length <= self.limits.body => return Ok(Head::Whole(head + length)),
            Some(_) => (ParseErrorKind::BodyTooLong, FramingError::BodyTooLong),
            None => (ParseErrorKind::ContentLength, FramingError::ContentLength),
        };
        let reply = method.and_then(|method| reply_to(&kind, &method, &headers));
        self.fail(broken);
        Ok(Head::Refused(Frame::Message(Err(ParseError {
            kind,
            reply,
        }))))
    }

    fn fail(&mut self, error: FramingError) {
        self.state = State::Breaking(error);
        self.buffer = Vec::new();
        self.taken = 0;
    }
}

/// What the head of a message tells about its end.
#[expect(clippy::large_enum_variant, reason = "it lives for a moment only")]
enum Head {
    Incomplete,
    /// Bytes of head and body together.
    Whole(usize),
    /// The stream is broken, and this is what its sender is told.
    Refused(Frame),
}

/// Whether the first line, as far as it has come, can be one of SIP.
fn recognize(bytes: &[u8], limit: usize) -> Result<bool, FramingError> {
    let Some(end) = bytes.iter().position(|&b| b == b'\n') else {
        let begins = bytes
            .first()
            .is_some_and(|&b| lexer::is_token_char(char::from(b)));
        return match begins {
            true if bytes.len() <= limit => Ok(false),
            true => Err(FramingError::HeadTooLong),
            false => Err(FramingError::NotSip),
        };
    };
    let line = bytes[..end].to_ascii_uppercase();
    if line.starts_with(b"SIP/") || line.windows(5).any(|word| word == b" SIP/") {
        Ok(true)
    } else {
        Err(FramingError::NotSip)
    }
}

/// Where the headers end, the empty line included. Looks from `from` on.
fn head_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(feed) = bytes.get(at..)?.iter().position(|&b| b == b'\n') {
        at += feed + 1;
        match &bytes[at..] {
            [b'\n', ..] => return Some(at + 1),
            [b'\r', b'\n', ..] => return Some(at + 2),
            _ => {}
        }
    }
    None
}

/// The one length that all Content-Length headers say.
fn stream_length(headers: &Headers) -> Option<usize> {
    let mut values = headers
        .get_all(&HeaderName::CONTENT_LENGTH)
        .map(lexer::digits);
    let first = values.next()??;
    if values.any(|value| value != Some(first)) {
        return None;
    }
    usize::try_from(first).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::{Message, StatusCode};

    fn framer() -> StreamFramer {
        StreamFramer::new(FramingLimits::default())
    }

    fn options(call: &str, body: &str) -> String {
        format!(
            "OPTIONS sip:a@h SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK{call}\r\n\
             From: <sip:b@h>;tag=1\r\nTo: <sip:a@h>\r\nCall-ID: {call}\r\nCSeq: 1 OPTIONS\r\n\
             Max-Forwards: 70\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// All frames, a message as its Call-ID and body.
    fn frames(framer: &mut StreamFramer) -> Vec<String> {
        let mut told = Vec::new();
        while let Some(frame) = framer.next() {
            told.push(match frame {
                Frame::Message(Ok(Parsed {
                    message: Message::Request(request),
                    defects,
                })) => {
                    assert_eq!(defects, []);
                    let body = String::from_utf8_lossy(&request.body);
                    format!("{} {body}", request.headers.call_id().unwrap())
                }
                Frame::Message(Ok(_)) => "response".to_owned(),
                Frame::Message(Err(error)) => {
                    let status = error.reply.map(|reply| reply.status.code());
                    format!("{} {status:?}", error.kind.as_str())
                }
                Frame::Ping => "ping".to_owned(),
                Frame::Pong => "pong".to_owned(),
                Frame::Broken(error) => format!("broken {error:?}"),
            });
        }
        told
    }

    #[test]
    fn several_messages_in_one_read_are_several() {
        let mut framer = framer();
        let stream = [
            options("one", "x\r\n\r\ny"),
            options("two", ""),
            options("three", "z"),
        ];
        framer.push(stream.concat().as_bytes());
        assert_eq!(frames(&mut framer), ["one x\r\n\r\ny", "two ", "three z"]);
    }

    #[test]
    fn a_message_in_many_reads_is_one() {
        let stream = format!("{}\r\n\r\n{}", options("one", "body"), options("two", "b"));
        for size in [1, 2, 3, 7, 100] {
            let mut framer = framer();
            let mut told = Vec::new();
            for piece in stream.as_bytes().chunks(size) {
                framer.push(piece);
                told.extend(frames(&mut framer));
            }
            told.retain(|frame| frame != "pong");
            assert_eq!(told, ["one body", "ping", "two b"], "in pieces of {size}");
        }
    }

    #[test]
    fn keep_alives_are_told_apart() {
        let mut framer = framer();
        framer.push(b"\r\n\r\n");
        assert_eq!(frames(&mut framer), ["ping"]);
        framer.push(b"\r\n");
        assert_eq!(frames(&mut framer), ["pong"]);
    }

    #[test]
    fn a_ping_in_two_pieces_is_answered() {
        let mut framer = framer();
        framer.push(b"\r\n");
        assert_eq!(frames(&mut framer), ["pong"]);
        framer.push(b"\r\n");
        assert_eq!(frames(&mut framer), ["ping"]);
    }

    #[test]
    fn answers_to_our_pings_are_no_pings() {
        let mut framer = framer();
        for _ in 0..3 {
            framer.await_pong();
            framer.push(b"\r\n");
            assert_eq!(frames(&mut framer), ["pong"]);
        }
        framer.push(options("one", "").as_bytes());
        assert_eq!(frames(&mut framer), ["one "]);
    }

    #[test]
    fn without_a_length_the_request_is_refused_and_the_stream_broken() {
        for (from, to) in [
            ("Content-Length: 2\r\n", ""),
            ("Content-Length: 2", "Content-Length: -2"),
            ("Content-Length: 2", "Content-Length: 2\r\nl: 1"),
            ("Content-Length: 2", "Content-Length: 2, 2"),
        ] {
            let text = options("one", "xy").replace(from, to);
            let mut framer = framer();
            framer.push(text.as_bytes());
            framer.push(options("two", "").as_bytes());
            assert_eq!(
                frames(&mut framer),
                ["content-length Some(400)", "broken ContentLength"]
            );
            framer.push(options("three", "").as_bytes());
            assert_eq!(framer.next(), None);
        }
    }

    #[test]
    fn the_same_length_said_twice_is_one() {
        let text = options("one", "xy").replace("Content-Length: 2", "Content-Length: 2\r\nl: 2");
        let mut framer = framer();
        framer.push(text.as_bytes());
        assert!(matches!(framer.next(), Some(Frame::Message(Ok(_)))));
    }

    #[test]
    fn a_faulty_message_of_known_length_does_not_break_the_stream() {
        let bad = options("one", "xy").replace("SIP/2.0\r\nVia", "SIP/7.0\r\nVia");
        let mut framer = framer();
        framer.push(bad.as_bytes());
        framer.push(options("two", "").as_bytes());
        assert_eq!(frames(&mut framer), ["version Some(505)", "two "]);
    }

    #[test]
    fn what_is_not_sip_is_seen_at_once() {
        for bytes in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"\x16\x03\x01\x02",
            b"\0",
            b" x",
        ] {
            let mut framer = framer();
            framer.push(bytes);
            assert_eq!(frames(&mut framer), ["broken NotSip"]);
        }
    }

    #[test]
    fn nothing_grows_without_end() {
        let mut endless_line = framer();
        let mut endless_head = framer();
        endless_head.push(b"OPTIONS sip:a@h SIP/2.0\r\n");
        for _ in 0..70 {
            endless_line.push(&[b'A'; 1024]);
            endless_head.push(&[&[b'a'; 1000][..], b": x\r\n"].concat());
            let open = |framer: &mut StreamFramer| framer.next().is_none();
            if !open(&mut endless_line) || !open(&mut endless_head) {
                break;
            }
        }
        assert_eq!(endless_line.state, State::Closed);
        endless_head.push(&[b'a'; 8192]);
        assert_eq!(frames(&mut endless_head), ["broken HeadTooLong"]);

        let large = options("one", "").replace("Content-Length: 0", "Content-Length: 300000");
        let mut framer = framer();
        framer.push(large.as_bytes());
        assert_eq!(
            frames(&mut framer),
            ["body-too-long Some(513)", "broken BodyTooLong"]
        );

        let mut unread = self::framer();
        for _ in 0..1000 {
            unread.push(&[b'A'; 1024]);
        }
        assert_eq!(unread.next(), Some(Frame::Broken(FramingError::Overrun)));
        assert_eq!(unread.buffer.capacity(), 0);
    }

    #[test]
    fn an_answer_to_an_unusable_message_says_bad_request() {
        let mut framer = framer();
        framer.push(
            options("one", "")
                .replace("Call-ID: one\r\n", "")
                .as_bytes(),
        );
        let Some(Frame::Message(Err(error))) = framer.next() else {
            panic!("usable")
        };
        assert_eq!(error.reply.unwrap().status, StatusCode::BAD_REQUEST);
    }
}
