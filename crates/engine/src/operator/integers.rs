//! Weights without symbols as integers: over one denominator for each signal, in double words or of any size.
//!
//! A coefficient that is pulled back to a node is a sum over paths of products of weights. The denominator of a node is
//! a multiple of that of each reader times that of the kernel it reads with, so all of these sums are of integers.
//! Whether they fit is checked at every step; nothing is rounded.

use convproof_exact::Limited;
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};

use super::normal::{Affine, Node, NodeId, Operators};
use super::pull::{MapWeights, WeightNumber};
use crate::kernel::Integers;

/// Longest denominator, in bits.
const MAX_BITS: u64 = 1 << 14;

/// Integers that weights can be.
pub trait Whole: WeightNumber + PartialEq {
    /// Integers times a positive factor, if they fit.
    fn multiples(integers: &Integers, factor: &BigInt) -> Option<Vec<Self>>;
    /// One integer, if it fits.
    fn from_big(value: &BigInt) -> Option<Self>;
    /// The difference, if it fits.
    fn minus(&self, other: &Self) -> Option<Self>;
    /// Adds the magnitude to a sum; `false` if that does not fit.
    fn add_magnitude(&self, sum: &mut Self) -> bool;
    /// −1, 0 or 1.
    fn sign(&self) -> i64;
    /// The integer.
    fn to_big(&self) -> BigInt;
}

impl WeightNumber for i128 {
    type Accumulator = i128;
    const MEMORY: usize = size_of::<i128>();
    fn add_product(sum: &mut i128, a: &i128, b: &i128) -> bool {
        let product = match (i64::try_from(*a), i64::try_from(*b)) {
            (Ok(a), Ok(b)) => Some(i128::from(a) * i128::from(b)),
            (Ok(1), _) => Some(*b),
            _ => a.checked_mul(*b),
        };
        product.and_then(|product| sum.checked_add(product)).map(|total| *sum = total).is_some()
    }
    fn cost(_: &i128, _: &i128) -> u64 {
        1
    }
    fn add_multiples<'n>(
        value: &i128,
        weights: impl Iterator<Item = &'n i128>,
        sums: impl Iterator<Item = &'n mut i128>,
        mut spend: impl FnMut(u64) -> bool,
    ) -> Option<()> {
        let mut cost = 0;
        for (weight, sum) in weights.zip(sums).filter(|(weight, _)| **weight != 0) {
            cost += 1;
            if *value == 1 {
                *sum = sum.checked_add(*weight)?;
            } else if !Self::add_product(sum, value, weight) {
                return None;
            }
        }
        spend(cost).then_some(())
    }
    fn finish(sum: i128) -> i128 {
        sum
    }
    fn one() -> i128 {
        1
    }
    fn is_zero(&self) -> bool {
        *self == 0
    }
    fn divided(&self, count: i64) -> i128 {
        *self / i128::from(count)
    }
}

impl Whole for i128 {
    fn multiples(integers: &Integers, factor: &BigInt) -> Option<Vec<i128>> {
        integers.multiples(factor.to_i128()?)
    }
    fn from_big(value: &BigInt) -> Option<i128> {
        value.to_i128()
    }
    fn minus(&self, other: &i128) -> Option<i128> {
        self.checked_sub(*other)
    }
    fn add_magnitude(&self, sum: &mut i128) -> bool {
        let total = self.checked_abs().and_then(|magnitude| sum.checked_add(magnitude));
        total.map(|total| *sum = total).is_some()
    }
    fn sign(&self) -> i64 {
        i64::from(*self > 0) - i64::from(*self < 0)
    }
    fn to_big(&self) -> BigInt {
        (*self).into()
    }
}

