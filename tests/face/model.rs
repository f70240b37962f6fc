//! The library's own way of asking for verdicts, as a test of a compiler pass would use it.

use convproof::model::{
    Budget, Claim, Kernel, ModelError, Outcome, Padding, Rational, Stack, Witness, Worst, avgpool, batchnorm,
    bias, concat, conv, convtranspose, crop, dense, depth_to_space, equivalence, global_avgpool, h, id,
    maxpool, pad, relu, scale, select, space_to_depth, subsample, sumpool, upsample, w, zero_insert,
};
use convproof::{assert_equivalent, assert_not_equivalent, assert_spec};

fn free(name: &str) -> Kernel {
    Kernel::free(name, 3, 3)
}

fn error(left: impl Into<Stack>, right: impl Into<Stack>) -> ModelError {
    let claim = Claim::new(left.into(), right.into());
    claim.verdict().unwrap_err()
}

fn code(error: &ModelError) -> &str {
    match error {
        ModelError::Invalid { code, .. } => code,
        other => panic!("{other}"),
    }
}

#[test]
fn kernels_merge_as_the_theory_says() {
    let (a, b) = (free("A"), free("B"));
    assert_equivalent!(conv(&a).then(conv(&b)), conv(&a * &b));
    assert_equivalent!(conv(&a).stride(2).then(conv(&b)), conv(&a * b.dilate(2)).stride(2));
    assert_equivalent!(subsample(2).then(conv(&a)), conv(a.dilate(2)).then(subsample(2)));
    assert_equivalent!(avgpool(2).then(conv(&a)), conv(a.repeat(2) / 4).stride(2));
    assert_equivalent!(sumpool([2, 1]), conv(Kernel::ones(2, 1)).stride([2, 1]));
    assert_equivalent!(conv(&a) + conv(&b), conv(&a + &b));
    assert_equivalent!(conv(&a) - conv(&b), conv(&a - &b));
    assert_equivalent!(conv(&a) * 3 / 2, conv(&a * Rational::ratio(3, 2).unwrap()));
    assert_not_equivalent!(conv(&a).then(conv(&b)).then(relu()), conv(&a).then(relu()).then(conv(&b)));
}

#[test]
fn paddings_and_borders() {
    let (a, b) = (free("A"), free("B"));
    assert_equivalent!(conv(&a).padding(Padding::Same), conv(&a).padding(1));
    assert_equivalent!(conv(&a).padding([1, 0, 2, 3]), pad([1, 0, 2, 3]).then(conv(&a)));
    assert_equivalent!(conv(&a).padding(-1), crop(1).then(conv(&a)));
    assert_equivalent!(conv(&a).padding([1, 0]), conv(a.pad([0, 1])).padding(1));
    let merged = conv(&a).padding(1).then(conv(&b).padding(1));
    assert_not_equivalent!(merged, conv(&a * &b).padding(2), "a border of {} is wrong", 1);
    assert_equivalent!(
        avgpool(2).padding(Padding::SameLower).stride(1),
        avgpool(2).padding([1, 1, 0, 0]).stride(1)
    );
    assert_not_equivalent!(
        avgpool(3).padding(1).count_include_pad(false),
        avgpool(3).padding(1).count_include_pad(true)
    );
    assert_not_equivalent!(avgpool(2).ceil_mode(true), avgpool(2));
}

#[test]
fn channels_groups_and_biases() {
    let (a, b) = (Kernel::free_channels("A", 4, 3, 3, 3), Kernel::free_channels("B", 2, 4, 1, 1));
    let u = Kernel::free_vector("u", 4);
    assert_equivalent!(conv(&a).then(conv(&b)), conv(&a * &b));
    assert_equivalent!(conv(&a).bias(&u), conv(&a).then(bias(&u)));
    assert_equivalent!(conv(&a).then(scale(&u)), conv(a.scale_rows(&u)));
    let (gamma, beta) = (Kernel::free_vector("gamma", 4), Kernel::free_vector("beta", 4));
    let (mean, var) = (Kernel::free_vector("mean", 4), Kernel::free_vector("var", 4));
    let factor = &gamma / (&var + Rational::ratio(1, 100_000).unwrap()).sqrt();
    let folded = conv(a.scale_rows(&factor)).bias(&beta - mean.hadamard(&factor));
    assert_equivalent!(conv(&a).then(batchnorm(&gamma, &beta, &mean, &var)), folded, "folding a batchnorm");
    let grouped = Kernel::free_channels("G", 4, 1, 3, 3);
    assert_equivalent!(
        conv(&grouped).groups(2).bias(&u).then(select(0..2)),
        select(0..1).then(conv(&grouped).bias(&u)).then(select(0..2)).then(scale(1)),
        "the other group's channel is not read"
    );
    assert_equivalent!(concat([conv(&a), conv(&a)]).then(select(4..8)), conv(&a));
    assert_equivalent!(concat([conv(2), conv(3)]).then(select(1..2)), id() * 3);
}

