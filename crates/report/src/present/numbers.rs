//! Verdicts about comparisons of numbers and lists.

use super::Told;
use super::doubt::reason;
use super::text::root_decimal;
use crate::Witness;
use convproof_engine::ir::{Quantity, Symbols};
use convproof_engine::prove::decide::Numbers;
use convproof_engine::prove::verdict::NumberVerdict;
use convproof_exact::Rational;

/// A comparison as a report shows it.
pub(super) fn numbers(
    verdict: &NumberVerdict,
    Numbers { left, order, right }: Numbers<'_>,
    symbols: &Symbols,
) -> Told {
    let (a, b) = (list(left, symbols), list(right, symbols));
    let witness = Some(Witness::Numbers { left: exact(left, symbols), right: exact(right, symbols) });
    match verdict {
        NumberVerdict::True => {
            let method = format!("{a} {} {b}", order.sign());
            Told { method, details: Vec::new(), witness }
        }
        NumberVerdict::Unknown(doubt) => reason(doubt),
        NumberVerdict::False { difference, .. } => {
            let depends = difference.as_ref().map_or_else(String::new, |difference| {
                format!("; the difference is {} for general weights", symbols.show(difference))
            });
            let method = format!("left is {a}, right is {b}{depends}");
            Told { method, details: Vec::new(), witness }
        }
    }
}

fn list(quantities: &[Quantity], symbols: &Symbols) -> String {
    match quantities {
        [one] => quantity(one, symbols),
        all => format!("[{}]", all.iter().map(|one| quantity(one, symbols)).collect::<Vec<_>>().join(", ")),
    }
}

fn exact(quantities: &[Quantity], symbols: &Symbols) -> Vec<String> {
    let one = |quantity: &Quantity| match quantity {
        Quantity::Poly(poly) => symbols.show(poly),
        Quantity::Root(square) => {
            square.exact_sqrt().map_or_else(|| format!("sqrt({square})"), |root| root.to_string())
        }
    };
    quantities.iter().map(one).collect()
}

/// A number for a reader: long fractions get a decimal.
fn quantity(quantity: &Quantity, symbols: &Symbols) -> String {
    let shortened = |value: &Rational| {
        let text = value.to_string();
        if text.len() > 24 { format!("about {}", value.to_decimal(8)) } else { text }
    };
    match quantity {
        Quantity::Poly(poly) => {
            poly.as_constant().map_or_else(|| symbols.show(poly), |value| shortened(&value))
        }
        Quantity::Root(square) => square.exact_sqrt().map_or_else(
            || format!("sqrt({}) (about {})", shortened(square), root_decimal(square, 6)),
            |root| shortened(&root),
        ),
    }
}
