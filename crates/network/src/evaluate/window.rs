//! Convolutions and pooling: sums and maxima over windows of an image.

use crate::precise::{Factors, NumberGroups, Precise, Sum};
use crate::tensor::{indices, strides};

use super::{Array, Call, Evaluated, Machine, Refusal, room};

/// A window that moves over an image.
struct Window {
    sizes: Vec<usize>,
    strides: Vec<usize>,
    dilations: Vec<usize>,
    before: Vec<i64>,
    outputs: Vec<usize>,
}

fn signed(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX / 4)
}

impl Window {
    fn read(call: &Call<'_>, sizes: Vec<usize>, image: &[usize]) -> Evaluated<Self> {
        let axes = sizes.len();
        let list = |name: &str, default: i64, count: usize| {
            let values = call.ints(name).map_or_else(|| vec![default; count], <[i64]>::to_vec);
            let fine = values.len() == count && values.iter().all(|value| (0..1 << 20).contains(value));
            if fine { Ok(values) } else { Err(Refusal::Operands) }
        };
        let natural = |values: Vec<i64>| -> Vec<usize> {
            values.into_iter().map(|value| usize::try_from(value).unwrap_or(0)).collect()
        };
        let strides = natural(list("strides", 1, axes)?);
        let dilations = natural(list("dilations", 1, axes)?);
        if image.len() != axes || strides.contains(&0) || dilations.contains(&0) || sizes.contains(&0) {
            return Err(Refusal::Operands);
        }
        let pads = list("pads", 0, 2 * axes)?;
        let (mut before, mut after) = (pads[..axes].to_vec(), pads[axes..].to_vec());
        let round_up = call.node.operator.ends_with("Pool") && call.int("ceil_mode", 0) != 0;
        let rule = call.text("auto_pad", "NOTSET");
        if rule != "NOTSET" && pads.iter().any(|&pad| pad != 0) {
            return Err(Refusal::Operands);
        }
        let mut outputs = Vec::with_capacity(axes);
        for axis in 0..axes {
            let reach = (signed(sizes[axis]) - 1) * signed(dilations[axis]) + 1;
            let (extent, stride) = (signed(image[axis]), signed(strides[axis]));
            if rule != "NOTSET" && round_up {
                // Readings of both together differ.
                return Err(Refusal::Operator);
            }
            match rule {
                "SAME_UPPER" | "SAME_LOWER" => {
                    let wanted = (extent + stride - 1).div_euclid(stride);
                    let total = ((wanted - 1) * stride + reach - extent).max(0);
                    before[axis] = if rule == "SAME_UPPER" { total / 2 } else { total - total / 2 };
                    after[axis] = total - before[axis];
                }
                "VALID" => (before[axis], after[axis]) = (0, 0),
                "NOTSET" => {}
                _ => return Err(Refusal::Operands),
            }
            let room = extent + before[axis] + after[axis] - reach;
            let mut count = if round_up { room + stride - 1 } else { room }.div_euclid(stride) + 1;
            if round_up && (count - 1) * stride >= extent + before[axis] {
                count -= 1;
            }
            outputs.push(usize::try_from(count).ok().filter(|&count| count > 0).ok_or(Refusal::Operands)?);
        }
        Ok(Self { sizes, strides, dilations, before, outputs })
    }

    /// Where a tap of the window at an output falls; nothing outside the image.
    fn tap(&self, output: &[usize], tap: &[usize], image: &[usize]) -> Option<usize> {
        let mut place = 0;
        for axis in 0..image.len() {
            let at = signed(output[axis] * self.strides[axis] + tap[axis] * self.dilations[axis])
                - self.before[axis];
            place = place * image[axis] + usize::try_from(at).ok().filter(|&at| at < image[axis])?;
        }
        Some(place)
    }
}

/// Refuses a node that says another size of its kernel than the kernel has.
fn kernel_shape(call: &Call<'_>, sizes: &[usize]) -> Evaluated<()> {
    let same = |said: &[i64]| {
        said.len() == sizes.len() && said.iter().zip(sizes).all(|(&a, &b)| usize::try_from(a) == Ok(b))
    };
    if call.ints("kernel_shape").is_none_or(same) { Ok(()) } else { Err(Refusal::Operands) }
}

