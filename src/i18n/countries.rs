//! Countries by their names.

use super::Words;
use crate::say;

impl Words {
    /// The name of a country whose tones the phone knows; the code itself for any other.
    #[must_use]
    pub fn country(&self, code: &str) -> String {
        match code {
            "BR" => say!(self, "country-br"),
            "PT" => say!(self, "country-pt"),
            "ES" => say!(self, "country-es"),
            "AR" => say!(self, "country-ar"),
            "CL" => say!(self, "country-cl"),
            "CO" => say!(self, "country-co"),
            "MX" => say!(self, "country-mx"),
            "PE" => say!(self, "country-pe"),
            "UY" => say!(self, "country-uy"),
            "PY" => say!(self, "country-py"),
            "US" => say!(self, "country-us"),
            "CA" => say!(self, "country-ca"),
            "GB" => say!(self, "country-gb"),
            "DE" => say!(self, "country-de"),
            "FR" => say!(self, "country-fr"),
            "IT" => say!(self, "country-it"),
            "NL" => say!(self, "country-nl"),
            "BE" => say!(self, "country-be"),
            "CH" => say!(self, "country-ch"),
            "AT" => say!(self, "country-at"),
            "SE" => say!(self, "country-se"),
            "PL" => say!(self, "country-pl"),
            "RU" => say!(self, "country-ru"),
            "CN" => say!(self, "country-cn"),
            "NZ" => say!(self, "country-nz"),
            other => other.to_owned(),
        }
    }
}
