//! Random pairs of stacks with two hidden layers at given weights: what is proved or refuted is right, and what stays
//! unknown is counted, by reason.
//!
//! A pair is a stack and the same function written otherwise (channels of a hidden layer in another order, doubled, shared
//! between two copies), or one weight of it changed. Both are run at random images by the formulas of the differential
//! tests. `DEEP_PAIRS` and `DEEP_SEED` make more of them.

use std::collections::BTreeMap;

use convproof::check::check;
use convproof::report::Outcome;
use convproof::source::Source;

use super::differential::evaluate::{Image, run};
use super::differential::judge::NoFiles;
use super::differential::number::{Fraction, Number};
use super::differential::random::Random;
use super::differential::spec::{self, Entries, Layer, Padding};
use super::hidden::{Kernel, index, kernel, rearrange, shape};
use super::variable;

/// Images that both sides are run at.
const IMAGES: usize = 24;

/// A convolution; all but the last are followed by relu.
#[derive(Clone, Debug)]
struct Conv {
    kernel: Kernel,
    bias: Vec<i64>,
    stride: i64,
    padding: i64,
}

fn stack(random: &mut Random) -> Vec<Conv> {
    let channels = [random.from(1, 2), random.from(1, 3), random.from(1, 3), 1];
    let conv = |random: &mut Random, at: usize| {
        let extents = [channels[at + 1], channels[at], random.from(1, 2), random.from(1, 2)];
        let bias = (0..channels[at + 1]).map(|_| random.pick(&[0, 0, 1, -1, 2])).collect();
        let (stride, padding) = (random.pick(&[1, 1, 1, 2]), random.pick(&[0, 0, 1]));
        Conv { kernel: kernel(random, extents), bias, stride, padding }
    };
    let mut stack: Vec<Conv> = (0..3).map(|at| conv(random, at)).collect();
    // Even, so that halves of them are numbers.
    for conv in &mut stack[1..] {
        conv.kernel.iter_mut().flatten().flatten().flatten().for_each(|entry| *entry *= 2);
    }
    stack
}

/// The same function in another form.
fn rewrite(random: &mut Random, stack: &mut [Conv]) {
    for _ in 0..random.from(1, 3) {
        let layer = index(random, 2);
        let [here, next] = &mut stack[layer..layer + 2] else { continue };
        let at = index(random, here.kernel.len());
        let kind = random.from(0, 2);
        rearrange(random, (kind, at), (&mut here.kernel, &mut here.bias, &mut next.kernel), 4);
    }
}

/// One weight changed.
fn change(random: &mut Random, stack: &mut [Conv]) {
    let conv = &mut stack[index(random, 3)];
    let output = index(random, conv.kernel.len());
    if random.chance(4) {
        conv.bias[output] += random.pick(&[-1, 1]);
        return;
    }
    let input = index(random, conv.kernel[output].len());
    let row = index(random, conv.kernel[output][input].len());
    let column = index(random, conv.kernel[output][input][row].len());
    conv.kernel[output][input][row][column] += random.pick(&[-1, 1, 2]);
}

fn layers(stack: &[Conv]) -> Vec<Layer> {
    let mut layers = Vec::new();
    for conv in stack {
        layers.push(Layer::Conv {
            kernel: spec::Kernel {
                shape: shape(&conv.kernel),
                entries: Entries::Numbers(
                    conv.kernel.iter().flatten().flatten().flatten().copied().collect(),
                ),
            },
            stride: [conv.stride; 2],
            dilation: [1; 2],
            padding: Padding::Sides([conv.padding; 4]),
            groups: 1,
            bias: conv.bias.iter().map(|&value| (value, 1)).collect(),
        });
        layers.push(Layer::Relu);
    }
    layers.pop();
    layers
}

#[test]
fn pairs_with_two_hidden_layers_are_never_decided_wrongly() {
    let (first, count) = (variable("DEEP_SEED", 1), variable("DEEP_PAIRS", 60));
    let (mut proved, mut refuted) = (0_u64, 0_u64);
    let mut unknown: BTreeMap<String, u64> = BTreeMap::new();
    for seed in first..first + count {
        let mut random = Random(seed);
        let left = stack(&mut random);
        let mut right = left.clone();
        rewrite(&mut random, &mut right);
        let same = !random.chance(2);
        if !same {
            change(&mut random, &mut right);
        }
        let sides = [&left, &right].map(|side| layers(side));
        let text = format!("prove \"pair\": {} == {}\n", spec::text(&sides[0]), spec::text(&sides[1]));
        let report = check(&Source::new("pair.cf", text.clone()), &NoFiles, &mut |_| {});
        let claims: Vec<_> = report.claims().collect();
        assert!(report.errors.is_empty() && claims.len() == 1, "seed {seed}: {text}{:?}", report.errors);
        let mut agree = true;
        for _ in 0..IMAGES {
            let size = [shape(&left[0].kernel)[1], random.from(2, 6), random.from(2, 6)];
            let image = Image::build(size, |_| Fraction::integer(random.from(-4, 4))).unwrap();
            let [a, b] = sides.each_ref().map(|side| run(side, &image, &|_, _| Fraction::integer(0)));
            agree &= a == b;
        }
        match claims[0].outcome {
            Outcome::Proved => {
                assert!(agree, "seed {seed}: proved, but images differ: {text}");
                proved += 1;
            }
            Outcome::Refuted => {
                assert!(!same, "seed {seed}: refuted, but it is the same function: {text}");
                refuted += 1;
            }
            _ => {
                let kind = if same {
                    "equal"
                } else if agree {
                    "changed, no image differs"
                } else {
                    "changed"
                };
                *unknown.entry(format!("{kind}: {}", claims[0].method)).or_default() += 1;
            }
        }
    }
    println!("{proved} proved, {refuted} refuted, unknown: {unknown:#?}");
    let open: u64 = unknown.values().sum();
    assert!(proved > count / 4 && refuted > count / 4, "{proved} proved, {refuted} refuted");
    assert!(open <= count / 5, "{open} of {count} unknown: {unknown:#?}");
}
