//! Recording by hand: the button in a call, the sign that it runs, and how and where in the
//! settings.

use std::time::Instant;

use egui::{Ui, vec2};

use super::icons::Icon;
use super::sounds::file_ui;
use super::theme::{Palette, Type, size, space};
use super::widgets::{self, Tile};
use super::{Action, Ask};
use crate::engine::{CallView, Command, RecordingOptions, RecordingView};
use crate::i18n::Words;
use crate::say;
use crate::store::{RecordingFormat, RecordingSettings, RecordingSides};

/// Begins a recording of this call, or ends the one there is.
pub(super) fn toggle(call: &CallView) -> Ask {
    Ask::Send(if call.recording.is_some() {
        Command::StopRecording(call.id)
    } else {
        Command::RecordCall(call.id)
    })
}

/// Draws the button in the grid of a call.
pub(super) fn tile_ui(ui: &mut Ui, call: &CallView, width: f32, words: &Words) -> Option<Ask> {
    let on = call.recording.is_some();
    let (text, name, tip) = if on {
        (
            say!(words, "action-recording"),
            say!(words, "a11y-record-on"),
            say!(words, "action-recording", "tip"),
        )
    } else {
        (
            Action::Record.text(words),
            say!(words, "a11y-record-off"),
            Action::Record.tooltip(words, ui),
        )
    };
    let tile = Tile {
        icon: if on { Icon::RECORD_FILL } else { Icon::RECORD },
        text: &text,
        name: &name,
        on,
    };
    let response = widgets::tile(ui, &tile, width).on_hover_text(tip);
    response.clicked().then(|| toggle(call))
}

/// Draws the sign that what is said goes into a file, and for how long it has.
pub(super) fn sign_ui(ui: &mut Ui, recording: &RecordingView, now: Instant, words: &Words) {
    let palette = Palette::of(ui);
    let time = words.timer(now.saturating_duration_since(recording.begun_at));
    let text = say!(words, "call-recording", time = time);
    let line = Type::SMALL_STRONG.line(ui, &text, palette.bad, ui.available_width());
    let wide = size::ICON_S + space::XXS + line.size().x;
    let room = vec2(wide, line.size().y.max(size::ICON_S));
    let (rect, response) = ui.allocate_exact_size(room, egui::Sense::hover());
    let middle = rect.left_center() + vec2(size::ICON_S / 2.0, 0.0);
    Icon::RECORD_FILL.paint(ui.painter(), middle, size::ICON_S, palette.bad);
    let at = egui::pos2(
        rect.right() - line.size().x,
        rect.center().y - line.size().y / 2.0,
    );
    ui.painter().galley(at, line, palette.bad);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &text));
    let path = recording.path.display().to_string();
    response.on_hover_text(say!(words, "call-recording-into", path = path));
}

/// Draws the section of the settings.
pub(super) fn recording_ui(ui: &mut Ui, view: &RecordingOptions, words: &Words) -> Option<Ask> {
    let chosen = &view.settings;
    let caption = |ui: &mut Ui, text: String| {
        let palette = Palette::of(ui);
        ui.label(Type::SMALL.rich(text, palette.mut_text));
    };
    caption(ui, say!(words, "settings-recording-format"));
    let formats = [
        (RecordingFormat::Opus, say!(words, "recording-opus")),
        (RecordingFormat::Wav, say!(words, "recording-wav")),
    ];
    let format = ui.push_id("format", |ui| {
        widgets::segmented(ui, &formats, chosen.format)
    });
    let format = format.inner.map(|format| RecordingSettings {
        format,
        ..chosen.clone()
    });
    caption(ui, say!(words, "settings-recording-sides"));
    let sides = [
        (RecordingSides::Mixed, say!(words, "recording-mixed")),
        (RecordingSides::Stereo, say!(words, "recording-stereo")),
    ];
    let sides = ui.push_id("sides", |ui| widgets::segmented(ui, &sides, chosen.sides));
    let sides = sides.inner.map(|sides| RecordingSettings {
        sides,
        ..chosen.clone()
    });
    caption(ui, say!(words, "settings-recording-folder"));
    let palette = Palette::of(ui);
    let folder = view.folder.display().to_string();
    ui.add(egui::Label::new(Type::BODY.rich(folder, palette.text)).wrap());
    let hint = say!(words, "settings-recording-folder-hint");
    let typed = file_ui(ui, "recording-folder", &hint).map(|folder| RecordingSettings {
        folder: Some(folder),
        ..chosen.clone()
    });
    let usual = say!(words, "settings-recording-folder-usual");
    let back = chosen.folder.is_some() && widgets::chip_button(ui, &usual, &usual).clicked();
    let usual = back.then(|| RecordingSettings {
        folder: None,
        ..chosen.clone()
    });
    let settings = format.or(sides).or(typed).or(usual)?;
    Some(Ask::Send(Command::SetRecording(settings)))
}
