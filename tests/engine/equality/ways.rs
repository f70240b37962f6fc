//! Every procedure by itself on every claim of the corpus that two stacks are equal. Most true claims have two proofs, so a
//! procedure that loses one, or says what is not so, would not be noticed by verdicts alone.
//!
//! What a procedure says must be what the line above the claim expects, and what it says of sizes and positions must be what the
//! naive evaluator finds; and each procedure settles as many claims of a file as the table at the end says.

use std::fs;
use std::path::Path;

use convproof::algebra::{Rational, SplitMix64, Symbol};
use convproof::evaluate::{Weights, run};
use convproof::ir::{Prop, StackClaim, Symbols};
use convproof::prove::condition::includes;
use convproof::prove::equality::Way;
use convproof::prove::region::Agreement;
use convproof::prove::verdict::{StackProof, StackRefutation, StackVerdict, StackWitness};
use convproof::resolve::{ClaimBody, Resolved, Resolver};
use convproof::syntax::ast::Item;
use convproof::syntax::parse;
use convproof_exact::budget::{Budget, Halt};

use crate::equality::brute::{Seen, image};

/// Steps that one procedure may take for one claim.
const STEPS: u64 = 3_000_000;

/// A claim about two stacks.
pub(super) struct Claim {
    pub(super) line: usize,
    /// The word of the verdict that is expected.
    pub(super) expected: String,
    pub(super) body: StackClaim,
    pub(super) symbols: Symbols,
}

/// All claims of a corpus file about two stacks.
pub(super) fn claims(name: &str) -> Vec<Claim> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/corpus/{name}.cf"));
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let (spec, mistakes) = parse(&text);
    assert!(mistakes.is_empty(), "{mistakes:?}");
    let mut resolver = Resolver::new(|_, _| Err("no files".to_owned()));
    let mut all = Vec::new();
    for item in &spec.items {
        let Item::Statement(statement) = item else { continue };
        let Ok(Resolved::Claims(found)) = resolver.statement(statement) else { continue };
        for claim in found {
            let ClaimBody::Prop(Prop::Stacks(body)) = claim.body else { continue };
            let line = text[..claim.span.start].lines().count();
            let above = lines[..line].iter().rev().find_map(|line| line.trim().strip_prefix("# expect: "));
            let expected = above.unwrap().split(':').next().unwrap().to_owned();
            all.push(Claim { line: line + 1, expected, body, symbols: resolver.symbols().clone() });
        }
    }
    all
}

impl Claim {
    /// The symbols that the stacks use, if these are few and no square roots.
    fn used(&self) -> Option<Vec<Symbol>> {
        let Claim { body, symbols, .. } = self;
        let sides = [&body.left, &body.right];
        if body.channels > 4 || sides.iter().any(|stack| stack.weight_count() > 400) {
            return None;
        }
        let ranges = sides.into_iter().flat_map(|stack| stack.symbol_ranges());
        let mut all: Vec<Symbol> = ranges
            .into_iter()
            .flat_map(|(first, count)| (0..count).map(move |n| Symbol(first.0 + n)))
            .collect();
        all.sort_unstable();
        all.dedup();
        (all.len() <= 100 && all.iter().all(|&symbol| symbols.root_of(symbol).is_none())).then_some(all)
    }

    /// What the evaluator finds at a size, at two choices of weights and images; `None` where it has no result.
    fn seen(&self, used: &[Symbol], size: [i64; 2]) -> Option<Seen> {
        self.seen_where(used, &[], size)
    }

    /// The same where some weights are 0.
    fn seen_where(&self, used: &[Symbol], zeros: &[String], [h, w]: [i64; 2]) -> Option<Seen> {
        let mut random = SplitMix64::new(5);
        let (mut extent, mut wrong) = ([0; 2], Vec::new());
        for _ in 0..2 {
            let mut weight = || Rational::from(i64::try_from(random.below(1000)).unwrap() + 1);
            let mut weights: Weights = used.iter().map(|&symbol| (symbol, weight())).collect();
            for &symbol in used.iter().filter(|&&symbol| zeros.contains(&self.symbols.name(symbol))) {
                weights.set(symbol, Rational::ZERO);
            }
            let size = [h, w].map(|length| usize::try_from(length).unwrap());
            let x = image(self.body.channels, size, &mut random);
            let outputs = [&self.body.left, &self.body.right].map(|stack| match run(stack, &x, &weights) {
                Ok(output) => Some(Some(output)),
                Err(error) => error.is_no_output().then_some(None),
            });
            match outputs {
                [Some(None), Some(None)] => return Some(Seen::Silent),
                [Some(Some(left)), Some(Some(right))] if left.size() == right.size() => {
                    let [channels, rows, columns] = left.size();
                    extent = [rows, columns];
                    let at = (0..rows).flat_map(|i| (0..columns).map(move |j| [i, j]));
                    wrong.extend(
                        at.filter(|&[i, j]| (0..channels).any(|c| left.at(c, i, j) != right.at(c, i, j))),
                    );
                }
                [Some(_), Some(_)] => return Some(Seen::Sizes),
                _ => return None,
            }
        }
        wrong.sort_unstable();
        wrong.dedup();
        Some(Seen::Output(extent, wrong))
    }

