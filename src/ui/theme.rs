//! Every colour, size, distance and duration that the window uses. Widgets name tokens; no
//! literal of these kinds stands anywhere else.

use std::sync::Arc;
use std::time::Duration;

use egui::epaint::text::VariationCoords;
use egui::text::{LayoutJob, TextFormat, TextWrapping};
use egui::{
    Color32, Context, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Galley, Margin,
    RichText, Shadow, Stroke, Style, TextStyle, Theme, ThemePreference, Ui, Visuals,
};

use super::icons;

/// The colours of one theme, each with one use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// The window.
    pub bg: Color32,
    /// Cards, keys, fields, the rail.
    pub panel: Color32,
    /// What lies under a card's content: soft buttons, meter rails, hover.
    pub sub: Color32,
    /// Hairlines.
    pub line: Color32,
    /// What is read.
    pub text: Color32,
    /// What explains.
    pub mut_text: Color32,
    /// What may be missed.
    pub faint: Color32,
    /// Call, answer, selection, focus.
    pub accent: Color32,
    /// Behind what is selected, and avatars.
    pub accent_soft: Color32,
    /// On the accent.
    pub on_accent: Color32,
    /// Works.
    pub ok: Color32,
    /// Works, but look.
    pub warn: Color32,
    /// Does not work; fills hang up.
    pub bad: Color32,
    /// Behind a missed caller's initials.
    pub bad_soft: Color32,
    /// On `bad`.
    pub on_bad: Color32,
}

impl Palette {
    /// The light theme.
    pub const LIGHT: Palette = Palette {
        bg: rgb(0xF7F8FA),
        panel: rgb(0xFFFFFF),
        sub: rgb(0xEEF1F4),
        line: rgb(0xE1E5EA),
        text: rgb(0x14181D),
        mut_text: rgb(0x54606F),
        faint: rgb(0x616D7C),
        accent: rgb(0x0F766E),
        accent_soft: rgb(0xE0F2EF),
        on_accent: rgb(0xFFFFFF),
        ok: rgb(0x157A39),
        warn: rgb(0xB45309),
        bad: rgb(0xC42B2B),
        bad_soft: rgb(0xFDE8E8),
        on_bad: rgb(0xFFFFFF),
    };

    /// The dark theme.
    pub const DARK: Palette = Palette {
        bg: rgb(0x111418),
        panel: rgb(0x181C21),
        sub: rgb(0x20262D),
        line: rgb(0x2A313A),
        text: rgb(0xEEF1F4),
        mut_text: rgb(0xAAB4C0),
        faint: rgb(0x8C97A5),
        accent: rgb(0x2DD4BF),
        accent_soft: rgb(0x123330),
        on_accent: rgb(0x06201D),
        ok: rgb(0x4ADE80),
        warn: rgb(0xFBBF24),
        bad: rgb(0xF87171),
        bad_soft: rgb(0x3A1D20),
        on_bad: rgb(0x2A0708),
    };

    /// The palette in force where `ui` draws.
    #[must_use]
    pub fn of(ui: &Ui) -> &'static Palette {
        Palette::for_dark(ui.visuals().dark_mode)
    }

    /// The dark palette, or the light one.
    #[must_use]
    pub const fn for_dark(dark: bool) -> &'static Palette {
        if dark {
            &Palette::DARK
        } else {
            &Palette::LIGHT
        }
    }
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

/// Distances, in points.
pub mod space {
    /// Between an icon and its word.
    pub const XXS: f32 = 4.0;
    /// Between things that belong together.
    pub const XS: f32 = 8.0;
    /// Between cards.
    pub const S: f32 = 12.0;
    /// The window's margin.
    pub const M: f32 = 16.0;
    /// Between groups.
    pub const L: f32 = 24.0;
    /// Around what stands alone.
    pub const XL: f32 = 32.0;
}

/// Corner radii, in points.
pub mod radius {
    /// Small things: bars.
    pub const S: u8 = 6;
    /// Buttons, keys, fields.
    pub const M: u8 = 10;
    /// Cards.
    pub const L: u8 = 12;
    /// What floats.
    pub const XL: u8 = 16;
    /// Pills, avatars.
    pub const FULL: u8 = 255;
}

