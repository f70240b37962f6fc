//! Matrices as pictures: each number on a colour for its sign, stronger the larger it is.

use std::fmt::Write;

use maud::{Markup, html};
use unicode_width::UnicodeWidthStr;

use crate::model::Matrix;
use convproof_exact::{Grid, Rational};

/// Height of a cell.
const CELL: usize = 24;
/// Side of a cell of a matrix that is too large for numbers.
const PIXEL: usize = 8;
/// Width of a character, in tenths.
const CHARACTER: usize = 72;
/// Characters of a number, its sign left out, that are shown; the whole number is beside it for a pointer that rests there.
const MAX_NUMBER: usize = 7;
/// Digits of a longer number that are shown.
const DIGITS: usize = 5;
/// Characters of any other cell that are shown.
const MAX_TEXT: usize = 64;
/// Steps of strength of either colour.
const STEPS: i64 = 10;

/// Matrices beside each other.
pub(super) fn figures(matrices: &[Matrix]) -> Markup {
    html! {
        div.figures { @for matrix in matrices { (figure(matrix, None, None)) } }
    }
}

/// The largest absolute value in some matrices.
pub(super) fn scale<'a>(matrices: impl Iterator<Item = &'a Matrix>) -> Option<Rational> {
    let values = matrices.filter_map(|matrix| matrix.values.as_ref());
    values.flat_map(Grid::cells).map(Rational::abs).max().filter(|largest| !largest.is_zero())
}

/// A matrix, coloured on a scale or its own, with the cells outlined that are others in a second one.
pub(super) fn figure(matrix: &Matrix, on: Option<&Rational>, other: Option<&Grid<Rational>>) -> Markup {
    let columns = matrix.rows.iter().map(Vec::len).max().unwrap_or(0);
    if columns == 0 {
        return html! {};
    }
    let cells: Vec<Vec<Cell<'_>>> = matrix
        .rows
        .iter()
        .enumerate()
        .map(|(i, row)| row.iter().enumerate().map(|(j, text)| Cell::of(matrix, i, j, text)).collect())
        .collect();
    let large = matrix.is_large();
    let edges = if large {
        (0..=columns).map(|at| at * PIXEL).collect()
    } else {
        edges(&cells, columns, matrix.values.is_some())
    };
    let place = Places { edges: &edges, height: if large { PIXEL } else { CELL } };
    let (width, height) = (edges[columns], matrix.rows.len() * place.height);
    let own = scale(std::iter::once(matrix));
    let label = format!("{}: {} rows, {columns} columns", matrix.title, matrix.rows.len());
    html! {
        figure {
            figcaption { (super::code::words(&matrix.title)) }
            div.wide {
                svg.heat role="img" aria-label=(label) width=(width + 2) height=(height + 2)
                    viewBox={ "-1 -1 " (width + 2) " " (height + 2) } {
                    rect.ground width=(width) height=(height) {}
                    @for (class, path) in shades(matrix, on.or(own.as_ref()), &place) { path class=(class) d=(path) {} }
                    path.lines d=(place.lines(matrix.rows.len())) {}
                    @for (i, row) in cells.iter().enumerate().filter(|_| !large) {
                        text y=(i * CELL + 16) {
                            @for (j, cell) in row.iter().enumerate() {
                                tspan x=((edges[j] + edges[j + 1]) / 2) {
                                    @if let Some(whole) = cell.whole { title { (whole) } }
                                    (cell.shown)
                                }
                            }
                        }
                    }
                    @if let Some(path) = differing(matrix, other, &place) { path.differs d=(path) {} }
                    @if let Some((i, j)) = matrix.mark.filter(|&(i, j)| i < matrix.rows.len() && j < columns) {
                        path.marked d=(place.cell(i, j)) {}
                    }
                }
            }
        }
    }
}

/// What is written in a cell.
struct Cell<'a> {
    shown: String,
    /// All of it, where that is more.
    whole: Option<&'a str>,
}

impl<'a> Cell<'a> {
    fn of(matrix: &Matrix, row: usize, column: usize, text: &'a str) -> Self {
        let value = matrix.values.as_ref().filter(|grid| row < grid.height() && column < grid.width());
        let most = if value.is_some() { MAX_NUMBER + usize::from(text.starts_with('-')) } else { MAX_TEXT };
        let Some((end, _)) = text.char_indices().nth(most) else {
            return Self { shown: text.to_owned(), whole: None };
        };
        let shown = match value {
            Some(grid) => grid.at(row, column).to_decimal(DIGITS),
            None => format!("{}…", &text[..end]),
        };
        Self { shown, whole: Some(text) }
    }
}