#[test]
fn layers_without_kernels() {
    let a = Kernel::free_channels("A", 4, 4, 1, 1);
    assert_equivalent!(upsample(2).then(subsample(2)), id());
    assert_equivalent!(zero_insert(2), convtranspose(1).stride(2).output_padding(1));
    assert_equivalent!(depth_to_space(2).then(space_to_depth(2)).then(conv(&a)), conv(&a));
    assert_equivalent!(maxpool(2).stride(1).then(maxpool(2).stride(1)), maxpool(3).stride(1));
    assert_equivalent!(global_avgpool().then(scale(2)), global_avgpool() * 2);
    assert_equivalent!(relu().then(relu()), relu());
    let matrix = Kernel::from_slice(&[1, 4], &[1, 2, 3, 4]);
    let claim = Claim::new(dense(&matrix), conv(Kernel::from_rows([[1, 2], [3, 4]])));
    assert!(claim.on([2, 2]).verdict().unwrap().is_proved());
}

#[test]
fn kernels_are_compared_too() {
    let (a, b) = (free("A"), free("B"));
    assert_equivalent!(&a * &b, &b * &a);
    assert_equivalent!(a.flip().flip(), a);
    assert_not_equivalent!(a.transpose(), a);
    assert_equivalent!(Kernel::of_stack(conv(&a).then(conv(&b))), &a * &b);
    assert_equivalent!(Kernel::vector(&[1, 2, 1]).outer(Kernel::vector(&[1, 2, 1])), binomial());
    assert_equivalent!(Kernel::box_filter(2), Kernel::ones(2, 2) / 4);
    assert_equivalent!(Kernel::delta([3, 3], [1, 1]), Kernel::from_rows([[1]]).pad(1));
    assert_equivalent!(Kernel::delta([3, 3], [1, 1]).trim(), Kernel::from_rows([[1]]));
    assert_equivalent!(binomial().sum(), Kernel::number(16));
    assert_equivalent!(binomial().entry([0, 0, 1, 1]), Kernel::number(2).pow(2));
    assert_equivalent!(Kernel::eye(1), Kernel::from_rows([[1]]));
    // A float is the number that it is.
    assert_not_equivalent!(Kernel::from_rows([[0.1, 0.2]]) * 10, Kernel::from_rows([[1, 2]]));
    assert_equivalent!(Kernel::from_rows([[0.5_f32, 0.25]]) * 4, Kernel::from_rows([[2, 1]]));
    let verdict = equivalence(&a, Kernel::ones(1, 1)).unwrap();
    let shapes = [[1, 1, 3, 3], [1, 1, 1, 1]];
    assert!(matches!(&verdict.refutation().unwrap().witness, Witness::Shapes(found) if *found == shapes));
}

#[test]
fn stacks_are_applied_to_images() {
    let image = Kernel::image([2, 2, 2], &[1, 2, 3, 4, 5, 6, 7, 8]);
    let sums = Kernel::image([2, 1, 1], &[10, 26]);
    assert_equivalent!(Stack::from(sumpool(2)).apply(&image), sums);
    assert_not_equivalent!(Stack::from(avgpool(2)).apply(&image), sums);
    // A kernel of one channel is an image too.
    assert_equivalent!(
        Stack::from(conv(free("A"))).apply(binomial()).sum(),
        free("A").hadamard(binomial()).sum()
    );
    assert!(equivalence(Stack::from(conv(free("A"))).apply(&image), &sums).is_err());
}

#[test]
fn arrays_come_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, shape: &str, values: &[f64]| {
        let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let plane = Kernel::load(write("plane.npy", "(2, 2)", &[0.5, 1.0, 0.1, -2.0]), None).unwrap();
    assert_equivalent!(plane, Kernel::from_rows([[0.5, 1.0], [0.1, -2.0]]));
    // Three axes may be [out, in, k] as well as [channels, height, width].
    let three = Kernel::load(write("three.npy", "(1, 2, 2)", &[0.0; 4]), None);
    assert!(matches!(three, Err(ModelError::Extents { .. })), "{three:?}");
    let entry = Kernel::load(folder.path().join("plane.npy"), Some("w"));
    assert!(matches!(entry, Err(ModelError::File { .. })), "{entry:?}");
}

fn binomial() -> Kernel {
    Kernel::from_rows([[1, 2, 1], [2, 4, 2], [1, 2, 1]])
}

