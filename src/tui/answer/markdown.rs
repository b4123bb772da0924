//! Markdown as lines: CommonMark with tables, struck-out text and task lists. Line breaks stay where the
//! model made them.

use super::code;
use super::inline::{Inline, wrapped};
use super::table::Table;
use crate::store::{plain, plain_line};
use crate::tui::theme::Theme;
use pulldown_cmark::{CodeBlockKind, Event, OffsetIter, Options, Parser, Tag, TagEnd};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

/// Lists and quotes that stand deeper in one another are drawn as if they did not.
const DEEPEST: usize = 8;
/// Narrower ones hold no text.
const NARROWEST: usize = 8;
/// A rule is no longer than this.
const RULE: usize = 60;
const BULLETS: [&str; 3] = ["•", "◦", "▪"];

/// The lines, and where the last block begins: in bytes of `text`, and in lines with the empty one before it.
pub fn lines(text: &str, width: usize, theme: &Theme) -> (Vec<Line<'static>>, (usize, usize)) {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let events = Parser::new_ext(text, options).into_offset_iter();
    let mut writer = Writer { events, theme, last: (0, 0), in_list: false, text };
    let blocks = writer.blocks(width.max(NARROWEST), 0, theme.text);
    (blocks.lines, writer.last)
}

struct Writer<'t> {
    text: &'t str,
    events: OffsetIter<'t>,
    theme: &'t Theme,
    last: (usize, usize),
    /// The block before is a list.
    in_list: bool,
}

/// Blocks under one another.
#[derive(Default)]
struct Blocks {
    lines: Vec<Line<'static>>,
    /// Empty lines part them.
    loose: bool,
}

impl Blocks {
    fn push(&mut self, lines: Vec<Line<'static>>) {
        if lines.is_empty() {
            return;
        }
        if self.loose && !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
        self.lines.extend(lines);
    }
}

