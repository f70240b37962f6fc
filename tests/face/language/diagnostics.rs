//! Every diagnostic code of specs: documented, triggered by its spec in `tests/diagnostics`, and by nothing else.

use std::path::Path;

use convproof::diagnostic::Diagnostic;
use convproof::explain::{all_codes, explain};
use convproof::resolve::Resolver;
use convproof::syntax::ast::Item;
use convproof::syntax::parse;

/// All diagnostics of a spec in order of discovery.
pub(crate) fn diagnose(text: &str) -> Vec<Diagnostic> {
    let (spec, errors) = parse(text);
    let mut all: Vec<Diagnostic> = errors.iter().map(convproof::syntax::SyntaxError::diagnostic).collect();
    let mut resolver = Resolver::new(|path, entry| {
        let loaded = convproof::load::load(&[], path, entry).map_err(|error| error.to_string())?;
        Ok((loaded.dims, loaded.values))
    });
    resolver.expect(&spec);
    for item in &spec.items {
        if let Item::Statement(statement) = item
            && let Err(errors) = resolver.statement(statement)
        {
            all.extend(errors.iter().map(convproof::resolve::ResolveError::diagnostic));
        }
    }
    all
}

fn codes(text: &str) -> Vec<&'static str> {
    diagnose(text).iter().map(|diagnostic| diagnostic.code).collect()
}

/// Codes of specs; `E00…` concern files.
fn documented() -> Vec<&'static str> {
    all_codes().into_iter().map(|(code, _)| code).filter(|code| !code.starts_with("E00")).collect()
}

#[test]
fn every_code_has_a_spec_that_triggers_just_it() {
    for code in documented() {
        let path = Path::new("tests/diagnostics").join(format!("{code}.cf"));
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(codes(&text), [code], "{}", path.display());
    }
}

#[test]
fn every_spec_belongs_to_a_documented_code() {
    for entry in std::fs::read_dir("tests/diagnostics").expect("the folder is there") {
        let path = entry.expect("readable").path();
        let code = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        assert!(explain(code).is_some(), "{code} has no section");
    }
}

