//! Claims about sizes read with the sizes as symbols, for `convproof_engine::symbolic` to prove for all of their values.
//! Reads from syntax what it knows and gives a reason for what it does not; reports no mistakes, which instances do.

mod domain;
mod geometry;
mod kernels;
mod law;
mod layers;
mod numbers;
mod vectors;

use rustc_hash::FxHashMap;

use super::Resolver;
use super::families::Family;
use super::value::Value;
use crate::syntax::ast::{BinaryOp, CompareOp, Expr, ExprKind, PropKind, StatementKind};
use crate::syntax::names;
use convproof_engine::symbolic::exponent::{Exponent, is_at_least, is_whole, whole};
use convproof_engine::symbolic::kernel::KernelForm;
use convproof_engine::symbolic::map::Map;
use convproof_engine::symbolic::number::Number;
use convproof_engine::symbolic::trace::{PartKind, Steps};
use convproof_engine::symbolic::{Reading, Unread};
use convproof_exact::{Poly, Symbol};

use law::SymbolNames;
pub use law::{NumbersCompared, SizeLaw, SizeProof};

/// Most expressions that are read for one side.
const MAX_READ: usize = 4000;
/// How deep they may be nested, through the names of declarations too.
const MAX_DEPTH: usize = 200;

/// A kernel with its shape.
#[derive(Clone)]
struct Shaped {
    kernel: KernelForm,
    extent: [Exponent; 2],
    /// Out and in.
    channels: [Exponent; 2],
}

/// What an expression stands for.
#[derive(Clone)]
enum Item {
    Number(Number),
    Kernel(Shaped),
    Map(Map),
    List(Vec<Number>),
}

/// Reads expressions with values for the sizes.
struct Reader<'r, 'a> {
    resolver: &'r Resolver<'a>,
    family: &'r Family,
    /// What each size is, in symbols that stand for whole numbers from 1.
    sizes: FxHashMap<&'r str, Exponent>,
    /// Symbols for powers of a number by a symbol.
    powers: Vec<(i64, Symbol)>,
    /// For each free kernel its name and extents.
    kernels: Vec<(String, [Exponent; 2])>,
    work: usize,
    depth: usize,
    /// Whether symbols will keep their meaning from here on.
    settled: bool,
}

/// Proves a claim for all values of its sizes.
///
/// # Errors
/// The reason why it could not.
pub(super) fn prove(resolver: &Resolver<'_>, family: &Family) -> Reading<SizeProof> {
    // Stacks that are equal differ by no more than any bound.
    let (left, op, right) = match &family.body.kind {
        PropKind::Compare { left, op, right, .. } => (left, op, right),
        PropKind::Within { left, right, .. } => (left, &CompareOp::Eq, right),
        _ => return Err(Unread("quantifiers are not read with sizes as symbols")),
    };
    let mut reader = Reader::new(resolver, family);
    let names = reader.names();
    let direct = reader.comparison(left, *op, right).map(|law| SizeProof { law, names: reader.named(names) });
    if direct.is_ok() || *op != CompareOp::Eq {
        return direct;
    }
    for (power, other) in [(left, right), (right, left)] {
        if let ExprKind::Binary(BinaryOp::Pow, base, exponent) = &power.kind
            && let ExprKind::Name(count) = &exponent.kind
        {
            let mut reader = Reader::new(resolver, family);
            let names = reader.names();
            if let Ok(Some(law)) = reader.induction(base, count, other) {
                return Ok(SizeProof { law, names: reader.named(names) });
            }
        }
    }
    direct
}

impl<'r, 'a> Reader<'r, 'a> {
    fn new(resolver: &'r Resolver<'a>, family: &'r Family) -> Self {
        let symbol = |at: usize| Poly::symbol(Symbol(u32::try_from(at).unwrap_or(u32::MAX >> 1)));
        let sizes = family.sizes.iter().enumerate().map(|(at, name)| (name.as_str(), symbol(at))).collect();
        let mut reader = Self {
            resolver,
            family,
            sizes,
            powers: Vec::new(),
            kernels: Vec::new(),
            work: 0,
            depth: 0,
            settled: false,
        };
        reader.restrict();
        reader.settled = true;
        reader
    }

    /// What the symbols of sizes stand for, before any are given other values.
    fn names(&self) -> SymbolNames {
        let value = |name: &String| self.sizes.get(name.as_str()).cloned().unwrap_or_default();
        let sizes = self.family.sizes.iter().map(|name| (name.clone(), value(name))).collect();
        SymbolNames { sizes, ..SymbolNames::default() }
    }

