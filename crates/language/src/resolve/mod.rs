//! From syntax trees to resolved specs: names, kinds, shapes, defaults, channels. Decides no claims.
//!
//! A [`Resolver`] takes the statements of a spec in order. A statement with mistakes declares its names all the
//! same, as unknown: their uses are passed over in silence, so that one mistake gives one diagnostic.

mod application;
mod arguments;
pub mod build;
mod channels;
mod claims;
mod comparisons;
mod conditions;
mod equations;
mod expression;
mod families;
mod functions;
mod layer_equations;
mod layers;
mod operators;
mod parts;
mod quantities;
mod scope;
mod slices;
mod statements;
mod symbolic;
mod value;

pub use build::claims::operator_diagnostic;
pub use build::error::{ChannelSource, Exceeded, ResolveError, ResolveErrorKind, Side};
pub use equations::MAX_TERMS as MAX_PRODUCTS;
pub use families::{Family, Instance};
pub use layer_equations::LayerEquation;
pub use statements::MAX_MEMORY;
pub use symbolic::{NumbersCompared, SizeLaw, SizeProof};

use crate::builtins;
use crate::source::{Origins, Places, Source, Span};
use crate::syntax::ast::{Item, Name, Spec, Statement};
use crate::syntax::names;
use build::Builder;
use build::value::{Array, Role};
use convproof_engine::ir::ClaimKind;
use convproof_engine::ir::{Equation, FitProblem, KernelTerm, Prop, Symbols};
use convproof_engine::kernel::ConcreteKernel;
use convproof_exact::Fractions;
use rustc_hash::FxHashMap;

use families::Sizes;
use scope::{Entry, Scope};
use value::Value;

/// What `load` reads: a file and perhaps an entry of it, to extents and values in C order; the error is a message
/// for the user.
pub type Loader<'a> = Box<dyn FnMut(&str, Option<&str>) -> Result<(Vec<usize>, Fractions), String> + 'a>;

/// What `load` of a part of a model file reads: a file and the values that the part begins and ends with, to an
/// expression of this language; the error is a message for the user.
pub type PartLoader<'a> = Box<dyn FnMut(&str, Option<&str>, Option<&str>) -> Result<String, String> + 'a>;

/// Resolves the statements of one spec in order.
pub struct Resolver<'a> {
    scope: Scope,
    build: Builder,
    load: Loader<'a>,
    parts: PartLoader<'a>,
    /// Bytes of the kernels and stacks that names stand for.
    kept: u64,
    /// Names that are unknown from their places on, in order.
    broken: Vec<Name>,
    /// Where the names of the whole spec are declared.
    places: FxHashMap<String, Span>,
    sizes: Sizes,
}

/// What a statement turned out to be.
#[derive(Clone, Debug)]
pub enum Resolved {
    /// It declares a name.
    Declaration,
    /// It claims something; a `chain` makes one claim for each step.
    Claims(Vec<ResolvedClaim>),
    /// Kernels that are to go to a file, if anybody wants it.
    Export {
        /// The file, below the folder of the spec.
        path: String,
        /// Each with its name.
        kernels: Vec<(String, ConcreteKernel)>,
    },
    /// It claims something for all values of sizes; a `chain` makes one claim for each step.
    Families(Vec<Family>),
}

/// One claim, ready to be decided.
#[derive(Clone, Debug)]
pub struct ResolvedClaim {
    /// The label; `LABEL step N` or `step N` in a chain.
    pub label: Option<String>,
    /// The keyword.
    pub kind: ClaimKind,
    /// What is claimed, on one line, without keyword and label.
    pub statement: String,
    /// Its place.
    pub span: Span,
    /// What is claimed.
    pub body: ClaimBody,
}

/// What is to be decided or found.
#[derive(Clone, Debug)]
pub enum ClaimBody {
    /// A proposition.
    Prop(Prop),
    /// Kernels that solve an equation; the driver binds them.
    Solve(Equation),
    /// Kernels that come nearest to solving an equation; the driver binds them.
    Fit(FitProblem),
    /// Kernels of layers that make two stacks equal; the driver binds them for a `solve`.
    Layers(Box<LayerEquation>),
}

