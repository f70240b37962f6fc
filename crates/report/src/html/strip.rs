//! A stack as a strip of layers: the window and stride of each, and the part of the input that one output sees.

use maud::{Markup, html};

use super::code::code;
use crate::model::{Pair, Step};

/// Side of the picture of a receptive field.
const SIDE: usize = 72;
/// Smaller receptive fields do not fill the picture.
const LEAST: usize = 5;
/// Receptive fields up to this are drawn pixel by pixel.
const MAX_PIXELS: usize = 24;

/// The layers, first to last, each on a card.
pub(super) fn strip(title: &str, steps: &[Step]) -> Markup {
    // One scale for all layers, so that receptive fields are seen to grow.
    let largest = steps.iter().filter_map(field).flatten().max().unwrap_or(1).max(LEAST);
    html! {
        p { (title) ", layer by layer:" }
        ol.strip {
            @for step in steps {
                li {
                    code { (code(&step.layer)) }
                    @if step.branch { " in a branch" }
                    @if let Some(field) = field(step) { (seen(field, largest)) }
                    dl {
                        @if let Some([rows, columns]) = step.window { div { dt { "window" } dd { (rows) "×" (columns) } } }
                        @if let Some(stride) = &step.stride { div { dt { "stride so far" } dd { (stride.once()) } } }
                        @if let Some(field) = &step.field { div { dt { "receptive field" } dd { (field.by()) } } }
                    }
                    p { (step.law) }
                }
            }
        }
    }
}

/// A receptive field that is a number.
fn field(step: &Step) -> Option<[usize; 2]> {
    step.field.as_ref().and_then(Pair::numbers)
}

/// A receptive field beside the largest of the stack.
fn seen([rows, columns]: [usize; 2], largest: usize) -> Markup {
    let length = |n: usize| (n.saturating_mul(SIDE) / largest).clamp(2, SIDE);
    let (width, height) = (length(columns), length(rows));
    let lines = |n: usize, across: bool| {
        let path = |at: usize| {
            let place = at * if across { width } else { height } / n;
            if across { format!("M{place} 0v{height}") } else { format!("M0 {place}h{width}") }
        };
        if largest > MAX_PIXELS { String::new() } else { (1..n).map(path).collect() }
    };
    html! {
        svg.field aria-hidden="true" width=(SIDE + 2) height=(height + 2)
            viewBox={ "-1 -1 " (SIDE + 2) " " (height + 2) } {
            rect width=(width) height=(height) {}
            path d=(lines(columns, true) + &lines(rows, false)) {}
        }
    }
}
