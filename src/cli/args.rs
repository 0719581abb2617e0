//! The command line's grammar.
//!
//! No sentence stands here: what `--help` says comes from the catalogues, by the ids `help-NAME`
//! of a command and `help-arg-NAME` of an argument (see [`super::help`]).

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::agent::{DigitsBy, Encryption};
use crate::bench::network::Profile;
use crate::bench::scenes::Setting;
use crate::codec::CodecKind;
use crate::sip::StatusCode;

/// `ramal`.
#[derive(Debug, Parser)]
#[command(name = "ramal", version, disable_help_subcommand = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[arg(value_name = "URI")]
    pub(super) uri: Option<String>,
    #[arg(long, global = true, value_name = "LANG")]
    pub(super) lang: Option<String>,
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Call(CallArgs),
    Answer(AnswerArgs),
    Register(RegisterArgs),
    Message(MessageArgs),
    Watch(WatchArgs),
    Devices(DevicesArgs),
    Lab(LabArgs),
    Demo(DemoArgs),
    Inspect(InspectArgs),
    #[command(subcommand)]
    Bench(BenchCommand),
}

/// Who calls, and from where.
#[derive(Debug, Clone, Args)]
pub(super) struct AccountArgs {
    #[arg(long, value_name = "NAME", conflicts_with = "aor")]
    pub(super) account: Option<String>,
    #[arg(long, value_name = "URI")]
    pub(super) aor: Option<String>,
    #[arg(long, value_name = "URI", requires = "aor")]
    pub(super) registrar: Option<String>,
    #[arg(long, value_name = "URI")]
    pub(super) proxy: Option<String>,
    #[arg(long, value_name = "USER", requires = "aor")]
    pub(super) auth_user: Option<String>,
    #[arg(long, value_name = "FILE")]
    pub(super) password_file: Option<PathBuf>,
    #[arg(long, value_name = "FILE")]
    pub(super) passphrase_file: Option<PathBuf>,
    #[arg(long, value_name = "TEXT")]
    pub(super) display_name: Option<String>,
    #[arg(long, requires = "aor")]
    pub(super) no_register: bool,
    #[arg(long)]
    pub(super) no_redirects: bool,
    #[arg(long)]
    pub(super) require_tls: bool,
    #[arg(long)]
    pub(super) weaker_digest: bool,
    #[arg(long)]
    pub(super) other_realms: bool,
    #[arg(long)]
    pub(super) direct_calls: bool,
    #[arg(long, value_name = "WAY", value_parser = digits_by)]
    pub(super) digits_by: Option<DigitsBy>,
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(super) expires: u32,
    #[arg(long, value_name = "ADDR[:PORT]")]
    pub(super) bind: Option<Bind>,
    #[arg(long, value_name = "ADDR[:PORT]")]
    pub(super) dns: Option<Bind>,
    #[arg(long, value_enum)]
    pub(super) transport: Option<TransportArg>,
    #[arg(long, value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
    #[arg(long, value_name = "FILE", requires = "ca")]
    pub(super) crl: Option<PathBuf>,
    #[arg(long, value_name = "FINGERPRINT")]
    pub(super) pin: Option<String>,
    #[arg(long, value_name = "FILE", requires = "client_key")]
    pub(super) client_cert: Option<PathBuf>,
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    pub(super) client_key: Option<PathBuf>,
    #[arg(long, value_name = "off|optional|required", value_parser = encryption)]
    pub(super) srtp: Option<Encryption>,
}