    /// The same with the powers that were read.
    fn named(&self, names: SymbolNames) -> SymbolNames {
        SymbolNames { powers: (numbers::FIRST_POWER, self.powers.clone()), ..names }
    }

    fn comparison(&mut self, left: &Expr, op: CompareOp, right: &Expr) -> Reading<SizeLaw> {
        let (a, b) = (self.item(left)?, self.item(right)?);
        let law = match (a, b) {
            (Item::Map(a), Item::Map(b)) if op == CompareOp::Eq => {
                a.equals(&b)?.then(|| SizeLaw::NormalForm(Some(steps(&a, &b))))
            }
            (Item::Kernel(a), Item::Kernel(b)) if op == CompareOp::Eq => {
                let shapes = a.extent == b.extent && a.channels == b.channels;
                (shapes && a.kernel.equals(&b.kernel)?).then_some(SizeLaw::NormalForm(None))
            }
            (Item::Number(a), Item::Number(b)) => compare(&a, op, &b)?.map(|one| SizeLaw::Numbers(vec![one])),
            (Item::List(a), Item::List(b)) if a.len() == b.len() => {
                let all = a.iter().zip(&b).map(|(a, b)| compare(a, op, b)).collect::<Reading<Option<_>>>()?;
                all.map(SizeLaw::Numbers)
            }
            _ => return Err(Unread("its sides are not of one kind that is read with sizes as symbols")),
        };
        law.ok_or(Unread("both sides have different normal forms, and no instance that was tried fails"))
    }

    /// The proof that `base ^ count` is `other`, by induction on the count, if that is one.
    fn induction(&mut self, base: &Expr, count: &str, other: &Expr) -> Reading<Option<SizeLaw>> {
        let Some(bare) = self.sizes.get(count).cloned() else { return Ok(None) };
        let own = bare.symbols();
        let lone = self.sizes.iter().all(|(name, value)| *name == count || value.symbols() != own);
        if own.len() != 1 || bare != Poly::symbol(own[0]) || !lone || self.depends(base, count) {
            return Ok(None);
        }
        let Item::Map(stage) = self.item(base)? else { return Ok(None) };
        let Item::Map(before) = self.item(other)? else { return Ok(None) };
        let name = self.family.sizes.iter().find(|name| *name == count).map_or("", String::as_str);
        self.sizes.insert(name, whole(1));
        let Item::Map(first) = self.item(other)? else { return Ok(None) };
        self.sizes.insert(name, &bare + &whole(1));
        let Item::Map(next) = self.item(other)? else { return Ok(None) };
        let one_more = self.then(before, stage.clone(), base)?;
        let law = || SizeLaw::Induction { first: steps(&stage, &first), next: steps(&one_more, &next) };
        Ok((first.equals(&stage)? && next.equals(&one_more)?).then(law))
    }

    /// Whether an expression mentions a size, through declarations too.
    fn depends(&self, expr: &Expr, size: &str) -> bool {
        let mut wanted: Vec<&str> = names::of_expression(expr).into_iter().collect();
        for statement in self.family.declarations.iter().rev() {
            if super::families::declared(statement).is_some_and(|name| wanted.contains(&name)) {
                wanted.extend(names::of_statement(&statement.kind));
            }
        }
        wanted.contains(&size)
    }

    fn item(&mut self, expr: &Expr) -> Reading<Item> {
        self.work += 1;
        self.depth += 1;
        if self.work > MAX_READ || self.depth > MAX_DEPTH {
            return Err(Unread("it is too large to be read with sizes as symbols"));
        }
        let item = self.kind(expr);
        self.depth -= 1;
        item.map(|item| self.part(expr, item))
    }

    /// A stack as one part of larger ones, unless its layers are.
    fn part(&self, expr: &Expr, item: Item) -> Item {
        let Item::Map(map) = item else { return item };
        let part = match &expr.kind {
            ExprKind::Binary(BinaryOp::Add | BinaryOp::Sub, ..) => Some(PartKind::Sum),
            ExprKind::Binary(BinaryOp::Mul | BinaryOp::Div, ..) | ExprKind::Negate(_) => {
                Some(PartKind::Times)
            }
            // A chain, a power of numbers, and names of these.
            _ if map.steps().parts() > 0 => return Item::Map(map),
            _ => None,
        };
        Item::Map(map.part(self.resolver.origins().of(expr.span), part))
    }

