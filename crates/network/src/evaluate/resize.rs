//! Resizing: each element from the nearest place, or from the two around it along each axis, whose coordinates are exact.
//! Cubic interpolation, and what is cut out of a region, is not evaluated.

use convproof_exact::Rational;

use crate::precise::Precise;
use crate::tensor::{indices, strides};

use super::{Array, Call, Evaluated, Refusal, place, room};

/// How an output place becomes a coordinate of the input, and that a place.
struct Rule<'c> {
    coordinates: &'c str,
    nearest: Option<&'c str>,
}

/// The places of the input that an output place is read from, with their weights.
type Reads = Vec<(usize, Precise)>;

pub(super) fn resize(call: &Call<'_>) -> Evaluated<Array> {
    let x = call.array(0)?;
    let old = call.node.operator == "Upsample" || call.opset < 11;
    let mode = call.text("mode", "nearest");
    let rule = if old {
        Rule { coordinates: "asymmetric", nearest: Some("floor") }
    } else {
        // Only a mode that is refused reads a region, and only cubic interpolation the coefficient.
        call.optional(1);
        call.attributes.ignore("cubic_coeff_a");
        let nearest = call.text("nearest_mode", "round_prefer_floor");
        Rule {
            coordinates: call.text("coordinate_transformation_mode", "half_pixel"),
            nearest: Some(nearest),
        }
    };
    let rule = match mode {
        "nearest" => rule,
        "linear" => Rule { nearest: None, ..rule },
        _ => return Err(Refusal::Operator),
    };
    let (dims, scales) = sizes(call, x, old)?;
    room(&dims)?;
    let mut result = x.clone();
    for axis in 0..dims.len() {
        let Some(scale) = &scales[axis] else { continue };
        let reads: Evaluated<Vec<Reads>> =
            (0..dims[axis]).map(|at| rule.reads(at, x.dims[axis], dims[axis], scale)).collect();
        result = along(&result, axis, &reads?);
    }
    Ok(result)
}

/// The extents of the result, and the scale of each axis that changes.
fn sizes(call: &Call<'_>, x: &Array, old: bool) -> Evaluated<(Vec<usize>, Vec<Option<Rational>>)> {
    let rank = x.dims.len();
    let axes: Vec<usize> = match call.ints("axes") {
        Some(axes) => {
            axes.iter().map(|&axis| place(axis, rank)).collect::<Option<_>>().ok_or(Refusal::Operands)?
        }
        None => (0..rank).collect(),
    };
    let (mut dims, mut scales) = (x.dims.clone(), vec![None; rank]);
    let attribute = call.node.operator == "Upsample" && call.opset < 9;
    let given: Option<Vec<Precise>> = if attribute {
        let floats = call.attributes.floats("scales");
        floats.map(|floats| floats.iter().map(|&scale| Precise::point(scale.into())).collect())
    } else {
        let array = call.optional(if old { 1 } else { 2 }).filter(|array| !array.is_empty());
        array.map(|array| (0..array.len()).map(|place| array.real(place)).collect())
    };
    if let Some(given) = given.filter(|given| given.len() == axes.len()) {
        for (&axis, scale) in axes.iter().zip(given) {
            let scale = scale.enclosure();
            let exact = if scale.low == scale.high { Rational::from_f64(scale.low) } else { None };
            let scale = exact.filter(|scale| *scale > Rational::ZERO).ok_or(Refusal::Operator)?;
            let extent = i64::try_from(x.dims[axis]).map_err(|_| Refusal::TooLarge)?;
            let wanted = floor(&(&scale * &Rational::from(extent)))?;
            dims[axis] = usize::try_from(wanted).map_err(|_| Refusal::TooLarge)?;
            scales[axis] = Some(scale).filter(|scale| *scale != Rational::from(1));
        }
        return Ok((dims, scales));
    }
    let wanted = call.optional(3).and_then(Array::integer_values).filter(|wanted| wanted.len() == axes.len());
    for (&axis, &wanted) in axes.iter().zip(wanted.ok_or(Refusal::Operands)?) {
        let extent = i64::try_from(x.dims[axis]).map_err(|_| Refusal::TooLarge)?;
        dims[axis] = usize::try_from(wanted).map_err(|_| Refusal::Operands)?;
        let scale = Rational::ratio(wanted, extent).ok_or(Refusal::Operands)?;
        scales[axis] = Some(scale).filter(|scale| *scale != Rational::from(1));
    }
    Ok((dims, scales))
}

