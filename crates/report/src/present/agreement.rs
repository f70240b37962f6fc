//! Where two sides that differ agree, in words.

use std::collections::BTreeSet;

use super::text::size;
use convproof_engine::ir::{Sizes, StackClaim};
use convproof_engine::prove::region::{Agreement, LengthSet, SizeBox};
use convproof_exact::Symbol;

/// A description in words, as part of a sentence.
pub fn agreement_text(agreement: &Agreement, claim: &StackClaim) -> String {
    let among = if matches!(claim.sizes, Sizes::Where(_)) { " (among the sizes of the claim)" } else { "" };
    match agreement {
        Agreement::Nowhere => format!("for general weights the sides agree at no input size{among}"),
        Agreement::Sizes(boxes) => format!("equal exactly where {}{among}", size_boxes(boxes)),
        Agreement::SizesBelow(boxes, bound) => {
            format!("equal wherever {}{among}, and at no other size below {bound}×{bound}", size_boxes(boxes))
        }
        Agreement::Interior { ring, exactly } => {
            let [top, left, bottom, right] = ring;
            let width = if [left, bottom, right] == [top, top, top] {
                format!(
                    "the outermost {}",
                    if *top == 1 {
                        "row and column on each side".to_owned()
                    } else {
                        format!("{top} rows and columns on each side")
                    }
                )
            } else {
                let line = |count: i64, which: &str, name: &str| match count {
                    0 => None,
                    1 => Some(format!("the {which} {name}")),
                    n => Some(format!("the {which} {n} {name}s")),
                };
                let lines = [
                    line(*top, "first", "row"),
                    line(*bottom, "last", "row"),
                    line(*left, "first", "column"),
                    line(*right, "last", "column"),
                ];
                lines.into_iter().flatten().collect::<Vec<_>>().join(" and ")
            };
            if *exactly {
                format!("equal in the interior at every large size, wrong exactly on {width} of the output")
            } else {
                format!(
                    "equal in the interior at every large size; differences only on {width} of the output"
                )
            }
        }
        Agreement::Some(sizes) => {
            let listed: Vec<String> = sizes.iter().map(|&one| size(one)).collect();
            format!(
                "equal at some sizes that no simple condition describes, among them {}",
                listed.join(", ")
            )
        }
        Agreement::IfZero(names) => {
            let listed: Vec<String> = names.iter().take(12).map(|name| format!("`{name}` = 0")).collect();
            let more = if names.len() > 12 {
                format!(" and {} more are 0", names.len() - 12)
            } else {
                String::new()
            };
            let used: BTreeSet<Symbol> =
                [&claim.left, &claim.right].into_iter().flat_map(|stack| stack.symbols()).collect();
            let others = if used.len() > names.len() { " (for all other weights)" } else { "" };
            format!("equal if and only if {}{more}{others}", listed.join(" and "))
        }
    }
}

fn size_boxes(boxes: &[SizeBox]) -> String {
    boxes.iter().map(|sizes| size_box(sizes, boxes.len() > 1)).collect::<Vec<_>>().join(" or ")
}

/// The condition that a box of sizes stands for, in parentheses if it has two parts and is one of several.
fn size_box(sizes: &SizeBox, several: bool) -> String {
    match [("h", &sizes.height), ("w", &sizes.width)].map(|(name, set)| Some(length_set(name, set.as_ref()?)))
    {
        [Some(height), Some(width)] if several => format!("({height} and {width})"),
        [Some(height), Some(width)] => format!("{height} and {width}"),
        [Some(one), None] | [None, Some(one)] => one,
        [None, None] => "there is an output".to_owned(),
    }
}

fn length_set(name: &str, set: &LengthSet) -> String {
    let residues: Vec<String> = set.residues.iter().map(ToString::to_string).collect();
    let large = match (set.residues.as_slice(), set.modulus) {
        ([], _) => None,
        (all, modulus) if i64::try_from(all.len()) == Ok(modulus) => {
            (set.from > 1).then(|| format!("`{name} >= {}`", set.from))
        }
        ([one], modulus) => Some(format!("`{name} % {modulus} == {one}`")),
        (_, modulus) => Some(format!("`{name} % {modulus}` is one of {}", residues.join(", "))),
    };
    let from = (set.from > 1 && set.modulus > 1 && !set.residues.is_empty())
        .then(|| format!("`{name} >= {}`", set.from));
    let small: Vec<String> = set.small.iter().map(ToString::to_string).collect();
    let small = (!small.is_empty()).then(|| format!("`{name}` is {}", small.join(" or ")));
    let large = [large, from].into_iter().flatten().collect::<Vec<_>>().join(" and ");
    match (large.as_str(), small) {
        ("", Some(small)) if set.small.len() > 1 => format!("({small})"),
        ("", Some(small)) => small,
        ("", None) => format!("`{name}` takes no value"),
        (large, None) => large.to_owned(),
        (large, Some(small)) => format!("({large} or {small})"),
    }
}
