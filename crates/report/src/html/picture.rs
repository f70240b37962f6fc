//! Pictures of where outputs differ, and of how near a fit is to the best there could be.

use std::fmt::Write;

use maud::{Markup, html};

use convproof_exact::{Grid, Rational};

/// Side of a position.
const SIDE: usize = 14;
/// Widest border that is drawn.
const MAX_RING: i64 = 12;
/// Rows and columns of the interior that are drawn.
const INTERIOR: usize = 5;
/// Length of a bar.
const BAR: i64 = 180;

/// The border of a large output, with its interior shortened.
pub(super) fn ring(widths: [i64; 4], exactly: bool) -> Markup {
    if widths.iter().any(|width| !(0..=MAX_RING).contains(width)) {
        return html! {};
    }
    let [top, left, bottom, right] = widths.map(|width| usize::try_from(width).unwrap_or(0));
    let (rows, columns) = (top + INTERIOR + bottom, left + INTERIOR + right);
    let inside =
        |i: usize, j: usize| (top..top + INTERIOR).contains(&i) && (left..left + INTERIOR).contains(&j);
    let map = Grid::from_fn(rows, columns, |i, j| !inside(i, j));
    let caption = if exactly {
        "a large output: exactly the filled positions differ"
    } else {
        "a large output: only filled positions differ"
    };
    positions(&map, caption)
}

/// The positions of an output that differ.
pub(super) fn wrong(map: &Grid<bool>) -> Markup {
    positions(map, "this output: the filled positions differ for general weights and inputs")
}

fn positions(map: &Grid<bool>, caption: &str) -> Markup {
    let (width, height) = (map.width() * SIDE, map.height() * SIDE);
    let mut path = String::new();
    for (i, row) in map.rows().enumerate() {
        for j in (0..row.len()).filter(|&j| row[j]) {
            let _ = write!(path, "M{} {}h{SIDE}v{SIDE}h-{SIDE}z", j * SIDE, i * SIDE);
        }
    }
    let mut lines = String::new();
    for j in 0..=map.width() {
        let _ = write!(lines, "M{} 0v{height}", j * SIDE);
    }
    for i in 0..=map.height() {
        let _ = write!(lines, "M0 {}h{width}", i * SIDE);
    }
    html! {
        figure {
            figcaption { (caption) }
            div.wide {
                svg.positions role="img" aria-label=(caption) width=(width + 2) height=(height + 2)
                    viewBox={ "-1 -1 " (width + 2) " " (height + 2) } {
                    rect.ground width=(width) height=(height) {}
                    path.wrong d=(path) {}
                    path.lines d=(lines) {}
                }
            }
        }
    }
}

/// A residual and what no choice of factors gets below, as bars on one scale; both as squares.
pub(super) fn gap(found: &Rational, bound: &Rational) -> Markup {
    let length = root_share(bound, found);
    let root = |square: &Rational| crate::present::root_decimal(square, 6);
    let caption = "residual: found, and certified that none is below";
    html! {
        figure {
            figcaption { (caption) }
            svg.gap role="img" aria-label=(caption) width="330" height="60" viewBox="0 0 330 60" {
                rect.found y="4" width=(BAR) height="20" {}
                text x=(BAR + 8) y="19" { "found " (root(found)) }
                rect.bound y="32" width=(length) height="20" {}
                text x=(BAR + 8) y="47" { "at least " (root(bound)) }
            }
        }
    }
}

/// The root of a quotient of squares, at most 1, as a length on the bar.
fn root_share(part: &Rational, whole: &Rational) -> i64 {
    let share = part.checked_div(whole).unwrap_or_default();
    (0..=BAR).rev().find(|&n| Rational::from(n * n) <= &share * &Rational::from(BAR * BAR)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_roots() {
        let of = |n| Rational::from(n);
        assert_eq!(root_share(&of(1), &of(4)), BAR / 2);
        assert_eq!(root_share(&of(4), &of(4)), BAR);
        assert_eq!(root_share(&of(0), &of(4)), 0);
        assert_eq!(root_share(&of(1), &of(0)), 0);
    }

    #[test]
    fn the_border_of_an_output_is_filled() {
        let shown = ring([1, 0, 2, 0], true).into_string();
        // Three rows of five positions.
        assert_eq!(shown.matches('z').count(), 3 * INTERIOR, "{shown}");
        assert!(ring([MAX_RING + 1, 0, 0, 0], true).into_string().is_empty());
        assert!(ring([-1, 0, 0, 0], true).into_string().is_empty());
    }
}
