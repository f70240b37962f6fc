//! Pairs of stacks that are equal by a known identity, or nearly so.

use std::sync::Arc;

use convproof::algebra::Rational;
use convproof::ir::{
    AveragePool, Conv, ConvTranspose, Ends, KernelTerm, Layer, MaxPool, Op, Padding, Stack, Symbols, ends,
};
use convproof::kernel::Shape;
use convproof::operator::Operators;
use proptest::prelude::*;

use crate::equality::build::{
    NO_PADDING, added, chain, composed, concat, conv, dilated, flipped, free, integer, layer,
    on_each_channel, padded, plain, pool, seeded, spread, subtracted, sum, times, total, upsample,
};
use crate::equality::stacks::{Choice, both, choice, sides, stride};

/// Numbers that the identities are made of.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    identity: usize,
    sizes: [[usize; 2]; 2],
    strides: [[usize; 2]; 2],
    dilations: [[usize; 2]; 2],
    sides: [[i64; 4]; 2],
    kernels: [Choice; 2],
    swapped: bool,
}

const LINEAR: usize = 31;
const NONLINEAR: usize = 4;

pub(crate) fn pair() -> impl Strategy<Value = Pair> {
    of(0..LINEAR)
}

pub(crate) fn nonlinear_pair() -> impl Strategy<Value = Pair> {
    of(LINEAR..LINEAR + NONLINEAR)
}

fn of(identities: std::ops::Range<usize>) -> impl Strategy<Value = Pair> {
    let size = || both(1..4);
    let dilation = || prop_oneof![2 => Just([1, 1]), 1 => both(1..3)];
    (
        identities,
        [size(), size()],
        [stride(), stride()],
        [dilation(), dilation()],
        [sides(0..3), sides(-1..3)],
        [choice(), choice()],
        any::<bool>(),
    )
        .prop_map(|(identity, sizes, strides, dilations, sides, kernels, swapped)| Pair {
            identity,
            sizes,
            strides,
            dilations,
            sides,
            kernels,
            swapped,
        })
}

fn signed(n: usize) -> i64 {
    i64::try_from(n).unwrap()
}

/// `a + n · b`, side by side.
fn plus(a: [i64; 4], n: [usize; 2], b: [i64; 4]) -> [i64; 4] {
    [0, 1, 2, 3].map(|side| a[side] + signed(n[side % 2]) * b[side])
}

fn product(a: [usize; 2], b: [usize; 2]) -> [usize; 2] {
    [a[0] * b[0], a[1] * b[1]]
}

fn subsample(stride: [usize; 2]) -> Arc<Stack> {
    layer(Layer::Subsample(stride))
}

fn pad(sides: [i64; 4]) -> Arc<Stack> {
    layer(Layer::Pad(ends(sides)))
}

fn scale(factor: &KernelTerm) -> Arc<Stack> {
    layer(Layer::Scale(factor.clone()))
}

fn bias(term: &KernelTerm) -> Arc<Stack> {
    layer(Layer::Bias(term.clone()))
}

fn pooled(pool: AveragePool) -> Arc<Stack> {
    layer(Layer::Pool(pool))
}

fn max(size: [usize; 2], stride: [usize; 2]) -> Arc<Stack> {
    layer(Layer::MaxPool(MaxPool { size, stride, padding: Padding::Sides(Ends::NONE), ceil_mode: false }))
}

fn tap(kernel: &KernelTerm, input: usize) -> KernelTerm {
    let kernel = kernel.kernel().as_concrete().unwrap();
    let shape = Shape { inputs: 1, ..kernel.shape() };
    KernelTerm::constant(kernel.gather(shape, |[o, _, i, j]| Some([o, input, i, j])).unwrap())
}

impl Pair {
    /// Both stacks after a signal of some channels, their output channels, and whether they must be equal;
    /// `None` where the identity needs other channels.
    pub(crate) fn stacks(&self, c: usize, symbols: &mut Symbols) -> Option<([Arc<Stack>; 2], usize, bool)> {
        let (sides, outputs, equal) = self.unswapped(c, symbols)?;
        let [left, right] = sides;
        Some((if self.swapped { [right, left] } else { [left, right] }, outputs, equal))
    }