impl WeightNumber for BigInt {
    type Accumulator = BigInt;
    const MEMORY: usize = size_of::<BigInt>() + 64;
    fn add_product(sum: &mut BigInt, a: &BigInt, b: &BigInt) -> bool {
        *sum += a * b;
        true
    }
    fn cost(a: &BigInt, b: &BigInt) -> u64 {
        8 + (a.bits() / 64) * (b.bits() / 64)
    }
    fn finish(sum: BigInt) -> BigInt {
        sum
    }
    fn one() -> BigInt {
        BigInt::from(1)
    }
    fn is_zero(&self) -> bool {
        Zero::is_zero(self)
    }
    fn divided(&self, count: i64) -> BigInt {
        self / count
    }
}

impl Whole for BigInt {
    fn multiples(integers: &Integers, factor: &BigInt) -> Option<Vec<BigInt>> {
        Some(integers.iter().map(|integer| integer * factor).collect())
    }
    fn from_big(value: &BigInt) -> Option<BigInt> {
        Some(value.clone())
    }
    fn minus(&self, other: &BigInt) -> Option<BigInt> {
        Some(self - other)
    }
    fn add_magnitude(&self, sum: &mut BigInt) -> bool {
        *sum += self.abs();
        true
    }
    fn sign(&self) -> i64 {
        i64::from(self.is_positive()) - i64::from(self.is_negative())
    }
    fn to_big(&self) -> BigInt {
        self.clone()
    }
}

/// What coefficients at each node and constants are integers over.
#[derive(Clone, Debug)]
pub struct Denominators {
    nodes: Vec<BigInt>,
    constant: BigInt,
}

impl Denominators {
    /// For maps over the given nodes (greatest first); `None` where a symbol occurs, or means with divisors that
    /// depend on the position, or denominators are too long.
    pub fn of(operators: &Operators, order: &[NodeId], maps: [&Affine; 2]) -> Option<Self> {
        let mut all = Self { nodes: vec![BigInt::from(1); operators.len()], constant: BigInt::from(1) };
        for map in maps {
            all.read(&BigInt::from(1), map)?;
        }
        for &id in order {
            match operators.node(id) {
                Node::Cut(inner) => {
                    let own = all.nodes[id].clone();
                    all.read(&own, inner)?;
                }
                Node::Average { .. } => return None,
                Node::Input { .. }
                | Node::Maximum { .. }
                | Node::Relu(_)
                | Node::Function(..)
                | Node::Product(_)
                | Node::GlobalAverage(_)
                | Node::Broadcast { .. } => {}
            }
        }
        Some(all)
    }

    /// Takes note of what a map reads whose outputs are weighted by integers over `own`.
    fn read(&mut self, own: &BigInt, map: &Affine) -> Option<()> {
        let within = |common: BigInt| common.bits().within(MAX_BITS).then_some(common);
        for part in &map.parts {
            let node = &mut self.nodes[part.source];
            *node = within(node.lcm(&(own * part.gather.kernel.as_concrete()?.denominator())))?;
        }
        for entry in &map.bias {
            self.constant = within(self.constant.lcm(&(own * entry.as_constant()?.denominator())))?;
        }
        Some(())
    }

    /// The weights of a compared map, or of that inside a node, times what makes their sums integers; `None` if some
    /// do not fit.
    pub fn weights<R: Whole>(&self, reader: Option<NodeId>, affine: &Affine) -> Option<MapWeights<R>> {
        let own = reader.map_or_else(|| BigInt::from(1), |id| self.nodes[id].clone());
        MapWeights::of(
            affine,
            |part| {
                let kernel = part.gather.kernel.as_concrete()?;
                let factor = &self.nodes[part.source] / (&own * kernel.denominator());
                R::multiples(kernel.integers(), &factor)
            },
            |poly| {
                let value = poly.as_constant()?;
                R::from_big(&(value.numerator() * (&self.constant / (&own * value.denominator()))))
            },
        )
    }

    /// Of the coefficients at the input.
    pub fn input(&self) -> &BigInt {
        &self.nodes[0]
    }

