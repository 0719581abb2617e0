//! What a window looks like, and where in it a colour of the theme stands.

use std::path::Path;

use egui::Color32;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{Rgb, RgbImage};

/// The points of a window. Empty if it has gone.
pub(crate) struct Picture(pub(crate) RgbImage);

/// How far a drawn colour may be from its token: software and hardware round in their own ways.
const TOLERANCE: u8 = 2;

impl Picture {
    /// The middle of the largest area of a colour that is at least a button in size.
    pub(crate) fn button(&self, color: Color32) -> Option<(u32, u32)> {
        let mut best: Option<(u32, u32, u32)> = None;
        for y in 0..self.0.height() {
            for (start, end) in self.runs(y, color) {
                if best.is_none_or(|(_, from, to)| end - start > to - from) {
                    best = Some((y, start, end));
                }
            }
        }
        let (top, start, end) = best.filter(|(_, start, end)| end - start >= BUTTON_WIDTH)?;
        // Its ground goes down from there, along its left edge, where no word stands.
        let x = start + 4;
        let bottom = (top..self.0.height())
            .take_while(|y| self.is(x, *y, color))
            .last()?;
        (bottom - top >= BUTTON_HEIGHT).then_some(((start + end) / 2, (top + bottom) / 2))
    }

    /// The first row with a stretch of a colour at least so long: the top of what is framed in it.
    pub(crate) fn first_row(&self, color: Color32, long: u32) -> Option<u32> {
        (0..self.0.height()).find(|y| {
            let mut runs = self.runs(*y, color).into_iter();
            runs.any(|(start, end)| end - start >= long)
        })
    }

    /// The longest unbroken stretch of a colour in one row, in points.
    pub(crate) fn longest(&self, color: Color32) -> u32 {
        let rows = 0..self.0.height();
        let runs = rows.flat_map(|y| self.runs(y, color));
        runs.map(|(start, end)| end - start).max().unwrap_or(0)
    }

    /// Writes a PNG as small as it gets.
    pub(crate) fn save(&self, path: &Path) {
        if self.0.is_empty() {
            return;
        }
        let file = std::fs::File::create(path).expect("the folder can be written");
        let out = std::io::BufWriter::new(file);
        let encoder =
            PngEncoder::new_with_quality(out, CompressionType::Best, FilterType::Adaptive);
        self.0
            .write_with_encoder(encoder)
            .expect("the picture can be written");
    }

    fn is(&self, x: u32, y: u32, color: Color32) -> bool {
        let Rgb(seen) = *self.0.get_pixel(x, y);
        let [r, g, b, _] = color.to_array();
        seen.iter()
            .zip([r, g, b])
            .all(|(seen, wanted)| seen.abs_diff(wanted) <= TOLERANCE)
    }

    /// Where a colour begins and ends in a row, each time.
    fn runs(&self, y: u32, color: Color32) -> Vec<(u32, u32)> {
        let mut runs = Vec::new();
        let mut start = None;
        for x in 0..=self.0.width() {
            let here = x < self.0.width() && self.is(x, y, color);
            match (here, start) {
                (true, None) => start = Some(x),
                (false, Some(from)) => {
                    runs.push((from, x));
                    start = None;
                }
                (true, Some(_)) | (false, None) => {}
            }
        }
        runs
    }
}

/// Anything in a strong colour that is smaller is no large button.
const BUTTON_WIDTH: u32 = 100;
const BUTTON_HEIGHT: u32 = 25;
