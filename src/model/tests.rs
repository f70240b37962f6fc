//! Both front ends build the same: each layer and operation in Rust is what it is in the spec language, to the last
//! option.

use super::build::{Build, Built};
use super::*;
use crate::ir::Prop;
use crate::resolve::{ClaimBody, Resolved, Resolver};
use crate::syntax::ast::Item;
use crate::syntax::parse;

/// What is declared in both, in this order.
const DECLARATIONS: &str = "kernel A[3,3]\nkernel W[4,2,3,2]\nkernel G[2,4,1,1]\nkernel v[4]\nscalar c\n";

struct Free {
    a: Kernel,
    w: Kernel,
    g: Kernel,
    v: Kernel,
    c: Kernel,
}

fn free() -> Free {
    Free {
        a: Kernel::free("A", 3, 3),
        w: Kernel::free_channels("W", 4, 2, 3, 2),
        g: Kernel::free_channels("G", 2, 4, 1, 1),
        v: Kernel::free_vector("v", 4),
        c: Kernel::free_scalar("c"),
    }
}

/// Without the places.
fn bare(text: &str) -> String {
    let mut parts = text.split("Origin(");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| all + part.split_once(')').map_or("", |(_, rest)| rest))
}

/// The form of a claim written in the spec language.
fn written(statement: &str) -> String {
    let (spec, mistakes) = parse(&format!("{DECLARATIONS}prove: {statement}\n"));
    assert!(mistakes.is_empty(), "{statement}: {mistakes:?}");
    let mut resolver = Resolver::new(|_: &str, _: Option<&str>| Err(String::new()));
    let mut last = None;
    for item in &spec.items {
        let Item::Statement(item) = item else { panic!("{item:?}") };
        last = Some(resolver.statement(item).unwrap_or_else(|errors| panic!("{statement}: {errors:?}")));
    }
    let Some(Resolved::Claims(claims)) = last else { panic!("{statement}") };
    let ClaimBody::Prop(prop) = &claims[0].body else { panic!("{statement}") };
    match prop {
        Prop::Stacks(claim) => bare(&format!("{claim:?}")),
        Prop::Kernels { left, right, .. } => bare(&format!("{left:?} {right:?}")),
        other => panic!("{other:?}"),
    }
}

