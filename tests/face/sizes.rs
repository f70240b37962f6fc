//! Random claims about sizes, laws with their sizes exchanged and changed, against the engine for numbers: what is proved
//! for all values holds at all small ones, and what is refuted fails at the numbers that are named.

use convproof::algebra::SplitMix64;
use convproof::check::{Files, check};
use convproof::report::{Block, ClaimReport, Outcome, Pair, Step, Witness};
use convproof::source::Source;

/// Sides of laws in which `#` stands for one size expression, `@` for another, `~` for a third.
const LAWS: [[&str; 2]; 22] = [
    ["avgpool(#) -> avgpool(@)", "avgpool((#) * (@))"],
    ["avgpool(#, stride=1) -> subsample(#)", "avgpool(#)"],
    ["subsample(#) -> conv(A)", "conv(dilate(A, #)) -> subsample(#)"],
    ["avgpool(#) -> conv(A)", "conv(repeat(A, #) / (#) ^ 2, stride=#)"],
    ["conv(A) -> avgpool(#) -> conv(B)", "conv(A * repeat(B, #) / (#) ^ 2, stride=#)"],
    [
        "conv(A, dilation=#, stride=@) -> conv(B, dilation=~)",
        "conv(dilate(A, #) * dilate(B, (@) * (~)), stride=@)",
    ],
    ["conv(A, padding=#) -> conv(B)", "conv(A * B, padding=#)"],
    ["conv(A) -> conv(B, padding=#)", "conv(A * B, padding=#)"],
    ["pad(#) -> conv(A) -> subsample(@)", "conv(A, stride=@, padding=#)"],
    ["maxpool(#, stride=@) -> maxpool(~, stride=#)", "maxpool((#) + ((~) - 1) * (@), stride=(@) * (#))"],
    ["sumpool(#) -> sumpool(@)", "sumpool(@) -> sumpool(#)"],
    ["subsample(#) -> crop(1)", "crop(#) -> subsample(#)"],
    ["avgpool(#, stride=@, padding=1)", "pad(1) -> avgpool(#, stride=@)"],
    ["conv(A, padding=#) + conv(B, padding=#)", "conv(A + B, padding=#)"],
    ["bias(z) -> sumpool(#, stride=@)", "sumpool(#, stride=@) -> bias((#) ^ 2 * z)"],
    ["conv(A, bias=z) -> avgpool(#)", "conv(A) -> avgpool(#) -> bias(z)"],
    ["bias(z) -> maxpool(#, stride=@)", "maxpool(#, stride=@) -> bias(z)"],
    ["bias(z) -> pad(# - 1) -> sumpool(@)", "pad(# - 1) -> sumpool(@) -> bias((@) ^ 2 * z)"],
    [
        "bias(z) -> conv(ones(#, @) / (~), stride=~)",
        "conv(ones(#, @) / (~), stride=~) -> bias((#) * (@) / (~) * z)",
    ],
    ["avgpool(2) ^ p -> avgpool(#)", "avgpool((#) * 2 ^ p)"],
    ["sumpool(2) ^ q -> conv(A)", "conv(repeat(A, 2 ^ q), stride=2 ^ q)"],
    ["conv(A) ^ p -> avgpool(#)", "conv(A ^ p) -> avgpool(@)"],
];

const FREE: &str = "kernel A[3,3]\nkernel B[3,3]\nscalar z\n";

const EXPRESSIONS: [&str; 9] = ["p", "q", "s", "p", "q", "1", "2", "p + 1", "p * q"];

struct Nothing;

impl Files for Nothing {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("no files, not even {path}"))
    }
}

fn claims(text: String) -> Vec<ClaimReport> {
    let report = check(&Source::new("sizes.cf", text), &Nothing, &mut |_| {});
    report.claims().cloned().collect()
}

