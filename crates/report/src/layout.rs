//! Pictures as words, tables and matrices, and these as aligned lines of text. Knows nothing of colours or Markdown.

use std::borrow::Cow;
use std::ops::Range;

use unicode_width::UnicodeWidthStr;

use super::escape::visible;
use super::model::{Block, Matrix, Pair, Step};
use convproof_exact::Rational;

/// Lines are filled with matrices up to this width; a single matrix may be wider.
const WIDTH: usize = 96;
/// Rows and columns of a matrix that are shown; what lies beyond is `…`.
const MAX_SIDE: usize = 40;
/// Characters of a cell or title that are shown.
const MAX_CELL: usize = 72;
const GAP: &str = "    ";

/// What a block is where nothing can be drawn.
pub(super) enum Written<'a> {
    Text(Cow<'a, str>),
    Table(Cow<'a, [String]>, Cow<'a, [Vec<String>]>),
    Matrices(Cow<'a, [Matrix]>),
}

/// A block as text, tables and matrices. Pictures that only repeat what the text beside them says are left out.
pub(super) fn written(block: &Block) -> Vec<Written<'_>> {
    match block {
        Block::Text(text) => vec![Written::Text(text.into())],
        Block::Table { header, rows } => vec![Written::Table(header.into(), rows.into())],
        Block::Matrices(matrices) => readable(matrices).into_iter().collect(),
        Block::HeatMap(matrix) => {
            let both: Vec<Matrix> = std::iter::once(matrix.clone()).chain(tenths(matrix)).collect();
            readable(&both).into_iter().collect()
        }
        Block::Outputs { input, sides } => {
            let both = [&sides[0][..], &sides[1][..]].concat();
            [readable(input), readable(&both)].into_iter().flatten().collect()
        }
        Block::Layers { title, steps, derivation: true } => {
            let header = ["layer", "stride so far", "receptive field", "because"].map(str::to_owned).to_vec();
            vec![
                Written::Text(format!("{title}, layer by layer:").into()),
                Written::Table(header.into(), steps.iter().map(row).collect()),
            ]
        }
        Block::Layers { .. } | Block::Ring { .. } | Block::Wrong(_) | Block::Gap { .. } => Vec::new(),
    }
}

/// The matrices that can be read as numbers, if there are any.
fn readable<'a>(matrices: &[Matrix]) -> Option<Written<'a>> {
    let shown: Vec<Matrix> = matrices.iter().filter(|matrix| !matrix.is_large()).cloned().collect();
    (!shown.is_empty()).then_some(Written::Matrices(shown.into()))
}

/// The entries of a matrix in tenths of the largest, which show its signs and sizes at a glance.
fn tenths(matrix: &Matrix) -> Option<Matrix> {
    let values = matrix.values.as_ref()?;
    let largest = values.cells().iter().map(Rational::abs).max().filter(|largest| !largest.is_zero())?;
    let cell = |value: &Rational| {
        let tenths = (value.abs() * Rational::from(20)).checked_div(&largest).unwrap_or_default();
        let tenths = (1..=10).rev().find(|n| tenths >= Rational::from(2 * n - 1)).unwrap_or(0);
        match tenths {
            0 => "·".to_owned(),
            n => format!("{}{n}", if value.is_negative() { '-' } else { '+' }),
        }
    };
    let rows = values.rows().map(|row| row.iter().map(cell).collect()).collect();
    Some(Matrix { title: "in tenths of its largest".to_owned(), rows, mark: None, values: None })
}

fn row(step: &Step) -> Vec<String> {
    let dash = || "–".to_owned();
    let stride = step.stride.as_ref().map_or_else(dash, Pair::once);
    let field = step.field.as_ref().map_or_else(dash, Pair::by);
    let branch = if step.branch { "· " } else { "" };
    vec![format!("{branch}`{}`", step.layer), stride, field, step.law.clone()]
}

/// The matrices side by side, as many on a line as fit, each under its title.
pub(super) fn matrices(matrices: &[Matrix]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut row: Vec<Vec<String>> = Vec::new();
    let mut used = 0;
    for block in matrices.iter().map(block) {
        let width = block.first().map_or(0, |line| line.width());
        if !row.is_empty() && used + GAP.len() + width > WIDTH {
            flush(&mut row, &mut lines);
            lines.push(String::new());
            used = 0;
        }
        used += width + if row.is_empty() { 0 } else { GAP.len() };
        row.push(block);
    }
    flush(&mut row, &mut lines);
    lines
}

