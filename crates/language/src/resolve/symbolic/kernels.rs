//! Kernels with sizes in them: declared ones, and functions of kernels.

use super::{Item, Reader, Shaped};
use crate::resolve::build::value::Array;
use crate::syntax::ast::{Argument, Expr, ExprKind};
use convproof_engine::ir::KernelExpr;
use convproof_engine::symbolic::exponent::{Exponent, is_at_least, times, whole};
use convproof_engine::symbolic::kernel::KernelForm;
use convproof_engine::symbolic::number::Number;
use convproof_engine::symbolic::{Reading, Unread};
use convproof_exact::Poly;

/// Most entries of a kernel of numbers.
const MAX_ENTRIES: usize = 400;

impl Reader<'_, '_> {
    /// A free kernel with extents in the sizes.
    pub(super) fn free(&mut self, name: &str, shape: Option<&[Expr]>) -> Reading<Item> {
        let Some(shape) = shape else { return Err(Unread("a kernel without a shape")) };
        let all = shape.iter().map(|index| self.whole(index)).collect::<Reading<Vec<Exponent>>>()?;
        if !all.iter().all(|extent| is_at_least(extent, 1)) {
            return Err(Unread("an extent may be below 1 at some sizes"));
        }
        match all.as_slice() {
            [h, w] => Ok(self.letter(name, [h, w].map(Clone::clone), [whole(1), whole(1)])),
            [o, i, h, w] => Ok(self.letter(name, [h, w].map(Clone::clone), [o, i].map(Clone::clone))),
            _ => Err(Unread("vectors are not read with sizes as symbols")),
        }
    }

    pub(super) fn letter(&mut self, name: &str, extent: [Exponent; 2], channels: [Exponent; 2]) -> Item {
        let at = self.kernels.iter().position(|(own, _)| own == name).unwrap_or_else(|| {
            self.kernels.push((name.to_owned(), extent.clone()));
            self.kernels.len() - 1
        });
        let single = channels.iter().all(|count| *count == whole(1));
        let kernel = KernelForm::free(u32::try_from(at).unwrap_or(u32::MAX), single);
        Item::Kernel(Shaped { kernel, extent, channels })
    }

    /// A kernel or number without sizes.
    pub(super) fn known(&mut self, name: &str, array: &Array) -> Reading<Item> {
        let shape = array.shape();
        let count = |n: usize| whole(i64::try_from(n).unwrap_or(i64::MAX));
        if array.role == crate::resolve::build::value::Role::Scalar {
            let value =
                array.term.kernel().as_scalar().filter(|poly| poly.symbols().iter().all(|s| s.is_scalar()));
            return value
                .map(|poly| Item::Number(Number::of(poly)))
                .ok_or(Unread("a number with free entries"));
        }
        let (extent, channels) =
            ([shape.height, shape.width].map(count), [shape.outputs, shape.inputs].map(count));
        if matches!(array.term.expr(), KernelExpr::Free { .. }) {
            if array.vector_len().is_some() && shape.outputs == 1 && shape.height == 1 && shape.width > 1 {
                return Err(Unread("vectors are not read with sizes as symbols"));
            }
            return Ok(self.letter(name, extent, channels));
        }
        let Some(numbers) = array.term.kernel().as_concrete().filter(|_| shape.is_plane()) else {
            return Err(Unread("a kernel with channels is neither free nor a product of free ones"));
        };
        if array.term.len() > MAX_ENTRIES {
            return Err(Unread("a kernel has too many entries"));
        }
        let taps = numbers.entries().enumerate().filter(|(_, value)| !value.is_zero()).map(|(at, value)| {
            let place = [at / shape.width, at % shape.width].map(|n| i64::try_from(n).unwrap_or(i64::MAX));
            (place, Number::of(Poly::constant(value)))
        });
        Ok(Item::Kernel(Shaped { kernel: KernelForm::entries(taps)?, extent, channels }))
    }

    /// A kernel, also one that is written as a row of numbers.
    pub(super) fn kernel(&mut self, expr: &Expr) -> Reading<Shaped> {
        match self.item(expr)? {
            Item::Kernel(kernel) => Ok(kernel),
            Item::List(row) => {
                let extent = [whole(1), whole(i64::try_from(row.len()).unwrap_or(i64::MAX))];
                let taps = row.into_iter().zip(0..).map(|(number, j)| ([0, j], number));
                Ok(Shaped { kernel: KernelForm::entries(taps)?, extent, channels: [whole(1), whole(1)] })
            }
            Item::Number(number) => {
                let one = [whole(1), whole(1)];
                Ok(Shaped { kernel: KernelForm::number(&number), extent: one.clone(), channels: one })
            }
            Item::Map(_) => Err(Unread("a stack stands where a kernel is due")),
        }
    }

