//! Random layers, stacks and conditions: every layer and option of the language, with small numbers.

use super::evaluate::channels;
use super::spec::{
    Condition, Entries, Entrywise, Fill, Kernel, Layer, Length, Method, Padding, Stack, Written,
};

/// `SplitMix64`: the same numbers on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from `least` to `most`.
    pub(crate) fn from(&mut self, least: i64, most: i64) -> i64 {
        least + (self.next() % (most - least + 1) as u64) as i64
    }

    pub(crate) fn chance(&mut self, one_in: i64) -> bool {
        self.from(1, one_in) == 1
    }

    pub(crate) fn pick<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.from(0, all.len() as i64 - 1) as usize].clone()
    }

    pub(crate) fn numbers(&mut self, count: i64, least: i64, most: i64) -> Vec<i64> {
        (0..count).map(|_| self.from(least, most)).collect()
    }

    /// Mostly the same number on both axes.
    pub(crate) fn pair(&mut self, least: i64, most: i64) -> [i64; 2] {
        let n = self.from(least, most);
        if self.chance(3) { [n, self.from(least, most)] } else { [n, n] }
    }
}

/// Makes the layers of one claim.
pub(crate) struct Maker {
    pub(crate) random: Random,
    /// Shapes of the free kernels so far.
    pub(crate) free: Vec<[i64; 4]>,
    /// Whether kernels may be free.
    pub(crate) may_be_free: bool,
    /// Layers that may still change the pace, so that sizes repeat soon.
    paces: usize,
}

/// Most channels of a stack between layers.
const MAX_CHANNELS: i64 = 4;

