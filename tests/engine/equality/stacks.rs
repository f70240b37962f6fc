//! Random stacks: plans that shrink, and the stacks that they stand for.

use std::sync::Arc;

use convproof::ir::{
    AveragePool, Axes, Conv, ConvTranspose, Ends, Layer, MaxPool, Padding, Stack, Symbols, Upsample, ends,
};
use proptest::prelude::*;

use crate::equality::build::{chain, concat, conv, free, integer, layer, plain, seeded, spread, sum};

/// A layer or branches, before channels are known.
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    Conv {
        outputs: usize,
        size: [usize; 2],
        stride: [usize; 2],
        dilation: [usize; 2],
        padding: Padding,
        bias: bool,
        weights: Choice,
    },
    Transpose {
        size: [usize; 2],
        stride: [usize; 2],
        dilation: [usize; 2],
        crop: Axes<Ends>,
        more: [usize; 2],
        weights: Choice,
    },
    Pool(AveragePool),
    Max(MaxPool),
    Subsample([usize; 2]),
    Pad(Axes<Ends>),
    Scale(Choice),
    Bias(Choice),
    Upsample(Upsample),
    SpaceToDepth,
    DepthToSpace,
    Select(usize),
    /// As many groups as channels; transposed or not.
    Grouped {
        per_group: usize,
        size: [usize; 2],
        stride: [usize; 2],
        transposed: bool,
        weights: Choice,
    },
    GlobalAverage,
    Relu,
    /// Branches that start from one signal, weighted.
    Sum(Vec<(i64, Vec<Plan>)>),
    Concat(Vec<Vec<Plan>>),
}

/// Weights: free, or concrete by seed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Choice {
    Free,
    Seed(u64),
}

pub(crate) fn choice() -> impl Strategy<Value = Choice> {
    prop_oneof![1 => Just(Choice::Free), 3 => any::<u16>().prop_map(|seed| Choice::Seed(seed.into()))]
}

impl Choice {
    pub(crate) fn kernel(self, symbols: &mut Symbols, shape: [usize; 4]) -> convproof::ir::KernelTerm {
        match self {
            Self::Free if shape[0] * shape[1] <= 2 => free(symbols, shape),
            Self::Free => seeded(shape, 7),
            Self::Seed(seed) => seeded(shape, seed),
        }
    }
}

/// Mostly the same number on both axes.
pub(crate) fn both(range: std::ops::Range<usize>) -> impl Strategy<Value = [usize; 2]> {
    prop_oneof![2 => range.clone().prop_map(|n| [n, n]), 1 => [range.clone(), range]]
}

pub(crate) fn stride() -> impl Strategy<Value = [usize; 2]> {
    prop_oneof![4 => Just([1, 1]), 3 => Just([2, 2]), 1 => both(1..4)]
}

pub(crate) fn sides(range: std::ops::Range<i64>) -> impl Strategy<Value = [i64; 4]> {
    let side = range.clone();
    prop_oneof![
        2 => Just([0; 4]),
        2 => side.prop_map(|n| [n; 4]),
        2 => [range.clone(), range.clone(), range.clone(), range]
    ]
}

pub(crate) fn padding() -> impl Strategy<Value = Padding> {
    prop_oneof![
        5 => sides(0..3).prop_map(|all| Padding::Sides(ends(all))),
        1 => sides(-1..3).prop_map(|all| Padding::Sides(ends(all))),
        1 => Just(Padding::SameUpper),
        1 => Just(Padding::SameLower),
    ]
}

/// A convolution.
pub(crate) fn conv_plan() -> impl Strategy<Value = Plan> {
    let outputs = prop_oneof![6 => Just(1usize), 1 => 2..4usize];
    let dilation = prop_oneof![3 => Just([1, 1]), 1 => both(1..3)];
    (outputs, both(1..4), stride(), dilation, padding(), prop::bool::weighted(0.3), choice()).prop_map(
        |(outputs, size, stride, dilation, padding, bias, weights)| Plan::Conv {
            outputs,
            size,
            stride,
            dilation,
            padding,
            bias,
            weights,
        },
    )
}

/// Pools whose windows always hold a real entry: less padding than the window, as specs demand.
pub(crate) fn pool_plan() -> impl Strategy<Value = Plan> {
    (both(1..4), both(1..4), padding(), any::<[bool; 3]>()).prop_map(|(size, stride, padding, flags)| {
        let [average, count_include_pad, ceil_mode] = flags;
        let padding = match padding {
            Padding::Sides(all) => {
                let within = |axis: usize, n: i64| n.clamp(0, i64::try_from(size[axis] - 1).unwrap());
                Padding::Sides([0, 1].map(|axis| all[axis].map(|n| within(axis, n))))
            }
            same => same,
        };
        Plan::Pool(AveragePool { average, size, stride, padding, count_include_pad, ceil_mode })
    })
}