/// The table with aligned columns: the header, then the rows.
pub(super) fn table(header: &[String], rows: &[Vec<String>]) -> Vec<String> {
    let numeric = numeric_columns(header, rows);
    let cells: Vec<Vec<Cow<'_, str>>> = std::iter::once(header)
        .chain(rows.iter().map(Vec::as_slice))
        .map(|row| row.iter().map(|cell| visible(cell, false)).collect())
        .collect();
    let widths = widths(&cells);
    cells
        .iter()
        .map(|row| {
            let line: Vec<String> = row
                .iter()
                .enumerate()
                .map(|(j, cell)| pad(cell, widths[j], numeric.get(j).copied().unwrap_or(false)))
                .collect();
            line.join("  ").trim_end().to_owned()
        })
        .collect()
}

/// Which columns hold numbers only, and so are aligned to the right.
pub(super) fn numeric_columns(header: &[String], rows: &[Vec<String>]) -> Vec<bool> {
    let number = |cell: &str| {
        cell.bytes().any(|b| b.is_ascii_digit())
            && cell.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'/' | b'.' | b'%' | b'e'))
    };
    (0..header.len())
        .map(|j| {
            let mut cells =
                rows.iter().filter_map(|row| row.get(j)).filter(|cell| !cell.is_empty()).peekable();
            cells.peek().is_some() && cells.all(|cell| number(cell))
        })
        .collect()
}

/// Joins the blocks of one line of matrices.
fn flush(row: &mut Vec<Vec<String>>, lines: &mut Vec<String>) {
    let height = row.iter().map(Vec::len).max().unwrap_or(0);
    for i in 0..height {
        let parts: Vec<Cow<'_, str>> = row
            .iter()
            .map(|block| match block.get(i) {
                Some(line) => Cow::Borrowed(line.as_str()),
                None => Cow::Owned(" ".repeat(block.first().map_or(0, |line| line.width()))),
            })
            .collect();
        lines.push(parts.join(GAP).trim_end().to_owned());
    }
    row.clear();
}

/// One titled matrix as lines of equal width. A marked cell stands between `>` and `<`.
fn block(matrix: &Matrix) -> Vec<String> {
    let mut lines = Vec::new();
    if !matrix.title.is_empty() {
        lines.push(clip(&matrix.title).into_owned());
    }
    lines.extend(body(matrix));
    let width = lines.iter().map(|line| line.width()).max().unwrap_or(0);
    lines.iter().map(|line| pad(line, width, false)).collect()
}

