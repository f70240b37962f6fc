//! What a stack makes of an image, written from the formulas of `docs/language.md` alone: no code of the crate is
//! called. Every layer builds its whole output; padding is laid around the image before windows move over it.

use super::number::Number;
use super::spec::{Entries, Entrywise, Fill, Kernel, Layer, Method, Padding, Written};

/// An image, channel by channel and row by row.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Image<T> {
    pub(crate) size: [i64; 3],
    pub(crate) cells: Vec<T>,
}

impl<T: Number> Image<T> {
    /// `None` where some extent is below 1.
    pub(crate) fn build(size: [i64; 3], mut cell: impl FnMut([i64; 3]) -> T) -> Option<Self> {
        if size.iter().any(|&extent| extent < 1) {
            return None;
        }
        let [c, h, w] = size;
        let mut cells = Vec::with_capacity((c * h * w) as usize);
        for at in (0..c * h * w).map(|n| [n / (h * w), n / w % h, n % w]) {
            cells.push(cell(at));
        }
        Some(Self { size, cells })
    }

    fn inside(&self, [c, i, j]: [i64; 3]) -> Option<&T> {
        let [_, h, w] = self.size;
        let inside = (0..h).contains(&i) && (0..w).contains(&j);
        inside.then(|| &self.cells[((c * h + i) * w + j) as usize])
    }

    /// 0 outside.
    pub(crate) fn at(&self, at: [i64; 3]) -> T {
        self.inside(at).cloned().unwrap_or_else(|| T::integer(0))
    }

    fn each(&self, change: impl Fn(i64, &T) -> T) -> Self {
        let plane = (self.size[1] * self.size[2]) as usize;
        let cells = self.cells.iter().enumerate().map(|(n, cell)| change((n / plane) as i64, cell)).collect();
        Self { size: self.size, cells }
    }

    fn padded(&self, [top, left, bottom, right]: [i64; 4]) -> Option<Self> {
        let [c, h, w] = self.size;
        Self::build([c, h + top + bottom, w + left + right], |[c, i, j]| self.at([c, i - top, j - left]))
    }
}

/// Values of free kernels, by kernel and entry.
pub(crate) type Weights<'a, T> = &'a dyn Fn(usize, usize) -> T;

fn written<T: Number>(&(numerator, denominator): &Written) -> T {
    T::fraction(numerator, denominator)
}

/// One value for each channel, or one for all, or none.
fn per_channel<T: Number>(values: &[Written], channel: i64) -> T {
    match values {
        [] => T::integer(0),
        [one] => written(one),
        all => written(&all[channel as usize]),
    }
}

/// The entries of a kernel, in order.
fn entries<T: Number>(kernel: &Kernel, weights: Weights<T>) -> Vec<T> {
    let [o, c, h, w] = kernel.shape;
    let count = (o * c * h * w) as usize;
    match &kernel.entries {
        Entries::Numbers(values) => values.iter().map(|&value| T::integer(value)).collect(),
        Entries::Free(number) => (0..count).map(|offset| weights(*number, offset)).collect(),
        Entries::Mean => vec![T::fraction(1, h * w); count],
        Entries::Product(first, second, [v, u]) => {
            let (a, b) = (entries(first, weights), entries(second, weights));
            let ([_, middle, ah, aw], [_, _, bh, bw]) = (transposed(first.shape), second.shape);
            let mut product = vec![T::integer(0); count];
            for n in 0..o * c * middle * ah * aw * bh * bw {
                let (j, n) = (n % aw, n / aw);
                let (i, n) = (n % ah, n / ah);
                let (l, n) = (n % bw, n / bw);
                let (k, n) = (n % bh, n / bh);
                let (m, n) = (n % middle, n / middle);
                let (ic, oc) = (n % c, n / c);
                let left = &a[(((m * c + ic) * ah + i) * aw + j) as usize];
                let right = &b[(((oc * middle + m) * bh + k) * bw + l) as usize];
                let to = (((oc * c + ic) * h + i + v * k) * w + j + u * l) as usize;
                product[to] = product[to].plus(&left.times(right));
            }
            product
        }
    }
}

fn transposed([o, c, h, w]: [i64; 4]) -> [i64; 4] {
    [c, o, h, w]
}

/// How much `same` pads in all, and the output's length.
fn same(length: i64, extent: i64, stride: i64) -> (i64, i64) {
    let outputs = (length + stride - 1) / stride;
    (((outputs - 1) * stride + extent - length).max(0), outputs)
}

