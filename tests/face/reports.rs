//! What reports state about proofs, checked: the kernel and the movement of a normal form against the stack, and the
//! laws of its layers against what the layers are.

use convproof::algebra::{Rational, SplitMix64};
use convproof::check::{Files, check};
use convproof::evaluate::{Image, Weights, run};
use convproof::ir::{Prop, Stack};
use convproof::report::witness::{Equality, Witness};
use convproof::report::{Block, ClaimReport};
use convproof::resolve::{ClaimBody, Resolved, Resolver};
use convproof::source::Source;
use convproof::syntax::ast::Item;
use convproof::syntax::parse;

struct Nothing;

impl Files for Nothing {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("no file {path}"))
    }
}

fn spec(stack: &str) -> String {
    format!("kernel K = [[1 2 -1] [3 4 5] [0 1 -2]]\nkernel R = [1 2]\nprove {stack} == {stack} -> scale(1)")
}

fn report(stack: &str) -> ClaimReport {
    let report = check(&Source::new("a.cf", spec(stack)), &Nothing, &mut |_| {});
    assert!(report.errors.is_empty(), "{stack}: {:?}", report.errors);
    report.claims().next().expect("a claim").clone()
}

fn stack(text: &str) -> std::sync::Arc<Stack> {
    let (spec, _) = parse(&spec(text));
    let mut resolver = Resolver::new(|_, _| Err(String::new()));
    for item in &spec.items {
        if let Item::Statement(statement) = item
            && let Ok(Resolved::Claims(mut claims)) = resolver.statement(statement)
            && let Some(ClaimBody::Prop(Prop::Stacks(claim))) = claims.pop().map(|claim| claim.body)
        {
            return claim.left;
        }
    }
    panic!("{text} is no stack")
}

/// The matrix that is called the common kernel.
fn common_kernel(claim: &ClaimReport) -> Option<Vec<Vec<Rational>>> {
    let matrices = claim.details.iter().filter_map(|block| match block {
        Block::Matrices(matrices) => Some(matrices),
        _ => None,
    });
    let found = matrices.flatten().find(|matrix| matrix.title.starts_with("the common kernel"))?;
    let number = |text: &String| {
        let (n, d) = text.split_once('/').unwrap_or((text, "1"));
        Rational::ratio(n.parse().expect("a number"), d.parse().expect("a number")).expect("a denominator")
    };
    Some(found.rows.iter().map(|row| row.iter().map(number).collect()).collect())
}

/// The numbers for rows and columns after a word of the method, as in `stride 2` or `offset [1,0]`.
fn pair(method: &str, word: &str, usual: i64) -> [i64; 2] {
    let Some((_, rest)) = method.split_once(&format!(", {word} ")) else { return [usual; 2] };
    let text: String = rest.chars().take_while(|c| "-[]0123456789,".contains(*c)).collect();
    let text = text.trim_end_matches(',').trim_matches(['[', ']']);
    let numbers: Vec<i64> = text.split(',').map(|n| n.parse().expect("a number")).collect();
    [numbers[0], numbers[numbers.len() - 1]]
}