    #[allow(clippy::too_many_lines, reason = "one arm for each identity")]
    fn unswapped(&self, c: usize, symbols: &mut Symbols) -> Option<([Arc<Stack>; 2], usize, bool)> {
        let [[h, w], [p, q]] = self.sizes;
        let [s, t] = self.strides;
        let [d, e] = self.dilations;
        let [sides, more] = self.sides;
        let [first, second] = self.kernels;
        let id = chain(&[]);
        let no_sides = [0; 4];
        // Made where needed, so that no symbol is declared in vain.
        let a = |symbols: &mut Symbols| first.kernel(symbols, [1, c, h, w]);
        let b = |symbols: &mut Symbols| second.kernel(symbols, [1, 1, p, q]);
        let scalar = |symbols: &mut Symbols| second.kernel(symbols, [1; 4]);
        let strided = |kernel: &KernelTerm, stride, dilation, sides| {
            conv(Conv { stride, dilation, padding: Padding::Sides(ends(sides)), ..plain(kernel) })
        };
        Some(match self.identity {
            // A stride before a convolution moves behind it and dilates it.
            0 => {
                let a = a(symbols);
                let left = chain(&[&subsample(s), &strided(&a, [1, 1], d, sides)]);
                let apart = strided(&a, [1, 1], product(d, s), plus(no_sides, s, sides));
                ([left, chain(&[&apart, &subsample(s)])], 1, true)
            }
            // Two convolutions are one; with padding in the second only in the interior.
            1 | 2 => {
                let (a, b) = (a(symbols), b(symbols));
                let inner = if self.identity == 1 { no_sides } else { more };
                let left = chain(&[&strided(&a, s, d, sides), &strided(&b, t, e, inner)]);
                let one = composed(&dilated(&a, d), &b, product(e, s));
                let right = strided(&one, product(s, t), [1, 1], plus(sides, s, inner));
                ([left, right], 1, inner == no_sides)
            }
            // A kernel split into two.
            3 => {
                let a = a(symbols);
                let part = seeded([1, c, h, w], 12);
                let rest = subtracted(&a, &part);
                let padding = if self.swapped { Padding::SameUpper } else { Padding::Sides(ends(sides)) };
                let with =
                    |kernel: &KernelTerm| conv(Conv { stride: s, dilation: d, padding, ..plain(kernel) });
                ([with(&a), sum(&[(1, &with(&part)), (1, &with(&rest))])], 1, true)
            }
            // Pooling is convolution with equal weights.
            4 => {
                let area = Rational::ratio(1, signed(h * w))?;
                let kernel = on_each_channel(c, [h, w], &area);
                let padding = if self.swapped { Padding::SameLower } else { Padding::Sides(ends(sides)) };
                let right = conv(Conv { stride: s, padding, ..plain(&kernel) });
                ([pooled(pool([h, w], s, padding)), right], c, true)
            }
            // Padding apart.
            5 => {
                let a = a(symbols);
                let left = chain(&[&pad(more), &strided(&a, s, d, sides)]);
                let equal = more.iter().all(|&side| side >= 0);
                ([left, strided(&a, s, d, plus(sides, [1, 1], more))], 1, equal)
            }
            // A bias before a convolution; with padding only in the interior.
            6 | 7 if c == 1 => {
                let (a, x) = (a(symbols), scalar(symbols));
                let sides = if self.identity == 6 { no_sides } else { sides };
                let after = times(&x, &total(&a));
                let left = chain(&[&bias(&x), &strided(&a, s, d, sides)]);
                let right = chain(&[&strided(&a, s, d, sides), &bias(&after)]);
                ([left, right], 1, sides == no_sides)
            }
            // Upsampling is a transposed convolution.
            8 => {
                let block = on_each_channel(c, s, &Rational::from(1));
                ([upsample(s, true), layer(Layer::ConvTranspose(spread(&block, s)))], c, true)
            }
            9 => {
                let one = on_each_channel(c, [1, 1], &Rational::from(1));
                let output_padding = s.map(|n| n - 1);
                let right = layer(Layer::ConvTranspose(ConvTranspose { output_padding, ..spread(&one, s) }));
                ([upsample(s, false), right], c, true)
            }
            // A common first layer, a common last layer.
            10 => {
                let (a, b, other) = (a(symbols), b(symbols), seeded([1, 1, p, q], 22));
                let inner = strided(&a, s, d, sides);
                let with = |kernel: &KernelTerm| strided(kernel, t, e, more);
                let left = chain(&[&inner, &sum(&[(2, &with(&b)), (-1, &with(&other))])]);
                let branch = |kernel| chain(&[&inner, &with(kernel)]);
                ([left, sum(&[(2, &branch(&b)), (-1, &branch(&other))])], 1, true)
            }
            11 => {
                let (a, b, other) = (a(symbols), b(symbols), seeded([1, c, h, w], 22));
                let with = |kernel: &KernelTerm| strided(kernel, s, d, sides);
                let last = strided(&b, t, e, more);
                let left = chain(&[&sum(&[(3, &with(&a)), (-2, &with(&other))]), &last]);
                let branch = |kernel| chain(&[&with(kernel), &last]);
                ([left, sum(&[(3, &branch(&a)), (-2, &branch(&other))])], 1, true)
            }
            // Scaling before and after.
            12 => {
                let (a, x) = (a(symbols), scalar(symbols));
                let layer = strided(&a, s, d, sides);
                ([chain(&[&scale(&x), &layer]), chain(&[&layer, &scale(&x)])], 1, true)
            }
            13 => {
                let x = scalar(symbols);
                let padding = if self.swapped { Padding::SameUpper } else { Padding::Sides(Ends::NONE) };
                let layer = pooled(AveragePool { count_include_pad: false, ..pool([h, w], s, padding) });
                ([chain(&[&scale(&x), &layer]), chain(&[&layer, &scale(&x)])], c, true)
            }
            // Space to depth and back, which needs even sizes.
            14 => {
                let there_and_back = chain(&[&layer(Layer::SpaceToDepth(2)), &layer(Layer::DepthToSpace(2))]);
                ([there_and_back, id], c, false)
            }
            15 if c == 4 => {
                let back_and_forth = chain(&[&layer(Layer::DepthToSpace(2)), &layer(Layer::SpaceToDepth(2))]);
                ([back_and_forth, id], c, true)
            }
            // SAME padding at stride 1 does not depend on the size.
            16 => {
                let a = a(symbols);
                let total = [(h - 1) * d[0], (w - 1) * d[1]].map(signed);
                let before = total.map(|n| n / 2);
                let explicit = [before[0], before[1], total[0] - before[0], total[1] - before[1]];
                let left = conv(Conv { dilation: d, padding: Padding::SameUpper, ..plain(&a) });
                ([left, strided(&a, [1, 1], d, explicit)], 1, true)
            }
            // A stride apart.
            17 => {
                let a = a(symbols);
                let apart = chain(&[&strided(&a, [1, 1], d, sides), &subsample(s)]);
                ([strided(&a, s, d, sides), apart], 1, true)
            }
            // Joined channels and their mix.
            18 => {
                let (a, other) = (a(symbols), seeded([2, c, h, w], 8));
                let mix = seeded([1, 3, p, q], 31);
                let with = |kernel: &KernelTerm| strided(kernel, s, d, sides);
                let last = |kernel: &KernelTerm| strided(kernel, t, [1, 1], more);
                let left = chain(&[&concat(&[&with(&a), &with(&other)]), &last(&mix)]);
                let taps: Vec<_> = (0..3).map(|n| last(&tap(&mix, n))).collect();
                let picked = |n| chain(&[&with(&other), &layer(Layer::Select { from: n, to: n + 1 })]);
                let parts = [(&with(&a), 0), (&picked(0), 1), (&picked(1), 2)];
                let parts = parts.map(|(branch, n): (&Arc<Stack>, usize)| chain(&[branch, &taps[n]]));
                ([left, sum(&[(1, &parts[0]), (1, &parts[1]), (1, &parts[2])])], 1, true)
            }
            // A transposed convolution without stride is a convolution with the kernel turned.
            19 if c == 1 => {
                let a = a(symbols);
                let transposed = ConvTranspose { dilation: d, padding: ends(more), ..spread(&a, [1, 1]) };
                let total = [(h - 1) * d[0], (w - 1) * d[1], (h - 1) * d[0], (w - 1) * d[1]].map(signed);
                let right = strided(&flipped(&a), [1, 1], d, plus(total, [1, 1], more.map(|side| -side)));
                ([layer(Layer::ConvTranspose(transposed)), right], 1, true)
            }
            // Divisors count padding or not.
            20 => {
                let padding = match (self.swapped, more[0] > 0) {
                    (true, true) => Padding::SameUpper,
                    _ => NO_PADDING,
                };
                let one = pool([h, w], s, padding);
                let other = AveragePool { count_include_pad: false, ..one.clone() };
                ([pooled(one), pooled(other)], c, padding == NO_PADDING)
            }
            // Nothing, in many ways.
            21 => {
                let nothing = [
                    pad(no_sides),
                    scale(&integer(1)),
                    subsample([1, 1]),
                    upsample([1, 1], self.swapped),
                    sum(&[(2, &id), (-1, &id)]),
                    chain(&[&pad([1, 2, 0, 3]), &pad([-1, -2, 0, -3])]),
                    chain(&[&upsample(s, true), &pooled(pool(s, s, NO_PADDING))]),
                    chain(&[&upsample(s, false), &subsample(s)]),
                ];
                ([nothing[h + 2 * (p - 1)].clone(), id], c, true)
            }
            // Means of means.
            22 => {
                let chained = chain(&[
                    &pooled(pool([h, w], [h, w], NO_PADDING)),
                    &pooled(pool([p, q], [p, q], NO_PADDING)),
                ]);
                let whole = product([h, w], [p, q]);
                ([chained, pooled(pool(whole, whole, NO_PADDING))], c, true)
            }
            // One channel's convolutions commute where nothing is cut.
            23 if c == 1 => {
                let (a, b) = (a(symbols), b(symbols));
                let (one, other) = (strided(&a, [1, 1], d, no_sides), strided(&b, [1, 1], e, no_sides));
                ([chain(&[&one, &other]), chain(&[&other, &one])], 1, true)
            }
            // The same with padding in the first.
            24 if c == 1 => {
                let (a, b) = (a(symbols), b(symbols));
                let (one, other) = (strided(&a, [1, 1], d, sides), strided(&b, [1, 1], e, sides));
                ([chain(&[&one, &other]), chain(&[&other, &one])], 1, false)
            }
            // Twice and back.
            25 => {
                let layer = strided(&a(symbols), s, d, sides);
                ([sum(&[(2, &layer), (-1, &layer)]), layer], 1, true)
            }
            // A selection of joined channels.
            26 => {
                let (a, other) = (a(symbols), seeded([2, c, h, w], 8));
                let with = |kernel: &KernelTerm| strided(kernel, s, d, sides);
                let joined = concat(&[&with(&other), &with(&a)]);
                ([chain(&[&joined, &layer(Layer::Select { from: 2, to: 3 })]), with(&a)], 1, true)
            }
            // Pooling and then a convolution, as one strided convolution.
            27 | 28 => {
                let a = a(symbols);
                let sides = if self.identity == 27 { no_sides } else { sides };
                let window = [p, q];
                let left = chain(&[&pooled(pool(window, window, NO_PADDING)), &strided(&a, s, d, sides)]);
                let mean = on_each_channel(c, window, &Rational::ratio(1, signed(p * q))?);
                let one = composed(&mean, &a, product(d, window));
                let right = strided(&one, product(window, s), [1, 1], plus(no_sides, window, sides));
                ([left, right], 1, sides == no_sides)
            }
            // Sums of kernels in one layer and in two branches, free and concrete.
            29 => {
                let a = a(symbols);
                let other = free(symbols, [1, c, h, w]);
                let with = |kernel: &KernelTerm| strided(kernel, s, d, sides);
                let left = with(&added(&a, &other));
                ([left, sum(&[(1, &with(&other)), (1, &with(&a))])], 1, true)
            }
            // A convolution after nearest upsampling and a transposed one.
            30 if c == 1 => {
                let a = a(symbols);
                let left = chain(&[&upsample(s, true), &strided(&a, [1, 1], [1, 1], sides)]);
                let block = on_each_channel(1, s, &Rational::from(1));
                let kernel = composed(&flipped(&a), &block, [1, 1]);
                let padding =
                    ends([(h, 0), (w, 1), (h, 2), (w, 3)].map(|(taps, side)| signed(taps) - 1 - sides[side]));
                let right = layer(Layer::ConvTranspose(ConvTranspose { padding, ..spread(&kernel, s) }));
                ([left, right], 1, true)
            }
            // relu and maxima.
            31 => ([chain(&[&layer(Layer::Relu), &layer(Layer::Relu)]), layer(Layer::Relu)], c, true),
            32 => {
                let pool = max([h, w], s);
                let relu = layer(Layer::Relu);
                ([chain(&[&relu, &pool]), chain(&[&pool, &relu])], c, true)
            }
            33 => {
                let whole = [0, 1].map(|axis| self.sizes[0][axis] + (self.sizes[1][axis] - 1) * s[axis]);
                ([chain(&[&max([h, w], s), &max([p, q], t)]), max(whole, product(s, t))], c, true)
            }
            34 => {
                let relu = layer(Layer::Relu);
                let (two, three) = (scale(&integer(2)), subsample(s));
                ([chain(&[&three, &relu, &two]), chain(&[&two, &relu, &three])], c, true)
            }
            _ => return None,
        })
    }
}