impl Maker {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let may_be_free = random.chance(3);
        Self { random, free: Vec::new(), may_be_free, paces: 2 }
    }

    pub(crate) fn kernel(&mut self, shape: [i64; 4]) -> Kernel {
        let count: i64 = shape.iter().product();
        let random = &mut self.random;
        let entries = match random.from(0, 9) {
            0..=2 if self.may_be_free && count <= 18 && self.free.len() < 3 => {
                self.free.push(shape);
                Entries::Free(self.free.len() - 1)
            }
            0 => Entries::Numbers((0..count).map(|_| random.from(-4, 4) / 3).collect()),
            1 => {
                let at = random.from(0, count - 1);
                Entries::Numbers((0..count).map(|n| i64::from(n == at)).collect())
            }
            2 => Entries::Numbers(vec![1; count as usize]),
            3 if shape[..2] == [1, 1] => Entries::Mean,
            _ => Entries::Numbers(random.numbers(count, -3, 3)),
        };
        Kernel { shape, entries }
    }

    fn bias(&mut self, outputs: i64) -> Vec<Written> {
        match self.random.from(0, 5) {
            0 => self.vector(outputs),
            1 => self.vector(1),
            _ => Vec::new(),
        }
    }

    fn vector(&mut self, count: i64) -> Vec<Written> {
        let denominator = self.random.pick(&[1, 1, 1, 2, 3]);
        let all = self.random.numbers(count, -3, 3);
        all.into_iter()
            .map(|n| (n, if n % denominator == 0 { 1 } else { denominator }))
            .map(reduced)
            .collect()
    }

    fn stride(&mut self) -> [i64; 2] {
        if self.paces == 0 || self.random.chance(2) {
            return [1, 1];
        }
        self.paces -= 1;
        self.random.pair(1, 3)
    }

    pub(crate) fn sides(&mut self, least: i64, most: i64) -> [i64; 4] {
        let random = &mut self.random;
        match random.from(0, 5) {
            0 | 1 => [0; 4],
            2 => [random.from(least, most); 4],
            // One end only.
            3 => {
                let mut sides = [0; 4];
                sides[random.from(0, 3) as usize] = random.from(least, most);
                sides
            }
            4 => {
                let [v, u] = [random.from(least, most), random.from(least, most)];
                [v, u, v, u]
            }
            _ => [0; 4].map(|_| random.from(least, most)),
        }
    }

    pub(crate) fn padding(&mut self, least: i64, most: i64) -> Padding {
        match self.random.from(0, 5) {
            0 | 1 => Padding::Same,
            2 => Padding::SameLower,
            _ => Padding::Sides(self.sides(least, most)),
        }
    }

    /// Padding that a window allows.
    fn window_sides(&mut self, size: [i64; 2]) -> [i64; 4] {
        let sides = self.sides(0, 2);
        [0, 1, 2, 3].map(|side| sides[side].min(size[side % 2] - 1))
    }

    pub(crate) fn conv(&mut self, inputs: i64) -> Layer {
        let random = &mut self.random;
        let divisors: Vec<i64> = (1..=inputs).filter(|d| inputs % d == 0).collect();
        let groups = random.pick(&divisors);
        let outputs = groups * random.pick(&[1, 1, 1, 2]);
        let [h, w] = random.pair(1, 3);
        let dilation = if random.chance(4) { random.pair(1, 2) } else { [1, 1] };
        let kernel = self.kernel([outputs, inputs / groups, h, w]);
        let (stride, padding) = (self.stride(), self.padding(-1, 2));
        let bias = self.bias(outputs);
        Layer::Conv { kernel, stride, dilation, padding, groups, bias }
    }

    pub(crate) fn transposed(&mut self, inputs: i64) -> Layer {
        let random = &mut self.random;
        let divisors: Vec<i64> = (1..=inputs).filter(|d| inputs % d == 0).collect();
        let groups = random.pick(&divisors);
        let per_group = random.pick(&[1, 1, 2]);
        let [h, w] = random.pair(1, 3);
        let dilation = if random.chance(4) { random.pair(1, 2) } else { [1, 1] };
        let kernel = self.kernel([inputs, per_group, h, w]);
        let stride = self.stride();
        let more = [0, 1].map(|axis| self.random.from(0, stride[axis].max(dilation[axis]) - 1));
        let padding = self.sides(-1, 2);
        let bias = self.bias(per_group * groups);
        Layer::Transposed { kernel, stride, dilation, padding, more, groups, bias }
    }

    pub(crate) fn pool(&mut self) -> Layer {
        let size = self.random.pair(1, 3);
        let stride = if self.random.chance(3) && self.paces > 0 {
            self.paces -= 1;
            size
        } else {
            self.stride()
        };
        let padding = match self.padding(0, 0) {
            Padding::Sides(_) => Padding::Sides(self.window_sides(size)),
            same => same,
        };
        let [average, count_padding, ceil] = [2, 2, 2].map(|one_in| self.random.chance(one_in));
        Layer::Pool { average, size, stride, padding, count_padding: count_padding || !average, ceil }
    }

    pub(crate) fn max_pool(&mut self) -> Layer {
        let size = self.random.pair(1, 3);
        let (stride, ceil) = (self.stride(), self.random.chance(3));
        let padding = match self.padding(0, 0) {
            Padding::Sides(_) => Padding::Sides(self.window_sides(size)),
            same => same,
        };
        Layer::MaxPool { size, stride, padding, ceil }
    }

    /// An affine layer for an image of so many channels.
    pub(crate) fn layer(&mut self, c: i64) -> Layer {
        loop {
            return match self.random.from(0, 32) {
                0..=5 => self.conv(c),
                6..=8 => self.transposed(c),
                9..=13 => self.pool(),
                14 => Layer::Subsample(self.stride()),
                15..=17 => Layer::Pad(self.sides(-2, 2)),
                28..=29 => self.padded(),
                30 if self.paces > 0 => {
                    self.paces -= 1;
                    let factors = [(2, 1), (1, 2), (3, 1), (1, 3), (3, 2), (1, 1)];
                    Layer::Resize {
                        factor: [self.random.pick(&factors), self.random.pick(&[(1, 1), (1, 1), (2, 1)])],
                        method: self.random.pick(&[Method::Nearest, Method::Linear, Method::Cubic]),
                        half_pixel: self.random.chance(2),
                    }
                }
                31 if c > 1 => {
                    let turn = self.random.from(0, c - 1);
                    Layer::Permute((0..c).map(|n| (n + turn) % c).collect())
                }
                32 => self.random.pick(&[
                    Layer::ChannelMean,
                    Layer::ChannelShuffle(c),
                    Layer::ChannelShuffle(1),
                ]),
                18 => {
                    let count = self.random.pick(&[1, c]);
                    Layer::Scale(self.vector(count))
                }
                19 => {
                    let count = self.random.pick(&[1, c]);
                    Layer::Bias(self.vector(count))
                }
                20 => {
                    let random = &mut self.random;
                    let [gamma, beta, mean] =
                        [(-2, 2), (-2, 2), (-1, 1)].map(|(a, b)| random.numbers(c, a, b));
                    Layer::BatchNorm([gamma, beta, mean, random.numbers(c, 1, 3)])
                }
                21 => Layer::Upsample(self.stride()),
                22 => Layer::ZeroInsert(self.stride()),
                23 if c == 1 && self.paces > 0 => {
                    self.paces -= 1;
                    Layer::SpaceToDepth(2)
                }
                24 if c == 4 => Layer::DepthToSpace(2),
                25 if c > 1 => {
                    let from = self.random.from(0, c - 1);
                    Layer::Select(from, self.random.from(from + 1, c))
                }
                26 => self.branches(c),
                27 if self.paces > 0 && self.random.chance(2) => {
                    let inner = self.keeping(c);
                    Layer::Power(vec![inner], self.random.from(0, 3) as usize)
                }
                _ => continue,
            };
        }
    }

    /// A layer that keeps size and channels.
    fn keeping(&mut self, c: i64) -> Layer {
        let [h, w] = self.random.pair(1, 3);
        match self.random.from(0, 3) {
            0 => Layer::Scale(self.vector(1)),
            1 => Layer::Bias(self.vector(1)),
            _ => Layer::Conv {
                kernel: self.kernel([c, 1, h, w]),
                stride: [1, 1],
                dilation: self.random.pair(1, 2),
                padding: self.random.pick(&[Padding::Same, Padding::SameLower]),
                groups: c,
                bias: Vec::new(),
            },
        }
    }

    /// Branches from one signal: the same first layer, perhaps with a change, and layers that keep the size.
    fn branches(&mut self, c: i64) -> Layer {
        let first = match self.random.from(0, 3) {
            0 => None,
            1 => Some(self.pool()),
            _ => Some(self.conv(c)),
        };
        let middle = first.as_ref().and_then(|layer| channels(std::slice::from_ref(layer), c)).unwrap_or(c);
        let branch = |maker: &mut Self| -> Stack {
            let mut stack: Stack = first.clone().into_iter().collect();
            if maker.random.chance(4) {
                stack = stack.into_iter().map(|layer| maker.changed(&layer)).collect();
            }
            if maker.random.chance(2) {
                stack.push(maker.keeping(middle));
            }
            stack
        };
        let count = self.random.from(2, 3);
        let all: Vec<Stack> = (0..count).map(|_| branch(self)).collect();
        if self.random.chance(3) {
            return Layer::Concat(all);
        }
        let factors = [(1, 1), (1, 1), (-1, 1), (2, 1), (1, 2)];
        Layer::Sum(all.into_iter().map(|branch| (self.random.pick(&factors), branch)).collect())
    }

    /// Layers one after the other, from so many channels.
    pub(crate) fn stack(&mut self, count: i64, mut c: i64) -> Stack {
        let mut stack = Vec::new();
        for _ in 0..count {
            let layer = self.layer(c);
            stack.push(layer);
            c = channels(&stack[stack.len() - 1..], c).unwrap_or(c);
            if c > MAX_CHANNELS {
                stack.push(Layer::Select(0, 1));
                c = 1;
            }
        }
        stack
    }

    /// Entries around the image that are no zeros.
    fn padded(&mut self) -> Layer {
        let value = self.vector(1)[0];
        let fill = self.random.pick(&[Fill::Value(value), Fill::Reflect, Fill::Symmetric, Fill::Replicate]);
        Layer::PadWith(self.sides(0, 2), fill)
    }

    fn entrywise(&mut self) -> Layer {
        Layer::Entrywise(match self.random.from(0, 5) {
            5 => Entrywise::HardSwish,
            0 | 1 => Entrywise::Leaky(self.vector(1)),
            2 => {
                let [low, more] = [self.random.from(-3, 2), self.random.from(0, 4)];
                self.random.pick(&[Entrywise::Clip(0, 6), Entrywise::Clip(low, low + more)])
            }
            3 => Entrywise::Abs,
            _ => Entrywise::HardSigmoid,
        })
    }

    /// A nonlinear layer, or a mean of the image.
    pub(crate) fn special(&mut self) -> Layer {
        match self.random.from(0, 10) {
            6..=8 => self.entrywise(),
            0 | 1 => Layer::Relu,
            2 | 3 => self.max_pool(),
            9 | 10 => self.gated(),
            _ => Layer::GlobalAverage,
        }
    }

    /// The image plus, or times, a function of its mean.
    fn gated(&mut self) -> Layer {
        let mut gate = vec![Layer::GlobalAverage];
        for _ in 0..self.random.from(0, 2) {
            gate.push(match self.random.from(0, 3) {
                0 => Layer::Scale(self.vector(1)),
                1 => Layer::Bias(self.vector(1)),
                2 => Layer::Relu,
                _ => self.entrywise(),
            });
        }
        let [plus, first] = [3, 2].map(|one_in| self.random.chance(one_in));
        Layer::Gated { plus, first, gate }
    }

    /// The layer with one number changed, lengthened or cropped.
    pub(crate) fn changed(&mut self, layer: &Layer) -> Layer {
        let mut layer = layer.clone();
        let random = &mut self.random;
        let other = random.from(0, 2);
        match &mut layer {
            Layer::Conv { kernel: Kernel { entries: Entries::Numbers(values), .. }, .. } if other == 0 => {
                let at = random.from(0, values.len() as i64 - 1) as usize;
                values[at] += random.pick(&[-1, 1]);
            }
            Layer::Conv { padding, .. } => *padding = shifted(*padding, random, -2),
            Layer::Transposed { padding, more, stride, dilation, .. } => {
                let axis = random.from(0, 1) as usize;
                if other == 0 && more[axis] + 1 < stride[axis].max(dilation[axis]) {
                    more[axis] += 1;
                } else {
                    padding[random.from(0, 3) as usize] += random.pick(&[-1, 1]);
                }
            }
            Layer::Pool { size, padding, count_padding, ceil, average, .. } => match random.from(0, 3) {
                0 => *ceil = !*ceil,
                1 => *count_padding = !*average || !*count_padding,
                _ => {
                    *padding = shifted(*padding, random, 0);
                    if let Padding::Sides(sides) = padding {
                        for side in 0..4 {
                            sides[side] = sides[side].clamp(0, size[side % 2] - 1);
                        }
                    }
                }
            },
            Layer::PadWith(sides, _) => {
                let side = random.from(0, 3) as usize;
                sides[side] = (sides[side] + random.pick(&[-1, 1])).max(0);
            }
            Layer::Pad(sides) => sides[random.from(0, 3) as usize] += random.pick(&[-1, 1]),
            Layer::Scale(values) | Layer::Bias(values) => {
                let at = random.from(0, values.len() as i64 - 1) as usize;
                let (n, d) = values[at];
                values[at] = reduced((n + random.pick(&[-1, 1]), d));
            }
            Layer::Subsample(pair) | Layer::Upsample(pair) | Layer::ZeroInsert(pair) => {
                pair[random.from(0, 1) as usize] += 1;
            }
            Layer::Gated { plus, .. } if other == 0 => *plus = !*plus,
            Layer::Gated { gate, .. } if other == 1 => gate.push(Layer::Relu),
            Layer::Gated { first, .. } => *first = !*first,
            Layer::Sum(branches) => {
                let at = random.from(0, branches.len() as i64 - 1) as usize;
                branches[at].0.0 += 1;
                branches[at].0 = reduced(branches[at].0);
            }
            _ => {}
        }
        layer
    }

    /// The stack changed in one place: a layer, or one end of the signal lengthened or cropped.
    pub(crate) fn changed_somewhere(&mut self, stack: &[Layer]) -> Stack {
        let mut stack = stack.to_vec();
        let at = self.random.from(0, stack.len() as i64) as usize;
        if at == stack.len() || self.random.chance(3) {
            let mut sides = [0; 4];
            sides[self.random.from(0, 3) as usize] = self.random.pick(&[-1, 1, 1, 2]);
            if self.random.chance(2) {
                sides = [0, 0, sides[0] + sides[2], sides[1] + sides[3]];
            }
            stack.insert(at, Layer::Pad(sides));
        } else {
            stack[at] = self.changed(&stack[at]);
        }
        stack
    }

    /// A comparison of sizes.
    fn comparison(&mut self) -> Condition {
        let random = &mut self.random;
        let side = |random: &mut Random| random.pick(&[Length::Height, Length::Width]);
        let remainder = |random: &mut Random| {
            let product = Length::Times(Box::new(Length::Height), Box::new(Length::Width));
            let sum = Length::Plus(Box::new(Length::Height), Box::new(Length::Width));
            let of =
                random.pick(&[Length::Height, Length::Width, Length::Height, Length::Width, product, sum]);
            Length::Remainder(Box::new(of), random.from(2, 4))
        };
        let left = match random.from(0, 6) {
            0 | 1 => side(random),
            2..=4 => remainder(random),
            5 => Length::Minus(Box::new(Length::Height), Box::new(Length::Width)),
            _ => Length::Plus(Box::new(Length::Height), Box::new(Length::Width)),
        };
        let right = match (&left, random.from(0, 4)) {
            (Length::Remainder(_, m), 0..=3) => Length::Constant(random.from(0, m - 1)),
            (_, 0) => remainder(random),
            (Length::Height | Length::Width, 1) => side(random),
            _ => Length::Constant(random.from(-3, 8)),
        };
        let operators: &[&'static str] = match left {
            Length::Remainder(..) => &["==", "==", "==", "!="],
            _ => &["==", "!=", "<", "<=", ">", ">="],
        };
        Condition::Compare(left, random.pick(operators), right)
    }

    pub(crate) fn condition(&mut self) -> Condition {
        let (a, b) = (self.comparison(), self.comparison());
        match self.random.from(0, 7) {
            0..=2 => a,
            3..=5 => Condition::And(Box::new(a), Box::new(b)),
            6 => Condition::Or(Box::new(a), Box::new(b)),
            _ => Condition::Not(Box::new(a)),
        }
    }
}

fn shifted(padding: Padding, random: &mut Random, least: i64) -> Padding {
    match padding {
        Padding::Same => Padding::SameLower,
        Padding::SameLower => Padding::Same,
        Padding::Sides(mut sides) => {
            let side = random.from(0, 3) as usize;
            sides[side] = (sides[side] + random.pick(&[-1, 1])).max(least);
            Padding::Sides(sides)
        }
    }
}

/// A fraction in lowest terms.
pub(crate) fn reduced((mut n, mut d): Written) -> Written {
    for p in [2, 3] {
        while n % p == 0 && d % p == 0 {
            (n, d) = (n / p, d / p);
        }
    }
    if n == 0 { (0, 1) } else { (n, d) }
}
