//! The kernel of a stack away from borders as a product of its layers' kernels, which is not multiplied out where that
//! would be long. Reads convolutions without groups and biases, scales, strides, padding, chains and sums; of other
//! stacks the normal form finds the kernel.

use convproof_exact::Limited;
use std::sync::Arc;

use super::gather::{index, signed};
use super::geometry::{self, ReceptiveField};

use super::shape::{Signal, after};
use super::tiles;
use crate::axes::{AXES, Axes, Ends, all, each};
use crate::ir::{Branch, KernelTerm, Layer, Op, Operation, Origin, Stack};
use crate::kernel::{ConcreteKernel, Kernel, Shape};

/// The kernel of a stack on some channels, with the extent that its layers have together; `None` of a stack that is not
/// read here, or beyond limits.
///
/// By Theorem 1 of `docs/semantics.md` a kernel after one of stride s is the convolution with it, dilated by s; padding only says which position
/// the first tap reads, and in a sum the kernels of the branches stand where they read.
pub fn single(stack: &Stack, channels: usize) -> Option<KernelTerm> {
    let input = Partial { kernel: None, channels, fields: [ReceptiveField::IDENTITY; AXES] };
    let all = stack.fold(input, |op, origin| {
        let next = match op {
            Op::Layer(layer, before) => before.then(layer, origin),
            Op::Sum(terms) => sum(&terms.iter().collect::<Vec<_>>()),
            Op::Product(_) | Op::Concat(_) | Op::Broadcast(_) => None,
        };
        next.ok_or(())
    });
    all.ok()?.written()
}

/// The kernel of a stack with free weights that is too large to be written out, known by its shape and its layers alone;
/// `None` of stacks that `forms` does not read layer by layer, and of small kernels.
pub fn unwritten(stack: &Arc<Stack>, channels: usize) -> Option<KernelTerm> {
    const MOST: usize = 1 << 16;
    let extents = tiles::of(stack)?.map(|reach| index(reach.extent()));
    let outputs = after(stack, Signal::input(channels), None).ok()?.channels;
    let shape = Shape::new(outputs, channels, 1, 1).with_extents(extents);
    shape.validate_unwritten().ok()?;
    if shape.entries().is_some_and(|count| count.within(MOST)) || stack.weights().all(KernelTerm::is_constant)
    {
        return None;
    }
    let weights: Vec<&Kernel> = stack.weights().map(KernelTerm::kernel).collect();
    Some(KernelTerm::of_stack(stack.clone(), Kernel::unwritten(shape, &weights)))
}

/// What a stack does up to one of its values.
#[derive(Clone)]
struct Partial {
    /// As large as the fields; `None` for the identity.
    kernel: Option<KernelTerm>,
    channels: usize,
    fields: Axes<ReceptiveField>,
}

impl Partial {
    fn written(self) -> Option<KernelTerm> {
        let term = match self.kernel {
            Some(kernel) => kernel,
            None => identity(self.channels)?,
        };
        let extents = self.fields.map(|field| field.extent());
        (term.shape().extents().map(signed) == extents).then_some(term)
    }

    /// A layer after it.
    fn then(self, layer: &Layer, origin: Origin) -> Option<Self> {
        let next = geometry::layer_fields(layer, origin).ok()?;
        let fields = all(|axis| self.fields[axis].then(&next[axis]))?;
        let (channels, before) = (self.channels, self.kernel.clone());
        let kernel = match layer {
            Layer::Conv(conv) => {
                let shape = conv.kernel.shape();
                // Of groups none reads all channels.
                if conv.bias.is_some() || shape.inputs != channels {
                    return None;
                }
                let by = all(|axis| index(self.fields[axis].stride).checked_mul(conv.dilation[axis]))?;
                let grown = KernelTerm::apply(Operation::Dilate(&conv.kernel, by)).ok()?;
                let kernel = match before {
                    Some(before) => KernelTerm::apply(Operation::Convolve(&before, &grown)).ok()?,
                    None => grown,
                };
                return Some(Self { kernel: Some(kernel), channels: shape.outputs, fields });
            }
            Layer::Scale(vector) => {
                let before = self.written()?;
                Some(if vector.shape().is_scalar() {
                    KernelTerm::apply(Operation::Convolve(vector, &before)).ok()?
                } else {
                    KernelTerm::apply(Operation::ScaleOutputs(&before, vector)).ok()?
                })
            }
            Layer::Pad(_) | Layer::Subsample(_) => before,
            _ => return None,
        };
        Some(Self { kernel, channels, fields })
    }
}

