//! Two stacks that are equal by construction, perhaps at some sizes only.

use super::evaluate::channels;
use super::random::Maker;
use super::spec::{Condition, Entries, Entrywise, Fill, Kernel, Layer, Length, Padding, Stack};

/// Both stacks from so many channels, and where they are equal; `None` is everywhere.
pub(crate) struct Rewrite {
    pub(crate) sides: [Stack; 2],
    pub(crate) at: Option<Condition>,
}

fn plain(kernel: Kernel, stride: [i64; 2], padding: [i64; 4]) -> Layer {
    let padding = Padding::Sides(padding);
    Layer::Conv { kernel, stride, dilation: [1, 1], padding, groups: 1, bias: Vec::new() }
}

fn numbers(shape: [i64; 4], values: Vec<i64>) -> Kernel {
    Kernel { shape, entries: Entries::Numbers(values) }
}

/// `1` where the output channel is the input channel.
fn diagonal(c: i64, [h, w]: [i64; 2], value: i64) -> Kernel {
    let same = (0..c * c).map(|n| i64::from(n / c == n % c) * value);
    numbers([c, c, h, w], same.flat_map(|value| vec![value; (h * w) as usize]).collect())
}

/// Two convolutions and the composite.
fn two_convolutions(maker: &mut Maker, c: i64) -> [Stack; 2] {
    let ([ah, aw], [bh, bw]) = (maker.random.pair(1, 3), maker.random.pair(1, 3));
    let middle = maker.random.pick(&[1, 1, 2]);
    let (a, b) = (maker.kernel([middle, c, ah, aw]), maker.kernel([1, middle, bh, bw]));
    let (s, t) = (maker.random.pair(1, 2), maker.random.pair(1, 2));
    let sides = maker.sides(-1, 2);
    // What the second one reads beyond the first one's output is not what the composite reads there.
    let shape = [1, c, ah + (bh - 1) * s[0], aw + (bw - 1) * s[1]];
    let entries = Entries::Product(Box::new(a.clone()), Box::new(b.clone()), s);
    let both = Kernel { shape, entries };
    let composite = plain(both, [s[0] * t[0], s[1] * t[1]], sides);
    [vec![plain(a, s, sides), plain(b, t, [0; 4])], vec![composite]]
}

/// A transposed convolution as one of the spread image.
fn transposed(maker: &mut Maker, c: i64) -> [Stack; 2] {
    let [h, w] = maker.random.pair(1, 3);
    let values = maker.random.numbers(c * h * w, -3, 3);
    let plane = (h * w) as usize;
    let flipped = values.chunks(plane).flat_map(|plane| plane.iter().rev().copied()).collect();
    let (stride, dilation) = (maker.random.pair(1, 3), maker.random.pair(1, 2));
    let more = [0, 1].map(|axis| maker.random.from(0, stride[axis].max(dilation[axis]) - 1));
    let padding = maker.sides(-1, 1);
    let (kernel, turned) = (numbers([c, 1, h, w], values), numbers([1, c, h, w], flipped));
    let reach = [(h - 1) * dilation[0], (w - 1) * dilation[1]];
    let end = |axis: usize| reach[axis] - padding[axis + 2] + more[axis] - (stride[axis] - 1);
    let around = Padding::Sides([reach[0] - padding[0], reach[1] - padding[1], end(0), end(1)]);
    let bias = Vec::new();
    let left = Layer::Transposed { kernel, stride, dilation, padding, more, groups: 1, bias: bias.clone() };
    let conv = Layer::Conv { kernel: turned, stride: [1, 1], dilation, padding: around, groups: 1, bias };
    [vec![left], vec![Layer::ZeroInsert(stride), conv]]
}

/// `same` as numbers where the lengths have a remainder by the stride. Short images pad more.
fn same_as_numbers(maker: &mut Maker, c: i64) -> Rewrite {
    let [h, w] = maker.random.pair(1, 3);
    let stride = maker.random.pair(1, 3);
    let kernel = maker.kernel([1, c, h, w]);
    let lower = maker.random.chance(2);
    let residue = [0, 1].map(|axis| maker.random.from(0, stride[axis] - 1));
    let total = [0, 1].map(|axis| {
        let last = if residue[axis] == 0 { stride[axis] } else { residue[axis] };
        ([h, w][axis] - last).max(0)
    });
    let (less, more) = (total.map(|all| all / 2), total.map(|all| all - all / 2));
    let (first, last) = if lower { (more, less) } else { (less, more) };
    let conv = |padding: Padding| {
        vec![Layer::Conv {
            kernel: kernel.clone(),
            stride,
            dilation: [1, 1],
            padding,
            groups: 1,
            bias: Vec::new(),
        }]
    };
    let is = |length: Length, axis: usize| {
        let rest = Length::Remainder(Box::new(length), stride[axis]);
        Condition::Compare(rest, "==", Length::Constant(residue[axis]))
    };
    let named = if lower { Padding::SameLower } else { Padding::Same };
    let sides = [conv(named), conv(Padding::Sides([first[0], first[1], last[0], last[1]]))];
    let at = Condition::And(Box::new(is(Length::Height, 0)), Box::new(is(Length::Width, 1)));
    Rewrite { sides, at: (stride != [1, 1]).then_some(at) }
}

