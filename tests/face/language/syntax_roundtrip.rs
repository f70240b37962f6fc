//! Properties of parsing and printing: print is a right inverse of parse, printing is idempotent, and no text
//! makes either panic.

use convproof::algebra::Rational;
use convproof::source::Span;
use convproof::syntax::ast::*;
use convproof::syntax::{parse, print};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

fn expr(kind: ExprKind) -> Expr {
    Expr { kind, span: Span::default() }
}

fn word() -> impl Strategy<Value = String> {
    select(vec!["A", "B2", "h", "w", "x", "rank", "été", "_q", "same", "relu", "e1", "Kernel"])
        .prop_map(str::to_owned)
}

fn name() -> impl Strategy<Value = Name> {
    word().prop_map(|text| Name { text, span: Span::default() })
}

fn number() -> impl Strategy<Value = Rational> {
    let decimal = (0..1_000_000_000_i64, 0..8_u32)
        .prop_map(|(digits, places)| Rational::ratio(digits, 10_i64.pow(places)).expect("not 0"));
    let text = select(vec!["1e300", "1e-300", "123456789012345678901234567890.125", "7e21", "0.0000001"]);
    prop_oneof![8 => (0..20_i64).prop_map(Rational::from), 8 => decimal, 1 => text.prop_map(|t| t.parse().expect("a number"))]
}

fn expression() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        number().prop_map(ExprKind::Number),
        word().prop_map(ExprKind::Name),
        "[ -~é]{0,8}".prop_map(ExprKind::Text),
        any::<bool>().prop_map(ExprKind::Bool),
    ]
    .prop_map(expr);
    leaf.prop_recursive(5, 40, 4, |inner| {
        let op = select(vec![
            BinaryOp::Add,
            BinaryOp::Sub,
            BinaryOp::Mul,
            BinaryOp::Div,
            BinaryOp::Pow,
            BinaryOp::Rem,
            BinaryOp::Then,
        ]);
        let argument = (option::of(name()), inner.clone()).prop_map(|(name, value)| Argument { name, value });
        // An array whose entries are arrays of equal length, or no arrays at all.
        let entry = inner.clone().prop_map(|e| match e.kind {
            ExprKind::Array(..) => expr(ExprKind::Index(Box::new(e), vec![expr(ExprKind::Number(Rational::ZERO))])),
            _ => e,
        });
        let row = |width: usize| vec(entry.clone(), width).prop_map(|row| expr(ExprKind::Array(row, None)));
        let grid = |(height, width)| vec(row(width), height).prop_map(|rows| expr(ExprKind::Array(rows, None)));
        let sizes = (1..4_usize, 1..4_usize);
        let blocks = (sizes.clone(), 1..3_usize).prop_flat_map({
            let entry = entry.clone();
            move |((height, width), count)| {
                let row = vec(entry.clone(), width).prop_map(|row| expr(ExprKind::Array(row, None)));
                let grid = vec(row, height).prop_map(|rows| expr(ExprKind::Array(rows, None)));
                vec(grid, count).prop_map(|grids| expr(ExprKind::Array(grids, None)))
            }
        });
        // Numbers, strings and truth values cannot be called, so they go into an operator.
        let callee = inner.clone().prop_map(|e| match e.kind {
            ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Bool(_) => expr(ExprKind::Negate(Box::new(e))),
            _ => e,
        });
        prop_oneof![
            2 => inner.clone().prop_map(|e| expr(ExprKind::Negate(Box::new(e)))),
            6 => (op, inner.clone(), inner.clone())
                .prop_map(|(op, a, b)| expr(ExprKind::Binary(op, Box::new(a), Box::new(b)))),
            2 => (callee.clone(), vec(argument, 0..3))
                .prop_map(|(callee, list)| expr(ExprKind::Call(Box::new(callee), list))),
            1 => (callee.clone(), vec(inner.clone(), 1..3)).prop_map(|(base, list)| expr(ExprKind::Index(Box::new(base), list))),
            1 => (callee, option::of(inner.clone()), option::of(inner.clone()), option::of(inner.clone())).prop_map(
                |(base, from, to, step)| {
                    let slice = expr(ExprKind::Slice(Box::new([from, to, step])));
                    expr(ExprKind::Index(Box::new(base), vec![slice]))
                }
            ),
            1 => row(3),
            1 => row(1),
            1 => grid((2, 3)),
            1 => grid((1, 2)),
            1 => blocks,
        ]
    })
}

fn declared() -> impl Strategy<Value = Declared> {
    (name(), option::of(vec(expression(), 1..4))).prop_map(|(name, shape)| Declared { name, shape })
}