    /// A function of kernels; `None` if it is none that is read.
    pub(super) fn function(&mut self, name: &str, arguments: &[Argument]) -> Option<Reading<Item>> {
        if arguments.iter().any(|argument| argument.name.is_some()) {
            return None;
        }
        let at = |n: usize| &arguments[n].value;
        let read = match (name, arguments.len()) {
            ("ones", 2) => self.filled([at(0), at(1)]),
            ("box", 1) => self.boxed(at(0), at(0)),
            ("box", 2) => self.boxed(at(0), at(1)),
            ("dilate", 2) => self.spread(at(0), at(1), false),
            ("repeat", 2) => self.spread(at(0), at(1), true),
            ("scale_rows", 2) => self.scaled_sides(at(0), at(1), true),
            ("scale_columns", 2) => self.scaled_sides(at(0), at(1), false),
            ("eye", 1) => self.identity_matrix(at(0)),
            ("pad", 2 | 5) => self.padded(arguments),
            _ => return None,
        };
        Some(read.map(Item::Kernel))
    }

    fn filled(&mut self, extents: [&Expr; 2]) -> Reading<Shaped> {
        let extent = [self.whole(extents[0])?, self.whole(extents[1])?];
        Ok(Shaped { kernel: KernelForm::ones(&extent)?, extent, channels: [whole(1), whole(1)] })
    }

    fn identity_matrix(&mut self, count: &Expr) -> Reading<Shaped> {
        let count = self.whole(count)?;
        if !is_at_least(&count, 1) {
            return Err(Unread("an extent may be below 1 at some sizes"));
        }
        let kernel = KernelForm::number(&Number::of(Poly::one()));
        Ok(Shaped { kernel, extent: [whole(1), whole(1)], channels: [count.clone(), count] })
    }

    fn boxed(&mut self, height: &Expr, width: &Expr) -> Reading<Shaped> {
        let ones = self.filled([height, width])?;
        let mean = mean(&ones.extent)?;
        Ok(Shaped { kernel: ones.kernel.times(&KernelForm::number(&mean))?, ..ones })
    }

    /// `dilate` and `repeat`.
    fn spread(&mut self, kernel: &Expr, by: &Expr, repeated: bool) -> Reading<Shaped> {
        let (kernel, by) = (self.kernel(kernel)?, self.pair(by)?);
        let dilated = self.dilated(&kernel, &by)?;
        if !repeated {
            return Ok(dilated);
        }
        let extent = [times(&kernel.extent[0], &by[0])?, times(&kernel.extent[1], &by[1])?];
        Ok(Shaped { kernel: dilated.kernel.times(&KernelForm::ones(&by)?)?, extent, ..dilated })
    }

    pub(super) fn dilated(&self, kernel: &Shaped, by: &[Exponent; 2]) -> Reading<Shaped> {
        let mut extent = kernel.extent.clone();
        for (axis, own) in extent.iter_mut().enumerate() {
            *own = whole(1) + &times(&(&*own - &whole(1)), &by[axis])?;
        }
        Ok(Shaped {
            kernel: kernel.kernel.dilated(by, self.flat())?,
            extent,
            channels: kernel.channels.clone(),
        })
    }

    fn padded(&mut self, arguments: &[Argument]) -> Reading<Shaped> {
        let kernel = self.kernel(&arguments[0].value)?;
        let sides = self.four(&arguments[1..])?;
        if !sides.iter().all(|side| is_at_least(side, 0)) {
            return Err(Unread("a padding may be negative at some sizes"));
        }
        let extent = [0, 1].map(|axis| &(&kernel.extent[axis] + &sides[axis]) + &sides[axis + 2]);
        let by = [sides[0].clone(), sides[1].clone()];
        Ok(Shaped { kernel: kernel.kernel.shifted(&by), extent, channels: kernel.channels })
    }
}

/// One divided by an area.
pub(super) fn mean(extent: &[Exponent; 2]) -> Reading<Number> {
    let one = Number::of(whole(1));
    let sizes = |_: &Poly| true;
    one.over(&Number::of(extent[0].clone()), sizes)?.over(&Number::of(extent[1].clone()), sizes)
}

/// Whether an argument is a word, as `true` or `same`.
pub(super) fn is_word(expr: &Expr, word: &str) -> bool {
    matches!(&expr.kind, ExprKind::Name(name) if name == word)
}
