//! What charts are drawn on: one drawing becomes an SVG and a PNG file. Owns the two backends and the font
//! of the PNG; knows no chart.

use super::sharp::{SCALE, Sharp};
use crate::report::error::{Error, Result};
use crate::report::taken_out::Format;
use crate::store::atomic;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::register_font;
use std::path::{Path, PathBuf};
use std::sync::Once;

/// A part of the paper, in pixels.
pub type Paper<DB> = DrawingArea<DB, Shift>;

/// What drawing gives.
pub type Drawn<DB, T = ()> =
    std::result::Result<T, DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// Something that can be drawn on any paper.
pub trait Chart {
    /// Width and height in pixels of the SVG; the PNG has [`SCALE`] times as many.
    fn size(&self) -> (u32, u32) {
        (900, 560)
    }

    fn draw<DB: DrawingBackend>(&self, paper: &Paper<DB>) -> Drawn<DB>;
}

/// The family's name in SVG files, where the reader's own font is used; here it is the built-in font.
pub const FAMILY: &str = "sans-serif";

/// Roboto (Apache License 2.0, beside it): a PNG has the same text on machines without any font.
static FONT: &[u8] = include_bytes!("../../../assets/font/Roboto-Regular.ttf");

/// Makes the built-in font known to the drawing library, which keeps fonts for the whole process.
pub fn with_font() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // The file is part of the program and a test draws with it; were it bad, drawing would say so.
        register_font(FAMILY, FontStyle::Normal, FONT).ok();
    });
}

/// Draws `chart` into `folder` as `stem.svg` and `stem.png`.
///
/// # Errors
/// When drawing fails or a file cannot be written.
pub fn write(chart: &impl Chart, stem: &str, folder: &Path) -> Result<[PathBuf; 2]> {
    let failed = |reason: String| Error::Draw { chart: stem.to_owned(), reason };
    let vector = svg(chart).map_err(failed)?;
    let pixels = png(chart).map_err(failed)?;
    let paths = [folder.join(format!("{stem}.svg")), folder.join(format!("{stem}.png"))];
    atomic::write(&paths[0], vector.as_bytes())?;
    atomic::write(&paths[1], &pixels)?;
    Ok(paths)
}

/// Draws `chart` as a file of this kind has it.
///
/// # Errors
/// When drawing fails, or it is no kind of picture.
pub fn drawn(chart: &impl Chart, format: Format) -> Result<Vec<u8>, String> {
    match format {
        Format::Svg => svg(chart).map(String::into_bytes),
        Format::Png => png(chart),
        Format::Csv => Err("a chart is no table".into()),
    }
}

fn svg(chart: &impl Chart) -> Result<String, String> {
    with_font();
    let mut text = String::new();
    {
        let paper = SVGBackend::with_string(&mut text, chart.size()).into_drawing_area();
        draw(chart, &paper).map_err(|error| error.to_string())?;
    }
    Ok(text)
}

fn png(chart: &impl Chart) -> Result<Vec<u8>, String> {
    with_font();
    let (width, height) = chart.size();
    let (width, height) = (width * SCALE, height * SCALE);
    let mut pixels = vec![0; width as usize * height as usize * 3];
    {
        let backend = BitMapBackend::with_buffer(&mut pixels, (width, height));
        let paper = Sharp::new(backend).into_drawing_area();
        draw(chart, &paper).map_err(|error| error.to_string())?;
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(|error| error.to_string())?;
    writer.write_image_data(&pixels).map_err(|error| error.to_string())?;
    writer.finish().map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn draw<DB: DrawingBackend>(chart: &impl Chart, paper: &Paper<DB>) -> Drawn<DB> {
    paper.fill(&WHITE)?;
    chart.draw(paper)?;
    paper.present()
}
