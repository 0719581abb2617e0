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
pub struct Icon(char);

impl Icon {
    /// Arrow to the left: back.
    pub const ARROW_LEFT: Icon = Icon('\u{e058}');
    /// A call that came in.
    pub const ARROW_DOWN_LEFT: Icon = Icon('\u{e040}');
    /// A call that went out.
    pub const ARROW_UP_RIGHT: Icon = Icon('\u{e092}');
    /// Try again.
    pub const ARROW_CLOCKWISE: Icon = Icon('\u{e036}');
    /// Deletes the character before the cursor.
    pub const BACKSPACE: Icon = Icon('\u{e0ae}');
    /// Unfolded, or a choice below.
    pub const CARET_DOWN: Icon = Icon('\u{e136}');
    /// Folded.
    pub const CARET_RIGHT: Icon = Icon('\u{e13a}');
    /// Chosen.
    pub const CHECK: Icon = Icon('\u{e182}');
    /// Went well.
    pub const CHECK_CIRCLE_FILL: Icon = Icon('\u{fe184}');
    /// Not tried yet.
    pub const CIRCLE: Icon = Icon('\u{e18a}');
    /// Under way.
    pub const CIRCLE_NOTCH: Icon = Icon('\u{eb44}');
    /// Follows the system.
    pub const DESKTOP: Icon = Icon('\u{e560}');
    /// Shows what is hidden.
    pub const EYE: Icon = Icon('\u{e220}');
    /// Hides what is shown.
    pub const EYE_SLASH: Icon = Icon('\u{e224}');
    /// The built-in lab.
    pub const FLASK: Icon = Icon('\u{e79e}');
    /// Settings.
    pub const GEAR: Icon = Icon('\u{e272}');
    /// Settings, the section that is open.
    pub const GEAR_FILL: Icon = Icon('\u{fe272}');
    /// Microphone and speaker.
    pub const HEADSET: Icon = Icon('\u{e584}');
    /// Something to know.
    pub const INFO: Icon = Icon('\u{e2ce}');
    /// Search.
    pub const MAGNIFYING_GLASS: Icon = Icon('\u{e30c}');
    /// Microphone on.
    pub const MICROPHONE: Icon = Icon('\u{e326}');
    /// Microphone off.
    pub const MICROPHONE_SLASH: Icon = Icon('\u{e328}');
    /// Dark colours.
    pub const MOON: Icon = Icon('\u{e330}');
    /// Keypad.
    pub const NUMPAD: Icon = Icon('\u{e3c8}');
    /// On hold.
    pub const PAUSE: Icon = Icon('\u{e39e}');
    /// Back from hold.
    pub const PLAY: Icon = Icon('\u{e3d0}');
    /// Change.
    pub const PENCIL: Icon = Icon('\u{e3b4}');
    /// A call.
    pub const PHONE: Icon = Icon('\u{e3b8}');
    /// Call, answer.
    pub const PHONE_FILL: Icon = Icon('\u{fe3b8}');
    /// Hang up, decline.
    pub const PHONE_DOWN_FILL: Icon = Icon('\u{fe3bc}');
    /// A missed or failed call.
    pub const PHONE_X: Icon = Icon('\u{e3c4}');
    /// Add.
    pub const PLUS: Icon = Icon('\u{e3d4}');
    /// What the far side says.
    pub const SPEAKER: Icon = Icon('\u{e44a}');
    /// Light colours.
    pub const SUN: Icon = Icon('\u{e472}');
    /// Remove.
    pub const TRASH: Icon = Icon('\u{e4a6}');
    /// Something went wrong.
    pub const WARNING_CIRCLE_FILL: Icon = Icon('\u{fe4e2}');
    /// Close.
    pub const X: Icon = Icon('\u{e4f6}');
    /// Failed.
    pub const X_CIRCLE_FILL: Icon = Icon('\u{fe4f8}');

    /// The character in the icon font.
    #[must_use]
    pub const fn glyph(self) -> char {
        self.0
    }

    /// Paints the icon with its middle at `center`; `size` is its height in points.
    pub fn paint(self, painter: &Painter, center: Pos2, size: f32, color: Color32) {
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
    pub fn font(size: f32) -> FontId {
        FontId::new(size, FontFamily::Name(FAMILY.into()))
    }
}

/// The name under which the icon font is installed.
pub(crate) const FAMILY: &str = "icons";