#[test]
fn documented_examples_behave_as_they_say() {
    for code in documented().into_iter().filter(|code| code.starts_with("E02")) {
        let section = explain(code).expect("a section");
        let blocks: Vec<&str> =
            section.split("```cf\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        let [wrong, right] = blocks.as_slice() else { panic!("{code} has {} examples", blocks.len()) };
        assert_eq!(codes(wrong), [code], "example of {code}");
        assert_eq!(codes(right), Vec::<&str>::new(), "repaired example of {code}");
    }
}

#[test]
fn codes_are_numbered_without_gaps() {
    let resolve: Vec<_> = documented().into_iter().filter(|code| code.starts_with("E02")).collect();
    let expected: Vec<String> = (1..=resolve.len()).map(|n| format!("E02{n:02}")).collect();
    assert_eq!(resolve, expected);
}

#[test]
fn a_broken_statement_does_not_reach_what_stands_above_it() {
    // `R` is known above the broken `fit`, and keeps its value below it.
    let text = "kernel R = [1 2]\nkernel L = [1 2; 2 4]\nprove R == [1 2 3] + R\n\
                fit C[2,1], R[1,2]: C * R ~ L ~\nprove R + L == L\nprove C == C";
    let found = diagnose(text);
    let codes: Vec<&str> = found.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(codes, ["E0111", "E0203", "E0203"], "{found:?}");
}

#[test]
fn misspelt_names_find_the_near_one() {
    let hints = |text| diagnose(text).into_iter().flat_map(|d| d.hints).collect::<Vec<_>>();
    assert_eq!(hints("kernel Alpha[3,3]\nprove Alhpa == Alpha"), ["did you mean `Alpha`?"]);
    assert_eq!(hints("stack S = avgpol(2)"), ["did you mean `avgpool`?"]);
    assert_eq!(hints("kernel a[3,3]\nprove A == a"), ["did you mean `a`?"]);
    assert_eq!(hints("stack S = avgpool(2, strid=1)")[0], "did you mean `stride`?");
    assert!(hints("prove X == 1")[0].starts_with("names are declared with"));
}

#[test]
fn both_shapes_and_both_declarations_are_shown() {
    let text = "kernel A[3,3]\nkernel B[5,5]\nprove A + B == A";
    let [error] = diagnose(text).try_into().expect("one mistake");
    let label = |place: &str| {
        let start = text.rfind(place).expect("in the text");
        error
            .secondary
            .iter()
            .filter(|label| label.span.start == start)
            .map(|label| label.text.clone())
            .collect::<Vec<_>>()
    };
    assert!(error.message.contains("[3,3] and [5,5]"), "{}", error.message);
    assert_eq!(label("A + B"), ["[3,3]"]);
    assert_eq!(label("B =="), ["[5,5]"]);
    assert_eq!(label("A[3,3]"), ["declared here as [3,3]"]);
    assert_eq!(label("B[5,5]"), ["declared here as [5,5]"]);
}

#[test]
fn one_place_is_told_of_once() {
    let [error] = diagnose("kernel D[3,4,3,3]\nprove conv(D * D) == id").try_into().expect("one mistake");
    let declared = error.secondary.iter().filter(|label| label.text.starts_with("declared here"));
    assert_eq!(declared.count(), 1, "{:?}", error.secondary);
}

#[test]
fn one_mistake_gives_one_diagnostic() {
    // The failed declaration is not reported again where its name is used.
    assert_eq!(
        codes("kernel A = [1 2] + [1 2 3]\nkernel B = A * A\nprove A == B\nstack S = conv(B)"),
        ["E0203"]
    );
    // A name that is defined twice keeps its first meaning.
    assert_eq!(codes("kernel A[3,3]\nkernel A[5,5]\nprove A == A\nkernel B[3,3] = A"), ["E0202"]);
    // Independent mistakes of one statement are all reported.
    assert_eq!(
        codes("stack S = conv(A, stride=0, dilation=0) -> conv(B)"),
        ["E0201", "E0212", "E0212", "E0201"]
    );
    // A statement that cannot be read declares its name all the same.
    assert_eq!(codes("kernel A = [1 2\nprove A == A"), ["E0109"]);
    // The unknowns of a failed `solve` are not unknown names.
    assert_eq!(codes("solve P[2,2]: P * Missing == P\nprove P == P"), ["E0231"]);
}

/// The labels of the only diagnostic, with the text they stand at.
fn labels(text: &str) -> Vec<(&str, String)> {
    let [error]: [Diagnostic; 1] = diagnose(text).try_into().expect("one mistake");
    let all = std::iter::once(error.primary).chain(error.secondary).filter(|label| !label.text.is_empty());
    all.map(|label| (&text[label.span.start..label.span.end], label.text)).collect()
}

#[test]
fn channel_and_size_mistakes_name_both_places() {
    let label = |place, text: &str| (place, text.to_owned());
    let text = "prove conv(ones(8,3,1,1)) -> relu -> conv(ones(4,5,1,1)) == conv(ones(4,3,1,1))";
    assert_eq!(
        labels(text),
        [label("conv(ones(4,5,1,1))", "needs 5 channels"), label("conv(ones(8,3,1,1))", "gives 8 channels")]
    );
    let text = "stack S = relu -> (conv(ones(3,3)) + id)\nprove S == S";
    assert_eq!(labels(text), [label("conv(ones(3,3))", "gives 6×6"), label("id", "gives 8×8")]);
    let text = "prove conv(ones(2,1,1,1)) + id == id";
    assert_eq!(
        labels(text),
        [label("conv(ones(2,1,1,1))", "gives 2 channels"), label("id", "gives 1 channel")]
    );
    let text = "image X = ones(4,4)\nimage Y = (avgpool(2) -> conv(ones(3,3)))(X)";
    assert_eq!(labels(text)[1], label("conv(ones(3,3))", "this layer gets 2×2 and leaves nothing"));
}

#[test]
fn a_stack_is_no_single_kernel_for_the_reason_that_is_named() {
    for (stack, reason) in [
        ("conv(A) -> conv(A, stride=2, padding=same)", "SAME padding with a stride"),
        ("pad(0,0,1,1) -> conv(A, stride=2, padding=same)", "SAME padding with a stride"),
        ("subsample(2) -> upsample(3) -> subsample(3)", "an upsampling stands after a stride"),
        ("relu", "a layer in it is nonlinear"),
        ("upsample(2)", "it upsamples"),
        ("conv(A, bias=1)", "it adds a bias"),
    ] {
        let found = diagnose(&format!("kernel A[3,3]\nkernel B = kernel({stack})"));
        assert_eq!(found.len(), 1, "{stack}");
        assert!(found[0].message.contains(reason), "{stack}: {}", found[0].message);
    }
}
