//! Random claims about sizes, laws with their sizes exchanged and changed, against the engine for numbers: what is proved
//! for all values holds at all small ones, and what is refuted fails at the numbers that are named.

use convproof::algebra::SplitMix64;
use convproof::check::{Files, check};
use convproof::report::{ClaimReport, Outcome};
use convproof::source::Source;

/// Sides of laws in which `#` stands for one size expression, `@` for another, `~` for a third.
const LAWS: [[&str; 2]; 14] = [
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
];

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
    let mut out = "kernel A[3,3]\nkernel B[3,3]\n".to_owned();
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

#[test]
fn a_declaration_by_itself_is_a_mistake() {
    let text = "size p\nstack S = S -> avgpool(p)\n";
    let report = check(&Source::new("sizes.cf", text), &Nothing, &mut |_| {});
    assert_eq!(report.errors.iter().map(|error| error.code).collect::<Vec<_>>(), ["E0240"]);
}

#[test]
fn random_claims_about_sizes_agree_with_their_instances() {
    let count = std::env::var("CONVPROOF_SIZE_CLAIMS").ok().and_then(|n| n.parse().ok()).unwrap_or(40);
    let mut random = SplitMix64::new(7);
    let mut seen = [0; 3];
    for _ in 0..count {
        let text = claim(&mut random);
        let found = claims(format!("size p, q, s\nkernel A[3,3]\nkernel B[3,3]\nprove {text}\n"));
        let Some(found) = found.first() else { continue };
        assert!(!found.method.contains("defect"), "{text}: {}", found.method);
        match found.outcome {
            Outcome::Proved => {
                seen[0] += 1;
                for instance in claims(instances(&text)) {
                    assert_ne!(instance.outcome, Outcome::Refuted, "{text}: {}", instance.statement);
                }
            }
            Outcome::Refuted => seen[1] += 1,
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