/// A law about layers without parameters of their own.
fn law(maker: &mut Maker, c: i64) -> [Stack; 2] {
    let [p, q] = [maker.random.pair(1, 3), maker.random.pair(1, 2)];
    let sides = maker.sides(0, 2);
    let [v, u] = p;
    let product = [v * q[0], u * q[1]];
    let pool = |average: bool, size: [i64; 2], stride: [i64; 2]| {
        let padding = Padding::Sides([0; 4]);
        Layer::Pool { average, size, stride, padding, count_padding: true, ceil: false }
    };
    match maker.random.from(0, 10) {
        0 => [vec![pool(false, p, q)], vec![plain(diagonal(c, p, 1), q, [0; 4])]],
        1 => [vec![pool(true, p, p), pool(true, q, q)], vec![pool(true, product, product)]],
        2 => [vec![pool(false, p, q)], vec![pool(true, p, q), Layer::Scale(vec![(v * u, 1)])]],
        3 => {
            let spread = plain(diagonal(c, p, 1), [1, 1], [v - 1, u - 1, 0, 0]);
            [vec![Layer::Upsample(p)], vec![Layer::ZeroInsert(p), spread]]
        }
        4 => [vec![Layer::Subsample(p), Layer::Subsample(q)], vec![Layer::Subsample(product)]],
        5 => [vec![Layer::Upsample(p), Layer::Subsample(p)], vec![]],
        6 => [vec![Layer::ZeroInsert(p), pool(false, p, p)], vec![]],
        7 => [vec![Layer::Pad(sides), Layer::Pad(sides.map(|side| -side))], vec![]],
        8 if c == 1 => [vec![Layer::SpaceToDepth(2), Layer::Select(1, 2)], {
            let ends = vec![Layer::SpaceToDepth(2), Layer::DepthToSpace(2)];
            [ends, vec![Layer::Pad([0, -1, 0, 1]), Layer::Subsample([2, 2])]].concat()
        }],
        9 => {
            let norm = [[2, -1], [1, 3], [1, 0], [2, 3]].map(|[a, b]| if c == 1 { vec![a] } else { vec![b] });
            let [gamma, beta, mean, sigma] = norm.each_ref().map(|all| all[0]);
            let norm = norm.map(|all| vec![all[0]; c as usize]);
            let rest = super::random::reduced((beta * sigma - mean * gamma, sigma));
            let scale = Layer::Scale(vec![super::random::reduced((gamma, sigma))]);
            [vec![Layer::BatchNorm(norm)], vec![scale, Layer::Bias(vec![rest])]]
        }
        _ => {
            [vec![Layer::Power(vec![Layer::Subsample(q)], 2)], vec![Layer::Subsample(q), Layer::Subsample(q)]]
        }
    }
}

/// A law about any affine stack.
fn general(maker: &mut Maker, c: i64) -> [Stack; 2] {
    let count = maker.random.from(1, 2);
    let stack = maker.stack(count, c);
    let out = channels(&stack, c).unwrap_or(1);
    let factor = maker.random.pick(&[(-1, 1), (2, 1), (1, 2)]);
    let with = |layers: &[Layer]| [stack.as_slice(), layers].concat();
    match maker.random.from(0, 7) {
        6 => {
            let [relu, abs] = [vec![Layer::Relu], vec![Layer::Entrywise(Entrywise::Abs)]];
            let double = Layer::Sum(vec![((2, 1), relu), ((-1, 1), Vec::new())]);
            [with(&abs), with(&[double])]
        }
        7 => {
            let pad = |fill| Layer::PadWith([1, 1, 1, 1], fill);
            [with(&[pad(Fill::Symmetric)]), with(&[pad(Fill::Replicate)])]
        }
        0 => [with(&[Layer::Scale(vec![factor])]), vec![Layer::Sum(vec![(factor, stack)])]],
        1 => [
            with(&[Layer::Scale(vec![(2, 1)])]),
            vec![Layer::Sum(vec![((1, 1), stack.clone()), ((1, 1), stack)])],
        ],
        2 => [with(&[]), vec![Layer::Concat(vec![stack.clone(), stack]), Layer::Select(out, 2 * out)]],
        3 => [with(&[]), [vec![Layer::Pad([0; 4])], stack].concat()],
        4 => [with(&[]), with(&[plain(diagonal(out, [1, 1], 1), [1, 1], [0; 4])])],
        _ => [
            with(&[Layer::Pad([1, 0, 0, 2]), Layer::Relu]),
            with(&[Layer::Relu, Layer::Pad([1, 0, 0, 2]), Layer::Relu]),
        ],
    }
}

/// Padding as a layer of its own.
fn pad_first(maker: &mut Maker, c: i64) -> [Stack; 2] {
    let (sides, stride) = (maker.sides(-2, 2), maker.random.pair(1, 3));
    let [h, w] = maker.random.pair(1, 3);
    let kernel = maker.kernel([1, c, h, w]);
    [vec![Layer::Pad(sides), plain(kernel.clone(), stride, [0; 4])], vec![plain(kernel, stride, sides)]]
}

pub(crate) fn rewrite(maker: &mut Maker, c: i64) -> Rewrite {
    let sides = match maker.random.from(0, 9) {
        0 | 1 => two_convolutions(maker, c),
        2 | 3 => transposed(maker, c),
        4 | 5 => return same_as_numbers(maker, c),
        6 => pad_first(maker, c),
        7 => general(maker, c),
        _ => law(maker, c),
    };
    Rewrite { sides, at: None }
}
