//! Random equations that have a solution, as their other side is made with one: none is refuted, over any field.
//!
//! Products with powers and dilations, sums, and layers; numbers, square roots, weights, and kernels of zeros among the known ones.
//! Roots and weights may leave an equation unknown, rational numbers with one unknown may not. `PLANTED_EQUATIONS` and `PLANTED_SEED` make more.

use std::fmt::Write as _;

use convproof::check::check;
use convproof::report::Outcome;
use convproof::source::Source;

use super::differential::judge::NoFiles;
use super::differential::random::Random;
use super::variable;

const NUMBERS: &[&str] = &["0", "0", "1", "1", "2", "-1", "3", "1/2", "-2/3"];
const ROOTS: &[&str] =
    &["0", "1", "-2", "sqrt(2)", "2*sqrt(3)", "sqrt(6)", "1/sqrt(2)", "(1+sqrt(2))", "sqrt(1+sqrt(2))"];
const WEIGHTS: &[&str] = &["0", "1", "-1", "a", "2*a", "b", "a*b", "(a+b)", "(a-b)", "1/a", "(a*a+1)"];
const BOTH: &[&str] =
    &["0", "1", "a", "sqrt(2)", "sqrt(a)", "sqrt(a+b)", "1/sqrt(a)", "sqrt(a*b)", "(a+sqrt(a))", "-2"];

type Entries = &'static [&'static str];

/// One equation: declarations, and the same text with unknown and with planted kernels.
struct Planted {
    random: Random,
    rows: i64,
    /// Entries of the known kernels.
    known: Entries,
    /// Entries of the kernels that are looked for.
    hidden: Entries,
    declared: String,
    unknowns: Vec<String>,
}

