//! Entries as words and terms read them against the naive evaluator, for each channel that a generic one stands for.

use super::*;
use crate::evaluate::{self, Weights};
use crate::forms::generic::declared;
use crate::ir::{KernelTerm, Operation as Op, Pool, Symbols};
use convproof_exact::SplitMix64;
use num_bigint::BigInt;

/// What a kernel is as large as: one with a channel, a vector, or one with an entry for each channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Plane,
    Vector,
    Depthwise,
}

const CHANNELS: usize = 5;

impl Pool {
    fn shape_of(&mut self, kind: Kind) -> Shape {
        match kind {
            Kind::Plane => Shape::plane(1 + self.below(2), 2),
            Kind::Depthwise => Shape::new(CHANNELS, 1, 1 + self.below(2), 1 + self.below(2)),
            Kind::Vector => {
                if self.below(2) == 0 {
                    Shape::plane(1, CHANNELS)
                } else {
                    Shape::plane(CHANNELS, 1)
                }
            }
        }
    }

    fn leaf(&mut self, shape: Shape) -> KernelTerm {
        let most = self.below(4);
        if most == 0 {
            return self.free(shape);
        }
        // Sometimes all entries are equal.
        let count = shape.validate().unwrap();
        let most = most as u64;
        let values: Vec<Rational> =
            (0..count).map(|_| Rational::from(BigInt::from(1 + self.random.below(most)))).collect();
        KernelTerm::constant(ConcreteKernel::from_rationals(shape, &values).unwrap())
    }

    /// A kernel of some shape, with the name of what was done last.
    fn expression(&mut self, shape: Shape, depth: usize) -> (&'static str, KernelTerm) {
        let scalar = Shape::plane(1, 1);
        let found = if depth == 0 { None } else { self.operation(shape, scalar, depth) };
        found.unwrap_or_else(|| ("leaf", self.leaf(shape)))
    }

    fn operation(&mut self, shape: Shape, scalar: Shape, depth: usize) -> Option<(&'static str, KernelTerm)> {
        let operation = self.below(11);
        let a = self.expression(shape, depth - 1).1;
        let made = |name, op: Op<'_>| Some((name, KernelTerm::apply(op).ok()?));
        match operation {
            0 => made("add", Op::Add(&a, &self.expression(shape, depth - 1).1)),
            1 => made("sub", Op::Sub(&self.expression(shape, depth - 1).1, &a)),
            2 => made("negate", Op::Negate(&a)),
            3 => made("hadamard", Op::Hadamard(&a, &self.expression(shape, depth - 1).1)),
            4 => made("before", Op::Convolve(&self.expression(scalar, depth - 1).1, &a)),
            5 => made("after", Op::Convolve(&a, &self.expression(scalar, depth - 1).1)),
            6 => {
                let divisor = if self.below(2) == 0 { scalar } else { shape };
                let divisor = self.free(divisor);
                Some(("divide", a.divided(&divisor, &mut self.symbols).ok()?))
            }
            7 => {
                let square = KernelTerm::apply(Op::Hadamard(&a, &a)).ok()?;
                Some(("sqrt", square.sqrt(&mut self.symbols).ok()?))
            }
            8 => made(
                "scale",
                Op::ScaleOutputs(&a, &self.expression(Shape::plane(1, shape.outputs), depth - 1).1),
            ),
            9 => {
                let entries = shape.entries()?;
                let others = [
                    Shape::plane(1, entries),
                    Shape::plane(entries, 1),
                    Shape::new(entries, 1, 1, 1),
                    Shape::new(shape.outputs, shape.inputs, shape.width, shape.height),
                ];
                let other = others[self.below(4)];
                let name = match [other, shape].map(|shape| shape.is_vector()) {
                    [true, false] => "from vector",
                    [false, true] => "to vector",
                    _ => "reshape",
                };
                made(name, Op::Reshape(&self.expression(other, depth - 1).1, shape))
            }
            _ => {
                let entries: Vec<KernelTerm> =
                    (0..shape.validate().ok()?).map(|_| self.expression(scalar, depth - 1).1).collect();
                made("array", Op::Array(shape, &entries.iter().collect::<Vec<_>>()))
            }
        }
    }