fn body(matrix: &Matrix) -> Vec<String> {
    let columns = matrix.rows.first().map_or(0, Vec::len);
    if columns == 0 {
        return vec!["[]".to_owned()];
    }
    let show_rows = window(matrix.rows.len(), matrix.mark.map(|mark| mark.0));
    let show_columns = window(columns, matrix.mark.map(|mark| mark.1));
    let mut mark = None;
    let mut cells: Vec<Vec<Cow<'_, str>>> = Vec::new();
    for (i, row) in matrix.rows.iter().enumerate().take(show_rows.end).skip(show_rows.start) {
        let mut shown = Vec::new();
        if show_columns.start > 0 {
            shown.push(Cow::Borrowed("…"));
        }
        for j in show_columns.clone() {
            if matrix.mark == Some((i, j)) {
                mark = Some((cells.len() + usize::from(show_rows.start > 0), shown.len()));
            }
            shown.push(row.get(j).map_or(Cow::Borrowed(""), |cell| clip(cell)));
        }
        if show_columns.end < columns {
            shown.push(Cow::Borrowed("…"));
        }
        cells.push(shown);
    }
    let dots = vec![Cow::Borrowed("…"); cells.first().map_or(0, Vec::len)];
    if show_rows.start > 0 {
        cells.insert(0, dots.clone());
    }
    if show_rows.end < matrix.rows.len() {
        cells.push(dots);
    }
    let widths = widths(&cells);
    let line = |(i, row): (usize, &Vec<Cow<'_, str>>)| marked_row((i, row), &widths, mark);
    cells.iter().enumerate().map(line).collect()
}

/// A row of cells; in a matrix with a mark all have room for one.
fn marked_row((i, row): (usize, &[Cow<'_, str>]), widths: &[usize], mark: Option<(usize, usize)>) -> String {
    let mut line = String::from("[");
    for (j, cell) in row.iter().enumerate() {
        let text = pad(cell, widths[j], true);
        match mark {
            Some(place) if place == (i, j) => {
                let blank = text.len() - cell.len();
                line.push_str(&text[..blank]);
                line.push('>');
                line.push_str(cell);
                line.push('<');
            }
            Some(_) => {
                line.push(' ');
                line.push_str(&text);
                line.push(' ');
            }
            None => {
                if j > 0 {
                    line.push(' ');
                }
                line.push_str(&text);
            }
        }
    }
    line.push(']');
    line
}

/// The part of `0..len` that is shown: all of it, or [`MAX_SIDE`] places around the mark.
fn window(len: usize, mark: Option<usize>) -> Range<usize> {
    if len <= MAX_SIDE {
        return 0..len;
    }
    let start = mark.unwrap_or(0).saturating_sub(MAX_SIDE / 2).min(len - MAX_SIDE);
    start..start + MAX_SIDE
}

fn clip(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(MAX_CELL) {
        None => visible(text, false),
        Some((end, _)) => Cow::Owned(format!("{}…", visible(&text[..end], false))),
    }
}

fn widths(cells: &[Vec<Cow<'_, str>>]) -> Vec<usize> {
    let columns = cells.iter().map(Vec::len).max().unwrap_or(0);
    let mut widths = vec![0; columns];
    for row in cells {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    widths
}

fn pad(text: &str, width: usize, right: bool) -> String {
    let blank = " ".repeat(width.saturating_sub(text.width()));
    if right { blank + text } else { text.to_owned() + &blank }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(title: &str, rows: &[&[&str]], mark: Option<(usize, usize)>) -> Matrix {
        let rows = rows.iter().map(|row| row.iter().map(|&cell| cell.to_owned()).collect()).collect();
        Matrix { title: title.to_owned(), rows, mark, values: None }
    }

    #[test]
    fn matrices_stand_side_by_side() {
        let lines = matrices(&[
            matrix("A", &[&["1", "-1/2"], &["10", "0"]], None),
            matrix("a long title", &[&["1"]], None),
            matrix("Y", &[&["0", "7"], &["0", "0"], &["0", "0"]], Some((0, 1))),
        ]);
        assert_eq!(
            lines,
            [
                "A            a long title    Y",
                "[ 1 -1/2]    [1]             [ 0 >7<]",
                "[10    0]                    [ 0  0 ]",
                "                             [ 0  0 ]",
            ]
        );
    }

    #[test]
    fn a_line_that_is_full_is_broken() {
        let wide: Vec<&str> = vec!["123456789"; 6];
        let lines = matrices(&[matrix("A", &[&wide], None), matrix("B", &[&wide], None)]);
        assert_eq!(lines.len(), 5);
        assert_eq!(lines[2], "");
        assert_eq!(lines[3], "B");
    }

    #[test]
    fn a_large_matrix_is_cut_around_its_mark() {
        let rows: Vec<Vec<String>> =
            (0..1000).map(|i| (0..1000).map(|j| format!("{}", i * 1000 + j)).collect()).collect();
        let lines = matrices(&[Matrix { title: String::new(), rows, mark: Some((500, 999)), values: None }]);
        assert_eq!(lines.len(), MAX_SIDE + 2);
        assert!(lines[0].starts_with("[ ") && lines[0].contains('…'), "{}", lines[0]);
        assert!(lines.iter().any(|line| line.ends_with(">500999<]")));
    }

    #[test]
    fn a_long_cell_is_cut() {
        let lines = matrices(&[matrix("", &[&[&"9".repeat(100_000)]], None)]);
        assert!(lines[0].chars().count() < 100 && lines[0].ends_with("…]"));
    }

    #[test]
    fn degenerate_matrices_have_a_rendering() {
        assert_eq!(matrices(&[]), Vec::<String>::new());
        assert_eq!(matrices(&[matrix("E", &[], Some((3, 3)))]), ["E", "[]"]);
        assert_eq!(matrices(&[matrix("", &[&["1", "2"], &["3"]], Some((9, 9)))])[1], "[3  ]");
    }

    #[test]
    fn numbers_are_aligned_to_the_right() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let lines = table(&row(["layer", "n"]), &[row(["conv", "-1/2"]), row(["avgpool × 2", "10"])]);
        assert_eq!(lines, ["layer           n", "conv         -1/2", "avgpool × 2    10"]);
    }
}