/// The stack with one layer changed: a weight, a side of the padding, a stride or a divisor.
pub(crate) fn mutated(stack: &Arc<Stack>, place: usize, change: usize) -> Arc<Stack> {
    let place = place % stack.layers().count().max(1);
    let mut at = 0..;
    let mutated = stack.rebuilt(|op| {
        Some(match op {
            Op::Layer(layer, of) if at.next() == Some(place) => {
                Op::Layer(Arc::new(changed(layer, change)), of)
            }
            Op::Layer(layer, of) => Op::Layer(Arc::new(layer.clone()), of),
            Op::Sum(terms) => Op::Sum(terms.map(|(factor, branch)| (factor.clone(), branch))),
            Op::Product(factors) => Op::Product(factors),
            Op::Concat(parts) => Op::Concat(parts),
            Op::Broadcast(both) => Op::Broadcast(both),
        })
    });
    Arc::new(mutated.unwrap())
}

fn moved(padding: Padding, change: usize) -> Padding {
    match padding {
        Padding::Sides(mut ends) => {
            match change % 3 {
                0 => ends[0] = Ends { before: ends[0].before + 1, after: ends[0].after - 1 },
                1 => ends[1].before += 1,
                _ => ends[0] = Ends { before: ends[0].before - 1, after: ends[0].after + 1 },
            }
            Padding::Sides(ends)
        }
        Padding::SameUpper => Padding::SameLower,
        Padding::SameLower => Padding::SameUpper,
    }
}