/// The padding of each side, and the output's length along both axes where `same` fixes it.
fn resolved(
    padding: Padding,
    size: [i64; 2],
    extent: [i64; 2],
    stride: [i64; 2],
) -> ([i64; 4], Option<[i64; 2]>) {
    let all = [0, 1].map(|axis| same(size[axis], extent[axis], stride[axis]));
    let [less, more] = [all.map(|(total, _)| total / 2), all.map(|(total, _)| total - total / 2)];
    let outputs = Some(all.map(|(_, outputs)| outputs));
    match padding {
        Padding::Sides(sides) => (sides, None),
        Padding::Same => ([less[0], less[1], more[0], more[1]], outputs),
        Padding::SameLower => ([more[0], more[1], less[0], less[1]], outputs),
    }
}

/// The number of windows of a pooling along an axis.
fn pooled(
    length: i64,
    axis: usize,
    (size, stride, sides, fixed): ([i64; 2], [i64; 2], [i64; 4], Option<[i64; 2]>),
    ceil: bool,
) -> i64 {
    let over = length + sides[axis] + sides[axis + 2] - size[axis];
    let floor = over.div_euclid(stride[axis]) + 1;
    let most = -(-over).div_euclid(stride[axis]) + 1;
    match (fixed, ceil) {
        (Some(outputs), _) => outputs[axis],
        (None, false) => floor,
        (None, true) if (most - 1) * stride[axis] >= length + sides[axis] => most - 1,
        (None, true) => most,
    }
}

/// The entries that output `i` of an interpolation is made of. Places are counted in units of 1/(2·up).
fn between<T: Number>(
    i: i64,
    length: i64,
    (up, down): Written,
    method: Method,
    half_pixel: bool,
) -> Vec<(i64, T)> {
    let unit = 2 * up;
    let place = if half_pixel { (2 * i + 1) * down - up } else { 2 * i * down };
    let (first, rest) = (place.div_euclid(unit), place.rem_euclid(unit));
    let all: Vec<(i64, T)> = match method {
        Method::Nearest => {
            let later = half_pixel && rest > up;
            vec![(first + i64::from(later), T::integer(1))]
        }
        Method::Linear => {
            vec![(first, T::fraction(unit - rest, unit)), (first + 1, T::fraction(rest, unit))]
        }
        Method::Cubic => {
            // 4·(weight of an entry at d/unit) as a polynomial in d with a = −3/4, times unit³.
            let near = |d: i64| 5 * d * d * d - 9 * d * d * unit + 4 * unit * unit * unit;
            let far =
                |d: i64| -3 * d * d * d + 15 * d * d * unit - 24 * d * unit * unit + 12 * unit * unit * unit;
            let weigh = |value: i64| T::fraction(value, 4 * unit * unit * unit);
            vec![
                (first - 1, weigh(far(unit + rest))),
                (first, weigh(near(rest))),
                (first + 1, weigh(near(unit - rest))),
                (first + 2, weigh(far(2 * unit - rest))),
            ]
        }
    };
    all.into_iter().map(|(at, weight)| (at.clamp(0, length - 1), weight)).collect()
}

/// The entry of an axis that stands at a place in the padding; `None` if the image is too short.
fn mirrored(place: i64, length: i64, fill: Fill) -> Option<i64> {
    let at = match fill {
        _ if (0..length).contains(&place) => place,
        Fill::Replicate => place.clamp(0, length - 1),
        Fill::Reflect if place < 0 => -place,
        Fill::Reflect => 2 * (length - 1) - place,
        _ if place < 0 => -1 - place,
        _ => 2 * length - 1 - place,
    };
    (0..length).contains(&at).then_some(at)
}

/// The output of a stack; `None` where it has none.
pub(crate) fn run<T: Number>(stack: &[Layer], image: &Image<T>, weights: Weights<T>) -> Option<Image<T>> {
    let mut image = image.clone();
    for layer in stack {
        image = apply(layer, &image, weights)?;
    }
    Some(image)
}