fn pick<'a>(random: &mut SplitMix64, all: &[&'a str]) -> &'a str {
    all[usize::try_from(random.below(all.len() as u64)).unwrap()]
}

/// A law with size expressions in it, mostly with one of them changed at one place.
fn claim(random: &mut SplitMix64) -> String {
    let law = LAWS[usize::try_from(random.below(LAWS.len() as u64)).unwrap()];
    let mut text = format!("{} == {}", law[0], law[1]);
    let wrong = random.below(2) == 0;
    for place in ["#", "@", "~"] {
        if wrong && random.below(2) == 0 {
            text = text.replacen(place, pick(random, &EXPRESSIONS), 1);
        }
        text = text.replace(place, pick(random, &EXPRESSIONS));
    }
    if random.below(4) == 0 {
        text + pick(random, &[" where p <= q", " where s % 2 == 1", " where q < p"])
    } else {
        text
    }
}

/// The claim at all numbers up to 4 that its condition allows.
fn instances(text: &str) -> String {
    let (body, condition) = text.split_once(" where ").unwrap_or((text, ""));
    let mut out = FREE.to_owned();
    for [p, q, s] in (0..64).map(|n| [n / 16 + 1, n / 4 % 4 + 1, n % 4 + 1]) {
        let excluded = match condition {
            "p <= q" => p > q,
            "s % 2 == 1" => s % 2 == 0,
            "q < p" => q >= p,
            _ => false,
        };
        if !excluded {
            out += &format!("prove {}\n", written(body, [p, q, s]));
        }
    }
    out
}

/// Numbers for single letters that are no part of a word.
fn written(body: &str, values: [i32; 3]) -> String {
    let letters: Vec<char> = body.chars().collect();
    let alone = |at: usize| !letters.get(at).is_some_and(|c| c.is_alphanumeric());
    let mut out = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let lone = (at == 0 || alone(at - 1)) && alone(at + 1);
        match "pqs".find(*letter).filter(|_| lone) {
            Some(which) => out += &values[which].to_string(),
            None => out.push(*letter),
        }
    }
    out
}

/// The largest number that a refutation names.
fn named(method: &str) -> i64 {
    let numbers = method.split(':').next().unwrap_or_default().split(|c: char| !c.is_ascii_digit());
    numbers.filter_map(|number| number.parse().ok()).max().unwrap_or(0)
}

/// What is said of the layers of the first side that is shown.
fn steps(claim: &ClaimReport) -> Vec<Step> {
    let layers = claim.details.iter().find_map(|block| match block {
        Block::Layers { steps, .. } => Some(steps.clone()),
        _ => None,
    });
    layers.unwrap_or_else(|| panic!("{}: {}", claim.statement, claim.method))
}

/// A polynomial such as `2·p·2^q - 1` at some numbers.
fn value(text: &str, at: [(&str, i64); 3]) -> i64 {
    let factor = |text: &str| -> i64 {
        let (base, power) = text.split_once('^').unwrap_or((text, "1"));
        let number = |text: &str| {
            let size = at.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
            size.unwrap_or_else(|| text.parse().unwrap_or_else(|_| panic!("{text} is no number")))
        };
        number(base).pow(u32::try_from(number(power)).unwrap())
    };
    let sum = text.replace(" - ", " + -1·");
    sum.split(" + ").map(|term| term.replace("·-", "·-1·").split('·').map(factor).product::<i64>()).sum()
}

