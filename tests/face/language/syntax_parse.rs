//! What texts mean: precedence, array literals, statements, places, comments.

use convproof::algebra::Rational;
use convproof::source::Source;
use convproof::syntax::ast::{Expr, ExprKind, Item, PropKind, Spec, StatementKind};
use convproof::syntax::{parse, print, print_expression, print_proposition, print_statement};

#[track_caller]
fn spec(text: &str) -> Spec {
    let (spec, errors) = parse(text);
    assert!(errors.is_empty(), "{text}: {errors:?}");
    spec
}

#[track_caller]
fn value(text: &str) -> Expr {
    let text = format!("kernel A = {text}");
    match spec(&text).items.as_slice() {
        [Item::Statement(statement)] => match &statement.kind {
            StatementKind::Kernel { value: Some(value), .. } => value.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// The structure of an expression with every operator in parentheses.
fn structure(expr: &Expr) -> String {
    let list = |list: &[Expr]| list.iter().map(structure).collect::<Vec<_>>().join(" ");
    match &expr.kind {
        ExprKind::Number(value) => value.to_string(),
        ExprKind::Name(name) => name.clone(),
        ExprKind::Text(text) => format!("{text:?}"),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Array(entries, _) => format!("[{}]", list(entries)),
        ExprKind::Negate(inner) => format!("(-{})", structure(inner)),
        ExprKind::Binary(op, a, b) => format!("({} {op:?} {})", structure(a), structure(b)),
        ExprKind::Call(callee, arguments) => {
            let arguments: Vec<_> = arguments
                .iter()
                .map(|a| {
                    let name = a.name.as_ref().map(|name| format!("{}=", name.text)).unwrap_or_default();
                    name + &structure(&a.value)
                })
                .collect();
            format!("{}({})", structure(callee), arguments.join(" "))
        }
        ExprKind::Index(base, indices) => format!("{}@[{}]", structure(base), list(indices)),
        ExprKind::Slice(parts) => {
            let part = |part: &Option<Expr>| part.as_ref().map_or_else(String::new, structure);
            parts.iter().map(part).collect::<Vec<_>>().join(":")
        }
    }
}

#[track_caller]
fn means(text: &str, expected: &str) {
    assert_eq!(structure(&value(text)), expected, "{text}");
}

#[test]
fn slices() {
    means("K[0:2]", "K@[0:2:]");
    means("K[:, 1:, :-1, ::2]", "K@[:: 1:: :(-1): ::2]");
    means("K[a+1:b*2:3, 0]", "K@[(a Add 1):(b Mul 2):3 0]");
    means("[A[0:1] 2]", "[A@[0:1:] 2]");
    for wrong in ["K[]", "K[0:1:2:3]", "K[0 1]", "K[0:1", "(0:1)", "[0:1]", "K(0:1)"] {
        let (_, errors) = parse(&format!("kernel V = {wrong}"));
        assert!(!errors.is_empty(), "{wrong}");
    }
}

#[test]
fn precedence() {
    means("conv(A) -> conv(B) + conv(C)", "(conv(A) Then (conv(B) Add conv(C)))");
    means("-a^2", "(-(a Pow 2))");
    means("-a * b", "((-a) Mul b)");
    means("a * -b", "(a Mul (-b))");
    means("a ^ -b * c", "((a Pow (-b)) Mul c)");
    means("a ^ b ^ c", "(a Pow (b Pow c))");
    means("a - b - c", "((a Sub b) Sub c)");
    means("a / b * c % d", "(((a Div b) Mul c) Rem d)");
    means("a + b * c -> d", "((a Add (b Mul c)) Then d)");
    means("a -> b -> c", "((a Then b) Then c)");
    means("--a", "(-(-a))");
    means("S ^ 4", "(S Pow 4)");
    means("f(x)[1,2] ^ 2", "(f(x)@[1 2] Pow 2)");
    means("(conv(A) -> avgpool(2))(X)", "(conv(A) Then avgpool(2))(X)");
    means("conv(A)(X)", "conv(A)(X)");
    means("kernel(S)[0,0]", "kernel(S)@[0 0]");
    means("conv(K, stride=[2,1], bias=true, padding=same,)", "conv(K stride=[2 1] bias=true padding=same)");
    means(r#"load("a\\b\"c\d")"#, r#"load("a\\b\"c\\d")"#);
}

#[test]
fn array_entries() {
    means("[-3 -4 4]", "[(-3) (-4) 4]");
    means("[1 -2]", "[1 (-2)]");
    means("[1-2]", "[(1 Sub 2)]");
    means("[1, -2,+3 +4]", "[1 (-2) 3 4]");
    means("[a/4 -1/4 1/4 2*a^2]", "[(a Div 4) ((-1) Div 4) (1 Div 4) (2 Mul (a Pow 2))]");
    means("[(a + 1) -(b - c)]", "[(a Add 1) (-(b Sub c))]");
    means("[a[0, 0] 2; f(x, y) g(1)[0]]", "[[a@[0 0] 2] [f(x y) g(1)@[0]]]");
    means("[[1 0][0 1]]", "[[1 0] [0 1]]");
    means("[1 2 1; 2 4 2;]", "[[1 2 1] [2 4 2]]");
    means("[[1, 0], [0, 1],]", "[[1 0] [0 1]]");
    means("[1 2;]", "[[1 2]]");
    means("[f(a - b) (a -b)]", "[f((a Sub b)) (a Sub b)]");
}

#[test]
fn numbers_are_exact() {
    for (text, numerator, denominator) in
        [("12", 12, 1), ("0.25", 1, 4), ("4.", 4, 1), (".5", 1, 2), ("1e-3", 1, 1000), ("2.5E+1", 25, 1)]
    {
        assert_eq!(value(text).kind, ExprKind::Number(Rational::ratio(numerator, denominator).unwrap()));
    }
}

#[test]
fn printed_arrays_paste_in() {
    let arrays = [
        "[[ 0.    1.25 -1.   -3.25 -1.  ]\n [ 2.5   2.75  1.5   1.25 -2.  ]\n [ 0.    1.5   1.5   0.25 -0.75]]",
        "[[ 1.75 -2.75 -6.  ]\n [10.75  3.75  1.5 ]\n [ 4.25  8.    2.25]]",
        "[[  0  -8   8   3   5]\n [ -1   3  -2   7   4]\n [-11   0  -7  -3  -2]]",
        "[[ -4.   1.  -6. -10.]\n [-13.   1.  -5.  -8.]]",
        "[[ 0.96529897  0.89627574  0.13951081]\r\n [ 0.7975316   0.15137364 -0.02074955]]",
        "[[1.0000e+00 -2.5e-03]\n [ 1.e-10  3.e+02]]",
        "[[[0 1]\n  [2 3]]\n\n [[4 5]\n  [6 7]]]",
    ];
    for array in arrays {
        let parsed = value(array);
        let words: Vec<_> = array.split(|c: char| c.is_whitespace() || "[]".contains(c)).collect();
        let expected: Vec<Rational> = words.iter().filter_map(|word| word.parse().ok()).collect();
        let mut found = Vec::new();
        numbers(&parsed, &mut found);
        assert!(expected.len() > 3);
        assert_eq!(found, expected, "{array}");
    }
}

fn numbers(expr: &Expr, found: &mut Vec<Rational>) {
    match &expr.kind {
        ExprKind::Number(value) => found.push(value.clone()),
        ExprKind::Negate(inner) => {
            numbers(inner, found);
            let last = found.pop().expect("just pushed");
            found.push(-last);
        }
        ExprKind::Array(entries, _) => entries.iter().for_each(|entry| numbers(entry, found)),
        other => panic!("{other:?}"),
    }
}

/// A spec with every form of statement and clause, in canonical form.
const EVERY_FORM: &str = r#"# About this file.

# The kernels.
kernel A[3,3]
kernel B = [[1.25 -1/2]
            [3       0]]  # a comment on the line
kernel W[1,1,2,2] = [[[[1 2]
                       [3 4]]]]
kernel R = [1 2 1]
scalar a
scalar c = 1/3
image X[2,3] = [[1 0 1]
                [0 1 0]]
stack S = conv(A, stride=[2,1], padding=same) -> relu

"""
# Claims
"""

prove "label": S == S
prove S(X)[0,0] != 1
prove kernel_size(S) == [78,78]
refute "é": S == S -> relu on [28,28] where h % 2 == 0 and (w % 2 == 0 or not h > w + 1)
prove S ~= S within 1/100 for |x| <= 255 on [4,4] where h == w
chain "steps": S == S -> id ~= conv(A) within 1e-9 for |x| <= 2 on [3,3] == S where h >= 2
solve "s": P[3,3], Q[3,3]: P * Q == A
fit "f": P, Q[3,3]: P * Q ~ A with seed=7, starts=50
fit P[3,3]: P ~ A within 1/100 quick
fit rank 2: A ~ B
fit "r" rank 2: A ~ B
refute forall D[5,5]: exists P[3,3], Q[3,3] over Q: P * Q == D
# The end.
"#;

#[test]
fn every_form_parses_and_is_canonical() {
    assert_eq!(print(&spec(EVERY_FORM)), EVERY_FORM);
}

#[test]
fn labels_and_their_colons() {
    for text in ["prove A == B", "prove: A == B", "prove\n  A == B"] {
        assert_eq!(print(&spec(text)), "prove A == B\n");
    }
    assert_eq!(print(&spec("prove: \"a\" == b")), "prove: \"a\" == b\n");
    assert_eq!(print(&spec("fit \"l\": rank 2: A ~ B")), "fit \"l\" rank 2: A ~ B\n");
    assert_eq!(print(&spec("fit rank[1,1]: rank * A ~ B")), "fit rank[1,1]: rank * A ~ B\n");
}

#[test]
fn clauses_come_in_any_order_and_belong_to_their_step() {
    let text = "chain S == T where h > 2 == U ~= V on [3,3] for |x| <= 2 within 1 == W";
    assert_eq!(
        print(&spec(text)),
        "chain S == T where h > 2 == U ~= V within 1 for |x| <= 2 on [3,3] == W\n"
    );
}

#[test]
fn the_first_example_parses() {
    let text = r#"
"""
# Two 3×3 convolutions are one 5×5

Triple-quoted blocks are Markdown prose. They appear in the report, in place.
"""
kernel A1[3,3]                       # no value: every entry is a free symbol, "for all weights"
kernel A2[3,3]

prove "two are one": conv(A1) -> conv(A2) == conv(A1 * A2)

kernel D[5,5]
refute "every 5×5 splits": forall D[5,5]: exists P[3,3], Q[3,3]: P * Q == D
"#;
    let spec = spec(text);
    assert_eq!(spec.items.len(), 6);
    let Item::Prose(prose) = &spec.items[0] else { panic!() };
    assert!(prose.text.starts_with("# Two 3×3") && prose.text.ends_with("in place."));
    let Item::Statement(first) = &spec.items[1] else { panic!() };
    assert!(first.trailing.as_ref().unwrap().starts_with("no value"));
}

#[test]
fn spans_cover_what_was_typed() {
    let text = "kernel A[3,3] # c\nprove \"x\": (conv(A) -> id)(X) == -(b)  on [3,3]\nchain A == (B) ~= C within 1\n";
    let source = Source::new("test.cf", text);
    let spec = spec(text);
    let statements: Vec<_> = spec
        .items
        .iter()
        .map(|item| if let Item::Statement(statement) = item { statement } else { panic!() })
        .collect();
    assert_eq!(source.slice(statements[0].span), "kernel A[3,3]");
    assert_eq!(source.slice(statements[1].span), "prove \"x\": (conv(A) -> id)(X) == -(b)  on [3,3]");
    let StatementKind::Prove(claim) = &statements[1].kind else { panic!() };
    assert_eq!(source.slice(claim.body.span), "(conv(A) -> id)(X) == -(b)  on [3,3]");
    let PropKind::Compare { left, right, .. } = &claim.body.kind else { panic!() };
    assert_eq!(source.slice(left.span), "(conv(A) -> id)(X)");
    assert_eq!(source.slice(right.span), "-(b)");
    let StatementKind::Chain(chain) = &statements[2].kind else { panic!() };
    let links: Vec<_> = chain.body.links.iter().map(|link| source.slice(link.span)).collect();
    assert_eq!(links, ["A == (B)", "(B) ~= C within 1"]);
}

#[test]
fn comments_stay_with_what_they_are_about() {
    let text = "\u{feff}\n\n#one\n#\n## two\n\n\nkernel A = [1 # inner\n 2]\n# before prose\n\"\"\"text\"\"\" # after prose\nscalar a # tail\n\n# last";
    let expected = "# one\n#\n## two\n\nkernel A = [1  # inner\n            2]\n# before prose\n\"\"\"\ntext\n\"\"\"\n\n# after prose\nscalar a  # tail\n\n# last\n";
    assert_eq!(print(&spec(text)), expected);
}

#[test]
fn long_lines_break_at_their_operators() {
    let text = "stack S = conv(A, stride=2, padding=[1,2,3,4]) -> relu -> conv([[1 2 1] [2 4 2] [1 2 1]] / 16, groups=4) -> id\n\
        prove \"a long label that leaves little room\": conv(kernel_number_one) -> conv(kernel_number_two) == conv(kernel_number_three)\n\
        chain conv(kernel_number_one) -> conv(kernel_number_two) == conv(kernel_number_three) == conv(kernel_number_four)\n\
        scalar a = f(argument_number_one, argument_number_two, argument_number_three, argument_number_four, five)";
    let expected = r#"stack S =
    conv(A, stride=2, padding=[1,2,3,4])
    -> relu
    -> conv([[1 2 1] [2 4 2] [1 2 1]] / 16, groups=4)
    -> id
prove "a long label that leaves little room":
    conv(kernel_number_one) -> conv(kernel_number_two) == conv(kernel_number_three)
chain
    conv(kernel_number_one) -> conv(kernel_number_two)
    == conv(kernel_number_three)
    == conv(kernel_number_four)
scalar a =
    f(argument_number_one, argument_number_two, argument_number_three, argument_number_four, five)
"#;
    assert_eq!(print(&spec(text)), expected);
}

#[test]
fn parts_print_on_one_line() {
    let long = vec!["conv(A)"; 40].join(" -> ");
    let text = format!("prove \"x\":\n {long}\n == id");
    let spec = spec(&text);
    let Item::Statement(statement) = &spec.items[0] else { panic!() };
    assert_eq!(print_statement(statement), format!("prove \"x\": {long} == id"));
    let StatementKind::Prove(claim) = &statement.kind else { panic!() };
    assert_eq!(print_proposition(&claim.body), format!("{long} == id"));
    let PropKind::Compare { left, .. } = &claim.body.kind else { panic!() };
    assert_eq!(print_expression(left), long);
}

#[test]
fn only_decimals_print_as_decimals() {
    let number =
        |n, d| Expr { kind: ExprKind::Number(Rational::ratio(n, d).unwrap()), span: Default::default() };
    let binary = |a, b| Expr {
        kind: ExprKind::Binary(convproof::syntax::ast::BinaryOp::Mul, Box::new(a), Box::new(b)),
        span: Default::default(),
    };
    assert_eq!(print_expression(&number(1, 3)), "1/3");
    assert_eq!(print_expression(&binary(number(-1, 4), number(1, 3))), "-0.25 * (1/3)");
    assert_eq!(print_expression(&number(1, 1 << 40)), "9.094947017729282379150390625e-13");
}