/// Heights and widths of controls, in points.
pub mod size {
    /// The rail on the left.
    pub const RAIL: f32 = 54.0;
    /// A rail button.
    pub const RAIL_BUTTON: f32 = 38.0;
    /// Buttons of full width and fields.
    pub const CONTROL: f32 = 44.0;
    /// Small buttons and pills.
    pub const PILL: f32 = 28.0;
    /// A key of the keypad.
    pub const KEY: f32 = 51.0;
    /// The lowest that a key becomes where room is short.
    pub const KEY_MIN: f32 = 40.0;
    /// A button of the grid in a call.
    pub const TILE: f32 = 66.0;
    /// A row of a list.
    pub const ROW: f32 = 50.0;
    /// The avatar of the call that is talked in.
    pub const AVATAR_L: f32 = 88.0;
    /// The avatar of an incoming call.
    pub const AVATAR_M: f32 = 50.0;
    /// The avatar in a list.
    pub const AVATAR_S: f32 = 34.0;
    /// Icons beside words.
    pub const ICON_S: f32 = 15.0;
    /// Icons in buttons.
    pub const ICON: f32 = 18.0;
    /// Icons that stand alone.
    pub const ICON_L: f32 = 20.0;
    /// The widest that a column of controls becomes.
    pub const COLUMN: f32 = 440.0;
    /// From this width on, recents stand beside the keypad.
    pub const TWO_COLUMNS: f32 = 640.0;
    /// The narrowest that a menu is.
    pub const MENU: f32 = 220.0;
    /// Tooltips wrap at this width.
    pub const TOOLTIP: f32 = 280.0;
    /// The account dot.
    pub const DOT: f32 = 8.0;
    /// Height of a level meter.
    pub const METER: f32 = 5.0;
    /// The knob of a slider.
    pub const KNOB: f32 = 16.0;
    /// Width of the incoming pop-up.
    pub const POPUP_WIDTH: f32 = 352.0;
    /// Height of the incoming pop-up.
    pub const POPUP_HEIGHT: f32 = 182.0;
}

/// Durations.
pub mod motion {
    use super::Duration;

    /// No animation lasts longer.
    pub const FULL: Duration = Duration::from_millis(140);
    /// An incoming card that has just come ignores clicks for this long: the click was meant
    /// for what stood there before.
    pub const GUARD: Duration = Duration::from_millis(300);
    /// A key held this long gives its second meaning.
    pub const LONG_PRESS: Duration = Duration::from_millis(500);
    /// Level meters are drawn this often at most: 15 a second.
    pub const METER: Duration = Duration::from_millis(67);
    /// The time in a call.
    pub const CLOCK: Duration = Duration::from_secs(1);
    /// How old what depends on the hour may grow.
    pub const HOURS: Duration = Duration::from_secs(20);
    /// A toast stays this long, unless it is closed.
    pub const TOAST: Duration = Duration::from_secs(8);
}

/// Size and weight of text, by role.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Type {
    /// In points.
    pub size: f32,
    /// 400 is regular, 700 bold.
    pub weight: f32,
}

impl Type {
    /// Labels under icons, letters on keys.
    pub const CAPTION: Type = Type {
        size: 12.0,
        weight: 400.0,
    };
    /// Headings of lists.
    pub const HEADING: Type = Type {
        size: 12.0,
        weight: 600.0,
    };
    /// Second lines.
    pub const SMALL: Type = Type {
        size: 12.5,
        weight: 400.0,
    };
    /// Pills.
    pub const SMALL_STRONG: Type = Type {
        size: 12.5,
        weight: 600.0,
    };
    /// Running text.
    pub const BODY: Type = Type {
        size: 14.0,
        weight: 400.0,
    };
    /// Names in lists, words on buttons.
    pub const STRONG: Type = Type {
        size: 14.0,
        weight: 600.0,
    };
    /// Fields, the timer.
    pub const LEAD: Type = Type {
        size: 15.0,
        weight: 400.0,
    };
    /// Large buttons.
    pub const LEAD_STRONG: Type = Type {
        size: 15.0,
        weight: 600.0,
    };
    /// Titles, names of callers.
    pub const TITLE: Type = Type {
        size: 17.0,
        weight: 600.0,
    };
    /// The running time of a call.
    pub const TIMER: Type = Type {
        size: 17.0,
        weight: 400.0,
    };
    /// The name in a call, titles of pages.
    pub const HERO: Type = Type {
        size: 21.0,
        weight: 600.0,
    };
    /// The letters below the digits of the keypad.
    pub const LETTERS: Type = Type {
        size: 10.0,
        weight: 400.0,
    };
    /// The digits of the keypad.
    pub const DIGIT: Type = Type {
        size: 21.0,
        weight: 450.0,
    };

    /// A size that follows from a shape, such as initials in an avatar.
    #[must_use]
    pub const fn initials(avatar: f32) -> Type {
        Type {
            size: avatar * 0.36,
            weight: 600.0,
        }
    }

    /// The font at this size; weight travels beside it.
    #[must_use]
    pub const fn font(self) -> FontId {
        FontId::new(self.size, FontFamily::Proportional)
    }

    /// Text for a label.
    #[must_use]
    pub fn rich(self, text: impl Into<String>, color: Color32) -> RichText {
        RichText::new(text)
            .font(self.font())
            .color(color)
            .variation(WEIGHT, self.weight)
    }

