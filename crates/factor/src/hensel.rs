//! Hensel lifting along a binary tree of factors: modulo powers of a prime, then modulo powers of y.
//!
//! Monic factors only; the coefficient ring is `ℤ/p^k`. See von zur Gathen and Gerhard, "Modern Computer
//! Algebra", sections 15.4 and 15.5, for the quadratic step and the tree.

use convproof_exact::poly::dense::{Accumulator, add, bezout, div_rem, mul, rem, sub, trim};
use convproof_exact::poly::ring::{Ring, Word};

/// Factors of a monic polynomial over `ℤ/p^k`, as a tree of coprime splits.
pub(super) enum FactorTree<E> {
    /// One monic factor.
    Leaf(Vec<E>),
    /// A product of two monic, coprime parts with their Bézout identity.
    Split(Box<Split<E>>),
}

/// `product = left · right` and `s · left + t · right = 1`.
pub(super) struct Split<E> {
    left_product: Vec<E>,
    right_product: Vec<E>,
    s: Vec<E>,
    t: Vec<E>,
    left: FactorTree<E>,
    right: FactorTree<E>,
}

/// A polynomial in x with power series in y as coefficients: entry j holds the coefficients of `y^j`.
pub(super) type Series<E> = Vec<Vec<E>>;

fn embed<R: Ring>(ring: &R, field: &Word, a: &[u64]) -> Vec<R::Elem> {
    a.iter().map(|c| ring.embed_small(field.canonical(*c))).collect()
}

/// Lifts the coprime monic `factors` modulo p of the monic `target` over `ℤ/p^k`; `None` if they are not coprime or
/// their product is not the image of `target`.
pub(super) fn lift<R: Ring>(
    ring: &R,
    field: &Word,
    exponent: u32,
    target: &[R::Elem],
    factors: &[Vec<u64>],
) -> Option<FactorTree<R::Elem>> {
    if factors.len() < 2 {
        return Some(FactorTree::Leaf(target.to_vec()));
    }
    let at = balanced_split(factors);
    let product = |part: &[Vec<u64>]| part.iter().fold(vec![field.one()], |acc, f| mul(field, &acc, f));
    let (g0, h0) = (product(&factors[..at]), product(&factors[at..]));
    let (s0, t0) = bezout(field, &g0, &h0)?;
    let (mut g, mut h) = (embed(ring, field, &g0), embed(ring, field, &h0));
    let (mut s, mut t) = (embed(ring, field, &s0), embed(ring, field, &t0));
    let low_g = g.len() - 1;
    let mut precision = 1;
    while precision < exponent {
        // All computed modulo p^exponent; what lies beyond the degrees of the factors is 0 modulo the doubled
        // precision and is cut off.
        let error = sub(ring, target, &mul(ring, &g, &h));
        let (q, r) = div_rem(ring, &mul(ring, &s, &error), &h);
        let step = combination(ring, &t, &error, &q, &g, low_g);
        g = add(ring, &g, &step);
        h = add(ring, &h, &r);
        let error = sub(ring, &add(ring, &mul(ring, &s, &g), &mul(ring, &t, &h)), &[ring.one()]);
        let (q, r) = div_rem(ring, &mul(ring, &s, &error), &h);
        s = sub(ring, &s, &r);
        t = sub(ring, &t, &combination(ring, &t, &error, &q, &g, low_g));
        precision *= 2;
    }
    if mul(ring, &g, &h) != target {
        return None;
    }
    let left = lift(ring, field, exponent, &g, &factors[..at])?;
    let right = lift(ring, field, exponent, &h, &factors[at..])?;
    Some(FactorTree::Split(Box::new(Split { left_product: g, right_product: h, s, t, left, right })))
}

/// The first `len` coefficients of `a·b + c·d`.
fn combination<R: Ring>(
    ring: &R,
    a: &[R::Elem],
    b: &[R::Elem],
    c: &[R::Elem],
    d: &[R::Elem],
    len: usize,
) -> Vec<R::Elem> {
    let mut sum = Accumulator::new(ring, len);
    sum.add_product(a, b);
    sum.add_product(c, d);
    let mut sum = sum.finish();
    trim(ring, &mut sum);
    sum
}

/// Where to cut the list so that both parts have about the same degree; between 1 and `len − 1`.
fn balanced_split(factors: &[Vec<u64>]) -> usize {
    let total: usize = factors.iter().map(|f| f.len() - 1).sum();
    let mut degree = 0;
    for (i, f) in factors.iter().enumerate().take(factors.len() - 1) {
        degree += f.len() - 1;
        if 2 * degree >= total {
            return i + 1;
        }
    }
    factors.len() - 1
}

