//! Mistakes in the text of a spec: which code, at which place, and never more than one for a mistake.

use convproof::explain::{all_codes, explain};
use convproof::source::Source;
use convproof::syntax::{MAX_HEIGHT, MAX_NESTING, parse, print};

/// Codes with lines and columns.
fn mistakes(text: &str) -> Vec<(&'static str, usize, usize)> {
    let source = Source::new("test.cf", text);
    let (_, errors) = parse(text);
    errors
        .iter()
        .map(|error| {
            let diagnostic = error.diagnostic();
            assert_eq!(diagnostic.code, error.code());
            assert_eq!(diagnostic.primary.span, error.span);
            let (line, column) = source.position(error.span.start);
            (error.code(), line, column)
        })
        .collect()
}

#[track_caller]
fn one(text: &str, code: &str, line: usize, column: usize) {
    assert_eq!(mistakes(text), [(code, line, column)], "in {text}");
}

fn hints(text: &str) -> Vec<String> {
    parse(text).1.iter().flat_map(|error| error.diagnostic().hints).collect()
}

fn message(text: &str) -> String {
    parse(text).1[0].diagnostic().message
}

#[test]
fn each_code_has_its_place() {
    one("kernel A = 2 × B", "E0101", 1, 14);
    one("kernel A = {1, 2}", "E0101", 1, 12);
    one("kernel A = B²", "E0101", 1, 13);
    one("prove \"é\": A ≤ B", "E0101", 1, 14);
    one("prove 'x': A == B", "E0102", 1, 7);
    one("prove “x”: A == B", "E0102", 1, 7);
    one("prove \"x: A == B\nkernel A[3,3]", "E0103", 1, 7);
    one("kernel A[3,3]\n\"\"\" prose\nkernel B = ]", "E0104", 2, 1);
    one("kernel A = 3x3", "E0105", 1, 12);
    one("kernel A = [1.2.3 4]", "E0105", 1, 13);
    one("kernel A = 1e9999999999999999999", "E0106", 1, 12);
    one("scalar a = 1e4000", "E0106", 1, 12);
    one("kernle A[3,3]", "E0107", 1, 1);
    one("kernel A[3,3]\nA = 3", "E0107", 2, 1);
    one("kernel A[3,3 = B", "E0108", 1, 14);
    one("kernel A =", "E0108", 1, 11);
    one("kernel A =   # nothing\n\nkernel B[3,3]", "E0108", 1, 11);
    one("prove \"x\" A == B", "E0108", 1, 11);
    one("image X", "E0108", 1, 8);
    one("prove A", "E0108", 1, 8);
    one("prove A ~= B within 1 for x", "E0108", 1, 27);
    one(")", "E0108", 1, 1);
    one("kernel A = [[1 0] [0 1]\nprove A == A", "E0109", 1, 12);
    one("kernel A = (B]", "E0109", 1, 12);
    one("prove conv(A == B", "E0108", 1, 14);
    one("prove conv(A", "E0109", 1, 11);
    one("scalar stack = 3", "E0110", 1, 8);
    one("kernel where[3,3]", "E0110", 1, 8);
    one("prove stack == A", "E0110", 1, 7);
    one("stack S = conv(A) conv(B)", "E0111", 1, 19);
    one("stack S = conv(A)\n    conv(B)", "E0111", 2, 5);
    one("kernel A = [1 2]]", "E0111", 1, 17);
    one("prove A = B", "E0112", 1, 9);
    one("prove A ~ B", "E0112", 1, 9);
    one("chain A == B < C", "E0112", 1, 14);
    one("solve P[3,3]: P * A ~ B", "E0112", 1, 21);
    one("fit P[3,3]: P * A == B", "E0112", 1, 19);
    one("prove S ~= T", "E0113", 1, 9);
    one("chain S == T ~= U on [3,3]", "E0113", 1, 14);
    one("prove S == T within 1", "E0114", 1, 14);
    one("chain S ~= T within 1 == U for |x| <= 2", "E0114", 1, 28);
    one("prove S == T on [3,3] on [4,4]", "E0115", 1, 23);
    one("prove S == T == U", "E0116", 1, 14);
    one("kernel A = [1 - 2]", "E0117", 1, 15);
    one("kernel A = [1- 2]", "E0117", 1, 14);
    one("kernel A = [a *b]", "E0117", 1, 15);
    one("kernel A = [[1 2]\n [3]]", "E0118", 2, 2);
    one("kernel A = [1 2; 3]", "E0118", 1, 18);
    one("kernel A = [1 [2 3]]", "E0118", 1, 15);
    one("kernel A = [[[1 2] [3 4]] [[1 2]]]", "E0118", 1, 27);
    one("kernel A = [a [0,0]]", "E0118", 1, 15);
    one("kernel A = []", "E0119", 1, 12);
    one("kernel A = [1 2;; 3 4]", "E0119", 1, 17);
    one("kernel A = [[0. 0. ... 0.]\n ...\n [0. 0. ... 0.]]", "E0120", 1, 20);
    one("kernel A = [0 -inf]", "E0121", 1, 16);
}

