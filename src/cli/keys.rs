//! What a person types while `ramal call` or `ramal answer` runs.

use std::io::{BufRead, IsTerminal};
use std::sync::mpsc::{Receiver, sync_channel};

/// Lines typed and not yet taken.
const QUEUE: usize = 8;

/// One line, as a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// Nothing but Enter: take the call that rings.
    Answer,
    /// `x`: turn it away, or hang up.
    End,
    /// Keys of the telephone: `0`–`9 * # A`–`D`.
    Digits(String),
}

impl Typed {
    /// What a line means; `None`: nothing.
    fn read(line: &str) -> Option<Typed> {
        let line = line.trim();
        match line {
            "" => Some(Typed::Answer),
            "x" | "X" => Some(Typed::End),
            digits
                if digits.len() <= 64
                    && digits
                        .chars()
                        .all(|c| matches!(c, '0'..='9' | '*' | '#' | 'A'..='D' | 'a'..='d')) =>
            {
                Some(Typed::Digits(digits.to_ascii_uppercase()))
            }
            _ => None,
        }
    }
}

/// The keyboard, where there is one.
#[derive(Debug)]
pub(super) struct Keys {
    typed: Receiver<Typed>,
}

impl Keys {
    /// Listens to the terminal. `None` where nobody types: a script, a pipe, a job in the
    /// background (which the system would stop for reading).
    pub(super) fn listen() -> Option<Keys> {
        let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        if !terminal || !in_foreground() {
            return None;
        }
        let (tell, typed) = sync_channel(QUEUE);
        let read = move || {
            for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                let Some(typed) = Typed::read(&line) else {
                    continue;
                };
                // Nobody types faster than this is read; the end of the run ends the thread.
                if tell.send(typed).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new()
            .name("keys".into())
            .spawn(read)
            .ok()?;
        Some(Keys { typed })
    }

    /// What was typed since, if anything.
    pub(super) fn next(&self) -> Option<Typed> {
        self.typed.try_recv().ok()
    }
}

#[cfg(target_os = "linux")]
fn in_foreground() -> bool {
    nix::unistd::tcgetpgrp(std::io::stdin()) == Ok(nix::unistd::getpgrp())
}

#[cfg(not(target_os = "linux"))]
fn in_foreground() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enter_answers_x_ends_and_digits_are_digits() {
        assert_eq!(Typed::read("\n"), Some(Typed::Answer));
        assert_eq!(Typed::read(" x\r\n"), Some(Typed::End));
        assert_eq!(Typed::read("12#d"), Some(Typed::Digits("12#D".into())));
        assert_eq!(Typed::read("hello"), None);
        assert_eq!(Typed::read(&"1".repeat(65)), None);
    }
}