#[test]
fn the_common_kernel_is_what_the_stack_does() {
    let with_kernel = [
        "conv(K) -> conv(R)",
        "conv(K, stride=2) -> conv(R, stride=[1,2])",
        "conv(K, padding=1) -> conv(R)",
        "avgpool(2) -> conv(K)",
        "avgpool(3, padding=1) -> conv(R)",
        "pad(1,0,0,2) -> conv(K)",
        "crop(1) -> subsample(2)",
        "convtranspose(K, stride=2)",
        "convtranspose(K, stride=[2,1]) -> conv(R)",
        "upsample(2) -> conv(R)",
        "zero_insert(3) -> scale(2)",
        "conv(K) + 2 * conv(K, dilation=1)",
    ];
    for text in with_kernel {
        let claim = report(text);
        let kernel = common_kernel(&claim).unwrap_or_else(|| panic!("{text}: {}", claim.method));
        let [down, up] = [pair(&claim.method, "stride", 1), pair(&claim.method, "upsampling", 1)];
        let offset = pair(&claim.method, "offset", 0);
        let mut random = SplitMix64::new(7);
        let values =
            (0..9 * 10).map(|_| Rational::from(i64::try_from(random.below(9)).unwrap() - 4)).collect();
        let image = Image::new(1, 9, 10, values).unwrap();
        let output = run(&stack(text), &image, &Weights::new()).unwrap();
        let [_, height, width] = output.size();
        let read = |at: i64, length: usize| usize::try_from(at).ok().filter(|&at| at < length);
        for i in 0..height {
            for j in 0..width {
                let mut sum = Rational::ZERO;
                for (k, row) in kernel.iter().enumerate() {
                    for (l, weight) in row.iter().enumerate() {
                        let at = [(i, k), (j, l)].map(|(i, k)| [i, k].map(|n| i64::try_from(n).unwrap()));
                        let place = [0, 1].map(|a| down[a] * at[a][0] + at[a][1] - offset[a]);
                        if (0..2).any(|a| place[a].rem_euclid(up[a]) != 0) {
                            continue;
                        }
                        let [y, x] = [0, 1].map(|a| place[a].div_euclid(up[a]));
                        if let (Some(y), Some(x)) = (read(y, 9), read(x, 10)) {
                            sum += &(weight * image.at(0, y, x));
                        }
                    }
                }
                assert_eq!(&sum, output.at(0, i, j), "{text} at {i}, {j}: {}", claim.method);
            }
        }
    }
}

#[test]
fn what_is_no_single_kernel_shows_none() {
    for (text, words) in [
        ("conv(K, padding=1) -> conv(K, padding=1)", "after 1 signal cut at its border"),
        ("maxpool(2) -> maxpool(2)", "after 1 nonlinear layer"),
        ("relu -> conv(K)", "one 3×3 kernel after 1 nonlinear layer"),
        ("global_avgpool -> scale(2)", "one 1×1 kernel after 1 global average"),
        ("avgpool(3, padding=1, count_include_pad=false)", "after 1 mean with varying divisors"),
        ("avgpool(3, ceil_mode=true) -> conv(K)", "one 3×3 kernel after 1 mean with varying divisors"),
        ("(relu -> conv(K)) + conv(K)", "a sum of 2 kernels after 1 nonlinear layer"),
        (
            "relu -> conv(K, padding=1) -> relu -> global_avgpool",
            "after 2 nonlinear layers and 1 global average",
        ),
    ] {
        let claim = report(text);
        assert!(claim.method.contains(words), "{text}: {}", claim.method);
        assert!(common_kernel(&claim).is_none(), "{text}");
    }
    assert!(report("conv(K, stride=2, padding=same)").method.contains("stride 2, SAME padding"));
}

/// What is said of the layers of the left side.
fn laws(claim: &ClaimReport) -> Vec<String> {
    let table = claim.details.iter().find_map(|block| match block {
        Block::Layers { steps, .. } => Some(steps.clone()),
        _ => None,
    });
    table.unwrap_or_default().into_iter().map(|step| step.law).collect()
}