impl<E: Clone> FactorTree<E> {
    /// The factors, left to right.
    pub(super) fn leaves(self) -> Vec<Vec<E>> {
        match self {
            Self::Leaf(factor) => vec![factor],
            Self::Split(split) => {
                let mut leaves = split.left.leaves();
                leaves.extend(split.right.leaves());
                leaves
            }
        }
    }
}

/// Lifts the factors of `target` at `y = 0` (the tree) to factors modulo the power of y to which `target` is given;
/// `target` is monic in x and its entry 0 is the tree's product.
pub(super) fn lift_series<R: Ring>(
    ring: &R,
    tree: &FactorTree<R::Elem>,
    target: Series<R::Elem>,
) -> Vec<Series<R::Elem>> {
    let FactorTree::Split(split) = tree else { return vec![target] };
    let order = target.len();
    let (g0, h0) = (&split.left_product, &split.right_product);
    let mut g = vec![g0.clone()];
    let mut h = vec![h0.clone()];
    for j in 1..order {
        // Coefficient of y^j of target − g·h, with the unknown g_j and h_j left out.
        let mut known = Accumulator::new(ring, g0.len() + h0.len() - 2);
        for i in 1..j {
            known.add_product(&g[i], &h[j - i]);
        }
        let mut known = known.finish();
        trim(ring, &mut known);
        let error = sub(ring, &target[j], &known);
        g.push(rem(ring, &mul(ring, &split.t, &error), g0));
        h.push(rem(ring, &mul(ring, &split.s, &error), h0));
    }
    let mut leaves = lift_series(ring, &split.left, g);
    leaves.extend(lift_series(ring, &split.right, h));
    leaves
}

#[cfg(test)]
mod tests {
    use super::*;
    use convproof_exact::SplitMix64;

    #[test]
    fn splits_are_balanced_by_degree() {
        let at = |degrees: &[usize]| {
            balanced_split(&degrees.iter().map(|degree| vec![1; degree + 1]).collect::<Vec<_>>())
        };
        assert_eq!([at(&[1, 1, 1, 1]), at(&[3, 1, 1, 1]), at(&[1, 3]), at(&[2, 1, 1])], [2, 1, 1, 1]);
        assert_eq!([at(&[1, 1, 4]), at(&[1, 1, 1, 1, 1])], [2, 3]);
    }

    /// A random monic polynomial over a ring.
    fn monic(ring: &Word, random: &mut SplitMix64, degree: usize) -> Vec<u64> {
        (0..degree).map(|_| ring.embed_small(random.below(ring.modulus()))).chain([ring.one()]).collect()
    }

    #[test]
    fn lifted_factors_multiply_to_the_target_and_are_those_that_were_lifted() {
        let field = Word::new(257).unwrap();
        let mut random = SplitMix64::new(1);
        let mut lifts = 0;
        for exponent in 1..7 {
            let ring = Word::new(257_u64.pow(exponent)).unwrap();
            for degrees in [&[1, 2][..], &[2, 2, 3], &[1, 1, 1, 4]] {
                let factors: Vec<Vec<u64>> =
                    degrees.iter().map(|&degree| monic(&field, &mut random, degree)).collect();
                // The target is that product, and anything of lower degree that vanishes modulo p.
                let product = |ring: &Word, parts: &[Vec<u64>]| {
                    parts.iter().fold(vec![ring.one()], |acc, f| mul(ring, &acc, f))
                };
                let embedded: Vec<Vec<u64>> = factors.iter().map(|f| embed(&ring, &field, f)).collect();
                let mut target = product(&ring, &embedded);
                let degree = target.len() - 1;
                for cell in &mut target[..degree] {
                    let change = ring.embed_small(257 * random.below(1000) % ring.modulus());
                    *cell = ring.add(cell, &change);
                }
                let Some(tree) = lift(&ring, &field, exponent, &target, &factors) else { continue };
                let leaves = tree.leaves();
                assert_eq!(product(&ring, &leaves), target);
                for (leaf, factor) in leaves.iter().zip(&factors) {
                    let image: Vec<u64> =
                        leaf.iter().map(|c| field.embed_small(ring.canonical(*c) % 257)).collect();
                    assert_eq!(image, *factor);
                }
                lifts += 1;
            }
        }
        assert!(lifts >= 15, "{lifts}");
        // A common factor, or another product, cannot be lifted.
        let ring = Word::new(257 * 257).unwrap();
        let f = vec![field.embed_small(3), field.one()];
        let square = mul(&ring, &embed(&ring, &field, &f), &embed(&ring, &field, &f));
        assert!(lift(&ring, &field, 2, &square, &[f.clone(), f.clone()]).is_none());
        let g = vec![field.embed_small(4), field.one()];
        assert!(lift(&ring, &field, 2, &square, &[f, g]).is_none());
    }
}
