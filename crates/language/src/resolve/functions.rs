//! Functions that give kernels and numbers from kernels.

use super::Resolver;
use super::arguments::Bound;
use super::build::arrays::{number_array, side};
use super::build::error::{Exceeded, ResolveErrorKind};
use super::build::value::{Array, Role};
use super::build::{Amount, Builder};
use super::value::Value;
use crate::source::Span;
use crate::syntax::ast::{Argument, Expr};
use convproof_engine::ir::{Rearrangement, ends};
use convproof_engine::kernel::{ConcreteKernel, KernelError, Shape};

impl Resolver<'_> {
    /// A function with its arguments sorted.
    #[expect(clippy::too_many_lines, reason = "one arm for each function")]
    pub(super) fn function(&mut self, name: &str, bound: &Bound<'_>, span: Span) -> Option<Value> {
        let kernel = "a kernel";
        let array = match name {
            "ones" | "zeros" => self.filled(bound, i64::from(name == "ones"), span),
            "box" => {
                let height = self.count(bound.at(0), Amount::BOX)?;
                let width = bound.get("pw").map_or(Some(height), |expr| self.count(expr, Amount::BOX))?;
                self.build.box_kernel([height, width], span)
            }
            "delta" => self.delta(bound, span),
            "eye" => {
                let channels = self.count(bound.at(0), Amount::CHANNELS)?;
                self.build.concrete(ConcreteKernel::identity(channels), Role::Kernel, span)
            }
            "repeat" | "dilate" => {
                let (array, by) = (self.array(bound.at(0), kernel), self.pair(bound.at(1), Amount::FACTOR));
                let (array, by) = (array?, by?);
                if name == "repeat" {
                    self.build.repeat(&array, by, span)
                } else {
                    self.build.dilate(&array, by, span)
                }
            }
            "flip" | "transpose" | "trim" | "sum" => {
                let array = self.array(bound.at(0), kernel)?;
                let function = match name {
                    "flip" => Builder::flip,
                    "transpose" => Builder::transpose,
                    "trim" => Builder::trim,
                    _ => Builder::sum,
                };
                function(&mut self.build, &array, span)
            }
            "outer" => {
                let vector = "a vector or a number";
                let (u, v) = (self.array(bound.at(0), vector), self.array(bound.at(1), vector));
                self.build.outer((&u?, bound.at(0).span), (&v?, bound.at(1).span), span)
            }
            "sqrt" => {
                let array = self.array(bound.at(0), "a number or a kernel")?;
                self.build.sqrt(&array, bound.at(0).span, span)
            }
            "hadamard" => {
                let (a, b) = (self.array(bound.at(0), kernel), self.array(bound.at(1), kernel));
                self.build.hadamard((&a?, bound.at(0).span), (&b?, bound.at(1).span), span)
            }
            "scale_rows" | "scale_columns" => {
                let (array, vector) =
                    (self.array(bound.at(0), kernel), self.array(bound.at(1), "a vector or a number"));
                let (array, vector) = ((&array?, bound.at(0).span), (&vector?, bound.at(1).span));
                self.build.scale_channels(name == "scale_rows", array, vector, span)
            }
            "swap_channels" => {
                let array = self.kernel(bound.at(0))?;
                self.build.rearranged(&array, Rearrangement::SwapChannels, span)
            }
            "ungroup" => {
                let (array, groups) = (self.kernel(bound.at(0)), self.count(bound.at(1), Amount::GROUPS));
                self.build.ungroup(&array?, groups?, bound.at(1).span, span)
            }
            "select_rows" | "select_columns" => self.selected(name == "select_rows", bound, span),
            "sum_rows" | "sum_columns" => {
                let array = self.kernel(bound.at(0))?;
                self.build.channel_sums(&array, name == "sum_rows", span)
            }
            "load" if bound.get("from").is_some() || bound.get("to").is_some() => {
                return self.part(bound, span);
            }
            "load" => self.load(bound, span),
            "error" | "max_error" => return self.distance(name == "error", bound, span),
            _ => return self.quantity(name, bound, span),
        };
        array.map(Value::Array)
    }

    /// Channels `from..to` of a kernel.
    fn selected(&mut self, outputs: bool, bound: &Bound<'_>, span: Span) -> Option<Array> {
        let array = self.kernel(bound.at(0))?;
        let count = if outputs { array.shape().outputs } else { array.shape().inputs };
        let from = self.count(bound.at(1), Amount::channels(count, 0).0)?;
        let to = self.count(bound.at(2), Amount::channels(count, from).1)?;
        let how =
            if outputs { Rearrangement::Outputs([from, to]) } else { Rearrangement::Inputs([from, to]) };
        self.build.rearranged(&array, how, span)
    }

    fn filled(&mut self, bound: &Bound<'_>, value: i64, span: Span) -> Option<Array> {
        let mut extent = |name: &str, amount| match bound.get(name) {
            None => Some(1),
            Some(expr) => self.count(expr, amount),
        };
        let shape = Shape {
            outputs: extent("out", Amount::CHANNELS)?,
            inputs: extent("in", Amount::CHANNELS)?,
            height: extent("h", Amount::HEIGHT)?,
            width: extent("w", Amount::WIDTH)?,
        };
        self.build.filled(shape, value, span)
    }

    fn delta(&mut self, bound: &Bound<'_>, span: Span) -> Option<Array> {
        let height = self.count(bound.at(0), Amount::HEIGHT);
        let width = self.count(bound.at(1), Amount::WIDTH);
        let (height, width) = (height?, width?);
        let row = self.count(bound.at(2), Amount::below(height, "the row"));
        let column = self.count(bound.at(3), Amount::below(width, "the column"));
        self.build.concrete(ConcreteKernel::delta(height, width, row?, column?), Role::Kernel, span)
    }

    /// `pad(A,n)` and `pad(A,top,left,bottom,right)`.
    pub(super) fn pad_kernel(&mut self, arguments: &[Argument], span: Span) -> Option<Array> {
        let array = self.array(&arguments[0].value, "a kernel");
        let sides = match &arguments[1..] {
            [one] => self.sides(&one.value, Amount::ADDED_PADDING)?,
            all => {
                let mut sides = [0; 4];
                for (side, argument) in sides.iter_mut().zip(all) {
                    *side = self.integer(&argument.value, Amount::ADDED_PADDING)?;
                }
                ends(sides)
            }
        };
        let index = convproof_engine::operator::gather::index;
        self.build.pad(&array?, sides.map(|ends| ends.map(index)), span)
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
            [c, h, w] => (Shape::new(c, 1, h, w), Role::Channels),
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
        self.build.concrete(ConcreteKernel::from_fractions(shape, values), role, span)
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
        let Some(right) = b.term.kernel().as_concrete() else {
            return self.fail(bound.at(1).span, ResolveErrorKind::NotConstant { what });
        };
        let difference = match a.term.kernel().sub(b.term.kernel()) {
            Ok(difference) => difference,
            Err(error) => return self.fail(span, ResolveErrorKind::TooLarge(Exceeded::Kernel(error))),
        };
        let Some(difference) = difference.as_concrete() else {
            return self.fail(bound.at(0).span, ResolveErrorKind::NotConstant { what });
        };
        if !relative {
            return Some(Value::Array(number_array(difference.max_abs())));
        }
        match difference.frobenius_squared().checked_div(&right.frobenius_squared()) {
            Some(square) => self.build.sqrt(&number_array(square), span, span).map(Value::Array),
            None => self.fail(bound.at(1).span, ResolveErrorKind::DivisionByZero),
        }
    }

    /// The extents of a declaration: `[3,3]`, `[64,64,3,3]`, `[64]`.
    pub(super) fn extents(&mut self, indices: &[Expr], image: bool, span: Span) -> Option<Shape> {
        let mut all = Vec::with_capacity(indices.len());
        for index in indices {
            all.push(self.count(index, Amount::EXTENT));
        }
        let all = all.into_iter().collect::<Option<Vec<usize>>>()?;
        let shape = match (all.as_slice(), image) {
            (&[n], false) => Shape::plane(1, n),
            (&[h, w], _) => Shape::plane(h, w),
            (&[c, h, w], true) => Shape::new(c, 1, h, w),
            // Along rows, as a convolution in one dimension has them.
            (&[o, i, k], false) => Shape::new(o, i, 1, k),
            (&[o, i, h, w], false) => Shape::new(o, i, h, w),
            (_, image) => {
                let expected = if image {
                    "2 indices [h,w] or 3 indices [c,h,w]"
                } else {
                    "1 index [n], 2 indices [h,w], 3 indices [out,in,k] or 4 indices [out,in,h,w]"
                };
                let found = all.len();
                return self.fail(span, ResolveErrorKind::IndexCount { found, expected });
            }
        };
        self.build.shape(shape, span)
    }
}
