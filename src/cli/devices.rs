//! `ramal devices`.

use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};

use super::args::DevicesArgs;
use super::exit::Exit;
use super::setup::Misuse;
use crate::audio::{self, DeviceInfo, Granted};
use crate::i18n::Words;
use crate::say;
use crate::store::SettingsFile;

/// How long the sound system may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn run(words: &Words, args: &DevicesArgs) -> Result<Exit, Misuse> {
    let list = audio::list(PATIENCE).map_err(|_| Misuse::told("cli-no-device"))?;
    let ring = ring_device();
    let granted = audio::granted_here(PATIENCE);
    let mut out = std::io::stdout().lock();
    // Whoever reads may have gone.
    let _ = if args.json {
        let object = json!({
            "inputs": all(&list.inputs),
            "outputs": all(&list.outputs),
            "priority": granted.to_string(),
            "ring": ring,
        });
        writeln!(out, "{object}")
    } else {
        let inputs = shown(words, &say!(words, "cli-devices-inputs"), &list.inputs);
        let outputs = shown(words, &say!(words, "cli-devices-outputs"), &list.outputs);
        let priority = match granted {
            Granted::Realtime => say!(words, "cli-devices-realtime"),
            Granted::High => say!(words, "cli-devices-high-priority"),
            Granted::Normal => say!(words, "cli-devices-normal-priority"),
        };
        let same = || say!(words, "cli-devices-ring-same");
        let rings = say!(
            words,
            "cli-devices-ring",
            device = ring.unwrap_or_else(same)
        );
        writeln!(out, "{inputs}{outputs}{rings}\n{priority}")
    };
    Ok(Exit::Well)
}

/// The speaker of its own that rings, as the settings say.
fn ring_device() -> Option<String> {
    let settings = SettingsFile::of_user().and_then(|file| file.load()).ok()?;
    settings.settings.ring_device
}

fn all(devices: &[DeviceInfo]) -> Vec<Value> {
    let one = |device: &DeviceInfo| {
        json!({
            "name": device.name,
            "id": device.id,
            "host": device.host,
            "default": device.is_default,
        })
    };
    devices.iter().map(one).collect()
}

fn shown(words: &Words, title: &str, devices: &[DeviceInfo]) -> String {
    let mut text = format!("{title}\n");
    if devices.is_empty() {
        text.push_str(&format!("  {}\n", say!(words, "cli-devices-none")));
    }
    for device in devices {
        let mark = if device.is_default {
            format!(" ({})", say!(words, "cli-devices-default"))
        } else {
            String::new()
        };
        text.push_str(&format!("  {}{mark} · {}\n", device.name, device.host));
    }
    text
}
