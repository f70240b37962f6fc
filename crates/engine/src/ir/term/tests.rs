//! Both readings of every operation have one value: the exact form at given weights, and what the naive evaluator makes of
//! the expression there. Operands are results of other operations.

use std::cell::RefCell;
use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::evaluate::{self, Weights};
use convproof_exact::SplitMix64;

/// All operations, those with symbols included.
const OPERATIONS: u64 = 24;

/// What random terms are made of: free kernels with positive weights.
pub(crate) struct Pool {
    pub(crate) random: SplitMix64,
    pub(crate) symbols: Symbols,
    pub(crate) weights: Weights,
}

impl Pool {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.random.below(bound as u64)).unwrap()
    }

    fn number(&mut self) -> Rational {
        let value = Rational::ratio(1 + i64::try_from(self.random.below(5)).unwrap(), 2).unwrap();
        if self.random.below(3) == 0 { -&value } else { value }
    }

    /// Few entries mostly, sometimes so many that products are made later.
    fn shape(&mut self) -> Shape {
        if self.random.below(12) == 0 {
            return Shape::new(12, 12, 3, 3);
        }
        let [o, c, h, w] = [3, 3, 4, 4].map(|most| 1 + self.below(most));
        Shape::new(o, c, h, w)
    }

    fn constant(&mut self, shape: Shape) -> KernelTerm {
        let values: Vec<Rational> = (0..shape.validate().unwrap()).map(|_| self.number()).collect();
        KernelTerm::constant(ConcreteKernel::from_rationals(shape, &values).unwrap())
    }

    pub(crate) fn free(&mut self, shape: Shape) -> KernelTerm {
        let name = format!("F{}", self.symbols.kernels().count());
        let free = self.symbols.declare(&name, shape, 4).unwrap();
        for n in 0..u32::try_from(shape.validate().unwrap()).unwrap() {
            let value = Rational::ratio(1 + i64::try_from(self.random.below(6)).unwrap(), 3).unwrap();
            self.weights.set(Symbol(free.first.0 + n), value);
        }
        KernelTerm::free(&free).unwrap()
    }

    fn term(&mut self, shape: Shape) -> KernelTerm {
        match self.random.below(3) {
            0 => self.constant(shape),
            1 => self.free(shape),
            _ => apply(Operation::Add(&self.free(shape), &self.constant(shape))),
        }
    }

    fn pair(&mut self) -> [usize; 2] {
        [1 + self.below(3), 1 + self.below(3)]
    }

    /// The term after one operation; `None` where it does not fit or grows past a limit.
    fn step(&mut self, term: &KernelTerm, operation: u64) -> Option<KernelTerm> {
        use Operation as Op;
        let shape = term.shape();
        let Shape { outputs, inputs, height, width } = shape;
        let extents = [outputs, inputs, height, width];
        let plane = |n| Shape::plane(1, n);
        let operation = match operation {
            0 => {
                let at = extents.map(|extent| self.below(extent));
                let entry = KernelTerm::apply(Op::Entry(term, at)).ok()?;
                let more = self.term(Shape::plane(1, 1));
                return KernelTerm::apply(Op::Array(Shape::plane(2, 2), &[&entry, &more, &more, &entry]))
                    .ok();
            }
            1 => {
                let column = Shape::new(term.len(), 1, 1, 1);
                let (column, other) = (KernelTerm::apply(Op::Reshape(term, column)).ok()?, self.term(column));
                return KernelTerm::apply(Op::Columns(&[&column, &other, &column])).ok();
            }
            2 => return KernelTerm::apply(Op::Add(term, &self.term(shape))).ok(),
            3 => return KernelTerm::apply(Op::Sub(&self.term(shape), term)).ok(),
            4 => Op::Negate(term),
            5 => {
                let [h, w] = self.pair();
                let next = match self.random.below(3) {
                    0 => Shape::plane(1, 1),
                    _ => Shape::new(1 + self.below(3), outputs, h, w),
                };
                return KernelTerm::apply(Op::Convolve(term, &self.term(next))).ok();
            }
            6 => return KernelTerm::apply(Op::Hadamard(term, &self.term(shape))).ok(),
            7 => Op::Power(term, u32::try_from(self.below(5)).ok()?),
            8 => Op::Entry(term, extents.map(|extent| self.below(extent))),
            9 => Op::Sum(term),
            10 => Op::Dilate(term, self.pair()),
            11 => Op::Repeat(term, self.pair()),
            12 => Op::Flip(term),
            13 => Op::Transpose(term),
            14 => Op::Pad(term, ends([0, 1, 2, 3].map(|_| self.below(3)))),
            15 => {
                let padded = KernelTerm::apply(Op::Pad(term, ends([1, 0, 2, 1]))).ok()?;
                return KernelTerm::apply(Op::Trim(&padded)).ok();
            }
            16 => {
                let row = KernelTerm::apply(Op::Reshape(term, plane(term.len()))).ok()?;
                let other = plane(1 + self.below(4));
                return KernelTerm::apply(Op::Outer(&row, &self.term(other))).ok();
            }
            17 => return KernelTerm::apply(Op::ScaleOutputs(term, &self.term(plane(outputs)))).ok(),
            18 => return KernelTerm::apply(Op::ScaleInputs(term, &self.term(plane(inputs)))).ok(),
            19 => Op::Reshape(term, Shape::new(inputs, width, outputs, height)),
            20 => Op::Rearrange(term, self.rearrangement(shape)),
            21 => Op::ChannelSums { of: term, outputs: self.random.below(2) == 0 },
            22 => return self.quotient(term),
            _ => {
                let square = KernelTerm::apply(Op::Hadamard(term, term)).ok()?;
                return self.positive(term).then(|| square.sqrt(&mut self.symbols).ok()).flatten();
            }
        };
        KernelTerm::apply(operation).ok()
    }

    /// Whether all entries are positive at the weights, so that the positive root of their squares is what they are.
    fn positive(&self, term: &KernelTerm) -> bool {
        self.exact(term).is_some_and(|all| all.iter().all(|value| !value.is_negative() && !value.is_zero()))
    }

    /// Divided by a free kernel, a square root, what is under one, or numbers.
    fn quotient(&mut self, term: &KernelTerm) -> Option<KernelTerm> {
        let divisor = match self.random.below(4) {
            0 => self.constant(term.shape()),
            1 => self.free(term.shape()),
            number => {
                // 2/3 and 10/3 make 4.
                let free = self.free(Shape::plane(1, 1));
                let value = self.weights.get(free.polynomials().ok()?.entries().first()?.symbols()[0]);
                let rest = ConcreteKernel::from_rationals(Shape::plane(1, 1), &[&Rational::from(4) - &value]);
                let four = apply(Operation::Add(&free, &KernelTerm::constant(rest.ok()?)));
                let root = four.sqrt(&mut self.symbols).ok()?;
                if number == 2 { root } else { four }
            }
        };
        term.divided(&divisor, &mut self.symbols).ok()
    }

    fn rearrangement(&mut self, shape: Shape) -> Rearrangement {
        let Shape { outputs, inputs, height, width } = shape;
        let part = |this: &mut Self, extent: usize| {
            let from = this.below(extent);
            [from, from + 1 + this.below(extent - from)]
        };
        match self.random.below(5) {
            0 => Rearrangement::SwapChannels,
            1 => Rearrangement::Ungroup(outputs),
            2 => Rearrangement::Outputs(part(self, outputs)),
            3 => Rearrangement::Inputs(part(self, inputs)),
            _ => {
                let (mut from, mut step, mut count) = ([0; 4], [1; 4], [1; 4]);
                for (axis, extent) in [outputs, inputs, height, width].into_iter().enumerate() {
                    from[axis] = self.below(extent);
                    step[axis] = 1 + self.below(2);
                    count[axis] = 1 + self.below((extent - 1 - from[axis]) / step[axis] + 1);
                }
                Rearrangement::Part { from, step, count }
            }
        }
    }

    /// The entries of the exact form at the weights.
    fn exact(&self, term: &KernelTerm) -> Option<Vec<Rational>> {
        let expanded = term.kernel().expand().ok()?;
        expanded.entries().iter().map(|entry| entry.evaluate(&|symbol| self.value(symbol))).collect()
    }

    /// The value of a symbol; those of square roots follow from the others.
    fn value(&self, symbol: Symbol) -> Rational {
        self.symbols.root_of(symbol).map_or_else(
            || self.weights.get(symbol),
            |root| {
                let square = root.radicand.evaluate(&|inner| self.value(inner)).unwrap();
                square.exact_sqrt().expect("a square")
            },
        )
    }
}

