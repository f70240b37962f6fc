//! `fmt` keeps array literals as people write them: their lines, aligned by column, semicolons, and the comments
//! between their lines. No comment is lost wherever it stands.

use convproof::syntax::ast::{ExprKind, Item, Layout, Spec, StatementKind};
use convproof::syntax::{parse, print, print_statement};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::syntax_roundtrip::{Shown, spec};

#[track_caller]
fn formats(text: &str, expected: &str) {
    let (spec, errors) = parse(text);
    assert!(errors.is_empty(), "{text}: {errors:?}");
    assert_eq!(print(&spec), expected);
    assert_eq!(print(&parse(expected).0), expected, "not canonical");
}

/// The text is canonical.
#[track_caller]
fn stays(text: &str) {
    formats(text, text);
}

#[test]
fn printed_arrays_stay_in_lines() {
    formats(
        "kernel A =\n [[ 0.    1.25 -1.  ]\n [ 2.5   2.75  1.5 ]]\nscalar a",
        "kernel A = [[0   1.25 -1  ]\n            [2.5 2.75  1.5]]\nscalar a\n",
    );
    stays("kernel B = [[[0 1]\n             [2 3]]\n\n            [[4 5]\n             [6 7]]]\n");
    stays("kernel L = [[1 2 3\n             4 5 6]\n            [7 8 9\n             1 2 3]]\n");
    stays("prove\n    f(\n        [1, 20,\n         3,  4]\n    )\n    == A\n");
    stays("kernel V = [ 1 20  3\n            40  5 60]\n");
    formats("kernel C = [[1, 0],\n  [0, 1]]\n", "kernel C = [[1 0]\n            [0 1]]\n");
    stays("prove \"x\":\n    conv(A)(B)\n    == [[ 11   1]\n        [-10 -99]]\n");
}

#[test]
fn one_line_stays_one_line() {
    stays("kernel C = [1 2 1; 2 4 2; 1 2 1]\n");
    stays("kernel C = [[1 2] [3 4]]\n");
    stays("prove conv([1; 2]) -> conv([1 2]) == conv([1 2;] * [[1; 2]; [3; 4]])\n");
    stays("prove pad(A, [1,2]) == A\n");
    let row = ["1234567"; 7].join(" ");
    formats(&format!("kernel C = [{row}; {row}]"), &format!("kernel C = [{row};\n            {row}]\n"));
    formats(
        &format!("kernel C = [[{row}] [{row}]]"),
        &format!("kernel C = [[{row}]\n            [{row}]]\n"),
    );
}

#[test]
fn semicolons_stay() {
    formats(
        "kernel S = [1 0 -1;\n2 0 -2;\n 1 0 -1;]",
        "kernel S = [1 0 -1;\n            2 0 -2;\n            1 0 -1]\n",
    );
    stays("kernel T = [ 1  2; 30 4;\n            10 20;  3 4]\n");
}

#[test]
fn comments_stay_between_lines() {
    stays(
        "kernel S = [[ 1 2]  # one\n            # two\n\n            # three\n\n            [30 4]]  # four\n# five\n",
    );
    formats(
        "kernel S = [ # before\n 1 2; # inside\n 3 4 # after\n ]",
        "# before\n# after\nkernel S = [1 2;  # inside\n            3 4]\n",
    );
    formats(
        "prove f(A[[1 # index\n 2]], [f(1, # argument\n 2) 3]) == [1 # entry\n 2]",
        "# index\n# argument\nprove\n    f(A[[1,2]], [f(1, 2) 3])\n    == [1  # entry\n        2]\n",
    );
}

fn layout(spec: &Spec) -> Option<Layout> {
    let [Item::Statement(statement)] = spec.items.as_slice() else { return None };
    let StatementKind::Kernel { value: Some(value), .. } = &statement.kind else { return None };
    let ExprKind::Array(_, layout) = &value.kind else { return None };
    layout.as_deref().cloned()
}

/// A matrix with line breaks and comments between its entries.
fn matrix() -> impl Strategy<Value = String> {
    let gap = select(vec![" ", " ", " ", " , ", "\n", " # a\n", "\n# b\n\n", "\n\n", " # a\n # b\n  # c\n "]);
    let gaps = vec(gap, 24);
    let number = select(vec!["1", "-2.5", "30", "1/3", "a^2", "f(1, 2)"]);
    (1..4_usize, 1..5_usize, any::<bool>(), gaps, vec(number, 12)).prop_map(
        |(height, width, semicolons, gaps, numbers)| {
            let mut text = String::from("kernel A = [");
            for row in 0..height {
                text.push_str(if semicolons { "" } else { "[" });
                for column in 0..width {
                    text.push_str(numbers[row * width % 5 + column]);
                    text.push_str(if column + 1 < width { gaps[row * 4 + column] } else { "" });
                }
                text.push_str(if semicolons { ";" } else { "]" });
                text.push_str(if row + 1 < height { gaps[12 + row] } else { "" });
            }
            text + "]"
        },
    )
}

proptest! {
    #[test]
    fn matrices_keep_their_layout(text in matrix()) {
        let (spec, errors) = parse(&text);
        // A comma after a row is a mistake in rows that end with semicolons.
        prop_assume!(errors.is_empty());
        let printed = print(&spec);
        let (again, errors) = parse(&printed);
        prop_assert!(errors.is_empty(), "{printed}");
        let breaks = |spec: &Spec| layout(spec).unwrap_or_default().breaks;
        prop_assert_eq!(breaks(&again), breaks(&spec), "{}", printed);
        prop_assert_eq!(again.without_spans(), spec.without_spans());
        prop_assert_eq!(print(&again), printed);
    }

    #[test]
    fn no_comment_is_lost(Shown(spec) in spec(), places in vec(any::<Index>(), 1..9)) {
        let text = print(&spec);
        let gaps: Vec<usize> = text.match_indices([' ', '[', ']', ',']).map(|(at, gap)| at + gap.len()).collect();
        if gaps.is_empty() {
            return Ok(());
        }
        let mut places: Vec<usize> = places.iter().map(|place| gaps[place.index(gaps.len())]).collect();
        places.sort_unstable();
        places.dedup();
        let mut commented = text.clone();
        for (name, at) in places.iter().enumerate().rev() {
            commented.insert_str(*at, &format!("# comment{name}.\n"));
        }
        let (tree, errors) = parse(&commented);
        // Some comments cut a string in two.
        if !errors.is_empty() {
            return Ok(());
        }
        let printed = print(&tree);
        for name in 0..places.len() {
            prop_assert_eq!(printed.matches(&format!("comment{name}.")).count(), 1, "{} in {}", name, printed);
        }
        let statements = |spec: &Spec| -> Vec<String> {
            spec.items.iter().filter_map(|item| if let Item::Statement(s) = item { Some(print_statement(s)) } else { None }).collect()
        };
        let (again, errors) = parse(&printed);
        prop_assert!(errors.is_empty(), "{:?} in {}", errors, printed);
        prop_assert_eq!(statements(&again), statements(&tree));
        prop_assert_eq!(print(&again), printed);
    }
}