    /// The value of a symbol for the n-th channel of a block.
    fn value_for(&self, letters: &Letters, symbol: Symbol, block: Block, n: usize) -> Rational {
        if let Some(root) = letters.roots.get(symbol) {
            let square = root.radicand.evaluate(&|inner| self.value_for(letters, inner, block, n)).unwrap();
            return square.exact_sqrt().expect("a square");
        }
        if let Some((vector, _)) = letters.vectors.iter().find(|(_, made)| **made == symbol) {
            return vector.entry(0, 0, 0, n);
        }
        let Some(first) = declared(symbol).filter(|_| is_generic(symbol)) else {
            return self.weights.get(symbol);
        };
        let (free, _) = self.symbols.owner(first).unwrap();
        let apart = if free.shape.is_vector() { 1 } else { free.shape.area() };
        self.weights.get(Symbol(first.0 + u32::try_from(n * block.step * apart).unwrap()))
    }
}

#[test]
fn entries_are_those_of_the_expression() {
    let mut pool = Pool { random: SplitMix64::new(7), symbols: Symbols::default(), weights: Weights::new() };
    let mut read = FxHashMap::<(Kind, &str), usize>::default();
    for case in 0..4000 {
        let kind = [Kind::Plane, Kind::Vector, Kind::Depthwise][case % 3];
        let shape = pool.shape_of(kind);
        let depth = 1 + pool.below(3);
        let (name, term) = pool.expression(shape, depth);
        let values = evaluate::kernel(term.expr(), &pool.weights).unwrap();
        let step = 1 + pool.below(2);
        let start = pool.below(CHANNELS - step);
        let block = Block { start, step, width: 1 + pool.below((CHANNELS - 1 - start) / step + 1) };
        let mut letters = Letters::default();
        for at in positions(shape.extents()) {
            let tap = axes::place(at, shape.extents());
            let place = match kind {
                Kind::Plane => Place::tap(at, None),
                Kind::Vector => Place::channel(block),
                Kind::Depthwise => Place::tap(at, Some(block)),
            };
            let Ok(entry) = letters.entry(term.expr(), place) else { continue };
            *read.entry((kind, name)).or_default() += 1;
            for n in 0..if kind == Kind::Plane { 1 } else { block.width } {
                let value = entry.evaluate(&|symbol| pool.value_for(&letters, symbol, block, n)).unwrap();
                let at = match kind {
                    Kind::Plane => tap,
                    Kind::Vector => block.at(n),
                    Kind::Depthwise => block.at(n) * shape.area() + tap,
                };
                assert_eq!(value, values.values()[at], "{name} {shape:?} {place:?} {n}: {:?}", term.expr());
            }
        }
    }
    let all = ["add", "sub", "negate", "hadamard", "divide", "sqrt", "before", "after"];
    let more = [
        (Kind::Vector, "reshape"),
        (Kind::Depthwise, "reshape"),
        (Kind::Vector, "to vector"),
        (Kind::Depthwise, "from vector"),
        (Kind::Depthwise, "scale"),
        (Kind::Plane, "array"),
    ];
    let kinds = [Kind::Plane, Kind::Vector, Kind::Depthwise];
    for case in kinds.into_iter().flat_map(|kind| all.map(|name| (kind, name))).chain(more) {
        assert!(read.get(&case).is_some_and(|&count| count > 10), "{case:?}: {read:?}");
    }
    // Entries given one by one have no generic one.
    assert!(read.keys().all(|case| *case != (Kind::Vector, "array") && *case != (Kind::Depthwise, "array")));
}

#[test]
fn one_channel_is_read_of_kernels_with_one_and_a_generic_one_of_what_has_an_entry_for_each() {
    let block = Block { start: 3, step: 1, width: 2 };
    let [tap, generic] = [None, Some(block)].map(|generic| Place::tap([1, 2], generic));
    assert_eq!(offset(Shape::plane(2, 3), tap), Ok(5));
    assert_eq!(offset(Shape::new(7, 1, 2, 3), generic), Ok(3 * 6 + 5));
    assert_eq!(offset(Shape::plane(1, 7), Place::channel(block)), Ok(3));
    assert_eq!(offset(Shape::plane(1, 1), Place::channel(block)), Ok(0));
    for (shape, place) in [
        (Shape::new(1, 2, 2, 3), tap),
        (Shape::new(2, 1, 2, 3), tap),
        (Shape::new(2, 2, 2, 3), tap),
        (Shape::new(7, 7, 2, 3), generic),
    ] {
        assert_eq!(offset(shape, place), Err(Unsupported::Kernel), "{shape:?}");
    }
}