impl Writer<'_> {
    /// Everything up to the end of what is open.
    fn blocks(&mut self, width: usize, depth: usize, base: Style) -> Blocks {
        let theme = self.theme;
        // In a list's item, paragraphs tell whether there is air between blocks.
        let mut blocks = Blocks { lines: Vec::new(), loose: depth == 0 };
        let mut inline = Inline::new(theme, base);
        let mut unseen = 0;
        while let Some((event, range)) = self.events.next() {
            if depth == 0 && unseen == 0 && matches!(event, Event::Start(_) | Event::Rule) {
                self.begin(range.start, &event, &blocks);
            }
            match event {
                Event::Start(tag) => match tag {
                    Tag::BlockQuote(_) | Tag::List(_) | Tag::Item
                        if depth >= DEEPEST || width < 2 * NARROWEST =>
                    {
                        blocks.push(wrapped_all(&mut inline, width));
                        unseen += 1;
                    }
                    Tag::BlockQuote(_) => {
                        blocks.push(wrapped_all(&mut inline, width));
                        let style = base.patch(theme.quote);
                        let mut inner = self.blocks(width - 2, depth + 1, style);
                        let bar = || vec![Span::styled("▎ ", theme.border)];
                        blocks.push(prefixed(std::mem::take(&mut inner.lines), bar(), bar()));
                    }
                    Tag::List(first) => {
                        blocks.push(wrapped_all(&mut inline, width));
                        let list = self.list(first, width, depth, base);
                        blocks.push(list);
                    }
                    Tag::CodeBlock(kind) => {
                        blocks.push(wrapped_all(&mut inline, width));
                        let language = match &kind {
                            CodeBlockKind::Fenced(info) => plain_line(info),
                            CodeBlockKind::Indented => String::new(),
                        };
                        let text = self.text_until_end();
                        blocks.push(code::lines(&text, &language, width, theme));
                    }
                    Tag::Table(alignments) => {
                        blocks.push(wrapped_all(&mut inline, width));
                        let mut table = Table::new(alignments);
                        self.table(&mut table, base);
                        blocks.push(table.lines(width, theme));
                    }
                    Tag::Heading { level, .. } => {
                        blocks.push(wrapped_all(&mut inline, width));
                        // The marks tell the level.
                        let marks = "#".repeat(level as usize);
                        inline.styled(&format!("{marks} "), theme.dim);
                        inline.open_style(theme.heading);
                    }
                    Tag::Paragraph => blocks.loose = true,
                    Tag::Emphasis => inline.open(Modifier::ITALIC),
                    Tag::Strong => inline.open(Modifier::BOLD),
                    Tag::Strikethrough => inline.open(Modifier::CROSSED_OUT),
                    Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                        inline.open_link(&plain_line(&dest_url));
                    }
                    _ => {}
                },
                Event::End(tag) => match tag {
                    TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::Item if unseen > 0 => {
                        blocks.push(wrapped_all(&mut inline, width));
                        unseen -= 1;
                    }
                    TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::Item => break,
                    TagEnd::Heading(_) => {
                        inline.close();
                        blocks.push(wrapped_all(&mut inline, width));
                    }
                    TagEnd::Paragraph | TagEnd::HtmlBlock => {
                        blocks.push(wrapped_all(&mut inline, width));
                    }
                    TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => inline.close(),
                    TagEnd::Link | TagEnd::Image => inline.close_link(),
                    _ => {}
                },
                Event::Rule => {
                    blocks.push(wrapped_all(&mut inline, width));
                    let rule = "─".repeat(width.min(RULE));
                    blocks.push(vec![Line::styled(rule, theme.border)]);
                }
                other => self.inline_event(other, &mut inline),
            }
        }
        blocks.push(wrapped_all(&mut inline, width));
        blocks
    }

    /// Remembers where a block begins that may be the last one.
    fn begin(&mut self, start: usize, event: &Event, blocks: &Blocks) {
        let is_block = matches!(
            event,
            Event::Rule
                | Event::Start(
                    Tag::Paragraph
                        | Tag::Heading { .. }
                        | Tag::BlockQuote(_)
                        | Tag::CodeBlock(_)
                        | Tag::List(_)
                        | Tag::Table(_)
                        | Tag::HtmlBlock
                )
        );
        if is_block {
            let is_list = matches!(event, Event::Start(Tag::List(_)));
            let was_list = std::mem::replace(&mut self.in_list, is_list);
            let text = self.text.get(start..).unwrap_or_default();
            if was_list && text.starts_with(|first: char| first.is_ascii_digit()) {
                // It may become the next item.
                return;
            }
            // With its indentation, which may mean something.
            let before = self.text.get(..start).unwrap_or_default();
            let start = before.rfind('\n').map_or(0, |end| end + 1);
            let above = before.get(..start).unwrap_or_default();
            if above.lines().next_back().is_some_and(|line| !line.trim().is_empty()) {
                // What is a heading now may turn out to go on with the paragraph above: only an empty line
                // parts for good.
                return;
            }
            let lines = blocks.lines.len();
            self.last = (start, if lines > 0 { lines + 1 } else { 0 });
        }
    }

    fn inline_event(&self, event: Event, inline: &mut Inline) {
        match event {
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => inline.text(&text),
            Event::Code(text) => inline.code(&text),
            Event::SoftBreak | Event::HardBreak => inline.line_break(),
            Event::TaskListMarker(done) => inline.text(if done { "[x] " } else { "[ ] " }),
            _ => {}
        }
    }

    /// The items of a list, each behind its mark.
    fn list(
        &mut self,
        first: Option<u64>,
        width: usize,
        depth: usize,
        base: Style,
    ) -> Vec<Line<'static>> {
        let mut items: Vec<(String, Blocks)> = Vec::new();
        while let Some((event, _)) = self.events.next() {
            match event {
                Event::Start(Tag::Item) => {
                    let mark = match first {
                        Some(first) => format!("{}. ", first.saturating_add(items.len() as u64)),
                        None => format!("{} ", BULLETS[(depth / 2).min(BULLETS.len() - 1)]),
                    };
                    // Numbers may be as long as they like.
                    let mark = if mark.width() > width / 2 { "… ".to_owned() } else { mark };
                    let item = self.blocks(width - mark.width(), depth + 1, base);
                    items.push((mark, item));
                }
                Event::End(TagEnd::List(_)) => break,
                _ => {}
            }
        }
        let loose = items.iter().any(|(_, item)| item.loose);
        let mut list = Blocks { lines: Vec::new(), loose };
        for (mark, item) in items {
            let body = if item.lines.is_empty() { vec![Line::default()] } else { item.lines };
            let indent = Span::raw(" ".repeat(mark.width()));
            list.push(prefixed(body, vec![Span::styled(mark, self.theme.accent)], vec![indent]));
        }
        list.lines
    }

    /// The text of a block of code.
    fn text_until_end(&mut self) -> String {
        let mut text = String::new();
        for (event, _) in self.events.by_ref() {
            match event {
                Event::Text(part) => text.push_str(&part),
                Event::End(TagEnd::CodeBlock) => break,
                _ => {}
            }
        }
        plain(&text)
    }

    fn table(&mut self, table: &mut Table, base: Style) {
        let mut inline = Inline::new(self.theme, base);
        while let Some((event, _)) = self.events.next() {
            match event {
                Event::Start(Tag::TableHead | Tag::TableRow) => table.begin_row(),
                Event::Start(Tag::Emphasis) => inline.open(Modifier::ITALIC),
                Event::Start(Tag::Strong) => inline.open(Modifier::BOLD),
                Event::Start(Tag::Strikethrough) => inline.open(Modifier::CROSSED_OUT),
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    inline.open_link(&plain_line(&dest_url));
                }
                Event::End(TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough) => {
                    inline.close();
                }
                Event::End(TagEnd::Link | TagEnd::Image) => inline.close_link(),
                Event::End(TagEnd::TableCell) => table.cell(inline.take()),
                Event::End(TagEnd::Table) => break,
                Event::Start(_) | Event::End(_) => {}
                other => self.inline_event(other, &mut inline),
            }
        }
    }
}

fn wrapped_all(inline: &mut Inline, width: usize) -> Vec<Line<'static>> {
    let mut pieces = inline.take();
    if let Some(last) = pieces.last_mut() {
        last.text.truncate(last.text.trim_end().len());
    }
    if pieces.iter().all(|piece| piece.text.is_empty()) {
        return Vec::new();
    }
    wrapped(&pieces, width)
}

/// The lines with something before the first and before the others.
pub fn prefixed(
    lines: Vec<Line<'static>>,
    first: Vec<Span<'static>>,
    others: Vec<Span<'static>>,
) -> Vec<Line<'static>> {
    lines
        .into_iter()
        .enumerate()
        .map(|(place, line)| {
            let mut spans = if place == 0 { first.clone() } else { others.clone() };
            spans.extend(line.spans);
            Line::from(spans)
        })
        .collect()
}
