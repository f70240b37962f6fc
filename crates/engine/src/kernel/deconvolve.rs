//! Deconvolution of kernels with or without free symbols: the quotient of two polynomials in the two shifts and
//! the weights.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use rustc_hash::FxHashMap;

use crate::kernel::{ConcreteKernel, Kernel, KernelError, Shape, SymbolicKernel};
use convproof_exact::budget;
use convproof_exact::{Grid, Monomial, Poly, Rational, Sum, Symbol};
use convproof_factor::divide;

/// Why a quotient was not computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeconvolveError {
    /// Kernels with channels do not commute.
    Channels,
    /// An expansion or a result is too large.
    Kernel(KernelError),
    /// The division takes too many steps.
    Limit,
    /// There is no quotient with polynomial entries, but the divisor's entries may have a common factor.
    CommonFactor,
}

/// Most steps of a division with free symbols.
const MAX_STEPS: usize = 200_000;

/// The kernel Q with `divisor * Q == dividend`; `None` if there is none. It is unique unless the divisor is 0;
/// 0 divided by 0 is taken as 0.
///
/// With free symbols the division is exact division of polynomials in the shifts and the weights. It is complete:
/// by Gauss' lemma a quotient whose entries are rational functions of the weights has polynomial entries unless
/// the divisor's entries have a common factor, of which only single terms are divided by.
pub fn deconvolve(dividend: &Kernel, divisor: &Kernel) -> Result<Option<Kernel>, DeconvolveError> {
    let (whole, part) = (dividend.shape(), divisor.shape());
    if [whole.outputs, whole.inputs, part.outputs, part.inputs] != [1; 4] {
        return Err(DeconvolveError::Channels);
    }
    if part.height > whole.height || part.width > whole.width {
        return Ok(None);
    }
    let shape = Shape::plane(whole.height - part.height + 1, whole.width - part.width + 1);
    if dividend.is_zero() {
        return ConcreteKernel::zeros(shape).map(|zero| Some(zero.into())).map_err(DeconvolveError::Kernel);
    }
    if let (Some(a), Some(b)) = (dividend.as_concrete(), divisor.as_concrete()) {
        return concrete(a, b, shape).map_err(DeconvolveError::Kernel);
    }
    if let (Some(a), Some(b)) = (dividend.as_atoms(), divisor.as_atoms()) {
        let divide = |a: &ConcreteKernel, b: &ConcreteKernel| {
            let (whole, part) = (a.shape(), b.shape());
            let height = whole.height.checked_sub(part.height - 1)?;
            let width = whole.width.checked_sub(part.width - 1)?;
            concrete(a, b, Shape::plane(height, width)).ok()??.as_concrete().cloned()
        };
        if let Some(found) = a.quotient(&b, divide) {
            return Ok(Some(found.into()));
        }
    }
    let expand = |kernel: &Kernel| kernel.expand().map_err(DeconvolveError::Kernel);
    symbolic(&*expand(dividend)?, &*expand(divisor)?, shape)
}

/// The polynomial Q with `divisor * Q == dividend`, if there is one and it takes few steps to find.
pub fn quotient(dividend: &Poly, divisor: &Poly) -> Option<Poly> {
    let scalar = |poly: &Poly| Kernel::from_entries(Shape::plane(1, 1), vec![poly.clone()]).ok();
    deconvolve(&scalar(dividend)?, &scalar(divisor)?).ok()??.as_scalar()
}

fn concrete(
    dividend: &ConcreteKernel,
    divisor: &ConcreteKernel,
    shape: Shape,
) -> Result<Option<Kernel>, KernelError> {
    let Some(quotient) = divide::divide(&integers(dividend), &integers(divisor)) else { return Ok(None) };
    let found = ConcreteKernel::from_bigints(shape, quotient.numerators.cells(), quotient.denominator)?;
    // dividend/e = divisor/d · Q  ⇔  Q = (dividend ÷ divisor) · d/e.
    let scale = Rational::new(divisor.denominator().clone(), dividend.denominator().clone());
    Ok(Some(found.scale(&scale.unwrap_or_else(|| Rational::from(1)))?.into()))
}

/// The integers of a single-channel kernel over its denominator.
pub fn integers(kernel: &ConcreteKernel) -> Grid<num_bigint::BigInt> {
    let shape = kernel.shape();
    Grid::from_fn(shape.height, shape.width, |i, j| kernel.integers().get(i * shape.width + j))
}

