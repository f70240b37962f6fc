//! Array literals as they were written: on one line, or in lines whose entries are aligned by column, rows in
//! brackets or ended by semicolons, comments between the lines.

use std::ops::Range;

use super::super::ast::{Expr, ExprKind, Layout, LineBreak};
use super::super::layout::Doc;
use super::comment_text;
use super::expression::entry;

/// An array literal; `declared` if it is the whole value of a name. Where it was written on one line, it is broken
/// into its rows only if that line is too long.
pub(super) fn array(literal: &Expr, declared: bool) -> Doc {
    let (mut cells, layout) = (cells(literal), layout(literal));
    let spaces = declared || layout.is_some_and(|layout| layout.spaces) || is_nested(literal);
    if !spaces && let Some((_, all_but_last)) = cells.split_last_mut() {
        all_but_last.iter_mut().for_each(|cell| cell.after.push(','));
    }
    let flat = joined(&cells, if spaces { " " } else { "" });
    let breaks = layout.map_or(&[][..], |layout| &layout.breaks);
    let mut written: Vec<&LineBreak> = Vec::with_capacity(breaks.len());
    for line in breaks {
        let before = written.last().map_or(0, |last| last.entries);
        if (before + 1..cells.len()).contains(&line.entries) {
            written.push(line);
        }
    }
    let starts: Vec<usize> = if written.is_empty() {
        (1..cells.len()).filter(|at| cells[*at].begins_row || cells[at - 1].after.ends_with(';')).collect()
    } else {
        written.iter().map(|line| line.entries).collect()
    };
    if starts.is_empty() {
        return Doc::Text(flat);
    }
    Doc::Rows { flat, rows: rows(&cells, &starts, &written), one_line: written.is_empty() }
}

/// An array literal on one line, the entries of a single row separated like this.
pub(super) fn line(literal: &Expr, separator: &str) -> String {
    joined(&cells(literal), separator)
}

/// An entry that is no array, with the brackets and semicolons around it.
struct Cell {
    before: String,
    text: String,
    after: String,
    begins_row: bool,
}

impl Cell {
    /// Brackets, the text up to a decimal point, the rest of it, brackets.
    fn parts(&self) -> [&str; 4] {
        let decimal = self.text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
        let point = self.text.find('.').filter(|_| decimal).unwrap_or(self.text.len());
        let (whole, decimals) = self.text.split_at(point);
        [&self.before, whole, decimals, &self.after]
    }
}

fn layout(literal: &Expr) -> Option<&Layout> {
    match &literal.kind {
        ExprKind::Array(_, layout) => layout.as_deref(),
        _ => None,
    }
}

fn is_nested(literal: &Expr) -> bool {
    matches!(&literal.kind, ExprKind::Array(entries, _)
        if entries.iter().any(|entry| matches!(entry.kind, ExprKind::Array(..))))
}

fn cells(literal: &Expr) -> Vec<Cell> {
    let (mut cells, mut opened) = (Vec::new(), String::new());
    collect(literal, true, &mut opened, &mut cells);
    cells
}

/// Adds the cells of an array, in brackets or not; `opened` are the brackets before its first cell.
fn collect(literal: &Expr, brackets: bool, opened: &mut String, cells: &mut Vec<Cell>) {
    let ExprKind::Array(entries, layout) = &literal.kind else {
        let before = std::mem::take(opened);
        let begins_row = before.ends_with('[');
        cells.push(Cell { before, text: entry(literal), after: String::new(), begins_row });
        return;
    };
    let semicolons = layout.as_ref().is_some_and(|layout| layout.semicolons)
        && entries.iter().all(|entry| matches!(entry.kind, ExprKind::Array(..)));
    if brackets {
        opened.push('[');
    }
    for (index, entry) in entries.iter().enumerate() {
        collect(entry, !semicolons, opened, cells);
        // A single row needs its semicolon, lest it be no row.
        if semicolons
            && (index + 1 < entries.len() || index == 0)
            && let Some(last) = cells.last_mut()
        {
            last.after.push(';');
        }
    }
    if brackets && let Some(last) = cells.last_mut() {
        last.after.push(']');
    }
}

fn joined(cells: &[Cell], separator: &str) -> String {
    let cells: Vec<String> =
        cells.iter().map(|cell| format!("{}{}{}", cell.before, cell.text, cell.after)).collect();
    cells.join(separator)
}

/// The lines of a literal that begin at these cells, aligned by column, with what stands between them.
fn rows(cells: &[Cell], starts: &[usize], written: &[&LineBreak]) -> Vec<String> {
    let bounds: Vec<usize> = [0].iter().chain(starts).chain([&cells.len()]).copied().collect();
    let lines: Vec<Range<usize>> = bounds.windows(2).map(|pair| pair[0]..pair[1].max(pair[0])).collect();
    let columns = Columns::of(cells, &lines);
    let mut rows: Vec<String> = Vec::with_capacity(lines.len());
    for (index, line) in lines.into_iter().enumerate() {
        let end = index.checked_sub(1).and_then(|before| written.get(before));
        if let (Some(comment), Some(last)) = (end.and_then(|end| end.trailing.as_ref()), rows.last_mut()) {
            last.push_str("  ");
            last.push_str(&comment_text(comment));
        }
        for comment in end.iter().flat_map(|end| &end.comments) {
            rows.extend(comment.blank_before.then(String::new));
            rows.push(format!(" {}", comment_text(&comment.text)));
        }
        rows.extend(end.is_some_and(|end| end.blank_before).then(String::new));
        rows.push(columns.line(&cells[line]));
    }
    rows
}

/// How wide the columns of a literal are, part by part.
struct Columns(Vec<[usize; 4]>);

impl Columns {
    fn of(cells: &[Cell], lines: &[Range<usize>]) -> Self {
        let mut widths: Vec<[usize; 4]> = Vec::new();
        for line in lines {
            for (column, cell) in cells[line.clone()].iter().enumerate() {
                if column == widths.len() {
                    widths.push([0; 4]);
                }
                for (width, part) in widths[column].iter_mut().zip(cell.parts()) {
                    *width = (*width).max(part.chars().count());
                }
            }
        }
        Self(widths)
    }

    fn line(&self, cells: &[Cell]) -> String {
        let padded = |(cell, [before, whole, decimals, after]): (&Cell, &[usize; 4])| {
            let [opening, text, rest, closing] = cell.parts();
            format!("{opening:>before$}{text:>whole$}{rest:<decimals$}{closing:<after$}")
        };
        let cells: Vec<String> = cells.iter().zip(&self.0).map(padded).collect();
        cells.join(" ").trim_end().to_owned()
    }
}
