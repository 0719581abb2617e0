//! The real window on a display in memory: seen as pictures, driven by keys and pointer, and
//! calling the built-in lab. That a call took place is read from the messages that came out of
//! the sockets, and from the meter that moves only while sound is decoded.
//!
//! `scripts/screenshots.sh` runs this to make the pictures in `docs/screenshots`.

#![cfg(target_os = "linux")]
#![expect(
    clippy::print_stdout,
    reason = "what is missing is told to whoever runs this"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "other programs live in real time, and can only be asked again"
)]

#[path = "window/picture.rs"]
mod picture;
#[expect(dead_code, reason = "the tests with real peers use the rest")]
#[path = "peers/process.rs"]
mod process;
#[path = "window/program.rs"]
mod program;
#[path = "window/scenes.rs"]
mod scenes;
#[path = "window/screen.rs"]
mod screen;

use std::collections::BTreeSet;
use std::ops::Range;

use process::{at_hand, wait_until};
use program::{Lab, Message, Program, home};
use ramal::ui::theme::Palette;
use screen::{CONTROL, RETURN, SOON, Screen, TAB};

/// A display in memory says nothing about colours, and then the window is dark.
const COLORS: &Palette = &Palette::DARK;

fn registered(message: &Message) -> bool {
    message.answers("REGISTER", 200) && message.header("Contact").is_some()
}

fn unregistered(message: &Message) -> bool {
    message.answers("REGISTER", 200) && message.header("Contact").is_none()
}

#[test]
fn a_call_to_the_lab_is_made_heard_and_ended_by_hand() {
    if !at_hand(&["Xvfb"]) {
        return;
    }
    let home = home("call", None);
    let screen = Screen::start(&home);
    let mut program = Program::start(&screen, &home, &["demo"], COLORS);
    program.hears("the registration", registered);

    program.call("601");
    program.hears("the call, at the lab", |m| {
        m.asks("INVITE", "sip:601@127.0.0.1")
    });
    program.hears("the thanks for its answer, at the lab", |m| {
        m.asks("ACK", "sip:")
    });
    let hang_up = screen.picture(program.window).button(COLORS.bad);
    // Nobody speaks here, there is no microphone: what moves the meter came from the lab.
    let mut lengths = BTreeSet::new();
    wait_until(
        SOON,
        || format!("the meter does not move\n{}", program.account()),
        || {
            lengths.insert(screen.picture(program.window).longest(COLORS.ok));
            (lengths.len() > 4).then_some(())
        },
    );

    screen.click(program.window, hang_up.expect("it was just seen"));
    program.hears("the goodbye", |m| m.asks("BYE", "sip:"));
    program.hears("its answer", |m| m.answers("BYE", 200));
    program.shows("no call any more", |seen| {
        seen.button(COLORS.bad).is_none().then_some(())
    });

    screen.close(program.window);
    program.ends_well();
    program.hears("the farewell to the registrar", Message::unregisters);
    program.hears("its answer", unregistered);
}

#[test]
fn ctrl_c_at_the_terminal_ends_the_call_and_unregisters() {
    if !at_hand(&["Xvfb"]) {
        return;
    }
    let home = home("ctrl-c", None);
    let screen = Screen::start(&home);
    let mut program = Program::start(&screen, &home, &["demo"], COLORS);
    program.hears("the registration", registered);
    program.call("600");

    program.interrupt();
    program.ends_well();
    program.hears("the goodbye", |m| m.asks("BYE", "sip:"));
    program.hears("its answer", |m| m.answers("BYE", 200));
    program.hears("the farewell to the registrar", Message::unregisters);
    program.hears("its answer", unregistered);
}

#[test]
fn the_first_start_is_set_up_with_the_keyboard_alone() {
    if !at_hand(&["Xvfb"]) {
        return;
    }
    let home = home("setup", None);
    let lab = Lab::start(&home);
    let screen = Screen::start(&home);
    let mut program = Program::start(&screen, &home, &[], COLORS);
    program.shows_focus("the address", ADDRESS);

    screen.type_text(&format!("1001@{}", lab.address));
    screen.press(&[], TAB);
    program.shows_focus("the password", PASSWORD);
    screen.type_text("wrong");
    screen.press(&[], RETURN);
    program.shows("what was refused", |seen| {
        (seen.longest(COLORS.bad) > 4).then_some(())
    });
    screen.click(program.window, (120, PASSWORD.end - 20));
    program.shows_focus("the password", PASSWORD);
    screen.press(&[CONTROL], u32::from('a'));
    screen.type_text("ramal");
    screen.press(&[], RETURN);
    program.hears("the registration", registered);
    program.shows("the end of the setup", |seen| seen.button(COLORS.accent));
    screen.press(&[], RETURN);

    program.call("600");
    screen.press(&[CONTROL], u32::from('d'));
    program.hears("the goodbye's answer", |m| m.answers("BYE", 200));
    screen.close(program.window);
    program.ends_well();

    let settings = home.join(".config/ramal/settings.toml");
    let settings = std::fs::read_to_string(settings).expect("the settings were saved");
    let accounts = settings.matches("[[account]]").count();
    assert_eq!(accounts, 1, "the wrong try was corrected:\n{settings}");
    assert!(settings.contains(&lab.address), "{settings}");
    assert!(!settings.contains("password"), "{settings}");
}

/// Where the fields of the setup are, in rows of the window.
const ADDRESS: Range<u32> = 110..165;
const PASSWORD: Range<u32> = 190..245;

#[test]
fn a_call_pops_up_over_other_windows_and_is_answered_there() {
    if !at_hand(&["Xvfb"]) {
        return;
    }
    let home = home("pop-up", None);
    let screen = Screen::start(&home);
    let mut program = Program::start(&screen, &home, &["demo"], COLORS);
    program.hears("the registration", registered);
    program.call("607");
    screen.focus_nothing();
    program.hears("the call back", |m| m.asks("INVITE", "sip:1001@"));
    let ours = program.window;
    let pop_up = wait_until(
        SOON,
        || format!("nothing pops up\n{}", program.account()),
        || screen.windows().into_iter().find(|window| *window != ours),
    );
    let answer = wait_until(
        SOON,
        || format!("no answer on the pop-up\n{}", program.account()),
        || screen.picture(pop_up).button(COLORS.accent),
    );
    // What is pressed in the first moment was meant for what stood there before.
    std::thread::sleep(std::time::Duration::from_millis(500));
    screen.click(pop_up, answer);
    program.hears("our answer", |m| {
        m.answers("INVITE", 200) && m.header("From").is_some_and(|from| from.contains("607"))
    });
    wait_until(
        SOON,
        || "the pop-up stays".to_owned(),
        || (screen.windows() == [ours]).then_some(()),
    );
    screen.close(ours);
    program.ends_well();
}