fn compare_op() -> impl Strategy<Value = CompareOp> {
    select(vec![CompareOp::Eq, CompareOp::Ne, CompareOp::Lt, CompareOp::Le, CompareOp::Gt, CompareOp::Ge])
}

fn condition() -> impl Strategy<Value = Condition> {
    let leaf = (expression(), compare_op(), expression()).prop_map(|(left, op, right)| Condition::Compare {
        left,
        op,
        right,
    });
    leaf.prop_recursive(3, 8, 2, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            pair.clone().prop_map(|(a, b)| Condition::And(Box::new(a), Box::new(b))),
            pair.prop_map(|(a, b)| Condition::Or(Box::new(a), Box::new(b))),
            inner.prop_map(|a| Condition::Not(Box::new(a))),
        ]
    })
}

fn scope() -> impl Strategy<Value = ClaimScope> {
    (option::weighted(0.3, expression()), option::weighted(0.3, condition()))
        .prop_map(|(on, condition)| ClaimScope { on, condition })
}

fn proposition() -> impl Strategy<Value = Prop> {
    let leaf = prop_oneof![
        (expression(), compare_op(), expression(), scope())
            .prop_map(|(left, op, right, scope)| PropKind::Compare { left, op, right, scope }),
        (expression(), expression(), expression(), option::of(expression()), scope()).prop_map(
            |(left, right, bound, range, scope)| PropKind::Within { left, right, bound, range, scope }
        ),
    ];
    let prop = |kind| Prop { kind, span: Span::default() };
    leaf.prop_map(prop).prop_recursive(2, 3, 1, move |inner| {
        let exists = (vec(declared(), 1..3), option::of(name()), inner.clone());
        let forall = (vec(declared(), 1..3), inner);
        prop_oneof![
            exists.prop_map(|(unknowns, field, body)| PropKind::Exists {
                unknowns,
                field,
                body: Box::new(body)
            }),
            forall.prop_map(|(kernels, body)| PropKind::Forall { kernels, body: Box::new(body) }),
        ]
        .prop_map(prop)
    })
}

fn chain() -> impl Strategy<Value = Chain> {
    let relation = option::of((expression(), option::of(expression()))).prop_map(|within| match within {
        None => Relation::Equal,
        Some((bound, range)) => Relation::Within { bound, range },
    });
    let link = (relation, expression(), scope()).prop_map(|(relation, right, scope)| Link {
        relation,
        right,
        scope,
        span: Span::default(),
    });
    (expression(), vec(link, 1..3)).prop_map(|(first, links)| Chain { first, links })
}

fn problem(fit: bool) -> impl Strategy<Value = Problem> {
    let rank = (0..5_i64).prop_map(|rank| expr(ExprKind::Number(Rational::from(rank))));
    let head = if fit {
        prop_oneof![
            rank.prop_map(|rank| (Some(rank), Vec::new())),
            vec(declared(), 1..3).prop_map(|unknowns| (None, unknowns)),
        ]
        .boxed()
    } else {
        vec(declared(), 1..3).prop_map(|unknowns| (None, unknowns)).boxed()
    };
    let option = (name(), expression()).prop_map(|(name, value)| Argument { name: Some(name), value });
    let within = if fit { option::of(expression()).boxed() } else { Just(None).boxed() };
    let quick = if fit { any::<bool>().boxed() } else { Just(false).boxed() };
    let options = vec(option, if fit { 0..3 } else { 0..1 });
    let scope = if fit { Just(ClaimScope::default()).boxed() } else { scope().boxed() };
    (head, expression(), expression(), (scope, within, quick), options).prop_map(
        |((rank, unknowns), left, right, (scope, within, quick), options)| Problem {
            rank,
            unknowns,
            left,
            right,
            scope,
            within,
            quick,
            options,
            span: Span::default(),
        },
    )
}

fn label() -> impl Strategy<Value = Option<String>> {
    option::of("[ -~é→]{0,12}")
}

fn kind() -> impl Strategy<Value = StatementKind> {
    prop_oneof![
        (declared(), option::of(expression()))
            .prop_map(|(target, value)| StatementKind::Kernel { target, value }),
        (name(), option::of(expression())).prop_map(|(name, value)| StatementKind::Scalar { name, value }),
        (declared(), expression()).prop_map(|(target, value)| StatementKind::Image { target, value }),
        (name(), expression()).prop_map(|(name, value)| StatementKind::Stack { name, value }),
        (vec(name(), 1..4), option::of(condition()))
            .prop_map(|(names, condition)| StatementKind::Size { names, condition }),
        (vec(name(), 1..4), name()).prop_map(|(names, path)| StatementKind::Export { names, path }),
        (label(), proposition()).prop_map(|(label, body)| StatementKind::Prove(Claim { label, body })),
        (label(), proposition()).prop_map(|(label, body)| StatementKind::Refute(Claim { label, body })),
        (label(), chain()).prop_map(|(label, body)| StatementKind::Chain(Claim { label, body })),
        (label(), problem(false)).prop_map(|(label, body)| StatementKind::Solve(Claim { label, body })),
        (label(), problem(true)).prop_map(|(label, body)| StatementKind::Fit(Claim { label, body })),
    ]
}