#[test]
fn what_is_said_of_layers_is_what_was_done() {
    let (plain, boxed) = ("a convolution", "average pooling is convolution with a box");
    let dilated = "; the stride before it dilates the kernel (noble identity)";
    let maxima = "nonlinear: a maximum over windows";
    let relu = "nonlinear: what is before it is compared as a whole";
    let copies = "so many copies: a power of the kernel";
    for (stack, expected) in [
        ("avgpool(p) -> conv(A)", vec![boxed.to_owned(), format!("kernels convolve{dilated}")]),
        ("conv(A) -> subsample(p)", vec![plain.into(), "strides multiply".into()]),
        // A stride along the other axis does not dilate.
        ("subsample([1,p]) -> sumpool([p,1])", vec!["strides multiply".into(), "convolution with ones".into()]),
        ("subsample([p,1]) -> sumpool([p,1])", vec!["strides multiply".into(), format!("convolution with ones{dilated}")]),
        // Padding of at least 2 shows all that a kernel of extent 3 makes of zeros.
        (
            "conv(A, padding=p + 1) -> conv(B, padding=1)",
            vec![plain.into(), "kernels convolve; where it reads beyond the ends, what is before it is 0".into()],
        ),
        (
            "conv(A, padding=p) -> conv(B, padding=1)",
            vec![
                plain.into(),
                "a convolution; apart, as what is before it is cut at its border, beyond which this reads zeros".into(),
            ],
        ),
        (
            "maxpool(p) -> maxpool(q)",
            vec![maxima.into(), format!("{maxima}; a maximum of maxima is one over larger windows")],
        ),
        // Windows that leave gaps.
        ("maxpool(p, stride=p + 1) -> maxpool(q + 1)", vec![maxima.into(); 2]),
        ("maxpool(p) -> subsample(q)", vec![maxima.into(), "strides multiply; a stride of the maxima before it".into()]),
        (
            "avgpool(p) -> relu -> relu -> conv(A)",
            vec![boxed.into(), relu.into(), format!("{relu}; nothing before it is negative"), plain.into()],
        ),
        ("bias(z) -> sumpool(p)", vec!["adds a constant".into(), "convolution with ones; the constant before it moves behind it".into()]),
        ("conv(A) ^ p -> conv(B)", vec![copies.into(), "kernels convolve".into()]),
        (
            "avgpool(2) ^ p -> conv(B)",
            vec!["so many copies are one, with the power of the stride".into(), format!("kernels convolve{dilated}")],
        ),
        (
            "(conv(A) + 2 * conv(B)) -> avgpool(p)",
            vec!["the outputs of the branches are added: their kernels are one".into(), boxed.into()],
        ),
        (
            "avgpool(p) -> (conv(A) -> relu)",
            vec![boxed.into(), format!("one part, put together before{dilated}")],
        ),
    ] {
        let found = claims(format!("size p, q\n{FREE}prove {stack} == {stack}\n"));
        assert!(found[0].method.contains("as symbols in the exponents"), "{stack}: {}", found[0].method);
        let laws: Vec<String> = steps(&found[0]).into_iter().map(|step| step.law).collect();
        assert_eq!(laws, expected, "{stack}");
    }
}

#[test]
fn strides_and_fields_in_sizes_are_those_of_every_instance() {
    for stack in [
        "avgpool(p) -> avgpool(q)",
        "conv(A, stride=s) -> sumpool([p,q]) -> conv(B, dilation=q)",
        "maxpool(p) -> relu -> conv(A, padding=q, stride=[s,2])",
        "conv(A) -> avgpool(2) ^ p -> subsample([1,(2 ^ q * 3)]) -> conv(B)",
        "conv(A) -> (conv(A) + conv(B)) -> sumpool(q, stride=p)",
    ] {
        let symbolic = claims(format!("size p, q, s\n{FREE}prove {stack} == {stack}\n"));
        let symbolic = steps(&symbolic[0]);
        for at in [[1, 1, 1], [2, 3, 4], [3, 2, 1]] {
            let instance = written(stack, at.map(|n| i32::try_from(n).unwrap()));
            let numbers = claims(format!("{FREE}prove {instance} == {instance}\n"));
            let numbers = steps(&numbers[0]);
            let sizes = [("p", at[0]), ("q", at[1]), ("s", at[2])];
            let pair = |pair: &Option<Pair>| match pair {
                Some(Pair::Polynomials(texts)) => texts.each_ref().map(|text| value(text, sizes)),
                Some(Pair::Numbers(pair)) => pair.map(|number| i64::try_from(number).unwrap()),
                None => panic!("{stack}: nothing is said"),
            };
            let [ours, theirs] = [&symbolic, &numbers].map(|steps| {
                let last = steps.last().expect("a step");
                [pair(&last.stride), pair(&last.field)]
            });
            assert_eq!(ours, theirs, "{stack} at {at:?}");
        }
    }
}

