//! What can be wrong with the meaning of a spec, as data. The wording of it is in `message.rs`.

use crate::source::Span;
use convproof_engine::kernel::KernelError;

/// A mistake in the meaning of a spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolveError {
    /// What is wrong.
    pub kind: ResolveErrorKind,
    /// Where.
    pub span: Span,
    /// What to write instead, where the way it is written tells; it takes the place of the usual hints.
    pub advice: Option<String>,
}

/// One of two things that do not fit together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// Where it is used.
    pub span: Span,
    /// Where it was declared, if it is a name.
    pub declared: Option<Span>,
    /// Its shape, length or kind, in words.
    pub what: String,
}

/// The kinds of mistake. Each has a code and a section in `docs/diagnostics.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolveErrorKind {
    /// A name that nothing declares.
    UnknownName {
        /// The name.
        name: String,
        /// A name like it.
        suggestion: Option<String>,
        /// Where it is declared further down.
        below: Option<Span>,
    },
    /// A name declared a second time.
    DefinedTwice {
        /// The name.
        name: String,
        /// Where it was declared first.
        first: Span,
    },
    /// The name of a function or layer declared as something else.
    BuiltIn(String),
    /// Two shapes or lengths that must agree.
    ShapeMismatch {
        /// What asks for it: `the sum`, `the declaration`.
        context: &'static str,
        /// One side.
        left: Side,
        /// The other side.
        right: Side,
        /// What could be done.
        hint: Option<String>,
    },
    /// A value of the wrong kind.
    WrongKind {
        /// What is due.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A comparison of values of different kinds.
    KindsDiffer {
        /// One side.
        left: Side,
        /// The other side.
        right: Side,
    },
    /// An operator that does not join these kinds of value.
    NoOperation {
        /// The operator.
        operator: &'static str,
        /// One side.
        left: Side,
        /// The other side.
        right: Side,
    },
    /// A named argument that the function does not take.
    UnknownArgument {
        /// The function.
        function: &'static str,
        /// The argument.
        argument: String,
        /// The argument it may stand for.
        suggestion: Option<String>,
        /// How the function is written.
        signature: &'static str,
    },
    /// An argument that the function needs.
    MissingArgument {
        /// The function.
        function: &'static str,
        /// The argument.
        argument: &'static str,
        /// How the function is written.
        signature: &'static str,
    },
    /// An argument given twice.
    RepeatedArgument {
        /// The argument.
        argument: String,
        /// Where it was given first.
        first: Span,
    },
    /// More arguments than the function takes in order.
    TooManyArguments {
        /// The function.
        function: &'static str,
        /// The name of the argument that may be meant.
        next: Option<&'static str>,
        /// How the function is written.
        signature: &'static str,
    },
    /// A number outside the range that makes sense there.
    OutOfRange {
        /// What it is: `the stride`.
        what: &'static str,
        /// The number as given.
        found: String,
        /// What is allowed.
        allowed: String,
    },
    /// A whole number beyond the largest that is taken.
    AboveLimit {
        /// What it is: `the stride`.
        what: &'static str,
        /// The number as given.
        found: String,
        /// What is allowed.
        allowed: String,
    },
    /// A division by 0.
    DivisionByZero,
    /// A division by a sum with free symbols, or by a kernel.
    NotDivisible(String),
    /// An index beyond the shape.
    IndexOutOfBounds {
        /// The indices.
        index: String,
        /// The shape.
        shape: String,
        /// Where it was declared.
        declared: Option<Span>,
    },
    /// Another number of indices than the value has.
    IndexCount {
        /// How many were given.
        found: usize,
        /// The numbers allowed.
        expected: &'static str,
    },
    /// A layer gets another number of channels than it needs.
    Channels {
        /// What it needs.
        needs: String,
        /// What it gets.
        gets: usize,
        /// What the channels that it gets come from.
        source: ChannelSource,
    },
    /// Groups that do not divide the channels.
    Groups {
        /// The groups.
        groups: usize,
        /// Which channels.
        which: &'static str,
        /// How many there are.
        channels: usize,
        /// The kernel's shape.
        shape: String,
    },
    /// Branches or sides with different numbers of output channels.
    OutputChannels {
        /// What joins them: `the branches of a sum or product`.
        context: &'static str,
        /// One of them and its channels.
        left: (Span, usize),
        /// Another one and its channels.
        right: (Span, usize),
    },
    /// Branches whose sizes differ for every input.
    BranchSizes {
        /// One branch.
        left: Span,
        /// Another branch.
        right: Span,
        /// Their sizes for one input.
        sizes: Option<[[i64; 2]; 2]>,
        /// The size of that input, where it is only an example.
        example: Option<[i64; 2]>,
    },
    /// An image `[c,h,w]` where a kernel is needed.
    ThreeIndices([usize; 3]),
    /// A claim about sizes at none of which either side has an output.
    SaysNothing,
    /// A stack that has no output for the size asked for, or for any size.
    NoOutput {
        /// The size, if one was asked for.
        size: Option<[i64; 2]>,
        /// What the layer that fails needs: window and image reaching it.
        layer: Option<(Span, [i64; 2])>,
    },
    /// A limit of the tool.
    TooLarge(Exceeded),
    /// A value with free symbols where only a number will do.
    NotConstant {
        /// What is due.
        what: &'static str,
    },
    /// `flatten` without `dense` after it.
    FlattenAlone,
    /// `dense` without `flatten` before it.
    DenseAlone,
    /// `flatten -> dense`, or another layer that is read at one size, in a claim about all sizes.
    NeedsSize {
        /// Place of the layer.
        layer: Span,
    },
    /// `dense` with another number of inputs than there are entries.
    DenseInputs {
        /// Inputs of the matrix.
        needs: usize,
        /// Entries of the image.
        gets: usize,
    },
    /// A stack that is no single kernel.
    NoSingleKernel(&'static str),
    /// A quantity that the stack does not have, such as the kernel size where it upsamples.
    NoQuantity {
        /// The quantity.
        quantity: &'static str,
        /// Why not.
        reason: &'static str,
        /// The layer to blame.
        layer: Span,
    },
    /// A condition on sizes that is not decidable in this tool.
    Condition(&'static str),
    /// An equation that is not a sum of products of unknowns and known kernels.
    Equation(&'static str),
    /// An unknown kernel without a usable shape.
    UnknownShape(String),
    /// `load` failed.
    Load {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// The square root of a negative number, or a nested one beyond what is supported.
    Root(&'static str),
    /// A clause on a claim that it does not concern.
    ClauseMisplaced {
        /// `on`, `where` or `~=`.
        clause: &'static str,
        /// What the claim is about.
        about: &'static str,
    },
    /// A field other than `Q`, `R`, `C`.
    UnknownField(String),
    /// A nonlinear layer applied to an image with free symbols.
    NonlinearImage {
        /// The layer.
        layer: Span,
    },
    /// An array literal that is nothing: brackets too deep, or entries that are no scalars.
    Literal(&'static str),
    /// Output sizes that repeat too late to look at them all.
    PeriodTooLong,
    /// Kernels that cannot go to a file.
    Export(&'static str),
    /// A size where none can be, or something about sizes that cannot be said.
    Size(&'static str),
}

/// Where the channels that reach a layer come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelSource {
    /// The input, with as many channels as its other uses ask for.
    Input,
    /// A layer or branches before it.
    Layer(Span),
}

/// What was exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exceeded {
    /// A kernel operation.
    Kernel(KernelError),
    /// Degree of the polynomials in the free symbols.
    Degree(u32),
    /// Layers of a stack.
    Layers(usize),
    /// Sums, products and concatenations of a stack.
    Joins(usize),
    /// Definitions upon definitions.
    Depth(u32),
    /// Free symbols of the spec.
    Symbols(u32),
    /// Square roots of the spec.
    Roots(usize),
    /// Terms of an equation.
    Terms(usize),
    /// Multiplications to apply a stack to an image.
    Work(usize),
    /// Strides, sizes and paddings.
    Extents,
    /// Bytes of all named kernels and stacks.
    Memory(u64),
}
