//! A bitmap on which everything is drawn twice as large, so that a PNG is sharp on today's screens, with
//! text where an SVG has it. Knows nothing of charts.

use super::canvas::FAMILY;
use plotters::prelude::*;
use plotters::style::text_anchor::VPos;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingErrorKind,
};

/// Pixels of the bitmap for each of the drawing.
pub const SCALE: u32 = 2;

/// The drawing library makes an em of an SVG's text `size / 1.24`, and one of a bitmap's `size` over what
/// the font has between ascent and descent: Roboto's 1.172 em. Sizes are those of the SVG here.
const EM: f64 = 1.0 / 1.24;
const FONT_HEIGHT: f64 = 1.172;

/// How far below the place that was asked for the baseline lies in an SVG, less the same in a bitmap, in em:
/// the library puts a bitmap's text too high.
fn lowered(anchor: VPos) -> f64 {
    match anchor {
        VPos::Top => 0.17,
        VPos::Center => 0.15,
        VPos::Bottom => 0.095,
    }
}

pub struct Sharp<DB> {
    bitmap: DB,
}

impl<DB: DrawingBackend> Sharp<DB> {
    pub fn new(bitmap: DB) -> Self {
        Self { bitmap }
    }
}

fn larger((x, y): BackendCoord) -> BackendCoord {
    (x * SCALE as i32, y * SCALE as i32)
}

/// A style with lines as many times as thick.
struct Thicker {
    color: BackendColor,
    width: u32,
}

impl Thicker {
    fn of(style: &impl BackendStyle) -> Self {
        Self { color: style.color(), width: style.stroke_width() * SCALE }
    }
}

impl BackendStyle for Thicker {
    fn color(&self) -> BackendColor {
        self.color
    }

    fn stroke_width(&self) -> u32 {
        self.width
    }
}

type Done<DB> = Result<(), DrawingErrorKind<<DB as DrawingBackend>::ErrorType>>;

impl<DB: DrawingBackend> DrawingBackend for Sharp<DB> {
    type ErrorType = DB::ErrorType;

    fn get_size(&self) -> (u32, u32) {
        let (width, height) = self.bitmap.get_size();
        (width / SCALE, height / SCALE)
    }

    fn ensure_prepared(&mut self) -> Done<DB> {
        self.bitmap.ensure_prepared()
    }

    fn present(&mut self) -> Done<DB> {
        self.bitmap.present()
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Done<DB> {
        let (x, y) = larger(point);
        let last = SCALE as i32 - 1;
        self.bitmap.draw_rect((x, y), (x + last, y + last), &Thicker { color, width: 1 }, true)
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Done<DB> {
        self.bitmap.draw_path([larger(from), larger(to)], &Thicker::of(style))
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        bottom_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Done<DB> {
        let (upper_left, bottom_right) = (larger(upper_left), larger(bottom_right));
        self.bitmap.draw_rect(upper_left, bottom_right, &Thicker::of(style), fill)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Done<DB> {
        self.bitmap.draw_path(path.into_iter().map(larger), &Thicker::of(style))
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Done<DB> {
        self.bitmap.draw_circle(larger(center), radius * SCALE, &Thicker::of(style), fill)
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Done<DB> {
        self.bitmap.fill_polygon(corners.into_iter().map(larger), &Thicker::of(style))
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        position: BackendCoord,
    ) -> Done<DB> {
        let em = style.size() * EM * f64::from(SCALE);
        let anchor = style.anchor();
        let (x, y) = larger(position);
        let lower = (lowered(anchor.v_pos) * em).round() as i32;
        let BackendColor { alpha, rgb: (red, green, blue) } = style.color();
        let color = RGBColor(red, green, blue).mix(alpha);
        let font = (FAMILY, em * FONT_HEIGHT).into_font();
        let larger_text = TextStyle::from(font).color(&color).pos(anchor);
        self.bitmap.draw_text(text, &larger_text, (x, y + lower))
    }
}
