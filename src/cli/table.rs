//! Columns of text, and numbers, for people.

/// As in "1 step" and "3 steps".
pub fn counted(number: usize, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// Lays rows out in columns, the first aligned left, the others right. A cell is one line and cannot
/// steer the terminal, wherever its text comes from.
pub fn columns(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| crate::store::plain_line(cell)).collect())
        .collect();
    let width = |text: &str| text.chars().count();
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count)
        .map(|column| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in &rows {
        for (column, cell) in row.iter().enumerate() {
            let padding = " ".repeat(widths[column] - width(cell));
            match column {
                0 => text.push_str(&format!("  {cell}{padding}")),
                _ => text.push_str(&format!("  {padding}{cell}")),
            }
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

/// A share as a percentage with its sign.
pub fn change(share: f64) -> String {
    format!("{:+.1} %", share * 100.0)
}

/// A share as a percentage, or a dash.
pub fn percentage(share: Option<f64>) -> String {
    share.map_or_else(|| "-".into(), |share| format!("{:.0} %", share * 100.0))
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_line_up() {
        let rows = [vec!["a".to_owned(), "10".into()], vec!["long".into(), "5".into()]];
        assert_eq!(super::columns(&rows), "  a     10\n  long   5\n");
    }
}
