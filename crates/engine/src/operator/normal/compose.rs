//! A linear layer after an affine map: one map where that is exact at every border, else a signal that is cut between them.

use std::sync::Arc;

use super::Operators;
use super::affine::{Affine, Part, add_part, affine, is_copy};
use crate::axes::{AXES, Axes, each, place};
use crate::kernel::KernelError;
use crate::operator::gather::{Axis, Gather, signed};
use crate::operator::length::{Length, for_all_lengths, ratio};
use crate::operator::trace::{Did, Harmless, Joined, Law, Made, Needed};
use convproof_exact::Poly;

impl Operators {
    /// The gather after the signal, composed where that is exact at every border and cut where it is not.
    pub(super) fn compose(
        &mut self,
        signal: Affine,
        (made, gather): (Made, &Gather),
        length: Axes<Arc<Length>>,
        bias: &[Poly],
    ) -> Result<(Affine, Did), KernelError> {
        let shape = gather.kernel.shape();
        let window = shape.extents().map(signed);
        let axes = gather.axes;
        let did = |joined| Did::Linear { made, window, axes, joined };
        let why = match self.harmless(&signal, gather, &length)? {
            Ok(border) => match self.composed(&signal, gather, &length, bias)? {
                Ok((composed, laws)) => return Ok((composed, did(Joined::Composed { laws, border }))),
                Err(why) => why,
            },
            Err(why) => why,
        };
        let (source, over) = self.as_node(signal)?;
        let part = Part { source, gather: gather.clone() };
        let map = affine(shape.outputs, length, vec![part], bias.to_vec());
        Ok((map, did(Joined::Apart { over, why })))
    }

    /// Why a gather after a signal may be composed with it at every border, or why not.
    fn harmless(
        &self,
        signal: &Affine,
        gather: &Gather,
        length: &Axes<Arc<Length>>,
    ) -> Result<Result<Harmless, Needed>, KernelError> {
        let constant = !signal.bias.is_empty();
        let border = if !self.borders || reads_signal_inside(gather, &signal.length, length) {
            Harmless::Inside
        } else if !constant && (0..AXES).all(|axis| self.vanishes_outside(signal, axis)) {
            Harmless::Zero
        } else {
            return Ok(Err(Needed::Border));
        };
        Ok(if constant && !has_equal_phases(gather)? { Err(Needed::Constant) } else { Ok(border) })
    }

    /// The gather after an affine map, borders ignored, and how each kernel came about; why there is none.
    #[allow(clippy::type_complexity, reason = "two ways to end, and the mistakes")]
    fn composed(
        &self,
        signal: &Affine,
        gather: &Gather,
        length: &Axes<Arc<Length>>,
        bias: &[Poly],
    ) -> Result<Result<(Affine, Vec<Law>), Needed>, KernelError> {
        let outputs = gather.kernel.shape().outputs;
        let (mut parts, mut laws) = (Vec::new(), Vec::new());
        for part in &signal.parts {
            let source = self.signal(part.source).1;
            match part.gather.then(gather, &source, &signal.length) {
                None => return Ok(Err(Needed::Positions)),
                Some(Err(KernelError::TooManyTerms { .. })) if !is_copy(&part.gather) => {
                    return Ok(Err(Needed::Terms));
                }
                Some(composed) => {
                    let (composed, law) = composed?;
                    add_part(&mut parts, part.source, composed)?;
                    if !laws.contains(&law) {
                        laws.push(law);
                    }
                }
            }
        }
        let mut total = if bias.is_empty() { vec![Poly::zero(); outputs] } else { bias.to_vec() };
        if !signal.bias.is_empty() {
            let sums = phase_sums(gather)?;
            for (o, entry) in total.iter_mut().enumerate() {
                for (c, inner) in signal.bias.iter().enumerate() {
                    *entry = &*entry + &(&sums[0][o * signal.channels + c] * inner);
                }
            }
        }
        Ok(Ok((affine(outputs, length.clone(), parts, total), laws)))
    }

    /// Whether the affine map (without bias) is zero wherever it is not cut, beyond both its ends.
    fn vanishes_outside(&self, signal: &Affine, axis: usize) -> bool {
        signal.parts.iter().all(|part| {
            let source = &self.signal(part.source).1[axis];
            let (movement, length) = (&part.gather.axes[axis], &signal.length[axis]);
            let taps = signed(part.gather.kernel.shape().extents()[axis]);
            for_sizes(movement, &[source, length], |n| {
                let (Some(inner), Some(outer)) = (source.at(n), length.at(n)) else { return true };
                let offset = movement.offset_at(inner);
                let before = movement.reach(-1, -1, taps, offset).1;
                let after = movement.reach(outer, outer, taps, offset).0;
                before < 0 && after >= inner
            })
        })
    }
}

/// For each phase of the upsampling, the sum of the taps it reads, per output and input channel.
fn phase_sums(gather: &Gather) -> Result<Vec<Vec<Poly>>, KernelError> {
    let shape = gather.kernel.shape();
    let kernel = gather.kernel.expand()?;
    let up = gather.axes.map(|axis| crate::operator::gather::index(axis.up).max(1));
    let mut sums = vec![vec![Poly::zero(); shape.outputs * shape.inputs]; up.iter().product()];
    for ([o, c, at @ ..], entry) in crate::kernel::positions(shape).zip(kernel.entries()) {
        if !entry.is_zero() {
            let phase = place(each(|axis| at[axis] % up[axis]), up);
            let cell = &mut sums[phase][o * shape.inputs + c];
            *cell = &*cell + entry;
        }
    }
    Ok(sums)
}

/// Whether a constant signal stays constant.
fn has_equal_phases(gather: &Gather) -> Result<bool, KernelError> {
    if gather.axes.iter().all(|axis| axis.up == 1) {
        return Ok(true);
    }
    let sums = phase_sums(gather)?;
    Ok(sums.windows(2).all(|pair| pair[0] == pair[1]))
}

/// Whether a condition holds for all input lengths; `false` where it cannot be decided within the limits.
///
/// The conditions asked for compare positions that move at the same pace as the lengths, so they repeat with
/// the lengths' period once those have settled, and with that of the SAME rule.
fn for_sizes(movement: &Axis, lengths: &[&Arc<Length>; 2], holds: impl Fn(i64) -> bool) -> bool {
    let [source, output] = lengths;
    let pace = source.slope() * ratio(movement.up, movement.down);
    let same = movement.same.map_or(Ok(1), |rule| source.period_modulo(rule.stride));
    let plain: [&Length; 2] = [source, output];
    output.slope() == pace && same.and_then(|same| for_all_lengths(&plain, same, holds)).unwrap_or(false)
}

/// Whether outputs never read outside a signal along one axis.
pub(super) fn reads_inside(movement: &Axis, taps: i64, source: &Arc<Length>, output: &Arc<Length>) -> bool {
    for_sizes(movement, &[source, output], |n| {
        let (Some(inner), Some(outer)) = (source.at(n), output.at(n)) else { return true };
        let (low, high) = movement.reach(0, outer - 1, taps, movement.offset_at(inner));
        low >= 0 && high < inner
    })
}

fn reads_signal_inside(gather: &Gather, source: &Axes<Arc<Length>>, output: &Axes<Arc<Length>>) -> bool {
    let extents = gather.kernel.shape().extents();
    (0..AXES).all(|axis| {
        let taps = signed(extents[axis]);
        reads_inside(&gather.axes[axis], taps, &source[axis], &output[axis])
    })
}
