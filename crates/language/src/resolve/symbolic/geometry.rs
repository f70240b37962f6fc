//! The kernel size and the stride of stacks, also of a symbolic number of strided stages.

use super::{Item, Reader};
use crate::resolve::families::declared;
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, StatementKind};
use convproof_engine::symbolic::exponent::{Exponent, times, whole};
use convproof_engine::symbolic::number::Number;
use convproof_engine::symbolic::{Reading, Unread};
use convproof_exact::{Poly, Rational};

/// Extents and strides along both axes.
struct Window {
    size: [Exponent; 2],
    stride: [Exponent; 2],
}

impl<'r> Reader<'r, '_> {
    /// `kernel_size(S)` or `stride(S)`, as a list.
    pub(super) fn quantity(&mut self, name: &str, stack: &Expr) -> Reading<Item> {
        let window = self.window(stack)?;
        let pair = if name == "stride" { window.stride } else { window.size };
        Ok(Item::List(pair.into_iter().map(Number::of).collect()))
    }

    fn window(&mut self, stack: &Expr) -> Reading<Window> {
        self.depth += 1;
        if self.depth > super::MAX_DEPTH {
            return Err(Unread("it is too large to be read with sizes as symbols"));
        }
        let window = match &stack.kind {
            ExprKind::Binary(BinaryOp::Then, first, next) => {
                let (a, b) = (self.window(first)?, self.window(next)?);
                one_after_the_other(&a, &b)
            }
            ExprKind::Binary(BinaryOp::Pow, stage, count) => {
                let (stage, count) = (self.window(stage)?, self.whole(count)?);
                self.stages(&stage, &count)
            }
            ExprKind::Name(name) => match self.written(name) {
                Some(value) => self.window(value),
                None => self.layer_window(stack),
            },
            _ => self.layer_window(stack),
        };
        self.depth -= 1;
        window
    }

    fn layer_window(&mut self, stack: &Expr) -> Reading<Window> {
        let Item::Map(map) = self.item(stack)? else {
            return Err(Unread("a kernel size is asked of what is no stack"));
        };
        let reach = map.unpadded()?;
        let size = [0, 1].map(|axis| &(&reach.last[axis] - &reach.first[axis]) + &whole(1));
        Ok(Window { size, stride: reach.stride })
    }

    /// n stages of window K and stride s: window 1 + (K − 1)·(1 + s + … + sⁿ⁻¹), stride sⁿ.
    fn stages(&mut self, stage: &Window, count: &Exponent) -> Reading<Window> {
        let unread =
            Unread("the strides of a symbolic number of stages are not read unless they are numbers");
        let mut window = Window { size: [whole(1), whole(1)], stride: [whole(1), whole(1)] };
        for axis in 0..2 {
            let stride = stage.stride[axis].as_constant().and_then(|s| s.as_i64()).ok_or(unread.clone())?;
            let all = if stride == 1 {
                count.clone()
            } else {
                let power = self.constant_power(stride, count)?;
                let inverse = Rational::ratio(1, stride - 1).ok_or(unread.clone())?;
                window.stride[axis] = power.clone();
                (&power - &Poly::one()).scaled(&inverse)
            };
            window.size[axis] = whole(1) + &times(&(&stage.size[axis] - &whole(1)), &all)?;
        }
        Ok(window)
    }

    /// The expression of a declared stack.
    fn written(&self, name: &str) -> Option<&'r Expr> {
        let (family, resolver) = (self.family, self.resolver);
        let own = family.declarations.iter().find(|own| declared(own) == Some(name));
        match own.map(|own| &own.kind) {
            Some(StatementKind::Stack { value, .. }) => Some(value),
            _ => resolver.sizes.written(name),
        }
    }
}

fn one_after_the_other(a: &Window, b: &Window) -> Reading<Window> {
    let mut both = Window { size: a.size.clone(), stride: a.stride.clone() };
    for axis in 0..2 {
        let more = times(&a.stride[axis], &(&b.size[axis] - &whole(1)))?;
        both.size[axis] = &a.size[axis] + &more;
        both.stride[axis] = times(&a.stride[axis], &b.stride[axis])?;
    }
    Ok(both)
}
