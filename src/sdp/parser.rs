//! Reads a body and says what is wrong with it.
//!
//! Nothing is refused but size and what is no SDP at all: a phone that hangs up over a missing `t=`
//! line is no phone. Defects are for `ramal inspect` and the log.

use super::attributes::RtpMap;
use super::description::{ConnectionHost, Line, MediaDescription, Origin, SessionDescription};

/// Longest body that is read, in bytes: what one UDP datagram can carry.
pub const MAX_BODY: usize = 65_535;
/// Longest line that is read, in bytes.
pub const MAX_LINE: usize = 4_096;
/// Most lines that are read. A browser offering audio and video writes about 150.
pub const MAX_LINES: usize = 1_024;
/// Most defects that are told; a broken line can have several.
const MAX_DEFECTS: usize = 128;

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The description, complete.
    pub description: SessionDescription,
    /// What RFC 8866 would have had otherwise.
    pub defects: Vec<Defect>,
}

/// Something that RFC 8866 forbids and that was forgiven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defect {
    /// What is wrong.
    pub kind: DefectKind,
    /// The line it is on, from 1, blank lines counted; `None` when it is about a line that is not
    /// there.
    pub line: Option<usize>,
}

/// The ways in which bodies are wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DefectKind {
    /// A line ends with LF or CR alone. Told once.
    BareLineEnd,
    /// The last line has no end.
    UnendedLine,
    /// A line with nothing on it.
    BlankLine,
    /// A line that is not of the form `x=value`.
    NotALine,
    /// Blanks around the type, before the value or after it.
    StrayBlanks,
    /// Bytes that are no UTF-8, without `a=charset`.
    NotUtf8,
    /// `v=` is missing or not first.
    MissingVersion,
    /// `v=` says something else than 0.
    OtherVersion,
    /// No `o=` line.
    MissingOrigin,
    /// `o=` cannot be read.
    UnreadableOrigin,
    /// No `s=` line.
    MissingSessionName,
    /// No `t=` line.
    MissingTiming,
    /// An audio stream for which neither media nor session have a `c=` line.
    MissingConnection,
    /// `c=` cannot be read.
    UnreadableConnection,
    /// `m=` lacks a field or its port is no port.
    UnreadableMedia,
    /// `a=rtpmap` cannot be read.
    UnreadableRtpMap,
}

impl DefectKind {
    /// The section that is offended.
    #[must_use]
    pub const fn section(self) -> &'static str {
        match self {
            DefectKind::BareLineEnd
            | DefectKind::UnendedLine
            | DefectKind::BlankLine
            | DefectKind::NotALine
            | DefectKind::StrayBlanks => "RFC 8866 5",
            DefectKind::NotUtf8 => "RFC 8866 4.5",
            DefectKind::MissingVersion | DefectKind::OtherVersion => "RFC 8866 5.1",
            DefectKind::MissingOrigin | DefectKind::UnreadableOrigin => "RFC 8866 5.2",
            DefectKind::MissingSessionName => "RFC 8866 5.3",
            DefectKind::MissingConnection | DefectKind::UnreadableConnection => "RFC 8866 5.7",
            DefectKind::MissingTiming => "RFC 8866 5.9",
            DefectKind::UnreadableMedia => "RFC 8866 5.14",
            DefectKind::UnreadableRtpMap => "RFC 8866 6.6",
        }
    }
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Longer than [`MAX_BODY`].
    #[error("the body has {0} bytes")]
    BodyTooLong(usize),
    /// A line longer than [`MAX_LINE`].
    #[error("line {0} is too long")]
    LineTooLong(usize),
    /// More than [`MAX_LINES`].
    #[error("the body has too many lines")]
    TooManyLines,
    /// Neither `v=` nor `m=` in it.
    #[error("the body is no session description")]
    NotSdp,
}

