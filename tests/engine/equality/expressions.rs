//! Random expressions of kernels in layers: each procedure by itself, on the layer with the expression and the layer with its entries.
//!
//! The entries come from `kernel/`, which computes them; `forms/net` reads the expression factor by factor. The two layers are equal, and
//! with one entry changed they differ. `EXPRESSIONS` makes more of them.

use convproof::algebra::{Poly, Rational, SplitMix64};
use convproof::ir::{KernelTerm, Prop, StackClaim, Symbols};
use convproof::kernel::Kernel;
use convproof::prove::equality::Way;
use convproof::prove::verdict::StackVerdict;
use convproof::resolve::{ClaimBody, Resolved, Resolver};
use convproof::source::Span;
use convproof::syntax::ast::Item;
use convproof::syntax::parse;
use convproof_exact::budget::Budget;

const DECLARED: &str = "
kernel A[2,2,2,3]
kernel B[2,2,1,2]
kernel C[2,2,2,1]
kernel D[1,2,1,2]
kernel G[2,1,2,2]
kernel K[3,3]
kernel N = [[[[1 2] [0 -1]] [[3 0] [1 1]]] [[[0 0] [2 1]] [[-1 4] [0 5]]]]
kernel v[2]
kernel w[2] = [2 -3]
scalar s
";

/// What is made of kernels `$` and `&`.
const OPERATIONS: &[&str] = &[
    "$ * &",
    "$ * &",
    "$ + 2 * flip($)",
    "$ - scale_rows($, v)",
    "scale_rows($, w)",
    "scale_columns($, v)",
    "dilate($, [1, 2])",
    "dilate($, [2, 1])",
    "pad($, 1, 0, 0, 2)",
    "trim(pad($, 2, 1, 0, 0) * pad(eye(2), 0, 0, 1, 1))",
    "trim(pad($, 1, 2, 0, 0) + pad(flip($), 1, 2, 0, 0))",
    "flip($)",
    "transpose($)",
    "repeat($, [2, 1])",
    "swap_channels($)",
    "kernel(conv($) -> permute([1, 0]))",
    "kernel(conv($) -> conv(G, groups=2))",
    "kernel(depth_to_space(2) -> conv(K, stride=2) -> conv(swap_channels(D)) -> conv($))",
    "kernel(depth_to_space(2) -> conv(K, stride=2))",
    "kernel(conv($, dilation=2) -> conv(&))",
    "kernel((select(0, 1) -> conv($[:, 0:1])) + (select(1, 2) -> conv($[:, 1:2])))",
    "kernel(concat(conv($[0:1]), conv(&[1:2])))",
    "$ * (s * eye(2)) / s",
    "s * $",
    "$ ^ 2",
    "-$",
    "hadamard($, $)",
    "ungroup(G, 2)",
];

/// Layers that take such a kernel.
const LAYERS: &[&str] = &[
    "conv($)",
    "conv($, stride=2, padding=1)",
    "conv($, padding=[0,1,2,0], dilation=[1,2])",
    "convtranspose($, stride=2)",
    "conv($, groups=2)",
    "conv($, padding=1) -> relu -> conv(D)",
    "relu -> conv($, stride=[1,2])",
];

/// How many entries, and terms in all of them, an expression may have.
const MOST: usize = 200;

struct Maker {
    random: SplitMix64,
    resolver: Resolver<'static>,
    names: Vec<String>,
    /// The statements so far.
    made: Vec<String>,
}

