//! A network as it is understood: its terms, and what each reads.

use convproof_files::onnx::Model;

use crate::dim::Dim;
use crate::form::Part;
use crate::table::Terms;
use crate::term::{Kind, Term};
use crate::understand::{GraphError, InputShapes, understand};

/// A network as it is understood.
pub struct Overview {
    /// Nodes that the outputs rest on.
    pub nodes: usize,
    /// Its terms, in the order of evaluation.
    pub terms: Vec<TermView>,
    /// Nodes taken as functions by name.
    pub opaque: Vec<String>,
    /// Extents that have to be equal.
    pub conditions: Vec<String>,
}

/// A term.
pub struct TermView {
    /// Its number.
    pub id: usize,
    /// Its operator, in one spelling.
    pub operator: String,
    /// The extents of its value.
    pub shape: Vec<String>,
    /// The node that makes it.
    pub node: Option<String>,
    /// What it reads.
    pub reads: Vec<ReadView>,
    /// Rows and columns of the first input that an element rests on, where windows alone tell.
    pub field: Option<Vec<usize>>,
}

/// A kernel applied to a term.
pub struct ReadView {
    /// The number of the term.
    pub source: usize,
    /// Its channels.
    pub inputs: usize,
    /// Channels of the result.
    pub outputs: usize,
    /// Taps along each axis of the image.
    pub taps: Vec<usize>,
    /// Strides.
    pub strides: Vec<usize>,
    /// Enlargements.
    pub ups: Vec<usize>,
    /// Padding before and after.
    pub paddings: Vec<(i64, i64)>,
}

/// Reads a model.
///
/// # Errors
/// [`GraphError`]: it is no network.
pub fn overview(model: &Model, shapes: &InputShapes) -> Result<Overview, GraphError> {
    let mut terms = Terms::default();
    let network = understand(model, shapes, &mut terms, "it")?;
    let mut fields: Vec<Option<FieldOfView>> = Vec::new();
    let mut views = Vec::new();
    for (id, term) in terms.all().iter().enumerate() {
        let field = field(term, &fields);
        views.push(TermView {
            id,
            operator: operator(term),
            shape: term.shape.iter().map(Dim::to_string).collect(),
            node: term.node.and_then(|node| network.nodes.get(node)).map(ToString::to_string),
            reads: term.args.iter().flat_map(|arg| &arg.parts).map(view).collect(),
            field: field.as_ref().filter(|_| term.op.kind != Kind::Input).map(|field| field.extents.clone()),
        });
        fields.push(field);
    }
    let conditions = terms.agreement.pairs().iter().map(|(a, b)| format!("{a} = {b}")).collect();
    let opaque = network.opaque.iter().map(|opaque| network.opaque_words(opaque)).collect();
    Ok(Overview { nodes: network.needed, terms: views, opaque, conditions })
}

fn operator(term: &Term) -> String {
    match term.op.kind {
        Kind::Input => format!("input {}", term.op.name),
        _ => term.op.name.clone(),
    }
}

fn view(part: &Part) -> ReadView {
    let axes = part.map.axes.get(2..).unwrap_or(&[]);
    let kernel = &part.map.kernel;
    ReadView {
        source: part.source,
        inputs: kernel.inputs,
        outputs: kernel.outputs,
        taps: kernel.taps.get(2..).unwrap_or(&[]).to_vec(),
        strides: axes.iter().map(|axis| axis.stride).collect(),
        ups: axes.iter().map(|axis| axis.up).collect(),
        paddings: axes.iter().map(|axis| (axis.before, axis.after)).collect(),
    }
}

/// How far an element sees, and how far neighbours are apart, on the input.
#[derive(Clone)]
struct FieldOfView {
    extents: Vec<usize>,
    steps: Vec<usize>,
}

/// The field of a term of operators that act on windows or elements; nothing for others.
fn field(term: &Term, fields: &[Option<FieldOfView>]) -> Option<FieldOfView> {
    let axes = term.shape.len().checked_sub(2).filter(|&axes| axes > 0)?;
    if term.op.kind == Kind::Input {
        return Some(FieldOfView { extents: vec![1; axes], steps: vec![1; axes] });
    }
    if matches!(term.op.kind, Kind::Function | Kind::Symmetric | Kind::Constant)
        || term.op.name.contains(" over [")
    {
        return None;
    }
    let mut widest: Option<FieldOfView> = None;
    for part in term.args.iter().flat_map(|arg| &arg.parts) {
        let source = fields.get(part.source)?.as_ref().filter(|field| field.steps.len() == axes)?;
        let mut own = source.clone();
        for axis in 0..axes {
            let moved = part.map.axes.get(axis + 2).filter(|moved| moved.up == 1)?;
            own.extents[axis] += (part.map.kernel.taps[axis + 2] - 1) * source.steps[axis];
            own.steps[axis] *= moved.stride;
        }
        let wider = widest.as_ref().is_none_or(|widest| own.extents > widest.extents);
        if wider {
            widest = Some(own);
        }
    }
    let mut field = widest?;
    if let Some(settings) =
        term.op.name.strip_prefix("MaxPool ").or(term.op.name.strip_prefix("AveragePool "))
    {
        let numbers: Vec<usize> =
            settings.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect();
        for axis in 0..axes {
            let (size, stride) = (numbers.get(axis)?, numbers.get(axis + axes)?);
            field.extents[axis] += (size.checked_sub(1)?) * field.steps[axis];
            field.steps[axis] *= stride;
        }
    }
    Some(field)
}
