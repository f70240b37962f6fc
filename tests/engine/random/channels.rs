//! Random stacks of free kernels with 1 to 8 channels, blocks of channels, tiles as channels, and diagonals: words of matrices against the
//! same claim with every entry written as a scalar of its own, and both against brute force; and claims for every
//! number of channels against those for 1, 2 and 3.
//!
//! `CHANNEL_CLAIMS` sets how many claims are made, `CHANNEL_SEED` where to begin.

use std::collections::BTreeMap;

use convproof::check::check;
use convproof::report::{ClaimReport, Outcome};
use convproof::source::Source;

use super::differential::judge::{NoFiles, Right, judge, judge_text, seen};
use super::differential::random::{Maker, Random};
use super::differential::spec::{Claim, Entries, Kernel, Layer, Padding, Sizes, Stack};
use super::variable;

/// Makes stacks of kernels that may occur again.
struct Words {
    random: Random,
    free: Vec<[i64; 4]>,
    /// How many entries free kernels may have together.
    entries: i64,
}

impl Words {
    /// A free kernel of a shape: a new one, or one that there is.
    fn kernel(&mut self, shape: [i64; 4]) -> Kernel {
        let same: Vec<usize> = (0..self.free.len()).filter(|&at| self.free[at] == shape).collect();
        let count: i64 = shape.iter().product();
        let entries = if !same.is_empty() && (self.random.chance(2) || count > self.entries) {
            Entries::Free(self.random.pick(&same))
        } else if count <= self.entries && self.free.len() < 4 {
            self.entries -= count;
            self.free.push(shape);
            Entries::Free(self.free.len() - 1)
        } else {
            Entries::Numbers(self.random.numbers(count, -1, 1))
        };
        Kernel { shape, entries }
    }

    fn extent(&mut self) -> [i64; 2] {
        self.random.pick(&[[1, 1], [1, 1], [1, 2], [2, 1], [1, 3]])
    }

    fn conv(&mut self, inputs: i64, outputs: i64, groups: i64) -> Layer {
        let [h, w] = self.extent();
        let kernel = self.kernel([outputs, inputs / groups, h, w]);
        let padding = Padding::Sides(self.random.pick(&[[0; 4], [0; 4], [1; 4], [0, 1, 0, 1]]));
        let stride = self.random.pick(&[[1, 1], [1, 1], [1, 1], [1, 2]]);
        Layer::Conv { kernel, stride, dilation: [1, 1], padding, groups, bias: Vec::new() }
    }

    /// A transposed convolution: of all channels, or of each by itself.
    fn transposed(&mut self, inputs: i64, outputs: i64) -> Layer {
        let [h, w] = self.extent();
        let each = self.random.chance(4);
        let kernel = self.kernel([inputs, if each { 1 } else { outputs }, h, w]);
        let stride = self.random.pick(&[[1, 1], [1, 2], [2, 1]]);
        let more = stride.map(|stride| self.random.from(0, stride - 1));
        let dilation = self.random.pick(&[[1, 1], [1, 1], [1, 2]]);
        let padding = self.random.pick(&[[0; 4], [0, 1, 0, 0], [0, 0, 1, 1]]);
        let groups = if each { inputs } else { 1 };
        Layer::Transposed { kernel, stride, dilation, padding, more, groups, bias: Vec::new() }
    }

    /// A pointwise kernel with its channels exchanged, which occurs as it is elsewhere.
    fn turned(&mut self, c: i64) -> Layer {
        let kernel = self.kernel([c, c, 1, 1]);
        let padding = [0; 4];
        let (stride, dilation, more) = ([1, 1], [1, 1], [0, 0]);
        Layer::Transposed { kernel, stride, dilation, padding, more, groups: 1, bias: Vec::new() }
    }

    /// A layer for so many channels that keeps the size of the image if it has to.
    fn layer(&mut self, c: i64, keep: bool) -> Layer {
        let outputs = if keep { c } else { self.random.from(1, 4) };
        let pointwise = |kernel, groups| {
            let padding = Padding::Sides([0; 4]);
            Layer::Conv { kernel, stride: [1, 1], dilation: [1, 1], padding, groups, bias: Vec::new() }
        };
        match self.random.from(0, 13) {
            // A diagonal.
            0 => pointwise(self.kernel([c, 1, 1, 1]), c),
            1 => Layer::Scale((0..c).map(|n| (n % 3 - 1, 1)).collect()),
            2 if c % 2 == 0 => pointwise(self.kernel([c, c / 2, 1, 1]), 2),
            3 if !keep => Layer::Concat(vec![vec![pointwise(self.kernel([1, c, 1, 1]), 1)], Vec::new()]),
            4 if !keep && c > 1 => {
                let from = self.random.from(0, c - 2);
                Layer::Select(from, self.random.from(from + 1, c))
            }
            5 => {
                let branch = pointwise(self.kernel([c, c, 1, 1]), 1);
                let factor = self.random.pick(&[1, 1, -1, 2]);
                Layer::Sum(vec![((1, 1), Vec::new()), ((factor, 1), vec![branch])])
            }
            6 => Layer::ChannelShuffle(if c % 2 == 0 { 2 } else { 1 }),
            7 if !keep => self.conv(c, outputs, 1),
            8 if !keep => self.transposed(c, outputs),
            9 => self.turned(c),
            11 if !keep && c <= 2 => Layer::SpaceToDepth(2),
            12 if !keep && c % 4 == 0 => Layer::DepthToSpace(2),
            13 if c % 4 == 0 => {
                let there_and_back = vec![Layer::DepthToSpace(2), Layer::SpaceToDepth(2)];
                Layer::Sum(vec![((1, 1), there_and_back)])
            }
            _ => pointwise(self.kernel([outputs, c, 1, 1]), 1),
        }
    }