#[test]
fn claims_may_be_limited_to_sizes() {
    let k = free("K");
    let same = || Claim::new(conv(&k).stride(2).padding(Padding::Same), conv(&k).stride(2).padding(1));
    let verdict = same().verdict().unwrap();
    assert!(verdict.is_refuted());
    assert!(verdict.to_string().contains("equal exactly where"), "{verdict}");
    let odd = || (h() % 2).equals(1) & (w() % 2).equals(1);
    assert!(same().when(odd()).verdict().unwrap().is_proved());
    assert!(same().when(!odd()).verdict().unwrap().is_refuted());
    assert!(same().when((h() % 2).equals(1)).when((w() % 2).equals(1)).verdict().unwrap().is_proved());
    assert!(same().on([7, 9]).verdict().unwrap().is_proved());
    assert!(same().on([8, 8]).verdict().unwrap().is_refuted());
    let both = same().on([7, 7]).when(odd()).verdict().unwrap_err();
    assert_eq!(code(&both), "E0230");
    let never = (h() % 2).equals(0) & (h() % 2).equals(1);
    assert_eq!(code(&same().when(never).verdict().unwrap_err()), "E0221");
    let product = same().when((h() * w()).at_least(9)).verdict().unwrap_err();
    assert_eq!(code(&product), "E0230");
}

#[test]
fn bounds_have_their_worst_case() {
    let close = || {
        Claim::new(conv(Kernel::from_rows([[0.25, 0.5, 0.25]])), conv(Kernel::from_rows([[0.25, 0.25, 0.5]])))
    };
    let verdict = close().within(0.5).verdict().unwrap();
    let Outcome::Proved(proof) = &verdict.outcome else { panic!("{verdict}") };
    assert_eq!(proof.worst, Rational::ratio(1, 2));
    let verdict = close().within_for(0.5, 2).verdict().unwrap();
    let Witness::Excess(found) = &verdict.refutation().unwrap().witness else { panic!("{verdict}") };
    assert_eq!(*found.worst(), Worst::Is(Rational::from(1)));
    assert_eq!(code(&close().within(-1).verdict().unwrap_err()), "E0212");
    assert_eq!(close().within(f64::NAN).verdict().unwrap_err(), ModelError::NotFinite);
}

#[test]
fn a_refutation_is_data() {
    let (a, b) = (free("A"), free("B"));
    let verdict = equivalence(conv(&a), conv(&b)).unwrap();
    let refutation = verdict.refutation().unwrap();
    let Witness::Value(found) = &refutation.witness else { panic!("{verdict}") };
    assert_eq!(found.weights(), [("A[0,0]".to_owned(), Rational::from(1))]);
    assert_eq!((found.position(), found.input().size()), ([0, 0, 0], [1, 3, 3]));
    assert_eq!((found.left(), found.right()), (&Rational::from(1), &Rational::from(0)));
    let verdict = equivalence(conv(&a), conv(&a).padding(1)).unwrap();
    let Witness::Size(found) = &verdict.refutation().unwrap().witness else { panic!("{verdict}") };
    assert_ne!(found.outputs()[0], found.outputs()[1]);
}

#[test]
fn clashing_names_are_errors_not_verdicts() {
    let clash = error(conv(free("A")), conv(Kernel::free("A", 5, 5)));
    let (first, second) = (vec![3, 3], vec![5, 5]);
    assert_eq!(clash, ModelError::NameClash { name: "A".to_owned(), first, second });
    // The same with another meaning of its indices.
    let kinds = error(conv(Kernel::free("A", 1, 3)), conv(Kernel::free_vector("A", 3)));
    assert!(matches!(kinds, ModelError::NameClash { .. }), "{kinds}");
    // The same name and shape is the same kernel.
    assert_equivalent!(conv(free("A")), conv(free("A")));
}