#[test]
fn what_is_said_of_layers_is_what_was_done() {
    let (plain, boxed) = ("a convolution", "average pooling is convolution with a box");
    let varies = "a mean whose divisor varies at the border";
    let noble = "kernels convolve; the stride before it dilates the kernel (noble identity)";
    let dilated = format!("{boxed}; the stride before it dilates the kernel (noble identity)");
    let zeros = "a convolution; zeros beyond the ends";
    let mean = "the mean of the whole image";
    let moved = format!("{mean}; 1×1 kernels before it commute with it");
    let relu = "nonlinear: what is before it is compared as a whole";
    let cut = "a convolution; what is before it is cut at its border, beyond which this reads zeros";
    for (text, expected) in [
        ("conv(K) -> conv(R)", vec![plain, "kernels convolve"]),
        ("conv(K, stride=2) -> conv(R)", vec![plain, noble]),
        // The stride does not dilate what has one column.
        ("conv(K, stride=[1,2]) -> conv(R)", vec![plain, noble]),
        ("conv(K, stride=[2,1]) -> conv(R)", vec![plain, "kernels convolve"]),
        ("conv(K) -> relu -> conv(R)", vec![plain, relu, plain]),
        ("conv(K, stride=2) -> relu -> conv(R)", vec![plain, relu, plain]),
        ("conv(K, padding=1) -> conv(R, padding=-1)", vec![zeros, "kernels convolve"]),
        ("conv(K, padding=1) -> conv(K, padding=1)", vec![zeros, cut]),
        ("avgpool(2) -> avgpool(2)", vec![boxed, &dilated]),
        ("avgpool(2, padding=1, count_include_pad=false) -> conv(K)", vec![varies, plain]),
        ("avgpool(2, ceil_mode=true) -> maxpool(2)", vec![varies, "nonlinear: a maximum over windows"]),
        // What is added to each position moves as a kernel does.
        ("relu -> global_avgpool", vec![relu, mean]),
        ("relu -> scale(2) -> global_avgpool", vec![relu, "a 1×1 kernel", &moved]),
        ("relu -> conv([1], bias=3) -> global_avgpool", vec![relu, plain, &moved]),
        ("relu -> conv(R) -> global_avgpool", vec![relu, plain, mean]),
        ("pad(1) -> crop(1)", vec!["zeros beyond the ends", "entries are cut away or move"]),
        ("pad(0) -> crop(1)", vec!["nothing changes", "entries are cut away or move"]),
        (
            "maxpool(2) -> scale(3) -> relu",
            vec![
                "nonlinear: a maximum over windows",
                "a 1×1 kernel",
                "nonlinear: the positive part commutes with what is before it",
            ],
        ),
        ("relu -> relu", vec![relu, "nothing before it is negative"]),
        (
            "maxpool(2) -> maxpool(2)",
            vec![
                "nonlinear: a maximum over windows",
                "nonlinear: a maximum of maxima is one over larger windows",
            ],
        ),
        (
            "conv(K) + 2 * conv(K, dilation=1)",
            vec![plain, plain, "the outputs of the branches are added: their kernels are one"],
        ),
    ] {
        let claim = report(text);
        assert!(
            matches!(&claim.witness, Some(Witness::Equal { by: Equality::NormalForm { .. }, .. })),
            "{text}"
        );
        assert_eq!(laws(&claim), expected, "{text}");
    }
}

#[test]
fn layers_that_not_everything_goes_through_are_branches() {
    for (text, expected) in [
        ("conv(K) -> conv(R)", vec![false, false]),
        ("conv(K) + 2 * conv(K, dilation=1)", vec![true, true, false]),
        (
            "conv(K) -> (conv(R) -> relu) + conv(2 * R) -> conv(K)",
            vec![false, true, true, true, false, false],
        ),
        ("relu6 -> conv(K)", vec![false, false]),
    ] {
        let claim = report(text);
        let steps = claim.details.iter().find_map(|block| match block {
            Block::Layers { steps, .. } => Some(steps.clone()),
            _ => None,
        });
        let branches: Vec<bool> = steps.unwrap().iter().map(|step| step.branch).collect();
        assert_eq!(branches, expected, "{text}");
    }
}