impl Planted {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let known = random.pick(&[NUMBERS, NUMBERS, ROOTS, WEIGHTS, BOTH]);
        let (hidden, rows) = (random.pick(&[NUMBERS, known]), random.pick(&[1, 1, 3]));
        Self { random, rows, known, hidden, declared: String::new(), unknowns: Vec::new() }
    }

    fn shape(&mut self, most: i64) -> [i64; 2] {
        [self.random.from(1, self.rows.min(most)), self.random.from(1, most)]
    }

    fn declare(&mut self, name: &str, [h, w]: [i64; 2], entries: Entries) {
        let zeros = self.random.chance(10);
        let mut entry = || if zeros { "0" } else { self.random.pick(entries) };
        let rows: Vec<String> =
            (0..h).map(|_| (0..w).map(|_| entry()).collect::<Vec<_>>().join(", ")).collect();
        let _ = writeln!(self.declared, "kernel {name}[{h},{w}] = [{}]", rows.join("; "));
    }

    /// An unknown kernel with its planted one, whose name has a P.
    fn unknown(&mut self, shape: [i64; 2]) -> String {
        let name = format!("U{}", self.unknowns.len());
        self.declare(&name.replace('U', "P"), shape, self.hidden);
        self.unknowns.push(format!("{name}[{},{}]", shape[0], shape[1]));
        name
    }

    fn product(&mut self) -> String {
        let count = self.random.pick(&[1, 1, 2, 2, 3]);
        let mut factors: Vec<String> = (0..count)
            .map(|_| {
                let shape = self.shape(3);
                let unknown = self.unknown(shape);
                let dilated = if self.random.chance(4) { format!("dilate({unknown}, 2)") } else { unknown };
                let power = if count < 3 { self.random.pick(&[1, 1, 1, 2, 3]) } else { 1 };
                if power == 1 { dilated } else { format!("{dilated} ^ {power}") }
            })
            .collect();
        if self.random.chance(2) {
            let shape = self.shape(2);
            self.declare("K", shape, self.known);
            factors.push("K".into());
        }
        if self.random.chance(3) {
            factors.push(format!("({})", self.random.pick(self.known)));
        }
        let by = self.random.from(0, factors.len() as i64 - 1) as usize;
        factors.rotate_left(by);
        factors.join(" * ")
    }

    fn sum(&mut self) -> String {
        let (shape, part) = (self.shape(3), self.shape(2));
        self.declare("K", part, self.known);
        self.declare("L", part, self.known);
        self.declare("M", [shape[0] + part[0] - 1, shape[1] + part[1] - 1], self.known);
        self.unknown(shape);
        self.random
            .pick(&["U0 * K + L * U0", "K * U0 - 2 * U0 * L", "U0 * K + M", "3 * U0 * K - M + L * U0"])
            .into()
    }

    fn layers(&mut self) -> String {
        let (shape, part) = (self.shape(3), self.shape(2));
        self.declare("K", part, self.known);
        self.declare("L", part, self.known);
        self.unknown(shape);
        let biased = self.random.chance(3);
        if biased {
            self.unknown([1, 1]);
            self.unknowns[1] = "U1[1]".into();
        }
        let (p, s) = (self.random.from(0, 1), self.random.from(1, 2));
        let bias = if biased { ", bias=U1" } else { "" };
        let first = format!("conv(U0, stride={s}, padding={p}{bias})");
        let factor = self.random.pick(self.known);
        self.random.pick(&[
            format!("{first} -> conv(K)"),
            format!("conv(K, padding={p}) -> {first}"),
            format!("{first} -> avgpool(2) -> scale({factor})"),
            format!("({first} -> conv(K)) + (pad({p}) -> conv(L, stride={s}) -> conv(U0))"),
            format!("scale({factor}) -> convtranspose(U0, stride={s}) -> conv(K)"),
            format!("conv(K) -> relu -> {first}"),
        ])
    }

    /// The spec, and whether it must be decided.
    fn spec(mut self) -> (String, bool) {
        let kind = self.random.from(0, 2);
        let unknown = match kind {
            0 => self.product(),
            1 => self.sum(),
            _ => self.layers(),
        };
        // A bias that the layers do not read is none of the unknowns.
        self.unknowns.retain(|name| unknown.contains(&name[..2]));
        let field = if self.known == NUMBERS && self.hidden == NUMBERS && kind < 2 {
            self.random.pick(&["", " over Q", " over R", " over C"])
        } else {
            ""
        };
        let unknowns = self.unknowns.join(", ");
        let claim = if self.random.chance(2) && field.is_empty() {
            format!("solve {unknowns}: ")
        } else {
            format!("prove exists {unknowns}{field}: ")
        };
        let planted = unknown.replace('U', "P");
        let decided = self.known == NUMBERS && self.unknowns.len() == 1 && kind > 0;
        (format!("scalar a\nscalar b\n{}{claim}{unknown} == {planted}\n", self.declared), decided)
    }
}

#[test]
fn equations_with_a_planted_solution_are_never_refuted() {
    let (first, count) = (variable("PLANTED_SEED", 1), variable("PLANTED_EQUATIONS", 400));
    let mut outcomes = [0_u64; 2];
    for seed in first..first + count {
        let (text, decided) = Planted::new(seed).spec();
        let report = check(&Source::new("planted.cf", text.clone()), &NoFiles, &mut |_| {});
        let Some(claim) = report.claims().next() else {
            // An unknown times 0 does not occur, and a root of a sum may not be divided by.
            let codes: Vec<String> = report.errors.iter().map(|error| format!("{error:?}")).collect();
            assert!(codes.iter().all(|code| code.contains("E0231")), "seed {seed}: {text}{codes:?}");
            continue;
        };
        assert_ne!(claim.outcome, Outcome::Refuted, "seed {seed}: {text}{}", claim.method);
        assert!(claim.outcome == Outcome::Proved || !decided, "seed {seed}: {text}{}", claim.method);
        assert!(!claim.method.contains("defect"), "seed {seed}: {text}{}", claim.method);
        outcomes[usize::from(claim.outcome == Outcome::Proved)] += 1;
    }
    let [unknown, proved] = outcomes;
    println!("{proved} proved, {unknown} unknown");
    assert!(proved > count / 2, "{outcomes:?}");
}