/// Reads a body. Lines may end with CR LF, LF or CR.
///
/// # Errors
/// When the body is larger than the limits of this module or is no SDP.
pub fn parse(body: &[u8]) -> Result<Parsed, ParseError> {
    if body.len() > MAX_BODY {
        return Err(ParseError::BodyTooLong(body.len()));
    }
    let mut defects = Defects::default();
    let mut description = SessionDescription::default();
    let mut rest = body;
    let mut number = 0;
    let mut kept = 0;
    let mut has_version = false;
    while let Some((bytes, end, after)) = next_line(rest) {
        rest = after;
        number += 1;
        match end {
            LineEnd::CrLf => {}
            LineEnd::Bare => defects.note_once(DefectKind::BareLineEnd, number),
            LineEnd::None => defects.note(DefectKind::UnendedLine, number),
        }
        if bytes.len() > MAX_LINE {
            return Err(ParseError::LineTooLong(number));
        }
        if bytes.trim_ascii().is_empty() {
            defects.note(DefectKind::BlankLine, number);
            continue;
        }
        kept += 1;
        if kept > MAX_LINES {
            return Err(ParseError::TooManyLines);
        }
        let line = Line::from_bytes(bytes);
        inspect(&line, bytes, number, &mut defects);
        if kept == 1 && line.kind() != Some('v') {
            defects.note(DefectKind::MissingVersion, number);
        }
        has_version |= line.kind() == Some('v');
        if line.kind() == Some('m') {
            description.media.push(MediaDescription {
                line,
                lines: Vec::new(),
            });
        } else if let Some(media) = description.media.last_mut() {
            media.lines.push(line);
        } else {
            description.lines.push(line);
        }
    }
    if !has_version && description.media.is_empty() {
        return Err(ParseError::NotSdp);
    }
    inspect_whole(&description, &mut defects);
    Ok(Parsed {
        description,
        defects: defects.list,
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LineEnd {
    CrLf,
    Bare,
    None,
}

/// Cuts the first line off; `None` at the end.
fn next_line(rest: &[u8]) -> Option<(&[u8], LineEnd, &[u8])> {
    if rest.is_empty() {
        return None;
    }
    let Some(at) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
        return Some((rest, LineEnd::None, &[]));
    };
    let (line, end) = rest.split_at(at);
    Some(match end.strip_prefix(b"\r\n") {
        Some(after) => (line, LineEnd::CrLf, after),
        None => (line, LineEnd::Bare, end.get(1..).unwrap_or_default()),
    })
}

/// Collects defects up to [`MAX_DEFECTS`].
#[derive(Default)]
struct Defects {
    list: Vec<Defect>,
}

impl Defects {
    fn push(&mut self, kind: DefectKind, line: Option<usize>) {
        if self.list.len() < MAX_DEFECTS {
            self.list.push(Defect { kind, line });
        }
    }

    fn note(&mut self, kind: DefectKind, line: usize) {
        self.push(kind, Some(line));
    }

    fn note_once(&mut self, kind: DefectKind, line: usize) {
        if self.list.iter().all(|defect| defect.kind != kind) {
            self.note(kind, line);
        }
    }
}

/// What one line shows by itself.
fn inspect(line: &Line, bytes: &[u8], number: usize, defects: &mut Defects) {
    let Some(kind) = line.kind() else {
        return defects.note(DefectKind::NotALine, number);
    };
    if std::str::from_utf8(bytes).is_err() {
        defects.note(DefectKind::NotUtf8, number);
    } else if !line.is_tidy() && line.value() != "" {
        // `s= ` is what RFC 4566 section 5.3 asked for: a blank alone is no defect.
        defects.note(DefectKind::StrayBlanks, number);
    }
    match kind {
        'v' if line.value() != "0" => defects.note(DefectKind::OtherVersion, number),
        'o' if Origin::read(line.value()).is_none() => {
            defects.note(DefectKind::UnreadableOrigin, number);
        }
        'c' if !is_connection(line.value()) => {
            defects.note(DefectKind::UnreadableConnection, number);
        }
        'm' => {
            let media = MediaDescription {
                line: line.clone(),
                lines: Vec::new(),
            };
            if media.port().is_none() || media.formats().next().is_none() {
                defects.note(DefectKind::UnreadableMedia, number);
            }
        }
        'a' => {
            let unreadable = line
                .attribute()
                .is_some_and(|a| a.is("rtpmap") && a.value.and_then(RtpMap::read).is_none());
            if unreadable {
                defects.note(DefectKind::UnreadableRtpMap, number);
            }
        }
        _ => {}
    }
}

fn is_connection(value: &str) -> bool {
    let words: Vec<&str> = value.split_whitespace().take(4).collect();
    let [network, kind, host] = words.as_slice() else {
        return false;
    };
    network.eq_ignore_ascii_case("IN")
        && match ConnectionHost::read(host) {
            ConnectionHost::Ip(ip) if ip.is_ipv4() => kind.eq_ignore_ascii_case("IP4"),
            ConnectionHost::Ip(_) => kind.eq_ignore_ascii_case("IP6"),
            ConnectionHost::Name(_) => true,
        }
}

/// What only the whole shows.
fn inspect_whole(description: &SessionDescription, defects: &mut Defects) {
    for (kind, defect) in [
        ('o', DefectKind::MissingOrigin),
        ('s', DefectKind::MissingSessionName),
        ('t', DefectKind::MissingTiming),
    ] {
        if description
            .lines
            .iter()
            .all(|line| line.kind() != Some(kind))
        {
            defects.push(defect, None);
        }
    }
    if description
        .media
        .iter()
        .any(|m| m.is_audio() && m.port() != Some(0) && description.connection_of(m).is_none())
    {
        defects.push(DefectKind::MissingConnection, None);
    }
}