    /// A stack and then what an expression stands for, as one part.
    fn then(&self, before: Map, map: Map, expr: &Expr) -> Reading<Map> {
        let next = match map.steps().parts() {
            0 | 1 => map,
            _ => map.part(self.resolver.origins().of(expr.span), Some(PartKind::Stack)),
        };
        before.then(&next, &self.flat())
    }

    fn kind(&mut self, expr: &Expr) -> Reading<Item> {
        match &expr.kind {
            ExprKind::Number(number) => Ok(Item::Number(Number::of(Poly::constant(number.clone())))),
            ExprKind::Name(name) => self.name(name),
            ExprKind::Array(entries, _) => self.array(entries),
            ExprKind::Negate(inner) => {
                let minus = Item::Number(Number::of(whole(-1)));
                let inner = self.item(inner)?;
                self.product(minus, inner)
            }
            ExprKind::Binary(BinaryOp::Pow, base, exponent) => self.power(base, exponent),
            ExprKind::Binary(op, left, right) => match (op, self.item(left)?, self.item(right)?) {
                (BinaryOp::Then, Item::Map(a), Item::Map(b)) => Ok(Item::Map(self.then(a, b, right)?)),
                (op, a, b) => self.binary(*op, a, b),
            },
            ExprKind::Call(callee, arguments) => match &callee.kind {
                ExprKind::Name(name) => self.call(name, arguments),
                _ => Err(Unread("stacks applied to images are not read with sizes as symbols")),
            },
            ExprKind::Text(_) | ExprKind::Bool(_) | ExprKind::Index(..) | ExprKind::Slice(_) => {
                Err(Unread("entries of kernels are not read with sizes as symbols"))
            }
        }
    }

    fn binary(&mut self, op: BinaryOp, a: Item, b: Item) -> Reading<Item> {
        let minus = op == BinaryOp::Sub;
        match (op, a, b) {
            (BinaryOp::Add | BinaryOp::Sub, Item::Number(a), Item::Number(b)) => {
                Ok(Item::Number(a.add(&b, minus)?))
            }
            (BinaryOp::Add | BinaryOp::Sub, Item::Kernel(a), Item::Kernel(b)) => {
                if a.extent != b.extent || a.channels != b.channels {
                    return Err(Unread("kernels are added that do not plainly have the same shape"));
                }
                Ok(Item::Kernel(Shaped { kernel: a.kernel.add(&b.kernel, minus)?, ..a }))
            }
            (BinaryOp::Add | BinaryOp::Sub, Item::Map(a), Item::Map(b)) => Ok(Item::Map(a.add(&b, minus)?)),
            (BinaryOp::Mul, a, b) => self.product(a, b),
            (BinaryOp::Div, a, Item::Number(b)) => {
                let sizes = |poly: &Poly| !poly.symbols().iter().any(|symbol| symbol.is_scalar());
                let inverse = Number::of(Poly::one()).over(&b, sizes)?;
                self.product(a, Item::Number(inverse))
            }
            _ => Err(Unread("an operation is not read with sizes as symbols")),
        }
    }

    fn product(&mut self, a: Item, b: Item) -> Reading<Item> {
        Ok(match (a, b) {
            (Item::Number(a), Item::Number(b)) => Item::Number(a.times(&b)?),
            (Item::Number(n), Item::Kernel(k)) | (Item::Kernel(k), Item::Number(n)) => {
                Item::Kernel(Shaped { kernel: k.kernel.times(&KernelForm::number(&n))?, ..k })
            }
            (Item::Number(n), Item::Map(map)) | (Item::Map(map), Item::Number(n)) => {
                Item::Map(map.scaled(&n, &self.flat())?)
            }
            (Item::Kernel(a), Item::Kernel(b)) => Item::Kernel(convolved(&a, &b)?),
            _ => return Err(Unread("a product is not read with sizes as symbols")),
        })
    }

    /// A name: of a size, of something declared, or of a layer.
    fn name(&mut self, name: &str) -> Reading<Item> {
        if let Some(value) = self.sizes.get(name) {
            return Ok(Item::Number(Number::of(value.clone())));
        }
        let family = self.family;
        if let Some(own) = family.declarations.iter().find(|own| super::families::declared(own) == Some(name))
        {
            return match &own.kind {
                StatementKind::Kernel { target, value: None } => self.free(name, target.shape.as_deref()),
                StatementKind::Kernel { target, value: Some(value) } => {
                    self.given(target.shape.as_deref(), value)
                }
                StatementKind::Stack { value, .. } | StatementKind::Scalar { value: Some(value), .. } => {
                    self.item(value)
                }
                _ => Err(Unread("an image is not read with sizes as symbols")),
            };
        }
        let resolver = self.resolver;
        let written = resolver.sizes.written(name).map(|value| self.item(value));
        if let Some(Ok(item)) = written {
            return Ok(item);
        }
        match resolver.scope.get(name).and_then(|entry| entry.value.as_ref()) {
            Some(Value::Array(array)) => self.known(name, array),
            Some(_) => written.unwrap_or(Err(Unread("a value is not read with sizes as symbols"))),
            None => self.plain_layer(name),
        }
    }