    /// Text for a painter: one line, ended by `…` where it is wider than `width`.
    #[must_use]
    pub fn line(self, ui: &Ui, text: &str, color: Color32, width: f32) -> Arc<Galley> {
        let wrap = TextWrapping::truncate_at_width(width.max(1.0));
        let mut job = LayoutJob {
            wrap,
            ..LayoutJob::default()
        };
        job.append(text, 0.0, self.format(color));
        ui.fonts_mut(|fonts| fonts.layout_job(job))
    }

    /// Text for a painter, in as many lines of `width` as it takes.
    #[must_use]
    pub fn paragraph(self, ui: &Ui, text: &str, color: Color32, width: f32) -> Arc<Galley> {
        let wrap = TextWrapping::wrap_at_width(width.max(1.0));
        let mut job = LayoutJob {
            wrap,
            ..LayoutJob::default()
        };
        job.append(text, 0.0, self.format(color));
        ui.fonts_mut(|fonts| fonts.layout_job(job))
    }

    fn format(self, color: Color32) -> TextFormat {
        TextFormat {
            coords: VariationCoords::new([(WEIGHT, self.weight)]),
            ..TextFormat::simple(self.font(), color)
        }
    }
}

/// The weight axis of a variable font.
const WEIGHT: &[u8; 4] = b"wght";

/// Which colours the person wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Appearance {
    /// As the desktop is.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Appearance {
    /// All of them, in the order of the switch.
    pub const ALL: [Appearance; 3] = [Appearance::System, Appearance::Light, Appearance::Dark];

    /// Its name in the settings file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Appearance::System => "system",
            Appearance::Light => "light",
            Appearance::Dark => "dark",
        }
    }

    /// The one with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Appearance> {
        Appearance::ALL
            .into_iter()
            .find(|appearance| appearance.name() == name)
    }

    /// Makes `ctx` draw so.
    pub fn apply(self, ctx: &Context) {
        ctx.set_theme(match self {
            Appearance::System => ThemePreference::System,
            Appearance::Light => ThemePreference::Light,
            Appearance::Dark => ThemePreference::Dark,
        });
    }
}

/// Installs fonts and both styles. Once for each context.
pub fn install(ctx: &Context) {
    ctx.set_fonts(fonts());
    for (theme, palette) in [
        (Theme::Light, &Palette::LIGHT),
        (Theme::Dark, &Palette::DARK),
    ] {
        ctx.style_mut_of(theme, |style| dress(style, theme, palette));
    }
}

fn fonts() -> FontDefinitions {
    let inter = include_bytes!("../../assets/fonts/Inter-Latin.ttf");
    let emoji = include_bytes!("../../assets/fonts/Emoji.ttf");
    let icons = include_bytes!("../../assets/fonts/RamalIcons.ttf");
    let mut fonts = FontDefinitions::empty();
    fonts
        .font_data
        .insert("inter".into(), Arc::new(FontData::from_static(inter)));
    fonts
        .font_data
        .insert("emoji".into(), Arc::new(FontData::from_static(emoji)));
    fonts
        .font_data
        .insert(icons::FAMILY.into(), Arc::new(FontData::from_static(icons)));
    for family in [FontFamily::Proportional, FontFamily::Monospace] {
        // What people write to each other has more in it than letters.
        let both = vec!["inter".into(), "emoji".into()];
        fonts.families.insert(family, both);
    }
    let family = FontFamily::Name(icons::FAMILY.into());
    fonts.families.insert(family, vec![icons::FAMILY.into()]);
    fonts
}

fn dress(style: &mut Style, theme: Theme, palette: &Palette) {
    style.text_styles = [
        (TextStyle::Small, Type::SMALL.font()),
        (TextStyle::Body, Type::BODY.font()),
        (TextStyle::Monospace, Type::BODY.font()),
        (TextStyle::Button, Type::BODY.font()),
        (TextStyle::Heading, Type::HERO.font()),
    ]
    .into();
    style.animation_time = motion::FULL.as_secs_f32();
    style.interaction.selectable_labels = false;
    style.interaction.tooltip_delay = 0.4;
    style.spacing.item_spacing = egui::vec2(space::XS, space::XS);
    style.spacing.button_padding = egui::vec2(space::S, space::XS);
    style.spacing.menu_margin = Margin::same(space::XS as i8);
    style.spacing.window_margin = Margin::same(space::M as i8);
    style.spacing.interact_size.y = size::PILL;
    style.spacing.tooltip_width = size::TOOLTIP;
    style.spacing.scroll.dormant_handle_opacity = 0.0;
    style.spacing.scroll.active_handle_opacity = 0.25;
    style.spacing.scroll.interact_handle_opacity = 0.5;
    style.visuals = visuals(theme, palette);
}

