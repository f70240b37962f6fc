//! The limits that a user can meet, in one table: what is limited, and where. The values are those that the code has;
//! `docs/language.md` shows the same table, and `convproof explain limits` prints it.

use crate::algebra::budget::Budget;
use crate::algebra::{MAX_DEGREE, Rational};
use crate::evaluate::{MAX_CELLS, MAX_WORK as MAX_REPLAY};
use crate::factor::exact::{BIVARIATE_DEGREE_LIMIT, UNIVARIATE_DEGREE_LIMIT};
use crate::factor::{bins, fit};
use crate::folder::{MAX_DATA, MAX_SPEC};
use crate::ir::{MAX_BLOCK, MAX_OUTPUTS, MAX_SYMBOLS};
use crate::kernel::{MAX_ENTRIES, atoms::MAX_ATOM_TERMS, symbolic::MAX_TERMS};
use crate::operator::expand::MAX_MIRRORED;
use crate::operator::resample::MAX_PHASES;
use crate::operator::{forward, length::MAX_PERIOD, pull, shape::MAX_INPUT_CHANNELS};
use crate::resolve::build::{MAX_EXTENT, arithmetic, arrays, conditions::SizeTerm, stacks};
use crate::resolve::{MAX_MEMORY, MAX_PRODUCTS};
use crate::syntax::{MAX_HEIGHT, MAX_NESTING, MAX_NUMBER_BITS};
use convproof_engine::limits;

/// What is limited, and the limits: the rows of the table in the reference.
pub fn rows() -> Vec<[String; 2]> {
    let groups = [reading(), kernels(), stacks_and_sizes(), equations()];
    let rows = groups.into_iter().flatten();
    rows.map(|(what, most)| [what.to_owned(), most.join("; ")]).collect()
}

/// The table as Markdown.
pub fn table() -> String {
    let rows: String = rows().iter().map(|[what, most]| format!("| {what} | {most} |\n")).collect();
    format!("| what | limit |\n| --- | --- |\n{rows}")
}