    fn stack(&mut self, count: i64, mut c: i64, keep: bool) -> (Stack, i64) {
        let mut stack = Vec::new();
        for _ in 0..count {
            let layer = self.layer(c, keep);
            if let Some(next) = super::differential::evaluate::channels(std::slice::from_ref(&layer), c)
                && (1..=8).contains(&next)
            {
                c = next;
                stack.push(layer);
            }
        }
        (stack, c)
    }

    /// Two stacks that are equal by distributing, exchanging or joining branches.
    fn sides(&mut self, c: i64) -> [Stack; 2] {
        let count = self.random.from(0, 2);
        let (first, middle) = self.stack(count, c, false);
        let (mut p, mut q) = (self.stack(2, middle, true).0, self.stack(1, middle, true).0);
        if self.random.chance(3) {
            p.clone_from(&q);
            q.reverse();
        }
        let (last, _) = self.stack(1, middle, false);
        let sum = |a: &Stack, b: &Stack| Layer::Sum(vec![((1, 1), a.clone()), ((1, 1), b.clone())]);
        let whole = |parts: &[&[Layer]]| parts.concat();
        let left = whole(&[&first, &[sum(&p, &q)], &last]);
        let right = match self.random.from(0, 3) {
            0 => whole(&[&first, &[sum(&q, &p)], &last]),
            1 => vec![sum(&whole(&[&first, &p, &last]), &whole(&[&first, &q, &last]))],
            2 => whole(&[&first, &[sum(&whole(&[&p, &last]), &whole(&[&q, &last]))]]),
            // The first half of both, side by side.
            _ => {
                let both = Layer::Concat(vec![vec![sum(&p, &q)], q.clone()]);
                whole(&[&first, &[both, Layer::Select(0, middle)], &last])
            }
        };
        [left, right]
    }
}

/// The claim of a seed, with the maker that made it.
fn claim(seed: u64) -> Claim {
    let mut random = Random(seed ^ 0xC4A2_2E15);
    let c = random.pick(&[1, 2, 2, 3, 4]);
    let mut words = Words { random, free: Vec::new(), entries: 30 };
    let mut sides = words.sides(c);
    if words.random.chance(2) {
        sides.reverse();
    }
    Claim { sides, sizes: Sizes::All, within: None, worst: None, free: words.free }
}

/// The spec with each entry of a free kernel as a scalar, which is expanded.
fn by_entries(claim: &Claim) -> String {
    let mut out = String::new();
    for (number, shape) in claim.free.iter().enumerate() {
        let count: i64 = shape.iter().product();
        let names: Vec<String> = (0..count).map(|entry| format!("e{number}_{entry}")).collect();
        names.iter().for_each(|name| out += &format!("scalar {name}\n"));
        let [o, c, h, w] = *shape;
        let rows: Vec<String> = names.chunks(w as usize).map(|row| format!("[{}]", row.join(" "))).collect();
        let planes: Vec<String> =
            rows.chunks(h as usize).map(|plane| format!("[{}]", plane.join(" "))).collect();
        let blocks: Vec<String> =
            planes.chunks(c as usize).map(|block| format!("[{}]", block.join(" "))).collect();
        let all = if [o, c] == [1, 1] { planes[0].clone() } else { format!("[{}]", blocks.join(" ")) };
        out += &format!("kernel K{number} = {all}\n");
    }
    let text = claim.to_string();
    out + text.lines().last().unwrap_or_default()
}

fn decided(text: &str) -> Option<ClaimReport> {
    check(&Source::new("channels.cf", text), &NoFiles, &mut |_| {}).claims().next().cloned()
}

/// Judges a claim by brute force, and the answer by words by that from entries.
fn compared(seed: u64, claim: &Claim, tally: &mut BTreeMap<String, u64>) -> Right {
    let right = judge(claim).unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}\n{claim}"));
    if let (Some(words), Some(entries)) = (decided(&claim.to_string()), decided(&by_entries(claim))) {
        let both = [words.outcome, entries.outcome];
        let text = by_entries(claim);
        assert!(
            both[0] == both[1] || both.contains(&Outcome::Unknown),
            "seed {seed}: {both:?}\n{claim}\n{text}"
        );
        let matrices = words.method.contains("sum of products of the kernels' matrices");
        *tally.entry(format!("{both:?}{}", if matrices { " by words" } else { "" })).or_default() += 1;
    }
    right
}

