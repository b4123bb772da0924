//! How things look: the arms' colours and marks, text, and names cut to the room there is.

use super::canvas::{Drawn, FAMILY, Paper, with_font};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// The palette of Okabe and Ito, which people with any colour vision can tell apart; without its yellow,
/// which is too pale on white.
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
];

pub const INK: RGBColor = RGBColor(34, 34, 34);
pub const SOFT: RGBColor = RGBColor(96, 96, 96);
pub const GRID: RGBColor = RGBColor(226, 226, 226);

/// Under an axis of steps: whole ones alone.
pub fn step_label(step: &f64) -> String {
    if step.fract() == 0.0 { format!("{step:.0}") } else { String::new() }
}

pub const TITLE: f64 = 25.0;
pub const BODY: f64 = 16.5;
pub const SMALL: f64 = 15.0;

/// The outline of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Circle,
    Square,
    Up,
    Diamond,
    Down,
    Cross,
    Ring,
}

const SHAPES: [Shape; 7] = [
    Shape::Circle,
    Shape::Square,
    Shape::Up,
    Shape::Diamond,
    Shape::Down,
    Shape::Cross,
    Shape::Ring,
];

/// What tells one arm from the others, with and without colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    pub colour: RGBColor,
    pub shape: Shape,
}

/// That of base.
pub const BASE: Look = Look { colour: SOFT, shape: Shape::Square };

/// That of the arm at `index` of the plan. After the seventh colours begin again, with other marks.
pub fn look(index: usize) -> Look {
    let turn = index / COLOURS.len();
    Look { colour: COLOURS[index % COLOURS.len()], shape: SHAPES[(index + turn) % SHAPES.len()] }
}

/// A, B, …, Z, A2, B2, …
pub fn letter(index: usize) -> String {
    let letter = char::from(b'A' + (index % 26) as u8);
    if index < 26 { letter.to_string() } else { format!("{letter}{}", index / 26 + 1) }
}

/// Draws a mark of about twice `radius` pixels around `at`.
pub fn mark<DB: DrawingBackend>(
    paper: &Paper<DB>,
    look: Look,
    at: (i32, i32),
    radius: i32,
) -> Drawn<DB> {
    let (x, y) = at;
    let r = radius;
    let fill = look.colour.filled();
    let polygon = |corners: &[(i32, i32)]| {
        Polygon::new(corners.iter().map(|(dx, dy)| (x + dx, y + dy)).collect::<Vec<_>>(), fill)
    };
    match look.shape {
        Shape::Circle => paper.draw(&Circle::new(at, r, fill)),
        Shape::Ring => {
            paper.draw(&Circle::new(at, r, WHITE.filled()))?;
            paper.draw(&Circle::new(at, r, look.colour.stroke_width(2)))
        }
        Shape::Square => paper.draw(&polygon(&[(-r, -r), (r, -r), (r, r), (-r, r)])),
        Shape::Up => paper.draw(&polygon(&[(0, -r - 1), (r + 1, r), (-r - 1, r)])),
        Shape::Down => paper.draw(&polygon(&[(0, r + 1), (r + 1, -r), (-r - 1, -r)])),
        Shape::Diamond => {
            let r = r + 2;
            paper.draw(&polygon(&[(0, -r), (r, 0), (0, r), (-r, 0)]))
        }
        Shape::Cross => {
            let stroke = look.colour.stroke_width(3);
            paper.draw(&PathElement::new(vec![(x - r, y - r), (x + r, y + r)], stroke))?;
            paper.draw(&PathElement::new(vec![(x - r, y + r), (x + r, y - r)], stroke))
        }
    }
}

/// Draws a line through `points`.
pub fn line<DB: DrawingBackend>(
    paper: &Paper<DB>,
    points: Vec<(i32, i32)>,
    style: impl Into<ShapeStyle>,
) -> Drawn<DB> {
    paper.draw(&PathElement::new(points, style))
}

/// Draws a level line of dashes, told apart from a whole one without colour.
pub fn dashes<DB: DrawingBackend>(
    paper: &Paper<DB>,
    from: (i32, i32),
    to: i32,
    colour: RGBColor,
) -> Drawn<DB> {
    let (start, y) = from;
    for x in (start..to).step_by(8) {
        line(paper, vec![(x, y), ((x + 4).min(to), y)], colour.stroke_width(1))?;
    }
    Ok(())
}

/// Writes `text` with its middle height at `at`, which is its left end, middle or right end.
pub fn text<DB: DrawingBackend>(
    paper: &Paper<DB>,
    text: &str,
    at: (i32, i32),
    size: f64,
    colour: RGBColor,
    end: HPos,
) -> Drawn<DB> {
    let style =
        TextStyle::from((FAMILY, size).into_font()).color(&colour).pos(Pos::new(end, VPos::Center));
    paper.draw(&Text::new(text.to_owned(), at, style))
}

/// About how wide `text` is, in pixels; on the safe side, since the SVG's reader has a font of their own.
pub fn width(text: &str, size: f64) -> i32 {
    with_font();
    let (width, _) = (FAMILY, size).into_font().box_size(text).unwrap_or((0, 0));
    (f64::from(width) * 1.1).ceil() as i32
}

/// `text`, or as much of it as fits into `most` pixels with a sign that there was more.
pub fn cut(text: &str, size: f64, most: i32) -> String {
    if width(text, size) <= most {
        return text.to_owned();
    }
    let mut kept: Vec<char> = text.chars().collect();
    loop {
        kept.pop();
        let shorter = format!("{}…", kept.iter().collect::<String>().trim_end());
        if kept.is_empty() || width(&shorter, size) <= most {
            return shorter;
        }
    }
}

/// Text from a record as one line that an SVG may hold: no control characters, and none that XML forbids.
pub fn shown(text: &str) -> String {
    // No name that fits into a chart is longer, and measuring must not take long.
    crate::store::plain_line(text)
        .chars()
        .filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}'))
        .take(120)
        .collect()
}

/// The text of an axis.
pub fn label() -> TextStyle<'static> {
    TextStyle::from((FAMILY, SMALL).into_font()).color(&SOFT)
}