/// One row: things in order, and the limit of each.
type Row = (&'static str, Vec<String>);

fn reading() -> Vec<Row> {
    vec![
        ("one statement: steps of work; memory in use", vec![number(Budget::STEPS), bytes(Budget::BYTES)]),
        ("the named kernels and stacks of a spec together", vec![bytes(MAX_MEMORY)]),
        ("a spec; a file that is loaded", vec![bytes(MAX_SPEC), bytes(MAX_DATA)]),
        (
            "a written number: bits of its numerator and denominator; exponent of ten",
            vec![number(MAX_NUMBER_BITS), number(u64::from(Rational::MAX_EXPONENT))],
        ),
        (
            "brackets, signs, quantifiers inside one another; height of an expression in operators",
            vec![count(MAX_NESTING), count(MAX_HEIGHT)],
        ),
        (
            "definitions and operators that a value rests on, one on top of the other",
            vec![number(u64::from(arrays::MAX_DEPTH))],
        ),
    ]
}

fn kernels() -> Vec<Row> {
    vec![
        ("entries of a kernel, values of a loaded array", vec![count(MAX_ENTRIES)]),
        ("bits of an entry that was computed", vec![number(arrays::MAX_BITS)]),
        (
            "monomials of an expanded kernel (and of an image `S(X)`); products in one of whole free kernels",
            vec![count(MAX_TERMS), count(MAX_ATOM_TERMS)],
        ),
        ("free symbols of a spec", vec![number(u64::from(MAX_SYMBOLS))]),
        (
            "degree of a kernel's entries in the free symbols; of a stack",
            vec![number(u64::from(MAX_DEGREE)), number(u64::from(stacks::MAX_STACK_DEGREE))],
        ),
        ("convolution powers of kernels without free symbols", vec![whole(arithmetic::MAX_POWER)]),
        ("square roots of entries with free symbols, in a spec", vec![count(arithmetic::MAX_ROOTS)]),
    ]
}

fn stacks_and_sizes() -> Vec<Row> {
    vec![
        ("a stride, dilation, padding, window, extent or size", vec![whole(MAX_EXTENT)]),
        (
            "entries along an axis that mirror or repeat others; parts of a factor of `resize`; outputs of adaptive \
             pooling and of aligned corners along an axis",
            vec![whole(MAX_MIRRORED), whole(MAX_PHASES), whole(MAX_OUTPUTS)],
        ),
        ("the block of `space_to_depth`, `depth_to_space`", vec![whole(MAX_BLOCK)]),
        (
            "layers of a stack; its sums, products and concatenations",
            vec![count(stacks::MAX_LAYERS), count(stacks::MAX_JOINS)],
        ),
        ("channels tried where no layer fixes them", vec![count(MAX_INPUT_CHANNELS)]),
        ("numbers in conditions", vec![whole(SizeTerm::CONSTANT.range[1])]),
        ("multiplications to apply a stack to an image", vec![count(forward::MAX_WORK)]),
        (
            "all-sizes claims: period of the sizes; longest input looked at where borders matter",
            vec![whole(MAX_PERIOD), whole(limits::MAX_SURVEYED)],
        ),
        (
            "all-sizes claims: output positions looked at per axis; pairs of border patterns",
            vec![count(limits::MAX_POSITIONS), count(limits::MAX_PAIRS)],
        ),
        (
            "all-sizes claims with `global_avgpool`: longest input looked at; entries of kernels times pixels, over all sizes",
            vec![whole(limits::MAX_AVERAGED), whole(limits::MAX_AVERAGED_WORK)],
        ),
        (
            "`~=` through nonlinear layers: weights of a side up to which these are taken together first; and at all",
            vec![count(limits::TOGETHER_FIRST), count(limits::TOGETHER)],
        ),
        (
            "terms of one coefficient; products of numbers, where one of polynomials counts 16 for each of their terms",
            vec![count(pull::MAX_COEFFICIENT_TERMS), number(pull::MAX_WORK)],
        ),
        ("replay of a counterexample: cells of an image; steps", vec![count(MAX_CELLS), number(MAX_REPLAY)]),
    ]
}

fn equations() -> Vec<Row> {
    vec![
        ("products of an equation, and factors of each", vec![count(MAX_PRODUCTS)]),
        (
            "factoring: degree in one variable; in each of two",
            vec![count(UNIVARIATE_DEGREE_LIMIT), count(BIVARIATE_DEGREE_LIMIT)],
        ),
        ("distributing factors over shapes, in steps", vec![count(bins::STEP_LIMIT)]),
        ("witnesses tried for `forall … exists`", vec![count(limits::WITNESSES)]),
        (
            "`fit`: unknowns; products; factors of each; free entries; entries of the target; bits of a given entry",
            vec![
                count(fit::MAX_UNKNOWNS),
                count(fit::MAX_TERMS),
                count(fit::MAX_FACTORS),
                count(fit::MAX_VARIABLES),
                count(fit::MAX_CELLS),
                number(fit::MAX_ENTRY_BITS),
            ],
        ),
        (
            "`fit`, certificates: products of entries, unless asked for more; at most; multipliers that differ; bits of a known factor's entries; \
             times the work of other statements where one was asked for",
            vec![
                count(fit::CERTIFIED),
                count(fit::MAX_CERTIFIED),
                count(fit::MAX_MULTIPLIERS),
                number(fit::KNOWN_BITS),
                number(limits::CERTIFYING),
            ],
        ),
    ]
}

fn bytes(most: u64) -> String {
    if most >= 1 << 30 { format!("{} GiB", most >> 30) } else { format!("{} MiB", most >> 20) }
}

fn count(most: usize) -> String {
    number(most as u64)
}

fn whole(most: i64) -> String {
    number(most.unsigned_abs())
}

/// Long numbers in groups of three digits, large powers of two as such.
fn number(most: u64) -> String {
    if most.is_power_of_two() && most >= 1 << 20 {
        let digits = ["⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"];
        let exponent = most.trailing_zeros().to_string();
        return format!("2{}", exponent.bytes().map(|b| digits[usize::from(b - b'0')]).collect::<String>());
    }
    let digits = most.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap_or_default())
        .collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_shows_this_table() {
        let reference = include_str!("../docs/language.md");
        let (_, section) = reference.split_once("## 11 Limits\n").expect("a section on limits");
        let shown: Vec<&str> = section.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(shown, table().lines().collect::<Vec<_>>());
    }

    #[test]
    fn numbers_are_readable() {
        let most = [2500, 9999, 65_536, 1 << 24, 10_000_000_000].map(number);
        assert_eq!(most, ["2500", "9999", "65,536", "2²⁴", "10,000,000,000"]);
        assert_eq!([16 << 20, 3 << 30].map(bytes), ["16 MiB", "3 GiB"]);
    }
}
