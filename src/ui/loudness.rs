//! Settings of sound: how loud, and whether microphone and speaker work.

use egui::Ui;

use super::icons::Icon;
use super::theme::{Palette, Type, space};
use super::{Ask, volume, widgets};
use crate::engine::{Command, Loudness, LoudnessView, SoundTest};
use crate::i18n::Words;
use crate::say;
use crate::units::Dbov;

/// Draws what concerns one's own voice: how much it is turned up, and a meter on request.
pub(crate) fn voice_ui(ui: &mut Ui, view: &LoudnessView, words: &Words) -> Option<Ask> {
    let chosen = view.chosen;
    title_ui(
        ui,
        &say!(words, "sound-input"),
        &words.decibels(chosen.input_db),
    );
    let mut ask = volume::input_ui(ui, chosen, words);
    why_ui(ui, say!(words, "sound-input", "why"));
    ui.add_space(space::XXS);

    let testing = view.test == Some(SoundTest::Microphone);
    let level = if testing {
        view.test_levels.capture()
    } else {
        Dbov::SILENCE
    };
    let width = ui.available_width();
    widgets::meter(ui, level, &say!(words, "a11y-level-microphone"), width);
    let palette = Palette::of(ui);
    let state = view.microphone;
    if testing && (state.silent || state.clipping) {
        let text = if state.silent {
            say!(words, "hint-silent")
        } else {
            say!(words, "hint-clipping")
        };
        let text = Type::SMALL.rich(text, palette.text);
        widgets::icon_line(ui, Icon::WARNING_CIRCLE_FILL, palette.warn, text);
    } else if testing && level <= Dbov::SILENCE {
        why_ui(ui, say!(words, "sound-test-opening"));
    } else if testing {
        why_ui(ui, say!(words, "sound-test-speak"));
    } else {
        why_ui(ui, say!(words, "sound-test-idle"));
    }
    let (text, wish) = if testing {
        (say!(words, "sound-test-stop"), None)
    } else {
        let wish = Some(SoundTest::Microphone);
        (say!(words, "sound-test-microphone"), wish)
    };
    if widgets::chip_button(ui, &text, &text).clicked() {
        ask = Some(Ask::Send(Command::TestSound(wish)));
    }
    ask
}

/// Draws what concerns one's own ears: how loud calls are, and one's own voice in them.
pub(crate) fn hearing_ui(ui: &mut Ui, view: &LoudnessView, words: &Words) -> Option<Ask> {
    let chosen = view.chosen;
    title_ui(
        ui,
        &say!(words, "sound-output"),
        &words.decibels(chosen.output_db),
    );
    let mut ask = volume::output_ui(ui, chosen, words);
    why_ui(ui, say!(words, "sound-output", "why"));
    let testing = view.test == Some(SoundTest::Speaker);
    let text = say!(words, "sound-test-speaker");
    if widgets::chip_button(ui, &text, &text).clicked() {
        ask = Some(Ask::Send(Command::TestSound(Some(SoundTest::Speaker))));
    }
    if testing {
        why_ui(ui, say!(words, "sound-test-playing"));
    }
    ui.add_space(space::XS);

    title_ui(ui, &say!(words, "sound-sidetone"), "");
    let choices = Sidetone::ALL.map(|choice| (choice, choice.word(words)));
    let now = Sidetone::of(chosen.sidetone_db);
    if let Some(choice) = widgets::segmented(ui, &choices, now) {
        ask = Some(volume::set(Loudness {
            sidetone_db: choice.db(),
            ..chosen
        }));
    }
    why_ui(ui, say!(words, "sound-sidetone", "why"));
    ask
}

/// How loud one's own voice is in one's ear, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sidetone {
    Off,
    Soft,
    Middle,
    Loud,
}

impl Sidetone {
    const ALL: [Sidetone; 4] = [
        Sidetone::Off,
        Sidetone::Soft,
        Sidetone::Middle,
        Sidetone::Loud,
    ];

    fn of(db: Option<i32>) -> Sidetone {
        match db {
            None => Sidetone::Off,
            Some(..=-24) => Sidetone::Soft,
            Some(..=-15) => Sidetone::Middle,
            Some(_) => Sidetone::Loud,
        }
    }

    fn db(self) -> Option<i32> {
        match self {
            Sidetone::Off => None,
            Sidetone::Soft => Some(-28),
            Sidetone::Middle => Some(-20),
            Sidetone::Loud => Some(-12),
        }
    }

    fn word(self, words: &Words) -> String {
        match self {
            Sidetone::Off => say!(words, "sound-sidetone-off"),
            Sidetone::Soft => say!(words, "sound-sidetone-soft"),
            Sidetone::Middle => say!(words, "sound-sidetone-middle"),
            Sidetone::Loud => say!(words, "sound-sidetone-loud"),
        }
    }
}

/// The name of a setting, and how it stands.
pub(crate) fn title_ui(ui: &mut Ui, title: &str, value: &str) {
    let palette = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.label(Type::BODY.rich(value, palette.mut_text));
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                let title = Type::STRONG.rich(title, palette.text);
                ui.add(egui::Label::new(title).truncate());
            });
        });
    });
}

/// One sentence about a setting.
pub(crate) fn why_ui(ui: &mut Ui, text: String) {
    let text = Type::SMALL.rich(text, Palette::of(ui).mut_text);
    ui.add(egui::Label::new(text).wrap());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_for_the_sidetone_is_chosen_by_its_own_loudness() {
        for choice in Sidetone::ALL {
            assert_eq!(Sidetone::of(choice.db()), choice);
            let db = choice.db().unwrap_or(-20);
            assert!((-30..=-10).contains(&db), "{choice:?}");
        }
    }
}