fn transpose_plan() -> impl Strategy<Value = Plan> {
    (both(1..4), stride(), both(1..3), sides(-1..3).prop_map(ends), both(0..2), choice()).prop_map(
        |(size, stride, dilation, crop, more, weights)| Plan::Transpose {
            size,
            stride,
            dilation,
            crop,
            more,
            weights,
        },
    )
}

/// A layer that keeps the size.
fn keeping() -> impl Strategy<Value = Plan> {
    let same =
        (both(1..4), both(1..3), any::<bool>(), choice()).prop_map(|(size, dilation, upper, weights)| {
            let padding = if upper { Padding::SameUpper } else { Padding::SameLower };
            Plan::Conv { outputs: 1, size, stride: [1, 1], dilation, padding, bias: false, weights }
        });
    prop_oneof![4 => same, 1 => choice().prop_map(Plan::Scale), 1 => choice().prop_map(Plan::Bias)]
}

/// A linear layer.
pub(crate) fn layer_plan() -> impl Strategy<Value = Plan> {
    prop_oneof![
        6 => conv_plan(),
        3 => pool_plan(),
        1 => stride().prop_map(Plan::Subsample),
        2 => sides(-2..3).prop_map(|all| Plan::Pad(ends(all))),
        1 => choice().prop_map(Plan::Scale),
        1 => choice().prop_map(Plan::Bias),
        1 => (both(1..4), any::<bool>()).prop_map(|(factor, nearest)| Plan::Upsample(Upsample { factor, nearest })),
        2 => transpose_plan(),
        1 => Just(Plan::SpaceToDepth),
        1 => Just(Plan::DepthToSpace),
        1 => (0..4usize).prop_map(Plan::Select),
        1 => (1..3usize, both(1..4), stride(), any::<bool>(), choice()).prop_map(
            |(per_group, size, stride, transposed, weights)| {
                Plan::Grouped { per_group, size, stride, transposed, weights }
            }
        ),
    ]
}

/// Branches whose sizes mostly agree: the same first layer with other weights, then layers that keep the size.
fn branches() -> impl Strategy<Value = Vec<Vec<Plan>>> {
    let first = prop_oneof![2 => Just(None), 3 => layer_plan().prop_map(Some)];
    let tail = (prop::collection::vec(keeping(), 0..2), choice(), 0..10usize);
    let tails = prop::collection::vec(tail, 2..4);
    (first, tails).prop_map(|(first, tails)| {
        let branch = |(tail, weights, change): (Vec<Plan>, Choice, usize)| {
            let first = first.clone().map(|plan| rounded(reweighted(plan, weights), change));
            first.into_iter().chain(tail).collect()
        };
        tails.into_iter().map(branch).collect()
    })
}

/// The same layer, or one whose output has the same size only for some inputs.
fn rounded(mut plan: Plan, change: usize) -> Plan {
    match (&mut plan, change) {
        (Plan::Conv { padding, .. }, 0) => *padding = Padding::SameUpper,
        (Plan::Conv { padding: Padding::Sides(sides), .. }, 1) => sides[0].after += 1,
        (Plan::Pool(pool), 0) => pool.ceil_mode = !pool.ceil_mode,
        (Plan::Pool(pool), 1) => pool.padding = Padding::SameLower,
        _ => {}
    }
    plan
}

fn reweighted(plan: Plan, choice: Choice) -> Plan {
    match plan {
        Plan::Conv { outputs, size, stride, dilation, padding, bias, .. } => {
            Plan::Conv { outputs, size, stride, dilation, padding, bias, weights: choice }
        }
        Plan::Transpose { size, stride, dilation, crop, more, .. } => {
            Plan::Transpose { size, stride, dilation, crop, more, weights: choice }
        }
        other => other,
    }
}

/// A linear layer or branches.
pub(crate) fn linear() -> impl Strategy<Value = Plan> {
    let sums = branches().prop_flat_map(|branches| {
        let count = branches.len();
        (Just(branches), prop::collection::vec(prop_oneof![Just(1i64), -2..3i64], count))
            .prop_map(|(branches, factors)| Plan::Sum(factors.into_iter().zip(branches).collect()))
    });
    prop_oneof![6 => layer_plan(), 2 => sums, 1 => branches().prop_map(Plan::Concat)]
}

/// `relu`, `maxpool` or a linear layer.
pub(crate) fn any_layer() -> impl Strategy<Value = Plan> {
    prop_oneof![12 => linear(), 4 => Just(Plan::Relu), 4 => max_plan(), 1 => Just(Plan::GlobalAverage)]
}

pub(crate) fn max_plan() -> impl Strategy<Value = Plan> {
    (both(1..4), both(1..4), sides(0..2)).prop_map(|(size, stride, padding)| {
        let most = [size[0], size[1], size[0], size[1]].map(|n| i64::try_from(n - 1).unwrap());
        let padding = [0, 1, 2, 3].map(|side| padding[side].min(most[side]));
        Plan::Max(MaxPool { size, stride, padding: Padding::Sides(ends(padding)), ceil_mode: false })
    })
}

/// Most channels that a plan goes on with; more are reduced to one.
const MAX_CHANNELS: usize = 4;