/// A term's place in the lexicographic order of shifts, then weights; a group order, so leading terms multiply.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place(i64, i64, Monomial);

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0, self.1).cmp(&(other.0, other.1)).then_with(|| lexicographic(&self.2, &other.2))
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Compares exponents symbol by symbol.
fn lexicographic(left: &Monomial, right: &Monomial) -> Ordering {
    let (mut a, mut b) = (left.factors(), right.factors());
    loop {
        let (symbol, e, f) = match (a.first(), b.first()) {
            (None, None) => return Ordering::Equal,
            (Some(&(s, e)), None) => (s, e, 0),
            (None, Some(&(s, f))) => (s, 0, f),
            (Some(&(s, e)), Some(&(t, f))) => match s.cmp(&t) {
                Ordering::Less => (s, e, 0),
                Ordering::Greater => (t, 0, f),
                Ordering::Equal => (s, e, f),
            },
        };
        if e != f {
            return e.cmp(&f);
        }
        a = if a.first().is_some_and(|x| x.0 == symbol) { &a[1..] } else { a };
        b = if b.first().is_some_and(|x| x.0 == symbol) { &b[1..] } else { b };
    }
}

type Terms = BTreeMap<Place, Rational>;

fn terms(kernel: &SymbolicKernel) -> Terms {
    let shape = kernel.shape();
    let mut all = Terms::new();
    for i in 0..shape.height {
        for j in 0..shape.width {
            for (monomial, coefficient) in kernel.entry(0, 0, i, j).terms() {
                let at = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
                all.insert(Place(at(i), at(j), monomial.clone()), coefficient.clone());
            }
        }
    }
    all
}

/// Least and greatest exponent of every symbol.
fn ranges(terms: &Terms, symbols: &[Symbol]) -> Vec<(i16, i16)> {
    let range = |&symbol: &Symbol| {
        let exponents = || terms.keys().map(|place| place.2.exponent(symbol));
        (exponents().min().unwrap_or(0), exponents().max().unwrap_or(0))
    };
    symbols.iter().map(range).collect()
}

fn symbolic(
    dividend: &SymbolicKernel,
    divisor: &SymbolicKernel,
    shape: Shape,
) -> Result<Option<Kernel>, DeconvolveError> {
    let (mut rest, divisor) = (terms(dividend), terms(divisor));
    let Some((lead, lead_value)) = divisor.last_key_value() else { return Ok(None) };
    let Some(inverse) = lead_value.recip() else { return Ok(None) };
    let mut symbols: Vec<Symbol> =
        rest.keys().chain(divisor.keys()).flat_map(|place| place.2.factors().iter().map(|f| f.0)).collect();
    symbols.sort_unstable();
    symbols.dedup();
    // A common factor of all entries divides one that is a single term, so it is a single term itself.
    let mut entries: FxHashMap<(i64, i64), usize> = FxHashMap::default();
    divisor.keys().for_each(|place| *entries.entry((place.0, place.1)).or_default() += 1);
    let primitive = entries.values().any(|&terms| terms == 1);
    // Extreme exponents add under multiplication, so they bound the quotient's.
    let bounds: Vec<(i16, i16)> = ranges(&rest, &symbols)
        .into_iter()
        .zip(ranges(&divisor, &symbols))
        .map(|((least, most), (low, high))| (least - low, most - high))
        .collect();
    let height = i64::try_from(shape.height).unwrap_or(i64::MAX);
    let width = i64::try_from(shape.width).unwrap_or(i64::MAX);
    let mut quotient: FxHashMap<(i64, i64), Sum> = FxHashMap::default();
    for _ in 0..MAX_STEPS {
        let Some((place, value)) = rest.last_key_value() else {
            let entries = (0..height)
                .flat_map(|i| (0..width).map(move |j| (i, j)))
                .map(|at| quotient.remove(&at).map_or_else(Poly::zero, Sum::finish))
                .collect();
            return Kernel::from_entries(shape, entries).map(Some).map_err(DeconvolveError::Kernel);
        };
        let (row, column, monomial) = (place.0 - lead.0, place.1 - lead.1, place.2.times(&lead.2.inverse()));
        let inside = (0..height).contains(&row)
            && (0..width).contains(&column)
            && symbols
                .iter()
                .zip(&bounds)
                .all(|(&s, &(low, high))| (low..=high).contains(&monomial.exponent(s)));
        if !inside {
            return if primitive { Ok(None) } else { Err(DeconvolveError::CommonFactor) };
        }
        budget::spend_on(divisor.len() + 1, 200);
        let factor = value * &inverse;
        for (at, coefficient) in &divisor {
            let key = Place(at.0 + row, at.1 + column, at.2.times(&monomial));
            let change = coefficient * &factor;
            match rest.entry(key) {
                Entry::Vacant(entry) => {
                    entry.insert(-&change);
                }
                Entry::Occupied(mut entry) => {
                    *entry.get_mut() -= &change;
                    if entry.get().is_zero() {
                        entry.remove();
                    }
                }
            }
        }
        quotient.entry((row, column)).or_default().add(monomial, &factor);
    }
    Err(DeconvolveError::Limit)
}