#[test]
fn proofs_for_all_sizes_keep_what_made_them() {
    let declared = "size p, n\nsize k where k % 2 == 1\nsize c\nkernel V[c,c,3,3]\nkernel W[c,c,3,3]\n";
    let claim = |text: &str| claims(format!("{declared}{FREE}prove {text}\n")).remove(0);
    let texts = |claim: &ClaimReport| -> String {
        let all = claim.details.iter().filter_map(|block| match block {
            Block::Text(text) => Some(text.as_str()),
            _ => None,
        });
        all.collect::<Vec<_>>().join(" ")
    };
    let json = |claim: &ClaimReport| claim.witness.as_ref().map(Witness::to_json).expect("a witness");

    // Strides that no power of the language's names stand for, so that only the next number tells.
    let induction = claim("conv([[1 1]], stride=2) ^ n == conv(ones(1, 2 ^ n), stride=2 ^ n)");
    let data = json(&induction);
    assert_eq!(data["by"], "induction");
    assert_eq!(data["derivation"]["left"]["count"], 2, "the other side and one more stage");
    assert_eq!(data["derivation"]["left"]["steps"][1]["stride"], serde_json::json!(["2·2^n", "2·2^n"]));
    assert_eq!(data["derivation"]["left"]["steps"][1]["did"]["joined"], serde_json::json!(["dilated"]));
    assert_eq!(data["derivation"]["right"]["steps"][0]["stride"], serde_json::json!(["2·2^n", "2·2^n"]));
    for side in ["left", "right"] {
        assert_eq!(data["first"][side]["steps"][0]["stride"], serde_json::json!([2, 2]), "{side}");
    }

    let numbers = claim("p * p + 1 >= p");
    assert_eq!(json(&numbers)["differences"], serde_json::json!(["-1 + p - p^2"]));
    assert_eq!(texts(&numbers), "The right side less the left one is -1 + p - p^2.");

    let equal = claim("kernel_size(avgpool(p) -> sumpool([1,3])) == [p,(3 * p)]");
    assert_eq!(json(&equal)["left"], serde_json::json!(["p", "3·p"]));
    assert_eq!(texts(&equal), "Both sides are p, 3·p.");

    let odd =
        claim("sumpool(k, padding=(k - 1) / 2) -> scale(2) == scale(2) -> sumpool(k, padding=(k - 1) / 2)");
    assert_eq!(json(&odd)["written"], serde_json::json!({ "k": "-1 + 2·k′" }));
    assert!(
        texts(&odd).contains("k = -1 + 2·k′; a primed number is any whole one from 1"),
        "{}",
        texts(&odd)
    );

    // Zeros between two kernels: no normal form with symbols, but sums that are the same for all channels.
    let channels = "conv(V, padding=1) -> conv(W, padding=1)";
    let channels = claim(&format!("{channels} == scale(2) -> {channels} -> scale(1 / 2)"));
    let data = json(&channels);
    assert_eq!(
        (&data["by"], &data["at"]),
        (&"words".into(), &serde_json::json!({ "c": 7 })),
        "{}",
        channels.method
    );
    let law = &steps(&channels)[0].law;
    assert_eq!(law, "a sum over 3×3 positions times 9 matrices");
    assert_eq!(data["derivation"]["left"]["steps"][0]["did"]["matrices"], 9);
}