#[test]
fn words_agree_with_entries_and_with_brute_force() {
    let (first, count) = (variable("CHANNEL_SEED", 1), variable("CHANNEL_CLAIMS", 150));
    let mut tally = BTreeMap::new();
    for seed in first..first + count {
        let claim = claim(seed);
        if compared(seed, &claim, &mut tally) != Right::Proved {
            continue;
        }
        // A proof that is changed in one place is refuted, or equal by brute force all the same.
        let [left, equal] = &claim.sides;
        let changed = Maker::new(seed).changed_somewhere(equal);
        let other = Claim { sides: [left.clone(), changed], ..claim.clone() };
        let right = compared(seed, &other, &mut tally);
        // The answer to one is wrong for the other where they differ.
        if matches!(right, Right::Refuted | Right::Described | Right::Counted) {
            assert!(judge_text(&claim.to_string(), &other).is_err(), "seed {seed}");
        }
    }
    println!("{tally:?}");
    for kind in ["[Proved, Proved] by words", "[Refuted, Refuted]"] {
        assert!(tally.contains_key(kind), "{kind} is missing: {tally:?}");
    }
}

/// Layers that keep `c` channels, whatever c is, with kernels by number.
fn for_every_count(random: &mut Random, c: i64) -> Claim {
    let padding = Padding::Sides([0; 4]);
    let extents: Vec<[i64; 2]> = (0..3).map(|_| random.pick(&[[1, 1], [1, 1], [1, 2]])).collect();
    let conv = |number: usize| {
        let [h, w] = extents[number];
        let kernel = Kernel { shape: [c, c, h, w], entries: Entries::Free(number) };
        Layer::Conv { kernel, stride: [1, 1], dilation: [1, 1], padding, groups: 1, bias: Vec::new() }
    };
    let mut word = |length: i64| -> Stack { (0..length).map(|_| conv(random.from(0, 2) as usize)).collect() };
    let (a, b) = (word(2), word(2));
    let sum = |a: &Stack, b: &Stack| vec![Layer::Sum(vec![((1, 1), a.clone()), ((1, 1), b.clone())])];
    let swapped = |word: &Stack| word.iter().rev().cloned().collect::<Stack>();
    let then = |a: &Stack, b: &Stack| [a.as_slice(), b.as_slice()].concat();
    let sides = match random.from(0, 5) {
        0 => [then(&a, &b), then(&b, &a)],
        1 => [a.clone(), swapped(&a)],
        2 => [sum(&a, &swapped(&a)), sum(&swapped(&a), &a)],
        3 => [then(&sum(&a, &a), &b), sum(&then(&a, &b), &then(&a, &b))],
        4 => [then(&a, &vec![Layer::Relu]), then(&swapped(&a), &vec![Layer::Relu])],
        _ => [vec![Layer::Power(a.clone(), 2)], then(&a, &a)],
    };
    let free = extents.iter().map(|[h, w]| [c, c, *h, *w]).collect();
    Claim { sides, sizes: Sizes::All, within: None, worst: None, free }
}

#[test]
fn claims_for_every_number_of_channels_agree_with_those_for_few() {
    let (first, count) = (variable("CHANNEL_SEED", 1), variable("CHANNEL_CLAIMS", 150) / 3);
    let mut tally: BTreeMap<String, u64> = BTreeMap::new();
    for seed in first..first + count {
        let at = |c| for_every_count(&mut Random(seed), c);
        let mut text = "size c\n".to_owned();
        for (number, [_, _, h, w]) in at(1).free.iter().enumerate() {
            text += &format!("kernel K{number}[c,c,{h},{w}]\n");
        }
        text += at(2).to_string().lines().last().unwrap_or_default();
        let Some(found) = decided(&text) else { continue };
        *tally.entry(format!("{:?}", found.outcome)).or_default() += 1;
        let differs = |c: i64| {
            judge(&at(c)).unwrap_or_else(|wrong| panic!("seed {seed}, c = {c}: {wrong}\n{}", at(c)));
            seen(&at(c), c, [3, 9]).is_different()
        };
        match found.outcome {
            Outcome::Proved => assert!((1..=3).all(|c| !differs(c)), "seed {seed}: proved\n{text}"),
            Outcome::Refuted => {
                let least = (1..=3).find(|&c| differs(c));
                let named = (1..=3).find(|c| found.method.starts_with(&format!("at c = {c}:")));
                assert_eq!(least, named, "seed {seed}: {}\n{text}", found.method);
            }
            _ => assert!((1..=3).all(|c| !differs(c)), "seed {seed}: unknown\n{text}"),
        }
    }
    println!("{tally:?}");
}