impl Maker {
    fn new(seed: u64) -> Self {
        let resolver = Resolver::new(|_, _| Err("no files".to_owned()));
        let names = ["A", "B", "C", "D", "G", "K", "N"].map(str::to_owned).to_vec();
        let mut maker = Self { random: SplitMix64::new(seed), resolver, names, made: Vec::new() };
        assert!(maker.claim(DECLARED).is_some_and(|claims| claims.is_empty()));
        maker
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.random.below(u64::try_from(n).unwrap())).unwrap()
    }

    /// Resolves statements; `None` where one is a mistake.
    fn claim(&mut self, text: &str) -> Option<Vec<(StackClaim, Symbols)>> {
        let (spec, mistakes) = parse(text);
        assert!(mistakes.is_empty(), "{text}");
        let mut all = Vec::new();
        for item in &spec.items {
            let Item::Statement(statement) = item else { continue };
            if let Resolved::Claims(claims) = self.resolver.statement(statement).ok()? {
                for claim in claims {
                    let ClaimBody::Prop(Prop::Stacks(body)) = claim.body else { panic!("{text}") };
                    all.push((body, self.resolver.symbols().clone()));
                }
            }
        }
        Some(all)
    }

    /// Names another kernel, made from those before.
    fn grow(&mut self, number: usize) {
        let operation = OPERATIONS[self.below(OPERATIONS.len())];
        // Mostly from the last ones, so that they become deep.
        let recent = self.names.len().min(3);
        let name = |maker: &mut Self| {
            let last = maker.names.len();
            let from = if maker.below(3) == 0 { 0 } else { last - recent };
            let at = from + maker.below(last - from);
            maker.names[at].clone()
        };
        let (first, second) = (name(self), name(self));
        let name = format!("E{number}");
        let text = format!("kernel {name} = {}\n", operation.replace('$', &first).replace('&', &second));
        if self.claim(&text).is_some() && self.entries(&name).is_some() {
            self.names.push(name);
            self.made.push(text);
        }
    }

    /// The entries of a kernel, if it has few.
    fn entries(&self, name: &str) -> Option<Kernel> {
        let kernel = self.resolver.named_kernel(name)?;
        let entries = kernel.shape().entries().filter(|&count| count <= MOST)?;
        let expanded = kernel.expand().ok()?;
        let terms: usize = expanded.entries().iter().map(|entry| entry.terms().len()).sum();
        (entries + terms <= 2 * MOST)
            .then(|| Kernel::from_entries(kernel.shape(), expanded.entries().to_vec()).unwrap())
    }

    /// One entry changed.
    fn changed(&mut self, kernel: &Kernel) -> Kernel {
        let mut entries = kernel.expand().unwrap().entries().to_vec();
        let at = self.below(entries.len());
        entries[at] = &entries[at] + &Poly::constant(Rational::from(1));
        Kernel::from_entries(kernel.shape(), entries).unwrap()
    }

    fn bind(&mut self, name: &str, kernel: &Kernel) {
        let term = KernelTerm::of_kernel(kernel, self.resolver.symbols()).unwrap();
        self.resolver.bind(name, Span { start: 0, end: 0 }, term);
    }
}

/// What each procedure says of two layers, of which it is known whether they are equal.
fn compare(maker: &mut Maker, names: [&str; 2], equal: bool, settled: &mut [[usize; 4]; 4]) {
    let layer = LAYERS[maker.below(LAYERS.len())];
    let [left, right] = names.map(|name| layer.replace('$', name));
    // A layer may have no room for the kernel.
    let text = format!("prove: {left} == {right}\n");
    let Some(claims) = maker.claim(&text) else { return };
    let (claim, symbols) = &claims[0];
    for (way, settled) in Way::ALL.into_iter().zip(settled) {
        let budget = Budget { steps: 3_000_000, ..Budget::default() };
        let says = match budget.run(|| way.alone(claim, symbols)) {
            Ok(Ok(Some(StackVerdict::Proved(_)))) => true,
            Ok(Ok(Some(StackVerdict::Refuted(_)))) => false,
            _ => {
                settled[2 + usize::from(equal)] += 1;
                continue;
            }
        };
        assert_eq!(says, equal, "{way:?}: {text}{}", maker.made.concat());
        settled[usize::from(says)] += 1;
    }
}

#[test]
fn layers_with_expressions_are_those_with_their_entries() {
    let count = std::env::var("EXPRESSIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let mut settled = [[0; 4]; 4];
    for seed in 1..=count {
        let mut maker = Maker::new(seed);
        (0..14).for_each(|number| maker.grow(number));
        let made: Vec<String> =
            maker.names.clone().into_iter().filter(|name| name.starts_with('E')).collect();
        let kernels: Vec<Kernel> = made.iter().map(|name| maker.entries(name).unwrap()).collect();
        for (name, kernel) in made.iter().zip(&kernels) {
            let changed = maker.changed(kernel);
            maker.bind("Same", kernel);
            compare(&mut maker, [name, "Same"], true, &mut settled);
            maker.bind("Other", &changed);
            compare(&mut maker, [name, "Other"], false, &mut settled);
        }
        // Words are of whole kernels, which only other expressions have.
        for (n, first) in made.iter().enumerate() {
            for (m, second) in made.iter().enumerate().skip(n + 1) {
                if kernels[n].shape() == kernels[m].shape() {
                    let equal = kernels[n] == kernels[m];
                    compare(&mut maker, [first, second], equal, &mut settled);
                }
            }
        }
    }
    println!("{:?}: {settled:?}", Way::ALL);
}
