//! The pictures that show the window: dial, ringing, in call, incoming, in light and dark.

use std::path::{Path, PathBuf};

use ramal::ui::theme::Palette;

use super::process::at_hand;
use super::program::{Message, Program, home};
use super::screen::{CONTROL, ESCAPE, RETURN, Screen};

/// Where the pictures go; without it they stay in the build's folder.
const FOLDER: &str = "RAMAL_SCREENSHOTS";
/// In which language; Portuguese without it.
const LANGUAGE: &str = "RAMAL_SCREENSHOTS_LANGUAGE";
/// No picture in the repository is larger.
const LARGEST: u64 = 150 * 1024;

#[test]
fn every_scene_is_drawn_in_light_colours() {
    scenes("light", &Palette::LIGHT);
}

#[test]
fn every_scene_is_drawn_in_dark_colours() {
    scenes("dark", &Palette::DARK);
}

fn scenes(theme: &str, colors: &'static Palette) {
    if !at_hand(&["Xvfb"]) {
        return;
    }
    let language = std::env::var(LANGUAGE).unwrap_or_else(|_| "pt-BR".into());
    let settings = format!("format = 1\nlanguage = \"{language}\"\ntheme = \"{theme}\"\n");
    let home = home(theme, Some(&settings));
    let folder = std::env::var_os(FOLDER).map_or_else(|| home.clone(), PathBuf::from);
    let screen = Screen::start(&home);
    let mut program = Program::start(&screen, &home, &[], colors);
    let take = |name: &str| {
        let path = folder.join(format!("{name}-{theme}.png"));
        picture_of(&program, &screen, &path);
    };
    let accent = |what: &str| program.shows(what, |seen| seen.button(colors.accent));
    let bad = |what: &str| program.shows(what, |seen| seen.button(colors.bad));

    program.shows_focus("the address", 110..165);
    take("setup");
    // No PBX at hand: the lab.
    screen.click(program.window, LAB);
    program.hears("the registration", |m| {
        m.answers("REGISTER", 200) && m.header("Contact").is_some()
    });

    program.call("601");
    // The first figures of quality come with the second report.
    program.shows("the grade of the call", |seen| {
        (seen.longest(colors.ok) >= 4).then_some(())
    });
    std::thread::sleep(std::time::Duration::from_secs(4));
    take("in-call");

    // Somebody else is asked whether they take the call, and then all talk together.
    screen.press(&[CONTROL], u32::from('t'));
    screen.type_text("609");
    take("transfer");
    screen.press(&[], RETURN);
    program.hears("the hold", |m| {
        m.answers("INVITE", 200) && m.says("a=recvonly")
    });
    program.hears("whom we ask", |m| {
        m.answers("INVITE", 200) && m.header("To").is_some_and(|to| to.contains("609"))
    });
    accent("hand the call over");
    take("consult");
    screen.press(&[CONTROL], u32::from('j'));
    program.hears("the end of the hold", |m| {
        m.answers("INVITE", 200) && m.says("a=sendrecv")
    });
    take("conference");
    for _ in 0..2 {
        screen.press(&[CONTROL], u32::from('d'));
        program.hears("the goodbye", |m| m.answers("BYE", 200));
    }

    program.dial("604");
    program.hears("the ringing", |m| m.answers("INVITE", 180));
    bad("hang up");
    take("ringing");
    screen.press(&[CONTROL], u32::from('d'));
    program.hears("the end of the ringing", |m| m.answers("INVITE", 487));

    program.dial("607");
    program.hears("the call back", |m| m.asks("INVITE", "sip:1001@"));
    bad("decline");
    screen.press(&[], ESCAPE);
    take("incoming");
    screen.press(&[], RETURN);
    program.hears("our answer", |m| {
        m.answers("INVITE", 200) && m.header("From").is_some_and(|from| from.contains("607"))
    });
    bad("hang up");
    screen.press(&[CONTROL], u32::from('d'));
    // The lab's own goodbye may have come first.
    program.shows("no call any more", |seen| {
        seen.button(colors.bad).is_none().then_some(())
    });

    // A message to the echo, which comes back.
    screen.click(program.window, MESSAGES);
    screen.click(program.window, NEW_MESSAGE);
    program.shows_focus("to whom", 50..120);
    screen.type_text("600");
    screen.press(&[], RETURN);
    program.shows_focus("the line to write on", 570..640);
    screen.type_text("Sala 3?");
    screen.press(&[], RETURN);
    program.hears("the message that comes back", |m| {
        m.answers("MESSAGE", 200) && m.header("From").is_some_and(|from| from.contains("600"))
    });
    take("messages");
    // The lab's own lamps, each in some state.
    screen.click(program.window, TEAM);
    take("team");
    screen.click(program.window, PHONE);
    program.shows_focus("the number", 90..140);
    screen.type_text("(11) 4002-8922");
    accent("call");
    take("dial");
    screen.close(program.window);
    program.ends_well();
    program.hears("the farewell to the registrar", Message::unregisters);

    // The lab is elsewhere the next time: the next start asks for an account again.
    let settings = home.join(".config/ramal/settings.toml");
    let settings = std::fs::read_to_string(settings).expect("it was there from the start");
    assert!(!settings.contains("[[account]]"), "{settings}");
}

/// Where the setup leads to the lab, in points of the window.
const LAB: (u32, u32) = (190, 550);
/// The sections of the rail, and what begins a conversation.
const PHONE: (u32, u32) = (27, 27);
const MESSAGES: (u32, u32) = (27, 73);
const TEAM: (u32, u32) = (27, 119);
const NEW_MESSAGE: (u32, u32) = (350, 30);

fn picture_of(program: &Program<'_>, screen: &Screen, path: &Path) {
    screen.point_away();
    // Time for what fades in, and for a tooltip to go.
    std::thread::sleep(std::time::Duration::from_millis(600));
    screen.picture(program.window).save(path);
    let size = std::fs::metadata(path).expect("it was just written").len();
    assert!(
        (2_000..LARGEST).contains(&size),
        "{size} bytes: {}",
        path.display()
    );
}