/// How it sounds.
#[derive(Debug, Clone, Args)]
pub(super) struct SoundArgs {
    #[arg(long, value_name = "A-B")]
    pub(super) rtp_ports: Option<PortRange>,
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(super) codecs: Vec<CodecArg>,
    #[arg(long, value_name = "MS", default_value = "20")]
    pub(super) ptime: Ptime,
    #[arg(long)]
    pub(super) silence_suppression: bool,
    #[arg(long, value_enum, num_args = 0..=1, default_value = "usual", default_missing_value = "always")]
    pub(super) resend: ResendArg,
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(40..=2_000))]
    pub(super) max_delay_ms: Option<u32>,
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(10..=2_000))]
    pub(super) start_delay_ms: Option<u32>,
    #[arg(long, value_name = "FILE")]
    pub(super) play: Option<PathBuf>,
    #[arg(long = "loop", requires = "play")]
    pub(super) looped: bool,
    #[arg(long, value_name = "FILE")]
    pub(super) record: Option<PathBuf>,
    #[arg(
        long,
        value_name = "SIDES",
        value_enum,
        default_value = "far",
        requires = "record"
    )]
    pub(super) record_sides: SidesArg,
    #[arg(long, value_name = "NAME", conflicts_with = "play")]
    pub(super) input_device: Option<String>,
    #[arg(long, value_name = "NAME")]
    pub(super) output_device: Option<String>,
    #[arg(long, conflicts_with_all = ["play", "input_device", "output_device"])]
    pub(super) silence: bool,
    #[arg(long, value_name = "DB", default_value = "0", allow_negative_numbers = true,
        value_parser = clap::value_parser!(i32).range(-20..=20))]
    pub(super) input_gain: i32,
    #[arg(long, value_name = "DB", default_value = "0", allow_negative_numbers = true,
        value_parser = clap::value_parser!(i32).range(-20..=20))]
    pub(super) output_gain: i32,
    #[arg(long, value_name = "DB", allow_negative_numbers = true,
        value_parser = clap::value_parser!(i32).range(-30..=-10))]
    pub(super) sidetone: Option<i32>,
    #[arg(long, value_enum, default_value = "auto")]
    pub(super) echo: EchoArg,
    #[arg(long, value_enum, default_value = "low")]
    pub(super) noise: NoiseArg,
    #[arg(long)]
    pub(super) no_gain: bool,
}

/// For which codecs packets may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ResendArg {
    Never,
    Usual,
    Always,
}

/// When echo is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum EchoArg {
    Auto,
    On,
    Off,
}

/// How much noise is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum NoiseArg {
    Off,
    Low,
    High,
    Isolation,
}

/// What happens during a call.
#[derive(Debug, Clone, Args)]
pub(super) struct ScriptArgs {
    #[arg(long, value_name = "SECONDS")]
    pub(super) duration: Option<Seconds>,
    #[arg(long, value_name = "DIGITS[@S]")]
    pub(super) dtmf: Vec<DtmfAt>,
    #[arg(long, value_name = "SECONDS")]
    pub(super) hold_at: Vec<Seconds>,
    #[arg(long, value_name = "SECONDS")]
    pub(super) resume_at: Vec<Seconds>,
    #[arg(long, value_name = "URI@S")]
    pub(super) transfer: Option<UriAt>,
    #[arg(long, value_name = "URI@S", conflicts_with = "transfer")]
    pub(super) attended: Option<UriAt>,
    #[arg(long, value_name = "URI@S", conflicts_with_all = ["transfer", "attended"])]
    pub(super) conference: Option<UriAt>,
    #[arg(long)]
    pub(super) accept_transfers: bool,
    #[arg(long)]
    pub(super) json: bool,
}

/// `ramal call`.
#[derive(Debug, Args)]
pub(super) struct CallArgs {
    #[arg(value_name = "URI")]
    pub(super) uri: String,
    #[command(flatten)]
    pub(super) account: AccountArgs,
    #[command(flatten)]
    pub(super) sound: SoundArgs,
    #[command(flatten)]
    pub(super) script: ScriptArgs,
    #[arg(long, value_name = "SECONDS")]
    pub(super) no_answer: Option<Seconds>,
    #[arg(long)]
    pub(super) anonymous: bool,
}

/// `ramal answer`.
#[derive(Debug, Args)]
pub(super) struct AnswerArgs {
    #[command(flatten)]
    pub(super) account: AccountArgs,
    #[command(flatten)]
    pub(super) sound: SoundArgs,
    #[command(flatten)]
    pub(super) script: ScriptArgs,
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "0")]
    pub(super) auto_answer: Option<Seconds>,
    #[arg(long, value_name = "STATUS", conflicts_with = "auto_answer", value_parser = clap::value_parser!(u16).range(300..=699))]
    pub(super) reject: Option<u16>,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_calls: Option<u32>,
    #[command(flatten)]
    pub(super) reception: ReceptionArgs,
}