#[test]
fn what_is_no_size_is_a_clear_mistake() {
    let cases = [
        // A size as a free real, another thing or twice.
        ("size p\nscalar p\n", "E0202", "`p`"),
        ("size p\nkernel p[3,3]\n", "E0202", "`p`"),
        ("size p\nsize p\n", "E0202", "`p`"),
        ("scalar a\nsize p where p <= a\n", "E0240", "sizes and numbers"),
        ("size h\n", "E0240", "`h` and `w`"),
        ("size p\nkernel A[p,p]\nsolve X[p,p]: X * A == A\n", "E0240", "every whole number"),
        ("size p\nkernel A[p,p]\nexport A \"a.npz\"\n", "E0240", "every whole number"),
        // Negative, zero and fractional instances.
        ("size p\nprove avgpool(p - 1) == avgpool(p - 1)\n", "E0212", "0"),
        ("size p\nprove avgpool(-p) == avgpool(p)\n", "E0212", "-1"),
        ("size p\nprove subsample(p / 2) == id\n", "E0212", "1/2"),
        ("size p\nkernel K[p,p - 1]\nprove conv(K) == conv(K)\n", "E0212", "0"),
        ("size p\nkernel A[3,3]\nprove conv(A / (p - 1)) == conv(A)\n", "E0213", "zero"),
        ("size p where p % 0 == 1\nprove avgpool(p) == id\n", "E0240", "remainder"),
        ("size p where p < 1\nprove avgpool(p) == id\n", "E0240", "none of the small values"),
        // Beyond every limit from the first number on.
        ("size p\nprove avgpool(1e9 * p) == id\n", "E0212", "1000000000"),
        // Definitions in a circle.
        ("size p\nstack S = S -> avgpool(p)\n", "E0240", "not by itself"),
        ("size p\nkernel K[p,p] = K + K\n", "E0240", "not by itself"),
        ("size p\nstack S = T -> avgpool(p)\nstack T = S -> avgpool(p)\n", "E0201", "`T`"),
        ("size p where p <= q\nsize q\n", "E0240", "sizes and numbers"),
    ];
    for (text, code, words) in cases {
        let report = check(&Source::new("sizes.cf", text.to_owned()), &Nothing, &mut |_| {});
        let first = report.errors.first().unwrap_or_else(|| panic!("{text}: no mistake"));
        assert_eq!(first.code, code, "{text}: {}", first.message);
        assert!(first.message.contains(words), "{text}: {}", first.message);
    }
}

#[test]
fn random_claims_about_sizes_agree_with_their_instances() {
    let count = std::env::var("CONVPROOF_SIZE_CLAIMS").ok().and_then(|n| n.parse().ok()).unwrap_or(40);
    let mut random = SplitMix64::new(7);
    let mut seen = [0; 3];
    for _ in 0..count {
        let text = claim(&mut random);
        let found = claims(format!("size p, q, s\n{FREE}prove {text}\n"));
        let Some(found) = found.first() else { continue };
        assert!(!found.method.contains("defect"), "{text}: {}", found.method);
        match found.outcome {
            Outcome::Proved => {
                seen[0] += 1;
                for instance in claims(instances(&text)) {
                    assert_ne!(instance.outcome, Outcome::Refuted, "{text}: {}", instance.statement);
                }
            }
            Outcome::Refuted => {
                seen[1] += 1;
                let all = claims(instances(&text));
                let fails = all.iter().any(|instance| instance.outcome == Outcome::Refuted);
                assert!(fails || named(&found.method) > 4, "{text}: no instance fails: {}", found.method);
            }
            _ => {
                seen[2] += 1;
                if std::env::var("CONVPROOF_SIZE_CLAIMS").is_ok() {
                    println!("{text}: {}", found.method);
                }
            }
        }
    }
    println!("{} proved, {} refuted, {} unknown", seen[0], seen[1], seen[2]);
    assert!(seen[0] > 0 && seen[1] > 0);
}
