//! Random claims about sizes, laws with their sizes exchanged and changed, against the engine for numbers: what is proved
//! for all values holds at all small ones, and what is refuted fails at the numbers that are named.

use convproof::algebra::SplitMix64;
use convproof::check::{Files, check};
use convproof::report::{ClaimReport, Outcome};
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