impl<'a> Resolver<'a> {
    /// A resolver that knows no names yet.
    pub fn new(load: impl FnMut(&str, Option<&str>) -> Result<(Vec<usize>, Fractions), String> + 'a) -> Self {
        Self {
            scope: Scope::default(),
            build: Builder::default(),
            load: Box::new(load),
            parts: Box::new(|_, _, _| Err("parts of model files are not read here".to_owned())),
            kept: 0,
            broken: Vec::new(),
            places: FxHashMap::default(),
            sizes: Sizes::default(),
        }
    }

    /// The same with something that reads parts of model files.
    #[must_use]
    pub fn with_parts(
        self,
        parts: impl FnMut(&str, Option<&str>, Option<&str>) -> Result<String, String> + 'a,
    ) -> Self {
        Self { parts: Box::new(parts), ..self }
    }

    /// Resolves the next statement and declares its names.
    ///
    /// # Errors
    /// Every mistake in it. The list is empty where the statement uses a name whose own declaration failed: then
    /// there is nothing more to say.
    pub fn statement(&mut self, statement: &Statement) -> Result<Resolved, Vec<ResolveError>> {
        // What a statement left behind that was stopped half way.
        self.scope.reveal(0);
        self.build.errors.clear();
        let before = self.broken.partition_point(|name| name.span.start < statement.span.start);
        for Name { text, span } in self.broken.drain(..before).collect::<Vec<_>>() {
            self.poison(&text, span);
        }
        let resolved = self.sized(statement).unwrap_or_else(|| self.resolve(statement));
        let mut errors = std::mem::take(&mut self.build.errors);
        errors.sort_by_key(|error| error.span);
        resolved.filter(|_| errors.is_empty()).ok_or(errors)
    }

    /// The free symbols declared so far.
    pub fn symbols(&self) -> &Symbols {
        &self.build.symbols
    }

    /// The places of what was resolved so far.
    pub fn origins(&self) -> &Origins {
        &self.build.origins
    }

    /// The same with the text that they are in.
    pub fn places<'s>(&'s self, source: &'s Source) -> Places<'s> {
        Places { source, origins: self.origins() }
    }

    /// Gives a name its value once `solve` or `fit` has found it.
    pub fn bind(&mut self, name: &str, span: Span, term: KernelTerm) {
        let degree = term.kernel().degree();
        let array = Array { term, role: Role::Kernel, declared: None, depth: 0, degree };
        self.scope.set(name, Entry { value: Some(Value::Array(array)), span });
    }

    /// The kernel that a name stands for.
    pub fn named_kernel(&self, name: &str) -> Option<&convproof_engine::kernel::Kernel> {
        match self.scope.get(name)?.value.as_ref()? {
            Value::Array(array) => Some(array.term.kernel()),
            _ => None,
        }
    }

    /// Tells of the whole spec before its statements: which names it declares further down, and which ones were to
    /// be declared by statements left out for their mistakes; those are unknown from there on.
    pub fn expect(&mut self, spec: &Spec) {
        self.broken.clone_from(&spec.broken);
        for item in &spec.items {
            if let Item::Statement(statement) = item {
                for name in names::declared(&statement.kind) {
                    self.places.entry(name.text.clone()).or_insert(name.span);
                }
            }
        }
    }

    /// Declares a name whose value is not known; statements that use it are passed over in silence. A name that
    /// already has a value keeps it.
    pub fn poison(&mut self, name: &str, span: Span) {
        if self.scope.get(name).is_none() {
            self.scope.set(name, Entry { value: None, span });
        }
    }

    /// Notes a mistake.
    fn report(&mut self, span: Span, kind: ResolveErrorKind) {
        self.build.report(span, kind);
    }

    /// Notes a mistake in place of a value.
    fn fail<T>(&mut self, span: Span, kind: ResolveErrorKind) -> Option<T> {
        self.build.fail(span, kind)
    }
}