    /// Of constants.
    pub fn constant(&self) -> &BigInt {
        &self.constant
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn double_words_are_integers_or_do_not_fit() {
        let values =
            [0, 1, -1, 2, -7, 1 << 40, i64::MIN.into(), i64::MAX.into(), 1 << 64, i128::MIN, i128::MAX];
        let big = |value: i128| BigInt::from(value);
        for a in values {
            assert_eq!(WeightNumber::is_zero(&a), a == 0);
            assert_eq!(WeightNumber::is_zero(&big(a)), a == 0);
            assert_eq!((Whole::sign(&a), Whole::to_big(&a)), (Whole::sign(&big(a)), Whole::to_big(&big(a))));
            assert_eq!(
                (<i128 as Whole>::from_big(&big(a)), <BigInt as Whole>::from_big(&big(a))),
                (Some(a), Some(big(a)))
            );
            assert_eq!(big(WeightNumber::divided(&a, 3)), WeightNumber::divided(&big(a), 3));
            for b in values {
                assert_eq!(a.minus(&b), (big(a) - big(b)).to_i128());
                assert_eq!(Whole::minus(&big(a), &big(b)), Some(big(a) - big(b)));
                for start in [5, -5, 0] {
                    let expected = start + big(a) * big(b);
                    let mut sum = start;
                    // Of products only those that fit are added.
                    let added = <i128 as WeightNumber>::add_product(&mut sum, &a, &b);
                    let fits = (big(a) * big(b)).to_i128().is_some() && expected.to_i128().is_some();
                    assert_eq!((added, big(sum)), (fits, if fits { expected.clone() } else { start.into() }));
                    let mut sum = big(start);
                    assert!(<BigInt as WeightNumber>::add_product(&mut sum, &big(a), &big(b)));
                    assert_eq!(sum, expected);
                    let mut sum = start;
                    let fits = a != i128::MIN && (start + big(a).abs()).to_i128().is_some();
                    assert_eq!(a.add_magnitude(&mut sum), fits);
                    assert_eq!(big(sum), if fits { start + big(a).abs() } else { start.into() });
                }
            }
            let mut sum = big(5);
            assert!(big(a).add_magnitude(&mut sum));
            assert_eq!(sum, 5 + big(a).abs());
        }
        let bits =
            |a: u32, b: u32| <BigInt as WeightNumber>::cost(&(BigInt::from(1) << a), &(BigInt::from(1) << b));
        assert_eq!([bits(0, 0), bits(128, 0), bits(128, 192)], [8, 8, 14]);
    }

    #[test]
    fn multiples_are_added_where_there_is_something_to_add() {
        for value in [1, 3] {
            let (weights, mut sums) = ([2, 0, -1], [10, 20, 30]);
            let mut cost = 0;
            let mut spend = |steps| {
                cost += steps;
                true
            };
            i128::add_multiples(&value, weights.iter(), sums.iter_mut(), &mut spend).unwrap();
            assert_eq!((sums, cost), ([10 + 2 * value, 20, 30 - value], 2));
            let (weights, mut sums) = (weights.map(BigInt::from), [10, 20, 30].map(BigInt::from));
            let mut cost = 0;
            let mut spend = |steps| {
                cost += steps;
                true
            };
            BigInt::add_multiples(&value.into(), weights.iter(), sums.iter_mut(), &mut spend).unwrap();
            assert_eq!((sums, cost), ([10 + 2 * value, 20, 30 - value].map(BigInt::from), 16));
        }
        let mut sums = [i128::MAX];
        assert_eq!(i128::add_multiples(&1, [1].iter(), sums.iter_mut(), |_| true), None);
        assert_eq!(i128::add_multiples(&2, [1].iter(), sums.iter_mut(), |_| true), None);
        assert_eq!(i128::add_multiples(&1, [1].iter(), [0].iter_mut(), |_| false), None);
        let one = BigInt::from(1);
        assert_eq!(
            BigInt::add_multiples(&one, [one.clone()].iter(), [one.clone()].iter_mut(), |_| false),
            None
        );
    }
}