/// The stack of a plan and its output channels.
pub(crate) fn built(plan: &Plan, channels: usize, symbols: &mut Symbols) -> (Arc<Stack>, usize) {
    let single = |one: Layer| (layer(one), channels);
    match plan {
        Plan::Conv { outputs, size: [h, w], stride, dilation, padding, bias, weights } => {
            let kernel = weights.kernel(symbols, [*outputs, channels, *h, *w]);
            let bias = bias.then(|| match weights {
                Choice::Free => free(symbols, [1; 4]),
                Choice::Seed(seed) => seeded([1, 1, 1, *outputs], seed + 1),
            });
            let layer =
                Conv { stride: *stride, dilation: *dilation, padding: *padding, bias, ..plain(&kernel) };
            (conv(layer), *outputs)
        }
        Plan::Transpose { size: [h, w], stride, dilation, crop, more, weights } => {
            let kernel = weights.kernel(symbols, [channels, 1, *h, *w]);
            // Frameworks add fewer rows than the stride.
            let output_padding = [0, 1].map(|axis| more[axis].min(stride[axis].max(dilation[axis]) - 1));
            let layer_ = ConvTranspose {
                dilation: *dilation,
                padding: *crop,
                output_padding,
                ..spread(&kernel, *stride)
            };
            (layer(Layer::ConvTranspose(layer_)), 1)
        }
        Plan::Pool(pool) => single(Layer::Pool(pool.clone())),
        Plan::Max(pool) => single(Layer::MaxPool(pool.clone())),
        Plan::Subsample(stride) => single(Layer::Subsample(*stride)),
        Plan::Pad(sides) => single(Layer::Pad(*sides)),
        Plan::Scale(choice) => single(Layer::Scale(match choice {
            Choice::Free => free(symbols, [1; 4]),
            Choice::Seed(seed) => integer((seed % 5).cast_signed() - 2),
        })),
        Plan::Bias(choice) => single(Layer::Bias(match choice {
            Choice::Free => free(symbols, [1; 4]),
            Choice::Seed(seed) => seeded([1, 1, 1, channels], *seed),
        })),
        Plan::Upsample(upsample) => single(Layer::Upsample(*upsample)),
        Plan::SpaceToDepth if channels == 1 => (layer(Layer::SpaceToDepth(2)), 4),
        Plan::DepthToSpace if channels == 4 => (layer(Layer::DepthToSpace(2)), 1),
        Plan::SpaceToDepth | Plan::DepthToSpace => (chain(&[]), channels),
        Plan::Select(n) => {
            let from = n % channels;
            (layer(Layer::Select { from, to: from + 1 }), 1)
        }
        Plan::Grouped { per_group, size: [h, w], stride, transposed, weights } => {
            let outputs = channels * per_group;
            let layer_ = if *transposed {
                let kernel = weights.kernel(symbols, [channels, *per_group, *h, *w]);
                Layer::ConvTranspose(ConvTranspose { groups: channels, ..spread(&kernel, *stride) })
            } else {
                let kernel = weights.kernel(symbols, [outputs, 1, *h, *w]);
                Layer::Conv(Conv { groups: channels, stride: *stride, ..plain(&kernel) })
            };
            (layer(layer_), outputs)
        }
        Plan::GlobalAverage => single(Layer::GlobalAverage),
        Plan::Relu => single(Layer::Relu),
        Plan::Sum(branches) => {
            let stacks: Vec<_> =
                branches.iter().map(|(factor, plans)| (*factor, chained(plans, channels, symbols))).collect();
            let outputs = stacks[0].1.1;
            let fitted = stacks.into_iter().enumerate().map(|(n, (factor, (branch, found)))| {
                let branch = if found == outputs {
                    branch
                } else {
                    let mix = seeded([outputs, found, 1, 1], u64::try_from(n).unwrap() + 1);
                    chain(&[&branch, &conv(plain(&mix))])
                };
                (factor, branch)
            });
            let fitted: Vec<_> = fitted.collect();
            (sum(&fitted.iter().map(|(factor, branch)| (*factor, branch)).collect::<Vec<_>>()), outputs)
        }
        Plan::Concat(branches) => {
            let stacks: Vec<_> = branches.iter().map(|plans| chained(plans, channels, symbols)).collect();
            let outputs = stacks.iter().map(|(_, channels)| channels).sum();
            (concat(&stacks.iter().map(|(branch, _)| branch).collect::<Vec<_>>()), outputs)
        }
    }
}

/// The plans one after the other.
pub(crate) fn chained(plans: &[Plan], channels: usize, symbols: &mut Symbols) -> (Arc<Stack>, usize) {
    let mut channels = channels;
    let mut stacks = Vec::new();
    for plan in plans {
        let (next, outputs) = built(plan, channels, symbols);
        stacks.push(next);
        channels = outputs;
        if channels > MAX_CHANNELS {
            stacks.push(conv(plain(&seeded([1, channels, 1, 1], 5))));
            channels = 1;
        }
    }
    (chain(&stacks.iter().collect::<Vec<_>>()), channels)
}