/// What becomes of calls that come in.
#[derive(Debug, Args)]
pub(super) struct ReceptionArgs {
    #[arg(long, value_name = "STATUS", num_args = 0..=1, default_missing_value = "480")]
    pub(super) dnd: Option<Undisturbed>,
    #[arg(long, value_name = "URI")]
    pub(super) forward_always: Option<String>,
    #[arg(long, value_name = "URI")]
    pub(super) forward_busy: Option<String>,
    #[arg(long, value_name = "URI@S", conflicts_with = "auto_answer")]
    pub(super) forward_no_answer: Option<UriAt>,
    #[arg(long)]
    pub(super) beep: bool,
    #[arg(long, value_enum, default_value = "never")]
    pub(super) intercom: IntercomArg,
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(super) known: Vec<String>,
    #[arg(long, value_enum, default_value = "ring")]
    pub(super) strangers: StrangersArg,
}

/// Whether a call may ask to be answered without a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum IntercomArg {
    Never,
    Known,
    Always,
}

/// What is done about callers who are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum StrangersArg {
    Ring,
    Silent,
    Decline,
}

/// `ramal register`.
#[derive(Debug, Args)]
pub(super) struct RegisterArgs {
    #[command(flatten)]
    pub(super) account: AccountArgs,
    #[arg(long)]
    pub(super) once: bool,
    #[arg(long, value_name = "SECONDS")]
    pub(super) duration: Option<Seconds>,
    #[arg(long, value_enum)]
    pub(super) presence: Option<PresenceArg>,
    #[arg(long)]
    pub(super) json: bool,
}

/// `ramal message`.
#[derive(Debug, Args)]
pub(super) struct MessageArgs {
    #[arg(value_name = "URI")]
    pub(super) uri: String,
    #[arg(value_name = "TEXT|-", allow_hyphen_values = true)]
    pub(super) text: String,
    #[command(flatten)]
    pub(super) account: AccountArgs,
    #[arg(long, value_name = "SECONDS")]
    pub(super) retry_for: Option<Seconds>,
    #[arg(long)]
    pub(super) json: bool,
}

/// How one can be reached, as it is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PresenceArg {
    Available,
    Busy,
    Away,
}

/// `ramal watch`.
#[derive(Debug, Args)]
pub(super) struct WatchArgs {
    #[arg(value_name = "URI", required = true, num_args = 1..=512)]
    pub(super) uris: Vec<String>,
    #[arg(long, value_enum, default_value = "dialog")]
    pub(super) event: EventArg,
    #[command(flatten)]
    pub(super) account: AccountArgs,
    #[arg(long)]
    pub(super) once: bool,
    #[arg(long, value_name = "SECONDS")]
    pub(super) duration: Option<Seconds>,
    #[arg(long)]
    pub(super) json: bool,
}

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum EventArg {
    Dialog,
    Presence,
    MessageSummary,
}

/// `ramal devices`.
#[derive(Debug, Args)]
pub(super) struct DevicesArgs {
    #[arg(long)]
    pub(super) json: bool,
}

/// `ramal lab`.
#[derive(Debug, Args)]
pub(super) struct LabArgs {
    #[arg(long, value_name = "ADDR[:PORT]", default_value = "127.0.0.1:5060")]
    pub(super) bind: Bind,
    #[arg(long, value_name = "N", default_value = "1")]
    pub(super) seed: u64,
    #[arg(long)]
    pub(super) json: bool,
}

/// `ramal demo`.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    #[arg(long)]
    pub(super) no_window: bool,
    #[arg(long, value_name = "FILE", default_value = "ramal-demo.wav")]
    pub(super) record: PathBuf,
    #[arg(long, value_name = "EXTENSION", default_value = "600")]
    pub(super) extension: String,
    #[arg(long)]
    pub(super) json: bool,
}

/// `ramal inspect`.
#[derive(Debug, Args)]
pub(super) struct InspectArgs {
    #[arg(value_name = "FILE|-")]
    pub(super) file: String,
}

