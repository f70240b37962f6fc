//! Statements to resolved claims: kinds, shapes, defaults, channels, equations.

use convproof::algebra::Rational;
use convproof::ir::{
    Ends, Factor, Field, KernelExpr, Layer, Order, Padding, Prop, SizeCondition, Sizes, Stack, ends,
};
use convproof::kernel::{ConcreteKernel, Shape};
use convproof::resolve::{ClaimBody, Resolved, ResolvedClaim, Resolver};
use convproof::source::Source;
use convproof::syntax::ast::Item;
use convproof::syntax::parse;
use proptest::prelude::*;

/// All claims of a spec and its mistakes as `code line`. The file `v.npy` holds `[1/2, 1/4]`; `w.npy` holds 1 to 12
/// as 2×3×2, and `one.npy` 1 to 6 as 1×3×2.
fn run(text: &str) -> (Vec<ResolvedClaim>, Vec<String>) {
    let (spec, _) = parse(text);
    let source = Source::new("test.cf", text);
    let mut resolver = Resolver::new(|path: &str, _: Option<&str>| {
        let ratio = |d| Rational::ratio(1, d).expect("a denominator");
        match path {
            "v.npy" => Ok((vec![2], vec![ratio(2), ratio(4)].into())),
            "w.npy" => Ok((vec![2, 3, 2], (1..=12).map(Rational::from).collect())),
            "one.npy" => Ok((vec![1, 3, 2], (1..=6).map(Rational::from).collect())),
            _ => Err(format!("no file {path}")),
        }
    });
    let (mut claims, mut mistakes) = (Vec::new(), Vec::new());
    for item in &spec.items {
        let Item::Statement(statement) = item else { continue };
        match resolver.statement(statement) {
            Ok(Resolved::Declaration | Resolved::Export { .. }) => {}
            Ok(Resolved::Claims(found)) => claims.extend(found),
            Ok(Resolved::Families(_)) => panic!("no sizes in these tests"),
            Err(errors) => mistakes.extend(errors.iter().map(|error| {
                let diagnostic = error.diagnostic();
                assert_eq!(diagnostic.code, error.code());
                format!("{} {}", diagnostic.code, source.position(error.span.start).0)
            })),
        }
    }
    (claims, mistakes)
}

#[track_caller]
fn claims(text: &str) -> Vec<ResolvedClaim> {
    let (claims, mistakes) = run(text);
    assert!(mistakes.is_empty(), "{mistakes:?} in {text}");
    claims
}