fn visuals(theme: Theme, palette: &Palette) -> Visuals {
    let mut visuals = theme.default_visuals();
    let line = Stroke::new(1.0, palette.line);
    visuals.override_text_color = None;
    visuals.weak_text_color = Some(palette.mut_text);
    visuals.hyperlink_color = palette.accent;
    visuals.faint_bg_color = palette.sub;
    visuals.extreme_bg_color = palette.panel;
    visuals.text_edit_bg_color = Some(palette.panel);
    visuals.code_bg_color = palette.sub;
    visuals.warn_fg_color = palette.warn;
    visuals.error_fg_color = palette.bad;
    visuals.panel_fill = palette.bg;
    visuals.window_fill = palette.panel;
    visuals.window_stroke = line;
    visuals.window_corner_radius = CornerRadius::same(radius::L);
    visuals.menu_corner_radius = CornerRadius::same(radius::L);
    visuals.window_shadow = floating(theme);
    visuals.popup_shadow = floating(theme);
    visuals.selection.bg_fill = palette.accent_soft;
    visuals.selection.stroke = Stroke::new(1.0, palette.accent);
    visuals.text_cursor.stroke = Stroke::new(1.5, palette.accent);
    visuals.text_cursor.blink = false;

    let corner = CornerRadius::same(radius::M);
    let widgets = &mut visuals.widgets;
    for (state, fill, stroke, text) in [
        (
            &mut widgets.noninteractive,
            palette.panel,
            line,
            palette.text,
        ),
        (&mut widgets.inactive, palette.panel, line, palette.text),
        (&mut widgets.hovered, palette.sub, line, palette.text),
        (
            &mut widgets.active,
            palette.sub,
            Stroke::new(1.0, palette.accent),
            palette.text,
        ),
        (&mut widgets.open, palette.sub, line, palette.text),
    ] {
        state.bg_fill = fill;
        state.weak_bg_fill = fill;
        state.bg_stroke = stroke;
        state.corner_radius = corner;
        state.fg_stroke = Stroke::new(1.0, text);
        state.expansion = 0.0;
    }
    visuals
}

/// The shadow of what floats; nothing else has one.
#[must_use]
pub fn floating(theme: Theme) -> Shadow {
    let alpha = match theme {
        Theme::Light => 36,
        Theme::Dark => 120,
    };
    Shadow {
        offset: [0, 6],
        blur: 20,
        spread: 0,
        color: Color32::from_black_alpha(alpha),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Contrast ratio of WCAG 2.2, 1 to 21.
    fn contrast(a: Color32, b: Color32) -> f64 {
        let luminance = |color: Color32| {
            let [r, g, b, _] = color.to_array().map(|channel| {
                let value = f64::from(channel) / 255.0;
                if value <= 0.040_45 {
                    value / 12.92
                } else {
                    ((value + 0.055) / 1.055).powf(2.4)
                }
            });
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn contrast_is_that_of_the_standard() {
        assert!((contrast(Color32::BLACK, Color32::WHITE) - 21.0).abs() < 1e-9);
        // A published pair: #777777 on white is 4.48.
        assert!((contrast(rgb(0x777777), Color32::WHITE) - 4.48).abs() < 0.01);
    }

    #[test]
    fn every_text_can_be_read_where_it_stands() {
        for (name, p) in [("light", Palette::LIGHT), ("dark", Palette::DARK)] {
            for (token, text) in [
                ("text", p.text),
                ("mut", p.mut_text),
                ("faint", p.faint),
                ("accent", p.accent),
                ("ok", p.ok),
                ("warn", p.warn),
                ("bad", p.bad),
            ] {
                for (ground, under) in [("bg", p.bg), ("panel", p.panel)] {
                    let ratio = contrast(text, under);
                    assert!(
                        ratio >= 4.5,
                        "{name}: {token} on {ground} is only {ratio:.2}"
                    );
                }
            }
            for (token, text, under) in [
                ("text on sub", p.text, p.sub),
                ("mut on sub", p.mut_text, p.sub),
                ("faint on sub", p.faint, p.sub),
                ("on accent", p.on_accent, p.accent),
                ("accent on soft", p.accent, p.accent_soft),
                ("text on soft", p.text, p.accent_soft),
                ("on bad", p.on_bad, p.bad),
                ("bad on soft", p.bad, p.bad_soft),
            ] {
                let ratio = contrast(text, under);
                assert!(ratio >= 4.5, "{name}: {token} is only {ratio:.2}");
            }
        }
    }

    #[test]
    fn every_appearance_is_found_by_its_name() {
        for appearance in Appearance::ALL {
            assert_eq!(Appearance::from_name(appearance.name()), Some(appearance));
        }
        assert_eq!(Appearance::from_name("Dark"), None);
    }
}
