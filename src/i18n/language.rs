//! Which languages there are, and which one a person wants.

use i18n_embed::DesktopLanguageRequester;
use i18n_embed::unic_langid::LanguageIdentifier;

/// A language that has a catalogue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English, the source.
    #[default]
    English,
    /// Portuguese as spoken in Brazil.
    Portuguese,
    /// Spanish.
    Spanish,
}

impl Language {
    /// All of them, in the order of the switch.
    pub const ALL: [Language; 3] = [Language::Portuguese, Language::English, Language::Spanish];

    /// Its BCP 47 tag: the folder of its catalogue and its name in the settings file.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Portuguese => "pt-BR",
            Language::Spanish => "es",
        }
    }

    /// Its name in itself: a person must find their language in a window they cannot read.
    #[must_use]
    pub const fn own_name(self) -> &'static str {
        match self {
            Language::English => "English",
            Language::Portuguese => "Português (Brasil)",
            Language::Spanish => "Español",
        }
    }

    /// The language that a tag such as `pt`, `pt-PT` or `es_AR.UTF-8` is served by, if any.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Language> {
        let primary = tag.split(['-', '_', '.', '@']).next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "en" => Some(Language::English),
            "pt" => Some(Language::Portuguese),
            "es" => Some(Language::Spanish),
            _ => None,
        }
    }

    /// The first of the system's languages that has a catalogue; English if none has.
    #[must_use]
    pub fn of_system() -> Language {
        Language::first_of(DesktopLanguageRequester::requested_languages())
    }

    /// The locale that the system asks for first, such as `pt-BR`; empty where it asks for none.
    #[must_use]
    pub fn locale_of_system() -> String {
        let wanted = DesktopLanguageRequester::requested_languages();
        wanted.first().map(ToString::to_string).unwrap_or_default()
    }

    fn first_of(wanted: impl IntoIterator<Item = LanguageIdentifier>) -> Language {
        wanted
            .into_iter()
            .find_map(|wanted| Language::from_tag(&wanted.to_string()))
            .unwrap_or_default()
    }

    pub(super) fn identifier(self) -> LanguageIdentifier {
        self.tag().parse().expect("each tag above is well-formed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regional_tag_is_served_by_its_language() {
        for (tag, language) in [
            ("pt", Some(Language::Portuguese)),
            ("pt-PT", Some(Language::Portuguese)),
            ("pt_BR.UTF-8", Some(Language::Portuguese)),
            ("es-419", Some(Language::Spanish)),
            ("EN-gb", Some(Language::English)),
            ("de-DE", None),
            ("", None),
            ("C", None),
        ] {
            assert_eq!(Language::from_tag(tag), language, "{tag}");
        }
    }

    #[test]
    fn the_first_language_with_a_catalogue_is_taken() {
        let wanted = |tags: &[&str]| {
            Language::first_of(
                tags.iter()
                    .map(|tag| tag.parse().unwrap())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(wanted(&["de-DE", "es-AR", "en-US"]), Language::Spanish);
        assert_eq!(wanted(&["fi"]), Language::English);
        assert_eq!(wanted(&[]), Language::English);
    }

    #[test]
    fn every_language_is_found_by_its_own_tag() {
        for language in Language::ALL {
            assert_eq!(Language::from_tag(language.tag()), Some(language));
            assert_eq!(language.identifier().to_string(), language.tag());
        }
    }
}