/// Where columns begin, and where the last one ends; all as wide as the widest if their colours are compared.
fn edges(cells: &[Vec<Cell<'_>>], columns: usize, equal: bool) -> Vec<usize> {
    let of = |j: usize| {
        let widest = cells.iter().filter_map(|row| row.get(j)).map(|cell| cell.shown.width()).max();
        (widest.unwrap_or(0) * CHARACTER / 10 + 10).max(CELL)
    };
    let mut widths: Vec<usize> = (0..columns).map(of).collect();
    if let Some(&widest) = widths.iter().max().filter(|_| equal) {
        widths.fill(widest);
    }
    let mut edges = vec![0];
    for width in widths {
        edges.push(edges[edges.len() - 1] + width);
    }
    edges
}

/// Where cells are.
struct Places<'a> {
    /// Where columns begin, and where the last one ends.
    edges: &'a [usize],
    /// The height of rows.
    height: usize,
}

impl Places<'_> {
    /// The outline of a cell.
    fn cell(&self, row: usize, column: usize) -> String {
        self.cells(row, column, column + 1)
    }

    /// The outline of some cells of a row.
    fn cells(&self, row: usize, from: usize, to: usize) -> String {
        let (x, width) = (self.edges[from], self.edges[to] - self.edges[from]);
        let height = self.height;
        format!("M{x} {}h{width}v{height}h-{width}z", row * height)
    }

    /// Lines between cells.
    fn lines(&self, rows: usize) -> String {
        let (width, height) = (self.edges.last().copied().unwrap_or(0), rows * self.height);
        let mut path = String::new();
        for x in self.edges {
            let _ = write!(path, "M{x} 0v{height}");
        }
        for y in (0..=rows).map(|row| row * self.height) {
            let _ = write!(path, "M0 {y}h{width}");
        }
        path
    }
}

/// The cells of each colour and strength; none for what is 0.
fn shades(matrix: &Matrix, largest: Option<&Rational>, place: &Places<'_>) -> Vec<(String, String)> {
    let (Some(values), Some(largest)) = (&matrix.values, largest) else { return Vec::new() };
    let mut paths = std::collections::BTreeMap::<(bool, i64), String>::new();
    let colour =
        |value: &Rational| (!value.is_zero()).then(|| (value.is_negative(), strength(value, largest)));
    for (i, row) in values.rows().enumerate() {
        let colours: Vec<_> = row.iter().map(colour).collect();
        let mut from = 0;
        // Large pictures have long runs of one colour, which are one outline.
        for run in colours.chunk_by(|a, b| place.height == PIXEL && a == b) {
            let to = from + run.len();
            if let Some(colour) = run[0].filter(|_| to < place.edges.len()) {
                paths.entry(colour).or_default().push_str(&place.cells(i, from, to));
            }
            from = to;
        }
    }
    let class = |(negative, step): (bool, i64)| format!("{}{step}", if negative { 'm' } else { 'p' });
    paths.into_iter().map(|(key, path)| (class(key), path)).collect()
}

/// From 1 to [`STEPS`]: by how many of its steps the largest exceeds nothing, rounded up.
fn strength(value: &Rational, largest: &Rational) -> i64 {
    let share = (value.abs() * Rational::from(STEPS)).checked_div(largest).unwrap_or_default();
    (1..STEPS).find(|&step| share <= Rational::from(step)).unwrap_or(STEPS)
}

/// The outlines of cells that are others in a second matrix of the same size.
fn differing(matrix: &Matrix, other: Option<&Grid<Rational>>, place: &Places<'_>) -> Option<String> {
    let values = matrix.values.as_ref()?;
    let other = other.filter(|other| (other.height(), other.width()) == (values.height(), values.width()))?;
    let mut path = String::new();
    for (i, (row, theirs)) in values.rows().zip(other.rows()).enumerate() {
        for j in (0..row.len()).filter(|&j| row[j] != theirs[j]) {
            path.push_str(&place.cell(i, j));
        }
    }
    (!path.is_empty()).then_some(path)
}