/// `ramal bench`.
#[derive(Debug, Subcommand)]
pub(super) enum BenchCommand {
    Codec(BenchCodecArgs),
    Live(BenchLiveArgs),
    Media(BenchMediaArgs),
    Voice(BenchVoiceArgs),
}

/// `ramal bench media`.
#[derive(Debug, Args)]
pub(super) struct BenchMediaArgs {
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "opus,g722,pcma"
    )]
    pub(super) codecs: Vec<CodecArg>,
    #[arg(long, value_name = "LIST", value_delimiter = ',',
        default_values_t = Profile::ALL.map(ProfileArg))]
    pub(super) profiles: Vec<ProfileArg>,
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u64).range(1..=1_000))]
    pub(super) seeds: u64,
    #[arg(long, value_name = "FILE|FOLDER", default_value = "tests/data/speech")]
    pub(super) speech: PathBuf,
    #[arg(long, value_name = "S", default_value = "28", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub(super) seconds: u64,
    #[arg(long, value_name = "MS", default_value = "20")]
    pub(super) ptime: Ptime,
    #[arg(long, value_enum, num_args = 0..=1, default_value = "usual", default_missing_value = "always")]
    pub(super) resend: ResendArg,
    #[arg(long, value_name = "PROGRAM")]
    pub(super) python: Option<PathBuf>,
    #[arg(long, value_name = "FOLDER")]
    pub(super) keep: Option<PathBuf>,
    #[arg(long)]
    pub(super) json: bool,
}

/// `ramal bench live`.
#[derive(Debug, Args)]
pub(super) struct BenchLiveArgs {
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "opus,g722,pcma"
    )]
    pub(super) codecs: Vec<CodecArg>,
    #[arg(long, value_name = "LIST", value_delimiter = ',',
        default_values_t = Profile::ALL.map(ProfileArg))]
    pub(super) profiles: Vec<ProfileArg>,
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u64).range(1..=1_000))]
    pub(super) seeds: u64,
    #[arg(long, value_name = "FILE|FOLDER", default_value = "tests/data/speech")]
    pub(super) speech: PathBuf,
    #[arg(long, value_name = "S", default_value = "28", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub(super) seconds: u64,
    #[arg(long, value_name = "MS", default_value = "20")]
    pub(super) ptime: Ptime,
    #[arg(long)]
    pub(super) resend: bool,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(super) at_once: Option<u8>,
    #[arg(long, value_name = "PROGRAM")]
    pub(super) python: Option<PathBuf>,
    #[arg(long, value_name = "FOLDER")]
    pub(super) keep: Option<PathBuf>,
    #[arg(long)]
    pub(super) json: bool,
}

/// `ramal bench voice`.
#[derive(Debug, Args)]
pub(super) struct BenchVoiceArgs {
    #[arg(long, value_name = "LIST", value_delimiter = ',',
        default_values_t = Setting::ALL.map(SettingArg))]
    pub(super) scenes: Vec<SettingArg>,
    #[arg(long, value_enum, default_value = "low")]
    pub(super) noise: NoiseArg,
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u64).range(1..=1_000))]
    pub(super) seeds: u64,
    #[arg(long, value_name = "FILE|FOLDER", default_value = "tests/data/speech")]
    pub(super) speech: PathBuf,
    #[arg(long, value_name = "PROGRAM")]
    pub(super) python: Option<PathBuf>,
    #[arg(long)]
    pub(super) json: bool,
}

/// `ramal bench codec`.
#[derive(Debug, Args)]
pub(super) struct BenchCodecArgs {
    #[arg(long = "in", value_name = "FILE")]
    pub(super) input: PathBuf,
    #[arg(long = "out", value_name = "FILE")]
    pub(super) output: PathBuf,
    #[arg(long, value_name = "NAME")]
    pub(super) codec: CodecArg,
    #[arg(long, value_name = "MS", default_value = "20")]
    pub(super) ptime: Ptime,
}

/// SIP transports of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum TransportArg {
    Udp,
    Tcp,
    Tls,
    Ws,
    Wss,
}

