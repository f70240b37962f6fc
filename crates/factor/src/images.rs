//! Images modulo small primes: their factor degrees restrict the degrees of true factors, and the best image
//! is the one to lift.

use convproof_exact::Limited;
use convproof_exact::poly::dense::{monic, trim};
use convproof_exact::poly::finite_field::{DistinctDegrees, image_prime, is_square_free};
use convproof_exact::poly::ring::{Ring, Word};
use num_bigint::BigInt;

/// Failures in a row after which a polynomial is suspected to have repeated factors.
const PATIENCE: usize = 12;

/// Images taken at most, and the number of factors with which the search for better ones ends.
const MOST_IMAGES: usize = 12;
const FEW_FACTORS: usize = 8;
/// Number of the largest prime to start from.
const FARTHEST_START: usize = 700;

/// A square-free image of full degree.
pub(super) struct ModularImage {
    /// The prime field.
    pub(super) field: Word,
    /// The value of y.
    pub(super) point: u64,
    /// The monic image, split by degrees.
    pub(super) split: DistinctDegrees,
    /// Degrees of its irreducible factors.
    pub(super) degrees: Vec<usize>,
}

/// Degrees in x that a factor can have.
pub(super) struct DegreeSet(Vec<bool>);

impl DegreeSet {
    fn all(degree: usize) -> Self {
        Self(vec![true; degree + 1])
    }

    /// Keeps the degrees that are sums of some of `degrees`.
    fn restrict(&mut self, degrees: &[usize]) {
        let mut sums = vec![false; self.0.len()];
        sums[0] = true;
        for d in degrees {
            for i in (*d..sums.len()).rev() {
                sums[i] |= sums[i - d];
            }
        }
        for (possible, sum) in self.0.iter_mut().zip(sums) {
            *possible &= sum;
        }
    }

    /// Whether only 0 and the full degree are left.
    fn is_trivial(&self) -> bool {
        !self.0[1..self.0.len() - 1].contains(&true)
    }

    /// Whether a factor can have this degree.
    pub(super) fn contains(&self, degree: usize) -> bool {
        self.0.get(degree).copied().unwrap_or(false)
    }
}

/// What images say of a polynomial.
pub(super) enum Finding {
    /// No factor can have a degree strictly between 0 and that of the polynomial.
    Irreducible,
    /// Images, fewest factors first, and the degrees that are still possible.
    Open(Vec<ModularImage>, DegreeSet),
    /// No image was square-free of full degree.
    Degenerate,
}

/// Number of the prime to start from for a polynomial of so many rows. Many factors collide modulo small primes: it grows
/// like the square of the degree.
fn first_prime(rows: usize) -> usize {
    (rows * rows / 8).min(FARTHEST_START)
}

