//! Whom an account's server is known to be, and what differs when that fails.

use egui::{Label, Ui};

use super::icons::Icon;
use super::theme::{Palette, Type, space};
use super::widgets;
use crate::agent::{AccountState, RegistrationCause};
use crate::engine::{AccountView, Signalling};
use crate::i18n::Words;
use crate::say;

/// Draws it below the state of an account. Answers with the fingerprint of the certificate that the
/// person wants to trust: what they have to reach for below all that speaks against it, and what no
/// key does for them.
pub(crate) fn security_ui(ui: &mut Ui, account: &AccountView, words: &Words) -> Option<String> {
    let palette = Palette::of(ui);
    if let Some(line) = words.signalling(&account.signalling) {
        let (icon, ink) = match account.signalling {
            Signalling::Encrypted(_) => (Icon::CHECK_CIRCLE_FILL, palette.ok),
            Signalling::Clear | Signalling::Unknown => (Icon::CIRCLE, palette.faint),
        };
        widgets::icon_line(ui, icon, ink, Type::SMALL.rich(line, palette.text));
    }
    let AccountState::Failed {
        cause: RegistrationCause::NotSecured(failure),
        ..
    } = account.state
    else {
        return None;
    };
    let refused = account.refused.as_ref()?;
    ui.add_space(space::XXS);
    ui.label(Type::STRONG.rich(say!(words, "tls-details"), palette.text));
    for line in words.what_differs(refused) {
        // A fingerprint is compared, and perhaps copied.
        let text = Type::SMALL.rich(line, palette.mut_text);
        ui.add(Label::new(text).wrap().selectable(true));
    }
    let certificate = refused.certificate.as_ref()?;
    if !failure.may_be_pinned() {
        return None;
    }
    ui.add_space(space::XXS);
    ui.label(Type::SMALL.rich(say!(words, "tls-trust-what"), palette.text));
    let trust = say!(words, "tls-trust");
    widgets::text_button(ui, None, &trust)
        .clicked()
        .then(|| certificate.fingerprint.to_string())
}