/// Who is in a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SidesArg {
    Far,
    Mixed,
    Stereo,
}

/// `ADDR[:PORT]`: where to listen. Without a port: one that is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bind {
    pub(super) ip: IpAddr,
    pub(super) port: u16,
}

impl Bind {
    /// As a DNS server: without a port it is asked at the usual one.
    pub(super) const fn for_dns(self) -> SocketAddr {
        let port = if self.port == 0 { 53 } else { self.port };
        SocketAddr::new(self.ip, port)
    }
}

impl FromStr for Bind {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(addr) = text.parse::<SocketAddr>() {
            return Ok(Bind {
                ip: addr.ip(),
                port: addr.port(),
            });
        }
        let ip = text.trim_start_matches('[').trim_end_matches(']').parse();
        ip.map(|ip| Bind { ip, port: 0 }).map_err(|_| Unreadable)
    }
}

/// `A-B`, both in it; A is at least 1024 and the range holds a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PortRange(pub RangeInclusive<u16>);

impl FromStr for PortRange {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (low, high) = text.split_once('-').ok_or(Unreadable)?;
        let low: u16 = low.trim().parse().map_err(|_| Unreadable)?;
        let high: u16 = high.trim().parse().map_err(|_| Unreadable)?;
        let first_even = low.saturating_add(low % 2);
        if low < 1024 || first_even >= high {
            return Err(Unreadable);
        }
        Ok(PortRange(low..=high))
    }
}

/// A bad network by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ProfileArg(pub Profile);

impl FromStr for ProfileArg {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Profile::named(text).map(ProfileArg).ok_or(Unreadable)
    }
}

impl fmt::Display for ProfileArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

/// A scene of `ramal bench voice` by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SettingArg(pub Setting);

impl FromStr for SettingArg {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Setting::from_name(text).map(SettingArg).ok_or(Unreadable)
    }
}

impl fmt::Display for SettingArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.name())
    }
}

/// A codec by the name it has in SDP, in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CodecArg(pub CodecKind);

impl FromStr for CodecArg {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(CodecArg(match text.to_ascii_lowercase().as_str() {
            "opus" => CodecKind::Opus,
            "g722" => CodecKind::G722,
            "pcma" | "alaw" => CodecKind::Pcma,
            "pcmu" | "ulaw" => CodecKind::Pcmu,
            _ => return Err(Unreadable),
        }))
    }
}

/// Milliseconds of sound in a packet: 10, 20, 30, 40 or 60.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ptime(pub Duration);

impl FromStr for Ptime {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(ms @ (10 | 20 | 30 | 40 | 60)) => Ok(Ptime(Duration::from_millis(ms))),
            _ => Err(Unreadable),
        }
    }
}

/// Seconds, with fractions; at most a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seconds(pub Duration);

impl FromStr for Seconds {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let seconds: f64 = text.parse().map_err(|_| Unreadable)?;
        if !(0.0..=86_400.0).contains(&seconds) {
            return Err(Unreadable);
        }
        Ok(Seconds(Duration::from_secs_f64(seconds)))
    }
}

/// `off`, `optional`, `required`, the last two with the way of agreeing on keys behind a colon.
fn encryption(text: &str) -> Result<Encryption, Unreadable> {
    let (name, way) = text.split_once(':').unwrap_or((text, "sdes"));
    let wanted = Encryption::named(name).ok_or(Unreadable)?;
    let fits = way == "sdes" && !(wanted == Encryption::Off && text.contains(':'));
    fits.then_some(wanted).ok_or(Unreadable)
}

fn digits_by(name: &str) -> Result<DigitsBy, Unreadable> {
    DigitsBy::named(name).ok_or(Unreadable)
}

/// With what callers are turned away who would disturb: 480 or 486.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Undisturbed(pub StatusCode);

impl FromStr for Undisturbed {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "480" => Ok(Undisturbed(StatusCode::TEMPORARILY_UNAVAILABLE)),
            "486" => Ok(Undisturbed(StatusCode::BUSY_HERE)),
            _ => Err(Unreadable),
        }
    }
}

