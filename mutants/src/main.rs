//! Writes every mutant of some sources into them at once, each behind a switch: `mutants/run` compiles them together
//! and then runs the tests once for each.
//!
//! usage: `convproof-mutants LIST DROPPED FILE…` changes the files in place and writes one line for each mutant to LIST.
//! Numbers in DROPPED (mutants that do not compile) are counted but left out.
//!
//! A mutant is a comparison, an arithmetic or logical operator that is exchanged, a sign or `!` that is left out, or a
//! function whose body is replaced by `true`, `false` or `None`. Constants, tests, types and capacities are left alone.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::ops::Range;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr, ReturnType, Type, UnOp};

/// A piece of the source and what stands there instead, if it is switched on.
struct Mutant {
    range: Range<usize>,
    line: usize,
    text: String,
    /// The inside of a function's body, before which the switch stands.
    body: bool,
}

struct Finder<'s> {
    source: &'s str,
    found: Vec<Mutant>,
}

fn exchanged(op: &BinOp) -> Option<&'static str> {
    Some(match op {
        BinOp::Lt(_) => "<=",
        BinOp::Le(_) => "<",
        BinOp::Gt(_) => ">=",
        BinOp::Ge(_) => ">",
        BinOp::Eq(_) => "!=",
        BinOp::Ne(_) => "==",
        BinOp::Add(_) => "-",
        BinOp::Sub(_) => "+",
        BinOp::Mul(_) => "+",
        BinOp::Div(_) => "*",
        BinOp::Rem(_) => "/",
        BinOp::And(_) => "||",
        BinOp::Or(_) => "&&",
        BinOp::AddAssign(_) => "-=",
        BinOp::SubAssign(_) => "+=",
        BinOp::MulAssign(_) => "+=",
        _ => return None,
    })
}

/// Whether `let` stands in a chain of conditions, which no parentheses may go around.
fn has_let(expr: &Expr) -> bool {
    match expr {
        Expr::Let(_) => true,
        Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

impl Finder<'_> {
    fn add(&mut self, spanned: &impl Spanned, text: String) {
        let span = spanned.span();
        let (range, line) = (span.byte_range(), span.start().line);
        self.found.push(Mutant { range, line, text, body: false });
    }

    fn text(&self, spanned: &impl Spanned) -> &str {
        &self.source[spanned.span().byte_range()]
    }

    fn function(&mut self, output: &ReturnType, block: &syn::Block) {
        let ReturnType::Type(_, result) = output else { return };
        let Type::Path(path) = &**result else { return };
        let Some(last) = path.path.segments.last() else { return };
        let values: &[&str] = match last.ident.to_string().as_str() {
            "bool" => &["true", "false"],
            "Option" => &["None"],
            _ => return,
        };
        let Some(first) = block.stmts.first() else { return };
        let start = first.span().byte_range().start;
        for value in values {
            let text = format!("return {value};");
            self.found.push(Mutant { range: start..start, line: first.span().start().line, text, body: true });
        }
    }
}

/// Whether a function makes room, of which no result depends on how much it is.
fn is_capacity(function: &Expr) -> bool {
    matches!(function, Expr::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "with_capacity"))
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("cfg") || attribute.path().is_ident("test"))
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        match expr {
            Expr::Binary(binary) if !has_let(expr) => {
                if let Some(other) = exchanged(&binary.op) {
                    let text = format!("{} {other} {}", self.text(&binary.left), self.text(&binary.right));
                    self.add(expr, text);
                }
            }
            Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_) | UnOp::Neg(_)) => {
                let literal = matches!(&*unary.expr, Expr::Lit(_));
                if !literal {
                    self.add(expr, self.text(&unary.expr).to_owned());
                }
            }
            _ => {}
        }
        visit::visit_expr(self, expr);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if item.sig.constness.is_none() && !is_test(&item.attrs) {
            self.function(&item.sig.output, &item.block);
            self.visit_block(&item.block);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if item.sig.constness.is_none() {
            self.function(&item.sig.output, &item.block);
            self.visit_block(&item.block);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if !is_capacity(&call.func) {
            visit::visit_expr_call(self, call);
        }
    }

    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}
    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}
    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}
    fn visit_type(&mut self, _: &'ast Type) {}
    fn visit_pat(&mut self, _: &'ast syn::Pat) {}
    fn visit_expr_repeat(&mut self, repeat: &'ast syn::ExprRepeat) {
        self.visit_expr(&repeat.expr);
    }
}

/// The source between two places with all switches in it. Mutants are sorted: outer ones before those inside.
fn switched(source: &str, range: Range<usize>, mutants: &[(usize, Mutant)]) -> String {
    let mut text = String::new();
    let mut at = range.start;
    let mut rest = mutants;
    while let Some(((number, mutant), others)) = rest.split_first() {
        let inside = others.partition_point(|(_, inner)| inner.range.end <= mutant.range.end && !mutant.body);
        text.push_str(&source[at..mutant.range.start]);
        let switch = format!("crate::is_mutant({number})");
        if mutant.body {
            let _ = write!(text, "if {switch} {{ {} }} ", mutant.text);
        } else {
            let as_it_is = switched(source, mutant.range.clone(), &others[..inside]);
            let _ = write!(text, "(if {switch} {{ {} }} else {{ {as_it_is} }})", mutant.text);
        }
        at = mutant.range.end;
        rest = &others[inside..];
    }
    text + &source[at..range.end]
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(list), Some(dropped)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: convproof-mutants LIST DROPPED FILE…");
        std::process::exit(2);
    };
    let dropped = fs::read_to_string(dropped).unwrap_or_default();
    let dropped: BTreeSet<usize> = dropped.lines().filter_map(|line| line.parse().ok()).collect();
    let (mut number, mut listed) = (0, String::new());
    for path in arguments {
        let source = fs::read_to_string(&path).expect("a readable file");
        let file = syn::parse_file(&source).expect("a file that compiles");
        let mut finder = Finder { source: &source, found: Vec::new() };
        finder.visit_file(&file);
        finder.found.sort_by_key(|mutant| (mutant.range.start, !mutant.body, std::cmp::Reverse(mutant.range.end)));
        let mut kept = Vec::new();
        for mutant in finder.found {
            number += 1;
            if dropped.contains(&number) {
                continue;
            }
            let before = source[mutant.range.clone()].split_whitespace().collect::<Vec<_>>().join(" ");
            let after = mutant.text.split_whitespace().collect::<Vec<_>>().join(" ");
            let _ = writeln!(listed, "{number}\t{path}:{}\t{before}\t{after}", mutant.line);
            kept.push((number, mutant));
        }
        fs::write(&path, switched(&source, 0..source.len(), &kept)).expect("a writable file");
    }
    fs::write(list, listed).expect("a writable file");
}
