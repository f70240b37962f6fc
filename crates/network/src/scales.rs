//! Scales of channels that a fold put in the wrong place: other channels', or on the inputs.

use std::cmp::Ordering;

use crate::ball::Ball;
use crate::compare::{FormRow, Tally};
use crate::enclosure::Enclosure;
use crate::finding::Finding;
use crate::form::Form;
use crate::kernel::KernelForm;

/// Most channels that are looked at.
const MAX_CHANNELS: usize = 4096;

/// What became of the scales of a form that is one kernel times a number for each channel.
pub fn misplaced(a: &Form, b: &Form, limit: f64) -> Option<Finding> {
    let ([x], [_]) = (a.parts.as_slice(), b.parts.as_slice()) else { return None };
    let KernelForm::Compose { outer, .. } = &x.map.kernel.node else { return None };
    let KernelForm::Diagonal(numbers) = &outer.node else { return None };
    let scales = numbers.enclosures();
    if scales.len() != a.channels() || scales.len() > MAX_CHANNELS {
        return None;
    }
    let (a, b) = (&without_bias(a), &without_bias(b));
    if x.map.kernel.inputs == scales.len() && on_inputs(a, b, scales, limit) {
        return Some(Finding::ScaledInputs);
    }
    exchanged(a, b, scales, limit)
}

/// The form without its bias.
pub fn without_bias(form: &Form) -> Form {
    Form { bias: None, ..form.clone() }
}

/// Whether each weight after has the scale of its input channel in place of that of its output channel.
fn on_inputs(a: &Form, b: &Form, scales: &[Enclosure], limit: f64) -> bool {
    let (mut largest, mut change) = (Enclosure::ZERO, Enclosure::ZERO);
    for output in 0..a.channels() {
        FormRow::<Ball>::new(a, output).pairs(&FormRow::new(b, output), |_, input, _, x, y| {
            let [x, y] = [x, y].map(|value| value.map_or(Enclosure::ZERO, |value| value.enclosure()));
            let turned = x.over(scales[output]).times(scales[input]);
            largest = largest.maximum(turned.magnitude());
            change = change.maximum(turned.minus(y).magnitude());
        });
    }
    change.over(largest).high <= limit
}

/// The channels that have another channel's scale, where every channel has some channel's.
fn exchanged(a: &Form, b: &Form, scales: &[Enclosure], limit: f64) -> Option<Finding> {
    let mut sorted: Vec<usize> = (0..scales.len()).collect();
    sorted.sort_by(|&m, &n| scales[m].middle().total_cmp(&scales[n].middle()));
    let mut pairs = Vec::new();
    for output in 0..a.channels() {
        let (own, other) = (FormRow::<Ball>::new(a, output), FormRow::<Ball>::new(b, output));
        let scale = factor(&own, &other, limit)?.times(scales[output]);
        let room = scale.magnitude().times(Enclosure::point(4.0));
        let near = |n: &usize| scales[*n].minus(scale).magnitude().over(room).high <= limit;
        if near(&output) {
            continue;
        }
        let place =
            sorted.partition_point(|&n| scales[n].middle().total_cmp(&scale.middle()) == Ordering::Less);
        let around = place.saturating_sub(1)..(place + 2).min(sorted.len());
        pairs.push((output, sorted[around].iter().copied().find(near)?));
    }
    (!pairs.is_empty()).then_some(Finding::ScalesExchanged { pairs })
}

/// The factor between two rows, if there is one for all their weights.
pub fn factor(a: &FormRow<Ball>, b: &FormRow<Ball>, limit: f64) -> Option<Enclosure> {
    let mut largest: Option<(Enclosure, Enclosure)> = None;
    a.pairs(b, |source, _, _, x, y| {
        if let (Some(_), Some(x), Some(y)) = (source, x, y)
            && largest.is_none_or(|(own, _)| x.enclosure().magnitude().low > own.magnitude().low)
        {
            largest = Some((x.enclosure(), y.enclosure()));
        }
    });
    let (x, y) = largest?;
    let factor = y.over(x);
    if !factor.is_finite() {
        return None;
    }
    let mut tally = Tally::default();
    tally.add(a, b, 0, factor);
    (tally.change().most <= limit).then_some(factor)
}