/// The sum of branches, each where it reads.
fn sum(terms: &[&(&KernelTerm, Branch<Partial>)]) -> Option<Partial> {
    let first = &terms.first()?.1.of;
    let alike = |of: &Partial| {
        of.channels == first.channels
            && (0..AXES).all(|axis| of.fields[axis].stride == first.fields[axis].stride)
    };
    if !terms.iter().all(|(_, branch)| alike(&branch.of)) {
        return None;
    }
    let fields = each(|axis| {
        let all = terms.iter().map(|(_, branch)| branch.of.fields[axis]);
        all.fold(first.fields[axis], |joined, own| ReceptiveField {
            first: joined.first.min(own.first),
            last: joined.last.max(own.last),
            ..own
        })
    });
    let mut total: Option<KernelTerm> = None;
    for (factor, branch) in terms {
        let own = branch.of.fields;
        let around = each(|axis| Ends {
            before: own[axis].first - fields[axis].first,
            after: fields[axis].last - own[axis].last,
        });
        let mut term = branch.of.clone().written()?;
        if around != Ends::NONE {
            let around = around.map(|ends| ends.map(index));
            term = KernelTerm::apply(Operation::Pad(&term, around)).ok()?;
        }
        let term = KernelTerm::apply(Operation::Convolve(factor, &term)).ok()?;
        total = Some(match total {
            Some(before) => KernelTerm::apply(Operation::Add(&before, &term)).ok()?,
            None => term,
        });
    }
    Some(Partial { kernel: total, channels: first.channels, fields })
}

fn identity(channels: usize) -> Option<KernelTerm> {
    ConcreteKernel::identity(channels).ok().map(KernelTerm::constant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Conv, NonEmpty, Padding};
    use convproof_exact::Rational;

    /// A convolution of a kernel of numbers with one channel, or with as many as `channels` times that.
    fn conv([outputs, inputs]: [usize; 2], stride: usize) -> Conv {
        let shape = Shape::new(outputs, inputs, 2, 3);
        let values = (1..).take(outputs * inputs * 6).collect();
        Conv {
            kernel: KernelTerm::constant(ConcreteKernel::from_integers(shape, values).unwrap()),
            stride: [stride; AXES],
            dilation: [1; AXES],
            padding: Padding::Sides(Ends::NONE),
            groups: 1,
            bias: None,
        }
    }

    fn stack(conv: &Conv) -> Stack {
        Stack::layer(Layer::Conv(conv.clone()), Origin::NOWHERE)
    }

    #[test]
    fn a_bias_groups_and_other_channels_are_not_read() {
        let [plain, after] = [conv([2, 2], 2), conv([3, 2], 1)];
        let kernel = |conv: &Conv| conv.kernel.kernel().clone();
        let read = |conv: &Conv, channels| single(&stack(conv), channels);
        assert_eq!(read(&plain, 2).unwrap().kernel(), &kernel(&plain));
        let bias =
            KernelTerm::constant(ConcreteKernel::from_integers(Shape::plane(1, 2), vec![1, 2]).unwrap());
        assert!(read(&Conv { bias: Some(bias), ..plain.clone() }, 2).is_none());
        assert!(read(&Conv { groups: 2, ..conv([2, 1], 1) }, 2).is_none());
        // What comes after a stride is dilated.
        let both = Stack::chain([&stack(&plain), &stack(&after)], Origin::NOWHERE);
        let product = kernel(&plain).convolve_dilated(&kernel(&after), [2, 2]).unwrap();
        assert_eq!(single(&both, 2).unwrap().kernel(), &product);
    }

    #[test]
    fn kernels_of_branches_are_added_where_they_read() {
        let [one, other] = [conv([2, 2], 2), conv([2, 2], 2)];
        let two = KernelTerm::constant(ConcreteKernel::from_integers(Shape::plane(1, 1), vec![2]).unwrap());
        let before = Ends { before: 1, after: 0 };
        let padded = Stack::chain(
            [&Stack::layer(Layer::Pad([before, Ends::default()]), Origin::NOWHERE), &stack(&other)],
            Origin::NOWHERE,
        );
        let plain = stack(&one);
        let terms = NonEmpty::of(vec![(two.clone(), &plain), (two, &padded)]).unwrap();
        let kernel = |conv: &Conv, top, bottom| {
            let concrete = conv.kernel.kernel().as_concrete().unwrap();
            let doubled = concrete.scale(&Rational::from(2)).unwrap();
            Kernel::from(doubled).pad([top, 0, bottom, 0]).unwrap()
        };
        // A row above the image comes first: the padded branch reads one row further up.
        let sum = kernel(&other, 0, 1).add(&kernel(&one, 1, 0)).unwrap();
        assert_eq!(single(&Stack::sum(terms, Origin::NOWHERE), 2).unwrap().kernel(), &sum);
    }
}
