//! Verdicts about comparisons of numbers and lists.

use super::Told;
use super::doubt::reason;
use crate::Witness;
use convproof_engine::ir::Symbols;
use convproof_engine::prove::decide::Numbers;
use convproof_engine::prove::numbers::about;
use convproof_engine::prove::verdict::NumberVerdict;
use convproof_exact::{Poly, Sum};

/// A comparison as a report shows it.
pub(super) fn numbers(
    verdict: &NumberVerdict,
    Numbers { left, order, right }: Numbers<'_>,
    symbols: &Symbols,
) -> Told {
    let (a, b) = (list(left, symbols), list(right, symbols));
    let exact = |numbers: &[Poly]| numbers.iter().map(|poly| symbols.show(poly)).collect::<Vec<_>>();
    let witness = Some(Witness::Numbers { left: exact(left), right: exact(right) });
    match verdict {
        NumberVerdict::True => {
            let method = format!("{a} {} {b}", order.sign());
            Told { method, details: Vec::new(), witness }
        }
        NumberVerdict::Unknown(doubt) => reason(doubt),
        NumberVerdict::False { difference, .. } => {
            let depends = difference.as_ref().map_or_else(String::new, |difference| {
                format!("; the difference is {} for general weights", shortened(difference, symbols))
            });
            let method = format!("left is {a}, right is {b}{depends}");
            Told { method, details: Vec::new(), witness }
        }
    }
}

/// Longer polynomials are shown by their first terms.
const MAX_TERMS: usize = 12;
/// Longer numbers are shown as decimals.
const MAX_DIGITS: usize = 24;

fn list(numbers: &[Poly], symbols: &Symbols) -> String {
    match numbers {
        [one] => number(one, symbols),
        all => format!("[{}]", all.iter().map(|one| number(one, symbols)).collect::<Vec<_>>().join(", ")),
    }
}

/// A number for a reader: long fractions and sums get a decimal, square roots as well.
fn number(poly: &Poly, symbols: &Symbols) -> String {
    let long = |text: &str| text.chars().count() > MAX_DIGITS;
    if let Some(value) = poly.as_constant() {
        let text = value.to_string();
        return if long(&text) { format!("about {}", value.to_decimal(8)) } else { text };
    }
    if !symbols.is_numeric(poly) {
        return shortened(poly, symbols);
    }
    let text = symbols.show(poly);
    match about(poly, symbols) {
        None => text,
        Some(value) if long(&text) => format!("about {}", value.to_decimal(8)),
        Some(value) => format!("{text} (about {})", value.to_decimal(6)),
    }
}

/// A polynomial, or its first terms and how many there are.
fn shortened(poly: &Poly, symbols: &Symbols) -> String {
    let terms = poly.terms();
    if terms.len() <= MAX_TERMS {
        return symbols.show(poly);
    }
    let mut first = Sum::default();
    terms[..MAX_TERMS].iter().for_each(|(monomial, coefficient)| first.add(monomial.clone(), coefficient));
    format!("{} + … ({} terms)", symbols.show(&first.finish()), terms.len())
}