    /// A few small sizes that the claim speaks of, and what is seen there.
    fn small(&self, used: &[Symbol]) -> Vec<([i64; 2], Seen)> {
        let all = (1..=6).flat_map(|h| (1..=6).map(move |w| [h, w]));
        let some = all.filter(|&[h, w]| (h + 2 * w) % 3 == 0 && includes(&self.body.sizes, [h, w]));
        some.filter_map(|size| Some((size, self.seen(used, size)?))).collect()
    }

    /// What a refutation says, against the evaluator.
    fn check_refutation(&self, used: &[Symbol], found: &StackRefutation) {
        let place = format!("line {}: {found:?}", self.line);
        if let StackWitness::Value(value) = &found.witness {
            let [channel, row, column] = value.position();
            let [left, right] = value.outputs().each_ref().map(|output| output.at(channel, row, column));
            assert!(left != right && [value.left(), value.right()] == [left, right], "{place}");
            let [_, h, w] = value.input().size().map(|length| i64::try_from(length).unwrap());
            if let (Some(wrong), Some(Seen::Output([rows, columns], at))) =
                (&found.wrong, self.seen(used, [h, w]))
            {
                assert_eq!((wrong.count, wrong.all), (at.len(), rows * columns), "{place}");
            }
        }
        for agreement in &found.agreement {
            for (size, seen) in self.small(used) {
                let equal = seen.is_equal();
                match (agreement, &seen) {
                    (_, Seen::Silent) => {}
                    (Agreement::Nowhere, _) => assert!(!equal, "{size:?} {place}"),
                    (Agreement::Sizes(boxes), _) => {
                        assert_eq!(boxes.iter().any(|sizes| sizes.contains(size)), equal, "{size:?} {place}");
                    }
                    (Agreement::SizesBelow(boxes, bound), _) if size.iter().all(|length| length < bound) => {
                        assert_eq!(boxes.iter().any(|sizes| sizes.contains(size)), equal, "{size:?} {place}");
                    }
                    (Agreement::Some(sizes), _) => {
                        assert!(equal || !sizes.contains(&size), "{size:?} {place}");
                    }
                    (Agreement::IfZero(zeros), _) => {
                        let seen = self.seen_where(used, zeros, size);
                        assert!(seen.is_none_or(|seen| !seen.is_different()), "{size:?} {place}");
                    }
                    (
                        Agreement::Interior { ring: [top, left, bottom, right], .. },
                        Seen::Output([h, w], wrong),
                    ) => {
                        let [h, w] = [*h, *w].map(|length| i64::try_from(length).unwrap());
                        let inside = |&[i, j]: &[usize; 2]| {
                            let [i, j] = [i, j].map(|at| i64::try_from(at).unwrap());
                            (*top..h - bottom).contains(&i) && (*left..w - right).contains(&j)
                        };
                        assert!(!wrong.iter().any(inside), "{size:?} {place}");
                    }
                    _ => {}
                }
            }
            self.check_exactness(used, agreement);
        }
    }

    /// Whether what is said to be necessary is: each weight that has to be 0, and all of a border that is wrong exactly.
    fn check_exactness(&self, used: &[Symbol], agreement: &Agreement) {
        match agreement {
            Agreement::IfZero(zeros) => {
                for n in 0..zeros.len() {
                    let others = [&zeros[..n], &zeros[n + 1..]].concat();
                    let sizes = (1..=6).flat_map(|h| (1..=6).map(move |w| [h, w]));
                    let mut seen = sizes.filter_map(|size| self.seen_where(used, &others, size));
                    assert!(seen.any(|seen| seen.is_different()), "line {}: {agreement:?}", self.line);
                }
            }
            Agreement::Interior { ring: [top, left, bottom, right], exactly: true } => {
                let size = [14, 15];
                if !includes(&self.body.sizes, size) {
                    return;
                }
                let Some(Seen::Output([h, w], wrong)) = self.seen(used, size) else { return };
                let [h, w] = [h, w].map(|length| i64::try_from(length).unwrap());
                let inside = (h - top - bottom).max(0) * (w - left - right).max(0);
                assert_eq!(i64::try_from(wrong.len()).unwrap(), h * w - inside, "line {}", self.line);
            }
            _ => {}
        }
    }

