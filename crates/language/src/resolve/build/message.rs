//! The wording of mistakes in the meaning of a spec: messages, labels and hints.

use super::error::{ChannelSource, Exceeded, ResolveError, ResolveErrorKind, Side};
use crate::diagnostic::Diagnostic;
use crate::foreign;
use convproof_engine::kernel::MAX_ENTRIES;

impl ResolveError {
    /// The stable code of this kind of mistake.
    pub fn code(&self) -> &'static str {
        use ResolveErrorKind as K;
        match &self.kind {
            K::UnknownName { .. } => "E0201",
            K::DefinedTwice { .. } => "E0202",
            K::ShapeMismatch { .. } => "E0203",
            K::BuiltIn(_) => "E0204",
            K::WrongKind { .. } | K::ThreeIndices(_) => "E0205",
            K::KindsDiffer { .. } => "E0206",
            K::NoOperation { .. } => "E0207",
            K::UnknownArgument { .. } => "E0208",
            K::MissingArgument { .. } => "E0209",
            K::RepeatedArgument { .. } => "E0210",
            K::TooManyArguments { .. } => "E0211",
            K::OutOfRange { .. } | K::AboveLimit { .. } => "E0212",
            K::DivisionByZero => "E0213",
            K::NotDivisible(_) => "E0214",
            K::IndexOutOfBounds { .. } => "E0215",
            K::IndexCount { .. } => "E0216",
            K::Channels { .. } => "E0217",
            K::Groups { .. } => "E0218",
            K::OutputChannels { .. } => "E0219",
            K::BranchSizes { .. } => "E0220",
            K::NoOutput { .. } | K::SaysNothing => "E0221",
            K::TooLarge(_) => "E0222",
            K::NotConstant { .. } => "E0223",
            K::FlattenAlone => "E0224",
            K::DenseAlone => "E0225",
            K::NeedsSize { .. } => "E0226",
            K::DenseInputs { .. } => "E0227",
            K::NoSingleKernel(_) => "E0228",
            K::NoQuantity { .. } => "E0229",
            K::Condition(_) => "E0230",
            K::Equation(_) => "E0231",
            K::UnknownShape(_) => "E0232",
            K::Load { .. } => "E0233",
            K::Root(_) => "E0234",
            K::ClauseMisplaced { .. } => "E0235",
            K::UnknownField(_) => "E0236",
            K::NonlinearImage { .. } => "E0237",
            K::Literal(_) => "E0238",
            K::PeriodTooLong => "E0239",
            K::Size(_) => "E0240",
            K::Export(_) => "E0241",
        }
    }

    /// The mistake in words.
    pub fn diagnostic(&self) -> Diagnostic {
        let mut diagnostic = self.described();
        if let Some(advice) = &self.advice {
            diagnostic.hints = vec![advice.clone()];
        }
        diagnostic
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each mistake")]
    fn described(&self) -> Diagnostic {
        use ResolveErrorKind as K;
        let new = |message: String, at: &str| Diagnostic::new(self.code(), message, self.span, at);
        match &self.kind {
            K::UnknownName { name, suggestion, below } => {
                let error = new(format!("nothing is called `{name}`"), "unknown name");
                match (below, foreign::name(name), suggestion) {
                    (Some(below), ..) => error
                        .with_label(*below, "declared here, below its use")
                        .with_hint(format!("move the declaration of `{name}` above this statement")),
                    (_, Some(advice), _) => error.with_hint(advice),
                    (_, _, Some(near)) => error.with_hint(format!("did you mean `{near}`?")),
                    _ => error.with_hint("names are declared with `kernel`, `scalar`, `image` or `stack`"),
                }
            }
            K::DefinedTwice { name, first } => new(format!("`{name}` is defined twice"), "defined again here")
                .with_label(*first, "first defined here")
                .with_hint("give one of them another name"),
            K::BuiltIn(name) => {
                new(format!("`{name}` is a function or layer of the language"), "cannot be declared")
                    .with_hint("choose another name")
            }
            K::ShapeMismatch { context, left, right, hint } => {
                let message = format!("shapes do not fit in {context}: {} and {}", left.what, right.what);
                let error = sides(new(message, ""), left, right);
                match hint {
                    Some(hint) => error.with_hint(hint.clone()),
                    None => error,
                }
            }
            K::WrongKind { expected, found } => {
                let error = new(format!("expected {expected}, found {found}"), &format!("expected {expected}"));
                match (*expected, found.as_str()) {
                    ("an image", "a stack") => {
                        error.with_hint("stacks are joined with `->`, the one that is applied first standing first")
                    }
                    _ => error,
                }
            }
            K::ThreeIndices([a, b, c]) => new(
                format!("expected a kernel, found an image [{a},{b},{c}]"),
                "three indices: an image [channel,row,column]",
            )
            .with_hint(format!(
                "for weights [out,in,k] declare a kernel with four indices, as in `kernel W[{a},{b},1,{c}] = …`"
            )),
            K::KindsDiffer { left, right } => {
                let message = format!("{} is compared with {}", left.what, right.what);
                sides(new(message, ""), left, right).with_hint(kinds_hint(&left.what, &right.what))
            }
            K::NoOperation { operator, left, right } => {
                let message = format!("`{operator}` does not join {} and {}", left.what, right.what);
                let error = sides(new(message, ""), left, right);
                match (*operator, left.what.as_str(), right.what.as_str()) {
                    ("->", _, _) => error.with_hint("`->` joins stacks; a kernel becomes one by `conv(A)`"),
                    ("!=", "a stack", "a stack") => error.with_hint("write `refute S == T`"),
                    ("*", "a stack", _) => error.with_hint("stacks follow one another with `->`, as in `S -> T`"),
                    ("<" | "<=" | ">" | ">=", ..) => {
                        error.with_hint("only numbers and lists are ordered; `==` and `!=` compare kernels")
                    }
                    (_, "a stack", other) | (_, other, "a stack") if other.starts_with("a kernel") => {
                        error.with_hint("a kernel becomes a stack by `conv(A)`")
                    }
                    _ => error,
                }
            }
            K::UnknownArgument { function, argument, suggestion, signature } => {
                let message = format!("`{function}` has no argument `{argument}`");
                let error = new(message, "unknown argument");
                let error = match (foreign::argument(function, argument), suggestion) {
                    (Some(advice), _) => error.with_hint(advice),
                    (None, Some(near)) => error.with_hint(format!("did you mean `{near}`?")),
                    (None, None) => error,
                };
                error.with_hint(format!("it is written `{signature}`"))
            }
            K::MissingArgument { function, argument, signature } => {
                new(format!("`{function}` lacks its argument `{argument}`"), "an argument is missing")
                    .with_hint(format!("it is written `{signature}`"))
            }
            K::RepeatedArgument { argument, first } => {
                new(format!("the argument `{argument}` is given twice"), "given again here")
                    .with_label(*first, "first given here")
            }
            K::TooManyArguments { function, next, signature } => {
                let error = new(format!("too many arguments for `{function}`"), "not expected");
                let error = match next {
                    Some(name) => error.with_hint(format!("write `{name}=` before it")),
                    None => error,
                };
                error
                    .with_hint(format!("it is written `{signature}`; arguments with defaults are named"))
            }
            K::OutOfRange { what, found, allowed } | K::AboveLimit { what, found, allowed } => {
                new(format!("{what} cannot be {found}"), &format!("must be {allowed}"))
            }
            K::DivisionByZero => new("division by zero".to_owned(), "this is 0"),
            K::NotDivisible(divisor) => {
                new(format!("cannot divide by `{divisor}`"), "a sum with free symbols").with_hint(
                    "divisors are numbers, free scalars, and products and square roots of these",
                )
            }
            K::IndexOutOfBounds { index, shape, declared } => {
                let error = new(format!("{index} lies outside of {shape}"), "outside");
                let error = match declared {
                    Some(span) => error.with_label(*span, format!("declared here as {shape}")),
                    None => error,
                };
                error.with_hint("indices count from 0")
            }
            K::IndexCount { found, expected } => {
                let indices = if *found == 1 { "1 index".to_owned() } else { format!("{found} indices") };
                new(format!("{indices} where {expected} are due"), "wrong number of indices")
            }
            K::Channels { needs, gets, source } => {
                let error = new(
                    format!("this layer needs {} and gets {gets}", channels(needs)),
                    &format!("needs {}", channels(needs)),
                );
                let gets = channels(&gets.to_string());
                let error = match source {
                    ChannelSource::Input => error,
                    ChannelSource::Layer(span) => error.with_label(*span, format!("gives {gets}")),
                };
                error.with_hint("a kernel `[out,in,h,w]` takes `in` channels for each group")
            }
            K::Groups { groups, which, channels, shape } => new(
                format!("{groups} groups do not divide the {channels} {which} of a kernel {shape}"),
                &format!("must divide {channels}"),
            ),
            K::OutputChannels { context, left, right } => {
                let message =
                    format!("{context} have different numbers of channels: {} and {}", left.1, right.1);
                new(message, "")
                    .with_label(left.0, format!("gives {}", channels(&left.1.to_string())))
                    .with_label(right.0, format!("gives {}", channels(&right.1.to_string())))
            }
            K::BranchSizes { left, right, sizes, example } => {
                let shown = |[height, width]: [i64; 2]| format!("{height}×{width}");
                let message = match (sizes, example) {
                    (Some([a, b]), None) => {
                        format!("these branches differ in size: {} and {}", shown(*a), shown(*b))
                    }
                    (Some([a, b]), Some(input)) => format!(
                        "these branches differ in size for every input, as {} and {} for one of {}",
                        shown(*a),
                        shown(*b),
                        shown(*input)
                    ),
                    (None, _) => "these branches differ in size for every input".to_owned(),
                };
                let gives = |at: usize| {
                    sizes.map_or("one size".to_owned(), |sizes| format!("gives {}", shown(sizes[at])))
                };
                new(message, "")
                    .with_label(*left, gives(0))
                    .with_label(*right, gives(1))
                    .with_hint("equal sizes come from padding, as in `padding=1` for a 3×3 kernel")
            }
            K::NoOutput { size, layer } => {
                let message = match size {
                    Some([height, width]) => format!("there is no output for an input of {height}×{width}"),
                    None => "there is no output: a kernel is larger than its image".to_owned(),
                };
                let error = new(message, "no output");
                match layer {
                    Some((span, [height, width])) => {
                        error.with_label(*span, format!("this layer gets {height}×{width} and leaves nothing"))
                    }
                    None => error,
                }
            }
            K::SaysNothing => new(
                "neither side has an output at any size that this claim speaks of".to_owned(),
                "says nothing",
            )
            .with_hint("write a condition that some image satisfies which is large enough for the layers"),
            K::TooLarge(limit) => too_large(*limit, &new),
            K::NotConstant { what } => {
                new(format!("{what} must be a number, without free symbols"), "depends on free symbols")
                    .with_hint("give the kernels values, as in `kernel A = [[1 0] [0 1]]`")
            }
            K::FlattenAlone => new("`flatten` is not followed by `dense`".to_owned(), "nothing reads its vector")
                .with_hint("write `flatten -> dense(W)`"),
            K::DenseAlone => new("`dense` needs a vector".to_owned(), "gets an image")
                .with_hint("write `flatten -> dense(W)`"),
            K::NeedsSize { layer } => {
                new("a layer is read at one input size only".to_owned(), "speaks of all sizes")
                    .with_label(*layer, "depends on the size of the image")
                    .with_hint("name the size, as in `S == T on [28,28]`")
            }
            K::DenseInputs { needs, gets } => {
                new(format!("`dense` takes {needs} entries and the image has {gets}"), &format!("takes {needs}"))
            }
            K::NoSingleKernel(reason) => {
                new(format!("this stack is no single kernel: {reason}"), "not a convolution")
            }
            K::NoQuantity { quantity, reason, layer } => {
                new(format!("this stack has no {quantity}"), "").with_label(*layer, *reason)
            }
            K::Condition(reason) => new((*reason).to_owned(), "not a condition on sizes")
                .with_hint("conditions compare `h`, `w`, remainders such as `h % 2`, and whole numbers"),
            K::Equation(reason) | K::Size(reason) | K::Export(reason) => new((*reason).to_owned(), "here"),
            K::UnknownShape(name) => new(format!("`{name}` has no shape"), "its size is missing")
                .with_hint(format!("write its rows and columns, as in `{name}[3,3]`")),
            K::Load { path, reason } => {
                let error = new(format!("cannot load `{path}`: {reason}"), "loaded here");
                foreign::file(path, reason).iter().fold(error, |error, line| error.with_hint(*line))
            }
            K::Root(reason) => new((*reason).to_owned(), "no square root"),
            K::ClauseMisplaced { clause, about } => {
                new(format!("`{clause}` concerns stacks, and this claim is about {about}"), "says nothing here")
            }
            K::UnknownField(name) => new(format!("`{name}` is no field of numbers"), "unknown field")
                .with_hint("write `over Q` for the rationals, `over R` for the reals, `over C` for the complex numbers"),
            K::NonlinearImage { layer } => {
                new("a nonlinear layer meets an image with free symbols".to_owned(), "cannot be applied")
                    .with_label(*layer, "nonlinear")
                    .with_hint("claims `S == T` about stacks hold for all weights without applying them")
            }
            K::Literal(reason) => new((*reason).to_owned(), "not an array"),
            K::PeriodTooLong => new(
                "with strides or conditions this large not every input size can be compared".to_owned(),
                "sizes repeat too late",
            )
            .with_hint("limit the claim to one size, as in `S == T on [28,28]`, or take smaller numbers"),
        }
    }
}