impl Rule<'_> {
    /// What an output place reads along an axis.
    fn reads(&self, at: usize, from: usize, to: usize, scale: &Rational) -> Evaluated<Reads> {
        let number = |value: usize| i64::try_from(value).map(Rational::from).map_err(|_| Refusal::TooLarge);
        let half = Rational::ratio(1, 2).ok_or(Refusal::Operands)?;
        let at = number(at)?;
        // Whether a length that is no integer counts as it is or as it is rounded is read in different ways.
        if self.coordinates == "align_corners" && scale * &number(from)? != number(to)? {
            return Err(Refusal::Operator);
        }
        let centred = || (&at + &half).checked_div(scale).map(|place| &place - &half);
        let coordinate = match self.coordinates {
            "half_pixel" => centred(),
            "pytorch_half_pixel" if to > 1 => centred(),
            "asymmetric" => at.checked_div(scale),
            "align_corners" if to > 1 => {
                (&at * &number(from.saturating_sub(1))?).checked_div(&number(to - 1)?)
            }
            "pytorch_half_pixel" | "align_corners" => Some(Rational::ZERO),
            _ => return Err(Refusal::Operator),
        };
        let coordinate = coordinate.ok_or(Refusal::Operands)?;
        let inside = |place: i64| -> Evaluated<usize> {
            let last =
                i64::try_from(from).ok().and_then(|from| from.checked_sub(1)).filter(|&last| last >= 0);
            usize::try_from(place.clamp(0, last.ok_or(Refusal::Operands)?)).map_err(|_| Refusal::Operands)
        };
        let Some(nearest) = self.nearest else {
            let below = floor(&coordinate)?;
            let part = &coordinate - &Rational::from(below);
            let rest = &Rational::from(1) - &part;
            let weights = [rest, part].map(|weight| Precise::of_rational(&weight));
            return Ok(vec![(inside(below)?, weights[0]), (inside(below.saturating_add(1))?, weights[1])]);
        };
        let up = |value: &Rational| floor(&-value).map(|floor| -floor);
        let place = match nearest {
            "floor" => floor(&coordinate)?,
            "ceil" => up(&coordinate)?,
            "round_prefer_floor" => up(&(&coordinate - &half))?,
            "round_prefer_ceil" => floor(&(&coordinate + &half))?,
            _ => return Err(Refusal::Operator),
        };
        Ok(vec![(inside(place)?, Precise::ONE)])
    }
}

fn floor(value: &Rational) -> Evaluated<i64> {
    let (numerator, denominator) = value.as_small_parts().ok_or(Refusal::TooLarge)?;
    Ok(numerator.div_euclid(denominator))
}

/// An array read along an axis: sums of its slices with weights.
fn along(x: &Array, axis: usize, reads: &[Reads]) -> Array {
    let own = strides(&x.dims);
    let mut dims = x.dims.clone();
    dims[axis] = reads.len();
    let value = |index: Vec<usize>| {
        let start: usize = (0..dims.len()).filter(|&n| n != axis).map(|n| index[n] * own[n]).sum();
        let read = |&(place, weight): &(usize, Precise)| x.real(start + place * own[axis]).times(weight);
        reads[index[axis]].iter().map(read).fold(Precise::ZERO, Precise::plus)
    };
    Array::reals(dims.clone(), indices(&dims).map(value).collect())
}