/// A text at the limits has no mistakes, and the trees of it can be printed, copied and dropped.
#[track_caller]
fn survives_printing(text: &str) {
    assert_eq!(mistakes(text), [], "{text}");
    let (spec, _) = parse(text);
    let (again, errors) = parse(&print(&spec));
    assert!(errors.is_empty() && again.without_spans() == spec.without_spans(), "{text}");
}

#[test]
fn depth_is_limited() {
    let deep = |open: &str, close: &str, levels: usize| {
        format!("kernel A = {}B{}", open.repeat(levels), close.repeat(levels))
    };
    for (open, close) in [("(", ")"), ("[", "]"), ("f(", ")"), ("-", ""), ("B ^ ", ""), ("A[", "]")] {
        survives_printing(&deep(open, close, MAX_NESTING));
        let codes: Vec<_> = mistakes(&deep(open, close, MAX_NESTING + 1)).into_iter().map(|m| m.0).collect();
        assert_eq!(codes, ["E0122"], "{open}");
        let codes: Vec<_> = mistakes(&deep(open, close, 100_000)).into_iter().map(|m| m.0).collect();
        assert_eq!(codes, ["E0122"], "{open}");
    }
    for word in ["not ", "("] {
        let text = format!("prove S == T where {}h == 1{}", word.repeat(500), ")".repeat(500));
        assert_eq!(mistakes(&text)[0].0, "E0122");
    }
    let text = format!("prove {}A == A", "forall A[1,1]: ".repeat(500));
    assert_eq!(mistakes(&text)[0].0, "E0122");
}

#[test]
fn operands_are_limited() {
    for operator in ["+", "-", "*", "/", "->"] {
        let flat = |operands: usize| format!("kernel A = {}", vec!["B"; operands].join(operator));
        survives_printing(&flat(MAX_HEIGHT + 1));
        assert_eq!(mistakes(&flat(MAX_HEIGHT + 2))[0].0, "E0123", "{operator}");
        assert_eq!(mistakes(&flat(10_000))[0].0, "E0123", "{operator}");
    }
    assert_eq!(mistakes(&format!("kernel A = f{}", "(1)".repeat(10_000)))[0].0, "E0123");
    let text = format!("prove S == T where h == 0{}", " or h == 1".repeat(10_000));
    assert_eq!(mistakes(&text)[0].0, "E0123");
    // Height adds up through brackets.
    let sum = vec!["B"; 300].join(" + ");
    assert_eq!(mistakes(&format!("kernel A = ({sum}) + {sum}"))[0].0, "E0123");
    survives_printing(&format!("kernel A = {sum} + ({sum})"));
    // The highest trees there are, one operator of another kind on each.
    survives_printing(&format!("kernel A = f{}", "(1)".repeat(MAX_HEIGHT)));
    let mixed: String = (1..100).map(|i| if i % 2 == 0 { " + B" } else { " -> B)" }).collect();
    survives_printing(&format!("kernel A = {}B{mixed}", "(".repeat(50)));
}