/// Labels both sides with what they are, and with where that was declared.
fn sides(mut error: Diagnostic, left: &Side, right: &Side) -> Diagnostic {
    for side in [left, right] {
        error = error.with_label(side.span, side.what.clone());
        if let Some(span) = side.declared {
            error = error.with_label(span, format!("declared here as {}", side.what));
        }
    }
    error
}

/// `1 channel`, `4 channels`.
fn channels(count: &str) -> String {
    if count == "1" { "1 channel".to_owned() } else { format!("{count} channels") }
}

fn kinds_hint(left: &str, right: &str) -> &'static str {
    match (left, right) {
        ("a stack", _) | (_, "a stack") => {
            "a kernel becomes a stack by `conv(A)`, a stack an image by `S(X)` and a kernel by `kernel(S)`"
        }
        _ => "both sides must be numbers, lists, kernels or stacks",
    }
}

fn too_large(limit: Exceeded, new: &dyn Fn(String, &str) -> Diagnostic) -> Diagnostic {
    match limit {
        Exceeded::Kernel(error) => new(format!("beyond the limits: {error}"), "too large"),
        Exceeded::Degree(most) => {
            new(format!("a product of more than {most} free symbols"), "too high a degree")
        }
        Exceeded::Layers(most) => new(format!("a stack has at most {most} layers"), "too many layers"),
        Exceeded::Joins(most) => {
            new(format!("a stack has at most {most} sums, products and concatenations"), "too many of them")
        }
        Exceeded::Depth(most) => {
            new(format!("more than {most} definitions rest on one another"), "the limit is reached here")
        }
        Exceeded::Symbols(most) => new(format!("a spec has at most {most} free symbols"), "too many"),
        Exceeded::Roots(most) => {
            new(format!("a spec has at most {most} square roots of free symbols"), "too many")
        }
        Exceeded::Terms(most) => {
            new(format!("the equation has more than {most} products or factors"), "too many")
        }
        Exceeded::Memory(most) => {
            let most = most >> 20;
            new(
                format!("the named kernels and stacks of a spec take more than {most} MiB together"),
                "too much memory",
            )
            .with_hint("split the spec; what is used once needs no name")
        }
        Exceeded::Work(most) => new(format!("this takes more than {most} multiplications"), "too much work"),
        Exceeded::Extents => new(
            format!(
                "strides, sizes or channels multiply to too much (kernels have at most {MAX_ENTRIES} entries)"
            ),
            "too large",
        ),
    }
}