pub(super) fn conv(machine: &mut Machine, call: &Call<'_>) -> Evaluated<Array> {
    let (x, weights) = (call.array(0)?, call.array(1)?);
    let groups =
        usize::try_from(call.int("group", 1)).ok().filter(|&groups| groups > 0).ok_or(Refusal::Operands)?;
    let ([batch, channels, image @ ..], [outputs, inputs, sizes @ ..]) =
        (x.dims.as_slice(), weights.dims.as_slice())
    else {
        return Err(Refusal::Operands);
    };
    kernel_shape(call, sizes)?;
    if *channels != inputs * groups || outputs % groups != 0 {
        return Err(Refusal::Operands);
    }
    let window = Window::read(call, sizes.to_vec(), image)?;
    let mut dims = vec![*batch, *outputs];
    dims.extend(&window.outputs);
    let count = room(&dims)?;
    let taps: Vec<Vec<usize>> = indices(sizes).collect();
    machine.spend(count.saturating_mul(*inputs).saturating_mul(taps.len()))?;
    let pixels: usize = image.iter().product();
    let bias = call.optional(2);
    let x = x.all();
    let factors = Factors::new(&x);
    let size = inputs * taps.len();
    // The sums for one output channel of one element of the batch.
    let plane = |n: usize| -> Vec<Precise> {
        let (element, output) = (n / outputs, n % outputs);
        let first = element * channels + output / (outputs / groups) * inputs;
        let bias = bias.map_or(Precise::ZERO, |bias| bias.real(output));
        let numbers = weights_by_tap(weights, output * size, *inputs, taps.len(), pixels);
        if let (Some(numbers), Some(factors)) = (numbers, &factors) {
            let sum = |at: Vec<usize>| {
                let mut sum = Sum::new(&numbers, factors);
                for (t, tap) in taps.iter().enumerate() {
                    if let Some(pixel) = window.tap(&at, tap, image) {
                        sum.add(t, first * pixels + pixel);
                    }
                }
                sum.total().plus(bias)
            };
            return indices(&window.outputs).map(sum).collect();
        }
        let own: Vec<Precise> =
            (output * size..(output + 1) * size).map(|place| weights.real(place)).collect();
        let sum = |at: Vec<usize>| {
            let mut sum = bias;
            for (t, tap) in taps.iter().enumerate() {
                let Some(pixel) = window.tap(&at, tap, image) else { continue };
                for input in 0..*inputs {
                    sum = sum.plus(x[(first + input) * pixels + pixel].times(own[input * taps.len() + t]));
                }
            }
            sum
        };
        indices(&window.outputs).map(sum).collect()
    };
    let many = count.saturating_mul(size) > MUCH_WORK;
    Ok(Array::reals(dims, in_threads(batch * outputs, many, plane)))
}

/// The weights of one output channel, tap by tap, with the places of the image that they multiply; nothing where they are
/// not those of a file.
fn weights_by_tap(
    weights: &Array,
    first: usize,
    inputs: usize,
    taps: usize,
    pixels: usize,
) -> Option<NumberGroups> {
    let weight =
        |t: usize| move |input: usize| Some((weights.stored(first + input * taps + t)?, input * pixels));
    let groups: Option<Vec<Vec<(f64, usize)>>> =
        (0..taps).map(|t| (0..inputs).map(weight(t)).collect()).collect();
    NumberGroups::new(&groups?)
}

/// Least number of products that are shared among threads.
const MUCH_WORK: usize = 1 << 16;

/// The results for each number below this, joined in order, by several threads where that is worth it.
fn in_threads<T: Send>(count: usize, many: bool, result: impl Fn(usize) -> Vec<T> + Sync) -> Vec<T> {
    let threads = if many { std::thread::available_parallelism().map_or(1, usize::from).min(16) } else { 1 };
    if threads == 1 {
        return (0..count).flat_map(result).collect();
    }
    let block = count.div_ceil(threads).max(1);
    let own = |first: usize| (first..(first + block).min(count)).flat_map(&result).collect::<Vec<T>>();
    std::thread::scope(|scope| {
        let own = &own;
        let starts = (0..count).step_by(block);
        let others: Vec<_> = starts.map(|first| (first, scope.spawn(move || own(first)))).collect();
        others.into_iter().flat_map(|(first, thread)| thread.join().unwrap_or_else(|_| own(first))).collect()
    })
}

