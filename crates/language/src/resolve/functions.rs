//! Functions that give kernels and numbers from kernels.

use super::Resolver;
use super::arguments::{Bound, MAX_EXTENT, side};
use super::error::{Limit, ResolveErrorKind};
use super::expression::{kernel_degree, number_array};
use super::operators::root;
use super::value::{Array, Role, Value, degree};
use crate::source::Span;
use crate::syntax::ast::{Argument, Expr};
use convproof_engine::ir::KernelExpr;
use convproof_engine::kernel::symbolic::MAX_TERMS;
use convproof_engine::kernel::{ConcreteKernel, Kernel, KernelError, Shape};
use convproof_exact::{Poly, Rational};

/// Most square roots of a spec that depend on free symbols.
const MAX_ROOTS: usize = 4096;

impl Resolver<'_> {
    /// A function with its arguments sorted.
    pub(super) fn function(&mut self, name: &str, bound: &Bound<'_>, span: Span) -> Option<Value> {
        let kernel = "a kernel";
        let array = match name {
            "ones" | "zeros" => self.filled(bound, i64::from(name == "ones"), span),
            "box" => self.box_kernel(bound, span),
            "delta" => self.delta(bound, span),
            "eye" => {
                let channels = self.count(bound.at(0), "the number of channels", [1, MAX_EXTENT])?;
                self.concrete(ConcreteKernel::identity(channels), Role::Kernel, span)
            }
            "repeat" | "dilate" => {
                let (array, by) = (self.array(bound.at(0), kernel), self.pair(bound.at(1), "the factor", 1));
                let (array, by) = (array?, by?);
                let old = array.shape();
                // Factors and extents stay below 2^16 and 2^24, so their products do not overflow.
                let grown = if name == "repeat" {
                    Shape { height: old.height * by[0], width: old.width * by[1], ..old }
                } else {
                    let extent = |n: usize, by: usize| (n - 1) * by + 1;
                    Shape { height: extent(old.height, by[0]), width: extent(old.width, by[1]), ..old }
                };
                let result = grown.validate().and_then(|_| {
                    let kernel = &array.term.kernel;
                    if name == "repeat" { kernel.repeat(by) } else { kernel.dilate(by) }
                });
                let make = if name == "repeat" { KernelExpr::Repeat } else { KernelExpr::Dilate };
                self.derived(result, make(array.expr(), by), grown_role(&array), &[&array], span)
            }
            "flip" => {
                let array = self.array(bound.at(0), kernel)?;
                self.derived(
                    array.term.kernel.flip(),
                    KernelExpr::Flip(array.expr()),
                    array.role,
                    &[&array],
                    span,
                )
            }
            "transpose" => {
                let array = self.array(bound.at(0), kernel)?;
                let role = grown_role(&array);
                let result = array.term.kernel.transpose();
                self.derived(result, KernelExpr::Transpose(array.expr()), role, &[&array], span)
            }
            "trim" => {
                let array = self.array(bound.at(0), kernel)?;
                let (result, sides) = match array.term.kernel.trim() {
                    Ok((result, sides)) => (Ok(result), sides),
                    Err(error) => (Err(error), [0; 4]),
                };
                self.derived(result, KernelExpr::Trim(array.expr(), sides), array.role, &[&array], span)
            }
            "outer" => self.outer(bound, span),
            "sum" => {
                let array = self.array(bound.at(0), kernel)?;
                let result = match array.term.kernel.as_concrete() {
                    Some(kernel) => Ok(kernel.sum().cells().iter().cloned().sum::<Rational>())
                        .map(|sum| Kernel::scalar(&Poly::constant(sum))),
                    None => array.term.kernel.sum().map(|sum| Kernel::scalar(&sum)),
                };
                self.derived(result, KernelExpr::Sum(array.expr()), Role::Scalar, &[&array], span)
            }
            "sqrt" => {
                let array = self.array(bound.at(0), "a number or a kernel")?;
                self.sqrt(&array, bound.at(0).span, span)
            }
            "hadamard" => {
                let (a, b) = (self.array(bound.at(0), kernel), self.array(bound.at(1), kernel));
                self.hadamard((&a?, bound.at(0).span), (&b?, bound.at(1).span), span)
            }
            "scale_rows" | "scale_columns" => self.scale_channels(name == "scale_rows", bound, span),
            "load" => self.load(bound, span),
            "error" | "max_error" => return self.distance(name == "error", bound, span),
            _ => return self.quantity(name, bound, span),
        };
        array.map(Value::Array)
    }

    fn filled(&mut self, bound: &Bound<'_>, value: i64, span: Span) -> Option<Array> {
        let mut extent = |name: &str, what| match bound.get(name) {
            None => Some(1),
            Some(expr) => self.count(expr, what, [1, MAX_EXTENT]),
        };
        let shape = Shape {
            outputs: extent("out", "the number of channels")?,
            inputs: extent("in", "the number of channels")?,
            height: extent("h", "the height")?,
            width: extent("w", "the width")?,
        };
        self.concrete(ConcreteKernel::constant(shape, value), Role::Kernel, span)
    }

    fn box_kernel(&mut self, bound: &Bound<'_>, span: Span) -> Option<Array> {
        let height = self.count(bound.at(0), "the box", [1, MAX_EXTENT])?;
        let width = match bound.get("pw") {
            Some(expr) => self.count(expr, "the box", [1, MAX_EXTENT])?,
            None => height,
        };
        let shape = Shape::plane(height, width);
        let kernel = ConcreteKernel::ones(shape).and_then(|ones| {
            let area = Rational::from(i64::try_from(height * width).unwrap_or(i64::MAX));
            ones.scale(&area.recip().ok_or(KernelError::EmptyShape)?)
        });
        self.concrete(kernel, Role::Kernel, span)
    }

    fn delta(&mut self, bound: &Bound<'_>, span: Span) -> Option<Array> {
        let height = self.count(bound.at(0), "the height", [1, MAX_EXTENT]);
        let width = self.count(bound.at(1), "the width", [1, MAX_EXTENT]);
        let (height, width) = (height?, width?);
        let below = |n: usize| i64::try_from(n - 1).unwrap_or(i64::MAX);
        let row = self.count(bound.at(2), "the row", [0, below(height)]);
        let column = self.count(bound.at(3), "the column", [0, below(width)]);
        self.concrete(ConcreteKernel::delta(height, width, row?, column?), Role::Kernel, span)
    }

    /// `pad(A,n)` and `pad(A,top,left,bottom,right)`.
    pub(super) fn pad_kernel(&mut self, arguments: &[Argument], span: Span) -> Option<Array> {
        let array = self.array(&arguments[0].value, "a kernel");
        let sides = match &arguments[1..] {
            [one] => self.sides(&one.value, "the padding", 0)?,
            all => {
                let mut sides = [0; 4];
                for (side, argument) in sides.iter_mut().zip(all) {
                    *side = self.integer(&argument.value, "the padding", [0, MAX_EXTENT])?;
                }
                sides
            }
        };
        let array = array?;
        let sides = sides.map(convproof_engine::operator::gather::index);
        let old = array.shape();
        let (height, width) = (old.height + sides[0] + sides[2], old.width + sides[1] + sides[3]);
        let result = Shape { height, width, ..old }.validate().and_then(|_| array.term.kernel.pad(sides));
        self.derived(result, KernelExpr::Pad(array.expr(), sides), grown_role(&array), &[&array], span)
    }

    fn outer(&mut self, bound: &Bound<'_>, span: Span) -> Option<Array> {
        let (u, v) = (self.vector(bound.at(0)), self.vector(bound.at(1)));
        let ((u, _), (v, _)) = (u?, v?);
        let result = u.term.kernel.transpose().and_then(|column| column.convolve(&v.term.kernel));
        self.derived(result, KernelExpr::Outer(u.expr(), v.expr()), Role::Kernel, &[&u, &v], span)
    }

    /// Positive square roots, entry by entry.
    pub(super) fn sqrt(&mut self, array: &Array, at: Span, span: Span) -> Option<Array> {
        let entries = self.polys(array, at)?;
        let free = entries.iter().filter(|entry| entry.as_constant().is_none()).count();
        if free + self.symbols.roots().len() > MAX_ROOTS {
            return self.fail(span, ResolveErrorKind::TooLarge(Limit::Roots(MAX_ROOTS)));
        }
        let mut roots = Vec::with_capacity(entries.len());
        for entry in &entries {
            if entry.as_constant().is_some_and(|value| value.is_negative()) {
                return self.fail(at, ResolveErrorKind::Root("a negative number has no real square root"));
            }
            // Keeps degrees bounded when the root is squared away again.
            let nested = entry.symbols().iter().any(|&symbol| self.symbols.root_of(symbol).is_some());
            if nested && degree(entry) > 2 {
                return self
                    .fail(at, ResolveErrorKind::Root("a root inside a root may only be squared there"));
            }
            match self.symbols.root(entry) {
                Some(root) => roots.push(root),
                None => {
                    let limit = Limit::Symbols(convproof_engine::ir::MAX_SYMBOLS);
                    return self.fail(span, ResolveErrorKind::TooLarge(limit));
                }
            }
        }
        let kernel = Kernel::from_entries(array.shape(), roots);
        self.derived(kernel, KernelExpr::Sqrt(array.expr()), array.role, &[array], span)
    }

    /// Entry by entry products.
    pub(super) fn hadamard(
        &mut self,
        left: (&Array, Span),
        right: (&Array, Span),
        span: Span,
    ) -> Option<Array> {
        let ((a, at), (b, bt)) = (left, right);
        if a.shape() != b.shape() {
            let (left, right) = (side(at, a), side(bt, b));
            let context = "an entry by entry product";
            return self.fail(span, ResolveErrorKind::ShapeMismatch { context, left, right, hint: None });
        }
        let (x, y) = (self.polys(a, at)?, self.polys(b, bt)?);
        let terms: usize =
            x.iter().zip(&y).map(|(x, y)| x.terms().len().saturating_mul(y.terms().len())).sum();
        let kernel = if terms > MAX_TERMS {
            Err(KernelError::TooManyTerms { limit: MAX_TERMS })
        } else {
            Kernel::from_entries(a.shape(), x.iter().zip(&y).map(|(x, y)| x * y).collect())
        };
        self.derived(kernel, KernelExpr::Hadamard(a.expr(), b.expr()), a.role, &[a, b], span)
    }

    /// Output or input channels times the entries of a vector: a product with a diagonal 1×1 kernel.
    fn scale_channels(&mut self, outputs: bool, bound: &Bound<'_>, span: Span) -> Option<Array> {
        let (kernel, vector) = (self.array(bound.at(0), "a kernel"), self.vector(bound.at(1)));
        let (kernel, (vector, len)) = (kernel?, vector?);
        let channels = if outputs { kernel.shape().outputs } else { kernel.shape().inputs };
        if len == 1 {
            return self.multiply((&vector, bound.at(1).span), (&kernel, bound.at(0).span), span);
        }
        if len != channels {
            let which = if outputs { "output" } else { "input" };
            let hint = format!("one factor for each of the {channels} {which} channels");
            let (left, right) = (side(bound.at(0).span, &kernel), side(bound.at(1).span, &vector));
            let context = "scaled channels";
            return self
                .fail(span, ResolveErrorKind::ShapeMismatch { context, left, right, hint: Some(hint) });
        }
        let entries = self.polys(&vector, bound.at(1).span)?;
        let shape = Shape::new(len, len, 1, 1);
        let result = shape.validate().and_then(|_| {
            let cell = |[o, c, _, _]: [usize; 4]| if o == c { entries[o].clone() } else { Poly::zero() };
            let diagonal =
                Kernel::from_entries(shape, convproof_engine::kernel::positions(shape).map(cell).collect())?;
            if outputs {
                kernel.term.kernel.convolve_dilated(&diagonal, [1, 1])
            } else {
                diagonal.convolve_dilated(&kernel.term.kernel, [1, 1])
            }
        });
        let make = if outputs { KernelExpr::ScaleOutputs } else { KernelExpr::ScaleInputs };
        self.derived(result, make(kernel.expr(), vector.expr()), kernel.role, &[&kernel, &vector], span)
    }

    fn load(&mut self, bound: &Bound<'_>, span: Span) -> Option<Array> {
        let path = self.text(bound.at(0))?;
        let entry = match bound.get("entry") {
            Some(expr) => Some(self.text(expr)?),
            None => None,
        };
        let (dims, values) = match (self.load)(&path, entry.as_deref()) {
            Ok(loaded) => loaded,
            Err(reason) => return self.fail(span, ResolveErrorKind::Load { path, reason }),
        };
        let (shape, role) = match *dims.as_slice() {
            [] => (Shape::plane(1, 1), Role::Scalar),
            [n] => (Shape::plane(1, n), Role::Row),
            [h, w] => (Shape::plane(h, w), Role::Kernel),
            [c, h, w] => (Shape::new(c, 1, h, w), Role::Image),
            [o, i, h, w] => (Shape::new(o, i, h, w), Role::Kernel),
            _ => {
                let reason = format!("the array has {} dimensions; kernels have up to 4", dims.len());
                return self.fail(span, ResolveErrorKind::Load { path, reason });
            }
        };
        if shape.validate() == Err(KernelError::EmptyShape) {
            let reason = "the array has no entries".to_owned();
            return self.fail(span, ResolveErrorKind::Load { path, reason });
        }
        self.concrete(ConcreteKernel::from_rationals(shape, &values), role, span)
    }

    /// `error(K,L)` = ‖K−L‖F / ‖L‖F and `max_error(K,L)` = max |K−L|.
    fn distance(&mut self, relative: bool, bound: &Bound<'_>, span: Span) -> Option<Value> {
        let (left, right) = (self.array(bound.at(0), "a kernel"), self.array(bound.at(1), "a kernel"));
        let (a, b) = (left?, right?);
        if a.shape() != b.shape() {
            let (left, right) = (side(bound.at(0).span, &a), side(bound.at(1).span, &b));
            let context = "a distance";
            return self.fail(span, ResolveErrorKind::ShapeMismatch { context, left, right, hint: None });
        }
        let what = "the distance of two kernels";
        let Some(right) = b.term.kernel.as_concrete() else {
            return self.fail(bound.at(1).span, ResolveErrorKind::NotConstant { what });
        };
        let difference = match a.term.kernel.sub(&b.term.kernel) {
            Ok(difference) => difference,
            Err(error) => return self.fail(span, ResolveErrorKind::TooLarge(Limit::Kernel(error))),
        };
        let Some(difference) = difference.as_concrete() else {
            return self.fail(bound.at(0).span, ResolveErrorKind::NotConstant { what });
        };
        if !relative {
            return Some(Value::Array(number_array(difference.max_abs())));
        }
        match difference.frobenius_squared().checked_div(&right.frobenius_squared()) {
            Some(square) => Some(root(square)),
            None => self.fail(bound.at(1).span, ResolveErrorKind::DivisionByZero),
        }
    }

    /// A new free kernel.
    pub(super) fn free(&mut self, name: &str, shape: Shape, indices: usize, span: Span) -> Option<Array> {
        let large = !shape.is_plane() && shape.entries().is_none_or(|n| n > MAX_TERMS);
        let free = if large { None } else { self.symbols.declare(name, shape, indices) };
        let Some(free) = free else {
            return self
                .fail(span, ResolveErrorKind::TooLarge(Limit::Symbols(convproof_engine::ir::MAX_SYMBOLS)));
        };
        let role = match indices {
            0 => Role::Scalar,
            1 => Role::Row,
            _ => Role::Kernel,
        };
        let kernel = Kernel::free(free.first, shape);
        debug_assert!(kernel.as_ref().is_ok_and(|kernel| kernel_degree(kernel) == 1));
        self.derived(kernel, KernelExpr::Free { first: free.first, shape }, role, &[], span)
    }

    /// The extents of a declaration: `[3,3]`, `[64,64,3,3]`, `[64]`.
    pub(super) fn extents(&mut self, indices: &[Expr], image: bool, span: Span) -> Option<Shape> {
        let mut all = Vec::with_capacity(indices.len());
        for index in indices {
            all.push(self.count(index, "an extent", [1, MAX_EXTENT]));
        }
        let all = all.into_iter().collect::<Option<Vec<usize>>>()?;
        let shape = match (all.as_slice(), image) {
            (&[n], false) => Shape::plane(1, n),
            (&[h, w], _) => Shape::plane(h, w),
            (&[c, h, w], true) => Shape::new(c, 1, h, w),
            (&[o, i, h, w], false) => Shape::new(o, i, h, w),
            (_, image) => {
                let expected = if image {
                    "2 indices [h,w] or 3 indices [c,h,w]"
                } else {
                    "1 index [n], 2 indices [h,w] or 4 indices [out,in,h,w]"
                };
                let found = all.len();
                return self.fail(span, ResolveErrorKind::IndexCount { found, expected });
            }
        };
        match shape.validate() {
            Ok(_) => Some(shape),
            Err(error) => self.fail(span, ResolveErrorKind::TooLarge(Limit::Kernel(error))),
        }
    }
}

/// What an array is after its extents changed.
fn grown_role(array: &Array) -> Role {
    if array.role == Role::Image { Role::Image } else { Role::Kernel }
}