/// The form of a claim built in Rust; everything free is declared in the order of the text.
fn built(claim: &Claim) -> String {
    let Free { a, w, g, v, c } = free();
    let mut build = Build::default();
    for kernel in [a, w, g, v, c] {
        build.claim(&Claim::new(&kernel, &kernel)).expect("a free kernel");
    }
    match build.claim(claim) {
        Ok(Built::Stacks(claim)) => bare(&format!("{claim:?}")),
        Ok(Built::Kernels(left, right)) => bare(&format!("{left:?} {right:?}")),
        Err(error) => panic!("{error}"),
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one case for each layer")]
fn layers_are_those_of_the_language() {
    let Free { a, w, g, v, c } = free();
    let two = [Kernel::from_rows([[1, 2]]), Kernel::from_rows([[3], [4]])];
    let cases: Vec<(Stack, &str)> = vec![
        (
            conv(&a).stride([2, 3]).dilation([4, 5]).padding([6, 7, 8, -1]).into(),
            "conv(A, stride=[2,3], dilation=[4,5], padding=[6,7,8,-1])",
        ),
        (conv(&a).padding([1, 2]).into(), "conv(A, padding=[1,2])"),
        (conv(&a).padding(Padding::Same).stride(2).into(), "conv(A, padding=same, stride=2)"),
        (conv(&a).padding(Padding::SameLower).into(), "conv(A, padding=same_lower)"),
        (conv(&w).groups(2).bias(&v).into(), "conv(W, groups=2, bias=v)"),
        (conv(&w).bias(&c).then(conv(&g)), "conv(W, bias=c) -> conv(G)"),
        (
            convtranspose(&w)
                .stride([3, 2])
                .dilation([2, 1])
                .padding([0, 1])
                .output_padding([2, 1])
                .groups(2)
                .bias(&v)
                .into(),
            "convtranspose(W, stride=[3,2], dilation=[2,1], padding=[0,1], output_padding=[2,1], groups=2, bias=v)",
        ),
        (avgpool([2, 3]).into(), "avgpool([2,3])"),
        (
            avgpool(3).stride([1, 2]).padding([1, 0]).count_include_pad(false).ceil_mode(true).into(),
            "avgpool(3, stride=[1,2], padding=[1,0], count_include_pad=false, ceil_mode=true)",
        ),
        (avgpool(2).padding(Padding::Same).into(), "avgpool(2, padding=same)"),
        (sumpool(3).padding(1).ceil_mode(true).into(), "sumpool(3, padding=1, ceil_mode=true)"),
        (
            maxpool([2, 3]).stride([3, 1]).padding([1, 0, 1, 2]).into(),
            "maxpool([2,3], stride=[3,1], padding=[1,0,1,2])",
        ),
        (maxpool(2).into(), "maxpool(2)"),
        (
            maxpool(3).stride(2).padding(Padding::Same).ceil_mode(true).into(),
            "maxpool(3, stride=2, padding=same, ceil_mode=true)",
        ),
        (
            convtranspose(&a).stride(2).padding(Padding::Same).into(),
            "convtranspose(A, stride=2, padding=same)",
        ),
        (
            conv(&a).padding([1, 2]).padding_mode(PadMode::Reflect).into(),
            "conv(A, padding=[1,2], padding_mode=reflect)",
        ),
        (pad_mode([1, 2, 3, 0], PadMode::Replicate), "pad(1,2,3,0,mode=replicate)"),
        (pad_mode(2, PadMode::Symmetric), "pad(2, mode=symmetric)"),
        (pad_mode(-1, PadMode::Constant), "pad(-1)"),
        (pad_with(1, &c), "pad(1, value=c)"),
        (leakyrelu(&c), "leakyrelu(c)"),
        (leakyrelu(&v), "prelu(v)"),
        (clip(-1, 2), "clip(-1,2)"),
        (relu6(), "relu6"),
        (abs(), "abs"),
        (hardsigmoid(), "hardsigmoid"),
        (resize(2, Interpolation::Linear, Coordinates::HalfPixel), "resize(2, mode=bilinear)"),
        (resize(0.5, Interpolation::Nearest, Coordinates::Asymmetric), "resize(1/2)"),
        (
            resize(Kernel::vector(&[2, 3]), Interpolation::Linear, Coordinates::Asymmetric),
            "resize([2,3], mode=bilinear, coordinates=asymmetric)",
        ),
        (permute([2, 0, 1]), "permute([2,0,1])"),
        (channel_shuffle(2), "channel_shuffle(2)"),
        (channel_mean(), "channel_mean"),
        (function(Function::Silu), "silu"),
        (function(Function::GeluTanh), "gelu_tanh"),
        (function(Function::HardSwish), "hardswish"),
        (subsample([2, 3]), "subsample([2,3])"),
        (pad([1, 2, 3, -1]), "pad(1,2,3,-1)"),
        (crop([1, 2]), "crop([1,2])"),
        (upsample([2, 3]), "upsample([2,3])"),
        (zero_insert([2, 3]), "zero_insert([2,3])"),
        (space_to_depth(2), "space_to_depth(2)"),
        (depth_to_space(2), "depth_to_space(2)"),
        (select(1..3), "select(1,3)"),
        (relu(), "relu"),
        (id(), "id"),
        (global_avgpool(), "global_avgpool"),
        (scale(&v), "scale(v)"),
        (bias(&c), "bias(c)"),
        (batchnorm(&v, &v + &v, -&v, v.hadamard(&v)), "batchnorm(v, v + v, -v, hadamard(v,v))"),
        (batchnorm_with_eps(&v, &v, &v, &v, &c * &c), "batchnorm(v, v, v, v, c * c)"),
        (conv(&a).padding(1) + relu(), "conv(A, padding=1) + relu"),
        (relu() - conv(&a).padding(1) * &c, "relu - c * conv(A, padding=1)"),
        (conv(&a) / 3, "conv(A) / 3"),
        (relu().times(conv(&a).padding(1)), "relu * conv(A, padding=1)"),
        (id().times(global_avgpool().then(hardsigmoid())), "id * (global_avgpool -> hardsigmoid)"),
        (global_avgpool() - id(), "global_avgpool - id"),
        (-relu(), "-relu"),
        (concat([conv(&a).padding(1).into(), relu()]), "concat(conv(A, padding=1), relu)"),
        (Stack::from(conv(&a)).pow(3), "conv(A)^3"),
        (conv(&two[0]).then(conv(&two[1])), "conv([1 2]) -> conv([3; 4])"),
    ];
    for (stack, text) in &cases {
        assert_eq!(built(&Claim::new(stack, stack)), written(&format!("{text} == {text}")), "{text}");
    }
    let matrix = dense(Kernel::from_slice(&[2, 4], &[1, 2, 3, 4, 5, 6, 7, 8])).bias(Kernel::vector(&[1, 2]));
    let text = "flatten -> dense([1 2 3 4; 5 6 7 8], bias=[1 2])";
    let claim = Claim::new(&matrix, &matrix).on([2, 2]);
    assert_eq!(built(&claim), written(&format!("{text} == {text} on [2,2]")));
}

#[test]
fn kernels_are_those_of_the_language() {
    let Free { a, w, g, v, c } = free();
    let cases: Vec<(Kernel, &str)> = vec![
        (&a * a.dilate([2, 3]), "A * dilate(A,[2,3])"),
        (&w * &g, "W * G"),
        (&a - &c * a.transpose(), "A - c * transpose(A)"),
        (-(a.flip() / &c), "-(flip(A) / c)"),
        (a.repeat([2, 3]).pad([0, 1, 2, 3]), "pad(repeat(A,[2,3]),0,1,2,3)"),
        (a.pow(2), "A^2"),
        (v.outer(&v), "outer(v,v)"),
        (a.hadamard(&a), "hadamard(A,A)"),
        (w.scale_rows(&v), "scale_rows(W,v)"),
        (g.scale_columns(&v), "scale_columns(G,v)"),
        (Kernel::box_filter([2, 3]), "box(2,3)"),
        (Kernel::delta([2, 3], [1, 2]), "delta(2,3,1,2)"),
        (w.swap_channels(), "swap_channels(W)"),
        (w.ungroup(2), "ungroup(W,2)"),
        (w.select_rows(1..3), "select_rows(W,1,3)"),
        (w.select_columns(0..1), "select_columns(W,0,1)"),
        (w.sum_rows(), "sum_rows(W)"),
        (w.sum_columns(), "sum_columns(W)"),
        (a.pad(1).trim(), "trim(pad(A,1))"),
        (Kernel::eye(3), "eye(3)"),
        (Kernel::ones(2, 3) + Kernel::zeros(2, 3), "ones(2,3) + zeros(2,3)"),
        (Kernel::from_slice(&[2, 1, 1, 2], &[0.5, 0.25, 1.0, -2.0]), "[[[[0.5,0.25]]],[[[1,-2]]]]"),
        (Kernel::of_stack(conv(&a).stride(2).then(conv(&a))), "kernel(conv(A, stride=2) -> conv(A))"),
        (Stack::from(conv(&a)).apply(Kernel::ones(4, 4)), "conv(A)(ones(4,4))"),
        (a.sum() * &a, "sum(A) * A"),
        (w.entry([3, 1, 2, 0]) * &a, "W[3,1,2,0] * A"),
        (v.hadamard(&v).sqrt(), "sqrt(hadamard(v,v))"),
    ];
    for (kernel, text) in &cases {
        assert_eq!(built(&Claim::new(kernel, kernel)), written(&format!("{text} == {text}")), "{text}");
    }
}

#[test]
fn clauses_are_those_of_the_language() {
    let Free { a, .. } = free();
    let claim = || Claim::new(conv(&a), conv(a.flip()));
    let even = (h() % 2).equals(0) & w().at_least(4) | !(h() - w()).less_than(3);
    let cases = [
        (claim().on([7, 9]), "on [7,9]"),
        (claim().when(even), "where h % 2 == 0 and w >= 4 or not h - w < 3"),
        (claim().when((h() * w() % 6).differs_from(1)), "where h * w % 6 != 1"),
        (claim().when((h() + 1).more_than(w()) & h().at_most(9)), "where h + 1 > w and h <= 9"),
    ];
    for (claim, clause) in &cases {
        assert_eq!(built(claim), written(&format!("conv(A) == conv(flip(A)) {clause}")), "{clause}");
    }
    let bound = claim().within_for(0.5, 3);
    assert_eq!(built(&bound), written("conv(A) ~= conv(flip(A)) within 0.5 for |x| <= 3"));
    assert_eq!(built(&claim().within(2)), written("conv(A) ~= conv(flip(A)) within 2"));
}