fn apply(operation: Operation<'_>) -> KernelTerm {
    KernelTerm::apply(operation).unwrap()
}

#[test]
fn both_readings_of_every_operation_have_one_value() {
    let seen = RefCell::new(BTreeSet::new());
    let config = ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(seed: u64, operations in prop::collection::vec(0..OPERATIONS, 1..4))| {
        let (symbols, weights) = (Symbols::default(), Weights::new());
        let mut pool = Pool { random: SplitMix64::new(seed), symbols, weights };
        let shape = pool.shape();
        let mut term = pool.term(shape);
        for operation in operations {
            let Some(next) = pool.step(&term, operation) else { continue };
            let (Some(exact), shape) = (pool.exact(&next), next.shape()) else { continue };
            let value = evaluate::kernel(next.expr(), &pool.weights).unwrap();
            prop_assert_eq!(value.shape(), [shape.outputs, shape.inputs, shape.height, shape.width]);
            prop_assert_eq!(next.expr().shape(), shape);
            prop_assert_eq!(value.values(), exact);
            seen.borrow_mut().insert(operation);
            term = next;
        }
    });
    assert_eq!(seen.into_inner().len() as u64, OPERATIONS, "an operation was never compared");
}

#[test]
fn operands_that_do_not_fit_are_refused() {
    use Operation as Op;
    let mut symbols = Symbols::default();
    let mut free = |shape: [usize; 4]| {
        let [o, c, h, w] = shape;
        KernelTerm::free(&symbols.declare("A", Shape::new(o, c, h, w), 4).unwrap()).unwrap()
    };
    let (kernel, other, row) = (free([2, 3, 3, 3]), free([2, 3, 3, 2]), free([1, 1, 1, 3]));
    let (column, scalar, square) = (free([3, 1, 1, 1]), free([1, 1, 1, 1]), free([3, 3, 1, 1]));
    let part = |from, step, count| Rearrangement::Part { from, step, count };
    let refused = [
        Op::Array(Shape::plane(1, 2), &[&scalar]),
        Op::Array(Shape::plane(1, 2), &[&scalar, &row]),
        Op::Columns(&[]),
        Op::Columns(&[&column, &scalar]),
        Op::Columns(&[&row]),
        Op::Add(&kernel, &other),
        Op::Sub(&kernel, &scalar),
        Op::Convolve(&kernel, &other),
        Op::Hadamard(&kernel, &scalar),
        Op::Power(&kernel, 2),
        Op::Power(&square, 1000),
        Op::Entry(&kernel, [2, 0, 0, 0]),
        Op::Entry(&kernel, [0, 0, 0, 3]),
        Op::Dilate(&kernel, [1, 0]),
        Op::Repeat(&kernel, [0, 1]),
        Op::Repeat(&kernel, [usize::MAX, 1]),
        Op::Pad(&kernel, ends([usize::MAX, 1, 1, 1])),
        Op::Outer(&column, &row),
        Op::Outer(&row, &column),
        Op::ScaleOutputs(&kernel, &row),
        Op::ScaleInputs(&kernel, &column),
        Op::ScaleInputs(&kernel, &scalar),
        Op::Reshape(&kernel, Shape::plane(6, 8)),
        Op::Rearrange(&kernel, Rearrangement::Ungroup(3)),
        Op::Rearrange(&kernel, Rearrangement::Outputs([1, 3])),
        Op::Rearrange(&kernel, Rearrangement::Outputs([1, 1])),
        Op::Rearrange(&kernel, Rearrangement::Inputs([2, 4])),
        Op::Rearrange(&kernel, part([0; 4], [1; 4], [2, 3, 3, 4])),
        Op::Rearrange(&kernel, part([0, 0, 1, 0], [1, 1, 2, 1], [1, 1, 2, 1])),
    ];
    for operation in refused {
        let term = KernelTerm::apply(operation);
        assert!(term.is_err(), "{operation:?}");
    }
    assert_eq!(
        kernel.divided(&other, &mut symbols),
        Err(KernelError::ShapeMismatch { left: kernel.shape(), right: other.shape() }.into())
    );
    let zero = KernelTerm::constant(ConcreteKernel::constant(Shape::plane(1, 1), 0).unwrap());
    assert_eq!(kernel.divided(&zero, &mut symbols), Err(TermError::DivisionByZero));
    let one = KernelTerm::constant(ConcreteKernel::constant(Shape::plane(1, 1), 1).unwrap());
    let sum = apply(Op::Add(&scalar, &one));
    assert!(matches!(kernel.divided(&sum, &mut symbols), Err(TermError::NotDivisible(_))));
    assert_eq!(apply(Op::Negate(&one)).sqrt(&mut symbols), Err(TermError::NegativeRoot));
}