pub(super) fn conv_transpose(machine: &mut Machine, call: &Call<'_>) -> Evaluated<Array> {
    let (x, weights) = (call.array(0)?, call.array(1)?);
    let groups =
        usize::try_from(call.int("group", 1)).ok().filter(|&groups| groups > 0).ok_or(Refusal::Operands)?;
    let ([batch, channels, image @ ..], [inputs, outputs, sizes @ ..]) =
        (x.dims.as_slice(), weights.dims.as_slice())
    else {
        return Err(Refusal::Operands);
    };
    let plain = call.text("auto_pad", "NOTSET") == "NOTSET" && !call.attributes.has("output_shape");
    if !plain {
        return Err(Refusal::Operator);
    }
    kernel_shape(call, sizes)?;
    if channels != inputs || channels % groups != 0 || image.len() != sizes.len() {
        return Err(Refusal::Operands);
    }
    let axes = image.len();
    let list = |name: &str, default: i64, count: usize| {
        let values = call.ints(name).map_or_else(|| vec![default; count], <[i64]>::to_vec);
        let fine = values.len() == count && values.iter().all(|value| (0..1 << 20).contains(value));
        if fine { Ok(values) } else { Err(Refusal::Operands) }
    };
    let (steps, gaps) = (list("strides", 1, axes)?, list("dilations", 1, axes)?);
    let (pads, extra) = (list("pads", 0, 2 * axes)?, list("output_padding", 0, axes)?);
    let mut dims = vec![*batch, outputs * groups];
    for axis in 0..axes {
        let reach = (signed(sizes[axis]) - 1) * gaps[axis] + 1;
        let extent =
            (signed(image[axis]) - 1) * steps[axis] + reach + extra[axis] - pads[axis] - pads[axis + axes];
        dims.push(usize::try_from(extent).ok().filter(|&extent| extent > 0).ok_or(Refusal::Operands)?);
    }
    let taps: Vec<Vec<usize>> = indices(sizes).collect();
    let count = room(&dims)?;
    machine.spend(x.len().saturating_mul(*outputs).saturating_mul(taps.len()))?;
    let mut values = vec![Precise::ZERO; count];
    let own = strides(&dims);
    for (place, index) in indices(&x.dims).enumerate() {
        let (n, channel) = (index[0], index[1]);
        let group = channel / (channels / groups);
        for (t, tap) in taps.iter().enumerate() {
            let along = |axis: usize| {
                let at = signed(index[axis + 2]) * steps[axis] + signed(tap[axis]) * gaps[axis] - pads[axis];
                usize::try_from(at).ok().filter(|&at| at < dims[axis + 2]).map(|at| at * own[axis + 2])
            };
            let Some(pixel) = (0..axes).map(along).sum::<Option<usize>>() else { continue };
            for output in 0..*outputs {
                let weight = weights.real((channel * outputs + output) * taps.len() + t);
                let at = n * own[0] + (group * outputs + output) * own[1] + pixel;
                values[at] = values[at].plus(x.real(place).times(weight));
            }
        }
    }
    if let Some(bias) = call.optional(2) {
        for (value, index) in values.iter_mut().zip(indices(&dims)) {
            *value = value.plus(bias.real(index[1]));
        }
    }
    Ok(Array::reals(dims, values))
}

pub(super) fn pool(machine: &mut Machine, call: &Call<'_>) -> Evaluated<Array> {
    let x = call.array(0)?;
    let [batch, channels, image @ ..] = x.dims.as_slice() else { return Err(Refusal::Operands) };
    let sizes = call.ints("kernel_shape").ok_or(Refusal::Operands)?;
    let sizes: Option<Vec<usize>> = sizes.iter().map(|&size| usize::try_from(size).ok()).collect();
    let window = Window::read(call, sizes.ok_or(Refusal::Operands)?, image)?;
    let mut dims = vec![*batch, *channels];
    dims.extend(&window.outputs);
    let taps: Vec<Vec<usize>> = indices(&window.sizes).collect();
    machine.spend(room(&dims)?.saturating_mul(taps.len()))?;
    let pixels: usize = image.iter().product();
    let max = call.node.operator == "MaxPool";
    let padding_counts = !max && call.int("count_include_pad", 0) != 0;
    if !max && padding_counts && call.int("ceil_mode", 0) != 0 {
        // Readings of what a window counts that reaches beyond the padding differ.
        return Err(Refusal::Operator);
    }
    let mut values = Vec::new();
    for plane in 0..batch * channels {
        for at in indices(&window.outputs) {
            let inside: Vec<Precise> = taps
                .iter()
                .filter_map(|tap| window.tap(&at, tap, image))
                .map(|pixel| x.real(plane * pixels + pixel))
                .collect();
            if max {
                values.push(inside.into_iter().reduce(Precise::maximum).ok_or(Refusal::Operands)?);
                continue;
            }
            let counted =
                if padding_counts { padded(call, &window, &at, &taps, image) } else { inside.len() };
            let count = Precise::whole(i64::try_from(counted).map_err(|_| Refusal::Operands)?);
            values.push(inside.into_iter().fold(Precise::ZERO, Precise::plus).over(count));
        }
    }
    Ok(Array::reals(dims, values))
}

/// How many taps of a window fall into the image or its padding.
fn padded(call: &Call<'_>, window: &Window, at: &[usize], taps: &[Vec<usize>], image: &[usize]) -> usize {
    let axes = image.len();
    let after = |axis: usize| match call.ints("pads") {
        Some(pads) if call.text("auto_pad", "NOTSET") == "NOTSET" => {
            pads.get(axis + axes).copied().unwrap_or(0)
        }
        _ => i64::MAX / 4,
    };
    let inside = |tap: &&Vec<usize>| {
        (0..axes).all(|axis| {
            let place = signed(at[axis] * window.strides[axis] + tap[axis] * window.dilations[axis])
                - window.before[axis];
            place < signed(image[axis]) + after(axis)
        })
    };
    taps.iter().filter(inside).count()
}