/// Square-free images of full degree at primes from number `skip` on, of the polynomial with the given rows (row i is
/// the coefficient of `x^i`, a polynomial in y). Ends after [`PATIENCE`] failures in a row.
pub(super) fn images<'a>(rows: &'a [&'a [BigInt]], skip: usize) -> impl Iterator<Item = ModularImage> + 'a {
    let mut point = 0;
    let mut index = skip + first_prime(rows.len());
    std::iter::from_fn(move || {
        for _ in 0..PATIENCE {
            let field = image_prime(index)?;
            index += 1;
            if let Some(image) = take(rows, field, point) {
                return Some(image);
            }
            point += 1;
        }
        None
    })
}

/// What a few images say, at primes from number `skip` on.
pub(super) fn survey(rows: &[&[BigInt]], skip: usize) -> Finding {
    let degree = rows.len() - 1;
    let wanted = if degree < 8 { 4 } else { 3 };
    let mut possible = DegreeSet::all(degree);
    let mut found: Vec<ModularImage> = Vec::new();
    for image in images(rows, skip).take(MOST_IMAGES) {
        possible.restrict(&image.degrees);
        if possible.is_trivial() {
            return Finding::Irreducible;
        }
        found.push(image);
        // Many factors make lifting and recombination dear: look for a better prime.
        let fewest = found.iter().map(|image| image.degrees.len()).min();
        if found.len().reaches(wanted) && fewest.is_some_and(|n| n.within(FEW_FACTORS)) {
            break;
        }
    }
    if found.is_empty() {
        return Finding::Degenerate;
    }
    found.sort_by_key(|image| image.degrees.len());
    found.truncate(wanted);
    Finding::Open(found, possible)
}

fn take(rows: &[&[BigInt]], field: Word, point: u64) -> Option<ModularImage> {
    let at = field.embed_small(point);
    let value = |row: &&[BigInt]| match (point, row.first()) {
        (0, Some(constant)) => field.embed(constant),
        _ => row.iter().rev().fold(0, |acc, c| field.add(&field.mul(&acc, &at), &field.embed(c))),
    };
    let mut values: Vec<u64> = rows.iter().map(value).collect();
    trim(&field, &mut values);
    if values.len() != rows.len() || !is_square_free(&field, &values) {
        return None;
    }
    let split = DistinctDegrees::new(&field, monic(&field, &values)?);
    let degrees = split.degrees();
    Some(ModularImage { field, point, split, degrees })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The coefficients of `Π (x − k)` over k from 1 on, as rows of one entry.
    fn product(degree: u32) -> Vec<Vec<BigInt>> {
        let mut cells = vec![BigInt::from(1)];
        for k in 1..=degree {
            let mut next = vec![BigInt::from(0); cells.len() + 1];
            for (i, cell) in cells.iter().enumerate() {
                next[i + 1] += cell;
                next[i] -= cell * k;
            }
            cells = next;
        }
        cells.into_iter().map(|cell| vec![cell]).collect()
    }

    #[test]
    fn primes_and_degrees_are_as_worked_out_by_hand() {
        assert_eq!([3, 8, 20, 74, 75, 1000].map(first_prime), [1, 8, 50, 684, 700, 700]);
        let mut possible = DegreeSet::all(4);
        assert!((0..5).all(|degree| possible.contains(degree)) && !possible.contains(5));
        possible.restrict(&[1, 3]);
        assert!([0, 1, 3, 4].iter().all(|&degree| possible.contains(degree)) && !possible.contains(2));
        assert!(!possible.is_trivial());
        possible.restrict(&[2, 2]);
        assert!(possible.is_trivial() && possible.contains(0) && possible.contains(4));
        assert!(![1, 2, 3].iter().any(|&degree| possible.contains(degree)));
    }

    #[test]
    fn what_has_no_degrees_left_is_irreducible() {
        // x³ − 2 has factors of degrees 1 and 2 modulo some primes, of degree 3 modulo others.
        let rows = [-2, 0, 0, 1].map(|c| vec![BigInt::from(c)]);
        let rows: Vec<&[BigInt]> = rows.iter().map(Vec::as_slice).collect();
        assert!(matches!(survey(&rows, 0), Finding::Irreducible));
        // (x − 1)² has no square-free image.
        let rows = [1, -2, 1].map(|c| vec![BigInt::from(c)]);
        let rows: Vec<&[BigInt]> = rows.iter().map(Vec::as_slice).collect();
        assert!(matches!(survey(&rows, 0), Finding::Degenerate));
    }

    #[test]
    fn as_many_images_are_kept_as_are_wanted() {
        for (degree, wanted) in [(3, 4), (7, 4), (8, 3)] {
            let rows = product(degree);
            let rows: Vec<&[BigInt]> = rows.iter().map(Vec::as_slice).collect();
            let Finding::Open(found, possible) = survey(&rows, 20) else { panic!("it has factors") };
            assert_eq!(found.len(), wanted);
            assert!(!possible.is_trivial() && (1..degree as usize).all(|k| possible.contains(k)));
            for (number, image) in found.iter().enumerate() {
                assert_eq!(image.degrees, vec![1; degree as usize]);
                assert!(
                    found[number + 1..].iter().all(|other| other.field.modulus() != image.field.modulus())
                );
            }
        }
    }
}