    /// What a proof says of all sizes, against the evaluator at small ones and beyond the horizon.
    fn check_proof(&self, used: &[Symbol], proof: &StackProof) {
        let (horizon, repeats) = match proof {
            StackProof::Patterns { horizon, composed, .. } => (*horizon, composed.repeats),
            StackProof::Words { horizon, read, .. } | StackProof::Terms { horizon, read, .. } => {
                (*horizon, read.repeats)
            }
            _ => (None, None),
        };
        let mut sizes: Vec<[i64; 2]> = vec![[2, 3], [5, 4]];
        if let (Some(horizon @ ..12), Some([_, period])) = (horizon, repeats) {
            sizes.extend([[horizon + 1, horizon], [horizon + 1 + period, 3]]);
        }
        for size in sizes.into_iter().filter(|&size| includes(&self.body.sizes, size)) {
            let seen = self.seen(used, size);
            let agrees = seen.as_ref().is_none_or(|seen| *seen == Seen::Silent || seen.is_equal());
            assert!(agrees, "line {}: {proof:?} at {size:?}: {seen:?}", self.line);
        }
    }
}

/// How many claims of a file each procedure settles, after checks of what it says.
fn check(name: &str, expected: [usize; 4]) {
    let mut settled: [Vec<usize>; 4] = Default::default();
    for claim in claims(name).into_iter().filter(|claim| claim.body.tolerance.is_none()) {
        let used = claim.used();
        for (way, settled) in Way::ALL.into_iter().zip(&mut settled) {
            let budget = Budget { steps: STEPS, ..Budget::default() };
            let verdict = match budget.run(|| way.alone(&claim.body, &claim.symbols)) {
                Ok(Ok(Some(verdict))) => verdict,
                Ok(_) | Err(Halt::Exhausted(_)) => continue,
                Err(Halt::Defect) => panic!("{name}:{}: {way:?}", claim.line),
            };
            let word = match &verdict {
                StackVerdict::Proved(proof) => {
                    used.iter().for_each(|used| claim.check_proof(used, proof));
                    "proved"
                }
                StackVerdict::Refuted(found) => {
                    used.iter().for_each(|used| claim.check_refutation(used, found));
                    "refuted"
                }
                StackVerdict::Unknown(_) => continue,
            };
            assert_eq!(word, claim.expected, "{name}:{}: {way:?} {verdict:?}", claim.line);
            settled.push(claim.line);
        }
    }
    let counts = settled.each_ref().map(Vec::len);
    assert_eq!(counts, expected, "lines of {name}.cf that are settled by {:?}: {settled:?}", Way::ALL);
}

macro_rules! files {
    ($($name:ident: $words:literal $terms:literal $forms:literal $survey:literal)*) => {
        $(#[test]
        fn $name() {
            check(&stringify!($name).replace('_', "-"), [$words, $terms, $forms, $survey]);
        })*

        #[test]
        fn all_files_are_here() {
            let listed = [$(stringify!($name)),*].map(|name| format!("{}.cf", name.replace('_', "-")));
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
            for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                assert!(!name.ends_with(".cf") || listed.contains(&name), "{name}");
            }
        }
    };
}

// Words, terms, normal forms, survey.
files! {
    blocks: 32 2 1 2
    borders: 51 61 9 55
    broadcast: 48 52 9 33
    channels: 46 12 7 13
    dilated: 0 0 0 0
    equality: 18 18 9 18
    few: 22 0 0 0
    field_borders: 27 27 8 27
    field_branches: 30 32 17 33
    field_nonlinear: 44 47 12 26
    field_pooling: 28 34 13 34
    field_shapes: 22 36 16 36
    fit: 0 0 0 0
    functions: 44 45 2 24
    interpolation: 27 37 17 36
    layers: 61 63 18 43
    lipschitz: 0 0 0 0
    means: 20 27 9 22
    names: 6 6 4 6
    nonlinear: 19 25 7 22
    products: 84 77 0 26
    questions: 30 34 6 19
    ranges: 22 22 0 10
    roots: 49 40 5 26
    sizes: 2 2 2 5
    slices: 7 15 8 14
    soundness: 46 47 3 47
    terms: 42 44 5 20
    unknowns: 0 0 0 0
    words: 47 24 5 28
}