#[test]
fn mistakes_are_errors_not_verdicts() {
    let a = free("A");
    let wide = Kernel::free_channels("W", 2, 3, 1, 1);
    assert_eq!(code(&error(conv(&a).stride(0), conv(&a))), "E0212");
    assert_eq!(code(&error(conv(&a).stride(1_usize << 40), conv(&a))), "E0212");
    assert_eq!(code(&error(conv(&wide).then(conv(&wide)), id())), "E0217");
    assert_eq!(code(&error(conv(&wide) + id(), id())), "E0219");
    assert_eq!(code(&error(conv(&wide).groups(4), id())), "E0218");
    assert_eq!(code(&error(conv(&wide).bias(Kernel::vector(&[1, 2, 3])), id())), "E0203");
    assert_eq!(code(&error(conv(&a + Kernel::ones(2, 2)), id())), "E0203");
    assert_eq!(code(&error(conv(&a / 0), id())), "E0213");
    assert_eq!(code(&error(avgpool(2).padding(2), id())), "E0212");
    assert_eq!(code(&error(select(3..3), id())), "E0212");
    assert_eq!(code(&error(dense(Kernel::ones(1, 4)), id())), "E0226");
    assert_eq!(code(&error(concat(Vec::<Stack>::new()), id())), "E0209");
    assert_eq!(error(conv(Kernel::free("no name", 3, 3)), id()), ModelError::Name("no name".to_owned()));
    assert_eq!(error(conv(f64::INFINITY), id()), ModelError::NotFinite);
    assert!(matches!(error(conv(Kernel::from_slice(&[2, 2], &[1, 2, 3])), id()), ModelError::Extents { .. }));
    // Three axes can be read in more than one way.
    assert!(matches!(error(conv(Kernel::from_slice(&[1, 2, 3], &[0; 6])), id()), ModelError::Extents { .. }));
    assert!(matches!(error(conv(Kernel::free("A", 0, 3)), id()), ModelError::Extents { .. }));
    assert_eq!(Claim::new(&a, conv(&a)).verdict().unwrap_err(), ModelError::Mixed);
    assert_eq!(Claim::new(&a, &a).on([3, 3]).verdict().unwrap_err(), ModelError::Clause("on"));
    assert!(matches!(Kernel::load("nowhere.npy", None), Err(ModelError::File { .. })));
    let shown = error(conv(&wide).then(conv(&wide)), id()).to_string();
    assert!(shown.contains("needs 3 channels and gets 2") && shown.contains("conv(W)"), "{shown}");
}

#[test]
fn what_is_built_up_in_loops_comes_to_an_end() {
    let mut kernel = free("A");
    for _ in 0..100_000 {
        kernel = &kernel * &kernel;
    }
    assert!(equivalence(conv(&kernel), conv(&kernel)).is_err());
    let mut sum = Stack::from(conv(free("A")));
    let mut chain = id();
    for _ in 0..5000 {
        sum = sum.clone() + sum;
        chain = chain.then(relu());
    }
    assert!(equivalence(&sum, &sum).is_err());
    assert_eq!(code(&equivalence(&chain, relu()).unwrap_err()), "E0222");
    assert_eq!(code(&equivalence(relu().pow(5000), relu()).unwrap_err()), "E0212");
    let mut size = h();
    for _ in 0..100_000 {
        size = size + 1;
    }
    assert!(Claim::new(id(), id()).when(size.at_least(1)).verdict().is_err());
    assert!(format!("{kernel:?} {sum:?}").len() < 2000);
}

#[test]
fn decisions_can_be_limited_and_stopped() {
    let claim = || Claim::new(conv(free("A")).then(conv(free("B"))), conv(free("A") * free("B")));
    let short = Budget { steps: 1, ..Budget::default() };
    let verdict = claim().budget(short).verdict().unwrap();
    assert!(!verdict.is_proved() && !verdict.is_refuted(), "{verdict}");
    let stopped = Budget::default();
    stopped.cancel.cancel();
    let verdict = claim().budget(stopped).verdict().unwrap();
    assert!(matches!(&verdict.outcome, Outcome::Unknown(_)), "{verdict}");
    assert!(claim().verdict().unwrap().is_proved());
}

#[test]
#[should_panic(expected = "counterexample: output row 0, column 0 is 1 on the left and 0 on the right")]
fn a_failed_assertion_shows_the_counterexample() {
    assert_equivalent!(conv(free("A")), conv(free("B")));
}

#[test]
#[should_panic(expected = "the pass `merge` is wrong\nthe sides are not equivalent")]
fn a_failed_assertion_shows_its_message() {
    assert_equivalent!(conv(free("A")), conv(free("B")), "the pass `{}` is wrong", "merge");
}

#[test]
#[should_panic(expected = "the sides are not known to differ\nproved")]
fn equal_sides_are_not_told_apart() {
    assert_not_equivalent!(conv(free("A")), conv(free("A")));
}

#[test]
#[should_panic(expected = "the sides cannot be compared\ntwo free kernels are called `A`")]
fn a_mistake_is_no_difference() {
    assert_not_equivalent!(conv(free("A")), conv(Kernel::free("A", 5, 5)));
}

#[test]
fn specs_can_be_asserted() {
    assert_spec!("specs/gallery/10-images.cf");
    assert_spec!("specs/gallery/06-relu-in-between.cf", "all of {}", "it");
}

#[test]
#[should_panic(expected = "no such file")]
fn a_spec_that_is_not_there_does_not_hold() {
    assert_spec!("tests/corpus/nowhere.cf");
}

#[test]
#[should_panic(expected = "makes no claim")]
fn a_spec_without_claims_does_not_hold() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.cf");
    std::fs::write(&path, "kernel A[3,3]\n").unwrap();
    assert_spec!(path.to_str().unwrap());
}
