//! A display of its own, and a pair of hands and eyes for it: XTEST and pictures.

use std::fs::File;
use std::io::IoSlice;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use image::RgbImage;
use x11rb::connection::{Connection, RequestConnection};
use x11rb::protocol::xproto::{
    ClientMessageEvent, ConnectionExt, EventMask, ImageFormat, InputFocus, MapState, Window,
};
use x11rb::rust_connection::RustConnection;

use super::picture::Picture;
use super::process::{Running, command, find, tail, wait_until};

/// How long what happens at once may take on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Larger than this are the windows that a person sees; toolkits keep small ones for themselves.
const VISIBLE: u16 = 100;

/// An X server in memory, with nobody else on it: no window manager, no other program.
pub(crate) struct Screen {
    connection: RustConnection,
    root: Window,
    keys: Keys,
    xtest: u8,
    name: String,
    _server: Running,
}

/// What stands on the keys: by keycode, without and with Shift.
struct Keys {
    first: u8,
    each: usize,
    symbols: Vec<u32>,
}

impl Screen {
    /// Starts the server on the first free display and connects to it.
    pub(crate) fn start(folder: &Path) -> Screen {
        let number = folder.join("display");
        let told = File::create(&number).expect("the folder can be written");
        let xvfb = find("Xvfb").expect("asked for before");
        let mut line = command(&xvfb);
        line.args(["-displayfd", "1", "-screen", "0", "1280x800x24"])
            .args(["-nolisten", "tcp"])
            .stdout(told)
            .stderr(Stdio::null());
        let server = Running::spawn("Xvfb", folder.join("Xvfb.log"), &mut line);
        let read = || {
            let text = std::fs::read_to_string(&number).unwrap_or_default();
            text.ends_with('\n').then(|| format!(":{}", text.trim()))
        };
        let name = wait_until(SOON, || tail(server.log(), 20), read);
        let (connection, screen) =
            RustConnection::connect(Some(&name)).expect("the display lets us in");
        let root = connection.setup().roots[screen].root;
        let setup = connection.setup();
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let mapping = connection
            .get_keyboard_mapping(first, last - first + 1)
            .expect("the display is there")
            .reply()
            .expect("a display has keys");
        let xtest = connection
            .extension_information("XTEST")
            .expect("the display is there")
            .expect("Xvfb has XTEST")
            .major_opcode;
        Screen {
            keys: Keys {
                first,
                each: usize::from(mapping.keysyms_per_keycode),
                symbols: mapping.keysyms,
            },
            connection,
            root,
            xtest,
            name,
            _server: server,
        }
    }

    /// For `DISPLAY`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The windows that a person sees, the oldest first.
    pub(crate) fn windows(&self) -> Vec<Window> {
        let tree = self.connection.query_tree(self.root);
        let tree = tree
            .expect("the display is there")
            .reply()
            .expect("the root has a tree");
        let seen = |window: &Window| {
            // One that has just gone answers with an error: it is not seen.
            let attributes = self.connection.get_window_attributes(*window).ok()?;
            let viewable = attributes.reply().ok()?.map_state == MapState::VIEWABLE;
            let place = self.connection.get_geometry(*window).ok()?.reply().ok()?;
            Some(viewable && place.width > VISIBLE && place.height > VISIBLE)
        };
        let windows = tree.children.into_iter();
        windows.filter(|w| seen(w) == Some(true)).collect()
    }

    /// Waits for the first window, and gives it the keyboard: no window manager does.
    pub(crate) fn first_window(&self, saying: impl Fn() -> String) -> Window {
        let window = wait_until(SOON, saying, || self.windows().first().copied());
        self.focus(window);
        window
    }

