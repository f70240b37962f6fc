//! Nothing that can be written brings the program down: extreme specs end with a verdict or a message, in bounded
//! work and memory. Every limit is counted, so that these outcomes are the same on every machine.

use convproof::algebra::budget::{Budget, Cancel};
use convproof::check::{Files, check_within};
use convproof::report::{FileReport, Outcome};
use convproof::source::Source;

struct Nothing;

impl Files for Nothing {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("no files here, not even {path}"))
    }
}

/// A fraction of the usual work: tests are built without optimisation.
fn budget() -> Budget {
    Budget { steps: Budget::STEPS / 40, ..Budget::default() }
}

fn run_within(text: &str, budget: &Budget) -> FileReport {
    let (source, budget) = (Source::new("a.cf", text), budget.clone());
    // As large a stack as the command line gives.
    let thread = std::thread::Builder::new().stack_size(256 << 20);
    let check = move || check_within(&source, &Nothing, &budget, &mut |_| {});
    thread.spawn(check).expect("a thread").join().expect("no panic leaves the check")
}

fn run(text: &str) -> FileReport {
    run_within(text, &budget())
}

/// The verdict of the only claim and how it came about.
fn verdict(text: &str) -> (Outcome, String) {
    let report = run(text);
    assert!(report.errors.is_empty(), "{text}: {:?}", report.errors);
    let claim = report.claims().next().expect("a claim");
    assert!(!claim.method.contains("defect"), "{text}: {}", claim.method);
    (claim.outcome, claim.method.clone())
}

/// A claim that may stay undecided; if it does, the reason has one of these words.
fn undecided(text: &str, words: &[&str]) {
    let (outcome, method) = verdict(text);
    assert_eq!(outcome, Outcome::Unknown, "{text}: {method}");
    assert!(words.iter().any(|word| method.contains(word)), "{text}: {method}");
}

/// A factor that cannot be read was taken for 1, so that this was proved.
#[test]
fn a_factor_with_too_many_terms_is_refused() {
    let text = "kernel A[64,64,3,3]\nkernel B[64,64,3,3]\nkernel K[3,3]\nkernel C = A * B\n\
                kernel D = C[0:1,0:1,0:1,0:1]\nprove: D * conv(K) == conv(K)";
    let report = run(text);
    assert_eq!(report.claims().count(), 0, "{report:?}");
    assert!(report.errors.iter().any(|error| error.message.contains("too many terms")), "{report:?}");
}

#[test]
fn outputs_too_large_to_evaluate_are_not_made() {
    let text =
        "kernel A = [1]\nprove: convtranspose(A, stride=65536) -> convtranspose(A, stride=65536) == id";
    let report = run(text);
    let mut said =
        report.errors.iter().map(|error| &error.message).chain(report.claims().map(|claim| &claim.method));
    assert!(said.any(|said| said.contains("too large") || said.contains("too much")), "{report:?}");
}

#[test]
fn sizes_that_overflow_end_in_a_verdict() {
    let report = run("prove: subsample(2)^63 + id == id");
    let outcomes: Vec<Outcome> = report.claims().map(|claim| claim.outcome).collect();
    assert!(!outcomes.contains(&Outcome::Proved), "{outcomes:?}");
    assert_eq!(outcomes.len() + report.errors.len(), 1);
}

#[test]
fn kernels_of_stacks_of_kernels_are_not_nested_without_end() {
    let mut text = "kernel K0 = [1 2; 3 4]\n".to_owned();
    for n in 1..2000 {
        text.push_str(&format!("kernel K{n} = kernel(conv(K{}))\n", n - 1));
    }
    text.push_str("solve P[2,2]: P == K1999\n");
    let report = run(&text);
    assert_eq!(report.errors.len(), 1, "{:?}", report.errors.first());
    assert!(report.errors[0].message.contains("rest on one another"), "{}", report.errors[0].message);
    // The same through images.
    let mut text = "image X0 = [1 2; 3 4]\n".to_owned();
    for n in 1..2000 {
        text.push_str(&format!("kernel K{n} = X{}\nimage X{n} = conv([1] * K{n}[0,0])(X0)\n", n - 1));
    }
    assert!(run(&text).errors[0].message.contains("rest on one another"));
}

#[test]
fn sums_of_sums_are_as_deep_as_one_likes_and_not_without_end() {
    let nested = |depth: usize| {
        let mut text = "stack S0 = relu\n".to_owned();
        for n in 1..=depth {
            text.push_str(&format!("stack S{n} = concat(S{} + id)\n", n - 1));
        }
        text + &format!(
            "prove: S{depth} == relu + {depth} * id\nprove: S{depth} == relu + {} * id\n",
            depth + 1
        )
    };
    let report = run(&nested(300));
    let outcomes: Vec<Outcome> = report.claims().map(|claim| claim.outcome).collect();
    assert_eq!((report.errors.len(), outcomes), (0, vec![Outcome::Proved, Outcome::Refuted]));
    let report = run(&nested(2100));
    assert!(report.errors[0].message.contains("sums, products and concatenations"), "{:?}", report.errors);
    let report =
        run("stack S = concat(concat(relu))\nstack T = concat(concat(S)) ^ 4096\nprove: T ^ 4096 == id");
    assert!(report.errors[0].message.contains("sums, products and concatenations"), "{:?}", report.errors);
}

