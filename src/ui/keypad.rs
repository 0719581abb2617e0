//! The keypad, for dialling and for digits in a call.

use egui::{Id, Ui};

use super::theme::{motion, size, space};
use super::widgets;
use crate::i18n::Words;
use crate::say;

/// The keys in their order, with the letters that old numbers were spelled by.
const KEYS: [(char, &str); 12] = [
    ('1', ""),
    ('2', "ABC"),
    ('3', "DEF"),
    ('4', "GHI"),
    ('5', "JKL"),
    ('6', "MNO"),
    ('7', "PQRS"),
    ('8', "TUV"),
    ('9', "WXYZ"),
    ('*', ""),
    ('0', "+"),
    ('#', ""),
];

/// What holding a key means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// `0` held gives `+`, as on every mobile phone.
    Plus,
    /// Nothing: DTMF has no `+`.
    Nothing,
}

/// Draws the keys over the width there is, down to `bottom` if they have to be small for it;
/// answers the character pressed.
pub(crate) fn keypad_ui(ui: &mut Ui, hold: Hold, bottom: f32, words: &Words) -> Option<char> {
    let gap = space::XS;
    let width = (ui.available_width() - 2.0 * gap) / 3.0;
    let height = (bottom - ui.cursor().top() - 3.0 * gap) / 4.0;
    let room = egui::vec2(width, height.clamp(size::KEY_MIN, size::KEY));
    let mut pressed = None;
    widgets::spaced(ui, gap, |ui| {
        for row in KEYS.chunks(3) {
            ui.horizontal(|ui| {
                for (digit, letters) in row.iter().copied() {
                    let letters = if hold == Hold::Nothing && digit == '0' {
                        ""
                    } else {
                        letters
                    };
                    let name = if letters.is_empty() {
                        say!(words, "a11y-key", digit = digit.to_string())
                    } else {
                        say!(
                            words,
                            "a11y-key-letters",
                            digit = digit.to_string(),
                            letters = letters
                        )
                    };
                    let response = widgets::key(ui, digit, letters, &name, room);
                    let held = hold == Hold::Plus && digit == '0' && long_pressed(ui, &response);
                    if held {
                        pressed = Some('+');
                    } else if response.clicked() && !was_long_press(ui, response.id) {
                        pressed = Some(digit);
                    }
                }
            });
        }
    });
    pressed
}

/// Since when a control has been held, and whether its long press has been told.
#[derive(Clone, Copy, Debug, Default)]
struct Press {
    since: Option<f64>,
    told: bool,
}

/// Whether a control has just been held long enough; true in one frame of each press.
pub(crate) fn long_pressed(ui: &Ui, response: &egui::Response) -> bool {
    let now = ui.input(|input| input.time);
    let id = response.id.with("press");
    let mut press: Press = ui.data_mut(|data| data.get_temp(id)).unwrap_or_default();
    if !response.is_pointer_button_down_on() {
        // Kept until the next press: the click that ends a long press comes in this frame.
        press.since = None;
        ui.data_mut(|data| data.insert_temp(id, press));
        return false;
    }
    let Some(since) = press.since else {
        ui.data_mut(|data| {
            data.insert_temp(
                id,
                Press {
                    since: Some(now),
                    told: false,
                },
            )
        });
        ui.request_repaint_after(motion::LONG_PRESS);
        return false;
    };
    let due = !press.told && now - since >= motion::LONG_PRESS.as_secs_f64();
    if due {
        press.told = true;
        ui.data_mut(|data| data.insert_temp(id, press));
    } else if !press.told {
        ui.request_repaint_after(motion::LONG_PRESS);
    }
    due
}

/// Whether the click that this control reports is the end of a long press.
pub(crate) fn was_long_press(ui: &Ui, control: Id) -> bool {
    let id = control.with("press");
    let press: Press = ui.data_mut(|data| data.get_temp(id)).unwrap_or_default();
    if press.told {
        ui.data_mut(|data| data.insert_temp(id, Press::default()));
    }
    press.told
}