    /// What is typed goes to this window from now on.
    pub(crate) fn focus(&self, window: Window) {
        self.connection
            .set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME)
            .expect("the display is there")
            .check()
            .expect("the window can have the keyboard");
    }

    /// What is typed goes nowhere from now on.
    pub(crate) fn focus_nothing(&self) {
        self.focus(x11rb::NONE);
    }

    /// Types a text, key by key.
    pub(crate) fn type_text(&self, text: &str) {
        for character in text.chars() {
            // The key symbols of Latin-1 are its code points (X11 protocol, appendix A).
            self.press(&[], u32::from(character));
        }
    }

    /// Presses and lets go a key while others are held.
    pub(crate) fn press(&self, held: &[u32], symbol: u32) {
        let (key, shift) = self.keys.of(symbol);
        let mut down: Vec<u8> = held.iter().map(|held| self.keys.of(*held).0).collect();
        if shift {
            down.push(self.keys.of(SHIFT).0);
        }
        down.push(key);
        for key in &down {
            self.fake(KEY_PRESS, *key, (0, 0));
        }
        for key in down.iter().rev() {
            self.fake(KEY_RELEASE, *key, (0, 0));
        }
        self.flush();
        // Nobody presses two keys within one frame.
        std::thread::sleep(Duration::from_millis(40));
    }

    /// Clicks a point of a window.
    pub(crate) fn click(&self, window: Window, (x, y): (u32, u32)) {
        let place = self.connection.get_geometry(window);
        let place = place.expect("the display is there").reply();
        let place = place.expect("the window is there");
        let x = place.x + i16::try_from(x).expect("on the screen");
        let y = place.y + i16::try_from(y).expect("on the screen");
        self.fake(MOTION, 0, (x, y));
        self.flush();
        // A person's hand is on the button before it presses: the program sees where it is.
        std::thread::sleep(Duration::from_millis(100));
        self.fake(BUTTON_PRESS, 1, (0, 0));
        self.flush();
        std::thread::sleep(Duration::from_millis(50));
        self.fake(BUTTON_RELEASE, 1, (0, 0));
        self.flush();
    }

    /// Puts the pointer where it hovers over nothing.
    pub(crate) fn point_away(&self) {
        self.fake(MOTION, 0, (1, 1));
        self.flush();
    }

    /// What a window manager does when the cross is pressed.
    pub(crate) fn close(&self, window: Window) {
        let atom = |name: &str| {
            let atom = self.connection.intern_atom(false, name.as_bytes());
            let atom = atom.expect("the display is there").reply();
            atom.expect("names can be made").atom
        };
        let data = [atom("WM_DELETE_WINDOW"), x11rb::CURRENT_TIME, 0, 0, 0];
        let event = ClientMessageEvent::new(32, window, atom("WM_PROTOCOLS"), data);
        self.connection
            .send_event(false, window, EventMask::NO_EVENT, event)
            .expect("the display is there");
        self.flush();
    }

    /// What a window looks like at this moment.
    pub(crate) fn picture(&self, window: Window) -> Picture {
        let read = || {
            let place = self.connection.get_geometry(window).ok()?.reply().ok()?;
            let (width, height) = (place.width, place.height);
            let image = self
                .connection
                .get_image(ImageFormat::Z_PIXMAP, window, 0, 0, width, height, !0)
                .ok()?
                .reply()
                .ok()?;
            // At depth 24: blue, green, red and a byte of nothing for each point.
            let rgb = image.data.chunks_exact(4).flat_map(|p| [p[2], p[1], p[0]]);
            RgbImage::from_raw(width.into(), height.into(), rgb.collect())
        };
        // A window that has gone shows nothing.
        Picture(read().unwrap_or_default())
    }

    fn flush(&self) {
        self.connection.flush().expect("the display is there");
    }

    /// XTEST's FakeInput, written by hand: asking x11rb for it would build winit a second time.
    fn fake(&self, kind: u8, detail: u8, (x, y): (i16, i16)) {
        let mut request = [0; 36];
        request[..2].copy_from_slice(&[self.xtest, 2]);
        request[2..4].copy_from_slice(&9_u16.to_ne_bytes());
        request[4..6].copy_from_slice(&[kind, detail]);
        request[24..26].copy_from_slice(&x.to_ne_bytes());
        request[26..28].copy_from_slice(&y.to_ne_bytes());
        let sent = self
            .connection
            .send_request_without_reply(&[IoSlice::new(&request)], Vec::new());
        // Dropping the cookie would ignore an error of the server's.
        sent.expect("the display is there")
            .check()
            .expect("XTEST takes it");
    }
}

impl Keys {
    /// On which key a symbol stands, and whether it takes Shift.
    fn of(&self, symbol: u32) -> (u8, bool) {
        let at = |level: usize| {
            let mut keys = self.symbols.chunks(self.each);
            keys.position(|key| key.get(level) == Some(&symbol))
        };
        let (key, shift) = match (at(0), at(1)) {
            (Some(key), _) => (key, false),
            (None, Some(key)) => (key, true),
            (None, None) => panic!("no key has {symbol:#x}"),
        };
        (self.first + u8::try_from(key).expect("below 256"), shift)
    }
}

const KEY_PRESS: u8 = 2;
const KEY_RELEASE: u8 = 3;
const BUTTON_PRESS: u8 = 4;
const BUTTON_RELEASE: u8 = 5;
const MOTION: u8 = 6;

pub(crate) const RETURN: u32 = 0xff0d;
pub(crate) const ESCAPE: u32 = 0xff1b;
pub(crate) const TAB: u32 = 0xff09;
pub(crate) const CONTROL: u32 = 0xffe3;
const SHIFT: u32 = 0xffe1;
