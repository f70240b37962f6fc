//! A claim with its verdict and what shows it.

use maud::{Markup, html};

use super::class;
use super::code::{code, words};
use super::heat::{figure, figures, scale};
use super::picture::{gap, ring, wrong};
use super::strip::strip;
use crate::model::{Block, ClaimReport, Matrix};

/// The claim's part of a page, at its place.
pub(super) fn section(claim: &ClaimReport, anchor: &str) -> Markup {
    html! {
        section class={ "claim " (class(claim)) } id=(anchor) {
            h3 {
                span.mark { (claim.mark()) }
                " "
                span.verdict { (claim.verdict()) }
                @if claim.label != claim.statement { " " (words(&claim.label)) }
                " "
                a.anchor href={ "#" (anchor) } aria-label="Link to this claim" { "#" }
            }
            pre { code { span.k { (claim.kind.keyword()) } " " (code(&claim.statement)) } }
            @for line in claim.method.lines().filter(|line| !line.trim().is_empty()) {
                p.method { (words(line)) }
            }
            @for block in &claim.details { (self::block(block)) }
        }
    }
}

fn block(block: &Block) -> Markup {
    match block {
        Block::Text(text) => html! {
            p { @for (at, line) in text.lines().enumerate() { @if at > 0 { br; } (words(line)) } }
        },
        Block::Table { header, rows } => table(header, rows),
        Block::Matrices(matrices) => figures(matrices),
        Block::HeatMap(matrix) => figures(std::slice::from_ref(matrix)),
        Block::Outputs { input, sides } => outputs(input, sides),
        Block::Layers { title, steps, .. } => strip(title, steps),
        Block::Ring { ring: widths, exactly } => ring(*widths, *exactly),
        Block::Wrong(map) => wrong(map),
        Block::Gap { found, bound } => gap(found, bound),
    }
}

fn table(header: &[String], rows: &[Vec<String>]) -> Markup {
    let numeric = crate::layout::numeric_columns(header, rows);
    html! {
        div.wide {
            table {
                thead { tr { @for title in header { th { (words(title)) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (at, cell) in row.iter().enumerate() {
                                td.number[numeric.get(at) == Some(&true)] { (words(cell)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The input, an arrow, and both outputs in the same colours, with all cells that differ.
fn outputs(input: &[Matrix], sides: &[Vec<Matrix>; 2]) -> Markup {
    let scale = scale(sides.iter().flatten());
    let other = |side: usize, at: usize| sides[1 - side].get(at).and_then(|matrix| matrix.values.as_ref());
    html! {
        div.flow {
            @if !input.is_empty() {
                (figures(input))
                span.arrow aria-hidden="true" { "→" }
            }
            @for (side, matrices) in sides.iter().enumerate() {
                div.figures {
                    @for (at, matrix) in matrices.iter().enumerate() {
                        (figure(matrix, scale.as_ref(), other(side, at)))
                    }
                }
            }
        }
    }
}