fn apply<T: Number>(layer: &Layer, x: &Image<T>, weights: Weights<T>) -> Option<Image<T>> {
    let [c, h, w] = x.size;
    match layer {
        Layer::Conv { kernel, stride, dilation, padding, groups, bias } => {
            let [outputs, per_group, kh, kw] = kernel.shape;
            let extent = [(kh - 1) * dilation[0] + 1, (kw - 1) * dilation[1] + 1];
            let (sides, _) = resolved(*padding, [h, w], extent, *stride);
            let values = entries(kernel, weights);
            let padded = x.padded(sides)?;
            let count = |axis: usize| (padded.size[axis + 1] - extent[axis]).div_euclid(stride[axis]) + 1;
            Image::build([outputs, count(0), count(1)], |[o, i, j]| {
                let first = o / (outputs / groups) * per_group;
                let mut total: T = per_channel(bias, o);
                for n in 0..per_group * kh * kw {
                    let (m, u, v) = (n / (kh * kw), n / kw % kh, n % kw);
                    let at = [first + m, i * stride[0] + u * dilation[0], j * stride[1] + v * dilation[1]];
                    total = total.plus(&values[(o * per_group * kh * kw + n) as usize].times(&padded.at(at)));
                }
                total
            })
        }
        Layer::Transposed { kernel, stride, dilation, padding, more, groups, bias } => {
            let [inputs, per_group, kh, kw] = kernel.shape;
            let values = entries(kernel, weights);
            let [top, left, bottom, right] = *padding;
            let height = (h - 1) * stride[0] - top - bottom + dilation[0] * (kh - 1) + 1 + more[0];
            let width = (w - 1) * stride[1] - left - right + dilation[1] * (kw - 1) + 1 + more[1];
            let mut output =
                Image::build([per_group * groups, height, width], |[o, _, _]| per_channel(bias, o))?;
            for n in 0..inputs * h * w {
                let (m, i, j) = (n / (h * w), n / w % h, n % w);
                for n in 0..per_group * kh * kw {
                    let (o, u, v) = (n / (kh * kw), n / kw % kh, n % kw);
                    let row = stride[0] * i + dilation[0] * u - top;
                    let column = stride[1] * j + dilation[1] * v - left;
                    if (0..height).contains(&row) && (0..width).contains(&column) {
                        let to = ((m / (inputs / groups) * per_group + o) * height + row) * width + column;
                        let weight = &values[(m * per_group * kh * kw + n) as usize];
                        let cell: &mut T = &mut output.cells[to as usize];
                        *cell = cell.plus(&weight.times(&x.at([m, i, j])));
                    }
                }
            }
            Some(output)
        }
        Layer::Pool { average, size, stride, padding, count_padding, ceil } => {
            let (sides, fixed) = resolved(*padding, [h, w], *size, *stride);
            let length = [h, w];
            let count = |axis: usize| pooled(length[axis], axis, (*size, *stride, sides, fixed), *ceil);
            let within = |position: i64, axis: usize, counted: bool| {
                let (before, after) = if counted { (sides[axis], sides[axis + 2]) } else { (0, 0) };
                (-before..length[axis] + after).contains(&position)
            };
            Image::build([c, count(0), count(1)], |[o, i, j]| {
                let first = [i * stride[0] - sides[0], j * stride[1] - sides[1]];
                let (mut total, mut divisor) = (T::integer(0), 0);
                for [row, column] in
                    (0..size[0] * size[1]).map(|n| [first[0] + n / size[1], first[1] + n % size[1]])
                {
                    total = total.plus(&x.at([o, row, column]));
                    divisor += i64::from(within(row, 0, *count_padding) && within(column, 1, *count_padding));
                }
                if *average { total.times(&T::fraction(1, divisor)) } else { total }
            })
        }
        Layer::MaxPool { size, stride, padding, ceil } => {
            let (sides, fixed) = resolved(*padding, [h, w], *size, *stride);
            let count = |axis: usize| pooled([h, w][axis], axis, (*size, *stride, sides, fixed), *ceil);
            Image::build([c, count(0), count(1)], |[o, i, j]| {
                let first = [i * stride[0] - sides[0], j * stride[1] - sides[1]];
                let window =
                    (0..size[0] * size[1]).map(|n| [o, first[0] + n / size[1], first[1] + n % size[1]]);
                let inside = window.filter_map(|at| x.inside(at).cloned());
                inside.reduce(|a, b| a.larger(&b)).expect("every window holds an entry")
            })
        }
        Layer::Subsample([v, u]) => {
            Image::build([c, (h + v - 1) / v, (w + u - 1) / u], |[c, i, j]| x.at([c, i * v, j * u]))
        }
        Layer::Pad(sides) => x.padded(*sides),
        Layer::PadWith([top, left, bottom, right], fill) => {
            let size = [c, h + top + bottom, w + left + right];
            if let Fill::Value(value) = fill {
                return Image::build(size, |[c, i, j]| {
                    x.inside([c, i - top, j - left]).cloned().unwrap_or_else(|| written(value))
                });
            }
            let short = [-top, h + bottom - 1].iter().any(|&at| mirrored(at, h, *fill).is_none())
                || [-left, w + right - 1].iter().any(|&at| mirrored(at, w, *fill).is_none());
            if short {
                return None;
            }
            Image::build(size, |[c, i, j]| {
                let at = [mirrored(i - top, h, *fill), mirrored(j - left, w, *fill)];
                x.at([c, at[0].expect("long enough"), at[1].expect("long enough")])
            })
        }
        Layer::Scale(values) => Some(x.each(|c, cell| cell.times(&per_channel(values, c)))),
        Layer::Bias(values) => Some(x.each(|c, cell| cell.plus(&per_channel(values, c)))),
        Layer::BatchNorm([gamma, beta, mean, sigma]) => Some(x.each(|c, cell| {
            let c = if gamma.len() == 1 { 0 } else { c as usize };
            let centred = cell.plus(&T::integer(-mean[c]));
            centred.times(&T::fraction(gamma[c], sigma[c])).plus(&T::integer(beta[c]))
        })),
        Layer::Upsample([v, u]) => Image::build([c, h * v, w * u], |[c, i, j]| x.at([c, i / v, j / u])),
        Layer::ZeroInsert([v, u]) => Image::build([c, h * v, w * u], |[c, i, j]| {
            if i % v == 0 && j % u == 0 { x.at([c, i / v, j / u]) } else { T::integer(0) }
        }),
        Layer::SpaceToDepth(k) if h % k != 0 || w % k != 0 => None,
        Layer::SpaceToDepth(k) => Image::build([c * k * k, h / k, w / k], |[o, i, j]| {
            x.at([o / (k * k), i * k + o / k % k, j * k + o % k])
        }),
        Layer::DepthToSpace(k) => Image::build([c / (k * k), h * k, w * k], |[o, i, j]| {
            x.at([(o * k + i % k) * k + j % k, i / k, j / k])
        }),
        Layer::Select(from, to) => Image::build([to - from, h, w], |[c, i, j]| x.at([c + from, i, j])),
        Layer::Resize { factor, method, half_pixel } => {
            let length = |axis: usize| [h, w][axis] * factor[axis].0 / factor[axis].1;
            Image::build([c, length(0), length(1)], |[c, i, j]| {
                let rows: Vec<(i64, T)> = between(i, h, factor[0], *method, *half_pixel);
                let columns: Vec<(i64, T)> = between(j, w, factor[1], *method, *half_pixel);
                let mut total = T::integer(0);
                for (row, weight) in &rows {
                    for (column, other) in &columns {
                        total = total.plus(&weight.times(other).times(&x.at([c, *row, *column])));
                    }
                }
                total
            })
        }
        Layer::Permute(order) => Image::build(x.size, |[c, i, j]| x.at([order[c as usize], i, j])),
        Layer::ChannelShuffle(g) => Image::build(x.size, |[o, i, j]| x.at([o % g * (c / g) + o / g, i, j])),
        Layer::ChannelMean => Image::build([1, h, w], |[_, i, j]| {
            let sum = (0..c).fold(T::integer(0), |sum, c| sum.plus(&x.at([c, i, j])));
            sum.times(&T::fraction(1, c))
        }),
        Layer::Entrywise(function) => Some(x.each(|c, cell| {
            let smaller = |a: &T, b: &T| {
                let minus = |x: &T| x.times(&T::integer(-1));
                minus(&minus(a).larger(&minus(b)))
            };
            let zero = T::integer(0);
            match function {
                Entrywise::Leaky(slopes) => {
                    let below = smaller(cell, &zero).times(&per_channel(slopes, c));
                    cell.larger(&zero).plus(&below)
                }
                Entrywise::Clip(low, high) => smaller(&cell.larger(&T::integer(*low)), &T::integer(*high)),
                Entrywise::Abs => cell.larger(&cell.times(&T::integer(-1))),
                Entrywise::HardSigmoid | Entrywise::HardSwish => {
                    let value = cell.times(&T::fraction(1, 6)).plus(&T::fraction(1, 2));
                    let gate = smaller(&value.larger(&zero), &T::integer(1));
                    if *function == Entrywise::HardSwish { gate.times(cell) } else { gate }
                }
            }
        })),
        Layer::Relu => Some(x.each(|_, cell| cell.larger(&T::integer(0)))),
        Layer::GlobalAverage => {
            let share = T::fraction(1, h * w);
            let plane = (h * w) as usize;
            let means = x.cells.chunks(plane).map(|cells| cells.iter().fold(T::integer(0), |a, b| a.plus(b)));
            let cells = means.map(|sum| sum.times(&share)).collect();
            Some(Image { size: [c, 1, 1], cells })
        }
        Layer::Gated { plus, gate, .. } => {
            let gate = run(gate, x, weights)?;
            assert_eq!(gate.size, [c, 1, 1]);
            Some(x.each(|channel, cell| {
                let other = &gate.cells[channel as usize];
                if *plus { cell.plus(other) } else { cell.times(other) }
            }))
        }
        Layer::Dense(outputs, matrix, bias) => {
            let inputs = matrix.len() / *outputs as usize;
            if x.cells.len() != inputs {
                return None;
            }
            let row = |o: i64| &matrix[o as usize * inputs..][..inputs];
            Image::build([*outputs, 1, 1], |[o, _, _]| {
                let terms = row(o).iter().zip(&x.cells).map(|(&weight, cell)| T::integer(weight).times(cell));
                terms.fold(per_channel(bias, o), |sum: T, term| sum.plus(&term))
            })
        }
        Layer::Sum(branches) => {
            let mut total: Option<Image<T>> = None;
            for (factor, branch) in branches {
                let output = run(branch, x, weights)?.each(|_, cell| cell.times(&written(factor)));
                total = Some(match total {
                    None => output,
                    Some(before) if before.size != output.size => return None,
                    Some(before) => {
                        let cells = before.cells.iter().zip(&output.cells).map(|(a, b)| a.plus(b)).collect();
                        Image { size: before.size, cells }
                    }
                });
            }
            total
        }
        Layer::Concat(branches) => {
            let mut joined: Option<Image<T>> = None;
            for branch in branches {
                let output = run(branch, x, weights)?;
                joined = Some(match joined {
                    None => output,
                    Some(before) if before.size[1..] != output.size[1..] => return None,
                    Some(mut before) => {
                        before.size[0] += output.size[0];
                        before.cells.extend(output.cells);
                        before
                    }
                });
            }
            joined
        }
        Layer::Power(inner, exponent) => {
            let mut image = x.clone();
            for _ in 0..*exponent {
                image = run(inner, &image, weights)?;
            }
            Some(image)
        }
    }
}