fn changed(one: &Layer, change: usize) -> Layer {
    match one {
        Layer::Conv(conv) => {
            let mut conv = conv.clone();
            let shape = conv.kernel.shape();
            match change {
                0 | 1 => {
                    let count = conv.kernel.len();
                    let at = (count / 2 + change) % count;
                    let unit = (0..count).map(|n| i64::from(n == at)).collect();
                    let shape = [shape.outputs, shape.inputs, shape.height, shape.width];
                    conv.kernel = added(&conv.kernel, &crate::equality::build::concrete(shape, unit));
                }
                2 => conv.stride[1] += 1,
                _ => conv.padding = moved(conv.padding, change),
            }
            Layer::Conv(conv)
        }
        Layer::ConvTranspose(conv) => {
            let mut conv = conv.clone();
            if let Padding::Sides(sides) = moved(Padding::Sides(conv.padding), change) {
                conv.padding = sides;
            }
            Layer::ConvTranspose(conv)
        }
        Layer::Pool(pool) => {
            let mut pool = pool.clone();
            match change {
                0 => pool.average = !pool.average,
                1 => pool.count_include_pad = !pool.count_include_pad,
                2 => pool.ceil_mode = !pool.ceil_mode,
                3 if pool.size[0] > 1 && pool.padding == NO_PADDING => {
                    pool.padding = Padding::Sides(ends([1, 0, 0, 0]));
                }
                _ => pool.size[1] += 1,
            }
            Layer::Pool(pool)
        }
        Layer::Subsample([v, h]) => Layer::Subsample([*v, h + 1]),
        Layer::Pad(sides) => match moved(Padding::Sides(*sides), change) {
            Padding::Sides(sides) => Layer::Pad(sides),
            _ => Layer::Pad(*sides),
        },
        Layer::Scale(factor) => Layer::Scale(added(factor, &shaped_like(factor))),
        Layer::Bias(term) => Layer::Bias(added(term, &shaped_like(term))),
        Layer::Upsample(upsample) => {
            let mut upsample = *upsample;
            upsample.nearest = !upsample.nearest;
            Layer::Upsample(upsample)
        }
        other => other.clone(),
    }
}

