//! Which devices there are: asked once at the start, watched while somebody looks or listens.

use std::time::Duration;

use super::driver::Driver;
use super::snapshot::{AudioView, Notice};
use crate::audio::{DeviceInfo, DeviceList, Watch};
use crate::voice::VoiceSettings;

/// How long the sound system may take to list its devices.
const PATIENCE: Duration = Duration::from_secs(5);

impl Driver {
    /// Asks the sound system for its devices, on a thread of its own: it may take its time.
    pub(super) fn look_for_devices(&mut self) {
        if !self.uses_devices {
            return;
        }
        let tell = self.device_lister.clone();
        let asked = std::thread::Builder::new()
            .name("devices".into())
            .spawn(move || {
                let list = crate::audio::list(PATIENCE).unwrap_or_default();
                // A full queue holds a newer list already, or a loop that has ended.
                let _ = tell.try_send(list);
            });
        if let Err(error) = asked {
            tracing::warn!("devices are not listed: {error}");
        }
    }

    /// The list of devices is looked at, or not any more.
    pub(super) fn show_devices(&mut self, shown: bool) {
        self.devices_shown = shown;
    }

    /// Watches the devices while they are looked at or a call has sound; an idle phone has
    /// nothing to watch.
    pub(super) fn tend_watch(&mut self) {
        let wanted = self.uses_devices
            && (self.devices_shown || self.tone.is_some() || !self.levels.is_empty());
        if !wanted {
            self.watch = None;
        } else if self.watch.is_none() {
            let tell = self.device_lister.clone();
            self.watch = Watch::start(move |list| {
                let _ = tell.try_send(list);
            });
        }
    }

    /// Another speaker rings.
    pub(super) fn select_ring_device(&mut self, device: Option<String>) {
        self.change_settings(|settings| settings.ring_device.clone_from(&device));
        self.media.select_ring_device(device.clone());
        self.picture.ring_device(device);
        self.dirty = true;
    }

    pub(super) fn devices_found(&mut self, list: DeviceList) {
        // Monitors of speakers are for those who know what they are.
        let names = |devices: &[DeviceInfo]| {
            let heard = devices.iter().filter(|device| !device.is_monitor);
            heard.map(|device| device.name.clone()).collect()
        };
        let settings = self.settings.as_ref().map(|(_, settings)| settings);
        self.picture.audio(AudioView {
            inputs: names(&list.inputs),
            outputs: names(&list.outputs),
            input: settings.and_then(|settings| settings.input_device.clone()),
            output: settings.and_then(|settings| settings.output_device.clone()),
            ring: settings.and_then(|settings| settings.ring_device.clone()),
            voice: settings.map_or_else(VoiceSettings::default, |settings| settings.voice),
            voice_report: None,
            unavailable: list.inputs.is_empty() && list.outputs.is_empty(),
        });
        self.dirty = true;
        if let Err(error) = self.media.devices_changed(list) {
            tracing::warn!("devices not followed: {error}");
        }
    }

    /// Microphone and speaker tend to go together: once is enough.
    pub(super) fn notice_device_gone(&mut self) {
        if !self.picture.says_last(&Notice::DeviceGone) {
            self.notice(Notice::DeviceGone);
        }
    }
}
