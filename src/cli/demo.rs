//! `ramal demo` without a window: an echo call through the built-in lab, measured.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use super::args::DemoArgs;
use super::exit::Exit;
use super::measure::start_lab;
use super::run::{Run, Wish};
use super::say_line;
use super::setup::Misuse;
use crate::agent::{self, AccountConfig, AccountId, AccountState, AgentConfig, CallId};
use crate::audio::{Clip, SinkChoice, SourceChoice};
use crate::dsp::compare::{Comparison, compare};
use crate::dsp::resample::resample;
use crate::engine::{Command, EngineConfig, Event, KeepChats, MediaConfig};
use crate::i18n::Words;
use crate::lab::{self, LabConfig, Prompt};
use crate::media::recording::Format;
use crate::redact::Secret;
use crate::say;
use crate::sip::{HostPort, SipUri, Uri};
use crate::store::SessionSecrets;
use crate::units::SampleRate;

/// How long the echo is listened to after the voice has ended.
const AFTERGLOW: Duration = Duration::from_secs(1);
const ACCOUNT: AccountId = AccountId(1);
const CALL: CallId = CallId(1);

/// Makes the call, writes what came back, and says how well it came back.
pub(super) fn run(words: Words, args: &DemoArgs) -> Result<Exit, Misuse> {
    let spoken = Prompt::Welcome.samples();
    let voice = tempfile_of(Prompt::Welcome)?;
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let lab = start_lab(LabConfig {
        ip: loopback,
        port: 0,
        seed: 1,
    })?;
    say_or_hush(args, &say!(words, "cli-demo-starts"));
    let config = EngineConfig {
        bind: Some(loopback),
        port: 0,
        dns: None,
        agent: AgentConfig::default(),
        media: MediaConfig {
            rtp_ports: None,
            source: SourceChoice::File {
                path: voice.path.clone(),
                looped: false,
            },
            sink: SinkChoice::Record(args.record.clone()),
            // It is read again to be compared.
            record_format: Some(Format::Wav),
            ..MediaConfig::default()
        },
        settings: None,
        chats: KeepChats::No,
        secrets: Box::<SessionSecrets>::default(),
        hear_interrupts: true,
    };
    let aor = SipUri::new(Some(lab::EXTENSIONS[0]), HostPort::from(lab.address()));
    let password = Some(Secret::from(lab::PASSWORD));
    let account = AccountConfig::registered(ACCOUNT, Uri::Sip(aor), password);
    let language = words.language();
    let mut run = Run::start(words, config, args.json)?;
    run.ask(Command::Phone(agent::Command::AddAccount(Box::new(
        account,
    ))));
    let target = args.extension.clone();
    let talk = SampleRate::WIDE.duration_of(spoken.len() as u64) + AFTERGLOW;
    let mut codec = None;
    let exit = run.finish(|run, stamped| {
        let Event::Phone(event) = &stamped.event else {
            return;
        };
        match event {
            agent::Event::Account {
                state: AccountState::Registered { .. },
                ..
            } => {
                let target = target.clone();
                let dial = agent::Command::Dial {
                    account: ACCOUNT,
                    call: CALL,
                    target,
                };
                run.ask(Command::Phone(dial));
            }
            agent::Event::Account {
                state: AccountState::Failed { .. },
                ..
            } => {
                run.leave(Exit::Network);
            }
            agent::Event::Answered { codec: spoken, .. } => {
                codec = Some(spoken.kind);
                run.at(stamped.at + talk, Wish::Phone(agent::Command::HangUp(CALL)));
            }
            agent::Event::Ended { end, .. } => {
                run.leave(super::exit::of_call(end, true));
            }
            _ => {}
        }
    });
    drop(lab);
    if exit != Exit::Well {
        return Ok(exit);
    }
    let words = Words::new(language);
    let verdict = judge(&spoken, args);
    let path = args.record.display().to_string();
    say_or_hush(args, &say!(words, "cli-demo-written", path = path));
    if let Some(verdict) = &verdict {
        report(args, verdict);
    }
    let (Some(verdict), Some(codec)) = (verdict.filter(Comparison::is_recognised), codec) else {
        say_or_hush(args, &say!(words, "cli-demo-nothing-came"));
        return Ok(Exit::Media);
    };
    let delay = verdict.delay.as_millis().to_string();
    let quality = words.decimal(verdict.estimated_mos() as f32, 1);
    let codec = words.codec(codec);
    say_or_hush(
        args,
        &say!(
            words,
            "cli-demo-came-back",
            quality = quality,
            delay = delay,
            codec = codec
        ),
    );
    if !verdict.is_good() {
        say_or_hush(args, &say!(words, "cli-demo-damaged"));
    }
    Ok(Exit::Well)
}

/// Compares what was said with the recording of what came back.
fn judge(spoken: &[f32], args: &DemoArgs) -> Option<Comparison> {
    let clip = Clip::open(&args.record).ok()?;
    let heard = resample(clip.samples(), clip.rate(), SampleRate::WIDE).ok()?;
    compare(spoken, &heard, SampleRate::WIDE)
}

fn report(args: &DemoArgs, verdict: &Comparison) {
    if args.json {
        let object = serde_json::json!({
            "event": "echo",
            "delay_ms": verdict.delay.as_millis() as u64,
            "quality": (verdict.estimated_mos() * 100.0).round() / 100.0,
            "gaps": verdict.gaps,
            "good": verdict.is_good(),
        });
        say_line(&object.to_string());
    }
}

fn say_or_hush(args: &DemoArgs, sentence: &str) {
    if args.json {
        super::complain(sentence);
    } else {
        say_line(sentence);
    }
}

/// A prompt as a file, removed when dropped.
struct Voice {
    path: PathBuf,
}

impl Drop for Voice {
    fn drop(&mut self) {
        // A leftover in the system's folder for such files harms nobody.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn tempfile_of(prompt: Prompt) -> Result<Voice, Misuse> {
    let name = format!("ramal-demo-{}.wav", std::process::id());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, prompt.wav())
        .map_err(|error| Misuse::with_cause("cli-record-unwritable", &path, &error))?;
    Ok(Voice { path })
}
