//! What is wrong with one's own sound in a call, and what to do about it.
//!
//! It stands where the avatar stands and is as high, so that nothing else moves, and goes when its
//! cause is gone.

use egui::accesskit::Live;
use egui::{Popup, Ui, vec2};

use super::call::CallPage;
use super::icons::Icon;
use super::theme::{Palette, Type, size, space};
use super::{Ask, settings, volume, widgets};
use crate::agent;
use crate::engine::{AudioView, CallPhase, CallView, Command, Loudness, LoudnessView, Quality};
use crate::i18n::Words;
use crate::say;

/// What "turn up" and "turn down" turn by, in dB.
const STEP_DB: i32 = 6;

/// What is wrong, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hint {
    /// Somebody speaks into a muted microphone.
    TalkingMuted,
    /// The microphone gives nothing.
    Silent,
    /// It gives too much.
    Clipping,
    /// What is sent is faint.
    Quiet,
}

impl Hint {
    /// What there is to say of this call.
    pub(crate) fn of(call: &CallView, loudness: &LoudnessView, audio: &AudioView) -> Option<Hint> {
        if call.phase != CallPhase::Connected || audio.unavailable {
            return None;
        }
        let state = loudness.microphone;
        let quiet = || call.quality.as_ref().is_some_and(Quality::is_too_quiet);
        if call.muted {
            state.talking_muted.then_some(Hint::TalkingMuted)
        } else if state.silent {
            Some(Hint::Silent)
        } else if state.clipping {
            Some(Hint::Clipping)
        } else if quiet() && loudness.chosen.input_db < *crate::dsp::gain::GAIN_DB.end() {
            Some(Hint::Quiet)
        } else {
            None
        }
    }

    fn words(self, words: &Words) -> (String, String) {
        match self {
            Hint::TalkingMuted => (
                say!(words, "hint-talking-muted"),
                say!(words, "hint-talking-muted", "action"),
            ),
            Hint::Silent => (
                say!(words, "hint-silent"),
                say!(words, "hint-silent", "action"),
            ),
            Hint::Clipping => (
                say!(words, "hint-clipping"),
                say!(words, "hint-clipping", "action"),
            ),
            Hint::Quiet => (
                say!(words, "hint-quiet"),
                say!(words, "hint-quiet", "action"),
            ),
        }
    }
}

/// Draws a hint, [`size::AVATAR_L`] high.
pub(crate) fn hint_ui(ui: &mut Ui, hint: Hint, page: &CallPage<'_>, words: &Words) -> Option<Ask> {
    let (text, action) = hint.words(words);
    let palette = Palette::of(ui);
    let room = vec2(ui.available_width(), size::AVATAR_L);
    let (rect, _) = ui.allocate_exact_size(room, egui::Sense::hover());
    let ground = egui::CornerRadius::same(super::theme::radius::L);
    ui.painter().rect(
        rect,
        ground,
        palette.panel,
        egui::Stroke::new(1.0, palette.warn),
        egui::StrokeKind::Inside,
    );
    // A child of its own, which takes no room beside the rectangle.
    let inside = rect.shrink2(vec2(space::S, space::XS));
    let mut ui = ui.new_child(egui::UiBuilder::new().max_rect(inside));
    ui.with_layout(egui::Layout::top_down(egui::Align::LEFT), |ui| {
        ui.spacing_mut().item_spacing.y = space::XXS;
        let text = Type::SMALL_STRONG.rich(text, palette.text);
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = space::XS;
            let side = vec2(size::ICON, size::ICON);
            let (icon, _) = ui.allocate_exact_size(side, egui::Sense::hover());
            let painter = ui.painter();
            Icon::WARNING_CIRCLE_FILL.paint(painter, icon.center(), size::ICON, palette.warn);
            let label = ui.add(egui::Label::new(text).wrap());
            // Nobody looks at a window while talking: a screen reader says it when it comes.
            ui.ctx()
                .accesskit_node_builder(label.id, |node| node.set_live(Live::Polite));
        });
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Max), |ui| {
            let button = widgets::chip_button(ui, &action, &action);
            act(hint, &button, page, words)
        })
        .inner
    })
    .inner
}

fn act(hint: Hint, button: &egui::Response, page: &CallPage<'_>, words: &Words) -> Option<Ask> {
    let loudness = page.loudness.chosen;
    let turned = |by: i32| {
        let loudness = Loudness {
            input_db: loudness.input_db + by,
            ..loudness
        };
        volume::set(loudness.within_ranges())
    };
    match hint {
        Hint::TalkingMuted => button.clicked().then(|| {
            Ask::Send(Command::Phone(agent::Command::SetMuted {
                call: page.call.id,
                muted: false,
            }))
        }),
        Hint::Silent => {
            let mut ask = None;
            Popup::menu(button).show(|ui| {
                ask = settings::microphone_menu_ui(ui, page.audio, words);
            });
            ask
        }
        Hint::Clipping => button.clicked().then(|| turned(-STEP_DB)),
        Hint::Quiet => button.clicked().then(|| turned(STEP_DB)),
    }
}