fn shaped_like(term: &KernelTerm) -> KernelTerm {
    let shape = term.shape();
    let shape = [shape.outputs, shape.inputs, shape.height, shape.width];
    crate::equality::build::concrete(shape, vec![1; shape.iter().product()])
}

/// The stacks with layers behind them that make their total strides equal, and their sizes at large inputs.
pub(crate) fn levelled(left: &Arc<Stack>, right: &Arc<Stack>) -> (Arc<Stack>, Arc<Stack>) {
    let length = |stack: &Arc<Stack>| {
        let mut operators = Operators::new(1, None);
        let input = operators.input().unwrap();
        operators.apply(stack, input).ok().map(|map| map.length)
    };
    let (Some(a), Some(b)) = (length(left), length(right)) else { return (left.clone(), right.clone()) };
    let ratios = [0, 1].map(|axis| a[axis].slope().checked_div(&b[axis].slope()).unwrap());
    let part = |pick: fn((i64, i64)) -> i64| {
        let parts = ratios.each_ref().map(|ratio| ratio.as_small_parts().unwrap());
        subsample(parts.map(|ratio| usize::try_from(pick(ratio)).unwrap()))
    };
    let left = chain(&[left, &part(|(numerator, _)| numerator)]);
    let right = chain(&[right, &part(|(_, denominator)| denominator)]);
    let (Some(a), Some(b)) = (length(&left), length(&right)) else { return (left, right) };
    let missing = |axis: usize| {
        let at = |lengths: &[Arc<convproof::operator::Length>; 2]| lengths[axis].at(60).unwrap_or(0);
        at(&a) - at(&b)
    };
    let right = chain(&[&right, &pad([0, 0, missing(0), missing(1)])]);
    (left, right)
}

/// The stack with free scalars more: an added bias, an added share of itself, an added convolution.
pub(crate) fn with_scalars(
    left: &Arc<Stack>,
    channels: usize,
    kinds: &[usize],
    symbols: &mut Symbols,
) -> Arc<Stack> {
    let mut right = left.clone();
    for kind in kinds {
        let x = free(symbols, [1; 4]);
        right = match kind {
            0 => chain(&[&right, &bias(&x)]),
            1 => sum(&[(1, &right), (1, &chain(&[&right, &scale(&x)]))]),
            _ => {
                let blur = on_each_channel(channels, [3, 3], &Rational::from(1));
                let blurred = padded(&blur, [1; 4]);
                sum(&[(1, &right), (1, &chain(&[&right, &blurred, &scale(&x)]))])
            }
        };
    }
    right
}