#[track_caller]
fn prop(text: &str) -> Prop {
    match claims(text).pop().expect("a claim").body {
        ClaimBody::Prop(prop) => prop,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn mistakes(text: &str) -> Vec<String> {
    run(text).1
}

/// The kernel that a closed expression stands for.
#[track_caller]
fn kernel(expression: &str) -> ConcreteKernel {
    let Prop::Kernels { left, .. } = prop(&format!("prove {expression} == [[0 0] [0 0]]")) else {
        panic!("not a kernel: {expression}")
    };
    left.kernel().as_concrete().expect("no free symbols").clone()
}

fn plane(height: usize, width: usize, entries: &[i64]) -> ConcreteKernel {
    ConcreteKernel::from_integers(Shape::plane(height, width), entries.to_vec()).expect("a kernel")
}

/// The numbers of a list or number.
#[track_caller]
fn numbers(expression: &str, other: &str) -> Vec<String> {
    let Prop::Numbers { left, .. } = prop(&format!("prove {expression} == {other}")) else {
        panic!("no numbers: {expression}")
    };
    left.iter().map(|number| number.as_constant().expect("a constant").to_string()).collect()
}

fn scalar(expression: &str) -> String {
    numbers(expression, "0").remove(0)
}

#[track_caller]
fn layer(expression: &str) -> Layer {
    let Prop::Stacks(claim) = prop(&format!("prove {expression} == {expression}")) else {
        panic!("no stack")
    };
    let layers: Vec<&Layer> = claim.left.layers().collect();
    let [layer] = layers[..] else { panic!("{layers:?}") };
    layer.clone()
}

/// How many values a stack has.
fn links(stack: &Stack) -> usize {
    stack.graph().values().len()
}

#[test]
fn functions_give_their_kernels() {
    assert_eq!(kernel("ones(2,3)"), plane(2, 3, &[1; 6]));
    assert_eq!(kernel("zeros(1,2)"), plane(1, 2, &[0; 2]));
    assert_eq!(kernel("4 * box(2)"), plane(2, 2, &[1; 4]));
    assert_eq!(kernel("6 * box(2,3)"), plane(2, 3, &[1; 6]));
    assert_eq!(kernel("delta(2,3,1,2)"), plane(2, 3, &[0, 0, 0, 0, 0, 1]));
    assert_eq!(kernel("repeat([1 2],2)"), plane(2, 4, &[1, 1, 2, 2, 1, 1, 2, 2]));
    assert_eq!(kernel("repeat([1 2],[1,2])"), plane(1, 4, &[1, 1, 2, 2]));
    assert_eq!(kernel("dilate([[1 2] [3 4]],[2,1])"), plane(3, 2, &[1, 2, 0, 0, 3, 4]));
    assert_eq!(kernel("flip([[1 2] [3 4]])"), plane(2, 2, &[4, 3, 2, 1]));
    assert_eq!(kernel("transpose([[1 2] [3 4]])"), plane(2, 2, &[1, 3, 2, 4]));
    assert_eq!(kernel("pad([[5]],1,0,0,2)"), plane(2, 3, &[0, 0, 0, 5, 0, 0]));
    assert_eq!(kernel("pad([[5]],[0,1])"), plane(1, 3, &[0, 5, 0]));
    assert_eq!(kernel("trim([[0 0 0] [0 7 0]])"), plane(1, 1, &[7]));
    assert_eq!(kernel("outer([1 2],[3 4])"), plane(2, 2, &[3, 4, 6, 8]));
    assert_eq!(kernel("outer(transpose([1 2]),[3 4])"), plane(2, 2, &[3, 4, 6, 8]));
    assert_eq!(kernel("hadamard([1 2],[3 4])"), plane(1, 2, &[3, 8]));
    assert_eq!(kernel("[6 8] / [3 2]"), plane(1, 2, &[2, 4]));
    assert_eq!(kernel("sqrt([4 9])"), plane(1, 2, &[2, 3]));
    assert_eq!(kernel("[1 1] ^ 3"), plane(1, 4, &[1, 3, 3, 1]));
    assert_eq!(kernel("[1 2; 3 4] - 2 * [1 1; 1 1]"), plane(2, 2, &[-1, 0, 1, 2]));
    assert_eq!(kernel("[1 2] + 3"), plane(1, 2, &[4, 5]));
    assert_eq!(kernel("4 * load(\"v.npy\")"), plane(1, 2, &[2, 1]));
    assert_eq!(kernel("eye(2)").shape(), Shape::new(2, 2, 1, 1));
    assert_eq!(kernel("ones(2,3,1,4)").shape(), Shape::new(2, 3, 1, 4));
    assert_eq!(kernel("scale_rows(ones(2,1,1,1),[3 5])").entry(1, 0, 0, 0), Rational::from(5));
    assert_eq!(kernel("scale_columns(ones(1,2,1,1),[3 5])").entry(0, 1, 0, 0), Rational::from(5));
}

#[test]
fn numbers_are_exact() {
    assert_eq!(scalar("sum([1 2; 3 4])"), "10");
    assert_eq!(scalar("[1 2; 3 4][1,0]"), "3");
    assert_eq!(scalar("[1 2 3][2]"), "3");
    assert_eq!(scalar("(1/2 + 0.25) * 4 - 1"), "2");
    assert_eq!(scalar("2 ^ 10 + 2 ^ -1"), "2049/2");
    assert_eq!(scalar("error([3 0],[0 4])"), "5/4");
    assert_eq!(scalar("error([1 1],[1 2])^2"), "1/5");
    assert_eq!(scalar("(10 * error([1 1],[1 2]))^2"), "20");
    assert_eq!(scalar("error([1 1],[1 2]) ^ 2"), "1/5");
    assert_eq!(scalar("max_error([3 0],[0 4])"), "4");
}

#[test]
fn quantities_of_stacks() {
    let size = |stack: &str| numbers(&format!("kernel_size({stack})"), "[0,0]").join("×");
    let stride = |stack: &str| numbers(&format!("stride({stack})"), "[0,0]").join("×");
    assert_eq!(size("conv(ones(3,5))"), "3×5");
    assert_eq!(size("conv(ones(3,3)) -> conv(ones(3,3)) -> avgpool(2)"), "6×6");
    assert_eq!(size("avgpool(2) -> conv(ones(3,3))"), "6×6");
    assert_eq!(size("conv(ones(3,3), dilation=[2,3])"), "5×7");
    assert_eq!(size("conv(zeros(3,3))"), "3×3");
    // One branch reads from -1 to 1, the other from -2 to 0.
    assert_eq!(size("conv(ones(3,3), padding=1) + (conv(ones(3,3)) -> pad(2) -> crop(0,0,2,2))"), "4×4");
    assert_eq!(size("convtranspose(ones(3,3))"), "3×3");
    assert_eq!(stride("avgpool([2,3]) -> conv(ones(3,3), stride=2)"), "4×6");
    assert_eq!(stride("upsample(2)"), "1/2×1/2");
    assert_eq!(stride("upsample(4) -> avgpool(2)"), "1/2×1/2");
    assert_eq!(numbers("output_size(conv(ones(3,3), stride=2, padding=1), [28,27])", "[0,0]"), ["14", "14"]);
    assert_eq!(numbers("output_size(conv(ones(3,3), padding=same, stride=2), [5,6])", "[0,0]"), ["3", "3"]);
    assert_eq!(scalar("params(conv(ones(4,3,3,3), bias=ones(1,4)) -> scale(ones(1,4)) -> relu)"), "116");
    assert_eq!(scalar("params(conv(ones(4,1,3,3), groups=4))"), "36");
    assert_eq!(scalar("macs(conv(ones(4,3,3,3)), [5,6])"), (3 * 4 * 108).to_string());
    assert_eq!(scalar("macs(conv(ones(3,3)) -> conv(ones(3,3)), [5,5])"), (81 + 9).to_string());
    assert_eq!(scalar("macs(flatten -> dense(ones(3,4)), [2,2])"), "12");
}

#[test]
fn a_stack_has_its_single_kernel_with_its_borders() {
    let of = |stack: &str| kernel(&format!("kernel({stack})"));
    assert_eq!(of("conv([1 2]) -> conv([1 1])"), plane(1, 3, &[1, 3, 2]));
    assert_eq!(of("conv([0 1 2 0])"), plane(1, 4, &[0, 1, 2, 0]));
    assert_eq!(of("conv([0 1 0], padding=[0,1])"), plane(1, 3, &[0, 1, 0]));
    assert_eq!(of("conv(zeros(2,3))"), plane(2, 3, &[0; 6]));
    assert_eq!(of("2 * conv([1 2]) - conv([1 1])"), plane(1, 2, &[1, 3]));
    assert_eq!(of("subsample([1,2]) -> conv([1 2])"), plane(1, 3, &[1, 0, 2]));
    assert_eq!(of("conv([1 2 1], padding=[0,1]) + id"), plane(1, 3, &[1, 3, 1]));
    assert_eq!(of("conv([0 2 1], padding=same, stride=[1,2])"), plane(1, 3, &[0, 2, 1]));
    let keeps_size = "conv([1 2 1], padding=[0,1]) -> conv([0 2 1], padding=same, stride=[1,2])";
    assert_eq!(of(keeps_size), plane(1, 5, &[0, 2, 5, 4, 1]));
    assert_eq!(mistakes("kernel K = kernel(relu)"), ["E0228 1"]);
    assert_eq!(mistakes("kernel K = kernel(upsample(2))"), ["E0228 1"]);
}

#[test]
fn images_are_computed() {
    let image = |text: &str| {
        let Prop::Kernels { left, images, .. } = prop(&format!("image X = [1 2; 3 4]\nprove {text} == X"))
        else {
            panic!("no image")
        };
        assert!(images);
        left.kernel().as_concrete().expect("no free symbols").clone()
    };
    assert_eq!(image("avgpool(2)(4 * X)"), plane(1, 1, &[10]));
    assert_eq!(image("(pad(1) -> conv([1 10]))(X)"), plane(4, 3, &[0, 0, 0, 10, 21, 2, 30, 43, 4, 0, 0, 0]));
    assert_eq!(image("upsample([1,2])(X)"), plane(2, 4, &[1, 1, 2, 2, 3, 3, 4, 4]));
    assert_eq!(image("convtranspose([1 1], stride=[1,2])(X)"), plane(2, 4, &[1, 1, 2, 2, 3, 3, 4, 4]));
    assert_eq!(image("maxpool(2)(X)"), plane(1, 1, &[4]));
    assert_eq!(image("relu(X - 3 * ones(2,2))"), plane(2, 2, &[0, 0, 0, 1]));
    assert_eq!(image("(id - 2 * id)(X)"), plane(2, 2, &[-1, -2, -3, -4]));
    assert_eq!(image("(space_to_depth(2) -> select(1,2))(X)"), plane(1, 1, &[2]));
    assert_eq!(image("(space_to_depth(2) -> depth_to_space(2))(X)"), plane(2, 2, &[1, 2, 3, 4]));
    assert_eq!(image("concat(id, 2 * id)(X)").shape(), Shape::new(2, 1, 2, 2));
    assert_eq!(image("(flatten -> dense([1 2 3 4], bias=5))(X)"), plane(1, 1, &[35]));
    assert_eq!(image("global_avgpool(4 * X)"), plane(1, 1, &[10]));
    assert_eq!(image("batchnorm(2,1,3,4,0)(X)"), plane(2, 2, &[-1, 0, 1, 2]));
    assert_eq!(image("avgpool(2, padding=1, stride=1)(4 * X)").entry(0, 0, 0, 0), Rational::from(1));
    assert_eq!(
        image("avgpool(2, padding=1, stride=1, count_include_pad=false)(X)").entry(0, 0, 0, 0),
        Rational::from(1)
    );
}

#[test]
fn layers_take_their_defaults() {
    let Layer::Conv(conv) = layer("conv(ones(3,3))") else { panic!() };
    assert_eq!((conv.stride, conv.dilation, conv.groups), ([1, 1], [1, 1], 1));
    assert_eq!((conv.padding, conv.bias), (Padding::Sides(Ends::NONE), None));
    let Layer::Conv(conv) = layer("conv(ones(3,3), stride=[1,2], padding=[3,-4])") else { panic!() };
    assert_eq!((conv.stride, conv.padding), ([1, 2], Padding::Sides(ends([3, -4, 3, -4]))));
    let Layer::Conv(conv) = layer("conv(ones(3,3), padding=same_lower)") else { panic!() };
    assert_eq!(conv.padding, Padding::SameLower);
    let Layer::Pool(pool) = layer("avgpool([2,3])") else { panic!() };
    assert_eq!((pool.size, pool.stride), ([2, 3], [2, 3]));
    assert!(pool.average && pool.count_include_pad && !pool.ceil_mode);
    let Layer::Pool(pool) = layer("sumpool(2, stride=1, ceil_mode=true)") else { panic!() };
    assert_eq!((pool.average, pool.stride, pool.ceil_mode), (false, [1, 1], true));
    assert_eq!(layer("pad(1,2,3,4)"), Layer::Pad(ends([1, 2, 3, 4])));
    assert_eq!(layer("crop([1,2])"), Layer::Pad(ends([-1, -2, -1, -2])));
    let Prop::Stacks(claim) = prop("prove batchnorm(1,2,3,4) == id") else { panic!() };
    assert_eq!(links(&claim.left), 2);
}

#[test]
fn stacks_combine() {
    let whole = |text: &str| {
        let Prop::Stacks(claim) = prop(&format!("stack S = relu -> avgpool(2)\nprove {text} == {text}"))
        else {
            panic!()
        };
        claim.left
    };
    assert_eq!(links(&whole("S -> S")), 4);
    assert_eq!(links(&whole("S ^ 3 -> id")), 6);
    assert_eq!(links(&whole("S ^ 0")), 0);
    let factors = |text| {
        let number = |c: &convproof::ir::KernelTerm| {
            c.kernel().as_scalar().unwrap().as_constant().unwrap().to_string()
        };
        whole(text).factors().map(number).collect::<Vec<_>>()
    };
    assert_eq!(factors("S - 2 * S + -S"), ["1", "-2", "-1"]);
    assert_eq!(factors("(S + S) / 4"), ["1/4", "1/4"]);
}

#[test]
fn claims_take_the_least_channels_that_both_sides_accept() {
    let channels = |text: &str| {
        let Prop::Stacks(claim) = prop(&format!("kernel W[4,3,3,3]\nprove {text} == {text}")) else {
            panic!()
        };
        claim.channels
    };
    assert_eq!(channels("conv(W)"), 3);
    assert_eq!(channels("conv(W, groups=2)"), 6);
    assert_eq!(channels("relu -> avgpool(2) -> conv(W)"), 3);
    assert_eq!(channels("convtranspose(W)"), 4);
    assert_eq!(channels("id"), 1);
    assert_eq!(channels("depth_to_space(2)"), 4);
    assert_eq!(channels("space_to_depth(2) -> conv(ones(1,12,1,1))"), 3);
    assert_eq!(channels("concat(id, id) -> conv(ones(1,6,1,1))"), 3);
    assert_eq!(channels("select(2,5)"), 5);
    assert_eq!(mistakes("prove conv(ones(2,3,1,1)) -> conv(ones(1,4,1,1)) == id"), ["E0217 1"]);
    assert_eq!(mistakes("prove conv(ones(2,1,1,1)) + id == id"), ["E0219 1"]);
}

#[test]
fn sizes_and_tolerances() {
    let Prop::Stacks(claim) = prop("prove id ~= id within 1/8 for |x| <= 255 on [4,5]") else { panic!() };
    assert_eq!(claim.sizes, Sizes::One([4, 5]));
    let tolerance = claim.tolerance.expect("a tolerance");
    assert_eq!((tolerance.bound.to_string(), tolerance.range.to_string()), ("1/8".into(), "255".into()));
    let Prop::Stacks(claim) = prop("prove id == id where h % 2 == 0 and not (w - 1) % 3 > 1 or h == w")
    else {
        panic!()
    };
    let Sizes::Where(SizeCondition::Or(left, right)) = claim.sizes else { panic!() };
    assert!(matches!(*left, SizeCondition::And(..)));
    assert!(matches!(*right, SizeCondition::Compare(_, Order::Eq, _)));
    for condition in
        ["2 * h == w", "h * w > 4", "h / 2 == 1", "h % w == 0", "h % 0 == 1", "h + h == 2", "h == 1/2"]
    {
        let found = mistakes(&format!("prove id == id where {condition}"));
        assert!(found == ["E0230 1"] || found == ["E0212 1"], "{condition}: {found:?}");
    }
    claims("prove id == id where h * w % 4 == 0 and 2 * (h % 2) == 0 and 3 * h - 2 * h == 4");
    assert_eq!(mistakes("prove id ~= id within -1"), ["E0212 1"]);
    assert_eq!(mistakes("prove conv(ones(3,3)) == conv(ones(3,3)) on [2,2]"), ["E0221 1"]);
}

#[test]
fn a_claim_about_no_size_is_refused() {
    let never = "h % 2 == 0 and h % 2 == 1";
    for claim in [
        format!("prove id == id where {never}"),
        format!("refute id == scale(2) where {never}"),
        format!("prove id ~= scale(2) within 5 where {never}"),
        format!("chain id == id where {never}"),
        format!("prove relu == id -> relu where {never}"),
        format!("prove global_avgpool == global_avgpool where {never}"),
        "prove id == id where h < 1".to_owned(),
        "prove id == id where h < w and w < h".to_owned(),
        "prove id == id where h > 700 and h - w > 3 and h + w < 1200 and w > 600".to_owned(),
        // Sizes there are, but none at which a side has an output.
        "prove conv(ones(3,3)) == conv(ones(4,4)) where h < 3".to_owned(),
        "prove conv(ones(3,3)) == conv(ones(3,3)) -> relu where h == 2 or w == 2".to_owned(),
        "prove space_to_depth(2) == space_to_depth(2) where h % 2 == 1".to_owned(),
        "prove conv(ones(2,2)) -> flatten -> dense([1]) == conv(ones(2,2)) -> flatten -> dense([1]) on [1,1]"
            .to_owned(),
    ] {
        assert_eq!(mistakes(&claim), ["E0221 1"], "{claim}");
    }
    // The step of a chain that says nothing is the mistake, not the others.
    assert_eq!(mistakes("chain id == id where h < 1 == id"), ["E0221 1"]);
    for claim in [
        "prove id == id where h < 2 and w > 1000",
        "prove id == id where h - w == 900",
        "prove id == id where h >= 60000",
        "prove id == id where h % 997 == 3 and w % 991 == 990",
        "prove conv(ones(3,3)) == conv(ones(4,4)) where h < 4",
        "refute conv(ones(2,2)) -> flatten -> dense([1]) == flatten -> dense([1]) on [1,1]",
    ] {
        claims(claim);
    }
}

#[test]
fn an_array_with_three_indices_is_an_image_and_becomes_a_kernel_by_its_declaration() {
    for text in [
        "kernel W = load(\"w.npy\")",
        "kernel W = load(\"one.npy\")",
        "kernel W = flip(load(\"w.npy\"))",
        "kernel W = 2 * load(\"w.npy\")",
        "kernel W = [[[1 2]] [[3 4]]]",
        "stack S = conv(load(\"w.npy\"))",
        "stack S = conv(load(\"one.npy\"), padding=1)",
        "stack S = convtranspose(load(\"w.npy\"))",
        "image W = load(\"w.npy\")\nkernel K = [1 1]\nkernel V = [[[1 2]]]",
    ] {
        let found = mistakes(text);
        assert!(found.iter().all(|code| code.starts_with("E0205")) && found.len() == 1, "{text}: {found:?}");
    }
    let declared = |shape: &str, file: &str| {
        let text = format!("kernel W[{shape}] = load(\"{file}\")\nprove W == W");
        let Prop::Kernels { left, .. } = prop(&text) else { panic!("{text}") };
        left.kernel().as_concrete().expect("numbers").clone()
    };
    // The weights of a one-dimensional convolution, along rows and along columns: [out,in,k].
    for (shape, at) in [("2,3,1,2", [1, 2, 0, 1]), ("2,3,2,1", [1, 2, 1, 0])] {
        let weights = declared(shape, "w.npy");
        let [o, c, i, j] = at;
        assert_eq!(weights.entry(o, c, i, j), Rational::from(12), "{shape}");
        assert_eq!(weights.entry(1, 0, 0, 0), Rational::from(7), "{shape}");
        assert_eq!(weights.entry(0, 2, 0, 0), Rational::from(5), "{shape}");
    }
    assert_eq!(declared("2,1,3,2", "w.npy").entry(1, 0, 2, 1), Rational::from(12));
    assert_eq!(declared("1,3,1,2", "one.npy").entry(0, 2, 0, 1), Rational::from(6));
    assert_eq!(declared("3,2", "one.npy").entry(0, 0, 2, 1), Rational::from(6));
    assert_eq!(mistakes("kernel W[3,2,1,2] = load(\"w.npy\")"), ["E0203 1"]);
    claims("image X[2,3,2] = load(\"w.npy\")\nprove X[1,2,1] == 12\nprove (id)(X) == load(\"w.npy\")");
}

#[test]
fn comparisons_go_by_kind() {
    assert!(matches!(
        prop("kernel A[3,3]\nprove A != A"),
        Prop::Kernels { negated: true, images: false, .. }
    ));
    assert!(matches!(prop("prove [1 2] == [1 2 3]"), Prop::Kernels { .. }));
    assert!(matches!(prop("prove [1 2] < [2 3]"), Prop::Numbers { .. }));
    assert!(matches!(prop("scalar a\nprove a * a == a ^ 2"), Prop::Numbers { .. }));
    assert!(matches!(prop("image X = [[[1]] [[2]]]\nprove id(X) == X"), Prop::Kernels { images: true, .. }));
    assert_eq!(mistakes("kernel A[3,3]\nprove A == 1"), ["E0206 2"]);
    assert_eq!(mistakes("prove stride(id) == 1"), ["E0206 1"]);
    assert_eq!(mistakes("prove stride(id) == [1,1,1]"), ["E0203 1"]);
    assert_eq!(mistakes("kernel A[3,3]\nprove A < A"), ["E0207 2"]);
    assert_eq!(mistakes("prove conv(ones(2,2)) != id"), ["E0207 1"]);
}

#[test]
fn chains_make_a_claim_of_each_step() {
    let all = claims(
        "kernel A[3,3]\nchain \"c\": conv(A) == conv(A) -> id ~= conv(A) within 1 on [9,9]\nchain: 1 == 1",
    );
    let labels: Vec<_> = all.iter().map(|claim| claim.label.clone().expect("a label")).collect();
    assert_eq!(labels, ["c step 1", "c step 2", "step 1"]);
    assert_eq!(all[0].statement, "conv(A) == conv(A) -> id");
    assert_eq!(all[1].statement, "conv(A) -> id ~= conv(A) within 1 on [9,9]");
}

#[test]
fn statements_are_shown_without_keyword_and_label() {
    let shown = |text: &str| claims(text).remove(0).statement;
    assert_eq!(shown("prove \"l\": 1\n == 1"), "1 == 1");
    assert_eq!(shown("solve \"l\": P[1,2]: P * [1 1] == [1 2 1]"), "P[1,2]: P * [1 1] == [1 2 1]");
    assert_eq!(shown("prove [1 2 # c\n 30] == [[1]\n\n [2]]"), "[1 2 30] == [[1] [2]]");
    assert_eq!(shown("fit \"l\" rank 2: L ~ ones(3,3)"), "rank 2: L ~ ones(3, 3)");
}

#[test]
fn equations_are_multiplied_out() {
    let text = "kernel D[3,3]\nprove exists P[2,2], Q[2,2]: 2 * P * Q / 3 - (P * Q - Q * P) == D";
    let Prop::ForallExists { equation, field } = prop(text) else { panic!() };
    assert_eq!(field, Field::Reals);
    let coefficients: Vec<_> = equation.terms.iter().map(|term| term.0.to_string()).collect();
    assert_eq!(coefficients, ["2/3", "-1", "1"]);
    assert!(matches!(*equation.terms[2].1, [Factor::Unknown(1), Factor::Unknown(0)]));
    // A known factor, unknowns on the right, a power.
    let Prop::Exists { equation, field } = prop("prove exists P[1,2] over Q: [1 2 3 1 0] == P ^ 2 * [1 0 1]")
    else {
        panic!()
    };
    assert_eq!(field, Field::Rationals);
    assert_eq!(equation.target.shape(), Shape::plane(1, 5));
    assert!(matches!(*equation.terms[0].1, [Factor::Unknown(0), Factor::Unknown(0), Factor::Known(_)]));
    // A power of a sum has all its products.
    let ClaimBody::Solve(equation) = claims("solve P[2,2]: (P + [1 2; 3 4]) ^ 2 == ones(3,3)").remove(0).body
    else {
        panic!()
    };
    assert_eq!(equation.terms.len(), 4);
}

#[test]
fn quantifiers_declare_in_place() {
    let text =
        "kernel D = ones(3,3)\nrefute forall D[3,3]: exists P[2,2], Q[2,2]: P * Q == D\nprove D == ones(3,3)";
    let all = claims(text);
    assert!(matches!(all[0].body, ClaimBody::Prop(Prop::ForallExists { .. })));
    let ClaimBody::Prop(Prop::Kernels { left, .. }) = &all[1].body else { panic!() };
    assert!(matches!(*left.expr(), KernelExpr::Constant(_)));
    assert!(matches!(prop("prove forall A[3,3]: conv(A) == conv(A)"), Prop::Stacks(_)));
    assert_eq!(mistakes("prove forall A[3,3]: A == A\nprove A == A"), ["E0201 2"]);
    assert_eq!(mistakes("prove exists P[2,2]: P == P"), ["E0231 1"]);
    assert_eq!(mistakes("kernel D[3,3]\nprove exists P[2,2]: P * P == D and"), [] as [&str; 0]);
}

#[test]
fn solve_binds_new_names() {
    let mut resolver = Resolver::new(|_, _| Err(String::new()));
    let (spec, _) = parse("solve P[2,2]: 2 * P == ones(2,2)\nprove P == ones(2,2)\nkernel P[3,3]");
    let statements: Vec<_> = spec
        .items
        .iter()
        .filter_map(|item| if let Item::Statement(s) = item { Some(s) } else { None })
        .collect();
    let Ok(Resolved::Claims(found)) = resolver.statement(statements[0]) else { panic!() };
    assert!(matches!(found[0].body, ClaimBody::Solve(_)));
    // Until it is bound, uses of the name are passed over in silence.
    assert_eq!(resolver.statement(statements[1]).map(|_| ()), Err(Vec::new()));
    let value = convproof::ir::KernelTerm::constant(plane(2, 2, &[1; 4]));
    resolver.bind("P", statements[0].span, value);
    assert!(resolver.statement(statements[1]).is_ok());
    assert_eq!(resolver.statement(statements[2]).unwrap_err()[0].code(), "E0202");
    assert_eq!(mistakes("kernel P[2,2]\nsolve P[2,2]: 2 * P == ones(2,2)"), ["E0202 2"]);
}

#[test]
fn fits_have_options_and_constants() {
    let ClaimBody::Fit(fit) =
        claims("fit P[2,2], Q[2,2]: P * Q ~ ones(3,3) with seed=7, starts=50").remove(0).body
    else {
        panic!()
    };
    assert_eq!((fit.seed, fit.starts, fit.rank), (Some(7), Some(50), None));
    assert_eq!((fit.within, fit.quick, fit.certify), (None, false, None));
    let ClaimBody::Fit(fit) =
        claims("fit P[2,2], Q[2,2]: P * Q ~ ones(3,3) within 1/100 quick with certify=81").remove(0).body
    else {
        panic!()
    };
    assert_eq!((fit.within, fit.quick, fit.certify), (Rational::ratio(1, 100), true, Some(81)));
    assert_eq!(mistakes("fit P[1,2]: P ~ [1 2] within -1"), ["E0231 1"]);
    assert_eq!(mistakes("fit P[1,2]: P ~ [1 2] with certify=100000"), ["E0212 1"]);
    let ClaimBody::Fit(fit) = claims("fit rank 2: L ~ ones(5,5)").remove(0).body else { panic!() };
    assert_eq!((fit.rank, fit.equation.unknowns[0].shape), (Some(2), Shape::plane(5, 5)));
    assert_eq!(mistakes("kernel D[3,3]\nfit P[2,2], Q[2,2]: P * Q ~ D"), ["E0223 2"]);
    assert_eq!(mistakes("fit P[1,2]: P ~ [1 2] with sead=1, starts=0"), ["E0208 1", "E0212 1"]);
}

#[test]
fn limits_are_errors() {
    for text in [
        "kernel A = ones(4096,4097)",
        "kernel A[64,64,65536,65536]",
        "kernel A = dilate(ones(4000,4000), 60000)",
        "kernel A = repeat(ones(4000,4000), [60000,60000])",
        "kernel A[2,2]\nkernel B = A ^ 40 * A ^ 40",
        "scalar a\nscalar b = a ^ 60 * a ^ 60",
        "stack S = avgpool(2) ^ 4000\nstack T = S -> S",
        "kernel A = (10^1000)^1000 * [1 2]",
        "kernel A[8192,4096,3,3]",
        "stack S = (id + id) ^ 2000\nstack T = S + S",
        "kernel A[100,100]\nscalar s = sum(A)\nscalar t = s * s",
        "image X = ones(2000,2000)\nimage Y = id(X)",
        "kernel A = hadamard(ones(2000,2000), ones(2000,2000))",
        "kernel A[70,70]\nkernel B = sqrt(A)",
    ] {
        let found = mistakes(text);
        assert!(
            found.len() == 1 && (found[0].starts_with("E0222") || found[0].starts_with("E0212")),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn what_is_under_the_root_of_a_number_is_known_to_be_positive() {
    assert_eq!(mistakes("prove sqrt(-2) == 1"), ["E0234 1"]);
    // A bound on it once was 0.
    assert_eq!(mistakes("prove scale(sqrt(sqrt(2) - 2)) ~= scale(5) within 1/10"), ["E0234 1"]);
    assert_eq!(mistakes("prove 1 / sqrt(sqrt(4 + 2 * sqrt(3)) - sqrt(3) - 1) == 1"), ["E0234 1"]);
    assert_eq!(mistakes("scalar a\nprove batchnorm(a, a, 1, 1 - sqrt(2)) == id"), ["E0234 2"]);
    assert_eq!(mistakes("prove sqrt(2 - sqrt(2)) > 0"), [""; 0]);
    assert_eq!(mistakes("scalar a\nprove sqrt(sqrt(a) - 2) == a"), [""; 0]);
}

#[test]
fn roots_are_symbols_that_square_away() {
    let text = "scalar v\nscalar e\nprove sqrt(v + e) ^ 2 / (v + e) == 1";
    let Prop::Numbers { left, .. } = prop(text) else { panic!() };
    assert_eq!(left, [convproof::algebra::Poly::one()]);
    assert_eq!(mistakes("scalar v\nscalar e\nscalar c = 1 / (v + e)"), ["E0214 3"]);
}

/// Words that specs are made of, valid more often than not.
fn token() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "kernel ",
        "scalar ",
        "image ",
        "stack ",
        "prove ",
        "refute ",
        "chain ",
        "solve ",
        "fit ",
        "A",
        "B",
        "S",
        "T",
        "X",
        "a",
        "P",
        "[3,3]",
        "[2,2]",
        "[1 2 1]",
        "[[1 0] [0 1]]",
        "[2,1,2,2]",
        " = ",
        " == ",
        " ~= ",
        " ~ ",
        " -> ",
        " + ",
        " - ",
        " * ",
        " / ",
        " ^ ",
        "(",
        ")",
        ", ",
        "2",
        "3",
        "0",
        "1/2",
        "-1",
        "conv(",
        "avgpool(",
        "stride=",
        "padding=",
        "same",
        "ones(3,3)",
        "relu",
        "id",
        "flatten",
        "dense(",
        "upsample(2)",
        "kernel(",
        "sum(",
        "sqrt(",
        "outer(",
        "pad(",
        "concat(",
        "batchnorm(",
        "exists ",
        "forall ",
        ": ",
        " within 1",
        " on [5,5]",
        " where ",
        "h % 2 == 0",
        "stride(",
        "kernel_size(",
        "output_size(",
        "macs(",
        "error(",
        "trim(",
        "\n",
    ])
}

/// Statements that are whole, so that meaning is reached more often.
fn statement() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "A",
        "B",
        "a",
        "S",
        "T",
        "X",
        "2",
        "0",
        "1/3",
        "[1 2 1]",
        "[[1 0] [0 -1]]",
        "ones(2,2)",
        "box(2)",
        "id",
        "relu",
        "avgpool(2)",
        "maxpool(2)",
        "conv(A)",
        "conv(B, stride=2, padding=1)",
        "upsample(2)",
        "flatten",
        "dense([1 2 3 4])",
        "bias(a)",
        "scale(2)",
        "subsample(3)",
        "pad(-1)",
        "convtranspose(A, stride=2)",
        "space_to_depth(2)",
        "depth_to_space(2)",
        "global_avgpool",
        "batchnorm(1,2,3,4)",
        "select(0,1)",
        "conv(W)",
        "avgpool(3, stride=2, padding=1, count_include_pad=false, ceil_mode=true)",
        "[28,28]",
        "true",
    ])
    .prop_map(str::to_owned);
    let expression = leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), prop::sample::select(vec!["+", "-", "*", "/", "->", "^"]), inner.clone())
                .prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            (
                prop::sample::select(vec![
                    "flip",
                    "sum",
                    "sqrt",
                    "trim",
                    "kernel",
                    "stride",
                    "kernel_size",
                    "params",
                    "conv",
                    "bias",
                    "transpose",
                    "eye",
                    "upsample",
                    "pad",
                    "crop",
                ]),
                inner.clone()
            )
                .prop_map(|(f, a)| format!("{f}({a})")),
            (
                prop::sample::select(vec![
                    "hadamard",
                    "outer",
                    "dilate",
                    "repeat",
                    "pad",
                    "error",
                    "concat",
                    "output_size",
                    "macs",
                    "conv",
                    "scale_rows",
                ]),
                inner.clone(),
                inner.clone()
            )
                .prop_map(|(f, a, b)| format!("{f}({a}, {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a})({b})")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("({a})[{b}]")),
        ]
    });
    (
        prop::sample::select(vec![
            "kernel K = ",
            "stack K = ",
            "image K = ",
            "scalar K = ",
            "prove ",
            "chain ",
            "solve P[2,2]: ",
            "prove exists P[2,2]: ",
            "prove forall A[2,2]: ",
            "fit P[1,2]: ",
        ]),
        expression.clone(),
        expression,
        prop::sample::select(vec!["", " on [5,6]", " where h % 2 == 0", " where h * w > a"]),
    )
        .prop_map(|(start, a, b, clause)| {
            if start.ends_with("= ") {
                format!("{start}{a}")
            } else if start.starts_with("solve") {
                format!("{start}P * {a} == {b}")
            } else if start.starts_with("fit") {
                format!("{start}P * {a} ~ {b}")
            } else {
                format!("{start}{a} == {b}{clause}")
            }
        })
}

const NAMES: &str = "kernel A[2,2]\nkernel B = [1 2; 3 4]\nkernel W[2,4,1,1]\nscalar a\nstack S = conv(A) -> avgpool(2)\n\
                     stack T = id + conv(B, padding=same)\nimage X = [1 2 3; 4 5 6; 7 8 9]\n";

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn token_soup_never_panics(words in prop::collection::vec(token(), 1..60)) {
        run(&format!("{NAMES}{}", words.concat()));
    }

    #[test]
    fn whole_statements_never_panic_and_always_end(statements in prop::collection::vec(statement(), 1..4)) {
        run(&format!("{NAMES}{}", statements.join("\n")));
    }
}

#[test]
fn branches_that_never_fit_have_no_kernel() {
    let text = "kernel A[3,3]\nkernel K = kernel(conv(A) + conv(A, padding=1))\nkernel L = kernel(conv(A) + crop(1))";
    assert_eq!(mistakes(text), ["E0220 2"]);
}