/// Output channels for so many input channels; `None` where they do not fit.
pub(crate) fn channels(stack: &[Layer], inputs: i64) -> Option<i64> {
    stack.iter().try_fold(inputs, |c, layer| {
        let fits = |needed: usize| needed == 1 || needed as i64 == c;
        match layer {
            Layer::Conv { kernel, groups, .. } => (kernel.shape[1] * groups == c).then_some(kernel.shape[0]),
            Layer::Transposed { kernel, groups, .. } => {
                (kernel.shape[0] == c).then_some(kernel.shape[1] * groups)
            }
            Layer::Permute(order) => (order.len() as i64 == c).then_some(c),
            Layer::ChannelShuffle(groups) => (c % groups == 0).then_some(c),
            Layer::ChannelMean => Some(1),
            Layer::Entrywise(Entrywise::Leaky(slopes)) => fits(slopes.len()).then_some(c),
            Layer::Scale(values) | Layer::Bias(values) => fits(values.len()).then_some(c),
            Layer::BatchNorm([gamma, ..]) => fits(gamma.len()).then_some(c),
            Layer::SpaceToDepth(k) => Some(c * k * k),
            Layer::DepthToSpace(k) => (c % (k * k) == 0).then_some(c / (k * k)),
            Layer::Select(from, to) => (*to <= c).then_some(to - from),
            Layer::Dense(outputs, ..) => Some(*outputs),
            Layer::Sum(branches) => {
                let all: Option<Vec<i64>> = branches.iter().map(|(_, branch)| channels(branch, c)).collect();
                all.filter(|all| all.iter().all(|one| *one == all[0])).map(|all| all[0])
            }
            Layer::Concat(branches) => branches.iter().map(|branch| channels(branch, c)).sum(),
            Layer::Power(inner, exponent) => (0..*exponent).try_fold(c, |c, _| channels(inner, c)),
            _ => Some(c),
        }
    })
}