#[test]
fn many_free_weights_are_told_apart() {
    let text = "kernel A[128,128,3,3]\nkernel B[128,128,3,3]\nprove: conv(A) == conv(B)";
    let report = run_within(text, &Budget::default());
    assert_eq!(report.claims().map(|claim| claim.outcome).collect::<Vec<_>>(), [Outcome::Refuted]);
}

#[test]
fn wide_padding_is_trimmed() {
    let text = "kernel G[2,2,2,2]\nprove: conv(pad(G,257)) == conv(pad(G,257))";
    assert_eq!(verdict(text).0, Outcome::Proved);
}

#[test]
fn every_total_is_bounded() {
    let words = ["budget: ", "too many", "too large"];
    undecided("prove: global_avgpool == avgpool(4096) on [4096,4096]", &words);
    undecided(
        "kernel A = [1 2 1; 0 1 3; 2 -1 4]\nstack S = conv(A)\nprove: S^4096 == conv(A) -> S^4095",
        &words,
    );
    undecided("prove: forall D[129,129]: exists P[65,65], Q[65,65]: P * Q == D", &["budget: ", "bound"]);
    let vectors = "kernel G[4096]\nkernel B[4096]\nkernel M[4096]\nkernel V[4096]\n";
    assert_eq!(verdict(&format!("{vectors}prove: batchnorm(G,B,M,V,1) == id")).0, Outcome::Refuted);
    assert_eq!(verdict("kernel A[64,64]\nkernel R = sqrt(A)\nprove: conv(R) == conv(A)").0, Outcome::Refuted);
}

/// As many starts as were asked for, or a message that says how many there may be.
#[test]
fn starts_are_not_cut_in_silence() {
    let rows: Vec<String> = (0..21)
        .map(|i| (0..21).map(|j| ((i * i + 3 * j) % 11).to_string()).collect::<Vec<_>>().join(" "))
        .collect();
    let text =
        format!("kernel A = [{}]\nfit P[11,11], Q[11,11]: P * Q ~ A with starts=10000", rows.join("; "));
    undecided(&text, &["at most `starts="]);
}

/// What was asked for by name may take more work than other statements; its certificate ends early otherwise, the fit does not.
#[test]
fn a_certificate_that_was_asked_for_has_more_work() {
    let little = Budget { steps: 60_000_000, ..Budget::default() };
    let outcome = |options: &str| {
        let rows = "[1 -3 5 2 7; 4 9 -2 6 -8; 3 1 8 -5 2; 6 -7 4 2 9; -1 5 3 8 -6]";
        let report = run_within(&format!("fit P[3,3], Q[3,3]: P * Q ~ {rows}{options}"), &little);
        report.claims().next().map(|claim| claim.outcome)
    };
    assert_eq!(outcome(""), Some(Outcome::Found));
    assert_eq!(outcome(" with certify=81"), Some(Outcome::Optimal));
}

#[test]
fn reasons_name_the_limit_that_was_met() {
    let lengths = "deciding it takes every height and width below";
    undecided("prove: conv([1 2]) == conv([1 3]) where h >= 2000 and w >= 2000", &[lengths]);
    undecided(
        "prove: maxpool(4096, stride=1) == maxpool(4095, stride=1)",
        &["the counterexample is too large"],
    );
}

#[test]
fn what_was_being_done_is_said() {
    let little = Budget { steps: 100_000, ..budget() };
    let report = run_within("prove: avgpool(40) -> avgpool(41, padding=same) == avgpool(1640)", &little);
    let method = &report.claims().next().expect("a claim").method;
    assert_eq!(method, "undecided: budget: more work than one statement may take, while deciding the claim");
}

#[test]
fn the_flag_stops_everything_and_names_stay_silent() {
    let budget = Budget { cancel: Cancel::default(), ..budget() };
    budget.cancel.cancel();
    let text = "kernel A[3,3]\nkernel B = A * A * A\nprove: conv(B) == conv(A)\nsolve P[3,3]: P * A == A * A\nprove: P == A";
    let report = run_within(text, &budget);
    for claim in report.claims() {
        assert_eq!((claim.outcome, claim.holds), (Outcome::Unknown, false));
        assert!(claim.method.starts_with("undecided: time limit: stopped"), "{}", claim.method);
    }
    for error in &report.errors {
        assert_eq!(error.code, "E0222");
        assert_eq!(error.message, "beyond the limits: time limit: stopped, while reading the statement");
    }
    assert!(report.claims().count() + report.errors.len() > 0);
}

#[test]
fn the_named_kernels_of_a_spec_are_bounded_together() {
    let text: String = (0..9).map(|n| format!("kernel K{n} = ones(4096,4096)\n")).collect();
    let report = run(&text);
    assert_eq!(report.errors.len(), 1, "{:?}", report.errors.first());
    assert!(report.errors[0].message.contains("MiB together"), "{}", report.errors[0].message);
}