#[test]
fn each_mistake_is_reported_once_and_the_rest_is_read() {
    let text = "kernel A[3,3]\n\
                kernle B[3,3]\n\
                kernel C = [[1 2] [3 4]\n\
                prove \"open: A == A\n\
                prove \"good\": A == A\n\
                kernel D = [1 2 3\n \"\"\"\nProse.\n\"\"\"\n\
                refute A @ A == A\n\
                stack S = conv(A\n\
                stack T = conv(A)";
    let lines: Vec<_> = mistakes(text).into_iter().map(|(code, line, _)| (code, line)).collect();
    assert_eq!(lines, [("E0107", 2), ("E0109", 3), ("E0103", 4), ("E0109", 6), ("E0101", 10), ("E0109", 11)]);
    let (spec, _) = parse(text);
    assert_eq!(spec.items.len(), 4);
    let broken: Vec<_> = spec.broken.iter().map(|name| name.text.as_str()).collect();
    assert_eq!(broken, ["B", "C", "D", "S"]);
}

#[test]
fn statements_on_one_line_recover() {
    assert_eq!(mistakes("kernel A = ) kernel B[3,3] prove \"x\": B == B").len(), 1);
    assert_eq!(parse("kernel A = ) kernel B[3,3] prove \"x\": B == B").0.items.len(), 2);
}

#[test]
fn hints_name_the_likely_word() {
    assert_eq!(hints("prov A == B"), ["did you mean `prove`?"]);
    assert_eq!(hints("Kernel A[3,3]"), ["did you mean `kernel`?"]);
    assert_eq!(hints("prove S == T were h == 2"), ["did you mean `where`?"]);
    assert_eq!(hints("prove S == T where h == 2 adn w == 2"), ["did you mean `and`?"]);
    assert!(hints("prove S ~= T wihtin 1")[1].contains("`within`"));
    assert_eq!(hints("prove A ≤ B"), ["write `<=`"]);
    assert!(hints("A = [1 2]")[0].contains("`kernel A = …`"));
    assert!(hints("kernel A = [0. ... 0.]")[0].contains("np.set_printoptions(threshold=np.inf)"));
    assert!(hints("kernel A = [1 - 2]")[0].contains("(a - b)"));
}

#[test]
fn messages_say_what_was_found_and_expected() {
    assert_eq!(message("kernel A[3,3 = B"), "expected `,` or `]`, found `=`");
    assert_eq!(message("kernel A = [[1 2] [3]]"), "row 2 has 1 entry, but row 1 has 2 entries");
    assert_eq!(
        message("kernel A = [[[1 2]] [[1 2] [3 4]]]"),
        "row 2 has 2×2 entries, but row 1 has 1×2 entries"
    );
    assert_eq!(message("prove A =="), "expected an expression, found the end of the text");
    assert_eq!(message("\u{200b}"), "unexpected character `\u{200b}` (U+200B)");
}

#[test]
fn every_code_is_documented_with_an_example_and_its_repair() {
    let blocks = |section: &'static str| -> Vec<&'static str> {
        section.split("```cf\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
    };
    let codes: Vec<_> = all_codes().into_iter().map(|(code, _)| code).collect();
    let syntax: Vec<_> = codes.iter().filter(|code| code.starts_with("E01")).collect();
    assert_eq!(syntax.len(), 23);
    assert!(codes.is_sorted());
    for code in syntax {
        let blocks = blocks(explain(code).unwrap());
        let (wrong, right) = match (*code, blocks.as_slice()) {
            ("E0122" | "E0123", [right]) => (None, right),
            (_, [wrong, right]) => (Some(wrong), right),
            (_, blocks) => panic!("{code} has {} examples", blocks.len()),
        };
        if let Some(wrong) = wrong {
            let found: Vec<_> = mistakes(wrong).into_iter().map(|m| m.0).collect();
            assert_eq!(found, [*code], "example of {code}");
        }
        assert_eq!(mistakes(right), [], "repaired example of {code}");
    }
}
