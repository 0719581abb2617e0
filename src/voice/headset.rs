//! What the name of a device says about whether its microphone can hear its loudspeaker.

/// Parts of names, in small letters, of what is worn. Systems give names in the person's language.
const WORN: &[&str] = &[
    "headset",
    "headphone",
    "earphone",
    "earbud",
    "airpods",
    "buds",
    "hands-free",
    "handsfree",
    "hfp",
    "hsp",
    "fone",
    "auricular",
    "auscultador",
    "casque",
    "kopfhörer",
    "jabra evolve",
    "plantronics",
    "poly blackwire",
];

/// Parts of names that say the contrary although one of the others is in them.
const LOUD: &[&str] = &[
    "speakerphone",
    "microfone",
    "telefone",
    "megafone",
    "viva-voz",
    "microphone",
];

/// Whether the name is one of something worn on the head. Only where to begin: what is measured
/// counts for more.
#[must_use]
pub fn says_headset(name: &str) -> bool {
    let mut name = name.to_lowercase();
    for loud in LOUD {
        name = name.replace(loud, " ");
    }
    WORN.iter().any(|worn| name.contains(worn))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_what_is_worn_are_known_in_three_languages() {
        for name in [
            "Jabra Evolve2 40 Mono",
            "Fone de ouvido (Realtek High Definition Audio)",
            "Auriculares con micrófono",
            "WH-1000XM4 Hands-Free AG Audio",
            "USB Headset Analog Stereo",
            "Galaxy Buds2",
        ] {
            assert!(says_headset(name), "{name}");
        }
        for name in [
            "Built-in Audio Analog Stereo",
            "Microfone (Realtek High Definition Audio)",
            "Microfone interno",
            "Alto-falantes (USB)",
            "Jabra Speak 510 Speakerphone",
            "Monitor de telefone",
        ] {
            assert!(!says_headset(name), "{name}");
        }
    }
}
