//! The icons: a Phosphor subset, one constant each.
//!
//! This list is also what `scripts/fonts.sh` reads: whatever stands here is in
//! `assets/fonts/RamalIcons.ttf`, and nothing else. Regular icons keep Phosphor's code points;
//! filled ones stand 0xF0000 higher, so that both fit in one font.
//!
//! Icons are painted, never labels: a screen reader would read a private-use character.

use egui::{Align2, Color32, FontFamily, FontId, Painter, Pos2};

/// One glyph of the icon font.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Icon(char);

impl Icon {
    /// Arrow to the left: back.
    pub(crate) const ARROW_LEFT: Icon = Icon('\u{e058}');
    /// A call that came in.
    pub(crate) const ARROW_DOWN_LEFT: Icon = Icon('\u{e040}');
    /// A call that went out.
    pub(crate) const ARROW_UP_RIGHT: Icon = Icon('\u{e092}');
    /// Try again.
    pub(crate) const ARROW_CLOCKWISE: Icon = Icon('\u{e036}');
    /// A call sent on.
    pub(crate) const ARROW_BEND_UP_RIGHT: Icon = Icon('\u{e026}');
    /// Calls ring.
    pub(crate) const BELL: Icon = Icon('\u{e0ce}');
    /// No call rings.
    pub(crate) const BELL_SLASH_FILL: Icon = Icon('\u{fe0d4}');
    /// Deletes the character before the cursor.
    pub(crate) const BACKSPACE: Icon = Icon('\u{e0ae}');
    /// Unfolded, or a choice below.
    pub(crate) const CARET_DOWN: Icon = Icon('\u{e136}');
    /// Folded.
    pub(crate) const CARET_RIGHT: Icon = Icon('\u{e13a}');
    /// Messages.
    pub(crate) const CHAT_CIRCLE: Icon = Icon('\u{e168}');
    /// Messages, the section that is open.
    pub(crate) const CHAT_CIRCLE_FILL: Icon = Icon('\u{fe168}');
    /// Chosen.
    pub(crate) const CHECK: Icon = Icon('\u{e182}');
    /// Went well.
    pub(crate) const CHECK_CIRCLE_FILL: Icon = Icon('\u{fe184}');
    /// Not tried yet.
    pub(crate) const CIRCLE: Icon = Icon('\u{e18a}');
    /// Under way.
    pub(crate) const CIRCLE_NOTCH: Icon = Icon('\u{eb44}');
    /// Shows what is hidden.
    pub(crate) const EYE: Icon = Icon('\u{e220}');
    /// Hides what is shown.
    pub(crate) const EYE_SLASH: Icon = Icon('\u{e224}');
    /// The built-in lab.
    pub(crate) const FLASK: Icon = Icon('\u{e79e}');
    /// Settings.
    pub(crate) const GEAR: Icon = Icon('\u{e272}');
    /// Settings, the section that is open.
    pub(crate) const GEAR_FILL: Icon = Icon('\u{fe272}');
    /// Microphone and speaker.
    pub(crate) const HEADSET: Icon = Icon('\u{e584}');
    /// Something to know.
    pub(crate) const INFO: Icon = Icon('\u{e2ce}');
    /// Search.
    pub(crate) const MAGNIFYING_GLASS: Icon = Icon('\u{e30c}');
    /// Microphone on.
    pub(crate) const MICROPHONE: Icon = Icon('\u{e326}');
    /// Microphone off.
    pub(crate) const MICROPHONE_SLASH: Icon = Icon('\u{e328}');
    /// Dark colours.
    pub(crate) const MOON: Icon = Icon('\u{e330}');
    /// Keypad.
    pub(crate) const NUMPAD: Icon = Icon('\u{e3c8}');
    /// Sends a message.
    pub(crate) const PAPER_PLANE_RIGHT_FILL: Icon = Icon('\u{fe396}');
    /// On hold.
    pub(crate) const PAUSE: Icon = Icon('\u{e39e}');
    /// Back from hold.
    pub(crate) const PLAY: Icon = Icon('\u{e3d0}');
    /// Change.
    pub(crate) const PENCIL: Icon = Icon('\u{e3b4}');
    /// A call.
    pub(crate) const PHONE: Icon = Icon('\u{e3b8}');
    /// Call, answer.
    pub(crate) const PHONE_FILL: Icon = Icon('\u{fe3b8}');
    /// Hang up, decline.
    pub(crate) const PHONE_DOWN_FILL: Icon = Icon('\u{fe3bc}');
    /// A missed or failed call.
    pub(crate) const PHONE_X: Icon = Icon('\u{e3c4}');
    /// A call handed over.
    pub(crate) const PHONE_TRANSFER: Icon = Icon('\u{e3c6}');
    /// Add.
    pub(crate) const PLUS: Icon = Icon('\u{e3d4}');
    /// A recording.
    pub(crate) const RECORD: Icon = Icon('\u{e3ee}');
    /// A recording under way.
    pub(crate) const RECORD_FILL: Icon = Icon('\u{fe3ee}');
    /// What the far side says.
    pub(crate) const SPEAKER: Icon = Icon('\u{e44a}');
    /// Light colours.
    pub(crate) const SUN: Icon = Icon('\u{e472}');
    /// Remove.
    pub(crate) const TRASH: Icon = Icon('\u{e4a6}');
    /// Several people.
    pub(crate) const USERS_THREE: Icon = Icon('\u{e68e}');
    /// Something went wrong.
    pub(crate) const WARNING_CIRCLE_FILL: Icon = Icon('\u{fe4e2}');
    /// Close.
    pub(crate) const X: Icon = Icon('\u{e4f6}');
    /// Failed.
    pub(crate) const X_CIRCLE_FILL: Icon = Icon('\u{fe4f8}');

    /// Paints the icon with its middle at `center`; `size` is its height in points.
    pub(crate) fn paint(self, painter: &Painter, center: Pos2, size: f32, color: Color32) {
        painter.text(
            center,
            Align2::CENTER_CENTER,
            self.0,
            Icon::font(size),
            color,
        );
    }

    /// The icon font at a size in points.
    #[must_use]
    pub(crate) fn font(size: f32) -> FontId {
        FontId::new(size, FontFamily::Name(FAMILY.into()))
    }
}

/// The name under which the icon font is installed.
pub(crate) const FAMILY: &str = "icons";