#[test]
fn a_proof_by_words_or_terms_says_nothing_of_normal_forms() {
    let declared = "kernel U[9,9,3,3]\nkernel V[9,9,3,3]\nkernel K[3,3]\nvector b[9]\n";
    for (claim, expected) in [
        ("conv(U) -> conv(V) == conv(U * V)", vec!["a sum over 3×3 positions times 9 matrices"; 2]),
        (
            "conv(U) -> avgpool(2, padding=1, count_include_pad=false) -> relu == conv(U) -> avgpool(2, padding=1, count_include_pad=false) -> relu",
            vec![
                "a sum over 3×3 positions times 9 matrices",
                "a sum, divided by how many positions each window reads",
                "nonlinear: the larger of it and 0",
            ],
        ),
        (
            "pad(1, mode=reflect) -> conv(K) == pad(1, mode=reflect) -> conv(K) -> scale(1)",
            vec!["each position", "a sum over 3×3 positions times entries of kernels or vectors"],
        ),
    ] {
        let report = check(&Source::new("a.cf", format!("{declared}prove {claim}")), &Nothing, &mut |_| {});
        let claim = report.claims().next().expect("a claim");
        let by_sums = matches!(
            &claim.witness,
            Some(Witness::Equal { by: Equality::Words(_) | Equality::Terms { .. }, .. })
        );
        assert!(by_sums, "{}", claim.method);
        assert_eq!(laws(claim), expected, "{}", claim.statement);
    }
}

#[test]
fn an_input_with_several_entries_is_spelled_out() {
    let said = |text: &str| {
        let report = check(&Source::new("a.cf", text), &Nothing, &mut |_| {});
        let claim = report.claims().next().expect("a claim").clone();
        let texts = claim.details.iter().filter_map(|block| match block {
            Block::Text(text) => Some(text.clone()),
            _ => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    };
    let several = said("prove conv([1 1]) -> relu == (relu -> conv([1 1])) on [1,2]");
    assert!(several.starts_with("Take an image of 1×2 that is "), "{several}");
    assert!(
        several.contains(" at row 0, column 0 and ") && !several.contains("all other weights"),
        "{several}"
    );
    // The only weight there is.
    let only = said("scalar a\nprove scale(a) == scale(2*a)");
    assert!(!only.contains("Equal if"), "said once, in the method: {only}");
    assert!(only.contains("`a` = 1, and an image") && !only.contains("other weights"), "{only}");
    let others = said("kernel A[1,2]\nprove conv(A) == conv(2*A)");
    assert!(others.contains("= 1, all other weights 0, and an image"), "{others}");
    let entry = said("scalar a\nkernel A = [a 1]\nprove A == 2 * A");
    assert!(!entry.contains("other weights"), "{entry}");
}

#[test]
fn refutations_keep_what_was_compared() {
    let witness = |text: &str| {
        let text = format!("kernel K[3,3]\nkernel R[3,3]\nprove {text}");
        let report = check(&Source::new("a.cf", text), &Nothing, &mut |_| {});
        let claim = report.claims().next().expect("a claim").clone();
        claim.witness.expect("a witness").to_json()
    };
    // A border between the layers, sizes, words of a mirrored border, and a bound.
    for (text, kind, did) in [
        ("conv(K, padding=1) -> conv(R, padding=1) == conv(K * R, padding=2)", "counterexample", "linear"),
        ("conv(K) -> conv(R) == conv(K)", "sizes", "linear"),
        ("pad(1, mode=reflect) -> conv(K) == pad(1, mode=reflect) -> conv(R)", "counterexample", "taps"),
        ("conv([1 2]) -> conv([1 1]) ~= conv([1 3 3]) within 1/2", "counterexample", "linear"),
    ] {
        let data = witness(text);
        assert_eq!(data["type"], kind, "{text}");
        let steps =
            data["derivation"]["left"]["steps"].as_array().unwrap_or_else(|| panic!("{text}: {data}"));
        assert_eq!(steps.last().expect("a step")["did"]["what"], did, "{text}");
    }
    let apart = &witness("conv(K, padding=1) -> conv(R, padding=1) == conv(K * R, padding=2)")["derivation"];
    assert_eq!(apart["left"]["steps"][1]["did"]["apart"], "border");
    // Branches that never fit are seen before anything is done with layers.
    assert!(witness("conv(K) + conv(R, padding=1) == conv(K)").get("derivation").is_none());
}
