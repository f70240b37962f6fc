//! The free symbols of a spec: their names, and the square roots among them. A copy is cheap and stays as it is, so that
//! a claim can be decided while later statements declare more.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::log::Log;
use super::roots::{Root, Roots};
use crate::kernel::Shape;
use convproof_exact::{Poly, Symbol};

/// A free kernel or scalar and the symbols of its entries.
#[derive(Clone, Debug, PartialEq)]
pub struct FreeKernel {
    /// The name it was declared with.
    pub name: String,
    /// Its shape; `[1,1]` for a scalar.
    pub shape: Shape,
    /// Indices it was declared with: 0 for a scalar, 1 for a vector, 2 or 4.
    pub indices: usize,
    /// The symbol of its first entry; the others follow in storage order.
    pub first: Symbol,
}

/// All free symbols of a spec.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    kernels: Log<FreeKernel>,
    /// The numbers of the free kernels that are scalars, and of the others: both in order of their first symbols.
    owners: [Log<(Symbol, usize)>; 2],
    roots: Roots,
    divisors: Arc<BTreeSet<Symbol>>,
    entries: u32,
    scalars: u32,
}

/// Most free scalars a spec may declare, entries of kernels included.
pub const MAX_SYMBOLS: u32 = 1 << 28;

/// The next symbol of a whole scalar; `None` beyond [`MAX_SYMBOLS`].
fn next_scalar(scalars: &mut u32) -> Option<Symbol> {
    let number = *scalars;
    *scalars = number.checked_add(1).filter(|&end| end <= MAX_SYMBOLS)?;
    Some(Symbol::scalar(number))
}

impl Symbols {
    /// Declares a free kernel; `None` when the spec would exceed [`MAX_SYMBOLS`].
    pub fn declare(&mut self, name: &str, shape: Shape, indices: usize) -> Option<FreeKernel> {
        let count = shape.entries().and_then(|n| u32::try_from(n).ok())?;
        let first = if count == 1 {
            next_scalar(&mut self.scalars)?
        } else {
            let first = self.entries;
            self.entries = first.checked_add(count).filter(|&end| end <= MAX_SYMBOLS)?;
            Symbol(first)
        };
        let kernel = FreeKernel { name: name.to_owned(), shape, indices, first };
        self.owners[usize::from(first.is_scalar())].push((first, self.kernels.len()));
        self.kernels.push(kernel.clone());
        Some(kernel)
    }

    /// Takes note that something is divided by a polynomial, whose symbols are not 0 from here on.
    pub fn divide_by(&mut self, divisor: &Poly) {
        let mut symbols = divisor.symbols();
        symbols.retain(|symbol| !self.divisors.contains(symbol));
        if !symbols.is_empty() {
            Arc::make_mut(&mut self.divisors).extend(symbols);
        }
    }

    /// Whether something is divided by a symbol, though that may have cancelled since.
    pub fn is_divisor(&self, symbol: Symbol) -> bool {
        self.divisors.contains(&symbol)
    }

    /// All symbols that something is divided by.
    pub fn divisors(&self) -> impl Iterator<Item = Symbol> {
        self.divisors.iter().copied()
    }

    /// The free kernels in order of declaration.
    pub fn kernels(&self) -> impl Iterator<Item = &FreeKernel> {
        self.kernels.iter()
    }

    /// The positive square root of a polynomial; see [`Roots::root`]. `None` also beyond [`MAX_SYMBOLS`].
    pub fn root(&mut self, radicand: &Poly) -> Option<Poly> {
        let Self { roots, scalars, .. } = self;
        roots.root(radicand, &mut || next_scalar(scalars))
    }

    /// All square roots.
    pub fn roots(&self) -> &Roots {
        &self.roots
    }

    /// The square root that a symbol stands for, if it does.
    pub fn root_of(&self, symbol: Symbol) -> Option<&Root> {
        self.roots.get(symbol)
    }

    /// See [`Roots::numerator`].
    #[must_use]
    pub fn numerator(&self, poly: &Poly) -> Poly {
        self.roots.numerator(poly)
    }

    /// See [`Roots::simplified`].
    #[must_use]
    pub fn simplified(&self, poly: &Poly) -> Poly {
        self.roots.simplified(poly)
    }

    /// The free kernel that a symbol is an entry of, and which entry in storage order.
    pub fn owner(&self, symbol: Symbol) -> Option<(&FreeKernel, usize)> {
        let owners = &self.owners[usize::from(symbol.is_scalar())];
        let before = owners.partition_point(|(first, _)| *first <= symbol);
        let &(first, number) = owners.get(before.checked_sub(1)?)?;
        let kernel = self.kernels.get(number)?;
        let offset = usize::try_from(symbol.0 - first.0).ok()?;
        (offset < kernel.shape.entries()?).then_some((kernel, offset))
    }

    /// Whether a symbol is a square root of numbers only.
    pub fn is_number(&self, symbol: Symbol) -> bool {
        self.root_of(symbol).is_some_and(|root| root.radicand.symbols().iter().all(|&s| self.is_number(s)))
    }

    /// Whether a polynomial is a number: whether all its symbols are.
    pub fn is_numeric(&self, poly: &Poly) -> bool {
        poly.symbols().into_iter().all(|symbol| self.is_number(symbol))
    }

    /// The symbols with those that their square roots are taken of.
    pub fn foundations(&self, mut symbols: Vec<Symbol>) -> Vec<Symbol> {
        let mut known: FxHashSet<Symbol> = symbols.iter().copied().collect();
        let mut at = 0;
        while let Some(&symbol) = symbols.get(at) {
            at += 1;
            if let Some(root) = self.root_of(symbol) {
                symbols.extend(root.radicand.symbols().into_iter().filter(|&inner| known.insert(inner)));
            }
        }
        symbols
    }

    /// The name of a symbol: `a`, `A[0,2]`, `W[1,0,2,2]`, `sqrt(v + e)`.
    pub fn name(&self, symbol: Symbol) -> String {
        if let Some(root) = self.root_of(symbol) {
            return format!("sqrt({})", root.radicand.display(|inner| self.name(inner)));
        }
        let Some((kernel, offset)) = self.owner(symbol) else { return format!("?{}", symbol.0) };
        let [output, input, row, column] = kernel.shape.entry(offset);
        match kernel.indices {
            0 => kernel.name.clone(),
            1 => format!("{}[{offset}]", kernel.name),
            2 => format!("{}[{row},{column}]", kernel.name),
            _ => format!("{}[{output},{input},{row},{column}]", kernel.name),
        }
    }

    /// The polynomial as users read it.
    pub fn show(&self, poly: &Poly) -> String {
        poly.display(|symbol| self.name(symbol)).to_string()
    }
}