fn comment_text() -> impl Strategy<Value = String> {
    "[ -~é]{0,10}".prop_map(|text| text.trim_end().to_owned())
}

fn comments() -> impl Strategy<Value = Vec<Comment>> {
    vec((comment_text(), any::<bool>()).prop_map(|(text, blank_before)| Comment { text, blank_before }), 0..3)
}

fn item() -> impl Strategy<Value = Item> {
    let statement = (comments(), option::of(comment_text()), any::<bool>(), kind());
    let text = "[ -~é\n]{0,20}".prop_filter("holds its own quotes", |text| !text.contains("\"\"\""));
    prop_oneof![
        4 => statement.prop_map(|(comments, trailing, blank_before, kind)| {
            Item::Statement(Statement { comments, trailing, blank_before, kind, span: Span::default() })
        }),
        1 => (comments(), any::<bool>(), text).prop_map(|(comments, blank_before, text)| {
            Item::Prose(Prose { comments, blank_before, text, span: Span::default() })
        }),
    ]
}

/// A spec that a failed test shows as text.
#[derive(Clone)]
pub(crate) struct Shown(pub(crate) Spec);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&print(&self.0))
    }
}

pub(crate) fn spec() -> impl Strategy<Value = Shown> {
    (vec(item(), 0..5), comments())
        .prop_map(|(items, comments)| Shown(Spec { items, comments, broken: Vec::new() }))
}

/// Checks whatever holds for every text.
fn check(text: &str) -> Result<(), TestCaseError> {
    let (spec, errors) = parse(text);
    for error in &errors {
        prop_assert!(text.get(error.span.start..error.span.end).is_some(), "{:?}", error);
        prop_assert!(!error.diagnostic().message.is_empty());
    }
    let printed = print(&spec);
    let (again, new) = parse(&printed);
    prop_assert!(new.is_empty(), "{:?} in {}", new, printed);
    if errors.is_empty() {
        prop_assert!(again.without_spans() == spec.without_spans(), "{}", printed);
    }
    prop_assert_eq!(print(&again), printed);
    Ok(())
}

const PIECES: &[&str] = &[
    "kernel",
    "scalar",
    "image",
    "stack",
    "prove",
    "refute",
    "chain",
    "solve",
    "fit",
    "exists",
    "forall",
    "where",
    "on",
    "within",
    "for",
    "over",
    "with",
    "rank",
    "and",
    "or",
    "not",
    "true",
    "x",
    "A",
    "B",
    "conv",
    "\"l\"",
    "\"\"\"p\"\"\"",
    "\"\"\"",
    "\"",
    "1",
    "2.5",
    ".5",
    "1e3",
    "3x",
    "...",
    "(",
    ")",
    "[",
    "]",
    ",",
    ";",
    ":",
    "|",
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    "->",
    "=",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "~",
    "~=",
    "# c\n",
    "#",
    "\n",
    "\n\n",
    " ",
    " ",
    " ",
    "é",
    "€",
    "'",
    "“",
    "\\",
    "kernel A[3,3]\n",
    "prove A == B\n",
    "[[1 2]\n [3 4]]",
    "A[3,3]",
];

proptest! {
    #[test]
    fn parsing_inverts_printing(Shown(spec) in spec()) {
        let printed = print(&spec);
        let (parsed, errors) = parse(&printed);
        prop_assert!(errors.is_empty(), "{:?} in {}", errors, printed);
        prop_assert!(parsed.without_spans() == spec.without_spans(), "{}", print(&parsed));
        prop_assert_eq!(print(&parsed), printed);
    }

    #[test]
    fn any_text_is_safe(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn any_tokens_are_safe(pieces in vec(select(PIECES), 0..60)) {
        check(&pieces.concat())?;
        check(&pieces.join(" "))?;
    }

    #[test]
    fn damaged_specs_are_safe(Shown(spec) in spec(), at in any::<prop::sample::Index>(), piece in select(PIECES), cut in 0..9_usize) {
        let characters: Vec<char> = print(&spec).chars().collect();
        let at = at.index(characters.len() + 1);
        let rest = (at + cut).min(characters.len());
        let text: String = characters[..at].iter().copied().chain(piece.chars()).chain(characters[rest..].iter().copied()).collect();
        check(&text)?;
    }
}
