//! Text of several styles in one line, and how it is broken.

use crate::store::plain;
use crate::tui::theme::Theme;
use crate::tui::widgets::wrap;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

/// Some text in one style.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    pub text: String,
    pub style: Style,
}

/// The pieces in lines of at most `width` columns, broken as plain text would be.
pub fn wrapped(pieces: &[Piece], width: usize) -> Vec<Line<'static>> {
    let whole: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
    let mut characters = pieces
        .iter()
        .flat_map(|piece| piece.text.chars().map(|character| (character, piece.style)));
    wrap(&whole, width)
        .into_iter()
        .map(|line| {
            let mut spans: Vec<Span<'static>> = Vec::new();
            for character in line.chars() {
                // Wrapping leaves out white space and nothing else.
                let style = characters
                    .find(|(other, _)| *other == character)
                    .map_or_else(Style::default, |(_, style)| style);
                match spans.last_mut() {
                    Some(last) if last.style == style => last.content.to_mut().push(character),
                    _ => spans.push(Span::styled(character.to_string(), style)),
                }
            }
            Line::from(spans)
        })
        .collect()
}

/// Collects the text of one block with the styles that are open.
#[derive(Debug)]
pub struct Inline<'t> {
    theme: &'t Theme,
    pieces: Vec<Piece>,
    open: Vec<Style>,
    /// Addresses of links that are open, and where their text begins.
    links: Vec<(String, usize)>,
}

impl<'t> Inline<'t> {
    pub fn new(theme: &'t Theme, base: Style) -> Self {
        Self { theme, pieces: Vec::new(), open: vec![base], links: Vec::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    fn style(&self) -> Style {
        self.open.last().copied().unwrap_or_default()
    }

    /// Text as it is; entities may have put control characters into it.
    pub fn text(&mut self, text: &str) {
        self.styled(text, self.style());
    }

    pub fn styled(&mut self, text: &str, style: Style) {
        // Tabs are what wrapping makes of them.
        let text = plain(text).replace('\t', "    ");
        match self.pieces.last_mut() {
            Some(last) if last.style == style => last.text.push_str(&text),
            _ if text.is_empty() => {}
            _ => self.pieces.push(Piece { text, style }),
        }
    }

    /// Code within a line, with its marks: a colour alone would not tell it.
    pub fn code(&mut self, text: &str) {
        self.styled(&format!("`{text}`"), self.style().patch(self.theme.code));
    }

    pub fn line_break(&mut self) {
        if !self.is_empty() {
            self.styled("\n", self.style());
        }
    }

    pub fn open(&mut self, modifier: Modifier) {
        self.open.push(self.style().add_modifier(modifier));
    }

    pub fn open_style(&mut self, style: Style) {
        self.open.push(self.style().patch(style));
    }

    pub fn close(&mut self) {
        if self.open.len() > 1 {
            self.open.pop();
        }
    }

    pub fn open_link(&mut self, address: &str) {
        self.links.push((address.to_owned(), self.length()));
        self.open_style(self.theme.link);
    }

    /// The address follows its text, unless that is the address.
    pub fn close_link(&mut self) {
        self.close();
        let Some((address, start)) = self.links.pop() else { return };
        let text: String = self.pieces.iter().map(|piece| piece.text.as_str()).collect();
        let text = text.get(start..).unwrap_or_default();
        if !address.is_empty() && text != address && address.strip_prefix("mailto:") != Some(text) {
            let before = if text.is_empty() { "" } else { " " };
            self.styled(&format!("{before}({address})"), self.style().patch(self.theme.dim));
        }
    }

    fn length(&self) -> usize {
        self.pieces.iter().map(|piece| piece.text.len()).sum()
    }

    /// What was collected; the styles that are open stay so.
    pub fn take(&mut self) -> Vec<Piece> {
        self.links.clear();
        std::mem::take(&mut self.pieces)
    }
}