    /// A kernel with a value, whose extents must plainly be those that it was declared with.
    fn given(&mut self, shape: Option<&[Expr]>, value: &Expr) -> Reading<Item> {
        let Some(shape) = shape else { return self.item(value) };
        let kernel = self.kernel(value)?;
        let all = shape.iter().map(|index| self.whole(index)).collect::<Reading<Vec<Exponent>>>()?;
        let agrees = match all.as_slice() {
            [h, w] => {
                [h, w] == [&kernel.extent[0], &kernel.extent[1]] && kernel.channels == [whole(1), whole(1)]
            }
            [o, i, h, w] => {
                [h, w] == [&kernel.extent[0], &kernel.extent[1]]
                    && [o, i] == [&kernel.channels[0], &kernel.channels[1]]
            }
            _ => false,
        };
        if agrees {
            Ok(Item::Kernel(kernel))
        } else {
            Err(Unread("a kernel does not plainly have its declared shape"))
        }
    }

    /// A whole number.
    fn whole(&mut self, expr: &Expr) -> Reading<Exponent> {
        let Item::Number(number) = self.item(expr)? else {
            return Err(Unread("a number is expected where there is none"));
        };
        match number.polynomial() {
            Some(poly) if is_whole(poly) && !poly.symbols().iter().any(|symbol| symbol.is_scalar()) => {
                Ok(poly.clone())
            }
            _ => Err(Unread("a number is not plainly whole at all sizes")),
        }
    }

    /// How kernels tell which axes of a free kernel have the extent 1.
    fn flat(&self) -> impl Fn(u32, usize) -> bool + use<> {
        let flat: Vec<[bool; 2]> =
            self.kernels.iter().map(|(_, extent)| [0, 1].map(|axis| extent[axis] == whole(1))).collect();
        move |kernel, axis| flat.get(kernel as usize).is_some_and(|axes| axes[axis])
    }
}

/// The steps that made both sides.
fn steps(left: &Map, right: &Map) -> [Steps; 2] {
    [left, right].map(|side| side.steps().clone())
}

/// The convolution of two kernels, the first one first.
fn convolved(a: &Shaped, b: &Shaped) -> Reading<Shaped> {
    if a.channels[0] != b.channels[1] {
        return Err(Unread("numbers of channels do not plainly agree"));
    }
    let extent = [0, 1].map(|axis| &(&a.extent[axis] + &b.extent[axis]) - &whole(1));
    let channels = [b.channels[0].clone(), a.channels[1].clone()];
    Ok(Shaped { kernel: a.kernel.times(&b.kernel)?, extent, channels })
}

/// Both numbers, if their comparison plainly holds at all sizes and for all free scalars.
fn compare(a: &Number, op: CompareOp, b: &Number) -> Reading<Option<NumbersCompared>> {
    let difference = b.add(a, true)?;
    let compared = |difference: &Poly| {
        let left = a.polynomial().cloned();
        NumbersCompared { left, difference: difference.clone() }
    };
    if op == CompareOp::Eq {
        return Ok(difference.value.is_zero().then(|| compared(&difference.value)));
    }
    let Some(up) = difference.polynomial() else {
        return Err(Unread("an inequality of fractions is not read with sizes as symbols"));
    };
    if up.symbols().iter().any(|symbol| symbol.is_scalar()) {
        return Err(Unread("an inequality with free scalars is not read with sizes as symbols"));
    }
    let down = whole(0) - up;
    let apart = |poly: &Poly| is_whole(poly) && is_at_least(poly, 1);
    let holds = match op {
        CompareOp::Eq => up.is_zero(),
        CompareOp::Ne => apart(up) || apart(&down),
        CompareOp::Lt => apart(up),
        CompareOp::Le => is_at_least(up, 0),
        CompareOp::Gt => apart(&down),
        CompareOp::Ge => is_at_least(&down, 0),
    };
    Ok(holds.then(|| compared(up)))
}