/// `DIGITS[@S]`: digits, sent S seconds after the answer, or at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DtmfAt {
    pub(super) digits: String,
    pub(super) at: Duration,
}

impl FromStr for DtmfAt {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (digits, at) = match text.split_once('@') {
            Some((digits, at)) => (digits, at.parse::<Seconds>()?.0),
            None => (text, Duration::ZERO),
        };
        let fits = (1..=64).contains(&digits.len())
            && digits
                .chars()
                .all(|c| matches!(c, '0'..='9' | '*' | '#' | 'A'..='D' | 'a'..='d'));
        if !fits {
            return Err(Unreadable);
        }
        Ok(DtmfAt {
            digits: digits.to_ascii_uppercase(),
            at,
        })
    }
}

/// Somebody to call, and how long after the answer: `1003@5`, `sip:1003@pbx.example@5`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UriAt {
    pub(super) uri: String,
    pub(super) at: Duration,
}

impl FromStr for UriAt {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // What follows the last @ can be a host, too: those are no numbers of seconds.
        let split = text.rsplit_once('@');
        let split = split.and_then(|(uri, at)| Some((uri, at.parse::<Seconds>().ok()?.0)));
        let (uri, at) = split.unwrap_or((text, Duration::ZERO));
        if uri.is_empty() {
            return Err(Unreadable);
        }
        Ok(UriAt {
            uri: uri.to_owned(),
            at,
        })
    }
}

/// A value that is not of its argument's form. What the form is, stands in the argument's help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not of the form that this argument takes")]
pub(super) struct Unreadable;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_holds_together() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn gains_are_whole_decibels_and_may_be_negative() {
        let read = |gain: &str| {
            let cli = Cli::try_parse_from(["ramal", "call", "600", "--input-gain", gain]);
            cli.ok().map(|cli| match cli.command {
                Some(Command::Call(args)) => args.sound.input_gain,
                _ => 0,
            })
        };
        assert_eq!(read("-6"), Some(-6));
        assert_eq!(read("20"), Some(20));
        assert_eq!(read("21"), None);
        assert_eq!(read("loud"), None);
    }

    #[test]
    fn binds_are_read_with_and_without_port() {
        let bind = |text: &str| {
            text.parse::<Bind>()
                .map(|bind| (bind.ip.to_string(), bind.port))
        };
        assert_eq!(bind("127.0.0.1"), Ok(("127.0.0.1".to_owned(), 0)));
        assert_eq!(bind("127.0.0.1:5080"), Ok(("127.0.0.1".to_owned(), 5080)));
        assert_eq!(bind("[::1]:5080"), Ok(("::1".to_owned(), 5080)));
        assert_eq!(bind("::1"), Ok(("::1".to_owned(), 0)));
        assert_eq!(bind("localhost"), Err(Unreadable));
    }

    #[test]
    fn a_port_range_holds_at_least_one_pair() {
        assert_eq!("4000-4001".parse(), Ok(PortRange(4000..=4001)));
        assert_eq!("4001-4002".parse::<PortRange>(), Err(Unreadable));
        assert_eq!("65535-65535".parse::<PortRange>(), Err(Unreadable));
        assert_eq!("9-10000".parse::<PortRange>(), Err(Unreadable));
        assert_eq!("4000".parse::<PortRange>(), Err(Unreadable));
    }

    #[test]
    fn protection_may_name_the_way_to_its_keys() {
        let read = |text: &str| encryption(text).ok();
        assert_eq!(read("off"), Some(Encryption::Off));
        assert_eq!(read("optional"), Some(Encryption::Optional));
        assert_eq!(read("required:sdes"), Some(Encryption::Required));
        for wrong in ["", "on", "off:sdes", "required:dtls", "required:"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn digits_may_carry_their_moment() {
        let read = "12#@3".parse::<DtmfAt>().map(|dtmf| (dtmf.digits, dtmf.at));
        assert_eq!(read, Ok(("12#".to_owned(), Duration::from_secs(3))));
        assert_eq!("hello".parse::<DtmfAt>(), Err(Unreadable));
        assert_eq!("1@-3".parse::<DtmfAt>(), Err(Unreadable));
    }
}
