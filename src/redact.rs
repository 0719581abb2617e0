//! Values that must not be shown: a secret has no way into a log, an error or a file.

use std::fmt;

use zeroize::Zeroize;

/// A password or key. Shown as `[secret]`, wiped from memory when dropped, and never serialised.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes a value out of circulation.
    pub const fn new(value: T) -> Self {
        Secret(value)
    }

    /// The value itself. Each call is a place to look at when reviewing where secrets go.
    pub const fn reveal(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl From<String> for Secret<String> {
    fn from(value: String) -> Self {
        Secret(value)
    }
}

impl From<&str> for Secret<String> {
    fn from(value: &str) -> Self {
        Secret(value.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_in_debug_output() {
        let secret = Secret::from("hunter2");
        assert_eq!(format!("{secret:?}"), "[secret]");
        assert_eq!(format!("{:?}", Some(secret)), "Some([secret])");
    }
}
