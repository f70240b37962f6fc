//! Verdicts about comparisons of numbers and lists.

use super::Shown;
use super::doubt::unknown;
use super::text::root_decimal;
use crate::{Outcome, Witness};
use convproof_engine::ir::{Order, Quantity, Symbols};
use convproof_engine::prove::verdict::NumberVerdict;
use convproof_exact::Rational;

/// A comparison as a report shows it.
pub fn numbers(
    verdict: &NumberVerdict,
    left: &[Quantity],
    order: Order,
    right: &[Quantity],
    symbols: &Symbols,
) -> Shown {
    let (a, b) = (list(left, symbols), list(right, symbols));
    let witness = Some(Witness::Numbers { left: exact(left, symbols), right: exact(right, symbols) });
    match verdict {
        NumberVerdict::True => {
            let method = format!("{a} {} {b}", order.sign());
            Shown { outcome: Outcome::Proved, method, details: Vec::new(), witness }
        }
        NumberVerdict::Unknown(doubt) => unknown(doubt),
        NumberVerdict::False { difference, .. } => {
            let depends = difference.as_ref().map_or_else(String::new, |difference| {
                format!("; the difference is {} for general weights", symbols.show(difference))
            });
            let method = format!("left is {a}, right is {b}{depends}");
            Shown { outcome: Outcome::Refuted, method, details: Vec::new(), witness }
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
